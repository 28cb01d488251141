// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.space.LeaseHandle;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

/**
 * A long-lived claim to read a region, and to write it where the region is writable: taken once, used by any thread for
 * as long as the region is mapped, ended by any. For a program that keeps a file open for hours and reads it byte by byte.
 *
 * <p>A lease keeps nothing mapped, and nobody waits for it. After an unmap it still gives the region's bytes for a
 * moment, and then refuses; it never gives other bytes, and never crashes. The mechanism behind it is the <em>era</em>:
 * all leases of a space read through one shared arena, which is closed, once for many unmaps, before pages are given
 * back. The thread that ends an era renews the leases of the space, which costs about 40 ns for each; a lease that it
 * missed renews itself.
 *
 * {@snippet class="io.holdfast.SnippetsTest" region="lease"}
 *
 * <h2>Single values</h2>
 *
 * <p>Accesses to single values take no lock, write no shared word and allocate nothing, unless the lease has to renew
 * itself. They need no alignment. Without a byte order they use the native one. A plain write may be done twice when an
 * era ends in the middle of it: use ordered values for what other threads synchronize on.
 *
 * <h2>Ordered values</h2>
 *
 * <p>Methods with a memory order in their names, and those that read and write in one step, are for values that threads
 * synchronize on. They need the alignment of their width and use the native byte order. Reads are done like those of
 * single values. Writes run under the region's shared lock, so that each is done once, and therefore wait for an
 * exclusive writer, as {@link Region#lockShared()} does. The orders are those of {@link java.lang.invoke.VarHandle}; a
 * read and write in one step is volatile.
 *
 * <h2>Bulk operations</h2>
 *
 * <p>Operations that copy out take no lock either. The others run under the region's shared lock, in pieces of a
 * megabyte, and so wait for an exclusive writer between two of them, as {@link Region#lockShared()} does. If the region
 * is unmapped meanwhile, the earlier pieces have been done, and what the target holds in place of the rest is undefined.
 *
 * <h2>What a lease does not do</h2>
 *
 * <p>Except for ordered values, a lease orders nothing. What others write, including exclusive writers and advice that
 * discards bytes, shows at once and in parts. What is written through a lease of a region that is being unmapped, or
 * moved without a file behind it, may be lost. Optimistic stamps and guards order accesses.
 *
 * <p>Closing a shared arena interrupts a thread that is inside an access to it. An era is closed some time after its end,
 * when threads have left it ({@link AddressSpace.Builder#eras}); only a thread that runs interpreted code, and is not
 * scheduled for as long, can still find its interrupt status set.
 *
 * <p>Every method but {@link #region()}, {@link #isCurrent()} and {@link #close()} throws a {@link RegionException} with
 * {@link Refusal#DETACHED} or {@link Refusal#MOVED} when the region is unmapped, or lives on under other handles, and
 * the era in which that happened has ended; with {@link Refusal#ENDED} when the lease is ended; an {@link
 * IndexOutOfBoundsException} for a range that is not in the region, or the slice. Methods that write also throw a {@link
 * RegionException} for a read-only region, and one with {@link Refusal#EXCLUDED} while the right to write is being taken
 * away. Bulk operations that do not copy out, and ordered writes, also throw what {@link Region#lockShared()} throws.
 */
public abstract sealed class Lease implements AutoCloseable permits LeaseHandle {
    /*
     * A class, where the other contracts are interfaces, since it is called for each value that is read. While one subclass
     * is loaded, the compilers inline the calls of a class without looking at the receiver. For an interface they load the
     * receiver's class and compare it at each call, even with one implementation, since the verifier lets any object pass
     * for an interface.
     */

    /** For the library: the class is sealed, so no other class can extend it. */
    protected Lease() {
    }

    /** {@return the region} */
    public abstract Region region();

    /**
     * {@return the number of bytes that can be read: the region's current size, or the slice's}
     *
     * @throws RegionException if the lease is refused, as said above
     */
    public abstract long size();

    /** {@return whether the next access will be granted, as far as is known now} */
    public abstract boolean isCurrent();

