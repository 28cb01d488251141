// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * Pages of a cache written to a file by one call that gathers, and read back by one that scatters. The byte buffers are
 * views of guards, so no page can leave memory while the kernel copies it, and none can be used afterwards.
 */
public final class GatherScatterExample {
    private static final int PAGE_BYTES = 8192;

    private GatherScatterExample() {
    }

    /**
     * Runs the program.
     *
     * @param args none
     * @throws IOException if there is no place for a temporary file
     */
    public static void main(final String[] args) throws IOException {
        System.out.println("pages that came back: " + roundTrip());
    }

    static int roundTrip() throws IOException {
        final Path path = Files.createTempFile("pages-", ".bin");
        try (AddressSpace space = AddressSpace.open();
             FileChannel file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            final Region header = space.map(PAGE_BYTES);
            final Region body = space.map(PAGE_BYTES);
            try (Guard first = header.shareWritable(); Guard second = body.shareWritable()) {
                first.segment().set(JAVA_INT, 0, 1);
                second.segment().set(JAVA_INT, 0, 2);
                final ByteBuffer[] pages = {first.segment().asByteBuffer(), second.segment().asByteBuffer()};
                while (pages[1].hasRemaining()) {
                    file.write(pages);
                }
            }
            file.position(0);
            int back = 0;
            try (Guard first = header.exclusive(); Guard second = body.exclusive()) { // nobody sees half a page
                final ByteBuffer[] pages = {second.segment().asByteBuffer(), first.segment().asByteBuffer()};
                while (pages[1].hasRemaining()) {
                    if (file.read(pages) < 0) {
                        throw new EOFException("pages are missing: " + path);
                    }
                }
                back += second.segment().get(JAVA_INT, 0) == 1 ? 1 : 0;
                back += first.segment().get(JAVA_INT, 0) == 2 ? 1 : 0;
            }
            header.unmap();
            body.unmap();
            return back;
        } finally {
            Files.delete(path);
        }
    }
}
