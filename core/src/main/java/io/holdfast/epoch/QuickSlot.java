// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;

/**
 * A platform thread's reader slot, for announcing one record in hazard 0 when nothing is in the way; only in domains
 * whose announcements need no fence. To be used by its owner alone; it needs no {@link EpochDomain#leave(long)}. The
 * ordering tags are those of {@link EpochDomain}.
 *
 * <p>Words of the slot are touched as rarely as can be: each touch is one instruction, but some 700 nodes for the
 * compiler that inlines it, and a method with more than 18,000 nodes is not compiled whole. That is why the owner is
 * compared on the heap.
 */
public final class QuickSlot {
    private final long owner;
    private final long slot;
    private boolean wary;

    QuickSlot(final long owner, final long slot) {
        this.owner = owner;
        this.slot = slot;
    }

    boolean isOf(final long threadId) {
        return owner == threadId;
    }

    /** Address of the slot, which names it. */
    public long address() {
        return slot;
    }

    /** Address of hazard 0, as a name for it. */
    public long hazardAddress() {
        return SlotLayout.hazardAddress(slot, 0);
    }

    /** Whether hazard 0 is free. */
    public boolean isFree() {
        return SlotLayout.firstHazard(slot) == 0;
    }

    /** Announces a record in hazard 0, which is free; what the caller reads after this is read after it. */
    public void announce(final long record) {
        SlotLayout.firstHazardOpaque(slot, record); // [E1] R1
        EpochDomain.compilerBarrier(); // [E1] R2
    }

    /** Clears hazard 0 if it names the record; whether it did. What the caller did before comes before it. */
    public boolean clear(final long record) {
        return clear(slot, record);
    }

    /** As {@link #clear(long)}, by the slot's address. */
    public static boolean clear(final long slot, final long record) {
        if (SlotLayout.firstHazard(slot) != record) {
            return false;
        }
        SlotLayout.firstHazardRelease(slot); // [E2]
        Ledger.released(SlotLayout.hazardAddress(slot, 0));
        return true;
    }

    /** Whether the owner was refused the last time, and has to look before it announces anything again. */
    public boolean isWary() {
        return wary;
    }

    /** Sets whether the owner has to look first. */
    public void setWary(final boolean refused) {
        wary = refused;
    }
}
