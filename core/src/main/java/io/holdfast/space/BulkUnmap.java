// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Region;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.Waiting;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.Stamps;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;

/** The announcement of many unmaps, of all or of none. Belongs to the thread that made it. */
final class BulkUnmap implements AutoCloseable {
    /*
     * Exclude all, in the order of their addresses; waiting for a writer lets go of all of them. Then detach all: who has
     * excluded a region cannot be refused any more, so the first detach is the point of no return of all of them, and what
     * follows it are stores. Others see one region after the other go.
     */
    private final RegionLock lock;
    private final SpaceResources core;
    private final StructureGate gate;
    private final RegionHandle[] regions;
    private final long[] records;
    private final long[] incarnations;
    private final Batch batch;

    private final PendingUnmap[] pending; // one for each region
    private final List<PendingUnmap> all;

    private BulkUnmap(final RegionLock lock, final SpaceResources core, final StructureGate gate,
                      final RegionHandle[] regions) {
        this.lock = lock;
        this.core = core;
        this.gate = gate;
        this.regions = regions;
        this.records = new long[regions.length];
        this.incarnations = new long[regions.length];
        this.pending = new PendingUnmap[regions.length];
        for (int i = 0; i < regions.length; i++) {
            records[i] = regions[i].record();
            incarnations[i] = regions[i].incarnation();
            pending[i] = new PendingUnmap();
            pending[i].leased = regions[i].isLeased();
        }
        this.all = Arrays.asList(pending);
        this.batch = new Batch(regions.length);
    }

    /**
     * For the regions of a space, which are checked before anything is taken.
     *
     * @throws io.holdfast.RegionException if one is unmapped
     * @throws IllegalArgumentException    if one is of another space, or comes twice
     */
    static BulkUnmap of(final SpaceHandle space, final Collection<? extends Region> all, final String operation) {
        space.gate().checkOpen(operation);
        final RegionHandle[] regions = all.toArray(RegionHandle[]::new);
        for (final RegionHandle region : regions) {
            Objects.requireNonNull(region, "region");
            if (!region.space().equals(space)) {
                throw new IllegalArgumentException(operation + " of a region of another space than " + space.name() + ": " +
                    region.describe() + "; nothing is unmapped");
            }
            if (!region.isMapped()) {
                throw region.refused(operation, RegionLock.refusal(region.record(), region.incarnation()));
            }
        }
        Arrays.sort(regions, Comparator.comparingLong(RegionHandle::address));
        for (int i = 1; i < regions.length; i++) {
            if (regions[i].equals(regions[i - 1])) {
                throw new IllegalArgumentException("unmap of a region that is named twice: " + regions[i].describe() +
                    "; nothing is unmapped");
            }
        }
        return new BulkUnmap(space.unmapper().lock(), space.core(), space.gate(), regions);
    }

    boolean isEmpty() {
        return regions.length == 0;
    }

    /** For its thread, at its end: what has come to no end is left to the reclaimer, or taken back. */
    @Override
    public void close() {
        for (int i = 0; i < pending.length; i++) {
            pending[i].close();
        }
    }

    /** The first by address, for messages. */
    RegionHandle first() {
        return regions[0];
    }

    /** What is to be ended once it is announced. */
    List<PendingUnmap> all() {
        return all;
    }

    /** Runs an action that throws nothing when the memory of all of them has been given back, in the thread that did it. */
    void whenGivenBack(final Runnable action) {
        final AtomicInteger left = new AtomicInteger(pending.length);
        for (final PendingUnmap each : pending) {
            each.whenGivenBack(() -> {
                if (left.decrementAndGet() == 0) {
                    action.run();
                }
            });
        }
    }

    Batch batch() {
        return batch;
    }

    /**
     * Detaches all of them.
     *
     * @param drains whether the thread is going to wait for readers, so that it must not be one itself
     * @return whether they are detached; if not, the waiting for a section or another writer gave up, and nothing has
     *     happened
     * @throws io.holdfast.RegionException if one has been unmapped or changed meanwhile; nothing has happened then
     */
    boolean announce(final Waiting waiting, final boolean drains) {
        final long result;
        try (RangeLock.Passage passage = gate.enter("unmap", regions[0], regions[regions.length - 1], waiting)) {
            result = passage == null ? Stamps.TIMED_OUT : lock.excludeAll(records, incarnations, drains, waiting);
            if (result > 0) {
                detachAll();
            }
        }
        if (result == Stamps.DETACHED || result == Stamps.MOVED) {
            throw gone(result);
        }
        return result > 0;
    }

    private void detachAll() {
        int detached = 0;
        try {
            for (int i = 0; i < records.length; i++) {
                pending[i].of(records[i]);
            }
            ReservedStack.forBeginning(records[0]); // for what follows the first detaching, up to the end of the last
            while (detached < records.length) {
                final PendingUnmap next = pending[detached];
                lock.detachExcluded(records[detached]);
                next.detached = true; // with no call between
                core.lifetimes().detached(records[detached]);
                detached++;
            }
        } finally {
            lock.withdrawAll(records, detached, records.length);
        }
    }

    private RuntimeException gone(final long result) {
        for (final RegionHandle region : regions) {
            if (!region.isMapped()) {
                return region.refused("unmap", RegionLock.refusal(region.record(), region.incarnation()));
            }
        }
        return regions[0].refused("unmap", result);
    }
}
