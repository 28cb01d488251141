// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Deadline;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.Protection;
import io.holdfast.ReadSection;
import io.holdfast.Region;
import io.holdfast.SpaceSnapshot;
import io.holdfast.WaitReport;
import io.holdfast.WriteSection;
import io.holdfast.layout.NodeLayout;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** G6, G10, G11: what changes replace is bounded in bytes, whoever is pinned for however long. */
class BackPressureTest extends SpaceFixture {
    private static final long LIMIT = 1L << 20;

    /** Batches that are not full, and what changes that are under way, and unmaps, may add. */
    private static final long SLACK = 2 * 64 * 4 * NodeLayout.BYTES;

    private final ConcurrentLinkedQueue<WaitReport> reports = new ConcurrentLinkedQueue<>();

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.retiredBytes(LIMIT).reportWaits(Duration.ofMillis(1), reports::add);
    }

    /** Maps and unmaps until the space has no more room for what that replaces. */
    private void fill() {
        while (true) {
            final Region region = space.tryMap(MapRequest.anonymous(PAGE));
            if (region == null) {
                return;
            }
            region.unmap(); // and not later: each unmap that is under way may go beyond the limit
        }
    }

    private static void givesUp(final Supplier<?> change) {
        for (final long timeoutNs : new long[] {0, 1_000_000}) {
            assertThatThrownBy(() -> Deadline.within(timeoutNs, TimeUnit.NANOSECONDS, change))
                .isInstanceOf(TimeoutException.class).hasMessageContaining("nothing has changed");
        }
    }

    @Test
    void changesMustWaitWhileSnapshotsHoldTooMuchBackAndGoOnAfterwards() throws Exception {
        final Region region = space.map(8 * PAGE);
        final Region other = space.map(PAGE);
        final Threads.Work<Region> waiter;
        try (Threads.Holder snapshot = Threads.hold(space::snapshot)) {
            assertThat(snapshot.thread().isAlive()).isTrue();
            fill();
            final long tables = space.statistics().tableBytes();
            for (int i = 0; i < 100; i++) {
                givesUp(() -> space.map(PAGE));
            }
            givesUp(() -> region.split(4 * PAGE));
            givesUp(() -> region.trimTail(PAGE));
            givesUp(() -> region.unmap(0, PAGE));
            givesUp(() -> region.protect(Protection.READ_ONLY));
            givesUp(space::write);
            assertThatThrownBy(() -> space.write(0, PAGE, 1, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
            assertThat(space.tryWrite(0, PAGE)).isNull();
            try (ReadSection section = space.read(0, PAGE)) {
                assertThat(section.tryUpgrade()).isNull();
            }
            assertThat(region.isMapped()).isTrue();
            assertThat(space.statistics().retiredBytes()).isBetween(LIMIT, LIMIT + SLACK);
            assertThat(space.statistics().tableBytes()).isEqualTo(tables);
            waiter = Threads.start(() -> space.map(PAGE));
            idle.awaitWaiter();
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> Deadline.within(1, TimeUnit.DAYS, () -> space.map(PAGE)))
                .isInstanceOf(InterruptedException.class);
            assertThat(waiter.isDone()).isFalse();
        }
        assertThat(waiter.get().isMapped()).isTrue();
        assertThat(space.statistics().retiredBytes()).isLessThan(LIMIT);
        region.split(4 * PAGE);
        other.unmap();
        for (int i = 0; i < 2_000; i++) {
            space.map(PAGE).unmap();
        }
    }

    /** A single record waits in a batch that nothing would ever fill. */
    @Test
    void aLimitBelowOneRecordMustKeepNobodyOutForEver() throws Exception {
        try (AddressSpace tight = AddressSpace.builder().capacity(space.capacity()).retiredBytes(1).open()) {
            for (int i = 0; i < 3; i++) {
                final Region region = tight.tryMap(MapRequest.anonymous(PAGE));
                assertThat(region).as("map %d", i).isNotNull();
                region.unmap();
            }
            assertThat(Deadline.within(1, TimeUnit.DAYS, () -> tight.map(PAGE)).isMapped()).isTrue();
        }
    }

    @Test
    void readersAndUnmapsMustNotWait() throws Exception {
        final List<Region> regions = List.of(space.map(PAGE), space.map(PAGE), space.map(PAGE));
        try (Threads.Holder pinned = Threads.hold(space::snapshot)) {
            assertThat(pinned.thread().isAlive()).isTrue();
            fill();
            Deadline.within(0, TimeUnit.SECONDS, () -> {
                try (Pin pin = space.pin(); Guard guard = regions.getFirst().share()) {
                    assertThat(pin.find(regions.getFirst().address())).isEqualTo(regions.getFirst());
                    assertThat(guard.segment().byteSize()).isEqualTo(PAGE);
                }
            });
            try (SpaceSnapshot second = space.snapshot()) {
                assertThat(second.regions()).hasSizeGreaterThanOrEqualTo(regions.size());
            }
            regions.get(0).unmap();
            regions.get(1).unmapAsync().toCompletableFuture().get();
            assertThat(regions.get(2).unmap(1, TimeUnit.DAYS)).isTrue();
        }
    }

    /** What a section does was allowed when it began; it is not stopped in its middle. */
    @Test
    void aSectionThatIsOpenMustComeToItsEnd() throws Exception {
        final long half = space.capacity() / 2;
        final Region kept;
        try (Threads.Holder snapshot = Threads.hold(space::snapshot); WriteSection section = space.write(0, half)) {
            assertThat(snapshot.thread().isAlive()).isTrue();
            Threads.run(this::fill);
            kept = section.map(MapRequest.anonymous(PAGE));
            section.publish();
        }
        assertThat(kept.isMapped()).isTrue();
    }

    @Test
    void aThreadThatHoldsSomethingMustBeRefusedAndNotWait() throws Exception {
        final Region region = space.map(PAGE);
        final List<Callable<? extends AutoCloseable>> held = List.of(space::snapshot, space::pin, region::share,
            region::exclusive, () -> space.read(0, PAGE));
        try (Threads.Holder snapshot = Threads.hold(space::snapshot)) {
            assertThat(snapshot.thread().isAlive()).isTrue();
            fill();
            for (final Callable<? extends AutoCloseable> acquire : held) {
                try (AutoCloseable _ = acquire.call()) {
                    assertThatThrownBy(() -> space.map(PAGE)).isInstanceOf(IllegalMonitorStateException.class)
                        .hasMessageContaining("map by a thread that holds").hasMessageContaining("limit=" + LIMIT);
                    assertThat(space.tryMap(MapRequest.anonymous(PAGE))).isNull();
                }
            }
        }
        space.map(PAGE).unmap();
    }

    @Test
    void aLongWaitMustSayForWhom() throws Exception {
        try (Threads.Holder snapshot = Threads.hold(space::snapshot)) {
            fill();
            final Threads.Work<Region> waiter = Threads.start(() -> space.map(PAGE));
            while (reports.isEmpty()) {
                idle.awaitWaiter();
            }
            assertThat(reports.peek().region()).contains("retiredBytes=", "limit=" + LIMIT);
            assertThat(reports.peek().holders()).anyMatch(holder -> holder.how() == WaitReport.How.SNAPSHOT &&
                holder.threadId() == snapshot.thread().threadId());
            snapshot.close();
            waiter.get();
        }
    }

    @Test
    void aCloseMustEndTheWait() throws Exception {
        try (Threads.Holder snapshot = Threads.hold(space::snapshot)) {
            assertThat(snapshot.thread().isAlive()).isTrue();
            fill();
            final Threads.Work<Region> waiter = Threads.start(() -> space.map(PAGE));
            idle.awaitWaiter();
            assertThat(space.close(0, TimeUnit.SECONDS)).isFalse();
            assertThatThrownBy(waiter::get).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed address space");
        }
        space.close();
    }
}
