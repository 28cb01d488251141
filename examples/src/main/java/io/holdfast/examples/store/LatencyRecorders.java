// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.util.ArrayList;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.HdrHistogram.SingleWriterRecorder;
import org.HdrHistogram.ValueRecorder;
import org.jspecify.annotations.Nullable;

/**
 * Latencies of reads in nanoseconds. Each reader has a recorder of its own, unless there are so many that they share a
 * few; {@link #collect} moves what was recorded into the total and belongs to one thread.
 */
final class LatencyRecorders {
    private static final long HIGHEST_NS = 60_000_000_000L;
    private static final int DIGITS = 3;
    private static final int RECORDERS_MAX = 16;

    private final List<Source> sources = new ArrayList<>();
    private final Histogram total = new Histogram(HIGHEST_NS, DIGITS);

    LatencyRecorders(final int readers) {
        final boolean shared = readers > RECORDERS_MAX;
        for (int i = 0; i < Math.min(readers, RECORDERS_MAX); i++) {
            sources.add(shared ? Source.shared() : Source.single());
        }
    }

    /** The recorder of a reader. */
    ValueRecorder recorder(final int reader) {
        return sources.get(reader % sources.size()).recorder;
    }

    /** Takes over what has been recorded so far and returns the total. */
    Histogram collect() {
        for (final Source source : sources) {
            source.moveInto(total);
        }
        return total;
    }

    /** The value to record for a duration, within what the histograms can hold. */
    static long clamp(final long durationNs) {
        return Math.clamp(durationNs, 0, HIGHEST_NS);
    }

    private static final class Source {
        private final ValueRecorder recorder;
        private final UnaryInterval interval;
        private @Nullable Histogram recycled;

        /** Exchanges the histogram that is being recorded into. */
        @FunctionalInterface
        private interface UnaryInterval {
            Histogram next(@Nullable Histogram recycled);
        }

        private Source(final ValueRecorder recorder, final UnaryInterval interval) {
            this.recorder = recorder;
            this.interval = interval;
        }

        static Source single() {
            final SingleWriterRecorder recorder = new SingleWriterRecorder(HIGHEST_NS, DIGITS);
            return new Source(recorder, recorder::getIntervalHistogram);
        }

        static Source shared() {
            final Recorder recorder = new Recorder(HIGHEST_NS, DIGITS);
            return new Source(recorder, recorder::getIntervalHistogram);
        }

        void moveInto(final Histogram total) {
            final Histogram taken = interval.next(recycled);
            total.add(taken);
            recycled = taken;
        }
    }
}
