// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import io.holdfast.Lease;
import io.holdfast.RegionException;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.MemorySegmentAccessInput;
import org.apache.lucene.store.ReadAdvice;
import org.jspecify.annotations.Nullable;

/**
 * Reads a file, or a part of it, through a lease. The input that opened the file closes it; clones and slices share it.
 * For one thread, but for {@link #close()}.
 */
final class HoldfastInput extends IndexInput implements MemorySegmentAccessInput {
    /*
     * Nothing here is checked before a read: the lease refuses what is closed and what is out of bounds, and what its
     * exception means is found out afterwards. The native byte order is little-endian, as Lucene's is, on all
     * processors that the library runs on.
     */
    private static final int MAX_VINT_BYTES = 5;

    private final OpenFile file;
    private final boolean isOwner;
    private final long offset; // in the file
    private final long length;
    private ReadAdvice advice;
    private Lease lease; // of exactly these bytes
    private long position;
    private boolean closed;

    /** The whole of a file, which this input is to close. */
    HoldfastInput(final OpenFile file, final Path path, final ReadAdvice advice) {
        this("HoldfastInput(path=\"" + path + "\")", file, true, 0, file.lease().size(), file.lease(), advice);
        if (advice != ReadAdvice.NORMAL) {
            advise(advice);
        }
    }

    private HoldfastInput(final String description, final OpenFile file, final boolean isOwner, final long offset,
                          final long length, final Lease lease, final ReadAdvice advice) {
        super(description);
        this.file = file;
        this.isOwner = isOwner;
        this.offset = offset;
        this.length = length;
        this.lease = lease;
        this.advice = advice;
    }

    // -------------------------------------------------------------------------------------------------- sequential

    @Override
    public byte readByte() throws IOException {
        try {
            final byte value = lease.getByte(position);
            position++;
            return value;
        } catch (final RuntimeException e) {
            throw failed(position, Byte.BYTES, e);
        }
    }

    @Override
    public short readShort() throws IOException {
        try {
            final short value = lease.getShort(position);
            position += Short.BYTES;
            return value;
        } catch (final RuntimeException e) {
            throw failed(position, Short.BYTES, e);
        }
    }

    @Override
    public int readInt() throws IOException {
        try {
            final int value = lease.getInt(position);
            position += Integer.BYTES;
            return value;
        } catch (final RuntimeException e) {
            throw failed(position, Integer.BYTES, e);
        }
    }

    @Override
    public long readLong() throws IOException {
        try {
            final long value = lease.getLong(position);
            position += Long.BYTES;
            return value;
        } catch (final RuntimeException e) {
            throw failed(position, Long.BYTES, e);
        }
    }

    /** Its bytes come with one access, where the file does not end before it could. */
    @Override
    public int readVInt() throws IOException {
        final long at = position;
        if (at > length - Long.BYTES) {
            return super.readVInt();
        }
        final long bytes = readLong(at);
        int value = 0;
        for (int i = 0; i < MAX_VINT_BYTES - 1; i++) {
            final int next = (int) (bytes >>> Byte.SIZE * i);
            value |= (next & 0x7F) << 7 * i;
            if ((next & 0x80) == 0) {
                position = at + i + 1;
                return value;
            }
        }
        return super.readVInt(); // of the last byte not all bits may be set
    }

    @Override
    public void readBytes(final byte[] target, final int index, final int count) throws IOException {
        readBytes(position, target, index, count);
        position += count;
    }

    @Override
    public void readInts(final int[] target, final int index, final int count) throws IOException {
        try {
            lease.getInts(position, target, index, count);
            position += (long) count * Integer.BYTES;
        } catch (final RuntimeException e) {
            throw failed(position, (long) count * Integer.BYTES, e);
        }
    }

    @Override
    public void readLongs(final long[] target, final int index, final int count) throws IOException {
        try {
            lease.getLongs(position, target, index, count);
            position += (long) count * Long.BYTES;
        } catch (final RuntimeException e) {
            throw failed(position, (long) count * Long.BYTES, e);
        }
    }

    @Override
    public void readFloats(final float[] target, final int index, final int count) throws IOException {
        try {
            lease.getFloats(position, target, index, count);
            position += (long) count * Float.BYTES;
        } catch (final RuntimeException e) {
            throw failed(position, (long) count * Float.BYTES, e);
        }
    }

    @Override
    public void skipBytes(final long count) throws IOException {
        if (count < 0) {
            throw new IllegalArgumentException("skip of " + count + " bytes: " + this);
        }
        seek(position + count);
    }

    @Override
    public long getFilePointer() {
        ensureOpen();
        return position;
    }

    @Override
    public void seek(final long target) throws IOException {
        ensureOpen();
        if (target < 0 || target > length) {
            throw outOfBounds("seek", target);
        }
        position = target;
    }

    @Override
    public long length() {
        return length;
    }

    // ------------------------------------------------------------------------------------------------------ random

    @Override
    public byte readByte(final long at) throws IOException {
        try {
            return lease.getByte(at);
        } catch (final RuntimeException e) {
            throw failed(at, Byte.BYTES, e);
        }
    }

