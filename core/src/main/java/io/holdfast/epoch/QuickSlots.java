// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Finding {@linkplain QuickSlot quick slots} in a domain's table, of which a thread's id selects one entry.
 * Thread-safe, wait-free. A bare array is passed around because each object on the way to it would cost every reader
 * a load.
 */
public final class QuickSlots {
    /*
     * An entry is believed only if its owner is the asking thread. Ids are not used twice, a thread keeps its slot
     * until it dies, and makes its entry by itself, so a match is exact, also through a data race: the owner and the
     * address are final fields. A thread that announces with fences has no entry: it overwrote its own, without a look
     * at what is there, so it cannot read its own again. Benign race: a thread whose entry another one has overwritten
     * goes the longer way.
     */
    static final int SIZE = 512;
    private static final QuickSlot NOBODY = new QuickSlot(0, 0); // no thread has this id, and no reader meets a null

    private QuickSlots() {
    }

    static QuickSlot[] newTable() {
        final QuickSlot[] table = new QuickSlot[SIZE];
        Arrays.fill(table, NOBODY);
        return table;
    }

    /** The current thread's quick slot in a domain's table; null says nothing. */
    public static @Nullable QuickSlot mine(final QuickSlot[] table) {
        final long id = Thread.currentThread().threadId();
        final QuickSlot slot = table[(int) id & SIZE - 1];
        return slot.isOf(id) ? slot : null;
    }

    /** Address of the current thread's slot; 0 says nothing. */
    static long address(final QuickSlot[] table) {
        final QuickSlot slot = mine(table);
        return slot == null ? 0 : slot.address();
    }

    private static void add(final QuickSlot[] table, final long threadId, final long slot) {
        table[(int) threadId & SIZE - 1] = new QuickSlot(threadId, slot);
    }

    /** Makes an entry for the current thread where there is none of another. */
    static void addIfFree(final QuickSlot[] table, final long threadId, final long slot) {
        if (table[(int) threadId & SIZE - 1] == NOBODY) {
            add(table, threadId, slot);
        }
    }

    /** Makes sure that the current thread has no entry. */
    static void remove(final QuickSlot[] table, final long threadId) {
        table[(int) threadId & SIZE - 1] = NOBODY;
    }
}
