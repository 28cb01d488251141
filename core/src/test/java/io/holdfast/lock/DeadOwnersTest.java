// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Exclusive locks that a thread took into death are ended by whoever waits for them, once (G9, G11). */
class DeadOwnersTest {
    private final LockFixture fixture = new LockFixture();
    private final RegionLock lock = fixture.lock;
    private final long record = fixture.record;

    private static Peer peer(final boolean virtual) {
        return virtual ? Peer.virtual() : Peer.platform();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void exclusiveLockOfADeadThreadMustBeEndedByAWaitingReader(final boolean virtual) {
        final long optimistic = RegionLock.tryOptimisticRead(record, fixture.incarnation);
        final Peer writer = peer(virtual);
        assertThat(writer.call(() -> lock.tryExclusive(record, fixture.incarnation))).isPositive();
        assertThat(lock.tryShare(record, fixture.incarnation)).isEqualTo(Stamps.EXCLUSIVE);
        writer.close();
        try (Waiting waiting = EpochTestSupport.patient()) {
            final long stamp = lock.share(record, fixture.incarnation, waiting);
            assertThat(stamp).isPositive();
            lock.endShare(record, stamp);
        }
        assertThat(fixture.state()).isEqualTo(LockFixture.State.OPEN);
        assertThat(RegionLock.validate(record, optimistic)).as("G2: the writer may have written").isFalse();
        assertThat(fixture.domain.orphansBuried()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void exclusiveLockOfADeadThreadMustNotHoldUpAWriterNorAnUnmap(final boolean virtual) {
        try (Waiting waiting = EpochTestSupport.patient()) {
            final Peer first = peer(virtual);
            first.run(() -> lock.tryExclusive(record, fixture.incarnation));
            first.close();
            final long stamp = lock.exclusive(record, fixture.incarnation, waiting);
            assertThat(stamp).isPositive();
            lock.endExclusive(record, stamp);
        }
        try (Waiting waiting = EpochTestSupport.patient()) {
            final Peer second = peer(virtual);
            second.run(() -> lock.tryExclusive(record, fixture.incarnation));
            second.close();
            assertThat(lock.detach(record, fixture.incarnation, waiting)).isEqualTo(1);
        }
        assertThat(fixture.state()).isEqualTo(LockFixture.State.DETACHED);
    }

    @Test
    void locksOnSeveralRecordsMustAllBeEnded() {
        final long second = fixture.records.allocate();
        final long incarnation = RegionLock.attach(second);
        final Peer writer = Peer.platform();
        writer.run(() -> {
            lock.tryExclusive(record, fixture.incarnation);
            lock.tryExclusive(second, incarnation);
            fixture.domain.pin();
        });
        writer.close();
        assertThat(fixture.domain.passed(fixture.domain.retireEpoch())).as("buries the slot").isTrue();
        for (final long each : new long[] {record, second}) {
            try (Waiting waiting = EpochTestSupport.patient()) {
                assertThat(lock.share(each, RecordLayout.incarnation(each), waiting)).isPositive();
            }
        }
        assertThat(fixture.domain.isDeadWriter(writer.thread().threadId())).as("all is inherited").isFalse();
    }

    @Test
    void oneOfManyHeirsMustEndIt() {
        final AtomicInteger inside = new AtomicInteger();
        for (int round = 0; round < 50; round++) {
            final Peer writer = Peer.platform();
            writer.run(() -> lock.tryExclusive(record, fixture.incarnation));
            writer.close();
            EpochTestSupport.together(3, number -> {
                try (Waiting waiting = EpochTestSupport.patient()) {
                    final long stamp = lock.exclusive(record, fixture.incarnation, waiting);
                    assertThat(inside.incrementAndGet()).as("G2").isEqualTo(1);
                    inside.decrementAndGet();
                    lock.endExclusive(record, stamp);
                }
            });
            assertThat(fixture.state()).isEqualTo(LockFixture.State.OPEN);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void lockOfALivingThreadMustNotBeEndedHoweverLongItLasts(final boolean virtual) {
        try (Peer writer = peer(virtual); Peer reader = Peer.platform()) {
            final long stamp = writer.call(() -> lock.tryExclusive(record, fixture.incarnation));
            final FutureTask<Long> read = reader.begin(() -> {
                try (Waiting waiting = EpochTestSupport.patient()) {
                    return lock.share(record, fixture.incarnation, waiting);
                }
            });
            for (int i = 0; i < 10_000; i++) {
                DeadOwners.endDeadWriter(fixture.domain, record);
                assertThat(fixture.state()).isEqualTo(LockFixture.State.EXCLUSIVE);
            }
            assertThat(read.isDone()).isFalse();
            writer.run(() -> lock.endExclusive(record, stamp));
            assertThat(EpochTestSupport.result(read)).isPositive();
        }
    }

    @Test
    void threadThatEndedItsLocksMustLeaveNothingToInherit() {
        try (Peer writer = Peer.virtual()) {
            writer.run(() -> {
                final long stamp = lock.tryExclusive(record, fixture.incarnation);
                lock.endShare(record, lock.downgrade(record, stamp));
                lock.tryExclusive(record, fixture.incarnation + 2);
            });
            assertThat(fixture.domain.slotCount()).isPositive();
            assertThat(writer.call(fixture.domain::slotOrNone)).as("a virtual thread's slot is given back").isZero();
        }
        assertThat(fixture.domain.orphansBuried()).isZero();
    }
}