    @Override
    public short readShort(final long at) throws IOException {
        try {
            return lease.getShort(at);
        } catch (final RuntimeException e) {
            throw failed(at, Short.BYTES, e);
        }
    }

    @Override
    public int readInt(final long at) throws IOException {
        try {
            return lease.getInt(at);
        } catch (final RuntimeException e) {
            throw failed(at, Integer.BYTES, e);
        }
    }

    @Override
    public long readLong(final long at) throws IOException {
        try {
            return lease.getLong(at);
        } catch (final RuntimeException e) {
            throw failed(at, Long.BYTES, e);
        }
    }

    @Override
    public void readBytes(final long at, final byte[] target, final int index, final int count) throws IOException {
        try {
            lease.getBytes(at, target, index, count);
        } catch (final RuntimeException e) {
            throw failed(at, count, e);
        }
    }

    @Override
    public MemorySegment segmentSliceOrNull(final long at, final long count) throws IOException {
        ensureFileOpen();
        if (at < 0 || count < 0 || count > length - at) {
            throw outOfBounds("segmentSliceOrNull", at);
        }
        try {
            return file.segment().asSlice(offset + at, count);
        } catch (final RuntimeException e) {
            throw failed(at, count, e);
        }
    }

    // -------------------------------------------------------------------------------------------- clones and slices

    @Override
    public HoldfastInput clone() {
        ensureFileOpen();
        final HoldfastInput clone = new HoldfastInput(toString(), file, false, offset, length, lease, advice);
        clone.position = position;
        return clone;
    }

    @Override
    public HoldfastInput slice(final String description, final long from, final long count) {
        return slice(description, from, count, advice);
    }

    @Override
    public HoldfastInput slice(final String description, final long from, final long count, final IOContext context) {
        final ReadAdvice wanted = file.adviceFor(context);
        final HoldfastInput slice = slice(description, from, count, wanted);
        if (wanted != ReadAdvice.NORMAL) {
            slice.advise(wanted);
        }
        return slice;
    }

    private HoldfastInput slice(final String description, final long from, final long count, final ReadAdvice how) {
        ensureFileOpen();
        if (from < 0 || count < 0 || count > length - from) {
            throw new IllegalArgumentException("slice " + description + " out of bounds: offset=" + from + ", length=" +
                count + ", size=" + length + ": " + this);
        }
        try {
            return new HoldfastInput(getFullSliceDescription(description), file, false, offset + from, count,
                file.slice(offset + from, count), how);
        } catch (final RegionException e) {
            throw alreadyClosed(e);
        }
    }

    /** Ends this input; the one that opened the file ends all clones and slices, and gives the memory back. */
    @Override
    public void close() {
        closed = true;
        if (isOwner) {
            file.close();
        } else {
            lease = file.endedLease();
        }
    }

    // ------------------------------------------------------------------------------------------------------- advice

    @Override
    public void prefetch(final long from, final long count) throws IOException {
        ensureFileOpen();
        Objects.checkFromIndexSize(from, count, length);
        try {
            file.prefetch(offset + from, count);
        } catch (final RegionException e) {
            throw alreadyClosed(e);
        }
    }

    @Override
    public void updateIOContext(final IOContext context) {
        ensureFileOpen();
        advice = file.adviceFor(context);
        advise(advice);
    }

    private void advise(final ReadAdvice how) {
        try {
            if (length > 0) {
                file.advise(offset, length, how);
            }
        } catch (final RegionException e) {
            throw alreadyClosed(e);
        }
    }

    @Override
    public boolean isEfficientFor(final IOContext context) {
        return switch (advice) {
            case NORMAL -> file.adviceFor(context) != ReadAdvice.SEQUENTIAL;
            case RANDOM -> file.adviceFor(context) == ReadAdvice.RANDOM;
            case SEQUENTIAL -> true;
        };
    }

    @Override
    public Optional<Boolean> isLoaded() {
        return Optional.empty(); // Lucene's test case for directories wants no answer but from its own
    }

    // ----------------------------------------------------------------------------------------------------- failures

    private void ensureOpen() {
        if (closed) {
            throw alreadyClosed(null);
        }
    }

    private void ensureFileOpen() {
        if (closed || file.isClosed()) {
            throw alreadyClosed(null);
        }
    }

    private AlreadyClosedException alreadyClosed(final @Nullable RegionException e) {
        return new AlreadyClosedException("already closed: " + this, e);
    }

    /** What an exception of the lease means. */
    private IOException failed(final long at, final long count, final RuntimeException e) {
        if (e instanceof final RegionException refused) {
            throw alreadyClosed(refused);
        }
        if (e instanceof IndexOutOfBoundsException && (at < 0 || count > length - at)) {
            return outOfBounds("read", at);
        }
        throw e;
    }

    private IOException outOfBounds(final String operation, final long at) {
        if (at < 0) {
            throw new IllegalArgumentException(operation + " at a negative position: position=" + at + ": " + this);
        }
        return new EOFException(operation + " past the end: position=" + at + ", length=" + length + ": " + this);
    }
}
