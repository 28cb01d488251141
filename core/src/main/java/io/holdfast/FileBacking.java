// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What a file region maps: a file, a way of access, and a range of bytes. Immutable; each method gives a new one.
 *
 * <p>Only regular files can be mapped. What else the path of a file to be written leads to, a device or a pipe, is refused
 * without being opened; of a file to be read, that is found out once it is open, which waits for nobody.
 *
 * <p>Nothing is opened before {@link AddressSpace#map(FileBacking)}. The file may be renamed or deleted once it is mapped,
 * and its regions keep all their operations; but a region that only reads, or writes privately, needs the path to move
 * to where it has more room. A file is kept open, once for all spaces, as long as a region writes to it, and so may
 * change its length.
 */
public final class FileBacking {
    /** How the bytes of the file are accessed. */
    public enum Access {
        /** Guards are read-only. */
        READ_ONLY,
        /** Writes go to the file. */
        READ_WRITE,
        /** Writes stay with the region and never reach the file. */
        COPY_ON_WRITE
    }

    private static final long WHOLE = -1;

    private final @Nullable Path path;
    private final @Nullable FileChannel channel;
    private final Access access;
    private final long offset;
    private final long length;
    private final long maximum;

    private FileBacking(final @Nullable Path path, final @Nullable FileChannel channel, final Access access,
                        final long offset, final long length, final long maximum) {
        this.path = path;
        this.channel = channel;
        this.access = access;
        this.offset = offset;
        this.length = length;
        this.maximum = maximum;
    }

    /**
     * The whole of an existing file, to be read.
     *
     * @param path the file
     * @return the backing
     */
    public static FileBacking readOnly(final Path path) {
        return of(path, Access.READ_ONLY);
    }

    /**
     * The whole of a file, to be read and written. With a range and a maximum to grow to, the file is created where it
     * does not exist.
     *
     * @param path the file
     * @return the backing
     */
    public static FileBacking readWrite(final Path path) {
        return of(path, Access.READ_WRITE);
    }

    /**
     * The whole of an existing file, to be read, and written privately.
     *
     * @param path the file
     * @return the backing
     */
    public static FileBacking copyOnWrite(final Path path) {
        return of(path, Access.COPY_ON_WRITE);
    }

    private static FileBacking of(final Path path, final Access access) {
        return new FileBacking(Objects.requireNonNull(path, "path"), null, access, 0, WHOLE, WHOLE);
    }

    /**
     * The whole of the file behind an open channel, whatever its name is now, if it still has one. The caller keeps the
     * channel, and may close it once the region is mapped. The file is opened once more for the region, which takes
     * longer the more descriptors the process has, and needs the same permission as opening it anew; an
     * empty file is refused.
     *
     * <p>As with any second descriptor of a file, closing it drops the locks of the process on the file
     * ({@link java.nio.channels.FileLock}), whichever channel they were taken through.
     *
     * @param channel of a file of the default file system, open for reading; to write to the file, for writing as well
     * @param access  how the bytes of the file are accessed
     * @return the backing
     */
    public static FileBacking of(final FileChannel channel, final Access access) {
        return new FileBacking(null, Objects.requireNonNull(channel, "channel"), Objects.requireNonNull(access, "access"),
            0, WHOLE, WHOLE);
    }

    /**
     * A range of the file, which need not begin or end at a page.
     *
     * @param newOffset of the first byte in the file, in bytes
     * @param newLength in bytes
     * @return the changed backing; this one stays as it is
     * @throws IllegalArgumentException if the offset is negative, the length not positive, or their sum too large
     */
    public FileBacking range(final long newOffset, final long newLength) {
        if (newOffset < 0 || newLength <= 0 || newLength > Long.MAX_VALUE - newOffset) {
            throw new IllegalArgumentException("range out of bounds: offset=" + newOffset + ", length=" + newLength +
                "; the offset must be 0 or more, the length more than 0, and both together fit a long");
        }
        return new FileBacking(path, channel, access, newOffset, newLength, maximum);
    }

    /**
     * Lets the region grow in place to a number of bytes, for which addresses are reserved. The file is created if it
     * does not exist and a range is given, made as long as the range when it is mapped, and longer as the region grows.
     *
     * @param newMaximum largest size of the region in bytes
     * @return the changed backing; this one stays as it is
     * @throws IllegalArgumentException if the maximum is not positive
     * @throws IllegalStateException    if the access is not {@link Access#READ_WRITE}
     */
    public FileBacking growableTo(final long newMaximum) {
        if (newMaximum <= 0) {
            throw new IllegalArgumentException("maximum must be positive: maximum=" + newMaximum);
        }
        if (access != Access.READ_WRITE) {
            throw new IllegalStateException("only a file that is written can grow: access=" + access + ", " +
                (path == null ? channel : "path=" + path) + "; use readWrite(path)");
        }
        return new FileBacking(path, channel, access, offset, length, newMaximum);
    }

    /** {@return the file, or null if it is given by a channel} */
    public @Nullable Path path() {
        return path;
    }

    /** {@return the channel that the file is given by, or null} */
    public @Nullable FileChannel channel() {
        return channel;
    }

    /** {@return how the bytes of the file are accessed} */
    public Access access() {
        return access;
    }

    /** {@return the offset of the region's first byte in the file, in bytes} */
    public long offset() {
        return offset;
    }

    /** {@return whether the range is the whole of the file} */
    public boolean isWhole() {
        return length == WHOLE;
    }

    /** {@return the length of the range in bytes, if it is not {@linkplain #isWhole() whole}} */
    public long length() {
        return length;
    }

    /** {@return whether the region may grow} */
    public boolean isGrowable() {
        return maximum != WHOLE;
    }

    /** {@return the largest size of the region in bytes, if it is {@linkplain #isGrowable() growable}} */
    public long maximum() {
        return maximum;
    }

    @Override
    public String toString() {
        final StringBuilder text = new StringBuilder().append(access).append(' ')
            .append(path == null ? channel : path);
        if (!isWhole()) {
            text.append(", offset=").append(offset).append(", length=").append(length);
        }
        if (isGrowable()) {
            text.append(", growable to ").append(maximum);
        }
        return text.toString();
    }
}
