// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.layout.NodeLayout;

/**
 * What a tree can hold, and the refusal of everything else.
 *
 * @param from    lowest address of an interval
 * @param to      end of the highest
 * @param granule starts and ends of intervals are multiples of this power of two
 */
record Bounds(long from, long to, long granule) {
    Bounds {
        if (from < 0 || from >= to || to > NodeLayout.ADDRESS_LIMIT) {
            throw new IllegalArgumentException("bounds out of range: from=" + from + ", to=" + to + ", limit=" +
                NodeLayout.ADDRESS_LIMIT);
        }
        if (((from | to) & granule - 1) != 0) {
            throw new IllegalArgumentException("bounds misaligned: from=" + from + ", to=" + to + ", granule=" + granule);
        }
    }

    /** Refuses what is no address, of this tree or of any. */
    static void checkAddress(final long address) {
        if (address < 0 || address >= NodeLayout.ADDRESS_LIMIT) {
            throw new IllegalArgumentException("not an address: address=" + address + ", limit=" +
                NodeLayout.ADDRESS_LIMIT);
        }
    }

    /** Refuses a range without addresses. */
    static void checkRange(final long start, final long end) {
        if (start < 0 || start >= end) {
            throw new IllegalArgumentException("range empty or inverted: start=" + start + ", end=" + end);
        }
    }

    /** Refuses what {@link IntervalTree#replace} cannot put into a range. */
    void checkReplacement(final long start, final long end, final long... intervals) {
        checkInterval(start, end);
        if (intervals.length % 3 != 0) {
            throw new IllegalArgumentException("intervals are start, end and value each: length=" + intervals.length);
        }
        long least = start;
        for (int i = 0; i < intervals.length; i += 3) {
            checkInterval(intervals[i], intervals[i + 1]);
            checkValue(intervals[i + 2]);
            if (intervals[i] < least || intervals[i + 1] > end) {
                throw new IllegalArgumentException("interval out of order or range: start=" + intervals[i] + ", end=" +
                    intervals[i + 1] + ", least=" + least + ", most=" + end);
            }
            least = intervals[i + 1];
        }
    }

    /** Refuses what is no interval of this tree. */
    void checkInterval(final long start, final long end) {
        if (start < from || end > to || start >= end) {
            throw new IllegalArgumentException("not an interval of this tree: start=" + start + ", end=" + end +
                ", from=" + from + ", to=" + to);
        }
        if (((start | end) & granule - 1) != 0) {
            throw new IllegalArgumentException("interval misaligned: start=" + start + ", end=" + end + ", granule=" +
                granule);
        }
    }

    /** Refuses the value that stands for nothing, and those that stand for zones. */
    static void checkValue(final long value) {
        if (value <= 0) {
            throw new IllegalArgumentException("value must not be 0, which means that nothing was found, or less: value=" +
                value);
        }
    }

    /** Refuses a gap that no search can look for. */
    void checkGap(final long size, final long alignment, final long low, final long high) {
        if (size <= 0 || (size & granule - 1) != 0) {
            throw new IllegalArgumentException("size must be a positive multiple of the granule: size=" + size +
                ", granule=" + granule);
        }
        if (alignment < granule || Long.bitCount(alignment) != 1 || alignment > NodeLayout.ADDRESS_LIMIT) {
            throw new IllegalArgumentException("alignment must be a power of two and not below the granule: alignment=" +
                alignment + ", granule=" + granule);
        }
        if (low < 0 || low > high) {
            throw new IllegalArgumentException("bounds inverted: low=" + low + ", high=" + high);
        }
    }
}
