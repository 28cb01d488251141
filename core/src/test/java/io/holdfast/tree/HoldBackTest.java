// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.memory.NativeMemory;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Who is asked to wait waits, but never for ever. */
class HoldBackTest {
    private static final long HOUR_NS = TimeUnit.HOURS.toNanos(1);

    private final NativeMemory memory = NativeMemory.system();
    private final long word = memory.mapTable(memory.pageSize());

    /** Runs something each time that somebody waits. */
    private record Hook(Runnable action) implements IdleStrategy {
        @Override
        public void idle(final int workCount) {
            action.run();
        }

        @Override
        public void idle() {
            action.run();
        }

        @Override
        public void reset() {
            // Nothing to forget.
        }
    }

    private HoldBack holdBack(final Runnable whileWaiting) {
        return new HoldBack(word, () -> new Hook(whileWaiting));
    }

    private static Runnable never() {
        return () -> {
            throw new AssertionError("waited");
        };
    }

    @Test
    void withoutARequestNobodyMustWait() {
        final HoldBack holdBack = holdBack(never());
        holdBack.yieldTo();
        holdBack.end(holdBack.request(0, HOUR_NS, 0));
        holdBack.yieldTo();
        assertThat(holdBack.requests()).isEqualTo(1);
    }

    @Test
    void requestMustBeWaitedForUntilItEnds() {
        final AtomicInteger waits = new AtomicInteger();
        final AtomicReference<HoldBack> self = new AtomicReference<>();
        final long[] request = new long[1];
        final HoldBack holdBack = holdBack(() -> {
            if (waits.incrementAndGet() == 100) {
                self.get().end(request[0]);
            }
        });
        self.set(holdBack);
        request[0] = holdBack.request(0, HOUR_NS, 0);
        holdBack.yieldTo();
        assertThat(waits.get()).isEqualTo(100);
    }

    @Test
    void requestMustEndByItselfWhenItsMomentIsOver() {
        final AtomicInteger waits = new AtomicInteger();
        final HoldBack holdBack = holdBack(waits::incrementAndGet);
        assertThat(holdBack.request(0, 0, 0)).isNotZero();
        holdBack.yieldTo();
        assertThat(holdBack.request(0, 0, 0)).as("the next may ask now").isNotZero();
    }

    /** However long a thread was kept from its attempt, and however often it asks. */
    @Test
    void noRequestMustStandForMoreThanAFewSeconds() {
        final HoldBack holdBack = holdBack(never());
        for (final long attemptNs : new long[] {HOUR_NS, Long.MAX_VALUE / 4, Long.MAX_VALUE}) {
            for (final int repeated : new int[] {0, 6, 1000}) {
                final long request = holdBack.request(0, attemptNs, repeated);
                assertThat(request - System.nanoTime()).as("attempt=%d, repeated=%d", attemptNs, repeated)
                    .isLessThanOrEqualTo(TimeUnit.SECONDS.toNanos(4));
                holdBack.end(request);
            }
        }
    }

    @Test
    void aWaitThatThrowsMustLoseNoNodeAndLeaveNoPin() {
        final TreeFixture fixture = TreeFixture.with(TreeFixture.TINY);
        final IntervalTree tree = new IntervalTree(fixture.domain, memory, 0, 1024, TreeFixture.TINY,
            () -> new Hook(never()));
        for (int i = 0; i < 40; i++) {
            assertThat(tree.insert(i * 10L, i * 10L + 5, 1)).isTrue();
        }
        final long request = tree.holdBack().request(0, HOUR_NS, 0);
        for (final ThrowingCallable change : List.<ThrowingCallable>of(() -> tree.insert(5, 6, 1), () -> tree.remove(0),
            () -> tree.replace(0, 1024), () -> tree.remove(0, 1), tree::edit)) {
            assertThatThrownBy(change).hasMessage("waited");
            assertThat(fixture.domain.isStructurePinned()).isFalse();
        }
        tree.holdBack().end(request);
        tree.drain(BackoffIdleStrategy::new);
        fixture.domain.pin();
        try {
            final TreeInspector.Census census = TreeInspector.check(tree.zoning().base().rootAcquire(), TreeFixture.TINY);
            assertThat(census.intervals()).isEqualTo(40);
            assertThat(tree.freeNodes() + census.nodes()).isEqualTo(tree.nodes());
        } finally {
            fixture.domain.unpin();
        }
    }

    @Test
    void onlyOneMustAskAtATimeAndMayAskAgain() {
        final HoldBack holdBack = holdBack(never());
        final long first = holdBack.request(0, HOUR_NS, 0);
        assertThat(holdBack.request(0, HOUR_NS, 0)).isZero();
        final long second = holdBack.request(first, HOUR_NS, 1);
        assertThat(second).isNotZero().isNotEqualTo(first);
        holdBack.end(first);
        assertThat(holdBack.request(0, HOUR_NS, 0)).as("a request that was replaced does not end the next").isZero();
        holdBack.end(second);
        holdBack.yieldTo();
    }

    @Test
    void editsThatTakeTurnsMustNotBeWaitedForWithoutEnd() {
        final AtomicReference<HoldBack> self = new AtomicReference<>();
        final AtomicInteger turns = new AtomicInteger();
        final long[] request = new long[1];
        final HoldBack holdBack = holdBack(() -> {
            self.get().end(request[0]);
            request[0] = self.get().request(0, HOUR_NS + turns.incrementAndGet(), 0);
        });
        self.set(holdBack);
        request[0] = holdBack.request(0, HOUR_NS, 0);
        holdBack.yieldTo();
        assertThat(turns.get()).isBetween(2, 100);
    }

    @Test
    void singleChangeMustStandBackWhileAnEditAsksForIt() throws InterruptedException {
        final CountDownLatch waiting = new CountDownLatch(1);
        final TreeFixture fixture = TreeFixture.with(TreeFixture.TINY);
        final IntervalTree tree = new IntervalTree(fixture.domain, memory, 0, 1024, TreeFixture.TINY,
            () -> new Hook(waiting::countDown));
        final AtomicBoolean inserted = new AtomicBoolean();
        final long request = tree.holdBack().request(0, HOUR_NS, 0);
        final Thread single = new Thread(() -> inserted.set(tree.insert(0, 1, 1)));
        single.start();
        waiting.await();
        assertThat(inserted.get()).isFalse();
        fixture.pinned(() -> assertThat(tree.find(0)).isZero());
        tree.holdBack().end(request);
        single.join();
        assertThat(inserted.get()).isTrue();
    }
}
