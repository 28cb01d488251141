// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.SpaceStatistics;
import io.holdfast.epoch.Stripes;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Counts times in classes that are an eighth of a power of two wide, as HdrHistogram does with three bits. Counting
 * allocates nothing; threads of different stripes write to different arrays.
 *
 * <p>Thread-safe.
 */
final class TimeHistogram {
    private static final int BITS = 3;
    /** Shorter times are of the first class. */
    private static final int LOWEST = 8;
    /** Longer ones, of 18 minutes, of the last. */
    private static final int HIGHEST = 40;
    private static final int CLASSES = (HIGHEST - LOWEST << BITS) + 1;

    private final AtomicLongArray[] stripes = new AtomicLongArray[Stripes.COUNT];

    TimeHistogram() {
        for (int i = 0; i < stripes.length; i++) {
            stripes[i] = new AtomicLongArray(CLASSES);
        }
    }

    /** Counts a time. */
    void add(final long ns) {
        stripes[Stripes.mine()].getAndIncrement(classOf(ns));
    }

    private static int classOf(final long ns) {
        if (ns < 1L << LOWEST) {
            return 0;
        }
        final int exponent = Long.SIZE - 1 - Long.numberOfLeadingZeros(ns);
        if (exponent >= HIGHEST) {
            return CLASSES - 1;
        }
        final int part = (int) (ns >>> exponent - BITS) & (1 << BITS) - 1;
        return 1 + (exponent - LOWEST << BITS) + part;
    }

    /** The first time that is too long for a class. */
    private static long boundOf(final int number) {
        if (number == 0) {
            return 1L << LOWEST;
        }
        final int exponent = LOWEST + (number - 1 >>> BITS);
        final int part = (number - 1 & (1 << BITS) - 1) + 1;
        return (1L << exponent) + ((long) part << exponent - BITS);
    }

    /** The percentiles of what was counted before. */
    SpaceStatistics.Times times() {
        final long[] counts = new long[CLASSES];
        long count = 0;
        int last = 0;
        for (final AtomicLongArray stripe : stripes) {
            for (int i = 0; i < CLASSES; i++) {
                final long some = stripe.get(i);
                counts[i] += some;
                count += some;
                last = some == 0 ? last : Math.max(last, i);
            }
        }
        return count == 0 ? new SpaceStatistics.Times(0, 0, 0, 0, 0, 0) : new SpaceStatistics.Times(count,
            percentile(counts, count, 500), percentile(counts, count, 900), percentile(counts, count, 990),
            percentile(counts, count, 999), boundOf(last));
    }

    private static long percentile(final long[] counts, final long count, final long perMille) {
        final long rank = (long) Math.ceil(count * (perMille / 1000.0));
        long seen = 0;
        for (int i = 0; i < counts.length; i++) {
            seen += counts[i];
            if (seen >= rank) {
                return boundOf(i);
            }
        }
        return boundOf(counts.length - 1);
    }
}
