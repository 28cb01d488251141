// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.epoch.EpochDomain;
import java.util.List;

/**
 * The tree as it was at one moment, whatever happens to it meanwhile. Taking one is O(1): it is a few roots and a pin.
 *
 * <p>It belongs to the thread that took it and pins the structure for that thread until it is closed. It holds back
 * replaced nodes and records, but neither changes nor the memory of regions.
 */
public final class Snapshot implements AutoCloseable {
    private final EpochDomain domain;
    private final Thread owner;
    private final Roots roots;
    private boolean closed;

    Snapshot(final Zoning zoning, final EpochDomain domain) {
        this.roots = new Roots(zoning);
        this.domain = domain;
        this.owner = Thread.currentThread();
        domain.pinStructure();
        boolean taken = false;
        try {
            roots.take();
            taken = true;
        } finally {
            if (!taken) {
                domain.unpinStructure();
            }
        }
    }

    Roots checkedRoots() {
        checkThread();
        if (closed) {
            throw new IllegalStateException("snapshot is closed: take another");
        }
        return roots;
    }

    /** Whether the tree has not changed since the snapshot was taken. */
    public boolean isCurrent() {
        return checkedRoots().isCurrent();
    }

    private void checkThread() {
        if (Thread.currentThread() != owner) {
            throw new WrongThreadException("snapshot of another thread: owner=" + owner + ", current=" +
                Thread.currentThread());
        }
    }

    /** The value of the interval that contains the address, or 0. */
    public long find(final long address) {
        return checkedRoots().find(address);
    }

    /** Shows all intervals that overlap a range, in order, until the visitor has seen enough. */
    public void forEach(final long start, final long end, final IntervalVisitor visitor) {
        Bounds.checkRange(start, end);
        checkedRoots().forEach(start, end, visitor);
    }

    /**
     * What is free in a range, in order; start and end of each. No piece reaches from a part of the tree that has a root of
     * its own into another.
     */
    public List<long[]> gaps(final long start, final long end) {
        Bounds.checkRange(start, end);
        return checkedRoots().gaps(start, end);
    }

    /** Ends the snapshot and its pin; does nothing if it is closed. */
    @Override
    public void close() {
        checkThread();
        if (!closed) {
            closed = true;
            domain.unpinStructure();
        }
    }
}
