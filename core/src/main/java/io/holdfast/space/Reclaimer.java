// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.NoOpIdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * Finishes announced unmaps in the background. All that are handed over between two rounds share one heavy barrier.
 *
 * <p>Thread-safe: one thread at a time does a round, others go away at once. Whoever waits for an unmap to complete is
 * told after the round, by the thread that did it, which holds no lock then.
 */
final class Reclaimer implements Agent {
    private final RegionRegistry registry;
    private final EpochDomain domain;
    private final ConcurrentLinkedQueue<PendingUnmap> arrived = new ConcurrentLinkedQueue<>();
    private final AtomicLong backlogBytes = new AtomicLong();
    private final AtomicLong backlog = new AtomicLong();
    private final ReentrantLock round = new ReentrantLock();
    private final List<PendingUnmap> draining = new ArrayList<>(); // under round
    private final AtomicLong rounds = new AtomicLong();

    Reclaimer(final RegionRegistry registry, final EpochDomain domain) {
        this.registry = registry;
        this.domain = domain;
    }

    /** Hands an unmap over. */
    void add(final PendingUnmap unmapping) {
        backlog.incrementAndGet();
        backlogBytes.addAndGet(unmapping.length());
        arrived.add(unmapping);
    }

    /** Unmaps that are not finished. */
    long backlog() {
        return backlog.get();
    }

    /** Address range of the unmaps that are not finished, in bytes. */
    long backlogBytes() {
        return backlogBytes.get();
    }

    /** Rounds so far, whoever did them. */
    long rounds() {
        return rounds.get();
    }

    @Override
    public int doWork() {
        if (backlog.get() == 0 || !round.tryLock()) {
            return 0;
        }
        final List<PendingUnmap> finished = new ArrayList<>();
        try {
            beginGracePeriod();
            finishDrained(finished);
        } finally {
            rounds.incrementAndGet();
            round.unlock();
            for (final PendingUnmap unmapping : finished) {
                unmapping.completion().complete(null);
            }
        }
        return finished.size();
    }

    private void beginGracePeriod() {
        final int first = draining.size();
        PendingUnmap unmapping = arrived.poll();
        while (unmapping != null) {
            draining.add(unmapping);
            unmapping = arrived.poll();
        }
        boolean needed = false;
        for (int i = first; i < draining.size(); i++) {
            needed |= draining.get(i).tag() == 0;
        }
        if (needed) {
            final long tag = registry.beginGracePeriod();
            for (int i = first; i < draining.size(); i++) {
                if (draining.get(i).tag() == 0) {
                    draining.get(i).tag(tag);
                }
            }
        }
    }

    private void finishDrained(final List<PendingUnmap> finished) {
        int kept = 0;
        int next = 0;
        try {
            while (next < draining.size()) {
                final PendingUnmap unmapping = draining.get(next);
                if (!isDrained(unmapping)) {
                    draining.set(kept, unmapping);
                    kept++;
                    next++;
                    continue;
                }
                next++;
                registry.finish(unmapping);
                backlogBytes.addAndGet(-unmapping.length());
                backlog.decrementAndGet();
                finished.add(unmapping);
            }
        } finally {
            draining.subList(kept, next).clear(); // at once: there may be a million, and each removal would move the rest
        }
    }

    private boolean isDrained(final PendingUnmap unmapping) {
        try (Waiting noTime = new Waiting(NoOpIdleStrategy::new, 0, false, Waiting.FOREVER)) {
            return registry.drain(unmapping, noTime);
        }
    }

    /** Whether an unmap waits for a guard that the current thread holds. */
    boolean waitsForCurrentThread() {
        round.lock();
        try {
            for (final PendingUnmap unmapping : draining) {
                if (domain.announcedByMe(unmapping.record(), 0)) {
                    return true;
                }
            }
            return false;
        } finally {
            round.unlock();
        }
    }

    /** An unmap that waits for readers, or null if there is none at this moment. */
    @Nullable PendingUnmap anyWaiting() {
        round.lock();
        try {
            return draining.isEmpty() ? null : draining.get(0);
        } finally {
            round.unlock();
        }
    }

    /** Some of the unmaps for whose readers the last round waited, not more than a number. */
    List<PendingUnmap> someWaiting(final int most) {
        round.lock();
        try {
            return List.copyOf(draining.subList(0, Math.min(most, draining.size())));
        } finally {
            round.unlock();
        }
    }

    @Override
    public String roleName() {
        return "holdfast-reclaimer-" + registry.name();
    }
}
