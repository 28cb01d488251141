// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.StripedRetireList;
import io.holdfast.layout.NodeLayout;
import java.util.Arrays;

/**
 * A private version of the tree: a base that others see, and a root under which this change has made its own copies.
 *
 * <p>Not thread-safe; used by one thread at a time, which is pinned from {@link #begin} until {@link #published} or
 * {@link #abort}. Nothing is visible to others before the caller has swung the tree's root to {@link #root()}, after
 * {@link #seal()}. A call that fails because no node could be taken leaves the change good for {@link #abort} only.
 */
final class Change {
    /*
     * A node is owned while it was made by this change and is not sealed. Owned nodes are changed in place, all others
     * are copied when they are first touched, from the root down, so that an owned node only ever hangs below owned ones.
     *
     * What holds of a finished tree, and after each operation here:
     * - entries rise and do not overlap; all leaves are at level 0;
     * - the key of a child is exactly the start of the first interval under it (child 0 has no key), and its LAST is the
     *   end of the last. So an address at or above a key is at or above an interval, and the gap between two children is
     *   known without looking into them;
     * - GAP of a child is the largest gap between intervals under it;
     * - a node has at least its minimum of entries or children, unless it is the root, or the first or last node of its
     *   level: those fill up when intervals are appended or prepended in order, so a node that splits there keeps
     *   everything and the new one starts with one;
     * - an inner root has two children or more, an empty tree is one empty leaf.
     *
     * Nodes taken by an operation, at height h (levels 0 to h): insert at most (h + 1) copies + (h + 1) splits + 1 root;
     * remove at most (h + 1) copies + 2 neighbours, because a merged neighbour is dropped before the next
     * level takes one and a level that only moves entries ends the chain.
     */
    /** Levels a tree can have: root words hold no more, and no memory does. */
    static final int MAX_LEVELS = 48;

    private static final long NONE = -1;

    private final NodeSupply supply;
    private final TreeTuning tuning;
    private final long[] pathNode = new long[MAX_LEVELS];
    private final int[] pathSlot = new int[MAX_LEVELS];
    private final Interval scratch = new Interval();

    private Zone zone;
    private long base;
    private long root;
    private int height;

    /** Idle; of the base until it {@linkplain #begin begins}. */
    Change(final NodePool pool, final StripedRetireList retired, final TreeTuning tuning, final Zone baseZone) {
        this.zone = baseZone;
        this.supply = new NodeSupply(pool, retired);
        this.tuning = tuning;
    }

    NodeSupply supply() {
        return supply;
    }

    /** The zone whose root is to be swung. */
    Zone zone() {
        return zone;
    }

    /** The root word that the change started from. */
    long base() {
        return base;
    }

    /** The root word of the private version. */
    long root() {
        return root;
    }

    /** Starts from a root word of a zone. */
    void begin(final Zone where, final long from) {
        zone = where;
        base = from;
        root = from;
        height = NodeLayout.rootLevel(from);
    }

    /** Ends the ownership of all nodes, before the root is swung, and makes sure of what is needed after that. */
    void seal() {
        ReservedStack.forBeginning(root);
        supply.seal();
    }

    /** The root has been swung. */
    void published() {
        base = 0;
        root = 0;
        supply.published();
    }

    /** The root was not swung: all nodes taken go straight back to the store. */
    void abort() {
        base = 0;
        root = 0;
        supply.abort();
    }

    /** Makes the private version an empty tree. */
    void becomeEmpty() {
        final long leaf = supply.take();
        NodeLayout.formatLeaf(leaf);
        root = NodeLayout.root(leaf, 0);
        height = 0;
    }

    /** Inserts an interval; false if it overlaps another. */
    boolean insert(final long start, final long end, final long value) {
        final long bound = descend(start);
        final long leaf = pathNode[0];
        final int before = pathSlot[0];
        if (NodeLayout.end(leaf, before) > start) {
            return false;
        }
        final int count = NodeLayout.count(leaf);
        final long next = before < count ? NodeLayout.start(leaf, before + 1) : bound;
        if (next < end) {
            return false;
        }
        own();
        if (count < tuning.leafCapacity()) {
            Nodes.insertEntry(pathNode[0], before, start, end, value);
            refresh(0);
        } else {
            splitLeaf(before, start, end, value, next == NodeLayout.UNUSED);
        }
        return true;
    }

    /** Removes the interval that starts at an address; its value, or 0 if there is none. */
    long remove(final long start) {
        descend(start);
        final long leaf = pathNode[0];
        final int entry = pathSlot[0];
        if (entry == 0 || NodeLayout.start(leaf, entry) != start) {
            return 0;
        }
        final long value = NodeLayout.value(leaf, entry);
        own();
        removeEntries(entry, 1);
        return value;
    }

