// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.Stripes;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Which addresses were touched since somebody last asked: for each stripe of threads, from the first to the last of its
 * own. So threads that use few addresses each, however far apart, have touched few.
 *
 * <p>Thread-safe and lock-free; needs no heap. What is noted while the spans are taken may be forgotten;
 * the stripe's next note brings it back.
 */
final class TouchedSpans {
    private static final int SPREAD = 16; // longs, so that stripes do not share a pair of lines
    /** How far below the highest address the first one is: so both grow from 0. */
    private static final int FIRST = 0;
    private static final int END = 1;

    private final AtomicLongArray words = new AtomicLongArray((Stripes.COUNT + 1) * SPREAD);

    private static void raise(final AtomicLongArray words, final int at, final long to) {
        long seen = words.get(at);
        while (seen < to && !words.compareAndSet(at, seen, to)) {
            seen = words.get(at);
        }
    }

    /** The calling thread's stripe has touched a range. */
    void note(final long start, final long end) {
        final int mine = (Stripes.mine() + 1) * SPREAD;
        raise(words, mine + FIRST, Long.MAX_VALUE - start);
        raise(words, mine + END, end);
    }

    /** Length of all spans; what is in several of them counts as often. */
    long bytes() {
        long sum = 0;
        for (int at = SPREAD; at < words.length(); at += SPREAD) {
            final long first = Long.MAX_VALUE - words.get(at + FIRST);
            sum += Math.max(0, words.get(at + END) - first);
        }
        return sum;
    }

    /** Forgets all; where the last span ended. */
    long take() {
        long end = 0;
        for (int at = SPREAD; at < words.length(); at += SPREAD) {
            words.set(at + FIRST, 0);
            end = Math.max(end, words.getAndSet(at + END, 0));
        }
        return end;
    }
}
