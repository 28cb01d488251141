// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.layout.RecordLayout;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Counted holds and their views (G1, G10). */
class HoldTest extends SpaceFixture {
    private Region region;

    @BeforeEach
    void mapRegion() {
        region = space.map(PAGE);
        put(region, 0, 11);
    }

    @Test
    void holdMustKeepTheRegionAndMayBeReleasedByAnotherThread() throws Exception {
        final Hold hold = region.hold();
        assertThat(hold.region()).isSameAs(region);
        assertThat(region.tryExclusive().isHeld()).isFalse();
        final Threads.Work<Boolean> unmap = Threads.start(() -> {
            region.unmap();
            return true;
        });
        idle.awaitWaiter();
        assertThat(unmap.isDone()).isFalse();
        Threads.run(() -> {
            try (Hold.View view = hold.view()) {
                assertThat(view.segment().get(JAVA_LONG, 0)).isEqualTo(11);
                view.segment().set(JAVA_LONG, 0, 12);
            }
        });
        Threads.run(hold::close);
        unmap.get();
        assertThat(hold.isHeld()).isFalse();
    }

    /** G9. */
    @Test
    void whatCannotBeMadeForWantOfMemoryMustLeaveNoLock() throws Exception {
        final Children.Outcome outcome = Children.run(LittleHeapProgram.class,
            List.of("-da", "-Xmx16m", "-XX:+UseSerialGC", "-XX:-UseTLAB"));
        assertThat(outcome.status()).as(outcome.output()).isZero();
        assertThat(outcome.output().lines()).contains("hold granted refused", "tryHold granted refused",
            "share granted refused", "tryShare granted refused", "view granted refused", "exclusive granted refused");
    }

    @Test
    void guardMustTurnIntoAHoldAlsoWhileAWriterWaits() throws Exception {
        final Guard guard = region.share();
        final Threads.Work<Boolean> writer = Threads.start(() -> {
            try (Guard exclusive = region.exclusive()) {
                return exclusive.isHeld();
            }
        });
        idle.awaitWaiter();
        final Hold hold = guard.toHold();
        assertThat(guard.isHeld()).isFalse();
        assertThatThrownBy(guard::segment).isInstanceOf(RegionException.class).hasMessageContaining("not held");
        guard.close();
        idle.awaitWaiter();
        assertThat(writer.isDone()).isFalse();
        hold.close();
        assertThat(writer.get()).isTrue();
    }

    @Test
    void holdMustWaitForTheWriterAndItsTryFormMustNot() throws Exception {
        final Threads.Work<Boolean> waiter;
        try (Threads.Holder writer = Threads.hold(region::exclusive)) {
            waiter = Threads.start(() -> {
                try (Hold hold = region.hold()) {
                    return hold.isHeld();
                }
            });
            idle.awaitWaiter();
            assertThat(waiter.isDone()).isFalse();
            assertThat(Refusal.of(region.tryLockCounted())).isEqualTo(Refusal.EXCLUSIVE);
            try (Hold refused = region.tryHold()) {
                assertThat(refused.isHeld()).isFalse();
                assertThat(refused.refusal()).isEqualTo(Refusal.EXCLUSIVE);
                assertThatThrownBy(refused::view).isInstanceOf(RegionException.class)
                    .hasMessageContainingAll("view of a hold that is not held", "reason=EXCLUSIVE");
            }
            assertThat(writer.thread().isAlive()).isTrue();
        }
        assertThat(waiter.get()).isTrue();
        try (Hold hold = region.tryHold()) {
            assertThat(hold.isHeld()).isTrue();
            assertThatThrownBy(hold::refusal).isInstanceOf(IllegalStateException.class).hasMessageContaining("granted");
        }
    }

    @Test
    void holdByTheWriterItselfMustBeRefused() {
        try (Guard guard = region.exclusive()) {
            assertThatThrownBy(region::hold).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContainingAll("hold by the thread that holds the region exclusively", "wait for itself");
            assertThat(guard.isHeld()).isTrue();
        }
    }

