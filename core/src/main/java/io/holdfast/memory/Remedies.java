// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** What to do about a failed call. Cold: may read the kernel's settings to say which limit was hit. */
final class Remedies {
    private static final Path LIMITS = Path.of("/proc/self/limits");
    /** The mappings that the kernel needs for one more call, with some to spare for other threads. */
    private static final long HEADROOM = 16;
    private static final long USUAL_RAISE = 262_144;

    /** {@return the remedy for a failed call of so many bytes} */
    static String of(final NativeMemory memory, final NativeCall call, final long length, final int errno) {
        return switch (call) {
            case MMAP, MREMAP, MPROTECT, MUNMAP, MADVISE -> mapping(memory, call, length, errno);
            case MLOCK, MUNLOCK -> locking(memory, errno);
            case MEMBARRIER -> "the kernel or a seccomp filter refuses membarrier; allow it, or use the fence barrier";
            default -> file(call, errno);
        };
    }

    private static String mapping(
        final NativeMemory memory, final NativeCall call, final long length, final int errno) {
        return switch (errno) {
            case Errno.ENOMEM -> outOfMemory(memory, length);
            case Errno.EACCES -> "the file's permissions or the way it was opened do not allow this mapping";
            case Errno.EPERM -> "the file is sealed, its file system is mounted so that it may not be mapped, or a " +
                "security policy forbids it";
            // What the kernel means there by ENOMEM, most of all that it has no mapping left to part this one.
            case Errno.EAGAIN -> call == NativeCall.MADVISE ? outOfMemory(memory, length)
                : "the limit of locked memory is reached; raise ulimit -l, or release locked regions";
            case Errno.EEXIST -> "something else is mapped at this address; choose another one";
            case Errno.ENODEV -> "the file system does not support mapped files; use another one";
            case Errno.EOVERFLOW -> "offset and length do not fit into the file's largest size";
            case Errno.ENFILE, Errno.EMFILE -> tooManyFiles();
            case Errno.EINVAL -> call == NativeCall.MADVISE
                ? "the kernel does not know this advice, or the range is locked in memory or uses huge pages"
                : "address, length or offset are not multiples of the page size, or the kernel does not know a flag";
            case Errno.EIO -> "the file's device reports an error; look at the kernel's log";
            case Errno.EFAULT -> "pages cannot be accessed: somebody has truncated the file, or its device is broken";
            default -> general(errno);
        };
    }

    private static String outOfMemory(final NativeMemory memory, final long length) {
        final long limit = memory.maxMapCount();
        final long count = memory.mapCount();
        if (count > limit - HEADROOM) {
            return tooManyMappings(limit, count);
        }
        return "no memory or address space for " + length +
            " bytes; check the limit on address space (ulimit -v, now " +
            limitOf("Max address space") + "), the limit on data (ulimit -d, now " + limitOf("Max data size") +
            "), the container's memory limit and vm.overcommit_memory (mappings now: " + count +
            ", vm.max_map_count: " + limit + ")";
    }

    private static String tooManyMappings(final long limit, final long count) {
        return "the process has " + count + " mappings and vm.max_map_count is " + limit +
            "; raise it (sysctl -w vm.max_map_count=" + Math.max(USUAL_RAISE, limit * 4) +
            "), map fewer files, or give fewer pages advice, protection or locks of their own";
    }

    private static String locking(final NativeMemory memory, final int errno) {
        final long limit = memory.maxMapCount();
        final long count = memory.mapCount();
        if (errno == Errno.ENOMEM && count > limit - HEADROOM) {
            return tooManyMappings(limit, count);
        }
        return switch (errno) {
            case Errno.ENOMEM, Errno.EPERM, Errno.EAGAIN -> "the limit of locked memory is reached (now " +
                limitOf("Max locked memory") + "), or somebody has truncated the file; raise ulimit -l, or lock less";
            default -> general(errno);
        };
    }

    private static String file(final NativeCall call, final int errno) {
        return switch (errno) {
            case Errno.ENOSPC -> "the disk is full; free space, or map a smaller file";
            case Errno.EDQUOT -> "the disk quota is used up; free space, or have it raised";
            case Errno.EFBIG -> "the file would be larger than its file system or ulimit -f allows";
            case Errno.EROFS -> "the file system is read-only; map the file read-only";
            case Errno.EACCES, Errno.EPERM -> "permission denied; check the file's owner and mode";
            case Errno.EMFILE, Errno.ENFILE -> tooManyFiles();
            case Errno.EOPNOTSUPP -> "the file system does not support " + call.symbol() + "; use another one";
            case Errno.EIO -> "the file's device reports an error; the data may not be on it, look at the kernel's log";
            case Errno.ENOENT -> "no such file; create it first, or check the path";
            case Errno.EISDIR -> "is a directory; give the path of a file";
            case Errno.ENOTDIR -> "a part of the path is not a directory; check the path";
            case Errno.ELOOP -> "too many symbolic links; check the path";
            case Errno.ENAMETOOLONG -> "the path is too long; shorten it";
            case Errno.ETXTBSY -> "the file is a running program; map it read-only";
            default -> general(errno);
        };
    }

    private static String tooManyFiles() {
        return "too many open files (limit now " + limitOf("Max open files") + "); raise ulimit -n, or close files";
    }

    private static String general(final int errno) {
        return switch (errno) {
            case Errno.ENOMEM -> "the kernel is out of memory; give the machine or the container more";
            case Errno.EBADF -> "the file has been closed; open it again";
            case Errno.ENOSYS -> "the kernel or a seccomp filter does not offer this call; use a newer kernel";
            case Errno.EINTR -> "a signal interrupted the call; try again";
            default -> "see the call's manual page for this error";
        };
    }

    private static String limitOf(final String name) {
        try {
            for (final String line : Files.readAllLines(LIMITS, StandardCharsets.ISO_8859_1)) {
                if (line.startsWith(name)) {
                    final String values = line.substring(name.length()).strip();
                    final int end = values.indexOf(' ');
                    return end < 0 ? values : values.substring(0, end);
                }
            }
        } catch (final IOException unreadable) {
            return "unknown";
        }
        return "unknown";
    }

    private Remedies() {
    }
}
