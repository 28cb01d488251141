// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.WaitReport;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Timed and interruptible acquires: what they throw, and that giving up leaves no trace (G11). */
class TimedLockTest extends SpaceFixture {
    /** A timed acquire, and a holder that it has to wait for. */
    enum Acquire {
        SHARED {
            @Override
            void run(final Region region, final long timeout, final TimeUnit unit) throws Exception {
                region.share(timeout, unit).close();
            }

            @Override
            AutoCloseable obstacle(final Region region) {
                return region.exclusive();
            }
        },
        SHARED_STAMP {
            @Override
            void run(final Region region, final long timeout, final TimeUnit unit) throws Exception {
                region.unlockShared(region.lockShared(timeout, unit));
            }

            @Override
            AutoCloseable obstacle(final Region region) {
                return region.exclusive();
            }
        },
        SHARED_WRITABLE {
            @Override
            void run(final Region region, final long timeout, final TimeUnit unit) throws Exception {
                region.shareWritable(timeout, unit).close();
            }

            @Override
            AutoCloseable obstacle(final Region region) {
                return region.exclusive();
            }
        },
        HOLD {
            @Override
            void run(final Region region, final long timeout, final TimeUnit unit) throws Exception {
                region.hold(timeout, unit).close();
            }

            @Override
            AutoCloseable obstacle(final Region region) {
                return region.exclusive();
            }
        },
        HOLD_STAMP {
            @Override
            void run(final Region region, final long timeout, final TimeUnit unit) throws Exception {
                region.unlockCounted(region.lockCounted(timeout, unit));
            }

            @Override
            AutoCloseable obstacle(final Region region) {
                return region.exclusive();
            }
        },
        EXCLUSIVE_BEHIND_READER {
            @Override
            void run(final Region region, final long timeout, final TimeUnit unit) throws Exception {
                region.exclusive(timeout, unit).close();
            }

            @Override
            AutoCloseable obstacle(final Region region) {
                return region.share();
            }
        },
        EXCLUSIVE_BEHIND_HOLD {
            @Override
            void run(final Region region, final long timeout, final TimeUnit unit) throws Exception {
                region.exclusive(timeout, unit).close();
            }

            @Override
            AutoCloseable obstacle(final Region region) {
                return region.hold();
            }
        },
        EXCLUSIVE_STAMP_BEHIND_WRITER {
            @Override
            void run(final Region region, final long timeout, final TimeUnit unit) throws Exception {
                region.unlockExclusive(region.lockExclusive(timeout, unit));
            }

            @Override
            AutoCloseable obstacle(final Region region) {
                return region.exclusive();
            }
        };

        abstract void run(Region region, long timeout, TimeUnit unit) throws Exception;

        abstract AutoCloseable obstacle(Region region);

        String operation() {
            return name().startsWith("SHARED") ? "share" : name().startsWith("HOLD") ? "hold" : "exclusive";
        }
    }

    private Region region;

    @BeforeEach
    void mapRegion() {
        region = space.map(PAGE);
    }

    private void assertNoTrace() throws Exception {
        assertThat(region.toString()).contains("excluding=false", "exclusive=false", "holds=0");
        try (Guard guard = region.tryExclusive()) {
            assertThat(guard.isHeld()).isTrue();
        }
        assertThat(Threads.<Long>run(() -> get(region, 0))).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void freeLockMustBeGrantedWhateverTheTimeout(final Acquire acquire) throws Exception {
        for (final long timeout : new long[] {Long.MAX_VALUE, 1, 0, -1, Long.MIN_VALUE}) {
            acquire.run(region, timeout, TimeUnit.NANOSECONDS);
            acquire.run(region, timeout, TimeUnit.DAYS);
        }
        assertNoTrace();
    }

    @ParameterizedTest
    @EnumSource
    void timeoutMustSayForWhomItWaitedAndLeaveNoTrace(final Acquire acquire) throws Exception {
        try (Threads.Holder holder = Threads.hold(() -> acquire.obstacle(region))) {
            for (final long timeout : new long[] {3_000_000, 1, 0, -1, Long.MIN_VALUE}) {
                assertThatThrownBy(() -> acquire.run(region, timeout, TimeUnit.NANOSECONDS))
                    .isInstanceOf(TimeoutException.class)
                    .hasMessageContainingAll(acquire.operation() + " timed out: region=0x", "of test", "attached=true",
                        "held by");
            }
            assertThat(holder.thread().isAlive()).isTrue();
        }
        assertNoTrace();
    }

    @Test
    void timeoutMustNameTheReader() throws Exception {
        try (Threads.Holder holder = Threads.hold(region::share)) {
            assertThatThrownBy(() -> region.exclusive(1, TimeUnit.NANOSECONDS)).isInstanceOf(TimeoutException.class)
                .hasMessageContainingAll("threadId=" + holder.thread().threadId(), "threadName=other", "how=SHARED");
        }
    }

    @ParameterizedTest
    @EnumSource
    void waitForEverMustEndWhenTheLockIsFree(final Acquire acquire) throws Exception {
        final Threads.Work<Boolean> waiter;
        try (Threads.Holder holder = Threads.hold(() -> acquire.obstacle(region))) {
            waiter = Threads.start(() -> {
                acquire.run(region, Long.MAX_VALUE, TimeUnit.DAYS);
                return true;
            });
            idle.awaitWaiter();
            assertThat(waiter.isDone()).isFalse();
            assertThat(holder.thread().isAlive()).isTrue();
        }
        assertThat(waiter.get()).isTrue();
        assertNoTrace();
    }

    @ParameterizedTest
    @EnumSource
    void interruptBeforeMustEndTheAcquireAtOnce(final Acquire acquire) throws Exception {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> acquire.run(region, 1, TimeUnit.DAYS)).isInstanceOf(InterruptedException.class)
            .hasMessageContainingAll(acquire.operation() + " interrupted: region=0x", "attached=true");
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertNoTrace();
    }

