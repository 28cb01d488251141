// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.lucene.document.LongPoint;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.DocValues;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.KnnFloatVectorQuery;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.Directory;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.AuxCounters;
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
 * Lucene on this directory and on its own: queries of one kind each, the opening and closing of a reader of the whole
 * index, a refresh after ten new documents, and indexing. One thread, one index on the disk for all, a warm cache.
 *
 * <p>{@code java -jar bench/target/benchmarks.jar LuceneBenchmark.query -p query=term,phrase}
 */
@NullUnmarked
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 10, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 3,
    jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", FixedHeap.LEAST, FixedHeap.MOST, FixedHeap.TOUCHED})
public class LuceneBenchmark {
    private static final int QUERIES = 32;
    private static final int HITS = 10;
    private static final int CHANGES = 10;
    private static final int INDEXED = 1_000;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    /** An index and how it is read. */
    @State(Scope.Benchmark)
    @NullUnmarked
    public static class Index {
        /** Which directory. */
        @Param({"holdfast", "mmap"})
        public String directory;

        /** Of the index. */
        @Param("50000")
        public int documents;

        private Directory files;

        /**
         * Makes the index if it is not there.
         *
         * @throws IOException if it cannot be made
         */
        @Setup(Level.Trial)
        public void open() throws IOException {
            files = LuceneCorpus.open(directory, LuceneCorpus.index(documents));
        }

        /**
         * Leaves the index for the next.
         *
         * @throws IOException if it cannot be closed
         */
        @TearDown(Level.Trial)
        public void close() throws IOException {
            files.close();
        }
    }

    /** What is searched, and for what. */
    @State(Scope.Benchmark)
    @NullUnmarked
    public static class Searches {
        /** Kind of query. */
        @Param({"term", "and", "or", "phrase", "point", "sort", "scan", "knn"})
        public String query;

        private final Query[] queries = new Query[QUERIES];
        private DirectoryReader reader;
        private IndexSearcher searcher;
        private Sort sort;

        /**
         * Opens the reader.
         *
         * @param index which
         * @throws IOException if it cannot be opened
         */
        @Setup(Level.Trial)
        public void open(final Index index) throws IOException {
            reader = DirectoryReader.open(index.files);
            searcher = new IndexSearcher(reader);
            searcher.setQueryCache(null);
            sort = query.equals("sort") ? new Sort(new SortField("value", SortField.Type.LONG)) : Sort.RELEVANCE;
            final SplittableRandom random = new SplittableRandom(7);
            for (int i = 0; i < QUERIES; i++) {
                queries[i] = make(random);
            }
        }

        private static Term term(final SplittableRandom random) {
            return new Term("text", LuceneCorpus.word(random));
        }

        private Query make(final SplittableRandom random) {
            return switch (query) {
                case "term", "sort", "scan" -> new TermQuery(term(random));
                case "and" -> both(BooleanClause.Occur.MUST, random);
                case "or" -> both(BooleanClause.Occur.SHOULD, random);
                case "phrase" -> new PhraseQuery("text", "w" + (1 + random.nextInt(20)), "w" + (1 + random.nextInt(20)));
                case "point" -> range(random.nextInt(1_000_000));
                case "knn" -> new KnnFloatVectorQuery("vector", LuceneCorpus.vector(random), HITS);
                default -> throw new IllegalArgumentException("no such query: " + query);
            };
        }

        private static Query both(final BooleanClause.Occur how, final SplittableRandom random) {
            return new BooleanQuery.Builder().add(new TermQuery(term(random)), how).add(new TermQuery(term(random)), how)
                .build();
        }

        private static Query range(final int from) {
            return LongPoint.newRangeQuery("point", from, from + 20_000);
        }

        private long search(final Query each) throws IOException {
            return query.equals("scan") ? scan() : query.equals("sort")
                ? searcher.search(each, HITS, sort).totalHits.value() : searcher.search(each, HITS).totalHits.value();
        }

