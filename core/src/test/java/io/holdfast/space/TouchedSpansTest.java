// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.EpochTestSupport.Peer;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** How much threads have touched, and that nothing of it is forgotten beside who takes it. */
class TouchedSpansTest {
    private static final int NOTES = 1_000_000;
    private static final long FAR = 1L << 40;

    private final TouchedSpans spans = new TouchedSpans();

    @Test
    void aSpanMustReachFromTheLowestToTheHighestAddressOfItsStripe() {
        assertThat(spans.bytes()).isZero();
        spans.note(500, 600);
        assertThat(spans.bytes()).isEqualTo(100);
        spans.note(520, 530);
        assertThat(spans.bytes()).isEqualTo(100);
        spans.note(100, 200);
        spans.note(700, 900);
        assertThat(spans.bytes()).isEqualTo(800);
    }

    @Test
    void whatLiesBetweenTheSpansOfTwoStripesMustNotCount() {
        spans.note(0, 100);
        try (Peer other = Peer.ofAnotherStripe()) {
            other.run(() -> spans.note(FAR, FAR + 10));
        }
        assertThat(spans.bytes()).isEqualTo(110);
        assertThat(spans.take()).isEqualTo(FAR + 10);
        assertThat(spans.bytes()).isZero();
        assertThat(spans.take()).isZero();
    }

    /** [A3] */
    @Test
    void aRangeThatIsNotedMustBeTakenOrStayBesideATake() {
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong takes = new AtomicLong();
        final AtomicLong taken = new AtomicLong();
        final AtomicLong between = new AtomicLong();
        EpochTestSupport.together(2, number -> {
            if (number == 0) {
                while (!stop.get()) {
                    taken.accumulateAndGet(spans.take(), Math::max);
                    takes.incrementAndGet();
                }
                return;
            }
            try {
                for (long i = 1; i <= NOTES || between.get() < 1000; i++) {
                    final long before = takes.get();
                    spans.note(i, i + 1);
                    if (spans.bytes() == 0) { // it was taken, or is being taken
                        final long now = takes.get();
                        while (takes.get() == now) {
                            Thread.onSpinWait();
                        }
                        assertThat(taken.get()).as("note %d", i).isGreaterThanOrEqualTo(i + 1);
                    }
                    if (takes.get() != before) {
                        between.incrementAndGet();
                    }
                }
            } finally {
                stop.set(true);
            }
        });
        assertThat(between.get()).as("seen: takes beside notes").isGreaterThanOrEqualTo(1000);
    }
}
