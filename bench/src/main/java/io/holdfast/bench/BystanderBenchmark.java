// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.AddressSpace;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Group;
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
 * What unmapping costs those who have nothing to do with it: one thread unmaps by each means and at each rate, a second
 * reads an unrelated segment, a third an array.
 *
 * <p>The rows of the readers are the result, beside those of {@code NONE}; that of the unmapper says which pace it kept.
 * It waits for its time in a busy loop, so with two processors leave the array's reader out, or the threads take turns.
 *
 * <p>{@code java -jar benchmarks.jar BystanderBenchmark}, and {@code -tg 0,1,1} with two processors
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", FixedHeap.LEAST, FixedHeap.MOST,
    FixedHeap.TOUCHED})
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Group)
@NullUnmarked
public class BystanderBenchmark {
    private static final int WORDS = 1024;
    private static final long BYTES = 65536;
    private static final int WARM_UP = 30_000;
    private static final long NANOS = TimeUnit.SECONDS.toNanos(1);

    /** How memory is given back. */
    public enum Means {
        /** Not at all: the thread only keeps time. */
        NONE,
        /** An address space. */
        HOLDFAST,
        /** A shared arena for each piece. */
        SHARED_ARENA,
        /** System calls. */
        RAW
    }

    /** How memory is given back. */
    @Param({"NONE", "HOLDFAST", "SHARED_ARENA", "RAW"})
    public Means means;

    /** How often a second; 0 is as often as it goes. */
    @Param({"1000", "10000", "30000", "0"})
    public long rate;

    private AddressSpace space;
    private MemorySegment segment;
    private long[] array;
    private long due;

    /** Makes what is read, and has the compilers do their work: at a slow pace they would go on through the measurement. */
    @Setup
    public void open() {
        space = AddressSpace.open();
        segment = Arena.global().allocate(WORDS * (long) Long.BYTES, Long.BYTES);
        array = new long[WORDS];
        for (int i = 0; i < WORDS; i++) {
            segment.setAtIndex(JAVA_LONG, i, i);
            array[i] = i;
        }
        for (int i = 0; i < WARM_UP; i++) {
            giveBack();
        }
        due = System.nanoTime();
    }

    /** Closes the space. */
    @TearDown
    public void close() {
        space.close();
    }

    /** Maps, touches and unmaps, when it is time. */
    @Benchmark
    @Group("bystander")
    public void unmapper() {
        if (rate > 0) {
            due = Math.max(due + NANOS / rate, System.nanoTime() - NANOS / rate);
            while (System.nanoTime() < due) {
                Thread.onSpinWait();
            }
        }
        giveBack();
    }

    private void giveBack() {
        switch (means) {
            case HOLDFAST -> space.map(BYTES).unmap();
            case SHARED_ARENA -> {
                try (Arena arena = Arena.ofShared()) {
                    arena.allocate(BYTES).set(JAVA_BYTE, 0, (byte) 1);
                }
            }
            case RAW -> {
                final MemorySegment mapped = RawMemory.mapAnonymous(BYTES);
                mapped.set(JAVA_BYTE, 0, (byte) 1);
                RawMemory.unmap(mapped);
            }
            case NONE -> Thread.onSpinWait();
        }
    }

    /**
     * Reads an unrelated segment.
     *
     * @return its sum
     */
    @Benchmark
    @Group("bystander")
    public long segmentReader() {
        long sum = 0;
        for (int i = 0; i < WORDS; i++) {
            sum += segment.getAtIndex(JAVA_LONG, i);
        }
        return sum;
    }

    /**
     * Reads an array.
     *
     * @return its sum
     */
    @Benchmark
    @Group("bystander")
    public long arrayReader() {
        long sum = 0;
        for (int i = 0; i < WORDS; i++) {
            sum += array[i];
        }
        return sum;
    }
}
