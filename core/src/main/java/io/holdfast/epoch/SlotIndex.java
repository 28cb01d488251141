// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Finds the slot of a platform thread by the thread's id, whatever has become of the thread's thread-locals.
 *
 * <p>Thread-safe. Finding takes no lock, allocates nothing and looks at a few entries, however many threads there are;
 * adding is for who has the table's lock.
 */
final class SlotIndex {
    /*
     * An open-addressed hash table of slot addresses. An entry is a hint: it is of the thread whose id is in the OWNER of
     * its slot, so none has to be taken out when a thread dies, and a burial cannot fail for it. Entries that are of nobody
     * any more, or there twice, are left out when the table is made anew, before it is half full.
     *
     * [U3] A thread looks for itself: it added its entry itself, before, and later tables contain it. Who looks for another
     *      thread may find that it has none yet, which is an answer of that moment.
     */
    private static final int SMALLEST = 256;

    private volatile AtomicLongArray entries = new AtomicLongArray(SMALLEST);
    private int filled;

    /** The first slot of the thread with this id, or 0 if it has none. */
    long find(final long threadId) {
        final AtomicLongArray all = entries;
        int at = hash(threadId, all);
        for (long slot = all.get(at); slot != 0; slot = all.get(at)) {
            if (SlotLayout.ownerAcquire(slot) == threadId) {
                return slot;
            }
            at = at + 1 & all.length() - 1;
        }
        return 0;
    }

    /** Adds the slot that a thread is about to own; without effect if it throws, or if the thread comes not to own it. */
    void add(final long threadId, final long slot) {
        if (2 * (filled + 1) > entries.length()) {
            rebuild();
        }
        put(entries, threadId, slot);
        filled++;
    }

    private void rebuild() {
        final AtomicLongArray old = entries;
        int owned = 0;
        for (int i = 0; i < old.length(); i++) {
            owned += old.get(i) != 0 && SlotLayout.ownerAcquire(old.get(i)) > 0 ? 1 : 0;
        }
        final AtomicLongArray fresh = new AtomicLongArray(Math.max(SMALLEST, Integer.highestOneBit(owned) * 8));
        int kept = 0;
        for (int i = 0; i < old.length(); i++) {
            final long owner = old.get(i) == 0 ? 0 : SlotLayout.ownerAcquire(old.get(i));
            if (owner > 0 && put(fresh, owner, old.get(i))) {
                kept++;
            }
        }
        entries = fresh;
        filled = kept;
    }

    /** Whether it was not there. */
    private static boolean put(final AtomicLongArray into, final long threadId, final long slot) {
        int at = hash(threadId, into);
        while (into.get(at) != 0) {
            if (into.get(at) == slot) {
                return false;
            }
            at = at + 1 & into.length() - 1;
        }
        into.set(at, slot);
        return true;
    }

    private static int hash(final long threadId, final AtomicLongArray all) {
        return (int) (threadId * 0x9E3779B97F4A7C15L >>> 32) & all.length() - 1;
    }
}
