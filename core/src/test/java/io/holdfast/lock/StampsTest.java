// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.LockFixture.State;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Stamps: each kind tells what it is, and none but the right one ends a lock (G10). */
class StampsTest {
    private static final long INCARNATION = 0x7_1234_5678_9ABCL;

    @Test
    void eachKindMustBeThatKindAlone() {
        for (int hazard = 0; hazard < EpochDomain.MAX_HAZARDS; hazard++) {
            final long shared = Stamps.shared(hazard, INCARNATION);
            assertThat(shared).isPositive();
            assertThat(Stamps.hazard(shared)).isEqualTo(hazard);
            assertThat(kinds(shared)).isEqualTo("shared");
            assertThat(Stamps.isOf(shared, INCARNATION)).isTrue();
            assertThat(Stamps.isOf(shared, INCARNATION + 2)).isFalse();
        }
        assertThat(kinds(Stamps.exclusive(INCARNATION))).isEqualTo("exclusive");
        assertThat(kinds(Stamps.counted(INCARNATION))).isEqualTo("counted");
        assertThat(kinds(INCARNATION)).isEmpty();
        assertThat(kinds(0)).isEmpty();
        assertThat(kinds(-1)).isEmpty();
        assertThat(kinds(Long.MIN_VALUE)).isEmpty();
    }

    private static String kinds(final long stamp) {
        return (Stamps.isShared(stamp) ? "shared" : "") + (Stamps.isExclusive(stamp) ? "exclusive" : "") +
            (Stamps.isCounted(stamp) ? "counted" : "");
    }

    @Test
    void refusalsMustNotBePositiveAndMustSayWhetherWaitingHelps() {
        final List<Long> forNow = List.of(Stamps.EXCLUDED, Stamps.EXCLUSIVE, Stamps.SHARED);
        final List<Long> forGood = List.of(Stamps.DETACHED, Stamps.MOVED, Stamps.SATURATED, Stamps.TIMED_OUT,
            Stamps.INTERRUPTED);
        assertThat(forNow).allMatch(refusal -> refusal < 0 && Stamps.isTransient(refusal));
        assertThat(forGood).allMatch(refusal -> refusal < 0 && !Stamps.isTransient(refusal));
    }

    @Test
    void descriptionsMustNameTheKind() {
        assertThat(Stamps.describe(Stamps.shared(3, 8))).contains("shared, hazard=3");
        assertThat(Stamps.describe(Stamps.exclusive(8))).contains("exclusive");
        assertThat(Stamps.describe(Stamps.counted(8))).contains("counted");
        assertThat(Stamps.describe(8)).contains("optimistic");
        assertThat(Stamps.describe(-1)).contains("refusal");
    }

    /** G10: whatever is passed for a stamp, there is an exception, and what is held stays held. */
    @Test
    void garbageMustEndNothing() {
        final long seed = System.nanoTime();
        final SplittableRandom random = new SplittableRandom(seed);
        final LockFixture fixture = new LockFixture();
        final long shared = fixture.lock.tryShare(fixture.record, fixture.incarnation);
        final long counted = RegionLock.tryHold(fixture.record, fixture.incarnation);
        for (int i = 0; i < 20_000; i++) {
            long garbage = garbage(random, i);
            if (garbage == shared || garbage == counted) {
                garbage = 0;
            }
            final long stamp = garbage;
            assertThatThrownBy(() -> fixture.lock.endShare(fixture.record, stamp)).as("seed=%d", seed)
                .isInstanceOf(IllegalMonitorStateException.class);
            assertThatThrownBy(() -> RegionLock.endHold(fixture.record, stamp)).as("seed=%d", seed)
                .isInstanceOf(IllegalMonitorStateException.class);
            assertThatThrownBy(() -> fixture.lock.endExclusive(fixture.record, stamp)).as("seed=%d", seed)
                .isInstanceOf(IllegalMonitorStateException.class);
            if (i % 100 == 0) {
                assertThatThrownBy(() -> fixture.lock.downgrade(fixture.record, stamp))
                    .isInstanceOf(IllegalMonitorStateException.class);
                assertThatThrownBy(() -> fixture.lock.tryUpgrade(fixture.record, stamp))
                    .isInstanceOf(IllegalMonitorStateException.class);
                assertThatThrownBy(() -> fixture.lock.toHold(fixture.record, stamp))
                    .isInstanceOf(IllegalMonitorStateException.class);
                assertThat(fixture.lock.isShared(fixture.record, stamp)).isFalse();
                assertThat(fixture.lock.isExclusive(fixture.record, stamp)).isFalse();
            }
        }
        assertThat(fixture.state()).isEqualTo(State.OPEN);
        assertThat(fixture.holds()).isEqualTo(1);
        fixture.lock.endShare(fixture.record, shared);
        RegionLock.endHold(fixture.record, counted);
        fixture.reuse();
    }

    /** Anything, and often enough something that looks like a stamp. */
    private static long garbage(final SplittableRandom random, final int round) {
        final long any = random.nextLong();
        return switch (round % 5) {
            case 0 -> any;
            case 1 -> random.nextLong(-10, 10);
            case 2 -> Stamps.shared(random.nextInt(256), any);
            case 3 -> Stamps.counted(any);
            default -> Stamps.exclusive(any);
        };
    }

