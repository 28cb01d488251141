// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.layout.TicketLayout;
import io.holdfast.lock.LockFixture.State;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Exclusive locks of write sections: many with one barrier, all ended by one store (G2, G5, G7; T9). */
class SectionLockTest {
    private static final int MANY = 1000;

    private final LockFixture fixture = new LockFixture();
    private final SectionLock section = new SectionLock(fixture.lock, fixture.domain);

    private long exclude(final long ticket, final long... records) {
        final long[] incarnations = new long[records.length];
        for (int i = 0; i < records.length; i++) {
            incarnations[i] = RecordLayout.incarnation(records[i]);
        }
        return section.exclude(ticket, records, incarnations, EpochTestSupport.impatient());
    }

    private long[] attachMany() {
        final long[] records = new long[MANY];
        for (int i = 0; i < MANY; i++) {
            records[i] = fixture.records.allocate();
            RegionLock.attach(records[i]);
        }
        return records;
    }

    @Test
    void oneStoreMustEndEveryExclusiveLock() {
        final long[] records = attachMany();
        final long ticket = SectionLock.open();
        assertThat(exclude(ticket, records)).isEqualTo(1);
        for (final long record : records) {
            assertThat(LockFixture.state(record)).isEqualTo(State.SECTION);
            assertThat(fixture.lock.tryShare(record, RecordLayout.incarnation(record))).isEqualTo(Stamps.EXCLUSIVE);
        }
        SectionLock.endAll(ticket);
        for (final long record : records) {
            assertThat(LockFixture.state(record)).isEqualTo(State.ENDED);
            final long stamp = fixture.lock.tryShare(record, RecordLayout.incarnation(record));
            assertThat(stamp).isPositive();
            fixture.lock.endShare(record, stamp);
            assertThat(LockFixture.state(record)).isEqualTo(State.OPEN);
        }
    }

    @Test
    void aRecordThatCannotBeExcludedMustLeaveTheOthersOpen() {
        final long[] records = attachMany();
        final long held = records[MANY - 1];
        final long incarnation = RecordLayout.incarnation(held);
        final long ticket = SectionLock.open();
        try (Peer peer = Peer.platform()) {
            final long stamp = peer.call(() -> fixture.lock.tryShare(held, incarnation));
            assertThat(exclude(ticket, records)).isEqualTo(Stamps.TIMED_OUT);
            for (final long record : records) {
                assertThat(LockFixture.state(record)).isEqualTo(State.OPEN);
            }
            peer.run(() -> fixture.lock.endShare(held, stamp));
        }
        SectionLock.endAll(ticket);
    }

    @Test
    void aSingleRecordMustEndBesideTheOthers() {
        final long[] records = attachMany();
        final long ticket = SectionLock.open();
        assertThat(exclude(ticket, records)).isEqualTo(1);
        SectionLock.end(records[0], ticket);
        assertThat(LockFixture.state(records[0])).isEqualTo(State.OPEN);
        assertThat(LockFixture.state(records[1])).isEqualTo(State.SECTION);
        assertThatThrownBy(() -> SectionLock.end(records[0], ticket)).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("attached=");
        SectionLock.endAll(ticket);
        assertThatThrownBy(() -> SectionLock.end(records[1], ticket)).isInstanceOf(IllegalMonitorStateException.class);
    }

    @Test
    void stampsFromBeforeASectionMustFailAndStampsAfterItMustHoldUntilTheNextWriter() {
        final long early = RegionLock.tryOptimisticRead(fixture.record, fixture.incarnation);
        final long ticket = SectionLock.open();
        exclude(ticket, fixture.record);
        assertThat(RegionLock.tryOptimisticRead(fixture.record, fixture.incarnation)).isZero();
        assertThat(RegionLock.validate(fixture.record, early)).isFalse();
        SectionLock.endAll(ticket);
        assertThat(RegionLock.validate(fixture.record, early)).isFalse();
        final long stamp = RegionLock.tryOptimisticRead(fixture.record, fixture.incarnation);
        assertThat(stamp).isPositive();
        assertThat(fixture.state()).as("an optimistic read stores nothing").isEqualTo(State.ENDED);
        assertThat(RegionLock.validate(fixture.record, stamp)).isTrue();
        assertThat(SectionLock.settle(fixture.record)).isTrue();
        assertThat(RegionLock.validate(fixture.record, stamp)).as("settled").isTrue();
        final long next = SectionLock.open();
        exclude(next, fixture.record);
        assertThat(RegionLock.validate(fixture.record, stamp)).isFalse();
        SectionLock.endAll(next);
        assertThat(RegionLock.validate(fixture.record, stamp)).isFalse();
    }

    @Test
    void anAttachedRecordMustNotBeLockedBeforeItsSectionEnds() {
        final long record = fixture.records.allocate();
        final long ticket = SectionLock.open();
        final long expected = SectionLock.nextIncarnation(record);
        assertThat(fixture.lock.tryShare(record, expected)).isNegative();
        assertThat(SectionLock.attach(record, ticket)).isEqualTo(expected);
        assertThat(fixture.lock.tryShare(record, expected)).isEqualTo(Stamps.EXCLUSIVE);
        assertThat(RegionLock.tryOptimisticRead(record, expected)).isZero();
        assertThatThrownBy(() -> SectionLock.attach(record, ticket)).isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("not free");
        SectionLock.endAll(ticket);
        assertThat(RegionLock.validate(record, RegionLock.tryOptimisticRead(record, expected))).isTrue();
        assertThat(fixture.lock.tryShare(record, expected)).isPositive();
    }

