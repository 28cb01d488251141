// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.Region;
import io.holdfast.WaitReport;
import io.holdfast.epoch.Waiting;
import io.holdfast.lock.RangeLock;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Unmaps that are announced and not over: who sees them, who is told of them, and who goes on with them. */
class PendingUnmapTest extends SpaceFixture {
    private final AtomicBoolean reporting = new AtomicBoolean();
    private final CompletableFuture<WaitReport> reported = new CompletableFuture<>();

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.reportWaits(Duration.ofNanos(1), report -> {
            if (reporting.get()) {
                reported.complete(report);
            }
        });
    }

    /** G11: a leaked guard is heard of, also where nobody waits for the unmap. */
    @Test
    void anUnmapInTheBackgroundMustBeListedAndReportedWithItsHolders() throws Exception {
        final Region region = space.map(MapRequest.file(FileBacking.readOnly(file("data", 100))).named("leaked"));
        try (Threads.Holder holder = Threads.hold(region::share)) {
            reporting.set(true);
            region.unmapAsync();
            assertIsOf(reported.get(), holder);
            assertThat(space.pendingUnmaps()).singleElement().satisfies(report -> assertIsOf(report, holder));
        }
        awaitEmpty();
        assertThat(space.pendingUnmaps()).isEmpty();
    }

    private void assertIsOf(final WaitReport report, final Threads.Holder holder) {
        assertThat(report.space()).isEqualTo("test");
        assertThat(report.region()).contains("name=leaked", "path=" + directory.resolve("data"), "attached=false");
        assertThat(report.waiter()).isEqualTo(Thread.currentThread().getName());
        assertThat(report.waited()).isPositive();
        assertThat(report.holders()).singleElement().satisfies(one ->
            assertThat(one.threadId()).isEqualTo(holder.thread().threadId()));
    }

    private void awaitEmpty() {
        while (space.statistics().regions() != 0) {
            Thread.onSpinWait(); // the reclaimer gives it back
        }
    }

    /** Virtual threads mostly have no name. */
    @Test
    void aThreadWithoutANameMustBeToldByItsNumber() throws Exception {
        final Region region = space.map(PAGE);
        try (Threads.Holder holder = Threads.hold(region::share)) {
            assertThat(holder.thread().isAlive()).isTrue();
            final Thread nameless = Thread.ofVirtual().start(region::unmapAsync);
            nameless.join();
            assertThat(space.pendingUnmaps()).singleElement()
                .satisfies(report -> assertThat(report.waiter()).isEqualTo("thread #" + nameless.threadId()));
        }
        awaitEmpty();
    }

    @Test
    void eachPeriodOfAWaitMustBeReportedOnce() {
        final long periodNs = TimeUnit.MILLISECONDS.toNanos(20);
        final PendingUnmap pending = new PendingUnmap(PAGE, 0);
        assertThat(pending.reportDue(periodNs)).as("its thread waits itself").isFalse();
        pending.handOver();
        while (!pending.reportDue(periodNs)) {
            Thread.onSpinWait();
        }
        final long reportedNs = pending.waitedNs();
        while (!pending.reportDue(periodNs)) {
            Thread.onSpinWait();
        }
        assertThat(pending.waitedNs()).isGreaterThanOrEqualTo(reportedNs + periodNs / 2);
    }

    @Test
    void pagesThatWereAlteredMustBeKnownAsThat() {
        final PendingUnmap pending = new PendingUnmap(PAGE, PageFlags.ANONYMOUS);
        pending.altered();
        assertThat(pending.kind()).isEqualTo(PageFlags.ANONYMOUS | PageFlags.ALTERED_PAGES);
    }

    @Test
    void anUnmapThatItsThreadWaitsForMustBeListed() throws Exception {
        final Region region = space.map(PAGE);
        final Threads.Work<Boolean> unmap;
        try (Threads.Holder holder = Threads.hold(region::share)) {
            unmap = Threads.start(() -> {
                region.unmap();
                return true;
            });
            idle.awaitWaiter();
            assertThat(space.pendingUnmaps()).singleElement().satisfies(report -> {
                assertThat(report.waiter()).isEqualTo("other");
                assertThat(report.waited()).as("nobody else goes on with it").isZero();
                assertThat(report.holders()).singleElement().satisfies(one ->
                    assertThat(one.threadId()).isEqualTo(holder.thread().threadId()));
            });
        }
        assertThat(unmap.get()).isTrue();
        assertThat(space.pendingUnmaps()).isEmpty();
    }

    @Test
    void aListenerThatThrowsMustStopNoUnmap() throws Exception {
        try (AddressSpace own = AddressSpace.builder().capacity(CAPACITY).reportWaits(Duration.ofNanos(1), report -> {
            reported.complete(report);
            throw new IllegalStateException("the listener fails");
        }).open()) {
            final Region region = own.map(PAGE);
            final CompletableFuture<Void> done;
            try (Threads.Holder _ = Threads.hold(region::share)) {
                done = region.unmapAsync().toCompletableFuture();
                reported.get();
            }
            done.get();
        }
    }

    /** What a callback waits for may need the reclaimer. */
    @Test
    void aCallbackThatWaitsForAnotherUnmapMustNotStopTheReclaimer() throws Exception {
        final Region first = space.map(PAGE);
        final Region second = space.map(PAGE);
        final CountDownLatch called = new CountDownLatch(1);
        final CompletableFuture<Void> secondDone;
        final CompletableFuture<Void> callbackDone;
        try (Threads.Holder _ = Threads.hold(second::share)) {
            try (Threads.Holder _ = Threads.hold(first::share)) {
                secondDone = second.unmapAsync().toCompletableFuture();
                callbackDone = first.unmapAsync().thenRun(() -> {
                    called.countDown();
                    secondDone.join();
                }).toCompletableFuture();
            }
            called.await();
        }
        secondDone.get(Threads.PATIENCE_S, TimeUnit.SECONDS);
        callbackDone.get(Threads.PATIENCE_S, TimeUnit.SECONDS);
    }

    /** G9: its thread failed behind the point of no return, and had neither heap nor stack to say so. */
    @Test
    void anUnmapThatItsThreadLeftMustBeFinishedByTheNextOneThatUnmaps() {
        final Region left = space.map(PAGE);
        leave(left, true);
        final Region other = space.map(PAGE);
        other.unmap();
        awaitEmpty();
    }

    @Test
    void anUnmapThatItsThreadLeftMustBeFinishedByAClose() {
        leave(space.map(PAGE), true);
        space.close();
    }

    /** Not detached yet, the region is as it was; what was taken for the unmap is given back. */
    @Test
    void anUnmapThatWasLeftBeforeItBeganMustBeForgotten() {
        final Region region = space.map(PAGE);
        leave(region, false);
        assertThat(region.isMapped()).isTrue();
        region.unmap();
        awaitEmpty();
    }

    /** G9: between the swing of the root and the giving back, as if there were neither heap nor stack for it. */
    @Test
    void whatAPublicationGivesBackMustNotBeLostWithItsThread() {
        final SpaceHandle handle = inside(space);
        final RegionHandle region = inside(space.map(2 * PAGE));
        final Publication publication;
        try (RangeLock.Passage passage = handle.gate().enter("unmap", region);
            HeldRegions held = new HeldRegions("unmap", handle.unmapper().lock(), handle.registry(), passage)) {
            final Reshape reshape = held.hold(region);
            publication = new Publication(handle, held, "unmap");
            held.addTo(publication, true);
            publication.add(reshape.trimHead(PAGE));
            publication.publish();
        }
        publication.given().forEach(PendingUnmap::leave);
        space.map(PAGE).unmap();
        publication.regions().getFirst().unmap();
        awaitEmpty();
    }

    private void leave(final Region region, final boolean detached) {
        final Unmapper unmapper = inside(space).unmapper();
        final PendingUnmap pending = unmapper.prepare();
        if (detached) {
            try (Waiting waiting = inside(space).waiting(0, false)) {
                assertThat(unmapper.announce(pending, inside(region), waiting, true)).isTrue();
            }
        }
        pending.leave();
    }
}
