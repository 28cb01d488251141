// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Region;
import io.holdfast.SpaceSnapshot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Group;
import org.openjdk.jmh.annotations.GroupThreads;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;
import org.openjdk.jmh.infra.Control;

/**
 * Threads that map and unmap, synchronously, in one space or in one each: what they lose by each other. No page is touched.
 *
 * <p>{@code java -jar benchmarks.jar ChangersBenchmark -t 1}, then with {@code -t 2}, and with
 * {@code -jvmArgsAppend -Djmh.executor=VIRTUAL}. Throughput is of all threads, and that of {@link #compute} says what two
 * threads come to on the machine. A thread beside them, where there is one, takes its part of a processor.
 *
 * <p>On a virtual machine a line of memory may take three times as long to pass from one processor to the other as it took
 * a minute before, when the host has moved one of them; whatever two threads share takes longer then. So look at
 * {@code turns} before and after the other rows: its throughput is how often a line passes.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 5, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", FixedHeap.LEAST, FixedHeap.MOST,
    FixedHeap.TOUCHED})
@Warmup(iterations = 20, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class ChangersBenchmark {
    private static final int PAGE = 4096;
    private static final int FILE_BYTES = 64 << 10;
    private static final long SNAPSHOT_NS = 100_000;
    private static final int HANDED_OVER = 1 << 10;
    private static final int TOKENS = 500;

    /** Sizes in pages for which no unmapped region is parked. */
    private static final int[] SIZES = {3, 5, 6, 7, 9, 10, 11, 12};

    /** Nothing, a thread that reads a region under guards, or one that takes 10,000 snapshots a second. */
    public enum Beside { NOTHING, READER, SNAPSHOTS }

    /** What goes on beside. */
    @Param("NOTHING")
    public Beside beside;

    /** Regions that stay in each space. */
    @Param({"1000", "100000"})
    public int regions;

    /** Spaces that the threads take in turn. */
    @Param({"1", "2"})
    public int spaces;

    private final List<AddressSpace> all = new ArrayList<>();
    private final AtomicInteger threads = new AtomicInteger();
    private Path directory;
    private Thread other;
    private volatile boolean stop;

    /** Opens the spaces, and begins what goes on beside. */
    @Setup
    public void open() throws IOException {
        directory = Files.createTempDirectory("changers");
        Region read = null;
        for (int i = 0; i < spaces; i++) {
            final AddressSpace space = AddressSpace.open();
            for (int j = 0; j < regions; j++) {
                read = space.map(PAGE);
            }
            all.add(space);
        }
        final Region mine = read;
        if (beside == Beside.READER) {
            other = Thread.ofPlatform().daemon().start(() -> read(mine));
        } else if (beside == Beside.SNAPSHOTS) {
            other = Thread.ofPlatform().daemon().start(() -> look(all.getFirst()));
        }
    }

    private void read(final Region region) {
        while (!stop) {
            try (Guard guard = region.share()) {
                if (guard.segment().get(JAVA_LONG, 0) != 0) {
                    throw new IllegalStateException("not what was written");
                }
            }
        }
    }

    private void look(final AddressSpace space) {
        long next = System.nanoTime();
        while (!stop) {
            try (SpaceSnapshot snapshot = space.snapshot()) {
                if (snapshot.find(0) == null) {
                    throw new IllegalStateException("a region is missing");
                }
            }
            next += SNAPSHOT_NS;
            LockSupport.parkNanos(next - System.nanoTime());
        }
    }

    /** Closes the spaces. */
    @TearDown
    public void close() throws IOException, InterruptedException {
        stop = true;
        if (other != null) {
            other.join();
        }
        all.forEach(AddressSpace::close);
        try (var files = Files.list(directory)) {
            for (final Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }

    /** A thread with its space and a file of its own. */
    @State(Scope.Thread)
    @NullUnmarked
    public static class Changer {
        private AddressSpace space;
        private FileBacking file;
        private int next;

        /** Chooses the space, and makes the file. */
        @Setup
        public void begin(final ChangersBenchmark benchmark) throws IOException {
            final int number = benchmark.threads.getAndIncrement();
            space = benchmark.all.get(number % benchmark.spaces);
            final Path path = benchmark.directory.resolve("file-" + number);
            Files.write(path, new byte[FILE_BYTES]);
            file = FileBacking.readOnly(path);
        }
    }

    /** Regions on their way from the thread that maps them to the one that unmaps them, each in the next place. */
    @State(Scope.Group)
    @NullUnmarked
    public static class HandOver {
        private final AtomicReferenceArray<Region> places = new AtomicReferenceArray<>(HANDED_OVER);

        /** Unmaps what is left. */
        @TearDown
        public void end() {
            for (int i = 0; i < HANDED_OVER; i++) {
                final Region left = places.getAndSet(i, null);
                if (left != null) {
                    left.unmap();
                }
            }
        }
    }

    /** A page. */
    @Benchmark
    public void page(final Changer changer) {
        changer.space.map(PAGE).unmap();
    }

    /** Different sizes in turn, none of which is parked. */
    @Benchmark
    public void sizes(final Changer changer) {
        changer.next = changer.next + 1 & SIZES.length - 1;
        changer.space.map((long) SIZES[changer.next] * PAGE).unmap();
    }

    /** A file of 64 KiB, each thread its own. */
    @Benchmark
    public void file(final Changer changer) {
        changer.space.map(changer.file).unmap();
    }

    /** Arithmetic of about the length of a map and unmap. */
    @Benchmark
    public void compute() {
        Blackhole.consumeCPU(TOKENS);
    }

    /** A turn that two threads give to each other, and with it the line of memory that it is in. */
    @State(Scope.Group)
    public static class Turn {
        private final AtomicBoolean isBack = new AtomicBoolean();
    }

    /** A turn that is given to another thread. */
    @Benchmark
    @Group("turns")
    @GroupThreads(1)
    public void there(final Turn turn, final Control control) {
        while (turn.isBack.get() && !control.stopMeasurement) {
            // the other's turn
        }
        turn.isBack.set(true);
    }

    /** A turn that is given back. */
    @Benchmark
    @Group("turns")
    @GroupThreads(1)
    public void back(final Turn turn, final Control control) {
        while (!turn.isBack.get() && !control.stopMeasurement) {
            // the other's turn
        }
        turn.isBack.set(false);
    }

    /** A page that another thread unmaps. */
    @Benchmark
    @Group("handOver")
    @GroupThreads(1)
    public void map(final HandOver handOver, final Changer changer, final Control control) {
        final int place = changer.next++ & HANDED_OVER - 1;
        while (handOver.places.get(place) != null && !control.stopMeasurement) {
            Thread.onSpinWait();
        }
        if (handOver.places.get(place) == null) {
            handOver.places.set(place, changer.space.map(PAGE));
        }
    }

    /** A page that another thread has mapped. */
    @Benchmark
    @Group("handOver")
    @GroupThreads(1)
    public void unmap(final HandOver handOver, final Changer changer, final Control control) {
        final int place = changer.next++ & HANDED_OVER - 1;
        Region region = handOver.places.get(place);
        while (region == null && !control.stopMeasurement) {
            Thread.onSpinWait();
            region = handOver.places.get(place);
        }
        if (region != null) {
            handOver.places.set(place, null);
            region.unmap();
        }
    }
}
