// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Drained unmaps whose memory is given back together, in the order of their addresses. They are linked through
 * themselves, so that a batch is made once, before it is needed, and takes any number of them.
 *
 * <p>Not thread-safe.
 */
final class Batch {
    /** Intervals that leave the tree in one step at most: a longer step loses more races against other changes. */
    private static final int STEP = 64;

    private final @Nullable PendingUnmap[] runs; // sorted; that of level n has 2^n unmaps
    private final long[] intervals;
    private int count;

    /** For as many unmaps at most. */
    Batch(final int most) {
        runs = new PendingUnmap[Integer.SIZE - Integer.numberOfLeadingZeros(most)];
        intervals = new long[2 * Math.min(most, STEP)];
    }

    /** Forgets what is in it. */
    void clear() {
        Arrays.fill(runs, null);
        count = 0;
    }

    /** Adds one that is in no other batch. */
    void add(final PendingUnmap pending) {
        pending.behind = null;
        PendingUnmap run = pending;
        int level = 0;
        for (PendingUnmap same = runs[level]; same != null; same = runs[level]) {
            run = merged(same, run);
            runs[level] = null;
            level++;
        }
        runs[level] = run;
    }

    /** Takes all of them out, linked in order; this is the first one. */
    @Nullable PendingUnmap takeSorted() {
        PendingUnmap all = null;
        for (int level = 0; level < runs.length; level++) {
            final PendingUnmap run = runs[level];
            if (run != null) {
                all = all == null ? run : merged(run, all);
                runs[level] = null;
            }
        }
        return all;
    }

    private static PendingUnmap merged(final PendingUnmap one, final PendingUnmap other) {
        final PendingUnmap first = one.start() <= other.start() ? one : other;
        PendingUnmap last = first;
        PendingUnmap rest = first == one ? other : one; // of what last is not in
        while (rest != null) {
            final PendingUnmap next = last.behind;
            if (next == null || next.start() > rest.start()) {
                last.behind = rest;
                last = rest;
                rest = next;
            } else {
                last = next;
            }
        }
        return first;
    }

    /** Notes an interval that is to leave the tree; whether there is room for one more. */
    boolean note(final PendingUnmap pending) {
        intervals[2 * count] = pending.start();
        intervals[2 * count + 1] = pending.record();
        count++;
        return count < STEP;
    }

    /** Start and record of each interval that was noted. */
    long[] intervals() {
        return intervals;
    }

    /** How many were noted; none are any more. */
    int takeNoted() {
        final int noted = count;
        count = 0;
        return noted;
    }
}
