// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.neo4j.io.pagecache.impl.muninn.OffHeapPageLock;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The rows of {@link GuardedReadBenchmark} for the page lock of Neo4j's page cache, which never unmaps a page while it
 * lives. Only in the Maven profile {@code neo4j}: that jar is under the GPLv3.
 *
 * <p>{@code java -jar benchmarks.jar Neo4jReadBenchmark -t 1}
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"})
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class Neo4jReadBenchmark {
    private static final long BYTES = 4096;
    private static final long OFFSET = 128;

    private MemorySegment segment;
    private long word;

    /** Makes what is read, and an unlocked word. */
    @Setup
    public void open() {
        segment = Arena.global().allocate(BYTES, Long.BYTES);
        final MemorySegment lock = Arena.global().allocate(JAVA_LONG);
        lock.set(JAVA_LONG, 0, OffHeapPageLock.initialLockWordWithExclusiveLock());
        word = lock.address();
        OffHeapPageLock.unlockExclusive(word);
    }

    /**
     * Optimistic read and validation.
     *
     * @return what was read
     */
    @Benchmark
    public long neo4jOptimistic() {
        long value;
        long stamp;
        do {
            stamp = OffHeapPageLock.tryOptimisticReadLock(word);
            value = segment.get(JAVA_LONG, OFFSET);
        } while (!OffHeapPageLock.validateReadLock(word, stamp));
        return value;
    }
}
