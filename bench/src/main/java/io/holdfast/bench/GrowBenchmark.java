// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
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
 * A mapped file grows step by step, and the last word of it is written after each step, alone and while another thread
 * reads it. The library grows the region in place; the peer maps the file anew under a read-write lock, as stores on
 * {@code FileChannel.map} do, and closes the old arena. The time is for one step.
 *
 * <p>{@code java -jar benchmarks.jar GrowBenchmark}
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", FixedHeap.LEAST, FixedHeap.MOST,
    FixedHeap.TOUCHED})
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class GrowBenchmark {
    private static final int STEPS = 64;
    private static final long STEP = 64 << 10;

    /** Whether another thread reads meanwhile. */
    @Param({"false", "true"})
    public boolean reader;

    private AddressSpace space;
    private Path path;
    private Thread reading;
    private volatile boolean stop;
    private volatile Region region;
    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private MemorySegment segment;
    private volatile long sink;

    /** Opens the space and starts the reader. */
    @Setup
    public void begin() throws IOException {
        space = AddressSpace.open();
        path = Files.createTempFile("holdfast-bench", ".dat");
        stop = false;
        if (reader) {
            reading = Thread.ofPlatform().daemon().start(() -> {
                long sum = 0;
                while (!stop) {
                    sum += readRegion() + readSegment();
                }
                sink = sum;
            });
        }
    }

    private long readRegion() {
        final Region current = region;
        if (current == null) {
            return 0;
        }
        try (Guard guard = current.tryShare()) {
            return guard.isHeld() ? guard.segment().get(JAVA_LONG, 0) : 0;
        }
    }

    private long readSegment() {
        lock.readLock().lock();
        try {
            return segment == null ? 0 : segment.get(JAVA_LONG, 0);
        } finally {
            lock.readLock().unlock();
        }
    }

    /** Ends all of it. */
    @TearDown
    public void end() throws IOException, InterruptedException {
        stop = true;
        if (reading != null) {
            reading.join();
        }
        space.close();
        Files.delete(path);
    }

    private void empty() throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.truncate(0);
        }
    }

    /** Grows in place. */
    @Benchmark
    @OperationsPerInvocation(STEPS)
    public void holdfastGrow() throws IOException {
        empty();
        final Region growing = space.map(FileBacking.readWrite(path).range(0, STEP).growableTo(STEP * STEPS));
        region = growing;
        for (int i = 2; i <= STEPS; i++) {
            growing.grow(i * STEP);
            try (Guard guard = growing.shareWritable()) {
                guard.segment().set(JAVA_LONG, i * STEP - Long.BYTES, i);
            }
        }
        region = null;
        growing.unmap();
    }

    /** Maps the longer file, swaps it in under the lock, closes the old mapping. */
    @Benchmark
    @OperationsPerInvocation(STEPS)
    public void remapSharedArena() throws IOException {
        empty();
        Arena current = null;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            for (int i = 1; i <= STEPS; i++) {
                final Arena next = Arena.ofShared();
                final MemorySegment longer = channel.map(MapMode.READ_WRITE, 0, i * STEP, next);
                longer.set(JAVA_LONG, i * STEP - Long.BYTES, i);
                swap(longer);
                if (current != null) {
                    current.close();
                }
                current = next;
            }
        }
        swap(null);
        if (current != null) {
            current.close();
        }
    }

    private void swap(final MemorySegment next) {
        lock.writeLock().lock();
        try {
            segment = next;
        } finally {
            lock.writeLock().unlock();
        }
    }
}
