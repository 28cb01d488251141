// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** File regions that can be mapped: access, ranges, sizes, what reaches the file. */
class FileRegionTest extends SpaceFixture {
    private static final int LENGTH = 50_000;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory);
    }

    @ParameterizedTest
    @EnumSource
    void mappingMustMakeNoMoreCallsThanItNeeds(final FileBacking.Access access) {
        final Path path = file("data", LENGTH);
        final FileBacking backing = switch (access) {
            case READ_ONLY -> FileBacking.readOnly(path);
            case READ_WRITE -> FileBacking.readWrite(path);
            case COPY_ON_WRITE -> FileBacking.copyOnWrite(path);
        };
        space.map(backing).unmap(); // the zone of files is there, and what its file system is like is known
        memory.record(true);
        final Region region = space.map(backing);
        memory.record(false);
        region.unmap();
        final List<NativeCall> calls = memory.recorded().stream().map(FaultInjectingMemory.Call::kind)
            .filter(call -> call != NativeCall.FSTATFS).toList(); // which kernels before 6.8 need each time
        assertThat(calls).containsExactlyElementsOf(switch (access) {
            case READ_ONLY -> List.of(NativeCall.OPEN, NativeCall.STATX, NativeCall.MMAP, NativeCall.CLOSE);
            // looked at first, since it may be a device; the descriptor stays as long as the region
            case READ_WRITE -> List.of(NativeCall.STATX, NativeCall.OPEN, NativeCall.STATX, NativeCall.MMAP);
            // mapped elsewhere first, since that may fail
            case COPY_ON_WRITE -> List.of(NativeCall.OPEN, NativeCall.STATX, NativeCall.MMAP, NativeCall.MREMAP,
                NativeCall.CLOSE);
        });
    }

    @Test
    void readOnlyRegionMustShowTheFileAndRefuseWriters() {
        final Path path = file("data", LENGTH);
        final Region region = space.map(FileBacking.readOnly(path));
        assertThat(region.size()).isEqualTo(LENGTH);
        assertThat(region.isWritable()).isFalse();
        try (Guard guard = region.share()) {
            assertBytesOf(guard.segment(), 0);
        }
        try (Guard guard = region.exclusive()) {
            assertThat(guard.segment().isReadOnly()).isTrue();
        }
        assertThatThrownBy(region::shareWritable).isInstanceOf(RegionException.class)
            .hasMessageContaining("shareWritable of a read-only region").hasMessageContaining("attached=true");
        assertThatThrownBy(region::tryShareWritable).isInstanceOf(RegionException.class)
            .hasMessageContaining("tryShareWritable of a read-only region");
        region.unmap();
    }

    @Test
    void writesThroughReadWriteRegionMustReachTheFile() throws IOException {
        final Path path = file("data", LENGTH);
        final Region region = space.map(FileBacking.readWrite(path));
        put(region, 1000, 0x1122334455667788L);
        assertThat(longOf(path, 1000)).isEqualTo(0x1122334455667788L);
        region.force();
        region.unmap();
        assertThat(longOf(path, 1000)).isEqualTo(0x1122334455667788L);
        assertThat(Files.size(path)).isEqualTo(LENGTH);
    }

    @Test
    void writesOfOthersToTheFileMustShow() throws IOException {
        final Path path = file("data", LENGTH);
        final Region region = space.map(FileBacking.readOnly(path));
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.seek(4096);
            file.writeLong(-1);
        }
        assertThat(get(region, 4096)).isEqualTo(-1);
        region.unmap();
    }

    @Test
    void writesThroughCopyOnWriteRegionMustNotReachTheFile() throws IOException {
        final Path path = file("data", LENGTH);
        final long before = longOf(path, 1000);
        final Region region = space.map(FileBacking.copyOnWrite(path));
        put(region, 1000, 42);
        assertThat(get(region, 1000)).isEqualTo(42);
        region.force();
        assertThat(longOf(path, 1000)).isEqualTo(before);
        final Region other = space.map(FileBacking.copyOnWrite(path));
        assertThat(get(other, 1000)).as("each region has its own copy").isNotEqualTo(42);
        other.unmap();
        region.unmap();
        assertThat(longOf(path, 1000)).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "1, 1", "1, 4096", "4095, 1", "4095, 2", "4096, 4096", "4097, 8191", "12345, 6789", "0, 50000",
        "49999, 1", "40960, 9040", "40961, 9039"})
    void anyRangeOfAFileCanBeMapped(final long offset, final long length) throws IOException {
        final Path path = file("data", LENGTH);
        for (final FileBacking backing : List.of(FileBacking.readOnly(path), FileBacking.readWrite(path),
            FileBacking.copyOnWrite(path))) {
            final Region region = space.map(backing.range(offset, length));
            assertThat(region.size()).isEqualTo(length);
            assertThat(region.address() % PAGE).isEqualTo(offset % PAGE);
            try (Guard guard = region.share()) {
                assertThat(guard.segment().byteSize()).isEqualTo(length);
                assertBytesOf(guard.segment(), offset);
            }
            assertBytesOf(region.optimisticSegment(), offset);
            if (backing.access() == FileBacking.Access.READ_WRITE) {
                try (Guard guard = region.shareWritable()) {
                    guard.segment().set(JAVA_BYTE, length - 1, (byte) 99);
                }
                assertThat(Files.readAllBytes(path)[(int) (offset + length - 1)]).isEqualTo((byte) 99);
                try (Guard guard = region.shareWritable()) {
                    guard.segment().set(JAVA_BYTE, length - 1, byteAt(offset + length - 1));
                }
            }
            region.unmap();
        }
        assertThat(Files.size(path)).isEqualTo(LENGTH);
    }

    @Test
    void offsetAndLengthMayExceedTwoGiB() throws IOException {
        final long size = 5L << 30;
        final Path path = sparse("large", size);
        final Region whole = space.map(FileBacking.readWrite(path));
        assertThat(whole.size()).isEqualTo(size);
        try (Guard guard = whole.shareWritable()) {
            guard.segment().set(JAVA_BYTE, size - 1, (byte) 1);
            guard.segment().set(JAVA_BYTE, (3L << 30) + 7, (byte) 2);
        }
        whole.unmap();
        final Region far = space.map(FileBacking.readOnly(path).range((3L << 30) + 7, (2L << 30) - 7));
        try (Guard guard = far.share()) {
            assertThat(guard.segment().get(JAVA_BYTE, 0)).isEqualTo((byte) 2);
            assertThat(guard.segment().get(JAVA_BYTE, far.size() - 1)).isEqualTo((byte) 1);
        }
        far.unmap();
        Files.delete(path);
    }

    @Test
    void missingFileMustBeCreatedWhereItMayGrow() throws IOException {
        final Path path = directory.resolve("created");
        final Region region = space.map(FileBacking.readWrite(path).range(10, 100).growableTo(1 << 20));
        assertThat(region.size()).isEqualTo(100);
        assertThat(Files.size(path)).isEqualTo(110);
        put(region, 0, 7);
        assertThat(longOf(path, 10)).isEqualTo(7);
        region.unmap();
        assertThat(Files.size(path)).isEqualTo(110);
    }

    @Test
    void fileMayBeDeletedOnceItIsMapped() throws IOException {
        final Path path = file("data", LENGTH);
        final Region region = space.map(FileBacking.readOnly(path));
        Files.delete(path);
        try (Guard guard = region.share()) {
            assertBytesOf(guard.segment(), 0);
        }
        region.unmap();
    }

    @Test
    void regionThatOnlyReadsMustKeepNoDescriptor() {
        final Region reading = space.map(FileBacking.readOnly(file("reading", LENGTH)));
        final Region copying = space.map(FileBacking.copyOnWrite(file("copying", LENGTH)));
        assertThat(Resources.descriptors(directory)).isZero();
        final Region writing = space.map(FileBacking.readWrite(file("writing", LENGTH)));
        final Region growing = space.map(FileBacking.readWrite(file("growing", LENGTH)).growableTo(1 << 20));
        assertThat(Resources.descriptors(directory)).isEqualTo(2);
        growing.unmap();
        writing.unmap();
        assertThat(Resources.descriptors(directory)).isZero();
        reading.unmap();
        copying.unmap();
    }

    @Test
    void unmappedFileMustLeaveZerosAtItsAddresses() {
        final Region region = space.map(FileBacking.readOnly(file("data", LENGTH)));
        final MemorySegment stale = region.optimisticSegment();
        region.unmap();
        for (long i = 0; i < stale.byteSize(); i++) {
            assertThat(stale.get(JAVA_BYTE, i)).isZero();
        }
        assertThat(Resources.mappings(directory)).isZero();
    }

    @Test
    void mappingAndUnmappingFilesMustNotUseUpKernelMappings() {
        final Path path = file("data", LENGTH);
        space.map(FileBacking.readOnly(path)).unmap();
        space.map(1).unmap();
        final Resources before = Resources.of(space, directory);
        for (int i = 0; i < 500; i++) {
            final Region kept = space.map(FileBacking.readOnly(path));
            final Region region = space.map(FileBacking.readWrite(path).range(i, 4096));
            final Region copy = space.map(FileBacking.copyOnWrite(path).range(3L * i, 4096));
            put(copy, 0, i);
            kept.unmap();
            copy.unmap();
            region.unmap();
        }
        before.assertUnchanged(space, directory);
    }

    @Test
    void listingMustNameFilesAndOffsets() {
        final Path path = file("data", LENGTH);
        final Region anonymous = space.map(100);
        final Region mapped = space.map(FileBacking.readOnly(path).range(5000, 300));
        assertThat(space.maps()).hasSize(2).anySatisfy(info -> {
            assertThat(info.path()).isNull();
            assertThat(info.address()).isEqualTo(anonymous.address());
            assertThat(info.size()).isEqualTo(100);
            assertThat(info.writable()).isTrue();
            assertThat(info.fileOffset()).isZero();
            assertThat(info.lock()).contains("attached=true");
        }).anySatisfy(info -> {
            assertThat(info.path()).isEqualTo(path);
            assertThat(info.address()).isEqualTo(mapped.address());
            assertThat(info.size()).isEqualTo(300);
            assertThat(info.writable()).isFalse();
            assertThat(info.fileOffset()).isEqualTo(5000);
        });
    }

    @Test
    void backingMustSayWhatItIs() {
        final FileBacking backing = FileBacking.readWrite(Path.of("log")).range(10, 20).growableTo(100);
        assertThat(backing).hasToString("READ_WRITE log, offset=10, length=20, growable to 100");
        assertThat(FileBacking.readOnly(Path.of("log"))).hasToString("READ_ONLY log");
        assertThat(backing.path()).isEqualTo(Path.of("log"));
        assertThat(backing.offset()).isEqualTo(10);
        assertThat(backing.isGrowable()).isTrue();
        assertThat(backing.range(0, 1).isGrowable()).isTrue();
    }

    private static long longOf(final Path path, final long offset) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
            file.seek(offset);
            return Long.reverseBytes(file.readLong());
        }
    }
}
