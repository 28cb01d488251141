// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.layout.NodeLayout;
import org.jspecify.annotations.Nullable;

/**
 * A position between the intervals of a tree or of a snapshot, that moves over one interval at a time, either way.
 *
 * <p>Over a snapshot it shows exactly the snapshot's intervals, each once per pass. Over the live tree each step looks at
 * the root of its moment, and needs a pin for that step only: the cursor keeps an address and no node, so it may be left
 * standing for any time and across pins, and finds its place again by itself. It may show an interval twice, or one
 * that reaches behind the position, when intervals are split, joined or moved meanwhile. It never shows a gap where
 * intervals stood before and after: what a step leaves out between the position and the interval it shows was free in
 * one and the same root.
 *
 * <p>A step is O(log n), over a snapshot mostly O(1). Not thread-safe.
 */
public final class Cursor {
    /*
     * The position is an address: what lies before it has been shown going forward. Going forward shows the first
     * interval that ends after the position, so one that a change has moved across the position is shown again rather
     * than left out, and going backward shows the last that starts before it.
     *
     * Over a snapshot the leaf of the last step is kept: the nodes under its root do not change while it is open.
     */
    private final @Nullable IntervalTree live;
    private final @Nullable Snapshot snapshot;
    private final Interval interval = new Interval();
    private long position;
    private long leaf;
    private int entry;

    Cursor(final IntervalTree live) {
        this.live = live;
        this.snapshot = null;
    }

    Cursor(final Snapshot snapshot) {
        this.live = null;
        this.snapshot = snapshot;
    }

    /** Sets the position to an address. */
    public Cursor seek(final long address) {
        position = Math.clamp(address, 0, NodeLayout.ADDRESS_LIMIT);
        leaf = 0;
        return this;
    }

    /** The address that the cursor stands at. */
    public long position() {
        return position;
    }

    /** Moves forward over one interval and shows it; false, without moving, if there is none. */
    public boolean next() {
        final long root = root();
        if (leaf != 0 && position == NodeLayout.end(leaf, entry) && entry < NodeLayout.count(leaf)) {
            return show(leaf, entry + 1, true);
        }
        if (!TreeReader.firstEndingAfter(root, position, interval)) {
            return false;
        }
        position = interval.end();
        keepLeaf(root);
        return true;
    }

    /** Moves backward over one interval and shows it; false, without moving, if there is none. */
    public boolean previous() {
        final long root = root();
        if (leaf != 0 && position == NodeLayout.start(leaf, entry) && entry > 1) {
            return show(leaf, entry - 1, false);
        }
        if (!TreeReader.lastStartingBefore(root, position, interval)) {
            return false;
        }
        position = interval.start();
        keepLeaf(root);
        return true;
    }

    private long root() {
        if (live != null) {
            return live.rootAcquire();
        }
        return snapshot == null ? 0 : snapshot.checkedRoot();
    }

    private boolean show(final long inLeaf, final int at, final boolean forward) {
        interval.set(NodeLayout.start(inLeaf, at), NodeLayout.end(inLeaf, at), NodeLayout.value(inLeaf, at));
        position = forward ? interval.end() : interval.start();
        entry = at;
        return true;
    }

    private void keepLeaf(final long root) {
        if (snapshot != null) {
            leaf = TreeReader.leaf(root, interval.start());
            entry = NodeLayout.leafRank(leaf, interval.start());
        }
    }

    /** The interval that the last step has shown; reused by the next step. */
    public Interval interval() {
        return interval;
    }
}
