// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static io.holdfast.memory.NativeMemory.PROT_READ;
import static io.holdfast.memory.NativeMemory.PROT_WRITE;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.locks.ReentrantLock;

/** The two zones of a reservation and their watermarks. Thread-safe. */
final class Zones {
    /*
     * Layout; addresses grow to the right.
     *
     *    0 ........ anonymousEnd ............................ mappedStart ........ capacity
     *    anonymous zone          never used                   mapped zone
     *    read and write          no access                    read only, zero
     *
     * Each zone has a background of one kind, so that the kernel keeps it as one mapping: any number of anonymous
     * regions share the one of the anonymous zone, and the background that comes back when a file is unmapped merges
     * with its neighbours. For that no flag may distinguish any part: the reservation has none (not even DONTDUMP), and
     * the anonymous zone's first page is written at once, because the kernel joins two neighbours that have both been
     * written only if they were one mapping that had been written before they were parted.
     *
     * anonymousEnd only rises and mappedStart only falls, in large steps, never past each other, under `growth`; they
     * are moved before a range behind them is named to anybody. They are volatile: a range that lies behind what a
     * thread reads needs no lock. Never-used addresses stay without access, because locking the whole process in memory
     * (mlockall) populates what can be read.
     */
    private static final long STEP_MIN = 16L << 20;
    private static final long STEP_MAX = 1L << 30;
    private static final int STEPS_OF_CAPACITY = 64;
    private static final int STEPS_OF_USED = 8;
    private static final int READ_WRITE = PROT_READ | PROT_WRITE;

    private final NativeMemory memory;
    private final long base;
    private final long capacity;
    private final long pageMask;
    private final RangeSet lost;

    private final ReentrantLock growth = new ReentrantLock();
    private volatile long anonymousEnd;
    private volatile long mappedStart;

    /**
     * Starts with both zones empty.
     *
     * @param lost the ranges that are never touched
     */
    Zones(final NativeMemory memory, final long base, final long capacity, final RangeSet lost) {
        this.memory = memory;
        this.base = base;
        this.capacity = capacity;
        this.pageMask = memory.pageSize() - 1L;
        this.lost = lost;
        this.mappedStart = capacity;
    }

    /** {@return the offset after the anonymous zone} */
    long anonymousEnd() {
        return anonymousEnd;
    }

    /** {@return the first offset of the mapped zone} */
    long mappedStart() {
        return mappedStart;
    }

    /** Empties both zones. Nobody may use the reservation meanwhile. */
    void reset() {
        anonymousEnd = 0;
        mappedStart = capacity;
    }

    /** Makes a range readable and writable, outside of the anonymous zone by a change of its own. */
    void ensureAnonymous(final long offset, final long end) {
        if (end <= anonymousEnd) {
            return;
        }
        growth.lock();
        try {
            reach(offset, end);
            final long own = Math.max(offset, anonymousEnd);
            if (own < end) {
                makeWritable(own, end - own);
            }
        } finally {
            growth.unlock();
        }
    }

    // The background is made writable where it is, which cannot leave a hole.
    private void makeWritable(final long offset, final long length) {
        final int result = memory.mprotect(base + offset, length, READ_WRITE);
        if (result < 0) {
            final NativeException failure = memory.failure(NativeCall.MPROTECT, base + offset, length, -result);
            memory.mprotect(base + offset, length, PROT_READ); // a part may have been changed
            throw failure;
        }
    }

    /** Brings a range behind the watermarks. */
    void ensureMapped(final long offset, final long end) {
        if (offset >= mappedStart || end <= anonymousEnd) {
            return;
        }
        growth.lock();
        try {
            reach(offset, end);
        } finally {
            growth.unlock();
        }
    }

    // Moves the watermark that is nearer, so that a fixed address in the middle does not cost either zone all its room.
    private void reach(final long offset, final long end) {
        if (offset >= mappedStart || end <= anonymousEnd) {
            return;
        }
        final long low = Math.min(end, mappedStart);
        if (offset <= anonymousEnd || offset - anonymousEnd <= mappedStart - low) {
            raiseAnonymous(low);
        } else {
            lowerMapped(offset);
        }
    }

    private void raiseAnonymous(final long needed) {
        final long from = anonymousEnd;
        final long wanted = Math.min(Math.max(needed, from + step(from)), mappedStart);
        int result = protectUnlessLost(from, wanted, READ_WRITE);
        long reached = wanted;
        if (result < 0 && needed < wanted) {
            result = protectUnlessLost(from, needed, READ_WRITE);
            reached = needed;
        }
        memory.check(NativeCall.MPROTECT, base + from, needed - from, result);
        if (from == 0 && reached > 0 && lost.bytes() == 0) {
            writeFirstPage();
        }
        anonymousEnd = reached;
    }

    private void lowerMapped(final long needed) {
        final long to = mappedStart;
        if (needed >= to) {
            return;
        }
        final long wanted = Math.max(Math.min(needed, to - step(capacity - to)), anonymousEnd);
        int result = protectUnlessLost(wanted, to, PROT_READ);
        long reached = wanted;
        if (result < 0 && needed > wanted) {
            result = protectUnlessLost(needed, to, PROT_READ);
            reached = needed;
        }
        memory.check(NativeCall.MPROTECT, base + needed, to - needed, result);
        mappedStart = reached;
    }

    private long step(final long used) {
        final long smallest = Math.min(STEP_MIN, capacity / STEPS_OF_CAPACITY);
        return (Math.clamp(used / STEPS_OF_USED, smallest, STEP_MAX) + pageMask) & ~pageMask;
    }

    private int protectUnlessLost(final long from, final long to, final int protection) {
        int result = 0;
        for (final AddressRange part : lost.outside(from, to)) {
            if (result == 0) {
                result = memory.mprotect(base + part.offset(), part.length(), protection);
            }
        }
        return result;
    }

    @SuppressWarnings("restricted")
    private void writeFirstPage() {
        MemorySegment.ofAddress(base).reinterpret(1).set(ValueLayout.JAVA_BYTE, 0, (byte) 0);
    }
}
