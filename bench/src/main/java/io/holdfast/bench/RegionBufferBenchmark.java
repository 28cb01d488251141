// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Region;
import io.holdfast.agrona.RegionBuffer;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.agrona.concurrent.AtomicBuffer;
import org.agrona.concurrent.UnsafeBuffer;
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
 * Accesses through Agrona's buffer interface: by {@code UnsafeBuffer}, which needs a flag of the virtual machine and checks
 * bounds only, and by {@code RegionBuffer} over a guard, a hold and a lease. Random offsets within 64 KiB.
 *
 * <p>{@code java -jar bench/target/benchmarks.jar RegionBufferBenchmark -prof gc}
 */
@State(Scope.Thread)
@NullUnmarked
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED",
    "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED"})
public class RegionBufferBenchmark {
    private static final int ACCESSES = 1024;
    private static final int SIZE = 1 << 16;
    private static final int COPY = 64;

    /** What the buffer is made of. */
    public enum Of { UNSAFE, GUARD, HOLD, LEASE }

    /** What the buffer is made of. */
    @Param
    public Of of;

    private final int[] offsets = new int[ACCESSES];
    private final byte[] bytes = new byte[COPY];
    private AddressSpace space;
    private Region region;
    private Guard guard;
    private Hold hold;
    private AtomicBuffer buffer;

    /** Makes the buffer in the thread that uses it. */
    @Setup(Level.Trial)
    public void map() {
        final SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < ACCESSES; i++) {
            offsets[i] = random.nextInt(SIZE / COPY) * COPY;
        }
        space = AddressSpace.open();
        region = space.map(SIZE);
        switch (of) {
            case UNSAFE -> buffer = new UnsafeBuffer(ByteBuffer.allocateDirect(SIZE));
            case GUARD -> {
                guard = region.shareWritable();
                buffer = RegionBuffer.of(guard);
            }
            case HOLD -> {
                hold = region.hold();
                buffer = RegionBuffer.of(hold);
            }
            case LEASE -> buffer = RegionBuffer.of(region.lease());
        }
    }

    /** Ends what was taken. */
    @TearDown(Level.Trial)
    public void unmap() {
        if (guard != null) {
            guard.close();
        }
        if (hold != null) {
            hold.close();
        }
        region.unmap();
        space.close();
    }

    /**
     * Plain reads.
     *
     * @return their sum
     */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public long getLong() {
        final AtomicBuffer of = buffer;
        long sum = 0;
        for (final int offset : offsets) {
            sum += of.getLong(offset);
        }
        return sum;
    }

    /**
     * Volatile reads.
     *
     * @return their sum
     */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public long getLongVolatile() {
        final AtomicBuffer of = buffer;
        long sum = 0;
        for (final int offset : offsets) {
            sum += of.getLongVolatile(offset);
        }
        return sum;
    }

    /** Plain writes. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void putLong() {
        final AtomicBuffer of = buffer;
        for (final int offset : offsets) {
            of.putLong(offset, offset);
        }
    }

    /** Releasing writes. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void putLongOrdered() {
        final AtomicBuffer of = buffer;
        for (final int offset : offsets) {
            of.putLongOrdered(offset, offset);
        }
    }

    /** Additions in one step. */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public void getAndAddLong() {
        final AtomicBuffer of = buffer;
        for (final int offset : offsets) {
            of.getAndAddLong(offset, 1);
        }
    }

    /**
     * Copies of 64 bytes to an array.
     *
     * @return the array
     */
    @Benchmark
    @OperationsPerInvocation(ACCESSES)
    public byte[] getBytes64() {
        final AtomicBuffer of = buffer;
        for (final int offset : offsets) {
            of.getBytes(offset, bytes);
        }
        return bytes;
    }
}
