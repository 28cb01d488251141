// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.memory.NativeException;
import io.holdfast.tree.PreparedRemoval;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** Replaces regions that are held exclusively by others, in one step. */
final class Publisher {
    /*
     * Records for the new regions and nodes for the removal of what is given back are taken first, the new records are
     * described and attached. Then one change of the tree puts them in the place of the old ones: the point of no
     * return and the linearization point. The old records are moved after it, so that a lookup that finds an old one
     * and sees that it has moved finds the new ones when it looks again. Nothing waits and nothing can fail between the
     * two.
     *
     * A part that is given back gets a record that is never attached, so lookups miss it, and goes the way of every
     * unmap: pins from before, pages, interval, record.
     *
     * All of it happens under a pin, after a look at CLOSED: as for a map ([A1] there), a close finds either the old
     * regions, and waits for who holds them, or the new ones. The exclusive locks are taken before: a pinned thread
     * must not wait.
     */
    private final SpaceResources core;
    private final StructureGate gate;
    private final RegionRegistry registry;
    private final RegionLock lock;
    private final LongFunction<RegionHandle> handle;

    Publisher(final SpaceResources core, final StructureGate gate, final RegionRegistry registry, final RegionLock lock,
              final LongFunction<RegionHandle> handle) {
        this.core = core;
        this.gate = gate;
        this.registry = registry;
        this.lock = lock;
        this.handle = handle;
    }

    /** A region that the current thread holds exclusively, until it is released, has moved, or is unmapped. */
    final class Held implements AutoCloseable {
        private final RegionHandle region;
        private final long stamp;
        private final RangeLock.Passage passage;
        private boolean ended;

        private Held(final RegionHandle region, final long stamp, final RangeLock.Passage passage) {
            this.region = region;
            this.stamp = stamp;
            this.passage = passage;
        }

        /** The right to change the structure where the region is. */
        RangeLock.Passage passage() {
            return passage;
        }

        RegionHandle region() {
            return region;
        }

        Extent extent() {
            final long record = region.record();
            return Extent.of(record, core.reservation().base(), registry.file(record), registry.notes().name(record));
        }

        /** The region goes on elsewhere; its record is not retired yet. */
        void move() {
            lock.move(region.record(), stamp);
            ended = true;
        }

        /** The region is unmapped, and nothing comes in its place. */
        void unmap() {
            lock.detachExclusive(region.record(), stamp);
            ended = true;
        }

        @Override
        public void close() {
            if (!ended) {
                region.unlockExclusive(stamp);
            }
        }
    }

    /** Locks a region exclusively, under a passage that ends after it. */
    Held hold(final RegionHandle region, final String operation, final RangeLock.Passage passage) {
        try (Waiting waiting = region.space().waiting(Waiting.FOREVER, false)) {
            final long stamp = lock.exclusive(region.record(), region.incarnation(), waiting);
            if (stamp <= 0) {
                throw region.refused(operation, stamp);
            }
            return new Held(region, stamp, passage);
        }
    }

    /**
     * What there is after a change.
     *
     * @param regions the new regions, in order
     * @param given   what is to be given back
     */
    record Outcome(List<RegionHandle> regions, List<PendingUnmap> given) {
    }

    /** A new region, or a part that is given back, while it is prepared. */
    private static final class Fresh {
        private final Extent extent;
        private final boolean kept;
        private final long record;
        private @Nullable PreparedRemoval removal;
        private long incarnation;

        Fresh(final Extent extent, final boolean kept, final long record) {
            this.extent = extent;
            this.kept = kept;
            this.record = record;
        }
    }

    /**
     * Replaces.
     *
     * @param held  adjacent regions, in order
     * @param keep  the parts of them that go on as regions, in order
     * @param drop  the parts that are given back, in order
     */
    Outcome publish(final List<Held> held, final List<Extent> keep, final List<Extent> drop, final String operation) {
        final EpochDomain domain = core.domain();
        final List<Fresh> fresh = new ArrayList<>();
        boolean published = false;
        final int more = keep.size() - held.size();
        domain.pinStructure();
        try {
            gate.checkOpen(operation);
            registry.accountRegions(more, drop.size(), operation);
            try {
                prepare(keep, true, fresh);
                prepare(drop, false, fresh);
                show(held, fresh);
                published = true;
            } finally {
                if (!published) {
                    takeBack(fresh);
                    registry.unaccountRegions(more + drop.size());
                }
            }
            return complete(held, fresh);
        } catch (final NativeException e) {
            throw registry.refused(e);
        } finally {
            domain.unpinStructure();
        }
    }

    private void prepare(final List<Extent> extents, final boolean kept, final List<Fresh> fresh) {
        for (final Extent extent : extents) {
            final long record = core.records().allocate();
            final Fresh one = new Fresh(extent, kept, record);
            fresh.add(one);
            RecordLayout.describe(record, core.reservation().base() + extent.start() + extent.lead(), extent.start(),
                extent.limit(), extent.kind());
            RecordLayout.sizeRelease(record, extent.size());
            if (kept) {
                final FileRegion file = extent.file();
                if (file != null) {
                    registry.files().put(record, file);
                }
                registry.notes().add(record, extent.name());
            } else {
                one.removal = core.tree().prepareRemoval();
            }
        }
    }

    private void show(final List<Held> held, final List<Fresh> fresh) {
        final List<Fresh> ordered = fresh.stream()
            .sorted((one, other) -> Long.compare(one.extent.start(), other.extent.start())).toList();
        final long[] intervals = new long[ordered.size() * 3];
        int at = 0;
        for (final Fresh one : ordered) {
            intervals[at++] = one.extent.start();
            intervals[at++] = one.extent.limit();
            intervals[at++] = one.record;
            if (one.kept) {
                one.incarnation = RegionLock.attach(one.record);
            }
        }
        final long start = RecordLayout.start(held.getFirst().region.record());
        final long limit = RecordLayout.limit(held.getLast().region.record());
        final boolean replaced = core.tree().replace(start, limit, intervals);
        if (!replaced) {
            throw new IllegalStateException("the tree does not have the region that is held: " +
                held.getFirst().region.describe());
        }
    }

    private Outcome complete(final List<Held> held, final List<Fresh> fresh) {
        for (final Held old : held) {
            old.move();
        }
        final List<RegionHandle> regions = new ArrayList<>();
        final List<PendingUnmap> given = new ArrayList<>();
        boolean opened = false;
        for (final Fresh one : fresh) {
            if (one.kept) {
                regions.add(handle.apply(one.record));
                final FileRegion file = one.extent.file();
                opened |= file != null && file.keepsOpen();
            } else {
                given.add(new PendingUnmap(one.record, one.removal));
            }
        }
        for (final Held old : held) {
            registry.forgetMoved(old.region.record(), !opened);
        }
        return new Outcome(regions, given);
    }

    /** Undoes what was prepared; nobody has a handle to any of it. */
    private void takeBack(final List<Fresh> fresh) {
        for (final Fresh one : fresh) {
            if (one.incarnation != 0) {
                // A late user of an earlier life may have the lock word for a moment.
                while (lock.tryDetach(one.record, one.incarnation) <= 0) {
                    Thread.onSpinWait();
                }
            }
            final PreparedRemoval removal = one.removal;
            if (removal != null) {
                removal.close();
            }
            registry.files().remove(one.record);
            registry.notes().remove(one.record);
            core.retiredRecords().retire(one.record);
        }
    }
}
