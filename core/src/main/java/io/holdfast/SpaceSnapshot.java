// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.layout.RecordLayout;
import io.holdfast.tree.Snapshot;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The regions of a space as they were at one moment, whatever happens meanwhile (guarantee G7): what a section published
 * is there as a whole or not at all. Taking one is O(1). It holds back the reuse of records and tree nodes until it is
 * closed, but neither changes nor the memory of regions.
 *
 * <p>A region whose map or unmap was under way when the snapshot was taken may be shown or not; a region that was mapped
 * later is not, and one that was unmapped later is. Sizes are those of the moment of looking, since regions grow in
 * place; the name and the file of a region that has gone since are not known any more.
 *
 * <p>Belongs to the thread that took it.
 */
public final class SpaceSnapshot implements AutoCloseable {
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

    private final SpaceCore core;
    private final SpaceEngine engine;
    private final Snapshot snapshot;
    private final long time;

    SpaceSnapshot(final SpaceCore core, final SpaceEngine engine) {
        this.core = core;
        this.engine = engine;
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

    /**
     * Shows all regions, in the order of their addresses, until the visitor has seen enough.
     *
     * @param visitor says whether it wants to see the next one
     * @throws IllegalStateException if the snapshot is closed
     * @throws WrongThreadException  if it is another thread's
     */
    public void forEach(final Predicate<RegionInfo> visitor) {
        snapshot.forEach(0, core.reservation().capacity(),
            (start, end, record) -> !isShown(record) || visitor.test(engine.info(record)));
    }

    /**
     * Lists all regions, in the order of their addresses.
     *
     * @return what each of them was
     * @throws IllegalStateException if the snapshot is closed
     * @throws WrongThreadException  if it is another thread's
     */
    public List<RegionInfo> regions() {
        final List<RegionInfo> regions = new ArrayList<>();
        forEach(regions::add);
        return regions;
    }

    /**
     * Finds the region that contained an address.
     *
     * @param address relative to the space
     * @return what it was, or null if there was none
     * @throws IllegalStateException if the snapshot is closed
     * @throws WrongThreadException  if it is another thread's
     */
    public @Nullable RegionInfo find(final long address) {
        if (address < 0 || address >= core.reservation().capacity()) {
            return null;
        }
        final long record = snapshot.find(address);
        if (record == 0 || !isShown(record)) {
            return null;
        }
        final RegionInfo info = engine.info(record);
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

    /**
     * Ends the snapshot; does nothing if it is closed.
     *
     * @throws WrongThreadException if it is another thread's
     */
    @Override
    public void close() {
        snapshot.close();
    }
}
