// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Places into which a native call stores {@code errno}. A slot belongs to one call from {@link #claim} to
 * {@link #release}. Any thread may claim any slot, so virtual threads need none of their own.
 */
final class CaptureSlots {
    /*
     * A claim starts at the slot that the thread's number selects and goes on until it finds a free one. A native call
     * holds its carrier, so slots are in use only by as many threads as run native calls at the same time; should that
     * ever be more than COUNT, a claimer goes round until one of them returns.
     */
    /** The state that a call captures. */
    static final StructLayout LAYOUT = Linker.Option.captureStateLayout();

    private static final int COUNT = 1024;
    /** Slots lie this many bytes apart, so that neighbours do not share cache lines; the claims likewise. */
    private static final int STRIDE = 128;
    private static final int CLAIM_STRIDE = STRIDE / Integer.BYTES;

    private static final VarHandle ERRNO = LAYOUT
        .varHandle(MemoryLayout.PathElement.groupElement("errno")).withInvokeExactBehavior();

    private final AtomicIntegerArray claims = new AtomicIntegerArray(COUNT * CLAIM_STRIDE);
    private final MemorySegment[] segments = new MemorySegment[COUNT];

    CaptureSlots() {
        final MemorySegment all = Arena.global().allocate((long) COUNT * STRIDE, STRIDE);
        for (int slot = 0; slot < COUNT; slot++) {
            segments[slot] = all.asSlice((long) slot * STRIDE, LAYOUT.byteSize());
        }
    }

    /** Claims a slot. */
    @SuppressWarnings("ThreadPriorityCheck") // more claimers than slots: an owner must get to run, or nobody does
    int claim() {
        int slot = (int) Thread.currentThread().threadId() & (COUNT - 1);
        for (int tries = 1; !claims.compareAndSet(slot * CLAIM_STRIDE, 0, 1); tries++) {
            slot = (slot + 1) & (COUNT - 1);
            if (tries % COUNT == 0) {
                Thread.yield();
            }
        }
        return slot;
    }

    /** {@return a claimed slot's place} */
    MemorySegment segment(final int slot) {
        return segments[slot];
    }

    /** {@return what the last call through a claimed slot stored} */
    int errno(final int slot) {
        return (int) ERRNO.get(segments[slot], 0L);
    }

    /** Gives a slot back. */
    void release(final int slot) {
        claims.setRelease(slot * CLAIM_STRIDE, 0);
    }
}
