// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.layout.NodeLayout;

/** What is done to one node or to two neighbours: inserting, removing and moving entries and children, and summaries. */
final class Nodes {
    private Nodes() {
    }

    /** Inserts an entry into an owned leaf with room, after {@code before} entries. */
    static void insertEntry(final long leaf, final int before, final long start, final long end, final long value) {
        final int count = NodeLayout.count(leaf);
        NodeLayout.moveEntries(leaf, before + 1, leaf, before + 2, count - before);
        NodeLayout.entry(leaf, before + 1, start, end, value);
        NodeLayout.count(leaf, count + 1);
    }

    /** Removes entries from an owned leaf, the first of them counted from 1. */
    static void removeEntries(final long leaf, final int first, final int entries) {
        final int count = NodeLayout.count(leaf);
        NodeLayout.moveEntries(leaf, first + entries, leaf, first, count - entries - first + 1);
        NodeLayout.unuse(leaf, count - entries + 1, count + 1);
        NodeLayout.count(leaf, count - entries);
    }

    /** Moves the last entries of an owned leaf to the front of another that has room for them. */
    static void moveLastEntries(final long from, final long to, final int entries) {
        final int fromCount = NodeLayout.count(from);
        final int toCount = NodeLayout.count(to);
        NodeLayout.moveEntries(to, 1, to, entries + 1, toCount);
        NodeLayout.moveEntries(from, fromCount - entries + 1, to, 1, entries);
        NodeLayout.unuse(from, fromCount - entries + 1, fromCount + 1);
        NodeLayout.count(from, fromCount - entries);
        NodeLayout.count(to, toCount + entries);
    }

    /** Appends the first entries of a leaf to an owned one that has room; the source stays as it is. */
    static void appendEntries(final long from, final long to, final int entries) {
        final int toCount = NodeLayout.count(to);
        NodeLayout.moveEntries(from, 1, to, toCount + 1, entries);
        NodeLayout.count(to, toCount + entries);
    }

    /** Inserts a child that is not the first into an owned inner node with room. */
    static void insertChild(final long inner, final int at, final long key, final long child, final int childLevel) {
        final int count = NodeLayout.count(inner);
        assert at > 0 && at <= count : "child out of place: at=" + at + ", count=" + count;
        NodeLayout.moveChildren(inner, at, inner, at + 1, count - at);
        NodeLayout.key(inner, at, key);
        NodeLayout.child(inner, at, child);
        NodeLayout.count(inner, count + 1);
        summarise(inner, at, child, childLevel);
    }

    /** Removes a child from an owned inner node; if it was the first, the second's key is dropped with it. */
    static void removeChild(final long inner, final int at) {
        final int count = NodeLayout.count(inner);
        NodeLayout.moveChildren(inner, at + 1, inner, at, count - at - 1);
        if (count > 1) {
            NodeLayout.unuse(inner, count - 1, count);
        }
        NodeLayout.count(inner, count - 1);
    }

    /**
     * Moves the last children of an owned inner node to the front of another that has room for them.
     *
     * @param key of the first child that the target has now; it is not its first any more
     * @return the key of the first child that was moved
     */
    static long moveLastChildren(final long from, final long to, final int children, final long key) {
        final int fromCount = NodeLayout.count(from);
        final int toCount = NodeLayout.count(to);
        if (toCount > 0) {
            NodeLayout.moveChildren(to, 0, to, children, toCount);
            NodeLayout.key(to, children, key);
        }
        final int first = fromCount - children;
        final long firstKey = NodeLayout.key(from, first);
        NodeLayout.moveChildren(from, first, to, 0, children);
        NodeLayout.unuse(from, Math.max(first, 1), fromCount);
        NodeLayout.count(from, first);
        NodeLayout.count(to, toCount + children);
        return firstKey;
    }

    /**
     * Appends the first children of an inner node to an owned one that has room; the source stays as it is.
     *
     * @param key of the source's first child
     */
    static void appendChildren(final long from, final long to, final int children, final long key) {
        final int toCount = NodeLayout.count(to);
        NodeLayout.moveChildren(from, 0, to, toCount, children);
        NodeLayout.key(to, toCount, key);
        NodeLayout.count(to, toCount + children);
    }

    /** Removes the first children of an owned inner node, and returns the key of the one that is first now. */
    static long removeFirstChildren(final long inner, final int children) {
        final int count = NodeLayout.count(inner);
        final long key = NodeLayout.key(inner, children);
        NodeLayout.moveChildren(inner, children, inner, 0, count - children);
        NodeLayout.unuse(inner, count - children, count);
        NodeLayout.count(inner, count - children);
        return key;
    }

    /** Brings gap and end of a child up to date; true if either changed. */
    static boolean summarise(final long inner, final int at, final long child, final int childLevel) {
        final long gap = largestGap(child, childLevel);
        final long last = lastEnd(child, childLevel);
        if (NodeLayout.gap(inner, at) == gap && NodeLayout.last(inner, at) == last) {
            return false;
        }
        NodeLayout.gap(inner, at, gap);
        NodeLayout.last(inner, at, last);
        return true;
    }

    /** The largest gap between two intervals under a node, 0 if there is none. */
    static long largestGap(final long node, final int level) {
        final int count = NodeLayout.count(node);
        long largest = 0;
        if (level == 0) {
            for (int i = 1; i < count; i++) {
                largest = Math.max(largest, NodeLayout.start(node, i + 1) - NodeLayout.end(node, i));
            }
            return largest;
        }
        for (int i = 0; i < count; i++) {
            largest = Math.max(largest, NodeLayout.gap(node, i));
        }
        for (int i = 1; i < count; i++) {
            largest = Math.max(largest, NodeLayout.key(node, i) - NodeLayout.last(node, i - 1));
        }
        return largest;
    }

    /** The end of the last interval under a node that has one. */
    static long lastEnd(final long node, final int level) {
        final int count = NodeLayout.count(node);
        return level == 0 ? NodeLayout.end(node, count) : NodeLayout.last(node, count - 1);
    }

    /** The start of the first interval under a node that has one. */
    static long firstStart(final long node, final int level) {
        long first = node;
        for (int i = level; i > 0; i--) {
            first = NodeLayout.child(first, 0);
        }
        return NodeLayout.start(first, 1);
    }
}
