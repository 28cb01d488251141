// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.epoch.RetireList;
import io.holdfast.epoch.StripedRetireList;
import io.holdfast.layout.NodeLayout;

/**
 * The nodes of one change at a time: those it took, those it replaced, and a store of free ones for the next change.
 *
 * <p>Not thread-safe; a {@link Change} belongs to one thread at a time. After {@link #published()} or {@link #abort()}
 * nothing is taken and nothing replaced.
 */
final class NodeSupply {
    /*
     * Where a node is. 'taken' is every node that this change took from the store, once each, also when it was recycled
     * within the change, so that an abort can give all of them straight back: none was ever reachable by others.
     *
     *   state      take()      recycle()   replace()    published()          abort()
     *   stored     private     -           -            stored               stored
     *   private    -           spare       -            reachable            stored
     *   spare      private     -           -            stored               stored
     *   reachable  -           -           replaced     reachable            reachable
     *   replaced   -           -           -            retired (flush)      reachable
     *
     * A store that has grown beyond KEPT is handed to the retire list as well and not to the pool: a thread that takes
     * from the pool relies on nodes coming back only after a grace period (NodePool [N1]).
     */
    private static final int KEPT = 64;
    /** Nodes that are linked together, at most. */
    static final int CHAIN = 32;

    private static final int SURRENDERED = KEPT / CHAIN + 1;

    private final NodePool pool;
    private final StripedRetireList retired;
    private final RetireList home; // has room for what is surrendered
    private final NodeList stored = new NodeList();
    private final NodeList taken = new NodeList();
    private final NodeList spare = new NodeList();
    private final NodeList replaced = new NodeList();
    private final NodeList outgoing = new NodeList();
    private int reservedChains; // in the retire list, by the thread that uses this supply

    NodeSupply(final NodePool pool, final StripedRetireList retired) {
        this.pool = pool;
        this.retired = retired;
        this.home = retired.mine();
        home.reserve(SURRENDERED);
    }

    /** A free node for this change. The calling thread is pinned, or has called {@link #reserve} for enough nodes. */
    long take() {
        if (!spare.isEmpty()) {
            return spare.pop();
        }
        if (stored.isEmpty()) {
            pool.take(stored);
        }
        taken.reserve(1);
        stored.reserve(taken.size() + 1); // so that an abort needs no heap
        final long node = stored.pop();
        taken.push(node);
        return node;
    }

    /** Takes nodes in advance, so that this many can be taken without the pool. The calling thread is pinned. */
    void reserve(final int nodes) {
        while (stored.size() < nodes) {
            pool.take(stored);
        }
    }

    /** Links stored nodes to a chain and lets them go from the store; {@link #reserve} has made sure that they exist. */
    long detach(final int nodes) {
        long chain = 0;
        for (int i = 0; i < nodes; i++) {
            final long node = stored.pop();
            NodeLayout.link(node, chain);
            chain = node;
        }
        return chain;
    }

    /** Makes room in the store for nodes that are somewhere else until they are in it. */
    void makeRoom(final int nodes) {
        stored.reserve(nodes);
    }

    /** Puts the nodes of a detached chain into the store, which has room for them. */
    void store(final long chain) {
        for (long node = chain; node != 0; node = NodeLayout.link(node)) {
            stored.push(node);
        }
    }

    /** A private node with the contents of a published one, which is replaced by it. */
    long copy(final long original) {
        final long node = take();
        NodeLayout.formatCopy(node, original);
        replaced.push(original);
        return node;
    }

    /** A node that this change does not need any more, private or published. */
    void drop(final long node) {
        if (NodeLayout.isOwned(node)) {
            spare.push(node);
        } else {
            replaced.push(node);
        }
    }

    /**
     * Ends the ownership of all private nodes, before they become reachable, and makes room, in the lists and in the retire
     * list, for what is to be done after that, when nothing may fail any more.
     */
    void seal() {
        stored.reserve(spare.size());
        reserveOutgoing(replaced.size());
        for (int i = 0; i < taken.size(); i++) {
            NodeLayout.seal(taken.get(i));
        }
    }

    /** Room to hand over so many nodes; what is not used of it {@link #flush} gives back. */
    private void reserveOutgoing(final int nodes) {
        outgoing.reserve(nodes);
        final int chains = (outgoing.size() + nodes + CHAIN - 1) / CHAIN;
        if (chains > reservedChains) {
            retired.reserve(chains - reservedChains);
            reservedChains = chains;
        }
    }

    /** The private nodes are reachable now, and the replaced ones are not any more. */
    void published() {
        spare.moveTo(stored);
        taken.clear();
        replaced.moveTo(outgoing);
    }

    /** The private nodes never became reachable. */
    void abort() {
        taken.moveTo(stored);
        spare.clear();
        replaced.clear();
    }

    /** Retires what {@link #published()} left behind, and what is too much to keep, if there is heap for that. */
    void flush() {
        final int excess = stored.size() - KEPT;
        if (excess > 0 && isRoomFor(excess)) {
            for (int i = 0; i < excess; i++) {
                outgoing.push(stored.pop());
            }
        }
        while (!outgoing.isEmpty()) {
            reservedChains--;
            retire(retired.mine(), outgoing);
        }
        outgoing.clear();
        if (reservedChains != 0) {
            retired.unreserve(reservedChains);
            reservedChains = 0;
        }
    }

    private boolean isRoomFor(final int excess) {
        try {
            reserveOutgoing(excess);
            return true;
        } catch (final OutOfMemoryError e) {
            return false; // they stay in store
        }
    }

    /** Hands a chain of nodes to a list that has room for it. */
    static void retire(final RetireList list, final NodeList nodes) {
        long chain = 0;
        int count = 0;
        while (count < CHAIN && !nodes.isEmpty()) {
            final long node = nodes.pop();
            NodeLayout.link(node, chain);
            chain = node;
            count++;
        }
        list.retireReserved(chain, (long) count * NodeLayout.BYTES);
    }

    /** Hands all stored nodes over, when this supply is given up after a flush; allocates nothing. */
    void surrender() {
        int left = SURRENDERED;
        while (!stored.isEmpty() && left > 0) {
            retire(home, stored);
            left--;
        }
        home.unreserve(left);
    }

    /** Free nodes in store. */
    NodeList stored() {
        return stored;
    }

    /** Whether no change is going on. */
    boolean isIdle() {
        return taken.isEmpty() && replaced.isEmpty() && outgoing.isEmpty();
    }
}
