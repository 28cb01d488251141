// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.Refusal;
import io.holdfast.RegionException;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.Stamps;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.Reservation;
import io.holdfast.memory.RestoreResult;
import io.holdfast.space.PendingUnmap.Step;
import io.holdfast.tree.PreparedRemoval;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.LongAdder;

/**
 * Unmapping, step by step, and the ways to do it: waiting, for some time, in the background.
 *
 * <p>Thread-safe. From the announcement on an unmap is never given up: whoever stops waiting hands it to the reclaimer.
 */
final class Unmapper {
    /*
     * Announce: take the nodes for the removal; detach (RegionLock.tryDetach), which is the point of no return and the
     * linearization point. Drain: one heavy barrier; wait for hazards, count and pins. Give back: the pages; then the
     * interval, from when on the addresses can be used again; then the record. After the detach nothing fails the
     * operation: pages that the kernel does not take back are quarantined with their interval still in the tree, and tried
     * again.
     */
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    private final SpaceResources core;
    private final RegionLock lock;
    private final StructureGate gate;
    private final RegionRegistry registry;
    private final IdleMemory idle;
    private final WaitReports reports;
    private final Eras eras;
    private final SpaceSettings settings;
    private final Reclaimer reclaimer;
    private final ReclaimerThread thread;
    private final LongAdder unmaps = new LongAdder();
    private final LongAdder drains = new LongAdder();

    Unmapper(final SpaceResources core, final RegionLock lock, final StructureGate gate, final RegionRegistry registry,
             final IdleMemory idle, final Eras eras, final WaitReports reports,
             final SpaceSettings settings) {
        this.core = core;
        this.lock = lock;
        this.gate = gate;
        this.registry = registry;
        this.idle = idle;
        this.reports = reports;
        this.eras = eras;
        this.settings = settings;
        this.reclaimer = new Reclaimer(this, core.domain(), settings.name());
        this.thread = new ReclaimerThread(reclaimer, settings);
    }

    Reclaimer reclaimer() {
        return reclaimer;
    }

    ReclaimerThread thread() {
        return thread;
    }

    // --------------------------------------------------------------------------------------------------------- the ways

    void unmap(final RegionHandle region) {
        try (Waiting announcing = settings.waiting(Waiting.FOREVER, false);
             Waiting draining = settings.waiting(Waiting.FOREVER, true)) {
            unmap(region, announcing, draining);
            if (draining.endedByInterrupt()) {
                Thread.currentThread().interrupt();
            }
        }
    }

    boolean unmap(final RegionHandle region, final long timeoutNs) throws InterruptedException {
        region.checkInterrupt("unmap");
        try (Waiting waiting = settings.waiting(timeoutNs, true)) {
            final boolean completed = unmap(region, waiting, waiting);
            if (waiting.endedByInterrupt()) {
                throw region.interrupted("unmap");
            }
            return completed;
        }
    }

    /** Announces and completes; whether the memory has been given back. */
    private boolean unmap(final RegionHandle region, final Waiting announcing, final Waiting draining) {
        final PendingUnmap pending = prepare();
        try {
            return announce(pending, region, announcing, true) && complete(pending, draining);
        } catch (final RuntimeException e) {
            abandon(pending);
            throw e;
        } catch (final Throwable e) {
            if (pending.owner == PendingUnmap.THREAD) {
                pending.owner = PendingUnmap.LEFT;
            }
            throw e;
        }
    }

    CompletionStage<Void> unmapAsync(final RegionHandle region) {
        awaitBacklog(region);
        final PendingUnmap pending = prepare();
        try (Waiting waiting = settings.waiting(Waiting.FOREVER, false)) {
            final CompletionStage<Void> completion =
                pending.completion().thenRunAsync(() -> { }, thread::tell).minimalCompletionStage();
            announce(pending, region, waiting, false);
            completeLater(pending);
            help();
            return completion;
        } catch (final RuntimeException e) {
            abandon(pending);
            throw e;
        } catch (final Throwable e) {
            if (pending.owner == PendingUnmap.THREAD) {
                pending.owner = PendingUnmap.LEFT;
            }
            throw e;
        }
    }

