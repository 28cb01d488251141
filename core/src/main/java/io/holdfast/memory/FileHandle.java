// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * An open regular file that can be mapped. Owns the descriptor: it is closed by {@link #close}, or, when calls of other
 * threads are still under way then, by the last of them, so that no call can hit a file that gets the same descriptor
 * next.
 *
 * <p>Thread-safe. Who changes the size of a file, or decides by it, has to agree with others who do so first. Errors of
 * the file are reported as {@link UncheckedIOException} whose cause is the {@code java.nio.file} exception
 * for the error; the message names operation, path, error and remedy.
 */
public final class FileHandle implements AutoCloseable {
    /*
     * `uses` counts the open handle itself and every call under way; the CLOSED bit turns new calls away. Whoever takes
     * the count to zero closes the descriptor. All accesses are read-modify-writes of one word in volatile mode, so a
     * call either is counted before the closing one leaves, or is turned away.
     */
    private static final int CLOSED = 1 << 30;
    private static final int NEW_FILE_MODE = 0x1b6; // rw-rw-rw-, from which the process takes its mask
    private static final int ASCII_END = 0x80;
    private static final System.Logger LOGGER = System.getLogger(FileHandle.class.getName());
    private static final AtomicBoolean WARNED = new AtomicBoolean();

    private final NativeMemory memory;
    private final Path path;
    private final FileAccess access;
    private final int descriptor;
    private final long device;
    private final long inode;
    private final long openedSize;
    private final long mount;
    private final AtomicInteger uses = new AtomicInteger(1);
    private volatile @Nullable Boolean reliable;

    private FileHandle(
        final NativeMemory memory, final Path path, final FileAccess access, final int descriptor,
        final FileStatus status) {
        this.memory = memory;
        this.path = path;
        this.access = access;
        this.descriptor = descriptor;
        this.device = status.device();
        this.inode = status.inode();
        this.openedSize = status.size();
        this.mount = status.mount();
    }

