// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Pin;
import io.holdfast.Region;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.NullUnmarked;
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
 * An exclusive lock on memory that nobody reads: the announcement, the barrier, a look at every reader's slot, the end.
 * What a writer pays for readers that pay nothing.
 *
 * <p>Each thread locks a region, or a lock, of its own; writers that meet share barriers. {@code idleThreads} are platform
 * threads that have a slot and do nothing; {@code reader} runs a thread that reads another region under guards, so that
 * the barrier has to interrupt it.
 *
 * <p>{@code java -jar benchmarks.jar DrainBenchmark -t 1}, then with {@code -t 2}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class DrainBenchmark {
    private static final int PAGE = 4096;
    private static final long OFFSET = 64;

    /** How many platform threads have a slot and do nothing. */
    @Param({"0", "1000", "4000"})
    public int idleThreads;

    /** Whether a thread reads another region meanwhile. */
    @Param({"false", "true"})
    public boolean reader;

    private AddressSpace space;
    private IdleThreads idle;
    private Thread reading;
    private volatile boolean stop;
    private volatile long sink;

    /** What a thread has of its own. */
    @State(Scope.Thread)
    public static class Mine {
        private Region region;
        private Lock writeLock;
        private StampedLock stamped;
        private long writes;

        /** Maps the thread's region. */
        @Setup
        public void begin(final DrainBenchmark all) {
            region = all.space.map(PAGE);
            writeLock = new ReentrantReadWriteLock().writeLock();
            stamped = new StampedLock();
        }
    }

    /** Opens the space, starts the threads. */
    @Setup
    public void begin() throws InterruptedException {
        space = AddressSpace.open();
        idle = new IdleThreads(idleThreads, () -> {
            try (Pin pin = space.pin()) {
                pin.find(0);
            }
        });
        stop = false;
        if (reader) {
            final Region other = space.map(PAGE);
            reading = Thread.ofPlatform().daemon().start(() -> {
                long sum = 0;
                while (!stop) {
                    try (Guard guard = other.share()) {
                        sum += guard.segment().get(JAVA_LONG, sum & OFFSET);
                    }
                }
                sink = sum;
            });
        }
    }

    /** Ends all of it. */
    @TearDown
    public void end() throws InterruptedException {
        stop = true;
        if (reading != null) {
            reading.join();
        }
        idle.close();
        space.close();
    }

    /**
     * The region's exclusive lock.
     *
     * @return how often it was held
     */
    @Benchmark
    public long holdfastExclusive(final Mine mine) {
        final long stamp = mine.region.lockExclusive();
        try {
            return ++mine.writes;
        } finally {
            mine.region.unlockExclusive(stamp);
        }
    }

    /**
     * Write lock of the JDK's reentrant lock, which finds its readers in its own word.
     *
     * @return how often it was held
     */
    @Benchmark
    public long reentrantWriteLock(final Mine mine) {
        mine.writeLock.lock();
        try {
            return ++mine.writes;
        } finally {
            mine.writeLock.unlock();
        }
    }

    /**
     * Write lock of the JDK's stamped lock.
     *
     * @return how often it was held
     */
    @Benchmark
    public long stampedWriteLock(final Mine mine) {
        final long stamp = mine.stamped.writeLock();
        try {
            return ++mine.writes;
        } finally {
            mine.stamped.unlockWrite(stamp);
        }
    }
}
