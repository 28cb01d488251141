// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.layout.RecordLayout;
import io.holdfast.memory.NativeMemory;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.Agent;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PendingUnmap: waiting, timed, in the background (G3, G9, G11). */
class UnmapTest extends SpaceFixture {
    private static AddressSpace.Builder small() {
        return AddressSpace.builder().name("small").capacity(64L << 20);
    }

    @Test
    void unmapMustGiveEverythingBack() {
        space.map(PAGE).unmap();
        space.map(FileBacking.readOnly(file("warm", 100))).unmap();
        final Resources before = Resources.of(space, directory);
        final long unmaps = space.statistics().unmaps();
        final long timed = space.statistics().unmapTimes().count();
        final Region anonymous = space.map(10 * PAGE);
        final Region file = space.map(FileBacking.readWrite(file("data", 10_000)).growableTo(1 << 20));
        put(anonymous, 0, 1);
        anonymous.unmap();
        file.unmap();
        before.assertUnchanged(space, directory);
        assertThat(space.statistics().unmaps()).isEqualTo(unmaps + 2);
        assertThat(space.statistics().unmapTimes().count()).isEqualTo(timed + 2);
    }

    @Test
    void unmappedRegionMustRefuseEverything() {
        final Region region = space.map(PAGE);
        final long stamp = region.tryOptimisticRead();
        region.unmap();
        assertThat(region.isMapped()).isFalse();
        assertThat(region.validate(stamp)).isFalse();
        assertThat(region.tryOptimisticRead()).isZero();
        assertThat(Refusal.of(region.tryLockShared())).isEqualTo(Refusal.DETACHED);
        assertThat(Refusal.of(region.tryLockExclusive())).isEqualTo(Refusal.DETACHED);
        assertThat(region.tryShare().refusal()).isEqualTo(Refusal.DETACHED);
        assertThat(region.tryExclusive().refusal()).isEqualTo(Refusal.DETACHED);
        final String[] parts = {"reason=DETACHED", "region=0x" + Long.toHexString(region.address()) + " of test",
            "attached=false", "look it up again"};
        assertRefused(region::share, "share", parts);
        assertRefused(region::shareWritable, "share", parts);
        assertRefused(region::exclusive, "exclusive", parts);
        assertRefused(region::lockShared, "share", parts);
        assertRefused(region::hold, "hold", parts);
        assertRefused(region::size, "size", parts);
        assertRefused(() -> region.share(1, TimeUnit.DAYS), "share", parts);
        assertRefused(region::unmap, "unmap", parts);
        assertRefused(region::unmapAsync, "unmapAsync", parts);
        assertRefused(() -> region.unmap(1, TimeUnit.DAYS), "unmap", parts);
    }

    private static void assertRefused(final ThrowingCallable call,
                                      final String operation, final String... parts) {
        assertThatThrownBy(call).isInstanceOf(RegionException.class).hasMessageStartingWith(operation + " refused")
            .hasMessageContainingAll(parts)
            .satisfies(e -> assertThat(((RegionException) e).refusal()).isEqualTo(Refusal.DETACHED));
    }

    @Test
    void unmapMustRefuseNewReadersAndWaitForThoseInside() throws Exception {
        final Region region = space.map(PAGE);
        put(region, 0, 5);
        final long drained = space.statistics().drainedUnmaps();
        final Threads.Work<Boolean> unmap;
        try (Guard guard = region.share()) {
            unmap = start(region);
            idle.awaitWaiter();
            assertThat(region.isMapped()).isFalse();
            assertThat(region.tryShare().refusal()).isEqualTo(Refusal.DETACHED);
            assertThat(region.tryOptimisticRead()).isZero();
            assertThat(guard.segment().get(JAVA_LONG, 0)).isEqualTo(5);
            assertThat(unmap.isDone()).isFalse();
            assertThatThrownBy(region::unmap).isInstanceOf(RuntimeException.class);
        }
        unmap.get();
        assertThat(space.statistics().drainedUnmaps()).isGreaterThan(drained);
    }

