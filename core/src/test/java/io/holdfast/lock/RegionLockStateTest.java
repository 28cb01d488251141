// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.LockFixture.State;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every cell of the table of states in {@link RegionLock}, one test each, by a thread that holds nothing, a shared lock, or
 * the exclusive lock: G2, G3, G5.
 */
class RegionLockStateTest {
    /** A state: the call succeeds and leads there. '-': refused for good. 'w': refused for now. '!': an exception. */
    private static final String TABLE = """
state     attach share hold exclusive upgrade end downgrade detach   reclaim endShare endCount toHold toCount stamp    move
FREE      OPEN   -     -    -         !       !   !         -        FREE    !        !        !      !       -        !
OPEN      !      OPEN  OPEN EXCLUSIVE !       !   !         DETACHED !       !        !        !      !       OPEN     !
DRAINING  !      w     w    w         !       !   !         w        !       !        !        !      !       DRAINING !
EXCLUSIVE !      w     w    w         !       !   !         w        !       !        !        !      !       -        !
DETACHED  !      -     -    -         !       !   !         -        FREE    !        !        !      !       -        !
MOVED     !      -     -    -         !       !   !         -        FREE    !        !        !      !       -        !
SECTION   !      w     w    w         !       !   !         w        !       !        !        !      !       -        !
ENDED     !      OPEN  OPEN EXCLUSIVE !       !   !         DETACHED !       !        !        !      !       ENDED    !
UNMAPPED  !      -     -    -         !       !   !         -        FREE    !        !        !      !       -        !
""";

    /** The same for a thread that has a shared lock, taken before the state came about, and another thread a hold. */
    private static final String TABLE_FOR_HOLDERS = """
state    attach share hold exclusive upgrade end downgrade detach reclaim endShare endCount toHold   toCount  stamp    move
OPEN     !      OPEN  OPEN !         -       !   !         !      !       OPEN     OPEN     OPEN     OPEN     OPEN     !
DRAINING !      !     w    !         -       !   !         !      !       DRAINING DRAINING DRAINING DRAINING DRAINING !
DETACHED !      -     -    !         -       !   !         !      !       DETACHED DETACHED DETACHED DETACHED -        !
""";

    /** The same for the thread that holds the region exclusively; it is never told to wait for itself. */
    private static final String TABLE_FOR_WRITERS = """
state     attach share hold exclusive upgrade end  downgrade detach reclaim endShare endCount toHold toCount stamp move
EXCLUSIVE !      !     w    !         !       OPEN OPEN      !      !       !        !        !      !       -     MOVED
""";

    /** What the thread holds before. */
    private enum Who { NOBODY, HOLDER, WRITER }

    private interface Operation {
        long on(LockFixture fixture, long shared, long counted);
    }

    private static Operation operation(final String name) {
        return switch (name) {
            case "attach" -> (f, shared, counted) -> RegionLock.attach(f.record);
            case "share" -> (f, shared, counted) -> f.lock.share(f.record, f.incarnation, EpochTestSupport.impatient());
            case "hold" -> (f, shared, counted) -> RegionLock.tryHold(f.record, f.incarnation);
            case "exclusive" -> (f, shared, counted) ->
                f.lock.exclusive(f.record, f.incarnation, EpochTestSupport.impatient());
            case "upgrade" -> (f, shared, counted) -> f.lock.tryUpgrade(f.record, shared);
            case "end" -> (f, shared, counted) -> {
                f.lock.endExclusive(f.record, exclusive(f));
                return 1;
            };
            case "downgrade" -> (f, shared, counted) -> f.lock.downgrade(f.record, exclusive(f));
            case "detach" -> (f, shared, counted) ->
                f.lock.detach(f.record, f.incarnation, EpochTestSupport.impatient());
            case "reclaim" -> (f, shared, counted) -> {
                RegionLock.reclaim(f.record);
                return 1;
            };
            case "endShare" -> (f, shared, counted) -> {
                f.lock.endShare(f.record, shared);
                return 1;
            };
            case "endCount" -> (f, shared, counted) -> {
                RegionLock.endCounted(f.record, counted);
                return 1;
            };
            case "toHold" -> (f, shared, counted) -> f.lock.toHold(f.record, shared);
            case "toCount" -> (f, shared, counted) -> f.lock.toCounted(f.record, shared);
            case "move" -> (f, shared, counted) -> {
                f.lock.move(f.record, exclusive(f));
                return 1;
            };
            case "stamp" -> (f, shared, counted) -> {
                final long stamp = RegionLock.tryOptimisticRead(f.record, f.incarnation);
                return stamp == 0 ? Stamps.DETACHED : stamp;
            };
            default -> throw new AssertionError("no such operation: " + name);
        };
    }

