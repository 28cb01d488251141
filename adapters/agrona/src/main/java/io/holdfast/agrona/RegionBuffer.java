// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Lease;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.AtomicBuffer;
import org.jspecify.annotations.Nullable;

/**
 * An Agrona buffer over the bytes of a region, checked for bounds and for the region's end, without {@code Unsafe} and
 * without flags of the virtual machine.
 *
 * <p>What it is made of decides who may use it, and until when:
 * <ul>
 * <li>of a {@link Guard}: the thread that took it, until it is closed. Writable where the guard is.
 * <li>of a {@link Hold}: every thread, at least until the hold is released, and then until the region is unmapped. The
 *     first choice for ring buffers and counters.
 * <li>of a {@link Lease}: every thread, until the region is unmapped or the lease ended; nobody waits for it. Ordered
 *     writes run under the region's shared lock: see {@link Lease}.
 * <li>of a segment: as the segment says. {@link io.holdfast.Region#sharedSegment()} is one without a hold.
 * </ul>
 *
 * <p>Afterwards each access throws an {@link IllegalStateException}: a {@link io.holdfast.RegionException} through a
 * lease, the one of {@link MemorySegment} otherwise. A write where nothing may be written throws an {@link
 * IllegalArgumentException}, or a {@code RegionException}. An access by a wrong thread throws a {@link
 * WrongThreadException}. Nothing crashes, and no access reaches the bytes of another region.
 *
 * <p>Like {@code UnsafeBuffer} it can be used by several threads at once, as far as what it is made of can, except for the
 * {@code wrap} methods: a wrap must happen before any use by another thread. Single values, ordered ones and copies to
 * and from arrays allocate nothing.
 *
 * <h2>What is different from {@code UnsafeBuffer}</h2>
 *
 * <ul>
 * <li>Bounds are always checked; the property that switches the checks off has no effect.
 * <li>Ordered accesses must be aligned by address; otherwise they throw an {@link IllegalArgumentException}. Nothing
 *     aligns an array, so in a {@code byte[]} only single bytes can be accessed in order; {@link #verifyAlignment()}
 *     refuses it.
 * <li>{@link #addressOffset()} is refused, since nothing checks what is done with a raw address, and with it
 *     {@code UnsafeBuffer.wrap} of this buffer, {@code UnsafeBuffer.putBytes} from it, {@code AtomicCounter} and
 *     {@code UnsafeBufferPosition} over it. Copy with {@link #getBytes(int, MutableDirectBuffer, int, int)}, which
 *     works with every buffer, or {@linkplain #unsafeExposeAddress() expose the address}.
 * <li>{@link #wrap(long, int)} is refused for the same reason.
 * <li>Read-only byte buffers are read-only.
 * </ul>
 */
public final class RegionBuffer implements AtomicBuffer {
    /*
     * Bytes are accessed through BYTES, which is exactly the buffer's range, or else through LEASE, a slice of that range.
     * Both check bounds and liveness themselves, in one step with the access.
     *
     * Opaque and acquiring reads of a lease are its volatile ones, and opaque writes its releasing ones: stronger, and
     * what they cost more is nothing beside the rest.
     */
    private static final VarHandle BYTE = JAVA_BYTE.varHandle().withInvokeExactBehavior();
    private static final VarHandle SHORT = JAVA_SHORT.varHandle().withInvokeExactBehavior();
    private static final VarHandle INT = JAVA_INT.varHandle().withInvokeExactBehavior();
    private static final VarHandle LONG = JAVA_LONG.varHandle().withInvokeExactBehavior();
    private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
    private static final byte[] NO_BYTES = {};
    private static final byte[] NULL = "null".getBytes(UTF_8);
    private static final char LAST_ASCII = 127;

    private MemorySegment bytes = MemorySegment.NULL;
    private @Nullable Lease lease;
    private int capacity;
    private byte @Nullable [] array;
    private @Nullable ByteBuffer buffer;
    private int adjustment;
    private boolean isAddressExposed;

    /** A buffer of no bytes, to be wrapped around some. */
    public RegionBuffer() {
    }

    /**
     * A buffer over the bytes of a guard, for the thread that took it.
     *
     * @param guard of the region
     * @return the buffer
     * @throws io.holdfast.RegionException if the guard was refused, or is closed
     * @throws IllegalArgumentException    if there are more than {@link Integer#MAX_VALUE} bytes
     */
    public static RegionBuffer of(final Guard guard) {
        return of(guard.segment());
    }

    /**
     * A buffer over the bytes of a held region, for every thread. It stays valid until the region is unmapped, which
     * waits for the hold.
     *
     * @param hold of the region
     * @return the buffer
     * @throws IllegalStateException    if the hold was refused, or is released
     * @throws IllegalArgumentException if there are more than {@link Integer#MAX_VALUE} bytes
     */
    public static RegionBuffer of(final Hold hold) {
        return of(hold.sharedSegment());
    }

