// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.RegionInfo;
import io.holdfast.SpaceSnapshot;
import io.holdfast.layout.RecordLayout;
import io.holdfast.tree.Snapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A root of the tree, and the moment at which it was the root. */
public final class SnapshotHandle implements SpaceSnapshot {
    /*
     * The tree's root says where regions were, and the times noted in their records which of them were mapped: single
     * maps and unmaps do not take effect at the tree. The clock is advanced between two looks at the root that find it
     * unchanged, so both are of one moment, unless changes come so fast that this fails MOST times.
     *
     *   lock word at the look   times                                   shown
     *   attached                begun before the snapshot, or no time   yes; else no
     *   detached                ended before the snapshot               no; else as if attached
     *   moved, unmapped         none: what came instead is in no tree   as if attached
     *                           that this region is in
     *   free                    never attached                          no
     *
     * A time is noted before the attaching, and after the detaching by the thread that has detached; who sees the one
     * without the other waits for that thread, for a while.
     */
    private static final int MOST = 100;
    private static final int SPINS = 1 << 16;
    private static final long FREE = 0;

    private final SpaceResources core;
    private final RegionRegistry registry;
    private final Snapshot snapshot;
    private final long time;

    SnapshotHandle(final SpaceResources core, final RegionRegistry registry) {
        this.core = core;
        this.registry = registry;
        Snapshot taken = core.tree().snapshot();
        long now = core.nextTime();
        for (int i = 0; i < MOST && !taken.isCurrent(); i++) {
            taken.close();
            taken = core.tree().snapshot();
            now = core.nextTime();
        }
        this.snapshot = taken;
        this.time = now;
    }

    @Override
    public void forEach(final Predicate<RegionInfo> visitor) {
        snapshot.forEach(0, core.reservation().capacity(),
            (start, end, record) -> !isShown(record) || visitor.test(registry.info(record)));
    }

    @Override
    public List<RegionInfo> regions() {
        final List<RegionInfo> regions = new ArrayList<>();
        forEach(regions::add);
        return regions;
    }

    @Override
    public @Nullable RegionInfo find(final long address) {
        if (address < 0 || address >= core.reservation().capacity()) {
            return null;
        }
        final long record = snapshot.find(address);
        if (record == 0 || !isShown(record)) {
            return null;
        }
        final RegionInfo info = registry.info(record);
        return address >= info.address() && address < info.address() + info.size() ? info : null;
    }

    private boolean isShown(final long record) {
        final long lock = RecordLayout.lockAcquire(record);
        if ((lock & (RecordLayout.ATTACHED | RecordLayout.EXCLUDING)) == FREE) {
            return false;
        }
        final long begun = RecordLayout.begun(record);
        if (begun != 0 && !RecordLayout.isBefore(begun, time)) {
            return false;
        }
        return (lock & RecordLayout.ATTACHED) != 0 || !hasEndedBefore(record, lock);
    }

    private boolean hasEndedBefore(final long record, final long lock) {
        long ended = RecordLayout.ended(record);
        if ((lock & RecordLayout.EXCLUSIVE) == 0) {
            for (int i = 0; i < SPINS && ended == 0; i++) {
                Thread.onSpinWait();
                ended = RecordLayout.ended(record);
            }
        }
        return ended != 0 && RecordLayout.isBefore(ended, time);
    }

    @Override
    public void close() {
        snapshot.close();
    }
}
