// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Hold;
import io.holdfast.Pin;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Closing a space, and the next one in the same range (G4, G5, G9, G10). */
class CloseTest extends SpaceFixture {
    @Test
    void closedSpaceMustRefuseEverything() {
        final Region region = space.map(PAGE);
        space.close();
        assertThat(space.isOpen()).isFalse();
        assertThat(space.toString()).contains("name=test", "closed");
        assertClosed(() -> space.map(PAGE), "map");
        final FileBacking backing = FileBacking.readOnly(file("data", 100));
        assertClosed(() -> space.map(backing), "map");
        assertClosed(space::pin, "pin");
        assertClosed(space::maps, "maps");
        assertThatThrownBy(space::close).isInstanceOf(IllegalStateException.class)
            .hasMessage("close of a closed address space: name=test");
        assertThatThrownBy(() -> space.close(1, TimeUnit.DAYS)).isInstanceOf(IllegalStateException.class)
            .hasMessage("close of a closed address space: name=test");
        assertThat(region.isMapped()).isFalse();
        assertThatThrownBy(region::share).isInstanceOf(RegionException.class)
            .hasMessageContainingAll("share refused: reason=DETACHED", "of test", "attached=false");
        assertThatThrownBy(region::unmap).isInstanceOf(RegionException.class).hasMessageContaining("unmap refused");
    }

    private static void assertClosed(final ThrowingCallable call,
                                     final String operation) {
        assertThatThrownBy(call).isInstanceOf(IllegalStateException.class)
            .hasMessage(operation + " in a closed address space: name=test");
    }

    @Test
    void aSectionThatComesInBehindTheBeginningOfACloseMustGoAwayAgain() throws Exception {
        final Threads.Work<Boolean> late;
        final Threads.Work<Boolean> close;
        try (Threads.Holder _ = Threads.hold(space::write)) {
            late = Threads.start(() -> {
                space.write().close();
                return true;
            });
            idle.awaitWaiter();
            close = Threads.start(() -> {
                space.close();
                return true;
            });
            while (!inside(space).gate().isClosed()) {
                Thread.onSpinWait();
            }
        }
        assertClosed(late::get, "section");
        assertThat(close.get()).isTrue();
    }

    @Test
    void closeMustUnmapWhatIsMapped() {
        for (int i = 0; i < 300; i++) {
            put(space.map(PAGE), 0, i);
        }
        space.map(FileBacking.readOnly(file("data", 10_000)));
        space.map(FileBacking.copyOnWrite(file("copy", 10_000)));
        space.map(FileBacking.readWrite(file("log", 10_000)).growableTo(1 << 20));
        space.close();
        assertNothingLeft(space, directory);
    }

    @Test
    void closeMustWaitForGuardsHoldsAndPinsAndLetNobodyElseIn() throws Exception {
        final Region first = space.map(PAGE);
        final Region second = space.map(PAGE);
        put(first, 0, 6);
        final Threads.Work<Boolean> close;
        final Hold hold = second.hold();
        try (Threads.Holder pinned = Threads.hold(space::pin)) {
            try (Threads.Holder guard = Threads.hold(first::share)) {
                close = Threads.start(() -> {
                    space.close();
                    return true;
                });
                idle.awaitWaiter();
                assertClosed(() -> space.map(PAGE), "map");
                assertClosed(space::pin, "pin");
                assertThat(guard.thread().isAlive()).isTrue();
                assertThat(first.optimisticSegment().get(JAVA_LONG, 0)).isEqualTo(6);
            }
            idle.awaitWaiter();
            assertThat(close.isDone()).isFalse();
            assertThat(pinned.thread().isAlive()).isTrue();
        }
        idle.awaitWaiter();
        assertThat(close.isDone()).isFalse();
        assertThat(first.tryShare().isHeld()).isFalse();
        assertThat(second.tryShare().isHeld()).isFalse();
        hold.close();
        assertThat(close.get()).isTrue();
        assertThat(first.optimisticSegment().get(JAVA_LONG, 0)).isZero();
    }

