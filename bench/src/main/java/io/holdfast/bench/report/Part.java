// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Rows that are run together.
 *
 * @param name        by which the part can be asked for
 * @param include     regular expression of the rows, as JMH takes it
 * @param params      values that replace those in the class, by name
 * @param threads     each of which all rows are run with; 0 is what the class says
 * @param groups      threads for each member of a group, in the order of their names; empty is what the class says
 * @param pace        of the measurement; of rows that say themselves for how long they run, only the processes count
 * @param onceSeconds how long such a row takes in a process, roughly; 0 for the others
 * @param allocation  whether allocated bytes are counted
 */
record Part(String name, String include, Map<String, List<String>> params, List<Integer> threads,
            List<Integer> groups, Pace pace, int onceSeconds, boolean allocation) {
    /** Rows with iterations of a fixed length. */
    static Part timed(final String name, final String include, final Pace pace) {
        return new Part(name, include, Map.of(), List.of(1), List.of(), pace, 0, false);
    }

    /** Rows that run once. */
    static Part once(final String name, final String include, final Pace pace, final int seconds) {
        return new Part(name, include, Map.of(), List.of(0), List.of(), pace, seconds, false);
    }

    Part with(final String param, final Object... values) {
        final Map<String, List<String>> more = new TreeMap<>(params);
        more.put(param, Arrays.stream(values).map(Object::toString).toList());
        return new Part(name, include, more, threads, groups, pace, onceSeconds, allocation);
    }

    Part threads(final Integer... counts) {
        return new Part(name, include, params, List.of(counts), groups, pace, onceSeconds, allocation);
    }

    Part groups(final Integer... counts) {
        return new Part(name, include, params, List.of(0), List.of(counts), pace, onceSeconds, allocation);
    }

    Part allocations() {
        return new Part(name, include, params, threads, groups, pace, onceSeconds, true);
    }

    Part pace(final Pace other) {
        return new Part(name, include, params, threads, groups, other, onceSeconds, allocation);
    }

    boolean isTimed() {
        return onceSeconds == 0;
    }
}
