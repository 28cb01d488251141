// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.ReservedStack;
import java.lang.foreign.Arena;

/** The arena of one region's shared segment, and the addresses that it shows. Thread-safe; it is closed once. */
final class SharedArena {
    private final long record;
    private final long incarnation;
    private final long start;
    private final long limit;
    private final Arena arena = Arena.ofShared();
    private boolean closing; // under this
    private volatile boolean closed;

    /** For a region in this life, which the caller holds. */
    SharedArena(final long record, final long incarnation, final long start, final long limit) {
        this.record = record;
        this.incarnation = incarnation;
        this.start = start;
        this.limit = limit;
    }

    Arena arena() {
        return arena;
    }

    boolean isOf(final long otherRecord, final long otherIncarnation) {
        return record == otherRecord && incarnation == otherIncarnation;
    }

    boolean overlaps(final long otherStart, final long otherLimit) {
        return start < otherLimit && otherStart < limit;
    }

    /** Whether no access through the segment can be in flight, or begin. */
    boolean isClosed() {
        return closed;
    }

    /** Closes the arena unless a call is in flight; whether it is closed. */
    boolean close() {
        if (!closed && beginClose()) {
            boolean done = false;
            try {
                ReservedStack.forBeginning(record);
                done = Era.close(arena);
            } finally {
                endClose(done);
            }
        }
        return closed;
    }

    private synchronized boolean beginClose() {
        final boolean mine = !closing;
        closing = true;
        return mine;
    }

    private synchronized void endClose(final boolean done) {
        closing = done;
        closed = done;
    }
}
