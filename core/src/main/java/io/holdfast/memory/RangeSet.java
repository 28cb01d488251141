// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A set of disjoint ranges of offsets. Thread-safe; small, because only failures fill it. */
final class RangeSet {
    private final TreeMap<Long, Long> ends = new TreeMap<>();
    private volatile long bytes;

    /** Adds a range that is disjoint from the others. */
    synchronized void add(final long start, final long end) {
        ends.put(start, end);
        bytes += end - start;
    }

    /** Removes a range that was added, by its first offset; false if it is not there. */
    synchronized boolean remove(final long start) {
        final Long end = ends.remove(start);
        if (end != null) {
            bytes -= end - start;
        }
        return end != null;
    }

    /** Removes all ranges. */
    synchronized void clear() {
        ends.clear();
        bytes = 0;
    }

    /** {@return the sum of the lengths} */
    long bytes() {
        return bytes;
    }

    /** {@return the ranges in order} */
    synchronized List<AddressRange> list() {
        final List<AddressRange> ranges = new ArrayList<>();
        ends.forEach((start, end) -> ranges.add(new AddressRange(start, end - start)));
        return ranges;
    }

    /** {@return the parts of a range that no range of this set covers, in order} */
    synchronized List<AddressRange> outside(final long start, final long end) {
        final List<AddressRange> parts = new ArrayList<>();
        long from = start;
        final Long before = ends.floorKey(start);
        for (final Map.Entry<Long, Long> range : ends.tailMap(before == null ? start : before, true).entrySet()) {
            if (range.getKey() >= end) {
                break;
            }
            if (range.getKey() > from) {
                parts.add(new AddressRange(from, range.getKey() - from));
            }
            from = Math.max(from, range.getValue());
        }
        if (from < end) {
            parts.add(new AddressRange(from, end - from));
        }
        return parts;
    }
}
