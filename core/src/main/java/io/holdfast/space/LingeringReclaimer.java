// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import org.agrona.concurrent.Agent;
import org.agrona.concurrent.NanoClock;

/**
 * The reclaimer as the space's own thread runs it. It lingers before a round, because a thread that goes on announcing
 * unmaps does a round of them itself, and quicker: the lines of memory that are changed are with it. A backlog that grows
 * nevertheless, or has been left alone for a while, is finished here.
 *
 * <p>Run by one thread.
 */
final class LingeringReclaimer implements Agent {
    /** So many announced unmaps the announcing thread finishes itself. */
    static final int ROUND = 32;
    /** Less than a thread that looks from time to time sleeps, and enough to announce a round of small regions. */
    static final long LINGER_NS = 200_000;

    private final Reclaimer reclaimer;
    private final NanoClock clock;
    private boolean lingering;
    private long rounds;
    private long since;

    LingeringReclaimer(final Reclaimer reclaimer, final NanoClock clock) {
        this.reclaimer = reclaimer;
        this.clock = clock;
    }

    @Override
    public int doWork() {
        final long backlog = reclaimer.backlog();
        if (backlog == 0) {
            lingering = false;
            return 0;
        }
        if (backlog < 2 * ROUND && mayBeLeft()) {
            return 0;
        }
        final int finished = reclaimer.doWork();
        lingering &= reclaimer.backlog() != 0; // what is left waits for readers, and is looked at every time
        rounds = reclaimer.rounds();
        return finished;
    }

    /** Whether it is too early, or others have done a round meanwhile and may do the next one. */
    private boolean mayBeLeft() {
        final long now = clock.nanoTime();
        if (!lingering || reclaimer.rounds() != rounds) {
            lingering = true;
            rounds = reclaimer.rounds();
            since = now;
        }
        return now - since < LINGER_NS;
    }

    @Override
    public String roleName() {
        return reclaimer.roleName();
    }
}
