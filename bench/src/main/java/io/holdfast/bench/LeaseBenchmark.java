// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Lease;
import io.holdfast.Region;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
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
 * Reads of a file that stays open: through a lease, through the region's shared segment, and through what
 * {@code FileChannel.map} gives for a shared arena. Sequential bytes, longs at random offsets, and copies of 64 and 512
 * bytes at random offsets; with an era ended every so often, among as many leases.
 *
 * <p>{@code java -jar bench/target/benchmarks.jar LeaseBenchmark -prof gc}
 */
@State(Scope.Benchmark)
@NullUnmarked
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
public class LeaseBenchmark {
    private static final int READS = 1024;
    private static final long SIZE = 1 << 20;
    private static final int TINY = 4;
    private static final int SMALL = 64;
    private static final int LARGE = 512;

    /** Milliseconds from one end of an era to the next, 0 for none. */
    @Param("0")
    public long eraMs;

    /** Leases of the space, other than the one that is read. */
    @Param("0")
    public int leases;

    private final long[] offsets = new long[READS];
    private final byte[] buffer = new byte[LARGE];
    private Path file;
    private AddressSpace space;
    private Lease lease;
    private MemorySegment shared;
    private Arena arena;
    private MemorySegment mapped;
    private Thread ending;

    /**
     * Maps one file in both ways.
     *
     * @throws IOException if it cannot be written
     */
    @Setup(Level.Trial)
    public void open() throws IOException {
        final SplittableRandom random = new SplittableRandom(7);
        final byte[] bytes = new byte[(int) SIZE];
        random.nextBytes(bytes);
        file = Files.write(Files.createTempFile("lease", ".bench"), bytes);
        for (int i = 0; i < READS; i++) {
            offsets[i] = random.nextLong(SIZE - LARGE);
        }
        space = AddressSpace.builder().name("lease").eras(Duration.ofMillis(1), Duration.ofMillis(2)).open();
        final Region region = space.map(FileBacking.readOnly(file));
        lease = region.lease();
        shared = region.sharedSegment();
        for (int i = 0; i < leases; i++) {
            space.map(4096).lease();
        }
        arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, SIZE, arena);
        }
        if (eraMs != 0) {
            ending = Thread.ofPlatform().daemon().start(this::endEras);
        }
    }

    private void endEras() {
        while (!Thread.currentThread().isInterrupted()) {
            final Region passing = space.map(4096);
            passing.lease();
            passing.unmap();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(eraMs));
        }
    }

    /**
     * Closes everything.
     *
     * @throws Exception if the file stays, or the thread that ends eras
     */
    @TearDown(Level.Trial)
    public void close() throws Exception {
        final Thread last = ending;
        if (last != null) {
            last.interrupt();
            last.join();
        }
        arena.close();
        space.close();
        Files.delete(file);
    }

    /** {@return the sum of bytes that follow each other} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public long leaseByte() {
        long sum = 0;
        for (long i = 0; i < READS; i++) {
            sum += lease.getByte(i);
        }
        return sum;
    }

    /** {@return the same} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public long sharedByte() {
        return bytes(shared);
    }

    /** {@return the same} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public long arenaByte() {
        return bytes(mapped);
    }

    private static long bytes(final MemorySegment segment) {
        long sum = 0;
        for (long i = 0; i < READS; i++) {
            sum += segment.get(JAVA_BYTE, i);
        }
        return sum;
    }

    /** {@return the sum of longs at random offsets} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public long leaseLong() {
        long sum = 0;
        for (int i = 0; i < READS; i++) {
            sum += lease.getLong(offsets[i]);
        }
        return sum;
    }

    /** {@return the same} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public long sharedLong() {
        return longs(shared);
    }

    /** {@return the same} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public long arenaLong() {
        return longs(mapped);
    }

    private long longs(final MemorySegment segment) {
        long sum = 0;
        for (int i = 0; i < READS; i++) {
            sum += segment.get(JAVA_LONG_UNALIGNED, offsets[i]);
        }
        return sum;
    }

    /** {@return a byte of the last copy} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public byte leaseBulk4() {
        return leaseBulk(TINY);
    }

    /** {@return the same} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public byte arenaBulk4() {
        return bulk(mapped, TINY);
    }

    /** {@return a byte of the last copy} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public byte leaseBulk64() {
        return leaseBulk(SMALL);
    }

    /** {@return the same} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public byte sharedBulk64() {
        return bulk(shared, SMALL);
    }

    /** {@return the same} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public byte arenaBulk64() {
        return bulk(mapped, SMALL);
    }

    /** {@return a byte of the last copy} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public byte leaseBulk512() {
        return leaseBulk(LARGE);
    }

    /** {@return the same} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public byte sharedBulk512() {
        return bulk(shared, LARGE);
    }

    /** {@return the same} */
    @Benchmark
    @OperationsPerInvocation(READS)
    public byte arenaBulk512() {
        return bulk(mapped, LARGE);
    }

    private byte leaseBulk(final int length) {
        for (int i = 0; i < READS; i++) {
            lease.getBytes(offsets[i], buffer, 0, length);
        }
        return buffer[0];
    }

    private byte bulk(final MemorySegment segment, final int length) {
        for (int i = 0; i < READS; i++) {
            MemorySegment.copy(segment, JAVA_BYTE, offsets[i], buffer, 0, length);
        }
        return buffer[0];
    }
}
