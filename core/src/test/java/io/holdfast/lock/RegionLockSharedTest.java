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
import io.holdfast.layout.SlotLayout;
import io.holdfast.lock.LockFixture.State;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.NativeMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

/** Shared locks and counted holds: G1, G5, G9, G10, and the races T6, T8 and T13. */
class RegionLockSharedTest {
    private static final int LEVELS = 600; // of the recursion, in which some of the stack is left
    private static final int ENOMEM = 12;

    private final LockFixture fixture = new LockFixture();
    private final RegionLock lock = fixture.lock;
    private final EpochDomain domain = fixture.domain;
    private final long record = fixture.record;

    @Test
    void sharedLocksMustNestAndEndInAnyOrder() {
        final List<Long> stamps = new ArrayList<>();
        for (int i = 0; i < EpochDomain.MAX_HAZARDS; i++) {
            stamps.add(lock.tryShare(record, fixture.incarnation));
        }
        assertThat(stamps).allMatch(stamp -> stamp > 0).doesNotHaveDuplicates();
        assertThat(lock.tryShare(record, fixture.incarnation)).isEqualTo(Stamps.SATURATED);
        assertThat(lock.share(record, fixture.incarnation, impatient())).isEqualTo(Stamps.SATURATED);
        for (int i = 0; i < stamps.size(); i++) {
            final long stamp = stamps.get((i * 5 + 3) % stamps.size());
            assertThat(lock.isShared(record, stamp)).isTrue();
            assertThat(lock.tryExclusive(record, fixture.incarnation)).isEqualTo(Stamps.SHARED);
            lock.endShare(record, stamp);
            assertThat(lock.isShared(record, stamp)).isFalse();
        }
        final long exclusive = lock.tryExclusive(record, fixture.incarnation);
        assertThat(exclusive).isPositive();
        lock.endExclusive(record, exclusive);
    }

    @Test
    void sharedLocksOnDifferentRecordsMustNotMeet() {
        final long other = fixture.records.allocate();
        final long incarnation = RegionLock.attach(other);
        final long shared = lock.tryShare(record, fixture.incarnation);
        final long otherExclusive = lock.exclusive(other, incarnation, impatient());
        assertThat(otherExclusive).isPositive();
        lock.endExclusive(other, otherExclusive);
        lock.endShare(record, shared);
    }

    @Test
    void sharedLocksOfVirtualThreadsMustNestToo() {
        try (Peer peer = Peer.virtual()) {
            final List<Long> stamps = new ArrayList<>();
            for (int i = 0; i < 3 * SlotLayout.HAZARDS; i++) {
                stamps.add(peer.call(() -> lock.tryShare(record, fixture.incarnation)));
            }
            assertThat(stamps).allMatch(stamp -> stamp > 0).doesNotHaveDuplicates();
            for (final long stamp : stamps) {
                assertThat(lock.tryExclusive(record, fixture.incarnation)).isEqualTo(Stamps.SHARED);
                peer.run(() -> lock.endShare(record, stamp));
            }
            final long exclusive = lock.tryExclusive(record, fixture.incarnation);
            assertThat(exclusive).isPositive();
            lock.endExclusive(record, exclusive);
        }
    }

    @Test
    void aReaderMustWaitForTheWriterAndThenGetIn() {
        fixture.put(State.EXCLUSIVE);
        try (Waiting waiting = scripted(() -> { }, fixture::endSomebody)) {
            final long stamp = lock.share(record, fixture.incarnation, waiting);
            assertThat(lock.isShared(record, stamp)).isTrue();
            lock.endShare(record, stamp);
        }
    }

    @Test
    void aWaitingReaderMustLearnOfTheDetach() {
        fixture.put(State.DRAINING);
        try (Waiting waiting = scripted(() -> {
            fixture.endSomebody();
            fixture.put(State.DETACHED);
        })) {
            assertThat(lock.share(record, fixture.incarnation, waiting)).isEqualTo(Stamps.DETACHED);
        }
    }

    /** G10: the writer is the thread itself. */
    @Test
    void theWriterMustNotWaitForItselfAsAReader() {
        final long exclusive = lock.tryExclusive(record, fixture.incarnation);
        assertThatThrownBy(() -> lock.share(record, fixture.incarnation, patient()))
            .isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("share by the thread that holds the region exclusively would wait for itself")
            .hasMessageContaining("exclusive=true");
        assertThat(lock.tryShare(record, fixture.incarnation)).isEqualTo(Stamps.EXCLUSIVE);
        lock.endExclusive(record, exclusive);
    }

