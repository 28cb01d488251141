// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static io.holdfast.epoch.EpochTestSupport.impatient;
import static io.holdfast.epoch.EpochTestSupport.patient;
import static io.holdfast.epoch.EpochTestSupport.scripted;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.LockFixture.State;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;

/** Detaching, reuse and optimistic reads: G1, G2, G3, G5, and the races T1, T3, T4 and T9. */
class RegionLockDetachTest {
    private final LockFixture fixture = new LockFixture();
    private final RegionLock lock = fixture.lock;
    private final EpochDomain domain = fixture.domain;
    private final long record = fixture.record;

    /** T1, G3: a reader has announced itself and not looked yet when the record is detached; the unmap waits for it. */
    @Test
    void detachMustWaitForATemporaryReader() {
        for (final Peer reader : List.of(Peer.platform(), Peer.virtual())) {
            try (reader) {
                final long slot = reader.call(domain::slot);
                final int hazard = reader.call(() -> domain.announce(slot, record));
                assertThat(lock.detach(record, fixture.incarnation, impatient())).isEqualTo(1);
                final long tag = domain.retireEpoch();
                assertThat(LockFixture.isDrained(domain, record, tag)).isFalse();
                try (Waiting waiting = scripted(
                    () -> assertThat(reader.call(() -> RegionLock.isAttached(record, fixture.incarnation))).isFalse(),
                    () -> reader.run(() -> {
                        domain.clear(slot, hazard);
                        domain.leave(slot);
                    }))) {
                    assertThat(lock.drainDetached(record, tag, waiting)).isTrue();
                }
                RegionLock.reclaim(record);
                fixture.incarnation = RegionLock.attach(record);
            }
        }
    }

    /** T1, counted: the intruder's increment is waited for, and whoever makes it zero frees nothing. */
    @Test
    void detachMustWaitForATemporaryCount() {
        RecordLayout.getAndAddLock(record, RecordLayout.COUNT_UNIT);
        assertThat(lock.detach(record, fixture.incarnation, impatient())).isEqualTo(1);
        final long tag = domain.retireEpoch();
        assertThatThrownBy(() -> RegionLock.reclaim(record)).isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("reclaim of a record that is not drained").hasMessageContaining("holds=1");
        try (Waiting waiting = scripted(() -> RecordLayout.getAndAddLock(record, -RecordLayout.COUNT_UNIT))) {
            assertThat(lock.drainDetached(record, tag, waiting)).isTrue();
        }
        assertThat(fixture.state()).isEqualTo(State.DETACHED);
        RegionLock.reclaim(record);
        assertThat(fixture.state()).isEqualTo(State.FREE);
    }

    /** G3: guards and pins from before are waited for; those that come after the first look do not matter. */
    @Test
    void unmapMustWaitForEarlierPinsAlone() {
        try (Peer early = Peer.virtual(); Peer late = Peer.platform()) {
            early.run(domain::pin);
            assertThat(lock.detach(record, fixture.incarnation, impatient())).isEqualTo(1);
            final long tag = domain.retireEpoch();
            assertThat(LockFixture.isDrained(domain, record, tag)).isFalse(); // and the epoch goes on beyond the tag [E4]
            late.run(domain::pin);
            assertThat(late.call(() -> RegionLock.isAttached(record))).isFalse();
            try (Waiting waiting = scripted(() -> early.run(domain::unpin))) {
                assertThat(lock.drainDetached(record, tag, waiting)).isTrue();
            }
            assertThat(LockFixture.isDrained(domain, record, tag)).isTrue();
            late.run(domain::unpin);
        }
    }

    /** G10. */
    @Test
    void unmapMustNotWaitForItself() {
        final long shared = lock.tryShare(record, fixture.incarnation);
        assertThatThrownBy(() -> lock.detach(record, fixture.incarnation, patient()))
            .isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("unmap by a thread that holds a guard");
        lock.endShare(record, shared);
        domain.pin();
        assertThatThrownBy(() -> lock.detach(record, fixture.incarnation, patient()))
            .isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining("unmap by a pinned thread");
        assertThat(fixture.state()).isEqualTo(State.OPEN);
        assertThat(lock.tryDetach(record, fixture.incarnation)).isEqualTo(1);
        assertThat(lock.drainDetached(record, domain.retireEpoch(), impatient())).isFalse();
        domain.unpin();
    }

    @Test
    void unmapMustWaitForAnotherWriterAndHappenOnce() {
        fixture.put(State.EXCLUSIVE);
        assertThat(lock.detach(record, fixture.incarnation, impatient())).isEqualTo(Stamps.TIMED_OUT);
        try (Waiting waiting = scripted(fixture::endSomebody)) {
            assertThat(lock.detach(record, fixture.incarnation, waiting)).isEqualTo(1);
        }
        assertThat(lock.detach(record, fixture.incarnation, impatient())).isEqualTo(Stamps.DETACHED);
        assertThat(lock.tryDetach(record, fixture.incarnation)).isEqualTo(Stamps.DETACHED);
    }

