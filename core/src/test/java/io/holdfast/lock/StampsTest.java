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
    private static final long SEQUENCE = 0x7_1234_5678_9ABDL;
    /** More by option: each of them is three exceptions, whose causes are looked for among all that is remembered. */
    private static final int GARBAGE = Integer.getInteger("holdfast.stamps.garbage", 5_000);

    @Test
    void eachKindMustBeThatKindAlone() {
        final LockFixture fixture = new LockFixture();
        final long shared = fixture.lock.tryShare(fixture.record, fixture.incarnation);
        fixture.lock.endShare(fixture.record, shared);
        assertThat(kinds(shared)).isEqualTo("shared");
        assertThat(kinds(Stamps.exclusive(SEQUENCE))).isEqualTo("exclusive");
        assertThat(kinds(Stamps.exclusive(Stamps.SEQUENCES - 1))).isEqualTo("exclusive");
        final long counted = Stamps.counted(CountedStamps.LIMIT, (1L << CountedStamps.GENERATION_BITS) - 1);
        assertThat(kinds(counted)).isEqualTo("counted");
        assertThat(Stamps.index(counted)).isEqualTo(CountedStamps.LIMIT);
        assertThat(Stamps.generation(counted)).isEqualTo((1L << CountedStamps.GENERATION_BITS) - 1);
        assertThat(kinds(Stamps.counted(0, 0))).isEqualTo("counted");
        assertThat(kinds(SEQUENCE)).isEmpty();
        assertThat(kinds(Stamps.SEQUENCES - 1)).isEmpty();
        for (int hazard = 0; hazard < EpochDomain.MAX_HAZARDS; hazard++) {
            assertThat(kinds(Stamps.ofGuard(hazard))).isEmpty();
            assertThat(Stamps.isOfGuard(Stamps.ofGuard(hazard))).isTrue();
            assertThat(Stamps.hazard(Stamps.ofGuard(hazard))).isEqualTo(hazard);
        }
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
        assertThat(Stamps.describe(1L << 62)).contains("(shared)");
        assertThat(Stamps.describe(Stamps.exclusive(1000))).contains("(exclusive)");
        assertThat(Stamps.describe(Stamps.counted(3, 8))).contains("(counted)");
        assertThat(Stamps.describe(1000)).contains("(optimistic)");
        assertThat(Stamps.describe(Stamps.ofGuard(3))).contains("(of a guard)");
        assertThat(Stamps.describe(-1)).contains("refusal");
    }

    /** G10: whatever is passed for a stamp, there is an exception, and what is held stays held. */
    @Test
    void garbageMustEndNothing() {
        final long seed = System.nanoTime();
        final SplittableRandom random = new SplittableRandom(seed);
        final LockFixture fixture = new LockFixture();
        final long shared = fixture.lock.tryShare(fixture.record, fixture.incarnation);
        final long counted = counted(fixture.record, fixture.incarnation);
        for (int i = 0; i < GARBAGE; i++) {
            long garbage = garbage(random, i);
            if (garbage == shared || garbage == counted) {
                garbage = 0;
            }
            final long stamp = garbage;
            assertThatThrownBy(() -> fixture.lock.endShare(fixture.record, stamp)).as("seed=%d", seed)
                .isInstanceOf(IllegalMonitorStateException.class);
            assertThatThrownBy(() -> RegionLock.endCounted(fixture.record, stamp)).as("seed=%d", seed)
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
                assertThatThrownBy(() -> fixture.lock.toCounted(fixture.record, stamp))
                    .isInstanceOf(IllegalMonitorStateException.class);
                assertThat(fixture.lock.isHeld(fixture.record, fixture.incarnation, stamp)).isFalse();
                assertThat(fixture.lock.isShared(fixture.record, stamp)).isFalse();
                assertThat(fixture.lock.isExclusive(fixture.record, stamp)).isFalse();
            }
        }
        assertThat(fixture.state()).isEqualTo(State.OPEN);
        assertThat(fixture.holds()).isEqualTo(1);
        fixture.lock.endShare(fixture.record, shared);
        RegionLock.endCounted(fixture.record, counted);
        fixture.reuse();
    }

    /** Anything, and often enough something that looks like a stamp. */
    private static long garbage(final SplittableRandom random, final int round) {
        final long any = random.nextLong();
        return switch (round % 5) {
            case 0 -> any;
            case 1 -> random.nextLong(-10, 10);
            case 2 -> 1L << 62 | any >>> 2;
            case 3 -> Stamps.counted(random.nextInt(CountedStamps.LIMIT), any >>> 62);
            default -> Stamps.exclusive(any >>> 4);
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
        final long counted = counted(fixture.record, fixture.incarnation);
        RegionLock.endCounted(fixture.record, counted);
        assertThatThrownBy(() -> RegionLock.endCounted(fixture.record, counted))
            .isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining("end of a counted lock");
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
        final long counted = counted(fixture.record, fixture.incarnation);
        RegionLock.endCounted(fixture.record, counted);
        final long exclusive = fixture.lock.tryExclusive(fixture.record, fixture.incarnation);
        fixture.lock.endExclusive(fixture.record, exclusive);
        fixture.reuse();
        final long held = fixture.lock.tryShare(fixture.record, fixture.incarnation);
        final long hold = counted(fixture.record, fixture.incarnation);
        assertThatThrownBy(() -> fixture.lock.endShare(fixture.record, shared))
            .isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(() -> RegionLock.endCounted(fixture.record, counted))
            .isInstanceOf(IllegalMonitorStateException.class);
        fixture.lock.endShare(fixture.record, held);
        RegionLock.endCounted(fixture.record, hold);
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
        final long counted = counted(fixture.record, fixture.incarnation);
        final long otherHold = counted(other, otherIncarnation);
        assertThatThrownBy(() -> fixture.lock.endShare(other, shared)).isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(() -> RegionLock.endCounted(other, counted)).isInstanceOf(IllegalMonitorStateException.class);
        RegionLock.endCounted(other, otherHold);
        RegionLock.endCounted(fixture.record, counted);
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

    private static long counted(final long record, final long incarnation) {
        assertThat(RegionLock.tryHold(record, incarnation)).isEqualTo(1);
        return RegionLock.stampOfHold(record);
    }

    /** G10: whatever is locked after it, by a guard, a hold or another stamp. */
    @Test
    void aStampThatEndedMustBeRefusedForGood() {
        final LockFixture fixture = new LockFixture();
        final long record = fixture.record;
        final RegionLock lock = fixture.lock;
        final long shared = lock.tryShare(record, fixture.incarnation);
        final long counted = counted(record, fixture.incarnation);
        lock.endShare(record, shared);
        RegionLock.endCounted(record, counted);
        final long exclusive = lock.tryExclusive(record, fixture.incarnation);
        lock.endExclusive(record, exclusive);

        final long grip = lock.toGuard(record, lock.tryShare(record, fixture.incarnation));
        final long nextShared = lock.tryShare(record, fixture.incarnation);
        assertThat(RegionLock.tryHold(record, fixture.incarnation)).isEqualTo(1);
        final long nextCounted = counted(record, fixture.incarnation);
        assertEnded(fixture, shared, counted, exclusive);
        assertThat(fixture.holds()).isEqualTo(2);
        lock.endShare(record, nextShared);
        RegionLock.endCounted(record, nextCounted);
        RegionLock.endHold(record);
        lock.endShare(record, grip);

        final long nextExclusive = lock.tryExclusive(record, fixture.incarnation);
        assertEnded(fixture, shared, counted, exclusive);
        lock.endExclusive(record, nextExclusive);
    }

    private static void assertEnded(final LockFixture fixture, final long shared, final long counted,
                                    final long exclusive) {
        for (final long stamp : new long[] {shared, counted, exclusive}) {
            assertThat(fixture.lock.isHeld(fixture.record, fixture.incarnation, stamp)).isFalse();
            assertThatThrownBy(() -> fixture.lock.endShare(fixture.record, stamp))
                .isInstanceOf(IllegalMonitorStateException.class);
            assertThatThrownBy(() -> RegionLock.endCounted(fixture.record, stamp))
                .isInstanceOf(IllegalMonitorStateException.class);
            assertThatThrownBy(() -> fixture.lock.endExclusive(fixture.record, stamp))
                .isInstanceOf(IllegalMonitorStateException.class);
        }
    }

    /** G10: what a guard has instead of a stamp is known to the guard alone, but a number can be guessed. */
    @Test
    void noStampMustEndAGuardsLock() {
        final LockFixture fixture = new LockFixture();
        final long stamp = fixture.lock.tryShare(fixture.record, fixture.incarnation);
        final long grip = fixture.lock.toGuard(fixture.record, stamp);
        for (long guess = stamp - 4; guess <= stamp + 4; guess++) {
            final long guessed = guess;
            assertThatThrownBy(() -> fixture.lock.endShare(fixture.record, guessed))
                .isInstanceOf(IllegalMonitorStateException.class);
        }
        assertThatThrownBy(() ->
            RegionLock.checkStamp("end of a shared lock", fixture.record, fixture.incarnation, grip))
            .isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining("of a guard");
        fixture.lock.endShare(fixture.record, grip);
    }

    /** Stamps of one record in two spaces, in which all else is the same. */
    @Test
    void stampsOfTwoSpacesMustDiffer() {
        final LockFixture first = new LockFixture();
        final LockFixture second = new LockFixture();
        final long one = first.lock.tryExclusive(first.record, first.incarnation);
        final long two = second.lock.tryExclusive(second.record, second.incarnation);
        assertThat(one).isNotEqualTo(two);
        assertThat(Math.abs(one - two)).isGreaterThan(1L << 24);
        first.lock.endExclusive(first.record, one);
        second.lock.endExclusive(second.record, two);
        final long sharedOne = first.lock.tryShare(first.record, first.incarnation);
        final long sharedTwo = second.lock.tryShare(second.record, second.incarnation);
        assertThat(sharedOne).isNotEqualTo(sharedTwo);
        first.lock.endShare(first.record, sharedOne);
        second.lock.endShare(second.record, sharedTwo);
    }
}
