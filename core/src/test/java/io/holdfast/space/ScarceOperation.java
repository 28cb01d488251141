// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;

import io.holdfast.AddressSpace;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.RegionInfo;
import io.holdfast.space.OperationTable.Operation;
import io.holdfast.space.OperationTable.World;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A public operation that is done again and again where heap or stack are scarce. After each time, all that can be seen of
 * the space must be as before the operation, or as after it; and at the end a thread that is new to the space must be able
 * to use it, and its close must end.
 */
final class ScarceOperation {
    private static final int WARM_UPS = 3;
    private static final int ROUNDS = 100;
    private static final int PATIENCE_S = 5;

    /** What is scarce while an action runs. */
    interface Scarcity {
        /** Runs it; what it threw. */
        @Nullable Throwable run(Action action);
    }

    /** An action that may throw anything. */
    interface Action {
        void run() throws Exception;
    }

    /** How an attempt came out. */
    record Outcome(@Nullable Throwable failure, @Nullable String wrong) {
        boolean succeeded() {
            return failure == null && wrong == null;
        }
    }

    private final Operation operation;
    private AddressSpace space;
    private Path directory;
    private SpacePicture before;
    private SpacePicture after;

    ScarceOperation(final Operation operation) throws Exception {
        this.operation = operation;
        begin();
    }

    /** Every public operation that changes, takes or makes anything. */
    static List<Operation> rows() {
        return Stream.of(OperationTable.all(), QuietOperations.all()).flatMap(List::stream).toList();
    }

    /** Does the operation some times where nothing is scarce, in a new space. */
    private void begin() throws Exception {
        space = AddressSpace.builder().capacity(256L << 20).startReclaimer(false).open();
        directory = Files.createTempDirectory("scarce");
        for (int i = 0; i < WARM_UPS; i++) {
            final World world = world();
            final List<Region> regions = operation.world().apply(world);
            before = picture();
            operation.body().run(world, regions);
            finishInBackground();
            after = picture();
            tearDown();
        }
    }

    private World world() {
        return new World(space, directory);
    }

    private SpacePicture picture() {
        return SpacePicture.of(space, directory);
    }

    Outcome attempt(final Scarcity scarcity) throws Exception {
        final World world = world();
        final List<Region> regions = operation.world().apply(world);
        final Throwable failure = scarcity.run(() -> operation.body().run(world, regions));
        String wrong;
        try {
            final AutoCloseable left = world.open()[0];
            if (left != null) {
                left.close(); // an end that failed can be repeated
            }
            wrong = wrong(failure);
            tearDown();
        } catch (final Exception | AssertionError e) {
            wrong = "does not go on: " + e;
        }
        if (wrong != null) {
            begin(); // and lets the old one be
        }
        return new Outcome(failure, wrong);
    }

    private @Nullable String wrong(final @Nullable Throwable failure) throws Exception {
        finishInBackground();
        final SpacePicture now = picture();
        if (inside(space).core().domain().announcesAnything()) {
            return "something is announced in the thread's slots";
        }
        final boolean right = failure == null ? now.equals(after) : operation.isEither(now, before, after);
        return right ? null : "left   " + now + "\nbefore " + before + "\nafter  " + after;
    }

    private void finishInBackground() {
        for (int i = 0; i < ROUNDS && inside(space).unmapper().reclaimer().doRound() != 0; i++) {
            Thread.onSpinWait();
        }
    }

    private void tearDown() throws Exception {
        for (final RegionInfo info : space.maps()) {
            final Region region;
            try (Pin pin = space.pin()) {
                region = Objects.requireNonNull(pin.find(info.address()));
            }
            if (!region.unmap(PATIENCE_S, TimeUnit.SECONDS)) {
                throw new IllegalStateException("unmap waits: " + region);
            }
        }
        Resources.magazines(space).evictAll(); // the next one begins where this one did
    }

    /** What is wrong at the end, or null. */
    @Nullable String end() throws Exception {
        final AddressSpace last = space;
        final Thread stranger = new Thread(() -> {
            final Region region = last.map(1);
            region.exclusive().close();
            region.unmap();
        });
        stranger.start();
        stranger.join(TimeUnit.SECONDS.toMillis(PATIENCE_S));
        if (stranger.isAlive() || last.statistics().regions() != 0) {
            return "a new thread does not get on: " + last.statistics();
        }
        try (Stream<Path> files = Files.list(directory)) {
            for (final Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
        return last.close(PATIENCE_S, TimeUnit.SECONDS) ? null : "the close does not end: " + last.statistics();
    }

    @Override
    public String toString() {
        return operation.toString();
    }
}
