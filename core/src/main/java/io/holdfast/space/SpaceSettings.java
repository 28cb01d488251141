// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Deadline;
import io.holdfast.GaveUpException;
import io.holdfast.WaitReport;
import io.holdfast.epoch.Waiting;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.agrona.ErrorHandler;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * How a space was opened.
 *
 * @param backlogBytes     address range of asynchronous unmaps above which an announcing thread waits
 * @param retiredBytes     memory of replaced nodes and records above which changes wait
 * @param idleBytes        idle memory above which it is given back to the system
 * @param restBytes        address range that is unmapped until addresses are used again, 0 for at once
 * @param reportAfterNs    how long a wait lasts before it is reported, and reported again
 * @param errors           told of what the thread for asynchronous unmaps fails with
 * @param startReclaimer   whether the space runs a thread for asynchronous unmaps when there is one to finish
 * @param eraNs            how long asynchronous unmaps of leased regions wait for each other
 * @param eraDelayNs       from the end of an era to the close of its arena
 */
record SpaceSettings(String name, long maxBytes, long maxRegions, long backlogBytes, long retiredBytes,
                     long idleBytes, long restBytes, Supplier<IdleStrategy> idle, long reportAfterNs,
                     Consumer<WaitReport> reports, ErrorHandler errors, boolean startReclaimer, long eraNs,
                     long eraDelayNs) {
    private static final int ERAS_IN_BACKLOG = 4;

    /** Bytes of unmaps in the background that end the era they wait for: long before the backlog is full. */
    long eraBytes() {
        return Math.max(backlogBytes / ERAS_IN_BACKLOG, 1);
    }

    /**
     * Bytes of unmaps in the background for which the thread is woken that ends them, where it naps. Twice as many as end
     * an era: it finds those itself ({@link NapLength}), and to wake it costs an unmap more than all else.
     */
    long wakeBytes() {
        return eraBytes() * 2;
    }

    /**
     * The patience for one operation that gives up in its own way.
     *
     * @param timeoutNs     in nanoseconds, {@link Waiting#FOREVER} for none
     * @param interruptible whether an interrupt ends the wait
     */
    Waiting waiting(final long timeoutNs, final boolean interruptible) {
        final Deadline deadline = Deadline.current();
        return deadline == null ? new Waiting(idle, timeoutNs, interruptible, reportAfterNs)
            : new Waiting(idle, Math.min(timeoutNs, deadline.remainingNs()), true, reportAfterNs);
    }

    /**
     * The patience for one operation that has no way to give up, but by an exception under a {@link Deadline}.
     *
     * @param operation how it is called
     * @param region    to what it is done, null if that is the space
     */
    Waiting patience(final String operation, final @Nullable RegionHandle region) {
        final Deadline deadline = Deadline.current();
        return deadline == null ? new Waiting(idle, Waiting.FOREVER, false, reportAfterNs)
            : Waiting.throwing(idle, deadline.remainingNs(), reportAfterNs, interrupted ->
                new GaveUpException(operation, region == null ? "space=" + name : region.describe(), interrupted));
    }
}
