// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How long a reader waits for its lock beside writers that take it exclusively again and again, without a pause.
 *
 * <p>The counters are percentiles of the reader's waits in nanoseconds, the longest of them, and how often each side had
 * the lock; the row's own time is only how long it was run. A writer holds the lock for 20 us.
 *
 * <p>{@code java -jar benchmarks.jar TurnBenchmark}
 */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 1)
@Measurement(iterations = 3)
@State(Scope.Benchmark)
@NullUnmarked
public class TurnBenchmark {
    private static final long SECTION_NS = 20_000;
    private static final long HIGHEST_NS = TimeUnit.SECONDS.toNanos(60);
    private static final int DIGITS = 3;

    /** Threads that lock exclusively. */
    @Param({"1", "2"})
    public int writers;

    /** How long one measurement takes, at least. */
    @Param("1000")
    public int millis;

    private AddressSpace space;
    private Region region;

    /** What was seen; the names are those of the report. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    @NullUnmarked
    public static class Waits {
        /** Half of the waits took no longer. */
        public long p50;
        /** 99 of 100 took no longer. */
        public long p99;
        /** No wait took longer. */
        public long maximum;
        /** How often the reader had the lock. */
        public long reads;
        /** How often a writer had it. */
        public long writes;
    }

    /** Maps a region. */
    @Setup
    public void open() {
        space = AddressSpace.open();
        region = space.map(4096);
    }

    /** Closes its space. */
    @TearDown
    public void close() {
        space.close();
    }

    private void measure(final Waits seen, final Runnable write, final Runnable read) throws InterruptedException {
        final LongAdder writes = new LongAdder();
        final long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
        final List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < writers; i++) {
            threads.add(Thread.ofPlatform().daemon().name("writer").start(() -> {
                while (System.nanoTime() < end) {
                    write.run();
                    writes.increment();
                }
            }));
        }
        final Histogram histogram = new Histogram(HIGHEST_NS, DIGITS);
        long now = System.nanoTime();
        while (now < end) {
            final long before = now;
            read.run();
            now = System.nanoTime();
            histogram.recordValue(Math.min(HIGHEST_NS, now - before));
        }
        for (final Thread thread : threads) {
            thread.join();
        }
        seen.p50 = histogram.getValueAtPercentile(50);
        seen.p99 = histogram.getValueAtPercentile(99);
        seen.maximum = histogram.getMaxValue();
        seen.reads = histogram.getTotalCount();
        seen.writes = writes.sum();
    }

    private static void work() {
        final long end = System.nanoTime() + SECTION_NS;
        while (System.nanoTime() < end) {
            Thread.onSpinWait();
        }
    }

    /** Guards of one region. */
    @Benchmark
    public void holdfast(final Waits seen) throws InterruptedException {
        measure(seen, () -> {
            try (Guard _ = region.exclusive()) {
                work();
            }
        }, () -> region.share().close());
    }

    /** The JDK's lock, which lets writers barge. */
    @Benchmark
    public void readWriteLock(final Waits seen) throws InterruptedException {
        measure(seen, new ReentrantReadWriteLock());
    }

    /** The same, in order of arrival. */
    @Benchmark
    public void readWriteLockFair(final Waits seen) throws InterruptedException {
        measure(seen, new ReentrantReadWriteLock(true));
    }

    /** The JDK's stamped lock. */
    @Benchmark
    public void stampedLock(final Waits seen) throws InterruptedException {
        measure(seen, new StampedLock().asReadWriteLock());
    }

    private void measure(final Waits seen, final ReadWriteLock lock) throws InterruptedException {
        final Lock writing = lock.writeLock();
        final Lock reading = lock.readLock();
        measure(seen, () -> {
            writing.lock();
            try {
                work();
            } finally {
                writing.unlock();
            }
        }, () -> {
            reading.lock();
            try {
                Thread.onSpinWait();
            } finally {
                reading.unlock();
            }
        });
    }
}
