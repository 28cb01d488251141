// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.Stripes;
import io.holdfast.epoch.Waiting;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.NoOpIdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * Finishes announced unmaps in the background. All that are handed over between two rounds share one heavy barrier, and
 * neighbours among those that a round finds drained one call to the system, whoever announced them.
 *
 * <p>Thread-safe: one thread at a time does a round, others go away at once. Whoever waits for an unmap to complete is
 * told after the round, by the thread that did it, which holds no lock then.
 */
final class Reclaimer implements Agent {
    /*
     * [W1] Every unmap is registered before its point of no return, in the list of its thread's stripe, so that it is never
     *      lost: if its thread fails after that, it is LEFT there. Who registers takes off what is over at the head of the
     *      list, so a list is never much longer than what is under way. A round takes all lists, keeps what was handed over
     *      or left, and puts back what threads still work on. Lists are linked through the unmaps themselves: nothing of
     *      this allocates. Heads are swapped by compare-and-set, and taken by an exchange; a link is written before the
     *      swap that shows it. What was registered is found by every round that begins later.
     * [W3] Who rests says so first, and then looks whether there is anything to do; who hands over counts it first, and
     *      then looks whether anybody rests. All of it in volatile mode, so one of the two sees the other. How deep the
     *      sleep is was written before; what waits for the end of an era leaves alone who sleeps for a short time only.
     */
    private static final int SPREAD = 256; // so that stripes share neither a line of memory nor a card of the collector

    private final Unmapper unmapper;
    private final GiveBack giveBack;
    private final EpochDomain domain;
    private final String space;
    private final AtomicReferenceArray<@Nullable PendingUnmap> registered =
        new AtomicReferenceArray<>(Stripes.COUNT * SPREAD);
    private final AtomicLong backlogBytes = new AtomicLong();
    private final AtomicLong backlog = new AtomicLong();
    private final ReentrantLock round = new ReentrantLock();
    private @Nullable PendingUnmap draining; // under round
    private final Batch batch = new Batch(Integer.MAX_VALUE); // under round
    private final AtomicLong rounds = new AtomicLong();
    private final AtomicReference<@Nullable Thread> resting = new AtomicReference<>();
    private volatile boolean deep; // whether who rests does so without end
    private volatile long passedBy; // how many unmaps the last round has not looked at; written under round, -1 meanwhile

    Reclaimer(final Unmapper unmapper, final GiveBack giveBack, final EpochDomain domain, final String space) {
        this.unmapper = unmapper;
        this.giveBack = giveBack;
        this.domain = domain;
        this.space = space;
    }

    /**
     * Registers an unmap that the current thread is about to announce.
     *
     * @return whether one was found that its thread has left, and that is the reclaimer's now
     */
    boolean register(final PendingUnmap pending) {
        final PendingUnmap live = list(pending);
        try {
            return live != null && adopt(live);
        } catch (final OutOfMemoryError | StackOverflowError e) {
            return false; // the next one takes it up, and this one is registered
        }
    }

    /** Puts an unmap into the list of this thread's stripe; the next one there that is not over. */
    private @Nullable PendingUnmap list(final PendingUnmap pending) {
        pending.registeredWith(this);
        final int stripe = Stripes.mine() * SPREAD;
        while (true) {
            final PendingUnmap head = registered.get(stripe);
            PendingUnmap live = head;
            while (live != null && live.isOver()) {
                live = live.next;
            }
            pending.next = live;
            if (registered.compareAndSet(stripe, head, pending)) {
                return live;
            }
        }
    }

    /** Takes over, or takes back, an unmap that its thread has left; whether it is the reclaimer's now. Needs no heap. */
    boolean adopt(final PendingUnmap pending) {
        ReservedStack.forBeginning(pending.length() + 1); // it is taken up to the end, or not at all
        if (!pending.find()) {
            return false;
        }
        if (!pending.detached) {
            pending.cancel();
            return false;
        }
        add(pending);
        return true;
    }

    /** Takes over an unmap that its thread does not wait for; needs no heap. */
    void add(final PendingUnmap pending) {
        ReservedStack.forEnd(pending.length()); // it is counted and handed over, or neither
        if (!pending.isRegistered()) {
            list(pending); // and adopts no other, which may fail
        }
        backlog.incrementAndGet();
        backlogBytes.addAndGet(pending.length());
        pending.handOver();
        if (isResting() && (deep || !unmapper.canBeLeft(pending))) { // [W3]
            wake();
        }
    }

    /** Whether a thread sleeps until it is woken, or until its time is over. */
    boolean isResting() {
        return resting.get() != null;
    }

    /** Nanoseconds for which nothing is to be done unless something is handed over; 0 or less if something may be. */
    long restNs() {
        final long unfinished = backlog.get();
        return unfinished == 0 ? Long.MAX_VALUE : unfinished == passedBy ? unmapper.passedNs() : 0;
    }

    /**
     * Lets the current thread, the only one that does so, sleep while nothing is to be done.
     *
     * @param mostNs the longest time; {@link Long#MAX_VALUE} until whatever is handed over, and else until something is
     *               that does not wait for the end of an era
     * @param unless whether it is not to sleep at all; whoever changes that has to {@link #wake()} it
     * @return whether nobody has woken it
     */
    boolean rest(final long mostNs, final BooleanSupplier unless) {
        deep = mostNs == Long.MAX_VALUE;
        resting.set(Thread.currentThread());
        final long ns = Math.min(restNs(), mostNs); // [W3]
        final boolean mayLast = !deep || ns == Long.MAX_VALUE; // without end only where nothing is unfinished
        if (ns > 0 && mayLast && !unless.getAsBoolean()) {
            LockSupport.parkNanos(this, ns);
        }
        return resting.getAndSet(null) != null;
    }

