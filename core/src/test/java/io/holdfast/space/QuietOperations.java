// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Lease;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.RegionCursor;
import io.holdfast.RegionException;
import io.holdfast.space.OperationTable.Body;
import io.holdfast.space.OperationTable.Expected;
import io.holdfast.space.OperationTable.Leaves;
import io.holdfast.space.OperationTable.Operation;
import io.holdfast.space.OperationTable.World;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * The public operations that change nothing and make no call to the system, but take a lock, announce something or make
 * an object; each ends again what it has begun. They cannot fail in a call; heap and stack can end in them.
 */
final class QuietOperations {
    private static final long PAGE = SpaceFixture.PAGE;
    private static final int LENGTH = (int) (5 * PAGE) + 100;

    private QuietOperations() {
    }

    /** A lock of a stamp: an object that is there before the stamp is taken, so that nothing is needed to end it. */
    private static final class Stamped implements AutoCloseable {
        private final Region region;
        private long stamp;
        private boolean counted;

        Stamped(final Region region) {
            this.region = region;
        }

        @Override
        public void close() {
            if (stamp != 0) {
                if (counted) {
                    region.unlockCounted(stamp);
                } else {
                    region.unlockShared(stamp);
                }
                stamp = 0;
            }
        }
    }

    /** A lease that may have been ended, and its slices: all of them have, or none. */
    private record Leased(Lease lease, List<Lease> slices) implements AutoCloseable {
        @Override
        public void close() {
            final boolean current = lease.isCurrent();
            for (final Lease slice : slices) {
                boolean read = true;
                try {
                    check(slice.getByte(1));
                } catch (final RegionException e) {
                    read = false;
                }
                check(read == current);
            }
            lease.close();
        }
    }

    static List<Operation> all() {
        final List<Operation> rows = new ArrayList<>();
        guards(rows);
        stamps(rows);
        holds(rows);
        longLived(rows);
        views(rows);
        return rows;
    }

    private static void add(final List<Operation> rows, final String method, final String variant, final Body body) {
        rows.add(new Operation(method, variant, QuietOperations::filled, body, Leaves.BEFORE, Expected.WITHOUT_CALLS));
    }

    private static void check(final byte read) {
        check(read == SpaceFixture.byteAt(1));
    }

    private static void check(final boolean right) {
        if (!right) {
            throw new AssertionError("what was read is not what is there");
        }
    }

    private static List<Region> filled(final World world) {
        return List.of(world.filled(MapRequest.anonymous(LENGTH)));
    }

    // ----------------------------------------------------------------------------------------------------- locks

    private static void guards(final List<Operation> rows) {
        guard(rows, "Region.share", Region::share);
        guard(rows, "Region.tryShare", Region::tryShare);
        guard(rows, "Region.shareWritable", Region::shareWritable);
        guard(rows, "Region.tryShareWritable", Region::tryShareWritable);
        add(rows, "Region.share", "memory with a time", (world, regions) ->
            world.opened(regions.getFirst().share(1, TimeUnit.DAYS)).close());
        add(rows, "Guard.downgrade", "memory", (world, regions) -> {
            final Guard guard = world.opened(regions.getFirst().exclusive());
            guard.downgrade();
            guard.close();
        });
        add(rows, "Guard.toHold", "memory", (world, regions) -> {
            final Guard guard = world.opened(regions.getFirst().share());
            world.opened(guard.toHold()).close();
        });
    }

    private static void guard(final List<Operation> rows, final String method, final Function<Region, Guard> guard) {
        add(rows, method, "memory", (world, regions) -> {
            final Guard taken = world.opened(guard.apply(regions.getFirst()));
            check(taken.segment().get(JAVA_BYTE, 1));
            taken.close();
        });
    }

    private static void stamps(final List<Operation> rows) {
        stamp(rows, "Region.lockShared", Region::lockShared, false);
        stamp(rows, "Region.tryLockShared", Region::tryLockShared, false);
        stamp(rows, "Region.lockCounted", Region::lockCounted, true);
        stamp(rows, "Region.tryLockCounted", Region::tryLockCounted, true);
        add(rows, "Region.tryConvertToShared", "an exclusive lock", (world, regions) -> {
            final Region region = regions.getFirst();
            final Stamped lock = world.opened(new Stamped(region));
            final long exclusive = region.lockExclusive();
            try {
                lock.stamp = region.tryConvertToShared(exclusive);
            } finally { // a conversion that fails leaves the lock that there was
                if (lock.stamp == 0) {
                    region.unlockExclusive(exclusive);
                }
            }
            lock.close();
        });
        add(rows, "Region.tryConvertToCounted", "a shared lock", (world, regions) -> {
            final Region region = regions.getFirst();
            final Stamped lock = world.opened(new Stamped(region));
            lock.stamp = region.lockShared();
            lock.stamp = region.tryConvertToCounted(lock.stamp);
            lock.counted = true;
            lock.close();
        });
    }

