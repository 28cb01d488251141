// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.util.function.LongSupplier;
import org.HdrHistogram.Histogram;

/** Does something at fixed times, and measures each from when it was due (no coordinated omission). */
final class Paced {
    private Paced() {
    }

    /**
     * Does it until the end.
     *
     * @param begin      when it is due first, as {@link System#nanoTime()}
     * @param intervalNs from one time to the next
     * @param late       gets how long each took
     * @return the sum of the results
     */
    static long run(final long begin, final long end, final int intervalNs, final Histogram late, final LongSupplier step) {
        long sum = 0;
        for (long due = begin; due < end; due += intervalNs) {
            while (System.nanoTime() < due) {
                Thread.onSpinWait();
            }
            sum += step.getAsLong();
            late.recordValue(Math.min(late.getHighestTrackableValue(), Math.max(0, System.nanoTime() - due)));
        }
        return sum;
    }
}
