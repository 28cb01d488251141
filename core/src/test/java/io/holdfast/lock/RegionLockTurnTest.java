// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static io.holdfast.epoch.EpochTestSupport.impatient;
import static io.holdfast.epoch.EpochTestSupport.patient;
import static io.holdfast.epoch.EpochTestSupport.result;
import static io.holdfast.epoch.EpochTestSupport.scripted;
import static io.holdfast.epoch.EpochTestSupport.timed;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.LockFixture.State;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.IdleStrategy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Readers that a writer has turned away get in before the next writer (G6, T18). */
class RegionLockTurnTest {
    private final LockFixture fixture = new LockFixture();
    private final RegionLock lock = fixture.lock;
    private final EpochDomain domain = fixture.domain;
    private final long record = fixture.record;

    private boolean isMarked() {
        return (RecordLayout.lockVolatile(record) & RecordLayout.AWAITED) != 0;
    }

    /** Locks beside the writer that is there; what follows the first pause happens while the reader waits for its turn. */
    private long shareInTurn(final boolean counts, final Runnable... steps) {
        final List<Runnable> all = new ArrayList<>();
        all.add(() -> assertThat(domain.announcesAnything()).as("it has not asked yet").isFalse());
        all.add(() -> assertThat(isMarked()).isTrue());
        all.addAll(List.of(steps));
        try (Waiting waiting = scripted(all.toArray(Runnable[]::new))) {
            return counts ? lock.hold(record, fixture.incarnation, waiting)
                : lock.share(record, fixture.incarnation, waiting);
        }
    }