    /**
     * A buffer over the bytes that a lease has now, for every thread. It ends with the lease.
     *
     * @param lease of the region, or a slice
     * @return the buffer
     * @throws io.holdfast.RegionException if the lease is refused
     * @throws IllegalArgumentException    if there are more than {@link Integer#MAX_VALUE} bytes; take a slice
     */
    public static RegionBuffer of(final Lease lease) {
        final RegionBuffer made = new RegionBuffer();
        made.wrap(lease);
        return made;
    }

    /**
     * A buffer over a segment, for the threads that may use it.
     *
     * @param segment the bytes
     * @return the buffer
     * @throws IllegalArgumentException if there are more than {@link Integer#MAX_VALUE} bytes; take a slice
     */
    public static RegionBuffer of(final MemorySegment segment) {
        final RegionBuffer made = new RegionBuffer();
        made.wrap(segment);
        return made;
    }

    // ------------------------------------------------------------------------------------------------- wrapping

    /**
     * Attaches this buffer to the bytes that a lease has now.
     *
     * @param region the lease of the region, or a slice
     * @throws io.holdfast.RegionException if the lease is refused
     * @throws IllegalArgumentException    if there are more than {@link Integer#MAX_VALUE} bytes; take a slice
     */
    public void wrap(final Lease region) {
        final long size = region.size();
        final Lease slice = region.slice(0, checkCapacity(size));
        attach(MemorySegment.NULL, (int) size);
        lease = slice;
    }

    /**
     * Attaches this buffer to a segment.
     *
     * @param segment the bytes
     * @throws IllegalArgumentException if there are more than {@link Integer#MAX_VALUE} bytes; take a slice
     */
    public void wrap(final MemorySegment segment) {
        attach(segment, checkCapacity(segment.byteSize()));
    }

    @Override
    public void wrap(final byte[] bytesOfArray) {
        wrap(bytesOfArray, 0, bytesOfArray.length);
    }

    @Override
    public void wrap(final byte[] bytesOfArray, final int offset, final int length) {
        attach(MemorySegment.ofArray(bytesOfArray).asSlice(offset, length), length);
        array = bytesOfArray;
        adjustment = offset;
    }

    @Override
    public void wrap(final ByteBuffer wrapped) {
        wrap(wrapped, 0, wrapped.capacity());
    }

    @Override
    public void wrap(final ByteBuffer wrapped, final int offset, final int length) {
        attach(segment(wrapped).asSlice(offset, length), length);
        buffer = wrapped;
        if (wrapped.hasArray()) {
            array = wrapped.array();
            adjustment = wrapped.arrayOffset() + offset;
        } else {
            adjustment = offset;
        }
    }

    @Override
    public void wrap(final DirectBuffer wrapped) {
        wrap(wrapped, 0, wrapped.capacity());
    }

    /**
     * {@inheritDoc}
     *
     * @throws UnsupportedOperationException if the buffer has neither a region nor an array nor a byte buffer, but only an
     *                                       address
     */
    @Override
    public void wrap(final DirectBuffer wrapped, final int offset, final int length) {
        wrapped.boundsCheck(offset, length);
        final Lease wrappedLease = wrapped instanceof final RegionBuffer other ? other.lease : null;
        final Lease slice = wrappedLease == null ? null : wrappedLease.slice(offset, length);
        final MemorySegment segment = slice == null ? segment(wrapped, offset, length) : MemorySegment.NULL;
        if (segment == null) {
            throw new UnsupportedOperationException("wrap of a buffer that is only an address, which nothing can check: " +
                wrapped.getClass().getName());
        }
        final byte[] wrappedArray = wrapped.byteArray();
        final ByteBuffer wrappedBuffer = wrapped.byteBuffer();
        final int wrappedAdjustment = wrapped.wrapAdjustment() + offset;
        final boolean exposed = wrapped instanceof final RegionBuffer other && other.isAddressExposed;
        attach(segment, length);
        lease = slice;
        array = wrappedArray;
        buffer = wrappedBuffer;
        adjustment = wrappedAdjustment;
        isAddressExposed = exposed;
    }

    /**
     * Always refused: nothing can check what becomes of a raw address.
     *
     * @throws UnsupportedOperationException always
     */
    @Override
    public void wrap(final long address, final int length) {
        throw new UnsupportedOperationException("wrap of a raw address, which nothing can check: address=0x" +
            Long.toHexString(address) + ", length=" + length + "; wrap a lease or a segment");
    }

    private void attach(final MemorySegment segment, final int length) {
        bytes = segment;
        capacity = length;
        lease = null;
        array = null;
        buffer = null;
        adjustment = 0;
        isAddressExposed = false;
    }

    private static int checkCapacity(final long size) {
        if (size > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("buffer of more than 2^31 - 1 bytes: size=" + size + "; take a slice");
        }
        return (int) size;
    }

    /** All that a byte buffer can hold, whatever its position and limit. */
    private static MemorySegment segment(final ByteBuffer buffer) {
        return MemorySegment.ofBuffer(buffer.duplicate().clear());
    }

