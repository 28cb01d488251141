// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;
import io.holdfast.memory.NativeMemory;
import java.lang.ref.WeakReference;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * An array of reader slots that is never given back, with the thread that owns each.
 *
 * <p>Platform threads own a slot until they die and are remembered weakly, so that the table does not keep them;
 * virtual threads own one for the time of a hold or a pin and are remembered strongly, because that costs no
 * allocation.
 */
final class SlotGroup {
    private final long base;
    private final int capacity;
    private final boolean counted;
    private final AtomicReferenceArray<@Nullable Object> owners;
    private final AtomicInteger occupied = new AtomicInteger();
    private volatile int used;

    /**
     * Maps the slots.
     *
     * @param used    how many may be announced in before {@link #raiseUsed}
     * @param counted whether the slots are claimed and given back all the time, in groups that are rarely in use, so
     *                that it pays to count who is inside
     */
    SlotGroup(final NativeMemory memory, final int capacity, final int used, final boolean counted) {
        this.base = memory.mapTable((long) capacity * SlotLayout.BYTES);
        if (base % SlotLayout.BYTES != 0) {
            throw new IllegalStateException("slot table is misaligned: base=0x" + Long.toHexString(base));
        }
        this.capacity = capacity;
        this.used = used;
        this.counted = counted;
        this.owners = new AtomicReferenceArray<>(capacity);
    }

    int capacity() {
        return capacity;
    }

    /** Address of the slot with this index. */
    long slot(final int index) {
        return base + (long) index * SlotLayout.BYTES;
    }

    /** Says that a slot is about to be claimed; before the claim. */
    void enter() {
        if (counted) {
            occupied.incrementAndGet();
        }
    }

    /** Says that a slot has been given back, or was not claimed after all. */
    void leave() {
        if (counted) {
            occupied.decrementAndGet();
        }
    }

    /** Says that slots below {@code index} may be announced in; under the table's lock. */
    void raiseUsed(final int index) {
        used = Math.max(used, index);
    }

    /** How many slots, from the first, have ever been announced in; all of those that virtual threads claim. */
    int used() {
        return used;
    }

    /** How many slots, from the first, a writer must look at at this moment; asked after its heavy barrier. */
    int scanned() {
        return isOccupied() ? used : 0;
    }

    /** Whether a writer must look at a group of virtual threads at all. */
    private boolean isOccupied() {
        return !counted || occupied.get() != 0;
    }

    /** Remembers a virtual thread that has just claimed the slot. */
    void ownedBy(final int index, final Thread thread) {
        owners.setRelease(index, thread);
    }

    /** Remembers a platform thread that has just claimed the slot. */
    void ownedWeaklyBy(final int index, final WeakReference<Thread> thread) {
        owners.setRelease(index, thread);
    }

    /** Forgets the owner; before the slot's owner word is cleared. */
    void disown(final int index) {
        owners.setRelease(index, null);
    }

    /** The owner, or null if there is none or if it is gone. */
    @Nullable Thread owner(final int index) {
        final Object owner = owners.getAcquire(index);
        if (owner instanceof final WeakReference<?> reference) {
            return (Thread) reference.get();
        }
        return (Thread) owner;
    }

    /** Whether the slot is owned by a thread that has ended and so can never give it back itself. */
    boolean isOrphan(final int index) {
        final Object owner = owners.getAcquire(index);
        if (owner == null) {
            return false; // free, or claimed by a thread that is about to say so
        }
        final Thread thread = owner instanceof final WeakReference<?> reference
            ? (Thread) reference.get() : (Thread) owner;
        return thread == null || !thread.isAlive();
    }

    /** Index of the slot at this address, or -1 if it is not one of this group. */
    int indexOf(final long slot) {
        final long index = (slot - base) / SlotLayout.BYTES;
        return slot >= base && index < capacity ? (int) index : -1;
    }
}
