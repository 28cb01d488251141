// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.Stamps;
import io.holdfast.memory.NativeException;
import io.holdfast.tree.Snapshot;
import java.util.ArrayList;
import java.util.List;

/** Closes a space: refuses what is new, unmaps everything, waits for whoever is inside, and parks the range. */
final class SpaceClose {
    /** So that a close takes little heap, whatever there is to close; and few barriers. */
    private static final int CLOSED_AT_ONCE = 1 << 14;
    /** Of so many regions a close that gave up says who holds them. */
    private static final int REPORTED = 16;

    private final SpaceResources core;
    private final StructureGate gate;
    private final RegionRegistry registry;
    private final Unmapper unmapper;
    private final Magazines magazines;
    private final SpaceSettings settings;
    private final WaitReports reports;

    SpaceClose(final SpaceResources core, final StructureGate gate, final RegionRegistry registry,
               final Unmapper unmapper, final Magazines magazines, final SpaceSettings settings,
               final WaitReports reports) {
        this.core = core;
        this.gate = gate;
        this.registry = registry;
        this.unmapper = unmapper;
        this.magazines = magazines;
        this.settings = settings;
        this.reports = reports;
    }

    /** Closes; false if the waiting gave up, and then another call goes on. */
    boolean close(final Waiting waiting) {
        if (gate.beginClose(this::checkMayClose)) {
            registry.labels().closing(settings.name());
        }
        boolean drained = false;
        try {
            drained = announceAll(waiting) && awaitUnmaps(waiting);
        } finally {
            if (!drained) {
                gate.suspendClose();
            }
        }
        if (drained) {
            unmapper.thread().stop();
            unmapper.reclaimer().doRound(); // unmaps that came to nothing, and whose threads could not take them back
            magazines.evictAll();
            core.quarantine().retry();
            core.resting().freeAll();
            uniteZones();
            core.tree().drain(settings.idle());
            core.retiredRecords().drain(settings.idle());
            gate.ranges().over();
            core.park();
        } else {
            unmapper.thread().ensureRunning();
            unmapper.reclaimer().wake(); // nobody waits for an era any more
            reportLeft(waiting);
        }
        return drained;
    }

    /** So that the next space has its addresses in order. */
    private void uniteZones() {
        try {
            core.tree().unite();
        } catch (final NativeException | OutOfMemoryError | StackOverflowError e) {
            // no memory, heap or stack for it: the next space can do with zones, and this one has to be closed
        }
    }

    /** Announces the unmap of everything, part by part, and gives back what no reader keeps. */
    private boolean announceAll(final Waiting waiting) {
        long from = 0;
        while (from >= 0 && from < core.reservation().capacity()) {
            from = announceSome(from, waiting);
            unmapper.reclaimer().doRound();
        }
        return from >= 0;
    }

    private boolean awaitUnmaps(final Waiting waiting) {
        final Reclaimer reclaimer = unmapper.reclaimer();
        registry.countExactly(); // [A2]
        while (registry.regions() != 0) {
            if (reclaimer.doRound() == 0) { // what a thread has left is found too
                if (!waiting.pause()) {
                    return false;
                }
                if (waiting.reportDue()) {
                    for (final PendingUnmap last : reclaimer.someWaiting(1)) {
                        reports.stillDraining(last.record(), last.tag(), waiting);
                    }
                }
            }
        }
        return true;
    }

    /** Says who keeps a close that gave up from its end. */
    private void reportLeft(final Waiting waiting) {
        for (final PendingUnmap left : unmapper.reclaimer().someWaiting(REPORTED)) {
            reports.stillDraining(left.record(), left.tag(), waiting);
        }
        registry.forEachAttached(record -> reports.stillDraining(record, 0, waiting));
    }

    private void checkMayClose() {
        if (core.domain().announcesAnything() || registry.isExclusiveSomewhere() || gate.ranges().isMine()) {
            throw new IllegalMonitorStateException("close by a thread that holds a guard, a pin or a section would " +
                "wait for itself: space=" + settings.name() + "; close guards, pins and sections first");
        }
        if (unmapper.thread().isCurrent()) {
            throw new IllegalMonitorStateException("close by the thread that finishes asynchronous unmaps would wait " +
                "for itself: space=" + settings.name() + "; close it from another thread");
        }
    }

    /**
     * Announces the unmap of the first regions there are after the gate was closed, when no section is left; unmaps begun
     * by others are for them, or the reclaimer, to finish.
     *
     * @return where to go on, the capacity when there is nothing more; -1 if the waiting gave up
     */
    private long announceSome(final long from, final Waiting waiting) {
        final RangeLock.Entry all = gate.ranges().acquire(0, core.reservation().capacity(), RangeLock.Mode.WRITE, waiting);
        if (all == null) {
            return -1;
        }
        try {
            return detachSome(from, waiting);
        } finally {
            gate.ranges().release(all);
        }
    }

    private long detachSome(final long from, final Waiting waiting) {
        final long tag = unmapper.beginGracePeriod(); // [A1]
        while (!core.domain().passed(tag)) {
            if (!waiting.pause()) {
                return -1;
            }
        }
        final List<long[]> found = new ArrayList<>();
        final long end = collectAttached(from, found);
        for (final long[] attached : found) {
            final long result = unmapper.announceLast(attached[0], attached[1], waiting);
            if (result <= 0 && result != Stamps.DETACHED && result != Stamps.MOVED) {
                return -1;
            }
        }
        return end;
    }

    /**
     * Adds record and incarnation of the first attached regions, as the tree shows them at one moment; none can be
     * replaced then.
     *
     * @return where the next one can begin
     */
    private long collectAttached(final long from, final List<long[]> into) {
        final long capacity = core.reservation().capacity();
        final long[] next = {capacity};
        try (Snapshot snapshot = core.tree().snapshot()) {
            snapshot.forEach(from, capacity, (start, end, record) -> {
                if (RegionLock.isAttached(record)) {
                    into.add(new long[] {record, RecordLayout.incarnation(record)});
                }
                if (into.size() < CLOSED_AT_ONCE) {
                    return true;
                }
                next[0] = end;
                return false;
            });
        }
        return next[0];
    }
}