    /** The range of a buffer that is not over a lease; null if it is known by its address only. */
    private static @Nullable MemorySegment segment(final DirectBuffer of, final int index, final int length) {
        if (of instanceof final RegionBuffer other) {
            return other.bytes.asSlice(index, length);
        }
        final byte[] array = of.byteArray();
        if (array != null) {
            return MemorySegment.ofArray(array).asSlice((long) of.wrapAdjustment() + index, length);
        }
        final ByteBuffer buffer = of.byteBuffer();
        return buffer == null ? null : segment(buffer).asSlice((long) of.wrapAdjustment() + index, length);
    }

    // ------------------------------------------------------------------------------------------------ properties

    /**
     * Lets {@link #addressOffset()} give the address, for code that insists on it. Using the address once the guard is
     * closed, or the region unmapped, reads other bytes or brings the virtual machine down.
     *
     * @return this buffer
     * @throws IllegalStateException if the buffer is over a lease, which keeps nothing mapped, or over an array
     */
    public RegionBuffer unsafeExposeAddress() {
        if (lease != null || !bytes.isNative()) {
            throw new IllegalStateException("address of a buffer whose bytes do not stay: " + this);
        }
        isAddressExposed = true;
        return this;
    }

    /**
     * The raw address, if it was {@linkplain #unsafeExposeAddress() exposed}.
     *
     * @return the address of the first byte
     * @throws UnsupportedOperationException if it was not
     * @throws IllegalStateException         if guard, region or segment have ended
     */
    @Override
    public long addressOffset() {
        if (!isAddressExposed) {
            throw new UnsupportedOperationException("address of a checked buffer: " + this +
                "; copy from it with getBytes, or expose the address");
        }
        if (!bytes.scope().isAlive()) {
            throw new IllegalStateException("address of a buffer that has ended: " + this);
        }
        return bytes.address();
    }

    @Override
    public byte @Nullable [] byteArray() {
        return array;
    }

    @Override
    public @Nullable ByteBuffer byteBuffer() {
        return buffer;
    }

    @Override
    public int capacity() {
        return capacity;
    }

    @Override
    public int wrapAdjustment() {
        return adjustment;
    }

    @Override
    public boolean isExpandable() {
        return false;
    }

    @Override
    public void checkLimit(final int limit) {
        if (limit > capacity) {
            throw new IndexOutOfBoundsException("limit=" + limit + " is beyond capacity=" + capacity);
        }
    }

