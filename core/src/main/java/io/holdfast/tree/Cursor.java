// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.layout.NodeLayout;

/**
 * A position between the intervals of a tree, that moves over one interval at a time, either way.
 *
 * <p>Each step looks at the root of its moment, and needs a pin for that step only: the cursor keeps an address and no
 * node, so it may be left standing for any time and across pins, and finds its place again by itself. It may show an
 * interval twice, or one that reaches behind the position, when intervals are split, joined or moved meanwhile. It never
 * shows a gap where intervals stood before and after: what a step leaves out between the position and the interval it
 * shows was free at one moment.
 *
 * <p>A step is O(log n). Not thread-safe.
 */
public final class Cursor {
    /*
     * The position is an address: what lies before it has been shown going forward. Going forward shows the first
     * interval that ends after the position, so one that a change has moved across the position is shown again rather
     * than left out, and going backward shows the last that starts before it.
     */
    private final Roots roots;
    private final Interval interval = new Interval();
    private long position;

    Cursor(final Zoning zoning) {
        this.roots = new Roots(zoning);
    }

    /** Sets the position to an address. */
    public Cursor seek(final long address) {
        position = Math.clamp(address, 0, NodeLayout.ADDRESS_LIMIT);
        return this;
    }

    /** The address that the cursor stands at. */
    public long position() {
        return position;
    }

    /** Moves forward over one interval and shows it; false, without moving, if there is none. */
    public boolean next() {
        roots.take();
        if (!roots.firstEndingAfter(position, interval)) {
            return false;
        }
        position = interval.end();
        return true;
    }

    /** Moves backward over one interval and shows it; false, without moving, if there is none. */
    public boolean previous() {
        roots.take();
        if (!roots.lastStartingBefore(position, interval)) {
            return false;
        }
        position = interval.start();
        return true;
    }

    /** The interval that the last step has shown; reused by the next step. */
    public Interval interval() {
        return interval;
    }
}
