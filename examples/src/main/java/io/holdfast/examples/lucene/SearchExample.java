// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.lucene;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.LongPoint;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.Directory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Indexes real text and searches it, on each of some directories, and shows what it took in one table. */
@Command(name = "lucene-search", sortOptions = false, usageHelpAutoWidth = true, mixinStandardHelpOptions = true,
    description = "Indexes text and searches it on some of Lucene's directories, and shows one table.")
public final class SearchExample implements Callable<Integer> {
    private static final String FIELD = "text";
    private static final int HITS = 10;

    @Option(names = "--directory", paramLabel = "KIND", split = ",", defaultValue = "holdfast,mmap,nio",
        description = "Directories, of ${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}.")
    private List<Kind> kinds = List.of();

    @Option(names = "--input", paramLabel = "DIR",
        description = "Directory whose files are indexed. Default: the speeches of Lucene's test framework.")
    private @Nullable Path input;

    @Option(names = "--texts", paramLabel = "N", defaultValue = "5000",
        description = "How many texts at most. Default: ${DEFAULT-VALUE}.")
    private int texts;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "200",
        description = "How often each query is run. Default: ${DEFAULT-VALUE}.")
    private int rounds;

    @Spec
    private CommandSpec spec;

    /** Runs it; see {@code --help}. */
    public static void main(final String[] args) {
        System.exit(new CommandLine(new SearchExample()).setCaseInsensitiveEnumValuesAllowed(true).execute(args));
    }

    @Override
    public Integer call() throws IOException {
        final List<String> all = Texts.read(input, texts);
        out().printf(Locale.ROOT, "%-10s %9s %10s %10s %10s %10s %10s %8s %7s%n",
            "directory", "texts/s", "reopen us", "term us", "phrase us",
            "range us", "sort us", "hits", "mapped");
        for (final Kind kind : kinds) {
            run(kind, all);
        }
        return 0;
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private void run(final Kind kind, final List<String> all) throws IOException {
        try (Workplace place = Workplace.create(); Directory directory = kind.open(place.path())) {
            final long start = System.nanoTime();
            index(directory, all);
            final double seconds = (System.nanoTime() - start) / 1e9;
            final double reopenUs = us(() -> open(directory));
            try (DirectoryReader reader = DirectoryReader.open(directory)) {
                final IndexSearcher searcher = new IndexSearcher(reader);
                searcher.setQueryCache(null);
                final Query term = new TermQuery(new Term(FIELD, "president"));
                final Query phrase = new PhraseQuery(FIELD, "european", "union");
                final Query range = LongPoint.newRangeQuery("length", 100, 1_000);
                final Sort byLength = new Sort(new SortField("size", SortField.Type.LONG));
                out().printf(Locale.ROOT, "%-10s %9.0f %10.0f %10.1f %10.1f %10.1f %10.1f %8d %7d%n",
                    kind, all.size() / seconds, reopenUs,
                    us(() -> searcher.search(term, HITS)), us(() -> searcher.search(phrase, HITS)),
                    us(() -> searcher.search(range, HITS)), us(() -> searcher.search(term, HITS, byLength)),
                    searcher.count(term) + searcher.count(phrase) + searcher.count(range),
                    MappedFiles.of(place.path()).all());
                out().flush();
            }
        }
    }

    private static void index(final Directory directory, final List<String> all) throws IOException {
        try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig(new StandardAnalyzer()))) {
            for (final String text : all) {
                final Document document = new Document();
                document.add(new TextField(FIELD, text, Field.Store.YES));
                document.add(new LongPoint("length", text.length()));
                document.add(new NumericDocValuesField("size", text.length()));
                writer.addDocument(document);
            }
        }
    }

    private static int open(final Directory directory) throws IOException {
        try (DirectoryReader reader = DirectoryReader.open(directory)) {
            return reader.numDocs();
        }
    }

    /** What is timed. */
    private interface Work {
        @Nullable Object run() throws IOException;
    }

    private double us(final Work work) throws IOException {
        for (int i = 0; i < rounds; i++) {
            work.run();
        }
        final long start = System.nanoTime();
        for (int i = 0; i < rounds; i++) {
            work.run();
        }
        return (System.nanoTime() - start) / 1e3 / rounds;
    }
}
