// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;

/** Names and sizes of the store's files, and the file system calls behind them. */
final class StoreFiles {
    static final String SEGMENT_SUFFIX = ".segment";
    static final String MANIFEST = "manifest";
    static final String MANIFEST_NEXT = "manifest.next";
    static final String LOCK = "lock";
    static final String RESERVE = "reserve";

    /** File sizes are multiples of this, which every page size divides. */
    static final long GRANULE = 64 << 10;

    private static final int ZEROS = 256 << 10;

    private StoreFiles() {
    }

    static Path segment(final Path directory, final long id) {
        // The root locale: others write numbers in digits of their own, and a name must not depend on who asks for it.
        return directory.resolve(String.format(Locale.ROOT, "%010d%s", id, SEGMENT_SUFFIX));
    }

    static boolean isSegment(final Path file) {
        return String.valueOf(file.getFileName()).endsWith(SEGMENT_SUFFIX);
    }

    static long roundUp(final long bytes) {
        return Math.multiplyExact(Math.ceilDiv(bytes, GRANULE), GRANULE);
    }

    /**
     * Makes a file that many bytes long with blocks behind every byte, creating it if need be. Zeros are written
     * instead of setting the length: a hole that no block can be found for later would surface as a fault in the middle
     * of a write to the mapping, a write of zeros says now that the disk is full.
     *
     * @param wanted length in bytes
     * @param least length in bytes that will do where the disk has no room for {@code wanted}
     * @return the length it has now
     * @throws NoSpaceException if it could not be made {@code least} bytes long; it is as long as before then
     */
    static long allocate(final Path file, final long wanted, final long least) {
        try {
            return allocate(file, wanted);
        } catch (final NoSpaceException e) {
            if (least >= wanted) {
                throw e;
            }
            return allocate(file, least);
        }
    }

    private static long allocate(final Path file, final long size) {
        final long before = file.toFile().length();
        try {
            return Uninterrupted.run(() -> {
                try (FileChannel channel =
                         FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
                    final ByteBuffer zeros = ByteBuffer.allocate(ZEROS);
                    long position = before;
                    while (position < size) {
                        zeros.clear().limit((int) Math.min(ZEROS, size - position));
                        position += channel.write(zeros, position);
                    }
                }
                return size;
            });
        } catch (final IOException e) {
            final NoSpaceException failure = new NoSpaceException("cannot extend file: path=" + file + ", bytes=" +
                size + ", cause=" + reason(e) + "; free space on the disk or choose another directory", e);
            giveBack(file, before, failure);
            throw failure;
        }
    }

    private static void giveBack(final Path file, final long before, final StoreException failure) {
        try {
            if (file.toFile().length() > before) {
                truncate(file, before);
            }
        } catch (final StoreException e) {
            failure.addSuppressed(e);
        }
    }

    /** Cuts a file down to that many bytes. */
    static void truncate(final Path file, final long size) {
        access("truncate", file, StandardOpenOption.WRITE, channel -> channel.truncate(size));
    }

    static void delete(final Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (final IOException e) {
            throw failure("delete", file, e);
        }
    }

    /** Returns once the file's content is on the disk; works for directories too. */
    static void forceFile(final Path file) {
        access("force", file, StandardOpenOption.READ, channel -> channel.force(true));
    }

    @FunctionalInterface
    private interface ChannelAction {
        void run(FileChannel channel) throws IOException;
    }

    private static void access(
        final String operation, final Path file, final OpenOption option, final ChannelAction action) {
        try {
            Uninterrupted.run(() -> {
                try (FileChannel channel = FileChannel.open(file, option)) {
                    action.run(channel);
                }
                return file;
            });
        } catch (final IOException e) {
            throw failure(operation, file, e);
        }
    }

    /** Maps the first bytes of a file with the JDK's means. */
    static MemorySegment map(final Path file, final long size, final Arena arena) throws IOException {
        return Uninterrupted.run(() -> {
            try (FileChannel channel =
                     FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                return channel.map(FileChannel.MapMode.READ_WRITE, 0, size, arena);
            }
        });
    }

    static StoreException failure(final String operation, final Path file, final IOException cause) {
        return new StoreException("cannot " + operation + " file: path=" + file + ", cause=" + reason(cause) +
            "; check that it exists, its permissions and the space left on the disk", cause);
    }

    /** What went wrong in words: for the usual cases the JDK's exceptions have only the path as their message. */
    static String reason(final IOException cause) {
        if (cause instanceof NoSuchFileException) {
            return "no such file";
        }
        if (cause instanceof AccessDeniedException) {
            return "permission denied";
        }
        if (cause instanceof NotDirectoryException) {
            return "not a directory";
        }
        if (cause instanceof final FileSystemException e && e.getReason() != null) {
            return e.getReason();
        }
        return cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
    }
}