        /** Adds up a doc value of each document. */
        private long scan() throws IOException {
            long sum = 0;
            for (final LeafReaderContext leaf : reader.leaves()) {
                final NumericDocValues values = DocValues.getNumeric(leaf.reader(), "value");
                while (values.nextDoc() != DocIdSetIterator.NO_MORE_DOCS) {
                    sum += values.longValue();
                }
            }
            return sum;
        }

        /**
         * Closes the reader.
         *
         * @throws IOException if it cannot be closed
         */
        @TearDown(Level.Trial)
        public void close() throws IOException {
            reader.close();
        }
    }

    /** What readers have cost. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    public static class Cost {
        /** How many readers were opened and closed. */
        public long readers;
        /** Processor time of the opening, in nanoseconds. */
        public long openCpuNs;
        /** Processor time of the closing, in nanoseconds. */
        public long closeCpuNs;
        /** Time of the closing, in nanoseconds. */
        public long closeNs;
    }

    /** An index that grows. */
    @State(Scope.Benchmark)
    @NullUnmarked
    public static class Growing {
        /** Which directory. */
        @Param({"holdfast", "mmap"})
        public String directory;

        private Path path;
        private Directory files;
        private IndexWriter writer;
        private DirectoryReader reader;
        private int next;

        /**
         * Makes an empty index.
         *
         * @throws IOException if it cannot be made
         */
        @Setup(Level.Iteration)
        public void open() throws IOException {
            path = Files.createTempDirectory("lucene");
            files = LuceneCorpus.open(directory, path);
            writer = new IndexWriter(files, LuceneCorpus.config());
            reader = DirectoryReader.open(writer);
        }

        private void add(final int documents) throws IOException {
            for (int i = 0; i < documents; i++) {
                writer.addDocument(LuceneCorpus.document(next));
                next++;
            }
        }

        /**
         * Deletes the index.
         *
         * @throws IOException if it cannot be deleted
         */
        @TearDown(Level.Iteration)
        public void close() throws IOException {
            reader.close();
            writer.close();
            files.close();
            try (Stream<Path> all = Files.walk(path)) {
                for (final Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(each);
                }
            }
        }
    }

    /**
     * A query.
     *
     * @param index    where
     * @param searches for what
     * @return something of the result
     * @throws IOException if it fails
     */
    @Benchmark
    @OperationsPerInvocation(QUERIES)
    public long query(final Index index, final Searches searches) throws IOException {
        long sum = 0;
        for (final Query each : searches.queries) {
            sum += searches.search(each);
        }
        return sum;
    }

    /**
     * The opening of a reader of the whole index, and its closing. The counters are processor time of this thread; what
     * others do of it, {@link io.holdfast.bench.report.CpuProfiler} adds.
     *
     * @param index which
     * @param cost  what each half costs
     * @return how many documents there are
     * @throws IOException if it fails
     */
    @Benchmark
    public int reopen(final Index index, final Cost cost) throws IOException {
        final long begun = THREADS.getCurrentThreadCpuTime();
        final DirectoryReader reader = DirectoryReader.open(index.files);
        final int documents = reader.numDocs();
        final long opened = THREADS.getCurrentThreadCpuTime();
        final long closing = System.nanoTime();
        reader.close();
        cost.closeNs += System.nanoTime() - closing;
        cost.closeCpuNs += THREADS.getCurrentThreadCpuTime() - opened;
        cost.openCpuNs += opened - begun;
        cost.readers++;
        return documents;
    }

    /**
     * Ten documents, a reader that shows them, and the closing of the one before.
     *
     * @param growing the index
     * @return how many documents there are
     * @throws IOException if it fails
     */
    @Benchmark
    public int refresh(final Growing growing) throws IOException {
        growing.add(CHANGES);
        final DirectoryReader newer = DirectoryReader.openIfChanged(growing.reader);
        growing.reader.close();
        growing.reader = newer;
        return newer.numDocs();
    }

    /**
     * A thousand documents, and a commit; merges come in between.
     *
     * @param growing the index
     * @throws IOException if it fails
     */
    @Benchmark
    @OperationsPerInvocation(INDEXED)
    public void index(final Growing growing) throws IOException {
        growing.add(INDEXED);
        growing.writer.commit();
    }
}
