// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.RetireList;
import io.holdfast.layout.RecordLayout;
import io.holdfast.memory.NativeMemory;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The table of {@link Lifetimes}, with a thread that stops before each step and each stamp: G7, T9. */
class LifetimesTest {
    private final EpochDomain domain = EpochTestSupport.newDomain();
    private final RegionLock lock = new RegionLock(domain, (which, tag, elapsedNs) -> { }, () -> { });
    private final RecordTable records = new RecordTable(NativeMemory.system());
    private final Lifetimes lifetimes = new Lifetimes();

    private long described() {
        final long record = records.allocate();
        RecordLayout.describe(record, 0, 0, 4096, 0);
        return record;
    }

    /** The step of an attach without the stamp. */
    private static void attachOnly(final long record) {
        RecordLayout.begunToBeStamped(record, SectionLock.nextIncarnation(record));
        RegionLock.attach(record);
    }

    private void detachOnly(final long record) {
        assertThat(lock.tryDetach(record, RegionLock.incarnation(record))).isEqualTo(1);
    }

    @Test
    void aLifeMustBeInTheSnapshotsBetweenItsBeginningAndItsEnd() {
        final long record = described();
        final long before = lifetimes.tick();
        assertThat(lifetimes.attach(record)).isEqualTo(RegionLock.incarnation(record));
        final long during = lifetimes.tick();
        detachOnly(record);
        lifetimes.detached(record);
        final long after = lifetimes.tick();
        assertThat(lifetimes.isAlive(record, before)).isFalse();
        assertThat(lifetimes.isAlive(record, during)).isTrue();
        assertThat(lifetimes.isAlive(record, after)).isFalse();
    }

    /** A snapshot between the reading of the clock and the step that it would have been a stamp for. */
    @Test
    void whoLookedBeforeAStepMustBeToldTheSameAfterItsStamp() {
        final long record = described();
        RecordLayout.begunToBeStamped(record, SectionLock.nextIncarnation(record));
        final long before = lifetimes.tick();
        assertThat(lifetimes.isAlive(record, before)).as("not attached").isFalse();
        RegionLock.attach(record);
        assertThat(lifetimes.isAlive(record, before)).as("attached").isFalse();
        lifetimes.settle(record);
        assertThat(lifetimes.isAlive(record, before)).as("stamped").isFalse();

        final long during = lifetimes.tick();
        assertThat(lifetimes.isAlive(record, during)).as("attached").isTrue();
        detachOnly(record);
        assertThat(lifetimes.isAlive(record, during)).as("detached").isTrue();
        lifetimes.detached(record);
        assertThat(lifetimes.isAlive(record, during)).as("stamped").isTrue();
        assertThat(lifetimes.isAlive(record, lifetimes.tick())).isFalse();
    }

    /** The thread that attached, or detached, has stopped for ever before the stamp. */
    @Test
    void whoLooksMustStampForAThreadThatStopped() {
        final long record = described();
        attachOnly(record);
        final long first = lifetimes.tick();
        assertThat(lifetimes.isAlive(record, first)).as("stamped by this look, later than the snapshot").isFalse();
        final long second = lifetimes.tick();
        assertThat(lifetimes.isAlive(record, second)).isTrue();
        assertThat(lifetimes.isAlive(record, first)).isFalse();
        detachOnly(record);
        final long third = lifetimes.tick();
        assertThat(lifetimes.isAlive(record, third)).as("stamped by this look, later than the snapshot").isTrue();
        final long fourth = lifetimes.tick();
        assertThat(lifetimes.isAlive(record, fourth)).isFalse();
        assertThat(lifetimes.isAlive(record, third)).isTrue();
    }

    /** [V4] */
    @Test
    void whatALookupHasSeenMustBeSoInSnapshotsTakenLater() {
        final long record = described();
        attachOnly(record);
        lifetimes.settle(record);
        final long during = lifetimes.tick();
        assertThat(lifetimes.isAlive(record, during)).isTrue();
        detachOnly(record);
        lifetimes.settle(record);
        assertThat(lifetimes.isAlive(record, lifetimes.tick())).isFalse();
        assertThat(lifetimes.isAlive(record, during)).isTrue();
    }

    /** What comes instead of them is in the same publication of the tree, or was never there. */
    @Test
    void livesThatAPublicationBeginsOrEndsMustHaveNoTimesOfTheirOwn() {
        final long published = described();
        final long time = lifetimes.tick();
        assertThat(lifetimes.isAlive(published, time)).as("a placeholder, never attached").isFalse();
        RegionLock.attach(published);
        assertThat(lifetimes.isAlive(published, time)).isTrue();
        lock.move(published, lock.tryExclusive(published, RegionLock.incarnation(published)));
        assertThat(lifetimes.isAlive(published, time)).as("moved").isTrue();
        assertThat(lifetimes.isAlive(published, lifetimes.tick())).as("moved").isTrue();

        final long unmapped = described();
        final long ticket = SectionLock.open();
        SectionLock.attach(unmapped, ticket);
        assertThat(lifetimes.isAlive(unmapped, time)).as("held by a section").isTrue();
        SectionLock.detach(unmapped, ticket);
        assertThat(lifetimes.isAlive(unmapped, lifetimes.tick())).as("unmapped by a section").isTrue();

        final long abandoned = described();
        SectionLock.attach(abandoned, ticket);
        final long during = lifetimes.tick();
        SectionLock.abandon(abandoned, ticket);
        lifetimes.detached(abandoned);
        assertThat(lifetimes.isAlive(abandoned, during)).isTrue();
        assertThat(lifetimes.isAlive(abandoned, lifetimes.tick())).as("no publication ended it").isFalse();
        SectionLock.endAll(ticket);
    }

