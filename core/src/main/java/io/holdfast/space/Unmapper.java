// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Refusal;
import io.holdfast.RegionException;
import io.holdfast.SpaceStatistics;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.Waiting;
import io.holdfast.event.BacklogFullEvent;
import io.holdfast.event.DrainWaitEvent;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.Stamps;
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
     * Announce: detach (RegionLock.tryDetach), which is the point of no return and the linearization point. Drain: one
     * heavy barrier; wait for hazards, count and pins. Give back: the pages; then the interval, from when on the addresses
     * can be used again; then the record. After the detach nothing fails the operation: pages that the kernel does not
     * take back are quarantined with their interval still in the tree, and tried again; so are addresses for whose removal
     * there are no nodes. An unmap that waits, of which there may be many thousands, keeps nothing of the tree but its
     * interval.
     */
    private final SpaceResources core;
    private final RegionLock lock;
    private final StructureGate gate;
    private final GiveBack giveBack;
    private final WaitReports reports;
    private final Eras eras;
    private final SpaceSettings settings;
    private final Reclaimer reclaimer;
    private final ReclaimerThread thread;
    private final LongAdder drains = new LongAdder();
    private final TimeHistogram drainTimes = new TimeHistogram();

    Unmapper(final SpaceResources core, final RegionLock lock, final StructureGate gate, final GiveBack giveBack,
             final Eras eras, final WaitReports reports, final SpaceSettings settings) {
        this.core = core;
        this.lock = lock;
        this.gate = gate;
        this.giveBack = giveBack;
        this.reports = reports;
        this.eras = eras;
        this.settings = settings;
        this.reclaimer = new Reclaimer(this, giveBack, core.domain(), settings.name());
        this.thread = new ReclaimerThread(reclaimer, settings);
    }

    RegionLock lock() {
        return lock;
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

    /** Unmaps if nobody else has; whether this call did. */
    boolean unmapIfMapped(final RegionHandle region) {
        try {
            unmap(region);
            return true;
        } catch (final RegionException e) {
            if (e.refusal() == Refusal.DETACHED || e.refusal() == Refusal.MOVED) { // another one came first just now
                return false;
            }
            throw e;
        }
    }

    void unmap(final BulkUnmap bulk) {
        try (Waiting announcing = settings.waiting(Waiting.FOREVER, false);
             Waiting draining = settings.waiting(Waiting.FOREVER, true)) {
            unmap(bulk, announcing, draining);
            if (draining.endedByInterrupt()) {
                Thread.currentThread().interrupt();
            }
        }
    }

    boolean unmap(final BulkUnmap bulk, final long timeoutNs) throws InterruptedException {
        bulk.first().checkInterrupt("unmap");
        try (Waiting waiting = settings.waiting(timeoutNs, true)) {
            final boolean completed = unmap(bulk, waiting, waiting);
            if (waiting.endedByInterrupt()) {
                throw bulk.first().interrupted("unmap");
            }
            return completed;
        }
    }

    private boolean unmap(final BulkUnmap bulk, final Waiting announcing, final Waiting draining) {
        try {
            registerAll(bulk);
            return announceAll(bulk, announcing, true) && completeAll(bulk.all(), bulk.batch(), draining);
        } catch (final RuntimeException e) {
            bulk.all().forEach(this::abandon);
            throw e;
        } catch (final Throwable e) {
            leave(bulk.pending);
            throw e;
        }
    }

    CompletionStage<Void> unmapAsync(final BulkUnmap bulk) {
        awaitBacklog(bulk.first());
        try (Waiting waiting = settings.waiting(Waiting.FOREVER, false)) {
            registerAll(bulk);
            final CompletionStage<Void> completion =
                bulk.completion().thenRunAsync(() -> { }, thread::tell).minimalCompletionStage();
            announceAll(bulk, waiting, false);
            bulk.all().forEach(this::completeLater);
            help();
            return completion;
        } catch (final RuntimeException e) {
            bulk.all().forEach(this::abandon);
            throw e;
        } catch (final Throwable e) {
            leave(bulk.pending);
            throw e;
        }
    }

    private void registerAll(final BulkUnmap bulk) {
        for (final PendingUnmap pending : bulk.pending) {
            register(pending);
        }
    }

    private boolean announceAll(final BulkUnmap bulk, final Waiting waiting, final boolean drains) {
        final boolean announced = bulk.announce(waiting, drains);
        if (!announced) {
            bulk.all().forEach(PendingUnmap::cancel);
        }
        return announced;
    }

    /** Says of each that its thread does not go on with it: with stores alone, since nothing may be left for a call. */
    private static void leave(final PendingUnmap[] all) {
        for (int i = 0; i < all.length; i++) {
            if (all[i].owner == PendingUnmap.THREAD) {
                all[i].owner = PendingUnmap.LEFT;
            }
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
        final BacklogFullEvent event = BacklogFullEvent.begun();
        try {
            awaitRoom(region);
        } finally {
            if (event != null) {
                event.end(settings.name(), reclaimer.backlogBytes(), settings.backlogBytes());
            }
        }
    }

    private void awaitRoom(final RegionHandle region) {
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
                giveBack.finish(pending);
                finished = true;
            }
        } finally {
            if (!finished) {
                completeLater(pending);
            }
        }
        return finished;
    }

    /**
     * Waits until nobody reads a region through leases that earlier lives of it gave out.
     *
     * @param cut is carried out in the background when nobody does, if the waiting gives up
     * @return whether nobody does
     */
    boolean awaitUnseen(final RegionHandle region, final MappedFile.Cut cut) {
        final PendingUnmap pending = PendingUnmap.ofPagesThatStay(region);
        eras.begin(pending.view());
        try (Waiting waiting = settings.waiting(Waiting.FOREVER, true)) {
            if (eras.awaitUnseen(pending.view(), pending.start(), pending.end(), waiting)) {
                return true;
            }
            if (waiting.endedByInterrupt()) {
                Thread.currentThread().interrupt();
            }
        }
        cut.goesOn();
        pending.whenGivenBack(cut::carryOutLater);
        completeLater(pending);
        return false;
    }

    /** A step of the reclaimer: whether no reader keeps an unmap from its end; reports it from time to time if one does. */
    boolean isDrained(final PendingUnmap pending, final Waiting noTime) {
        final boolean drained = pending.stays() ? eras.awaitUnseen(pending.view(), pending.start(), pending.end(), noTime)
            : !pending.wasRegion() || drain(pending, noTime); // nobody can be inside of what is no region
        if (!drained && pending.reportDue(settings.reportAfterNs())) {
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
     * Ends what was announced, together; in the background where the thread would wait for itself.
     */
    void completeAll(final List<PendingUnmap> all) {
        if (all.isEmpty()) {
            return;
        }
        boolean begun = false;
        try {
            final Batch batch = new Batch();
            try (Waiting waiting = settings.waiting(Waiting.FOREVER, true)) {
                if (!core.domain().holdsMemory()) {
                    begun = true;
                    completeAll(all, batch, waiting);
                }
                if (waiting.endedByInterrupt()) {
                    Thread.currentThread().interrupt();
                }
            }
        } finally {
            if (!begun) {
                completeAllLater(all);
            }
        }
    }

    /**
     * Ends what was announced, with one barrier, one call for neighbours and few changes of the tree for all of it; what
     * readers keep when the waiting gives up, in the background.
     *
     * @param batch for it, made before all was announced
     * @return whether all of it has been ended
     */
    boolean completeAll(final List<PendingUnmap> all, final Batch batch, final Waiting waiting) {
        int drained = 0;
        try { // the barrier, the idle strategy and the listener may throw
            drained = finishDrained(all, batch, waiting);
        } finally {
            for (int i = 0; i < all.size(); i++) {
                if (!all.get(i).isOver()) {
                    completeLater(all.get(i));
                }
            }
        }
        return drained == all.size();
    }

    private int finishDrained(final List<PendingUnmap> all, final Batch batch, final Waiting waiting) {
        final long tag = beginGracePeriod();
        for (int i = 0; i < all.size(); i++) {
            begin(all.get(i), tag);
        }
        int drained = 0;
        try {
            while (drained < all.size() && drain(all.get(drained), waiting)) {
                batch.add(all.get(drained));
                drained++;
            }
        } finally {
            giveBack.finish(batch);
        }
        return drained;
    }

    /** Takes back a mapping that nobody could find. */
    void undo(final PendingUnmap pending) {
        boolean finished = false;
        try {
            giveBack.finish(pending);
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
        final PendingUnmap pending = new PendingUnmap();
        register(pending);
        return pending;
    }

    private void register(final PendingUnmap pending) {
        if (reclaimer.register(pending) || reclaimer.backlog() != 0) { // the thread may not have started for want of heap
            thread.ensureRunning();
        }
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
        final PendingUnmap pending = new PendingUnmap();
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
        final boolean drained = DrainWaitEvent.isOn() ? drainTelling(pending, waiting) : drainQuietly(pending, waiting);
        if ((!drained || waiting.elapsedNs() > before) && pending.firstWait()) {
            drains.increment();
        }
        if (drained) {
            if (pending.hasWaited()) {
                drainTimes.add(pending.ageNs());
            }
            pending.drained();
        }
        return drained;
    }

    private boolean drainQuietly(final PendingUnmap pending, final Waiting waiting) {
        return lock.drainDetached(pending.record(), pending.tag(), waiting);
    }

    /** The same for whoever records waits: looks who is inside before it waits for them. */
    private boolean drainTelling(final PendingUnmap pending, final Waiting waiting) {
        if (!pending.hasWaited()) {
            try (Waiting noTime = settings.waiting(0, false)) {
                if (drainQuietly(pending, noTime)) {
                    return true;
                }
            }
            final DrainWaitEvent begun = DrainWaitEvent.begun();
            if (begun != null) {
                begun.holders(reports.holders(pending.record(), pending.tag()).toString());
                pending.waits(begun);
            }
        }
        final boolean drained = drainQuietly(pending, waiting);
        if (drained) {
            pending.tellDrained(settings.name());
        }
        return drained;
    }

    // ------------------------------------------------------------------------------------------------------- statistics

    /** How long those waited for readers that had to. */
    SpaceStatistics.Times drainTimes() {
        return drainTimes.times();
    }

    /** Unmaps that had to wait for readers. */
    long drains() {
        return drains.sum();
    }
}
