// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

/**
 * Nodes taken in advance for one removal, so that it cannot fail for want of memory any more. Made by
 * {@link IntervalTree#prepareRemoval()}; committed or closed once, by any thread, by one thread at a time.
 */
public final class PreparedRemoval implements AutoCloseable {
    private final IntervalTree tree;
    private long chain;

    PreparedRemoval(final IntervalTree tree, final long chain) {
        this.tree = tree;
        this.chain = chain;
    }

    /**
     * Removes the interval that starts at the address, as {@link IntervalTree#remove} does, and ends the preparation.
     *
     * @return its value, or 0 if no interval starts there
     * @throws IllegalStateException if this was committed or closed before
     */
    public long commit(final long start) {
        final long prepared = chain;
        if (prepared == 0) {
            throw new IllegalStateException("removal is not prepared any more: start=" + start);
        }
        Bounds.checkAddress(start);
        chain = 0;
        return tree.removePrepared(start, prepared);
    }

    /** Gives the nodes back if they were not used. */
    @Override
    public void close() {
        final long prepared = chain;
        if (prepared != 0) {
            chain = 0;
            tree.giveBack(prepared);
        }
    }
}
