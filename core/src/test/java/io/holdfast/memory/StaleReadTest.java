// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.memory.FaultInjectingMemory.Damage;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * G4: a reader that never stops reads addresses whose mappings come and go. A fault would end the JVM; what the reader
 * sees besides is a file's bytes or zero. A writer goes on until the reader has seen both often enough.
 */
class StaleReadTest {
    private static final long PAGE = Inspection.PAGE;
    private static final long MIB = 1L << 20;
    private static final long CAPACITY = 1L << 30;
    private static final long TOP = CAPACITY - MIB;
    private static final long LENGTH = 16 * PAGE;
    private static final int SIGHTINGS = 200;
    private static final int LONG_SIGHTINGS = 20_000;

    /** What a reader has seen. */
    private static final class Sightings {
        private final AtomicLong file = new AtomicLong();
        private final AtomicLong zero = new AtomicLong();
        private final AtomicLong other = new AtomicLong();

        void see(final byte value) {
            final AtomicLong kind = switch (value) {
                case 5 -> file;
                case 0 -> zero;
                default -> other;
            };
            kind.lazySet(kind.get() + 1);
        }
    }

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private final Reservation reservation = Reservation.reserve(memory, CAPACITY);
    private volatile boolean done;

    @TempDir
    private Path directory;

    @AfterEach
    void release() {
        reservation.release();
    }

    private Sightings read(final long offset, final Sightings seen) {
        long at = 0;
        while (!done) {
            seen.see(Inspection.get(reservation.base() + offset + at));
            at = (at + PAGE + 64) % LENGTH;
        }
        return seen;
    }

    private void race(final long offset, final int wanted, final Runnable cycle)
        throws InterruptedException, ExecutionException {
        final Sightings seen = new Sightings();
        try (ExecutorService executor = Executors.newSingleThreadExecutor()) {
            final Future<Sightings> reader = executor.submit(() -> read(offset, seen));
            try {
                long cycles = 0;
                while (cycles < wanted || seen.file.get() < wanted || seen.zero.get() < wanted) {
                    cycle.run();
                    cycles++;
                }
            } finally {
                done = true;
            }
            assertEquals(0, reader.get().other.get());
        }
        assertThat(seen.file.get()).isGreaterThanOrEqualTo(wanted);
        assertThat(seen.zero.get()).isGreaterThanOrEqualTo(wanted);
    }

    private void mapAndRestore(final long offset, final FileHandle file, final FileAccess access) {
        reservation.mapFile(offset, LENGTH, file, 0, access);
        assertEquals(5, Inspection.get(reservation.base() + offset + LENGTH - 1));
        assertEquals(RestoreResult.RESTORED, reservation.restore(offset, LENGTH));
    }

    private FileHandle open() {
        final Path path = Inspection.file(directory, "data", 16, 5);
        return FileHandle.open("map", memory, path, FileAccess.READ_WRITE, false);
    }

    @Test
    void staleReadsMustNotFaultWhileFilesComeAndGo() throws Exception {
        filesComeAndGo(SIGHTINGS);
    }

    @Tag("long")
    @Test
    void staleReadsMustNotFaultWhileFilesComeAndGoInTheLongRun() throws Exception {
        filesComeAndGo(LONG_SIGHTINGS);
    }

    private void filesComeAndGo(final int wanted) throws Exception {
        reservation.ensureMapped(TOP, MIB);
        try (FileHandle file = open()) {
            race(TOP, wanted, () -> {
                for (final FileAccess access : FileAccess.values()) {
                    mapAndRestore(TOP, file, access);
                }
            });
        }
    }

    @Test
    void staleReadsMustNotFaultWhileFilesComeAndGoInTheAnonymousZone() throws Exception {
        reservation.ensureAnonymous(0, 16 * MIB);
        try (FileHandle file = open()) {
            race(MIB, SIGHTINGS, () -> mapAndRestore(MIB, file, FileAccess.READ_WRITE));
        }
    }

    @Test
    void staleReadsMustNotFaultWhileAnonymousMemoryIsZeroedAndProtected() throws Exception {
        reservation.ensureAnonymous(0, 16 * MIB);
        race(MIB, SIGHTINGS, () -> {
            Inspection.fill(reservation.base() + MIB, LENGTH, 5);
            reservation.protect(MIB, LENGTH, false);
            reservation.protect(MIB, LENGTH, true);
            reservation.discard(MIB, LENGTH);
            Inspection.fill(reservation.base() + MIB, LENGTH, 5);
            reservation.zeroAnonymous(MIB, LENGTH);
            Inspection.fill(reservation.base() + MIB, LENGTH, 5);
            assertEquals(RestoreResult.RESTORED, reservation.restoreAnonymous(MIB, LENGTH));
        });
    }

    @Test
    void staleReadsMustNotFaultWhileTheReservationIsParkedAndUsedAgain() throws Exception {
        reservation.ensureMapped(TOP, MIB);
        try (FileHandle file = open()) {
            race(TOP, SIGHTINGS, () -> {
                reservation.mapFile(TOP, LENGTH, file, 0, FileAccess.READ_WRITE);
                reservation.ensureAnonymous(0, MIB);
                Inspection.put(reservation.base(), 1);
                assertTrue(reservation.park());
                reservation.unpark();
                reservation.ensureMapped(TOP, MIB);
            });
        }
    }

    @Test
    void staleReadsMustNotFaultWhileAMappingGrows() throws Exception {
        reservation.ensureMapped(TOP, MIB);
        try (FileHandle file = open()) {
            race(TOP, SIGHTINGS, () -> {
                reservation.mapFile(TOP, PAGE, file, 0, FileAccess.READ_WRITE);
                reservation.extendFile(TOP, PAGE, 8 * PAGE, file, 0, FileAccess.READ_WRITE);
                reservation.extendFile(TOP, 8 * PAGE, LENGTH, file, 0, FileAccess.READ_WRITE);
                assertEquals(RestoreResult.RESTORED, reservation.restore(TOP, LENGTH));
            });
        }
    }

    @Test
    void staleReadsMustNotFaultWhileTheKernelRefuses() throws Exception {
        reservation.ensureMapped(TOP, MIB);
        try (FileHandle file = open()) {
            race(TOP, SIGHTINGS, () -> {
                for (final NativeCall kind : new NativeCall[] {NativeCall.MMAP, NativeCall.MREMAP}) {
                    memory.failNth(kind, 1, Errno.ENOMEM, Damage.NONE);
                    try {
                        reservation.mapFile(TOP, LENGTH, file, 0, FileAccess.COPY_ON_WRITE);
                    } catch (final NativeException refused) {
                        assertEquals(Errno.ENOMEM, refused.errno());
                    }
                }
                reservation.mapFile(TOP, LENGTH, file, 0, FileAccess.READ_WRITE);
                memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.NONE);
                assertEquals(RestoreResult.QUARANTINED, reservation.restore(TOP, LENGTH));
                assertEquals(0, reservation.retryQuarantined());
            });
        }
    }
}
