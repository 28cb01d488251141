// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static io.holdfast.epoch.EpochTestSupport.impatient;
import static io.holdfast.epoch.EpochTestSupport.patient;
import static io.holdfast.epoch.EpochTestSupport.scripted;
import static io.holdfast.epoch.EpochTestSupport.timed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.layout.SlotLayout;
import io.holdfast.lock.LockFixture.State;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.NoOpIdleStrategy;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Exclusive locks: G2, G6, G9, G10, G11, and the races T5, T7 and T18. */
class RegionLockExclusiveTest {
    private static final int EPERM = 1;

    private final LockFixture fixture = new LockFixture();
    private final RegionLock lock = fixture.lock;
    private final long record = fixture.record;

    /** G2: hazards of two threads and a hold; the writer waits for the last of them, whichever it is. */
    @Test
    void aWriterMustWaitForEveryReaderInside() {
        try (Peer first = Peer.platform(); Peer second = Peer.virtual()) {
            final long one = first.call(() -> lock.tryShare(record, fixture.incarnation));
            final long two = second.call(() -> lock.tryShare(record, fixture.incarnation));
            assertThat(RegionLock.tryHold(record, fixture.incarnation)).isEqualTo(1);
            try (Waiting waiting = scripted(
                () -> RegionLock.endHold(record),
                () -> second.run(() -> lock.endShare(record, two)),
                () -> first.run(() -> lock.endShare(record, one)))) {
                final long exclusive = lock.exclusive(record, fixture.incarnation, waiting);
                assertThat(lock.isExclusive(record, exclusive)).isTrue();
                assertThat(fixture.state()).isEqualTo(State.EXCLUSIVE);
                lock.endExclusive(record, exclusive);
            }
        }
        assertThat(fixture.state()).isEqualTo(State.OPEN);
    }

    /** T18, G6: readers that come while the writer drains are refused and do not prolong the drain. */
    @Test
    void anAnnouncedWriterMustNotBeOvertaken() {
        try (Peer inside = Peer.platform(); Peer hammering = Peer.platform()) {
            final long stamp = inside.call(() -> lock.tryShare(record, fixture.incarnation));
            try (Waiting waiting = scripted(
                () -> hammering.run(this::hammer),
                () -> inside.run(() -> lock.endShare(record, stamp)))) {
                assertThat(lock.exclusive(record, fixture.incarnation, waiting)).isPositive();
            }
        }
    }

    private void hammer() {
        for (int i = 0; i < 1000; i++) {
            assertThat(lock.tryShare(record, fixture.incarnation)).isEqualTo(Stamps.EXCLUDED);
            assertThat(RegionLock.tryHold(record, fixture.incarnation)).isEqualTo(Stamps.EXCLUDED);
            assertThat(lock.tryExclusive(record, fixture.incarnation)).isNegative();
            assertThat(fixture.domain.announcedByMe(record, 0)).isFalse();
        }
    }

    /** T18, G6: with readers that never stop asking, a writer gets in over and over. */
    @Test
    void writersMustGetInUnderHammeringReaders() {
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong refused = new AtomicLong();
        final AtomicLong granted = new AtomicLong();
        EpochTestSupport.together(3, thread -> {
            if (thread == 0) {
                while (granted.get() == 0) {
                    Thread.onSpinWait();
                }
                for (int i = 0; i < 2_000 || refused.get() == 0; i++) {
                    writeOnce();
                }
                stop.set(true);
                return;
            }
            while (!stop.get()) {
                final long stamp = lock.tryShare(record, fixture.incarnation);
                if (stamp > 0) {
                    lock.endShare(record, stamp);
                    granted.incrementAndGet();
                } else {
                    refused.incrementAndGet();
                }
            }
        });
        assertThat(refused.get()).as("the race was seen").isPositive();
    }

    private void writeOnce() {
        try (Waiting waiting = patient()) {
            lock.endExclusive(record, lock.exclusive(record, fixture.incarnation, waiting));
        }
    }

    /** T7, G11: giving up while draining leaves the lock as it was, for readers and writers alike. */
    @Test
    void aWriterThatGivesUpMustLeaveNothing() {
        try (Peer reader = Peer.platform(); Peer other = Peer.platform()) {
            final long stamp = reader.call(() -> lock.tryShare(record, fixture.incarnation));
            final long before = RecordLayout.lockVolatile(record);
            assertThat(lock.exclusive(record, fixture.incarnation, impatient())).isEqualTo(Stamps.TIMED_OUT);
            assertThat(lock.exclusive(record, fixture.incarnation, timed(50_000))).isEqualTo(Stamps.TIMED_OUT);
            assertThat(lock.tryExclusive(record, fixture.incarnation)).isEqualTo(Stamps.SHARED);
            assertThat(RecordLayout.lockVolatile(record)).isEqualTo(before);
            assertThat(SlotLayout.writesOpaque(fixture.domain.slotOrNone())).as("exclusive locks of the thread").isZero();
            final long second = other.call(() -> lock.tryShare(record, fixture.incarnation));
            assertThat(second).isPositive();
            other.run(() -> lock.endShare(record, second));
            reader.run(() -> lock.endShare(record, stamp));
            writeOnce();
        }
    }

