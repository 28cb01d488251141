// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;
import io.holdfast.memory.NativeMemory;
import java.lang.ref.WeakReference;
import java.util.BitSet;
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
    /*
     * Whether an owner has died
     *
     *   owner                              burier, under the table's lock
     *   W1 OWNER := 0, with release        R1 read the owner's thread, see that it is not alive
     *   W2 dies                            R2 read OWNER with acquire
     *   next owner: OWNER := its id (CAS)
     *
     * [U1] Who sees W2 sees W1. So R2 finds the dead thread's id only if that thread never gave the slot back; and then
     *      nobody else can have it before it is buried, because ids are not used twice and the dead do nothing. With R2
     *      before R1 the thread may give the slot back and die in between, and its successor would be buried alive.
     *      The thread's id is compared because what R1 read may be of an owner before the last.
     */

    /** A platform thread: does not keep it, and outlives it. */
    private static final class Owner extends WeakReference<Thread> {
        private final long id;

        Owner(final Thread thread) {
            super(thread);
            this.id = thread.threadId();
        }
    }

    private final long base;
    private final int capacity;
    private final boolean counted;
    private final AtomicReferenceArray<@Nullable Object> owners;
    private final AtomicInteger occupied = new AtomicInteger();
    private final BitSet taken; // by platform threads; has all its words, so that no burial has to allocate
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
        this.taken = new BitSet(capacity);
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

    /** A name for a platform thread, for {@link #ownedWeaklyBy}; may throw what an allocation can. */
    static WeakReference<Thread> weak(final Thread thread) {
        return new Owner(thread);
    }

    /** Remembers a platform thread that has just claimed the slot. */
    void ownedWeaklyBy(final int index, final WeakReference<Thread> thread) {
        taken.set(index);
        owners.setRelease(index, thread);
    }

    /** Index of a slot that no platform thread has, below {@link #used()}; or -1. Under the table's lock. */
    int free() {
        final int index = taken.nextClearBit(0);
        return index < used ? index : -1;
    }

    /** Forgets the owner; before the slot's owner word is cleared. */
    void disown(final int index) {
        owners.setRelease(index, null);
    }

    /** How many slots platform threads have. Under the table's lock. */
    int taken() {
        return taken.cardinality();
    }

    /** Says that a slot which was buried is free; under the table's lock. */
    void buried(final int index) {
        taken.clear(index);
    }

    /** The owner, or null if there is none or if it is gone. */
    @Nullable Thread owner(final int index) {
        return thread(owners.getAcquire(index));
    }

    private static @Nullable Thread thread(final @Nullable Object owner) {
        return owner instanceof final Owner reference ? reference.get() : (Thread) owner;
    }

    /**
     * The word in OWNER if its thread has ended and so can never give the slot back itself, else 0. It stays the owner
     * until it is buried [U1].
     */
    long orphan(final int index) {
        final Object owner = owners.getAcquire(index);
        if (owner == null) {
            return 0; // free, claimed by a thread that is about to say so, or left to the heirs
        }
        final Thread thread = thread(owner);
        if (thread != null && thread.isAlive()) {
            return 0;
        }
        final long word = SlotLayout.ownerAcquire(slot(index)); // [U1] after the look
        return Math.abs(word) == (owner instanceof final Owner reference ? reference.id : ((Thread) owner).threadId())
            ? word : 0;
    }

    /** Index of the slot at this address, or -1 if it is not one of this group. */
    int indexOf(final long slot) {
        final long index = (slot - base) / SlotLayout.BYTES;
        return slot >= base && index < capacity ? (int) index : -1;
    }
}