    private static long exclusive(final LockFixture fixture) {
        return Stamps.exclusive(RecordLayout.sequenceAcquire(fixture.record));
    }

    @TestFactory
    List<DynamicTest> everyCellMustHoldForAThreadWithoutLocks() {
        return cells(TABLE, Who.NOBODY);
    }

    @TestFactory
    List<DynamicTest> everyCellMustHoldForAThreadWithASharedLock() {
        return cells(TABLE_FOR_HOLDERS, Who.HOLDER);
    }

    @TestFactory
    List<DynamicTest> everyCellMustHoldForTheWriter() {
        return cells(TABLE_FOR_WRITERS, Who.WRITER);
    }

    private static List<DynamicTest> cells(final String table, final Who who) {
        final List<DynamicTest> tests = new ArrayList<>();
        final List<List<String>> rows = table.lines().map(line -> List.of(line.trim().split(" +", -1))).toList();
        final List<String> names = rows.getFirst();
        for (final List<String> cells : rows.subList(1, rows.size())) {
            for (int column = 1; column < names.size(); column++) {
                final State from = State.valueOf(cells.getFirst());
                final String name = names.get(column);
                final String expected = cells.get(column);
                tests.add(DynamicTest.dynamicTest(from + " " + name + " " + expected,
                    () -> check(from, name, expected, who)));
            }
        }
        return tests;
    }

    private static void check(final State from, final String name, final String expected, final Who who) {
        final LockFixture fixture = new LockFixture();
        long shared = fixture.lock.tryShare(fixture.record, fixture.incarnation);
        fixture.lock.endShare(fixture.record, shared);
        long counted = RegionLock.stampOfHold(counted(fixture));
        RegionLock.endCounted(fixture.record, counted);
        if (who == Who.HOLDER) {
            shared = fixture.lock.tryShare(fixture.record, fixture.incarnation);
            counted = RegionLock.stampOfHold(counted(fixture));
            assertThat(shared).isPositive();
            assertThat(counted).isPositive();
        }
        if (who == Who.WRITER) {
            assertThat(fixture.lock.tryExclusive(fixture.record, fixture.incarnation)).isPositive();
        } else if (who == Who.HOLDER && from == State.DETACHED) {
            assertThat(fixture.lock.tryDetach(fixture.record, fixture.incarnation)).isEqualTo(1);
        } else {
            fixture.put(from);
        }
        final long before = RecordLayout.sequenceAcquire(fixture.record);
        String outcome;
        try {
            final long result = operation(name).on(fixture, shared, counted);
            outcome = result > 0 ? "ok" : outcome(result);
        } catch (final IllegalStateException | IllegalMonitorStateException e) {
            assertThat(e).hasMessageContaining("attached=").hasMessageContaining("holds=");
            outcome = "!";
        }
        final String next = fixture.state().name();
        assertThat(outcome.equals("ok") ? next : outcome).as(RegionLock.describe(fixture.record)).isEqualTo(expected);
        if (!outcome.equals("ok")) {
            assertThat(next).as("state after a refusal").isEqualTo(from.name());
            assertThat(RecordLayout.sequenceAcquire(fixture.record)).isEqualTo(before);
        }
    }

    private static long counted(final LockFixture fixture) {
        assertThat(RegionLock.tryHold(fixture.record, fixture.incarnation)).isEqualTo(1);
        return fixture.record;
    }

    private static String outcome(final long refusal) {
        return refusal == Stamps.TIMED_OUT || refusal == Stamps.EXCLUDED || refusal == Stamps.EXCLUSIVE ? "w" : "-";
    }
}
