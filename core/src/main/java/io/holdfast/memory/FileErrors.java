// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** The exceptions for files that cannot be used as asked. */
final class FileErrors {
    /** A system call on a file failed. */
    static UncheckedIOException failed(
        final NativeMemory memory, final String operation, final Path path, final NativeCall call, final long length,
        final int errno) {
        return failed(operation, path, errno, "call=" + call.symbol() + (length == 0 ? "" : ", length=" + length) +
            ", errno=" + errno + " (" + Errno.name(errno) + "): " + Remedies.of(memory, call, length, errno));
    }

    /** A file system has not the blocks that a file needs, so it was not asked for them. */
    static UncheckedIOException full(
        final NativeMemory memory, final String operation, final Path path, final long length, final long needed,
        final long free) {
        return failed(operation, path, Errno.ENOSPC, "length=" + length + ", needed=" + needed + ", free=" + free +
            ", errno=" + Errno.ENOSPC + " (" + Errno.name(Errno.ENOSPC) + "): " +
            Remedies.of(memory, NativeCall.FALLOCATE, length, Errno.ENOSPC));
    }

    private static UncheckedIOException failed(
        final String operation, final Path path, final int errno, final String reason) {
        final String file = path.toString();
        final String what = operation + " failed: " + reason; // the cause may be thrown by itself
        final FileSystemException cause = switch (errno) {
            case Errno.ENOENT -> new NoSuchFileException(file, null, what);
            case Errno.EACCES, Errno.EPERM -> new AccessDeniedException(file, null, what);
            default -> new FileSystemException(file, null, what);
        };
        return new UncheckedIOException(operation + " failed: path=" + path + ", " + reason, cause);
    }

    /** A file is not what the operation needs. */
    static UncheckedIOException unfit(final String operation, final Path path, final String reason) {
        return new UncheckedIOException(operation + " failed: path=" + path + ", " + reason,
            new FileSystemException(path.toString(), null, operation + " failed: " + reason));
    }

    private FileErrors() {
    }
}