    /** T7: the interrupt comes before, during, and at the moment when the last reader has left. */
    @Test
    void anInterruptedWriterMustLeaveNothingOrSucceed() {
        try (Peer reader = Peer.platform()) {
            for (int when = 0; when < 3; when++) {
                final long stamp = reader.call(() -> lock.tryShare(record, fixture.incarnation));
                final int moment = when;
                if (moment == 0) {
                    Thread.currentThread().interrupt();
                }
                try (Waiting waiting = scripted(() -> {
                    if (moment == 2) {
                        reader.run(() -> lock.endShare(record, stamp));
                    }
                    Thread.currentThread().interrupt();
                })) {
                    final long result = lock.exclusive(record, fixture.incarnation, waiting);
                    if (moment == 2) {
                        assertThat(result).isPositive();
                        assertThat(Thread.interrupted()).as("the interrupt is for the next one").isTrue();
                        lock.endExclusive(record, result);
                    } else {
                        assertThat(result).isEqualTo(Stamps.INTERRUPTED);
                        assertThat(waiting.endedByInterrupt()).isTrue();
                        assertThat(Thread.interrupted()).as("taken by the wait").isFalse();
                        reader.run(() -> lock.endShare(record, stamp));
                    }
                }
                assertThat(RecordLayout.lockVolatile(record)).isEqualTo(RecordLayout.ATTACHED);
                assertThat(fixture.domain.isWriter()).isFalse();
            }
        }
    }

    /** T7, as a race: timeouts that run out while the last reader leaves; both outcomes are seen and leave no flag. */
    @Test
    void timeoutsMustRaceCleanlyWithTheLastReader() {
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong got = new AtomicLong();
        final AtomicLong gaveUp = new AtomicLong();
        EpochTestSupport.together(2, thread -> {
            if (thread == 1) {
                while (!stop.get()) {
                    final long stamp = lock.share(record, fixture.incarnation, patient());
                    for (int i = 0; i < (got.get() + gaveUp.get()) % 64; i++) {
                        Thread.onSpinWait();
                    }
                    lock.endShare(record, stamp);
                }
                return;
            }
            for (int i = 0; i < 1_000 || (i < 5_000_000 && (got.get() == 0 || gaveUp.get() == 0)); i++) {
                final long result = lock.exclusive(record, fixture.incarnation, timed(i % 7 * 500L));
                if (result > 0) {
                    got.incrementAndGet();
                    lock.endExclusive(record, result);
                } else {
                    gaveUp.incrementAndGet();
                }
            }
            stop.set(true);
        });
        assertThat(RecordLayout.lockVolatile(record) & ~RecordLayout.AWAITED).isEqualTo(RecordLayout.ATTACHED);
        assertThat(got.get()).as("seen: the reader left in time").isPositive();
        assertThat(gaveUp.get()).as("seen: the time was over first").isPositive();
    }

    /** T5: a poll that sees a reader that is not inside, only refused, waits for one more look and nothing else. */
    @Test
    void aTemporaryAnnouncementMustDelayTheWriterAndNotStopIt() {
        try (Peer reader = Peer.platform()) {
            final long slot = reader.call(fixture.domain::slot);
            final int hazard = reader.call(() -> fixture.domain.announce(slot, record));
            try (Waiting waiting = scripted(() -> reader.run(() -> fixture.domain.clear(slot, hazard)))) {
                assertThat(lock.exclusive(record, fixture.incarnation, waiting)).isPositive();
            }
        }
    }

    /** G10. */
    @Test
    void aWriterMustNotWaitForItself() {
        final long shared = lock.tryShare(record, fixture.incarnation);
        assertThatThrownBy(() -> lock.exclusive(record, fixture.incarnation, patient()))
            .isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("exclusive by a thread that holds a guard on the region would wait for itself")
            .hasMessageContaining("close the guard first, or upgrade it");
        lock.endShare(record, shared);
        fixture.domain.pin();
        assertThatThrownBy(() -> lock.exclusive(record, fixture.incarnation, patient()))
            .isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining("exclusive by a pinned thread");
        fixture.domain.unpin();
        final long exclusive = lock.exclusive(record, fixture.incarnation, patient());
        assertThatThrownBy(() -> lock.exclusive(record, fixture.incarnation, patient()))
            .isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("exclusive by the thread that holds the region exclusively");
        assertThatThrownBy(() -> lock.detach(record, fixture.incarnation, patient()))
            .isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("unmap by the thread that holds the region exclusively");
        lock.endExclusive(record, exclusive);
        assertThat(fixture.state()).isEqualTo(State.OPEN);
    }

