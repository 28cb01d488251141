// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.layout.NodeLayout;
import io.holdfast.layout.Words;

/**
 * Searches under a root word that cannot change: reads only, wait-free up to the height of the tree, no allocation.
 * The caller keeps the nodes from being recycled, by a pin or because they are its own.
 */
final class TreeReader {
    private static final int SIGN = Long.SIZE - 1;

    private TreeReader() {
    }

    /** The value of the interval that contains the address, or 0. */
    static long findUnder(final long root, final long address) {
        if (address >>> NodeLayout.ADDRESS_BITS != 0) {
            return 0;
        }
        final long leaf = leaf(root, address);
        final int entry = NodeLayout.leafRank(leaf, address);
        return entry > 0 && address < NodeLayout.end(leaf, entry) ? NodeLayout.value(leaf, entry) : 0;
    }

    /**
     * The same under the root of this moment, which it reads with acquire ([T1] of IntervalTree). Less than 0 if that is
     * frozen, or names another zone: then this is not the place to look.
     *
     * <p>The search in a node is that of {@link NodeLayout#leafRank}, written out for the sake of the compiler, which
     * reckons an access to an off-heap word as some 650 nodes and stops inlining where a method has 18,000. Inlined, a
     * lookup would use up what its caller may have; so it is too long to be inlined anywhere (more than 325 bytes of
     * bytecode) and has a budget of its own, and no more accesses than fit in it.
     */
    static long find(final long rootAddress, final long address) {
        if (address >>> NodeLayout.ADDRESS_BITS != 0) {
            return 0;
        }
        final long root = Words.getAcquire(rootAddress, 0); // [T1]
        if (Zone.isFrozen(root)) {
            return root;
        }
        long node = NodeLayout.rootNode(root);
        for (int level = NodeLayout.rootLevel(root); level > 0; level--) {
            final long first1 = NodeLayout.firstKey(node, 1);
            final long first2 = NodeLayout.firstKey(node, 2);
            final long first3 = NodeLayout.firstKey(node, 3);
            final long first4 = NodeLayout.firstKey(node, 4);
            final long first5 = NodeLayout.firstKey(node, 5);
            final long linesAbove = (address - first1 >> SIGN) + (address - first2 >> SIGN) +
                ((address - first3 >> SIGN) + (address - first4 >> SIGN) + (address - first5 >> SIGN));
            final long half = NodeLayout.halfOf(NodeLayout.lineAt(node, NodeLayout.INNER_LINES - 1 + linesAbove), address);
            final long key1 = NodeLayout.halfKey(half, 1);
            final long key2 = NodeLayout.halfKey(half, 2);
            final long key3 = NodeLayout.halfKey(half, 3);
            final long above = (address - key1 >> SIGN) + (address - key2 >> SIGN) + (address - key3 >> SIGN);
            node = NodeLayout.childAt(NodeLayout.placeInHalf(half, NodeLayout.HALF_KEYS + above));
        }
        final long first1 = NodeLayout.firstKey(node, 1);
        final long first2 = NodeLayout.firstKey(node, 2);
        final long first3 = NodeLayout.firstKey(node, 3);
        final long first4 = NodeLayout.firstKey(node, 4);
        final long first5 = NodeLayout.firstKey(node, 5);
        final long first6 = NodeLayout.firstKey(node, 6);
        final long first7 = NodeLayout.firstKey(node, 7);
        final long linesAbove = (address - first1 >> SIGN) + (address - first2 >> SIGN) +
            ((address - first3 >> SIGN) + (address - first4 >> SIGN)) +
            ((address - first5 >> SIGN) + (address - first6 >> SIGN) + (address - first7 >> SIGN));
        final long half = NodeLayout.halfOf(NodeLayout.lineAt(node, NodeLayout.LEAF_LINES - 1 + linesAbove), address);
        final long start1 = NodeLayout.halfKey(half, 1);
        final long start2 = NodeLayout.halfKey(half, 2);
        final long start3 = NodeLayout.halfKey(half, 3);
        final long above = (address - start1 >> SIGN) + (address - start2 >> SIGN) + (address - start3 >> SIGN);
        final long place = NodeLayout.placeInHalf(half, NodeLayout.HALF_KEYS + above);
        return address < NodeLayout.endAt(place) ? NodeLayout.valueAt(place) : 0;
    }

