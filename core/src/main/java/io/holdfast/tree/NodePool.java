// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.RetireList;
import io.holdfast.epoch.Stripes;
import io.holdfast.layout.NodeLayout;
import io.holdfast.layout.Words;
import io.holdfast.memory.IdleRows;
import io.holdfast.memory.NativeMemory;

/**
 * Where the nodes of one tree come from and return to: chunks that stay mapped, and stacks of free chains. Pages in which
 * all nodes are free can go back to the system.
 *
 * <p>Thread-safe and lock-free. Taking nodes needs a pin of the tree's domain, and a node comes back here only when a
 * grace period has passed since it was last reachable or in the hands of a change; {@link NodeSupply} sees to both. No
 * operation allocates on the heap. Taking fails only with the system call that maps a new chunk, and leaves the pool as
 * it was then.
 */
final class NodePool {
    /*
     * Layout of the control block, each word on a line pair of its own because different threads write them:
     *
     *    0     CURRENT  the chunk that nodes are cut from, or 0
     *    128   SPARE    first chunk that a losing thread has mapped for later, or 0
     *    256   CHUNKS   first of all chunks, for accounting
     *    384   FREE     first node of the first free chain, or 0; one for each stripe of threads
     *
     * and of a chunk, whose first line pair holds these and whose nodes follow:
     *
     *    0     CUT      bytes cut off so far, may exceed LENGTH
     *    8     LENGTH   of the chunk in bytes
     *    16    SPARED   next chunk on SPARE
     *    24    OLDER    next chunk on CHUNKS
     *
     * [N1] Each FREE is a Treiber stack without a tag. Who pops is pinned; a chain that was popped after the pin began
     *      can be pushed again, on any of them, only after a grace period, that is, not before the pin has ended. So a
     *      head that compares equal is the head that was read, and its successor is what was read. Without the pin, or
     *      if nodes came back without a grace period, the exchange could install a chain that is in use (ABA).
     *      A trim takes chains as whoever needs nodes does. What it keeps of them goes the way of all nodes that come
     *      back, through a grace period; nodes whose pages it has given back are cut again, as from a new chunk. Who was
     *      slow and follows a link in one of those finds 0, and its exchange fails.
     * [N2] The push is a volatile compare-and-set after the links were written; it pairs with the acquiring read of the
     *      head. Without it the popping thread could follow links from an earlier life of the nodes.
     * [N3] CURRENT is swung after the chunk's words were written, and read with acquire: CUT and LENGTH are there.
     * [N4] SPARE is popped by exchange of the whole stack, so it has no ABA either.
     *
     * benign race: nextChain of a head that has just been popped by another thread may be anything; the exchange fails.
     */
    private static final int LINE_PAIR = 128;
    private static final int CURRENT = 0;
    private static final int SPARE = CURRENT + LINE_PAIR;
    private static final int CHUNKS = SPARE + LINE_PAIR;
    private static final int FREE = CHUNKS + LINE_PAIR;

    /** Bytes of a control block. */
    static final int CONTROL_BYTES = FREE + Stripes.COUNT * LINE_PAIR;

    private static final int CUT = 0;
    private static final int LENGTH = CUT + Words.BYTES;
    private static final int SPARED = LENGTH + Words.BYTES;
    private static final int OLDER = SPARED + Words.BYTES;
    private static final int CHUNK_HEADER = LINE_PAIR;

    private static final int CUT_AT_ONCE = 8;
    private static final long CHUNK_GRANULE = 64 << 10;
    private static final long LARGEST_CHUNK = 64 << 20;
    /** A new chunk is this part of all that there are. */
    private static final int GROWTH = 4;

    private final NativeMemory memory;
    private final IdleRows idle;
    private final long control;

    /**
     * An empty pool.
     *
     * @param control address of {@value #CONTROL_BYTES} zeroed bytes that stay
     */
    NodePool(final NativeMemory memory, final long control) {
        this.memory = memory;
        this.idle = new IdleRows(memory, NodeLayout.BYTES);
        this.control = control;
    }

    /** Puts at least one node on the list. The calling thread is pinned. */
    void take(final NodeList into) {
        into.reserve(Math.max(NodeSupply.CHAIN, CUT_AT_ONCE)); // a node that finds no room in the list would be lost
        final int mine = Stripes.mine();
        for (int i = 0; i < Stripes.COUNT; i++) {
            final long chain = pop(free(mine + i));
            if (chain != 0) {
                for (long node = chain; node != 0; node = NodeLayout.link(node)) {
                    into.push(node);
                }
                return;
            }
        }
        if (!takeIdle(into)) {
            cut(into);
        }
    }

    /** Takes a chain; 0 if there is none. */
    private static long pop(final long free) {
        long head = Words.getAcquire(free); // [N2]
        while (head != 0) {
            final long witness = Words.compareAndExchange(free, head, NodeLayout.nextChain(head)); // [N1]
            if (witness == head) {
                return head;
            }
            head = witness;
        }
        return 0;
    }

    private boolean takeIdle(final NodeList into) {
        boolean any = false;
        for (int i = 0; i < CUT_AT_ONCE; i++) {
            final long node = idle.take();
            if (node == 0) {
                return any;
            }
            into.push(node);
            any = true;
        }
        return any;
    }

