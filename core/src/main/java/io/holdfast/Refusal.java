// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

/** Why a lock was not granted. */
public enum Refusal {
    /** The region is unmapped, is being unmapped, or moved long ago: the handle is no longer usable. */
    DETACHED(-1),

    /**
     * The region lives on under other handles: it was split, merged, moved, cut, or protected. This handle is no longer
     * usable; the operation returned new ones, and a pin finds them by address. A much older handle is refused as
     * {@link #DETACHED}: a region is remembered only as long as a thread can be in the middle of looking for it.
     */
    MOVED(-8),

    /** A writer has announced itself and waits for the readers inside to leave. */
    EXCLUDED(-2),

    /** A writer holds the region exclusively. */
    EXCLUSIVE(-3),

    /** Readers are inside, so the exclusive lock is not available at once. */
    SHARED(-4),

    /** The thread holds as many locks, or the region as many counted holds, as there is room for. */
    SATURATED(-5),

    /** The timeout expired before the lock was free. */
    TIMED_OUT(-6),

    /** The thread was interrupted before the lock was free. */
    INTERRUPTED(-7),

    /** The lease was ended. */
    ENDED(-9);

    private static final Refusal[] VALUES = values();

    private final long stamp; // what a method that returns stamps gives for it

    Refusal(final long stamp) {
        this.stamp = stamp;
    }

    /**
     * Decodes the refusal that a method returning stamps gave.
     *
     * @param stamp not positive
     * @return the reason
     * @throws IllegalArgumentException if the stamp is not a refusal
     */
    public static Refusal of(final long stamp) {
        for (final Refusal refusal : VALUES) {
            if (refusal.stamp == stamp) {
                return refusal;
            }
        }
        throw new IllegalArgumentException("not a refusal: stamp=" + stamp);
    }
}
