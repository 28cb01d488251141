// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeMemoryTest {
    private static final int ANONYMOUS = NativeMemory.MAP_PRIVATE | NativeMemory.MAP_ANONYMOUS;

    private final NativeMemory memory = NativeMemory.system();

    @TempDir
    private Path directory;

    @Test
    void systemMustAlwaysBeTheSameInstance() {
        assertSame(memory, NativeMemory.system());
    }

    @Test
    void pageSizeMustBeAPowerOfTwoOfAtLeast4096() {
        assertTrue(memory.pageSize() >= 4096);
        assertEquals(1, Integer.bitCount(memory.pageSize()));
    }

    @Test
    void everySupportedMachineMustHaveItsBarrierNumber() {
        assertEquals(324, NativeMemory.Machine.of("Linux", "amd64").membarrierNumber());
        assertEquals(324, NativeMemory.Machine.of("Linux", "x86_64").membarrierNumber());
        assertEquals(283, NativeMemory.Machine.of("Linux", "aarch64").membarrierNumber());
        assertEquals(283, NativeMemory.Machine.of("Linux", "arm64").membarrierNumber());
    }

    @Test
    void unsupportedPlatformsMustBeRefusedByName() {
        assertThatThrownBy(() -> NativeMemory.Machine.of("Windows 11", "amd64"))
            .isInstanceOf(UnsupportedOperationException.class)
            .hasMessage("platform not supported: os=Windows 11, arch=amd64: " +
                "Holdfast runs on Linux on x86-64 and AArch64");
        assertThatThrownBy(() -> NativeMemory.Machine.of("Linux", "riscv64"))
            .isInstanceOf(UnsupportedOperationException.class)
            .hasMessageContaining("os=Linux, arch=riscv64");
    }

    @Test
    void tableMustBeZeroedWritableAndWholePages() {
        final long table = memory.mapTable(5000);
        assertEquals(0, table % Inspection.PAGE);
        assertTrue(Inspection.isZero(table, 2 * Inspection.PAGE));
        Inspection.put(table + 4999, 7);
        assertEquals(7, Inspection.get(table + 4999));
    }

    @Test
    void tableSizeMustBePositiveAndNotOverflow() {
        for (final long size : new long[] {0, -1, Long.MIN_VALUE, Long.MAX_VALUE}) {
            assertThatThrownBy(() -> memory.mapTable(size)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("bytes=" + size);
        }
    }

    @Test
    void tableThatTheKernelRefusesMustNameCallSizeAndRemedy() {
        final NativeException failure = assertThrows(NativeException.class, () -> memory.mapTable(1L << 60));
        assertEquals(NativeCall.MMAP, failure.call());
        assertEquals(Errno.ENOMEM, failure.errno());
        assertEquals(1L << 60, failure.length());
        assertThat(failure).hasMessageStartingWith("mmap failed: address=0x0, length=1152921504606846976, " +
            "errno=12 (ENOMEM): ").hasMessageContaining("ulimit -v").hasMessageContaining("vm.max_map_count");
    }

    @Test
    void mappingMustBeMadeMovedAndRemoved() {
        final long first = memory.mmap(0, Inspection.PAGE, 3, ANONYMOUS, -1, 0);
        Inspection.put(first, 42);
        final long second = memory.mmap(0, Inspection.PAGE, 0, ANONYMOUS, -1, 0);
        assertEquals(second, memory.mremap(first, Inspection.PAGE, Inspection.PAGE,
            NativeMemory.MREMAP_MAYMOVE | NativeMemory.MREMAP_FIXED, second));
        assertEquals(42, Inspection.get(second));
        assertEquals(0, memory.mprotect(second, Inspection.PAGE, NativeMemory.PROT_READ));
        assertEquals(0, memory.madvise(second, Inspection.PAGE, NativeMemory.MADV_DONTNEED));
        assertEquals(0, Inspection.get(second));
        assertEquals(0, memory.munmap(second, Inspection.PAGE));
        assertEquals(-Errno.ENOMEM, memory.mprotect(second, Inspection.PAGE, NativeMemory.PROT_READ));
    }

    @Test
    void fixedMappingThatMustNotReplaceMustFailWhereSomethingIs() {
        final long there = memory.mmap(0, Inspection.PAGE, 3, ANONYMOUS, -1, 0);
        assertEquals(-Errno.EEXIST, memory.mmap(
            there, Inspection.PAGE, 3, ANONYMOUS | NativeMemory.MAP_FIXED_NOREPLACE, -1, 0));
        assertEquals(0, memory.munmap(there, Inspection.PAGE));
        assertEquals(there, memory.mmap(
            there, Inspection.PAGE, 3, ANONYMOUS | NativeMemory.MAP_FIXED_NOREPLACE, -1, 0));
        assertEquals(0, memory.munmap(there, Inspection.PAGE));
    }

    @Test
    void rawResultsMustCarryTheErrorOfEachCall() {
        assertEquals(-Errno.EINVAL, memory.mmap(0, 0, 0, ANONYMOUS, -1, 0));
        assertEquals(-Errno.EINVAL, memory.munmap(1, 1));
        assertEquals(-Errno.EINVAL, memory.mprotect(1, 1, 0));
        assertEquals(-Errno.EINVAL, memory.mremap(1, 1, 1, 0, 0));
        assertEquals(-Errno.EINVAL, memory.madvise(1, 1, 0));
        assertEquals(-Errno.EINVAL, memory.msync(1, 1, 0));
        assertEquals(-Errno.ENOMEM, memory.mlock(0, Inspection.PAGE));
        assertEquals(-Errno.ENOMEM, memory.munlock(0, Inspection.PAGE));
        assertEquals(-Errno.EINVAL, memory.mincore(1, 1, 0));
        assertEquals(-Errno.EINVAL, memory.membarrier(-1));
        assertEquals(-Errno.EBADF, memory.close(-1));
        assertEquals(-Errno.EBADF, memory.ftruncate(-1, 0));
        assertEquals(-Errno.EBADF, memory.fallocate(-1, 0, 0, 1));
        assertEquals(-Errno.EBADF, memory.pread(-1, 0, 0, 0));
        assertEquals(-Errno.EBADF, memory.pwrite(-1, 0, 0, 0));
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment missing = arena.allocateFrom("/no/such/file");
            final MemorySegment buffer = arena.allocate(256);
            assertEquals(-Errno.ENOENT, memory.open(missing, NativeMemory.O_RDONLY, 0));
            assertEquals(-Errno.ENOENT, memory.statx(
                NativeMemory.AT_FDCWD, missing, 0, NativeMemory.STATX_BASIC_STATS, buffer));
            assertEquals(-Errno.EBADF, memory.fstatfs(-1, buffer));
        }
    }

    @Test
    void fileCallsMustReadAndWrite() {
        try (Arena arena = Arena.ofConfined()) {
            final Path path = directory.resolve("file");
            final int file = memory.open(arena.allocateFrom(path.toString()), NativeMemory.O_RDWR |
                NativeMemory.O_CREAT | NativeMemory.O_CLOEXEC, 0x180);
            assertTrue(file > 2, () -> "descriptor=" + file);
            assertEquals(0, memory.fallocate(file, 0, 0, 100));
            assertEquals(0, memory.ftruncate(file, 200));
            final MemorySegment text = arena.allocateFrom("hello");
            assertEquals(5, memory.pwrite(file, text.address(), 5, 195));
            final MemorySegment read = arena.allocate(10);
            assertEquals(5, memory.pread(file, read.address(), 10, 195));
            assertEquals("hello", read.getString(0));
            assertEquals(0, memory.close(file));
            assertEquals(0, Inspection.descriptorsOf(path));
        }
    }

    @Test
    void residencyMustBeReportedPerPage() {
        try (Arena arena = Arena.ofConfined()) {
            final long table = memory.mapTable(4 * Inspection.PAGE);
            Inspection.put(table + 2 * Inspection.PAGE, 1);
            final MemorySegment vector = arena.allocate(4);
            assertEquals(0, memory.mincore(table, 4 * Inspection.PAGE, vector.address()));
            assertEquals(1, vector.get(ValueLayout.JAVA_BYTE, 2) & 1);
            assertEquals(0, vector.get(ValueLayout.JAVA_BYTE, 3) & 1);
        }
    }

    @Test
    void barrierMustWorkOnceRegistered() {
        final int commands = memory.membarrier(NativeMemory.MEMBARRIER_CMD_QUERY);
        assertTrue((commands & NativeMemory.MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0, () -> "commands=" + commands);
        assertEquals(0, memory.membarrier(NativeMemory.MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
        assertEquals(0, memory.membarrier(NativeMemory.MEMBARRIER_CMD_PRIVATE_EXPEDITED));
    }

    @Test
    void mappingLimitMustBeReadInFull() throws IOException {
        try (InputStream limit = new FileInputStream("/proc/sys/vm/max_map_count")) {
            final byte[] digits = new byte[32];
            final int count = limit.read(digits);
            assertEquals(Long.parseLong(new String(digits, 0, count, StandardCharsets.US_ASCII).strip()),
                memory.maxMapCount());
        }
    }

    @Test
    void mappingCountMustLieBetweenOneAndTheLimit() {
        assertTrue(memory.mapCount() > 10);
        assertTrue(memory.mapCount() <= memory.maxMapCount());
    }

    @Test
    void errorsMustStayApartBetweenManyThreads() throws InterruptedException, ExecutionException {
        // Each thread provokes one error of its own, over and over, from platform and virtual threads alike.
        final List<Future<Integer>> wrong = new ArrayList<>();
        try (ExecutorService platform = Executors.newFixedThreadPool(8);
            ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int task = 0; task < 64; task++) {
                final boolean bad = task % 2 == 0;
                wrong.add((task % 4 < 2 ? platform : virtual).submit(() -> countWrongErrors(bad)));
            }
        }
        for (final Future<Integer> count : wrong) {
            assertEquals(0, count.get());
        }
    }

    private int countWrongErrors(final boolean badDescriptor) {
        int wrong = 0;
        for (int round = 0; round < 2000; round++) {
            final int expected = badDescriptor ? -Errno.EBADF : -Errno.EINVAL;
            final int result = badDescriptor ? memory.ftruncate(-1, 0) : memory.mprotect(1, 1, 0);
            wrong += result == expected ? 0 : 1;
        }
        return wrong;
    }
}
