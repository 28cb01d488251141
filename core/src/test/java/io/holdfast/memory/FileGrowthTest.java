// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.holdfast.memory.FaultInjectingMemory.Damage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a growth asks before it takes blocks, and how a file grows where it cannot take them. */
class FileGrowthTest {
    private static final int SIZE = 5;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @TempDir
    private Path directory;

    private FileHandle file(final String name) throws IOException {
        return open(Files.writeString(directory.resolve(name), "12345"));
    }

    private static long blocksOf(final Path path) throws IOException {
        final Process stat = new ProcessBuilder("stat", "-c", "%b", path.toString()).start();
        return Long.parseLong(new String(stat.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip());
    }

    private FileHandle open(final Path path) {
        return FileHandle.open("map", memory, path, FileAccess.READ_WRITE, false);
    }

    @ParameterizedTest
    @ValueSource(longs = {1L << 20, 1L << 50, Long.MAX_VALUE})
    void growthThatCannotFitMustBeRefusedWithoutAskingForBlocks(final long length) throws IOException {
        try (FileHandle handle = file("data")) {
            memory.reportFreeBytes(1000);
            assertThatThrownBy(() -> handle.ensureLength("grow", length, size -> { }))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageStartingWith("grow failed: path=" + handle.path() + ", length=" + length + ", needed=")
                .hasMessageContainingAll("free=1000", "errno=28 (ENOSPC)", "the disk is full; free space");
            assertEquals(SIZE, handle.size("map"));
        }
        assertEquals(0, memory.calls(NativeCall.FALLOCATE));
        assertEquals(0, memory.calls(NativeCall.FTRUNCATE));
    }

    @Test
    void growthThatMayFitMustBeTried() throws IOException {
        try (FileHandle handle = file("data")) {
            final long owned = 512L * blocksOf(handle.path());
            memory.reportFreeBytes((1 << 20) - SIZE - owned);
            handle.ensureLength("grow", 1 << 20, size -> { });
            assertEquals(1 << 20, handle.size("map"));
        }
    }

    @Test
    void blocksThatTheFileHasMustNotBeNeededAgain() throws IOException {
        try (FileHandle handle = file("data")) {
            final int reserved = memory.fallocate(
                handle.enter(), NativeMemory.FALLOC_FL_KEEP_SIZE, 0, 1 << 20);
            handle.leave();
            assertEquals(0, reserved);
            memory.reportFreeBytes(0);
            assertEquals(1 << 20, handle.ensureLength("grow", 1 << 20, size -> { }));
            assertThatThrownBy(() -> handle.ensureLength("grow", 1 << 30, size -> { }))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContainingAll("ENOSPC", "free=0");
            assertEquals(1 << 20, handle.size("map"));
        }
    }

    @Test
    void growthMustBeTriedWhereNobodyKnowsWhatIsFree() throws IOException {
        try (FileHandle handle = file("data")) {
            memory.reportFreeBytes(0);
            memory.failNth(NativeCall.FSTATFS, 1, Errno.ENOSYS, Damage.NONE);
            assertEquals(1 << 20, handle.ensureLength("grow", 1 << 20, size -> { }));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "0x01021994, 4096, 0, 4096, 100, 10, 40960", // tmpfs
        "0xEF53, 1048576, 0, 512, 100, 10, 5120", // the unit is not the size that is best to transfer
        "0x58465342, 4096, 0, 0, 100, 10, 40960", // an old kernel does not tell it
        "0x01021994, 4096, 0, 4096, 0, 0, 9223372036854775807", // without a bound
        "0xEF53, 4096, 0, 4096, 100, 4611686018427387904, 9223372036854775807", // more than a long can say
        "0x6969, 4096, 0, 4096, 100, 10, 9223372036854775807", // a file system of somebody else's
    })
    void freeBytesMustBeThoseThatAreKnown(
        final String type, final long transfer, final long unused, final long blockSize, final long blocks,
        final long free, final long expected) {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment buffer = arena.allocate(FileSystemStatus.BYTES, Long.BYTES);
            final long[] words = {Long.decode(type), transfer, blocks, free, unused, 0, 0, 0, 0, blockSize};
            MemorySegment.copy(words, 0, buffer, ValueLayout.JAVA_LONG, 0, words.length);
            assertEquals(expected, FileSystemStatus.of(buffer).freeBytes());
        }
    }

    @Test
    void rangeMustBeCheckedByTheSizeAtOpeningWithoutAnotherCall() throws IOException {
        try (FileHandle handle = file("data")) {
            final long before = memory.calls();
            assertEquals(SIZE, handle.requireRange("map", handle.openedSize(), 0, 0));
            assertEquals(2, handle.requireRange("map", handle.openedSize(), 3, 2));
            assertThatThrownBy(() -> handle.requireRange("map", handle.openedSize(), 3, 3))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContainingAll("size=5", "shorter than asked");
            assertThatThrownBy(() -> handle.requireRange("map", handle.openedSize(), -1, 3))
                .isInstanceOf(IllegalArgumentException.class);
            assertEquals(before, memory.calls());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {Errno.ENOSYS, Errno.EPERM, Errno.EOPNOTSUPP})
    void growthMustGoOnByAHoleWhereBlocksCannotBeAskedFor(final int errno) throws IOException {
        try (FileHandle handle = file("data")) {
            memory.failFrom(NativeCall.FALLOCATE, 1, errno, Damage.NONE);
            assertEquals(1 << 20, handle.ensureLength("grow", 1 << 20, size -> assertEquals(SIZE, size)));
            assertEquals(1 << 20, handle.size("map"));
        }
    }

    @Test
    void fileThatMayNotGrowMustBeRefusedByWhatTheSystemSaidFirst() throws IOException {
        try (FileHandle handle = file("data")) {
            memory.arm(call -> call.kind() == NativeCall.FALLOCATE || call.kind() == NativeCall.FTRUNCATE, 1, 2,
                Errno.EPERM, Damage.NONE);
            assertThatThrownBy(() -> handle.ensureLength("grow", 1 << 20, size -> { }))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContainingAll("call=fallocate", "EPERM");
            memory.disarm();
            assertEquals(SIZE, handle.size("map"));
        }
    }
}
