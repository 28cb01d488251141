// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.holdfast.Guard;
import io.holdfast.Lease;
import io.holdfast.Refusal;
import io.holdfast.RegionException;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.layout.Words;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Objects;

/** A range of a region, read and written through a segment of an era. Thread-safe. */
public final class LeaseHandle extends Lease {
    /*
     * A single value is read in as few steps as can be: one load of a segment of just these bytes, and the JDK's check of
     * arena and bounds. There is no look at the era or at the end of the lease, which show in the segment, and no second
     * check of bounds for a slice: each lease and slice has a segment of its own, which whoever ends an era, or the lease,
     * replaces. What the JDK throws takes the cold way, which renews and reads again, or says what the matter is; it does
     * not come back to the first attempt, so that no loop is compiled around that.
     *
     * It goes through the handles of the layouts, since MemorySegment.get, which does the same, is one frame more. C2 does
     * not inline the last steps of the JDK's checks where an access is more than 15 frames deep, and the frame of the lease
     * must not be the one too many: in a sort of Lucene it was, and each value read cost a call.
     *
     * An ordered write does not go that way, since the era's close can throw behind a write as well as before it, and what
     * comes back would write, or add, once more: it is done under the region's lock, beyond all eras [R7].
     */
    private static final VarHandle BYTES = JAVA_BYTE.varHandle().withInvokeExactBehavior();
    private static final VarHandle SHORTS = JAVA_SHORT.varHandle().withInvokeExactBehavior();
    private static final VarHandle INTS = JAVA_INT.varHandle().withInvokeExactBehavior();
    private static final VarHandle LONGS = JAVA_LONG.varHandle().withInvokeExactBehavior();
    private static final VarHandle UNALIGNED_SHORTS = JAVA_SHORT_UNALIGNED.varHandle().withInvokeExactBehavior();
    private static final VarHandle UNALIGNED_INTS = JAVA_INT_UNALIGNED.varHandle().withInvokeExactBehavior();
    private static final VarHandle UNALIGNED_LONGS = JAVA_LONG_UNALIGNED.varHandle().withInvokeExactBehavior();
    private static final VarHandle RENEWAL = field("renewal", Renewal.class);
    private static final VarHandle SEGMENT = field("segment", MemorySegment.class);
    private static final VarHandle SOURCE = field("source", Source.class);
    private static final Source NO_SOURCE = new Source(0, 0, Era.NONE);
    private static final ByteOrder NATIVE = ByteOrder.nativeOrder();
    private static final long PIECE = 1 << 20;

    private final RegionHandle region;
    private final long from;
    private final long length;
    private final boolean isSlice;
    private Renewal renewal; // of a slice that was ended by itself, one that has ended
    private MemorySegment segment = Renewal.NOTHING; // of these bytes, written in volatile mode
    private Source source = NO_SOURCE; // of the same bytes, likewise

    /** For a region whose lease has been noted; the caller holds its shared lock. */
    LeaseHandle(final RegionHandle region) {
        this(new Renewal(region), region, 0, Long.MAX_VALUE, false);
        renewal.begin(this, "lease");
    }

    private LeaseHandle(final Renewal renewal, final RegionHandle region, final long from, final long length,
                        final boolean isSlice) {
        this.renewal = renewal;
        this.region = region;
        this.from = from;
        this.length = length;
        this.isSlice = isSlice;
        VarHandle.storeStoreFence(); // for a thread that finds it by a race
    }

