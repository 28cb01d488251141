// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import java.util.Arrays;

/** Ranges of addresses that an edit has touched; merged and in order once {@link #coalesce()} has run. Not thread-safe. */
final class RangeList {
    private static final int INITIAL = 4;

    private long[] starts = new long[INITIAL];
    private long[] ends = new long[INITIAL];
    private int size;

    int size() {
        return size;
    }

    long start(final int index) {
        return starts[index];
    }

    long end(final int index) {
        return ends[index];
    }

    void add(final long start, final long end) {
        if (size > 0 && start <= ends[size - 1] && end >= starts[size - 1]) {
            starts[size - 1] = Math.min(starts[size - 1], start);
            ends[size - 1] = Math.max(ends[size - 1], end);
            return;
        }
        if (size == starts.length) {
            starts = Arrays.copyOf(starts, size * 2);
            ends = Arrays.copyOf(ends, size * 2);
        }
        starts[size] = start;
        ends[size] = end;
        size++;
    }

    /** These ranges and another one. */
    RangeList with(final long start, final long end) {
        final RangeList all = new RangeList();
        for (int i = 0; i < size; i++) {
            all.add(starts[i], ends[i]);
        }
        all.add(start, end);
        return all;
    }

    /** Puts the ranges in order and merges those that touch. */
    void coalesce() {
        // Two sorted arrays of bounds describe the same union: a range ends where as many have ended as have begun.
        final long[] from = Arrays.copyOf(starts, size);
        final long[] to = Arrays.copyOf(ends, size);
        Arrays.sort(from);
        Arrays.sort(to);
        int merged = 0;
        for (int i = 0; i < from.length; i++) {
            if (merged > 0 && from[i] <= ends[merged - 1]) {
                ends[merged - 1] = to[i];
            } else {
                starts[merged] = from[i];
                ends[merged] = to[i];
                merged++;
            }
        }
        size = merged;
    }
}
