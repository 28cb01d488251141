// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import io.holdfast.bench.report.Row.Selector;
import java.util.Optional;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * What the design asks of one row, mostly in proportion to another of the same run.
 *
 * @param what   the row, in words
 * @param beside what it is compared with, in words
 * @param kind   how they are compared
 * @param ours   the row
 * @param theirs the other one, if there is one
 * @param limit  of the ratio or value
 */
record Target(String what, String beside, Kind kind, Selector ours, @Nullable Selector theirs, double limit) {
    /** Below this a count of bytes is noise of the profiler's. */
    private static final double NO_BYTES = 0.5;

    /** How a row is judged. */
    enum Kind {
        /** Its time over the other's, at most. */
        TIME,
        /** Its throughput with all threads over the other's, at least. */
        THROUGHPUT,
        /** Bytes allocated for each operation, at most. */
        ALLOCATION,
        /** Its value, at most. */
        VALUE
    }

    /**
     * How it came out.
     *
     * @param value   ratio or value, of medians
     * @param lowest  that can be had from the medians of single processes
     * @param highest likewise
     * @param met     whether the value keeps to the limit
     */
    record Outcome(double value, double lowest, double highest, boolean met) {
    }

    /** Judges the rows, if all that it takes was run. */
    Optional<Outcome> judge(final Rows rows) {
        return switch (kind) {
            case TIME -> both(rows, (own, peer) -> outcome(own.median() / peer.median(),
                own.lowestFork() / peer.highestFork(), own.highestFork() / peer.lowestFork()));
            case THROUGHPUT -> both(rows, (own, peer) -> outcome(ours.threads() * peer.median() / own.median(),
                ours.threads() * peer.lowestFork() / own.highestFork(),
                ours.threads() * peer.highestFork() / own.lowestFork()));
            case ALLOCATION -> rows.find(ours).flatMap(row -> Optional.ofNullable(row.allocated())).map(this::value);
            case VALUE -> rows.samples(ours).map(this::value);
        };
    }

    private Optional<Outcome> both(final Rows rows, final BiFunction<Samples, Samples, Outcome> judge) {
        return theirs == null
            ? Optional.empty()
            : rows.samples(ours).flatMap(own -> rows.samples(theirs).map(peer -> judge.apply(own, peer)));
    }

    private Outcome value(final Samples samples) {
        return outcome(samples.median(), samples.lowestFork(), samples.highestFork());
    }

    private Outcome outcome(final double value, final double lowest, final double highest) {
        final boolean met = switch (kind) {
            case TIME -> value <= limit;
            case THROUGHPUT -> value >= limit;
            case ALLOCATION, VALUE -> value <= Math.max(limit, NO_BYTES);
        };
        return new Outcome(value, lowest, highest, met);
    }
}