    /** G3, G5: a moved record says so to every handle of its last life, and is an ordinary record in the next one. */
    @Test
    void aMovedRecordMustSaySoUntilItsNextLife() {
        assertThatThrownBy(() -> lock.move(record, Stamps.exclusive(fixture.incarnation + 1)))
            .isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("does not hold the region exclusively");
        final long stamp = RegionLock.tryOptimisticRead(record, fixture.incarnation);
        final long exclusive = lock.tryExclusive(record, fixture.incarnation);
        lock.move(record, exclusive);
        assertThat(RegionLock.isMoved(record)).isTrue();
        assertThat(lock.tryShare(record, fixture.incarnation)).isEqualTo(Stamps.MOVED);
        assertThat(lock.share(record, fixture.incarnation, patient())).isEqualTo(Stamps.MOVED);
        assertThat(RegionLock.tryHold(record, fixture.incarnation)).isEqualTo(Stamps.MOVED);
        assertThat(lock.tryExclusive(record, fixture.incarnation)).isEqualTo(Stamps.MOVED);
        assertThat(lock.exclusive(record, fixture.incarnation, patient())).isEqualTo(Stamps.MOVED);
        assertThat(lock.detach(record, fixture.incarnation, patient())).isEqualTo(Stamps.MOVED);
        assertThat(lock.tryShare(record, fixture.incarnation - 2)).isEqualTo(Stamps.DETACHED);
        assertThat(RegionLock.validate(record, stamp)).isFalse();
        assertThatThrownBy(() -> lock.endExclusive(record, exclusive)).isInstanceOf(IllegalMonitorStateException.class);
        RegionLock.reclaim(record);
        final long stale = fixture.incarnation;
        fixture.incarnation = RegionLock.attach(record);
        assertThat(lock.tryShare(record, stale)).isEqualTo(Stamps.DETACHED);
        assertThat(lock.tryExclusive(record, fixture.incarnation)).isPositive();
    }

    /** T3: the record belongs to another owner by the time a reader of the old one takes back its announcement. */
    @Test
    void aReaderOfAnOldOwnerMustNotDisturbTheNextOne() {
        try (Peer reader = Peer.platform()) {
            final long slot = reader.call(domain::slot);
            fixture.reuse();
            final int hazard = reader.call(() -> domain.announce(slot, record));
            try (Waiting waiting = scripted(() -> reader.run(() -> domain.clear(slot, hazard)))) {
                final long exclusive = lock.exclusive(record, fixture.incarnation, waiting);
                assertThat(exclusive).isPositive();
                lock.endExclusive(record, exclusive);
            }
        }
    }

    /** T4, first and second case, G5: reused between the finding and the lock, or inside the attempt to lock. */
    @Test
    void aStaleHandleMustBeRefusedByEveryOperation() {
        final long stale = fixture.incarnation;
        for (int lives = 0; lives < 10; lives++) {
            fixture.reuse();
            assertThat(lock.tryShare(record, stale)).isEqualTo(Stamps.DETACHED);
            assertThat(lock.share(record, stale, patient())).isEqualTo(Stamps.DETACHED);
            assertThat(RegionLock.tryHold(record, stale)).isEqualTo(Stamps.DETACHED);
            assertThat(lock.tryExclusive(record, stale)).isEqualTo(Stamps.DETACHED);
            assertThat(lock.exclusive(record, stale, patient())).isEqualTo(Stamps.DETACHED);
            assertThat(RegionLock.tryOptimisticRead(record, stale)).isZero();
            assertThat(lock.tryDetach(record, stale)).isEqualTo(Stamps.DETACHED);
            assertThat(lock.detach(record, stale, patient())).isEqualTo(Stamps.DETACHED);
            assertThat(RegionLock.isAttached(record, stale)).isFalse();
            assertThat(RecordLayout.lockVolatile(record)).isEqualTo(RecordLayout.ATTACHED);
            assertThat(domain.announcedByMe(record, 0)).isFalse();
        }
    }