    @Test
    void closeMustWaitForAWriter() throws Exception {
        final Region region = space.map(PAGE);
        final Threads.Work<Boolean> close;
        try (Threads.Holder writer = Threads.hold(region::exclusive)) {
            close = Threads.start(() -> {
                space.close();
                return true;
            });
            idle.awaitWaiter();
            assertThat(close.isDone()).isFalse();
            assertThat(writer.thread().isAlive()).isTrue();
        }
        assertThat(close.get()).isTrue();
    }

    @Test
    void closeMustFinishUnmapsOfTheBackground() throws Exception {
        final AddressSpace own = AddressSpace.builder().name("own").capacity(64L << 20).startReclaimer(false).open();
        final List<CompletableFuture<Void>> unmaps = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            unmaps.add(own.map(PAGE).unmapAsync().toCompletableFuture());
        }
        own.close();
        assertThat(unmaps).allMatch(CompletableFuture::isDone);
        assertNothingLeft(own, directory);
    }

    @Test
    void onlyOneOfManyClosesMaySucceed() throws Exception {
        for (int i = 0; i < 50; i++) {
            final AddressSpace own = AddressSpace.builder().capacity(64L << 20).open();
            own.map(PAGE);
            final Threads.Work<Boolean> other = Threads.start(() -> succeeds(own));
            final boolean mine = succeeds(own);
            assertThat(other.get()).isNotEqualTo(mine);
        }
    }

    private static boolean succeeds(final AddressSpace own) {
        try {
            own.close();
            return true;
        } catch (final IllegalStateException e) {
            assertThat(e).hasMessageContaining("close of a closed address space");
            return false;
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1_000_000, 1, 0, -1})
    void closeThatGivesUpMustBeGoneOnWith(final long timeoutNs) throws Exception {
        final Region region = space.map(PAGE);
        space.map(PAGE);
        put(region, 0, 6);
        try (Threads.Holder reader = Threads.hold(region::share)) {
            assertThat(space.close(timeoutNs, TimeUnit.NANOSECONDS)).isFalse();
            assertThat(space.isOpen()).isFalse();
            assertThat(region.optimisticSegment().get(JAVA_LONG, 0)).isEqualTo(6);
            assertThat(space.close(timeoutNs, TimeUnit.NANOSECONDS)).isFalse();
            assertClosed(() -> space.map(PAGE), "map");
            assertThat(reader.thread().isAlive()).isTrue();
        }
        assertThat(space.close(1, TimeUnit.DAYS)).isTrue();
        assertThat(region.optimisticSegment().get(JAVA_LONG, 0)).isZero();
    }

    @Test
    void interruptedCloseMustBeGoneOnWith() throws Exception {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> space.close(1, TimeUnit.DAYS)).isInstanceOf(InterruptedException.class)
            .hasMessageContainingAll("close interrupted", "name=test");
        assertThat(space.isOpen()).isTrue();
        final Region region = space.map(PAGE);
        try (Threads.Holder reader = Threads.hold(region::share)) {
            final Threads.Work<Boolean> close = Threads.start(() -> {
                assertThatThrownBy(() -> space.close(1, TimeUnit.DAYS)).isInstanceOf(InterruptedException.class);
                return true;
            });
            idle.awaitWaiter();
            close.thread().interrupt();
            assertThat(close.get()).isTrue();
            assertThat(reader.thread().isAlive()).isTrue();
        }
        space.close();
    }

    /** G10: who keeps a close from its end must not go on with it. */
    @Test
    void closeMustRefuseToGoOnWhereItWouldWaitForItself() throws Exception {
        try (Pin _ = space.pin()) {
            Threads.run(() -> assertThat(space.close(0, TimeUnit.NANOSECONDS)).isFalse());
            assertThatThrownBy(space::close).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining("wait for itself");
        }
        space.close();
        assertThatThrownBy(space::close).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
    }

    @Test
    void idleStrategyThatThrowsMustLeaveACloseThatCanBeGoneOnWith() throws Exception {
        final AddressSpace own = AddressSpace.builder().name("own").capacity(64L << 20).idleStrategy(() -> {
            throw new ArithmeticException("no idle strategy");
        }).startReclaimer(false).open();
        final Region region = own.map(PAGE);
        try (Threads.Holder reader = Threads.hold(region::share)) {
            assertThatThrownBy(own::close).isInstanceOf(ArithmeticException.class);
            assertThat(reader.thread().isAlive()).isTrue();
        }
        own.close();
        assertNothingLeft(own, directory);
    }

    @Test
    void idleStrategyThatThrowsMustLeaveAnUnmapToTheBackground() throws Exception {
        final AddressSpace own = AddressSpace.builder().name("own").capacity(64L << 20).idleStrategy(() -> {
            throw new ArithmeticException("no idle strategy");
        }).startReclaimer(false).open();
        final Region region = own.map(PAGE);
        final Region locked = own.map(PAGE);
        try (Threads.Holder reader = Threads.hold(region::share); Threads.Holder other = Threads.hold(locked::share)) {
            assertThatThrownBy(region::unmap).isInstanceOf(ArithmeticException.class);
            assertThat(region.isMapped()).isFalse();
            assertThatThrownBy(locked::exclusive).isInstanceOf(ArithmeticException.class);
            assertThat(locked.toString()).contains("excluding=false");
            assertThat(reader.thread().isAlive() && other.thread().isAlive()).isTrue();
        }
        assertThat(own.reclaimer().doWork()).isEqualTo(1);
        own.close();
        assertNothingLeft(own, directory);
    }

    @Test
    void nextSpaceMustTakeOverTheRangeAndNoStamps() {
        final long base = inside(space).base();
        final Map<Long, Long> stamps = new HashMap<>();
        final List<Region> stale = new ArrayList<>();
        final List<Long> staleStamps = new ArrayList<>();
        final List<MemorySegment> segments = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            final Region region = space.map(PAGE);
            put(region, 0, i + 1);
            stale.add(region);
            staleStamps.add(region.tryOptimisticRead());
            stamps.put(inside(region).record(), region.tryOptimisticRead());
            segments.add(region.optimisticSegment());
        }
        space.close();
        segments.forEach(segment -> assertThat(segment.get(JAVA_LONG, 0)).isZero());
        int sameRecord = 0;
        try (AddressSpace next = AddressSpace.builder().name("next").capacity(CAPACITY).open()) {
            assertThat(inside(next).base()).isEqualTo(base);
            for (int i = 0; i < 100; i++) {
                final Region region = next.map(PAGE);
                put(region, 0, 1000 + i);
                final Long before = stamps.get(inside(region).record());
                if (before != null) {
                    assertThat(region.tryOptimisticRead()).isNotIn(staleStamps);
                    sameRecord++;
                }
            }
            assertThat(sameRecord).as("records used again").isPositive();
            for (int i = 0; i < 100; i++) {
                assertThat(stale.get(i).validate(staleStamps.get(i))).isFalse();
                assertThat(stale.get(i).tryOptimisticRead()).isZero();
                assertThat(stale.get(i).tryShare().refusal()).isEqualTo(Refusal.DETACHED);
                assertThat(stale.get(i).isMapped()).isFalse();
            }
            assertThat(segments).as("stale bytes are the next space's")
                .anyMatch(segment -> segment.get(JAVA_LONG, 0) >= 1000);
        }
    }

    @Test
    void spacesThatAreOpenTogetherMustNotShareARange() {
        try (AddressSpace other = AddressSpace.builder().capacity(CAPACITY).open()) {
            assertThat(Math.abs(inside(other).base() - inside(space).base())).isGreaterThanOrEqualTo(CAPACITY);
            final Region mine = space.map(PAGE);
            final Region theirs = other.map(PAGE);
            put(mine, 0, 1);
            put(theirs, 0, 2);
            assertThat(get(mine, 0)).isEqualTo(1);
            assertThat(mine).isNotEqualTo(theirs);
        }
    }

    @Test
    void openingAndClosingMustNotUseUpAnything() {
        AddressSpace.builder().capacity(96L << 20).open().close();
        final long ranges = Resources.mappingsOfLength(96L << 20);
        for (int i = 0; i < 200; i++) {
            try (AddressSpace own = AddressSpace.builder().capacity(96L << 20).open()) {
                put(own.map(PAGE), 0, 1);
                own.map(FileBacking.readOnly(file("data", 100)));
            }
        }
        AddressSpace.builder().capacity(96L << 20).open().close();
        assertThat(Resources.mappingsOfLength(96L << 20)).isLessThanOrEqualTo(ranges);
        assertThat(Resources.descriptors(directory)).isZero();
    }
}
