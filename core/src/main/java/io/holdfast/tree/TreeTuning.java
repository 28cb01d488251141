// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.layout.NodeLayout;

/**
 * How a tree is built. Tests shrink the capacities so that nodes split and merge all the time.
 *
 * @param leafCapacity  most entries of a leaf, from 3 to {@link NodeLayout#LEAF_CAPACITY}
 * @param innerCapacity most children of an inner node, from 3 to {@link NodeLayout#INNER_CAPACITY}
 * @param granule       starts and ends of intervals are multiples of this power of two
 * @param retireBatch   chains of replaced nodes that share one heavy barrier
 * @param windowBits    a zone gets 2 to the power of this many addresses at a time
 * @param races         that a thread loses before it gets a zone
 */
public record TreeTuning(int leafCapacity, int innerCapacity, long granule, int retireBatch, int windowBits, int races) {
    private static final int WINDOW_BITS = 24;
    private static final int MOST_WINDOW_BITS = 40;
    private static final int RACES = 32;

    /** The measured choice. */
    public static final TreeTuning DEFAULT =
        new TreeTuning(NodeLayout.LEAF_CAPACITY, NodeLayout.INNER_CAPACITY, 1, 64, WINDOW_BITS, RACES);

    private static final int SMALLEST = 3;
    private static final int MOST_LEAVES_BITS = 40; // of 192 bytes and more each: beyond any address space of today

    /** Checks that all fields are in range. */
    public TreeTuning {
        if (leafCapacity < SMALLEST || leafCapacity > NodeLayout.LEAF_CAPACITY) {
            throw new IllegalArgumentException("leaf capacity out of range: leafCapacity=" + leafCapacity +
                ", smallest=" + SMALLEST + ", largest=" + NodeLayout.LEAF_CAPACITY);
        }
        if (innerCapacity < SMALLEST || innerCapacity > NodeLayout.INNER_CAPACITY) {
            throw new IllegalArgumentException("inner capacity out of range: innerCapacity=" + innerCapacity +
                ", smallest=" + SMALLEST + ", largest=" + NodeLayout.INNER_CAPACITY);
        }
        if (granule < 1 || Long.bitCount(granule) != 1 || granule > NodeLayout.ADDRESS_LIMIT) {
            throw new IllegalArgumentException("granule must be a power of two: granule=" + granule);
        }
        if (retireBatch < 1) {
            throw new IllegalArgumentException("batch must hold a chain: retireBatch=" + retireBatch);
        }
        if (windowBits < 1 || windowBits > MOST_WINDOW_BITS || races < 1) {
            throw new IllegalArgumentException("zones out of range: windowBits=" + windowBits + ", races=" + races);
        }
    }

    /** With zones as they were measured. */
    public TreeTuning(final int leafCapacity, final int innerCapacity, final long granule, final int retireBatch) {
        this(leafCapacity, innerCapacity, granule, retireBatch, WINDOW_BITS, RACES);
    }

    /** The same with another granule. */
    public TreeTuning withGranule(final long bytes) {
        return new TreeTuning(leafCapacity, innerCapacity, bytes, retireBatch, windowBits, races);
    }

    /** Fewest entries of a leaf that is neither the root nor first or last in the tree. */
    int leafMinimum() {
        return Math.max(1, leafCapacity * 2 / 5);
    }

    /** Fewest children of an inner node that is neither the root nor first or last of its level. */
    int innerMinimum() {
        return Math.max(2, innerCapacity * 2 / 5);
    }

    /** Levels above the leaves of the largest tree that memory could hold. */
    int highest() {
        int levels = 2;
        for (long leaves = 1; leaves < 1L << MOST_LEAVES_BITS; leaves *= innerMinimum()) {
            levels++;
        }
        return levels;
    }

    /** Most entries or children of a node at a level. */
    int capacity(final int level) {
        return level == 0 ? leafCapacity : innerCapacity;
    }

    /** Fewest entries or children of a node at a level, as above. */
    int minimum(final int level) {
        return level == 0 ? leafMinimum() : innerMinimum();
    }
}