    @Test
    void theSectionsOwnThreadMustNotWaitForItself() {
        final long ticket = SectionLock.open();
        exclude(ticket, fixture.record);
        try (Waiting waiting = EpochTestSupport.patient()) {
            assertThatThrownBy(() -> fixture.lock.share(fixture.record, fixture.incarnation, waiting))
                .isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining("section ticket=");
            assertThatThrownBy(() -> fixture.lock.detach(fixture.record, fixture.incarnation, waiting))
                .isInstanceOf(IllegalMonitorStateException.class);
            assertThatThrownBy(() -> exclude(SectionLock.open(), fixture.record))
                .isInstanceOf(IllegalMonitorStateException.class);
        }
        SectionLock.endAll(ticket);
    }

    @Test
    void aGuardOfTheThreadMustRefuseTheExclusion() {
        final long stamp = fixture.lock.tryShare(fixture.record, fixture.incarnation);
        final long ticket = SectionLock.open();
        assertThatThrownBy(() -> exclude(ticket, fixture.record)).isInstanceOf(IllegalMonitorStateException.class);
        assertThat(fixture.state()).isEqualTo(State.OPEN);
        fixture.lock.endShare(fixture.record, stamp);
        SectionLock.endAll(ticket);
    }

    /** The cells of the table that are exceptions. */
    @Test
    void aSectionMustNotEndMoveOrUnmapWhatItDoesNotHold() {
        for (final State state : new State[] {State.ENDED, State.UNMAPPED, State.MOVED}) {
            final long[] records = attachMany();
            final long ticket = SectionLock.open();
            exclude(ticket, records);
            switch (state) {
                case UNMAPPED -> SectionLock.detach(records[0], ticket);
                case MOVED -> SectionLock.move(records[0], ticket);
                default -> SectionLock.endAll(ticket);
            }
            for (final ThrowingCallable change : List.<ThrowingCallable>of(() -> SectionLock.end(records[0], ticket),
                () -> SectionLock.move(records[0], ticket), () -> SectionLock.detach(records[0], ticket))) {
                assertThatThrownBy(change).isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining("ticket=");
                assertThat(LockFixture.state(records[0])).isEqualTo(state);
            }
            SectionLock.endAll(ticket);
            assertThat(LockFixture.state(records[0])).isEqualTo(state);
        }
    }

    @Test
    void movedAndUnmappedRecordsMustSaySo() {
        final long[] records = attachMany();
        final long ticket = SectionLock.open();
        exclude(ticket, records);
        SectionLock.move(records[0], ticket);
        SectionLock.detach(records[1], ticket);
        SectionLock.endAll(ticket);
        assertThat(LockFixture.state(records[0])).isEqualTo(State.MOVED);
        assertThat(LockFixture.state(records[1])).isEqualTo(State.UNMAPPED);
        assertThat(fixture.lock.tryShare(records[0], RecordLayout.incarnation(records[0]))).isEqualTo(Stamps.MOVED);
        assertThat(fixture.lock.tryShare(records[1], RecordLayout.incarnation(records[1]))).isEqualTo(Stamps.DETACHED);
        RegionLock.reclaim(records[0]);
        RegionLock.reclaim(records[1]);
    }

    /** T9: nothing wraps. */
    @Test
    void ticketsMustNeverBeGivenOutTwiceAlsoNearTheirLimit() {
        final Set<Long> seen = new HashSet<>();
        for (int i = 0; i < 3 * MANY; i++) {
            final long ticket = SectionLock.open();
            assertThat(seen.add(ticket)).as("ticket %d", ticket).isTrue();
            SectionLock.endAll(ticket);
        }
        final long ticket = SectionLock.open();
        final long words = SectionLock.wordsOf(ticket);
        final long before = TicketLayout.generationVolatile(words);
        SectionLock.endAll(ticket);
        TicketLayout.generationVolatile(words, TicketLayout.GENERATIONS);
        try {
            for (int i = 0; i < MANY; i++) {
                final long next = SectionLock.open();
                assertThat(TicketLayout.index(next)).as("used up").isNotEqualTo(TicketLayout.index(ticket));
                SectionLock.endAll(next);
            }
        } finally {
            TicketLayout.generationVolatile(words, before);
        }
    }

    @Test
    void moreTicketsThanThereAreMustBeRefused() {
        final List<Long> tickets = new ArrayList<>();
        long ticket = SectionLock.open();
        while (ticket != 0) {
            tickets.add(ticket);
            ticket = SectionLock.open();
        }
        tickets.forEach(SectionLock::endAll);
        assertThat(tickets.size()).isLessThanOrEqualTo(1 << TicketLayout.INDEX_BITS).isGreaterThan(1);
        final long again = SectionLock.open();
        assertThat(again).isNotZero();
        SectionLock.endAll(again);
    }

    @Test
    void settlersMustNotDisturbLaterWriters() {
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong settled = new AtomicLong();
        final long[] inside = {0};
        EpochTestSupport.together(3, thread -> {
            if (thread != 0) {
                while (!stop.get()) {
                    settled.addAndGet(SectionLock.settle(fixture.record) ? 1 : 0);
                }
                return;
            }
            for (int i = 0; i < 20_000 || settled.get() == 0; i++) {
                final long ticket = SectionLock.open();
                try (Waiting waiting = EpochTestSupport.patient()) {
                    assertThat(section.exclude(ticket, new long[] {fixture.record}, new long[] {fixture.incarnation},
                        waiting)).isEqualTo(1);
                }
                final long sequence = RecordLayout.sequenceAcquire(fixture.record);
                assertThat(sequence & 1).isEqualTo(1);
                inside[0]++;
                assertThat(RecordLayout.sequenceAcquire(fixture.record)).isEqualTo(sequence);
                assertThat(SectionLock.isHeld(fixture.record, ticket)).isTrue();
                SectionLock.endAll(ticket);
            }
            stop.set(true);
        });
        assertThat(settled.get()).as("a settler won").isPositive();
    }
}
