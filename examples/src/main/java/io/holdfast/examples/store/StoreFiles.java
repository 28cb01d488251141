// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Names and sizes of the store's files, and the file system calls behind them. */
final class StoreFiles {
    static final String SEGMENT_SUFFIX = ".segment";
    static final String MANIFEST = "manifest";
    static final String MANIFEST_NEXT = "manifest.next";
    static final String LOCK = "lock";

    /** File sizes are multiples of this, which every page size divides. */
    static final long GRANULE = 64 << 10;

    private static final int ZEROS = 256 << 10;

    private StoreFiles() {
    }

    static Path segment(final Path directory, final long id) {
        return directory.resolve("%010d%s".formatted(id, SEGMENT_SUFFIX));
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
     */
    static void allocate(final Path file, final long size) {
        try (FileChannel channel =
                 FileChannel.open(file, StandardOpenOption.WRITE, StandardOpenOption.CREATE)) {
            final long before = channel.size();
            final ByteBuffer zeros = ByteBuffer.allocate(ZEROS);
            long position = before;
            while (position < size) {
                zeros.clear().limit((int) Math.min(ZEROS, size - position));
                position += channel.write(zeros, position);
            }
        } catch (final IOException e) {
            throw new StoreException("cannot extend segment: file=" + file + ", bytes=" + size + ", cause=" +
                reason(e) + "; free space on the disk or choose another directory", e);
        }
    }

    /** Cuts a file down to that many bytes. */
    static void truncate(final Path file, final long size) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(size);
        } catch (final IOException e) {
            throw failure("truncate", file, e);
        }
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
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            channel.force(true);
        } catch (final IOException e) {
            throw failure("force", file, e);
        }
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
