// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.layout.SlotLayout;
import io.holdfast.lock.LockFixture.State;
import io.holdfast.memory.NativeMemory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The quick way into a shared lock: it does all or nothing, and leaves a writer alone that has refused it. */
class SharedFastPathTest {
    private LockFixture fixture;
    private RegionLock lock;
    private long seed;
    private long record;

    @BeforeEach
    void becomeLight() {
        assumeTrue(EpochDomain.supports(NativeMemory.system(), BarrierFlavour.MEMBARRIER), "membarrier is not available");
        fixture = new LockFixture(EpochTestSupport.lightDomain(NativeMemory.system()));
        lock = fixture.lock;
        seed = fixture.domain.quickSeed();
        record = fixture.record;
        for (int i = 0; i < 2; i++) {
            lock.endShare(record, lock.tryShare(record, fixture.incarnation));
        }
        assertThat(isQuick()).isTrue();
    }

    private boolean isQuick() {
        return EpochTestSupport.isQuick(fixture.domain);
    }

    private long share() {
        return SharedFastPath.share(seed, record, fixture.incarnation);
    }

    @Test
    void aQuickLockMustExcludeWritersUntilItEnds() {
        final long slot = share();
        assertThat(slot).isNotZero();
        assertThat(fixture.domain.isAnnounced(record, 0)).isTrue();
        assertThat(SharedFastPath.endIn(slot, record)).isTrue();
        assertThat(SharedFastPath.endIn(slot, record)).isFalse();
        assertThat(fixture.domain.isAnnounced(record, 0)).isFalse();
        assertThat(share()).isEqualTo(slot);
        assertThat(SharedFastPath.endIn(slot, record)).isTrue();
    }

    @Test
    void aStampMustEndItsOwnLockOnceAndNoGuards() {
        lock.endShare(record, lock.tryShare(record, fixture.incarnation)); // fetches numbers
        final long stamp = SharedFastPath.lock(seed, record, fixture.incarnation);
        assertThat(lock.isShared(record, stamp)).isTrue();
        final long slot = fixture.domain.slot();
        assertThat(SharedFastPath.endIn(slot, record)).as("a guard").isFalse();
        assertThat(SharedFastPath.unlock(seed, record, fixture.incarnation, stamp + 1)).isFalse();
        assertThat(SharedFastPath.unlock(seed, record, fixture.incarnation, stamp)).isTrue();
        assertThat(SharedFastPath.unlock(seed, record, fixture.incarnation, stamp)).isFalse();
        assertThat(share()).isEqualTo(slot);
        assertThat(SharedFastPath.unlock(seed, record, fixture.incarnation, stamp)).as("a guard's").isFalse();
        assertThat(lock.isShared(record, stamp)).isFalse();
        assertThat(SharedFastPath.endIn(slot, record)).isTrue();
        final long next = SharedFastPath.lock(seed, record, fixture.incarnation);
        assertThat(SharedFastPath.unlock(seed, record, fixture.incarnation, stamp)).as("another stamp's").isFalse();
        assertThat(SharedFastPath.unlock(seed, record, fixture.incarnation, next)).isTrue();
    }

    /** The block of numbers of a hazard ends; the full form fetches another one. */
    @Test
    void aHazardThatHasRunOutOfNumbersMustTakeTheFullForm() {
        lock.endShare(record, lock.tryShare(record, fixture.incarnation));
        final long slot = fixture.domain.slot();
        final long last = SlotLayout.number(slot, 0) | (1L << 24) - 1;
        SlotLayout.number(slot, 0, last);
        final long beyond = SharedFastPath.lock(seed, record, fixture.incarnation);
        assertThat(beyond).isEqualTo(last + 1);
        assertThat(SharedFastPath.unlock(seed, record, fixture.incarnation, beyond)).isTrue();
        assertThat(SharedFastPath.lock(seed, record, fixture.incarnation)).isZero();
        assertThat(fixture.domain.isAnnounced(record, 0)).isFalse();
        final long first = lock.tryShare(record, fixture.incarnation);
        assertThat(first).as("of another block").isNotEqualTo(beyond).isNotEqualTo(last);
        lock.endShare(record, first);
        final long next = SharedFastPath.lock(seed, record, fixture.incarnation);
        assertThat(next).isEqualTo(first + 1);
        assertThat(SharedFastPath.unlock(seed, record, fixture.incarnation, next)).isTrue();
    }

    @Test
    void aNestedLockMustTakeTheFullForm() {
        final long slot = share();
        assertThat(share()).isZero();
        assertThat(isQuick()).as("nobody refused it").isTrue();
        assertThat(SharedFastPath.endIn(slot, record)).isTrue();
    }

    /** [P1]: a reader that was refused must not come near the drain again before it has looked. */
    @Test
    void aRefusedReaderMustNotAnnounceAgainBeforeTheFullFormGrantedIt() {
        fixture.put(State.DRAINING);
        assertThat(share()).isZero();
        assertThat(fixture.domain.isAnnounced(record, 0)).isFalse();
        assertThat(isQuick()).isFalse();
        fixture.domain.pin();
        fixture.domain.unpin();
        assertThat(lock.tryShare(record, fixture.incarnation)).isEqualTo(Stamps.EXCLUDED);
        assertThat(isQuick()).as("nothing but a granted lock ends it").isFalse();
        fixture.endSomebody();
        assertThat(share()).isZero();
        lock.endShare(record, lock.tryShare(record, fixture.incarnation));
        assertThat(isQuick()).isTrue();
        assertThat(SharedFastPath.endIn(share(), record)).isTrue();
    }

    @Test
    void aStaleHandleMustNeitherLockNorEndTheNextLifesLock() {
        final long stale = fixture.incarnation;
        fixture.put(State.FREE);
        for (int i = 0; i < 2; i++) { // the detaching made the thread one that announces with fences
            fixture.incarnation = RegionLock.attach(record);
            lock.endShare(record, lock.tryShare(record, fixture.incarnation));
            fixture.put(i == 0 ? State.FREE : State.OPEN);
        }
        lock.endShare(record, lock.tryShare(record, fixture.incarnation));
        assertThat(isQuick()).isTrue();
        assertThat(SharedFastPath.share(seed, record, stale)).isZero();
        assertThat(fixture.domain.isAnnounced(record, 0)).isFalse();
        lock.endShare(record, lock.tryShare(record, fixture.incarnation));
        final long stamp = SharedFastPath.lock(seed, record, fixture.incarnation);
        assertThat(SharedFastPath.unlock(seed, record, stale, stamp)).isFalse();
        assertThat(SharedFastPath.unlock(seed, record, fixture.incarnation, stamp)).isTrue();
    }
}