    @ParameterizedTest
    @EnumSource
    void interruptWhileWaitingMustEndTheAcquireAndLeaveNoTrace(final Acquire acquire) throws Exception {
        try (Threads.Holder holder = Threads.hold(() -> acquire.obstacle(region))) {
            final Threads.Work<Boolean> waiter = Threads.start(() -> {
                assertThatThrownBy(() -> acquire.run(region, Long.MAX_VALUE, TimeUnit.NANOSECONDS))
                    .isInstanceOf(InterruptedException.class)
                    .hasMessageContaining(acquire.operation() + " interrupted: region=0x");
                return Thread.currentThread().isInterrupted();
            });
            idle.awaitWaiter();
            waiter.thread().interrupt();
            assertThat(waiter.get()).as("the status is used up by the exception").isFalse();
            assertThat(holder.thread().isAlive()).isTrue();
        }
        assertNoTrace();
    }

    @Test
    void interruptMustNotEndTheFormsWithoutATimeoutAndMustBeKept() throws Exception {
        final Threads.Work<Boolean> reader;
        final Threads.Work<Boolean> writer;
        try (Threads.Holder holder = Threads.hold(region::exclusive)) {
            reader = Threads.start(() -> {
                region.share().close();
                return Thread.currentThread().isInterrupted();
            });
            idle.awaitWaiter();
            reader.thread().interrupt();
            writer = Threads.start(() -> {
                Thread.currentThread().interrupt();
                region.exclusive().close();
                return Thread.currentThread().isInterrupted();
            });
            idle.awaitWaiter();
            assertThat(reader.isDone()).isFalse();
            assertThat(writer.isDone()).isFalse();
            assertThat(holder.thread().isAlive()).isTrue();
        }
        assertThat(reader.get()).isTrue();
        assertThat(writer.get()).isTrue();
        assertNoTrace();
    }

    @Test
    void interruptedTryFormMustKeepTheStatus() {
        Thread.currentThread().interrupt();
        region.tryShare().close();
        region.tryExclusive().close();
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void unmapMustEndTheWaitOfReadersWithARefusal() throws Exception {
        final Threads.Work<Boolean> waiter;
        final Threads.Work<Boolean> unmap;
        try (Guard inside = region.share()) {
            final Threads.Work<Boolean> writer = Threads.start(() -> {
                region.exclusive(1, TimeUnit.DAYS).close();
                return true;
            });
            idle.awaitWaiter();
            waiter = Threads.start(() -> {
                assertThatThrownBy(() -> {
                    while (true) { // in, while the writer has gone and the unmap has not come
                        region.share(1, TimeUnit.DAYS).close();
                    }
                }).isInstanceOf(RegionException.class)
                    .hasMessageContainingAll("share refused: reason=DETACHED", "attached=false", "look it up again");
                return true;
            });
            idle.awaitWaiter();
            unmap = Threads.start(() -> {
                region.unmap();
                return true;
            });
            idle.awaitWaiter();
            assertThat(inside.isHeld()).isTrue();
            assertThat(writer.isDone()).isFalse();
        }
        unmap.get();
        waiter.get();
    }

    @Test
    void longWaitMustBeReported() throws Exception {
        final CompletableFuture<WaitReport> reported =
            new CompletableFuture<>();
        try (AddressSpace reporting = AddressSpace.builder().name("reporting").capacity(64L << 20)
            .reportWaits(Duration.ofMillis(1), reported::complete).open()) {
            final Region waited = reporting.map(PAGE);
            try (Threads.Holder holder = Threads.hold(waited::share)) {
                final Threads.Work<Boolean> writer = Threads.start(() -> {
                    waited.exclusive().close();
                    return true;
                });
                final WaitReport report = reported.get(60, TimeUnit.SECONDS);
                assertThat(report.space()).isEqualTo("reporting");
                assertThat(report.region()).contains("0x" + Long.toHexString(waited.address()),
                    "excluding=true");
                assertThat(report.waiter()).isEqualTo("other");
                assertThat(report.waited()).isGreaterThanOrEqualTo(Duration.ofMillis(1));
                assertThat(report.holders()).hasSize(1).allSatisfy(each -> {
                    assertThat(each.threadId()).isEqualTo(holder.thread().threadId());
                    assertThat(each.threadName()).isEqualTo("other");
                    assertThat(each.how()).isEqualTo(WaitReport.How.SHARED);
                    assertThat(each.since()).isPositive();
                    assertThat(each.place()).hasStackTraceContaining("Threads$Holder");
                });
                holder.close();
                writer.get();
            }
        }
    }
}
