// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import java.util.Arrays;

/** A stack of node addresses that keeps its array. Not thread-safe. */
final class NodeList {
    private static final int INITIAL = 32;
    private static final int KEPT = 1024;

    private static final long[] NONE = {};

    private long[] nodes = NONE;
    private int size;

    int size() {
        return size;
    }

    boolean isEmpty() {
        return size == 0;
    }

    long get(final int index) {
        assert index < size : "node list: index=" + index + ", size=" + size;
        return nodes[index];
    }

    void push(final long node) {
        if (size == nodes.length) {
            reserve(1);
        }
        nodes[size++] = node;
    }

    /** Makes room for so many more, so that pushing them allocates nothing. */
    void reserve(final int more) {
        if (nodes.length - size < more) {
            nodes = Arrays.copyOf(nodes, Math.max(Math.max(INITIAL, size * 2), size + more));
        }
    }

    long pop() {
        return nodes[--size];
    }

    /** Moves everything to the end of another list. */
    void moveTo(final NodeList other) {
        for (int i = 0; i < size; i++) {
            other.push(nodes[i]);
        }
        clear();
    }

    /** Forgets everything, and gives an array back that a large change has left. */
    void clear() {
        size = 0;
        if (nodes.length > KEPT) {
            nodes = NONE;
        }
    }
}