    /**
     * Removes every interval of a range and inserts others there.
     *
     * @param intervals start, end and value of each, in order and within the range
     * @return false, with nothing changed, if an interval of the tree crosses an edge of the range
     */
    boolean replace(final long from, final long to, final long... intervals) {
        if (hasBounds(from, to, intervals)) {
            exchangeValues(intervals);
            return true;
        }
        if (TreeReader.isCutAt(root, from, scratch) || TreeReader.isCutAt(root, to, scratch)) {
            return false;
        }
        clear(from, to);
        for (int i = 0; i < intervals.length; i += 3) {
            final boolean inserted = insert(intervals[i], intervals[i + 1], intervals[i + 2]);
            assert inserted : "no room in a cleared range: start=" + intervals[i] + ", end=" + intervals[i + 1];
        }
        return true;
    }

    /** Whether what lies in a range are these intervals already, but for their values; none crosses an edge then. */
    private boolean hasBounds(final long from, final long to, final long... intervals) {
        long position = from;
        for (int i = 0; i < intervals.length; i += 3) {
            if (!TreeReader.firstEndingAfter(root, position, scratch) || scratch.start() != intervals[i] ||
                scratch.end() != intervals[i + 1]) {
                return false;
            }
            position = scratch.end();
        }
        return !TreeReader.firstEndingAfter(root, position, scratch) || scratch.start() >= to;
    }

    /** Writes the values of intervals that exist; no node changes its bounds or gaps. */
    private void exchangeValues(final long... intervals) {
        for (int i = 0; i < intervals.length; i += 3) {
            descend(intervals[i]);
            own();
            NodeLayout.entry(pathNode[0], pathSlot[0], intervals[i], intervals[i + 1], intervals[i + 2]);
        }
    }

    /** Removes every interval of a range whose edges cut none. */
    void clear(final long from, final long to) {
        while (true) {
            final long bound = descend(from);
            final int before = pathSlot[0];
            // An interval that starts at 'from' is counted in 'before', an earlier one does not reach into the range.
            int first = before > 0 && NodeLayout.start(pathNode[0], before) == from ? before : before + 1;
            if (first > NodeLayout.count(pathNode[0])) {
                if (bound >= to) {
                    return;
                }
                descend(bound);
                first = 1;
            }
            final int last = NodeLayout.leafRank(pathNode[0], to - 1);
            if (last < first) {
                return;
            }
            own();
            removeEntries(first, last - first + 1);
        }
    }

    // ------------------------------------------------------------------------------------------------------------ zones

    /** Whether no part of a range is in another zone. */
    boolean hasAll(final long from, final long to) {
        return !findElsewhere(from, to, scratch);
    }

    /** The first interval that overlaps a range and names another zone; false if none does. */
    boolean findElsewhere(final long from, final long to, final Interval into) {
        long position = from;
        while (TreeReader.firstEndingAfter(root, position, into) && into.start() < to) {
            if (Zone.isElsewhere(into.value())) {
                return true;
            }
            position = into.end();
        }
        return false;
    }

    /** Takes a range out of the intervals that name other zones. */
    void cut(final long from, final long to) {
        final Interval other = new Interval();
        while (findElsewhere(from, to, other)) {
            remove(other.start());
            if (other.start() < from) {
                insert(other.start(), from, other.value());
            }
            if (other.end() > to) {
                insert(to, other.end(), other.value());
            }
        }
    }

    /** Puts copies of what another zone has in a range into the place of what names it. */
    void copy(final long otherRoot, final long from, final long to) {
        cut(from, to);
        TreeReader.forEach(otherRoot, from, to, (start, end, value) -> insert(start, end, value));
    }

    /** Puts what is under the root of another zone in the place of what names it; the root of this is a new one. */
    void takeBack(final Zone other, final long otherRoot) {
        final RangeList windows = new RangeList();
        TreeReader.forEach(root, 0, NodeLayout.ADDRESS_LIMIT, (from, to, value) -> {
            if (value == other.elsewhere()) {
                windows.add(from, to);
            }
            return true;
        });
        for (int i = 0; i < windows.size(); i++) {
            final long start = windows.start(i);
            final long end = windows.end(i);
            clear(start, end);
            TreeReader.forEach(otherRoot, start, end, (from, to, value) -> {
                if (!Zone.isElsewhere(value)) {
                    insert(from, to, value);
                }
                return true;
            });
        }
        descend(0);
        own();
    }

