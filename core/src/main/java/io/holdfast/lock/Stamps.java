// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;

/**
 * What acquiring returns: a positive stamp that says what is held and how, or a refusal that says why not. No two locks,
 * of whatever region, thread or form, have the same stamp, and no stamp comes again.
 *
 * <pre>
 *     63  62      61         60       59 ....... GENERATION_BITS   GENERATION_BITS-1 .... 0
 *     0   SHARED  number of the lock
 *     0   0       EXCLUSIVE  the record's sequence while it is held
 *     0   0       0          COUNTED  INDEX of the entry            GENERATION of the entry
 *     0   0       0          0        sequence: an optimistic stamp
 * </pre>
 *
 * <p>Sequences of two records are told apart as {@link RecordTable} says.
 */
public final class Stamps {
    /** The region is unmapped, or the handle is of an earlier life of the record. */
    public static final long DETACHED = -1;

    /** A writer has announced itself and waits for readers. */
    public static final long EXCLUDED = -2;

    /** A writer holds the region exclusively. */
    public static final long EXCLUSIVE = -3;

    /** Readers are inside. */
    public static final long SHARED = -4;

    /** No hazard of the thread, or no count of the record, is left. */
    public static final long SATURATED = -5;

    /** The time was over. */
    public static final long TIMED_OUT = -6;

    /** The thread was interrupted. */
    public static final long INTERRUPTED = -7;

    /** The region lives on under other handles: it was split, merged, moved, cut, or protected. */
    public static final long MOVED = -8;

    /** Sequences are below this, so that each is an optimistic stamp. */
    static final long SEQUENCES = 1L << 60;

    private static final long COUNTED_BIT = SEQUENCES;
    private static final long EXCLUSIVE_BIT = COUNTED_BIT << 1;
    private static final long SHARED_BIT = EXCLUSIVE_BIT << 1; // of all numbers that a domain gives to locks
    private static final long GENERATION = (1L << CountedStamps.GENERATION_BITS) - 1;

    private Stamps() {
    }

    static long exclusive(final long sequence) {
        return EXCLUSIVE_BIT | sequence & EXCLUSIVE_BIT - 1;
    }

    static long counted(final int index, final long generation) {
        return COUNTED_BIT | (long) index << CountedStamps.GENERATION_BITS | generation;
    }

    /** Whether the stamp is of a shared lock by hazard. */
    public static boolean isShared(final long stamp) {
        return stamp >= SHARED_BIT;
    }

    /**
     * What the shared lock of a guard has instead of a stamp: a guard ends its lock once and tells it to nobody, so the
     * hazard says which it is. It is lower than any sequence.
     */
    public static long ofGuard(final int hazard) {
        return hazard + 1L;
    }

    static int hazard(final long ofGuard) {
        return (int) ofGuard - 1;
    }

    /** Whether this is no stamp but a guard's. */
    static boolean isOfGuard(final long grip) {
        return grip > 0 && grip <= EpochDomain.MAX_HAZARDS;
    }

    /** Whether the stamp is of an exclusive lock. */
    public static boolean isExclusive(final long stamp) {
        return stamp >= EXCLUSIVE_BIT && stamp < SHARED_BIT;
    }

    /** Whether the stamp is of a counted lock. */
    public static boolean isCounted(final long stamp) {
        return stamp >= COUNTED_BIT && stamp < EXCLUSIVE_BIT;
    }

    static int index(final long countedStamp) {
        return (int) ((countedStamp & ~COUNTED_BIT) >>> CountedStamps.GENERATION_BITS);
    }

    static long generation(final long countedStamp) {
        return countedStamp & GENERATION;
    }

    /** Whether waiting can turn the refusal into success. */
    public static boolean isTransient(final long refusal) {
        return refusal == EXCLUDED || refusal == EXCLUSIVE || refusal == SHARED;
    }

    static long gaveUp(final Waiting waiting) {
        return waiting.endedByInterrupt() ? INTERRUPTED : TIMED_OUT;
    }

    static String describe(final long stamp) {
        final String kind;
        if (isShared(stamp)) {
            kind = "shared";
        } else if (isExclusive(stamp)) {
            kind = "exclusive";
        } else if (isCounted(stamp)) {
            kind = "counted";
        } else {
            kind = isOfGuard(stamp) ? "of a guard" : stamp > 0 ? "optimistic" : "refusal";
        }
        return "0x" + Long.toHexString(stamp) + " (" + kind + ")";
    }
}
