// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import java.lang.System.Logger.Level;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.AgentRunner;
import org.agrona.concurrent.NanoClock;
import org.agrona.concurrent.SystemNanoClock;
import org.jspecify.annotations.Nullable;

/**
 * The space's own thread for the reclaimer, started when there is something to reclaim. It lingers before a round,
 * because a thread that goes on announcing unmaps does a round of them itself, and quicker: the lines of memory that are
 * changed are with it. A backlog that grows nevertheless, or has been left alone for a while, is finished here. Where
 * nothing is to be done it sleeps ({@link RestingIdle}).
 *
 * <p>Thread-safe; {@link #doWork} is for the thread.
 */
final class ReclaimerThread implements Agent {
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    /** So many announced unmaps the announcing thread finishes itself. */
    static final int ROUND = 32;
    /** Less than a thread that looks from time to time sleeps, and enough to announce a round of small regions. */
    static final long LINGER_NS = 200_000;

    /** The longest nap: an era that is waited for ends later by as much at the most. */
    private static final long NAP_NS = 25_000_000;
    private static final int NAPS_IN_ERA = 4;

    private final Reclaimer reclaimer;
    private final SpaceSettings settings;
    private final NanoClock clock;
    private boolean lingering; // these three by the thread alone
    private long rounds;
    private long since;
    private volatile @Nullable AgentRunner runner; // written under this
    private @Nullable Thread worker; // under this
    private volatile @Nullable Thread own; // written by the thread itself, before all else
    private volatile boolean stopped; // written under this

    ReclaimerThread(final Reclaimer reclaimer, final SpaceSettings settings) {
        this(reclaimer, settings, SystemNanoClock.INSTANCE);
    }

    /** With another clock for the lingering. */
    ReclaimerThread(final Reclaimer reclaimer, final SpaceSettings settings, final NanoClock clock) {
        this.reclaimer = reclaimer;
        this.settings = settings;
        this.clock = clock;
    }

    @Override
    public int doWork() {
        final long backlog = reclaimer.backlog();
        if (backlog == 0) {
            lingering = false;
            return 0;
        }
        if (backlog < 2 * ROUND && mayBeLeft()) {
            return 0;
        }
        final int finished = reclaimer.doWork();
        lingering &= reclaimer.backlog() != 0; // what is left waits for readers, and is looked at every time
        rounds = reclaimer.rounds();
        return finished;
    }

    /** Whether it is too early, or others have done a round meanwhile and may do the next one. */
    private boolean mayBeLeft() {
        final long now = clock.nanoTime();
        if (!lingering || reclaimer.rounds() != rounds) {
            lingering = true;
            rounds = reclaimer.rounds();
            since = now;
        }
        return now - since < LINGER_NS;
    }

    @Override
    public String roleName() {
        return reclaimer.roleName();
    }

    /** Makes sure that somebody ends what was announced. */
    void ensureRunning() {
        if (settings.startReclaimer() && runner == null) {
            start();
        }
    }

    private synchronized void start() {
        if (runner != null || stopped) {
            return;
        }
        try {
            final AgentRunner created = newRunner();
            final Thread thread = Thread.ofPlatform().group(topGroup()).daemon().name(reclaimer.roleName())
                .inheritInheritableThreadLocals(false).unstarted(() -> work(created));
            thread.setContextClassLoader(ReclaimerThread.class.getClassLoader()); // not that of who happens to unmap first
            thread.start();
            worker = thread;
            runner = created;
        } catch (final RuntimeException | OutOfMemoryError | StackOverflowError e) {
            reportNoThread(e); // the unmap has happened; the next one tries again, and so does the close
        }
    }

    private AgentRunner newRunner() {
        final NapLength nap = new NapLength(Math.min(settings.eraNs() / NAPS_IN_ERA, NAP_NS), settings.eraBytes());
        final RestingIdle idle =
            new RestingIdle(reclaimer, settings.idle().get(), () -> stopped, clock, nap);
        return new AgentRunner(idle, this::report, null, this);
    }

    /** Not the group of who happens to unmap first, which may be interrupted or watched as a whole. */
    private static ThreadGroup topGroup() {
        ThreadGroup group = Thread.currentThread().getThreadGroup();
        while (group.getParent() != null) {
            group = group.getParent();
        }
        return group;
    }

    /** An interrupt ends a runner; the thread goes on with another one. */
    private void work(final AgentRunner first) {
        own = Thread.currentThread();
        try {
            AgentRunner current = first;
            while (current != null) {
                current.run();
                current = next();
            }
        } finally {
            leave();
        }
    }

    private synchronized @Nullable AgentRunner next() {
        Thread.interrupted(); // whoever sent it has no part in this thread
        if (stopped) {
            return null;
        }
        final AgentRunner created = newRunner();
        runner = created;
        return created;
    }

    /** If it could not go on, for want of heap or of an idle strategy, the next unmap starts another thread. */
    private synchronized void leave() {
        if (!stopped) {
            runner = null;
        }
    }

    private void reportNoThread(final Throwable failure) {
        try {
            report(new IllegalStateException("no thread for the reclaimer of space " + settings.name() +
                "; raise the limit of threads (ulimit -u)", failure));
        } catch (final OutOfMemoryError | StackOverflowError e) {
            // it was heap or stack that ran out, and not threads
        }
    }

    /** Tells the user; an error of his is none of the thread's, which would end with it. */
    private void report(final Throwable error) {
        try {
            settings.errors().onError(error);
        } catch (final Throwable e) {
            LOGGER.log(Level.ERROR, "the error handler of space " + settings.name() + " failed at " + error, e);
        }
    }

    /** Whether the current thread is the one that works in the background. */
    boolean isCurrent() {
        return Thread.currentThread() == own;
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
        reclaimer.wake(); // it does not rest again
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