    /** Wakes the thread that rests, if one does; needs no heap. */
    void wake() {
        final Thread sleeper = resting.getAndSet(null);
        if (sleeper != null) {
            LockSupport.unpark(sleeper);
        }
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
        return backlog.get() == 0 ? 0 : doRound();
    }

    /** Does a round, also if only what was left by its thread is to be found. */
    int doRound() {
        ReservedStack.forBeginning(rounds.get() + 1); // what the round has begun with is kept, and its lock released
        if (!round.tryLock()) {
            return 0;
        }
        int count = 0;
        try (Waiting noTime = new Waiting(NoOpIdleStrategy::new, 0, false, Waiting.FOREVER)) {
            gather();
            beginGracePeriod();
            finishDrained(noTime);
        } finally {
            PendingUnmap finished = null;
            try {
                finished = takeFinished();
                rounds.incrementAndGet();
            } finally {
                round.unlock();
            }
            for (PendingUnmap each = finished; each != null; each = each.next) {
                tell(each);
                count++;
            }
        }
        return count;
    }

    private static void tell(final PendingUnmap finished) {
        try {
            finished.tell();
        } catch (final Throwable e) {
            // of heap, of stack, or of who was told: the memory has been given back, and the others are told
        }
    }

    private void finishDrained(final Waiting noTime) {
        batch.clear(); // of a round that failed
        try {
            passedBy = -1;
            unmapper.passEras();
            long waiting = 0;
            for (PendingUnmap each = draining; each != null; each = each.next) {
                if (each.view().canBePassedBy()) {
                    waiting++;
                } else if (unmapper.isDrained(each, noTime)) {
                    batch.add(each);
                }
            }
            passedBy = waiting;
        } finally {
            giveBack.finish(batch);
        }
    }

    /** Takes what is over out of the list of what is drained, and counts it as that. */
    private @Nullable PendingUnmap takeFinished() {
        PendingUnmap finished = null;
        PendingUnmap before = null;
        PendingUnmap each = draining;
        while (each != null) {
            final PendingUnmap following = each.next;
            if (!each.isOver()) {
                before = each;
            } else {
                if (before == null) {
                    draining = following;
                } else {
                    before.next = following;
                }
                backlogBytes.addAndGet(-each.length());
                backlog.decrementAndGet();
                each.next = finished;
                finished = each;
            }
            each = following;
        }
        return finished;
    }

    /** Takes what was handed over or left out of the lists. */
    private void gather() {
        for (int stripe = 0; stripe < registered.length(); stripe += SPREAD) {
            if (registered.get(stripe) != null) {
                gather(stripe);
            }
        }
    }

    private void gather(final int stripe) {
        ReservedStack.forBeginning(stripe + 1); // what is taken out is kept, also where the stack ends in an adoption
        final PendingUnmap taken = registered.getAndSet(stripe, null);
        try {
            for (PendingUnmap each = taken; each != null; each = each.next) {
                adopt(each);
            }
        } finally {
            keep(stripe, taken);
        }
    }

    /** Puts what was handed over into the list of what is drained, and the rest back. */
    private void keep(final int stripe, final @Nullable PendingUnmap taken) {
        PendingUnmap each = taken;
        while (each != null) {
            final PendingUnmap following = each.next;
            if (each.isHandedOver()) {
                each.next = draining;
                draining = each;
            } else if (!each.isOver()) {
                putBack(stripe, each);
            }
            each = following;
        }
    }

    private void putBack(final int stripe, final PendingUnmap pending) {
        PendingUnmap head;
        do {
            head = registered.get(stripe);
            pending.next = head;
        } while (!registered.compareAndSet(stripe, head, pending));
    }

    private void beginGracePeriod() {
        long tag = 0;
        for (PendingUnmap each = draining; each != null; each = each.next) {
            if (each.tag() == 0) {
                tag = tag == 0 ? unmapper.beginGracePeriod() : tag;
                unmapper.begin(each, tag);
            }
        }
    }

    /** Whether an unmap waits for a guard that the current thread holds. */
    boolean waitsForCurrentThread() {
        round.lock();
        try {
            for (PendingUnmap each = draining; each != null; each = each.next) {
                if (domain.announcedByMe(each.record(), 0)) {
                    return true;
                }
            }
            return false;
        } finally {
            round.unlock();
        }
    }

    /** Some of the unmaps for whose readers the last round waited, not more than a number. */
    List<PendingUnmap> someWaiting(final int most) {
        round.lock();
        try {
            final List<PendingUnmap> some = new ArrayList<>();
            for (PendingUnmap each = draining; each != null && some.size() < most; each = each.next) {
                some.add(each);
            }
            return some;
        } finally {
            round.unlock();
        }
    }

    /** The unmaps that are announced and not over, those that their own threads wait for among them. */
    List<PendingUnmap> pending() {
        round.lock(); // so that no list is taken apart
        try {
            final List<PendingUnmap> all = new ArrayList<>();
            addLive(draining, all);
            for (int stripe = 0; stripe < registered.length(); stripe += SPREAD) {
                addLive(registered.get(stripe), all);
            }
            return all;
        } finally {
            round.unlock();
        }
    }

    private static void addLive(final @Nullable PendingUnmap first, final List<PendingUnmap> into) {
        for (PendingUnmap each = first; each != null; each = each.next) {
            // Read without order: who sees the one may not see the other yet.
            if (each.detached && !each.isOver() && each.record() != 0) {
                into.add(each);
            }
        }
    }

    @Override
    public String roleName() {
        return "holdfast-reclaimer-" + space;
    }
}