    /** T4, third case: reused while a reader of the old life stands between its announcement and its look. */
    @Test
    void aRecordReusedUnderAnAnnouncementMustNotLookLocked() {
        final long stale = fixture.incarnation;
        try (Peer reader = Peer.platform()) {
            fixture.endLife();
            final long slot = reader.call(domain::slot);
            final int hazard = reader.call(() -> domain.announce(slot, record));
            assertThat(fixture.records.allocate()).isEqualTo(record);
            fixture.incarnation = RegionLock.attach(record);
            assertThat(reader.call(() -> RegionLock.isAttached(record, stale))).isFalse();
            assertThat(reader.call(() -> domain.isAnnouncedWithoutStamp(slot, record, hazard))).isTrue();
            assertThat(lock.tryExclusive(record, fixture.incarnation)).isEqualTo(Stamps.SHARED);
            reader.run(() -> domain.clear(slot, hazard));
            assertThat(lock.tryExclusive(record, fixture.incarnation)).isPositive();
        }
    }

    /**
     * T1, T3, T4 as a race, G1 and G5: records are reused as fast as it goes under readers with handles of every age;
     * who gets a lock finds the generation of its handle from beginning to end.
     */
    @Test
    void reuseMustNeverReviveAHandle() {
        final int handles = 64;
        final AtomicLongArray shared = new AtomicLongArray(2 * handles);
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong locked = new AtomicLong();
        final AtomicLong refused = new AtomicLong();
        EpochTestSupport.together(3, thread -> {
            if (thread == 0) {
                try {
                    live(shared, handles, locked, refused);
                } finally {
                    stop.set(true);
                }
            } else {
                readHandles(shared, handles, stop, locked, refused, thread);
            }
        });
        assertThat(locked.get()).as("seen: a handle that was alive").isPositive();
        assertThat(refused.get()).as("seen: a handle that was stale").isPositive();
    }

    /** A base that tells incarnations apart as far as one can. */
    private static long base(final long incarnation) {
        return incarnation & (1L << 40) - 1;
    }

    private void live(final AtomicLongArray handles, final int count, final AtomicLong locked,
                      final AtomicLong refused) {
        for (int i = 0; i < 1_500 || (i < 3_000_000 && (locked.get() == 0 || refused.get() == 0)); i++) {
            final long next = fixture.records.allocate();
            final long generation = (RecordLayout.sequenceAcquire(next) | 1) + 1;
            RecordLayout.describe(next, base(generation), pages(generation), pages(generation), 0);
            final long incarnation = RegionLock.attach(next);
            assertThat(incarnation).isEqualTo(generation);
            final int place = i % count;
            handles.set(2 * place + 1, 0);
            handles.set(2 * place, next);
            handles.set(2 * place + 1, incarnation);
            if ((i & 3) == 0) {
                EpochTestSupport.letOthersRun();
            }
            assertThat(lock.detach(next, incarnation, patient())).isEqualTo(1);
            final long tag = domain.retireEpoch();
            assertThat(lock.drainDetached(next, tag, patient())).isTrue();
            RecordLayout.describe(next, 0, 0, 0, 0);
            RegionLock.reclaim(next);
            fixture.records.free(next);
        }
    }

    private static long pages(final long generation) {
        return (generation & (1L << 24) - 1) << 12;
    }

    private void readHandles(final AtomicLongArray handles, final int count, final AtomicBoolean stop,
                             final AtomicLong locked, final AtomicLong refused, final int seed) {
        final SplittableRandom random = new SplittableRandom(seed);
        while (!stop.get()) {
            final int place = random.nextInt(count);
            final long incarnation = handles.get(2 * place + 1);
            final long handle = handles.get(2 * place);
            if (incarnation == 0 || handle == 0 || handles.get(2 * place + 1) != incarnation) {
                continue;
            }
            final boolean counted = random.nextBoolean();
            final long stamp = counted ? RegionLock.tryHold(handle, incarnation) : lock.tryShare(handle, incarnation);
            if (stamp < 0) {
                refused.incrementAndGet();
                continue;
            }
            locked.incrementAndGet();
            for (int look = 0; look < 5; look++) {
                if (RecordLayout.base(handle) != base(incarnation) || RecordLayout.limit(handle) != pages(incarnation)) {
                    throw new AssertionError("locked a record of another life: incarnation=" + incarnation + ", base=" +
                        RecordLayout.base(handle) + ", " + RegionLock.describe(handle));
                }
            }
            if (counted) {
                RegionLock.endHold(handle);
            } else {
                lock.endShare(handle, stamp);
            }
        }
    }

