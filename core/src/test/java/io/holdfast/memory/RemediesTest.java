// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class RemediesTest {
    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Test
    void outOfMappingsMustNameCountLimitAndSetting() {
        memory.reportMaxMapCount(memory.mapCount());
        final NativeException failure = memory.failure(NativeCall.MMAP, 0x1000, 4096, Errno.ENOMEM);
        assertThat(failure).hasMessageStartingWith("mmap failed: address=0x1000, length=4096, errno=12 (ENOMEM): ")
            .hasMessageContaining("vm.max_map_count is " + memory.maxMapCount())
            .hasMessageContaining("sysctl -w vm.max_map_count=");
    }

    // The kernel says EAGAIN for advice that needs a mapping more, and of locking only that there is no memory.
    @ParameterizedTest
    @CsvSource({"MADVISE, 11", "MADVISE, 12", "MPROTECT, 12", "MLOCK, 12", "MUNLOCK, 12"})
    void callsThatPartMappingsMustNameTheLimitOfMappings(final NativeCall call, final int errno) {
        memory.reportMaxMapCount(memory.mapCount());
        assertThat(memory.failure(call, 0x1000, 4096, errno))
            .hasMessageContaining("vm.max_map_count is " + memory.maxMapCount())
            .hasMessageNotContaining("ulimit -l").hasMessageContaining("advice");
        memory.reportMaxMapCount(Long.MAX_VALUE / 8);
        assertThat(memory.failure(NativeCall.MADVISE, 0x1000, 4096, errno)).hasMessageNotContaining("ulimit -l");
    }

    @Test
    void outOfMemoryMustNameLimitsOvercommitAndContainer() {
        memory.reportMaxMapCount(Long.MAX_VALUE / 8);
        assertThat(memory.failure(NativeCall.MREMAP, 0, 8192, Errno.ENOMEM)).hasMessageContaining("8192 bytes")
            .hasMessageContaining("ulimit -v").hasMessageContaining("ulimit -d").hasMessageContaining("container")
            .hasMessageContaining("vm.overcommit_memory");
    }

    @ParameterizedTest
    @CsvSource({
        "MMAP, 13, permissions", "MMAP, 1, sealed", "MMAP, 19, file system", "MMAP, 22, page size",
        "MMAP, 24, ulimit -n", "MMAP, 17, something else", "MMAP, 11, ulimit -l", "MADVISE, 22, advice",
        "MLOCK, 12, ulimit -l", "MLOCK, 1, ulimit -l", "FALLOCATE, 28, disk is full", "FTRUNCATE, 28, disk is full",
        "FALLOCATE, 122, quota", "FALLOCATE, 95, does not support fallocate", "FTRUNCATE, 27, ulimit -f",
        "OPEN, 24, ulimit -n", "OPEN, 23, ulimit -n", "OPEN, 13, owner and mode", "OPEN, 1, owner and mode",
        "OPEN, 30, read-only", "OPEN, 2, no such file", "OPEN, 21, directory", "OPEN, 26, running program",
        "MSYNC, 5, kernel's log", "FTRUNCATE, 9, closed", "MEMBARRIER, 38, seccomp", "MSYNC, 12, out of memory",
        "PREAD, 38, newer kernel", "PWRITE, 4, try again"})
    void eachErrorMustComeWithItsRemedy(final NativeCall call, final int errno, final String remedy) {
        assertThat(memory.failure(call, 0, 0, errno)).hasMessageContaining(remedy)
            .hasMessageContaining("(" + Errno.name(errno) + ")");
    }

    @ParameterizedTest
    @EnumSource
    void everyCallMustHaveARemedyForEveryError(final NativeCall call) {
        for (int errno = 1; errno <= 133; errno++) {
            final NativeException failure = memory.failure(call, 0x40, 64, errno);
            assertThat(failure).hasMessageStartingWith(call.symbol() + " failed: address=0x40, length=64, errno=")
                .hasMessageMatching(".*\\): .{20,}");
            assertEquals(call, failure.call());
            assertEquals(0x40, failure.address());
            assertEquals(64, failure.length());
            assertEquals(errno, failure.errno());
        }
    }

    @Test
    void errorNamesMustBeThoseOfLinux() {
        assertEquals("EPERM", Errno.name(Errno.EPERM));
        assertEquals("ENOMEM", Errno.name(Errno.ENOMEM));
        assertEquals("ENOSPC", Errno.name(Errno.ENOSPC));
        assertEquals("ELOOP", Errno.name(Errno.ELOOP));
        assertEquals("EOPNOTSUPP", Errno.name(Errno.EOPNOTSUPP));
        assertEquals("errno77", Errno.name(77));
        assertEquals("errno-3", Errno.name(-3));
        assertEquals("errno4000", Errno.name(4000));
    }

    @Test
    void onlyTheLastPageOfNegativeNumbersMustBeErrors() {
        assertTrue(Errno.isError(-1));
        assertTrue(Errno.isError(-4095));
        assertFalse(Errno.isError(-4096));
        assertFalse(Errno.isError(0));
        assertFalse(Errno.isError(Long.MAX_VALUE));
    }
}
