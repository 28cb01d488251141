// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.layout.Words;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.agrona.concurrent.IdleStrategy;

/**
 * Lets an edit that keeps losing the race for the root ask the others to wait for a moment.
 *
 * <p>Thread-safe. Who is asked waits until the edit is through, or until the moment that the edit has named is over,
 * whichever comes first; so a thread that stops with its request standing delays the others and does not block them, and
 * edits that take turns do not either.
 */
final class HoldBack {
    /*
     *    word                           request               yieldTo
     *    0, or a deadline that is over  deadline, CAS [H1]    goes on
     *    deadline to come               refused, goes on      waits [H2]
     *
     * [H1] The word decides who may ask; nothing else hangs on it. The changes themselves are ordered by the root.
     * [H2] benign race: a change that has looked before the request stands goes on, and the edit may lose once more.
     *
     * The word holds System.nanoTime() with the lowest bit set, so that a deadline is never 0.
     */
    private static final long SHORTEST_NS = 100_000;
    private static final long LONGEST_NS = 4_000_000_000L; // however long a thread was kept from its attempt
    private static final int FACTOR = 4;
    private static final int DOUBLINGS = 6;
    private static final int MOST_REQUESTS = 16;

    private final long word;
    private final Supplier<? extends IdleStrategy> strategy;
    private final AtomicLong requests = new AtomicLong();

    /**
     * No request stands.
     *
     * @param word     address of a zeroed word
     * @param strategy how those wait who are asked to
     */
    HoldBack(final long word, final Supplier<? extends IdleStrategy> strategy) {
        this.word = word;
        this.strategy = strategy;
    }

    /**
     * Asks the others to wait, for several times what an attempt takes, and longer each time that was not enough, but for
     * four seconds at most.
     *
     * @param previous  what this returned to the caller before, or 0; that request is replaced
     * @param attemptNs how long the caller's last attempt took
     * @param repeated  how often the caller has asked before
     * @return the request, to be ended; or 0 if another's stands
     */
    long request(final long previous, final long attemptNs, final int repeated) {
        final long now = System.nanoTime();
        final long attempt = Math.clamp(attemptNs, SHORTEST_NS, LONGEST_NS);
        final long duration = attempt * FACTOR << Math.min(repeated, DOUBLINGS);
        final long deadline = (now + Math.min(duration, LONGEST_NS)) | 1;
        final long standing = Words.getVolatile(word);
        if (standing != 0 && standing != previous && standing - now > 0) {
            return 0;
        }
        if (!Words.compareAndSet(word, standing, deadline)) { // [H1]
            return 0;
        }
        requests.incrementAndGet();
        return deadline;
    }

    /** Ends a request, if it still stands. */
    void end(final long request) {
        if (request != 0) {
            Words.compareAndSet(word, request, 0); // [H1]
        }
    }

    /** Waits while requests stand, through MOST_REQUESTS of them and not beyond their deadlines. */
    void yieldTo() {
        if (Words.getVolatile(word) != 0) { // [H2]
            await();
        }
    }

    private void await() {
        final IdleStrategy idle = strategy.get();
        long last = 0;
        int seen = 0;
        while (true) {
            final long standing = Words.getVolatile(word); // [H2]
            if (standing == 0 || standing - System.nanoTime() <= 0) {
                return;
            }
            if (standing != last) {
                last = standing;
                seen++;
                if (seen > MOST_REQUESTS) {
                    return;
                }
            }
            idle.idle();
        }
    }

    /** Requests so far. */
    long requests() {
        return requests.get();
    }
}