    /** T9: at 28, 32 and 59 bits, where times have ended or could, and at the end of all. */
    @ParameterizedTest
    @ValueSource(longs = {1L << 27, 1L << 28, 1L << 31, 1L << 32, 1L << 59, 1L << 60, Long.MAX_VALUE - 6})
    void timesMustNotWrap(final long time) {
        final long early = described();
        lifetimes.attach(early);
        LifetimesTestSupport.preset(lifetimes, time - 3);
        final long record = described();
        final long before = lifetimes.tick();
        lifetimes.attach(record);
        final long during = lifetimes.tick();
        final long later = lifetimes.tick();
        detachOnly(record);
        lifetimes.detached(record);
        final long after = lifetimes.tick();
        for (final long at : new long[] {before, during, later, after}) {
            assertThat(lifetimes.isAlive(early, at)).isTrue();
            assertThat(lifetimes.isAlive(record, at)).isEqualTo(at == during || at == later);
        }
    }

    @Test
    void snapshotsMustBeRefusedWhenTimeIsOver() {
        LifetimesTestSupport.preset(lifetimes, Long.MAX_VALUE - 2);
        final long last = lifetimes.tick();
        assertThatIllegalStateException().isThrownBy(lifetimes::tick).withMessageContaining("no time is left");
        assertThatIllegalStateException().isThrownBy(lifetimes::tick);
        final long record = described();
        lifetimes.attach(record);
        assertThat(lifetimes.isAlive(record, last)).isFalse();
    }

    /** Lives, and looks by threads that see one record in a tree of one place; until both steps came under a snapshot. */
    @Test
    void aSnapshotMustGiveOneAnswerWhateverHappensBesideIt() {
        final AtomicLong place = new AtomicLong(described());
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong attachedMeanwhile = new AtomicLong();
        final AtomicLong detachedMeanwhile = new AtomicLong();
        EpochTestSupport.together(3, number -> {
            if (number == 0) {
                liveAgainAndAgain(place, stop, attachedMeanwhile, detachedMeanwhile);
                stop.set(true);
                return;
            }
            while (!stop.get()) {
                boolean right = false;
                domain.pinStructure();
                try {
                    final long record = place.get();
                    final long time = lifetimes.tick();
                    if (place.get() == record) {
                        lookAgainAndAgain(record, time, attachedMeanwhile, detachedMeanwhile);
                    }
                    right = true;
                } finally {
                    domain.unpinStructure();
                    stop.compareAndSet(false, !right);
                }
            }
        });
    }

    /** [V5]: records that a later snapshot does not show get their next life while it looks. */
    @Test
    void theNextLifeOfARecordMustNotBringItsLastOneBack() {
        final long[] all = new long[256];
        for (int i = 0; i < all.length; i++) {
            all[i] = described();
            lifetimes.attach(all[i]);
        }
        final AtomicLong met = new AtomicLong();
        for (int round = 0; round < 200 || met.get() == 0; round++) {
            for (final long record : all) {
                detachOnly(record);
                lifetimes.detached(record);
            }
            final long time = lifetimes.tick();
            final AtomicBoolean over = new AtomicBoolean();
            EpochTestSupport.together(2, thread -> {
                if (thread == 0) {
                    for (final long record : all) {
                        RegionLock.reclaim(record);
                        VarHandle.storeStoreFence();
                        RecordLayout.describe(record, 0, 0, 4096, 0);
                        lifetimes.attach(record);
                    }
                    over.set(true);
                } else {
                    int attached = 0;
                    do {
                        attached = 0;
                        for (final long record : all) {
                            assertThat(lifetimes.isAlive(record, time)).isFalse();
                            attached += RegionLock.isAttached(record) ? 1 : 0;
                        }
                        met.addAndGet(attached != 0 && attached != all.length ? 1 : 0);
                    } while (!over.get());
                }
            });
        }
    }

    private void liveAgainAndAgain(final AtomicLong place, final AtomicBoolean stop, final AtomicLong attached,
                                   final AtomicLong detached) {
        final RetireList retired = new RetireList(domain, 1, record -> {
            RegionLock.reclaim(record);
            records.free(record);
        });
        for (int i = 0; !stop.get() && (i < 20_000 || attached.get() < 100 || detached.get() < 100); i++) {
            final long record = place.get();
            lifetimes.attach(record);
            detachOnly(record);
            lifetimes.detached(record);
            place.set(described());
            retired.retire(record);
        }
    }

    private void lookAgainAndAgain(final long record, final long time, final AtomicLong attached,
                                   final AtomicLong detached) {
        final boolean was = RegionLock.isAttached(record);
        final boolean first = lifetimes.isAlive(record, time);
        for (int look = 0; look < 20; look++) {
            if (lifetimes.isAlive(record, time) != first) {
                throw new AssertionError("a snapshot that changed its answer: first=" + first + ", time=" + time + ", " +
                    RegionLock.describe(record));
            }
        }
        if (RegionLock.isAttached(record) != was) {
            (was ? detached : attached).incrementAndGet();
        }
    }
}