    private static VarHandle field(final String name, final Class<?> type) {
        try {
            return MethodHandles.lookup().findVarHandle(LeaseHandle.class, name, type).withInvokeExactBehavior();
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    // ------------------------------------------------------------------------------------------------ properties

    @Override
    public RegionHandle region() {
        return region;
    }

    @Override
    public long size() {
        checkOpen("size");
        return isSlice ? length : region.size();
    }

    @Override
    public boolean isCurrent() {
        return !isEnded() && region.isMapped();
    }

    @Override
    public LeaseHandle slice(final long offset, final long sliceLength) {
        checkOpen("slice");
        checkRange("slice", offset, sliceLength, size());
        renewal.over();
        final LeaseHandle slice = new LeaseHandle(renewal, region, from + offset, sliceLength, true);
        renewal.add(slice);
        return slice;
    }

    @Override
    public void close() {
        if (!isSlice) {
            renewal.end();
        } else if (!isEnded()) {
            ReservedStack.forEnd(region.record()); // both, or neither
            RENEWAL.setVolatile(this, renewal.over()); // [R4]
            show(Renewal.NOTHING, Era.NONE);
        }
    }

    /** What is copied out: these bytes, read beyond all eras, and an era in which they were the region's. */
    private record Source(long address, long size, Era era) { }

    /** From here on single values are read and written through this segment of the region, unless the lease has ended. */
    void show(final MemorySegment all, final Era era) {
        MemorySegment part = part(all);
        Source shown = Renewal.isNothing(all) ? NO_SOURCE : new Source(part.address(), part.byteSize(), era);
        while (true) {
            SOURCE.setVolatile(this, shown);
            SEGMENT.setVolatile(this, part);
            if (Renewal.isNothing(part) || !((Renewal) RENEWAL.getVolatile(this)).isEnded()) { // [R4]
                return;
            }
            shown = NO_SOURCE;
            part = Renewal.NOTHING;
        }
    }

    private MemorySegment part(final MemorySegment all) {
        if (!isSlice || Renewal.isNothing(all)) {
            return all;
        }
        final long start = Math.min(from, all.byteSize());
        return all.asSlice(start, Math.min(length, all.byteSize() - start));
    }

    private boolean isEnded() {
        return renewal.isEnded();
    }

    private void checkOpen(final String operation) {
        renewal.checkOpen(operation);
    }

    // ---------------------------------------------------------------------------------------------- single values

    /** An access to single values, done again with another segment after the first one has thrown. */
    private interface Access<T> {
        T to(MemorySegment bytes);
    }

    private <T> T again(final String operation, final long offset, final long width, final MemorySegment first,
                        final RuntimeException thrown, final Access<T> access) {
        return again(operation, offset, width, 1, first, thrown, access);
    }

    private <T> T again(final String operation, final long offset, final long width, final int alignment,
                        final MemorySegment first, final RuntimeException thrown, final Access<T> access) {
        MemorySegment tried = first;
        RuntimeException e = thrown;
        while (true) {
            tried = renewed(operation, offset, width, tried, e);
            checkAligned(operation, tried.address() + offset, offset, alignment);
            try {
                return access.to(tried);
            } catch (final IllegalStateException | IndexOutOfBoundsException | IllegalArgumentException next) {
                e = next;
            }
        }
    }

    /** After an access that threw: the segment to try again with, or what the caller is to be told. */
    private MemorySegment renewed(final String operation, final long offset, final long width, final MemorySegment tried,
                                  final RuntimeException e) {
        if (e instanceof IllegalStateException) {
            if (!Renewal.isNothing(tried)) {
                region.space().eras().interrupts().takeBack(); // [R9]
            }
            final MemorySegment meanwhile = segment;
            return meanwhile.equals(tried) ? part(renewal.renew(operation)) : meanwhile;
        }
        final MemorySegment now = part(renewal.renew(operation)); // of a region that has grown
        if (e instanceof IndexOutOfBoundsException) {
            checkRange(operation, offset, width, now.byteSize());
            return now;
        }
        if (now.isReadOnly()) { // what an IllegalArgumentException was about
            region.checkWritable(operation);
            throw new RegionException(operation + " refused: reason=" + Refusal.EXCLUDED + ", " + region.describe() +
                "; its protection is being changed, try again", Refusal.EXCLUDED);
        }
        return now;
    }

    private void checkRange(final String operation, final long offset, final long count, final long size) {
        if (offset < 0 || count < 0 || count > size - offset) {
            throw new IndexOutOfBoundsException(operation + " out of bounds: offset=" + offset + ", length=" + count +
                ", size=" + size + ", " + region.describe());
        }
    }

    @Override
    public byte getByte(final long offset) {
        final MemorySegment bytes = segment;
        try {
            return (byte) BYTES.get(bytes, offset);
        } catch (final IllegalStateException | IndexOutOfBoundsException e) {
            return again("getByte", offset, Byte.BYTES, bytes, e, now -> (byte) BYTES.get(now, offset));
        }
    }

    @Override
    public short getShort(final long offset) {
        final MemorySegment bytes = segment;
        try {
            return (short) UNALIGNED_SHORTS.get(bytes, offset);
        } catch (final IllegalStateException | IndexOutOfBoundsException e) {
            return again("getShort", offset, Short.BYTES, bytes, e, now -> (short) UNALIGNED_SHORTS.get(now, offset));
        }
    }

    @Override
    public short getShort(final long offset, final ByteOrder order) {
        final short value = getShort(offset);
        return isNative(order) ? value : Short.reverseBytes(value);
    }

    @Override
    public char getChar(final long offset) {
        return (char) getShort(offset);
    }

    @Override
    public char getChar(final long offset, final ByteOrder order) {
        return (char) getShort(offset, order);
    }

    @Override
    public int getInt(final long offset) {
        final MemorySegment bytes = segment;
        try {
            return (int) UNALIGNED_INTS.get(bytes, offset);
        } catch (final IllegalStateException | IndexOutOfBoundsException e) {
            return again("getInt", offset, Integer.BYTES, bytes, e, now -> (int) UNALIGNED_INTS.get(now, offset));
        }
    }

    @Override
    public int getInt(final long offset, final ByteOrder order) {
        final int value = getInt(offset);
        return isNative(order) ? value : Integer.reverseBytes(value);
    }

    @Override
    public long getLong(final long offset) {
        final MemorySegment bytes = segment;
        try {
            return (long) UNALIGNED_LONGS.get(bytes, offset);
        } catch (final IllegalStateException | IndexOutOfBoundsException e) {
            return again("getLong", offset, Long.BYTES, bytes, e, now -> (long) UNALIGNED_LONGS.get(now, offset));
        }
    }

    @Override
    public long getLong(final long offset, final ByteOrder order) {
        final long value = getLong(offset);
        return isNative(order) ? value : Long.reverseBytes(value);
    }

    @Override
    public float getFloat(final long offset) {
        return Float.intBitsToFloat(getInt(offset));
    }

    @Override
    public float getFloat(final long offset, final ByteOrder order) {
        return Float.intBitsToFloat(getInt(offset, order));
    }

    @Override
    public double getDouble(final long offset) {
        return Double.longBitsToDouble(getLong(offset));
    }

    @Override
    public double getDouble(final long offset, final ByteOrder order) {
        return Double.longBitsToDouble(getLong(offset, order));
    }

    @Override
    public void putByte(final long offset, final byte value) {
        final MemorySegment bytes = segment;
        try {
            BYTES.set(bytes, offset, value);
        } catch (final IllegalStateException | IndexOutOfBoundsException | IllegalArgumentException e) {
            again("putByte", offset, Byte.BYTES, bytes, e, now -> {
                BYTES.set(now, offset, value);
                return true;
            });
        }
    }

    @Override
    public void putShort(final long offset, final short value) {
        final MemorySegment bytes = segment;
        try {
            UNALIGNED_SHORTS.set(bytes, offset, value);
        } catch (final IllegalStateException | IndexOutOfBoundsException | IllegalArgumentException e) {
            again("putShort", offset, Short.BYTES, bytes, e, now -> {
                UNALIGNED_SHORTS.set(now, offset, value);
                return true;
            });
        }
    }

    @Override
    public void putShort(final long offset, final short value, final ByteOrder order) {
        putShort(offset, isNative(order) ? value : Short.reverseBytes(value));
    }

    @Override
    public void putChar(final long offset, final char value) {
        putShort(offset, (short) value);
    }

    @Override
    public void putChar(final long offset, final char value, final ByteOrder order) {
        putShort(offset, (short) value, order);
    }

    @Override
    public void putInt(final long offset, final int value) {
        final MemorySegment bytes = segment;
        try {
            UNALIGNED_INTS.set(bytes, offset, value);
        } catch (final IllegalStateException | IndexOutOfBoundsException | IllegalArgumentException e) {
            again("putInt", offset, Integer.BYTES, bytes, e, now -> {
                UNALIGNED_INTS.set(now, offset, value);
                return true;
            });
        }
    }

    @Override
    public void putInt(final long offset, final int value, final ByteOrder order) {
        putInt(offset, isNative(order) ? value : Integer.reverseBytes(value));
    }

    @Override
    public void putLong(final long offset, final long value) {
        final MemorySegment bytes = segment;
        try {
            UNALIGNED_LONGS.set(bytes, offset, value);
        } catch (final IllegalStateException | IndexOutOfBoundsException | IllegalArgumentException e) {
            again("putLong", offset, Long.BYTES, bytes, e, now -> {
                UNALIGNED_LONGS.set(now, offset, value);
                return true;
            });
        }
    }

    @Override
    public void putLong(final long offset, final long value, final ByteOrder order) {
        putLong(offset, isNative(order) ? value : Long.reverseBytes(value));
    }

    @Override
    public void putFloat(final long offset, final float value) {
        putInt(offset, Float.floatToRawIntBits(value));
    }

    @Override
    public void putFloat(final long offset, final float value, final ByteOrder order) {
        putInt(offset, Float.floatToRawIntBits(value), order);
    }

    @Override
    public void putDouble(final long offset, final double value) {
        putLong(offset, Double.doubleToRawLongBits(value));
    }

    @Override
    public void putDouble(final long offset, final double value, final ByteOrder order) {
        putLong(offset, Double.doubleToRawLongBits(value), order);
    }

    private static boolean isNative(final ByteOrder order) {
        return Objects.requireNonNull(order, "order") == NATIVE;
    }

    // --------------------------------------------------------------------------------------------- ordered values

    private IllegalArgumentException misaligned(final String operation, final long offset, final int width) {
        return new IllegalArgumentException(operation + " misaligned: offset=" + offset + ", width=" + width + ", " +
            region.describe() + "; the address must be a multiple of the width");
    }

    private void checkAligned(final String operation, final long address, final long offset, final int alignment) {
        if ((address & alignment - 1) != 0) {
            throw misaligned(operation, offset, alignment);
        }
    }

    @Override
    public byte getByteVolatile(final long offset) {
        final MemorySegment bytes = segment;
        try {
            return (byte) BYTES.getVolatile(bytes, offset);
        } catch (final IllegalStateException | IndexOutOfBoundsException e) {
            return again("getByteVolatile", offset, Byte.BYTES, bytes, e,
                now -> (byte) BYTES.getVolatile(now, offset));
        }
    }

    @Override
    public short getShortVolatile(final long offset) {
        final MemorySegment bytes = segment;
        try {
            return (short) SHORTS.getVolatile(bytes, offset);
        } catch (final IllegalStateException | IndexOutOfBoundsException e) {
            return again("getShortVolatile", offset, Short.BYTES, Short.BYTES, bytes, e,
                now -> (short) SHORTS.getVolatile(now, offset));
        } catch (final IllegalArgumentException e) {
            throw misaligned("getShortVolatile", offset, Short.BYTES);
        }
    }

    @Override
    public int getIntVolatile(final long offset) {
        final MemorySegment bytes = segment;
        try {
            return (int) INTS.getVolatile(bytes, offset);
        } catch (final IllegalStateException | IndexOutOfBoundsException e) {
            return again("getIntVolatile", offset, Integer.BYTES, Integer.BYTES, bytes, e,
                now -> (int) INTS.getVolatile(now, offset));
        } catch (final IllegalArgumentException e) {
            throw misaligned("getIntVolatile", offset, Integer.BYTES);
        }
    }

    @Override
    public long getLongVolatile(final long offset) {
        final MemorySegment bytes = segment;
        try {
            return (long) LONGS.getVolatile(bytes, offset);
        } catch (final IllegalStateException | IndexOutOfBoundsException e) {
            return again("getLongVolatile", offset, Long.BYTES, Long.BYTES, bytes, e,
                now -> (long) LONGS.getVolatile(now, offset));
        } catch (final IllegalArgumentException e) {
            throw misaligned("getLongVolatile", offset, Long.BYTES);
        }
    }

    /** The region's bytes for an ordered write at an offset of this lease; the region's lock is held. */
    private MemorySegment writableAt(final String operation, final long offset, final int width) {
        checkInside(operation, offset, width);
        final MemorySegment bytes = writable(operation);
        checkAligned(operation, bytes.address() + from + offset, offset, width);
        return bytes;
    }

    @Override
    public void putByteVolatile(final long offset, final byte value) {
        final long slot = region.enterQuickly();
        final long stamp = slot == 0 ? enter("putByteVolatile") : 0;
        try {
            BYTES.setVolatile(writableAt("putByteVolatile", offset, Byte.BYTES), from + offset, value);
        } finally {
            region.leave(slot, stamp);
        }
    }

    @Override
    public void putShortVolatile(final long offset, final short value) {
        final long slot = region.enterQuickly();
        final long stamp = slot == 0 ? enter("putShortVolatile") : 0;
        try {
            SHORTS.setVolatile(writableAt("putShortVolatile", offset, Short.BYTES), from + offset, value);
        } finally {
            region.leave(slot, stamp);
        }
    }

    @Override
    public void putIntVolatile(final long offset, final int value) {
        final long slot = region.enterQuickly();
        final long stamp = slot == 0 ? enter("putIntVolatile") : 0;
        try {
            INTS.setVolatile(writableAt("putIntVolatile", offset, Integer.BYTES), from + offset, value);
        } finally {
            region.leave(slot, stamp);
        }
    }

    @Override
    public void putLongVolatile(final long offset, final long value) {
        final long slot = region.enterQuickly();
        final long stamp = slot == 0 ? enter("putLongVolatile") : 0;
        try {
            LONGS.setVolatile(writableAt("putLongVolatile", offset, Long.BYTES), from + offset, value);
        } finally {
            region.leave(slot, stamp);
        }
    }

    @Override
    public void putIntRelease(final long offset, final int value) {
        final long slot = region.enterQuickly();
        final long stamp = slot == 0 ? enter("putIntRelease") : 0;
        try {
            INTS.setRelease(writableAt("putIntRelease", offset, Integer.BYTES), from + offset, value);
        } finally {
            region.leave(slot, stamp);
        }
    }

    @Override
    public int compareAndExchangeInt(final long offset, final int expected, final int value) {
        final long slot = region.enterQuickly();
        final long stamp = slot == 0 ? enter("compareAndExchangeInt") : 0;
        try {
            final MemorySegment bytes = writableAt("compareAndExchangeInt", offset, Integer.BYTES);
            return (int) INTS.compareAndExchange(bytes, from + offset, expected, value);
        } finally {
            region.leave(slot, stamp);
        }
    }

    @Override
    public int getAndSetInt(final long offset, final int value) {
        final long slot = region.enterQuickly();
        final long stamp = slot == 0 ? enter("getAndSetInt") : 0;
        try {
            return (int) INTS.getAndSet(writableAt("getAndSetInt", offset, Integer.BYTES), from + offset, value);
        } finally {
            region.leave(slot, stamp);
        }
    }

    @Override
    public int getAndAddInt(final long offset, final int delta) {
        final long slot = region.enterQuickly();
        final long stamp = slot == 0 ? enter("getAndAddInt") : 0;
        try {
            return (int) INTS.getAndAdd(writableAt("getAndAddInt", offset, Integer.BYTES), from + offset, delta);
        } finally {
            region.leave(slot, stamp);
        }
    }

    @Override
    public void putLongRelease(final long offset, final long value) {
        final long slot = region.enterQuickly();
        final long stamp = slot == 0 ? enter("putLongRelease") : 0;
        try {
            LONGS.setRelease(writableAt("putLongRelease", offset, Long.BYTES), from + offset, value);
        } finally {
            region.leave(slot, stamp);
        }
    }

    @Override
    public long compareAndExchangeLong(final long offset, final long expected, final long value) {
        final long slot = region.enterQuickly();
        final long stamp = slot == 0 ? enter("compareAndExchangeLong") : 0;
        try {
            final MemorySegment bytes = writableAt("compareAndExchangeLong", offset, Long.BYTES);
            return (long) LONGS.compareAndExchange(bytes, from + offset, expected, value);
        } finally {
            region.leave(slot, stamp);
        }
    }

    @Override
    public long getAndSetLong(final long offset, final long value) {
        final long slot = region.enterQuickly();
        final long stamp = slot == 0 ? enter("getAndSetLong") : 0;
        try {
            return (long) LONGS.getAndSet(writableAt("getAndSetLong", offset, Long.BYTES), from + offset, value);
        } finally {
            region.leave(slot, stamp);
        }
    }

    @Override
    public long getAndAddLong(final long offset, final long delta) {
        final long slot = region.enterQuickly();
        final long stamp = slot == 0 ? enter("getAndAddLong") : 0;
        try {
            return (long) LONGS.getAndAdd(writableAt("getAndAddLong", offset, Long.BYTES), from + offset, delta);
        } finally {
            region.leave(slot, stamp);
        }
    }

    // ------------------------------------------------------------------------------------------------------- bulk

    /** Checks a range, the whole of which must be there; the region's lock is held. */
    private void checkInside(final String operation, final long offset, final long count) {
        checkOpen(operation);
        checkRange(operation, offset, count, Math.min(length, region.sizeInside() - from));
    }

    private long enter(final String operation) {
        checkOpen(operation);
        return region.lockShared(operation);
    }

    /** The region's bytes for the writing of a piece; the region's lock is held. */
    private MemorySegment writable(final String operation) {
        region.checkWritable(operation);
        return region.segmentFor(Guard.Mode.SHARED_WRITABLE, region.sizeInside(), null);
    }

    /** Checks a range, the whole of which must be there; what to copy it from. */
    private Source entered(final String operation, final long offset, final long count) {
        final Source now = source;
        if (now.era.looksOver() || (offset | count) < 0 || count > now.size - offset) {
            return enteredSlowly(operation, offset, count);
        }
        return now;
    }

    private Source enteredSlowly(final String operation, final long offset, final long count) {
        Source now;
        do {
            checkRange(operation, offset, count, part(renewal.renew(operation)).byteSize());
            now = source;
        } while (now.era.looksOver() || count > now.size - offset); // ended, or shown by a slower thread
        return now;
    }

    @Override
    public void getBytes(final long offset, final byte[] target, final int index, final int count) {
        if (count > PIECE) {
            getBytes(offset, MemorySegment.ofArray(target), index, count);
            return;
        }
        final long last = offset + count - Long.BYTES;
        if (count > 0 && count <= Long.BYTES && last >= 0) {
            getFewBytes(offset, last, target, index, count);
            return;
        }
        Source now;
        do {
            now = entered("getBytes", offset, count);
            MemorySegment.copy(Words.readOnly(), JAVA_BYTE, now.address + offset, target, index, count);
        } while (!now.era.validate());
    }

    /**
     * A few bytes are read as one value, the eight bytes that end with them, since a file that was cut has all of those if
     * it has the last. The machines are little-endian.
     */
    private void getFewBytes(final long offset, final long last, final byte[] target, final int index, final int count) {
        final int end = Objects.checkFromIndexSize(index, count, target.length) + count;
        final MemorySegment tried = segment;
        long bytes;
        try {
            bytes = (long) UNALIGNED_LONGS.get(tried, last);
        } catch (final IllegalStateException | IndexOutOfBoundsException e) {
            bytes = again("getBytes", offset, count, tried, e, now -> (long) UNALIGNED_LONGS.get(now, last));
        }
        bytes >>>= (Long.BYTES - count) * Byte.SIZE;
        for (int i = index; i < end; i++) {
            target[i] = (byte) bytes;
            bytes >>>= Byte.SIZE;
        }
    }

    @Override
    public void getInts(final long offset, final int[] target, final int index, final int count) {
        if (count > PIECE / Integer.BYTES) {
            getBytes(offset, MemorySegment.ofArray(target), (long) index * Integer.BYTES, (long) count * Integer.BYTES);
            return;
        }
        Source now;
        do {
            now = entered("getInts", offset, (long) count * Integer.BYTES);
            MemorySegment.copy(Words.readOnly(), JAVA_INT_UNALIGNED, now.address + offset, target, index, count);
        } while (!now.era.validate());
    }

    @Override
    public void getLongs(final long offset, final long[] target, final int index, final int count) {
        if (count > PIECE / Long.BYTES) {
            getBytes(offset, MemorySegment.ofArray(target), (long) index * Long.BYTES, (long) count * Long.BYTES);
            return;
        }
        Source now;
        do {
            now = entered("getLongs", offset, (long) count * Long.BYTES);
            MemorySegment.copy(Words.readOnly(), JAVA_LONG_UNALIGNED, now.address + offset, target, index, count);
        } while (!now.era.validate());
    }

    @Override
    public void getFloats(final long offset, final float[] target, final int index, final int count) {
        if (count > PIECE / Float.BYTES) {
            getBytes(offset, MemorySegment.ofArray(target), (long) index * Float.BYTES, (long) count * Float.BYTES);
            return;
        }
        Source now;
        do {
            now = entered("getFloats", offset, (long) count * Float.BYTES);
            MemorySegment.copy(Words.readOnly(), JAVA_FLOAT_UNALIGNED, now.address + offset, target, index, count);
        } while (!now.era.validate());
    }

    @Override
    public void getBytes(final long offset, final MemorySegment target, final long targetOffset, final long count) {
        Objects.checkFromIndexSize(targetOffset, count, target.byteSize());
        long done = 0;
        do {
            final Source now = entered("getBytes", offset + done, count - done);
            final long piece = Math.min(count - done, PIECE);
            MemorySegment.copy(Words.readOnly(), now.address + offset + done, target, targetOffset + done, piece);
            if (now.era.validate()) {
                done += piece;
            }
        } while (done < count);
    }

    @Override
    public void putBytes(final long offset, final byte[] source, final int index, final int count) {
        putBytes(offset, MemorySegment.ofArray(source), index, count);
    }

    @Override
    public void putBytes(final long offset, final MemorySegment source, final long sourceOffset, final long count) {
        Objects.checkFromIndexSize(sourceOffset, count, source.byteSize());
        inPieces("putBytes", count, (done, piece) -> {
            checkInside("putBytes", offset + done, count - done);
            final long at = from + offset + done;
            final InternalError fault =
                CheckedCopy.copy(source, sourceOffset + done, writable("putBytes"), at, piece);
            if (fault != null) {
                throw region.space().pages().blame(region, "putBytes", at, source, sourceOffset + done, piece, fault);
            }
            return true;
        });
    }

    @Override
    public void fill(final long offset, final long count, final byte value) {
        inPieces("fill", count, (done, piece) -> {
            checkInside("fill", offset + done, count - done);
            final long at = from + offset + done;
            if (!CheckedCopy.fill(writable("fill"), at, piece, value)) {
                throw region.space().pages().truncated(region, "fill", at, piece);
            }
            return true;
        });
    }

    @Override
    public long mismatch(final long offset, final MemorySegment other, final long otherOffset, final long count) {
        Objects.checkFromIndexSize(otherOffset, count, other.byteSize());
        final long[] found = {-1};
        inPieces("mismatch", count, (done, piece) -> {
            checkInside("mismatch", offset + done, count - done);
            final long at = from + offset + done;
            try {
                final long here = CheckedCopy.mismatch(region.optimisticSegment(), at, other, otherOffset + done, piece);
                found[0] = here < 0 ? -1 : done + here;
            } catch (final InternalError fault) {
                throw region.space().pages().blame(region, "mismatch", at, other, otherOffset + done, piece, fault);
            }
            return found[0] < 0;
        });
        return found[0];
    }

    /** What is done with a piece of a range under the region's lock; false to stop. */
    private interface Piece {
        boolean doWith(long done, long piece);
    }

    private void inPieces(final String operation, final long count, final Piece work) {
        long done = 0;
        boolean goesOn;
        do {
            final long piece = Math.min(count - done, PIECE);
            final long slot = region.enterQuickly();
            final long stamp = slot == 0 ? enter(operation) : 0;
            try {
                goesOn = work.doWith(done, piece);
            } finally {
                region.leave(slot, stamp);
            }
            done += piece;
        } while (goesOn && done < count);
    }

    @Override
    public String toString() {
        return "Lease[" + (isSlice ? "slice from=" + from + ", length=" + length + ", " : "") +
            (isEnded() ? "ended, " : "") + region.describe() + "]";
    }
}
