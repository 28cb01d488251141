// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import io.holdfast.AddressSpace;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
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
 * <p>The peer keeps a table of intervals and maps nothing, so its row is what the table alone costs; the library's row is
 * a whole map and unmap, without touching the pages. Every thread changes a part of its own.
 *
 * <p>{@code java -jar benchmarks.jar StructureBenchmark -t 1}, then with {@code -t 2}
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class StructureBenchmark {
    private static final int PAGE = 4096;
    private static final long PART = 1L << 40;

    /** Regions that stay. */
    @Param({"1000", "100000"})
    public int regions;

    private AddressSpace space;
    private ConcurrentSkipListMap<Long, Long> skipList;
    private final AtomicLong parts = new AtomicLong();

    /** Which part of the table a thread changes. */
    @State(Scope.Thread)
    public static class Part {
        private long start;

        /** Takes the next part. */
        @Setup
        public void take(final StructureBenchmark benchmark) {
            start = benchmark.parts.incrementAndGet() * PART;
        }
    }

    /** Maps what stays. */
    @Setup
    public void open() {
        space = AddressSpace.open();
        skipList = new ConcurrentSkipListMap<>();
        for (int i = 0; i < regions; i++) {
            final long start = space.map(PAGE).address();
            skipList.put(start, start + PAGE);
        }
    }

    /** Unmaps it. */
    @TearDown
    public void close() {
        space.close();
    }

    /** Map and unmap, synchronous. */
    @Benchmark
    public void holdfastMapUnmap() {
        space.map(PAGE).unmap();
    }

    /**
     * Put and remove in a concurrent map.
     *
     * @return what was removed
     */
    @Benchmark
    public Long skipListPutRemove(final Part part) {
        skipList.put(part.start, part.start + PAGE);
        return skipList.remove(part.start);
    }
}
