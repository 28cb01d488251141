// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;

/**
 * Holds changes of the structure back while too much of what earlier ones replaced, tree nodes and records, waits for
 * pins and snapshots. Thread-safe.
 */
final class BackPressure {
    /*
     * Who asks has taken nothing for its change yet: no announced range, no record, no node. So a waiting thread is in
     * nobody's way, and only what the user has it hold can close a circle: a thread that holds a pin, a snapshot, a lock
     * or a section is refused instead.
     *
     * Unmaps of whole regions do not ask, since they give memory back and a snapshot must not keep them from it. Each of
     * them replaces the nodes of one path, and there are at most as many as regions, which maps have asked for; sections
     * ask when they begin. So what waits is bounded by the limit, the regions that exist, and what is under way.
     */
    private final SpaceResources core;
    private final StructureGate gate;
    private final WaitReports reports;
    private final SpaceSettings settings;

    BackPressure(final SpaceResources core, final StructureGate gate, final WaitReports reports,
                 final SpaceSettings settings) {
        this.core = core;
        this.gate = gate;
        this.reports = reports;
        this.settings = settings;
    }

    /** Whether there is room for what a change replaces. Never waits. */
    boolean hasRoom() {
        if (isBelowLimit()) {
            return true;
        }
        core.collectAll();
        return isBelowLimit();
    }

    private boolean isBelowLimit() {
        return core.retiredBytes() <= settings.retiredBytes();
    }

    /**
     * Waits for room.
     *
     * @return false if the waiting gave up
     * @throws IllegalMonitorStateException if it has to wait, and the thread would wait for itself, or could: it holds a
     *                                      pin, a snapshot, a guard, an exclusive lock or a section of this space
     */
    boolean admit(final String operation, final Waiting waiting) {
        return isBelowLimit() || awaitRoom(operation, waiting);
    }

    private boolean awaitRoom(final String operation, final Waiting waiting) {
        while (!hasRoom()) {
            gate.checkOpen(operation);
            if (waiting.isPatient()) {
                checkHoldsNothing(operation);
            }
            if (!waiting.pause()) {
                return false;
            }
            if (waiting.reportDue()) {
                reports.reportPinned(describe(), waiting);
            }
        }
        waiting.reset();
        return true;
    }

    private void checkHoldsNothing(final String operation) {
        final EpochDomain domain = core.domain();
        if (domain.announcesAnything() || domain.isWriter() || gate.ranges().isMine()) {
            throw new IllegalMonitorStateException(operation + " by a thread that holds a pin, a snapshot, a guard or a " +
                "section, while too much waits for pins and snapshots, would wait for itself, or could: " + describe() +
                ", space=" + gate.name() + "; close what the thread holds first, or open the space with more " +
                "retiredBytes");
        }
    }

    private String describe() {
        return "retiredBytes=" + core.retiredBytes() + ", limit=" + settings.retiredBytes();
    }
}
