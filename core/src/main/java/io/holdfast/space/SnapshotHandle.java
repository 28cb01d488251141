// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.RegionInfo;
import io.holdfast.SpaceSnapshot;
import io.holdfast.tree.Snapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A root of the tree, and the moment at which it was the root. */
public final class SnapshotHandle implements SpaceSnapshot {
    /*
     * The tree's roots say where regions were, and the times of their records which of them were mapped (Lifetimes). The
     * time is taken between two looks at the roots that find them unchanged, so roots and time are of one moment: a record
     * that is not in the tree was removed before it, with its end stamped, or inserted after it, to be attached later. The
     * pin keeps a root's node from being used again in between, so the same roots are the same tree.
     *
     * Lock-free: another round means that somebody else has changed the tree.
     */
    private final SpaceResources core;
    private final RegionRegistry registry;
    private final Snapshot snapshot;
    private final long time;

    SnapshotHandle(final SpaceResources core, final RegionRegistry registry) {
        this.core = core;
        this.registry = registry;
        Snapshot taken = core.tree().snapshot();
        boolean done = false;
        try {
            long now = core.lifetimes().tick();
            while (!taken.isCurrent()) {
                taken.close();
                taken = core.tree().snapshot();
                now = core.lifetimes().tick();
            }
            this.snapshot = taken;
            this.time = now;
            done = true;
        } finally {
            if (!done) {
                taken.close();
            }
        }
    }

    @Override
    public void forEach(final Predicate<RegionInfo> visitor) {
        snapshot.forEach(0, core.reservation().capacity(),
            (start, end, record) -> !core.lifetimes().isAlive(record, time) || visitor.test(registry.info(record)));
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
        if (record == 0 || !core.lifetimes().isAlive(record, time)) {
            return null;
        }
        final RegionInfo info = registry.info(record);
        return address >= info.address() && address < info.address() + info.size() ? info : null;
    }

    @Override
    public void close() {
        snapshot.close();
    }
}
