// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.SpaceStatistics.Times;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Percentiles of times, beside sorted ones. */
class TimeHistogramTest {
    private static void assertBounds(final long exact, final long bound) {
        assertThat(bound).isBetween(exact, Math.max(256, exact + exact / 8 + 1));
    }

    @Test
    void aPercentileMustBeAtMostAnEighthTooLong() {
        final long seed = new Random().nextLong();
        System.out.println("seed " + seed);
        final Random random = new Random(seed);
        for (int round = 0; round < 20; round++) {
            final long[] times = random.longs(1 + random.nextInt(5000)).map(any -> any >>> 24 + random.nextInt(39))
                .toArray();
            final TimeHistogram histogram = new TimeHistogram();
            Arrays.stream(times).forEach(histogram::add);
            Arrays.sort(times);
            final Times bounds = histogram.times();
            assertThat(bounds.count()).isEqualTo(times.length);
            assertBounds(at(times, 0.5), bounds.medianNs());
            assertBounds(at(times, 0.9), bounds.p90Ns());
            assertBounds(at(times, 0.99), bounds.p99Ns());
            assertBounds(at(times, 0.999), bounds.p999Ns());
            assertBounds(times[times.length - 1], bounds.maxNs());
        }
    }

    private static long at(final long[] sorted, final double part) {
        return sorted[(int) Math.ceil(sorted.length * part) - 1];
    }

    @Test
    void theShortestAndTheLongestMustBeCounted() {
        final TimeHistogram histogram = new TimeHistogram();
        assertThat(histogram.times()).isEqualTo(new Times(0, 0, 0, 0, 0, 0)).hasToString("none");
        histogram.add(-1); // a clock that went back
        histogram.add(0);
        histogram.add(Long.MAX_VALUE);
        assertThat(histogram.times().count()).isEqualTo(3);
        assertThat(histogram.times().medianNs()).isEqualTo(256);
        assertThat(histogram.times().maxNs()).isGreaterThanOrEqualTo(1L << 40);
    }
}