    /** Finds the path to the leaf where an address belongs, and the start of the first interval after that leaf. */
    private long descend(final long address) {
        long bound = NodeLayout.UNUSED;
        long node = NodeLayout.rootNode(root);
        for (int level = height; level > 0; level--) {
            final int slot = NodeLayout.innerRank(node, address);
            pathNode[level] = node;
            pathSlot[level] = slot;
            if (slot + 1 < NodeLayout.count(node)) {
                bound = NodeLayout.key(node, slot + 1);
            }
            node = NodeLayout.child(node, slot);
        }
        pathNode[0] = node;
        pathSlot[0] = NodeLayout.leafRank(node, address);
        return bound;
    }

    /** Makes the whole path owned. */
    private void own() {
        for (int level = height; level >= 0; level--) {
            final long node = pathNode[level];
            if (!NodeLayout.isOwned(node)) {
                final long copy = supply.copy(node);
                pathNode[level] = copy;
                if (level == height) {
                    root = NodeLayout.root(copy, height);
                } else {
                    NodeLayout.child(pathNode[level + 1], pathSlot[level + 1], copy);
                }
            }
        }
    }

    /** Brings gaps and ends above a level up to date, as far as they change. */
    private void refresh(final int from) {
        for (int level = from; level < height; level++) {
            if (!Nodes.summarise(pathNode[level + 1], pathSlot[level + 1], pathNode[level], level)) {
                return;
            }
        }
    }

    private void splitLeaf(final int before, final long start, final long end, final long value,
                           final boolean appending) {
        final long leaf = pathNode[0];
        final int count = NodeLayout.count(leaf);
        final int left = leftShare(count, before == 0, appending);
        final long right = supply.take();
        NodeLayout.formatLeaf(right);
        if (before < left) {
            Nodes.moveLastEntries(leaf, right, count - left + 1);
            Nodes.insertEntry(leaf, before, start, end, value);
        } else {
            Nodes.moveLastEntries(leaf, right, count - left);
            Nodes.insertEntry(right, before - left, start, end, value);
        }
        addSibling(right, NodeLayout.start(right, 1), before == 0, appending);
    }

    /** How many of count + 1 entries or children stay in a node that splits. */
    private static int leftShare(final int count, final boolean prepending, final boolean appending) {
        if (appending) {
            return count;
        }
        return prepending ? 1 : (count + 1) / 2;
    }

    /** Hangs a new right sibling of the path's leaf into the tree, splitting upwards. */
    private void addSibling(final long leaf, final long leafKey, final boolean prepending, final boolean appending) {
        long right = leaf;
        long key = leafKey;
        for (int level = 0; level < height; level++) {
            final long parent = pathNode[level + 1];
            final int at = pathSlot[level + 1] + 1;
            final int count = NodeLayout.count(parent);
            Nodes.summarise(parent, at - 1, pathNode[level], level);
            if (count < tuning.innerCapacity()) {
                Nodes.insertChild(parent, at, key, right, level);
                refresh(level + 1);
                return;
            }
            final int left = leftShare(count, prepending, appending);
            final long sibling = supply.take();
            NodeLayout.formatInner(sibling, level + 1);
            final long siblingKey;
            if (at < left) {
                siblingKey = Nodes.moveLastChildren(parent, sibling, count - left + 1, NONE);
                Nodes.insertChild(parent, at, key, right, level);
            } else if (at == left) {
                siblingKey = key;
                addFirstChild(sibling, right, level);
                if (count > left) {
                    moveBehindFirst(parent, sibling, count - left);
                }
            } else {
                siblingKey = Nodes.moveLastChildren(parent, sibling, count - left, NONE);
                Nodes.insertChild(sibling, at - left, key, right, level);
            }
            right = sibling;
            key = siblingKey;
        }
        growRoot(right, key);
    }

    private static void addFirstChild(final long inner, final long child, final int childLevel) {
        NodeLayout.child(inner, 0, child);
        NodeLayout.count(inner, 1);
        Nodes.summarise(inner, 0, child, childLevel);
    }

    /** Moves the last children of a node behind the only child of another. */
    private static void moveBehindFirst(final long from, final long to, final int children) {
        final int first = NodeLayout.count(from) - children;
        NodeLayout.moveChildren(from, first, to, 1, children);
        NodeLayout.count(to, 1 + children);
        NodeLayout.unuse(from, first, first + children);
        NodeLayout.count(from, first);
    }

