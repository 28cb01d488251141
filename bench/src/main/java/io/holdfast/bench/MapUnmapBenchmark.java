// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.Region;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.AgentInvoker;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
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
 * Memory is mapped, one byte of each page is written, and it is given back, so that nobody can read it any more.
 *
 * <p>Every file row begins with the path and ends with everything closed. The confined arena, the raw calls and the raw
 * allocator protect no reader; they show what the work itself costs. {@code reader} runs a thread that reads other memory
 * without a pause, which is what makes interrupts between processors necessary.
 *
 * <p>{@code java -jar benchmarks.jar MapUnmapBenchmark -p bytes=4096 -p idleThreads=0,1000,4000}
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", FixedHeap.LEAST, FixedHeap.MOST,
    FixedHeap.TOUCHED})
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class MapUnmapBenchmark {
    private static final int PAGE = 4096;
    private static final int BATCH = 64;

    /** How much is mapped. */
    @Param({"4096", "65536", "1048576"})
    public long bytes;

    /** How many platform threads exist and do nothing. */
    @Param({"0", "1000", "4000"})
    public int idleThreads;

    /** Whether those threads have used the space before. */
    @Param({"false", "true"})
    public boolean idleHaveSlots;

    /** Whether a thread reads other memory meanwhile. */
    @Param({"false", "true"})
    public boolean reader;

    private AddressSpace space;
    private AddressSpace ownWorker;
    private AgentInvoker invoker;
    private IdleThreads idle;
    private Path path;
    private MemorySegment nativePath;
    private BusyReader reading;

    /** Opens the space, makes the file, starts the threads. */
    @Setup
    public void begin() throws IOException, InterruptedException {
        space = AddressSpace.open();
        ownWorker = AddressSpace.builder().startReclaimer(false).open();
        invoker = new AgentInvoker(error -> {
            throw new IllegalStateException(error);
        }, null, ownWorker.reclaimer());
        invoker.start();
        path = Files.createTempFile("holdfast-bench", ".dat");
        Files.write(path, new byte[Math.toIntExact(bytes)]);
        nativePath = Arena.global().allocateFrom(path.toString());
        idle = new IdleThreads(idleThreads, () -> {
            if (idleHaveSlots) {
                try (Pin pin = space.pin()) {
                    pin.find(0);
                }
            }
        });
        reading = new BusyReader(reader);
    }

    /** Ends all of it. */
    @TearDown
    public void end() throws IOException {
        reading.close();
        idle.close();
        space.close();
        invoker.close();
        ownWorker.close();
        Files.delete(path);
    }

    private static void touch(final MemorySegment segment) {
        for (long offset = 0; offset < segment.byteSize(); offset += PAGE) {
            segment.set(JAVA_BYTE, offset, (byte) 1);
        }
    }

    private Region mapAnonymous(final AddressSpace in) {
        final Region region = in.map(bytes);
        try (Guard guard = region.shareWritable()) {
            touch(guard.segment());
        }
        return region;
    }

    /** Anonymous region, unmapped before the method returns. */
    @Benchmark
    public void holdfastAnonymous() {
        mapAnonymous(space).unmap();
    }

    /** Anonymous regions whose unmaps are announced one by one and awaited together. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void holdfastAnonymousAsync() {
        final CompletableFuture<?>[] unmaps = new CompletableFuture<?>[BATCH];
        for (int i = 0; i < BATCH; i++) {
            unmaps[i] = mapAnonymous(space).unmapAsync().toCompletableFuture();
        }
        CompletableFuture.allOf(unmaps).join();
    }

    /** The same in a space whose agent is run by the thread that announces, when it has announced all of them. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void holdfastAnonymousAsyncInvoked() {
        final CompletableFuture<?>[] unmaps = new CompletableFuture<?>[BATCH];
        for (int i = 0; i < BATCH; i++) {
            unmaps[i] = mapAnonymous(ownWorker).unmapAsync().toCompletableFuture();
        }
        final CompletableFuture<Void> all = CompletableFuture.allOf(unmaps);
        while (!all.isDone()) {
            invoker.invoke();
        }
    }

    /** File region. */
    @Benchmark
    public void holdfastFile() {
        final Region region = space.map(FileBacking.readWrite(path));
        try (Guard guard = region.shareWritable()) {
            touch(guard.segment());
        }
        region.unmap();
    }

    /** File region whose pages are made present by the call that maps it. */
    @Benchmark
    public void holdfastFilePopulated() {
        final Region region = space.map(MapRequest.file(FileBacking.readWrite(path)).populated());
        try (Guard guard = region.shareWritable()) {
            touch(guard.segment());
        }
        region.unmap();
    }

    /** Shared arena. */
    @Benchmark
    public void sharedArenaAnonymous() {
        try (Arena arena = Arena.ofShared()) {
            touch(arena.allocate(bytes, PAGE));
        }
    }

    /** File mapped into a shared arena. */
    @Benchmark
    public void sharedArenaFile() throws IOException {
        try (Arena arena = Arena.ofShared();
             FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            touch(channel.map(MapMode.READ_WRITE, 0, bytes, arena));
        }
    }

    /** Confined arena: no other thread can read it at all. */
    @Benchmark
    public void confinedArenaAnonymous() {
        try (Arena arena = Arena.ofConfined()) {
            touch(arena.allocate(bytes, PAGE));
        }
    }

    /** System calls. */
    @Benchmark
    public void rawMmapMunmap() {
        final MemorySegment segment = RawMemory.mapAnonymous(bytes);
        touch(segment);
        RawMemory.unmap(segment);
    }

    /** System calls on a file. */
    @Benchmark
    public void rawFileMmapMunmap() {
        final int file = RawMemory.open(nativePath);
        final MemorySegment segment = RawMemory.mapFile(bytes, file);
        touch(segment);
        RawMemory.unmap(segment);
        RawMemory.close(file);
    }

    /** System calls on a file, with a third one that makes the pages present, as the library has it. */
    @Benchmark
    public void rawFilePopulatedMmapMunmap() {
        final int file = RawMemory.open(nativePath);
        final MemorySegment segment = RawMemory.mapFile(bytes, file);
        RawMemory.populate(segment);
        touch(segment);
        RawMemory.unmap(segment);
        RawMemory.close(file);
    }

    /** The allocator behind {@code sun.misc.Unsafe}, which keeps small blocks and gives nothing back to the system. */
    @Benchmark
    public void unsafeAllocateFree() {
        final MemorySegment segment = RawMemory.allocate(bytes);
        touch(segment);
        RawMemory.free(segment);
    }
}
