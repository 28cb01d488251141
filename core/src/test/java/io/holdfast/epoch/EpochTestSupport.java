// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.memory.NativeMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.IntConsumer;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.YieldingIdleStrategy;

/** What the tests of announcements and locks share: domains, waits that end or follow a script, threads that obey. */
public final class EpochTestSupport {
    /** Long enough for the slowest machine; a test that gets here has failed. */
    public static final long TOO_LONG_NS = TimeUnit.MINUTES.toNanos(2);

    private EpochTestSupport() {
    }

    /** The flavour that this run of the suite is for. */
    public static BarrierFlavour flavour() {
        return BarrierFlavour.valueOf(System.getProperty("io.holdfast.barrier", "membarrier").toUpperCase(Locale.ROOT));
    }

    /** A domain of the flavour that this run of the suite is for. */
    public static EpochDomain newDomain() {
        return EpochDomain.create(NativeMemory.system(), flavour());
    }

    /** Makes the epoch rise, as a writer does that meets a pin. */
    public static void advance(final EpochDomain domain) {
        final long tag = domain.currentEpoch();
        domain.pinStructure();
        assertThat(domain.passed(tag)).isFalse();
        domain.unpinStructure();
        assertThat(domain.currentEpoch()).isGreaterThan(tag);
    }

    /** A peer whose id takes the same entry of a table of quick slots as another; any peer for 0. */
    public static Peer peerWithId(final long other) {
        while (true) {
            final Peer peer = Peer.platform();
            if (other == 0 || (peer.thread().threadId() - other) % QuickSlots.SIZE == 0) {
                return peer;
            }
            peer.close();
        }
    }

    /** Whether the current thread's slot is found by its mark. */
    public static boolean isQuick(final EpochDomain domain) {
        final long mark = QuickSlots.mark(domain.quickSeed());
        return QuickSlot.isOf(QuickSlots.hint(mark), mark);
    }

    /** A domain in which threads announce without a fence from their first announcement on. */
    public static EpochDomain lightDomain(final NativeMemory memory) {
        return EpochDomain.create(memory, BarrierFlavour.MEMBARRIER, 0);
    }

    /** A peer for whose sake writers need the membarrier. */
    public static Peer lightPeer(final EpochDomain domain) {
        final Peer peer = Peer.platform();
        peer.run(() -> {
            domain.pin();
            domain.unpin();
        });
        return peer;
    }

    /** A wait that is long, but not for ever. */
    public static Waiting patient() {
        return timed(TOO_LONG_NS);
    }

    /** A wait with a timeout that no interrupt ends. */
    public static Waiting timed(final long timeoutNs) {
        return new Waiting(YieldingIdleStrategy::new, timeoutNs, false, Waiting.FOREVER);
    }

    /** A wait without patience. */
    public static Waiting impatient() {
        return timed(0);
    }

    /** A wait that runs the steps, one at each pause, and fails when it has to pause again. */
    public static Waiting scripted(final Runnable... steps) {
        return new Waiting(() -> new Script(steps), Waiting.FOREVER, true, Waiting.FOREVER);
    }

    /** Gives the processor to another thread; on one core nothing else would happen. */
    public static void letOthersRun() {
        YieldingIdleStrategy.INSTANCE.idle();
    }

