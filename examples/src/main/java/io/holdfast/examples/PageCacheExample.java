// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A cache of a large file: parts of it are mapped when they are first read, and unmapped while others read, as soon as
 * more are mapped than the cache may have. A reader whose part is evicted under it reads on to the end of its guard; one
 * that comes a moment later is refused, and maps the part again.
 */
public final class PageCacheExample implements AutoCloseable {
    private static final long PART_BYTES = 1 << 16;

    private final AddressSpace space = AddressSpace.open();
    private final ConcurrentMap<Long, Region> parts = new ConcurrentHashMap<>();
    private final FileBacking file;
    private final int capacity;

    private PageCacheExample(final Path file, final int capacity) {
        this.file = FileBacking.readOnly(file);
        this.capacity = capacity;
    }

    /**
     * Runs the program.
     *
     * @param args none
     * @throws Exception if a task fails
     */
    public static void main(final String[] args) throws Exception {
        System.out.println("wrong values: " + wrongValues(100_000) + " of 100000");
    }

    /** Reads a file whose longs are their own numbers, with room for a quarter of it; returns how many were wrong. */
    static long wrongValues(final int reads) throws IOException, InterruptedException, ExecutionException {
        final int partsOfFile = 32;
        final long longs = partsOfFile * PART_BYTES / Long.BYTES;
        final Path path = Files.createTempFile("page-cache-", ".data");
        try {
            final ByteBuffer bytes = ByteBuffer.allocate((int) (partsOfFile * PART_BYTES)).order(ByteOrder.nativeOrder());
            for (long i = 0; i < longs; i++) {
                bytes.putLong(i);
            }
            Files.write(path, bytes.array());
            try (PageCacheExample cache = new PageCacheExample(path, partsOfFile / 4);
                 ExecutorService threads = Executors.newFixedThreadPool(2)) {
                final Future<Long> one = threads.submit(() -> cache.wrongValues(1, reads / 2, longs));
                final Future<Long> other = threads.submit(() -> cache.wrongValues(2, reads / 2, longs));
                return one.get() + other.get();
            }
        } finally {
            Files.delete(path);
        }
    }

    private long wrongValues(final long seed, final int reads, final long longs) {
        final SplittableRandom random = new SplittableRandom(seed);
        long wrong = 0;
        for (int i = 0; i < reads; i++) {
            final long at = random.nextLong(longs);
            wrong += getLong(at * Long.BYTES) == at ? 0 : 1;
        }
        return wrong;
    }

    private long getLong(final long offset) {
        final long part = offset / PART_BYTES;
        while (true) {
            final Region region = parts.computeIfAbsent(part, n -> space.map(file.range(n * PART_BYTES, PART_BYTES)));
            try (Guard guard = region.tryShare()) {
                if (guard.isHeld()) {
                    return guard.segment().get(JAVA_LONG_UNALIGNED, offset % PART_BYTES);
                }
            } finally {
                evict(part);
            }
            parts.remove(part, region); // evicted since it was looked up
        }
    }

    /** Unmaps parts that nobody has just asked for, until the cache is within its bounds. */
    private void evict(final long keep) {
        if (parts.size() <= capacity) {
            return;
        }
        for (final Long part : parts.keySet()) {
            final Region region = part == keep ? null : parts.remove(part);
            if (region != null) {
                region.unmapAsync(); // readers inside finish; nobody waits for them here
                return;
            }
        }
    }

    /** Unmaps what is left. */
    @Override
    public void close() {
        space.close();
    }
}
