// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.RegionCursor;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.lock.RegionLock;
import io.holdfast.tree.Cursor;
import org.jspecify.annotations.Nullable;

/** A position in the live tree. */
public final class CursorHandle implements RegionCursor {
    private final SpaceHandle space;
    private final EpochDomain domain;
    private final Cursor cursor;

    CursorHandle(final SpaceHandle space) {
        this.space = space;
        this.domain = space.core().domain();
        this.cursor = space.core().tree().cursor();
    }

    @Override
    public RegionCursor seek(final long address) {
        cursor.seek(address);
        return this;
    }

    @Override
    public long position() {
        return cursor.position();
    }

    @Override
    public @Nullable RegionHandle next() {
        return step(true);
    }

    @Override
    public @Nullable RegionHandle previous() {
        return step(false);
    }

    private @Nullable RegionHandle step(final boolean forward) {
        space.gate().checkOpen("cursor");
        final long before = cursor.position();
        domain.pinStructure();
        try {
            long position = before;
            while (forward ? cursor.next() : cursor.previous()) {
                final long record = cursor.interval().value();
                final boolean attached = RegionLock.isAttached(record);
                if (space.core().lifetimes().settle(record) && attached) {
                    return space.region(record);
                }
                if (RegionLock.isMoved(record) && isReplaced(record)) {
                    // The tree has shown what came into its place before it was moved. What of that lies behind the
                    // position has been shown.
                    cursor.seek(position);
                }
                position = cursor.position();
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
