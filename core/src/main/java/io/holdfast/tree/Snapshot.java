// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.epoch.EpochDomain;

/**
 * The tree as it was at one moment, whatever happens to it meanwhile. Taking one is O(1): it is a root and a pin.
 *
 * <p>It belongs to the thread that took it and pins the structure for that thread until it is closed. It holds back
 * replaced nodes and records, but neither changes nor the memory of regions.
 */
public final class Snapshot implements AutoCloseable {
    private final IntervalTree tree;
    private final EpochDomain domain;
    private final Thread owner;
    private long root;

    Snapshot(final IntervalTree tree, final EpochDomain domain) {
        this.tree = tree;
        this.domain = domain;
        this.owner = Thread.currentThread();
        domain.pinStructure();
        boolean taken = false;
        try {
            this.root = tree.rootAcquire();
            taken = true;
        } finally {
            if (!taken) {
                domain.unpinStructure();
            }
        }
    }

    long checkedRoot() {
        checkThread();
        if (root == 0) {
            throw new IllegalStateException("snapshot is closed: take another");
        }
        return root;
    }

    /** Whether the tree has not changed since the snapshot was taken. */
    public boolean isCurrent() {
        return checkedRoot() == tree.rootAcquire(); // the pin keeps the root's node from being used again
    }

    private void checkThread() {
        if (Thread.currentThread() != owner) {
            throw new WrongThreadException("snapshot of another thread: owner=" + owner + ", current=" +
                Thread.currentThread());
        }
    }

    /** The value of the interval that contains the address, or 0. */
    public long find(final long address) {
        return TreeReader.findUnder(checkedRoot(), address);
    }

    /** Shows all intervals that overlap a range, in order, until the visitor has seen enough. */
    public void forEach(final long start, final long end, final IntervalVisitor visitor) {
        Bounds.checkRange(start, end);
        TreeReader.forEach(checkedRoot(), start, end, visitor);
    }

    /** Ends the snapshot and its pin; does nothing if it is closed. */
    @Override
    public void close() {
        checkThread();
        if (root != 0) {
            root = 0;
            domain.unpinStructure();
        }
    }
}
