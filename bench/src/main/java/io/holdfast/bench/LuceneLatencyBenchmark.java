// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.PrimitiveIterator;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.Directory;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
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
 * How long a search for one term takes in an open reader, while another thread opens and closes readers of the same index
 * as fast as it can; and how long each of those closes keeps that thread.
 *
 * <p>Searches are due at fixed times and measured from then, as in {@link LatencyBenchmark}. The counters are percentiles
 * in nanoseconds, and how many readers were opened and closed; the row's own time is only how long it was run. Idle
 * threads have searched once; virtual threads search every 100 ms.
 *
 * <p>{@code java -jar bench/target/benchmarks.jar LuceneLatencyBenchmark -p idleThreads=1000}
 */
@NullUnmarked
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2)
@Measurement(iterations = 3)
@Fork(value = 3,
    jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", FixedHeap.LEAST, FixedHeap.MOST, FixedHeap.TOUCHED})
@State(Scope.Benchmark)
public class LuceneLatencyBenchmark {
    private static final int QUERIES = 32;
    private static final int HITS = 10;
    private static final long PAUSE_MS = 100;
    private static final long HIGHEST_NS = TimeUnit.SECONDS.toNanos(60);
    private static final int DIGITS = 3;

    /** Which directory. */
    @Param({"holdfast", "mmap"})
    public String directory;

    /** Of the index. */
    @Param("50000")
    public int documents;

    /** Platform threads that do nothing. */
    @Param({"0", "1000"})
    public int idleThreads;

    /** Virtual threads that search now and then. */
    @Param({"0", "200"})
    public int virtualThreads;

    /** How long one measurement takes. */
    @Param("3000")
    public int millis;

    /** From one search to the next. */
    @Param("500000")
    public int intervalNs;

    private final Query[] queries = new Query[QUERIES];
    private Directory files;
    private DirectoryReader reader;
    private IndexSearcher searcher;
    private IdleThreads idle;
    private List<Thread> searching;

    /** What was seen; the names are those of the report. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    @NullUnmarked
    public static class Percentiles {
        /** Half of the searches took no longer. */
        public long p50;
        /** 99 of 100 took no longer. */
        public long p99;
        /** 999 of 1,000 took no longer. */
        public long p999;
        /** No search took longer. */
        public long maximum;
        /** Half of the closes of a reader took no longer. */
        public long closeP50;
        /** 999 of 1,000 took no longer. */
        public long closeP999;
        /** How many readers were opened and closed. */
        public long reopens;
    }

    /**
     * Opens the index, and starts who is beside.
     *
     * @throws IOException          if it cannot be opened
     * @throws InterruptedException if the thread is interrupted
     */
    @Setup
    public void open() throws IOException, InterruptedException {
        files = LuceneCorpus.open(directory, LuceneCorpus.index(documents));
        reader = DirectoryReader.open(files);
        searcher = new IndexSearcher(reader);
        searcher.setQueryCache(null);
        final SplittableRandom random = new SplittableRandom(7);
        for (int i = 0; i < QUERIES; i++) {
            queries[i] = new TermQuery(new Term("text", LuceneCorpus.word(random)));
        }
        idle = new IdleThreads(idleThreads, () -> search(0));
        searching = new ArrayList<>();
        for (int i = 0; i < virtualThreads; i++) {
            searching.add(Thread.startVirtualThread(this::searchNowAndThen));
        }
    }

    private void searchNowAndThen() {
        try {
            for (int i = 0; ; i++) {
                search(i);
                Thread.sleep(PAUSE_MS);
            }
        } catch (final InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }

    private long search(final int number) {
        try {
            return searcher.search(queries[number & QUERIES - 1], HITS).totalHits.value();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Ends all of it.
     *
     * @throws IOException          if it cannot be closed
     * @throws InterruptedException if the thread is interrupted
     */
    @TearDown
    public void close() throws IOException, InterruptedException {
        for (final Thread each : searching) {
            each.interrupt();
        }
        for (final Thread each : searching) {
            each.join();
        }
        idle.close();
        reader.close();
        files.close();
    }

    /**
     * Searches beside a thread that opens and closes readers.
     *
     * @param seen what is seen
     * @return sum of what was found
     * @throws InterruptedException if the thread is interrupted
     */
    @Benchmark
    public long searchBesideReopens(final Percentiles seen) throws InterruptedException {
        final Histogram closes = new Histogram(HIGHEST_NS, DIGITS);
        final long begin = System.nanoTime();
        final long end = begin + TimeUnit.MILLISECONDS.toNanos(millis);
        final Thread opener = Thread.ofPlatform().daemon().name("opener").start(() -> reopen(end, closes));
        final Histogram searches = new Histogram(HIGHEST_NS, DIGITS);
        final PrimitiveIterator.OfInt numbers = IntStream.iterate(0, number -> number + 1).iterator();
        final long sum = Paced.run(begin, end, intervalNs, searches, () -> search(numbers.nextInt()));
        opener.join();
        seen.p50 = searches.getValueAtPercentile(50);
        seen.p99 = searches.getValueAtPercentile(99);
        seen.p999 = searches.getValueAtPercentile(99.9);
        seen.maximum = searches.getMaxValue();
        seen.closeP50 = closes.getValueAtPercentile(50);
        seen.closeP999 = closes.getValueAtPercentile(99.9);
        seen.reopens = closes.getTotalCount();
        return sum;
    }

    private void reopen(final long end, final Histogram closes) {
        try {
            long now = System.nanoTime();
            while (now < end) {
                final DirectoryReader another = DirectoryReader.open(files);
                final long before = System.nanoTime();
                another.close();
                now = System.nanoTime();
                closes.recordValue(Math.min(HIGHEST_NS, now - before));
            }
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