    @Test
    void aStampMustEndItsLockOnce() {
        final LockFixture fixture = new LockFixture();
        final long shared = fixture.lock.tryShare(fixture.record, fixture.incarnation);
        fixture.lock.endShare(fixture.record, shared);
        assertThatThrownBy(() -> fixture.lock.endShare(fixture.record, shared))
            .isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("end of a shared lock that the current thread does not hold: stamp=0x")
            .hasMessageContaining("attached=true, excluding=false, exclusive=false, holds=0");
        final long counted = RegionLock.tryHold(fixture.record, fixture.incarnation);
        RegionLock.endHold(fixture.record, counted);
        assertThatThrownBy(() -> RegionLock.endHold(fixture.record, counted))
            .isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining("end of a counted hold");
        final long exclusive = fixture.lock.tryExclusive(fixture.record, fixture.incarnation);
        fixture.lock.endExclusive(fixture.record, exclusive);
        assertThatThrownBy(() -> fixture.lock.endExclusive(fixture.record, exclusive))
            .isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining("end of an exclusive lock");
        assertThat(RecordLayout.lockVolatile(fixture.record)).isEqualTo(RecordLayout.ATTACHED);
    }

    @Test
    void aStampOfAnEarlierLifeMustEndNothing() {
        final LockFixture fixture = new LockFixture();
        final long shared = fixture.lock.tryShare(fixture.record, fixture.incarnation);
        fixture.lock.endShare(fixture.record, shared);
        final long counted = Stamps.counted(fixture.incarnation);
        final long exclusive = Stamps.exclusive(fixture.incarnation);
        fixture.reuse();
        final long held = fixture.lock.tryShare(fixture.record, fixture.incarnation);
        final long hold = RegionLock.tryHold(fixture.record, fixture.incarnation);
        assertThatThrownBy(() -> fixture.lock.endShare(fixture.record, shared))
            .isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(() -> RegionLock.endHold(fixture.record, counted))
            .isInstanceOf(IllegalMonitorStateException.class);
        fixture.lock.endShare(fixture.record, held);
        RegionLock.endHold(fixture.record, hold);
        final long writer = fixture.lock.tryExclusive(fixture.record, fixture.incarnation);
        assertThatThrownBy(() -> fixture.lock.endExclusive(fixture.record, exclusive))
            .isInstanceOf(IllegalMonitorStateException.class);
        fixture.lock.endExclusive(fixture.record, writer);
    }

    @Test
    void aStampOfAnotherRegionMustEndNothingAndValidateNothing() {
        final LockFixture fixture = new LockFixture();
        final long other = fixture.records.allocate();
        final long otherIncarnation = RegionLock.attach(other);
        final long shared = fixture.lock.tryShare(fixture.record, fixture.incarnation);
        final long counted = RegionLock.tryHold(fixture.record, fixture.incarnation);
        final long otherHold = RegionLock.tryHold(other, otherIncarnation);
        assertThatThrownBy(() -> fixture.lock.endShare(other, shared)).isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(() -> RegionLock.endHold(other, counted)).isInstanceOf(IllegalMonitorStateException.class);
        RegionLock.endHold(other, otherHold);
        RegionLock.endHold(fixture.record, counted);
        fixture.lock.endShare(fixture.record, shared);
        final long exclusive = fixture.lock.tryExclusive(fixture.record, fixture.incarnation);
        final long otherExclusive = fixture.lock.tryExclusive(other, otherIncarnation);
        assertThatThrownBy(() -> fixture.lock.endExclusive(other, exclusive))
            .isInstanceOf(IllegalMonitorStateException.class);
        fixture.lock.endExclusive(other, otherExclusive);
        fixture.lock.endExclusive(fixture.record, exclusive);
        final long stamp = RegionLock.tryOptimisticRead(fixture.record, fixture.incarnation);
        assertThat(RegionLock.validate(other, stamp)).isFalse();
    }

    @Test
    void aLockMustBeEndedByItsThread() {
        final LockFixture fixture = new LockFixture();
        for (final Peer peer : List.of(Peer.platform(), Peer.virtual())) {
            try (peer) {
                final long shared = peer.call(() -> fixture.lock.tryShare(fixture.record, fixture.incarnation));
                assertThatThrownBy(() -> fixture.lock.endShare(fixture.record, shared))
                    .isInstanceOf(IllegalMonitorStateException.class);
                peer.run(() -> fixture.lock.endShare(fixture.record, shared));
                final long exclusive = peer.call(() -> fixture.lock.tryExclusive(fixture.record, fixture.incarnation));
                assertThatThrownBy(() -> fixture.lock.endExclusive(fixture.record, exclusive))
                    .isInstanceOf(IllegalMonitorStateException.class)
                    .hasMessageContaining("writer thread=" + peer.thread().threadId());
                peer.run(() -> fixture.lock.endExclusive(fixture.record, exclusive));
            }
        }
        assertThat(fixture.lock.exclusive(fixture.record, fixture.incarnation, EpochTestSupport.impatient()))
            .isPositive();
    }
}
