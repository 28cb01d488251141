// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * A sum to which threads add without writing to the same lines of memory. Unlike a {@code LongAdder}, which takes heap
 * when threads meet, it can be used where nothing may be allocated.
 *
 * <p>Thread-safe. A sum that is asked for while others add may have some of what they add.
 */
public final class StripedCounter {
    private static final int SPREAD = 16; // longs, so that stripes do not share a pair of lines

    private final AtomicLongArray counts = new AtomicLongArray((Stripes.COUNT + 1) * SPREAD);

    /**
     * Adds; wait-free.
     *
     * @return what threads of the same stripe have added so far
     */
    public long add(final long amount) {
        return counts.addAndGet((Stripes.mine() + 1) * SPREAD, amount);
    }

    /** What has been added so far. */
    public long sum() {
        long sum = 0;
        for (int at = SPREAD; at < counts.length(); at += SPREAD) {
            sum += counts.get(at);
        }
        return sum;
    }
}
