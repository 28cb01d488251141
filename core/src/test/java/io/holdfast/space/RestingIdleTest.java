// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.epoch.EpochTestSupport.await;
import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.Lease;
import io.holdfast.Region;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.agrona.concurrent.IdleStrategy;
import org.junit.jupiter.api.Test;

/** When the space's own thread sleeps, and what wakes it. */
class RestingIdleTest extends SpaceFixture {
    private static final long BACKLOG = 1L << 20;
    private static final long LONG = Duration.ofDays(1).toNanos();

    private long now = Long.MAX_VALUE - 10; // a clock may overflow
    private int awake;
    private boolean stopped;

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.startReclaimer(false).backlogBytes(BACKLOG).eras(Duration.ofNanos(LONG), Duration.ZERO);
    }

    private Reclaimer reclaimer() {
        return inside(space).unmapper().reclaimer();
    }

    private final class Awake implements IdleStrategy {
        @Override
        public void idle(final int workCount) {
            awake++;
        }

        @Override
        public void idle() {
            awake++;
        }

        @Override
        public void reset() {
            // There is nothing to forget.
        }
    }

    private RestingIdle idle(final long napNs) {
        return idle(new NapLength(napNs, BACKLOG / 4));
    }

    private RestingIdle idle(final NapLength nap) {
        return new RestingIdle(reclaimer(), new Awake(), () -> stopped, () -> now, nap);
    }

    /** A thread that sleeps, and says whether nobody has woken it. */
    private FutureTask<Boolean> asleep(final long mostNs) {
        return asleep(new FutureTask<>(() -> reclaimer().rest(mostNs, () -> stopped)));
    }

    private <T> FutureTask<T> asleep(final FutureTask<T> rest) {
        final Thread thread = Thread.ofPlatform().start(rest);
        await("a thread that sleeps", () -> LockSupport.getBlocker(thread) == reclaimer() || !thread.isAlive());
        assertThat(reclaimer().isResting()).isTrue();
        return rest;
    }

    private static <T> T end(final FutureTask<T> rest) throws Exception {
        return rest.get(Threads.PATIENCE_S, TimeUnit.SECONDS);
    }

    /** A region that is unmapped, and waits for the end of the era. */
    private CompletableFuture<Void> leased() {
        final Region region = space.map(PAGE);
        final Lease lease = region.lease();
        assertThat(lease.getByte(0)).isZero();
        return region.unmapAsync().toCompletableFuture();
    }

    private void lookTwice() { // the first look begins the wait for the era
        reclaimer().doWork();
        reclaimer().doWork();
    }

    @Test
    void threadThatWasWokenMustStayAwakeForAWhile() throws Exception {
        final RestingIdle idle = idle(LONG);
        idle.idle(0);
        now += RestingIdle.AWAKE_NS;
        space.map(PAGE).unmapAsync();
        idle.idle(0);
        reclaimer().doWork();
        idle.idle(1);
        assertThat(awake).as("just started, something to do, something done").isEqualTo(3);
        now += RestingIdle.LONG_NS;
        final FutureTask<Void> rest = asleep(new FutureTask<>(() -> idle.idle(0), null));
        reclaimer().wake();
        end(rest);
        assertThat(awake).isEqualTo(3);
        now += RestingIdle.AWAKE_NS - 1;
        idle.idle(0);
        assertThat(awake).isEqualTo(4);
        now++;
        stopped = true;
        idle.idle(0);
        assertThat(awake).as("it rests").isEqualTo(4);
    }

    @Test
    void threadMustNapFirstAndSleepForGoodWhenNothingHasHappenedForLong() throws Exception {
        final RestingIdle idle = idle(1);
        now += RestingIdle.LONG_NS - 1;
        idle.idle(0);
        assertThat(reclaimer().isResting()).as("back from a nap").isFalse();
        now++;
        final FutureTask<Void> rest = asleep(new FutureTask<>(() -> idle.idle(0), null));
        leased();
        end(rest);
        now += RestingIdle.LONG_NS;
        lookTwice();
        idle.idle(0);
        now += RestingIdle.LONG_NS - 1;
        idle.idle(0);
        assertThat(awake).as("naps, although there is something unfinished").isZero();
        assertThat(reclaimer().backlog()).isEqualTo(1);
    }

    @Test
    void anyUnmapMustWakeAThreadThatSleepsForGood() throws Exception {
        final FutureTask<Boolean> first = asleep(Long.MAX_VALUE);
        space.map(PAGE).unmapAsync();
        assertThat(end(first)).isFalse();
        reclaimer().doWork();
        final FutureTask<Boolean> second = asleep(Long.MAX_VALUE);
        leased();
        assertThat(end(second)).as("somebody has to begin the wait for the era").isFalse();
    }

    @Test
    void whatWaitsForTheEraMustNotWakeAThreadThatNaps() throws Exception {
        final FutureTask<Boolean> nap = asleep(LONG);
        leased();
        assertThat(reclaimer().isResting()).isTrue();
        space.map(PAGE).unmapAsync();
        assertThat(end(nap)).isFalse();
        lookTwice();
        assertThat(reclaimer().restNs()).isBetween(1L, LONG);
        final FutureTask<Boolean> second = asleep(LONG);
        leased();
        final Region other = space.map(PAGE);
        assertThat(other.lease().getByte(0)).isZero();
        space.unmapAsync(List.of(other));
        assertThat(reclaimer().isResting()).isTrue();
        space.unmapAsync(List.of(space.map(PAGE)));
        assertThat(end(second)).isFalse();
        assertThat(reclaimer().restNs()).isZero();
        lookTwice();
        assertThat(reclaimer().restNs()).as("three wait for the era, and the fourth is over").isPositive();
    }

    @Test
    void twiceTheBytesThatEndAnEraMustWakeTheThreadWhichNapsShorterThen() throws Exception {
        final NapLength nap = new NapLength(LONG, BACKLOG / 4);
        final RestingIdle idle = idle(nap);
        now += RestingIdle.AWAKE_NS;
        leased();
        lookTwice();
        final FutureTask<Void> rest = asleep(new FutureTask<>(() -> idle.idle(0), null));
        while (reclaimer().backlogBytes() < BACKLOG / 2) {
            assertThat(reclaimer().isResting()).isTrue();
            leased();
        }
        end(rest);
        assertThat(nap.ns()).isEqualTo(LONG / 2);
    }

    @Test
    void theBytesThatEndAnEraMustEndItInTheNextRound() {
        final CompletableFuture<Void> first = leased();
        lookTwice();
        while (reclaimer().backlogBytes() < BACKLOG / 4) {
            assertThat(first).isNotDone();
            leased();
        }
        lookTwice();
        assertThat(first).isDone();
    }

    @Test
    void anEraThatHasEndedMustBeLookedAt() {
        final CompletableFuture<Void> done = leased();
        lookTwice();
        final Region other = space.map(PAGE);
        assertThat(other.lease().getByte(0)).isZero();
        other.unmap(); // ends the era at once
        assertThat(reclaimer().restNs()).isZero();
        reclaimer().doWork();
        assertThat(done).isDone();
    }

    @Test
    void aReaderThatIsWaitedForMustKeepTheThreadAwake() throws Exception {
        leased();
        final Region read = space.map(PAGE);
        try (Threads.Holder reader = Threads.hold(read::share)) {
            read.unmapAsync();
            lookTwice();
            assertThat(reclaimer().restNs()).isZero();
            assertThat(reader.thread().isAlive()).isTrue();
        }
    }

    @Test
    void nobodyMaySleepForGoodWhereAnythingIsUnfinished() {
        leased();
        lookTwice();
        assertThat(reclaimer().restNs()).isPositive();
        assertThat(reclaimer().rest(Long.MAX_VALUE, () -> stopped)).isTrue();
    }

    @Test
    void threadThatIsToEndMustNotSleep() {
        stopped = true;
        assertThat(reclaimer().rest(LONG, () -> stopped)).isTrue();
        assertThat(reclaimer().isResting()).isFalse();
    }

    @Test
    void ownThreadMustSleepAndWakeAndEnd() throws Exception {
        try (AddressSpace own = AddressSpace.builder().capacity(CAPACITY).name("resting").open()) {
            for (int round = 0; round < 3; round++) {
                own.map(PAGE).unmapAsync().toCompletableFuture().get(Threads.PATIENCE_S, TimeUnit.SECONDS);
                await("a thread that sleeps", inside(own).unmapper().reclaimer()::isResting);
            }
        }
        assertThat(Thread.getAllStackTraces().keySet()).extracting(Thread::getName)
            .doesNotContain("holdfast-reclaimer-resting");
    }
}
