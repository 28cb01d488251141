// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.util.Comparator;
import java.util.PriorityQueue;

/**
 * Attempts with amounts between none and one that is enough, the widest gap first. Of two amounts with which an attempt
 * ends in the same place, those in between are left out.
 */
final class Narrowing {
    /** The end of an attempt that succeeded. */
    static final long SUCCESS = Long.MAX_VALUE;

    private final long grain;
    private final PriorityQueue<Between> open = new PriorityQueue<>(Comparator.comparingLong(each -> each.low - each.high));

    /** An attempt with an amount; names the place where it ended. */
    interface Attempt {
        long with(long amount) throws Exception;
    }

    private record Between(long low, long atLow, long high, long atHigh) {
    }

    Narrowing(final long grain) {
        this.grain = grain;
    }

    /** Attempts with none, and with other amounts, not more often than that in all. */
    void from(final long enough, final int most, final Attempt attempt) throws Exception {
        add(new Between(0, attempt.with(0), enough, SUCCESS));
        for (int i = 1; i < most && !open.isEmpty(); i++) {
            final Between next = open.remove();
            final long middle = (next.low + next.high) / 2 / grain * grain;
            final long end = attempt.with(middle);
            add(new Between(next.low, next.atLow, middle, end));
            add(new Between(middle, end, next.high, next.atHigh));
        }
    }

    private void add(final Between between) {
        if (between.high - between.low > grain && between.atLow != between.atHigh) {
            open.add(between);
        }
    }
}
