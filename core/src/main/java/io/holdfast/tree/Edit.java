// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.memory.NativeException;

/**
 * A private version of the tree in which many ranges are replaced, and which becomes visible in one step or not at all.
 *
 * <p>Nothing is visible before {@link #publish()}. The ranges that the edit has replaced must be at publication as they
 * were when it replaced them: if another change came there, the publication is refused; changes elsewhere stay, and the
 * edit is rebased on them.
 *
 * <p>All nodes are taken before anything becomes visible. Where none can be had, a replacement or a publication throws
 * {@link NativeException}, and nothing has become visible; after a failed replacement the edit can only be closed, a failed
 * publication may be tried again.
 *
 * <p>It belongs to the thread that began it and pins the structure until it is published or closed; so it holds back the
 * recycling of nodes and records, but neither other changes nor the memory of regions.
 */
public final class Edit implements AutoCloseable {
    /*
     *    state       replace               publish                               close
     *    OPEN        OPEN; BROKEN if it    PUBLISHED, REFUSED; OPEN if it        DROPPED
     *                throws for memory     throws for memory
     *    BROKEN      !                     !                                     DROPPED
     *    PUBLISHED   !                     !                                     PUBLISHED
     *    REFUSED     !                     !                                     REFUSED
     *    DROPPED     !                     !                                     DROPPED
     *
     * The private version is of one zone, that of the first range that the edit touches; where another range is not in it,
     * the zones of both are taken back, and the private version becomes one of the base (Zoning).
     *
     * Publication. If the root is still the edit's base, the root is swung to the private version: the point of no
     * return is that compare-and-set. Otherwise the touched ranges, merged and in order, are compared between the edit's
     * base and the root of now; both stay readable because of the pin. If they are the same, a second change starts from
     * the root of now, and in each touched range what is there is replaced by what the private version has there; all
     * nodes outside are shared with the root of now. No interval of either version crosses the edge of a merged range,
     * since a replacement is refused where an interval crosses an edge of its range. Then the root is swung to that.
     *
     * When the races that the edit lost have cost it more than HOLD_AFTER_NS, it asks single changes to wait (HoldBack),
     * for a time that follows from how long its last attempt took. So a short edit tries again many times before it costs
     * the others a wait, which is longer than several of its attempts, and a long one does after the second.
     */
    private static final long HOLD_AFTER_NS = 50_000;

    private enum State { OPEN, BROKEN, PUBLISHED, REFUSED, DROPPED }

    private final IntervalTree tree;
    private Change change;
    private final Thread owner = Thread.currentThread();
    private final RangeList touched = new RangeList();
    private State state = State.OPEN;
    private boolean isRefused; // another change came where this one replaces
    private int lostRaces;

    /** Begins; the thread is pinned by the tree, which also unpins it when {@link IntervalTree#close(Change)} is called. */
    Edit(final IntervalTree tree, final Change change) {
        this.tree = tree;
        this.change = change;
    }

    /** Replaces what lies in a range; as {@link IntervalTree#replace}. */
    public boolean replace(final long start, final long end, final long... intervals) {
        checkOpen("replace");
        tree.bounds().checkReplacement(start, end, intervals);
        state = State.BROKEN;
        enter(start, end);
        final boolean replaced = change.replace(start, end, intervals);
        state = State.OPEN;
        if (replaced) {
            touched.add(start, end);
        }
        return replaced;
    }

    /** Makes sure that the private version is of a zone that has all that the edit touches. */
    private void enter(final long start, final long end) {
        if (touched.size() == 0) {
            tree.zoning().begin(change, start, end);
        } else if (tree.zoning().isZoned() && !change.hasAll(start, end)) {
            moveTo(start, end);
        }
    }

    /** Begins again where all that was touched is, and a range besides, with the same private version. */
    private void moveTo(final long start, final long end) {
        touched.coalesce();
        final RangeList all = touched.with(start, end);
        final Change other = tree.takeChange();
        boolean entered = false;
        try {
            tree.zoning().begin(other, all);
            if (isSame(other)) {
                transplant(other);
            } else {
                isRefused = true;
            }
            entered = true;
        } finally {
            if (entered) {
                change.abort();
                tree.giveBack(change);
                change = other;
            } else {
                other.abort();
                tree.giveBack(other);
            }
        }
    }

