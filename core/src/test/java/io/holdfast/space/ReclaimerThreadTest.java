// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.Region;
import io.holdfast.epoch.EpochTestSupport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.NoOpIdleStrategy;
import org.junit.jupiter.api.Test;

/** When the space's own thread leaves unmaps to those who announce them, and when it does not. */
class ReclaimerThreadTest extends SpaceFixture {
    private static final SpaceSettings SETTINGS = new SpaceSettings("thread", Long.MAX_VALUE, Long.MAX_VALUE,
        Long.MAX_VALUE, Long.MAX_VALUE, 0, 0, NoOpIdleStrategy::new, Long.MAX_VALUE, report -> { }, error -> { }, false, 0,
        0);

    private long now = Long.MAX_VALUE - 10; // a clock may overflow
    private ReclaimerThread lingering;

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.startReclaimer(false);
    }

    private int doWork() {
        if (lingering == null) {
            lingering = new ReclaimerThread(inside(space).unmapper().reclaimer(), SETTINGS, () -> now);
        }
        return lingering.doWork();
    }

    private CompletableFuture<Void> unmap() {
        return space.map(PAGE).unmapAsync().toCompletableFuture();
    }

    @Test
    void fewUnmapsMustBeLeftForAWhileAndNoLonger() throws Exception {
        assertThat(doWork()).isZero();
        final CompletableFuture<Void> done = unmap();
        assertThat(doWork()).isZero();
        now += ReclaimerThread.LINGER_NS - 1;
        assertThat(doWork()).isZero();
        assertThat(done).isNotDone();
        now++;
        assertThat(doWork()).isEqualTo(1);
        done.get(Threads.PATIENCE_S, TimeUnit.SECONDS); // told by another thread
        unmap();
        assertThat(doWork()).as("the next ones are left again").isZero();
        now += ReclaimerThread.LINGER_NS;
        assertThat(doWork()).isEqualTo(1);
    }

    @Test
    void unmapsMustBeLeftWhileSomebodyElseDoesRounds() throws Exception {
        for (int i = 0; i < 5; i++) {
            unmap();
            assertThat(doWork()).isZero();
            now += ReclaimerThread.LINGER_NS;
            assertThat(space.reclaimer().doWork()).isEqualTo(1);
            unmap();
            assertThat(doWork()).isZero();
            assertThat(space.reclaimer().doWork()).isEqualTo(1);
        }
    }

    @Test
    void largeBacklogMustNotBeLeft() throws Exception {
        final List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int i = 0; i < 2 * ReclaimerThread.ROUND - 1; i++) {
            all.add(unmap());
            assertThat(doWork()).isZero();
        }
        all.add(unmap());
        assertThat(doWork()).isEqualTo(all.size());
        CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).get(Threads.PATIENCE_S, TimeUnit.SECONDS);
    }

    @Test
    void unmapThatWaitsForAReaderMustBeFinishedAsSoonAsItIsGone() throws Exception {
        final Region region = space.map(PAGE);
        final CompletableFuture<Void> done;
        try (Threads.Holder reader = Threads.hold(region::share)) {
            done = region.unmapAsync().toCompletableFuture();
            assertThat(doWork()).isZero();
            now += ReclaimerThread.LINGER_NS;
            assertThat(doWork()).isZero();
            assertThat(done.isDone()).isFalse();
            assertThat(reader.thread().isAlive()).isTrue();
        }
        assertThat(doWork()).isEqualTo(1);
        done.get(Threads.PATIENCE_S, TimeUnit.SECONDS); // told by another thread
    }

    /** The space's own thread sleeps from its first look on. */
    @Test
    void threadThatAnnouncesManyMustFinishThemItself() {
        final CountDownLatch end = new CountDownLatch(1);
        try (AddressSpace own = AddressSpace.builder().capacity(CAPACITY)
            .idleStrategy(() -> new Sleeper(new CountDownLatch(1), end::await)).open()) {
            final List<CompletableFuture<Void>> all = new ArrayList<>();
            for (int i = 0; i < 4 * ReclaimerThread.ROUND; i++) {
                all.add(own.map(PAGE).unmapAsync().toCompletableFuture());
            }
            assertThat(all).allMatch(CompletableFuture::isDone);
            end.countDown();
        } finally {
            end.countDown();
        }
    }

    @Test
    void threadThatAnnouncesWhatWaitsForAnEraMustNotDoRounds() {
        final CountDownLatch end = new CountDownLatch(1);
        final CountDownLatch idle = new CountDownLatch(1);
        try (AddressSpace own = AddressSpace.builder().capacity(CAPACITY).eras(Duration.ofDays(1), Duration.ZERO)
            .idleStrategy(() -> new Sleeper(idle, end::await)).open()) {
            own.map(PAGE).unmapAsync();
            EpochTestSupport.await("the space's own thread", () -> idle.getCount() == 0);
            final Reclaimer reclaimer = inside(own).unmapper().reclaimer();
            final long rounds = reclaimer.rounds();
            while (reclaimer.backlog() < ReclaimerThread.ROUND + 1) {
                leased(own).unmapAsync();
                own.unmapAsync(List.of(leased(own)));
            }
            assertThat(reclaimer.rounds()).isEqualTo(rounds);
            own.map(PAGE).unmapAsync();
            assertThat(reclaimer.rounds()).isEqualTo(rounds + 1);
            end.countDown();
        } finally {
            end.countDown();
        }
    }

    /** It may be about to tell somebody of an unmap, for whom it is the space's own thread to its end. */
    @Test
    void threadThatIsBeingEndedMustStillKnowItself() throws Exception {
        final CountDownLatch idle = new CountDownLatch(1);
        final CompletableFuture<Thread> closer = new CompletableFuture<>();
        final CompletableFuture<Boolean> known = new CompletableFuture<>();
        final AtomicReference<AddressSpace> own = new AtomicReference<>();
        own.set(AddressSpace.builder().capacity(CAPACITY).idleStrategy(() -> new Sleeper(idle, () -> {
            final Thread closing = closer.join();
            EpochTestSupport.await("who waits for its end", () -> closing.getState() == Thread.State.TIMED_WAITING);
            known.complete(inside(own.get()).unmapper().thread().isCurrent());
        })).open());
        own.get().map(PAGE).unmapAsync();
        idle.await();
        final Threads.Work<Boolean> close = Threads.start(() -> {
            closer.complete(Thread.currentThread());
            own.get().close();
            return true;
        });
        assertThat(known.get(Threads.PATIENCE_S, TimeUnit.SECONDS)).isTrue();
        assertThat(close.get()).isTrue();
    }

    private static Region leased(final AddressSpace own) {
        final Region region = own.map(PAGE);
        assertThat(region.lease().getByte(0)).isZero();
        return region;
    }

    /** What is waited for. */
    private interface Wait {
        void await() throws InterruptedException;
    }

    private record Sleeper(CountDownLatch begun, Wait end) implements IdleStrategy {
        @Override
        public void idle(final int workCount) {
            if (workCount == 0) {
                idle();
            }
        }

        @Override
        public void idle() {
            begun.countDown();
            try {
                end.await();
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @Override
        public void reset() {
            // There is nothing to forget.
        }
    }
}