    /**
     * Opens a file for mapping. What is no regular file is refused: before it is opened if it would be opened for writing,
     * otherwise afterwards.
     *
     * @param operation for messages: what it is opened for
     * @param memory the calls to use, also for everything done with the handle later
     * @param path the file; symbolic links are followed
     * @param access what mappings of the handle will need at most
     * @param create whether a missing file is created empty; only with {@link FileAccess#READ_WRITE}
     * @return the open file
     * @throws IllegalArgumentException if the path does not belong to the operating system's own file system, or
     *     creation is asked for a file that is not written
     * @throws UncheckedIOException if the file is missing, may not be opened or is not a regular file
     */
    public static FileHandle open(
        final String operation, final NativeMemory memory, final Path path, final FileAccess access, final boolean create) {
        if (!path.getFileSystem().equals(FileSystems.getDefault())) {
            throw new IllegalArgumentException(operation + " failed: path=" + path + ", fileSystem=" +
                path.getFileSystem().provider().getScheme() + "; give a path of the default file system");
        }
        if (create && access != FileAccess.READ_WRITE) {
            throw new IllegalArgumentException(operation + " failed: path=" + path + ", access=" + access +
                "; only a file that is opened for writing can be created");
        }
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment name = nativePath(path, arena);
            final MemorySegment buffer = arena.allocate(FileStatus.BYTES, Long.BYTES);
            if (access == FileAccess.READ_WRITE) { // a device does more when it is opened for that than for reading
                final int known = look(operation, memory, path, name, buffer);
                if (known < 0 && !(create && known == -Errno.ENOENT)) {
                    throw FileErrors.failed(memory, operation, path, NativeCall.STATX, 0, -known);
                }
            }
            return open(operation, memory, path, access, create, name, buffer);
        }
    }

    /** Looks at what is not open yet, and refuses what is no regular file: 0, or a negated error number. */
    private static int look(
        final String operation, final NativeMemory memory, final Path path, final MemorySegment name,
        final MemorySegment buffer) {
        final int result = memory.statx(NativeMemory.AT_FDCWD, name, 0, FileStatus.FIELDS, buffer);
        if (result == 0) {
            requireRegular(operation, path, FileStatus.of(buffer));
        }
        return result;
    }

    private static FileHandle open(
        final String operation, final NativeMemory memory, final Path path, final FileAccess access, final boolean create,
        final MemorySegment name, final MemorySegment buffer) {
        final int flags = access.openFlags() | (create ? NativeMemory.O_CREAT : 0) | NativeMemory.O_CLOEXEC |
            NativeMemory.O_NOCTTY | NativeMemory.O_NONBLOCK;
        final int descriptor = uninterrupted(() -> memory.open(name, flags, NEW_FILE_MODE));
        if (descriptor < 0) {
            look(operation, memory, path, name, buffer); // sockets, for example, cannot be opened
            throw FileErrors.failed(memory, operation, path, NativeCall.OPEN, 0, -descriptor);
        }
        boolean opened = false;
        try {
            final FileStatus status = status(operation, memory, path, descriptor, buffer);
            requireRegular(operation, path, status);
            final FileHandle handle = new FileHandle(memory, path, access, descriptor, status);
            opened = true;
            return handle;
        } finally {
            if (!opened) {
                memory.close(descriptor);
            }
        }
    }

    /**
     * Opens the file behind an open descriptor of this process once more, whatever has become of its path.
     *
     * @param operation for messages: what it is opened for
     * @param memory the calls to use
     * @param link the descriptor in {@code /proc/self/fd}
     * @param path what the file is called
     * @param access what mappings of the handle will need at most
     * @return the open file, which may be another one if the descriptor has been closed meanwhile
     * @throws UncheckedIOException if it may not be opened or is not a regular file
     */
    static FileHandle reopen(final String operation, final NativeMemory memory, final Path link, final Path path,
                             final FileAccess access) {
        try (Arena arena = Arena.ofConfined()) {
            return open(operation, memory, path, access, false, nativePath(link, arena),
                arena.allocate(FileStatus.BYTES, Long.BYTES));
        }
    }

    private static void requireRegular(final String operation, final Path path, final FileStatus status) {
        if (!status.isRegular()) {
            throw FileErrors.unfit(operation, path, "is " + status.kind() + "; only regular files can be mapped");
        }
    }

    private static FileStatus status(
        final String operation, final NativeMemory memory, final Path path, final int descriptor,
        final MemorySegment buffer) {
        final MemorySegment itself = buffer.asSlice(FileStatus.BYTES - 1, 1);
        itself.set(JAVA_BYTE, 0, (byte) 0);
        final int result = memory.statx(
            descriptor, itself, NativeMemory.AT_EMPTY_PATH, FileStatus.FIELDS, buffer);
        if (result < 0) {
            throw FileErrors.failed(memory, operation, path, NativeCall.STATX, 0, -result);
        }
        return FileStatus.of(buffer);
    }

    private static MemorySegment nativePath(final Path path, final Arena arena) {
        final String name = path.toAbsolutePath().toString();
        return isAscii(name) ? arena.allocateFrom(name, StandardCharsets.US_ASCII) : nativeBytes(path, arena);
    }

    private static boolean isAscii(final String name) {
        for (int index = 0; index < name.length(); index++) {
            if (name.charAt(index) >= ASCII_END) {
                return false;
            }
        }
        return true;
    }

    // A path's bytes need not be text in any character set; its URI spells them out one by one.
    private static MemorySegment nativeBytes(final Path path, final Arena arena) {
        final byte[] encoded = path.toUri().getRawPath().getBytes(StandardCharsets.ISO_8859_1);
        final MemorySegment name = arena.allocate(encoded.length + 1L);
        long length = 0;
        for (int index = 0; index < encoded.length; index++) {
            byte value = encoded[index];
            if (value == '%') {
                value = (byte) (Character.digit(encoded[index + 1], 16) << 4 | Character.digit(encoded[index + 2], 16));
                index += 2;
            }
            name.set(JAVA_BYTE, length++, value);
        }
        if (length > 1 && name.get(JAVA_BYTE, length - 1) == '/') {
            name.set(JAVA_BYTE, length - 1, (byte) 0); // the URI of a directory; what it is, statx will say
        }
        return name;
    }

    private static int uninterrupted(final IntSupplier call) {
        int result = call.getAsInt();
        while (result == -Errno.EINTR) {
            result = call.getAsInt();
        }
        return result;
    }

    /** {@return the path that the file was opened by} */
    public Path path() {
        return path;
    }

    /** {@return what mappings of this file may allow at most} */
    public FileAccess access() {
        return access;
    }

    /** {@return the file's number on its device, which with {@link #device} identifies it while it is open} */
    public long inode() {
        return inode;
    }

    /** {@return the number of the device that the file is on} */
    public long device() {
        return device;
    }

    /** Whether {@link #close} has been called. */
    public boolean isClosed() {
        return (uses.get() & CLOSED) != 0;
    }

    /**
     * {@return the file's size in bytes, now}
     *
     * @param operation for messages: what it is asked for
     * @throws UncheckedIOException if the file system fails
     * @throws IllegalStateException if the file is closed
     */
    public long size(final String operation) {
        enter();
        try {
            return statusNow(operation).size();
        } finally {
            leave();
        }
    }

    /** {@return the file's size in bytes when it was opened, after it had been} */
    public long openedSize() {
        return openedSize;
    }

    /** What the system says of the file, now, for who holds the descriptor open. */
    private FileStatus statusNow(final String operation) {
        try (Arena arena = Arena.ofConfined()) {
            return status(operation, memory, path, descriptor, arena.allocate(FileStatus.BYTES, Long.BYTES));
        }
    }

    /**
     * Checks that the file has the bytes that are to be mapped.
     *
     * @param operation for messages: what they are mapped for
     * @param size of the file, in bytes
     * @param offset the first byte
     * @param length how many bytes, or 0 for all to the end
     * @return how many bytes, more than 0
     * @throws IllegalArgumentException if offset or length is negative or their sum is too large
     * @throws UncheckedIOException if the file is empty or ends before the range does
     */
    public long requireRange(final String operation, final long size, final long offset, final long length) {
        requireArguments(operation, offset, length);
        if (size == 0) {
            throw FileErrors.unfit(operation, path,
                "size=0: the file is empty; write it first, or map it with a length to grow to");
        }
        if (offset >= size) {
            throw FileErrors.unfit(operation, path, "offset=" + offset + ", size=" + size +
                ": the offset is past the end of the file; map a smaller offset, or let the file grow");
        }
        if (length > size - offset) {
            throw FileErrors.unfit(operation, path, "offset=" + offset + ", length=" + length + ", size=" + size +
                ": the file is shorter than asked; map fewer bytes, or let the file grow");
        }
        return length == 0 ? size - offset : length;
    }

    private void requireArguments(final String operation, final long offset, final long length) {
        if (offset < 0 || length < 0 || offset > Long.MAX_VALUE - length) {
            throw new IllegalArgumentException(operation + " failed: path=" + path + ", offset=" + offset +
                ", length=" + length + "; give an offset and a length that are not negative and whose sum fits " +
                "into a long");
        }
    }

    /** Is told the size of a file before anything is done to it. */
    @FunctionalInterface
    public interface SizeBefore {
        /** The file has this size, and is about to grow if that is not enough. */
        void is(long size);
    }

    /**
     * Lets the file grow to at least a size, with the blocks for the new part reserved where the file system can, so
     * that a full disk is an error here and not a signal at the first write. A failed growth leaves the size as it was;
     * one for which the disk has not the blocks does not touch it. One that reports an error after it has happened is
     * left to the caller.
     *
     * @param operation for messages: what it grows for
     * @param length the size in bytes that the file has at least afterwards
     * @param before is told the size first
     * @return the file's size
     * @throws IllegalArgumentException if the length is negative
     * @throws UncheckedIOException if the disk is full or the file system fails
     */
    public long ensureLength(final String operation, final long length, final SizeBefore before) {
        requireArguments(operation, 0, length);
        enter();
        try {
            final FileStatus now = statusNow(operation);
            before.is(now.size());
            return ensureLength(operation, now, length);
        } finally {
            leave();
        }
    }

    private long ensureLength(final String operation, final FileStatus now, final long length) {
        final long size = now.size();
        if (size >= length) {
            return size;
        }
        requireBlocks(operation, now, length);
        final int result = uninterrupted(() -> memory.fallocate(descriptor, 0, size, length - size));
        if (result == -Errno.EOPNOTSUPP) {
            setLength(operation, length);
        } else if (result < 0 && !growsWithout(-result, length)) {
            throw takeBack(operation, size, length,
                FileErrors.failed(memory, operation, path, NativeCall.FALLOCATE, length, -result));
        }
        return length;
    }

    /*
     * A filter of system calls (seccomp) may refuse fallocate and allow ftruncate, whose new part is a hole: then a full
     * disk is met by the first write. EPERM is also said of a file that may not grow at all; then ftruncate says so too.
     */
    private boolean growsWithout(final int errno, final long length) {
        if (errno != Errno.ENOSYS && errno != Errno.EPERM ||
            uninterrupted(() -> memory.ftruncate(descriptor, length)) < 0) {
            return false;
        }
        if (!WARNED.getAndSet(true)) {
            LOGGER.log(Level.WARNING, "fallocate is refused (" + Errno.name(errno) + "), apparently by a seccomp filter: " +
                "files grow with holes, so a full disk does not fail the growth, but raises a SIGBUS (InternalError) at " +
                "the first write; allow fallocate: path=" + path);
        }
        return true;
    }

    /*
     * The kernel takes the blocks one by one and gives none back before it has failed, so that a growth far beyond what
     * is free would fill the disk for everybody meanwhile. Refused is only what certainly cannot fit: all blocks that
     * the file has already may lie behind its end, where the growth needs them, and those that the file system keeps for
     * the superuser count as free, because the process may be allowed to take them. What the system frees later than it
     * was told to (XFS) is not counted; the kernel finds it only when it has run out of everything else.
     */
    private void requireBlocks(final String operation, final FileStatus now, final long length) {
        final FileSystemStatus system = fileSystem();
        final long needed = length - now.size() - now.owned();
        if (system != null && needed > system.freeBytes()) {
            throw FileErrors.full(memory, operation, path, length, needed, system.freeBytes());
        }
    }

    // A growth that ran out of blocks may have set the size to where it came.
    private UncheckedIOException takeBack(final String operation, final long size, final long length,
                                          final UncheckedIOException failure) {
        try {
            final long reached = statusNow(operation).size();
            if (reached > size && reached < length) {
                setLength(operation, size);
            }
        } catch (final UncheckedIOException second) {
            failure.addSuppressed(second);
        }
        return failure;
    }

    /**
     * Sets the file's size, cutting it off or extending it by a hole.
     *
     * <p>Pages behind the new end must not be mapped by anybody who still reads them.
     *
     * @param length the new size in bytes
     * @throws IllegalArgumentException if the length is negative
     * @throws UncheckedIOException if the file system fails
     */
    public void truncate(final long length) {
        requireArguments("truncate", 0, length);
        enter();
        try {
            setLength("truncate", length);
        } finally {
            leave();
        }
    }

    /** Needs no heap unless the file system fails, so that a growth can be taken back. */
    private void setLength(final String operation, final long length) {
        int result;
        do {
            result = memory.ftruncate(descriptor, length);
        } while (result == -Errno.EINTR);
        if (result < 0) {
            throw FileErrors.failed(memory, operation, path, NativeCall.FTRUNCATE, length, -result);
        }
    }

    /** Takes a growth back, for who holds the lock of the size. */
    void cutBack(final long length) {
        enter();
        try {
            setLength("truncate", length);
        } finally {
            leave();
        }
    }

    /**
     * Whether the file is on a file system of the kernel's own, whose shared mappings are not refused once the kernel
     * has taken away what they replace.
     */
    boolean mapsReliably() {
        Boolean known = reliable;
        if (known == null) {
            known = memory.mounts().mapsReliably(mount, this::fileSystem);
            reliable = known;
        }
        return known;
    }

    /** What the system says of the file system, now; null if it says nothing. */
    private @Nullable FileSystemStatus fileSystem() {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment buffer = arena.allocate(FileSystemStatus.BYTES, Long.BYTES);
            return memory.fstatfs(descriptor, buffer) < 0 ? null : FileSystemStatus.of(buffer);
        }
    }

    /** Holds the descriptor open until {@link #leave}, and returns it. */
    int enter() {
        int seen = uses.get();
        while ((seen & CLOSED) == 0) {
            final int witness = uses.compareAndExchange(seen, seen + 1);
            if (witness == seen) {
                return descriptor;
            }
            seen = witness;
        }
        throw new IllegalStateException("file is closed: path=" + path + "; open it again");
    }

    /** Ends one {@link #enter}. An error of the device that only this late closing meets is not reported. */
    void leave() {
        if (uses.decrementAndGet() == CLOSED) {
            memory.close(descriptor);
        }
    }

    /**
     * Closes the file; mappings of it stay. Later calls do nothing, unless this one ends with an error for want of heap or
     * stack: then the file is open still.
     *
     * @throws UncheckedIOException if the device reports that data written before is lost. The file is closed even so
     */
    @Override
    public void close() {
        int seen = uses.get();
        while ((seen & CLOSED) == 0) {
            final int witness = uses.compareAndExchange(seen, (seen - 1) | CLOSED);
            if (witness == seen) {
                if (seen == 1) {
                    closeDescriptor();
                }
                return;
            }
            seen = witness;
        }
    }

    private void closeDescriptor() {
        final int result;
        boolean called = false;
        try {
            result = memory.close(descriptor);
            called = true;
        } finally {
            if (!called) { // heap or stack ended before the call, so there is something to be closed still
                uses.set(1);
            }
        }
        if (result < 0 && result != -Errno.EINTR) {
            throw FileErrors.failed(memory, "close", path, NativeCall.CLOSE, 0, -result);
        }
    }

    @Override
    public String toString() {
        return "FileHandle[path=" + path + ", access=" + access + ", closed=" + isClosed() + "]";
    }
}