    /** G2, G3: what ends an optimistic read, and what does not. */
    @Test
    void stampsMustFailAfterAWriterAnUnmapOrReuseAndNothingElse() {
        long stamp = RegionLock.tryOptimisticRead(record, fixture.incarnation);
        assertThat(RegionLock.validate(record, stamp)).isTrue();
        final long shared = lock.tryShare(record, fixture.incarnation);
        assertThat(RegionLock.tryHold(record, fixture.incarnation)).isEqualTo(1);
        assertThat(lock.tryExclusive(record, fixture.incarnation)).isEqualTo(Stamps.SHARED);
        assertThat(RegionLock.validate(record, stamp)).isTrue();
        lock.endShare(record, shared);
        RegionLock.endHold(record);
        final long exclusive = lock.tryExclusive(record, fixture.incarnation);
        assertThat(RegionLock.validate(record, stamp)).isFalse();
        assertThat(RegionLock.tryOptimisticRead(record, fixture.incarnation)).isZero();
        assertThat(RegionLock.validate(record, RecordLayout.sequenceAcquire(record) - 1)).isFalse();
        final long downgraded = lock.downgrade(record, exclusive);
        assertThat(RegionLock.validate(record, stamp)).isFalse();
        stamp = RegionLock.tryOptimisticRead(record, fixture.incarnation);
        assertThat(RegionLock.validate(record, stamp)).isTrue();
        lock.endShare(record, downgraded);
        final long last = stamp;
        fixture.reuse();
        assertThat(RegionLock.validate(record, last)).isFalse();
        assertThat(RegionLock.validate(record, RegionLock.tryOptimisticRead(record, fixture.incarnation))).isTrue();
        assertThat(RegionLock.validate(record, 0)).isFalse();
        assertThat(lock.tryDetach(record, fixture.incarnation)).isEqualTo(1);
        assertThat(RegionLock.validate(record, RecordLayout.sequenceAcquire(record))).isFalse();
    }

    /** T9, G5: near every limit of the sequence, a reader may be refused for no reason, and is never let in wrongly. */
    @Test
    void sequencesMustBeSafeNearEveryLimit() {
        final long[] limits = {1L << 31, 1L << 32, 1L << 52, 1L << 60, 1L << 61, 1L << 62, Long.MAX_VALUE, 0};
        for (final long limit : limits) {
            for (long start = limit - 8; start != limit + 8; start++) {
                walkOver(start);
            }
        }
    }

    private void walkOver(final long start) {
        final LockFixture local = new LockFixture(domain);
        local.put(State.FREE);
        RecordLayout.sequenceVolatile(local.record, start);
        local.incarnation = RegionLock.attach(local.record);
        for (int life = 0; life < 4; life++) {
            final long stale = local.incarnation;
            long stamp = RegionLock.tryOptimisticRead(local.record, stale);
            for (int write = 0; write < 3; write++) {
                assertThat(RegionLock.validate(local.record, stamp)).isEqualTo(stamp != 0);
                final long exclusive = local.lock.exclusive(local.record, stale, patient());
                assertThat(local.lock.isExclusive(local.record, exclusive)).isTrue();
                assertThat(RegionLock.validate(local.record, stamp)).isFalse();
                assertThat(RegionLock.tryOptimisticRead(local.record, stale)).isZero();
                local.lock.endExclusive(local.record, exclusive);
                assertThat(RegionLock.validate(local.record, stamp)).isFalse();
                stamp = RegionLock.tryOptimisticRead(local.record, stale);
            }
            final long shared = local.lock.tryShare(local.record, stale);
            assertThat(shared).isPositive();
            assertThat(local.lock.tryExclusive(local.record, stale)).isEqualTo(Stamps.SHARED);
            local.lock.endShare(local.record, shared);
            local.put(State.FREE);
            local.incarnation = RegionLock.attach(local.record);
            assertThat(local.incarnation).isNotEqualTo(stale);
            assertThat(local.lock.tryShare(local.record, stale)).isEqualTo(Stamps.DETACHED);
            assertThat(RegionLock.validate(local.record, stamp)).isFalse();
        }
    }

    /** G3, G11: a lock that its thread took into death is released by the next drain, in every form of draining. */
    @Test
    void aGuardTakenIntoDeathMustBeReleasedByTheNextDrain() {
        for (final Peer reader : List.of(Peer.platform(), Peer.virtual(), Peer.platform(), Peer.virtual())) {
            reader.run(() -> assertThat(lock.tryShare(record, fixture.incarnation)).isPositive());
            reader.close();
        }
        assertThat(lock.tryDetach(record, fixture.incarnation)).isEqualTo(1);
        assertThat(LockFixture.isDrained(domain, record, domain.retireEpoch())).isTrue();
        assertThat(domain.orphansBuried()).isEqualTo(4);
        RegionLock.reclaim(record);
        fixture.incarnation = RegionLock.attach(record);
        final Peer last = Peer.virtual();
        last.run(() -> assertThat(lock.tryShare(record, fixture.incarnation)).isPositive());
        assertThat(lock.tryExclusive(record, fixture.incarnation)).isEqualTo(Stamps.SHARED);
        last.close();
        assertThat(lock.exclusive(record, fixture.incarnation, impatient())).isPositive();
        assertThat(domain.orphansBuried()).isEqualTo(5);
    }
}