    @Test
    void writersMustExcludeEachOther() {
        final long[] counter = new long[1];
        EpochTestSupport.together(3, thread -> {
            for (int i = 0; i < 3_000; i++) {
                try (Waiting waiting = patient()) {
                    final long stamp = lock.exclusive(record, fixture.incarnation, waiting);
                    counter[0]++;
                    lock.endExclusive(record, stamp);
                }
            }
        });
        assertThat(counter[0]).isEqualTo(9_000);
    }

    /** G9: the idle strategy fails in the middle of the drain. */
    @Test
    void aFailingIdleStrategyMustLeaveNothing() {
        try (Peer reader = Peer.platform(); Waiting waiting = scripted()) {
            final long stamp = reader.call(() -> lock.tryShare(record, fixture.incarnation));
            assertThatThrownBy(() -> lock.exclusive(record, fixture.incarnation, waiting))
                .isInstanceOf(AssertionError.class);
            reader.run(() -> lock.endShare(record, stamp));
        }
        assertThat(RecordLayout.lockVolatile(record)).isEqualTo(RecordLayout.ATTACHED);
    }

    /** G9: the system takes the barrier away. */
    @Test
    void aFailingBarrierMustLeaveNothing() {
        final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
        final LockFixture local = new LockFixture(EpochTestSupport.lightDomain(memory));
        final Peer reader = EpochTestSupport.lightPeer(local.domain);
        memory.failFrom(NativeCall.MEMBARRIER, 1, EPERM, FaultInjectingMemory.Damage.NONE);
        assertThatThrownBy(() -> local.lock.exclusive(local.record, local.incarnation, patient()))
            .isInstanceOf(IllegalStateException.class).hasMessageContaining("membarrier failed");
        assertThatThrownBy(() -> local.lock.tryExclusive(local.record, local.incarnation))
            .isInstanceOf(IllegalStateException.class);
        final long shared = local.lock.tryShare(local.record, local.incarnation);
        assertThatThrownBy(() -> local.lock.tryUpgrade(local.record, shared)).isInstanceOf(IllegalStateException.class);
        local.lock.endShare(local.record, shared);
        assertThat(RecordLayout.lockVolatile(local.record)).isEqualTo(RecordLayout.ATTACHED);
        memory.disarm();
        assertThat(local.lock.tryExclusive(local.record, local.incarnation)).isPositive();
        reader.close();
    }

    /** G11: who waits long for a reader of either kind says so, once per period, and goes on. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aLongWaitMustBeReported(final boolean counts) {
        try (Peer reader = Peer.platform(); Waiting waiting = new Waiting(
            YieldingIdleStrategy::new, EpochTestSupport.TOO_LONG_NS, false, 100_000)) {
            final long stamp = reader.call(() -> lockIn(counts));
            final FutureTask<Long> release = reader.begin(() -> {
                EpochTestSupport.await("two reports", () -> fixture.reports.get() >= 2);
                unlock(counts, stamp);
                return stamp;
            });
            final long exclusive = lock.exclusive(record, fixture.incarnation, waiting);
            assertThat(exclusive).isPositive();
            assertThat(EpochTestSupport.result(release)).isEqualTo(stamp);
            lock.endExclusive(record, exclusive);
        }
        assertThat(fixture.reports.get()).isGreaterThanOrEqualTo(2);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aShortWaitMustNotBeReported(final boolean counts) {
        try (Peer reader = Peer.platform()) {
            final long stamp = reader.call(() -> lockIn(counts));
            try (Waiting waiting = scripted(() -> { }, () -> reader.run(() -> unlock(counts, stamp)))) {
                lock.endExclusive(record, lock.exclusive(record, fixture.incarnation, waiting));
            }
        }
        assertThat(fixture.reports.get()).isZero();
    }

    private long lockIn(final boolean counts) {
        return counts ? RegionLock.tryHold(record, fixture.incarnation) : lock.tryShare(record, fixture.incarnation);
    }

    private void unlock(final boolean counts, final long stamp) {
        if (counts) {
            RegionLock.endHold(record);
        } else {
            lock.endShare(record, stamp);
        }
    }

    /** G9: a listener that fails ends the wait, and the announcement with it. */
    @Test
    void aFailingListenerMustLeaveNothing() {
        final RegionLock failing = new RegionLock(fixture.domain, (which, tag, elapsedNs) -> {
            throw new IllegalStateException("listener failed");
        }, () -> { });
        try (Peer reader = Peer.platform(); Waiting waiting = new Waiting(
            NoOpIdleStrategy::new, Waiting.FOREVER, false, 0)) {
            final long stamp = reader.call(() -> lock.tryShare(record, fixture.incarnation));
            assertThatThrownBy(() -> failing.exclusive(record, fixture.incarnation, waiting))
                .hasMessageContaining("listener failed");
            reader.run(() -> lock.endShare(record, stamp));
        }
        assertThat(RecordLayout.lockVolatile(record)).isEqualTo(RecordLayout.ATTACHED);
    }

