// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import io.holdfast.AddressSpace;
import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Write sections that change one region each, from one and two threads, over ranges that are disjoint or overlap.
 *
 * <p>Every change is a system call on the region's pages besides. The peer is a sorted map whose writers exclude each
 * other whatever they change, and which maps nothing.
 *
 * <p>{@code java -jar benchmarks.jar SectionBenchmark -t 1}, then with {@code -t 2}
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", FixedHeap.LEAST, FixedHeap.MOST,
    FixedHeap.TOUCHED})
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class SectionBenchmark {
    private static final long PAGE = 4096;
    private static final int REGIONS = 1000;

    private AddressSpace space;
    private final TreeMap<Long, Long> treeMap = new TreeMap<>();
    private final Lock treeMapLock = new ReentrantReadWriteLock().writeLock();
    private final AtomicLong keys = new AtomicLong();

    /** What a thread changes. */
    @State(Scope.Thread)
    @NullUnmarked
    public static class Own {
        private Region region;
        private long key;

        /** Takes a region and a key. */
        @Setup
        public void take(final SectionBenchmark benchmark) {
            region = benchmark.space.map(PAGE);
            key = benchmark.keys.incrementAndGet() * PAGE + 1;
        }
    }

    /** Maps what stays. */
    @Setup
    public void open() {
        space = AddressSpace.open();
        for (long i = 0; i < REGIONS; i++) {
            space.map(PAGE);
            treeMap.put(i * PAGE, (i + 1) * PAGE);
        }
    }

    /** Unmaps it. */
    @TearDown
    public void close() {
        space.close();
    }

    /** A section over one region changes its protection. */
    @Benchmark
    public void holdfastDisjoint(final Own own) {
        try (WriteSection section = space.write(own.region.address(), own.region.address() + own.region.size())) {
            own.region = change(section, own.region);
        }
    }

    /** A section over the whole space, which all others overlap, changes the protection of one region. */
    @Benchmark
    public void holdfastOverlapping(final Own own) {
        try (WriteSection section = space.write()) {
            own.region = change(section, own.region);
        }
    }

    private static Region change(final WriteSection section, final Region region) {
        final Region changed =
            section.protect(region, region.isWritable() ? Protection.READ_ONLY : Protection.READ_WRITE);
        section.publish();
        return changed;
    }

    /**
     * Put and remove in a sorted map under its write lock.
     *
     * @return what was removed
     */
    @Benchmark
    public Long treeMapWriteLock(final Own own) {
        treeMapLock.lock();
        try {
            treeMap.put(own.key, own.key + 1);
            return treeMap.remove(own.key);
        } finally {
            treeMapLock.unlock();
        }
    }
}
