// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import com.google.common.collect.Range;
import com.google.common.collect.TreeRangeMap;
import io.holdfast.AddressSpace;
import io.holdfast.Region;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
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
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What one more region takes: all native memory of the library's tables, heap that stays reachable after a full
 * collection, and resident set without the heap, each divided by the number of regions. The time is for making them all.
 * A first region, after which a space has all objects of its own, is made before.
 *
 * <p>Regions of {@code holdfast} are 4 KiB that nobody touches, so none of their pages count. Those of
 * {@code sharedArenas} are 64 bytes, because an arena writes zeros into what it allocates; the other rows are tables of
 * bounds and have no memory behind them. One measurement per process, since the resident set never shrinks.
 *
 * <p>{@code java -jar benchmarks.jar MemoryBenchmark}
 */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-XX:+AlwaysPreTouch",
    "-Xms1g", "-Xmx1g"})
@Warmup(iterations = 0)
@Measurement(iterations = 1)
@State(Scope.Benchmark)
@NullUnmarked
public class MemoryBenchmark {
    private static final long PAGE = 4096;
    private static final long PIECE = 64;

    /** How many regions. */
    @Param({"10000", "1000000"})
    public int regions;

    /** Bytes for each region. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    @NullUnmarked
    public static class PerRegion {
        /** Of the library's own off-heap tables. */
        public double nativeBytes;
        /** Reachable on the heap. */
        public double heapBytes;
        /** Resident in the process, outside the heap, all of which is resident from the start. */
        public double residentBytes;
    }

    private Object measure(final PerRegion result, final LongSupplier nativeBytes, final Supplier<Object> make) {
        ProcessMemory.heapBytes(); // loads what it needs
        final long heapBefore = ProcessMemory.heapBytes();
        final long residentBefore = ProcessMemory.residentBytes();
        final Object made = make.get();
        result.residentBytes = perRegion(ProcessMemory.residentBytes() - residentBefore);
        result.heapBytes = perRegion(ProcessMemory.heapBytes() - heapBefore);
        result.nativeBytes = perRegion(nativeBytes.getAsLong());
        return made;
    }

    private double perRegion(final long bytes) {
        return (double) bytes / regions;
    }

    /**
     * Regions without a live handle: they are found by address.
     *
     * @return what has to stay reachable
     */
    @Benchmark
    public Object holdfast(final PerRegion result) {
        final AddressSpace space = AddressSpace.open();
        try (space) {
            space.map(PAGE);
            return measure(result, () -> space.statistics().tableBytes(), () -> {
                for (int i = 0; i < regions; i++) {
                    space.map(PAGE);
                }
                return space;
            });
        }
    }

    /**
     * Regions and a handle to each.
     *
     * @return what has to stay reachable
     */
    @Benchmark
    public Object holdfastHandles(final PerRegion result) {
        final AddressSpace space = AddressSpace.open();
        try (space) {
            space.map(PAGE);
            return measure(result, () -> space.statistics().tableBytes(), () -> {
                final Region[] handles = new Region[regions];
                for (int i = 0; i < regions; i++) {
                    handles[i] = space.map(PAGE);
                }
                return handles;
            });
        }
    }

    /**
     * A shared arena for each piece of memory, as it takes to give them back one by one.
     *
     * @return what has to stay reachable
     */
    @Benchmark
    public Object sharedArenas(final PerRegion result) {
        return measure(result, () -> 0, () -> {
            final List<MemorySegment> segments = new ArrayList<>(regions);
            for (int i = 0; i < regions; i++) {
                segments.add(Arena.ofShared().allocate(PIECE));
            }
            return segments;
        });
    }

    /**
     * Bounds in a concurrent map.
     *
     * @return what has to stay reachable
     */
    @Benchmark
    public Object skipList(final PerRegion result) {
        return measure(result, () -> 0, () -> {
            final ConcurrentSkipListMap<Long, Long> map = new ConcurrentSkipListMap<>();
            for (int i = 0; i < regions; i++) {
                map.put(i * PAGE, (i + 1) * PAGE);
            }
            return map;
        });
    }

    /**
     * Bounds in a sorted map.
     *
     * @return what has to stay reachable
     */
    @Benchmark
    public Object treeMap(final PerRegion result) {
        return measure(result, () -> 0, () -> {
            final TreeMap<Long, Long> map = new TreeMap<>();
            for (int i = 0; i < regions; i++) {
                map.put(i * PAGE, (i + 1) * PAGE);
            }
            return map;
        });
    }

    /**
     * Bounds in Guava's range map.
     *
     * @return what has to stay reachable
     */
    @Benchmark
    public Object guavaRangeMap(final PerRegion result) {
        return measure(result, () -> 0, () -> {
            final TreeRangeMap<Long, Long> map = TreeRangeMap.create();
            for (int i = 0; i < regions; i++) {
                map.put(Range.closedOpen(i * PAGE, (i + 1) * PAGE), (long) i);
            }
            return map;
        });
    }

    /**
     * Bounds in two sorted arrays, which cannot be changed while they are read.
     *
     * @return what has to stay reachable
     */
    @Benchmark
    public Object sortedArray(final PerRegion result) {
        return measure(result, () -> 0, () -> {
            final long[][] bounds = new long[2][regions];
            for (int i = 0; i < regions; i++) {
                bounds[0][i] = i * PAGE;
                bounds[1][i] = (i + 1) * PAGE;
            }
            return bounds;
        });
    }
}
