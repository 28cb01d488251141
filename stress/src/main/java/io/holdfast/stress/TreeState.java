// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.NodeLayout;
import io.holdfast.layout.Words;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.Cursor;
import io.holdfast.tree.Interval;
import io.holdfast.tree.IntervalTree;
import io.holdfast.tree.Snapshot;
import io.holdfast.tree.TreeTuning;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What the tests of the tree act on, in two forms. The <em>actual</em> one is an interval of a tree that all states share,
 * at addresses that belong to this state alone: {@code [start, start + 16)} with the value OLD becomes
 * {@code [start, start + 32)} with the value NEW. The <em>model</em> is a root word of this state's own and two leaves that
 * hold the same two intervals, so that the steps of a writer can be taken one by one, and in the wrong order.
 */
public abstract class TreeState {
    /** Value before the change. */
    protected static final int OLD = 1;

    /** Value after it. */
    protected static final int NEW = 2;

    /** Value in a node that does not belong to this tree any more, or not yet. */
    protected static final int POISON = 9;

    private static final int RING = 1 << 14;
    private static final int SPACING = 64;
    private static final int LENGTH = 16;
    private static final long ADDRESS = 20;
    private static final TreeTuning TINY = new TreeTuning(3, 3, 1, 1);
    private static final IntervalTree MEMBARRIER_TREE = tree(RegionState.MEMBARRIER);
    private static final IntervalTree FENCE_TREE = tree(RegionState.FENCE);
    private static final int ROOT_SPACING = 128; // neighbours must not share what the processor fetches together
    private static final long ROOTS = NativeMemory.system().mapTable((long) RING * ROOT_SPACING);
    private static final long LEAVES = NativeMemory.system().mapTable((long) RING * 2 * NodeLayout.BYTES);
    private static final AtomicInteger NEXT = new AtomicInteger();

    private final EpochDomain domain;
    private final IntervalTree tree;
    private final long start;
    private final long root;
    private final long oldLeaf;
    private final long newLeaf;

    /**
     * A fresh state.
     *
     * @param domain one of the two of {@link RegionState}
     */
    protected TreeState(final EpochDomain domain) {
        final int number = NEXT.getAndIncrement() & RING - 1;
        this.domain = domain;
        this.tree = domain.equals(RegionState.FENCE) ? FENCE_TREE : MEMBARRIER_TREE;
        this.start = (long) number * SPACING;
        this.root = ROOTS + (long) number * ROOT_SPACING;
        this.oldLeaf = LEAVES + (long) number * 2 * NodeLayout.BYTES;
        this.newLeaf = oldLeaf + NodeLayout.BYTES;
        tree.replace(start, start + SPACING, start, start + LENGTH, OLD);
        fill(oldLeaf, OLD);
        fill(newLeaf, POISON);
        Words.putVolatile(root, NodeLayout.root(oldLeaf, 0));
    }

    private static IntervalTree tree(final EpochDomain domain) {
        return new IntervalTree(domain, NativeMemory.system(), 0, (long) RING * SPACING, TINY);
    }

    private static void fill(final long leaf, final long value) {
        NodeLayout.formatLeaf(leaf);
        NodeLayout.entry(leaf, 1, LENGTH, 2 * LENGTH, value);
        NodeLayout.count(leaf, 1);
        NodeLayout.seal(leaf);
    }

    // ---------------------------------------------------------------------------------------------------- actual

    /** Reads the tree: OLD or NEW, 0 for nothing, -2 for an interval that never was here. */
    protected final int readTree() {
        domain.pin();
        try {
            final Cursor cursor = tree.cursor().seek(start);
            final Interval interval = cursor.interval();
            return cursor.next() ? valueOf(interval.start(), interval.end(), interval.value()) : 0;
        } finally {
            domain.unpin();
        }
    }

    /** Reads a snapshot of the tree twice, with time between: as {@link #readTree()}, or -2 if it changed. */
    protected final int readSnapshot() {
        try (Snapshot snapshot = tree.snapshot()) {
            final int first = valueIn(snapshot);
            RegionState.linger();
            final int second = valueIn(snapshot);
            return first == second ? first : -2;
        }
    }

    private int valueIn(final Snapshot snapshot) {
        final int[] seen = new int[1];
        snapshot.forEach(start, start + LENGTH, (from, to, value) -> {
            seen[0] = valueOf(from, to, value);
            return false;
        });
        return seen[0];
    }

    private int valueOf(final long from, final long to, final long value) {
        final boolean isOld = value == OLD && to == start + LENGTH;
        final boolean isNew = value == NEW && to == start + 2 * LENGTH;
        return from != start || !isOld && !isNew ? -2 : (int) value;
    }

    /** Makes the change. */
    protected final int changeTree() {
        return tree.replace(start, start + 2 * LENGTH, start, start + 2 * LENGTH, NEW) ? 1 : 0;
    }

    /** Makes the change, and others that use the nodes again that it replaced, as soon as that is allowed. */
    protected final int changeTreeAgainAndAgain() {
        final int changed = changeTree();
        tree.insert(start + 2 * LENGTH, start + 2 * LENGTH + 1, POISON);
        tree.remove(start + 2 * LENGTH);
        tree.insert(start + 2 * LENGTH, start + 2 * LENGTH + 1, POISON);
        tree.remove(start + 2 * LENGTH);
        return changed;
    }

    // ----------------------------------------------------------------------------------------------------- model

    /** Fills the new leaf. */
    protected final void fillNew() {
        fill(newLeaf, NEW);
    }

    /** Swings the root to the new leaf. */
    protected final void swing() {
        Words.compareAndSet(root, NodeLayout.root(oldLeaf, 0), NodeLayout.root(newLeaf, 0));
    }

    /** Uses the old leaf again, for another interval. */
    protected final void reuseOld() {
        fill(oldLeaf, POISON);
    }

    /** Reads under the root: OLD, NEW, POISON, or 0 for nothing. */
    protected final int readModel() {
        final long leaf = NodeLayout.rootNode(Words.getAcquire(root));
        final int entry = NodeLayout.leafRank(leaf, ADDRESS);
        return ADDRESS < NodeLayout.end(leaf, entry) ? (int) NodeLayout.value(leaf, entry) : 0;
    }

    /** Reads under one root twice, pinned, with time between: as {@link #readModel()}, or -2 if it changed. */
    protected final int readModelPinned() {
        domain.pin();
        try {
            final long leaf = NodeLayout.rootNode(Words.getAcquire(root));
            final int first = (int) NodeLayout.value(leaf, 1);
            RegionState.linger();
            final int second = (int) NodeLayout.value(leaf, 1);
            return first == second ? first : -2;
        } finally {
            domain.unpin();
        }
    }

    /** Swings the root and uses the old leaf again, after a look at the pins or without: 1 if it was used again. */
    protected final int swingAndReuse(final boolean patient) {
        fillNew();
        swing();
        final long tag = domain.retireEpoch();
        if (patient && !domain.passed(tag)) {
            return 0;
        }
        reuseOld();
        return 1;
    }
}
