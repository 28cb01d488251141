// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Accesses to mapped files whose pages may be gone: they report it in the call that met it, and not at some time. */
final class CheckedCopy {
    /*
     * A page behind the end of a truncated file cannot be read: the kernel raises SIGBUS, HotSpot notes an
     * InternalError for the thread and goes on behind the access. It throws the error when the thread next looks
     * whether there is something to do, which for compiled code may be far behind the access and outside of every try
     * around it. A native method makes the thread look when it comes back from native code, so settle() brings the
     * error forward into the try of whoever calls it, in the interpreter and in compiled code alike.
     *
     * Only copies, fills and single accesses are used: HotSpot knows where a fault in those may come from. One in a stub of
     * its own, as that of MemorySegment.mismatch is, brings the virtual machine down.
     *
     * A copy of many bytes is one call that no safepoint interrupts, and on cold pages it takes long: so it is done in
     * pieces.
     *
     * Everything in here catches the error between its access and its settle(), and returns; no caller's lock can be
     * passed over by it.
     */
    private static final String FAULT = "unsafe memory access";
    private static final int CHUNK = 4096;
    private static final long PIECE = 1 << 20;
    private static final Object ANY = new Object();
    private static final Object OTHER = new Object();

    private CheckedCopy() {
    }

    /**
     * Copies, also between ranges that overlap; returns the error if a page of either could not be accessed, and then a
     * part may have been copied.
     */
    static @Nullable InternalError copy(final MemorySegment from, final long fromOffset, final MemorySegment to,
                                        final long toOffset, final long length) {
        Objects.checkFromIndexSize(fromOffset, length, from.byteSize());
        Objects.checkFromIndexSize(toOffset, length, to.byteSize());
        final boolean backward = from.isNative() && to.isNative() &&
            from.address() + fromOffset < to.address() + toOffset;
        try {
            for (long done = 0; done < length; done += PIECE) {
                final long size = Math.min(PIECE, length - done);
                final long at = backward ? length - done - size : done;
                MemorySegment.copy(from, fromOffset + at, to, toOffset + at, size);
                settle();
            }
            return null;
        } catch (final InternalError e) {
            fault(e);
            return e;
        }
    }

    /**
     * Copies where the bytes differ, so that pages without bytes stay so; false if a page could not be accessed, and then
     * a part may have been copied.
     */
    static boolean copyDifferences(final MemorySegment from, final MemorySegment to, final long length) {
        final byte[] bytes = new byte[CHUNK];
        final byte[] there = new byte[CHUNK];
        try {
            for (long at = 0; at < length; at += CHUNK) {
                final int size = (int) Math.min(CHUNK, length - at);
                MemorySegment.copy(from, ValueLayout.JAVA_BYTE, at, bytes, 0, size);
                MemorySegment.copy(to, ValueLayout.JAVA_BYTE, at, there, 0, size);
                settle();
                if (Arrays.mismatch(bytes, 0, size, there, 0, size) >= 0) {
                    MemorySegment.copy(bytes, 0, to, ValueLayout.JAVA_BYTE, at, size);
                    settle();
                }
            }
            return true;
        } catch (final InternalError e) {
            return fault(e);
        }
    }

    /**
     * Compares, by single accesses.
     *
     * @return how many bytes are equal, -1 if all are
     * @throws InternalError if a page of either cannot be accessed
     */
    static long mismatch(final MemorySegment one, final long oneOffset, final MemorySegment other, final long otherOffset,
                         final long length) {
        Objects.checkFromIndexSize(oneOffset, length, one.byteSize());
        Objects.checkFromIndexSize(otherOffset, length, other.byteSize());
        try {
            long at = 0;
            while (at <= length - Long.BYTES && one.get(ValueLayout.JAVA_LONG_UNALIGNED, oneOffset + at) ==
                other.get(ValueLayout.JAVA_LONG_UNALIGNED, otherOffset + at)) {
                at += Long.BYTES;
            }
            while (at < length && one.get(ValueLayout.JAVA_BYTE, oneOffset + at) ==
                other.get(ValueLayout.JAVA_BYTE, otherOffset + at)) {
                at++;
            }
            settle((byte) at);
            return at < length ? at : -1;
        } catch (final InternalError e) {
            fault(e);
            throw e;
        }
    }

    /** Writes one value all over; false if a page could not be accessed, and then a part may have been written. */
    static boolean fill(final MemorySegment segment, final long offset, final long length, final byte value) {
        try {
            for (long at = 0; at < length; at += PIECE) {
                segment.asSlice(offset + at, Math.min(PIECE, length - at)).fill(value);
                settle();
            }
            return true;
        } catch (final InternalError e) {
            return fault(e);
        }
    }

    /** Whether the byte can be read. */
    static boolean isReadable(final MemorySegment segment, final long offset) {
        try {
            settle(segment.get(ValueLayout.JAVA_BYTE, offset));
            return true;
        } catch (final InternalError e) {
            return fault(e);
        }
    }

    private static void settle() {
        settle((byte) 0);
    }

    /**
     * The same behind the read of a byte, on which the native call depends: else compiled code may read it behind the call,
     * and the error of one read comes out of the next.
     */
    private static void settle(final byte read) {
        final boolean held = Thread.holdsLock(read == 0 ? ANY : OTHER);
        assert !held : "nobody locks this";
    }

    private static boolean fault(final InternalError e) {
        final String message = e.getMessage();
        if (message == null || !message.contains(FAULT)) {
            throw e;
        }
        return false;
    }

    /**
     * The first byte of a range that cannot be read, if the file ends before it; its end if all can.
     *
     * @param pageSize size of a page, which is there as a whole or not at all
     * @param lead     how far the segment's first byte lies behind the beginning of a page
     */
    static long firstUnreadable(final MemorySegment segment, final long offset, final long length, final long pageSize,
                                final long lead) {
        if (!isReadable(segment, offset)) {
            return offset;
        }
        if (isReadable(segment, offset + length - 1)) {
            return offset + length;
        }
        long good = (lead + offset) / pageSize;
        long bad = (lead + offset + length - 1) / pageSize;
        while (good + 1 < bad) {
            final long middle = (good + bad) / 2;
            if (isReadable(segment, middle * pageSize - lead)) {
                good = middle;
            } else {
                bad = middle;
            }
        }
        return bad * pageSize - lead;
    }
}
