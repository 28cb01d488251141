// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.lock.Moves;
import io.holdfast.lock.RegionLock;
import io.holdfast.tree.Cursor;
import org.jspecify.annotations.Nullable;

/**
 * A position between the regions of a space that is in use, which moves over one region at a time, either way. It may show
 * a region twice, or one that reaches behind the position, when regions are split, merged or moved meanwhile; it never
 * leaves out addresses where regions stood before and after a change (guarantee G7).
 *
 * <p>It holds nothing between its steps, and finds its place by itself however long it was left standing. What it shows
 * may be gone already: lock the region, and where that is refused because it has {@linkplain Refusal#MOVED moved},
 * {@link #seek} back to its address. A step is wait-free up to the height of the tree and the regions that are being
 * unmapped. Not thread-safe; may be used by one thread after another.
 */
public final class RegionCursor {
    private final AddressSpace space;
    private final EpochDomain domain;
    private final Cursor cursor;

    RegionCursor(final AddressSpace space) {
        this.space = space;
        this.domain = space.core().domain();
        this.cursor = space.core().tree().cursor();
    }

    /**
     * Sets the position.
     *
     * @param address relative to the space; one outside of the space is taken for its nearest end
     * @return this
     */
    public RegionCursor seek(final long address) {
        cursor.seek(address);
        return this;
    }

    /** {@return the address that the cursor stands at} */
    public long position() {
        return cursor.position();
    }

    /**
     * Moves forward over one region.
     *
     * @return the region, or null, without moving, if there is none
     * @throws IllegalStateException if the space is closed
     */
    public @Nullable Region next() {
        return step(true);
    }

    /**
     * Moves backward over one region.
     *
     * @return the region, or null, without moving, if there is none
     * @throws IllegalStateException if the space is closed
     */
    public @Nullable Region previous() {
        return step(false);
    }

    private @Nullable Region step(final boolean forward) {
        space.engines().space().checkOpen("cursor");
        final long before = cursor.position();
        domain.pinStructure();
        try {
            while (forward ? cursor.next() : cursor.previous()) {
                final long record = cursor.interval().value();
                if (RegionLock.isAttached(record)) {
                    return space.region(record);
                }
                if (Moves.isMoved(record) && isReplaced(record)) {
                    // The tree has shown what came into its place before it was moved.
                    cursor.seek(forward ? cursor.interval().start() : cursor.interval().end());
                }
            }
            cursor.seek(before);
            return null;
        } finally {
            domain.unpinStructure();
        }
    }

    /** Whether the tree shows another record by now; if not, the region has moved away, and is not missing here. */
    private boolean isReplaced(final long record) {
        return space.core().tree().find(cursor.interval().start()) != record;
    }
}