    /**
     * Does a round of what has gathered. The memory of many unmaps goes quicker by the thread that is at work than by one
     * that has to be woken and changes the same lines of memory; where readers are in the way, so that more gathers, it is
     * left to the reclaimer.
     */
    private void help() {
        final long backlog = reclaimer.backlog();
        if (backlog >= ReclaimerThread.ROUND && backlog < 2 * ReclaimerThread.ROUND && settings.startReclaimer()) {
            reclaimer.doWork();
        }
    }

    private void awaitBacklog(final RegionHandle region) {
        if (reclaimer.backlogBytes() <= settings.backlogBytes()) {
            return;
        }
        try (Waiting waiting = settings.waiting(Waiting.FOREVER, true)) {
            while (reclaimer.backlogBytes() > settings.backlogBytes()) {
                if (reclaimer.doWork() != 0) {
                    continue;
                }
                if (core.domain().isPinned() || reclaimer.waitsForCurrentThread()) {
                    throw new IllegalMonitorStateException("unmapAsync by a thread that holds a pin or a guard for " +
                        "which the backlog waits would wait for itself: " + backlog() + ", " + region.describe() +
                        "; close the pin or the guard first");
                }
                if (!waiting.pause()) {
                    if (!waiting.endedByInterrupt()) {
                        throw new RegionException("unmapAsync timed out while the backlog is full: " + backlog() + ", " +
                            region.describe() + "; the region is still mapped", Refusal.TIMED_OUT);
                    }
                    Thread.currentThread().interrupt();
                    throw new RegionException("unmapAsync interrupted while the backlog is full: " + backlog() + ", " +
                        region.describe() + "; the region is still mapped", Refusal.INTERRUPTED);
                }
            }
        }
    }

    private String backlog() {
        return "backlogBytes=" + reclaimer.backlogBytes() + ", limit=" + settings.backlogBytes();
    }

    /**
     * Ends what was announced; if the thread is interrupted, in the background, and the interrupt is kept.
     *
     * @return whether it has been ended
     */
    boolean complete(final PendingUnmap pending) {
        try (Waiting waiting = settings.waiting(Waiting.FOREVER, true)) {
            final boolean completed = complete(pending, waiting);
            if (waiting.endedByInterrupt()) {
                Thread.currentThread().interrupt();
            }
            return completed;
        }
    }

    /** Drains and gives the memory back; false if the waiting gave up, and then it happens in the background. */
    private boolean complete(final PendingUnmap pending, final Waiting waiting) {
        boolean finished = false;
        try {
            if (drain(pending, waiting)) {
                finish(pending);
                finished = true;
            }
        } finally {
            if (!finished) {
                completeLater(pending);
            }
        }
        return finished;
    }

    /** Waits, however long it takes, until nobody reads a region through leases that earlier lives of it gave out. */
    void awaitUnseen(final RegionHandle region) {
        try (Waiting waiting = new Waiting(settings.idle(), Waiting.FOREVER, false, settings.reportAfterNs())) {
            eras.awaitUnseen(RecordLayout.start(region.record()), RecordLayout.limit(region.record()), waiting);
        }
    }

    /** A step of the reclaimer: ends an unmap that no reader keeps from it. */
    boolean finishIfDrained(final PendingUnmap pending, final Waiting noTime) {
        final boolean drained = !pending.wasRegion() || drain(pending, noTime); // nobody can be inside of what is no region
        if (drained) {
            finish(pending);
        } else if (pending.reportDue(settings.reportAfterNs())) {
            report(pending);
        }
        return drained;
    }

    private void report(final PendingUnmap pending) {
        if (pending.isDrained()) {
            eras.report(pending.view(), pending.start(), pending.end(), pending.waitedNs());
        } else {
            reports.report(pending);
        }
    }

    /**
     * Ends what was announced, with one barrier for all of it; in the background where the thread would wait for itself.
     */
    void completeAll(final List<PendingUnmap> all) {
        if (all.isEmpty()) {
            return;
        }
        int begun = 0;
        try { // the barrier, the idle strategy and the listener may throw
            if (!core.domain().holdsMemory()) {
                final long tag = beginGracePeriod();
                for (final PendingUnmap pending : all) {
                    begin(pending, tag);
                }
                while (begun < all.size()) {
                    final PendingUnmap pending = all.get(begun);
                    begun++;
                    complete(pending);
                }
            }
        } finally {
            for (int i = begun; i < all.size(); i++) {
                completeLater(all.get(i));
            }
        }
    }