    /**
     * Makes all changes visible in one step, and ends the edit.
     *
     * @return false, with nothing made visible, if another change came in the same ranges since the edit began
     * @throws IllegalStateException if the edit has ended
     * @throws NativeException       if no node could be had; nothing is visible and the edit is still open
     */
    public boolean publish() {
        checkOpen("publish");
        touched.coalesce();
        Outcome outcome = attempt();
        if (outcome == Outcome.LOST) {
            outcome = attemptAgain();
        }
        end(outcome == Outcome.PUBLISHED ? State.PUBLISHED : State.REFUSED);
        return outcome == Outcome.PUBLISHED;
    }

    private Outcome attemptAgain() {
        final long firstLost = System.nanoTime();
        long lost = firstLost;
        long request = 0;
        int requests = 0;
        try {
            while (true) {
                lostRaces++;
                final Outcome outcome = attempt();
                if (outcome != Outcome.LOST) {
                    return outcome;
                }
                final long now = System.nanoTime();
                if (now - firstLost >= HOLD_AFTER_NS) {
                    request = tree.holdBack().request(request, now - lost, requests);
                    requests++;
                }
                lost = now;
            }
        } finally {
            tree.holdBack().end(request);
        }
    }

    private enum Outcome { PUBLISHED, REFUSED, LOST }

    private Outcome attempt() {
        if (isRefused) {
            return Outcome.REFUSED;
        }
        if (touched.size() == 0) {
            return Outcome.PUBLISHED;
        }
        if (change.zone().rootAcquire() == change.base()) {
            return tree.swing(change) ? Outcome.PUBLISHED : lost();
        }
        final Change rebased = tree.takeChange();
        boolean won = false;
        try {
            tree.zoning().begin(rebased, touched);
            if (!isSame(rebased)) {
                return Outcome.REFUSED;
            }
            transplant(rebased);
            won = tree.swing(rebased);
            return won ? Outcome.PUBLISHED : lost();
        } finally {
            if (!won) {
                rebased.abort();
            }
            tree.giveBack(rebased);
        }
    }

    private Outcome lost() {
        tree.zoning().hasLost();
        return Outcome.LOST;
    }

    /** Whether what the edit has touched is, where another change begins, as the edit found it. */
    private boolean isSame(final Change other) {
        for (int i = 0; i < touched.size(); i++) {
            if (!TreeReader.isSame(change.base(), other.base(), touched.start(i), touched.end(i))) {
                return false;
            }
        }
        return true;
    }

    private void transplant(final Change rebased) {
        for (int i = 0; i < touched.size(); i++) {
            transplant(rebased, touched.start(i), touched.end(i));
        }
    }

    private void transplant(final Change rebased, final long start, final long end) {
        rebased.clear(start, end);
        TreeReader.forEach(change.root(), start, end, (from, to, value) -> {
            final boolean inserted = rebased.insert(from, to, value);
            assert inserted : "no room in a cleared range: start=" + from + ", end=" + to;
            return true;
        });
    }

    /** Races for the root that this edit has lost so far. */
    int lostRaces() {
        return lostRaces;
    }

    private void end(final State last) {
        state = last;
        tree.close(change);
    }

    private void checkOpen(final String operation) {
        checkThread(operation);
        if (state != State.OPEN) {
            throw new IllegalStateException("edit has ended: operation=" + operation + ", state=" + state +
                "; begin another");
        }
    }

    private void checkThread(final String operation) {
        if (Thread.currentThread() != owner) {
            throw new WrongThreadException("edit of another thread: operation=" + operation + ", owner=" + owner +
                ", current=" + Thread.currentThread());
        }
    }

    /** Drops what was not published; does nothing if the edit has ended. */
    @Override
    public void close() {
        checkThread("close");
        if (state == State.OPEN || state == State.BROKEN) {
            end(State.DROPPED);
        }
    }
}
