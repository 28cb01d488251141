// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import io.holdfast.epoch.Waiting;

/**
 * What acquiring returns: a positive stamp that says what is held and how, or a refusal that says why not.
 *
 * <pre>
 *     63  62      61         60       59 ....... 52   51 ................ 0
 *     0   SHARED  EXCLUSIVE  COUNTED  HAZARD          low bits of the incarnation
 * </pre>
 *
 * <p>An optimistic stamp has none of the three bits: it is the sequence itself.
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

    private static final long SHARED_BIT = 1L << 62;
    private static final long EXCLUSIVE_BIT = SHARED_BIT >>> 1;
    private static final long COUNTED_BIT = EXCLUSIVE_BIT >>> 1;
    private static final int HAZARD_BITS = 8;
    private static final int HAZARD_SHIFT = Long.numberOfTrailingZeros(COUNTED_BIT) - HAZARD_BITS;
    private static final long INCARNATION = (1L << HAZARD_SHIFT) - 1;

    private Stamps() {
    }

    static long shared(final int hazard, final long incarnation) {
        return SHARED_BIT | ((long) hazard << HAZARD_SHIFT) | (incarnation & INCARNATION);
    }

    static long exclusive(final long incarnation) {
        return EXCLUSIVE_BIT | (incarnation & INCARNATION);
    }

    static long counted(final long incarnation) {
        return COUNTED_BIT | (incarnation & INCARNATION);
    }

    /** Whether the stamp is of a shared lock by hazard. */
    public static boolean isShared(final long stamp) {
        return stamp > 0 && (stamp & SHARED_BIT) != 0;
    }

    /** Whether the stamp is of an exclusive lock. */
    public static boolean isExclusive(final long stamp) {
        return stamp > 0 && (stamp & (SHARED_BIT | EXCLUSIVE_BIT)) == EXCLUSIVE_BIT;
    }

    /** Whether the stamp is of a counted hold. */
    public static boolean isCounted(final long stamp) {
        return stamp > 0 && (stamp & (SHARED_BIT | EXCLUSIVE_BIT | COUNTED_BIT)) == COUNTED_BIT;
    }

    static int hazard(final long stamp) {
        return (int) (stamp >>> HAZARD_SHIFT) & (1 << HAZARD_BITS) - 1;
    }

    /** Whether a stamp of a lock was given under this incarnation, as far as its bits tell. */
    static boolean isOf(final long stamp, final long incarnation) {
        return (stamp & INCARNATION) == (incarnation & INCARNATION);
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
            kind = "shared, hazard=" + hazard(stamp);
        } else if (isExclusive(stamp)) {
            kind = "exclusive";
        } else if (isCounted(stamp)) {
            kind = "counted";
        } else {
            kind = stamp > 0 ? "optimistic" : "refusal";
        }
        return "0x" + Long.toHexString(stamp) + " (" + kind + ")";
    }
}
