// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.epoch.StripedRetireList;
import io.holdfast.epoch.Stripes;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Changes that are not in use, with the nodes that they keep in store. A thread that wants one takes it out; it may be
 * given back by another thread, and a virtual thread needs nothing of its own.
 *
 * <p>Thread-safe and lock-free; allocates only when more changes are in use at once than ever before, or for a thread that
 * has left none itself while there are fewer than processors: who takes another's writes lines that the other has written.
 */
final class ChangePool {
    /*
     * [P1] Taking is an exchange with null and giving back a compare-and-set from null, both volatile: who takes a change
     *      out sees all that its previous user did to it, and only one thread gets it. Without that order a node could
     *      be in store twice.
     */
    private static final int STRIDE = 32; // references per 128 bytes, so that neighbours do not share a line pair
    private static final int OWN = 4; // places of a thread before those of the next

    private final NodePool nodes;
    private final StripedRetireList retired;
    private final TreeTuning tuning;
    private final Zone base;
    private final int processors;
    private final int places;
    private final AtomicReferenceArray<@Nullable Change> idle;
    private final AtomicInteger made = new AtomicInteger();

    ChangePool(final NodePool nodes, final StripedRetireList retired, final TreeTuning tuning, final Zone base) {
        this.nodes = nodes;
        this.base = base;
        this.retired = retired;
        this.tuning = tuning;
        this.processors = Runtime.getRuntime().availableProcessors();
        this.places = Integer.highestOneBit(processors) * 4 * OWN;
        this.idle = new AtomicReferenceArray<>(places * STRIDE);
    }

    /** A change that nobody else uses until it is given back. */
    Change take() {
        Change change = take(OWN);
        if (change == null && made.get() < processors) {
            change = tryMake();
        }
        if (change == null) {
            change = take(places);
        }
        return change == null ? make() : change;
    }

    private @Nullable Change take(final int among) {
        final int home = home();
        for (int i = 0; i < among; i++) {
            final int place = place(home + i);
            if (idle.getPlain(place) != null) {
                final Change change = idle.getAndSet(place, null); // [P1]
                if (change != null) {
                    return change;
                }
            }
        }
        return null;
    }

    private @Nullable Change tryMake() {
        try {
            return make();
        } catch (final OutOfMemoryError e) {
            return null; // another thread's, if there is one, needs no heap
        }
    }

    private Change make() {
        made.incrementAndGet();
        return new Change(nodes, retired, tuning, base);
    }

    /** Gives a change back that is idle; needs no heap. The calling thread need not be pinned. */
    void give(final Change change) {
        change.supply().flush();
        assert change.supply().isIdle() : "a change is given back in use: " + change;
        final int home = home();
        for (int i = 0; i < places; i++) {
            if (idle.compareAndSet(place(home + i), null, change)) { // [P1]
                return;
            }
        }
        change.supply().surrender();
    }

    private static int home() {
        return Stripes.numberOf(Thread.currentThread()) * OWN;
    }

    private int place(final int number) {
        return (number & places - 1) * STRIDE;
    }

    /** Nodes in store of all idle changes. Only while nobody changes the tree. */
    long storedNodes() {
        long stored = 0;
        for (int i = 0; i < places; i++) {
            final Change change = idle.get(place(i));
            if (change != null) {
                stored += change.supply().stored().size();
            }
        }
        return stored;
    }
}
