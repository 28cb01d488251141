// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.WaitReport;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Who may change the structure of a space, and when: while it is open, where no section is, and while not too much of
 * what earlier changes replaced waits for pins and snapshots.
 *
 * <p>Thread-safe.
 */
final class StructureGate {
    private final SpaceResources core;
    private final WaitReports reports;
    private final SpaceSettings settings;
    private final RangeLock ranges;
    private final BackPressure backPressure;
    private final AtomicBoolean closing = new AtomicBoolean();
    private volatile boolean closed;

    StructureGate(final SpaceResources core, final WaitReports reports, final SpaceSettings settings) {
        this.core = core;
        this.reports = reports;
        this.settings = settings;
        this.ranges = new RangeLock(core.domain(), core.reservation().capacity(), this::stillWaiting);
        this.backPressure = new BackPressure(core, this, reports, settings);
    }

    String name() {
        return settings.name();
    }

    // --------------------------------------------------------------------------------------------------------- sections

    /** Who may change the structure where. */
    RangeLock ranges() {
        return ranges;
    }

    /** The patience for one operation. */
    Waiting waiting(final long timeoutNs, final boolean interruptible) {
        return settings.waiting(timeoutNs, interruptible);
    }

    /** The same for one that has no way to give up. */
    Waiting patience(final String operation, final @Nullable RegionHandle region) {
        return settings.patience(operation, region);
    }

    /**
     * The right to change the structure from where a region begins to where another ends, which may be the same; null if
     * the waiting for sections gave up.
     */
    RangeLock.@Nullable Passage enter(final String operation, final RegionHandle first, final RegionHandle last,
                                      final Waiting waiting) {
        // The bounds are of the regions that are meant if those are still mapped when the change looks; if not, the
        // change comes to nothing.
        final long start = RecordLayout.start(first.record());
        return ranges.enter(operation, start, Math.max(RecordLayout.limit(last.record()), start), waiting);
    }

    /** The same for a change that replaces regions; it waits for as long as it takes, also for what was replaced before. */
    RangeLock.Passage enter(final String operation, final RegionHandle first, final RegionHandle last) {
        try (Waiting waiting = patience(operation, first)) {
            backPressure.admit(operation, waiting);
            return Objects.requireNonNull(enter(operation, first, last, waiting));
        }
    }

    /** The same for one region. */
    RangeLock.Passage enter(final String operation, final RegionHandle region) {
        return enter(operation, region, region);
    }

    /** The same for the whole space. */
    RangeLock.Passage enterAll(final String operation) {
        try (Waiting waiting = patience(operation, null)) {
            return Objects.requireNonNull(ranges.enter(operation, 0, core.reservation().capacity(), waiting));
        }
    }

    /** What changes ask before they begin. */
    BackPressure backPressure() {
        return backPressure;
    }

    private void stillWaiting(final RangeLock.Entry wanted, final List<RangeLock.Entry> blocking,
                              final long elapsedNs) {
        reports.report("range=0x" + Long.toHexString(wanted.start()) + "-0x" + Long.toHexString(wanted.end()) + ", mode=" +
            wanted.mode(), elapsedNs, blocking.stream().map(entry -> new WaitReport.Holder(entry.owner().threadId(),
                entry.owner().getName(), WaitReport.How.SECTION, null, null)).toList());
    }

    // -------------------------------------------------------------------------------------------------- open and closed

    /**
     * Refuses mapping from here on, unless the caller must not close, or another call does so, or has.
     *
     * @return whether this is the first close; if not, one gave up before
     */
    boolean beginClose(final Runnable checkMayClose) {
        final boolean isMine = !closing.get(); // else what the thread holds may be of the next space in the same range
        if (isMine) {
            checkMayClose.run(); // also where a close gave up before
        }
        if (!isMine || !closing.compareAndSet(false, true)) {
            throw new IllegalStateException("close of a closed address space: name=" + name());
        }
        final boolean first = !closed;
        closed = true;
        return first;
    }

    /** The close gave up: mapping stays refused, and another call may go on with it. */
    void suspendClose() {
        closing.set(false);
    }

    boolean isClosed() {
        return closed;
    }

    void checkOpen(final String operation) {
        if (closed) {
            throw new IllegalStateException(operation + " in a closed address space: name=" + name());
        }
    }
}