    private void end(final boolean counts, final long stamp) {
        if (counts) {
            RegionLock.endHold(record);
        } else {
            lock.endShare(record, stamp);
        }
        assertThat(domain.announcesAnything()).as("nothing is left of the wait").isFalse();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aWriterMustLetInWhomTheOneBeforeItHasTurnedAway(final boolean counts) {
        fixture.put(State.EXCLUSIVE);
        try (Peer writer = Peer.platform()) {
            final long stamp = shareInTurn(counts, () -> {
                fixture.endSomebody();
                assertThat((long) writer.call(() -> lock.tryExclusive(record, fixture.incarnation)))
                    .isEqualTo(Stamps.SHARED);
                assertThat((long) writer.call(() -> {
                    try (Waiting waiting = impatient()) {
                        return lock.exclusive(record, fixture.incarnation, waiting);
                    }
                })).isEqualTo(Stamps.TIMED_OUT);
                assertThat(fixture.state()).as("no writer has announced itself").isEqualTo(State.OPEN);
            });
            assertThat(stamp).isPositive();
            end(counts, stamp);
            final long exclusive = writer.call(() -> lock.tryExclusive(record, fixture.incarnation));
            assertThat(Stamps.isExclusive(exclusive)).isTrue();
            assertThat(isMarked()).as("who finds nobody waiting takes the mark away").isFalse();
            writer.run(() -> lock.endExclusive(record, exclusive));
        }
    }

    /**
     * A forced schedule: a writer has looked before the reader asked, and comes before it, once. Its look, and the step
     * behind it, are the library's; the writer is made of them, since nothing in it stops between the two.
     */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aWriterThatHasLookedBeforeTheReaderAskedMustBeTheOnlyOneThatPassesIt(final boolean counts) {
        fixture.put(State.EXCLUSIVE);
        final AtomicLong passed = new AtomicLong();
        try (Peer next = Peer.platform(); Waiting waiting = scripted(
            () -> assertThat(lock.isAwaited(record)).as("the writer has looked, and nobody has asked").isFalse(),
            () -> {
                assertThat(isMarked()).isTrue();
                fixture.endSomebody();
                assertThat(RegionLock.exclude(record, fixture.incarnation, RecordLayout.owned(LockFixture.SOMEBODY)))
                    .isZero();
            },
            () -> {
                passed.addAndGet(fixture.state() == State.DRAINING ? 1 : 0);
                assertThat(isMarked()).as("the writer has left the mark").isTrue();
                fixture.endSomebody();
                assertThat((long) next.call(() -> lock.tryExclusive(record, fixture.incarnation)))
                    .isEqualTo(Stamps.SHARED);
            })) {
            final long stamp = counts ? lock.hold(record, fixture.incarnation, waiting)
                : lock.share(record, fixture.incarnation, waiting);
            assertThat(stamp).isPositive();
            end(counts, stamp);
        }
        assertThat(passed.get()).as("writers that passed").isEqualTo(1);
    }

    /** A forced schedule: a writer that found an earlier mark, and nobody who waits, takes away that of a reader. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aReaderWhoseMarkWasTakenAwayMustAskAgain(final boolean counts) {
        fixture.put(State.EXCLUSIVE);
        try (Peer writer = Peer.platform()) {
            final long stamp = shareInTurn(counts,
                () -> RecordLayout.getAndMaskLock(record, ~RecordLayout.AWAITED), // [Y3]
                () -> {
                    assertThat(isMarked()).isTrue();
                    fixture.endSomebody();
                    assertThat((long) writer.call(() -> lock.tryExclusive(record, fixture.incarnation)))
                        .isEqualTo(Stamps.SHARED);
                });
            assertThat(stamp).isPositive();
            end(counts, stamp);
        }
    }

    @Test
    void aSectionMustLetThemInToo() {
        fixture.put(State.EXCLUSIVE);
        try (Peer writer = Peer.platform()) {
            final long ticket = writer.call(SectionLock::open);
            final long stamp = shareInTurn(false, () -> {
                fixture.endSomebody();
                assertThat((long) writer.call(() -> exclude(ticket, impatient()))).isEqualTo(Stamps.TIMED_OUT);
                assertThat(fixture.state()).isEqualTo(State.OPEN);
            });
            end(false, stamp);
            assertThat((long) writer.call(() -> exclude(ticket, patient()))).isEqualTo(1);
            SectionLock.endAll(ticket);
        }
    }

    private long exclude(final long ticket, final Waiting patience) {
        try (Waiting waiting = patience) {
            return new SectionLock(lock, domain).exclude(ticket, new long[] {record}, new long[] {fixture.incarnation},
                waiting);
        }
    }

    @Test
    void anUpgradeMustLetThemInToo() {
        fixture.put(State.EXCLUSIVE);
        try (Peer writer = Peer.platform()) {
            final long stamp = shareInTurn(false, () -> {
                fixture.endSomebody();
                writer.run(() -> {
                    final long shared = lock.tryShare(record, fixture.incarnation);
                    assertThat(lock.tryUpgrade(record, shared)).isEqualTo(Stamps.SHARED);
                    lock.endShare(record, shared);
                });
            });
            end(false, stamp);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anUnmapMustNotWaitForThem(final boolean counts) {
        fixture.put(State.EXCLUSIVE);
        assertThat(shareInTurn(counts, () -> {
            fixture.endSomebody();
            assertThat(lock.tryDetach(record, fixture.incarnation)).isEqualTo(1);
        })).isEqualTo(Stamps.DETACHED);
        assertThat(domain.announcesAnything()).isFalse();
        final long tag = domain.retireEpoch();
        try (Waiting waiting = impatient()) {
            assertThat(lock.drainDetached(record, tag, waiting)).isTrue();
        }
        RegionLock.reclaim(record);
        fixture.incarnation = RegionLock.attach(record);
        assertThat(fixture.state()).isEqualTo(State.OPEN);
    }

    /** And not that readers are in the way, for whom it would wait, and so for itself if it has unmapped the region. */
    @Test
    void aSectionMustBeToldThatTheRegionHasGoneWhoeverWaits() {
        fixture.put(State.EXCLUSIVE);
        try (Peer writer = Peer.platform()) {
            final long ticket = writer.call(SectionLock::open);
            assertThat(shareInTurn(false, () -> {
                fixture.endSomebody();
                writer.run(() -> {
                    assertThat(lock.tryDetach(record, fixture.incarnation)).isEqualTo(1);
                    assertThat(exclude(ticket, patient())).isEqualTo(Stamps.DETACHED);
                });
            })).isEqualTo(Stamps.DETACHED);
            SectionLock.endAll(ticket);
        }
        RegionLock.reclaim(record);
        fixture.incarnation = RegionLock.attach(record);
    }

    @Test
    void aWriterMustNotWaitInItsDrainForWhoWaitsForTheWriter() {
        try (Peer reader = Peer.platform(); Peer inside = Peer.platform()) {
            final long shared = inside.call(() -> lock.tryShare(record, fixture.incarnation));
            final AtomicBoolean asked = new AtomicBoolean();
            final AtomicBoolean over = new AtomicBoolean();
            final FutureTask<Long> waiting = reader.begin(() -> {
                EpochTestSupport.await("a writer", () -> fixture.state() == State.DRAINING);
                final long stamp = shareInTurn(false, () -> {
                    asked.set(true);
                    EpochTestSupport.await("the writer's end", over::get);
                });
                lock.endShare(record, stamp);
                return stamp;
            });
            try (Waiting draining = scripted(() -> EpochTestSupport.await("a reader", asked::get),
                () -> inside.run(() -> lock.endShare(record, shared)))) {
                final long exclusive = lock.exclusive(record, fixture.incarnation, draining);
                assertThat(Stamps.isExclusive(exclusive)).as("it is alone though the reader waits").isTrue();
                lock.endExclusive(record, exclusive);
            }
            over.set(true);
            assertThat((long) result(waiting)).isPositive();
        }
    }

    @Test
    void aReaderThatIsInterruptedMustLeaveNoTrace() {
        fixture.put(State.EXCLUSIVE);
        try (Peer reader = Peer.platform()) {
            assertThat((long) reader.call(() -> {
                final long refusal = shareInTurn(false, () -> Thread.currentThread().interrupt());
                assertThat(domain.announcesAnything()).isFalse();
                return refusal;
            })).isEqualTo(Stamps.INTERRUPTED);
        }
        assertNobodyWaits();
    }

    @Test
    void aReaderWhoseTimeIsOverMustLeaveNoTrace() {
        fixture.put(State.EXCLUSIVE);
        try (Waiting waiting = timed(1_000_000)) {
            assertThat(lock.share(record, fixture.incarnation, waiting)).isEqualTo(Stamps.TIMED_OUT);
        }
        assertThat(domain.announcesAnything()).isFalse();
        assertNobodyWaits();
    }

    @Test
    void aReaderWhoseIdleStrategyThrowsMustLeaveNoTrace() {
        fixture.put(State.EXCLUSIVE);
        assertThatThrownBy(() -> shareInTurn(false)).isInstanceOf(AssertionError.class).hasMessageContaining("waits");
        assertThat(domain.announcesAnything()).isFalse();
        assertNobodyWaits();
    }

    private void assertNobodyWaits() {
        fixture.endSomebody();
        final long exclusive = lock.tryExclusive(record, fixture.incarnation);
        assertThat(Stamps.isExclusive(exclusive)).isTrue();
        lock.endExclusive(record, exclusive);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whoDiedWaitingMustHoldUpNobody(final boolean virtual) {
        fixture.put(State.EXCLUSIVE);
        try (Peer reader = virtual ? Peer.virtual() : Peer.platform()) {
            reader.run(() -> assertThat(domain.announceWaiting(domain.slot(), record)).isNotNegative());
        }
        RecordLayout.getAndAddLock(record, RecordLayout.AWAITED);
        assertNobodyWaits();
    }

    /**
     * Writers without a pause, and a reader that comes again and again: how often it finds that one has passed it is
     * bounded (docs/LOCKING.md, section 3), and not how many pass while it does not look.
     */
    @Test
    void aReaderThatHasAskedMustNotWaitForLuck() {
        final int writers = 2;
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong sections = new AtomicLong();
        final AtomicLong passed = new AtomicLong();
        EpochTestSupport.together(writers + 1, number -> {
            if (number < writers) {
                while (!stop.get()) {
                    try (Waiting waiting = patient()) {
                        final long stamp = lock.exclusive(record, fixture.incarnation, waiting);
                        sections.incrementAndGet();
                        lock.endExclusive(record, stamp);
                    }
                }
                return;
            }
            try {
                int turns = 0;
                while (turns < 2_000) {
                    final Patience patience = new Patience(sections);
                    try (Waiting waiting = new Waiting(() -> patience, Waiting.FOREVER, false, Waiting.FOREVER)) {
                        lock.endShare(record, lock.share(record, fixture.incarnation, waiting));
                    }
                    if (patience.pauses > 1) {
                        turns++;
                        passed.accumulateAndGet(patience.passed, Math::max);
                    }
                }
            } finally {
                stop.set(true);
            }
        });
        final int looks = writers * (writers + 3) / 2;
        final int most = 1 + 2 * looks; // a writer is counted after it has announced itself, maybe at the next look
        assertThat(passed.get()).isLessThanOrEqualTo(most);
    }

    /** Counts how often a writer has come since the last pause, from when a reader has asked for its turn. */
    private static final class Patience implements IdleStrategy {
        private final AtomicLong sections;
        private int pauses;
        private long before;
        private long passed;

        Patience(final AtomicLong sections) {
            this.sections = sections;
        }

        @Override
        public void idle(final int workCount) {
            idle();
        }

        @Override
        public void idle() {
            pauses++;
            final long now = sections.get();
            passed += pauses > 2 && now != before ? 1 : 0;
            before = now;
            EpochTestSupport.letOthersRun();
        }

        @Override
        public void reset() {
            // It has no state that waiting changes.
        }
    }
}
