// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Deadline;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Growth in place, and writing back. */
class GrowTest extends SpaceFixture {
    private static final int START = 10_000;
    private static final long MAXIMUM = 4L << 20;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private Path path;

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory);
    }

    private Region growable() {
        path = file("log", START);
        return space.map(FileBacking.readWrite(path).growableTo(MAXIMUM));
    }

    @Test
    void growthMustKeepAddressAndBytesAndExtendTheFile() throws IOException {
        final Region region = growable();
        final long address = region.address();
        for (final long size : new long[] {START, START + 1, 12_288, 12_289, 1 << 20, MAXIMUM}) {
            region.grow(size);
            assertThat(region.size()).isEqualTo(size);
            assertThat(region.address()).isEqualTo(address);
            assertThat(Files.size(path)).isEqualTo(size);
            try (Guard guard = region.shareWritable()) {
                assertThat(guard.segment().byteSize()).isEqualTo(size);
                assertBytesOf(guard.segment().asSlice(0, START), 0);
                guard.segment().set(JAVA_BYTE, size - 1, byteAt(size - 1));
            }
            try (Pin pin = space.pin()) {
                assertThat(pin.find(address + size - 1)).isEqualTo(region);
                assertThat(pin.find(address + size)).isNull();
            }
        }
        region.unmap();
        assertThat(Files.size(path)).isEqualTo(MAXIMUM);
        assertThat(Resources.mappings(directory)).isZero();
    }

    @Test
    void growthMustGoOnUnderGuardsPinsAndHolds() throws Exception {
        final Region region = growable();
        try (Guard guard = region.shareWritable(); Pin pin = space.pin();
            Threads.Holder other = Threads.hold(region::share); Hold hold = region.hold()) {
            final MemorySegment before = guard.segment();
            region.grow(100_000);
            assertBytesOf(before, 0);
            assertThat(before.byteSize()).isEqualTo(START);
            assertThat(pin.find(region.address() + 99_999)).isEqualTo(region);
            try (Guard now = region.share(); Hold.View view = hold.view()) {
                assertThat(now.segment().byteSize()).isEqualTo(100_000);
                assertThat(view.segment().byteSize()).isEqualTo(100_000);
            }
            assertThat(other.thread().isAlive()).isTrue();
        }
    }

    @Test
    void unalignedRangeMustGrowAtItsOffset() throws IOException {
        final Path file = directory.resolve("odd");
        final Region region = space.map(FileBacking.readWrite(file).range(5001, 10).growableTo(100_000));
        region.grow(100_000);
        assertThat(Files.size(file)).isEqualTo(105_001);
        try (Guard guard = region.shareWritable()) {
            guard.segment().set(JAVA_BYTE, 99_999, (byte) 3);
        }
        region.force();
        assertThat(Files.readAllBytes(file)[105_000]).isEqualTo((byte) 3);
    }

    @ParameterizedTest
    @ValueSource(longs = {START - 1, 0, -1, Long.MIN_VALUE, MAXIMUM + 1, Long.MAX_VALUE})
    void sizeOutOfRangeMustBeRefused(final long size) throws IOException {
        final Region region = growable();
        assertThatThrownBy(() -> region.grow(size)).isInstanceOf(IllegalArgumentException.class)
            .hasMessageContainingAll("grow out of range: newSize=" + size, "size=" + START, "maximum=" + MAXIMUM,
                "region=0x", "attached=true");
        assertThat(region.size()).isEqualTo(START);
        assertThat(Files.size(path)).isEqualTo(START);
    }

    @Test
    void growthBeyondTheFreeBlocksMustBeRefusedWithoutTakingAny() throws IOException {
        path = file("log", START);
        final Region region = space.map(FileBacking.readWrite(path).growableTo(1L << 32));
        final long growths = memory.calls(NativeCall.FALLOCATE);
        memory.reportFreeBytes(1 << 20);
        assertThatThrownBy(() -> region.grow(1L << 32)).isInstanceOf(UncheckedIOException.class)
            .hasMessageContainingAll("grow failed: path=" + path, "length=" + (1L << 32), "needed=", "free=1048576",
                "errno=28 (ENOSPC)", "free space");
        final Path next = directory.resolve("next");
        assertThatThrownBy(() -> space.map(FileBacking.readWrite(next).range(0, 1L << 32).growableTo(1L << 32)))
            .isInstanceOf(UncheckedIOException.class).hasMessageContaining("ENOSPC");
        assertThat(memory.calls(NativeCall.FALLOCATE)).isEqualTo(growths);
        assertThat(region.size()).isEqualTo(START);
        assertThat(Files.size(path)).isEqualTo(START);
        region.grow(START + 1);
        assertThat(Files.size(path)).isEqualTo(START + 1);
    }

    @Test
    void mapThatIsRefusedAnywayMustTakeNoBlocks() throws IOException {
        final Path next = directory.resolve("next");
        final FileBacking backing = FileBacking.readWrite(next).range(0, 1 << 20);
        final long growths = memory.calls(NativeCall.FALLOCATE);
        assertThatThrownBy(() -> space.map(backing.growableTo(2 * CAPACITY))).isInstanceOf(MappingException.class)
            .hasMessageContaining("capacity=" + CAPACITY);
        assertThatThrownBy(() -> space.map(MapRequest.file(backing.growableTo(2 << 20)).at(1)))
            .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("address is misaligned");
        assertThat(memory.calls(NativeCall.FALLOCATE)).isEqualTo(growths);
        assertThat(Files.size(next)).isZero();
    }

    @Test
    void regionThatIsNotGrowableMustNotGrow() {
        final Region fixed = space.map(FileBacking.readWrite(file("data", 100)));
        assertThatThrownBy(() -> fixed.grow(200)).isInstanceOf(RegionException.class)
            .hasMessageContainingAll("grow", "not growable", "region=0x", "attached=true");
        final Region anonymous = space.map(100);
        assertThatThrownBy(() -> anonymous.grow(200)).isInstanceOf(RegionException.class)
            .hasMessageContaining("not growable");
    }

    /** G4, G9: the pages behind the old end too, and at once. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void readOnlyMemoryMustBeReadOnlyInWhatItGrowsBy(final boolean byRemap) {
        Region region = space.map(MapRequest.anonymous(5000).growableTo(1 << 20)).protect(Protection.READ_ONLY);
        SpaceInspector.check(space);
        memory.failNth(NativeCall.MPROTECT, 1, Errno.ENOMEM, FaultInjectingMemory.Damage.NONE);
        final Region whole = region;
        assertThatThrownBy(() -> whole.grow(3 * PAGE)).isInstanceOf(MappingException.class)
            .hasMessageContainingAll("grow", "ENOMEM");
        memory.disarm();
        assertThat(region.size()).isEqualTo(5000);
        if (byRemap) {
            region = region.remap(3 * PAGE);
        } else {
            region.grow(3 * PAGE);
        }
        assertThat(region.size()).isEqualTo(3 * PAGE);
        SpaceInspector.check(space); // compares each page with what the kernel lists
        region = region.protect(Protection.READ_WRITE);
        put(region, 3 * PAGE - Long.BYTES, 7);
        assertThat(get(region, 3 * PAGE - Long.BYTES)).isEqualTo(7);
        region.unmap();
    }

    @Test
    void memoryThatMayGrowThroughAllZonesMustBeMemoryToItsEnd() {
        try (AddressSpace small = AddressSpace.builder().capacity(64 << 20).open()) {
            final Region region = small.map(MapRequest.anonymous(PAGE).growableTo(64 << 20));
            SpaceInspector.check(small);
            region.grow(64 << 20);
            SpaceInspector.check(small);
            put(region, (64 << 20) - Long.BYTES, 5);
            assertThat(get(region, (64 << 20) - Long.BYTES)).isEqualTo(5);
            region.unmap();
            SpaceInspector.check(small);
        }
    }

    @Test
    void unmappedRegionMustNotGrowOrBeWrittenBack() {
        final Region region = growable();
        region.unmap();
        assertThatThrownBy(() -> region.grow(20_000)).isInstanceOf(RegionException.class)
            .hasMessageContainingAll("grow refused: reason=DETACHED", "attached=false");
        assertThatThrownBy(region::force).isInstanceOf(RegionException.class)
            .hasMessageContainingAll("force refused: reason=DETACHED", "attached=false");
    }

    @Test
    void readersMustSeeOnlyGoodBytesWhileARegionGrows() throws Exception {
        final Region region = growable();
        final AtomicBoolean stop = new AtomicBoolean();
        final Threads.Work<Long> guarded = Threads.start(() -> {
            long grown = 0;
            long last = 0;
            while (!stop.get()) {
                try (Guard guard = region.share()) {
                    final MemorySegment segment = guard.segment();
                    grown += segment.byteSize() > last ? 1 : 0;
                    last = segment.byteSize();
                    assertThat(segment.get(JAVA_BYTE, START - 1)).isEqualTo(byteAt(START - 1));
                    segment.get(JAVA_BYTE, last - 1);
                }
            }
            return grown;
        });
        final Threads.Work<Long> optimistic = Threads.start(() -> {
            long grown = 0;
            long last = 0;
            while (!stop.get()) {
                final MemorySegment segment = region.optimisticSegment();
                grown += segment.byteSize() > last ? 1 : 0;
                last = segment.byteSize();
                segment.get(JAVA_BYTE, last - 1);
            }
            return grown;
        });
        for (long size = START; size <= MAXIMUM; size += 2_000) {
            region.grow(size);
        }
        stop.set(true);
        assertThat(guarded.get()).as("sizes seen under guards").isGreaterThan(1);
        assertThat(optimistic.get()).as("sizes seen optimistically").isGreaterThan(1);
    }

    /** A word of memory that grows: where it stands once it is written, and 0 before. */
    private static boolean isWord(final MemorySegment segment, final long at) {
        final long word = segment.get(JAVA_LONG, at);
        return word == 0 || word == ~at;
    }

    private static boolean areWords(final MemorySegment segment) {
        for (long at = 0; at < segment.byteSize(); at += 504) {
            if (!isWord(segment, at)) {
                return false;
            }
        }
        return isWord(segment, segment.byteSize() - Long.BYTES);
    }

    /** Sees a region larger under each guard than under the last, while the segment of the last is good for its bytes. */
    private static long readUnderGuards(final Region region, final AtomicBoolean stop) {
        long grown = 0;
        Guard last = region.share();
        while (!stop.get()) {
            final Guard next = region.share();
            final long size = next.segment().byteSize();
            assertThat(size).isGreaterThanOrEqualTo(last.segment().byteSize()).isLessThanOrEqualTo(region.size());
            grown += size > last.segment().byteSize() ? 1 : 0;
            assertThat(areWords(last.segment())).as("the segment from before").isTrue();
            assertThat(areWords(next.segment())).as("the segment from now on").isTrue();
            last.close();
            last = next;
        }
        last.close();
        return grown;
    }

    private long readUnderPins(final Region region, final AtomicBoolean stop) {
        long grown = 0;
        long last = 0;
        while (!stop.get()) {
            try (Pin pin = space.pin()) {
                final long size = region.size();
                assertThat(pin.find(region.address() + size - 1)).isEqualTo(region);
                assertThat(areWords(region.optimisticSegment())).as("read under a pin").isTrue();
                grown += size > last ? 1 : 0;
                last = size;
            }
        }
        return grown;
    }

    private static long readOptimistically(final Region region, final AtomicBoolean stop) {
        long grown = 0;
        long last = 0;
        while (!stop.get()) {
            final long stamp = region.tryOptimisticRead();
            final MemorySegment segment = region.optimisticSegment();
            final boolean good = areWords(segment);
            assertThat(region.validate(stamp)).as("growth excludes nobody").isTrue();
            assertThat(good).as("optimistic read").isTrue();
            assertThat(segment.byteSize()).isGreaterThanOrEqualTo(last);
            grown += segment.byteSize() > last ? 1 : 0;
            last = segment.byteSize();
        }
        return grown;
    }

    /** Its addresses were somebody else's before, whose bytes must not be seen, and end at a neighbour's. */
    @Test
    void readersMustSeeNoWrongByteWhileMemoryGrows() throws Exception {
        final Region before = space.map(MAXIMUM);
        AnonymousRegionTest.fill(before, (byte) 0x77);
        before.unmap();
        final Region region = space.map(MapRequest.anonymous(2 * PAGE).growableTo(MAXIMUM).at(before.address()));
        final Region neighbour = space.map(MapRequest.anonymous(PAGE).at(region.address() + MAXIMUM));
        AnonymousRegionTest.fill(neighbour, (byte) 0x55);
        final AtomicBoolean stop = new AtomicBoolean();
        final List<Threads.Work<Long>> readers = List.of(Threads.start(() -> readUnderGuards(region, stop)),
            Threads.start(() -> readUnderPins(region, stop)), Threads.start(() -> readOptimistically(region, stop)));
        long written = 0;
        for (long size = 2 * PAGE; size <= MAXIMUM; size += 4 * PAGE - 8) {
            region.grow(size);
            try (Guard guard = region.shareWritable()) {
                assertThat(guard.segment().byteSize()).isEqualTo(size);
                for (; written < size; written += Long.BYTES) {
                    if (guard.segment().get(JAVA_LONG, written) != 0) {
                        assertThat(guard.segment().get(JAVA_LONG, written)).as("byte that is new, %d", written).isZero();
                    }
                    guard.segment().set(JAVA_LONG, written, ~written);
                }
            }
            Thread.yield();
        }
        region.grow(MAXIMUM);
        stop.set(true);
        for (final Threads.Work<Long> reader : readers) {
            assertThat(reader.get()).as("sizes that a reader saw").isGreaterThan(2);
        }
        assertThat(AnonymousRegionTest.isFilled(neighbour, (byte) 0x55)).isTrue();
        assertThat(region.optimisticSegment().byteSize()).isEqualTo(MAXIMUM);
    }

    @Test
    void growthsThatRaceMustBothBeThere() throws Exception {
        final Region region = growable();
        final Threads.Work<Boolean> other = Threads.start(() -> {
            growTo(region, 2L << 20);
            return true;
        });
        growTo(region, MAXIMUM);
        other.get();
        assertThat(region.size()).isEqualTo(MAXIMUM);
        assertThat(Files.size(path)).isEqualTo(MAXIMUM);
    }

    /** G11. */
    @Test
    void growthMustGiveUpWaitingForAnotherGrowth() throws Exception {
        final Region region = growable();
        final CountDownLatch begun = new CountDownLatch(1);
        final CountDownLatch goOn = new CountDownLatch(1);
        memory.arm(call -> {
            if (call.kind() == NativeCall.FALLOCATE) {
                begun.countDown();
                assertThatCode(goOn::await).doesNotThrowAnyException();
            }
            return false;
        }, 1, 1, 1, FaultInjectingMemory.Damage.NONE);
        final Threads.Work<Boolean> first = Threads.start(() -> {
            region.grow(1L << 20);
            return true;
        });
        begun.await();
        for (final long timeoutNs : new long[] {0, 1_000_000}) {
            assertThatThrownBy(() -> Deadline.within(timeoutNs, TimeUnit.NANOSECONDS, () -> region.grow(MAXIMUM)))
                .isInstanceOf(TimeoutException.class).hasMessageContaining("nothing has changed");
        }
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> Deadline.within(1, TimeUnit.DAYS, () -> region.grow(MAXIMUM)))
            .isInstanceOf(InterruptedException.class);
        assertThat(region.size()).isEqualTo(START);
        final Threads.Work<Boolean> second = Threads.start(() -> {
            region.grow(MAXIMUM);
            return true;
        });
        idle.awaitWaiter();
        assertThat(second.isDone()).isFalse();
        memory.disarm();
        goOn.countDown();
        first.get();
        second.get();
        assertThat(region.size()).isEqualTo(MAXIMUM);
    }

    private static void growTo(final Region region, final long limit) {
        for (long size = START; size <= limit; size += 4096) {
            try {
                region.grow(size);
            } catch (final IllegalArgumentException larger) {
                assertThat(region.size()).isGreaterThan(size);
            }
        }
        if (region.size() < limit) {
            region.grow(limit);
        }
    }

    @Test
    void writingBackMustDoNothingWhereNothingCanReachAFile() {
        space.map(PAGE).force();
        space.map(FileBacking.readOnly(file("data", 100))).force();
        space.map(FileBacking.copyOnWrite(file("copy", 100))).force();
    }
}
