// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.holdfast.AddressSpace;
import io.holdfast.Hold;
import io.holdfast.Region;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.CompletionHandler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;

/**
 * Asynchronous reads into a region. A hold lasts from the call to its completion, whichever thread that comes in: without
 * it, an unmap meanwhile would leave the channel's thread with a buffer that has ended, and the read would never
 * complete.
 */
public final class AsyncReadExample {
    private static final int BLOCK_BYTES = 1 << 16;

    private AsyncReadExample() {
    }

    /**
     * Runs the program.
     *
     * @param args none
     * @throws IOException if there is no place for a temporary file
     */
    public static void main(final String[] args) throws IOException {
        System.out.println("sum of what was read: " + sum());
    }

    static long sum() throws IOException {
        final Path path = Files.createTempFile("blocks-", ".bin");
        final byte[] content = new byte[2 * BLOCK_BYTES];
        for (int i = 0; i < content.length; i++) {
            content[i] = (byte) (i / BLOCK_BYTES + 1);
        }
        Files.write(path, content);
        try (AddressSpace space = AddressSpace.open();
             AsynchronousFileChannel file = AsynchronousFileChannel.open(path, StandardOpenOption.READ)) {
            final Region first = space.map(BLOCK_BYTES);
            final Region second = space.map(BLOCK_BYTES);
            final CompletableFuture<Long> firstSum = read(file, 0, first);
            final CompletableFuture<Long> secondSum = read(file, BLOCK_BYTES, second);
            first.unmapAsync(); // nobody else gets at it any more; it goes when the read is done
            final long sum = firstSum.join() + secondSum.join();
            second.unmap();
            return sum;
        } finally {
            Files.delete(path);
        }
    }

    /** Fills a region; what its bytes sum up to. */
    private static CompletableFuture<Long> read(final AsynchronousFileChannel file, final long position,
                                                final Region region) {
        final CompletableFuture<Long> sum = new CompletableFuture<>();
        final Hold hold = region.hold();
        final MemorySegment segment = hold.sharedSegment();
        try {
            read(file, position, segment.asByteBuffer(), new CompletionHandler<Integer, ByteBuffer>() {
                @Override
                public void completed(final Integer count, final ByteBuffer rest) {
                    if (count >= 0 && rest.hasRemaining()) {
                        read(file, position + rest.position(), rest, this);
                        return;
                    }
                    final long total = total(segment);
                    hold.close();
                    sum.complete(total);
                }

                @Override
                public void failed(final Throwable reason, final ByteBuffer rest) {
                    hold.close();
                    sum.completeExceptionally(reason);
                }
            });
        } catch (final RuntimeException e) { // it has not begun
            hold.close();
            throw e;
        }
        return sum;
    }

    private static void read(final AsynchronousFileChannel file, final long position, final ByteBuffer buffer,
                             final CompletionHandler<Integer, ByteBuffer> handler) {
        file.read(buffer, position, buffer, handler);
    }

    private static long total(final MemorySegment bytes) {
        long total = 0;
        for (long i = 0; i < bytes.byteSize(); i++) {
            total += bytes.get(JAVA_BYTE, i);
        }
        return total;
    }
}
