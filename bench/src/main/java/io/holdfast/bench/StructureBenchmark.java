// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import io.holdfast.AddressSpace;
import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.IntervalTree;
import io.holdfast.tree.TreeTuning;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
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
 * Changes of the structure from one and two threads: a region appears and goes away, among others that stay.
 *
 * <p>The rows of the interval tree and of its peers keep a table of intervals and map nothing; each thread changes places
 * of its own half of the table, chosen at random, between intervals that were inserted in random order. The row of the
 * library is a whole map and unmap, without touching the pages.
 *
 * <p>{@code java -jar benchmarks.jar StructureBenchmark -t 1 -prof gc}, then with {@code -t 2}
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", FixedHeap.LEAST, FixedHeap.MOST,
    FixedHeap.TOUCHED})
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class StructureBenchmark {
    private static final int PAGE = 4096;
    private static final long STEP = 2L * PAGE;
    private static final int HALVES = 2;

    /** Regions that stay. */
    @Param({"1000", "100000"})
    public int regions;

    private EpochDomain domain;
    private IntervalTree tree;
    private ConcurrentSkipListMap<Long, Long> skipList;
    private TreeMap<Long, Long> treeMap;
    private final Lock treeMapLock = new ReentrantLock();
    private final AtomicInteger halves = new AtomicInteger();

    /** A space with its regions. */
    @State(Scope.Benchmark)
    public static class Mapped {
        private AddressSpace space;

        /** Maps them. */
        @Setup
        public void map(final StructureBenchmark benchmark) {
            space = AddressSpace.open();
            for (int i = 0; i < benchmark.regions; i++) {
                space.map(PAGE);
            }
        }

        /** Unmaps them. */
        @TearDown
        public void unmap() {
            space.close();
        }
    }

    /** The places that a thread changes. */
    @State(Scope.Thread)
    public static class Places {
        private static final int COUNT = 1 << 14;

        private final long[] starts = new long[COUNT];
        private int next;

        /** Chooses them. */
        @Setup
        public void choose(final StructureBenchmark benchmark) {
            final int half = benchmark.halves.getAndIncrement() % HALVES;
            final int places = benchmark.regions / HALVES;
            final SplittableRandom random = new SplittableRandom(half);
            for (int i = 0; i < COUNT; i++) {
                starts[i] = (long) (half * places + random.nextInt(places)) * STEP + PAGE;
            }
        }

        long start() {
            next = next + 1 & COUNT - 1;
            return starts[next];
        }
    }

    /** Fills the tables. */
    @Setup
    public void open() {
        domain = EpochDomain.create(NativeMemory.system(), BarrierFlavour.MEMBARRIER);
        tree = new IntervalTree(domain, NativeMemory.system(), 0, AddressSpace.DEFAULT_CAPACITY,
            TreeTuning.DEFAULT.withGranule(PAGE));
        skipList = new ConcurrentSkipListMap<>();
        treeMap = new TreeMap<>();
        final List<Integer> order = new ArrayList<>();
        for (int i = 0; i < regions; i++) {
            order.add(i);
        }
        Collections.shuffle(order, new Random(42));
        for (final int each : order) {
            final long start = each * STEP;
            tree.insert(start, start + PAGE, start + 1);
            skipList.put(start, start + PAGE);
            treeMap.put(start, start + PAGE);
        }
    }

    /** Map and unmap, synchronous. */
    @Benchmark
    public void holdfastMapUnmap(final Mapped mapped) {
        mapped.space.map(PAGE).unmap();
    }

    /**
     * Insert and remove in the interval tree.
     *
     * @return value of what was removed
     */
    @Benchmark
    public long treeInsertRemove(final Places places) {
        final long start = places.start();
        tree.insert(start, start + PAGE, start);
        return tree.remove(start);
    }

    /**
     * Pin, look up, unpin in the interval tree.
     *
     * @return value of what was found
     */
    @Benchmark
    public long treeFind(final Places places) {
        domain.pin();
        try {
            return tree.find(places.start() - PAGE);
        } finally {
            domain.unpin();
        }
    }

    /**
     * Put and remove in a concurrent map.
     *
     * @return what was removed
     */
    @Benchmark
    public Long skipListPutRemove(final Places places) {
        final long start = places.start();
        skipList.put(start, start + PAGE);
        return skipList.remove(start);
    }

    /**
     * Put and remove in a sorted map under a lock.
     *
     * @return what was removed
     */
    @Benchmark
    public Long treeMapLockedPutRemove(final Places places) {
        final long start = places.start();
        treeMapLock.lock();
        try {
            treeMap.put(start, start + PAGE);
        } finally {
            treeMapLock.unlock();
        }
        treeMapLock.lock();
        try {
            return treeMap.remove(start);
        } finally {
            treeMapLock.unlock();
        }
    }
}
