// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.ByteOrder.BIG_ENDIAN;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Lease;
import io.holdfast.MapRequest;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a lease reads, writes and refuses (G3, G10). */
class LeaseTest extends SpaceFixture {
    private static final int LENGTH = 10_000;
    private static final int SLICES = 1_000;
    private static final int ROUNDS = 3;

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.eras(Duration.ofDays(1), Duration.ZERO).startReclaimer(false);
    }

    private Region mapped() {
        return space.map(FileBacking.readWrite(file("data", LENGTH)));
    }

    private static ByteBuffer bytes(final long offset, final ByteOrder order) {
        final byte[] bytes = new byte[Long.BYTES];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = byteAt(offset + i);
        }
        return ByteBuffer.wrap(bytes).order(order);
    }

    static void assertRefused(final ThrowingCallable call, final Refusal refusal) {
        assertThatThrownBy(call).isInstanceOf(RegionException.class).hasMessageContaining("region=0x")
            .satisfies(e -> assertThat(((RegionException) e).refusal()).isEqualTo(refusal));
    }

    /** G9: an end that needs heap would fail where there is none. */
    @Test
    void theEndOfASliceMustNeedNoHeap() {
        final ThreadMXBean allocations = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        final Lease[] slices = new Lease[SLICES];
        final Lease lease = mapped().lease();
        long allocated = Long.MAX_VALUE;
        for (int round = 0; round < ROUNDS; round++) { // the first loads classes
            Arrays.setAll(slices, i -> lease.slice(i, 1));
            final long before = allocations.getCurrentThreadAllocatedBytes();
            for (final Lease slice : slices) {
                slice.close();
            }
            allocated = Math.min(allocated, allocations.getCurrentThreadAllocatedBytes() - before);
        }
        assertThat(allocated).isLessThan(SLICES);
        assertRefused(() -> slices[0].getByte(0), Refusal.ENDED);
        assertThat(lease.getByte(0)).isEqualTo(byteAt(0));
    }

    @Test
    void valuesOfEachWidthAndOrderMustBeRead() {
        final Region region = mapped();
        final Lease lease = region.lease();
        final Lease slice = lease.slice(5, 100);
        for (final long offset : new long[] {0, 1, 3, 92}) {
            assertValues(lease, offset, offset);
            assertValues(slice, offset, offset + 5);
        }
        assertThat(lease.region()).isEqualTo(region);
        assertThat(lease.size()).isEqualTo(LENGTH);
        assertThat(slice.size()).isEqualTo(100);
        assertThat(lease.isCurrent()).isTrue();
        region.unmap();
    }

    /** What one access takes besides the bytes that were asked for may not be behind them. */
    @Test
    void theLastBytesOfAFileThatSomebodyHasCutMustBeRead() throws IOException {
        final Path path = file("cut", (int) (2 * PAGE));
        final Lease lease = space.map(FileBacking.readOnly(path)).lease();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.truncate(PAGE);
        }
        for (int length = 1; length <= Long.BYTES + 1; length++) {
            assertCopies(lease, PAGE - length, PAGE - length, length);
        }
        assertCopies(lease, PAGE, PAGE, 0);
    }

    private static void assertValues(final Lease lease, final long offset, final long at) {
        final ByteBuffer own = bytes(at, ByteOrder.nativeOrder());
        assertThat(lease.getByte(offset)).isEqualTo(own.get(0));
        assertThat(lease.getShort(offset)).isEqualTo(own.getShort(0));
        assertThat(lease.getChar(offset)).isEqualTo(own.getChar(0));
        assertThat(lease.getInt(offset)).isEqualTo(own.getInt(0));
        assertThat(lease.getLong(offset)).isEqualTo(own.getLong(0));
        assertThat(lease.getFloat(offset)).isEqualTo(own.getFloat(0));
        assertThat(lease.getDouble(offset)).isEqualTo(own.getDouble(0));
        for (final ByteOrder order : List.of(BIG_ENDIAN, LITTLE_ENDIAN)) {
            final ByteBuffer ordered = bytes(at, order);
            assertThat(lease.getShort(offset, order)).isEqualTo(ordered.getShort(0));
            assertThat(lease.getChar(offset, order)).isEqualTo(ordered.getChar(0));
            assertThat(lease.getInt(offset, order)).isEqualTo(ordered.getInt(0));
            assertThat(lease.getLong(offset, order)).isEqualTo(ordered.getLong(0));
            assertThat(lease.getFloat(offset, order)).isEqualTo(ordered.getFloat(0));
            assertThat(lease.getDouble(offset, order)).isEqualTo(ordered.getDouble(0));
        }
    }

    /** They are made otherwise than long ones, but for those at the beginning of the region. */
    @Test
    void shortCopiesMustBringTheirBytesAndChangeNoOthers() {
        final Lease lease = mapped().lease();
        final Lease slice = lease.slice(LENGTH - 20, 20);
        for (int count = 0; count <= 9; count++) {
            for (int offset = 0; offset <= 20 - count; offset++) {
                assertCopies(lease, offset, offset, count);
                assertCopies(lease, LENGTH - 20 + offset, LENGTH - 20 + offset, count);
                assertCopies(slice, offset, LENGTH - 20 + offset, count);
            }
            final int length = count;
            assertOutOfBounds(() -> slice.getBytes(21 - length, new byte[length], 0, length), "getBytes");
            assertThatThrownBy(() -> lease.getBytes(0, new byte[length], 1, length))
                .isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> lease.getBytes(0, new byte[length], -1, length))
                .isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    private static void assertCopies(final Lease lease, final long offset, final long at, final int count) {
        final byte[] copy = new byte[count + 2];
        lease.getBytes(offset, copy, 1, count);
        final byte[] expected = new byte[count + 2];
        for (int i = 0; i < count; i++) {
            expected[i + 1] = byteAt(at + i);
        }
        assertThat(copy).isEqualTo(expected);
    }

    @Test
    void valuesOfEachWidthAndOrderMustBeWritten() {
        final Region region = space.map(PAGE);
        final Lease slice = region.lease().slice(3, 50);
        final Lease lease = region.lease();
        slice.putByte(0, (byte) 9);
        assertThat(lease.getByte(3)).isEqualTo((byte) 9);
        slice.putShort(1, (short) -2);
        assertThat(lease.getShort(4)).isEqualTo((short) -2);
        slice.putChar(1, 'x');
        assertThat(lease.getChar(4)).isEqualTo('x');
        slice.putInt(1, 77);
        assertThat(lease.getInt(4)).isEqualTo(77);
        slice.putLong(1, Long.MIN_VALUE + 5);
        assertThat(lease.getLong(4)).isEqualTo(Long.MIN_VALUE + 5);
        slice.putFloat(1, 1.5f);
        assertThat(lease.getFloat(4)).isEqualTo(1.5f);
        slice.putDouble(1, -2.5);
        assertThat(lease.getDouble(4)).isEqualTo(-2.5);
        for (final ByteOrder order : List.of(BIG_ENDIAN, LITTLE_ENDIAN)) {
            slice.putShort(1, (short) 300, order);
            assertThat(lease.getShort(4, order)).isEqualTo((short) 300);
            slice.putChar(1, 'y', order);
            assertThat(lease.getChar(4, order)).isEqualTo('y');
            slice.putInt(1, 0x01020304, order);
            assertThat(lease.getByte(4)).isEqualTo((byte) (order == BIG_ENDIAN ? 1 : 4));
            slice.putLong(1, 99, order);
            assertThat(lease.getLong(4, order)).isEqualTo(99);
            slice.putFloat(1, 3.5f, order);
            assertThat(lease.getFloat(4, order)).isEqualTo(3.5f);
            slice.putDouble(1, 4.5, order);
            assertThat(lease.getDouble(4, order)).isEqualTo(4.5);
        }
        try (Guard guard = region.share()) {
            assertThat(guard.segment().get(JAVA_BYTE, 3)).isEqualTo((byte) 9);
        }
        region.unmap();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 100, 3 << 20})
    void bulkOperationsMustCopyWhatIsThere(final int length) {
        final Region region = space.map(FileBacking.readWrite(file("large", (3 << 20) + 500)));
        final Lease lease = region.lease();
        final byte[] copy = new byte[length + 7];
        lease.getBytes(200, copy, 3, length);
        assertBytesOf(MemorySegment.ofArray(copy).asSlice(3, length), 200);
        lease.slice(100, length + 100).getBytes(100, MemorySegment.ofArray(copy), 4, length);
        final MemorySegment slice = MemorySegment.ofArray(copy).asSlice(4, length);
        assertBytesOf(slice, 200);
        assertThat(lease.mismatch(200, slice, 0, length)).isEqualTo(-1);
        if (length > 0) {
            slice.set(JAVA_BYTE, length - 1, (byte) (slice.get(JAVA_BYTE, length - 1) + 1));
            assertThat(lease.mismatch(200, slice, 0, length)).isEqualTo(length - 1);
        }
        lease.putBytes(300, slice, 0, length);
        assertThat(lease.mismatch(300, slice, 0, length)).isEqualTo(-1);
        lease.putBytes(301, copy, 4, length);
        assertThat(lease.mismatch(301, slice, 0, length)).isEqualTo(-1);
        lease.fill(301, length, (byte) 3);
        lease.getBytes(301, copy, 0, length);
        for (int i = 0; i < length; i++) {
            assertThat(copy[i] == 3).isTrue();
        }
        region.unmap();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 100, 300_000})
    void arraysOfValuesMustBeCopiedInNativeOrder(final int count) {
        final Region region = space.map(FileBacking.readWrite(file("large", (3 << 20) + 500)));
        final Lease lease = region.lease();
        final Lease slice = lease.slice(3, lease.size() - 3);
        final int[] ints = new int[count + 2];
        final long[] longs = new long[count + 2];
        final float[] floats = new float[count + 2];
        lease.getInts(8, ints, 1, count);
        slice.getLongs(5, longs, 1, count);
        lease.getFloats(8, floats, 1, count);
        for (int i = 0; i < count; i++) {
            assertThat(ints[i + 1] == lease.getInt(8 + 4L * i)).isTrue();
            assertThat(longs[i + 1] == lease.getLong(8 + 8L * i)).isTrue();
            assertThat(Float.compare(floats[i + 1], lease.getFloat(8 + 4L * i))).isZero();
        }
        assertThat(ints[0] | ints[count + 1]).isZero();
        assertOutOfBounds(() -> slice.getInts(lease.size() - 6, new int[1], 0, 1), "getInts");
        assertOutOfBounds(() -> slice.getLongs(lease.size() - 10, new long[1], 0, 1), "getLongs");
        assertOutOfBounds(() -> slice.getFloats(-1, new float[1], 0, 1), "getFloats");
        assertThatThrownBy(() -> lease.getInts(0, ints, 3, count)).isInstanceOf(IndexOutOfBoundsException.class);
        region.unmap();
    }

    @Test
    void whatIsNotInTheRegionMustBeRefused() {
        final Region region = mapped();
        final Lease lease = region.lease();
        final Lease slice = lease.slice(10, 20);
        for (final long offset : new long[] {-1, Long.MIN_VALUE, LENGTH, LENGTH - 7, Long.MAX_VALUE, Long.MAX_VALUE - 5}) {
            assertOutOfBounds(() -> lease.getLong(offset), "getLong");
            assertOutOfBounds(() -> lease.putLong(offset, 1), "putLong");
            assertOutOfBounds(() -> lease.slice(offset, 8), "slice");
            assertOutOfBounds(() -> lease.getBytes(offset, new byte[8], 0, 8), "getBytes");
            assertOutOfBounds(() -> lease.mismatch(offset, MemorySegment.ofArray(new byte[8]), 0, 8), "mismatch");
        }
        for (final long offset : new long[] {-1, 13, 20, Long.MAX_VALUE}) {
            assertOutOfBounds(() -> slice.getLong(offset), "getLong");
            assertOutOfBounds(() -> slice.slice(offset, 8), "slice");
            assertOutOfBounds(() -> slice.putBytes(offset, new byte[8], 0, 8), "putBytes");
            assertOutOfBounds(() -> slice.fill(offset, 8, (byte) 0), "fill");
        }
        assertOutOfBounds(() -> lease.fill(0, -1, (byte) 0), "fill");
        assertThatThrownBy(() -> lease.getBytes(0, new byte[8], 1, 8)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> lease.putBytes(0, Arena.global().allocate(8), 1, 8))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertBytesOf(region.optimisticSegment(), 0);
        region.unmap();
    }

    private static void assertOutOfBounds(final ThrowingCallable call, final String operation) {
        assertThatThrownBy(call).isInstanceOf(IndexOutOfBoundsException.class)
            .hasMessageStartingWith(operation + " out of bounds: offset=").hasMessageContaining("region=0x");
    }

    @Test
    void leaseOfAReadOnlyRegionMustRefuseWrites() {
        final Region region = space.map(FileBacking.readOnly(file("data", LENGTH)));
        final Lease lease = region.lease();
        final List<ThrowingCallable> writes = List.of(() -> lease.putByte(0, (byte) 1), () -> lease.putShort(0, (short) 1),
            () -> lease.putInt(0, 1), () -> lease.putLong(0, 1), () -> lease.fill(0, 1, (byte) 1),
            () -> lease.putBytes(0, new byte[1], 0, 1));
        for (final ThrowingCallable write : writes) {
            assertThatThrownBy(write).isInstanceOf(RegionException.class).hasMessageContaining("read-only region");
        }
        region.unmap();
    }

    @Test
    void endedLeaseMustRefuseEverythingAtOnceAndItsSlicesToo() {
        final Region region = mapped();
        final Lease lease = region.lease();
        final Lease slice = lease.slice(0, 100);
        final Lease partOfSlice = slice.slice(0, 50);
        final Lease other = region.lease();
        slice.close();
        assertEnded(slice);
        assertThat(partOfSlice.getByte(0)).isEqualTo(byteAt(0));
        assertThat(lease.getByte(0)).isEqualTo(byteAt(0));
        lease.close();
        lease.close();
        assertEnded(lease);
        assertEnded(partOfSlice);
        slice.close();
        assertThat(other.getByte(0)).isEqualTo(byteAt(0));
        region.unmap();
        lease.close();
        assertEnded(lease);
    }

    private static void assertEnded(final Lease lease) {
        assertThat(lease.isCurrent()).isFalse();
        assertThat(lease.region()).isNotNull();
        final List<Consumer<Lease>> all = List.of(l -> l.getByte(0), l -> l.getShort(0), l -> l.getInt(0),
            l -> l.getLong(0), l -> l.putByte(0, (byte) 0), l -> l.putShort(0, (short) 0), l -> l.putInt(0, 0),
            l -> l.putLong(0, 0), l -> l.getBytes(0, new byte[1], 0, 1), l -> l.getInts(0, new int[1], 0, 1),
            l -> l.getLongs(0, new long[1], 0, 1), l -> l.getFloats(0, new float[1], 0, 1),
            l -> l.putBytes(0, new byte[1], 0, 1),
            l -> l.fill(0, 1, (byte) 0), l -> l.mismatch(0, MemorySegment.ofArray(new byte[1]), 0, 1),
            l -> l.slice(0, 1), Lease::size);
        for (final Consumer<Lease> one : all) {
            assertRefused(() -> one.accept(lease), Refusal.ENDED);
        }
    }

    @Test
    void anyThreadMustReadThroughALeaseAndMayEndIt() throws Exception {
        final Region region = mapped();
        final Lease lease = region.lease();
        assertThat(Threads.run(() -> lease.getLong(8))).isEqualTo(lease.getLong(8));
        assertThat(Threads.startVirtual(() -> lease.getLong(8)).get()).isEqualTo(lease.getLong(8));
        Threads.run(lease::close);
        assertEnded(lease);
        region.unmap();
    }

    @Test
    void leaseOfWhatIsUnmappedMustBeRefused() {
        final Region region = mapped();
        region.unmap();
        assertRefused(region::lease, Refusal.DETACHED);
        assertRefused(region::sharedSegment, Refusal.DETACHED);
        assertThat(space.statistics().eras()).isZero();
    }

    @Test
    void unmappedRegionMustBeRefusedWhenItsEraHasEnded() {
        final Region region = mapped();
        final Lease lease = region.lease();
        final Lease slice = lease.slice(8, 8);
        region.unmap();
        assertThat(lease.isCurrent()).isFalse();
        assertRefused(() -> lease.getByte(0), Refusal.DETACHED);
        assertRefused(() -> slice.getByte(0), Refusal.DETACHED);
        assertRefused(() -> lease.getBytes(0, new byte[1], 0, 1), Refusal.DETACHED);
        assertRefused(lease::size, Refusal.DETACHED);
        assertThat(space.statistics().eras()).isEqualTo(1);
    }

    @Test
    void whatComesToTheSameAddressesMustNeverBeReadThroughAnOldLease() {
        final long address = 1L << 30;
        final MapRequest request = MapRequest.file(FileBacking.readWrite(file("one", LENGTH))).at(address);
        final Region region = space.map(request);
        final Lease lease = region.lease();
        region.unmap();
        final Region next = space.map(request);
        assertRefused(() -> lease.getByte(0), Refusal.DETACHED);
        assertRefused(() -> lease.putByte(0, (byte) 7), Refusal.DETACHED);
        assertThat(next.lease().getByte(0)).isEqualTo(byteAt(0));
        next.unmap();
    }

    @Test
    void unmapInTheBackgroundMustLetALeaseReadUntilTheEraEnds() {
        final Region region = mapped();
        final Region other = space.map(PAGE);
        final Lease lease = region.lease();
        final Lease stays = other.lease();
        assertThat(region.unmapAsync().toCompletableFuture()).isNotDone();
        inside(space).unmapper().reclaimer().doWork();
        assertThat(lease.getByte(9)).isEqualTo(byteAt(9));
        assertThat(lease.isCurrent()).isFalse();
        assertThat(space.statistics().eraBytes()).isEqualTo(3 * PAGE);
        other.unmap();
        assertRefused(() -> lease.getByte(9), Refusal.DETACHED);
        assertRefused(() -> stays.getByte(9), Refusal.DETACHED);
        inside(space).unmapper().reclaimer().doWork();
        assertThat(space.statistics().regions()).isZero();
        assertThat(space.statistics().eras()).as("one for both").isEqualTo(1);
        assertThat(space.statistics().eraBytes()).isZero();
    }
}
