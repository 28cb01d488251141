// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * A log of records of any length with an index, in two files that grow in place while they are read: one thread appends,
 * any thread reads any record by its number. The index says where each record ends, and in its first word how many there
 * are, so the log can be opened again.
 *
 * <p>A guard keeps layout and existence, not bytes: the count is written last, with release, and read first, with acquire.
 */
public final class IndexedLogExample implements AutoCloseable {
    private static final VarHandle COUNT = JAVA_LONG.varHandle();
    private static final long FIRST_BYTES = 4096;
    private static final long MOST_BYTES = 1L << 30; // addresses are reserved for so much, and no memory

    private final AddressSpace space = AddressSpace.open();
    private final Region records;
    private final Region index;

    private IndexedLogExample(final Path directory) throws IOException {
        records = map(directory.resolve("records"));
        index = map(directory.resolve("index"));
    }

    private Region map(final Path path) throws IOException {
        final long bytes = Files.exists(path) ? Files.size(path) : FIRST_BYTES;
        return space.map(FileBacking.readWrite(path).range(0, bytes).growableTo(MOST_BYTES));
    }

    /**
     * Runs the program.
     *
     * @param args none
     * @throws Exception if there is no place for temporary files, or the thread is interrupted
     */
    public static void main(final String[] args) throws Exception {
        System.out.println("wrong records: " + wrongRecords(1_000_000) + " of 1000000");
    }

    /** Appends records and reads others meanwhile, and all of them from a log that is opened again; how many are wrong. */
    static long wrongRecords(final int count) throws IOException, InterruptedException {
        final Path directory = Files.createTempDirectory("indexed-log-");
        try {
            long wrong = 0;
            try (IndexedLogExample log = new IndexedLogExample(directory)) {
                final Thread writer = Thread.ofPlatform().name("writer").start(() -> {
                    for (long number = 0; number < count; number++) {
                        log.append(record(number));
                    }
                });
                final SplittableRandom random = new SplittableRandom(1);
                for (long known = 0; known < count; known = log.size()) {
                    wrong += known == 0 || log.isRight(random.nextLong(known)) ? 0 : 1;
                }
                writer.join();
            }
            try (IndexedLogExample log = new IndexedLogExample(directory)) {
                for (long number = 0; number < count; number++) {
                    wrong += log.isRight(number) ? 0 : 1;
                }
                return wrong + count - log.size();
            }
        } finally {
            Files.deleteIfExists(directory.resolve("records"));
            Files.deleteIfExists(directory.resolve("index"));
            Files.delete(directory);
        }
    }

    private static byte[] record(final long number) {
        return ("record " + Long.toString(number * number, 36)).getBytes(UTF_8);
    }

    private boolean isRight(final long number) {
        return new String(read(number), UTF_8).equals(new String(record(number), UTF_8));
    }

    /** How many records can be read. */
    private long size() {
        try (Guard guard = index.share()) {
            return count(guard.segment());
        }
    }

    private static long count(final MemorySegment segment) {
        return (long) COUNT.getAcquire(segment, 0L); // pairs with the release in append: those records are written
    }

    private byte[] read(final long number) {
        final long start;
        final long end;
        try (Guard guard = index.share()) {
            if (number >= count(guard.segment())) {
                throw new IndexOutOfBoundsException("no such record: " + number);
            }
            start = start(guard.segment(), number);
            end = start(guard.segment(), number + 1);
        }
        try (Guard guard = records.share()) { // taken after the index was read: it is long enough
            return guard.segment().asSlice(start, end - start).toArray(JAVA_BYTE);
        }
    }

    /** Where a record starts, which is where the one before it ends; the first word is the count. */
    private static long start(final MemorySegment segment, final long number) {
        return number == 0 ? 0 : segment.getAtIndex(JAVA_LONG, number);
    }

    /** For one thread. */
    private void append(final byte[] record) {
        final long number;
        final long start;
        try (Guard guard = index.share()) {
            number = count(guard.segment());
            start = start(guard.segment(), number);
        }
        final long end = start + record.length;
        growTo(records, end);
        growTo(index, (number + 2) * Long.BYTES);
        try (Guard guard = records.shareWritable()) {
            MemorySegment.copy(MemorySegment.ofArray(record), 0, guard.segment(), start, record.length);
        }
        try (Guard guard = index.shareWritable()) {
            guard.segment().setAtIndex(JAVA_LONG, number + 1, end);
            COUNT.setRelease(guard.segment(), 0L, number + 1);
        }
    }

    private static void growTo(final Region region, final long bytes) {
        if (bytes > region.size()) {
            region.grow(Math.min(Math.max(2 * region.size(), bytes), MOST_BYTES)); // keeps no reader out
        }
    }

    /** Unmaps both files. */
    @Override
    public void close() {
        space.close();
    }
}
