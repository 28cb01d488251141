// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Finding the reader slot of a platform thread that announces without a fence, in a few instructions. Thread-safe,
 * wait-free.
 *
 * <p>A thread's <em>mark</em> in a domain is the domain's seed plus the thread's id, no two pairs of which have the same
 * sum. A slot whose FENCED word is a mark belongs to that thread, and to that domain, and the thread announces without a
 * fence. One table for the process, of which a mark selects an entry, says where such a slot may be. The table is a
 * constant, and its entries are words, because each object on the way to the slot would cost every reader a load that
 * the next one waits for.
 */
public final class QuickSlots {
    /*
     * [Q1] The table is a hint that anybody may overwrite: every entry is the address of a slot, which can always be
     *      read, and the slot is believed only if its FENCED word is the asking thread's mark. That mark is written by
     *      the thread itself, while it owns the slot, and is taken away by itself; or for a dead thread, whose id no
     *      other has. So a thread that reads its own mark reads what it wrote last: no access needs an order, and a read
     *      that a compiler has hoisted is as good.
     * [Q2] A mark is suspended, with one more bit, from the thread's refusal by a writer until the full form of the lock
     *      has granted it one: that is the rule [P1] of RegionLock.
     */
    static final int SIZE = 2048;
    private static final int ID_BITS = 48; // a million new threads a second take nine years to use them up
    private static final int DOMAINS_APART = SIZE / 8; // neighbours, so that a thread has an entry in each of some domains
    private static final long SUSPENDED = Long.MIN_VALUE >>> 1;
    private static final long MAX_DOMAINS = SUSPENDED >>> ID_BITS;
    private static final long NOBODY = Arena.global().allocate(SlotLayout.BYTES, SlotLayout.BYTES).address();
    private static final long[] HINTS = new long[SIZE];
    private static final AtomicLong DOMAINS = new AtomicLong();

    static {
        Arrays.fill(HINTS, NOBODY);
    }

    /** Seed of a domain whose threads always announce with fences: no sum with it is ever in a FENCED word. */
    static final long NO_SEED = SUSPENDED >>> 1;

    private QuickSlots() {
    }

    /** A seed for one more domain, {@link #NO_SEED} if there are none left. */
    static long newSeed() {
        return seed(DOMAINS.getAndIncrement());
    }

    static long seed(final long domain) {
        return domain >= MAX_DOMAINS ? NO_SEED
            : Long.MIN_VALUE + (domain << ID_BITS) + (domain * DOMAINS_APART & SIZE - 1);
    }

    /** The current thread's mark in the domain of this seed; negative, unless it is none. */
    public static long mark(final long seed) {
        return seed + Thread.currentThread().threadId();
    }

    /** The slot that may be the one of this mark. */
    public static long hint(final long mark) {
        return HINTS[(int) mark & SIZE - 1];
    }

    /** Lets the current thread, which owns the slot, announce without fences; its mark is found from here on. */
    static void enter(final long seed, final long slot) {
        final long mark = mark(seed);
        SlotLayout.fenced(slot, mark);
        HINTS[(int) mark & SIZE - 1] = slot;
    }

    /** Makes sure that the mark in the current thread's slot is found, unless it would displace another's. */
    static void show(final long seed, final long slot) {
        final long mark = mark(seed);
        if (SlotLayout.fenced(slot) == mark && SlotLayout.fenced(hint(mark)) >= 0) {
            HINTS[(int) mark & SIZE - 1] = slot;
        }
    }

    /** Suspends the mark in the current thread's slot [Q2]. */
    public static void suspend(final long slot) {
        SlotLayout.fenced(slot, SlotLayout.fenced(slot) | SUSPENDED);
    }

    /** Ends the suspension of the mark in the current thread's slot, if there is one [Q2]. */
    public static void resume(final long seed, final long slot) {
        if (SlotLayout.fenced(slot) == (mark(seed) | SUSPENDED)) {
            enter(seed, slot);
        }
    }
}