    /** T8: as many holds as can be counted are refused one more, and still leave a writer its turn. */
    @Test
    void holdsMustBeBoundedAndAWriterMustGetInBehindTheLast() throws Exception {
        RecordLayout.getAndAddLock(inside(region).record(), RecordLayout.COUNT_LIMIT - 1);
        final Hold last = region.hold();
        assertThat(region.tryHold().refusal()).isEqualTo(Refusal.SATURATED);
        assertThatThrownBy(region::hold).isInstanceOf(RegionException.class)
            .hasMessageContainingAll("hold refused: reason=SATURATED", "holds=" + RecordLayout.COUNT_LIMIT);
        try (Guard guard = region.share()) {
            assertThatThrownBy(guard::toHold).isInstanceOf(RegionException.class).hasMessageContaining("reason=SATURATED");
            assertThat(guard.segment().get(JAVA_LONG, 0)).as("the guard is still held").isEqualTo(11);
        }
        final Threads.Work<Boolean> writer = Threads.start(() -> {
            region.exclusive().close();
            return true;
        });
        idle.awaitWaiter();
        assertThat(region.tryHold().refusal()).isEqualTo(Refusal.EXCLUDED);
        RecordLayout.getAndAddLock(inside(region).record(), -(RecordLayout.COUNT_LIMIT - 1));
        last.close();
        assertThat(writer.get()).isTrue();
    }

    @Test
    void countedStampMustBeReleasedByAnyThreadOnce() throws Exception {
        final long stamp = region.lockCounted();
        assertThat(region.tryExclusive().isHeld()).isFalse();
        Threads.run(() -> region.unlockCounted(stamp));
        assertThatThrownBy(() -> region.unlockCounted(stamp)).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContainingAll("end of a counted lock", "holds=0");
        assertThatThrownBy(() -> region.unlockCounted(region.tryOptimisticRead()))
            .isInstanceOf(IllegalMonitorStateException.class);
        try (Hold hold = region.hold()) {
            for (final long none : new long[] {0, -1, 12345, Long.MAX_VALUE}) {
                assertThatThrownBy(() -> region.unlockCounted(none)).isInstanceOf(IllegalMonitorStateException.class);
            }
            assertThat(region.tryExclusive().isHeld()).as("the hold is there").isFalse();
            assertThat(hold.isHeld()).isTrue();
        }
    }

    @Test
    void exclusiveGuardMustNotTurnIntoAHold() {
        try (Guard guard = region.exclusive()) {
            assertThatThrownBy(guard::toHold).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContainingAll("hold", "attached=true");
            assertThat(guard.isHeld()).isTrue();
        }
    }

    @Test
    void releasedHoldMustNotBeUsedAndReleasesNothingMore() {
        final Hold hold = region.hold();
        hold.close();
        try (Hold another = region.hold()) {
            hold.close();
            assertThat(another.isHeld()).isTrue();
            assertThat(region.tryExclusive().isHeld()).isFalse();
        }
        assertThatThrownBy(hold::view).isInstanceOf(IllegalStateException.class)
            .hasMessageContainingAll("view of a released hold", "region=0x");
    }

    @Test
    void holdWithOpenViewsMustNotBeReleased() throws Exception {
        final Hold hold = region.hold();
        final Hold.View view = hold.view();
        assertThatThrownBy(hold::close).isInstanceOf(IllegalStateException.class)
            .hasMessageContainingAll("open views: views=1", "holds=1", "close the views first");
        assertThat(hold.isHeld()).isTrue();
        Threads.run(() -> {
            assertThatThrownBy(() -> view.segment().get(JAVA_LONG, 0)).isInstanceOf(WrongThreadException.class);
            assertThatThrownBy(view::close).isInstanceOf(WrongThreadException.class)
                .hasMessageContainingAll("close of a view of another thread: caller=other", "region=0x");
        });
        view.close();
        try (Hold.View another = hold.view()) {
            view.close();
            assertThatThrownBy(hold::close).isInstanceOf(IllegalStateException.class).hasMessageContaining("views=1");
            assertThat(another.segment().byteSize()).isPositive();
        }
        assertThatThrownBy(() -> view.segment().get(JAVA_LONG, 0)).isInstanceOf(IllegalStateException.class);
        hold.close();
    }

    @Test
    void viewOfAReadOnlyRegionMustBeReadOnly() {
        final Region file = space.map(FileBacking.readOnly(file("data", 100)));
        try (Hold hold = file.hold(); Hold.View view = hold.view()) {
            assertThat(view.segment().isReadOnly()).isTrue();
            assertBytesOf(view.segment(), 0);
        }
    }

    @Test
    void holdOfAnUnmappedRegionMustBeRefused() {
        region.unmap();
        assertThatThrownBy(region::hold).isInstanceOf(RegionException.class)
            .hasMessageContainingAll("hold refused: reason=DETACHED", "region=0x", "attached=false", "look it up again");
    }
}
