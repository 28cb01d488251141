// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.FileBacking;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** Lookups under a pin (G1, G3, G10). */
class FindTest extends SpaceFixture {
    @Test
    void findMustHitEveryByteOfARegionAndNoOther() {
        final Region region = space.map(2 * PAGE + 10);
        final Region next = space.map(PAGE);
        try (Pin pin = space.pin()) {
            final long address = region.address();
            assertThat(pin.find(address)).isEqualTo(region);
            assertThat(pin.find(address + PAGE)).isEqualTo(region);
            assertThat(pin.find(address + 2 * PAGE + 9)).isEqualTo(region);
            assertThat(pin.find(address + 2 * PAGE + 10)).as("rest of the last page").isNull();
            assertThat(pin.find(address + 3 * PAGE - 1)).isNull();
            assertThat(pin.find(next.address())).isEqualTo(next);
            assertThat(pin.find(next.address() + PAGE)).isNull();
        }
    }

    @Test
    void findMustMissOutsideOfTheSpace() {
        space.map(PAGE);
        try (Pin pin = space.pin()) {
            for (final long address : new long[] {-1, Long.MIN_VALUE, CAPACITY, CAPACITY + 1, Long.MAX_VALUE}) {
                assertThat(pin.find(address)).as("address %d", address).isNull();
            }
            assertThat(pin.find(CAPACITY - 1)).isNull();
        }
    }

    @Test
    void findMustMissTheBytesBeforeAnUnalignedFileRange() {
        final Region region = space.map(FileBacking.readOnly(file("data", 10_000)).range(5000, 100));
        try (Pin pin = space.pin()) {
            assertThat(pin.find(region.address())).isEqualTo(region);
            assertThat(pin.find(region.address() - 1)).isNull();
            assertThat(pin.find(region.address() + 99)).isEqualTo(region);
            assertThat(pin.find(region.address() + 100)).isNull();
        }
    }

    @Test
    void findMustMissAGapAndWhatIsUnmapped() {
        final Region first = space.map(PAGE);
        final Region middle = space.map(PAGE);
        final Region last = space.map(PAGE);
        middle.unmap();
        try (Pin pin = space.pin()) {
            assertThat(pin.find(first.address())).isEqualTo(first);
            assertThat(pin.find(middle.address())).isNull();
            assertThat(pin.find(last.address())).isEqualTo(last);
        }
    }

    @Test
    void foundRegionMustStayReadableUntilThePinEnds() throws Exception {
        final Region region = space.map(PAGE);
        put(region, 8, 77);
        final Threads.Work<Boolean> unmap;
        try (Pin pin = space.pin()) {
            final Region found = pin.find(region.address());
            unmap = Threads.start(() -> {
                region.unmap();
                return true;
            });
            idle.awaitWaiter();
            assertThat(pin.find(region.address())).as("lookups miss from the announcement on").isNull();
            assertThat(found.isMapped()).isFalse();
            assertThat(unmap.isDone()).isFalse();
            final MemorySegment segment = found.optimisticSegment();
            assertThat(segment.get(JAVA_LONG, 8)).isEqualTo(77);
            assertThat(segment.isReadOnly()).isTrue();
            assertThat(space.map(PAGE).address()).as("addresses are not reused").isNotEqualTo(region.address());
        }
        unmap.get();
        assertThat(region.optimisticSegment().get(JAVA_LONG, 8)).isZero();
    }

    @Test
    void pinThatBeganAfterTheUnmapWasAnnouncedMustNotHoldItUp() throws Exception {
        final Region region = space.map(PAGE);
        final Threads.Work<Boolean> unmap;
        try (Threads.Holder before = Threads.hold(space::pin)) {
            unmap = Threads.start(() -> {
                region.unmap();
                return true;
            });
            idle.awaitWaiter();
            try (Threads.Holder after = Threads.hold(space::pin)) {
                before.close();
                unmap.get();
                assertThat(after.thread().isAlive()).isTrue();
            }
        }
    }

    @Test
    void pinsMustNest() {
        final Region region = space.map(PAGE);
        try (Pin outer = space.pin()) {
            try (Pin inner = space.pin()) {
                assertThat(inner.find(region.address())).isEqualTo(region);
            }
            assertThat(outer.find(region.address())).isEqualTo(region);
            assertThatThrownBy(region::unmap).isInstanceOf(IllegalMonitorStateException.class);
        }
        region.unmap();
    }

    @Test
    void virtualThreadMustFindAndHoldUpUnmaps() throws Exception {
        final Region region = space.map(PAGE);
        final Threads.Work<Boolean> unmap;
        try (Threads.Holder pinned = Threads.holdVirtually(space::pin)) {
            assertThat(pinned.thread().isVirtual()).isTrue();
            unmap = Threads.start(() -> {
                region.unmap();
                return true;
            });
            idle.awaitWaiter();
            assertThat(unmap.isDone()).isFalse();
        }
        unmap.get();
    }

    @Test
    void closedPinMustNotBeUsed() {
        final Pin pin = space.pin();
        pin.close();
        assertThatThrownBy(() -> pin.find(0)).isInstanceOf(IllegalStateException.class)
            .hasMessage("find of a closed pin: space=test");
        try (Pin another = space.pin()) {
            pin.close();
            assertThat(another.find(0)).as("the other one is open").isNull();
        }
    }

    @Test
    void pinMustNotBeUsedByAnotherThread() throws Exception {
        try (Pin pin = space.pin()) {
            Threads.run(() -> {
                assertThatThrownBy(() -> pin.find(0)).isInstanceOf(WrongThreadException.class)
                    .hasMessageContainingAll("find of a pin of another thread", "owner=", "caller=other");
                assertThatThrownBy(pin::close).isInstanceOf(WrongThreadException.class)
                    .hasMessageContaining("close of a pin of another thread");
            });
            assertThat(pin.find(0)).isNull();
        }
    }

    @Test
    void staleHandleMustStayStaleWhenTheRecordIsUsedAgain() {
        final Region first = space.map(PAGE);
        first.unmap();
        for (int i = 0; i < 3000; i++) { // more than records wait for a grace period
            final Region region = space.map(PAGE);
            assertThat(region).isNotEqualTo(first);
            assertThat(first.isMapped()).isFalse();
            assertThat(first.tryLockShared()).isEqualTo(-1);
            assertThat(first.tryOptimisticRead()).isZero();
            region.unmap();
        }
        assertThatThrownBy(first::size).isInstanceOf(RegionException.class).hasMessageContaining("size refused");
    }
}