    /** Takes back a mapping that nobody could find. */
    void undo(final PendingUnmap pending) {
        boolean finished = false;
        try {
            finish(pending);
            finished = true;
        } finally {
            if (!finished) {
                completeLater(pending);
            }
        }
    }

    /** Hands all that was announced to the background, out of the list. */
    void completeAllLater(final List<PendingUnmap> all) {
        while (!all.isEmpty()) {
            completeLater(all.getLast());
            all.removeLast();
        }
    }

    /** An unmap whose thread was refused, or failed behind the point of no return with heap and stack to go on. */
    private void abandon(final PendingUnmap pending) {
        if (pending.owner == PendingUnmap.THREAD) {
            if (pending.detached) {
                completeLater(pending);
            } else {
                pending.cancel();
            }
        }
    }

    private void completeLater(final PendingUnmap pending) {
        reclaimer.add(pending);
        thread.ensureRunning();
    }

    // --------------------------------------------------------------------------------------------------------- announce

    /** Takes what an unmap needs after its point of no return, and registers it with the reclaimer. */
    PendingUnmap prepare() {
        final PendingUnmap pending = new PendingUnmap(prepareRemoval());
        if (reclaimer.register(pending) || reclaimer.backlog() != 0) { // the thread may not have started for want of heap
            thread.ensureRunning();
        }
        return pending;
    }

    /**
     * Detaches a region.
     *
     * @param drains whether the thread is going to wait for readers, so that it must not be one itself
     * @return whether it is detached; if not, the waiting for another writer gave up, and nothing has happened
     */
    boolean announce(final PendingUnmap pending, final RegionHandle region, final Waiting waiting,
                     final boolean drains) {
        final long record = region.record();
        final long result;
        try (RangeLock.Passage passage = gate.enter("unmap", region, region, waiting)) {
            pending.of(record);
            ReservedStack.forBeginning(record); // for what follows the detaching, up to here
            result = passage == null ? Stamps.TIMED_OUT : detach(record, region.incarnation(), waiting, drains);
            if (result > 0) {
                pending.detached = true; // with no call between
                core.lifetimes().detached(record);
            }
        }
        if (result > 0) {
            return true;
        }
        pending.cancel();
        if (result == Stamps.DETACHED || result == Stamps.MOVED) {
            throw region.refused("unmap", result);
        }
        return false;
    }

    /**
     * Detaches a region for the close of the space, and hands it to the reclaimer.
     *
     * @return 1, or a refusal: somebody else has detached it, or the waiting for a writer gave up
     */
    long announceLast(final long record, final long incarnation, final Waiting waiting) {
        final PendingUnmap pending = new PendingUnmap(null); // its nodes are asked for later: there may be a million
        reclaimer.register(pending);
        try {
            pending.of(record);
            ReservedStack.forBeginning(record);
            final long result = lock.detach(record, incarnation, waiting);
            if (result > 0) {
                pending.detached = true;
                core.lifetimes().detached(record);
                reclaimer.add(pending);
            } else {
                pending.cancel();
            }
            return result;
        } catch (final RuntimeException e) {
            abandon(pending);
            throw e;
        } catch (final Throwable e) {
            if (pending.owner == PendingUnmap.THREAD) {
                pending.owner = PendingUnmap.LEFT;
            }
            throw e;
        }
    }

    private long detach(final long record, final long incarnation, final Waiting waiting, final boolean drains) {
        if (!drains) {
            final long result = lock.tryDetach(record, incarnation);
            if (!Stamps.isTransient(result)) {
                return result;
            }
        }
        return lock.detach(record, incarnation, waiting);
    }

    PreparedRemoval prepareRemoval() {
        try {
            return core.tree().prepareRemoval();
        } catch (final NativeException e) {
            throw registry.refused(e);
        }
    }

    // ------------------------------------------------------------------------------------------------------------ drain

    /** Begins the grace period of everything announced before. */
    long beginGracePeriod() {
        return core.domain().retireEpoch();
    }

    /** Puts an announced unmap into a grace period that has begun since. */
    void begin(final PendingUnmap pending, final long tag) {
        pending.tag(tag);
        eras.begin(pending.view()); // [R2]
    }

