// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.memory.FaultInjectingMemory.Damage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Several threads at once, each with ranges of its own, while calls fail at random. */
class ReservationSoakTest {
    private static final long PAGE = Inspection.PAGE;
    private static final long CAPACITY = 64L << 30;
    private static final long LENGTH = 4 * PAGE;
    private static final int THREADS = 4;
    private static final int SLOTS = 8;
    private static final int ROUNDS = 2000;
    private static final int ONE_IN = 20;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private final Reservation reservation = Reservation.reserve(memory, CAPACITY);
    private final Map<Long, Boolean> usable = new ConcurrentHashMap<>();

    @TempDir
    private Path directory;

    @AfterEach
    void release() {
        reservation.release();
    }

    private static long offset(final int thread, final int slot) {
        return CAPACITY - (thread * SLOTS + slot + 1L) * LENGTH; // the threads' ranges touch
    }

    @ParameterizedTest
    @EnumSource
    void threadsMustNotDisturbEachOtherWhateverFails(final Damage damage) throws Exception {
        final long seed = System.nanoTime();
        final SplittableRandom faults = new SplittableRandom(seed);
        final Path path = Inspection.file(directory, "data", 4, 5);
        final AtomicLong inHoles = new AtomicLong();
        memory.chooseHoles(address -> {
            if (address >= reservation.base() && address < reservation.base() + CAPACITY) {
                inHoles.incrementAndGet();
                Thread.yield();
            }
        });
        try (FileHandle file = FileHandle.open("map", memory, path, FileAccess.READ_WRITE, false)) {
            assertTrue(file.mapsReliably());
            memory.arm(call -> call.kind() != NativeCall.CLOSE && chance(faults), 1, Long.MAX_VALUE, Errno.ENOMEM,
                damage);
            runAll(file, seed);
            assertThat(memory.faults()).as("seed=%d", seed).isGreaterThan(100);
            assertEquals(damage == Damage.HOLE, inHoles.get() > 0, "seed=" + seed + ", inHoles=" + inHoles);
            memory.disarm();
            retry();
            assertEquals(0, reservation.quarantinedBytes());
        }
        assertEquals(0, reservation.strandedBytes());
        assertEquals(0, Inspection.mappingsOf(path), () -> "seed=" + seed + " " + Inspection.picture(reservation));
        for (int thread = 0; thread < THREADS; thread++) {
            for (int slot = 0; slot < SLOTS; slot++) {
                final long offset = offset(thread, slot);
                if (usable.getOrDefault(offset, true)) {
                    assertTrue(Inspection.isZero(reservation.base() + offset, LENGTH), "seed=" + seed);
                }
            }
        }
        assertEquals(reservation.lostBytes(), LENGTH * usable.values().stream().filter(left -> !left).count());
        assertTrue(damage == Damage.HOLE || reservation.lostBytes() == 0, reservation::toString);
    }

    private static boolean chance(final SplittableRandom random) {
        synchronized (random) {
            return random.nextInt(ONE_IN) == 0;
        }
    }

    private void runAll(final FileHandle file, final long seed) throws InterruptedException, ExecutionException {
        final List<Future<?>> runs = new ArrayList<>();
        try (ExecutorService executor = Executors.newFixedThreadPool(THREADS)) {
            for (int thread = 0; thread < THREADS; thread++) {
                final int own = thread;
                runs.add(executor.submit(() -> run(file, own, new SplittableRandom(seed + own))));
            }
        }
        for (final Future<?> run : runs) {
            run.get();
        }
    }

    private void run(final FileHandle file, final int thread, final SplittableRandom random) {
        for (int round = 0; round < ROUNDS; round++) {
            final long offset = offset(thread, random.nextInt(SLOTS));
            if (usable.getOrDefault(offset, true)) {
                useOnce(file, offset, random);
            }
            if (round % 50 == 0) {
                retry();
            }
        }
    }

    private synchronized void retry() {
        reservation.retryQuarantined();
        final List<Long> left = usable.keySet().stream().filter(offset -> !usable.get(offset)).toList();
        final List<AddressRange> waiting = reservation.quarantinedRanges(); // after it: what is in no list is given back
        final List<AddressRange> lost = reservation.lostRanges();
        left.stream().filter(offset -> Stream.concat(waiting.stream(), lost.stream())
            .noneMatch(range -> range.overlaps(offset, offset + LENGTH))).forEach(offset -> usable.put(offset, true));
    }

    private void useOnce(final FileHandle file, final long offset, final SplittableRandom random) {
        final long address = reservation.base() + offset;
        final boolean anonymous = random.nextInt(3) == 0;
        try {
            if (anonymous) {
                reservation.ensureAnonymous(offset, LENGTH);
                assertTrue(Inspection.isZero(address, LENGTH));
                Inspection.fill(address, LENGTH, 7);
            } else {
                reservation.mapFile(offset, LENGTH, file, 0,
                    random.nextBoolean() ? FileAccess.READ_WRITE : FileAccess.COPY_ON_WRITE);
                assertEquals(5, Inspection.get(address + LENGTH - 1));
            }
        } catch (final NativeException refused) {
            return;
        } catch (final RangeLostException lost) {
            usable.put(offset, false);
            return;
        }
        final RestoreResult result =
            anonymous ? reservation.restoreAnonymous(offset, LENGTH) : reservation.restore(offset, LENGTH);
        if (result != RestoreResult.RESTORED) {
            usable.put(offset, false);
        }
    }

    @Test
    void growingZonesFromManyThreadsMustMeetWithoutHarm() throws Exception {
        final List<Future<?>> runs = new ArrayList<>();
        final long part = CAPACITY / 4096;
        try (ExecutorService executor = Executors.newFixedThreadPool(THREADS)) {
            for (int thread = 0; thread < THREADS; thread++) {
                final int own = thread;
                runs.add(executor.submit(() -> {
                    for (int index = own; index < 2048; index += THREADS) {
                        reservation.ensureAnonymous(index * part, part);
                        Inspection.put(reservation.base() + index * part, 1);
                        reservation.ensureMapped(CAPACITY - (index + 1) * part, part);
                        assertEquals(0, Inspection.get(reservation.base() + CAPACITY - (index + 1) * part));
                    }
                }));
            }
        }
        for (final Future<?> run : runs) {
            run.get();
        }
        assertTrue(reservation.mappedLimit() <= reservation.anonymousLimit(), reservation::toString);
        assertThat(Inspection.mappings(reservation)).hasSizeLessThanOrEqualTo(3);
    }
}
