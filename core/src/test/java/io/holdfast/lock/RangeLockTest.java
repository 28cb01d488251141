// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.Waiting;
import io.holdfast.lock.RangeLock.Entry;
import io.holdfast.lock.RangeLock.Mode;
import io.holdfast.lock.RangeLock.Passage;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may have which range: each cell of the matrix, the order of arrival, and every way out (G10, G11; T12, T13). */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class RangeLockTest {
    private static final long PAGE = 4096;
    private static final long LIMIT = 64 * PAGE;
    private static final long START = 16 * PAGE;
    private static final long END = 32 * PAGE;

    private final EpochDomain domain = EpochTestSupport.newDomain();
    private final List<List<Entry>> reports = new ArrayList<>();
    private final RangeLock ranges = new RangeLock(domain, LIMIT,
        (wanted, blocking, elapsedNs) -> reports.add(blocking));

    private @Nullable Object tryEnter(final Mode mode, final long start, final long end) {
        try (Waiting noTime = EpochTestSupport.impatient()) {
            return mode == Mode.SINGLE ? ranges.enter("change", start, end, noTime)
                : ranges.tryAcquire(start, end, mode, noTime);
        }
    }

    private Object enter(final Mode mode, final long start, final long end) {
        try (Waiting waiting = EpochTestSupport.patient()) {
            final Object entered = mode == Mode.SINGLE ? ranges.enter("change", start, end, waiting)
                : ranges.acquire(start, end, mode, waiting);
            assertThat(entered).isNotNull();
            return entered;
        }
    }

    private Entry acquire(final Mode mode) {
        return (Entry) enter(mode, START, END);
    }

    private void leave(final @Nullable Object entered) {
        switch (entered) {
            case final Passage passage -> passage.close();
            case final Entry entry -> ranges.release(entry);
            case null, default -> throw new AssertionError("not entered: " + entered);
        }
    }

    private static boolean excludes(final Mode one, final Mode other) {
        return switch (one) {
            case SINGLE -> other != Mode.SINGLE;
            case READ -> other == Mode.SINGLE || other == Mode.WRITE;
            case DOWNGRADED -> other != Mode.READ;
            case WRITE -> true;
        };
    }

    // ---------------------------------------------------------------------------------------------------- matrix

    @ParameterizedTest
    @EnumSource(Mode.class)
    void eachModeMustExcludeWhatTheMatrixSays(final Mode held) {
        try (Peer holder = Peer.platform()) {
            final Object first = holder.call(() -> enter(held, START, END));
            for (final Mode wanted : Mode.values()) {
                final boolean excluded = excludes(held, wanted);
                for (final long[] range : new long[][] {{START, END}, {0, START + PAGE}, {END - PAGE, LIMIT}, {0, LIMIT},
                    {START + PAGE, START + 2 * PAGE}}) {
                    final Object second = tryEnter(wanted, range[0], range[1]);
                    assertThat(second == null).as("%s under %s, 0x%x-0x%x", wanted, held, range[0], range[1])
                        .isEqualTo(excluded);
                    if (second != null) {
                        leave(second);
                    }
                }
                for (final long[] range : new long[][] {{0, START}, {END, LIMIT}}) {
                    final Object second = tryEnter(wanted, range[0], range[1]);
                    assertThat(second).as("%s beside %s", wanted, held).isNotNull();
                    leave(second);
                }
            }
            holder.run(() -> leave(first));
        }
        assertThat(ranges.sections()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource(Mode.class)
    void whoWaitsMustComeInWhenTheOtherLeavesAndNotBefore(final Mode held) {
        try (Peer holder = Peer.platform(); Peer waiter = Peer.platform()) {
            for (final Mode wanted : Mode.values()) {
                if (!excludes(held, wanted)) {
                    continue;
                }
                final Object first = holder.call(() -> enter(held, START, END));
                final int before = ranges.sections().size();
                final FutureTask<Object> second = waiter.begin(() -> enter(wanted, 0, START + PAGE));
                EpochTestSupport.await("the waiter", () -> ranges.sections().size() > before);
                assertThat(second.isDone()).isFalse();
                holder.run(() -> leave(first));
                final Object entered = EpochTestSupport.result(second);
                waiter.run(() -> leave(entered));
            }
        }
        assertThat(ranges.sections()).isEmpty();
    }

    /** The change came while a section was there, so it holds the range by an entry and not by an announcement. */
    @Test
    void aChangeThatHadToWaitMustExcludeSectionsToo() {
        try (Peer holder = Peer.platform(); Peer waiter = Peer.virtual()) {
            final Object section = holder.call(() -> enter(Mode.READ, START, END));
            final FutureTask<Object> begun = waiter.begin(() -> enter(Mode.SINGLE, START, END));
            EpochTestSupport.await("the change", () -> ranges.sections().size() == 2);
            holder.run(() -> leave(section));
            final Object change = EpochTestSupport.result(begun);
            assertThat(tryEnter(Mode.READ, START, END)).isNull();
            final Object other = tryEnter(Mode.SINGLE, START, END);
            assertThat(other).as("changes do not exclude each other").isNotNull();
            leave(other);
            waiter.run(() -> leave(change));
            leave(tryEnter(Mode.WRITE, START, END));
        }
    }

    // ---------------------------------------------------------------------------------------------------- order

    @Test
    void aWriterMustComeBeforeReadersThatCameLater() {
        try (Peer first = Peer.platform(); Peer writer = Peer.platform(); Peer late = Peer.platform()) {
            final Object read = first.call(() -> enter(Mode.READ, START, END));
            final FutureTask<Object> write = writer.begin(() -> enter(Mode.WRITE, START, END));
            EpochTestSupport.await("the writer", () -> ranges.sections().size() == 2);
            assertThat(tryEnter(Mode.READ, START, END)).as("a reader does not overtake").isNull();
            assertThat(tryEnter(Mode.SINGLE, START, END)).as("nor does a change").isNull();
            final FutureTask<Object> lateRead = late.begin(() -> enter(Mode.READ, START, END));
            EpochTestSupport.await("the late reader", () -> ranges.sections().size() == 3);
            first.run(() -> leave(read));
            final Object written = EpochTestSupport.result(write);
            assertThat(lateRead.isDone()).isFalse();
            writer.run(() -> leave(written));
            final Object lateEntry = EpochTestSupport.result(lateRead);
            late.run(() -> leave(lateEntry));
        }
    }

    /** At every moment a reader is inside or waits, and every writer gets its turn all the same. */
    @Test
    void aWriterMustGetItsTurnUnderAStreamOfReadersAndChanges() {
        final AtomicBoolean stop = new AtomicBoolean();
        final long[] waited = {0};
        EpochTestSupport.together(4, thread -> {
            if (thread != 0) {
                while (!stop.get()) {
                    leave(enter(thread == 3 ? Mode.SINGLE : Mode.READ, START, END));
                }
                return;
            }
            for (int i = 0; i < 200 || waited[0] == 0; i++) {
                try (Waiting waiting = EpochTestSupport.patient()) {
                    final Entry entry = ranges.acquire(START, END, Mode.WRITE, waiting);
                    assertThat(entry).isNotNull();
                    waited[0] += waiting.elapsedNs() > 0 ? 1 : 0;
                    ranges.release(entry);
                }
            }
            stop.set(true);
        });
        assertThat(waited[0]).as("a writer had to wait").isPositive();
        assertThat(ranges.sections()).isEmpty();
    }

    // ------------------------------------------------------------------------------------- announcements, Dekker

    /** The race of a section that begins against a change that was announced before. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aSectionThatBeginsMustWaitForChangesAlreadyAnnouncedInItsRange(final boolean virtual) {
        try (Peer peer = virtual ? Peer.virtual() : Peer.platform()) {
            final Object change = peer.call(() -> enter(Mode.SINGLE, START, END));
            final List<Entry> seen = new ArrayList<>();
            try (Waiting waiting = EpochTestSupport.scripted(() -> seen.addAll(ranges.sections()),
                () -> peer.run(() -> leave(change)))) {
                final Entry entry = ranges.acquire(0, START + PAGE, Mode.READ, waiting);
                assertThat(entry).isNotNull();
                assertThat(seen).as("it had its turn, and waited for the announcement").containsExactly(entry);
                ranges.release(entry);
            }
        }
    }

    @Test
    void aSectionMustNotWaitForChangesThatAreAnnouncedAfterItInTheSameSlot() {
        try (Peer peer = Peer.platform()) {
            final Object change = peer.call(() -> enter(Mode.SINGLE, START, END));
            final List<Passage> next = new ArrayList<>();
            try (Waiting waiting = EpochTestSupport.scripted(() -> peer.run(() -> {
                leave(change);
                next.add(ranges.enterAnywhere()); // announces the whole space
            }))) {
                final Entry entry = ranges.acquire(START, END, Mode.WRITE, waiting);
                assertThat(entry).isNotNull();
                assertThat(next.getFirst().windows(0, LIMIT)).containsExactly(new long[] {0, START},
                    new long[] {END, LIMIT});
                peer.run(next.getFirst()::close);
                ranges.release(entry);
            }
        }
    }

    /** Every entry and every exit of both at full speed; the matrix holds, and both have met in either order. */
    @Test
    void changesAndSectionsMustNeverBeInTheSameRangeAtATime() {
        final int[] inside = {0, 0}; // guarded by what is tested: changes of thread 0, of thread 1
        final long[] met = {0, 0};
        final AtomicBoolean stop = new AtomicBoolean();
        EpochTestSupport.together(3, thread -> {
            if (thread < 2) {
                while (!stop.get()) {
                    try (Waiting waiting = EpochTestSupport.patient();
                        Passage passage = ranges.enter("change", START, END, waiting)) {
                        assertThat(passage).isNotNull();
                        inside[thread]++;
                        Thread.onSpinWait();
                        inside[thread]--;
                        met[0] += thread == 0 && waiting.elapsedNs() > 0 ? 1 : 0;
                    }
                }
                return;
            }
            final long end = System.nanoTime() + EpochTestSupport.TOO_LONG_NS / 4;
            for (int i = 0; (i < 20_000 || met[0] == 0 || met[1] == 0) && System.nanoTime() < end; i++) {
                try (Waiting waiting = EpochTestSupport.patient()) {
                    final Entry entry = ranges.acquire(0, END, i % 2 == 0 ? Mode.WRITE : Mode.READ, waiting);
                    assertThat(entry).isNotNull();
                    assertThat(inside).as("round %d", i).containsExactly(0, 0);
                    met[1] += waiting.elapsedNs() > 0 ? 1 : 0;
                    ranges.release(entry);
                }
            }
            stop.set(true);
        });
        assertThat(met[0]).as("a change waited for a section").isPositive();
        assertThat(met[1]).as("a section waited for a change").isPositive();
        assertThat(ranges.sections()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void theAnnouncementOfADeadThreadMustNotHoldUpASection(final boolean virtual) {
        final Peer peer = virtual ? Peer.virtual() : Peer.platform();
        peer.call(() -> enter(Mode.SINGLE, START, END));
        peer.close();
        leave(tryEnterSoon());
    }

    private Object tryEnterSoon() {
        try (Waiting waiting = EpochTestSupport.patient()) {
            final Entry entry = ranges.acquire(START, END, Mode.WRITE, waiting);
            assertThat(entry).isNotNull();
            return entry;
        }
    }

    // ------------------------------------------------------------------------------------- downgrade and upgrade

    /** T12: after the downgrade readers are in, and a second downgrader or writer is not. */
    @Test
    void aDowngradeMustLetReadersInAndKeepWritersOut() {
        try (Peer reader = Peer.platform()) {
            final Entry write = acquire(Mode.WRITE);
            final FutureTask<Object> read = reader.begin(() -> enter(Mode.READ, START, END));
            EpochTestSupport.await("the reader", () -> ranges.sections().size() == 2);
            assertThat(read.isDone()).isFalse();
            ranges.downgrade(write);
            final Object inside = EpochTestSupport.result(read);
            reader.run(() -> leave(inside));
            for (final Mode mode : new Mode[] {Mode.SINGLE, Mode.DOWNGRADED, Mode.WRITE}) {
                assertThat(reader.call(() -> tryEnter(mode, START, END))).as(mode.name()).isNull();
            }
            ranges.release(write);
            assertThatThrownBy(() -> ranges.release(write)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("not a section");
        }
    }

    @ParameterizedTest
    @CsvSource({"READ, READ", "DOWNGRADED, READ", "READ, DOWNGRADED"})
    void anUpgradeMustBeRefusedWhileAnybodyElseIsInTheRange(final Mode mine, final Mode other) {
        for (final boolean otherFirst : new boolean[] {true, false}) {
            try (Peer peer = Peer.platform()) {
                Object second = otherFirst ? peer.call(() -> enter(other, START, START + PAGE)) : null;
                final Entry entry = acquire(mine);
                if (second == null) {
                    second = peer.call(() -> enter(other, START, START + PAGE));
                }
                final List<Entry> before = ranges.sections();
                assertThat(ranges.tryUpgrade(entry)).isNull();
                assertThat(ranges.sections()).as("nothing has changed").isEqualTo(before);
                final Object left = second;
                peer.run(() -> leave(left));
                final Entry write = ranges.tryUpgrade(entry);
                assertThat(write).isNotNull();
                assertThat(write.mode()).isEqualTo(Mode.WRITE);
                assertThat(peer.call(() -> tryEnter(Mode.READ, START, END))).isNull();
                ranges.release(write);
            }
        }
    }

    @Test
    void anUpgradeMustNotBeRefusedForWhoWaitsOrIsElsewhere() {
        try (Peer waiter = Peer.platform(); Peer neighbour = Peer.platform()) {
            final Entry read = acquire(Mode.READ);
            final Object beside = neighbour.call(() -> enter(Mode.WRITE, END, LIMIT));
            final FutureTask<Object> waiting = waiter.begin(() -> enter(Mode.WRITE, START, END));
            EpochTestSupport.await("the writer", () -> ranges.sections().size() == 3);
            final Entry write = ranges.tryUpgrade(read);
            assertThat(write).isNotNull();
            assertThat(waiting.isDone()).isFalse();
            ranges.downgrade(write);
            assertThat(ranges.tryUpgrade(write)).satisfies(again -> ranges.release(again));
            final Object written = EpochTestSupport.result(waiting);
            waiter.run(() -> leave(written));
            neighbour.run(() -> leave(beside));
        }
    }

    // ---------------------------------------------------------------------------------------------- giving up

    @Test
    void givingUpMustLeaveNoTrace() {
        try (Peer holder = Peer.platform()) {
            for (final Mode held : Mode.values()) {
                final Object first = holder.call(() -> enter(held, START, END));
                final List<Entry> before = ranges.sections();
                for (final Mode wanted : new Mode[] {Mode.SINGLE, Mode.READ, Mode.WRITE}) {
                    if (excludes(held, wanted)) {
                        assertThat(tryEnter(wanted, START, END)).isNull();
                        timeOut(wanted);
                        beInterrupted(wanted);
                        fail(wanted);
                        assertThat(ranges.sections()).as("%s under %s", wanted, held).isEqualTo(before);
                    }
                }
                holder.run(() -> leave(first));
                leave(tryEnter(Mode.WRITE, 0, LIMIT));
            }
        }
    }

    private @Nullable Object enter(final Mode mode, final Waiting waiting) {
        return mode == Mode.SINGLE ? ranges.enter("change", START, END, waiting)
            : ranges.acquire(START, END, mode, waiting);
    }

    private void timeOut(final Mode wanted) {
        try (Waiting waiting = EpochTestSupport.timed(TimeUnit.MILLISECONDS.toNanos(1))) {
            assertThat(enter(wanted, waiting)).isNull();
            assertThat(waiting.endedByInterrupt()).isFalse();
        }
    }

    private void beInterrupted(final Mode wanted) {
        try (Waiting waiting = EpochTestSupport.scripted(Thread.currentThread()::interrupt)) {
            assertThat(enter(wanted, waiting)).isNull();
            assertThat(waiting.endedByInterrupt()).isTrue();
        }
    }

    private void fail(final Mode wanted) {
        try (Waiting waiting = EpochTestSupport.scripted(() -> {
            throw new ArithmeticException("an idle strategy that fails");
        })) {
            assertThatThrownBy(() -> enter(wanted, waiting)).isInstanceOf(ArithmeticException.class);
        }
    }

    @Test
    void whoWaitsLongMustBeToldForWhomAlsoForAChangeThatIsAnnounced() {
        try (Peer holder = Peer.platform()) {
            for (final Mode held : new Mode[] {Mode.SINGLE, Mode.READ}) {
                final Object first = holder.call(() -> enter(held, START, END));
                reports.clear();
                try (Waiting waiting = new Waiting(YieldingIdleStrategy::new, TimeUnit.MILLISECONDS.toNanos(50), false,
                    TimeUnit.MILLISECONDS.toNanos(1))) {
                    assertThat(ranges.acquire(0, LIMIT, Mode.WRITE, waiting)).isNull();
                }
                assertThat(reports).isNotEmpty().allSatisfy(blocking -> assertThat(blocking).singleElement()
                    .satisfies(entry -> {
                        assertThat(entry.owner()).isEqualTo(holder.thread());
                        assertThat(entry.mode()).isEqualTo(held);
                        assertThat(entry.start()).isEqualTo(START);
                        assertThat(entry.end()).isEqualTo(END);
                    }));
                holder.run(() -> leave(first));
            }
        }
    }

    // ------------------------------------------------------------------------------------------------- self-waits

    @ParameterizedTest
    @EnumSource(value = Mode.class, names = "SINGLE", mode = EnumSource.Mode.EXCLUDE)
    void nestedUseMustBeRefusedAtOnce(final Mode held) {
        final Entry entry = acquire(held);
        assertThat(ranges.isMine()).isTrue();
        for (final Mode wanted : Mode.values()) {
            assertThatThrownBy(() -> enter(wanted, START, END)).as(wanted.name())
                .isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining("wait for itself");
        }
        assertThatThrownBy(() -> enter(Mode.READ, END, LIMIT)).as("disjoint, but in reverse it would deadlock")
            .isInstanceOf(IllegalMonitorStateException.class);
        assertThatThrownBy(() -> tryEnter(Mode.READ, START, END)).isInstanceOf(IllegalMonitorStateException.class);
        leave(enter(Mode.SINGLE, END, LIMIT));
        ranges.release(entry);
        assertThat(ranges.sections()).isEmpty();
    }

    /** T13: a section asked for under a guard or a pin is reported, whether or not somebody is in between. */
    @Test
    void aSectionUnderAGuardOrAPinMustBeRefusedAtOnce() {
        domain.pin();
        refuseToWait();
        domain.unpin();
        domain.pinStructure();
        leave(enter(Mode.READ, START, END));
        domain.unpinStructure();
        final LockFixture fixture = new LockFixture(domain);
        final long stamp = fixture.lock.tryShare(fixture.record, fixture.incarnation);
        refuseToWait();
        fixture.lock.endShare(fixture.record, stamp);
        final long exclusive = fixture.lock.tryExclusive(fixture.record, fixture.incarnation);
        refuseToWait();
        fixture.lock.endExclusive(fixture.record, exclusive);
        leave(enter(Mode.WRITE, START, END));
    }

    private void refuseToWait() {
        assertThatThrownBy(() -> enter(Mode.READ, START, END)).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("guard or a pin");
        leave(tryEnter(Mode.READ, START, END));
        leave(enter(Mode.SINGLE, START, END));
        try (Peer peer = Peer.platform()) {
            final Object section = peer.call(() -> enter(Mode.READ, START, END));
            assertThatThrownBy(() -> enter(Mode.SINGLE, START, END)).isInstanceOf(IllegalMonitorStateException.class);
            assertThat(tryEnter(Mode.SINGLE, START, END)).as("what does not wait needs no exception").isNull();
            peer.run(() -> leave(section));
        }
        assertThat(ranges.sections()).isEmpty();
    }

    /** Callbacks run inside of a change: idle strategies, reports. */
    @Test
    void aSectionInsideOfAChangeOfTheSameThreadMustBeRefusedAtOnce() {
        final Object change = enter(Mode.SINGLE, START, END);
        assertThatThrownBy(() -> enter(Mode.READ, START, END)).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("callback");
        assertThatThrownBy(() -> enter(Mode.SINGLE, START, END)).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("callback");
        assertThat(tryEnter(Mode.READ, START, END)).isNull();
        leave(change);
        leave(enter(Mode.READ, START, END));
    }

    // --------------------------------------------------------------------------------------------------- passages

    @Test
    void aChangeAnywhereMustAvoidSectionsAndHoldUpThoseThatComeLaterUntilItIsNarrowed() {
        try (Peer peer = Peer.platform()) {
            final Object section = peer.call(() -> enter(Mode.READ, START, END));
            final Passage passage = ranges.enterAnywhere();
            assertThat(passage.isPartial()).isTrue();
            assertThat(passage.windows(0, LIMIT)).containsExactly(new long[] {0, START}, new long[] {END, LIMIT});
            assertThat(passage.windows(START + PAGE, END + PAGE)).containsExactly(new long[] {END, END + PAGE});
            assertThat(passage.windows(0, START - PAGE)).containsExactly(new long[] {0, START - PAGE});
            assertThat(peer.call(() -> {
                leave(section);
                return tryEnter(Mode.WRITE, 0, PAGE);
            })).as("a section that the change did not see waits").isNull();
            passage.narrow(END, END + PAGE);
            assertThat(peer.call(() -> tryEnter(Mode.WRITE, START, END + PAGE))).isNull();
            peer.run(() -> leave(tryEnter(Mode.WRITE, 0, END)));
            peer.run(() -> leave(tryEnter(Mode.WRITE, END + PAGE, LIMIT)));
            passage.close();
            peer.run(() -> leave(tryEnter(Mode.WRITE, 0, LIMIT)));
        }
    }

    @Test
    void windowsMustLeaveOutSectionsThatTouchOverlapOrReachOutOfTheRange() {
        final List<Peer> peers = new ArrayList<>();
        for (final long[] range : new long[][] {{24, 40}, {8, 16}, {16, 20}, {12, 18}, {60, 64}}) {
            final Peer peer = Peer.platform();
            peers.add(peer);
            peer.call(() -> enter(Mode.READ, range[0] * PAGE, range[1] * PAGE));
        }
        try (Passage passage = ranges.enterAnywhere()) {
            assertThat(passage.windows(0, LIMIT)).containsExactly(new long[] {0, 8 * PAGE},
                new long[] {20 * PAGE, 24 * PAGE}, new long[] {40 * PAGE, 60 * PAGE});
            assertThat(passage.windows(9 * PAGE, 15 * PAGE)).isEmpty();
        }
        peers.forEach(Peer::close);
        try (Passage passage = ranges.enterAnywhere()) {
            assertThat(passage.isPartial()).as("a section outlives a thread that dies in it").isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aWidenedPassageMustAvoidEverySectionButItsOwnEntry(final boolean waited) {
        try (Peer peer = Peer.platform()) {
            final Object first = waited ? peer.call(() -> enter(Mode.READ, START, END)) : null;
            final Peer waiter = Peer.platform();
            final FutureTask<Object> begun = waiter.begin(() -> enter(Mode.SINGLE, START, END));
            if (first != null) {
                EpochTestSupport.await("the change", () -> ranges.sections().size() == 2);
                peer.run(() -> leave(first));
            }
            final Passage passage = (Passage) EpochTestSupport.result(begun);
            final Object section = peer.call(() -> enter(Mode.WRITE, END, LIMIT));
            waiter.run(passage::widen);
            assertThat(passage.windows(0, LIMIT)).containsExactly(new long[] {0, END});
            assertThat(tryEnter(Mode.WRITE, 0, PAGE)).as("it may take addresses there").isNull();
            waiter.run(passage::close);
            peer.run(() -> leave(section));
            leave(tryEnter(Mode.WRITE, 0, LIMIT));
            waiter.close();
        }
        assertThat(ranges.sections()).isEmpty();
    }
}
