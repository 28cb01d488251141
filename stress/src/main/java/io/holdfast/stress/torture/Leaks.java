// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.AddressSpace;
import io.holdfast.SpaceStatistics;
import io.holdfast.space.SpaceInspector;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What a closed space must not have left behind; and the invariants that hold in one. */
public final class Leaks {
    /** Inside its range a closed space keeps what was never used, and the zeros of what was. */
    private static final int BACKGROUND_MAPPINGS = 3;
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(5);

    private final AddressSpace space;
    private final Path directory;
    private final LongSupplier died;

    /**
     * For a space.
     *
     * @param directory holds all files that are mapped
     * @param died      how many threads have ended with a lock on purpose
     */
    public Leaks(final AddressSpace space, final Path directory, final LongSupplier died) {
        this.space = space;
        this.directory = directory;
        this.died = died;
    }

    /** Fails if anything is left; waits a little for those who have just been refused to put away what they had. */
    public void check() {
        final long begin = System.nanoTime();
        Map<String, Long> found = found();
        while (!found.isEmpty() && System.nanoTime() - begin < PATIENCE_NS) {
            LockSupport.parkNanos(100_000);
            found = found();
        }
        if (!found.isEmpty()) {
            throw new Failure("left by a closed space: " + found + ", " + space);
        }
        checkInvariants(space);
    }

    /** Fails if an invariant does not hold in a space, open or closed, that no thread is inside of. */
    public static void checkInvariants(final AddressSpace space) {
        try {
            SpaceInspector.check(space);
        } catch (final IllegalStateException e) {
            throw new Failure(String.valueOf(e.getMessage()));
        }
    }

    /** What is not zero. */
    private Map<String, Long> found() {
        final SpaceStatistics statistics = space.statistics();
        final Map<String, Long> counts = new TreeMap<>();
        counts.put("regions", statistics.regions());
        counts.put("mapped bytes", statistics.mappedBytes());
        counts.put("unmaps not done", statistics.backlogUnmaps());
        counts.put("records", statistics.recordsInUse());
        counts.put("quarantined bytes", statistics.quarantinedBytes());
        counts.put("lost bytes", statistics.lostBytes());
        counts.put("guards or pins of dead threads", Math.max(0, statistics.orphanedSlots() - died.getAsLong()));
        counts.put("kernel mappings of files", mappings(line -> line.contains(directory.toString())));
        counts.put("kernel mappings inside the space",
            Math.max(0L, SpaceInspector.mappings(space) - BACKGROUND_MAPPINGS));
        counts.put("descriptors", descriptors());
        return counts.entrySet().stream().filter(entry -> entry.getValue() != 0)
            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    private static long mappings(final Predicate<String> which) {
        try {
            return Files.readAllLines(Path.of("/proc/self/maps")).stream().filter(which).count();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long descriptors() {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(descriptor -> {
                try {
                    return Files.readSymbolicLink(descriptor).startsWith(directory);
                } catch (final IOException closedMeanwhile) {
                    return false;
                }
            }).count();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
