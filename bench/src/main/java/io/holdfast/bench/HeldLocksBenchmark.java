// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Sixteen locks on sixteen regions, all held before the first is released, with one 8-byte read under each; per lock.
 * That is more than a reader's slot has hazards, so the library takes a second slot of the thread.
 *
 * <p>{@code java -jar benchmarks.jar HeldLocksBenchmark -prof gc}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Thread)
@NullUnmarked
public class HeldLocksBenchmark {
    private static final int LOCKS = 16;
    private static final long BYTES = 4096;
    private static final long OFFSET = 128;

    private final Region[] regions = new Region[LOCKS];
    private final Guard[] guards = new Guard[LOCKS];
    private final long[] stamps = new long[LOCKS];
    private final ReentrantReadWriteLock.ReadLock[] reentrant = new ReentrantReadWriteLock.ReadLock[LOCKS];
    private final StampedLock[] stamped = new StampedLock[LOCKS];
    private AddressSpace space;
    private MemorySegment memory;

    /** Maps what is read. */
    @Setup
    public void begin() {
        space = AddressSpace.open();
        memory = Arena.global().allocate(BYTES, Long.BYTES);
        for (int i = 0; i < LOCKS; i++) {
            regions[i] = space.map(BYTES);
            reentrant[i] = new ReentrantReadWriteLock().readLock();
            stamped[i] = new StampedLock();
        }
    }

    /** Unmaps it. */
    @TearDown
    public void end() {
        space.close();
    }

    /**
     * Guards, kept in an array, so that they have to exist.
     *
     * @return sum of what was read
     */
    @Benchmark
    @OperationsPerInvocation(LOCKS)
    public long holdfastGuards() {
        long sum = 0;
        for (int i = 0; i < LOCKS; i++) {
            guards[i] = regions[i].share();
            sum += guards[i].segment().get(JAVA_LONG, OFFSET);
        }
        for (int i = 0; i < LOCKS; i++) {
            guards[i].close();
        }
        return sum;
    }

    /**
     * Shared locks by stamp.
     *
     * @return sum of what was read
     */
    @Benchmark
    @OperationsPerInvocation(LOCKS)
    public long holdfastStamps() {
        long sum = 0;
        for (int i = 0; i < LOCKS; i++) {
            stamps[i] = regions[i].lockShared();
            sum += regions[i].optimisticSegment().get(JAVA_LONG, OFFSET);
        }
        for (int i = 0; i < LOCKS; i++) {
            regions[i].unlockShared(stamps[i]);
        }
        return sum;
    }

    /**
     * Read locks of the JDK's reentrant lock.
     *
     * @return sum of what was read
     */
    @Benchmark
    @OperationsPerInvocation(LOCKS)
    public long reentrantReadWriteLocks() {
        long sum = 0;
        for (int i = 0; i < LOCKS; i++) {
            reentrant[i].lock();
            sum += memory.get(JAVA_LONG, OFFSET);
        }
        for (int i = 0; i < LOCKS; i++) {
            reentrant[i].unlock();
        }
        return sum;
    }

    /**
     * Read locks of the JDK's stamped lock.
     *
     * @return sum of what was read
     */
    @Benchmark
    @OperationsPerInvocation(LOCKS)
    public long stampedReadLocks() {
        long sum = 0;
        for (int i = 0; i < LOCKS; i++) {
            stamps[i] = stamped[i].readLock();
            sum += memory.get(JAVA_LONG, OFFSET);
        }
        for (int i = 0; i < LOCKS; i++) {
            stamped[i].unlockRead(stamps[i]);
        }
        return sum;
    }
}
