// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongSupplier;
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
 * How long one read takes while another thread, at full rate, replaces what is read and gives the old memory back.
 *
 * <p>Reads are due at fixed times, and each is measured from when it was due, not from when it began: a read that is held
 * up makes those behind it late, and their lateness counts (no coordinated omission). The counters are percentiles of an
 * HdrHistogram, in nanoseconds, and how often memory was given back in that time; the row's own time is only how long it
 * was run. {@code undisturbed} is the price of the measurement itself.
 *
 * <p>{@code java -jar benchmarks.jar LatencyBenchmark}
 */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", FixedHeap.LEAST, FixedHeap.MOST,
    FixedHeap.TOUCHED})
@Warmup(iterations = 2)
@Measurement(iterations = 3)
@State(Scope.Benchmark)
@NullUnmarked
public class LatencyBenchmark {
    private static final long BYTES = 65536;
    private static final long OFFSET = 128;
    private static final long HIGHEST_NS = TimeUnit.SECONDS.toNanos(10);
    private static final int DIGITS = 3;

    /** How long one measurement takes. */
    @Param("1000")
    public int millis;

    /** From one read to the next. */
    @Param("2000")
    public int intervalNs;

    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private AddressSpace space;
    private MemorySegment global;
    private volatile Region region;
    private volatile MemorySegment segment;
    private MemorySegment locked;

    /** What was seen; the names are those of the report. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    @NullUnmarked
    public static class Percentiles {
        /** Half of the reads took no longer. */
        public long p50;
        /** 90 of 100 took no longer. */
        public long p90;
        /** 99 of 100 took no longer. */
        public long p99;
        /** 999 of 1,000 took no longer. */
        public long p999;
        /** 9,999 of 10,000 took no longer. */
        public long p9999;
        /** No read took longer. */
        public long maximum;
        /** How often memory was given back meanwhile. */
        public long unmaps;
    }

    /** Opens the space. */
    @Setup
    public void open() {
        space = AddressSpace.open();
        global = Arena.global().allocate(BYTES, Long.BYTES);
    }

    /** Closes it. */
    @TearDown
    public void close() {
        space.close();
    }

    private long measure(final Percentiles seen, final Runnable replace, final LongSupplier read)
        throws InterruptedException {
        final Storm storm = new Storm(replace);
        final Histogram histogram = new Histogram(HIGHEST_NS, DIGITS);
        final long begin = System.nanoTime();
        final long sum =
            Paced.run(begin, begin + TimeUnit.MILLISECONDS.toNanos(millis), intervalNs, histogram, read);
        seen.unmaps = storm.end();
        seen.p50 = histogram.getValueAtPercentile(50);
        seen.p90 = histogram.getValueAtPercentile(90);
        seen.p99 = histogram.getValueAtPercentile(99);
        seen.p999 = histogram.getValueAtPercentile(99.9);
        seen.p9999 = histogram.getValueAtPercentile(99.99);
        seen.maximum = histogram.getMaxValue();
        return sum;
    }

    /**
     * Nobody unmaps anything.
     *
     * @return sum of what was read
     */
    @Benchmark
    public long undisturbed(final Percentiles seen) throws InterruptedException {
        return measure(seen, Thread::onSpinWait, () -> global.get(JAVA_LONG, OFFSET));
    }

    /**
     * Guarded reads of regions that are unmapped.
     *
     * @return sum of what was read
     */
    @Benchmark
    public long holdfastGuard(final Percentiles seen) throws InterruptedException {
        region = space.map(BYTES);
        final long sum = measure(seen, this::replaceRegion, () -> {
            while (true) {
                try (Guard guard = region.tryShare()) {
                    if (guard.isHeld()) {
                        return guard.segment().get(JAVA_LONG, OFFSET);
                    }
                }
            }
        });
        region.unmap();
        return sum;
    }

    /**
     * Optimistic reads of regions that are unmapped.
     *
     * @return sum of what was read
     */
    @Benchmark
    public long holdfastOptimistic(final Percentiles seen) throws InterruptedException {
        region = space.map(BYTES);
        final long sum = measure(seen, this::replaceRegion, () -> {
            while (true) {
                final Region current = region;
                final long stamp = current.tryOptimisticRead();
                final long value = current.optimisticSegment().get(JAVA_LONG, OFFSET);
                if (current.validate(stamp)) {
                    return value;
                }
            }
        });
        region.unmap();
        return sum;
    }

    private void replaceRegion() {
        final Region old = region;
        region = space.map(BYTES);
        old.unmap();
    }

    /**
     * Reads of segments whose shared arenas are closed.
     *
     * @return sum of what was read
     */
    @Benchmark
    public long sharedArena(final Percentiles seen) throws InterruptedException {
        final Arena[] arena = {Arena.ofShared()};
        segment = arena[0].allocate(BYTES, Long.BYTES);
        final long sum = measure(seen, () -> {
            final Arena next = Arena.ofShared();
            segment = next.allocate(BYTES, Long.BYTES);
            arena[0].close();
            arena[0] = next;
        }, this::readUntilOpen);
        arena[0].close();
        return sum;
    }

    // A closed arena is how this reader learns that there is a newer segment. HotSpot tells a reader inside by an
    // asynchronous exception and sets its interrupt status with it, which has to be cleared or ends some later wait.
    private long readUntilOpen() {
        while (true) {
            try {
                return segment.get(JAVA_LONG, OFFSET);
            } catch (final IllegalStateException closed) {
                Thread.interrupted();
            }
        }
    }

    /**
     * Reads under a read-write lock whose writer unmaps.
     *
     * @return sum of what was read
     */
    @Benchmark
    public long readWriteLock(final Percentiles seen) throws InterruptedException {
        locked = RawMemory.mapAnonymous(BYTES);
        final long sum = measure(seen, () -> {
            final MemorySegment next = RawMemory.mapAnonymous(BYTES);
            lock.writeLock().lock();
            try {
                RawMemory.unmap(locked);
                locked = next;
            } finally {
                lock.writeLock().unlock();
            }
        }, () -> {
            lock.readLock().lock();
            try {
                return locked.get(JAVA_LONG, OFFSET);
            } finally {
                lock.readLock().unlock();
            }
        });
        RawMemory.unmap(locked);
        return sum;
    }

    /** A thread that does one thing over and over. */
    private static final class Storm {
        private final Thread thread;
        private volatile boolean stop;
        private long rounds;

        Storm(final Runnable replace) {
            thread = Thread.ofPlatform().daemon().name("storm").start(() -> {
                while (!stop) {
                    replace.run();
                    rounds++;
                }
            });
        }

        long end() throws InterruptedException {
            stop = true;
            thread.join();
            return rounds;
        }
    }
}
