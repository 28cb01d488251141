// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.store.MemorySegmentAccessInput;
import org.apache.lucene.store.RandomAccessInput;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Readers of clones, slices and raw segments, and a thread that closes the input behind them and opens the next file at
 * once, in an address space so small that addresses are soon used again: each value that is read is the file's, until the
 * reader is told that the file is closed (G3). {@code holdfast.seed} repeats a run.
 */
class CloseRaceTest {
    private static final int FILES = 4;
    private static final int LONGS = 8_000; // less than the largest region that is parked for the next map
    private static final int MAPPED = 0;
    private static final int COPIED = 8 * LONGS;
    private static final int ARRAY = 100;
    private static final int WARM = 200;
    private static final int READERS = 2;
    private static final ValueLayout.OfLong LITTLE = JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @TempDir
    private Path path;
    private final long seed = Long.getLong("holdfast.seed", System.nanoTime());
    private final AtomicLong reads = new AtomicLong();
    private final AtomicLong refusals = new AtomicLong();

    /** How a reader reads. */
    private enum Way {
        SEQUENTIAL, RANDOM, BYTES, ARRAYS, SLICES, SEGMENT
    }

    private static long value(final int file, final int index) {
        return (index * 31L + file) * 0x9E3779B97F4A7C15L | 1; // never 0, which is what replaced pages show
    }

    private void write(final HoldfastDirectory directory) throws IOException {
        for (int file = 0; file < FILES; file++) {
            try (IndexOutput output = directory.createOutput("file" + file, IOContext.DEFAULT)) {
                for (int i = 0; i < LONGS; i++) {
                    output.writeLong(value(file, i));
                }
            }
        }
    }

    @Test
    void whatIsReadBesideAndAfterACloseMustBeTheFilesOrRefused() throws Exception {
        readersMustBeTold(MAPPED);
    }

    @Test
    void whatIsReadOfACopyMustBeTheFilesOrRefused() throws Exception {
        readersMustBeTold(COPIED);
    }

    private void readersMustBeTold(final int copyUpTo) throws Exception {
        final int rounds = 300;
        run(rounds, 0, copyUpTo);
        assertThat(refusals.get()).as("readers that were told, seed %d", seed).isEqualTo((long) READERS * rounds);
    }

    @Test
    @Tag("long")
    void hundredMillionsOfReadsMustBeTheFilesOrRefused() throws Exception {
        run(711, 186_000_000, MAPPED);
    }

    @Test
    @Tag("long")
    void hundredMillionsOfReadsOfCopiesMustBeTheFilesOrRefused() throws Exception {
        run(711, 186_000_000, COPIED);
    }

    private void run(final int rounds, final long wanted, final int copyUpTo) throws Exception {
        try (AddressSpace space = AddressSpace.builder().capacity(1 << 24).eras(Duration.ZERO, Duration.ZERO).open();
             HoldfastDirectory directory = HoldfastDirectory.builder().space(space).copyUpTo(copyUpTo)
                 .open(path);
             ExecutorService platform = Executors.newCachedThreadPool();
             ExecutorService virtual = Executors.newVirtualThreadPerTaskExecutor()) {
            write(directory);
            List<Future<?>> before = List.of();
            for (int round = 0; round < rounds || reads.get() < wanted; round++) {
                final int file = round % FILES;
                final SplittableRandom random = new SplittableRandom(seed + round);
                final IndexInput input = directory.openInput("file" + file, IOContext.DEFAULT);
                final CountDownLatch inside = new CountDownLatch(READERS);
                final List<Future<?>> readers = new ArrayList<>();
                for (int i = 0; i < READERS; i++) {
                    final Way way = Way.values()[random.nextInt(Way.values().length)];
                    final IndexInput clone = input.clone();
                    final SplittableRandom own = random.split();
                    readers.add((random.nextInt(4) == 0 ? virtual : platform).submit(
                        () -> read(file, way, clone, own, inside)));
                }
                for (final Future<?> reader : before) {
                    reader.get();
                }
                inside.await();
                input.close();
                before = readers;
            }
            for (final Future<?> reader : before) {
                reader.get();
            }
        }
        assertThat(reads.get()).as("seed %d", seed).isGreaterThanOrEqualTo(Math.max((long) rounds * WARM, wanted));
    }

    private void read(final int file, final Way way, final IndexInput input, final SplittableRandom random,
                      final CountDownLatch inside) {
        long count = 0;
        try {
            while (true) {
                count += pass(file, way, input, random);
                if (count >= WARM) {
                    inside.countDown();
                }
            }
        } catch (final AlreadyClosedException e) {
            refusals.incrementAndGet();
        } catch (final IllegalStateException e) {
            assertThat(way).as("only a raw segment says it so: %s", e).isEqualTo(Way.SEGMENT);
            refusals.incrementAndGet();
        } catch (final IOException e) {
            throw new AssertionError("seed " + seed + ", " + way, e);
        } finally {
            reads.addAndGet(count);
            inside.countDown();
        }
    }

    private static int pass(final int file, final Way way, final IndexInput input, final SplittableRandom random)
        throws IOException {
        final int at = random.nextInt(LONGS - ARRAY);
        switch (way) {
            case SEQUENTIAL -> {
                input.seek(8L * at);
                for (int i = 0; i < ARRAY; i++) {
                    check(file, at + i, input.readLong());
                }
            }
            case RANDOM -> {
                final RandomAccessInput slice = input.clone().randomAccessSlice(0, input.length());
                for (int i = 0; i < ARRAY; i++) {
                    check(file, at + i, slice.readLong(8L * (at + i)));
                }
            }
            case BYTES -> {
                final byte[] bytes = new byte[8 * ARRAY];
                input.seek(8L * at);
                input.readBytes(bytes, 0, bytes.length);
                final MemorySegment copied = MemorySegment.ofArray(bytes);
                for (int i = 0; i < ARRAY; i++) {
                    check(file, at + i, copied.get(LITTLE, 8L * i));
                }
            }
            case ARRAYS -> {
                final long[] longs = new long[ARRAY];
                input.seek(8L * at);
                input.readLongs(longs, 0, ARRAY);
                for (int i = 0; i < ARRAY; i++) {
                    check(file, at + i, longs[i]);
                }
            }
            case SLICES -> {
                final IndexInput slice = input.slice("part", 8L * at, 8L * ARRAY).slice("of it", 8, 8L * ARRAY - 8);
                for (int i = 1; i < ARRAY; i++) {
                    check(file, at + i, slice.readLong());
                }
            }
            case SEGMENT -> {
                final MemorySegment segment = ((MemorySegmentAccessInput) input).segmentSliceOrNull(8L * at, 8L * ARRAY);
                for (int i = 0; i < ARRAY; i++) {
                    check(file, at + i, segment.get(LITTLE, 8L * i));
                }
            }
        }
        return ARRAY;
    }

    private static void check(final int file, final int index, final long read) {
        if (read != value(file, index)) {
            throw new AssertionError("file=" + file + ", index=" + index + ", read=" + Long.toHexString(read));
        }
    }
}
