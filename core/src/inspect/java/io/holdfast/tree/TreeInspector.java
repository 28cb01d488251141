// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.layout.NodeLayout;
import java.util.HashSet;
import java.util.Set;

/**
 * Looks at a whole tree: checks every structural invariant, and counts what is there. It looks at one root, which the
 * caller has pinned, so the tree may change meanwhile.
 */
public final class TreeInspector {
    private final TreeTuning tuning;
    private final Set<Long> seen = new HashSet<>();
    private int height;
    private long intervals;
    private long leaves;
    private long innerNodes;
    private long lastEnd = -1;

    private TreeInspector(final TreeTuning tuning) {
        this.tuning = tuning;
    }

    /**
     * What was found.
     *
     * @param intervals  in the tree
     * @param leaves     nodes that hold them
     * @param innerNodes nodes above
     * @param height     levels above the leaves
     */
    public record Census(long intervals, long leaves, long innerNodes, int height) {
        /** Nodes that the root reaches. */
        public long nodes() {
            return leaves + innerNodes;
        }

        /** Bytes of those nodes. */
        public long bytes() {
            return nodes() * NodeLayout.BYTES;
        }
    }

    /**
     * Counts, and checks order, exact keys, gaps, ends, fill, levels, and that no node is reached twice.
     *
     * @throws IllegalStateException naming what is wrong
     */
    public static Census check(final long root, final TreeTuning tuning) {
        return new TreeInspector(tuning).run(root);
    }

    /** The same for what a snapshot shows. */
    public static Census check(final Snapshot snapshot, final TreeTuning tuning) {
        final Roots roots = snapshot.checkedRoots();
        final TreeInspector inspector = new TreeInspector(tuning);
        Census all = inspector.run(roots.root(0));
        for (int i = 1; i < roots.size(); i++) {
            if (roots.root(i) != 0) {
                inspector.lastEnd = -1;
                all = inspector.run(roots.root(i));
            }
        }
        return all;
    }

    /**
     * Checks that every address is in one zone, once no zone comes or goes.
     *
     * @return windows of zones
     * @throws IllegalStateException naming what is wrong
     */
    public static int checkZones(final Snapshot snapshot) {
        final Roots roots = snapshot.checkedRoots();
        final int[] windows = {0};
        TreeReader.forEach(roots.root(0), 0, NodeLayout.ADDRESS_LIMIT, (start, end, value) -> {
            if (Zone.isElsewhere(value)) {
                windows[0]++;
                TreeReader.forEach(roots.root(Zone.numberOf(value)), start, end, (from, to, there) -> {
                    if (Zone.isElsewhere(there)) {
                        throw new IllegalStateException("nobody has addresses: start=" + Math.max(start, from) + ", end=" +
                            Math.min(end, to));
                    }
                    return true;
                });
            }
            return true;
        });
        for (int i = 1; i < roots.size(); i++) {
            final long elsewhere = Zone.elsewhere(i);
            if (roots.word(i) > 0) { // a frozen one may have copies
                TreeReader.forEach(roots.root(i), 0, NodeLayout.ADDRESS_LIMIT, (start, end, value) -> {
                    if (!Zone.isElsewhere(value) && TreeReader.findUnder(roots.root(0), start) != elsewhere) {
                        throw new IllegalStateException("two zones have addresses: start=" + start + ", end=" + end);
                    }
                    return true;
                });
            }
        }
        return windows[0];
    }

    /** The root word of the base of a tree. */
    public static long root(final IntervalTree tree) {
        try (Snapshot snapshot = tree.snapshot()) {
            return snapshot.checkedRoots().root(0);
        }
    }

    /**
     * Nodes that are neither reachable nor ready to be used, once nothing is retired; no thread is inside.
     *
     * @param census of the tree as it is
     */
    public static long lost(final IntervalTree tree, final Census census) {
        return tree.nodes() - tree.freeNodes() - census.nodes();
    }

    private Census run(final long root) {
        height = NodeLayout.rootLevel(root);
        final long node = NodeLayout.rootNode(root);
        if (height > 0) {
            require(NodeLayout.count(node) > 1, "inner root with one child", node, height);
        }
        visit(node, height, true, true);
        return new Census(intervals, leaves, innerNodes, height);
    }

    private void visit(final long node, final int level, final boolean first, final boolean last) {
        checkNode(node, level, first || last);
        final int count = NodeLayout.count(node);
        if (level == 0) {
            leaves++;
            checkEntries(node, count);
            return;
        }
        innerNodes++;
        for (int i = 0; i < count; i++) {
            final long child = NodeLayout.child(node, i);
            checkSummary(node, i, child, level);
            visit(child, level - 1, first && i == 0, last && i == count - 1);
        }
    }

    private void checkNode(final long node, final int level, final boolean onEdge) {
        require(seen.add(node), "node reached twice", node, level);
        require(node % NodeLayout.ALIGNMENT == 0, "node misaligned", node, level);
        require(NodeLayout.level(node) == level, "wrong level", node, level);
        require(!NodeLayout.isOwned(node), "published node is owned", node, level);
        final int count = NodeLayout.count(node);
        require(count <= tuning.capacity(level), "too many in node", node, level);
        final int least = level == height ? 0 : onEdge ? 1 : tuning.minimum(level);
        require(count >= least, "too few in node", node, level);
        final int slots = level == 0 ? NodeLayout.LEAF_SLOTS : NodeLayout.INNER_SLOTS;
        for (int i = Math.max(1, level == 0 ? count + 1 : count); i < slots; i++) {
            require(NodeLayout.key(node, i) == NodeLayout.UNUSED, "key past the last is used", node, level);
        }
    }

    private void checkEntries(final long leaf, final int count) {
        require(NodeLayout.end(leaf, 0) == 0, "entry 0 has an end", leaf, 0);
        for (int i = 1; i <= count; i++) {
            final long start = NodeLayout.start(leaf, i);
            final long end = NodeLayout.end(leaf, i);
            require(start >= 0 && start >= lastEnd, "entries overlap or fall", leaf, 0);
            require(end > start && end <= NodeLayout.ADDRESS_LIMIT, "entry is no interval", leaf, 0);
            require(NodeLayout.value(leaf, i) != 0, "entry without a value", leaf, 0);
            lastEnd = end;
            if (!Zone.isElsewhere(NodeLayout.value(leaf, i))) {
                intervals++;
            }
        }
    }

    private static void checkSummary(final long inner, final int at, final long child, final int level) {
        if (at > 0) {
            require(NodeLayout.key(inner, at) == Nodes.firstStart(child, level - 1), "key is not exact", inner, level);
        }
        require(NodeLayout.last(inner, at) == Nodes.lastEnd(child, level - 1), "end is wrong", inner, level);
        require(NodeLayout.gap(inner, at) == Nodes.largestGap(child, level - 1), "gap is wrong", inner, level);
    }

    private static void require(final boolean condition, final String what, final long node, final int level) {
        if (!condition) {
            throw new IllegalStateException("tree is damaged: " + what + ": node=0x" + Long.toHexString(node) +
                ", level=" + level + ", count=" + NodeLayout.count(node));
        }
    }
}
