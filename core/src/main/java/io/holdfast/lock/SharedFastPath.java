// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static io.holdfast.layout.RecordLayout.ATTACHED;
import static io.holdfast.layout.RecordLayout.WRITER;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Ledger;
import io.holdfast.epoch.QuickSlot;
import io.holdfast.epoch.QuickSlots;
import io.holdfast.layout.RecordLayout;

/**
 * The shared lock of {@link RegionLock} in its common case: a platform thread that holds no other guard, no writer, and
 * no fence to run. Each method either does all of it, or changes nothing and says so; then it takes the full form.
 * Thread-safe, wait-free.
 *
 * <p>The methods are small so that a compiler inlines them wherever a lock is taken, and the objects made for the lock
 * need not exist. Ordering tags are those of {@link RegionLock}. A thread that was refused here does not come here
 * again before the full form, which looks before it announces anything [P1], has granted it a lock.
 */
public final class SharedFastPath {
    private SharedFastPath() {
    }

    /**
     * Locks the record in shared mode, for a guard.
     *
     * @param seed {@link EpochDomain#quickSeed()} of the domain in which the record's readers announce themselves
     * @return where it is announced, for {@link #endIn}; 0 if it takes {@link RegionLock#tryShare} to know
     */
    public static long share(final long seed, final long record, final long incarnation) {
        return announce(seed, record, incarnation, record);
    }

    private static long announce(final long seed, final long record, final long incarnation, final long word) {
        final long mark = QuickSlots.mark(seed);
        final long slot = QuickSlots.hint(mark);
        if (!QuickSlot.isOf(slot, mark) || !QuickSlot.isFree(slot)) {
            return 0;
        }
        try {
            QuickSlot.announce(slot, word); // [S1]
            if (isOpen(record) && RecordLayout.incarnation(record) == incarnation) { // [S2]
                Ledger.taken(QuickSlot.hazardAddress(slot), Ledger.Kind.SHARED, record);
                return slot;
            }
        } catch (final Throwable e) {
            QuickSlot.clear(slot, word);
            throw e;
        }
        QuickSlot.clear(slot, word);
        QuickSlots.suspend(slot); // [P1]
        return 0;
    }

    /**
     * Ends a lock that the current thread has just taken here, in as few steps as can be.
     *
     * @param slot what {@link #share} returned
     */
    public static void undo(final long slot) {
        QuickSlot.clear(slot);
    }

    private static boolean isOpen(final long record) {
        return (RecordLayout.lockAcquire(record) & (ATTACHED | WRITER)) == ATTACHED;
    }

    /**
     * Ends a lock that the current thread, and no other, took here.
     *
     * @param slot what {@link #share} returned
     * @return false if it is not held any more
     */
    public static boolean endIn(final long slot, final long record) {
        return QuickSlot.clear(slot, record); // [S3]
    }

    /**
     * Locks the record in shared mode, for a stamp.
     *
     * @param seed as for {@link #share}
     * @return the stamp; 0 if it takes {@link RegionLock#tryShare} to know
     */
    public static long lock(final long seed, final long record, final long incarnation) {
        final long slot = announce(seed, record, incarnation, QuickSlot.stamped(record));
        if (slot == 0) {
            return 0;
        }
        final long stamp = QuickSlot.number(slot);
        if (stamp == 0) {
            undo(slot);
        }
        return stamp;
    }

    /**
     * Ends the lock of a stamp.
     *
     * @param seed as for {@link #share}
     * @return false if it takes {@link RegionLock#endShare} to know
     */
    public static boolean unlock(final long seed, final long record, final long incarnation, final long stamp) {
        final long mark = QuickSlots.mark(seed);
        final long slot = QuickSlots.hint(mark);
        return QuickSlot.isOf(slot, mark) && QuickSlot.isLast(slot, stamp) &&
            RecordLayout.incarnation(record) == incarnation && QuickSlot.clear(slot, QuickSlot.stamped(record)); // [S3]
    }
}