    private static Threads.Work<Boolean> start(final Region region) {
        return Threads.start(() -> {
            region.unmap();
            return Thread.currentThread().isInterrupted();
        });
    }

    @Test
    void onlyOneOfManyUnmapsMaySucceed() throws Exception {
        for (int i = 0; i < 200; i++) {
            final Region region = space.map(PAGE);
            final Threads.Work<Boolean> other = Threads.start(() -> succeeds(region));
            final boolean mine = succeeds(region);
            assertThat(other.get()).isNotEqualTo(mine);
        }
    }

    @Test
    void unmapIfMappedMustBeTrueForOneOfAllThatClose() throws Exception {
        int mine = 0;
        final int rounds = 200;
        for (int i = 0; i < rounds || (mine == 0 || mine == i) && i < 100 * rounds; i++) {
            final Region region = space.map(PAGE);
            final CyclicBarrier start = new CyclicBarrier(2);
            final Threads.Work<Boolean> other = Threads.start(() -> {
                start.await();
                return region.unmapIfMapped();
            });
            start.await();
            final boolean first = region.unmapIfMapped();
            assertThat(other.get()).isNotEqualTo(first);
            assertThat(region.unmapIfMapped()).isFalse();
            mine += first ? 1 : 0;
        }
        assertThat(mine).as("seen").isPositive();
        final Region whole = space.map(2 * PAGE);
        final List<Region> parts = whole.split(PAGE);
        assertThat(whole.unmapIfMapped()).as("it lives on in its parts").isFalse();
        assertThat(parts).allMatch(Region::unmapIfMapped);
    }

    private static boolean succeeds(final Region region) {
        try {
            region.unmap();
            return true;
        } catch (final RegionException e) {
            assertThat(e.refusal()).isEqualTo(Refusal.DETACHED);
            return false;
        }
    }

    @Test
    void interruptedUnmapMustGoOnInTheBackgroundAndKeepTheInterrupt() throws Exception {
        final Region region = space.map(PAGE);
        try (Guard guard = region.share()) {
            final Threads.Work<Boolean> unmap = start(region);
            idle.awaitWaiter();
            unmap.thread().interrupt();
            assertThat(unmap.get()).as("interrupt status").isTrue();
            assertThat(guard.segment().get(JAVA_LONG, 0)).isZero();
            assertThat(space.statistics().backlogUnmaps()).isEqualTo(1);
            assertThat(space.statistics().backlogBytes()).isEqualTo(PAGE);
        }
        awaitNoBacklog(space);
        assertThat(space.statistics().regions()).isZero();
    }

    @Test
    void unmapByAnInterruptedThreadMustStillHappen() {
        final Region region = space.map(PAGE);
        Thread.currentThread().interrupt();
        region.unmap();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(region.isMapped()).isFalse();
        awaitNoBacklog(space);
    }

    private static void awaitNoBacklog(final AddressSpace space) {
        while (space.statistics().backlogUnmaps() != 0) {
            Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1_000_000, 1, 0, -1, Long.MIN_VALUE})
    void timedUnmapThatRunsOutMustGoOnInTheBackground(final long timeoutNs) throws Exception {
        final Region region = space.map(PAGE);
        try (Threads.Holder reader = Threads.hold(region::share)) {
            assertThat(region.unmap(timeoutNs, TimeUnit.NANOSECONDS)).isFalse();
            assertThat(region.isMapped()).isFalse();
            assertThat(reader.thread().isAlive()).isTrue();
        }
        awaitNoBacklog(space);
        assertThat(space.statistics().regions()).isZero();
    }

    @Test
    void timedUnmapWithoutReadersMustComplete() throws Exception {
        for (final long timeout : new long[] {Long.MAX_VALUE, 1, 0, -1}) {
            final Region region = space.map(PAGE);
            assertThat(region.unmap(timeout, TimeUnit.SECONDS)).isTrue();
            assertThat(space.statistics().regions()).isZero();
        }
    }

