// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static io.holdfast.memory.NativeMemory.MAP_ANONYMOUS;
import static io.holdfast.memory.NativeMemory.MAP_FIXED_NOREPLACE;
import static io.holdfast.memory.NativeMemory.MAP_NORESERVE;
import static io.holdfast.memory.NativeMemory.MAP_PRIVATE;
import static io.holdfast.memory.NativeMemory.PROT_READ;
import static io.holdfast.memory.ReservedPages.READ_WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The kernel's mappings must not add up, whatever comes and goes. */
class MappingCountTest {
    private static final long PAGE = Inspection.PAGE;
    private static final long MIB = 1L << 20;
    private static final long CAPACITY = 64L << 30;
    private static final int CYCLES = 20_000;
    private static final int LONG_CYCLES = 100_000;
    private static final int LIVE = 64;
    private static final List<FileAccess> KINDS = List.of(FileAccess.values());

    private final Reservation reservation = Reservation.reserve(NativeMemory.system(), CAPACITY);

    @TempDir
    private Path directory;

    @AfterEach
    void release() {
        reservation.release();
    }

    private long at(final long offset) {
        return reservation.base() + offset;
    }

    @Test
    void mappingCountMustReturnToItsStart() throws IOException {
        cycles(CYCLES);
    }

    @Tag("long")
    @Test
    void mappingCountMustReturnToItsStartInTheLongRun() throws IOException {
        cycles(LONG_CYCLES);
    }

    // Files of all kinds and anonymous ranges of their own come and go in random order next to each other.
    private void cycles(final int count) throws IOException {
        final long start = CAPACITY - 2L * LIVE * MIB;
        reservation.ensureMapped(start, CAPACITY - start);
        reservation.ensureAnonymous(0, 16 * MIB);
        final List<String> before = Inspection.picture(reservation);
        final SplittableRandom random = new SplittableRandom(42);
        final List<Long> free = new ArrayList<>();
        for (long slot = 0; slot < LIVE; slot++) {
            free.add(start + slot * 4 * PAGE); // neighbours touch
        }
        final Deque<Long> live = new ArrayDeque<>();
        final Path path = Inspection.file(directory, "data", 8, 5);
        try (FileHandle file = FileHandle.open("map", reservation.memory(), path, FileAccess.READ_WRITE, false)) {
            for (int cycle = 0; cycle < count; cycle++) {
                final long offset = free.remove(random.nextInt(free.size()));
                place(file, offset, random.nextInt(4), random.nextLong(2) * 4 * PAGE);
                live.add(offset);
                if (live.size() > random.nextInt(LIVE)) {
                    free.add(restore(live.poll()));
                }
            }
        }
        while (!live.isEmpty()) {
            restore(live.poll());
        }
        assertEquals(before, Inspection.picture(reservation));
        assertEquals(0, Inspection.mappingsOf(path));
        assertEquals(0, reservation.quarantinedBytes());
        assertTrue(Inspection.isZero(at(start), 4L * LIVE * PAGE));
    }

    private void place(final FileHandle file, final long offset, final int kind, final long fileOffset) {
        if (kind == 0) {
            reservation.ensureAnonymous(offset, 4 * PAGE);
        } else {
            reservation.mapFile(offset, 4 * PAGE, file, fileOffset, KINDS.get(kind - 1));
        }
        if (kind % 2 == 0) {
            Inspection.put(at(offset), 5);
        }
        assertThat(Inspection.get(at(offset + PAGE))).isIn((byte) 0, (byte) 5);
    }

    private long restore(final long offset) {
        assertEquals(RestoreResult.RESTORED, reservation.restoreAnonymous(offset, 4 * PAGE));
        return offset;
    }

    @Test
    void aMillionAnonymousRangesMustShareAHandfulOfMappings() {
        final long count = 1_000_000;
        for (long range = 0; range < count; range++) {
            reservation.ensureAnonymous(range * 4 * PAGE, 4 * PAGE);
            if (range % 1000 == 0) {
                Inspection.put(at(range * 4 * PAGE), 1);
            }
        }
        for (long range = 0; range < count; range += 1000) {
            reservation.zeroAnonymous(range * 4 * PAGE, 4 * PAGE);
        }
        assertThat(Inspection.mappings(reservation)).hasSizeLessThanOrEqualTo(3);
    }

    // New pages join the neighbour below if it is of their kind, and from there on none that was written apart from it.
    @Test
    void pagesGivenBackMustMergeWhateverAStrangerBesideTheReservationHasDone() {
        final NativeMemory memory = reservation.memory();
        reservation.ensureAnonymous(0, 4 * PAGE);
        final List<String> before = Inspection.picture(reservation);
        final long written = freeBelow(reservation.base());
        final long between = written + PAGE;
        mapAt(written, READ_WRITE);
        try {
            Inspection.put(written, 1);
            assertEquals(0, memory.mprotect(written, PAGE, PROT_READ));
            mapAt(between, PROT_READ);
            reservation.advise(0, PAGE, NativeMemory.MADV_SEQUENTIAL);
            assertEquals(RestoreResult.RESTORED, reservation.restoreAnonymous(0, 4 * PAGE));
            assertEquals(before, Inspection.picture(reservation));
        } finally {
            assertEquals(0, memory.munmap(written, 2 * PAGE));
        }
    }

    /** The first of the two free pages that are nearest below an address, as far as the kernel's list says. */
    private static long freeBelow(final long address) {
        long end = address;
        for (final KernelMappings.Entry entry : KernelMappings.within(0, address).reversed()) {
            if (entry.end() <= end - 2 * PAGE) {
                break;
            }
            end = entry.start();
        }
        return end - 2 * PAGE;
    }

    private void mapAt(final long address, final int protection) {
        assertEquals(address, reservation.memory().mmap(address, PAGE, protection,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0));
    }

    @Test
    void everyLifeOfTheReservationMustLeaveTheSameFewMappings() throws IOException {
        final Path path = Inspection.file(directory, "data", 8, 5);
        for (int life = 0; life < 50; life++) {
            try (FileHandle file = FileHandle.open("map", reservation.memory(), path, FileAccess.READ_WRITE, false)) {
                reservation.ensureAnonymous(0, 16 * MIB);
                reservation.mapFile(CAPACITY - 8 * PAGE, 8 * PAGE, file, 0, FileAccess.READ_WRITE);
                reservation.mapFile(MIB, 8 * PAGE, file, 0, FileAccess.COPY_ON_WRITE);
                Inspection.put(at(MIB), life);
                Inspection.put(at(15 * MIB), life);
            }
            assertTrue(reservation.park());
            assertThat(Inspection.access(reservation)).containsExactly("r--p", "---p", "r--p");
            reservation.unpark();
        }
    }
}
