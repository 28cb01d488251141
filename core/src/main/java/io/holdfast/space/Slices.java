// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.ReservedStack;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The slices of a lease, so that whoever renews or ends it reaches them. Keeps none of them alive.
 *
 * <p>Thread-safe; nobody waits. Showing a segment needs no heap if it is {@link Renewal#NOTHING}.
 */
final class Slices {
    /*
     * A stack to which anybody may push, and from whose inside, but never from the top, one thread at a time takes what is
     * forgotten. Who stands on an entry that is taken out goes on from there to the same older ones, so a walk meets
     * each slice that was pushed before it began and is alive.
     */
    private static final int FEW = 32;
    private static final long SWEEPING = Long.MAX_VALUE;

    private final AtomicReference<@Nullable Entry> top = new AtomicReference<>();
    private final AtomicLong sweepAt = new AtomicLong(FEW); // the number of a slice, or SWEEPING

    /** A slice, and the one that was pushed before it. */
    private static final class Entry extends WeakReference<LeaseHandle> {
        private volatile @Nullable Entry older;
        private long number;

        Entry(final LeaseHandle slice) {
            super(slice);
        }
    }

    void add(final LeaseHandle slice) {
        final Entry entry = new Entry(slice);
        Entry older;
        do {
            older = top.get();
            entry.older = older;
            entry.number = older == null ? 1 : older.number + 1;
        } while (!top.compareAndSet(older, entry));
        final long due = sweepAt.get();
        if (entry.number >= due) {
            ReservedStack.forEnd(due); // who says that it sweeps has to take that back
            if (sweepAt.compareAndSet(due, SWEEPING)) {
                sweepAt.set(entry.number + Math.max(FEW, sweep(entry)));
            }
        }
    }

    /** Takes out what is forgotten below an entry; how many are left. */
    private static int sweep(final Entry from) {
        int left = 1;
        Entry last = from;
        for (Entry each = from.older; each != null; each = each.older) {
            if (each.refersTo(null)) {
                last.older = each.older;
            } else {
                last = each;
                left++;
            }
        }
        return left;
    }

    /** Shows all slices their parts of a segment of the region, which was made in an era. */
    void show(final MemorySegment all, final Era era) {
        for (Entry each = top.get(); each != null; each = each.older) {
            final LeaseHandle slice = each.get();
            if (slice != null) {
                slice.show(all, era);
            }
        }
    }
}
