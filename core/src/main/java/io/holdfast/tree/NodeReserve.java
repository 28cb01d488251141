// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Nodes for one removal, for when the system refuses memory: so that what was inserted can be taken out again. There is one
 * reserve for a tree, however many removals are to come.
 *
 * <p>Thread-safe and lock-free; does not allocate.
 */
final class NodeReserve {
    /*
     *    state     fill                                lend
     *    FILLED    -                                   EMPTY; the nodes are the borrower's
     *    EMPTY     FILLED; EMPTY if it throws          false
     *
     * Every change that may insert fills it first, and is refused where it cannot be filled. The one who borrows does not
     * give back: his nodes end in the tree, or in a store for the next change.
     *
     * [P2] CHAIN changes by volatile compare-and-set and exchange; so who takes the chain finds it linked. A node of it
     *      was not reachable when it came here and is not while it is here, so it needs no grace period (NodePool [N1]).
     */
    private final int nodes;
    private final AtomicLong chain = new AtomicLong(); // [P2]

    /** Empty. */
    NodeReserve(final TreeTuning tuning) {
        nodes = tuning.highest() + 3; // Change says why
    }

    /** Fills it if it is empty, and throws if there are no nodes for it. The calling thread is pinned. */
    void fill(final NodeSupply supply) {
        if (chain.getOpaque() == 0) {
            supply.reserve(nodes);
            final long fresh = supply.detach(nodes);
            if (!chain.compareAndSet(0, fresh)) {
                supply.store(fresh);
            }
        }
    }

    /** Gives all nodes to a supply; false if there are none. */
    boolean lend(final NodeSupply supply) {
        supply.makeRoom(nodes);
        final long lent = chain.getAndSet(0);
        supply.store(lent);
        return lent != 0;
    }

    /** Nodes in it. Exact only while nobody fills it or borrows. */
    int size() {
        return chain.get() == 0 ? 0 : nodes;
    }
}