    /** The interval with the greatest start at or before the address; false if there is none. */
    static boolean floor(final long root, final long address, final Interval into) {
        if (address < 0) {
            return false;
        }
        final long known = Math.min(address, NodeLayout.ADDRESS_LIMIT - 1);
        long node = NodeLayout.rootNode(root);
        for (int level = NodeLayout.rootLevel(root); level > 0; level--) {
            node = NodeLayout.child(node, NodeLayout.innerRank(node, known));
        }
        // Keys are exact, so only the first leaf of the tree can have nothing at or before the address.
        final int entry = NodeLayout.leafRank(node, known);
        return entry > 0 && load(node, entry, into);
    }

    /** The interval with the smallest start after the address; false if there is none. */
    static boolean higher(final long root, final long after, final Interval into) {
        final long address = Math.clamp(after, -1, NodeLayout.ADDRESS_LIMIT - 1);
        long node = NodeLayout.rootNode(root);
        long next = 0;
        int nextLevel = 0;
        for (int level = NodeLayout.rootLevel(root); level > 0; level--) {
            final int slot = NodeLayout.innerRank(node, address);
            if (slot + 1 < NodeLayout.count(node)) {
                next = NodeLayout.child(node, slot + 1);
                nextLevel = level - 1;
            }
            node = NodeLayout.child(node, slot);
        }
        final int entry = NodeLayout.leafRank(node, address);
        if (entry < NodeLayout.count(node)) {
            return load(node, entry + 1, into);
        }
        if (next == 0) {
            return false;
        }
        for (int level = nextLevel; level > 0; level--) {
            next = NodeLayout.child(next, 0);
        }
        return load(next, 1, into);
    }

    /** The first interval that ends after the address: the one that contains it, or the next; false if none. */
    static boolean firstEndingAfter(final long root, final long address, final Interval into) {
        return floor(root, address, into) && into.end() > address || higher(root, address, into);
    }

    /** The last interval that starts before the address; false if there is none. */
    static boolean lastStartingBefore(final long root, final long address, final Interval into) {
        return address > 0 && floor(root, address - 1, into);
    }

    /** The leaf in which an interval with this start belongs. */
    static long leaf(final long root, final long start) {
        long node = NodeLayout.rootNode(root);
        for (int level = NodeLayout.rootLevel(root); level > 0; level--) {
            node = NodeLayout.child(node, NodeLayout.innerRank(node, start));
        }
        return node;
    }

    /** Whether one and the same leaf has all that two versions have in a range; false does not mean that it has not. */
    static boolean isInSharedLeaf(final long root, final long other, final long start, final long end) {
        final long leaf = leaf(root, start);
        final int count = NodeLayout.count(leaf);
        return count > 0 && NodeLayout.start(leaf, 1) <= start && NodeLayout.start(leaf, count) >= end &&
            leaf(other, start) == leaf;
    }

    /** Whether two versions, each of which has all of a range, have the same there. */
    static boolean isSame(final long root, final long other, final long start, final long end) {
        if (root == other || isInSharedLeaf(root, other, start, end)) {
            return true;
        }
        final Interval one = new Interval();
        final Interval two = new Interval();
        long position = start;
        boolean more = true;
        while (more) {
            final boolean had = firstEndingAfter(root, position, one) && one.start() < end;
            more = firstEndingAfter(other, position, two) && two.start() < end;
            if (had != more || more && !one.isSameAs(two)) {
                return false;
            }
            position = two.end();
        }
        return true;
    }

    /** Whether an interval reaches from before an address to behind it. */
    static boolean isCutAt(final long root, final long address, final Interval scratch) {
        return lastStartingBefore(root, address, scratch) && scratch.end() > address;
    }

    /** Shows all intervals that overlap a range, in order, until the visitor has seen enough. */
    static void forEach(final long root, final long start, final long end, final IntervalVisitor visitor) {
        final Interval interval = new Interval();
        boolean more = firstEndingAfter(root, Math.max(start, 0), interval);
        while (more && interval.start() < end) {
            final long leaf = leaf(root, interval.start());
            final int count = NodeLayout.count(leaf);
            for (int i = NodeLayout.leafRank(leaf, interval.start()); i <= count; i++) {
                if (NodeLayout.start(leaf, i) >= end ||
                    !visitor.visit(NodeLayout.start(leaf, i), NodeLayout.end(leaf, i), NodeLayout.value(leaf, i))) {
                    return;
                }
            }
            more = higher(root, NodeLayout.start(leaf, count), interval);
        }
    }

    private static boolean load(final long leaf, final int entry, final Interval into) {
        into.set(NodeLayout.start(leaf, entry), NodeLayout.end(leaf, entry), NodeLayout.value(leaf, entry));
        return true;
    }
}