    /** Waits until the condition holds. */
    public static void await(final String what, final BooleanSupplier condition) {
        final long start = System.nanoTime();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - start > TOO_LONG_NS) {
                throw new AssertionError("waited in vain for: " + what);
            }
            letOthersRun();
        }
    }

    /** Runs the body in as many threads at once, with their numbers; throws what the first of them threw. */
    public static void together(final int threads, final IntConsumer body) {
        final AtomicReference<Throwable> failure = new AtomicReference<>();
        final CyclicBarrier start = new CyclicBarrier(threads);
        final List<Thread> all = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            final int number = i;
            all.add(Thread.ofPlatform().start(() -> {
                try {
                    start.await();
                    body.accept(number);
                } catch (final Throwable e) {
                    failure.compareAndSet(null, e);
                }
            }));
        }
        for (final Thread thread : all) {
            join(thread);
        }
        if (failure.get() != null) {
            throw new AssertionError("a thread failed: " + failure.get(), failure.get());
        }
    }

    /** Waits for the end of a thread. */
    public static void join(final Thread thread) {
        try {
            thread.join(TimeUnit.NANOSECONDS.toMillis(TOO_LONG_NS));
        } catch (final InterruptedException e) {
            throw new AssertionError("interrupted while waiting for " + thread, e);
        }
        if (thread.isAlive()) {
            throw new AssertionError("does not end: " + thread);
        }
    }

    private static final class Script implements IdleStrategy {
        private final Runnable[] steps;
        private int next;

        Script(final Runnable... steps) {
            this.steps = steps;
        }

        @Override
        public void idle(final int workCount) {
            idle();
        }

        @Override
        public void idle() {
            if (next == steps.length) {
                throw new AssertionError("waits although nobody is left to wait for: steps=" + next);
            }
            steps[next++].run();
        }

        @Override
        public void reset() {
            // A script goes on where it is.
        }
    }

    /** A thread that does what it is told, one thing after the other, and stands still in between. */
    public static final class Peer implements AutoCloseable {
        private final LinkedBlockingQueue<FutureTask<?>> tasks = new LinkedBlockingQueue<>();
        private final Thread thread;
        private volatile boolean ended;

        private Peer(final Thread.Builder builder) {
            thread = builder.start(this::work);
        }

        /** A peer on a platform thread. */
        public static Peer platform() {
            return new Peer(Thread.ofPlatform().name("peer"));
        }

        /** A peer on a platform thread that shares no stripe with the calling one. */
        public static Peer ofAnotherStripe() {
            final List<Peer> same = new ArrayList<>();
            Peer peer = platform();
            while (peer.call(Stripes::mine) == Stripes.mine()) {
                same.add(peer);
                peer = platform();
            }
            same.forEach(Peer::close);
            return peer;
        }

        /** A peer on a virtual thread, which is unmounted while it stands still. */
        public static Peer virtual() {
            return new Peer(Thread.ofVirtual().name("virtual peer"));
        }

        private void work() {
            try {
                while (!ended) {
                    tasks.take().run();
                }
            } catch (final InterruptedException e) {
                throw new AssertionError("a peer was interrupted", e);
            }
        }

        /** Lets the peer begin something; {@link FutureTask#get()} waits for it. */
        public <T> FutureTask<T> begin(final Callable<T> task) {
            final FutureTask<T> future = new FutureTask<>(task);
            tasks.add(future);
            return future;
        }

        /** Lets the peer do something and waits for it. */
        public <T> T call(final Callable<T> task) {
            return result(begin(task));
        }

        /** Lets the peer do something and waits for it. */
        public void run(final Runnable task) {
            call(() -> {
                task.run();
                return Boolean.TRUE;
            });
        }

        /** The peer's thread. */
        public Thread thread() {
            return thread;
        }

        /** Ends the peer's thread, with whatever it holds. */
        @Override
        public void close() {
            if (!ended) {
                run(() -> ended = true);
                join(thread);
            }
        }
    }

    /** The result of something begun; throws what it threw if that is unchecked. */
    public static <T> T result(final FutureTask<T> future) {
        try {
            return future.get(TOO_LONG_NS, TimeUnit.NANOSECONDS);
        } catch (final ExecutionException e) {
            if (e.getCause() instanceof final RuntimeException cause) {
                throw cause;
            }
            throw new AssertionError("a peer failed: " + e.getCause(), e.getCause());
        } catch (final InterruptedException | TimeoutException e) {
            throw new AssertionError("a peer does not answer", e);
        }
    }
}
