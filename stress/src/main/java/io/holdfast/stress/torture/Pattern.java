// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * What the words of a region hold: its generation, which no other region has, and in the low bits a version, which is
 * the same in all of them while nobody writes.
 */
final class Pattern {
    /** What memory holds when it is about to be given to somebody else. */
    static final long POISON = 0xdead_0000_dead_0000L;
    static final int VERSIONS = 1 << 8;

    private Pattern() {
    }

    /** The word of a generation in a version. */
    static long word(final long generation, final int version) {
        return generation * VERSIONS + version;
    }

    static void fill(final MemorySegment segment, final long word) {
        for (long at = 0; at + Long.BYTES <= segment.byteSize(); at += Long.BYTES) {
            segment.set(ValueLayout.JAVA_LONG, at, word);
        }
    }

    /** A file that holds a generation. */
    static void write(final Path path, final long bytes, final long generation) throws IOException {
        final ByteBuffer buffer = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.nativeOrder());
        while (buffer.hasRemaining()) {
            buffer.putLong(word(generation, 0));
        }
        Files.write(path, buffer.array());
    }

    /**
     * The first word that is wrong, or 0 if none is.
     *
     * @param bytes   how many are looked at; the rest is being filled
     * @param uniform whether all words have the same version
     */
    static long wrong(final MemorySegment segment, final long bytes, final long generation, final boolean uniform) {
        final long end = Math.min(bytes, segment.byteSize()) - Long.BYTES;
        if (end < 0) {
            return 0;
        }
        final long first = segment.get(ValueLayout.JAVA_LONG, 0);
        for (long at = 0; at <= end; at += Long.BYTES) {
            final long word = segment.get(ValueLayout.JAVA_LONG, at);
            if (word / VERSIONS != generation || uniform && word != first) {
                return word == 0 ? -1 : word;
            }
        }
        return 0;
    }

    /** A readable form of some words of a segment, as they are now. */
    static String describe(final MemorySegment segment) {
        final long last = Math.max(0, segment.byteSize() / Long.BYTES - 1);
        final long[] offsets = {0, last / 4, last / 2, last - last / 4, last};
        return Arrays.toString(Arrays.stream(offsets)
            .mapToObj(at -> "0x" + Long.toHexString(segment.get(ValueLayout.JAVA_LONG, at * Long.BYTES))).toArray());
    }
}
