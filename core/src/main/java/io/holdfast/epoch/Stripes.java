// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

/**
 * Divides threads among places, so that threads that do much of the same do not write to the same lines of memory. A
 * thread has the same place always; threads that were started one after another have different ones.
 */
public final class Stripes {
    private static final int MOST = 16;
    private static final int PROCESSORS = Math.min(Runtime.getRuntime().availableProcessors(), MOST);

    /** How many places there are: a power of two, and one for each processor up to {@value #MOST}. */
    public static final int COUNT = Integer.highestOneBit(PROCESSORS * 2 - 1);

    private Stripes() {
    }

    /** The place of the current thread. */
    public static int mine() {
        return (int) Thread.currentThread().threadId() & COUNT - 1;
    }
}
