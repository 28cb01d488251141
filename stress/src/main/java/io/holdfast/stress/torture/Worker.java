// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A thread of a run, and whether it gets anywhere. */
abstract class Worker implements Runnable {
    private final World world;
    private final SplittableRandom random;
    private final String name;
    // Written with release access: a volatile store would empty the store buffer, where some defects show.
    private final AtomicLong lastStep = new AtomicLong(System.nanoTime());
    private final AtomicReference<String> step = new AtomicReference<>("starting");
    private volatile boolean done;
    private @Nullable Thread thread;

    Worker(final World world, final SplittableRandom random, final String name) {
        this.world = world;
        this.random = random;
        this.name = name;
    }

    final World world() {
        return world;
    }

    final SplittableRandom random() {
        return random;
    }

    final void start(final boolean virtual) {
        final Thread created = virtual ? Thread.ofVirtual().name(name).unstarted(this)
            : Thread.ofPlatform().name(name).daemon(true).unstarted(this);
        thread = created;
        created.start();
    }

    /** Does one thing. */
    abstract void step();

    /** Whether there is more to do. */
    boolean goesOn() {
        return world.goesOn();
    }

    @Override
    public final void run() {
        try {
            while (goesOn()) {
                lastStep.setRelease(System.nanoTime());
                step();
            }
        } catch (final Throwable e) {
            e.addSuppressed(new IllegalStateException("in " + name + ", doing " + step.get()));
            world.fail(e);
        } finally {
            done = true;
        }
    }

    /** Says what the thread does now, for the report of a hang. */
    final void doing(final String what) {
        step.setRelease(what);
    }

    final boolean isDone() {
        return done;
    }

    /** Fails the run if the thread has not come to the end of a step for too long. */
    final void checkProgress(final long patienceSeconds) {
        final long stuck = System.nanoTime() - lastStep.get();
        if (!done && stuck > TimeUnit.SECONDS.toNanos(patienceSeconds)) {
            final Failure failure = new Failure(name + " gets nowhere: seconds=" +
                TimeUnit.NANOSECONDS.toSeconds(stuck) + ", doing=" + step.get());
            final Thread stuckThread = thread;
            if (stuckThread != null) {
                failure.setStackTrace(stuckThread.getStackTrace());
            }
            world.fail(failure);
        }
    }
}
