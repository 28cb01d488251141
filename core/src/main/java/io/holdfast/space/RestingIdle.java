// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.util.function.BooleanSupplier;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.NanoClock;

/**
 * How the space's own thread idles: asleep where nothing is unfinished but what waits for the end of an era, and else as
 * all threads of the space that have to wait. So a space that nobody changes takes no processor time, and a processor on
 * which nothing else runs stays idle.
 *
 * <p>For one thread.
 */
final class RestingIdle implements IdleStrategy {
    /*
     * To wake a thread takes longer than a close may, in a virtual machine up to 50 us. So this one naps where something is
     * handed over from time to time, and who hands over what waits for an era has not to wake it; it naps shorter where
     * that was not enough, and stays awake for a while when it had to be woken; and it goes to sleep for good only where
     * nothing has happened for long.
     */
    /** So long it stays awake that was woken. */
    static final long AWAKE_NS = 10_000_000;
    /** After so long a time without anything to do it sleeps until it is woken. */
    static final long LONG_NS = 10_000_000_000L;

    private final Reclaimer reclaimer;
    private final IdleStrategy awake;
    private final BooleanSupplier stopped;
    private final NanoClock clock;
    private final NapLength nap;
    private long wokenNs;
    private long unfinishedNs;

    /**
     * For a thread that has just been started.
     *
     * @param awake   while it does not sleep
     * @param stopped whether the thread is to end, and not to sleep any more
     * @param nap     how long it naps
     */
    RestingIdle(final Reclaimer reclaimer, final IdleStrategy awake, final BooleanSupplier stopped, final NanoClock clock,
                final NapLength nap) {
        this.reclaimer = reclaimer;
        this.awake = awake;
        this.stopped = stopped;
        this.clock = clock;
        this.nap = nap;
        this.wokenNs = clock.nanoTime();
        this.unfinishedNs = wokenNs;
    }

    @Override
    public void idle(final int workCount) {
        final long now = clock.nanoTime();
        if (reclaimer.backlog() != 0) {
            unfinishedNs = now;
        }
        if (workCount != 0 || reclaimer.restNs() <= 0 || now - wokenNs < AWAKE_NS) {
            awake.idle(workCount);
        } else {
            awake.reset();
            rest(now);
        }
    }

    private void rest(final long now) {
        final boolean forGood = now - unfinishedNs >= LONG_NS;
        if (!reclaimer.rest(forGood ? Long.MAX_VALUE : nap.ns(), stopped)) {
            wokenNs = clock.nanoTime();
            nap.woken(reclaimer.backlogBytes());
        } else {
            nap.over(reclaimer.backlogBytes());
        }
    }

    @Override
    public void idle() {
        idle(0);
    }

    @Override
    public void reset() {
        awake.reset();
    }
}
