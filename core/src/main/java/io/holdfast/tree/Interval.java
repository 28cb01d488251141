// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

/** A place for an interval that a search has found. Not thread-safe; reused by its owner from search to search. */
public final class Interval {
    private long start;
    private long end;
    private long value;

    /** An empty place. */
    public Interval() {
    }

    /** The first address of the interval. */
    public long start() {
        return start;
    }

    /** The first address past the interval. */
    public long end() {
        return end;
    }

    /** The value of the interval, never 0 once something was found. */
    public long value() {
        return value;
    }

    void set(final long newStart, final long newEnd, final long newValue) {
        start = newStart;
        end = newEnd;
        value = newValue;
    }

    boolean isSameAs(final Interval other) {
        return start == other.start && end == other.end && value == other.value;
    }

    @Override
    public String toString() {
        return "[" + start + ", " + end + ")=" + value;
    }
}
