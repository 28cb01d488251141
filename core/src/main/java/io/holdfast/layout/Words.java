// SPDX-License-Identifier: Apache-2.0
package io.holdfast.layout;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * Access to aligned 64-bit words at absolute native addresses, one method per access mode.
 *
 * <p>Every table of the library (records, reader slots, tree nodes) is type-stable: it grows in chunks that are never
 * given back while there is code of the library, so an address taken from one of them can always be read. That is what
 * makes access by address, without a segment per table, sound here; it is not a tool for memory that can be unmapped.
 *
 * <p>Each method is wait-free and has the memory effect of the {@link VarHandle} access mode that its name ends with;
 * a name without a mode is plain access. Addresses must be multiples of {@value #BYTES}, anything else is an
 * {@link IllegalArgumentException}.
 *
 * <p>The forms with a base and an offset are for the words of one record: neither must be negative, a base that is not
 * a multiple of {@value #BYTES} is caught by an assertion alone, and the checks cost nothing.
 */
public final class Words {
    /*
     * One constant segment over the whole address space: bounds and liveness checks against constants fold away, so an
     * access compiles to the bare instruction. JLS 17.4 says nothing of native memory; every argument about order in
     * this library rests on the access modes below and on the fences of VarHandle.
     */

    /** Bytes in a word. */
    public static final int BYTES = Long.BYTES;

    private static final Arena VIEWS = Arena.ofAuto();
    private static final MemorySegment MEMORY = everything(Arena.global());
    private static final MemorySegment READ_ONLY = everything(VIEWS).asReadOnly();
    private static final VarHandle WORD = JAVA_LONG.varHandle();

    /*
     * Every bit that the address of a word in user space can have. A compiler sees that a masked base is aligned and within
     * bounds, so both checks fold away, for all words of a record at once.
     *
     * An access that is inlined costs C2 some 600 nodes, and it stops inlining when a method has 18,000 with all that it
     * inlines. So the mask stands in each method, where a method for it would cost 15 more, and the handle is not exact,
     * which would cost 40 more.
     */
    private static final long ADDRESS_BITS = 0x3FFF_FFFF_FFFF_FFF8L;

    private Words() {
    }

    private static boolean isAligned(final long base) {
        return (base & ~ADDRESS_BITS) == 0;
    }

    @SuppressWarnings("restricted")
    private static MemorySegment everything(final Arena arena) {
        return MemorySegment.NULL.reinterpret(Long.MAX_VALUE, arena, null);
    }

    /** Reads the word at {@code address} with plain access. */
    public static long get(final long address) {
        return (long) WORD.get(MEMORY, address);
    }

    /** Reads the word at {@code address} with opaque access. */
    public static long getOpaque(final long address) {
        return (long) WORD.getOpaque(MEMORY, address);
    }

    /** Reads the word at {@code address} with acquire access. */
    public static long getAcquire(final long address) {
        return (long) WORD.getAcquire(MEMORY, address);
    }

    /** Reads the word at {@code address} with volatile access. */
    public static long getVolatile(final long address) {
        return (long) WORD.getVolatile(MEMORY, address);
    }

    /** Writes the word at {@code address} with plain access. */
    public static void put(final long address, final long value) {
        WORD.set(MEMORY, address, value);
    }

    /** Writes the word at {@code address} with opaque access. */
    public static void putOpaque(final long address, final long value) {
        WORD.setOpaque(MEMORY, address, value);
    }

    /** Writes the word at {@code address} with release access. */
    public static void putRelease(final long address, final long value) {
        WORD.setRelease(MEMORY, address, value);
    }

    /** Writes the word at {@code address} with volatile access. */
    public static void putVolatile(final long address, final long value) {
        WORD.setVolatile(MEMORY, address, value);
    }

    /** Reads the word at {@code base + offset} with plain access. */
    public static long get(final long base, final int offset) {
        assert isAligned(base) : base;
        return (long) WORD.get(MEMORY, (base & ADDRESS_BITS) + offset);
    }

    /** Reads the word at {@code base + offset} with opaque access. */
    public static long getOpaque(final long base, final int offset) {
        assert isAligned(base) : base;
        return (long) WORD.getOpaque(MEMORY, (base & ADDRESS_BITS) + offset);
    }

    /** Reads the word at {@code base + offset} with acquire access. */
    public static long getAcquire(final long base, final int offset) {
        assert isAligned(base) : base;
        return (long) WORD.getAcquire(MEMORY, (base & ADDRESS_BITS) + offset);
    }

    /** Reads the word at {@code base + offset} with volatile access. */
    public static long getVolatile(final long base, final int offset) {
        assert isAligned(base) : base;
        return (long) WORD.getVolatile(MEMORY, (base & ADDRESS_BITS) + offset);
    }

    /** Writes the word at {@code base + offset} with plain access. */
    public static void put(final long base, final int offset, final long value) {
        assert isAligned(base) : base;
        WORD.set(MEMORY, (base & ADDRESS_BITS) + offset, value);
    }

    /** Writes the word at {@code base + offset} with opaque access. */
    public static void putOpaque(final long base, final int offset, final long value) {
        assert isAligned(base) : base;
        WORD.setOpaque(MEMORY, (base & ADDRESS_BITS) + offset, value);
    }

    /** Writes the word at {@code base + offset} with release access. */
    public static void putRelease(final long base, final int offset, final long value) {
        assert isAligned(base) : base;
        WORD.setRelease(MEMORY, (base & ADDRESS_BITS) + offset, value);
    }

    /** Writes the word at {@code base + offset} with volatile access. */
    public static void putVolatile(final long base, final int offset, final long value) {
        assert isAligned(base) : base;
        WORD.setVolatile(MEMORY, (base & ADDRESS_BITS) + offset, value);
    }

    /** Sets the word to {@code value} if it is {@code expected}, with volatile access; true if it did. */
    public static boolean compareAndSet(final long address, final long expected, final long value) {
        return WORD.compareAndSet(MEMORY, address, expected, value);
    }

    /** Sets the word to {@code value} if it is {@code expected}, with volatile access; returns what it found. */
    public static long compareAndExchange(final long address, final long expected, final long value) {
        return (long) WORD.compareAndExchange(MEMORY, address, expected, value);
    }

    /** Adds {@code delta} with volatile access and returns what was there before. */
    public static long getAndAdd(final long address, final long delta) {
        return (long) WORD.getAndAdd(MEMORY, address, delta);
    }

    /** Sets the bits of {@code mask} with volatile access and returns what was there before. */
    public static long getAndBitwiseOr(final long address, final long mask) {
        return (long) WORD.getAndBitwiseOr(MEMORY, address, mask);
    }

    /** Keeps the bits of {@code mask} with volatile access and returns what was there before. */
    public static long getAndBitwiseAnd(final long address, final long mask) {
        return (long) WORD.getAndBitwiseAnd(MEMORY, address, mask);
    }

    /** Sets the word to {@code value} with volatile access and returns what was there before. */
    public static long getAndSet(final long address, final long value) {
        return (long) WORD.getAndSet(MEMORY, address, value);
    }

    /** Copies {@code lengthBytes} bytes from one address to another with plain access; the ranges may overlap. */
    public static void copy(final long fromAddress, final long toAddress, final long lengthBytes) {
        MemorySegment.copy(MEMORY, fromAddress, MEMORY, toAddress, lengthBytes);
    }

    /** Fills {@code lengthBytes} bytes from {@code address} with {@code value}, with plain access. */
    public static void fill(final long address, final long lengthBytes, final byte value) {
        MEMORY.asSlice(address, lengthBytes).fill(value);
    }

    /**
     * A view of {@code lengthBytes} bytes from {@code address} that any thread may use at any time; nothing checks
     * whether that memory is still what it was.
     */
    public static MemorySegment view(final long address, final long lengthBytes) {
        return MEMORY.asSlice(address, lengthBytes);
    }

    /**
     * The same, to be read alone; it keeps what it shows from being {@linkplain #views() unmapped}. C2 needs 400 nodes for
     * it, and 1,100 to reinterpret an address.
     */
    public static MemorySegment readOnlyView(final long address, final long lengthBytes) {
        return READ_ONLY.asSlice(address, lengthBytes);
    }

    /** {@return all memory, read-only, in which an offset is an address} */
    public static MemorySegment readOnly() {
        return READ_ONLY;
    }

    /** {@return the arena of the read-only views: it ends when the JVM can reach none of them any more, nor this class} */
    public static Arena views() {
        return VIEWS;
    }
}