    /**
     * A lease of a part, for example for a cloned reader. It renews with this one and ends with it. For that it is listed,
     * by a weak reference: making one costs more than a read, so keep a slice that is needed again and again.
     *
     * @param offset first byte
     * @param length how many bytes
     * @return the slice, which can be ended on its own
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract Lease slice(long offset, long length);

    /**
     * Ends the lease, and its slices. Idempotent; accesses that other threads have begun, or that a compiler has
     * combined with others, may still succeed. Gives nothing back: that is what unmapping the region does.
     */
    @Override
    public abstract void close();

    // ---------------------------------------------------------------------------------------------- single values

    /**
     * Reads.
     *
     * @param offset of the byte
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract byte getByte(long offset);

    /**
     * Reads in native byte order.
     *
     * @param offset of the first byte
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract short getShort(long offset);

    /**
     * Reads.
     *
     * @param offset of the first byte
     * @param order  of the bytes
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract short getShort(long offset, ByteOrder order);

    /**
     * Reads in native byte order.
     *
     * @param offset of the first byte
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract char getChar(long offset);

    /**
     * Reads.
     *
     * @param offset of the first byte
     * @param order  of the bytes
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract char getChar(long offset, ByteOrder order);

    /**
     * Reads in native byte order.
     *
     * @param offset of the first byte
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract int getInt(long offset);

    /**
     * Reads.
     *
     * @param offset of the first byte
     * @param order  of the bytes
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract int getInt(long offset, ByteOrder order);

    /**
     * Reads in native byte order.
     *
     * @param offset of the first byte
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract long getLong(long offset);

    /**
     * Reads.
     *
     * @param offset of the first byte
     * @param order  of the bytes
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract long getLong(long offset, ByteOrder order);

    /**
     * Reads in native byte order.
     *
     * @param offset of the first byte
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract float getFloat(long offset);

    /**
     * Reads.
     *
     * @param offset of the first byte
     * @param order  of the bytes
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract float getFloat(long offset, ByteOrder order);

    /**
     * Reads in native byte order.
     *
     * @param offset of the first byte
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract double getDouble(long offset);

    /**
     * Reads.
     *
     * @param offset of the first byte
     * @param order  of the bytes
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract double getDouble(long offset, ByteOrder order);

    /**
     * Writes.
     *
     * @param offset of the byte
     * @param value  the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putByte(long offset, byte value);

    /**
     * Writes in native byte order.
     *
     * @param offset of the first byte
     * @param value  the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putShort(long offset, short value);

    /**
     * Writes.
     *
     * @param offset of the first byte
     * @param value  the value
     * @param order  of the bytes
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putShort(long offset, short value, ByteOrder order);

    /**
     * Writes in native byte order.
     *
     * @param offset of the first byte
     * @param value  the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putChar(long offset, char value);

    /**
     * Writes.
     *
     * @param offset of the first byte
     * @param value  the value
     * @param order  of the bytes
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putChar(long offset, char value, ByteOrder order);

    /**
     * Writes in native byte order.
     *
     * @param offset of the first byte
     * @param value  the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putInt(long offset, int value);

    /**
     * Writes.
     *
     * @param offset of the first byte
     * @param value  the value
     * @param order  of the bytes
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putInt(long offset, int value, ByteOrder order);

    /**
     * Writes in native byte order.
     *
     * @param offset of the first byte
     * @param value  the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putLong(long offset, long value);

    /**
     * Writes.
     *
     * @param offset of the first byte
     * @param value  the value
     * @param order  of the bytes
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putLong(long offset, long value, ByteOrder order);

    /**
     * Writes in native byte order.
     *
     * @param offset of the first byte
     * @param value  the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putFloat(long offset, float value);

    /**
     * Writes.
     *
     * @param offset of the first byte
     * @param value  the value
     * @param order  of the bytes
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putFloat(long offset, float value, ByteOrder order);

    /**
     * Writes in native byte order.
     *
     * @param offset of the first byte
     * @param value  the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putDouble(long offset, double value);

    /**
     * Writes.
     *
     * @param offset of the first byte
     * @param value  the value
     * @param order  of the bytes
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract void putDouble(long offset, double value, ByteOrder order);

    // --------------------------------------------------------------------------------------------- ordered values

    /**
     * Reads with volatile order.
     *
     * @param offset of the byte
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     */
    public abstract byte getByteVolatile(long offset);

