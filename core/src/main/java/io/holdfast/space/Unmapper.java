// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Refusal;
import io.holdfast.RegionException;
import io.holdfast.SpaceStatistics;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.StripedCounter;
import io.holdfast.epoch.Waiting;
import io.holdfast.event.BacklogFullEvent;
import io.holdfast.event.DrainWaitEvent;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.Stamps;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;

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
    private final BooleanSupplier inOwnThread;
    private final StripedCounter drains = new StripedCounter();
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
        this.inOwnThread = thread::isCurrent;
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
        try (Waiting announcing = settings.patience("unmap", region);
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
        try (PendingUnmap pending = prepare()) {
            return announce(pending, region, announcing, true) && complete(pending, draining);
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
        try (Waiting announcing = settings.patience("unmap", bulk.first());
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
        try (bulk) {
            registerAll(bulk);
            return bulk.announce(announcing, true) && completeAll(bulk.all(), bulk.batch(), draining);
        }
    }

    CompletionStage<Void> unmapAsync(final BulkUnmap bulk) {
        awaitBacklog(bulk.first());
        final UnmapStage stage = new UnmapStage(inOwnThread);
        try (bulk; Waiting waiting = settings.patience("unmapAsync", bulk.first())) {
            registerAll(bulk);
            bulk.whenGivenBack(stage::end);
            bulk.announce(waiting, false);
            for (int i = 0; i < bulk.all().size(); i++) {
                completeLater(bulk.all().get(i));
            }
        }
        help(bulk.first());
        return stage;
    }

    private void registerAll(final BulkUnmap bulk) {
        for (final PendingUnmap pending : bulk.all()) {
            register(pending);
        }
    }

    CompletionStage<Void> unmapAsync(final RegionHandle region) {
        awaitBacklog(region);
        final UnmapStage stage = new UnmapStage(inOwnThread);
        try (PendingUnmap pending = prepare();
             Waiting waiting = settings.patience("unmapAsync", region)) {
            pending.whenGivenBack(stage::end);
            pending.leased = region.isLeased();
            announce(pending, region, waiting, false);
            completeLater(pending);
        }
        help(region);
        return stage;
    }

    /**
     * Does a round of what has gathered. The memory of many unmaps goes quicker by the thread that is at work than by one
     * that has to be woken and changes the same lines of memory; where readers are in the way, so that more gathers, it is
     * left to the reclaimer. So is what waits for the end of an era, which a round now would find as it is.
     */
    private void help(final RegionHandle announced) {
        final long backlog = reclaimer.backlog();
        if (backlog >= ReclaimerThread.ROUND && backlog < 2 * ReclaimerThread.ROUND && settings.startReclaimer() &&
            !announced.isLeased()) {
            try {
                reclaimer.doWork();
            } catch (final OutOfMemoryError | StackOverflowError e) {
                // the region is unmapped, and the reclaimer goes on
            }
        }
    }

    private void awaitBacklog(final RegionHandle region) {
        final long backlog = reclaimer.backlogBytes();
        if (backlog <= settings.backlogBytes()) {
            return;
        }
        final BacklogFullEvent event = BacklogFullEvent.begun();
        try {
            awaitRoom(region);
        } finally {
            if (event != null) {
                event.end(settings.name(), backlog, settings.backlogBytes());
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

    /** The patience of a thread that ends what it is going to announce; to be taken before that. */
    Waiting draining() {
        return settings.waiting(Waiting.FOREVER, true);
    }

    /** Drains and gives the memory back; false if the waiting gave up, and then it happens in the background. */
    boolean complete(final PendingUnmap pending, final Waiting waiting) {
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
    boolean awaitUnseen(final RegionHandle region, final MappedFile.Cut cut, final Waiting draining) {
        final PendingUnmap pending = PendingUnmap.ofPagesThatStay(region);
        eras.begin(pending.view());
        if (eras.awaitUnseen(pending.view(), pending.start(), pending.end(), draining)) {
            return true;
        }
        keepInterrupt(draining);
        cut.goesOn();
        pending.whenGivenBack(cut::carryOutLater);
        completeLater(pending);
        return false;
    }

    /** Notes which eras need no look now, so that who waits for one can be passed by. */
    void passEras() {
        eras.pass();
    }

    /** For how many nanoseconds the unmaps that were passed by need no look; 0 or less if they may need one now. */
    long passedNs() {
        return eras.passedNs();
    }

    /** Whether an unmap waits for the end of an era anyway, and nobody need be woken for the bytes that wait already. */
    boolean canBeLeft(final PendingUnmap pending) {
        return pending.leased && reclaimer.backlogBytes() < settings.wakeBytes();
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

    /** Ends what a publication gives back; in the background where the thread is interrupted, which is kept. */
    void completeAll(final Publication publication, final Waiting draining) {
        if (!publication.given().isEmpty()) {
            completeAll(publication.given(), publication.batch(), draining);
            keepInterrupt(draining);
        }
    }

    /** The same for an end that throws nothing for want of heap or stack: in the background then. */
    void completeAll(final List<PendingUnmap> all) {
        if (all.isEmpty()) {
            return;
        }
        try (Waiting draining = draining()) {
            completeAll(all, new Batch(all.size()), draining);
            keepInterrupt(draining);
        } catch (final OutOfMemoryError | StackOverflowError e) {
            for (int i = 0; i < all.size(); i++) {
                all.get(i).close();
            }
        }
    }

    private static void keepInterrupt(final Waiting draining) {
        if (draining.endedByInterrupt()) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Ends what was announced, with one barrier, one call for neighbours and few changes of the tree for all of it; what
     * readers keep when the waiting gives up, and all where the thread would wait for itself, in the background.
     *
     * @param batch for it, made before all was announced
     * @return whether all of it has been ended
     */
    boolean completeAll(final List<PendingUnmap> all, final Batch batch, final Waiting waiting) {
        int drained = 0;
        try { // the barrier, the idle strategy and the listener may throw
            if (!core.domain().holdsMemory()) {
                drained = finishDrained(all, batch, waiting);
            }
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

    /** Takes back a mapping that nobody could find; needs no heap, since what fails happens in the background. */
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

    /** Registers an unmap that is going to be announced; one that its thread has left may be found, and is gone on with. */
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
        final String operation = drains ? "unmap" : "unmapAsync";
        final long result;
        try (RangeLock.Passage passage = gate.enter(operation, region, region, waiting)) {
            result = passage == null ? Stamps.TIMED_OUT
                : detach(pending, region.record(), region.incarnation(), waiting, drains);
        }
        if (result == Stamps.DETACHED || result == Stamps.MOVED) {
            throw region.refused(operation, result);
        }
        return result > 0;
    }

    /**
     * Detaches a region for the close of the space, and hands it to the reclaimer.
     *
     * @return 1, or a refusal: somebody else has detached it, or the waiting for a writer gave up
     */
    long announceLast(final long record, final long incarnation, final Waiting waiting) {
        try (PendingUnmap pending = new PendingUnmap()) {
            reclaimer.register(pending); // the close goes on with it, and no thread has to be started for it
            final long result = detach(pending, record, incarnation, waiting, true);
            if (result > 0) {
                reclaimer.add(pending);
            }
            return result;
        }
    }

    private long detach(final PendingUnmap pending, final long record, final long incarnation, final Waiting waiting,
                        final boolean drains) {
        pending.of(record);
        ReservedStack.forBeginning(record); // for what follows the detaching, up to here
        final long result = detach(record, incarnation, waiting, drains);
        if (result > 0) {
            pending.detached = true; // with no call between
            core.lifetimes().detached(record);
        }
        return result;
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
            drains.add(1);
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