    private static void stamp(final List<Operation> rows, final String method, final ToLongFunction<Region> take,
                              final boolean counted) {
        add(rows, method, "memory", (world, regions) -> {
            final Stamped lock = world.opened(new Stamped(regions.getFirst()));
            lock.counted = counted;
            lock.stamp = take.applyAsLong(lock.region);
            lock.close();
        });
    }

    private static void holds(final List<Operation> rows) {
        add(rows, "Region.hold", "memory", (world, regions) -> world.opened(regions.getFirst().hold()).close());
        add(rows, "Region.hold", "memory with a time", (world, regions) ->
            world.opened(regions.getFirst().hold(1, TimeUnit.DAYS)).close());
        add(rows, "Region.tryHold", "memory", (world, regions) -> world.opened(regions.getFirst().tryHold()).close());
        add(rows, "Hold.view", "memory", (world, regions) -> {
            try (Hold hold = regions.getFirst().hold()) {
                final Hold.View view = world.opened(hold.view());
                check(view.segment().get(JAVA_BYTE, 1));
                view.close();
            }
        });
        add(rows, "Hold.sharedSegment", "memory", (world, regions) -> {
            final Hold hold = world.opened(regions.getFirst().hold());
            check(hold.sharedSegment().get(JAVA_BYTE, 1));
            hold.close();
        });
    }

    // ----------------------------------------------------------------------------------------- long-lived access

    private static void longLived(final List<Operation> rows) {
        add(rows, "Region.lease", "memory", (world, regions) -> {
            final Lease lease = world.opened(regions.getFirst().lease());
            check(lease.getByte(1));
            lease.close();
        });
        add(rows, "Region.lease", "ended with its slices", (world, regions) -> {
            final Lease lease = regions.getFirst().lease();
            final List<Lease> slices = List.of(lease.slice(0, 8), lease.slice(0, 9), lease.slice(0, 7));
            world.opened(new Leased(lease, slices));
            lease.close();
            check(!lease.isCurrent());
        });
        add(rows, "Region.sharedSegment", "memory", (_, regions) ->
            check(regions.getFirst().sharedSegment().get(JAVA_BYTE, 1)));
        add(rows, "Region.read", "memory", (_, regions) -> {
            final byte read = regions.getFirst().read(3, segment -> segment.get(JAVA_BYTE, 1));
            check(read);
        });
        add(rows, "Region.optimisticSegment", "memory", (_, regions) -> {
            final Region region = regions.getFirst();
            final long stamp = region.tryOptimisticRead();
            check(region.optimisticSegment().get(JAVA_BYTE, 1));
            check(region.validate(stamp));
        });
    }

    // ------------------------------------------------------------------------------------------------- the space

    private static void views(final List<Operation> rows) {
        add(rows, "AddressSpace.pin", "a lookup", (world, regions) -> {
            final Pin pin = world.opened(world.space().pin());
            check(regions.getFirst().equals(pin.find(regions.getFirst().address())));
            pin.close();
        });
        add(rows, "AddressSpace.snapshot", "a listing", (world, regions) -> {
            final var snapshot = world.opened(world.space().snapshot());
            check(snapshot.regions().size() == regions.size());
            snapshot.close();
        });
        add(rows, "AddressSpace.cursor", "a step", (world, regions) -> {
            final RegionCursor cursor = world.space().cursor();
            check(regions.getFirst().equals(cursor.next()));
        });
        add(rows, "AddressSpace.read", "a range", (world, _) -> world.opened(world.space().read(0, PAGE)).close());
        add(rows, "AddressSpace.read", "a range with a time", (world, _) ->
            world.opened(world.space().read(0, PAGE, 1, TimeUnit.DAYS)).close());
        add(rows, "AddressSpace.tryRead", "a range", (world, _) -> {
            final AutoCloseable section = Objects.requireNonNull(world.space().tryRead(0, PAGE));
            world.opened(section).close();
        });
        look(rows, "AddressSpace.maps", AddressSpace::maps);
        look(rows, "AddressSpace.statistics", AddressSpace::statistics);
        look(rows, "AddressSpace.pendingUnmaps", AddressSpace::pendingUnmaps);
        look(rows, "AddressSpace.toString", AddressSpace::toString);
    }

    private static void look(final List<Operation> rows, final String method, final Function<AddressSpace, Object> look) {
        add(rows, method, "a look", (world, _) -> check(look.apply(world.space()) != null));
    }
}
