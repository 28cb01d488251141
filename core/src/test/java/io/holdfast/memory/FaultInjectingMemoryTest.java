// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.memory.FaultInjectingMemory.Damage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;

class FaultInjectingMemoryTest {
    private static final int FIXED =
        NativeMemory.MAP_PRIVATE | NativeMemory.MAP_ANONYMOUS | NativeMemory.MAP_FIXED;
    private static final int MOVE = NativeMemory.MREMAP_MAYMOVE | NativeMemory.MREMAP_FIXED;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private final long page = Inspection.PAGE;

    @Test
    void withoutRuleEveryCallMustPass() {
        final long table = memory.mapTable(page);
        Inspection.put(table, 1);
        assertEquals(0, memory.munmap(table, page));
        assertEquals(2, memory.calls());
        assertEquals(0, memory.faults());
    }

    @Test
    void exactlyTheNthCallMustFail() {
        memory.failNth(3, Errno.EIO, Damage.NONE);
        final List<Integer> failed = new ArrayList<>();
        for (int call = 1; call <= 5; call++) {
            if (memory.membarrier(NativeMemory.MEMBARRIER_CMD_QUERY) == -Errno.EIO) {
                failed.add(call);
            }
        }
        assertThat(failed).containsExactly(3);
        assertEquals(1, memory.faults());
        assertEquals(5, memory.calls(NativeCall.MEMBARRIER));
    }

    @Test
    void exactlyTheNthCallOfAKindMustFail() {
        memory.failNth(NativeCall.CLOSE, 2, Errno.EIO, Damage.NONE);
        assertEquals(-Errno.EBADF, memory.ftruncate(-1, 0));
        assertEquals(-Errno.EBADF, memory.close(-1));
        assertEquals(-Errno.EBADF, memory.ftruncate(-1, 0));
        assertEquals(-Errno.EIO, memory.close(-1));
        assertEquals(-Errno.EBADF, memory.close(-1));
    }

    @Test
    void aPersistentFaultMustEndWhenDisarmedAndCountAnewWhenArmedAgain() {
        memory.failFrom(NativeCall.FTRUNCATE, 2, Errno.ENOSPC, Damage.NONE);
        assertEquals(-Errno.EBADF, memory.ftruncate(-1, 0));
        assertEquals(-Errno.ENOSPC, memory.ftruncate(-1, 0));
        assertEquals(-Errno.ENOSPC, memory.ftruncate(-1, 0));
        memory.disarm();
        assertEquals(-Errno.EBADF, memory.ftruncate(-1, 0));
        memory.failFrom(NativeCall.FTRUNCATE, 1, Errno.EIO, Damage.NONE);
        assertEquals(-Errno.EIO, memory.ftruncate(-1, 0));
    }

    @Test
    void everyKindOfCallMustBeReachable() {
        final Map<NativeCall, LongSupplier> calls = new EnumMap<>(NativeCall.class);
        final MemorySegment none = MemorySegment.NULL;
        calls.put(NativeCall.MMAP, () -> memory.mmap(0, page, 0, FIXED - NativeMemory.MAP_FIXED, -1, 0));
        calls.put(NativeCall.MUNMAP, () -> memory.munmap(0, page));
        calls.put(NativeCall.MPROTECT, () -> memory.mprotect(0, page, 0));
        calls.put(NativeCall.MREMAP, () -> memory.mremap(0, page, page, 0, 0));
        calls.put(NativeCall.MADVISE, () -> memory.madvise(0, page, 0));
        calls.put(NativeCall.MSYNC, () -> memory.msync(0, page, 0));
        calls.put(NativeCall.MLOCK, () -> memory.mlock(0, page));
        calls.put(NativeCall.MUNLOCK, () -> memory.munlock(0, page));
        calls.put(NativeCall.MINCORE, () -> memory.mincore(0, page, 0));
        calls.put(NativeCall.MEMBARRIER, () -> memory.membarrier(0));
        calls.put(NativeCall.OPEN, () -> memory.open(none, 0, 0));
        calls.put(NativeCall.CLOSE, () -> memory.close(-1));
        calls.put(NativeCall.STATX, () -> memory.statx(0, none, 0, 0, none));
        calls.put(NativeCall.FSTATFS, () -> memory.fstatfs(-1, none));
        calls.put(NativeCall.FTRUNCATE, () -> memory.ftruncate(-1, 0));
        calls.put(NativeCall.FALLOCATE, () -> memory.fallocate(-1, 0, 0, 1));
        calls.put(NativeCall.PREAD, () -> memory.pread(-1, 0, 0, 0));
        calls.put(NativeCall.PWRITE, () -> memory.pwrite(-1, 0, 0, 0));
        assertThat(calls).hasSize(NativeCall.values().length);
        calls.forEach((kind, call) -> {
            for (final Damage damage : Damage.values()) {
                memory.failNth(kind, 1, Errno.EFBIG, damage);
                assertEquals(-Errno.EFBIG, call.getAsLong(), kind + " " + damage);
            }
            assertEquals(Damage.values().length, memory.calls(kind));
        });
    }

