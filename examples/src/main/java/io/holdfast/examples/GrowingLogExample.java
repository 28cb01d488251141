// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A log of longs in a file: one thread appends and grows the file's region in place, another one reads behind it, each
 * access under a guard. A guard's segment is as long as the region was when the guard was taken, so the reader takes
 * the end of the log first and the guard after it.
 */
public final class GrowingLogExample {
    private static final long FIRST_BYTES = 4096;

    private GrowingLogExample() {
    }

    /**
     * Runs the program.
     *
     * @param args none
     * @throws IOException if there is no place for a temporary file
     * @throws InterruptedException if the thread is interrupted
     */
    public static void main(final String[] args) throws IOException, InterruptedException {
        final long count = 1_000_000;
        System.out.println("sum of 0 to " + (count - 1) + ": " + sumWhileAppending(count));
    }

    static long sumWhileAppending(final long count) throws IOException, InterruptedException {
        final Path path = Files.createTempFile("growing-log-", ".log");
        try (AddressSpace space = AddressSpace.open()) {
            final long bytesMax = Math.max(FIRST_BYTES, count * Long.BYTES);
            final Region log = space.map(FileBacking.readWrite(path).range(0, FIRST_BYTES).growableTo(bytesMax));
            final AtomicLong end = new AtomicLong();
            final Thread writer = Thread.ofPlatform().name("writer").start(() -> append(log, end, count));
            long sum = 0;
            long next = 0;
            while (next < count) {
                final long known = end.getAcquire(); // pairs with the release in append: those bytes are written
                try (Guard guard = log.share()) {
                    for (; next < known; next++) {
                        sum += guard.segment().getAtIndex(ValueLayout.JAVA_LONG, next);
                    }
                }
            }
            writer.join();
            log.unmap();
            return sum;
        } finally {
            Files.delete(path);
        }
    }

    private static void append(final Region log, final AtomicLong end, final long count) {
        for (long i = 0; i < count; i++) {
            if ((i + 1) * Long.BYTES > log.size()) {
                log.grow(Math.min(2 * log.size(), count * Long.BYTES));
            }
            try (Guard guard = log.shareWritable()) {
                guard.segment().setAtIndex(ValueLayout.JAVA_LONG, i, i);
            }
            end.setRelease(i + 1);
        }
    }
}
