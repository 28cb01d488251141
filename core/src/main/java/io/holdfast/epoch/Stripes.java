// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

/**
 * Divides threads among places, so that threads that do much of the same do not write to the same lines of memory. A
 * thread has the same place always; threads that come here one after another for the first time have different ones.
 */
public final class Stripes {
    private static final int MOST = 16;
    private static final int PROCESSORS = Math.min(Runtime.getRuntime().availableProcessors(), MOST);
    private static final ThreadNumbers NUMBERS = new ThreadNumbers();

    /**
     * How many places there are: a power of two, and two for each processor up to {@value #MOST}, since a thread that has
     * come in between, and is idle, has a place too.
     */
    public static final int COUNT = Math.min(Integer.highestOneBit(PROCESSORS * 4 - 1), MOST);

    private Stripes() {
    }

    /** The place of the current thread. */
    public static int mine() {
        return numberOf(Thread.currentThread()) & COUNT - 1;
    }

    /** A number of a thread, always the same; modulo a power of two it is a place among as many. */
    public static int numberOf(final Thread thread) {
        return NUMBERS.of(thread.threadId());
    }
}