    /**
     * Gives the pages back in which all nodes are free. The calling thread is pinned.
     *
     * @param retired takes the nodes that stay, which come back here when their grace period is over
     * @throws OutOfMemoryError if there is no heap to put them in order; nothing has happened then
     */
    void trim(final RetireList retired) {
        final long most = bytes() / NodeLayout.BYTES + NodeSupply.CHAIN;
        final long[] free = new long[(int) Math.min(most, Integer.MAX_VALUE - NodeSupply.CHAIN)];
        final NodeList kept = new NodeList();
        kept.reserve(free.length);
        int chains = Math.ceilDiv(free.length, NodeSupply.CHAIN);
        retired.reserve(chains);
        ReservedStack.forBeginning(control); // what is taken is given back, or kept
        int count = 0;
        for (int stripe = 0; stripe < Stripes.COUNT; stripe++) {
            long chain = -1;
            while (count <= free.length - NodeSupply.CHAIN && chain != 0) {
                chain = pop(free(stripe));
                for (long node = chain; node != 0; node = NodeLayout.link(node)) {
                    free[count] = node;
                    count++;
                }
            }
        }
        try {
            idle.giveBack(free, count, kept::push);
        } finally {
            while (!kept.isEmpty()) {
                NodeSupply.retire(retired, kept);
                chains--;
            }
            retired.unreserve(chains);
        }
    }

    private long free(final int stripe) {
        return control + FREE + (long) (stripe & Stripes.COUNT - 1) * LINE_PAIR;
    }

    /** Takes a chain back whose grace period has passed. */
    void push(final long chain) {
        final long free = free(Stripes.mine());
        long head = Words.getAcquire(free);
        while (true) {
            NodeLayout.nextChain(chain, head);
            final long witness = Words.compareAndExchange(free, head, chain); // [N2]
            if (witness == head) {
                return;
            }
            head = witness;
        }
    }

    private void cut(final NodeList into) {
        while (true) {
            final long chunk = Words.getAcquire(control + CURRENT); // [N3]
            if (chunk != 0 && cut(chunk, into)) {
                return;
            }
            replace(chunk);
        }
    }

    private static boolean cut(final long chunk, final NodeList into) {
        final long length = Words.get(chunk + LENGTH);
        if (Words.getAcquire(chunk + CUT) + NodeLayout.BYTES > length) {
            return false;
        }
        final long from = Words.getAndAdd(chunk + CUT, (long) CUT_AT_ONCE * NodeLayout.BYTES);
        final long to = Math.min(from + (long) CUT_AT_ONCE * NodeLayout.BYTES, length);
        boolean any = false;
        for (long at = from; at + NodeLayout.BYTES <= to; at += NodeLayout.BYTES) {
            into.push(chunk + at);
            any = true;
        }
        return any;
    }

    private void replace(final long exhausted) {
        final long spare = Words.getAndSet(control + SPARE, 0); // [N4]
        final long chunk;
        if (spare != 0) {
            chunk = spare;
            for (long rest = Words.get(spare + SPARED); rest != 0;) {
                final long next = Words.get(rest + SPARED);
                keep(rest);
                rest = next;
            }
        } else {
            chunk = map();
        }
        if (!Words.compareAndSet(control + CURRENT, exhausted, chunk)) { // [N3]
            keep(chunk);
        }
    }

    private void keep(final long chunk) {
        long head = Words.getAcquire(control + SPARE);
        while (true) {
            Words.put(chunk + SPARED, head);
            final long witness = Words.compareAndExchange(control + SPARE, head, chunk); // [N4]
            if (witness == head) {
                return;
            }
            head = witness;
        }
    }

    private long map() {
        final long wanted = Math.clamp(mappedBytes() / GROWTH, CHUNK_GRANULE, LARGEST_CHUNK);
        final long length = Math.ceilDiv(Math.max(wanted, CHUNK_HEADER + NodeLayout.BYTES), CHUNK_GRANULE) *
            CHUNK_GRANULE;
        final long chunk = memory.mapTable(length);
        Words.put(chunk + CUT, CHUNK_HEADER);
        Words.put(chunk + LENGTH, length);
        long head = Words.getAcquire(control + CHUNKS);
        while (true) {
            Words.put(chunk + OLDER, head);
            final long witness = Words.compareAndExchange(control + CHUNKS, head, chunk);
            if (witness == head) {
                return chunk;
            }
            head = witness;
        }
    }

    /** Nodes cut so far, wherever they are now. Exact only while nobody takes nodes. */
    long nodes() {
        long nodes = 0;
        for (long chunk = Words.getAcquire(control + CHUNKS); chunk != 0; chunk = Words.get(chunk + OLDER)) {
            final long cut = Math.min(Words.getAcquire(chunk + CUT), Words.get(chunk + LENGTH));
            nodes += (cut - CHUNK_HEADER) / NodeLayout.BYTES;
        }
        return nodes;
    }

    /** Bytes of all that was cut off, without the pages that were given back. */
    long bytes() {
        return nodes() * NodeLayout.BYTES - idle.bytes();
    }

    private long mappedBytes() {
        long bytes = 0;
        for (long chunk = Words.getAcquire(control + CHUNKS); chunk != 0; chunk = Words.get(chunk + OLDER)) {
            bytes += Words.get(chunk + LENGTH);
        }
        return bytes;
    }

    /** Nodes in free chains. Only while nobody takes or returns nodes. */
    long freeNodes() {
        long nodes = idle.bytes() / NodeLayout.BYTES;
        for (int stripe = 0; stripe < Stripes.COUNT; stripe++) {
            for (long chain = Words.getAcquire(free(stripe)); chain != 0; chain = NodeLayout.nextChain(chain)) {
                for (long node = chain; node != 0; node = NodeLayout.link(node)) {
                    nodes++;
                }
            }
        }
        return nodes;
    }
}
