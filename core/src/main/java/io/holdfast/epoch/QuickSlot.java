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

    /**
     * Writes the word of hazard 0, which is free: a record, or what is {@link #stamped(long)}; what the caller reads
     * after this is read after it.
     */
    public static void announce(final long slot, final long word) {
        SlotLayout.firstHazardOpaque(slot, word); // [E1] R1
        EpochDomain.compilerBarrier(); // [E1] R2
    }

    /** What stands in a hazard that announces the record for a stamp; for a guard it is the record itself. */
    public static long stamped(final long record) {
        return record + SlotLayout.STAMPED;
    }

    /**
     * A number for the lock of a stamp that the current thread has just announced in hazard 0, which is the stamp; 0 if
     * the hazard has run out of numbers.
     */
    public static long number(final long slot) {
        final long last = SlotLayout.firstNumber(slot);
        if (LockNumbers.areUsedUp(last)) {
            return 0;
        }
        SlotLayout.firstNumber(slot, last + 1);
        return last + 1;
    }

    /** Whether this is the number of the last stamp that held hazard 0. */
    public static boolean isLast(final long slot, final long number) {
        return SlotLayout.firstNumber(slot) == number;
    }

    /** Clears hazard 0 if this is its word; whether it was. What the caller did before comes before it. */
    public static boolean clear(final long slot, final long word) {
        if (SlotLayout.firstHazard(slot) != word) {
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