    /** G10: the writer may be about to wait for the thread's pin. */
    @Test
    void aPinnedThreadMustNotWaitAsAReader() {
        fixture.put(State.DRAINING);
        domain.pin();
        assertThatThrownBy(() -> lock.share(record, fixture.incarnation, patient()))
            .isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining("share by a pinned thread");
        assertThat(lock.tryShare(record, fixture.incarnation)).isEqualTo(Stamps.EXCLUDED);
        domain.unpin();
    }

    /** T13, G10: a shared lock held, another asked for, and a writer in between who waits for the first. */
    @Test
    void aReaderMustNotWaitForAWriterThatWaitsForIt() {
        try (Peer writer = Peer.platform()) {
            final long stamp = lock.tryShare(record, fixture.incarnation);
            final FutureTask<Long> exclusive =
                writer.begin(() -> lock.exclusive(record, fixture.incarnation, patient()));
            EpochTestSupport.await("the writer's announcement", () -> fixture.state() == State.DRAINING);
            assertThatThrownBy(() -> lock.share(record, fixture.incarnation, patient()))
                .isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining("would wait for itself").hasMessageContaining("excluding=true");
            lock.endShare(record, stamp);
            assertThat(EpochTestSupport.result(exclusive)).isPositive();
            writer.run(() -> lock.endExclusive(record, Stamps.exclusive(fixture.incarnation + 1)));
        }
    }

    /** G9: the table of slots cannot grow while a further slot is needed; what was held stays so, and nothing more. */
    @Test
    void aFailingExtensionMustLeaveNoAnnouncement() {
        final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
        final LockFixture local = new LockFixture(EpochDomain.create(memory, EpochTestSupport.flavour()));
        memory.failFrom(NativeCall.MMAP, 1, ENOMEM, FaultInjectingMemory.Damage.NONE);
        final List<Peer> peers = new ArrayList<>();
        final List<List<Long>> stamps = new ArrayList<>();
        boolean failed = false;
        while (!failed && peers.size() < 10) {
            final Peer peer = Peer.platform();
            peers.add(peer);
            final List<Long> mine = new ArrayList<>();
            stamps.add(mine);
            failed = peer.call(() -> shareUntilFailure(local, mine));
        }
        assertThat(failed).isTrue();
        memory.disarm();
        for (int i = 0; i < peers.size(); i++) {
            final List<Long> taken = stamps.get(i);
            peers.get(i).run(() -> taken.forEach(stamp -> local.lock.endShare(local.record, stamp)));
        }
        assertThat(local.lock.tryExclusive(local.record, local.incarnation)).isPositive();
        peers.forEach(Peer::close);
    }

    private static boolean shareUntilFailure(final LockFixture local, final List<Long> stamps) {
        try {
            long stamp = local.lock.tryShare(local.record, local.incarnation);
            while (stamp > 0) {
                stamps.add(stamp);
                stamp = local.lock.tryShare(local.record, local.incarnation);
            }
            return false;
        } catch (final NativeException e) {
            return true;
        }
    }

    /** G9: whatever depth of the stack it happens at, a stack overflow leaves no lock behind. */
    @Test
    void aStackOverflowMustLeaveNoLock() throws Exception {
        for (int i = 0; i < 20_000; i++) { // linked and initialised, so that only the protocol is left to overflow
            lock.endShare(record, lock.tryShare(record, fixture.incarnation));
        }
        final long[] stampAndRounds = new long[2];
        final Thread thread = new Thread(null, () -> dig(stampAndRounds, 0), "digger", 256 * 1024);
        thread.start();
        thread.join();
        assertThat(stampAndRounds[0]).as("what was locked was unlocked, at a lesser depth if need be").isZero();
        assertThat(stampAndRounds[1]).isPositive();
        assertThat(fixture.domain.orphansBuried()).isZero();
        assertThat(lock.tryExclusive(record, fixture.incarnation)).isPositive();
        assertThat(fixture.domain.orphansBuried()).as("nothing was left in the dead thread's slot").isZero();
    }

    private int dig(final long[] stampAndRounds, final int depth) {
        int deepest = depth;
        try {
            if (depth < Integer.MAX_VALUE) {
                deepest = dig(stampAndRounds, depth + 1);
            }
        } catch (final StackOverflowError e) {
            deepest = depth;
        }
        if (deepest - depth < LEVELS) {
            try {
                if (stampAndRounds[0] == 0) {
                    stampAndRounds[0] = lock.tryShare(record, fixture.incarnation);
                }
                lock.endShare(record, stampAndRounds[0]);
                stampAndRounds[0] = 0;
                stampAndRounds[1]++;
            } catch (final StackOverflowError e) {
                deepest = Math.max(deepest, depth);
            }
        }
        return deepest;
    }

