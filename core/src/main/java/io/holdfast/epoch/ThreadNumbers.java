// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Numbers threads in the order in which they are first seen, so that threads which follow one another have numbers which
 * follow one another. Their ids need not: the threads of a pool may all have even ones, since every thread of the process,
 * the compiler's included, has an id.
 *
 * <p>Thread-safe and wait-free; allocates nothing but itself.
 */
final class ThreadNumbers {
    /** Threads whose ids differ by a multiple of it have one number. */
    static final int KNOWN = 1 << 12;

    /**
     * 0 if there is none. Written once, by a compare-and-set in volatile mode, and read in volatile mode: who loses the
     * swap takes the winner's. A thread that had two numbers could not find the place again that it took by one of them.
     */
    private final AtomicIntegerArray numbers = new AtomicIntegerArray(KNOWN);
    private final AtomicInteger given = new AtomicInteger();

    /** The number of the thread with an id: a positive one, always the same. */
    int of(final long threadId) {
        final int place = (int) threadId & KNOWN - 1;
        final int number = numbers.get(place);
        return number != 0 ? number : give(place);
    }

    private int give(final int place) {
        final int number = given.incrementAndGet();
        return numbers.compareAndSet(place, 0, number) ? number : numbers.get(place);
    }
}