    @Override
    public void boundsCheck(final int index, final int length) {
        if ((index | length) < 0 || length > capacity - index) {
            throw new IndexOutOfBoundsException("index=" + index + " length=" + length + " capacity=" + capacity);
        }
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalStateException also for every array
     */
    @Override
    public void verifyAlignment() {
        if (capacity >= ALIGNMENT) {
            try {
                getLongVolatile(0);
            } catch (final IllegalArgumentException e) {
                throw new IllegalStateException("AtomicBuffer is not correctly aligned: its first byte is not at a " +
                    "multiple of " + ALIGNMENT + ", or in an array: " + this, e);
            }
        }
    }

    // ---------------------------------------------------------------------------------------------- single values

    @Override
    public byte getByte(final int index) {
        final Lease through = lease;
        return through == null ? bytes.get(JAVA_BYTE, index) : through.getByte(index);
    }

    @Override
    public short getShort(final int index) {
        final Lease through = lease;
        return through == null ? bytes.get(JAVA_SHORT_UNALIGNED, index) : through.getShort(index);
    }

    @Override
    public short getShort(final int index, final ByteOrder byteOrder) {
        final short value = getShort(index);
        return byteOrder == NATIVE ? value : Short.reverseBytes(value);
    }

    @Override
    public char getChar(final int index) {
        return (char) getShort(index);
    }

    @Override
    public char getChar(final int index, final ByteOrder byteOrder) {
        return (char) getShort(index, byteOrder);
    }

    @Override
    public int getInt(final int index) {
        final Lease through = lease;
        return through == null ? bytes.get(JAVA_INT_UNALIGNED, index) : through.getInt(index);
    }

    @Override
    public int getInt(final int index, final ByteOrder byteOrder) {
        final int value = getInt(index);
        return byteOrder == NATIVE ? value : Integer.reverseBytes(value);
    }

    @Override
    public long getLong(final int index) {
        final Lease through = lease;
        return through == null ? bytes.get(JAVA_LONG_UNALIGNED, index) : through.getLong(index);
    }

    @Override
    public long getLong(final int index, final ByteOrder byteOrder) {
        final long value = getLong(index);
        return byteOrder == NATIVE ? value : Long.reverseBytes(value);
    }

    @Override
    public float getFloat(final int index) {
        return Float.intBitsToFloat(getInt(index));
    }

    @Override
    public float getFloat(final int index, final ByteOrder byteOrder) {
        return Float.intBitsToFloat(getInt(index, byteOrder));
    }

    @Override
    public double getDouble(final int index) {
        return Double.longBitsToDouble(getLong(index));
    }

    @Override
    public double getDouble(final int index, final ByteOrder byteOrder) {
        return Double.longBitsToDouble(getLong(index, byteOrder));
    }

    @Override
    public void putByte(final int index, final byte value) {
        final Lease through = lease;
        if (through == null) {
            bytes.set(JAVA_BYTE, index, value);
        } else {
            through.putByte(index, value);
        }
    }

    @Override
    public void putShort(final int index, final short value) {
        final Lease through = lease;
        if (through == null) {
            bytes.set(JAVA_SHORT_UNALIGNED, index, value);
        } else {
            through.putShort(index, value);
        }
    }

    @Override
    public void putShort(final int index, final short value, final ByteOrder byteOrder) {
        putShort(index, byteOrder == NATIVE ? value : Short.reverseBytes(value));
    }

    @Override
    public void putChar(final int index, final char value) {
        putShort(index, (short) value);
    }

    @Override
    public void putChar(final int index, final char value, final ByteOrder byteOrder) {
        putShort(index, (short) value, byteOrder);
    }

    @Override
    public void putInt(final int index, final int value) {
        final Lease through = lease;
        if (through == null) {
            bytes.set(JAVA_INT_UNALIGNED, index, value);
        } else {
            through.putInt(index, value);
        }
    }

    @Override
    public void putInt(final int index, final int value, final ByteOrder byteOrder) {
        putInt(index, byteOrder == NATIVE ? value : Integer.reverseBytes(value));
    }

    @Override
    public void putLong(final int index, final long value) {
        final Lease through = lease;
        if (through == null) {
            bytes.set(JAVA_LONG_UNALIGNED, index, value);
        } else {
            through.putLong(index, value);
        }
    }

    @Override
    public void putLong(final int index, final long value, final ByteOrder byteOrder) {
        putLong(index, byteOrder == NATIVE ? value : Long.reverseBytes(value));
    }

    @Override
    public void putFloat(final int index, final float value) {
        putInt(index, Float.floatToRawIntBits(value));
    }

    @Override
    public void putFloat(final int index, final float value, final ByteOrder byteOrder) {
        putInt(index, Float.floatToRawIntBits(value), byteOrder);
    }

    @Override
    public void putDouble(final int index, final double value) {
        putLong(index, Double.doubleToRawLongBits(value));
    }

    @Override
    public void putDouble(final int index, final double value, final ByteOrder byteOrder) {
        putLong(index, Double.doubleToRawLongBits(value), byteOrder);
    }

    // --------------------------------------------------------------------------------------------- ordered values

    @Override
    public long getLongVolatile(final int index) {
        final Lease through = lease;
        return through == null ? (long) LONG.getVolatile(bytes, (long) index) : through.getLongVolatile(index);
    }

    @Override
    public long getLongAcquire(final int index) {
        final Lease through = lease;
        return through == null ? (long) LONG.getAcquire(bytes, (long) index) : through.getLongVolatile(index);
    }

    @Override
    public long getLongOpaque(final int index) {
        final Lease through = lease;
        return through == null ? (long) LONG.getOpaque(bytes, (long) index) : through.getLongVolatile(index);
    }

    @Override
    public void putLongVolatile(final int index, final long value) {
        final Lease through = lease;
        if (through == null) {
            LONG.setVolatile(bytes, (long) index, value);
        } else {
            through.putLongVolatile(index, value);
        }
    }

    @Override
    public void putLongRelease(final int index, final long value) {
        final Lease through = lease;
        if (through == null) {
            LONG.setRelease(bytes, (long) index, value);
        } else {
            through.putLongRelease(index, value);
        }
    }

    @Override
    public void putLongOpaque(final int index, final long value) {
        final Lease through = lease;
        if (through == null) {
            LONG.setOpaque(bytes, (long) index, value);
        } else {
            through.putLongRelease(index, value);
        }
    }

    @Override
    public void putLongOrdered(final int index, final long value) {
        putLongRelease(index, value);
    }

    @Override
    public long addLongRelease(final int index, final long increment) {
        final Lease through = lease;
        return through == null ? (long) LONG.getAndAddRelease(bytes, (long) index, increment)
            : through.getAndAddLong(index, increment);
    }

    @Override
    public long addLongOrdered(final int index, final long increment) {
        return addLongRelease(index, increment);
    }

    @Override
    public long addLongOpaque(final int index, final long increment) {
        final long old = getLongOpaque(index);
        putLongOpaque(index, old + increment);
        return old;
    }

    @Override
    public long getAndAddLong(final int index, final long delta) {
        final Lease through = lease;
        return through == null ? (long) LONG.getAndAdd(bytes, (long) index, delta) : through.getAndAddLong(index, delta);
    }

    @Override
    public long getAndSetLong(final int index, final long value) {
        final Lease through = lease;
        return through == null ? (long) LONG.getAndSet(bytes, (long) index, value) : through.getAndSetLong(index, value);
    }

    @Override
    public long compareAndExchangeLong(final int index, final long expectedValue, final long updateValue) {
        final Lease through = lease;
        return through == null ? (long) LONG.compareAndExchange(bytes, (long) index, expectedValue, updateValue)
            : through.compareAndExchangeLong(index, expectedValue, updateValue);
    }

    @Override
    public boolean compareAndSetLong(final int index, final long expectedValue, final long updateValue) {
        final Lease through = lease;
        return through == null ? (boolean) LONG.compareAndSet(bytes, (long) index, expectedValue, updateValue)
            : through.compareAndExchangeLong(index, expectedValue, updateValue) == expectedValue;
    }

    @Override
    public int getIntVolatile(final int index) {
        final Lease through = lease;
        return through == null ? (int) INT.getVolatile(bytes, (long) index) : through.getIntVolatile(index);
    }

    @Override
    public int getIntAcquire(final int index) {
        final Lease through = lease;
        return through == null ? (int) INT.getAcquire(bytes, (long) index) : through.getIntVolatile(index);
    }

    @Override
    public int getIntOpaque(final int index) {
        final Lease through = lease;
        return through == null ? (int) INT.getOpaque(bytes, (long) index) : through.getIntVolatile(index);
    }

    @Override
    public void putIntVolatile(final int index, final int value) {
        final Lease through = lease;
        if (through == null) {
            INT.setVolatile(bytes, (long) index, value);
        } else {
            through.putIntVolatile(index, value);
        }
    }

    @Override
    public void putIntRelease(final int index, final int value) {
        final Lease through = lease;
        if (through == null) {
            INT.setRelease(bytes, (long) index, value);
        } else {
            through.putIntRelease(index, value);
        }
    }

    @Override
    public void putIntOpaque(final int index, final int value) {
        final Lease through = lease;
        if (through == null) {
            INT.setOpaque(bytes, (long) index, value);
        } else {
            through.putIntRelease(index, value);
        }
    }

    @Override
    public void putIntOrdered(final int index, final int value) {
        putIntRelease(index, value);
    }

    @Override
    public int addIntRelease(final int index, final int increment) {
        final Lease through = lease;
        return through == null ? (int) INT.getAndAddRelease(bytes, (long) index, increment)
            : through.getAndAddInt(index, increment);
    }

    @Override
    public int addIntOrdered(final int index, final int increment) {
        return addIntRelease(index, increment);
    }

    @Override
    public int addIntOpaque(final int index, final int increment) {
        final int old = getIntOpaque(index);
        putIntOpaque(index, old + increment);
        return old;
    }

    @Override
    public int getAndAddInt(final int index, final int delta) {
        final Lease through = lease;
        return through == null ? (int) INT.getAndAdd(bytes, (long) index, delta) : through.getAndAddInt(index, delta);
    }

    @Override
    public int getAndSetInt(final int index, final int value) {
        final Lease through = lease;
        return through == null ? (int) INT.getAndSet(bytes, (long) index, value) : through.getAndSetInt(index, value);
    }

    @Override
    public int compareAndExchangeInt(final int index, final int expectedValue, final int updateValue) {
        final Lease through = lease;
        return through == null ? (int) INT.compareAndExchange(bytes, (long) index, expectedValue, updateValue)
            : through.compareAndExchangeInt(index, expectedValue, updateValue);
    }

    @Override
    public boolean compareAndSetInt(final int index, final int expectedValue, final int updateValue) {
        final Lease through = lease;
        return through == null ? (boolean) INT.compareAndSet(bytes, (long) index, expectedValue, updateValue)
            : through.compareAndExchangeInt(index, expectedValue, updateValue) == expectedValue;
    }

    @Override
    public short getShortVolatile(final int index) {
        final Lease through = lease;
        return through == null ? (short) SHORT.getVolatile(bytes, (long) index) : through.getShortVolatile(index);
    }

    @Override
    public void putShortVolatile(final int index, final short value) {
        final Lease through = lease;
        if (through == null) {
            SHORT.setVolatile(bytes, (long) index, value);
        } else {
            through.putShortVolatile(index, value);
        }
    }

    @Override
    public byte getByteVolatile(final int index) {
        final Lease through = lease;
        return through == null ? (byte) BYTE.getVolatile(bytes, (long) index) : through.getByteVolatile(index);
    }

    @Override
    public void putByteVolatile(final int index, final byte value) {
        final Lease through = lease;
        if (through == null) {
            BYTE.setVolatile(bytes, (long) index, value);
        } else {
            through.putByteVolatile(index, value);
        }
    }

    @Override
    public char getCharVolatile(final int index) {
        return (char) getShortVolatile(index);
    }

    @Override
    public void putCharVolatile(final int index, final char value) {
        putShortVolatile(index, (short) value);
    }

    // ------------------------------------------------------------------------------------------------------- bulk

    @Override
    public void setMemory(final int index, final int length, final byte value) {
        boundsCheck(index, length);
        final Lease through = lease;
        if (through == null) {
            bytes.asSlice(index, length).fill(value);
        } else {
            through.fill(index, length, value);
        }
    }

    @Override
    public void getBytes(final int index, final byte[] dst) {
        getBytes(index, dst, 0, dst.length);
    }

    @Override
    public void getBytes(final int index, final byte[] dst, final int dstOffset, final int length) {
        boundsCheck(index, length);
        final Lease through = lease;
        if (through == null) {
            MemorySegment.copy(bytes, JAVA_BYTE, index, dst, dstOffset, length);
        } else {
            through.getBytes(/* offset= */ index, dst, /* index= */ dstOffset, length);
        }
    }

    /**
     * {@inheritDoc}
     *
     * <p>Works with every buffer. From a lease to a lease the bytes go through an array.
     */
    @Override
    public void getBytes(final int index, final MutableDirectBuffer dstBuffer, final int dstIndex, final int length) {
        if (dstBuffer instanceof final RegionBuffer other) {
            other.putBytes(dstIndex, this, index, length);
            return;
        }
        boundsCheck(index, length);
        if (length == 0) {
            dstBuffer.putBytes(dstIndex, NO_BYTES);
            return;
        }
        dstBuffer.putByte(dstIndex + length - 1, getByte(index + length - 1)); // the last, so that what can expand does
        dstBuffer.boundsCheck(dstIndex, length);
        final MemorySegment target = segment(dstBuffer, dstIndex, length);
        if (target != null) {
            copyOut(index, target, 0, length);
            return;
        }
        int at = 0;
        for (; at <= length - Long.BYTES; at += Long.BYTES) {
            dstBuffer.putLong(dstIndex + at, getLong(index + at));
        }
        for (; at < length; at++) {
            dstBuffer.putByte(dstIndex + at, getByte(index + at));
        }
    }

    @Override
    public void getBytes(final int index, final ByteBuffer dstBuffer, final int length) {
        final int position = dstBuffer.position();
        getBytes(index, dstBuffer, position, length);
        dstBuffer.position(position + length);
    }

    @Override
    public void getBytes(final int index, final ByteBuffer dstBuffer, final int dstOffset, final int length) {
        boundsCheck(index, length);
        Objects.checkFromIndexSize(dstOffset, length, dstBuffer.capacity());
        if (dstBuffer.hasArray()) {
            getBytes(index, dstBuffer.array(), dstBuffer.arrayOffset() + dstOffset, length);
        } else {
            copyOut(index, segment(dstBuffer), dstOffset, length);
        }
    }

    private void copyOut(final int index, final MemorySegment target, final int targetIndex, final int length) {
        final Lease through = lease;
        if (through == null) {
            MemorySegment.copy(bytes, index, target, targetIndex, length);
        } else {
            through.getBytes(index, target, targetIndex, length);
        }
    }

    @Override
    public void putBytes(final int index, final byte[] src) {
        putBytes(index, src, 0, src.length);
    }

    @Override
    public void putBytes(final int index, final byte[] src, final int srcOffset, final int length) {
        boundsCheck(index, length);
        final Lease through = lease;
        if (through == null) {
            MemorySegment.copy(src, srcOffset, bytes, JAVA_BYTE, index, length);
        } else {
            through.putBytes(/* offset= */ index, src, /* index= */ srcOffset, length);
        }
    }

    @Override
    public void putBytes(final int index, final ByteBuffer srcBuffer, final int length) {
        final int position = srcBuffer.position();
        putBytes(index, srcBuffer, position, length);
        srcBuffer.position(position + length);
    }

    @Override
    public void putBytes(final int index, final ByteBuffer srcBuffer, final int srcIndex, final int length) {
        boundsCheck(index, length);
        Objects.checkFromIndexSize(srcIndex, length, srcBuffer.capacity());
        if (srcBuffer.hasArray()) {
            putBytes(index, srcBuffer.array(), srcBuffer.arrayOffset() + srcIndex, length);
        } else {
            copyIn(index, segment(srcBuffer), srcIndex, length);
        }
    }

    /**
     * {@inheritDoc}
     *
     * <p>Works with every buffer. From a lease to a lease the bytes go through an array.
     */
    @Override
    public void putBytes(final int index, final DirectBuffer srcBuffer, final int srcIndex, final int length) {
        boundsCheck(index, length);
        srcBuffer.boundsCheck(srcIndex, length);
        if (srcBuffer instanceof final RegionBuffer other && other.lease != null) {
            if (lease == null) {
                other.copyOut(srcIndex, bytes, index, length);
            } else {
                final byte[] copy = new byte[length];
                other.getBytes(srcIndex, copy);
                putBytes(index, copy);
            }
            return;
        }
        final MemorySegment source = segment(srcBuffer, srcIndex, length);
        if (source != null) {
            copyIn(index, source, 0, length);
            return;
        }
        int at = 0;
        for (; at <= length - Long.BYTES; at += Long.BYTES) {
            putLong(index + at, srcBuffer.getLong(srcIndex + at));
        }
        for (; at < length; at++) {
            putByte(index + at, srcBuffer.getByte(srcIndex + at));
        }
    }

    private void copyIn(final int index, final MemorySegment source, final int sourceIndex, final int length) {
        final Lease through = lease;
        if (through == null) {
            MemorySegment.copy(source, sourceIndex, bytes, index, length);
        } else {
            through.putBytes(index, source, sourceIndex, length);
        }
    }

    // ---------------------------------------------------------------------------------------------------- strings

    @Override
    public String getStringAscii(final int index) {
        return getStringAscii(index, getInt(index));
    }

    @Override
    public String getStringAscii(final int index, final ByteOrder byteOrder) {
        return getStringAscii(index, getInt(index, byteOrder));
    }

    @Override
    public String getStringAscii(final int index, final int length) {
        return getStringWithoutLengthAscii(afterLength(index, length), length);
    }

    @Override
    public String getStringWithoutLengthAscii(final int index, final int length) {
        final byte[] copy = copy(index, length);
        return length == 0 ? "" : new String(copy, US_ASCII);
    }

    @Override
    public int getStringAscii(final int index, final Appendable appendable) {
        return getStringAscii(index, getInt(index), appendable);
    }

    @Override
    public int getStringAscii(final int index, final Appendable appendable, final ByteOrder byteOrder) {
        return getStringAscii(index, getInt(index, byteOrder), appendable);
    }

    @Override
    public int getStringAscii(final int index, final int length, final Appendable appendable) {
        return getStringWithoutLengthAscii(afterLength(index, length), length, appendable);
    }

    @Override
    public int getStringWithoutLengthAscii(final int index, final int length, final Appendable appendable) {
        boundsCheck(index, length);
        try {
            for (int i = index; i < index + length; i++) {
                final byte each = getByte(i);
                appendable.append(each < 0 ? '?' : (char) each);
            }
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
        return length;
    }

    private int afterLength(final int index, final int length) {
        boundsCheck(index, STR_HEADER_LEN + length);
        return index + STR_HEADER_LEN;
    }

    private byte[] copy(final int index, final int length) {
        boundsCheck(index, length);
        final byte[] copy = length == 0 ? NO_BYTES : new byte[length];
        getBytes(index, copy, 0, length);
        return copy;
    }

    @Override
    public int putStringAscii(final int index, final @Nullable String value) {
        return putStringAscii(index, value, NATIVE);
    }

    @Override
    public int putStringAscii(final int index, final @Nullable CharSequence value) {
        return putStringAscii(index, value, NATIVE);
    }

    @Override
    public int putStringAscii(final int index, final @Nullable String value, final ByteOrder byteOrder) {
        return putStringAscii(index, (CharSequence) value, byteOrder);
    }

    @Override
    public int putStringAscii(final int index, final @Nullable CharSequence value, final ByteOrder byteOrder) {
        final int length = value == null ? 0 : value.length();
        boundsCheck(index, STR_HEADER_LEN + length);
        putInt(index, length, byteOrder);
        return STR_HEADER_LEN + putStringWithoutLengthAscii(index + STR_HEADER_LEN, value, 0, length);
    }

    @Override
    public int putStringWithoutLengthAscii(final int index, final @Nullable String value) {
        return putStringWithoutLengthAscii(index, value, 0, Integer.MAX_VALUE);
    }

    @Override
    public int putStringWithoutLengthAscii(final int index, final @Nullable CharSequence value) {
        return putStringWithoutLengthAscii(index, value, 0, Integer.MAX_VALUE);
    }

    @Override
    public int putStringWithoutLengthAscii(final int index, final @Nullable String value, final int valueOffset,
                                           final int length) {
        return putStringWithoutLengthAscii(index, (CharSequence) value, valueOffset, length);
    }

    @Override
    public int putStringWithoutLengthAscii(final int index, final @Nullable CharSequence value, final int valueOffset,
                                           final int length) {
        if (value == null) {
            return 0;
        }
        final int count = Math.min(value.length() - valueOffset, length);
        boundsCheck(index, count);
        for (int i = 0; i < count; i++) {
            final char each = value.charAt(valueOffset + i);
            putByte(index + i, each > LAST_ASCII ? (byte) '?' : (byte) each);
        }
        return count;
    }

    @Override
    public String getStringUtf8(final int index) {
        return getStringUtf8(index, getInt(index));
    }

    @Override
    public String getStringUtf8(final int index, final ByteOrder byteOrder) {
        return getStringUtf8(index, getInt(index, byteOrder));
    }

    @Override
    public String getStringUtf8(final int index, final int length) {
        return getStringWithoutLengthUtf8(afterLength(index, length), length);
    }

    @Override
    public String getStringWithoutLengthUtf8(final int index, final int length) {
        final byte[] copy = copy(index, length);
        return length == 0 ? "" : new String(copy, UTF_8);
    }

    @Override
    public int putStringUtf8(final int index, final @Nullable String value) {
        return putStringUtf8(index, value, NATIVE, Integer.MAX_VALUE);
    }

    @Override
    public int putStringUtf8(final int index, final @Nullable String value, final ByteOrder byteOrder) {
        return putStringUtf8(index, value, byteOrder, Integer.MAX_VALUE);
    }

    @Override
    public int putStringUtf8(final int index, final @Nullable String value, final int maxEncodedLength) {
        return putStringUtf8(index, value, NATIVE, maxEncodedLength);
    }

    @Override
    public int putStringUtf8(final int index, final @Nullable String value, final ByteOrder byteOrder,
                             final int maxEncodedLength) {
        final byte[] encoded = value == null ? NULL : value.getBytes(UTF_8);
        if (encoded.length > maxEncodedLength) {
            throw new IllegalArgumentException("Encoded string larger than maximum size: " + maxEncodedLength);
        }
        boundsCheck(index, STR_HEADER_LEN + encoded.length);
        putInt(index, encoded.length, byteOrder);
        putBytes(index + STR_HEADER_LEN, encoded);
        return STR_HEADER_LEN + encoded.length;
    }

    @Override
    public int putStringWithoutLengthUtf8(final int index, final @Nullable String value) {
        final byte[] encoded = value == null ? NULL : value.getBytes(UTF_8);
        putBytes(index, encoded);
        return encoded.length;
    }

    // ---------------------------------------------------------------------------------------------------- numbers

    @Override
    public int parseNaturalIntAscii(final int index, final int length) {
        boundsCheck(index, length);
        return (int) AsciiNumbers.parse(this, index, length, false, AsciiNumbers.Type.INT);
    }

    @Override
    public long parseNaturalLongAscii(final int index, final int length) {
        boundsCheck(index, length);
        return AsciiNumbers.parse(this, index, length, false, AsciiNumbers.Type.LONG);
    }

    @Override
    public int parseIntAscii(final int index, final int length) {
        boundsCheck(index, length);
        return (int) AsciiNumbers.parse(this, index, length, true, AsciiNumbers.Type.INT);
    }

    @Override
    public long parseLongAscii(final int index, final int length) {
        boundsCheck(index, length);
        return AsciiNumbers.parse(this, index, length, true, AsciiNumbers.Type.LONG);
    }

    @Override
    public int putIntAscii(final int index, final int value) {
        return AsciiNumbers.put(this, index, value);
    }

    @Override
    public int putLongAscii(final int index, final long value) {
        return AsciiNumbers.put(this, index, value);
    }

    @Override
    public int putNaturalIntAscii(final int index, final int value) {
        return AsciiNumbers.put(this, index, AsciiNumbers.checkNatural(value));
    }

    @Override
    public int putNaturalLongAscii(final int index, final long value) {
        return AsciiNumbers.put(this, index, AsciiNumbers.checkNatural(value));
    }

    @Override
    public void putNaturalPaddedIntAscii(final int index, final int length, final int value) {
        boundsCheck(index, length);
        if (AsciiNumbers.putDigits(this, index, length, AsciiNumbers.checkNatural(value)) != 0) {
            throw new NumberFormatException("Cannot write " + value + " in " + length + " bytes");
        }
    }

    @Override
    public int putNaturalIntAsciiFromEnd(final int value, final int endExclusive) {
        if (AsciiNumbers.checkNatural(value) == 0) {
            boundsCheck(endExclusive - 1, 1);
            return endExclusive; // as Agrona has it: of 0 nothing is written
        }
        final int digits = AsciiNumbers.digits(value);
        boundsCheck(endExclusive - digits, digits);
        AsciiNumbers.putDigits(this, endExclusive - digits, digits, value);
        return endExclusive - digits;
    }

    // ------------------------------------------------------------------------------------------------- comparison

    /** {@return whether the other is a buffer of this class with the same bytes} */
    @Override
    public boolean equals(final @Nullable Object other) {
        return this == other ||
            other instanceof final RegionBuffer that && capacity == that.capacity && compareTo(that) == 0;
    }

    @Override
    public int hashCode() {
        int hash = 19;
        int i = 0;
        for (; i <= capacity - Long.BYTES; i += Long.BYTES) {
            hash = 31 * hash + Long.hashCode(getLong(i));
        }
        for (; i < capacity; i++) {
            hash = 31 * hash + getByte(i);
        }
        return hash;
    }

    /** Compares as all Agrona buffers do: by values of 8 bytes in native order, by the bytes left, then by capacity. */
    @Override
    public int compareTo(final DirectBuffer that) {
        final int length = Math.min(capacity, that.capacity());
        int i = 0;
        for (; i <= length - Long.BYTES; i += Long.BYTES) {
            final int order = Long.compare(getLong(i), that.getLong(i));
            if (order != 0) {
                return order;
            }
        }
        for (; i < length; i++) {
            final int order = Byte.compare(getByte(i), that.getByte(i));
            if (order != 0) {
                return order;
            }
        }
        return Integer.compare(capacity, that.capacity());
    }

    @Override
    public String toString() {
        final Object of = lease != null ? lease : array != null ? "byte[" + array.length + "]" : bytes;
        return "RegionBuffer[capacity=" + capacity + ", of=" + of + "]";
    }
}