    @Test
    void timedUnmapBehindAWriterMustLeaveTheRegionMapped() throws Exception {
        final Region region = space.map(PAGE);
        try (Threads.Holder writer = Threads.hold(region::exclusive)) {
            assertThat(region.unmap(1, TimeUnit.MILLISECONDS)).isFalse();
            assertThat(region.isMapped()).isTrue();
            assertThat(writer.thread().isAlive()).isTrue();
        }
        assertThat(region.unmap(1, TimeUnit.DAYS)).isTrue();
    }

    @Test
    void interruptBeforeATimedUnmapMustLeaveTheRegionMapped() {
        final Region region = space.map(PAGE);
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> region.unmap(1, TimeUnit.DAYS)).isInstanceOf(InterruptedException.class)
            .hasMessageContainingAll("unmap interrupted: region=0x", "attached=true");
        assertThat(region.isMapped()).isTrue();
    }

    @Test
    void interruptDuringATimedUnmapMustSendItToTheBackground() throws Exception {
        final Region region = space.map(PAGE);
        try (Guard guard = region.share()) {
            final Threads.Work<Boolean> unmap = Threads.start(() -> {
                assertThatThrownBy(() -> region.unmap(Long.MAX_VALUE, TimeUnit.DAYS))
                    .isInstanceOf(InterruptedException.class)
                    .hasMessageContainingAll("unmap interrupted: region=0x", "attached=false");
                return true;
            });
            idle.awaitWaiter();
            unmap.thread().interrupt();
            assertThat(unmap.get()).isTrue();
            assertThat(guard.isHeld()).isTrue();
            assertThat(region.isMapped()).isFalse();
        }
        awaitNoBacklog(space);
    }

    @Test
    void asynchronousUnmapMustReportCompletionWhenTheReadersHaveGone() throws Exception {
        final Region region = space.map(FileBacking.readOnly(file("data", 10_000)));
        final CompletableFuture<Void> done;
        try (Threads.Holder reader = Threads.hold(region::share)) {
            done = region.unmapAsync().toCompletableFuture();
            assertThat(region.isMapped()).isFalse();
            assertThat(done.isDone()).isFalse();
            assertThat(Resources.mappings(directory)).isEqualTo(1);
            assertThat(reader.thread().isAlive()).isTrue();
        }
        done.get(60, TimeUnit.SECONDS);
        assertThat(Resources.mappings(directory)).isZero();
        assertThat(space.statistics().regions()).isZero();
    }

    @Test
    void manyAsynchronousUnmapsMustAllComplete() throws Exception {
        for (int round = 0; round < 20; round++) {
            CompletableFuture<?> all = CompletableFuture.completedFuture(null);
            for (int i = 0; i < 500; i++) {
                final Region region = space.map(PAGE);
                put(region, 0, i);
                all = CompletableFuture.allOf(all, region.unmapAsync().toCompletableFuture());
            }
            all.get(60, TimeUnit.SECONDS);
            assertThat(space.statistics().regions()).isZero();
        }
    }

    @Test
    void callbackMayUseTheSpace() throws Exception {
        final Region region = space.map(PAGE);
        final Region next = region.unmapAsync().thenApply(_ -> {
            final Region fresh = space.map(PAGE);
            put(fresh, 0, 3);
            space.map(PAGE).unmap();
            return fresh;
        }).toCompletableFuture().get(60, TimeUnit.SECONDS);
        assertThat(get(next, 0)).isEqualTo(3);
    }

    /** An operation that entered before the unmap notes what it does to the pages after the announcement. */
    @Test
    void pagesAlteredByAReaderThatWasStillInsideMustBeReplaced() throws Exception {
        final Region region = space.map(4 * PAGE);
        final Resources before = Resources.of(space, directory);
        final CompletableFuture<Void> done;
        try (Guard guard = region.share()) {
            done = region.unmapAsync().toCompletableFuture();
            RecordLayout.addKind(inside(region).record(), PageFlags.ALTERED_PAGES);
            inside(space).core().reservation().advise(region.address(), PAGE, NativeMemory.MADV_SEQUENTIAL);
            assertThat(guard.isHeld()).isTrue();
        }
        done.get(60, TimeUnit.SECONDS);
        assertThat(Resources.mappings(space)).isEqualTo(before.mappings());
    }

    @Test
    void callersOwnAgentMustFinishUnmaps() throws Exception {
        try (AddressSpace own = small().startReclaimer(false).open()) {
            final Region region = own.map(PAGE);
            final Agent agent = own.reclaimer();
            assertThat(agent.roleName()).isEqualTo("holdfast-reclaimer-small");
            assertThat(agent.doWork()).isZero();
            final CompletableFuture<Void> done;
            try (Threads.Holder reader = Threads.hold(region::share)) {
                done = region.unmapAsync().toCompletableFuture();
                assertThat(agent.doWork()).isZero();
                assertThat(done.isDone()).isFalse();
                assertThat(own.statistics().backlogUnmaps()).isEqualTo(1);
                assertThat(reader.thread().isAlive()).isTrue();
            }
            assertThat(done.isDone()).isFalse();
            assertThat(agent.doWork()).isEqualTo(1);
            assertThat(done.isDone()).isTrue();
            assertThat(own.statistics().backlogUnmaps()).isZero();
            assertThat(Thread.getAllStackTraces().keySet()).noneMatch(thread ->
                thread.getName().equals("holdfast-reclaimer-small"));
        }
    }

    @Test
    void reclaimersThreadMustEndWithTheSpace() {
        final AddressSpace own = small().name("ending").open();
        own.map(PAGE).unmapAsync();
        own.close();
        assertThat(Thread.getAllStackTraces().keySet()).noneMatch(thread -> thread.isAlive() &&
            thread.getName().equals("holdfast-reclaimer-ending"));
    }

    @Test
    void backlogMustStayBelowItsBound() throws Exception {
        final CountingIdle waits = new CountingIdle();
        try (AddressSpace bounded = small().backlogBytes(4 * PAGE).startReclaimer(false).idleStrategy(waits).open()) {
            final Threads.Work<Boolean> announcer;
            final Region blocked = bounded.map(PAGE);
            try (Threads.Holder reader = Threads.hold(blocked::share)) {
                blocked.unmapAsync();
                for (int i = 0; i < 50; i++) {
                    bounded.map(2 * PAGE).unmapAsync(); // who comes to the bound does the work
                    assertThat(bounded.statistics().backlogBytes()).isLessThanOrEqualTo(6 * PAGE);
                }
                bounded.reclaimer().doWork();
                final Region large = bounded.map(8 * PAGE);
                try (Threads.Holder second = Threads.hold(large::share)) {
                    large.unmapAsync();
                    final Region last = bounded.map(PAGE);
                    announcer = Threads.start(() -> {
                        last.unmapAsync();
                        return true;
                    });
                    waits.awaitWaiter();
                    assertThat(announcer.isDone()).isFalse();
                    assertThat(last.isMapped()).isTrue();
                    assertThat(second.thread().isAlive()).isTrue();
                }
                assertThat(announcer.get()).isTrue();
                assertThat(reader.thread().isAlive()).isTrue();
            }
        }
    }

    @Test
    void interruptAtTheBacklogBoundMustLeaveTheRegionMapped() throws Exception {
        final CountingIdle waits = new CountingIdle();
        try (AddressSpace bounded = small().backlogBytes(PAGE).startReclaimer(false).idleStrategy(waits).open()) {
            final Region blocked = bounded.map(2 * PAGE);
            final Region next = bounded.map(PAGE);
            try (Threads.Holder reader = Threads.hold(blocked::share)) {
                blocked.unmapAsync();
                final Threads.Work<Boolean> announcer = Threads.start(() -> {
                    assertThatThrownBy(next::unmapAsync).isInstanceOf(RegionException.class)
                        .hasMessageContainingAll("unmapAsync interrupted", "backlogBytes=" + 2 * PAGE, "still mapped")
                        .satisfies(e -> assertThat(((RegionException) e).refusal()).isEqualTo(Refusal.INTERRUPTED));
                    return Thread.currentThread().isInterrupted();
                });
                waits.awaitWaiter();
                announcer.thread().interrupt();
                assertThat(announcer.get()).isTrue();
                assertThat(next.isMapped()).isTrue();
                assertThat(reader.thread().isAlive()).isTrue();
            }
        }
    }
}
