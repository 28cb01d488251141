// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.IntervalTree;
import io.holdfast.tree.Snapshot;
import io.holdfast.tree.TreeTuning;
import io.holdfast.tree.ZoneTestSupport;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What the tests of zones act on: a tree of this state's own with room for two windows. It is empty, or has the value OLD
 * in {@code [0, 16)}, in a window of a zone. Trees are used again, since what they have mapped is never given back.
 */
public abstract class ZoneState {
    /** Value of what stands there. */
    protected static final int OLD = 1;

    /** Value of what is inserted beside it, or of what it becomes. */
    protected static final int NEW = 2;

    private static final int WINDOW_BITS = 6;
    private static final long SPACE = 2L << WINDOW_BITS;
    private static final long LENGTH = 16;
    private static final TreeTuning TINY = new TreeTuning(3, 3, 1, 1, WINDOW_BITS, 1);
    private static final Queue<IntervalTree> MEMBARRIER_TREES = new ConcurrentLinkedQueue<>();
    private static final Queue<IntervalTree> FENCE_TREES = new ConcurrentLinkedQueue<>();

    private final EpochDomain domain;
    private final Queue<IntervalTree> trees;
    private final IntervalTree tree;
    private final AtomicInteger ended = new AtomicInteger();
    private volatile boolean changed;

    /**
     * A fresh state.
     *
     * @param domain one of the two of {@link RegionState}
     * @param leased whether OLD stands in a window of a zone; else nothing is there, and everything in the base
     */
    protected ZoneState(final EpochDomain domain, final boolean leased) {
        this.domain = domain;
        this.trees = domain.equals(RegionState.FENCE) ? FENCE_TREES : MEMBARRIER_TREES;
        final IntervalTree known = trees.poll();
        this.tree = known == null ? new IntervalTree(domain, NativeMemory.system(), 0, SPACE, TINY) : known;
        tree.unite();
        tree.replace(0, SPACE);
        while (leased && insertIntoZone() != 1) {
            Thread.onSpinWait(); // the last state's evacuation has a grace period
        }
    }

    /** Inserts OLD into a zone, for which it leases a window: 1, or 0 if that was not possible. */
    protected final int insertIntoZone() {
        ZoneTestSupport.contend(tree);
        return tree.insertIntoZone(LENGTH, 1, 0, SPACE, true, OLD) < 0 ? 0 : 1;
    }

    /** Inserts OLD into the base. */
    protected final void insertIntoBase() {
        tree.insert(0, LENGTH, OLD);
    }

    /** Moves the address to a zone, with what is there. */
    protected final void carve() {
        ZoneTestSupport.contend(tree);
        tree.carve(0, LENGTH);
    }

    /** Inserts NEW over all addresses: 1, or 0 if something was there. */
    protected final int insertEverywhere() {
        return tree.insert(0, SPACE, NEW) ? 1 : 0;
    }

    /** Inserts NEW into the window, behind so many others: whether nothing was there. */
    protected final boolean insert(final int place) {
        return tree.insert(place * LENGTH, (place + 1) * LENGTH, NEW);
    }

    /** Makes OLD NEW. */
    protected final void change() {
        changed = tree.replace(0, LENGTH, 0, LENGTH, NEW);
    }

    /** Freezes the zone, as one does who stops then. */
    protected final void freeze() {
        domain.pin();
        try {
            ZoneTestSupport.freeze(tree, 0);
        } finally {
            domain.unpin();
        }
    }

    /** Takes all zones back. */
    protected final void evacuate() {
        tree.unite();
    }

    /** Looks OLD up: its value, 0 for nothing, -2 for OLD after it had become NEW. */
    protected final int find() {
        domain.pin();
        try {
            final boolean before = changed;
            final int value = (int) tree.find(LENGTH / 2);
            return before && value == OLD ? -2 : value;
        } finally {
            domain.unpin();
        }
    }

    /** What an actor ends with: its result. The second to end gives the tree to another state. */
    protected final int ended(final int result) {
        if (ended.incrementAndGet() == 2) {
            trees.add(tree);
        }
        return result;
    }

    /** The same for a result that the second one gets: how many intervals there are, -2 if others than were inserted. */
    protected final int countIfLast() {
        if (ended.incrementAndGet() != 2) {
            return 0;
        }
        final int count = count();
        trees.add(tree);
        return count;
    }

    private int count() {
        final int[] seen = new int[1];
        try (Snapshot snapshot = tree.snapshot()) {
            snapshot.forEach(0, SPACE, (from, to, value) -> {
                final boolean expected =
                    from == seen[0] * LENGTH && to == from + LENGTH && value == (from == 0 ? OLD : NEW);
                seen[0] = expected ? seen[0] + 1 : -2;
                return expected;
            });
        }
        return seen[0];
    }
}
