// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.Refusal;
import io.holdfast.RegionException;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.SystemNanoClock;
import org.jspecify.annotations.Nullable;

/**
 * The ways to unmap: waiting, for some time, in the background; and the thread that works in the background.
 *
 * <p>Thread-safe. From the announcement on an unmap is never given up: whoever stops waiting hands it to the reclaimer.
 */
final class Unmapper {
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    private final RegionRegistry registry;
    private final EpochDomain domain;
    private final SpaceSettings settings;
    private final Reclaimer reclaimer;
    private volatile @Nullable AgentRunner runner; // written under this
    private @Nullable Thread worker; // under this
    private boolean stopped; // under this

    Unmapper(final RegionRegistry registry, final EpochDomain domain, final SpaceSettings settings) {
        this.registry = registry;
        this.domain = domain;
        this.settings = settings;
        this.reclaimer = new Reclaimer(registry, domain);
    }

    Reclaimer reclaimer() {
        return reclaimer;
    }

    void unmap(final RegionHandle region) {
        final PendingUnmap unmapping;
        try (Waiting waiting = settings.waiting(Waiting.FOREVER, false)) {
            unmapping = Objects.requireNonNull(registry.announce(region, waiting, true));
        }
        complete(unmapping);
    }

    /**
     * Ends what was announced; if the thread is interrupted, in the background, and the interrupt is kept.
     *
     * @return whether it has been ended
     */
    boolean complete(final PendingUnmap unmapping) {
        try (Waiting waiting = settings.waiting(Waiting.FOREVER, true)) {
            final boolean completed = complete(unmapping, waiting);
            if (waiting.endedByInterrupt()) {
                Thread.currentThread().interrupt();
            }
            return completed;
        }
    }

    /**
     * Ends what was announced, with one barrier for all of it; in the background where the thread would wait for itself.
     */
    void completeAll(final List<PendingUnmap> unmappings) {
        if (unmappings.isEmpty()) {
            return;
        }
        if (domain.holdsMemory()) {
            unmappings.forEach(this::completeLater);
            return;
        }
        int begun = 0;
        try { // the barrier, the idle strategy and the listener may throw
            final long tag = registry.beginGracePeriod();
            for (final PendingUnmap unmapping : unmappings) {
                unmapping.tag(tag);
                begun++;
                complete(unmapping);
            }
        } finally {
            unmappings.subList(begun, unmappings.size()).forEach(this::completeLater);
        }
    }

    boolean unmap(final RegionHandle region, final long timeoutNs) throws InterruptedException {
        region.checkInterrupt("unmap");
        try (Waiting waiting = settings.waiting(timeoutNs, true)) {
            final PendingUnmap unmapping = registry.announce(region, waiting, true);
            final boolean completed = unmapping != null && complete(unmapping, waiting);
            if (waiting.endedByInterrupt()) {
                throw region.interrupted("unmap");
            }
            return completed;
        }
    }

    CompletionStage<Void> unmapAsync(final RegionHandle region) {
        awaitBacklog(region);
        try (Waiting waiting = settings.waiting(Waiting.FOREVER, false)) {
            final PendingUnmap unmapping = Objects.requireNonNull(registry.announce(region, waiting, false));
            completeLater(unmapping);
            help();
            return unmapping.completion().minimalCompletionStage();
        }
    }

    /**
     * Does a round of what has gathered. The memory of many unmaps goes quicker by the thread that is at work than by one
     * that has to be woken and changes the same lines of memory; where readers are in the way, so that more gathers, it is
     * left to the reclaimer.
     */
    private void help() {
        final long backlog = reclaimer.backlog();
        if (backlog >= LingeringReclaimer.ROUND && backlog < 2 * LingeringReclaimer.ROUND && settings.startReclaimer()) {
            reclaimer.doWork();
        }
    }

    /** Drains and gives the memory back; false if the waiting gave up, and then it happens in the background. */
    private boolean complete(final PendingUnmap unmapping, final Waiting waiting) {
        boolean drained = false;
        try {
            drained = registry.drain(unmapping, waiting);
        } finally {
            if (!drained) {
                completeLater(unmapping);
            }
        }
        if (drained) {
            registry.finish(unmapping);
        }
        return drained;
    }

    private void completeLater(final PendingUnmap unmapping) {
        reclaimer.add(unmapping);
        goOn();
    }

    /** Makes sure that somebody ends what was announced. */
    void goOn() {
        if (settings.startReclaimer() && runner == null) {
            startReclaimer();
        }
    }

    private synchronized void startReclaimer() {
        if (runner != null || stopped) {
            return;
        }
        try {
            final AgentRunner created = new AgentRunner(settings.idle().get(),
                error -> LOGGER.log(Level.ERROR, "reclaiming failed in space " + settings.name(), error), null,
                new LingeringReclaimer(reclaimer, SystemNanoClock.INSTANCE));
            worker = AgentRunner.startOnThread(created, work -> {
                final Thread thread = new Thread(work, reclaimer.roleName());
                thread.setDaemon(true);
                return thread;
            });
            runner = created;
        } catch (final RuntimeException | OutOfMemoryError e) {
            // The unmap has happened; the next one that is handed over tries again, and so does the close.
            LOGGER.log(Level.ERROR, "no thread for the reclaimer of space " + settings.name() +
                "; raise the limit of threads (ulimit -u)", e);
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
                if (domain.isPinned() || reclaimer.waitsForCurrentThread()) {
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

    /** Whether the current thread is the one that works in the background. */
    boolean isReclaimer() {
        final AgentRunner current = runner;
        return current != null && Thread.currentThread().equals(current.thread());
    }

    /** Ends the thread that works in the background; none is started later. */
    void stop() {
        final AgentRunner last;
        final Thread thread;
        synchronized (this) {
            stopped = true;
            last = runner;
            thread = worker;
        }
        if (last != null) {
            last.close();
        }
        if (thread != null && !Thread.currentThread().equals(thread)) {
            awaitEnd(thread);
        }
    }

    /** The runner has not waited for a thread that was started and had not come to its work yet: that one goes home. */
    private static void awaitEnd(final Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (final InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