    private void growRoot(final long right, final long key) {
        if (height + 1 >= MAX_LEVELS) {
            throw new IllegalStateException("tree too high: levels=" + (height + 1) + "; raise the node capacities");
        }
        final long top = supply.take();
        NodeLayout.formatInner(top, height + 1);
        addFirstChild(top, NodeLayout.rootNode(root), height);
        Nodes.insertChild(top, 1, key, right, height);
        height++;
        root = NodeLayout.root(top, height);
    }

    /** Removes entries of the path's owned leaf, and whatever becomes too small above. */
    private void removeEntries(final int firstEntry, final int entries) {
        final long leaf = pathNode[0];
        Nodes.removeEntries(leaf, firstEntry, entries);
        long first = firstEntry == 1 && NodeLayout.count(leaf) > 0 ? NodeLayout.start(leaf, 1) : NONE;
        for (int level = 0; level < height; level++) {
            final long node = pathNode[level];
            final long parent = pathNode[level + 1];
            final int at = pathSlot[level + 1];
            if (NodeLayout.count(node) == 0) {
                supply.drop(node);
                first = at == 0 && NodeLayout.count(parent) > 1 ? NodeLayout.key(parent, 1) : NONE;
                Nodes.removeChild(parent, at);
                continue;
            }
            boolean changed = Nodes.summarise(parent, at, node, level);
            if (first != NONE && at > 0) {
                NodeLayout.key(parent, at, first);
                first = NONE;
                changed = true; // the gap before this child is one of the parent's
            }
            if (NodeLayout.count(node) < tuning.minimum(level) && NodeLayout.count(parent) > 1) {
                balance(parent, at == 0 ? 0 : at - 1, level);
            } else if (!changed && first == NONE) {
                return;
            }
        }
        lowerRoot();
    }

    private void lowerRoot() {
        while (height > 0 && NodeLayout.count(NodeLayout.rootNode(root)) <= 1) {
            final long top = NodeLayout.rootNode(root);
            supply.drop(top);
            if (NodeLayout.count(top) == 0) {
                final long leaf = supply.take();
                NodeLayout.formatLeaf(leaf);
                height = 0;
                root = NodeLayout.root(leaf, 0);
            } else {
                height--;
                root = NodeLayout.root(NodeLayout.child(top, 0), height);
            }
        }
    }

    /** Merges two neighbours below an owned parent, or evens them out. */
    private void balance(final long parent, final int at, final int level) {
        final long left = ownChild(parent, at);
        final long oldRight = NodeLayout.child(parent, at + 1);
        final int leftCount = NodeLayout.count(left);
        final int rightCount = NodeLayout.count(oldRight);
        final long key = NodeLayout.key(parent, at + 1);
        if (leftCount + rightCount <= tuning.capacity(level)) {
            append(oldRight, left, rightCount, key, level);
            supply.drop(oldRight);
            Nodes.removeChild(parent, at + 1);
            Nodes.summarise(parent, at, left, level);
            return;
        }
        final long right = ownChild(parent, at + 1);
        final int target = (leftCount + rightCount) / 2;
        if (leftCount > target) {
            NodeLayout.key(parent, at + 1, prepend(left, right, leftCount - target, key, level));
        } else if (leftCount < target) {
            final int moved = target - leftCount;
            append(right, left, moved, key, level);
            NodeLayout.key(parent, at + 1, removeFirst(right, moved, level));
        }
        Nodes.summarise(parent, at, left, level);
        Nodes.summarise(parent, at + 1, right, level);
    }

    private long ownChild(final long parent, final int at) {
        final long child = NodeLayout.child(parent, at);
        if (NodeLayout.isOwned(child)) {
            return child;
        }
        final long copy = supply.copy(child);
        NodeLayout.child(parent, at, copy);
        return copy;
    }

    private static void append(final long from, final long to, final int number, final long key, final int level) {
        if (level == 0) {
            Nodes.appendEntries(from, to, number);
        } else {
            Nodes.appendChildren(from, to, number, key);
        }
    }

    private static long prepend(final long from, final long to, final int number, final long key, final int level) {
        if (level == 0) {
            Nodes.moveLastEntries(from, to, number);
            return NodeLayout.start(to, 1);
        }
        return Nodes.moveLastChildren(from, to, number, key);
    }

    private static long removeFirst(final long from, final int number, final int level) {
        if (level == 0) {
            Nodes.removeEntries(from, 1, number);
            return NodeLayout.start(from, 1);
        }
        return Nodes.removeFirstChildren(from, number);
    }

    @Override
    public String toString() {
        return "Change[base=0x" + Long.toHexString(base) + ", root=0x" + Long.toHexString(root) + ", path=" +
            Arrays.toString(pathSlot) + "]";
    }
}
