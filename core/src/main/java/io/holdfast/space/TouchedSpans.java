// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.Stripes;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Which addresses were touched since they were last taken: for each stripe of threads one span, from the lowest to the
 * highest of its own. So threads that use few addresses each, however far apart, have touched few.
 *
 * <p>Thread-safe and lock-free; needs no heap.
 */
final class TouchedSpans {
    /*
     * A stripe has two words, which grow from 0, where nothing was touched: END, behind its highest address, and BELOW,
     * how far its lowest address is below the highest that there can be.
     *
     *   note                     take
     *   N1 END := at least end   T1 BELOW := 0
     *   N2 BELOW := at least ..  T2 take END, END := 0
     *
     * [A3] A range that is being noted is in what is taken, or in the span that is left. If N1 comes before T2, the end
     *      that is taken is not below that of the range. Else N2 comes after T1, and both words have the range. With N2
     *      before N1, T1 and T2 may come between the two: END is left without its BELOW then, and the range is in neither.
     *      All accesses are of volatile mode. A BELOW that is left without its END makes the next span too long at most.
     */
    private static final int SPREAD = 16; // longs, so that stripes do not share a pair of lines
    private static final int END = 0;
    private static final int BELOW = 1;

    private final AtomicLongArray words = new AtomicLongArray((Stripes.COUNT + 1) * SPREAD);

    /** The calling thread's stripe has touched a range. */
    void note(final long start, final long end) {
        final int mine = (Stripes.mine() + 1) * SPREAD;
        raise(mine + END, end); // [A3]
        raise(mine + BELOW, Long.MAX_VALUE - start);
    }

    private void raise(final int at, final long to) {
        long seen = words.get(at);
        while (seen < to && !words.compareAndSet(at, seen, to)) {
            seen = words.get(at);
        }
    }

    /** Length of all spans; what is in several of them counts as often. */
    long bytes() {
        long sum = 0;
        for (int at = SPREAD; at < words.length(); at += SPREAD) {
            sum += Math.max(0, words.get(at + END) - (Long.MAX_VALUE - words.get(at + BELOW)));
        }
        return sum;
    }

    /** Forgets all spans; where the last of them ended. */
    long take() {
        long end = 0;
        for (int at = SPREAD; at < words.length(); at += SPREAD) {
            words.set(at + BELOW, 0); // [A3]
            end = Math.max(end, words.getAndSet(at + END, 0));
        }
        return end;
    }
}
