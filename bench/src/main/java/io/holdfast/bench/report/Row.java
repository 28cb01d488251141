// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One benchmark with its parameters, as it was run.
 *
 * @param key       what it is
 * @param primary   its time
 * @param secondary counters and members of a group by name; without the profilers' metrics
 * @param allocated bytes for each operation, if that was measured
 */
record Row(Key key, Samples primary, SortedMap<String, Samples> secondary, @Nullable Samples allocated) {

    /**
     * What is measured.
     *
     * @param benchmark simple name of the class
     * @param method    or group
     * @param threads   that ran it
     * @param params    by name
     */
    record Key(String benchmark, String method, int threads, SortedMap<String, String> params) {
        boolean matches(final Selector selector) {
            return benchmark.equals(selector.benchmark()) && method.equals(selector.method()) &&
                (selector.threads() == 0 || threads == selector.threads()) &&
                params.entrySet().containsAll(selector.params().entrySet());
        }
    }

    /**
     * Which row, and what of it.
     *
     * @param benchmark simple name of the class
     * @param method    or group
     * @param metric    name of a secondary metric, or null for the primary one
     * @param threads   0 for any number
     * @param params    those that matter
     */
    record Selector(String benchmark, String method, @Nullable String metric, int threads, Map<String, String> params) {
        static Selector of(final String benchmark, final String method) {
            return new Selector(benchmark, method, null, 0, Map.of());
        }

        Selector metric(final String name) {
            return new Selector(benchmark, method, name, threads, params);
        }

        Selector threads(final int count) {
            return new Selector(benchmark, method, metric, count, params);
        }

        Selector method(final String name) {
            return new Selector(benchmark, name, metric, threads, params);
        }

        Selector with(final String name, final Object value) {
            final Map<String, String> more = new TreeMap<>(params);
            more.put(name, value.toString());
            return new Selector(benchmark, method, metric, threads, more);
        }
    }

    /** The same benchmark run once more. */
    Row and(final Row other) {
        final SortedMap<String, Samples> both = new TreeMap<>(secondary);
        other.secondary.forEach((name, samples) -> both.merge(name, samples, Samples::and));
        final Samples bytes = allocated == null || other.allocated == null
            ? allocated == null ? other.allocated : allocated
            : allocated.and(other.allocated);
        return new Row(key, primary.and(other.primary), both, bytes);
    }
}
