// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Guards: what they allow, and every wrong use (G1, G2, G10). */
class GuardTest extends SpaceFixture {
    private Region region;

    @BeforeEach
    void mapRegion() {
        region = space.map(2 * PAGE);
    }

    private static String[] decoded(final Region region) {
        return new String[] {"region=0x" + Long.toHexString(region.address()) + " of test", "incarnation=", "attached=",
            "excluding=", "exclusive=", "holds="};
    }

    @Test
    void sharedGuardMustBeReadOnly() {
        try (Guard guard = region.share()) {
            assertThat(guard.isHeld()).isTrue();
            assertThat(guard.mode()).isEqualTo(Guard.Mode.SHARED);
            assertThat(guard.region()).isSameAs(region);
            assertThat(guard.segment().isReadOnly()).isTrue();
            assertThat(guard.segment().byteSize()).isEqualTo(2 * PAGE);
            assertThatThrownBy(() -> guard.segment().set(JAVA_LONG, 0, 1))
                .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void sharedGuardsMustNotExcludeEachOther() throws Exception {
        try (Guard guard = region.shareWritable(); Guard second = region.share();
            Threads.Holder other = Threads.hold(region::shareWritable)) {
            guard.segment().set(JAVA_LONG, 0, 5);
            assertThat(second.segment().get(JAVA_LONG, 0)).isEqualTo(5);
            assertThat(other.thread().isAlive()).isTrue();
        }
    }

    @Test
    void exclusiveGuardMustExcludeEveryOther() throws Exception {
        try (Guard guard = region.exclusive()) {
            assertThat(guard.mode()).isEqualTo(Guard.Mode.EXCLUSIVE);
            guard.segment().set(JAVA_LONG, 0, 5);
            Threads.run(() -> {
                for (final Guard refused : List.of(region.tryShare(), region.tryShareWritable(),
                    region.tryExclusive())) {
                    assertThat(refused.isHeld()).isFalse();
                    assertThat(refused.refusal()).isEqualTo(Refusal.EXCLUSIVE);
                    refused.close();
                }
                assertThat(region.tryOptimisticRead()).isZero();
                assertThat(region.tryHold().refusal()).isEqualTo(Refusal.EXCLUSIVE);
            });
        }
        assertThat(get(region, 0)).isEqualTo(5);
    }

    @Test
    void tryExclusiveMustBeRefusedWhileAReaderIsInside() throws Exception {
        try (Threads.Holder reader = Threads.hold(region::share)) {
            try (Guard guard = region.tryExclusive()) {
                assertThat(guard.isHeld()).isFalse();
                assertThat(guard.refusal()).isEqualTo(Refusal.SHARED);
            }
            assertThat(reader.thread().isAlive()).isTrue();
        }
        try (Guard guard = region.tryExclusive()) {
            assertThat(guard.isHeld()).isTrue();
        }
    }

    @Test
    void readersMustBeRefusedWhileAWriterDrains() throws Exception {
        final Threads.Work<Boolean> writer;
        try (Guard reader = region.share()) {
            writer = Threads.start(() -> {
                try (Guard guard = region.exclusive()) {
                    return guard.isHeld();
                }
            });
            idle.awaitWaiter();
            try (Guard refused = region.tryShare()) {
                assertThat(refused.refusal()).isEqualTo(Refusal.EXCLUDED);
            }
            assertThat(Refusal.of(region.tryLockShared())).isEqualTo(Refusal.EXCLUDED);
            assertThat(region.tryOptimisticRead()).as("draining writers have written nothing").isNotZero();
            assertThat(reader.isHeld()).isTrue();
        }
        assertThat(writer.get()).isTrue();
    }

    @Test
    void refusedGuardMustSayWhyAndHoldNothing() {
        region.unmap();
        final Guard guard = region.tryShare();
        assertThat(guard.isHeld()).isFalse();
        assertThat(guard.refusal()).isEqualTo(Refusal.DETACHED);
        assertThatThrownBy(guard::segment).isInstanceOf(RegionException.class).hasMessageContainingAll(decoded(region))
            .hasMessageContainingAll("segment of a guard that is not held refused: reason=DETACHED", "attached=false",
                "the region is unmapped, look it up again");
        assertThatThrownBy(guard::downgrade).isInstanceOf(RegionException.class).hasMessageContaining("downgrade");
        assertThatThrownBy(guard::tryUpgrade).isInstanceOf(RegionException.class).hasMessageContaining("upgrade");
        assertThatThrownBy(guard::toHold).isInstanceOf(RegionException.class).hasMessageContaining("hold");
        assertThat(guard.toString()).contains("not held");
        guard.close();
        guard.close();
    }

    @Test
    void grantedGuardMustHaveNoRefusal() {
        try (Guard guard = region.share()) {
            assertThatThrownBy(guard::refusal).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("refusal of a guard that was granted").hasMessageContainingAll(decoded(region));
        }
        assertThatThrownBy(() -> Refusal.of(5)).isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("stamp=5");
    }

    @Test
    void segmentMustEndWithTheGuard() {
        for (final Guard guard : new Guard[] {region.share(), region.shareWritable()}) {
            final MemorySegment segment = guard.segment();
            guard.close();
            assertThat(guard.isHeld()).isFalse();
            assertThatThrownBy(() -> segment.get(JAVA_LONG, 0)).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> guard.segment().get(JAVA_LONG, 0)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void segmentMustNotBeUsedByAnotherThread() throws Exception {
        try (Guard guard = region.share()) {
            final MemorySegment segment = guard.segment();
            Threads.run(() -> {
                assertThatThrownBy(() -> segment.get(JAVA_LONG, 0)).isInstanceOf(WrongThreadException.class);
            });
        }
    }

    @Test
    void releasedGuardMustReleaseNothingWhenItIsClosedAgain() throws Exception {
        final Guard guard = region.share();
        guard.close();
        guard.close();
        try (Guard another = region.share()) {
            guard.close();
            assertThat(another.isHeld()).isTrue();
            assertThat(Threads.<Boolean>run(() -> region.tryExclusive().isHeld())).isFalse();
        }
        final Guard exclusive = region.exclusive();
        exclusive.close();
        try (Guard another = region.exclusive()) {
            exclusive.close();
            assertThatThrownBy(exclusive::downgrade).as("the lock is another guard's")
                .isInstanceOf(RegionException.class).hasMessageContainingAll(decoded(region));
            assertThat(another.isHeld()).isTrue();
            assertThat(Threads.<Boolean>run(() -> region.tryShare().isHeld())).isFalse();
        }
    }

    @Test
    void guardMustNotBeReleasedByAnotherThread() throws Exception {
        try (Guard guard = region.share(); Guard exclusive = space.map(PAGE).exclusive()) {
            Threads.run(() -> {
                for (final Guard foreign : List.of(guard, exclusive)) {
                    assertThatThrownBy(foreign::close).isInstanceOf(WrongThreadException.class)
                        .hasMessageContaining("close of a guard of another thread: caller=other")
                        .hasMessageContainingAll(decoded(foreign.region()));
                }
            });
            assertThat(guard.isHeld()).isTrue();
            assertThat(exclusive.isHeld()).isTrue();
        }
    }

    @Test
    void guardMustNotBeChangedByAnotherThreadEvenIfThatHoldsOneItself() throws Exception {
        final Region other = space.map(PAGE);
        try (Guard guard = region.share(); Guard exclusive = other.exclusive()) {
            Threads.run(() -> {
                try (Guard own = region.share()) {
                    assertThatThrownBy(guard::tryUpgrade).isInstanceOf(WrongThreadException.class)
                        .hasMessageContaining("upgrade of a guard of another thread");
                    assertThatThrownBy(guard::toHold).isInstanceOf(WrongThreadException.class);
                    assertThat(own.isHeld()).isTrue();
                }
                assertThatThrownBy(exclusive::downgrade).isInstanceOf(WrongThreadException.class)
                    .hasMessageContainingAll(decoded(other));
            });
            assertThat(guard.isHeld()).isTrue();
            assertThat(exclusive.mode()).isEqualTo(Guard.Mode.EXCLUSIVE);
        }
    }

    @Test
    void downgradeMustLetReadersInAndNoWriter() throws Exception {
        final Guard guard = region.exclusive();
        final long stamp = region.tryOptimisticRead();
        guard.segment().set(JAVA_LONG, 0, 9);
        guard.downgrade();
        assertThat(stamp).isZero();
        assertThat(guard.mode()).isEqualTo(Guard.Mode.SHARED_WRITABLE);
        guard.segment().set(JAVA_LONG, 8, 10);
        assertThat(Threads.<Long>run(() -> get(region, 0))).isEqualTo(9);
        assertThat(Threads.<Boolean>run(() -> region.tryExclusive().isHeld())).isFalse();
        assertThatThrownBy(guard::downgrade).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("downgrade");
        guard.close();
        assertThat(Threads.<Boolean>run(() -> {
            try (Guard writer = region.tryExclusive()) {
                return writer.isHeld();
            }
        })).isTrue();
    }

    @Test
    void upgradeMustSucceedOnlyWhenAlone() throws Exception {
        try (Guard guard = region.share()) {
            try (Threads.Holder other = Threads.hold(region::share)) {
                assertThat(guard.tryUpgrade()).isFalse();
                assertThat(guard.mode()).isEqualTo(Guard.Mode.SHARED);
                assertThat(other.thread().isAlive()).isTrue();
            }
            final long stamp = region.tryOptimisticRead();
            assertThat(guard.tryUpgrade()).isTrue();
            assertThat(guard.mode()).isEqualTo(Guard.Mode.EXCLUSIVE);
            guard.segment().set(JAVA_LONG, 0, 3);
            assertThat(region.validate(stamp)).isFalse();
            assertThat(Threads.<Boolean>run(() -> region.tryShare().isHeld())).isFalse();
        }
        assertThat(get(region, 0)).isEqualTo(3);
    }

    @Test
    void upgradeMustFailWhileTheThreadHoldsASecondGuardOrAHoldIsThere() {
        try (Guard guard = region.share(); Guard second = region.share()) {
            assertThat(guard.tryUpgrade()).isFalse();
            assertThat(second.isHeld()).isTrue();
        }
        try (Guard guard = region.share(); Hold hold = region.hold()) {
            assertThat(guard.tryUpgrade()).isFalse();
            assertThat(hold.isHeld()).isTrue();
        }
    }

    private void assertNotChanged(final Guard closed) {
        assertThatThrownBy(closed::tryUpgrade).isInstanceOf(RegionException.class)
            .hasMessageContaining("upgrade of a guard that is not held").hasMessageContainingAll(decoded(region));
        assertThatThrownBy(closed::toHold).isInstanceOf(RegionException.class)
            .hasMessageContaining("turning into a hold of a guard that is not held")
            .hasMessageContainingAll(decoded(region));
        assertThatThrownBy(closed::downgrade).isInstanceOf(RegionException.class)
            .hasMessageContaining("downgrade of a guard that is not held").hasMessageContainingAll(decoded(region));
        assertThat(closed.isHeld()).isFalse();
    }

    /** G10: neither when nothing is held, nor when the thread holds another guard, which may have the same stamp. */
    @Test
    void closedGuardMustNotBeChanged() throws Exception {
        final Guard closed = region.share();
        closed.close();
        assertNotChanged(closed);
        try (Guard other = region.share()) {
            assertNotChanged(closed);
            assertThat(other.mode()).isEqualTo(Guard.Mode.SHARED);
            assertThat(other.segment().get(JAVA_LONG, 0)).isZero();
            assertThat(Threads.<Boolean>run(() -> region.tryShare().isHeld())).as("no writer is there").isTrue();
        }
        assertThat(Threads.<Boolean>run(() -> {
            try (Guard writer = region.tryExclusive()) {
                return writer.isHeld();
            }
        })).as("nothing is locked").isTrue();
    }

    /** G9: a downgrade for which the thread has no hazard left is refused, and the exclusive lock stays. */
    @Test
    void downgradeBeyondTheRoomOfAThreadMustBeRefusedAndKeepTheExclusiveLock() throws Exception {
        final Region other = space.map(PAGE);
        final Guard guard = region.exclusive();
        final List<Long> stamps = new ArrayList<>();
        long stamp = other.tryLockShared();
        while (stamp > 0) {
            stamps.add(stamp);
            stamp = other.tryLockShared();
        }
        assertThatThrownBy(guard::downgrade).isInstanceOf(RegionException.class)
            .hasMessageContaining("downgrade refused: reason=SATURATED").hasMessageContainingAll(decoded(region))
            .satisfies(e -> assertThat(((RegionException) e).refusal()).isEqualTo(Refusal.SATURATED));
        assertThat(guard.mode()).isEqualTo(Guard.Mode.EXCLUSIVE);
        guard.segment().set(JAVA_LONG, 0, 5);
        assertThat(Threads.<Refusal>run(() -> region.tryShare().refusal())).isEqualTo(Refusal.EXCLUSIVE);
        other.unlockShared(stamps.removeLast());
        guard.downgrade();
        assertThat(guard.mode()).isEqualTo(Guard.Mode.SHARED_WRITABLE);
        assertThat(Threads.<Long>run(() -> get(region, 0))).isEqualTo(5);
        guard.close();
        stamps.forEach(other::unlockShared);
    }

    @Test
    void guardsBeyondTheRoomOfAThreadMustBeRefusedAndReleased() {
        final List<Guard> guards = new ArrayList<>();
        Guard last = region.tryShare();
        while (last.isHeld()) {
            guards.add(last);
            last = region.tryShare();
        }
        assertThat(last.refusal()).isEqualTo(Refusal.SATURATED);
        assertThat(guards).hasSizeGreaterThan(100);
        assertThatThrownBy(region::share).isInstanceOf(RegionException.class)
            .hasMessageContaining("share refused: reason=SATURATED")
            .satisfies(e -> assertThat(((RegionException) e).refusal()).isEqualTo(Refusal.SATURATED));
        try (Hold hold = region.hold()) {
            assertThat(hold.isHeld()).isTrue();
        }
        guards.forEach(guard -> assertThat(guard.segment().get(JAVA_LONG, 0)).isZero());
        guards.forEach(Guard::close);
        try (Guard guard = region.exclusive()) {
            assertThat(guard.isHeld()).isTrue();
        }
    }

    @Test
    void stampsMustLockLikeGuards() throws Exception {
        final long stamp = region.lockShared();
        assertThat(stamp).isPositive();
        assertThat(Threads.<Boolean>run(() -> region.tryExclusive().isHeld())).isFalse();
        assertThat(Refusal.of(Threads.<Long>run(region::tryLockExclusive))).isEqualTo(Refusal.SHARED);
        region.unlockShared(stamp);
        final long exclusive = region.lockExclusive();
        assertThat(Refusal.of(Threads.<Long>run(region::tryLockShared))).isEqualTo(Refusal.EXCLUSIVE);
        assertThat(Refusal.of(Threads.<Long>run(region::tryLockExclusive))).isEqualTo(Refusal.EXCLUSIVE);
        region.unlockExclusive(exclusive);
    }

    /** As AutoCloseable recommends, whatever was locked meanwhile in the same place. */
    @Test
    void closingAGuardOrAHoldTwiceMustEndNoOtherLock() throws Exception {
        final Region locked = space.map(PAGE);
        final Guard shared = locked.share();
        shared.close();
        final Hold hold = locked.hold();
        hold.close();
        final Guard exclusive = locked.exclusive();
        exclusive.close();
        for (final AutoCloseable closed : List.of(shared, hold, exclusive)) {
            try (Guard _ = locked.share()) {
                closed.close();
                assertThat(Threads.<Boolean>run(() -> isFree(locked))).as("shared, after %s", closed).isFalse();
            }
            try (Hold _ = locked.hold()) {
                closed.close();
                assertThat(Threads.<Boolean>run(() -> isFree(locked))).as("held, after %s", closed).isFalse();
            }
            try (Guard _ = locked.exclusive()) {
                closed.close();
                assertThat(Threads.<Boolean>run(() -> isFree(locked))).as("exclusive, after %s", closed).isFalse();
            }
            assertThat(isFree(locked)).isTrue();
        }
    }

    private static boolean isFree(final Region locked) {
        try (Guard guard = locked.tryExclusive()) {
            return guard.isHeld();
        }
    }

    @Test
    void stampsMustNotBeReleasedTwiceOrByAnotherThreadOrInTheOtherMode() throws Exception {
        final long shared = region.lockShared();
        assertThatThrownBy(() -> region.unlockExclusive(shared)).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContainingAll("end of an exclusive lock", "attached=true");
        Threads.run(() -> {
            assertThatThrownBy(() -> region.unlockShared(shared)).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContainingAll("end of a shared lock", "that the current thread does not hold", "attached=true");
        });
        region.unlockShared(shared);
        assertThatThrownBy(() -> region.unlockShared(shared)).isInstanceOf(IllegalMonitorStateException.class);
        final long exclusive = region.lockExclusive();
        Threads.run(() -> {
            assertThatThrownBy(() -> region.unlockExclusive(exclusive))
                .isInstanceOf(IllegalMonitorStateException.class);
        });
        assertThatThrownBy(() -> region.unlockShared(exclusive)).isInstanceOf(IllegalMonitorStateException.class);
        region.unlockExclusive(exclusive);
        assertThatThrownBy(() -> region.unlockExclusive(exclusive)).isInstanceOf(IllegalMonitorStateException.class);
        for (final long none : new long[] {0, -1, 12345, Long.MAX_VALUE}) {
            assertThatThrownBy(() -> region.unlockShared(none)).isInstanceOf(IllegalMonitorStateException.class);
            assertThatThrownBy(() -> region.unlockExclusive(none)).isInstanceOf(IllegalMonitorStateException.class);
        }
        final Region other = space.map(PAGE);
        final long foreign = other.lockShared();
        assertThatThrownBy(() -> region.unlockShared(foreign)).isInstanceOf(IllegalMonitorStateException.class);
        other.unlockShared(foreign);
    }

    /** G10: a stamp that was unlocked ends nothing any more, whatever the thread has locked since. */
    @Test
    void unlockedStampsMustBeRefusedForGood() throws Exception {
        final long shared = region.lockShared();
        region.unlockShared(shared);
        final long exclusive = region.lockExclusive();
        region.unlockExclusive(exclusive);
        final long counted = region.lockCounted();
        region.unlockCounted(counted);
        try (Guard guard = region.shareWritable()) {
            assertAllRefused(shared, exclusive, counted);
            assertThat(guard.isHeld()).isTrue();
            assertThat(Threads.<Boolean>run(() -> region.tryExclusive().isHeld())).isFalse();
        }
        final long next = region.lockShared();
        assertAllRefused(shared, exclusive, counted);
        region.unlockShared(next);
        final long writer = region.lockExclusive();
        assertAllRefused(shared, exclusive, counted);
        region.unlockExclusive(writer);
        try (Hold hold = region.hold(); Hold.View view = hold.view()) {
            assertAllRefused(shared, exclusive, counted);
            assertThat(region.tryExclusive().isHeld()).isFalse();
            assertThat(view.segment().get(JAVA_BYTE, 0)).isZero();
        }
        final long again = region.lockCounted();
        assertAllRefused(shared, exclusive, counted);
        region.unlockCounted(again);
        try (Guard guard = region.tryExclusive()) {
            assertThat(guard.isHeld()).as("nothing is left").isTrue();
        }
    }

    private void assertAllRefused(final long... stamps) {
        for (final long stamp : stamps) {
            assertThat(region.validate(stamp)).isFalse();
            for (final LongConsumer use : List.<LongConsumer>of(region::unlockShared, region::unlockCounted,
                region::unlockExclusive, region::tryConvertToShared, region::tryConvertToExclusive,
                region::tryConvertToCounted)) {
                assertThatThrownBy(() -> use.accept(stamp)).isInstanceOf(IllegalMonitorStateException.class)
                    .hasMessageContainingAll("stamp=0x", "attached=true");
            }
        }
    }

    /** As with StampedLock: the loop that validates a stamp, and locks if it cannot, ends. */
    @Test
    void stampsOfLocksMustValidateWhileTheyAreHeld() throws Exception {
        final long shared = region.lockShared();
        assertThat(region.validate(shared)).isTrue();
        assertThat(Threads.<Boolean>run(() -> region.validate(shared))).as("of another thread").isFalse();
        final Region other = space.map(PAGE);
        assertThat(other.validate(shared)).isFalse();
        region.unlockShared(shared);
        assertThat(region.validate(shared)).isFalse();
        final long counted = region.lockCounted();
        assertThat(region.validate(counted)).isTrue();
        assertThat(Threads.<Boolean>run(() -> region.validate(counted))).isTrue();
        assertThat(other.validate(counted)).isFalse();
        region.unlockCounted(counted);
        assertThat(region.validate(counted)).isFalse();
        final long exclusive = region.lockExclusive();
        assertThat(region.validate(exclusive)).isTrue();
        assertThat(other.validate(exclusive)).isFalse();
        region.unlockExclusive(exclusive);
        assertThat(region.validate(exclusive)).isFalse();
    }

    @Test
    void stampsMustConvertLikeGuards() throws Exception {
        final long shared = region.lockShared();
        assertThat(region.tryConvertToShared(shared)).isEqualTo(shared);
        final long exclusive = region.tryConvertToExclusive(shared);
        assertThat(region.validate(exclusive)).isTrue();
        assertThat(region.validate(shared)).isFalse();
        assertThatThrownBy(() -> region.unlockShared(shared)).isInstanceOf(IllegalMonitorStateException.class);
        assertThat(region.tryConvertToExclusive(exclusive)).isEqualTo(exclusive);
        assertThat(Threads.<Boolean>run(() -> region.tryShare().isHeld())).isFalse();
        final long downgraded = region.tryConvertToShared(exclusive);
        assertThat(Threads.<Boolean>run(() -> region.tryExclusive().isHeld())).isFalse();
        assertThatThrownBy(() -> region.unlockExclusive(exclusive)).isInstanceOf(IllegalMonitorStateException.class);
        try (Threads.Holder reader = Threads.hold(region::share)) {
            assertThat(reader.thread().isAlive()).isTrue();
            assertThat(Refusal.of(region.tryConvertToExclusive(downgraded))).isEqualTo(Refusal.SHARED);
            assertThat(region.validate(downgraded)).as("still held").isTrue();
        }
        final long counted = region.tryConvertToCounted(downgraded);
        assertThat(region.validate(counted)).isTrue();
        assertThat(region.validate(downgraded)).isFalse();
        assertThat(region.tryConvertToCounted(counted)).isEqualTo(counted);
        assertThatThrownBy(() -> region.tryConvertToShared(counted)).isInstanceOf(IllegalMonitorStateException.class);
        Threads.run(() -> region.unlockCounted(counted));
        try (Guard guard = region.tryExclusive()) {
            assertThat(guard.isHeld()).as("nothing is left").isTrue();
        }
    }

    /** G9: what a close does when something was thrown in it, whatever it is and however far the close had come. */
    @Test
    void whateverIsThrownInACloseMustNotKeepTheLock() throws Exception {
        for (final Error thrown : List.of(new InternalError("late"), new OutOfMemoryError(), new StackOverflowError())) {
            for (final boolean isArenaClosed : new boolean[] {false, true}) {
                final GuardHandle guard = (GuardHandle) region.share();
                final Arena arena = (Arena) field(guard, "arena");
                if (isArenaClosed) {
                    arena.close();
                }
                assertThat(SlowPath.endAfter(thrown, inside(region), arena, guard.mode(), (long) field(guard, "stamp"),
                    (long) field(guard, "slot"), false)).isSameAs(thrown);
                assertThat(arena.scope().isAlive()).isFalse();
                try (Guard writer = region.tryExclusive()) {
                    assertThat(writer.isHeld()).as("after " + thrown).isTrue();
                }
            }
        }
    }

    private static Object field(final GuardHandle guard, final String name) throws ReflectiveOperationException {
        final Field field = GuardHandle.class.getDeclaredField(name);
        field.setAccessible(true);
        return field.get(guard);
    }

    /** The same as HotSpot does it: an error that belongs to an access long past comes up in the close. */
    @Test
    void anErrorThatComesUpInACloseMustReleaseTheLock() throws Exception {
        final Children.Outcome outcome = Children.run(LateErrorProgram.class, List.of("-XX:CompileCommand=quiet",
            "-XX:CompileCommand=dontinline,io.holdfast.space.GuardHandle::close",
            "-XX:CompileCommand=dontinline,io.holdfast.space.RegionHandle::share"));
        assertThat(outcome.output()).containsPattern("released=[1-9]");
    }

    @Test
    void guardOfAVirtualThreadMustExclude() throws Exception {
        try (Threads.Holder reader = Threads.holdVirtually(region::share)) {
            assertThat(region.tryExclusive().isHeld()).isFalse();
            assertThat(reader.thread().isVirtual()).isTrue();
        }
        try (Threads.Holder writer = Threads.holdVirtually(region::exclusive)) {
            assertThat(region.tryShare().isHeld()).isFalse();
            assertThat(writer.thread().isVirtual()).isTrue();
        }
        get(region, 0);
    }

    @Test
    void guardOfADeadThreadMustBeReleasedAndCounted() throws Exception {
        final long before = space.statistics().orphanedSlots();
        Threads.run(() -> {
            assertThat(region.lockShared()).isPositive();
        });
        region.unmap();
        assertThat(space.statistics().orphanedSlots()).isGreaterThan(before);
    }
}
