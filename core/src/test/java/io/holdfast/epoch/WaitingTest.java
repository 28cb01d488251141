// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.NoOpIdleStrategy;
import org.junit.jupiter.api.Test;

/** Waiting: timeouts and interrupts (G11). */
class WaitingTest {
    private static Waiting waiting(final long timeoutNs, final boolean interruptible) {
        return new Waiting(NoOpIdleStrategy::new, timeoutNs, interruptible, Waiting.FOREVER);
    }

    @Test
    void noPatienceMustGiveUpAtTheFirstPause() {
        for (final long timeoutNs : new long[] {0, -1, Long.MIN_VALUE}) {
            try (Waiting waiting = waiting(timeoutNs, true)) {
                assertThat(waiting.pause()).isFalse();
                assertThat(waiting.endedByInterrupt()).isFalse();
            }
        }
    }

    @Test
    void patienceMustEndWithTheTime() {
        try (Waiting waiting = waiting(TimeUnit.MILLISECONDS.toNanos(2), false)) {
            final long start = System.nanoTime();
            int pauses = 0;
            while (waiting.pause()) {
                pauses++;
            }
            assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(1));
            assertThat(waiting.elapsedNs()).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(2));
            assertThat(pauses).isNotNegative();
        }
    }

    @Test
    void theLongestTimeoutsMustNotOverflow() {
        for (final long timeoutNs : new long[] {Long.MAX_VALUE, Long.MAX_VALUE - 1, Long.MAX_VALUE / 2}) {
            try (Waiting waiting = new Waiting(NoOpIdleStrategy::new, timeoutNs, true, timeoutNs)) {
                for (int i = 0; i < 1000; i++) {
                    assertThat(waiting.pause()).isTrue();
                    assertThat(waiting.reportDue()).isFalse();
                }
            }
        }
    }

    @Test
    void anInterruptMustEndAnInterruptibleWait() {
        try (Waiting waiting = waiting(Waiting.FOREVER, true)) {
            assertThat(waiting.pause()).isTrue();
            Thread.currentThread().interrupt();
            assertThat(waiting.pause()).isFalse();
            assertThat(waiting.endedByInterrupt()).isTrue();
        }
        assertThat(Thread.interrupted()).as("it became an exception").isFalse();
    }

    @Test
    void anInterruptFromBeforeMustEndAnInterruptibleWait() {
        Thread.currentThread().interrupt();
        try (Waiting waiting = waiting(Waiting.FOREVER, true)) {
            assertThat(waiting.pause()).isFalse();
            assertThat(waiting.endedByInterrupt()).isTrue();
        }
        assertThat(Thread.interrupted()).isFalse();
    }

    @Test
    void anInterruptMustNeitherEndAnotherWaitNorGetLost() {
        Thread.currentThread().interrupt();
        try (Waiting waiting = waiting(Waiting.FOREVER, false)) {
            assertThat(waiting.pause()).isTrue();
            assertThat(Thread.currentThread().isInterrupted()).as("parking still parks").isFalse();
            Thread.currentThread().interrupt();
            assertThat(waiting.pause()).isTrue();
            assertThat(waiting.endedByInterrupt()).isFalse();
        }
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void anInterruptAfterTheWaitMustStay() {
        try (Waiting waiting = waiting(0, true)) {
            assertThat(waiting.pause()).isFalse();
            Thread.currentThread().interrupt();
        }
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void noStrategyMustBeMadeWithoutAPause() {
        final AtomicInteger made = new AtomicInteger();
        try (Waiting waiting = new Waiting(() -> {
            made.incrementAndGet();
            return new NoOpIdleStrategy();
        }, Waiting.FOREVER, true, 0)) {
            waiting.reset();
            assertThat(waiting.elapsedNs()).isZero();
            assertThat(made).hasValue(0);
            assertThat(waiting.pause()).isTrue();
            assertThat(waiting.pause()).isTrue();
            assertThat(made).hasValue(1);
        }
    }

    @Test
    void resetMustReachTheStrategy() {
        final AtomicInteger resets = new AtomicInteger();
        final IdleStrategy strategy = new IdleStrategy() {
            @Override
            public void idle(final int workCount) {
                idle();
            }

            @Override
            public void idle() {
                assertThat(resets.get()).isLessThan(2);
            }

            @Override
            public void reset() {
                resets.incrementAndGet();
            }
        };
        try (Waiting waiting = new Waiting(() -> strategy, Waiting.FOREVER, false, Waiting.FOREVER)) {
            waiting.pause();
            waiting.reset();
        }
        assertThat(resets).hasValue(1);
    }

    @Test
    void reportsMustComeOncePerPeriod() {
        try (Waiting waiting = new Waiting(NoOpIdleStrategy::new, Waiting.FOREVER, false, 1_000_000)) {
            int reports = 0;
            while (waiting.elapsedNs() < 10_000_000) {
                assertThat(waiting.pause()).isTrue();
                reports += waiting.reportDue() ? 1 : 0;
            }
            assertThat(reports).isBetween(1, 10);
        }
    }
}