    /**
     * Reads with volatile order.
     *
     * @param offset of the first byte
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     * @throws IllegalArgumentException  if the value is not aligned
     */
    public abstract short getShortVolatile(long offset);

    /**
     * Reads with volatile order.
     *
     * @param offset of the first byte
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     * @throws IllegalArgumentException  if the value is not aligned
     */
    public abstract int getIntVolatile(long offset);

    /**
     * Reads with volatile order.
     *
     * @param offset of the first byte
     * @return the value
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region or the slice
     * @throws IllegalArgumentException  if the value is not aligned
     */
    public abstract long getLongVolatile(long offset);

    /**
     * Writes with volatile order.
     *
     * @param offset of the byte
     * @param value  the value
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region or the slice
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public abstract void putByteVolatile(long offset, byte value);

    /**
     * Writes with volatile order.
     *
     * @param offset of the first byte
     * @param value  the value
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region or the slice
     * @throws IllegalArgumentException     if the value is not aligned
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public abstract void putShortVolatile(long offset, short value);

    /**
     * Writes with volatile order.
     *
     * @param offset of the first byte
     * @param value  the value
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region or the slice
     * @throws IllegalArgumentException     if the value is not aligned
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public abstract void putIntVolatile(long offset, int value);

    /**
     * Writes with volatile order.
     *
     * @param offset of the first byte
     * @param value  the value
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region or the slice
     * @throws IllegalArgumentException     if the value is not aligned
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public abstract void putLongVolatile(long offset, long value);

    /**
     * Writes with release order.
     *
     * @param offset of the first byte
     * @param value  the value
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region or the slice
     * @throws IllegalArgumentException     if the value is not aligned
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public abstract void putIntRelease(long offset, int value);

    /**
     * Writes a value if the current one is the expected one.
     *
     * @param offset   of the first byte
     * @param expected the value that has to be there
     * @param value    what to write then
     * @return the previous value; if it is the expected one, the new value has been written
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region or the slice
     * @throws IllegalArgumentException     if the value is not aligned
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public abstract int compareAndExchangeInt(long offset, int expected, int value);

    /**
     * Writes a value and returns the previous one.
     *
     * @param offset of the first byte
     * @param value  the value
     * @return the previous value
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region or the slice
     * @throws IllegalArgumentException     if the value is not aligned
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public abstract int getAndSetInt(long offset, int value);

    /**
     * Adds to a value and returns the previous one.
     *
     * @param offset of the first byte
     * @param delta  what to add
     * @return the previous value
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region or the slice
     * @throws IllegalArgumentException     if the value is not aligned
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public abstract int getAndAddInt(long offset, int delta);

    /**
     * Writes with release order.
     *
     * @param offset of the first byte
     * @param value  the value
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region or the slice
     * @throws IllegalArgumentException     if the value is not aligned
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public abstract void putLongRelease(long offset, long value);

    /**
     * Writes a value if the current one is the expected one.
     *
     * @param offset   of the first byte
     * @param expected the value that has to be there
     * @param value    what to write then
     * @return the previous value; if it is the expected one, the new value has been written
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region or the slice
     * @throws IllegalArgumentException     if the value is not aligned
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public abstract long compareAndExchangeLong(long offset, long expected, long value);

    /**
     * Writes a value and returns the previous one.
     *
     * @param offset of the first byte
     * @param value  the value
     * @return the previous value
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region or the slice
     * @throws IllegalArgumentException     if the value is not aligned
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public abstract long getAndSetLong(long offset, long value);

    /**
     * Adds to a value and returns the previous one.
     *
     * @param offset of the first byte
     * @param delta  what to add
     * @return the previous value
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region or the slice
     * @throws IllegalArgumentException     if the value is not aligned
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public abstract long getAndAddLong(long offset, long delta);

    // ------------------------------------------------------------------------------------------------------- bulk

    /**
     * Copies out.
     *
     * @param offset first byte
     * @param target where to copy to
     * @param index  first byte in the target
     * @param length how many bytes
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region, the slice, or the other side
     */
    public abstract void getBytes(long offset, byte[] target, int index, int length);

