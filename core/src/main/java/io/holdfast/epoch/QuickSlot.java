// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;

/**
 * Announcing one record in hazard 0 of the current thread's slot when nothing is in the way; only for a slot that
 * {@linkplain #isOf is of} the current thread's mark. It needs no {@link EpochDomain#leave(long)}. The ordering tags are
 * those of {@link EpochDomain}.
 *
 * <p>Words of the slot are touched as rarely as can be: each touch is one instruction, but some 700 nodes for the
 * compiler that inlines it, and a method with more than 18,000 nodes is not compiled whole.
 */
public final class QuickSlot {
    private QuickSlot() {
    }

    /** Whether the slot is the one of this mark, whose thread announces without a fence; see {@link QuickSlots}. */
    public static boolean isOf(final long slot, final long mark) {
        return SlotLayout.fenced(slot) == mark;
    }

    /** Address of hazard 0, as a name for it. */
    public static long hazardAddress(final long slot) {
        return SlotLayout.hazardAddress(slot, 0);
    }

    /** Whether hazard 0 is free. */
    public static boolean isFree(final long slot) {
        return SlotLayout.firstHazard(slot) == 0;
    }

    /** Announces a record in hazard 0, which is free; what the caller reads after this is read after it. */
    public static void announce(final long slot, final long record) {
        SlotLayout.firstHazardOpaque(slot, record); // [E1] R1
        EpochDomain.compilerBarrier(); // [E1] R2
    }

    /** Clears hazard 0 if it names the record; whether it did. What the caller did before comes before it. */
    public static boolean clear(final long slot, final long record) {
        if (SlotLayout.firstHazard(slot) != record) {
            return false;
        }
        SlotLayout.firstHazardRelease(slot); // [E2]
        Ledger.released(hazardAddress(slot));
        return true;
    }

    /** Clears hazard 0, which names a record. */
    public static void clear(final long slot) {
        SlotLayout.firstHazardRelease(slot); // [E2]
        Ledger.released(hazardAddress(slot));
    }
}
