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
 * need not exist. Ordering tags are those of {@link RegionLock}.
 */
public final class QuickShare {
    private final QuickSlot[] slots;

    /** For the records whose readers announce themselves in {@code domain}. */
    public QuickShare(final EpochDomain domain) {
        this.slots = domain.quickSlots();
    }

    /** The stamp of every lock that is taken here on a record in this incarnation. */
    public static long stamp(final long incarnation) {
        return Stamps.shared(0, incarnation);
    }

    /**
     * Locks the record in shared mode.
     *
     * @return where it is announced, for {@link #endIn}; 0 if it takes {@link RegionLock#tryShare} to know
     */
    public long share(final long record, final long incarnation) {
        final QuickSlot slot = QuickSlots.mine(slots);
        if (slot == null || slot.isWary() && !looksOpen(slot, record) || !slot.isFree()) {
            return 0;
        }
        final long address = slot.address();
        try {
            slot.announce(record); // [S1]
            if (isOpen(record) && RecordLayout.incarnation(record) == incarnation) { // [S2]
                Ledger.taken(slot.hazardAddress(), Ledger.Kind.SHARED, record);
                return address;
            }
        } catch (final Throwable e) {
            slot.clear(record);
            throw e;
        }
        slot.clear(record);
        slot.setWary(true);
        return 0;
    }

    private static boolean looksOpen(final QuickSlot slot, final long record) {
        if (!isOpen(record)) { // [P1]
            return false;
        }
        slot.setWary(false);
        return true;
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
     * Ends a lock of the current thread, given by its {@link #stamp}.
     *
     * @return false if it takes {@link RegionLock#endShare} to know
     */
    public boolean end(final long record, final long incarnation) {
        final QuickSlot slot = QuickSlots.mine(slots);
        return slot != null && RecordLayout.incarnation(record) == incarnation && slot.clear(record); // [S3]
    }
}
