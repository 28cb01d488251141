// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Numbers that tell each shared lock of a stamp from every other one, of whatever thread, hazard and domain of the process.
 * Thread-safe, wait-free.
 *
 * <p>A hazard takes a block of numbers and counts through it, so that giving one to a stamp touches no shared word. No
 * number comes twice: a hundred threads that do nothing but lock and unlock use up the blocks in some years.
 */
final class LockNumbers {
    private static final int BLOCK_BITS = 24;
    private static final long WITHIN = (1L << BLOCK_BITS) - 1;
    private static final AtomicLong BLOCKS = new AtomicLong();

    /** Set in each number, which is a stamp; a stamp of another kind is lower. */
    static final long NUMBER = 1L << 62;

    private LockNumbers() {
    }

    /** Makes sure that the class is there: where it is needed there may be no memory for it. */
    static void load() {
    }

    /** Whether the last number of a hazard was that of its block, or there is none yet: the next one is {@link #more()}. */
    static boolean areUsedUp(final long last) {
        return (last & WITHIN) == 0;
    }

    /** The first number of a new block. */
    static long more() {
        return NUMBER | BLOCKS.incrementAndGet() << BLOCK_BITS | 1;
    }
}
