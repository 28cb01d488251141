// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.lucene;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.SearcherFactory;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FilterDirectory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.MMapDirectory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * A writer that overwrites documents, a refresher, and searchers, at the same time; each second a line that says how many
 * files are mapped, how many of those are deleted, and were so a second ago, how many were opened, and how long searches
 * took.
 */
@Command(name = "lucene-near-real-time", sortOptions = false, usageHelpAutoWidth = true, mixinStandardHelpOptions = true,
    description = "Writes, refreshes and searches an index at the same time, and shows each second what is mapped.")
public final class NearRealTimeExample implements Callable<Integer> {
    private static final int KEYS = 10_000;
    private static final long LONGEST_US = TimeUnit.MINUTES.toMicros(1);

    @Option(names = "--directory", paramLabel = "KIND", defaultValue = "holdfast",
        description = "One of ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private Kind kind = Kind.HOLDFAST;

    @Option(names = "--no-grouping",
        description = "With mmap: each file is closed by itself, and not with those of its segment.")
    private boolean ungrouped;

    @Option(names = "--input", paramLabel = "DIR",
        description = "Directory whose files are the texts. Default: the speeches of Lucene's test framework.")
    private @Nullable Path input;

    @Option(names = "--seconds", paramLabel = "N", defaultValue = "10", description = "Default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Option(names = "--searchers", paramLabel = "N", defaultValue = "2",
        description = "Searching threads. Default: ${DEFAULT-VALUE}.")
    private int searchers;

    @Option(names = "--refresh-ms", paramLabel = "N", defaultValue = "20",
        description = "Time between two refreshes. Default: ${DEFAULT-VALUE}.")
    private int refreshMs;

    @Spec
    private CommandSpec spec;

    private final AtomicBoolean stop = new AtomicBoolean();
    private final LongAdder written = new LongAdder();
    private final LongAdder opened = new LongAdder();
    private final Histogram latencies = new ConcurrentHistogram(LONGEST_US, 2);

    /** Runs it; see {@code --help}. */
    public static void main(final String[] args) {
        System.exit(new CommandLine(new NearRealTimeExample()).setCaseInsensitiveEnumValuesAllowed(true).execute(args));
    }

    @Override
    public Integer call() throws Exception {
        final List<String> texts = Texts.read(input, KEYS);
        try (Workplace place = Workplace.create();
             Directory directory = counted(open(place.path()));
             IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig(new StandardAnalyzer()));
             SearcherManager manager = new SearcherManager(writer, new SearcherFactory());
             ExecutorService threads = Executors.newCachedThreadPool()) {
            final List<Future<?>> work = new ArrayList<>();
            work.add(threads.submit(() -> write(writer, texts)));
            work.add(threads.submit(() -> refresh(manager)));
            for (int i = 0; i < searchers; i++) {
                work.add(threads.submit(() -> search(manager)));
            }
            try {
                show(place.path(), work.getFirst());
            } finally {
                stop.set(true);
            }
            for (final Future<?> each : work) {
                each.get();
            }
        }
        return 0;
    }

    private Directory open(final Path path) throws IOException {
        final Directory directory = kind.open(path);
        if (ungrouped && directory instanceof MMapDirectory mapping) {
            mapping.setGroupingFunction(MMapDirectory.NO_GROUPING);
        }
        return directory;
    }

    /** The same directory, whose opened files are counted. */
    private Directory counted(final Directory directory) {
        return new FilterDirectory(directory) {
            @Override
            public IndexInput openInput(final String name, final IOContext context) throws IOException {
                opened.increment();
                return super.openInput(name, context);
            }
        };
    }

    private @Nullable Void write(final IndexWriter writer, final List<String> texts) throws IOException {
        final SplittableRandom random = new SplittableRandom();
        while (!stop.get()) {
            final int key = random.nextInt(texts.size());
            final Document document = new Document();
            document.add(new StringField("key", Integer.toString(key), Field.Store.YES));
            document.add(new TextField("text", texts.get(key), Field.Store.YES));
            writer.updateDocument(new Term("key", Integer.toString(key)), document);
            written.increment();
        }
        return null;
    }

    private @Nullable Void refresh(final SearcherManager manager) throws IOException, InterruptedException {
        while (!stop.get()) {
            manager.maybeRefresh();
            Thread.sleep(refreshMs);
        }
        return null;
    }

    private @Nullable Void search(final SearcherManager manager) throws IOException {
        final SplittableRandom random = new SplittableRandom();
        final String[] words = {"european", "parliament", "commission", "president", "union", "council", "report"};
        while (!stop.get()) {
            final IndexSearcher searcher = manager.acquire();
            try {
                final long start = System.nanoTime();
                searcher.search(new TermQuery(new Term("text", words[random.nextInt(words.length)])), 10);
                latencies.recordValue(Math.min((System.nanoTime() - start) / 1_000, LONGEST_US));
            } finally {
                manager.release(searcher);
            }
        }
        return null;
    }

    private void show(final Path path, final Future<?> writer)
        throws IOException, InterruptedException, ExecutionException {
        out().printf(Locale.ROOT, "%7s %9s %9s %7s %8s %9s %9s %9s %9s%n",
            "second", "written", "opened/s", "mapped", "deleted", "for 1 s", "p50 us", "p99 us", "p99.9 us");
        long before = 0;
        MappedFiles earlier = MappedFiles.of(path);
        for (int second = 1; second <= seconds; second++) {
            try {
                writer.get(1, TimeUnit.SECONDS);
            } catch (final TimeoutException e) { // as it should be: it goes on
                final MappedFiles mapped = MappedFiles.of(path);
                final long now = opened.sum();
                out().printf(Locale.ROOT, "%7d %9d %9d %7d %8d %9d %9d %9d %9d%n",
                    second, written.sum(), now - before, mapped.all(), mapped.deleted().size(), mapped.left(earlier),
                    latencies.getValueAtPercentile(50), latencies.getValueAtPercentile(99),
                    latencies.getValueAtPercentile(99.9));
                out().flush();
                latencies.reset();
                before = now;
                earlier = mapped;
            }
        }
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }
}
