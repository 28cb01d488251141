// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static io.holdfast.memory.NativeMemory.MADV_DONTNEED;
import static io.holdfast.memory.NativeMemory.MADV_POPULATE_READ;
import static io.holdfast.memory.NativeMemory.MADV_POPULATE_WRITE;
import static io.holdfast.memory.NativeMemory.MS_ASYNC;
import static io.holdfast.memory.NativeMemory.MS_SYNC;
import static io.holdfast.memory.NativeMemory.PROT_READ;
import static io.holdfast.memory.NativeMemory.PROT_WRITE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * A range of addresses and what can be done to its pages where they are: zeroing, advice, protection, writing back,
 * keeping in memory. Ranges are given by offset from {@link #base} and length, both multiples of the page size.
 *
 * <p>Thread-safe for disjoint ranges; advice, populating, writing back and counting also for the same one.
 */
public abstract sealed class ReservedPages permits Reservation {
    /**
     * Up to so many bytes anonymous memory is zeroed by hand. Asking the kernel for fresh pages instead is cheaper only
     * where no more than a few of them are touched again, and below half of this size not even then.
     */
    public static final long ZERO_BY_HAND_BYTES = 256L << 10;

    static final int READ_WRITE = PROT_READ | PROT_WRITE;

    private static final int MINCORE_PAGES = 1 << 16;
    private static final VarHandle INT = ValueLayout.JAVA_INT.varHandle().withInvokeExactBehavior();

    private final NativeMemory memory;
    private final long base;
    private final long capacity;
    private final long pageMask;
    private final MemorySegment bytes;
    private final MemorySegment zeroPage;

    ReservedPages(final NativeMemory memory, final long base, final long capacity) {
        this.memory = memory;
        this.base = base;
        this.capacity = capacity;
        this.pageMask = memory.pageSize() - 1L;
        this.bytes = segment(base, capacity);
        this.zeroPage = MemorySegment.ofArray(new byte[memory.pageSize()]).asReadOnly();
    }

    @SuppressWarnings("restricted")
    private static MemorySegment segment(final long address, final long length) {
        return MemorySegment.ofAddress(address).reinterpret(length);
    }

    /** {@return the address of offset 0} */
    public final long base() {
        return base;
    }

    /** {@return the size in bytes} */
    public final long capacity() {
        return capacity;
    }

    /** {@return the calls that are used} */
    public final NativeMemory memory() {
        return memory;
    }

    /** {@return the page size less one} */
    final long pageMask() {
        return pageMask;
    }

    /**
     * Zeroes writable anonymous memory, by hand or by asking the kernel for fresh pages, whichever is cheaper. Pages
     * that were never written take no memory afterwards either.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @throws IllegalArgumentException if the range is not one of this reservation's
     */
    public final void zeroAnonymous(final long offset, final long length) {
        if (length <= ZERO_BY_HAND_BYTES) {
            requireRange(offset, length);
            zeroByHand(offset, length);
        } else {
            dropAnonymous(offset, length);
        }
    }

    /**
     * Zeroes writable anonymous memory that is not used again soon: gives its pages back to the system if it takes them.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @throws IllegalArgumentException if the range is not one of this reservation's
     */
    public final void dropAnonymous(final long offset, final long length) {
        requireRange(offset, length);
        if (memory.madvise(base + offset, length, MADV_DONTNEED) != 0) { // pages that are locked or huge
            zeroByHand(offset, length);
        }
    }

    /**
     * Fills writable anonymous memory.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @param value  what each byte is then
     * @throws IllegalArgumentException if the range is not one of this reservation's
     */
    public final void fill(final long offset, final long length, final byte value) {
        requireRange(offset, length);
        for (long at = offset; at < offset + length; at += zeroPage.byteSize()) {
            bytes.asSlice(at, zeroPage.byteSize()).fill(value);
        }
    }

    /**
     * Looks for a byte of anonymous memory that differs.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @param value  from what
     * @return where the first one is, from {@code offset} on, or -1
     * @throws IllegalArgumentException if the range is not one of this reservation's
     */
    public final long firstOther(final long offset, final long length, final byte value) {
        requireRange(offset, length);
        for (long at = 0; at < length; at++) {
            if (bytes.get(ValueLayout.JAVA_BYTE, offset + at) != value) {
                return at;
            }
        }
        return -1;
    }

    // Writing to a page that was never touched would bring it into memory; a look shows the kernel's shared zero page.
    // Comparing a whole page takes longer than zeroing it, so its ends are tried first.
    private void zeroByHand(final long offset, final long length) {
        final long page = zeroPage.byteSize();
        for (long at = offset; at < offset + length; at += page) {
            if (bytes.get(ValueLayout.JAVA_LONG, at) != 0 ||
                bytes.get(ValueLayout.JAVA_LONG, at + page - Long.BYTES) != 0 ||
                MemorySegment.mismatch(bytes, at, at + page, zeroPage, 0, page) >= 0) {
                bytes.asSlice(at, page).fill((byte) 0);
            }
        }
    }

    /**
     * Gives the pages of anonymous memory back to the system; it reads as zero afterwards.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @throws IllegalArgumentException if the range is not one of this reservation's
     * @throws NativeException if the kernel refuses
     */
    public final void discard(final long offset, final long length) {
        advise(offset, length, MADV_DONTNEED);
    }

    /**
     * Gives advice on pages.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @param advice one of the {@code MADV} constants of {@link NativeMemory}
     * @throws IllegalArgumentException if the range is not one of this reservation's
     * @throws NativeException if the kernel refuses
     */
    public final void advise(final long offset, final long length, final int advice) {
        requireRange(offset, length);
        memory.check(NativeCall.MADVISE, base + offset, length, memory.madvise(base + offset, length, advice));
    }

    /**
     * Makes pages present, so that touching them waits for nothing.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @param forWriting whether they will be written; their bytes stay as they are in either case
     * @throws IllegalArgumentException if the range is not one of this reservation's
     * @throws NativeException if there is not enough memory or the file cannot be read
     */
    public final void populate(final long offset, final long length, final boolean forWriting) {
        requireRange(offset, length);
        final int advice = forWriting ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
        final int result = memory.madvise(base + offset, length, advice);
        if (result == -Errno.EINVAL) {
            touch(offset, length, forWriting); // a kernel before 5.14
        } else {
            memory.check(NativeCall.MADVISE, base + offset, length, result);
        }
    }

    private void touch(final long offset, final long length, final boolean forWriting) {
        for (long at = offset; at < offset + length; at += pageMask + 1) {
            if (forWriting) {
                final int _ = (int) INT.getAndAdd(bytes, at, 0);
            } else {
                final int _ = (int) INT.getOpaque(bytes, at);
            }
        }
    }

    /**
     * Changes whether pages can be written; they can always be read.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @param writable whether they can be written from now on
     * @throws IllegalArgumentException if the range is not one of this reservation's
     * @throws NativeException if the kernel refuses
     */
    public final void protect(final long offset, final long length, final boolean writable) {
        requireRange(offset, length);
        final int protection = writable ? READ_WRITE : PROT_READ;
        memory.check(NativeCall.MPROTECT, base + offset, length, memory.mprotect(base + offset, length, protection));
    }

    /**
     * Writes changed pages of a file mapping back.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @param wait whether to return only when they are on the device
     * @throws IllegalArgumentException if the range is not one of this reservation's
     * @throws NativeException if the device reports an error; the data may not be on it
     */
    public final void sync(final long offset, final long length, final boolean wait) {
        requireRange(offset, length);
        memory.check(NativeCall.MSYNC, base + offset, length,
            memory.msync(base + offset, length, wait ? MS_SYNC : MS_ASYNC));
    }

    /**
     * Keeps pages in memory, or lets them be reclaimed again.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @param locked whether they are kept from now on
     * @throws IllegalArgumentException if the range is not one of this reservation's
     * @throws NativeException if the limit of locked memory is reached
     */
    public final void lock(final long offset, final long length, final boolean locked) {
        requireRange(offset, length);
        if (locked) {
            final int result = memory.mlock(base + offset, length);
            if (result < 0) {
                final NativeException failure = memory.failure(NativeCall.MLOCK, base + offset, length, -result);
                memory.munlock(base + offset, length); // the kernel may have locked a part
                throw failure;
            }
        } else {
            memory.check(NativeCall.MUNLOCK, base + offset, length, memory.munlock(base + offset, length));
        }
    }

    /**
     * {@return how many bytes of a range are in memory now, of pages that it cuts only what is inside}
     *
     * @param offset the first byte, of any page
     * @param length how many bytes, 0 or more
     * @throws IllegalArgumentException if the range is not one of this reservation's
     * @throws NativeException if the kernel refuses
     */
    public final long residentBytes(final long offset, final long length) {
        if (offset < 0 || length < 0 || offset > capacity - length) {
            throw notARange(offset, length);
        }
        if (length == 0) {
            return 0;
        }
        final long pageSize = pageMask + 1;
        final long first = offset & -pageSize;
        final long end = offset + length;
        final long limit = end + pageMask & -pageSize;
        long resident = 0;
        long cut = 0; // bytes of the first and the last page that were not asked for
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment vector = arena.allocate(Math.min((limit - first) / pageSize, MINCORE_PAGES));
            for (long at = first; at < limit; at += vector.byteSize() * pageSize) {
                final long part = Math.min(vector.byteSize() * pageSize, limit - at);
                memory.check(NativeCall.MINCORE, base + at, part,
                    memory.mincore(base + at, part, vector.address()));
                for (long page = 0; page < part / pageSize; page++) {
                    resident += vector.get(ValueLayout.JAVA_BYTE, page) & 1;
                }
                final boolean firstIsIn = at == first && (vector.get(ValueLayout.JAVA_BYTE, 0) & 1) != 0;
                final boolean lastIsIn = at + part == limit &&
                    (vector.get(ValueLayout.JAVA_BYTE, part / pageSize - 1) & 1) != 0;
                cut += (firstIsIn ? offset - first : 0) + (lastIsIn ? limit - end : 0);
            }
        }
        return resident * pageSize - cut;
    }

    final void requireRange(final long offset, final long length) {
        if (offset < 0 || length <= 0 || offset > capacity - length || ((offset | length) & pageMask) != 0) {
            throw notARange(offset, length);
        }
    }

    private IllegalArgumentException notARange(final long offset, final long length) {
        return new IllegalArgumentException("range not allowed: offset=" + offset + ", length=" + length +
            ", capacity=" + capacity + ", pageSize=" + (pageMask + 1) +
            "; give multiples of the page size inside the capacity, and a length above 0");
    }
}