    /** G2: between the exclusive lock and the shared one that it becomes, no writer gets in. */
    @Test
    void downgradeMustLeaveNoGap() {
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong between = new AtomicLong();
        final long[] cell = new long[1];
        EpochTestSupport.together(2, thread -> {
            if (thread == 1) {
                while (!stop.get()) {
                    final long stamp = lock.exclusive(record, fixture.incarnation, patient());
                    cell[0]++;
                    lock.endExclusive(record, stamp);
                    between.incrementAndGet();
                }
                return;
            }
            for (int i = 0; i < 2_000 || between.get() == 0; i++) {
                final long exclusive = lock.exclusive(record, fixture.incarnation, patient());
                final long mine = ++cell[0];
                final long shared = lock.downgrade(record, exclusive);
                assertThat(lock.isShared(record, shared)).isTrue();
                for (int look = 0; look < 10; look++) {
                    assertThat(cell[0]).isEqualTo(mine);
                }
                lock.endShare(record, shared);
            }
            stop.set(true);
        });
        assertThat(between.get()).as("the race was seen").isPositive();
    }

    @Test
    void downgradeMustLetOtherReadersIn() {
        final long exclusive = lock.tryExclusive(record, fixture.incarnation);
        final long shared = lock.downgrade(record, exclusive);
        try (Peer reader = Peer.platform()) {
            final long other = reader.call(() -> lock.tryShare(record, fixture.incarnation));
            assertThat(other).isPositive();
            reader.run(() -> lock.endShare(record, other));
        }
        assertThatThrownBy(() -> lock.endExclusive(record, exclusive)).isInstanceOf(IllegalMonitorStateException.class);
        lock.endShare(record, shared);
        writeOnce();
    }

    @Test
    void downgradeMustKeepTheExclusiveLockWhenNoHazardIsLeft() {
        final long other = fixture.records.allocate();
        final long incarnation = RegionLock.attach(other);
        final long exclusive = lock.tryExclusive(record, fixture.incarnation);
        for (int i = 0; i < EpochDomain.MAX_HAZARDS; i++) {
            assertThat(lock.tryShare(other, incarnation)).isPositive();
        }
        assertThat(lock.downgrade(record, exclusive)).isEqualTo(Stamps.SATURATED);
        assertThat(lock.isExclusive(record, exclusive)).isTrue();
        lock.endExclusive(record, exclusive);
    }

    @Test
    void upgradeMustSucceedAloneAndFailBesideOthers() {
        final long shared = lock.tryShare(record, fixture.incarnation);
        try (Peer reader = Peer.platform()) {
            final long other = reader.call(() -> lock.tryShare(record, fixture.incarnation));
            assertThat(lock.tryUpgrade(record, shared)).isEqualTo(Stamps.SHARED);
            assertThat(reader.call(() -> lock.tryUpgrade(record, other))).isEqualTo(Stamps.SHARED);
            assertThat(lock.isShared(record, shared)).isTrue();
            reader.run(() -> lock.endShare(record, other));
        }
        assertThat(RegionLock.tryHold(record, fixture.incarnation)).isEqualTo(1);
        assertThat(lock.tryUpgrade(record, shared)).isEqualTo(Stamps.SHARED);
        RegionLock.endHold(record);
        final long exclusive = lock.tryUpgrade(record, shared);
        assertThat(exclusive).isPositive();
        assertThat(lock.isShared(record, shared)).isFalse();
        lock.endExclusive(record, exclusive);
    }

    /** G2: of two readers that want to be writers, at most one becomes it, and what it read before still holds. */
    @Test
    void racingUpgradesMustNotBothSucceed() {
        final long[] cell = new long[1];
        final AtomicLong upgrades = new AtomicLong();
        EpochTestSupport.together(2, thread -> {
            for (int i = 0; i < 5_000; i++) {
                try (Waiting waiting = patient()) {
                    final long shared = lock.share(record, fixture.incarnation, waiting);
                    final long seen = cell[0];
                    final long exclusive = lock.tryUpgrade(record, shared);
                    if (exclusive < 0) {
                        lock.endShare(record, shared);
                        continue;
                    }
                    assertThat(cell[0]).isEqualTo(seen);
                    cell[0] = seen + 1;
                    upgrades.incrementAndGet();
                    lock.endExclusive(record, exclusive);
                }
            }
        });
        assertThat(cell[0]).isEqualTo(upgrades.get()).isPositive();
    }
}
