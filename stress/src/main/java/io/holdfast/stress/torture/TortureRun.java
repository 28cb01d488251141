// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;

/** One run in this process: starts everybody, watches over them, and says how it went. */
final class TortureRun {
    /** How the line begins that names the failure. */
    static final String FAILURE = "failure: ";
    private static final String UNFIT = "the classes do not fit each other: "; // no finding about what is woven in
    private static final long TICK_NS = 50_000_000;
    private static final int STUTTER_EVERY = 64;
    private static final int LIVE_LINE_EVERY = 20;

    private final Settings settings;
    private final PrintStream out;
    private final World world;
    private final List<Worker> workers = new ArrayList<>();
    private final List<Worker> hands = new ArrayList<>();

    TortureRun(final Settings settings, final PrintStream out) {
        this.settings = settings;
        this.out = out;
        this.world = new World(settings);
    }

    /** Runs; returns whether nothing was wrong. */
    boolean run() throws IOException {
        Mapper.prepare(settings.directory());
        out.printf("torture: seed=%d, seconds=%d, readers=%d, writers=%d, virtual=%d, barrier=%s, regions=%d%n",
            settings.seed(), settings.seconds(), settings.readers(), settings.writers(), settings.virtual(),
            world.stage().space().barrier(), settings.regions());
        final long begin = System.nanoTime();
        start();
        Pauses.arm(true);
        watch(begin);
        Pauses.arm(false);
        finish();
        report(begin);
        return world.failure() == null;
    }

    private void start() {
        final SplittableRandom seeds = new SplittableRandom(settings.seed());
        for (int i = 0; i < settings.readers(); i++) {
            workers.add(new Reader(world, seeds.split(), "reader-" + i, false));
        }
        for (int i = 0; i < settings.virtual(); i++) {
            workers.add(new Reader(world, seeds.split(), "virtual-reader-" + i, true));
        }
        for (int i = 0; i < settings.writers(); i++) {
            workers.add(new Writer(world, seeds.split(), "writer-" + i));
        }
        if (!settings.locksOnly()) {
            workers.add(new Closer(world, seeds.split(), "closer"));
        }
        hands.add(new Hand(world, seeds.split(), "hand"));
        hands.forEach(hand -> hand.start(false));
        workers.forEach(worker -> worker.start(worker instanceof final Reader reader && reader.isVirtual()));
    }

    /** Until the time is over and everything was met, or something is wrong, or patience ends. */
    private void watch(final long begin) {
        for (long tick = 1; world.failure() == null; tick++) {
            LockSupport.parkNanos(TICK_NS);
            final long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin);
            if (seconds >= settings.seconds() && world.unmet().isEmpty()) {
                return;
            }
            if (seconds >= settings.seconds() + settings.patience()) {
                world.fail(new Failure("not met: " + world.unmet() + "; a longer run, or more threads, may"));
            }
            world.stutter(tick % STUTTER_EVERY == 0);
            if (tick % STUTTER_EVERY == 0) {
                world.count(Event.STUTTERED);
            }
            workers.forEach(worker -> worker.checkProgress(settings.patience()));
            hands.forEach(hand -> hand.checkProgress(settings.patience()));
            if (tick % LIVE_LINE_EVERY == 0) {
                liveLine(seconds);
            }
        }
    }

    private void liveLine(final long seconds) {
        final long reads = world.counted(Event.GUARD_READ) + world.counted(Event.STAMP_READ) +
            world.counted(Event.PIN_READ) + world.counted(Event.OPTIMISTIC_READ);
        out.printf("%6d s  reads=%,d  written=%,d  mapped=%,d  reshaped=%,d  spaces=%d%n", seconds, reads,
            world.counted(Event.REWRITTEN), world.counted(Event.MAPPED) + world.counted(Event.FILE_MAPPED),
            world.counted(Event.SPLIT) + world.counted(Event.PROTECTED) + world.counted(Event.TRIMMED) +
                world.counted(Event.CUT) + world.counted(Event.REMAPPED), world.stage().era());
    }

    /** Ends everybody, closes the last space, and looks for what is left. */
    private void finish() {
        world.stopWorkers();
        await(workers);
        if (world.failure() != null) {
            return;
        }
        final Worker last = new Worker(world, new SplittableRandom(), "last close") {
            private boolean closed;

            @Override
            void step() {
                doing("close");
                Closer.close(world);
                closed = true;
            }

            @Override
            boolean goesOn() {
                return !closed;
            }
        };
        last.start(false);
        await(List.of(last));
        world.stopAll();
        await(hands);
        if (world.failure() == null) {
            try {
                Leaks.checkInvariants(world.stage().space()); // once more, now that nobody can be inside
            } catch (final Failure e) {
                world.fail(e);
            }
        }
    }

    private void await(final List<Worker> all) {
        while (world.failure() == null && !all.stream().allMatch(Worker::isDone)) {
            LockSupport.parkNanos(TICK_NS / 10);
            all.forEach(worker -> worker.checkProgress(settings.patience()));
        }
    }

    private void report(final long begin) {
        out.printf("%nevents, each met at least once:%n");
        for (final Event event : Event.values()) {
            out.printf("  %-26s %,15d%n", event, world.counted(event));
        }
        out.printf("pauses between two steps, by point:%n%s", Pauses.table());
        out.printf("zones of the tree: %s%n", Zones.table());
        out.printf("age of what protected readers saw (0 lives, 1 is being unmapped, from 2 on it is gone):%n");
        for (final World.Shelter shelter : World.Shelter.values()) {
            final Histogram ages = world.ages(shelter);
            out.printf("  %-6s 0: %,15d   1: %,12d   2 and more: %,d%n", shelter, ages.getCountAtValue(0),
                ages.getCountAtValue(1), ages.getTotalCount() - ages.getCountAtValue(0) - ages.getCountAtValue(1));
        }
        final Throwable failure = world.failure();
        if (failure == null) {
            out.printf("leaks: none (kernel mappings, descriptors, records, tree nodes, slots, quarantined and lost " +
                "ranges), and no invariant broken, in each of %d spaces%n", world.stage().era());
        }
        out.printf("%s after %.1f s, seed=%d%n", failure == null ? "passed" : "FAILED",
            (System.nanoTime() - begin) / 1e9, settings.seed());
        if (failure != null) {
            out.print(failure instanceof LinkageError ? UNFIT : FAILURE);
            failure.printStackTrace(out);
            for (final Map.Entry<Thread, StackTraceElement[]> thread : Thread.getAllStackTraces().entrySet()) {
                out.println("thread " + thread.getKey().getName() + " " + thread.getKey().getState());
                for (final StackTraceElement frame : thread.getValue()) {
                    out.println("    at " + frame);
                }
            }
        }
        out.flush();
    }
}
