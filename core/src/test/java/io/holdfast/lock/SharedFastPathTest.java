// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.EpochTestSupport;
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
        assertThat(lock.isShared(record, SharedFastPath.stamp(fixture.incarnation))).isTrue();
        assertThat(fixture.domain.isAnnounced(record, 0)).isTrue();
        assertThat(SharedFastPath.endIn(slot, record)).isTrue();
        assertThat(SharedFastPath.endIn(slot, record)).isFalse();
        assertThat(fixture.domain.isAnnounced(record, 0)).isFalse();
        assertThat(share()).isEqualTo(slot);
        assertThat(SharedFastPath.end(seed, record, fixture.incarnation)).isTrue();
        assertThat(SharedFastPath.end(seed, record, fixture.incarnation)).isFalse();
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
        final long slot = share();
        assertThat(SharedFastPath.end(seed, record, stale)).isFalse();
        assertThat(SharedFastPath.endIn(slot, record)).isTrue();
    }
}
