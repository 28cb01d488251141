// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Lease;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Many regions unmapped by one call, and many unmaps finished by one round (G3): all or none of them (G9, G10), neighbours
 * together (G8).
 */
class BulkUnmapTest extends SpaceFixture {
    private static final int FILES = 16;
    private static final int ROUNDS = 200;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory).startReclaimer(false).eras(Duration.ofDays(1), Duration.ZERO);
    }

    private List<Region> files(final int count) {
        final Path path = file("data", (int) (3 * PAGE));
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            regions.add(space.map(FileBacking.readOnly(path)));
        }
        return regions;
    }

    private List<Region> shuffled(final List<Region> regions) {
        final List<Region> shuffled = new ArrayList<>(regions);
        Collections.shuffle(shuffled, new Random(7));
        return shuffled;
    }

    private long overlays(final Threads.Task work) throws Exception {
        memory.record(true);
        work.run();
        memory.record(false);
        return memory.recorded().stream().filter(call -> call.kind() == NativeCall.MMAP).count();
    }

    private void finishInBackground() throws Exception {
        while (space.statistics().backlogUnmaps() != 0) {
            space.reclaimer().doWork();
        }
    }

    // -------------------------------------------------------------------------------------------------- neighbours

    @Test
    void filesThatAreMappedOneAfterTheOtherMustBeNeighbours() {
        final List<Region> regions = files(FILES);
        assertNeighbours(regions);
        regions.get(3).unmap();
        regions.get(9).unmap();
        assertNeighbours(files(FILES));
    }

    private static void assertNeighbours(final List<Region> regions) {
        for (int i = 1; i < regions.size(); i++) {
            assertThat(regions.get(i).reservedEnd()).as("of file " + i).isEqualTo(regions.get(i - 1).reservedStart());
        }
    }

    @Test
    void theAddressesOfTheFileThatWasMappedLastMustBeUsedAgain() {
        final Region first = files(1).getFirst();
        first.unmap();
        assertThat(files(1).getFirst().address()).isEqualTo(first.address());
        final List<Region> many = files(FILES);
        space.unmap(many);
        assertThat(files(1).getFirst().address()).isEqualTo(many.getFirst().address());
    }

    @Test
    void allAddressesMustBeFoundAlsoAboveTheFileThatWasMappedLast() {
        try (AddressSpace small = AddressSpace.builder().name("small").capacity(16L << 20).open()) {
            final Path path = sparse("large", 1 << 20);
            final List<Region> regions = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                regions.add(small.map(FileBacking.readOnly(path)));
            }
            for (int i = 0; i < ROUNDS; i++) {
                regions.remove(i % 16).unmap();
                regions.add(small.map(FileBacking.readOnly(path)));
            }
        }
    }

    @Test
    void neighboursMustBeReplacedByOneCall() throws Exception {
        final List<Region> regions = files(FILES);
        assertThat(overlays(() -> space.unmap(shuffled(regions)))).isEqualTo(1);
        assertThat(regions).noneMatch(Region::isMapped);
        assertThat(space.statistics().mappedBytes()).isZero();
    }

    @Test
    void whatLiesBetweenMustStay() throws Exception {
        final List<Region> regions = files(3);
        assertThat(overlays(() -> space.unmap(List.of(regions.get(2), regions.get(0))))).isEqualTo(2);
        assertBytesOf(regions.get(1).optimisticSegment(), 0);
        assertThat(regions.get(1).isMapped()).isTrue();
    }

    @Test
    void aRoundMustJoinNeighboursOfDifferentUnmaps() throws Exception {
        final List<Region> regions = files(FILES);
        final List<CompletableFuture<Void>> completions = new ArrayList<>();
        shuffled(regions).forEach(region -> completions.add(region.unmapAsync().toCompletableFuture()));
        assertThat(overlays(() -> assertThat(space.reclaimer().doWork()).isEqualTo(FILES))).isEqualTo(1);
        assertThat(completions).allMatch(CompletableFuture::isDone);
    }

    @Test
    void aSectionMustJoinWhatItUnmaps() throws Exception {
        final List<Region> regions = files(FILES);
        assertThat(overlays(() -> {
            try (var section = space.write()) {
                regions.forEach(section::unmap);
                section.publish();
            }
        })).isEqualTo(1);
    }

    @Test
    void leasedRegionsMustShareOneEra() {
        final List<Region> regions = files(FILES);
        final List<Lease> leases = regions.stream().map(Region::lease).toList();
        assertThat(leases).allMatch(lease -> lease.getByte(5) == byteAt(5));
        space.unmap(regions);
        assertThat(space.statistics().eras()).isEqualTo(1);
        assertThat(leases).allSatisfy(lease -> LeaseTest.assertRefused(() -> lease.getByte(5), Refusal.DETACHED));
    }

    @Test
    void memoryAndFilesMayBeUnmappedTogether() {
        final List<Region> regions = files(2);
        regions.add(space.map(3 * PAGE));
        regions.add(space.map(MapRequest.anonymous(2 * PAGE).named("named")));
        regions.add(space.map(FileBacking.copyOnWrite(file("private", 5_000))));
        put(regions.get(2), 0, 1);
        put(regions.get(4), 8, 1);
        space.unmap(regions);
        assertThat(get(space.map(3 * PAGE), 0)).isZero();
    }

    // ------------------------------------------------------------------------------------- what the kernel refuses

    @ParameterizedTest
    @EnumSource(names = {"NONE", "HOLE"})
    void neighboursThatTheKernelDoesNotTakeTogetherMustGoOneByOne(final Damage damage) {
        files(1).getFirst().unmap();
        final Resources before = Resources.of(space, directory);
        final List<Region> regions = files(FILES);
        memory.arm(call -> call.kind() == NativeCall.MMAP, 1, 1, Errno.ENOMEM, damage);
        space.unmap(regions);
        memory.disarm();
        assertThat(memory.faults()).as("seen").isEqualTo(1);
        assertThat(space.statistics().quarantinedBytes()).isZero();
        before.assertUnchanged(space, directory);
    }

    @Test
    void whatTheKernelDoesNotTakeAtAllMustBeQuarantinedOneByOne() {
        final List<Region> regions = files(4);
        memory.failFrom(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.NONE);
        space.unmap(regions);
        memory.disarm();
        assertThat(space.statistics().quarantinedBytes()).isEqualTo(12 * PAGE);
        files(1).getFirst().unmap(); // tries again
        assertThat(space.statistics().quarantinedBytes()).isZero();
    }

    // ------------------------------------------------------------------------------------------------ all or none

    private void assertAllMapped(final List<Region> regions) {
        assertThat(regions).allMatch(Region::isMapped);
        regions.forEach(region -> region.exclusive().close());
        assertThat(space.statistics().backlogUnmaps()).isZero();
    }

    private void assertRefused(final List<Region> regions, final Class<? extends Exception> type, final String... parts) {
        assertThatThrownBy(() -> space.unmap(regions)).isInstanceOf(type).hasMessageContainingAll(parts);
        assertThatThrownBy(() -> space.unmap(regions, 1, TimeUnit.DAYS)).isInstanceOf(type)
            .hasMessageContainingAll(parts);
        assertThatThrownBy(() -> space.unmapAsync(regions)).isInstanceOf(type).hasMessageContainingAll(parts);
    }

    @Test
    void aRegionOfAnotherSpaceMustBeRefused() {
        final List<Region> regions = files(2);
        try (AddressSpace other = AddressSpace.builder().name("other").capacity(64L << 20).open()) {
            final Region foreign = other.map(PAGE);
            assertRefused(List.of(regions.get(0), regions.get(1), foreign), IllegalArgumentException.class,
                "region of another space than test", "region=0x" + Long.toHexString(foreign.address()) + " of other");
            assertThat(foreign.isMapped()).isTrue();
        }
        assertAllMapped(regions);
    }

    @Test
    void aRegionThatIsUnmappedOrChangedMustBeRefused() {
        final List<Region> regions = files(3);
        final Region gone = regions.remove(1);
        gone.unmap();
        assertRefused(List.of(regions.get(0), gone, regions.get(1)), RegionException.class, "refused",
            "reason=DETACHED", "region=0x" + Long.toHexString(gone.address()) + " of test");
        final Region split = space.map(2 * PAGE);
        split.split(PAGE);
        assertRefused(List.of(regions.get(0), regions.get(1), split), RegionException.class, "refused",
            "reason=MOVED", "region=0x" + Long.toHexString(split.address()) + " of test");
        assertAllMapped(regions);
    }

    @Test
    void aRegionThatIsNamedTwiceMustBeRefused() {
        final List<Region> regions = files(2);
        final Region again;
        try (Pin pin = space.pin()) {
            again = pin.find(regions.getFirst().address());
        }
        assertRefused(List.of(regions.get(0), regions.get(1), again), IllegalArgumentException.class, "named twice",
            "region=0x" + Long.toHexString(again.address()) + " of test");
        assertAllMapped(regions);
    }

    @Test
    void noRegionsMustBeNothingToDo() throws Exception {
        space.unmap(List.of());
        assertThat(space.unmap(List.of(), 0, TimeUnit.SECONDS)).isTrue();
        assertThat(space.unmapAsync(List.of()).toCompletableFuture()).isDone();
    }

    @Test
    void aThreadThatWouldWaitForItselfMustBeRefused() {
        final List<Region> regions = files(3);
        try (Guard guard = regions.get(2).share()) {
            assertThatThrownBy(() -> space.unmap(regions)).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContainingAll("unmap by a thread that holds a guard on the region", "close the guard first");
            assertThat(guard.isHeld()).isTrue();
        }
        try (Guard guard = regions.get(2).exclusive()) {
            assertRefused(regions, IllegalMonitorStateException.class, "unmap by the thread that holds the region excl");
            assertThat(guard.isHeld()).isTrue();
        }
        try (Pin _ = space.pin()) {
            assertThatThrownBy(() -> space.unmap(regions)).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining("unmap by a pinned thread");
        }
        assertAllMapped(regions);
    }

    /** Two that each hold what the other waits for would wait for ever. */
    @Test
    void whoWaitsForAWriterMustExcludeNobody() throws Exception {
        final List<Region> regions = files(4);
        final Threads.Work<Boolean> unmap;
        try (Threads.Holder writer = Threads.hold(regions.get(1)::exclusive)) {
            unmap = Threads.start(() -> {
                space.unmap(regions);
                return true;
            });
            idle.awaitWaiter();
            for (final int free : new int[] {0, 2, 3}) {
                regions.get(free).exclusive().close();
            }
            assertThat(unmap.isDone()).isFalse();
            assertThat(writer.thread().isAlive()).isTrue();
        }
        assertThat(unmap.get()).isTrue();
        assertThat(regions).noneMatch(Region::isMapped);
    }

    @Test
    void whenOneGoesWhileAWriterIsWaitedForNoneMayBeUnmapped() throws Exception {
        final List<Region> regions = files(4);
        final Threads.Work<Boolean> unmap;
        try (Threads.Holder writer = Threads.hold(regions.get(1)::exclusive)) {
            unmap = Threads.start(() -> {
                assertThatThrownBy(() -> space.unmap(regions)).isInstanceOf(RegionException.class)
                    .hasMessageContainingAll("reason=DETACHED", "region=0x" +
                        Long.toHexString(regions.get(3).address()));
                return true;
            });
            idle.awaitWaiter();
            regions.get(3).unmap();
            assertThat(writer.thread().isAlive()).isTrue();
        }
        assertThat(unmap.get()).isTrue();
        assertAllMapped(regions.subList(0, 3));
    }

    /** Two calls that share a region: one of them gets all of its regions, the other none. */
    @Test
    void ofTwoThatRaceForARegionOneMustGetAllAndTheOtherNone() throws Exception {
        int firstWon = 0;
        int secondWon = 0;
        final CyclicBarrier start = new CyclicBarrier(2);
        for (int i = 0; i < ROUNDS || (firstWon == 0 || secondWon == 0) && i < 100 * ROUNDS; i++) {
            final List<Region> regions = new ArrayList<>();
            for (int n = 0; n < 7; n++) {
                regions.add(space.map(PAGE));
            }
            final List<Region> one = regions.subList(0, 4);
            final List<Region> other = regions.subList(3, 7).reversed();
            final Threads.Work<Boolean> racing = Threads.start(() -> wins(start, other));
            final boolean mine = wins(start, one);
            assertThat(racing.get()).isNotEqualTo(mine);
            firstWon += mine ? 1 : 0;
            secondWon += mine ? 0 : 1;
            assertThat(mine ? one : other).noneMatch(Region::isMapped);
            final List<Region> left = mine ? regions.subList(4, 7) : regions.subList(0, 3);
            assertAllMapped(left);
            space.unmap(left);
        }
        assertThat(firstWon).as("seen").isPositive();
        assertThat(secondWon).as("seen").isPositive();
    }

    private boolean wins(final CyclicBarrier start, final List<Region> regions) throws Exception {
        start.await();
        try {
            space.unmap(regions);
            return true;
        } catch (final RegionException e) {
            assertThat(e.refusal()).isEqualTo(Refusal.DETACHED);
            return false;
        }
    }

    // ---------------------------------------------------------------------------------------- readers, time, interrupts

    @Test
    void anUnmapThatRunsOutOfTimeMustGoOnInTheBackgroundForAll() throws Exception {
        final List<Region> regions = files(3);
        try (Threads.Holder reader = Threads.hold(regions.get(1)::share)) {
            assertThat(space.unmap(regions, 0, TimeUnit.SECONDS)).isFalse();
            assertThat(regions).noneMatch(Region::isMapped);
            assertThat(space.statistics().backlogUnmaps()).isPositive();
            assertThat(reader.thread().isAlive()).isTrue();
        }
        finishInBackground();
        assertThat(space.statistics().regions()).isZero();
    }

    @Test
    void anUnmapThatDoesNotGetPastAWriterInTimeMustLeaveAllMapped() throws Exception {
        final List<Region> regions = files(3);
        try (Threads.Holder writer = Threads.hold(regions.get(1)::exclusive)) {
            assertThat(space.unmap(regions, 1, TimeUnit.MILLISECONDS)).isFalse();
            assertThat(regions).allMatch(Region::isMapped);
            assertThat(writer.thread().isAlive()).isTrue();
        }
        assertAllMapped(regions);
    }

    @Test
    void anInterruptedUnmapMustGoOnInTheBackgroundAndKeepTheInterrupt() throws Exception {
        final List<Region> regions = files(3);
        try (Threads.Holder reader = Threads.hold(regions.get(2)::share)) {
            final Threads.Work<Boolean> unmap = Threads.start(() -> {
                space.unmap(regions);
                return Thread.currentThread().isInterrupted();
            });
            idle.awaitWaiter();
            unmap.thread().interrupt();
            assertThat(unmap.get()).isTrue();
            assertThat(regions).noneMatch(Region::isMapped);
            assertThat(reader.thread().isAlive()).isTrue();
            assertThatThrownBy(() -> Threads.run(() -> {
                Thread.currentThread().interrupt();
                space.unmap(files(1), 1, TimeUnit.DAYS);
            })).isInstanceOf(InterruptedException.class);
        }
        finishInBackground();
    }

    @Test
    void oneCompletionMustStandForAll() throws Exception {
        final List<Region> regions = files(FILES);
        final CompletableFuture<Void> done;
        try (Threads.Holder reader = Threads.hold(regions.get(4)::share)) {
            done = space.unmapAsync(regions).toCompletableFuture();
            assertThat(regions).noneMatch(Region::isMapped);
            assertThat(space.reclaimer().doWork()).isEqualTo(FILES - 1);
            assertThat(done).isNotDone();
            assertThat(reader.thread().isAlive()).isTrue();
        }
        finishInBackground();
        assertThat(done).isCompleted();
    }

    @Test
    void aThreadMayAnnounceTheUnmapOfWhatItReads() throws Exception {
        final List<Region> regions = files(3);
        try (Guard guard = regions.get(1).share()) {
            space.unmapAsync(regions);
            assertBytesOf(guard.segment(), 0);
        }
        finishInBackground();
    }

    // ----------------------------------------------------------------------------------------------------- the batch

    @Test
    void aBatchMustComeOutInTheOrderOfAddresses() {
        final Random random = new Random(11);
        final Batch batch = new Batch(1_000);
        for (final int size : new int[] {0, 1, 2, 3, 64, 1_000}) {
            for (int i = 0; i < size; i++) {
                final PendingUnmap pending = new PendingUnmap(PAGE, 0);
                pending.taken(0, random.nextInt(1 << 20) * PAGE);
                batch.add(pending);
            }
            int seen = 0;
            long last = -1;
            for (PendingUnmap each = batch.takeSorted(); each != null; each = each.behind) {
                assertThat(each.start()).isGreaterThanOrEqualTo(last);
                last = each.start();
                seen++;
            }
            assertThat(seen).isEqualTo(size);
        }
    }
}
