// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.holdfast.AddressSpace;
import io.holdfast.Deadline;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Lease;
import io.holdfast.MapRequest;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.WaitReport;
import io.holdfast.epoch.Waiting;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.NoOpIdleStrategy;
import org.junit.jupiter.api.Test;

/** When eras end, who waits for them, and what happens when one cannot be closed (G3, G8, G11). */
class EraTest extends SpaceFixture {
    private static final int LENGTH = 10_000;
    private static final long BACKLOG = 64 * PAGE;

    private final List<WaitReport> reports = new CopyOnWriteArrayList<>();

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.eras(Duration.ofDays(1), Duration.ZERO).startReclaimer(false).backlogBytes(BACKLOG)
            .reportWaits(Duration.ofMillis(1), reports::add);
    }

    private Region mapped(final String name) {
        return space.map(FileBacking.readWrite(file(name, LENGTH)));
    }

    private int reclaim() {
        return inside(space).unmapper().reclaimer().doWork();
    }

    private long eras() {
        return space.statistics().eras();
    }

    /** A thread that keeps the arena of the current era from being closed. */
    private final class Stuck implements AutoCloseable {
        private final CountDownLatch inside = new CountDownLatch(1);
        private final CountDownLatch release = new CountDownLatch(1);
        private final Threads.Work<Boolean> work;

        Stuck() throws InterruptedException {
            final MemorySegment segment = inside(space).eras().current().arena().allocate(2);
            work = Threads.start(() -> {
                Upcall.inside(segment, () -> {
                    inside.countDown();
                    try {
                        release.await();
                    } catch (final InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                });
                return true;
            });
            inside.await();
        }

        @Override
        public void close() throws Exception {
            release.countDown();
            work.get();
        }
    }

    @Test
    void spaceWithoutLeasesMustNeverHaveAnEra() {
        final Region region = mapped("data");
        try (var hold = region.hold()) {
            assertThat(hold.isHeld()).isTrue();
        }
        region.unmap();
        space.map(PAGE).unmapAsync();
        assertThat(reclaim()).isEqualTo(1);
        assertThat(eras()).isZero();
        assertThat(inside(space).eras().current().number()).as("that of the first, which began just now").isEqualTo(1);
    }

    @Test
    void regionWithoutALeaseMustNotWaitForTheErasOfOthers() throws Exception {
        final Region leased = mapped("leased");
        final Region other = mapped("other");
        try (Lease lease = leased.lease(); Stuck _ = new Stuck()) {
            other.unmap();
            assertThat(eras()).isZero();
            assertThat(lease.getByte(1)).isEqualTo(byteAt(1));
        }
        leased.unmap();
    }

    @Test
    void aRegionWhereALeasedOneStoodMustEndNoEra() {
        final long at = PAGE * 1_000;
        final Region leased = space.map(MapRequest.anonymous(PAGE).at(at));
        leased.lease().putInt(0, 1);
        leased.unmap();
        assertThat(eras()).isEqualTo(1);
        space.map(MapRequest.anonymous(PAGE).at(at)).unmap();
        assertThat(eras()).as("nobody leased it").isEqualTo(1);
    }

    @Test
    void oneThreadAloneMustCloseAnEra() {
        final long delay = 10;
        final Era era = new Era(1);
        assertThat(era.beginClose(Long.MAX_VALUE)).as("it has not ended").isFalse();
        era.end(0, delay);
        assertThat(era.beginClose(delay - 1)).isFalse();
        assertThat(era.beginClose(delay)).isTrue();
        assertThat(era.beginClose(delay)).as("somebody closes it").isFalse();
        era.postpone(delay, delay);
        assertThat(era.beginClose(delay)).isFalse();
        assertThat(era.beginClose(2 * delay)).isTrue();
        assertThat(era.close()).isTrue();
    }

    @Test
    void unmapsThatWereAnnouncedInOneEraMustShareItsEnd() throws Exception {
        final int count = 40;
        final Region[] regions = new Region[count];
        for (int i = 0; i < count; i++) {
            regions[i] = space.map(PAGE);
            regions[i].lease().putInt(0, i);
        }
        for (final Region region : regions) {
            region.unmapAsync();
        }
        assertThat(reclaim() + reclaim()).as("the first quarter of the backlog ends it").isEqualTo(count);
        assertThat(space.statistics().eraBytes()).isZero();
        assertThat(eras()).isEqualTo(1);
        assertThat(space.statistics().regions()).isZero();
    }

    /** A second look would find that the call is over, and close the segment. */
    @Test
    void roundMustPassByWhatOnlyWaitsForAnEraThatGoesOn() {
        try (AddressSpace other = AddressSpace.builder().name("quiet").capacity(64L << 20).startReclaimer(false)
            .eras(Duration.ofDays(1), Duration.ZERO).reportWaits(Duration.ofDays(1), reports::add).open()) {
            final Reclaimer reclaimer = inside(other).unmapper().reclaimer();
            final Region region = other.map(PAGE);
            region.lease();
            final MemorySegment shared = region.sharedSegment();
            Upcall.inside(shared, () -> {
                region.unmapAsync();
                assertThat(reclaimer.doWork()).isZero();
            });
            assertThat(reclaimer.doWork()).isZero();
            assertThat(shared.scope().isAlive()).as("nobody has looked").isTrue();
            final Region next = other.map(PAGE);
            next.lease();
            next.unmap(); // which ends the era
            assertThat(reclaimer.doWork()).isEqualTo(1);
            assertThat(shared.scope().isAlive()).isFalse();
        }
        assertThat(reports).isEmpty();
    }

    private static boolean canBePassedBy(final Eras eras, final Eras.View view) {
        eras.pass();
        final boolean passed = view.canBePassedBy();
        assertThat(passed).as("looked at as long as somebody looks").isEqualTo(eras.passedNs() > 0);
        return passed;
    }

    private Eras timed(final AtomicLong now, final long reportAfterNs, final boolean[] hurry) {
        return new Eras(new SpaceSettings("passed", 1, 1, Long.MAX_VALUE, 1, 1, 0, NoOpIdleStrategy::new, reportAfterNs,
            reports::add, error -> { }, false, 100, 10), now::get, (what, elapsedNs) -> { }, () -> hurry[0]);
    }

    private static Eras.View leased(final Eras eras, final Region region) {
        eras.current();
        eras.lease(inside(region).record());
        final Eras.View view = new Eras.View();
        eras.begin(view);
        return view;
    }

    @Test
    void whoWaitsForAnEraMustBePassedByUntilSomebodyHasToLook() {
        final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5); // a clock may overflow
        final boolean[] hurry = {false};
        final Eras eras = timed(now, 50, hurry);
        final Region region = space.map(PAGE);
        final Eras.View view = leased(eras, region);
        eras.pass();
        assertThat(view.canBePassedBy()).as("it may have been leased or not").isFalse();
        assertThat(isUnseen(eras, view, 0)).isFalse();
        now.addAndGet(49);
        assertThat(canBePassedBy(eras, view)).isTrue();
        assertThat(eras.passedNs()).isEqualTo(1);
        hurry[0] = true;
        assertThat(canBePassedBy(eras, view)).as("the space is being closed").isFalse();
        hurry[0] = false;
        now.addAndGet(1);
        assertThat(canBePassedBy(eras, view)).as("the wait is to be reported").isFalse();
        now.addAndGet(50);
        assertThat(isUnseen(eras, view, 0)).as("it has ended").isFalse();
        assertThat(canBePassedBy(eras, view)).as("nor is the report forgotten then").isFalse();
        region.unmap();
    }

    @Test
    void whoWaitsForAnEraThatHasEndedMustBePassedByUntilItsArenaMayBeClosed() {
        final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5);
        final Eras eras = timed(now, 1_000, new boolean[1]);
        final Region region = space.map(PAGE);
        final Eras.View view = leased(eras, region);
        assertThat(isUnseen(eras, view, 0)).isFalse();
        now.addAndGet(100);
        assertThat(canBePassedBy(eras, view)).isFalse();
        assertThat(isUnseen(eras, view, 0)).as("it has ended").isFalse();
        now.addAndGet(9);
        assertThat(canBePassedBy(eras, view)).isTrue();
        assertThat(eras.passedNs()).isEqualTo(1);
        now.addAndGet(1);
        assertThat(canBePassedBy(eras, view)).isFalse();
        assertThat(isUnseen(eras, view, 0)).isTrue();
        assertThat(eras.passedNs()).as("it was closed").isZero();
        region.unmap();
    }

    @Test
    void anEraThatNobodyWaitsForMustKeepNobodyAwakeWhoWaitsForTheNext() {
        final AtomicLong now = new AtomicLong();
        final Eras eras = timed(now, 1_000, new boolean[1]);
        final Region first = space.map(PAGE);
        final Eras.View left = leased(eras, first);
        assertThat(isUnseen(eras, left, 0)).isFalse();
        now.addAndGet(100);
        assertThat(isUnseen(eras, left, 0)).as("it has ended").isFalse();
        now.addAndGet(10); // and could be closed, but nobody comes by
        final Region second = space.map(PAGE);
        final Eras.View view = leased(eras, second);
        assertThat(isUnseen(eras, view, 0)).isFalse();
        assertThat(canBePassedBy(eras, view)).isTrue();
        assertThat(eras.passedNs()).isEqualTo(100);
        first.unmap();
        second.unmap();
    }

    @Test
    void whatWaitsForAnEraThatSomebodyElseHasClosedMustBeLookedAt() {
        final Region waiting = space.map(PAGE);
        waiting.lease();
        waiting.unmapAsync();
        final Eras eras = inside(space).eras();
        eras.current();
        reclaim();
        final Region next = space.map(PAGE);
        next.lease();
        next.unmap(); // ends the era, and closes it
        assertThat(eras.passedNs()).isZero();
        assertThat(reclaim()).isEqualTo(1);
        eras.pass();
        assertThat(eras.passedNs()).as("nobody waits for the next one").isZero();
    }

    @Test
    void erasThatNobodyHurriesMustEndWhenAQuarterOfTheBacklogWaits() {
        final Region small = space.map(PAGE);
        final Region large = space.map(BACKLOG / 4);
        final Lease lease = small.lease();
        large.lease();
        small.unmapAsync();
        assertThat(reclaim()).isZero();
        assertThat(lease.getByte(0)).isZero();
        assertThat(eras()).isZero();
        large.unmapAsync();
        assertThat(reclaim() + reclaim()).isEqualTo(2);
        assertThat(eras()).isEqualTo(1);
    }

    @Test
    void backlogOfLeasedRegionsMustNotKeepAnybodyOut() {
        for (int i = 0; i < 50; i++) {
            final Region region = space.map(10 * PAGE);
            region.lease();
            region.unmapAsync();
        }
        assertThat(eras()).isPositive();
    }

    @Test
    void timeMustEndAnEra() {
        try (AddressSpace other = AddressSpace.builder().name("timed").capacity(64L << 20)
            .eras(Duration.ofMillis(1), Duration.ofMillis(1)).open()) {
            final Region region = other.map(PAGE);
            final Lease lease = region.lease();
            region.unmapAsync().toCompletableFuture().join();
            LeaseTest.assertRefused(() -> lease.getByte(0), Refusal.DETACHED);
            assertThat(other.statistics().eras()).isEqualTo(1);
            assertThat(other.statistics().unclosedEras()).isZero();
        }
    }

    @Test
    void regionThatWasUnmappedAfterTheSwapMustWaitForTheNextEra() throws Exception {
        final Region first = mapped("first");
        final Region second = mapped("second");
        final Lease one = first.lease();
        final Lease two = second.lease();
        try (Stuck _ = new Stuck()) {
            assertThat(first.unmap(1, TimeUnit.MILLISECONDS)).isFalse();
            assertThat(eras()).isEqualTo(1);
            LeaseTest.assertRefused(() -> one.getByte(0), Refusal.DETACHED);
            assertThat(two.getByte(3)).isEqualTo(byteAt(3)); // renewed: its segments are of both eras now
            assertThat(second.unmapAsync().toCompletableFuture()).isNotDone();
            assertThat(reclaim()).isZero();
            assertThat(two.getByte(3)).isEqualTo(byteAt(3));
        }
        assertThat(reclaim()).as("the first era is closed").isEqualTo(1);
        assertThat(two.getByte(3)).as("the second one is not").isEqualTo(byteAt(3));
        space.close();
        assertThat(eras()).isEqualTo(2);
    }

    @Test
    void unmapMustWaitForEveryEraFromTheFirstLeaseOn() throws Exception {
        final Region early = mapped("early");
        final Lease lease = early.lease();
        final Region late = mapped("late");
        try (Stuck _ = new Stuck()) {
            space.map(PAGE).lease().region().unmap(1, TimeUnit.MILLISECONDS); // ends the era, and cannot close it
            assertThat(eras()).isEqualTo(1);
            assertThat(space.statistics().unclosedEras()).isEqualTo(1);
            assertThat(lease.getByte(7)).isEqualTo(byteAt(7));
            late.lease();
            late.unmap(); // later regions do not wait for it
            assertThat(eras()).isEqualTo(2);
            assertThat(early.unmap(5, TimeUnit.MILLISECONDS)).isFalse();
            assertThat(early.isMapped()).isFalse();
        }
        while (space.statistics().regions() != 0) {
            reclaim();
        }
        assertThat(space.statistics().unclosedEras()).isZero();
    }

    @Test
    void stuckEraMustBeReportedWithAgeAndBytesAndMustEndTimedAndInterruptedWaits() throws Exception {
        final Region region = mapped("data");
        region.lease();
        try (Stuck _ = new Stuck()) {
            final Threads.Work<Boolean> unmap = Threads.start(() -> {
                region.unmap();
                return Thread.interrupted();
            });
            while (reports.isEmpty()) {
                Thread.onSpinWait();
            }
            unmap.thread().interrupt();
            assertThat(unmap.get()).as("the interrupt is kept").isTrue();
            assertThat(reports.getFirst().region()).contains("start=0x", "era=1", "ended ms ago=", "bytes=" + 3 * PAGE);
            assertThat(space.close(5, TimeUnit.MILLISECONDS)).isFalse();
        }
        assertThat(space.close(1, TimeUnit.DAYS)).isTrue();
    }

    /** The page stays, and an old lease must not see what the file loses of it. */
    @Test
    void truncateInsideOfAPageMustWaitForTheEraAsLongAsItsCallerWantsTo() throws Exception {
        final Region region = mapped("data");
        region.lease();
        final Region rest;
        try (Stuck _ = new Stuck()) {
            rest = Deadline.within(5, TimeUnit.MILLISECONDS, () -> region.truncate(LENGTH - 10));
            assertThat(rest.size()).isEqualTo(LENGTH - 10);
            assertThat(directory.resolve("data").toFile()).hasSize(LENGTH);
        }
        final Region hurried = space.map(PAGE);
        hurried.lease();
        hurried.unmap(); // ends the era, if the thread that truncated had no time to
        reclaim();
        assertThat(directory.resolve("data").toFile()).hasSize(LENGTH - 10);
        rest.unmap();
    }

    @Test
    void pagesMustStayWhileTheirEraIsOpen() throws Exception {
        final Region region = mapped("data");
        final MemorySegment bytes = region.optimisticSegment();
        region.lease();
        try (Stuck _ = new Stuck()) {
            assertThat(region.unmap(1, TimeUnit.MILLISECONDS)).isFalse();
            assertBytesOf(bytes, 0);
            assertThat(Resources.mappings(directory)).isEqualTo(1);
        }
        reclaim();
        assertThat(Resources.mappings(directory)).isZero();
    }

    @Test
    void eraMustBeClosedAfterTheDelayAndNotBefore() {
        final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5); // a clock may overflow
        final SpaceSettings settings = new SpaceSettings("delayed", 1, 1, Long.MAX_VALUE, 1, 1, 0,
            NoOpIdleStrategy::new, Long.MAX_VALUE, reports::add, error -> { }, false, 100, 10);
        final Eras eras = new Eras(settings, now::get, (what, elapsedNs) -> { }, () -> false);
        eras.current();
        final Region region = space.map(PAGE);
        final long record = inside(region).record();
        eras.lease(record);
        final Eras.View view = new Eras.View();
        eras.begin(view);
        assertThat(isUnseen(eras, view, 0)).isFalse();
        now.addAndGet(99);
        assertThat(isUnseen(eras, view, 0)).isFalse();
        assertThat(eras.ended()).as("100 ns have not passed").isZero();
        now.addAndGet(1);
        assertThat(isUnseen(eras, view, 0)).isFalse();
        assertThat(eras.ended()).isEqualTo(1);
        now.addAndGet(9);
        assertThat(isUnseen(eras, view, 0)).isFalse();
        assertThat(isUnseen(eras, view, 1)).as("neither does patience help").isFalse();
        assertThat(eras.unclosed()).isEqualTo(1);
        now.addAndGet(1);
        assertThat(isUnseen(eras, view, 0)).isTrue();
        assertThat(eras.unclosed()).isZero();
        region.unmap();
    }

    private static boolean isUnseen(final Eras eras, final Eras.View view, final long timeoutNs) {
        try (Waiting waiting = new Waiting(NoOpIdleStrategy::new, timeoutNs, false, Waiting.FOREVER)) {
            return eras.awaitUnseen(view, 0, CAPACITY, waiting);
        }
    }

    @Test
    void thousandsOfErasMustLeaveALeaseAsItWas() {
        final Region region = mapped("data");
        final Lease lease = region.lease();
        for (int i = 0; i < 3_000; i++) {
            final Region passing = space.map(PAGE);
            passing.lease();
            passing.unmap();
            assertThat(lease.getByte(i)).isEqualTo(byteAt(i));
        }
        assertThat(eras()).isEqualTo(3_000);
        assertThat(inside(space).eras().current().number()).isEqualTo(3_001);
        assertThat(space.statistics().unclosedEras()).isZero();
        region.unmap();
    }

    /** A reader that had to renew its lease itself would allocate a segment, and have run into an exception before. */
    @Test
    void whoEndsAnEraMustRenewTheLeasesOfAllReaders() throws Exception {
        final List<Lease> leases = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
            final Lease whole = mapped("data" + i).lease();
            leases.add(whole);
            leases.add(whole.slice(0, 100));
        }
        final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        assertThat(allocatedByReads(threads, leases)).isNotNegative();
        final long idle = allocatedByReads(threads, leases);
        Threads.start(() -> {
            final Region passing = space.map(PAGE);
            passing.lease();
            passing.unmap();
            return true;
        }).get();
        assertThat(eras()).isEqualTo(1);
        assertThat(allocatedByReads(threads, leases) - idle).isLessThan(leases.size());
    }

    private static long allocatedByReads(final ThreadMXBean threads, final List<Lease> leases) {
        final long before = threads.getCurrentThreadAllocatedBytes();
        int wrong = 0;
        for (int i = 0; i < leases.size(); i++) {
            wrong += leases.get(i).getByte(7) == byteAt(7) ? 0 : 1;
        }
        final long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertThat(wrong).isZero();
        return allocated;
    }

    /**
     * A forced schedule: a thread renews a lease, and between its two looks the region is unmapped, the era ends, and
     * another file comes to the same addresses. The other order of looking finds a segment of the next era, which shows
     * that file for as long as that era lasts.
     */
    @Test
    void renewalMustLoadTheEraBeforeItLooksAtTheRegion() {
        final Region region = space.map(FileBacking.readOnly(file("data", LENGTH)));
        region.lease();
        final Renewal renewal = new Renewal(inside(region));
        final Era before = inside(space).eras().current();
        final boolean mappedBefore = region.isMapped();
        region.unmap();
        final Era after = inside(space).eras().current();
        assertThat(after.number()).isEqualTo(before.number() + 1);
        final Path otherFile = directory.resolve("other");
        final Region other = space.map(FileBacking.readOnly(write(otherFile, (byte) -1)));
        assertThat(other.address()).isEqualTo(region.address());

        LeaseTest.assertRefused(() -> renewal.segment("renewal", before), Refusal.DETACHED);
        assertThat(mappedBefore).isTrue();
        final MemorySegment wrong = inside(region).segmentFor(Guard.Mode.SHARED, LENGTH, after.arena());
        assertThat(wrong.get(ValueLayout.JAVA_BYTE, 3)).as("the order that is wrong").isEqualTo((byte) -1);
        other.unmap();
    }

    private static Path write(final Path path, final byte value) {
        final byte[] bytes = new byte[LENGTH];
        Arrays.fill(bytes, value);
        try {
            return Files.write(path, bytes);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void leaseThatItsOwnerForgotMustNotBeKept() {
        final Region region = mapped("data");
        final WeakReference<Lease> forgotten = new WeakReference<>(region.lease());
        for (int i = 0; i < 100 && forgotten.get() != null; i++) {
            System.gc();
        }
        assertThat(forgotten.get()).isNull();
        region.unmap();
    }

    @Test
    void unmapsThatWaitTogetherMustAllComeToAnEnd() throws Exception {
        final int threads = 4;
        final CompletableFuture<?>[] all = new CompletableFuture<?>[threads];
        for (int i = 0; i < threads; i++) {
            all[i] = CompletableFuture.runAsync(() -> {
                for (int k = 0; k < 100; k++) {
                    final Region region = space.map(PAGE);
                    final Lease lease = region.lease();
                    lease.putLong(0, k);
                    region.unmap();
                    LeaseTest.assertRefused(() -> lease.getLong(0), Refusal.DETACHED);
                }
            });
        }
        CompletableFuture.allOf(all).get(1, TimeUnit.MINUTES);
        assertThat(eras()).isLessThanOrEqualTo(threads * 100L);
        assertThat(space.statistics().unclosedEras()).isZero();
        assertThat(space.statistics().eraBytes()).isZero();
    }
}
