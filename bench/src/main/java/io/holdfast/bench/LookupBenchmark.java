// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import com.google.common.collect.Range;
import com.google.common.collect.TreeRangeMap;
import io.holdfast.AddressSpace;
import io.holdfast.Pin;
import io.holdfast.Region;
import java.util.Arrays;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.BenchmarkParams;

/**
 * Which region does an address belong to? The address space's lookup beside what programs keep such tables in.
 *
 * <p>Every row answers with the start of the region found. The sorted array is the floor: it cannot be changed while it is
 * read. With {@code writer=true} a thread takes a region away and puts one back, without a pause, in the structure that is
 * read.
 *
 * <p>{@code java -jar benchmarks.jar LookupBenchmark -prof gc}
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "-Xmx2g"})
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
public class LookupBenchmark {
    private static final int PAGE = 4096;
    private static final int ROW = 8;

    /** Which addresses are asked for. */
    public enum Keys {
        /** Anywhere. */
        RANDOM,
        /** In runs of 64 within 16 neighbouring regions. */
        CLUSTERED
    }

    /** The addresses that one thread asks for, in an order that no predictor learns. */
    @State(Scope.Thread)
    @NullUnmarked
    public static class Asked {
        private static final int COUNT = 1 << 16;
        private static final int RUN = 64;
        private static final int NEIGHBOURS = 16;

        private final long[] addresses = new long[COUNT];
        private int next;

        /** Chooses them. */
        @Setup
        public void choose(final Table table) {
            final SplittableRandom random = new SplittableRandom(42);
            int first = 0;
            for (int i = 0; i < COUNT; i++) {
                if (table.keys == Keys.RANDOM) {
                    first = random.nextInt(table.regions);
                } else if (i % RUN == 0) {
                    first = random.nextInt(Math.max(1, table.regions - NEIGHBOURS));
                }
                final int index = table.keys == Keys.RANDOM ? first : first + random.nextInt(NEIGHBOURS);
                addresses[i] = table.starts[index] + (long) random.nextInt(PAGE / Long.BYTES) * Long.BYTES;
            }
        }

        long address() {
            next = next + 1 & COUNT - 1;
            return addresses[next];
        }
    }

    /** The regions, in a space and in each of the peers' tables. */
    @State(Scope.Benchmark)
    @NullUnmarked
    public static class Table {
        /** How many regions. */
        @Param({"1000", "100000", "1000000"})
        public int regions;

        /** Which addresses are asked for. */
        @Param({"RANDOM", "CLUSTERED"})
        public Keys keys;

        /** Whether the structure changes meanwhile. */
        @Param({"false", "true"})
        public boolean writer;

        private AddressSpace space;
        private long[] starts;
        private long[] rows;
        private ConcurrentSkipListMap<Long, Long> skipList;
        private TreeMap<Long, Long> treeMap;
        private TreeRangeMap<Long, Long> rangeMap;
        private final StampedLock stamped = new StampedLock();
        private final ReadWriteLock readWrite = new ReentrantReadWriteLock();
        private volatile boolean stop;
        private Thread changer;

        /** Makes the one structure that the row asks. */
        @Setup(Level.Trial)
        public void make(final BenchmarkParams params) {
            final String benchmark = params.getBenchmark();
            final String row = benchmark.substring(benchmark.lastIndexOf('.') + 1);
            starts = new long[regions];
            if (row.equals("holdfastFind")) {
                space = AddressSpace.open();
                Arrays.setAll(starts, i -> space.map(PAGE).address());
                Arrays.sort(starts);
            } else {
                Arrays.setAll(starts, i -> i * (long) PAGE);
            }
            switch (row) {
                case "sortedArrayFloorThenRow" -> {
                    rows = new long[regions * ROW];
                    Arrays.setAll(rows, i -> starts[i / ROW]);
                }
                case "skipListFloor" -> {
                    skipList = new ConcurrentSkipListMap<>();
                    Arrays.stream(starts).forEach(start -> skipList.put(start, start + PAGE));
                }
                case "treeMapStamped", "treeMapReadWriteLock" -> {
                    treeMap = new TreeMap<>();
                    Arrays.stream(starts).forEach(start -> treeMap.put(start, start + PAGE));
                }
                case "guavaRangeMap" -> {
                    rangeMap = TreeRangeMap.create();
                    Arrays.stream(starts).forEach(start -> rangeMap.put(Range.closedOpen(start, start + PAGE), start));
                }
                default -> { }
            }
            final Runnable change = change(row);
            if (writer && change != null) {
                stop = false;
                changer = Thread.ofPlatform().daemon().start(() -> {
                    while (!stop) {
                        change.run();
                    }
                });
            }
        }

        private Runnable change(final String row) {
            final long end = starts[regions - 1] + (long) PAGE * 1024;
            return switch (row) {
                case "holdfastFind" -> () -> space.map(PAGE).unmap();
                case "skipListFloor" -> () -> {
                    skipList.put(end, end + PAGE);
                    skipList.remove(end);
                };
                case "treeMapStamped" -> () -> {
                    final long stamp = stamped.writeLock();
                    try {
                        treeMap.put(end, end + PAGE);
                        treeMap.remove(end);
                    } finally {
                        stamped.unlockWrite(stamp);
                    }
                };
                case "treeMapReadWriteLock" -> () -> locked(() -> {
                    treeMap.put(end, end + PAGE);
                    treeMap.remove(end);
                });
                case "guavaRangeMap" -> () -> locked(() -> {
                    final Range<Long> range = Range.closedOpen(end, end + PAGE);
                    rangeMap.put(range, end);
                    rangeMap.remove(range);
                });
                default -> null;
            };
        }

        private void locked(final Runnable change) {
            readWrite.writeLock().lock();
            try {
                change.run();
            } finally {
                readWrite.writeLock().unlock();
            }
        }

        /** Unmaps them. */
        @TearDown(Level.Trial)
        public void unmap() throws InterruptedException {
            stop = true;
            if (changer != null) {
                changer.join();
            }
            if (space != null) {
                space.close();
            }
        }

        private int floor(final long address) {
            int base = 0;
            int length = starts.length;
            while (length > 1) {
                final int half = length >>> 1;
                base = starts[base + half] <= address ? base + half : base; // a conditional move, no branch
                length -= half;
            }
            return base;
        }
    }

    /**
     * Pin, find, unpin.
     *
     * @return start of the region
     */
    @Benchmark
    public long holdfastFind(final Table table, final Asked asked) {
        try (Pin pin = table.space.pin()) {
            final Region region = pin.find(asked.address());
            return region == null ? -1 : region.address();
        }
    }

    /**
     * Branch-free binary search.
     *
     * @return start of the region
     */
    @Benchmark
    public long sortedArrayFloor(final Table table, final Asked asked) {
        return table.starts[table.floor(asked.address())];
    }

    /**
     * The same, and one word of a row of 64 bytes that belongs to the region, which is what a record is.
     *
     * @return start of the region, from its row
     */
    @Benchmark
    public long sortedArrayFloorThenRow(final Table table, final Asked asked) {
        return table.rows[table.floor(asked.address()) * ROW];
    }

    /**
     * Floor entry of a concurrent map, which allocates it.
     *
     * @return start of the region
     */
    @Benchmark
    public long skipListFloor(final Table table, final Asked asked) {
        return table.skipList.floorEntry(asked.address()).getKey();
    }

    /**
     * Floor entry of a sorted map under a stamped read lock: an optimistic walk of a tree that changes may not end.
     *
     * @return start of the region
     */
    @Benchmark
    public long treeMapStamped(final Table table, final Asked asked) {
        final long address = asked.address();
        final long stamp = table.stamped.readLock();
        try {
            return table.treeMap.floorEntry(address).getKey();
        } finally {
            table.stamped.unlockRead(stamp);
        }
    }

    /**
     * Floor entry of a sorted map under a read lock.
     *
     * @return start of the region
     */
    @Benchmark
    public long treeMapReadWriteLock(final Table table, final Asked asked) {
        final long address = asked.address();
        table.readWrite.readLock().lock();
        try {
            return table.treeMap.floorEntry(address).getKey();
        } finally {
            table.readWrite.readLock().unlock();
        }
    }

    /**
     * Entry of Guava's range map under a read lock.
     *
     * @return start of the region
     */
    @Benchmark
    public long guavaRangeMap(final Table table, final Asked asked) {
        final long address = asked.address();
        table.readWrite.readLock().lock();
        try {
            return Objects.requireNonNull(table.rangeMap.get(address));
        } finally {
            table.readWrite.readLock().unlock();
        }
    }
}