    @Test
    void failedFixedMappingMustLeaveAHoleWhenAsked() {
        final long table = memory.mapTable(3 * page);
        memory.failNth(1, Errno.ENOMEM, Damage.HOLE);
        assertEquals(-Errno.ENOMEM, memory.mmap(table + page, page, 3, FIXED, -1, 0));
        assertTrue(KernelMappings.within(table + page, table + 2 * page).isEmpty());
        assertEquals(0, Inspection.get(table));
        assertEquals(0, memory.munmap(table, 3 * page));
    }

    @Test
    void failedMoveMustLeaveAHoleAndItsSourceWhenAsked() {
        final long target = memory.mapTable(page);
        final long source = memory.mapTable(page);
        Inspection.put(source, 9);
        memory.failNth(NativeCall.MREMAP, 1, Errno.ENOMEM, Damage.HOLE);
        assertEquals(-Errno.ENOMEM, memory.mremap(source, page, page, MOVE, target));
        assertTrue(KernelMappings.within(target, target + page).isEmpty());
        assertEquals(9, Inspection.get(source));
        assertEquals(0, memory.munmap(source, page));
    }

    @Test
    void undamagedFaultMustChangeNothing() {
        final long table = memory.mapTable(page);
        Inspection.put(table, 5);
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.NONE);
        assertEquals(-Errno.ENOMEM, memory.mmap(table, page, 3, FIXED, -1, 0));
        memory.failNth(NativeCall.MADVISE, 1, Errno.EAGAIN, Damage.NONE);
        assertEquals(-Errno.EAGAIN, memory.madvise(table, page, NativeMemory.MADV_DONTNEED));
        assertEquals(5, Inspection.get(table));
        memory.failNth(NativeCall.MADVISE, 1, Errno.EAGAIN, Damage.DONE);
        assertEquals(-Errno.EAGAIN, memory.madvise(table, page, NativeMemory.MADV_DONTNEED));
        assertEquals(0, Inspection.get(table));
        assertEquals(0, memory.munmap(table, page));
    }

    @Test
    void actionMustRunBetweenDamageAndReport() {
        final long table = memory.mapTable(page);
        final AtomicInteger runs = new AtomicInteger();
        memory.afterDamage(() -> {
            assertTrue(KernelMappings.within(table, table + page).isEmpty());
            runs.incrementAndGet();
        });
        memory.failNth(1, Errno.ENOMEM, Damage.HOLE);
        assertEquals(-Errno.ENOMEM, memory.mmap(table, page, 3, FIXED, -1, 0));
        assertEquals(1, runs.get());
    }

    @Test
    void recordingMustListCallsInOrderUntilStopped() {
        memory.close(-1);
        memory.record(true);
        memory.munmap(page, page);
        memory.ftruncate(-1, 0);
        memory.record(false);
        memory.close(-1);
        assertThat(memory.recorded()).containsExactly(
            new FaultInjectingMemory.Call(NativeCall.MUNMAP, page, page),
            new FaultInjectingMemory.Call(NativeCall.FTRUNCATE, 0, 0));
    }

    @Test
    void impossibleRulesMustBeRefused() {
        assertThatThrownBy(() -> memory.failNth(0, Errno.EIO, Damage.NONE))
            .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("first=0");
        assertThatThrownBy(() -> memory.failNth(1, 0, Damage.NONE))
            .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("errno=0");
        assertThatThrownBy(() -> memory.arm(call -> true, 2, 1, 5, Damage.NONE))
            .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("last=1");
    }

    @Test
    void factsMustComeFromBehindUnlessSet() {
        assertEquals(NativeMemory.system().pageSize(), memory.pageSize());
        assertEquals(NativeMemory.system().maxMapCount(), memory.maxMapCount());
        memory.reportMaxMapCount(77);
        assertEquals(77, memory.maxMapCount());
        assertTrue(memory.mapCount() > 1);
        try (Arena arena = Arena.ofConfined()) {
            assertEquals(-Errno.ENOENT, memory.open(arena.allocateFrom("/no/such"), 0, 0));
        }
    }
}
