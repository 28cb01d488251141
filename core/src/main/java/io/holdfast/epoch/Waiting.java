// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import java.util.function.Function;
import java.util.function.Supplier;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * The patience of one thread during one operation: how to idle, how long, and whether an interrupt ends it.
 *
 * <p>Not thread-safe. An interrupt that does not end the wait is kept and is set again by {@link #close()}, so that it
 * neither gets lost nor turns the parking of the idle strategy into spinning.
 */
public final class Waiting implements AutoCloseable {
    /** Never stops waiting by time. */
    public static final long FOREVER = Long.MAX_VALUE;

    private static final int FIRST_LOOK = 16;

    private final Supplier<? extends IdleStrategy> strategy;
    private final long timeoutNs;
    private final boolean interruptible;
    private final @Nullable Function<Boolean, ? extends RuntimeException> givenUp;
    private final long reportAfterNs;
    private long startNs;
    private long nextReportNs;
    private int pauses;
    private @Nullable IdleStrategy idle;
    private boolean interrupted;
    private boolean interruptEnded;

    /**
     * Begins; a wait without a timeout looks at no clock before its first {@link #pause()}.
     *
     * @param strategy      asked for a strategy when there is something to wait for
     * @param timeoutNs     in nanoseconds from now, {@link #FOREVER} for none; zero or less gives up at the first pause
     * @param interruptible whether an interrupt ends the wait
     * @param reportAfterNs in nanoseconds, how often {@link #reportDue()} says yes
     */
    public Waiting(final Supplier<? extends IdleStrategy> strategy, final long timeoutNs, final boolean interruptible,
                   final long reportAfterNs) {
        this(strategy, timeoutNs, interruptible, null, reportAfterNs);
    }

    private Waiting(final Supplier<? extends IdleStrategy> strategy, final long timeoutNs, final boolean interruptible,
                    final @Nullable Function<Boolean, ? extends RuntimeException> givenUp, final long reportAfterNs) {
        this.strategy = strategy;
        this.givenUp = givenUp;
        this.timeoutNs = timeoutNs;
        this.interruptible = interruptible;
        this.reportAfterNs = reportAfterNs;
        this.nextReportNs = reportAfterNs;
        this.startNs = timeoutNs == FOREVER ? 0 : System.nanoTime();
    }

    /**
     * A wait for an operation that knows of no end of it: {@link #pause()} throws where it would return false.
     *
     * @param strategy      as for any wait
     * @param timeoutNs     as for any wait
     * @param reportAfterNs as for any wait
     * @param givenUp       makes what is thrown, given whether an interrupt ended the wait
     */
    public static Waiting throwing(final Supplier<? extends IdleStrategy> strategy, final long timeoutNs,
                                   final long reportAfterNs,
                                   final Function<Boolean, ? extends RuntimeException> givenUp) {
        return new Waiting(strategy, timeoutNs, true, givenUp, reportAfterNs);
    }

    /** Idles once; false, without idling, when the time is over or an interrupt ends the wait. */
    public boolean pause() {
        final boolean goesOn = idleOnce();
        if (!goesOn && givenUp != null) {
            throw givenUp.apply(interruptEnded);
        }
        return goesOn;
    }

    private boolean idleOnce() {
        if (Thread.interrupted()) {
            interrupted = true;
            if (interruptible) {
                interruptEnded = true;
                return false;
            }
        }
        IdleStrategy current = idle;
        if (current == null) {
            if (timeoutNs == FOREVER) {
                startNs = System.nanoTime();
            }
            current = strategy.get();
            idle = current;
        }
        if (timeoutNs != FOREVER && elapsedNs() >= timeoutNs) {
            return false;
        }
        pauses++;
        current.idle();
        return true;
    }

    /** Whether it is time for a look that costs more than the others; true ever more rarely. */
    public boolean lookDue() {
        return pauses >= FIRST_LOOK && Integer.bitCount(pauses) == 1;
    }

    /** Whether the wait may take any time at all; one that is not patient gives up at its first {@link #pause()}. */
    public boolean isPatient() {
        return timeoutNs > 0;
    }

    /** Forgets how long the last condition took, before waiting for the next one. */
    public void reset() {
        if (idle != null) {
            idle.reset();
        }
    }

    /** Whether an interrupt, and not the time, ended the wait. */
    public boolean endedByInterrupt() {
        return interruptEnded;
    }

    /** Nanoseconds since the wait began, 0 if it did not have to. */
    public long elapsedNs() {
        return idle == null ? 0 : System.nanoTime() - startNs;
    }

    /** Whether it is time to say for whom this thread waits; true once per reporting period. */
    public boolean reportDue() {
        final long elapsed = elapsedNs();
        if (elapsed < nextReportNs) {
            return false;
        }
        nextReportNs = elapsed + reportAfterNs;
        return true;
    }

    /** Sets an interrupt again that came while waiting and was not turned into an exception. */
    @Override
    public void close() {
        if (interrupted && !interruptEnded) {
            Thread.currentThread().interrupt();
        }
    }
}
