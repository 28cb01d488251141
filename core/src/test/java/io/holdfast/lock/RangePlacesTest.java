// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.epoch.Waiting;
import io.holdfast.lock.RangeLock.Entry;
import io.holdfast.lock.RangeLock.Mode;
import io.holdfast.lock.RangeLock.Passage;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sections in places of their threads, and in the list beside them: who stands where, and who sees whom (G10, G11). */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RangePlacesTest {
    private static final long PAGE = 4096;
    private static final long LIMIT = 64 * PAGE;
    private static final long START = 16 * PAGE;
    private static final long MIDDLE = 24 * PAGE;
    private static final long END = 32 * PAGE;

    private final List<List<Entry>> reports = new CopyOnWriteArrayList<>();
    private final RangeLock ranges = new RangeLock(EpochTestSupport.newDomain(), LIMIT,
        (wanted, blocking, elapsedNs) -> reports.add(blocking));
    private final List<Peer> peers = new ArrayList<>();
    private boolean occupied;

    /** A section, and the thread that has it. */
    private record Held(Peer peer, Entry entry) {
        void release(final RangeLock ranges) {
            peer.run(() -> ranges.release(entry));
        }
    }

    @AfterEach
    void endPeers() {
        peers.forEach(Peer::close);
    }

    private Peer peer() {
        final Peer peer = Peer.platform();
        peers.add(peer);
        return peer;
    }

    private Entry acquire(final Mode mode, final long start, final long end) {
        try (Waiting waiting = EpochTestSupport.patient()) {
            final Entry entry = ranges.acquire(start, end, mode, waiting);
            assertThat(entry).isNotNull();
            return entry;
        }
    }

    private Passage enter(final long start, final long end) {
        try (Waiting waiting = EpochTestSupport.patient()) {
            final Passage passage = ranges.enter("change", start, end, waiting);
            assertThat(passage).isNotNull();
            return passage;
        }
    }

    private boolean isRefused(final Mode mode, final long start, final long end) {
        try (Waiting noTime = EpochTestSupport.impatient()) {
            if (mode == Mode.SINGLE) {
                try (Passage passage = ranges.enter("change", start, end, noTime)) {
                    return passage == null;
                }
            }
            final Entry entry = ranges.tryAcquire(start, end, mode, noTime);
            if (entry != null) {
                ranges.release(entry);
            }
            return entry == null;
        }
    }

    /** A section in the place of its thread; threads are tried until the place of one is free. */
    private Held placed(final Mode mode, final long start, final long end) {
        return held(mode, start, end, true);
    }

    /** A section in the list, granted: another thread has a section at the end of the space, in the place of its thread. */
    private Held listed(final Mode mode, final long start, final long end) {
        if (!occupied) {
            occupied = true;
            placed(Mode.READ, LIMIT - PAGE, LIMIT);
        }
        return held(mode, start, end, false);
    }

    private Held held(final Mode mode, final long start, final long end, final boolean placed) {
        for (int i = 0; i < 10_000; i++) {
            final Peer peer = Peer.platform();
            final Entry entry = peer.call(() -> acquire(mode, start, end));
            if (ranges.isPlaced(entry) == placed) {
                peers.add(peer);
                return new Held(peer, entry);
            }
            peer.run(() -> ranges.release(entry));
            peer.close();
        }
        throw new AssertionError("no thread whose place is " + (placed ? "free" : "taken"));
    }

    private FutureTask<Entry> begin(final Peer peer, final Mode mode, final long start, final long end) {
        final int before = ranges.sections().size();
        final FutureTask<Entry> begun = peer.begin(() -> acquire(mode, start, end));
        EpochTestSupport.await("who waits", () -> ranges.sections().size() > before);
        return begun;
    }

    // ----------------------------------------------------------------------------------------------- who stands where

    @ParameterizedTest
    @EnumSource(value = Mode.class, names = "SINGLE", mode = EnumSource.Mode.EXCLUDE)
    void aSectionThatNobodyExcludesMustStandInAPlaceAndNotInTheList(final Mode mode) {
        final Entry entry = acquire(mode, START, END);
        assertThat(ranges.isPlaced(entry)).isTrue();
        assertThat(ranges.sections()).containsExactly(entry);
        assertThat(ranges.isMine()).isTrue();
        assertThatThrownBy(() -> acquire(Mode.READ, END, LIMIT)).isInstanceOf(IllegalMonitorStateException.class);
        ranges.release(entry);
        assertThat(ranges.isPlaced(entry)).isFalse();
        assertThat(ranges.sections()).isEmpty();
        assertThat(ranges.isMine()).isFalse();
        assertThatThrownBy(() -> ranges.release(entry)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> ranges.tryUpgrade(entry)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aSectionMustStandInAPlaceBesideOthersThatDoNotExcludeIt() {
        final List<Held> all = new ArrayList<>();
        all.add(listed(Mode.WRITE, 0, START));
        all.add(placed(Mode.READ, START, END));
        all.add(placed(Mode.READ, START, END));
        all.add(placed(Mode.WRITE, END, END + PAGE));
        assertThat(ranges.sections()).hasSize(all.size() + 1);
        all.forEach(held -> held.release(ranges));
        assertThat(ranges.sections()).hasSize(1);
    }

    /** [K6] */
    @Test
    void aSectionInAPlaceMustBeSeenWhereItIsAndNotWhereTheOneBeforeWas() {
        final Held first = placed(Mode.WRITE, START, MIDDLE);
        assertThat(isRefused(Mode.READ, START, START + PAGE)).isTrue();
        first.release(ranges);
        for (final long start : new long[] {MIDDLE, MIDDLE, 0, 0, START, END}) {
            final Entry second = first.peer.call(() -> acquire(Mode.WRITE, start, start + PAGE));
            assertThat(ranges.isPlaced(second)).isTrue();
            for (long page = 0; page < LIMIT; page += PAGE) {
                assertThat(isRefused(Mode.READ, page, page + PAGE)).as("section=%s, page=%s", start, page)
                    .isEqualTo(page == start);
                assertThat(isRefused(Mode.SINGLE, page, page + PAGE)).isEqualTo(page == start);
            }
            first.peer.run(() -> ranges.release(second));
        }
    }

    /** [K6] */
    @Test
    void aSectionMustBeSeenInAPlaceThatAThreadOfAnotherRangeHadBefore() {
        final Held kept = listed(Mode.WRITE, START, MIDDLE); // of whose place another thread has a section
        final Peer occupier = peers.getFirst();
        final Entry occupied = ranges.sections().stream().filter(entry -> entry != kept.entry).findFirst().orElseThrow();
        occupier.run(() -> ranges.release(occupied));
        kept.release(ranges);
        final Entry again = kept.peer.call(() -> acquire(Mode.WRITE, START, MIDDLE));
        assertThat(ranges.isPlaced(again)).isTrue();
        assertThat(isRefused(Mode.READ, START, START + PAGE)).isTrue();
        assertThat(isRefused(Mode.READ, LIMIT - PAGE, LIMIT)).isFalse();
        kept.peer.run(() -> ranges.release(again));
    }

    @Test
    void whoHasLeftTheListMustNotBeThereAnyMore() {
        final Held first = listed(Mode.READ, START, END);
        final Held second = listed(Mode.READ, START, END);
        first.release(ranges);
        assertThat(ranges.sections()).hasSize(2).contains(second.entry()).doesNotContain(first.entry());
        assertThat(isRefused(Mode.WRITE, START, END)).isTrue();
        second.release(ranges);
        assertThat(ranges.sections()).hasSize(1);
    }

    @Test
    void whoIsExcludedMustWaitInTheList() {
        final Held held = placed(Mode.WRITE, START, END);
        final Peer waiter = peer();
        final FutureTask<Entry> waiting = begin(waiter, Mode.WRITE, MIDDLE, LIMIT);
        assertThat(ranges.sections().getFirst()).isNotSameAs(held.entry()).satisfies(listed -> {
            assertThat(listed.owner()).isSameAs(waiter.thread());
            assertThat(ranges.isPlaced(listed)).isFalse();
        });
        held.release(ranges);
        final Entry entry = EpochTestSupport.result(waiting);
        assertThat(ranges.isPlaced(entry)).isFalse();
        waiter.run(() -> ranges.release(entry));
        final Entry next = waiter.call(() -> acquire(Mode.WRITE, MIDDLE, LIMIT));
        assertThat(ranges.isPlaced(next)).as("nobody is there any more").isTrue();
    }

    @Test
    void whoIsExcludedByWhoWaitsMustQueueBehindAndWhoIsNotMustTakeAPlace() {
        final Held reader = placed(Mode.READ, START, END);
        final Peer writer = peer();
        final FutureTask<Entry> writing = begin(writer, Mode.WRITE, START, END);
        assertThat(isRefused(Mode.READ, START, START + PAGE)).as("a reader does not overtake").isTrue();
        final Peer late = peer();
        final FutureTask<Entry> reading = begin(late, Mode.READ, START, START + PAGE);
        placed(Mode.WRITE, 0, START);
        reader.release(ranges);
        final Entry written = EpochTestSupport.result(writing);
        assertThat(reading.isDone()).isFalse();
        writer.run(() -> ranges.release(written));
        assertThat(ranges.isPlaced(EpochTestSupport.result(reading))).isFalse();
    }

    // ------------------------------------------------------------------------------------------------------- who sees whom

    /** As the matrix of RangeLockTest has it, where the one that holds the range stands in the list. */
    @ParameterizedTest
    @EnumSource(value = Mode.class, names = "SINGLE", mode = EnumSource.Mode.EXCLUDE)
    void whatStandsInTheListMustExcludeAsInAPlace(final Mode mode) {
        final Held held = listed(mode, START, END);
        for (final Mode wanted : Mode.values()) {
            assertThat(isRefused(wanted, START + PAGE, LIMIT)).as("%s under %s", wanted, mode)
                .isEqualTo(mode.excludes(wanted));
            assertThat(isRefused(wanted, 0, START)).as("%s beside %s", wanted, mode).isFalse();
        }
        held.release(ranges);
        assertThat(isRefused(Mode.WRITE, 0, LIMIT - PAGE)).isFalse();
    }

    /** Its turn in the list has come, and it waits for who is in a place all the same. */
    @ParameterizedTest
    @CsvSource({"WRITE, SINGLE", "WRITE, READ", "WRITE, WRITE", "READ, SINGLE", "READ, WRITE", "DOWNGRADED, SINGLE",
        "DOWNGRADED, DOWNGRADED", "DOWNGRADED, WRITE"})
    void whoseTurnHasComeInTheListMustWaitForWhoIsInAPlace(final Mode first, final Mode second) {
        final Held held = placed(first, START, END);
        final int[] pauses = {0};
        try (Waiting waiting = EpochTestSupport.scripted(() -> pauses[0]++, () -> pauses[0]++,
            () -> held.release(ranges))) {
            if (second == Mode.SINGLE) {
                try (Passage passage = ranges.enter("change", MIDDLE, LIMIT, waiting)) {
                    assertThat(passage).isNotNull();
                }
            } else {
                final Entry entry = ranges.acquire(MIDDLE, LIMIT, second, waiting);
                assertThat(entry).isNotNull();
                ranges.release(entry);
            }
        }
        assertThat(pauses).containsExactly(2);
        assertThat(ranges.sections()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whoWaitsMustBeToldForWhomWhereverTheyStand(final boolean inPlace) {
        final Held held = reading(inPlace);
        placed(Mode.READ, END, LIMIT);
        try (Waiting waiting = new Waiting(YieldingIdleStrategy::new, TimeUnit.MILLISECONDS.toNanos(50), false,
            TimeUnit.MILLISECONDS.toNanos(1))) {
            assertThat(ranges.acquire(0, END, Mode.WRITE, waiting)).isNull();
        }
        assertThat(reports).isNotEmpty().allSatisfy(blocking -> assertThat(blocking).containsExactly(held.entry()));
    }

    /** It stands in its place, and the one that waits in the list waits for it: so it must not be told the reverse. */
    @Test
    void whoWaitsInAPlaceMustBeToldOfChangesAlone() {
        final Peer changer = peer();
        final Passage change = changer.call(() -> enter(START, START + PAGE));
        final Peer first = peer();
        final FutureTask<Entry> waiting = first.begin(() -> {
            try (Waiting reporting = new Waiting(YieldingIdleStrategy::new, Waiting.FOREVER, false,
                TimeUnit.MILLISECONDS.toNanos(1))) {
                return ranges.acquire(START, END, Mode.WRITE, reporting);
            }
        });
        EpochTestSupport.await("the first", () -> ranges.sections().size() == 1);
        final FutureTask<Entry> behind = begin(peer(), Mode.READ, START, END);
        final int before = reports.size();
        EpochTestSupport.await("reports", () -> reports.size() > before + 1);
        final List<List<Entry>> told = List.copyOf(reports);
        changer.run(change::close);
        final Entry entry = EpochTestSupport.result(waiting);
        assertThat(ranges.isPlaced(entry)).isTrue();
        assertThat(told).allSatisfy(blocking -> assertThat(blocking).singleElement()
            .satisfies(each -> assertThat(each.owner()).isSameAs(changer.thread())));
        first.run(() -> ranges.release(entry));
        EpochTestSupport.result(behind);
    }

    @Test
    void aChangeAnywhereMustAvoidSectionsWhereverTheyStand() {
        final Peer changer = peer();
        final Passage widened = changer.call(() -> enter(START, END));
        final Held listed = listed(Mode.WRITE, 0, PAGE);
        final Held placed = placed(Mode.READ, END, END + PAGE);
        changer.run(widened::widen);
        try (Passage passage = ranges.enterAnywhere()) {
            for (final Passage each : List.of(passage, widened)) {
                assertThat(each.windows(0, LIMIT)).containsExactly(new long[] {PAGE, END},
                    new long[] {END + PAGE, LIMIT - PAGE});
                assertThat(each.isPartial()).isTrue();
                assertThat(each.hasAll(0, PAGE)).isFalse();
                assertThat(each.hasAll(END, LIMIT)).isFalse();
                assertThat(each.hasAll(PAGE, END)).isTrue();
            }
        }
        changer.run(widened::close);
        listed.release(ranges);
        placed.release(ranges);
    }

    // ------------------------------------------------------------------------------------------- downgrade and upgrade

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatIsDowngradedAndUpgradedMustStayWhereItStands(final boolean inPlace) {
        final Held held = inPlace ? placed(Mode.WRITE, START, END) : listed(Mode.WRITE, START, END);
        final Entry entry = held.entry();
        for (int i = 0; i < 3; i++) {
            assertThat(isRefused(Mode.READ, START, END)).isTrue();
            held.peer().run(() -> ranges.downgrade(entry));
            assertThat(isRefused(Mode.READ, START, END)).isFalse();
            assertThat(isRefused(Mode.DOWNGRADED, START, END)).isTrue();
            assertThat(isRefused(Mode.SINGLE, START, END)).isTrue();
            final Held reader = placed(Mode.READ, MIDDLE, LIMIT - PAGE);
            assertThat(held.peer().call(() -> ranges.tryUpgrade(entry))).isNull();
            assertThat(entry.mode()).isEqualTo(Mode.DOWNGRADED);
            reader.release(ranges);
            assertThat(held.peer().call(() -> ranges.tryUpgrade(entry))).isSameAs(entry);
            assertThat(entry.mode()).isEqualTo(Mode.WRITE);
            assertThat(ranges.isPlaced(entry)).isEqualTo(inPlace);
        }
        held.release(ranges);
        assertThat(isRefused(Mode.WRITE, START, END)).isFalse();
    }

    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void anUpgradeMustBeRefusedForWhoIsInTheRangeWhereverTheyStand(final boolean mineInPlace, final boolean otherInPlace) {
        for (final boolean otherFirst : new boolean[] {true, false}) {
            final Held first = reading(otherFirst ? otherInPlace : mineInPlace);
            final Held second = reading(otherFirst ? mineInPlace : otherInPlace);
            final Held mine = otherFirst ? second : first;
            final Held other = otherFirst ? first : second;
            assertThat(mine.peer().call(() -> ranges.tryUpgrade(mine.entry()))).isNull();
            assertThat(mine.entry().mode()).isEqualTo(Mode.READ);
            other.release(ranges);
            assertThat(mine.peer().call(() -> ranges.tryUpgrade(mine.entry()))).isSameAs(mine.entry());
            mine.release(ranges);
        }
    }

    private Held reading(final boolean inPlace) {
        return inPlace ? placed(Mode.READ, START, END) : listed(Mode.READ, START, END);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anUpgradeMustNotBeRefusedForWhoWaitsForIt(final boolean inPlace) {
        final Held held = reading(inPlace);
        final Peer waiter = peer();
        final FutureTask<Entry> waiting = begin(waiter, Mode.WRITE, MIDDLE, LIMIT - PAGE);
        assertThat(held.peer().call(() -> ranges.tryUpgrade(held.entry()))).isNotNull();
        assertThat(waiting.isDone()).isFalse();
        held.release(ranges);
        EpochTestSupport.result(waiting);
    }

    /** The reader may have seen that the third has left, and that this one was no write section yet. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anUpgradeMustBeRefusedForWhoWaitsForAThird(final boolean inPlace) {
        final Held held = inPlace ? placed(Mode.READ, START, MIDDLE) : listed(Mode.READ, START, MIDDLE);
        final Held third = placed(Mode.WRITE, MIDDLE, END);
        final Peer waiter = peer();
        final FutureTask<Entry> waiting = begin(waiter, Mode.READ, START, END);
        assertThat(held.peer().call(() -> ranges.tryUpgrade(held.entry()))).isNull();
        assertThat(held.entry().mode()).isEqualTo(Mode.READ);
        third.release(ranges);
        EpochTestSupport.result(waiting);
    }

    // -------------------------------------------------------------------------------------------------------- dead owners

    private AtomicInteger die(final boolean inPlace) {
        final AtomicInteger undone = new AtomicInteger();
        final Held held = inPlace ? placed(Mode.WRITE, START, END) : listed(Mode.WRITE, START, END);
        held.entry().atDeath(undone::incrementAndGet);
        held.peer().close();
        assertThat(ranges.sections()).as("it stays until somebody is in need of the range").contains(held.entry());
        return undone;
    }

    @ParameterizedTest
    @CsvSource({"true, SINGLE", "true, READ", "true, WRITE", "false, SINGLE", "false, READ", "false, WRITE"})
    void whoWaitsForADeadOwnerMustEndItsSection(final boolean inPlace, final Mode wanted) {
        final AtomicInteger undone = die(inPlace);
        if (wanted == Mode.SINGLE) {
            enter(MIDDLE, END).close();
        } else {
            ranges.release(acquire(wanted, MIDDLE, END));
        }
        assertThat(undone).hasValue(1);
        assertThat(ranges.sections()).hasSize(inPlace ? 0 : 1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whoIsRefusedForADeadOwnerMustEndItsSection(final boolean inPlace) {
        final AtomicInteger undone = die(inPlace);
        assertThat(isRefused(Mode.WRITE, 0, START)).isFalse();
        ranges.endDead(END, LIMIT);
        assertThat(undone).as("nobody was in need of the range").hasValue(0);
        assertThat(isRefused(Mode.WRITE, MIDDLE, END)).isFalse();
        assertThat(undone).hasValue(1);
    }

    @Test
    void aSectionInAPlaceThatCannotBeUndoneMustKeepItsRangeUntilItCan() {
        final AtomicInteger tries = new AtomicInteger();
        final Held held = placed(Mode.WRITE, START, END);
        held.entry().atDeath(() -> {
            if (tries.incrementAndGet() == 1) {
                throw new ArithmeticException("an undoing that fails");
            }
        });
        held.peer().close();
        assertThatThrownBy(() -> isRefused(Mode.READ, START, END)).isInstanceOf(ArithmeticException.class);
        assertThat(ranges.sections()).containsExactly(held.entry());
        assertThat(isRefused(Mode.READ, START, END)).isFalse();
        assertThat(tries).hasValue(2);
        assertThat(ranges.sections()).isEmpty();
    }

    @Test
    void aSectionInAPlaceMustBeUndoneOnceHoweverManyWaitForIt() {
        for (int i = 0; i < 50; i++) {
            final AtomicInteger undone = die(true);
            EpochTestSupport.together(3, thread -> ranges.release(acquire(Mode.READ, START, END)));
            assertThat(undone).hasValue(1);
        }
    }

    // -------------------------------------------------------------------------------------------------------------- races

    /** Sections of all modes, upgrades and changes at full speed: whoever may write is alone. */
    @Test
    void whoComesAtATimeMustBeKeptOutOrWait() {
        final long[] written = {0}; // guarded by what is tested
        final long[] counted = new long[4];
        final boolean[] inPlace = {false, false};
        EpochTestSupport.together(4, thread -> {
            for (int i = 0; i < 5_000; i++) {
                final long start = i % 3 == 0 ? 0 : START;
                if (thread == 3 && i % 2 == 0) {
                    enter(START, END).close();
                    continue;
                }
                final Entry entry = acquire(i % 2 == thread % 2 ? Mode.WRITE : Mode.READ, start, END);
                inPlace[ranges.isPlaced(entry) ? 0 : 1] = true;
                if (entry.mode() == Mode.WRITE || ranges.tryUpgrade(entry) != null) {
                    written[0]++;
                    counted[thread]++;
                    ranges.downgrade(entry);
                    if (i % 5 == 0 && ranges.tryUpgrade(entry) != null) {
                        written[0]++;
                        counted[thread]++;
                    }
                }
                ranges.release(entry);
            }
        });
        assertThat(written[0]).isEqualTo(counted[0] + counted[1] + counted[2] + counted[3]);
        assertThat(inPlace).as("some stood in places, and some in the list").containsExactly(true, true);
        assertThat(ranges.sections()).isEmpty();
    }

    @Test
    void aWriterInTheListMustGetItsTurnUnderAStreamOfSectionsInPlaces() {
        final AtomicInteger turns = new AtomicInteger();
        EpochTestSupport.together(3, thread -> {
            while (turns.get() < 200) {
                final Entry entry = acquire(thread == 0 ? Mode.WRITE : Mode.READ, START, END);
                if (thread == 0 && !ranges.isPlaced(entry)) {
                    turns.incrementAndGet();
                }
                ranges.release(entry);
            }
        });
        assertThat(ranges.sections()).isEmpty();
    }
}
