// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.Stamps;

/**
 * The adjacent regions that the current thread holds exclusively for a single change of the structure, until they have
 * moved, are unmapped, or are released.
 */
final class HeldRegions implements Publication.Owner, AutoCloseable {
    /*
     * Made before anything is locked, so that nothing has to be made between the granting of a lock and the note of it.
     */
    private static final long ENDED = 0;
    private static final int MOST = 2; // a merge

    private final String operation;
    private final RegionLock lock;
    private final RegionRegistry registry;
    private final RangeLock.Passage passage;
    private final RegionHandle[] regions = new RegionHandle[MOST];
    private final Extent[] extents = new Extent[MOST];
    private final long[] stamps = new long[MOST];
    private int count;

    /** Holds nothing yet, under the right to change the structure where the regions are, which ends after it. */
    HeldRegions(final String operation, final RegionLock lock, final RegionRegistry registry,
                final RangeLock.Passage passage) {
        this.operation = operation;
        this.lock = lock;
        this.registry = registry;
        this.passage = passage;
    }

    /** Locks one more region, which lies behind the others. */
    Reshape hold(final RegionHandle region) {
        final long record = region.record();
        regions[count] = region;
        try (Waiting waiting = region.space().patience(operation, region)) {
            final long stamp = region.exclusive(waiting);
            stamps[count] = stamp; // no call in between
            if (stamp <= 0) {
                throw region.refused(operation, stamp);
            }
            final Extent extent = Extent.of(record, region.space().base(), registry.file(record),
                registry.labels().name(record));
            extents[count] = extent;
            count++;
            return Reshape.of(operation, region, extent);
        }
    }

    /** The region that was held first. */
    RegionHandle first() {
        return regions[0];
    }

    /** The right to change the structure where the regions are. */
    RangeLock.Passage passage() {
        return passage;
    }

    /** Takes note of all of them as replaced, by regions or by nothing. */
    void addTo(final Publication publication, final boolean goOn) {
        for (int i = 0; i < count; i++) {
            publication.replace(regions[i].record(), extents[i], goOn);
        }
    }

    private int indexOf(final long record) {
        for (int i = 0; i < MOST; i++) {
            final RegionHandle region = regions[i];
            if (region != null && region.record() == record) {
                return i;
            }
        }
        throw new IllegalStateException("not a region of this change: record=" + record);
    }

    @Override
    public boolean holds(final long record) {
        return lock.isExclusive(record, stamps[indexOf(record)]);
    }

    @Override
    public void attach(final long record) {
        RegionLock.attach(record);
    }

    @Override
    public void withdraw(final long record) {
        // A late user of an earlier life may have the lock word for a moment.
        final long incarnation = RecordLayout.incarnation(record);
        while (lock.tryDetach(record, incarnation) <= 0) {
            Thread.onSpinWait();
        }
        while ((RecordLayout.lockVolatile(record) & RecordLayout.COUNT) != 0) {
            Thread.onSpinWait();
        }
    }

    @Override
    public void move(final long record) {
        final int index = indexOf(record);
        lock.move(record, stamps[index]);
        stamps[index] = ENDED;
    }

    @Override
    public void detach(final long record) {
        final int index = indexOf(record);
        lock.detachExclusive(record, stamps[index]);
        stamps[index] = ENDED;
    }

    @Override
    public void abandon(final long record) {
        detach(record);
    }

    /** Releases what has neither moved nor is unmapped. */
    @Override
    public void close() {
        try {
            release(1);
        } finally {
            release(0);
        }
    }

    private void release(final int index) {
        final long stamp = stamps[index];
        if (Stamps.isExclusive(stamp)) {
            lock.endExclusive(regions[index].record(), stamp);
            stamps[index] = ENDED;
        }
    }
}
