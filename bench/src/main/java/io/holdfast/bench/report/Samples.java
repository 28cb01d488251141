// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.DoubleStream;
import org.openjdk.jmh.util.ListStatistics;

/**
 * The iterations of one metric.
 *
 * @param unit  of each value
 * @param forks values by process
 */
record Samples(String unit, List<double[]> forks) {
    private static final double CONFIDENCE = 0.999;

    Samples {
        if (forks.isEmpty() || forks.stream().anyMatch(fork -> fork.length == 0)) {
            throw new IllegalArgumentException("metric without a value: unit=" + unit + ", forks=" + forks.size());
        }
    }

    /** These and those of another run. */
    Samples and(final Samples others) {
        if (!unit.equals(others.unit)) {
            throw new IllegalArgumentException("runs have different units: one=" + unit + ", other=" + others.unit);
        }
        final List<double[]> all = new ArrayList<>(forks);
        all.addAll(others.forks);
        return new Samples(unit, all);
    }

    /** Median of the processes' medians, so that one unlucky process does not decide. */
    double median() {
        return median(forkMedians());
    }

    /** Median of the process where it is least. */
    double lowestFork() {
        return Arrays.stream(forkMedians()).min().orElseThrow();
    }

    /** Median of the process where it is highest. */
    double highestFork() {
        return Arrays.stream(forkMedians()).max().orElseThrow();
    }

    /** Least of all values. */
    double least() {
        return values().min().orElseThrow();
    }

    /** Mean of all values. */
    double mean() {
        return values().average().orElseThrow();
    }

    /** Half the 99.9 % confidence interval of the mean, as JMH computes it; not a number for fewer than three values. */
    double error() {
        return new ListStatistics(values().toArray()).getMeanErrorAt(CONFIDENCE);
    }

    private DoubleStream values() {
        return forks.stream().flatMapToDouble(Arrays::stream);
    }

    private double[] forkMedians() {
        return forks.stream().mapToDouble(Samples::median).toArray();
    }

    private static double median(final double[] values) {
        final double[] sorted = values.clone();
        Arrays.sort(sorted);
        final int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