    @Test
    void aHoldMustEndInAnyThread() {
        try (Peer first = Peer.platform(); Peer second = Peer.virtual()) {
            assertThat(first.call(() -> RegionLock.tryHold(record, fixture.incarnation))).isEqualTo(1L);
            assertThat(lock.tryExclusive(record, fixture.incarnation)).isEqualTo(Stamps.SHARED);
            second.run(() -> RegionLock.endHold(record));
            final long exclusive = lock.tryExclusive(record, fixture.incarnation);
            assertThat(exclusive).isPositive();
            lock.endExclusive(record, exclusive);
        }
    }

    /** T8: the count is bounded, saturation is a refusal of its own, and a writer still gets in afterwards. */
    @Test
    void holdsMustBeBoundedAndLeaveRoomForAWriter() {
        RecordLayout.getAndAddLock(record, RecordLayout.COUNT_LIMIT - 1);
        final long last = RegionLock.tryHold(record, fixture.incarnation);
        assertThat(last).isPositive();
        assertThat(fixture.holds()).isEqualTo(RecordLayout.COUNT_LIMIT);
        assertThat(RegionLock.tryHold(record, fixture.incarnation)).isEqualTo(Stamps.SATURATED);
        final long shared = lock.tryShare(record, fixture.incarnation);
        assertThat(lock.toHold(record, shared)).isEqualTo(Stamps.SATURATED);
        assertThat(lock.isShared(record, shared)).isTrue();
        assertThat(lock.tryExclusive(record, fixture.incarnation)).isEqualTo(Stamps.SHARED);
        assertThat(fixture.state()).isEqualTo(State.OPEN);
        lock.endShare(record, shared);
        RegionLock.endHold(record);
        try (Waiting waiting = scripted(() -> assertThat(fixture.state()).isEqualTo(State.DRAINING),
            () -> RecordLayout.getAndAddLock(record, -(RecordLayout.COUNT_LIMIT - 1)))) {
            assertThat(lock.exclusive(record, fixture.incarnation, waiting)).isPositive();
        }
    }

    /** G1: a hazard becomes a count while a writer waits; the writer must not get in before the count has gone. */
    @Test
    void aHoldMadeFromASharedLockMustKeepTheWriterOut() {
        try (Peer reader = Peer.platform()) {
            final long shared = reader.call(() -> lock.tryShare(record, fixture.incarnation));
            final long[] hold = new long[1];
            try (Waiting waiting = scripted(
                () -> hold[0] = reader.call(() -> lock.toHold(record, shared)),
                () -> assertThat(fixture.holds()).isEqualTo(1),
                () -> RegionLock.endHold(record))) {
                final long exclusive = lock.exclusive(record, fixture.incarnation, waiting);
                assertThat(exclusive).isPositive();
                assertThat(hold[0]).isEqualTo(1);
                lock.endExclusive(record, exclusive);
            }
        }
    }

    /** G1: the same while an unmap waits. */
    @Test
    void aHoldMadeFromASharedLockMustKeepTheMemory() {
        try (Peer reader = Peer.virtual()) {
            final long shared = reader.call(() -> lock.tryShare(record, fixture.incarnation));
            assertThat(lock.tryDetach(record, fixture.incarnation)).isEqualTo(1);
            final long tag = domain.retireEpoch();
            assertThat(LockFixture.isDrained(domain, record, tag)).isFalse();
            assertThat(reader.call(() -> lock.toHold(record, shared))).isEqualTo(1L);
            assertThat(LockFixture.isDrained(domain, record, tag)).isFalse();
            assertThat(lock.drainDetached(record, tag, impatient())).isFalse();
            RegionLock.endHold(record);
            assertThat(LockFixture.isDrained(domain, record, tag)).isTrue();
            RegionLock.reclaim(record);
        }
    }

    /** T6: what an atomic step returns counts, not what is read again: holders that leave at once are all counted. */
    @Test
    void holdsMustBeCountedExactly() {
        EpochTestSupport.together(4, thread -> {
            for (int i = 0; i < 20_000; i++) {
                assertThat(RegionLock.tryHold(record, fixture.incarnation)).isEqualTo(1);
                RegionLock.endHold(record);
            }
        });
        assertThat(fixture.holds()).isZero();
    }
}
