// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * Runs the two actors of a stress test against each other, state by state and side by side, and counts bad results.
 *
 * <p>Two threads meet before each state. The meeting stores and loads like the actors do and drains no store buffer, so
 * what a processor reorders is seen as often as it can be. Runs are bounded by rounds, not by time.
 */
final class Litmus<S> {
    private static final int BATCH = 256;
    private static final int PATIENCE = 2_000;

    private final Supplier<S> fresh;
    private final BiConsumer<S, II_Result> first;
    private final BiConsumer<S, II_Result> second;
    private final Bad bad;
    private final Progress firstAt = new Progress();
    private final Progress secondAt = new Progress();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final II_Result[] firstResults = new II_Result[BATCH];
    private final II_Result[] secondResults = new II_Result[BATCH];
    private final Object[] states = new Object[BATCH];
    private volatile long batches;
    private volatile long answered;
    private volatile boolean ended;

    /** Whether a result must never be seen. */
    @FunctionalInterface
    interface Bad {
        boolean test(int first, int second);
    }

    /** How far a thread is, alone in its cache lines. */
    private static final class Progress {
        private final AtomicLong[] padded = new AtomicLong[64];

        Progress() {
            for (int i = 0; i < padded.length; i++) {
                padded[i] = new AtomicLong();
            }
        }

        AtomicLong value() {
            return padded[padded.length / 2];
        }
    }

    Litmus(final Supplier<S> fresh, final BiConsumer<S, II_Result> first, final BiConsumer<S, II_Result> second,
           final Bad bad) {
        this.fresh = fresh;
        this.first = first;
        this.second = second;
        this.bad = bad;
    }

    /** Runs until {@code enough} says so of the number of bad results, or all rounds are over; returns that number. */
    int run(final long rounds, final IntPredicate enough) throws InterruptedException {
        final Thread other = new Thread(this::answer, "litmus");
        other.start();
        int seen = 0;
        try {
            for (long done = 0; done < rounds && !enough.test(seen); done += BATCH) {
                seen += batch();
            }
        } catch (final Throwable e) {
            failure.set(e); // or the other would wait for ever
        } finally {
            ended = true;
            other.join();
        }
        if (failure.get() != null) {
            throw new AssertionError("an actor failed", failure.get());
        }
        return seen;
    }

    private int batch() {
        for (int i = 0; i < BATCH; i++) {
            states[i] = fresh.get();
            firstResults[i] = new II_Result();
            secondResults[i] = new II_Result();
        }
        final long number = batches + 1;
        batches = number;
        act(number, firstAt.value(), secondAt.value(), first, firstResults);
        while (answered != number && failure.get() == null) {
            Thread.onSpinWait();
        }
        int seen = 0;
        for (int i = 0; i < BATCH; i++) {
            seen += bad.test(firstResults[i].r1, secondResults[i].r2) ? 1 : 0;
        }
        return seen;
    }

    private void answer() {
        try {
            while (!ended) {
                final long number = batches;
                if (number != answered) {
                    act(number, secondAt.value(), firstAt.value(), second, secondResults);
                    answered = number;
                }
                Thread.onSpinWait();
            }
        } catch (final Throwable e) {
            failure.set(e);
        }
    }

    @SuppressWarnings("unchecked")
    private void act(final long number, final AtomicLong mine, final AtomicLong others,
                     final BiConsumer<S, II_Result> actor, final II_Result[] results) {
        final long start = number * BATCH;
        for (int i = 0; i < BATCH; i++) {
            mine.setRelease(start + i);
            int spins = 0;
            while (others.getAcquire() < start + i && failure.get() == null) {
                if (++spins > PATIENCE) {
                    YieldingIdleStrategy.INSTANCE.idle();
                }
            }
            actor.accept((S) states[i], results[i]);
        }
    }
}
