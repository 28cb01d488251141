// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Region;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Opening and closing of files that are mapped to be read, sixteen at a time; each row is the time of one of them. Opening
 * begins with the path and touches nothing. Every page has been touched before it is closed, and a close is over when the
 * pages are gone. The channel's row leaves its mapping to a shared arena, as {@code Arena.close} then closes it; the raw
 * row calls {@code munmap} and protects no reader.
 *
 * <p>{@code java -jar bench/target/benchmarks.jar FileRegionBenchmark -p bytes=65536 -p idleThreads=0 -p reader=false}
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", FixedHeap.LEAST, FixedHeap.MOST,
    FixedHeap.TOUCHED})
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class FileRegionBenchmark {
    private static final int PAGE = 4096;
    private static final int FILES = 16;

    /** Size of a file. */
    @Param({"65536", "1048576"})
    public long bytes;

    /** How many platform threads exist and do nothing. */
    @Param({"0", "1000"})
    public int idleThreads;

    /** Whether a thread reads other memory meanwhile. */
    @Param({"false", "true"})
    public boolean reader;

    private final Path[] paths = new Path[FILES];
    private final MemorySegment[] nativePaths = new MemorySegment[FILES];
    private final Random random = new Random(7);
    private AddressSpace space;
    private IdleThreads idle;
    private BusyReader reading;
    private volatile long sink;

    /** Makes the files, opens the space, starts the threads. */
    @Setup
    public void begin() throws IOException, InterruptedException {
        space = AddressSpace.builder().eras(Duration.ofMillis(100), Duration.ZERO).open();
        for (int i = 0; i < FILES; i++) {
            paths[i] = Files.write(Files.createTempFile("file-region", ".bench"), new byte[Math.toIntExact(bytes)]);
            nativePaths[i] = Arena.global().allocateFrom(paths[i].toString());
        }
        idle = new IdleThreads(idleThreads, () -> { });
        reading = new BusyReader(reader);
    }

    /** Ends all of it. */
    @TearDown
    public void end() throws IOException {
        reading.close();
        idle.close();
        space.close();
        for (final Path path : paths) {
            Files.delete(path);
        }
    }

    private static long touch(final MemorySegment segment) {
        long sum = 0;
        for (long offset = 0; offset < segment.byteSize(); offset += PAGE) {
            sum += segment.get(JAVA_BYTE, offset);
        }
        return sum;
    }

    private MemorySegment map(final int file, final Arena arena) throws IOException {
        try (FileChannel channel = FileChannel.open(paths[file], StandardOpenOption.READ)) {
            return channel.map(MapMode.READ_ONLY, 0, bytes, arena);
        }
    }

    /** Regions that a row opens, and that are closed after it. */
    @State(Scope.Thread)
    @NullUnmarked
    public static class ToOpen {
        private final List<Region> regions = new ArrayList<>();
        private final List<Arena> arenas = new ArrayList<>();

        /** Closes them. */
        @TearDown(Level.Invocation)
        public void close(final FileRegionBenchmark files) {
            files.space.unmap(regions);
            regions.clear();
            arenas.forEach(Arena::close);
            arenas.clear();
        }
    }

    private void open(final List<Region> into) {
        into.clear();
        for (final Path path : paths) {
            final Region region = space.map(FileBacking.readOnly(path));
            sink = touch(region.optimisticSegment());
            into.add(region);
        }
    }

    /** Regions whose pages have been touched, for a row to close. */
    @State(Scope.Thread)
    @NullUnmarked
    public static class Regions {
        private final List<Region> regions = new ArrayList<>();

        /** Maps them. */
        @Setup(Level.Invocation)
        public void open(final FileRegionBenchmark files) {
            files.open(regions);
        }
    }

    /** Regions with leases, in any order, for a row to close. */
    @State(Scope.Thread)
    @NullUnmarked
    public static class Leased {
        private final List<Region> regions = new ArrayList<>();

        /** Maps them. */
        @Setup(Level.Invocation)
        public void open(final FileRegionBenchmark files) {
            files.open(regions);
            regions.forEach(region -> files.sink = region.lease().getByte(0));
            Collections.shuffle(regions, files.random);
        }
    }

    /** Mappings of the JDK, for a row to close. */
    @State(Scope.Thread)
    @NullUnmarked
    public static class Arenas {
        private final List<Arena> arenas = new ArrayList<>();

        /** Maps them. */
        @Setup(Level.Invocation)
        public void open(final FileRegionBenchmark files) throws IOException {
            arenas.clear();
            for (int i = 0; i < FILES; i++) {
                final Arena arena = Arena.ofShared();
                files.sink = touch(files.map(i, arena));
                arenas.add(arena);
            }
        }
    }

    /** Mappings that nobody protects, for a row to close. */
    @State(Scope.Thread)
    @NullUnmarked
    public static class Mappings {
        private final List<MemorySegment> mappings = new ArrayList<>();

        /** Maps them. */
        @Setup(Level.Invocation)
        public void open(final FileRegionBenchmark files) {
            mappings.clear();
            for (final MemorySegment path : files.nativePaths) {
                final int file = RawMemory.open(path);
                final MemorySegment mapping = RawMemory.mapFile(files.bytes, file);
                RawMemory.close(file);
                files.sink = touch(mapping);
                mappings.add(mapping);
            }
        }
    }

    // ------------------------------------------------------------------------------------------------------ opening

    /** Maps regions. */
    @Benchmark
    @OperationsPerInvocation(FILES)
    public void holdfastOpen(final ToOpen opened) {
        for (final Path path : paths) {
            opened.regions.add(space.map(FileBacking.readOnly(path)));
        }
    }

    /** Opens a channel, maps into a shared arena, closes the channel. */
    @Benchmark
    @OperationsPerInvocation(FILES)
    public void channelOpen(final ToOpen opened) throws IOException {
        for (int i = 0; i < FILES; i++) {
            final Arena arena = Arena.ofShared();
            opened.arenas.add(arena);
            sink = map(i, arena).byteSize();
        }
    }

    // ------------------------------------------------------------------------------------------------------ closing

    /** Unmaps regions one by one. */
    @Benchmark
    @OperationsPerInvocation(FILES)
    public void holdfastClose(final Regions opened) {
        opened.regions.forEach(Region::unmap);
    }

    /** Unmaps leased regions one by one, each of which ends an era. */
    @Benchmark
    @OperationsPerInvocation(FILES)
    public void holdfastCloseLeased(final Leased opened) {
        opened.regions.forEach(Region::unmap);
    }

    /** Unmaps regions by one call. */
    @Benchmark
    @OperationsPerInvocation(FILES)
    public void holdfastCloseBulk(final Regions opened) {
        space.unmap(opened.regions);
    }

    /** Unmaps leased regions by one call. */
    @Benchmark
    @OperationsPerInvocation(FILES)
    public void holdfastCloseBulkLeased(final Leased opened) {
        space.unmap(opened.regions);
    }

    /** Announces the unmaps one by one, in any order, and waits for all of them. */
    @Benchmark
    @OperationsPerInvocation(FILES)
    public void holdfastCloseBackground(final Regions opened) {
        Collections.shuffle(opened.regions, random);
        final CompletableFuture<?>[] unmaps = new CompletableFuture<?>[FILES];
        for (int i = 0; i < FILES; i++) {
            unmaps[i] = opened.regions.get(i).unmapAsync().toCompletableFuture();
        }
        CompletableFuture.allOf(unmaps).join();
    }

    /** Closes shared arenas one by one. */
    @Benchmark
    @OperationsPerInvocation(FILES)
    public void arenaClose(final Arenas opened) {
        opened.arenas.forEach(Arena::close);
    }

    /** Calls {@code munmap} for each. */
    @Benchmark
    @OperationsPerInvocation(FILES)
    public void rawClose(final Mappings opened) {
        opened.mappings.forEach(RawMemory::unmap);
    }
}