    /**
     * Copies ints out, in native byte order.
     *
     * @param offset of the first byte
     * @param target where to copy to
     * @param index  of the first int in the target
     * @param length how many ints
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region, the slice, or the other side
     */
    public abstract void getInts(long offset, int[] target, int index, int length);

    /**
     * Copies longs out, in native byte order.
     *
     * @param offset of the first byte
     * @param target where to copy to
     * @param index  of the first long in the target
     * @param length how many longs
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region, the slice, or the other side
     */
    public abstract void getLongs(long offset, long[] target, int index, int length);

    /**
     * Copies floats out, in native byte order.
     *
     * @param offset of the first byte
     * @param target where to copy to
     * @param index  of the first float in the target
     * @param length how many floats
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region, the slice, or the other side
     */
    public abstract void getFloats(long offset, float[] target, int index, int length);

    /**
     * Copies out, to memory or, through {@code MemorySegment.ofArray}, to an array of values in native byte order.
     *
     * @param offset       first byte
     * @param target       where to copy to
     * @param targetOffset first byte in the target
     * @param length       how many bytes
     * @throws RegionException           if the lease is refused, as said above
     * @throws IndexOutOfBoundsException if a byte lies outside the region, the slice, or the other side
     * @throws IllegalArgumentException  if the other side cannot be written, or not with bytes
     * @throws IllegalStateException     if the memory of the other side has been freed already
     * @throws WrongThreadException      if the other side belongs to another thread
     */
    public abstract void getBytes(long offset, MemorySegment target, long targetOffset, long length);

    /**
     * Copies in.
     *
     * @param offset first byte
     * @param source where to copy from
     * @param index  first byte in the source
     * @param length how many bytes
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region, the slice, or the other side
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     * @throws TruncatedException           if somebody else has truncated the file
     */
    public abstract void putBytes(long offset, byte[] source, int index, int length);

    /**
     * Copies in.
     *
     * @param offset       first byte
     * @param source       where to copy from
     * @param sourceOffset first byte in the source
     * @param length       how many bytes
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region, the slice, or the other side
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     * @throws IllegalArgumentException     if the other side cannot be written, or not with bytes
     * @throws IllegalStateException        if the memory of the other side has been freed already
     * @throws WrongThreadException         if the other side belongs to another thread
     * @throws TruncatedException           if somebody else has truncated the file
     */
    public abstract void putBytes(long offset, MemorySegment source, long sourceOffset, long length);

    /**
     * Writes one value to all bytes of a range.
     *
     * @param offset first byte
     * @param length how many bytes
     * @param value  the value
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region, the slice, or the other side
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     * @throws TruncatedException           if somebody else has truncated the file
     */
    public abstract void fill(long offset, long length, byte value);

    /**
     * Compares with other bytes.
     *
     * @param offset      first byte
     * @param other       what to compare with
     * @param otherOffset first byte in it
     * @param length      how many bytes
     * @return how many bytes from the first one on are equal, or -1 if all are
     * @throws RegionException              if the lease is refused, as said above
     * @throws IndexOutOfBoundsException    if a byte lies outside the region, the slice, or the other side
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     * @throws IllegalArgumentException     if the other side cannot be written, or not with bytes
     * @throws IllegalStateException        if the memory of the other side has been freed already
     * @throws WrongThreadException         if the other side belongs to another thread
     * @throws TruncatedException           if somebody else has truncated the file
     */
    public abstract long mismatch(long offset, MemorySegment other, long otherOffset, long length);
}
