// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.netty.util.internal.RefCnt;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.concurrent.locks.StampedLock;
import org.apache.cassandra.utils.concurrent.OpOrder;
import org.apache.ignite.internal.util.OffheapReadWriteLock;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.CompilerControl;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One 8-byte read of native memory under each kind of protection: what a reader pays so that a writer can unmap.
 *
 * <p>All threads read the same region, and lock the same lock. Peers' locks guard a segment of the global arena, which
 * itself costs nothing; {@code sharedArenaSegment} has no protection beyond its liveness check.
 *
 * <p>{@code java -jar benchmarks.jar GuardedReadBenchmark -t 1 -prof gc}, then with {@code -t 2}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "--add-opens=java.base/java.nio=ALL-UNNAMED"})
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class GuardedReadBenchmark {
    private static final long BYTES = 4096;
    private static final long OFFSET = 128;
    private static final int READS = 16;
    private static final long STRIDE = 64;
    private static final int IGNITE_TAG = 1;
    private static final int IGNITE_STRIPES = 16;

    private AddressSpace space;
    private Region region;
    private long address;

    private Arena shared;
    private MemorySegment sharedSegment;
    private MemorySegment globalSegment;
    private StampedLock stamped;
    private Lock reentrantRead;
    private OffheapReadWriteLock igniteLock;
    private long igniteWord;
    private RefCnt nettyCount;
    private OpOrder cassandraOrder;
    @SuppressWarnings("UnusedVariable") // written so that the guard escapes
    private Guard stored;

    /** Maps what is read. */
    @Setup
    public void open() {
        space = AddressSpace.open();
        region = space.map(BYTES);
        address = region.address() + OFFSET;
        try (Guard guard = region.shareWritable()) {
            fill(guard.segment());
        }
        shared = Arena.ofShared();
        sharedSegment = shared.allocate(BYTES, Long.BYTES);
        globalSegment = Arena.global().allocate(BYTES, Long.BYTES);
        fill(sharedSegment);
        fill(globalSegment);
        stamped = new StampedLock();
        reentrantRead = new ReentrantReadWriteLock().readLock();
        igniteLock = new OffheapReadWriteLock(IGNITE_STRIPES);
        igniteWord = Arena.global().allocate(OffheapReadWriteLock.LOCK_SIZE, OffheapReadWriteLock.LOCK_SIZE).address();
        igniteLock.init(igniteWord, IGNITE_TAG);
        nettyCount = new RefCnt();
        cassandraOrder = new OpOrder();
    }

    private static void fill(final MemorySegment segment) {
        for (long offset = 0; offset < BYTES; offset += Long.BYTES) {
            segment.set(JAVA_LONG, offset, offset + 1);
        }
    }

    /** Unmaps it. */
    @TearDown
    public void close() {
        space.close();
        shared.close();
    }

    private static long sum(final MemorySegment segment) {
        long sum = 0;
        for (int i = 0; i < READS; i++) {
            sum += segment.get(JAVA_LONG, i * STRIDE);
        }
        return sum;
    }

    @CompilerControl(CompilerControl.Mode.DONT_INLINE)
    private static long readElsewhere(final MemorySegment segment) {
        return segment.get(JAVA_LONG, OFFSET);
    }

    /**
     * No protection at all: memory that is never given back.
     *
     * @return what was read
     */
    @Benchmark
    public long rawRead() {
        return globalSegment.get(JAVA_LONG, OFFSET);
    }

    /**
     * A segment of a shared arena, whose close would stop every thread for a handshake.
     *
     * @return what was read
     */
    @Benchmark
    public long sharedArenaSegment() {
        return sharedSegment.get(JAVA_LONG, OFFSET);
    }

    /**
     * Optimistic read and validation.
     *
     * @return what was read
     */
    @Benchmark
    public long holdfastOptimistic() {
        long value;
        long stamp;
        do {
            stamp = region.tryOptimisticRead();
            value = region.optimisticSegment().get(JAVA_LONG, OFFSET);
        } while (!region.validate(stamp));
        return value;
    }

    /**
     * Shared guard, scoped to the method.
     *
     * @return what was read
     */
    @Benchmark
    public long holdfastGuard() {
        try (Guard guard = region.share()) {
            return guard.segment().get(JAVA_LONG, OFFSET);
        }
    }

    /**
     * Shared lock by stamp.
     *
     * @return what was read
     */
    @Benchmark
    public long holdfastStamp() {
        final long stamp = region.lockShared();
        try {
            return region.optimisticSegment().get(JAVA_LONG, OFFSET);
        } finally {
            region.unlockShared(stamp);
        }
    }

    /**
     * Counted hold, which another thread could release.
     *
     * @return what was read
     */
    @Benchmark
    public long holdfastCounted() {
        try (Hold hold = region.hold()) {
            return hold.region().optimisticSegment().get(JAVA_LONG, OFFSET);
        }
    }

    /**
     * The same by stamp, which is no object.
     *
     * @return what was read
     */
    @Benchmark
    public long holdfastCountedStamp() {
        final long stamp = region.lockCounted();
        try {
            return region.optimisticSegment().get(JAVA_LONG, OFFSET);
        } finally {
            region.unlockCounted(stamp);
        }
    }

    /**
     * Pin, lookup by address, read of what was found.
     *
     * @return what was read
     */
    @Benchmark
    public long holdfastPinnedFind() {
        try (Pin pin = space.pin()) {
            return pin.find(address).optimisticSegment().get(JAVA_LONG, OFFSET);
        }
    }

    /**
     * Optimistic read of the JDK.
     *
     * @return what was read
     */
    @Benchmark
    public long stampedOptimistic() {
        long value;
        long stamp;
        do {
            stamp = stamped.tryOptimisticRead();
            value = globalSegment.get(JAVA_LONG, OFFSET);
        } while (!stamped.validate(stamp));
        return value;
    }

    /**
     * Read lock of the JDK's stamped lock.
     *
     * @return what was read
     */
    @Benchmark
    public long stampedReadLock() {
        final long stamp = stamped.readLock();
        try {
            return globalSegment.get(JAVA_LONG, OFFSET);
        } finally {
            stamped.unlockRead(stamp);
        }
    }

    /**
     * Read lock of the JDK's reentrant lock.
     *
     * @return what was read
     */
    @Benchmark
    public long reentrantReadWriteLock() {
        reentrantRead.lock();
        try {
            return globalSegment.get(JAVA_LONG, OFFSET);
        } finally {
            reentrantRead.unlock();
        }
    }

    /**
     * Read lock of Ignite's page memory, on an off-heap word with a tag.
     *
     * @return what was read
     */
    @Benchmark
    public long igniteReadLock() {
        if (!igniteLock.readLock(igniteWord, IGNITE_TAG)) {
            return -1;
        }
        try {
            return globalSegment.get(JAVA_LONG, OFFSET);
        } finally {
            igniteLock.readUnlock(igniteWord);
        }
    }

    /**
     * Reference count of Netty's buffers.
     *
     * @return what was read
     */
    @Benchmark
    public long nettyRefCnt() {
        RefCnt.retain(nettyCount);
        try {
            return globalSegment.get(JAVA_LONG, OFFSET);
        } finally {
            RefCnt.release(nettyCount);
        }
    }

    /**
     * Group of operations of Cassandra's memtables, which a barrier waits for.
     *
     * @return what was read
     */
    @Benchmark
    public long cassandraOpOrder() {
        try (OpOrder.Group group = cassandraOrder.start()) {
            return globalSegment.get(JAVA_LONG, OFFSET);
        }
    }

    /**
     * Sixteen reads without protection.
     *
     * @return sum of what was read
     */
    @Benchmark
    public long rawRead16() {
        return sum(globalSegment);
    }

    /**
     * Sixteen reads under one guard.
     *
     * @return sum of what was read
     */
    @Benchmark
    public long holdfastGuard16() {
        try (Guard guard = region.share()) {
            return sum(guard.segment());
        }
    }

    /**
     * Sixteen reads under one stamp.
     *
     * @return sum of what was read
     */
    @Benchmark
    public long holdfastStamp16() {
        final long stamp = region.lockShared();
        try {
            return sum(region.optimisticSegment());
        } finally {
            region.unlockShared(stamp);
        }
    }

    /**
     * Sixteen reads under one read lock of the JDK.
     *
     * @return sum of what was read
     */
    @Benchmark
    public long reentrantReadWriteLock16() {
        reentrantRead.lock();
        try {
            return sum(globalSegment);
        } finally {
            reentrantRead.unlock();
        }
    }

    /**
     * A guard whose segment goes to a method that is not inlined, so that it has to exist.
     *
     * @return what was read
     */
    @Benchmark
    public long holdfastGuardEscaping() {
        try (Guard guard = region.share()) {
            return readElsewhere(guard.segment());
        }
    }

    /**
     * A guard that is kept in a field, so that it has to exist.
     *
     * @return what was read
     */
    @Benchmark
    @CompilerControl(CompilerControl.Mode.DONT_INLINE)
    public long holdfastGuardStored() {
        try (Guard guard = region.share()) {
            stored = guard;
            return guard.segment().get(JAVA_LONG, OFFSET);
        }
    }

    /**
     * The stamp form where the read happens in a method that is not inlined.
     *
     * @return what was read
     */
    @Benchmark
    public long holdfastStampEscaping() {
        final long stamp = region.lockShared();
        try {
            return readElsewhere(region.optimisticSegment());
        } finally {
            region.unlockShared(stamp);
        }
    }
}