    /** Waits for the readers of an announced unmap, and then for its era; false if the waiting gave up. */
    boolean drain(final PendingUnmap pending, final Waiting waiting) {
        if (pending.tag() == 0) {
            begin(pending, beginGracePeriod());
        }
        return (pending.isDrained() || drainLocked(pending, waiting)) &&
            eras.awaitUnseen(pending.view(), pending.start(), pending.end(), waiting);
    }

    private boolean drainLocked(final PendingUnmap pending, final Waiting waiting) {
        final long before = waiting.elapsedNs();
        final boolean drained = lock.drainDetached(pending.record(), pending.tag(), waiting);
        if ((!drained || waiting.elapsedNs() > before) && pending.firstWait()) {
            drains.increment();
        }
        if (drained) {
            pending.drained();
        }
        return drained;
    }

    // -------------------------------------------------------------------------------------------------------- give back

    /**
     * Gives the memory of a drained region back. The kernel cannot make it fail. If it throws, because heap or stack are at
     * their end, the next call goes on from there.
     */
    private void finish(final PendingUnmap pending) {
        if (pending.isBefore(Step.PAGES)) {
            if (pending.hasAddresses()) {
                eras.forget(pending.start(), pending.end());
            }
            pending.pages(registry.isTorn(pending.record()) ? restoreTorn(pending) : restorePages(pending));
        }
        if (pending.isBefore(Step.HEAP)) {
            registry.forget(pending.record(), pending.wasRegion());
            pending.reached(Step.HEAP);
        }
        if (pending.isBefore(Step.ADDRESSES)) {
            if (pending.hasAddresses()) {
                settle(pending, pending.result());
            } else if (pending.record() != 0) {
                core.retiredRecords().retire(pending.record());
            }
            pending.reached(Step.ADDRESSES);
        }
        if (pending.isBefore(Step.COUNTED)) {
            if (pending.wasRegion()) {
                unmaps.increment();
            }
            pending.reached(Step.COUNTED);
            if (isZeroedInPlace(pending)) {
                idle.add(pending.start(), pending.length());
            }
        }
        registry.unaccount(pending.length()); // last: a close waits for it
        pending.over();
    }

    /** Gives pages back that nobody can reach. */
    RestoreResult restorePages(final PendingUnmap pending) {
        final Reservation reservation = core.reservation();
        final long start = pending.start();
        final long length = pending.length();
        if (PageFlags.isFile(pending.kind())) {
            return reservation.restore(start, length);
        }
        if (isZeroedInPlace(pending)) {
            reservation.zeroAnonymous(start, length);
            return RestoreResult.RESTORED;
        }
        return reservation.restoreAnonymous(start, length);
    }

    private boolean isZeroedInPlace(final PendingUnmap pending) {
        return pending.hasAddresses() && !PageFlags.isFile(pending.kind()) && !PageFlags.isAltered(pending.kind()) &&
            core.reservation().isInAnonymousZone(pending.start(), pending.length());
    }

    /** Gives back what is before the lost addresses; the interval keeps all of them from being used again. */
    private RestoreResult restoreTorn(final PendingUnmap pending) {
        final FileRegion file = registry.file(pending.record());
        final long lead = file == null ? 0 : file.lead();
        core.reservation().restore(pending.start(), core.roundUp(RecordLayout.sizeAcquire(pending.record()) + lead));
        return RestoreResult.LOST;
    }

    /** Frees the addresses of pages that were given back, or keeps them. */
    void settle(final PendingUnmap pending, final RestoreResult result) {
        switch (result) {
            case RESTORED -> {
                core.quarantine().free(pending);
                if (PageFlags.isFile(pending.kind()) && !core.quarantine().isEmpty()) {
                    core.quarantine().retry(); // what the kernel took just now it may take again
                }
            }
            case QUARANTINED -> {
                LOGGER.log(Level.WARNING, "pages not given back, will be tried again: space=" + settings.name() +
                    ", start=" + pending.start() + ", length=" + pending.length());
                core.quarantine().add(pending);
            }
            case LOST -> {
                LOGGER.log(Level.ERROR, "addresses lost for good: space=" + settings.name() + ", start=" +
                    pending.start() + ", length=" + pending.length());
                pending.keepAddresses();
            }
        }
    }

    // ------------------------------------------------------------------------------------------------------- statistics

    long unmaps() {
        return unmaps.sum();
    }

    /** Unmaps that had to wait for readers. */
    long drains() {
        return drains.sum();
    }
}
