// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.LongPoint;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.CheckIndex;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.Directory;

/** Adds numbered documents, and says after each commit how many there are; goes on until it is killed. */
final class Indexer {
    private static final int COMMIT = 50;

    private Indexer() {
    }

    static IndexWriterConfig config() {
        return new IndexWriterConfig(new StandardAnalyzer()).setMaxBufferedDocs(20).setCommitOnClose(false);
    }

    static void add(final IndexWriter writer, final long number) throws IOException {
        final Document document = new Document();
        document.add(new StringField("id", Long.toString(number), Field.Store.YES));
        document.add(new TextField("text", "the document with the number " + number + " and word" + number % 7,
            Field.Store.YES));
        document.add(new LongPoint("point", number));
        document.add(new NumericDocValuesField("value", number));
        writer.updateDocument(new Term("id", Long.toString(number)), document);
    }

    /** Documents of the last commit, which are numbered without a gap. */
    static int checkedCount(final Directory directory) throws IOException {
        try (CheckIndex check = new CheckIndex(directory)) {
            if (!check.checkIndex().clean) {
                throw new AssertionError("index is not clean");
            }
        }
        try (DirectoryReader reader = DirectoryReader.open(directory)) {
            final IndexSearcher searcher = new IndexSearcher(reader);
            for (int i = 0; i < reader.numDocs(); i++) {
                if (searcher.count(new TermQuery(new Term("id", Integer.toString(i)))) != 1) {
                    throw new AssertionError("document " + i + " of " + reader.numDocs() + " is missing or there twice");
                }
            }
            return reader.numDocs();
        }
    }

    /** Indexes in a directory. */
    public static void main(final String[] args) throws IOException {
        try (Directory directory = new HoldfastDirectory(Path.of(args[0]));
             IndexWriter writer = new IndexWriter(directory, config())) {
            long number = writer.getDocStats().numDocs;
            while (true) {
                add(writer, number);
                number++;
                if (number % COMMIT == 0) {
                    writer.commit();
                    System.out.println(number);
                } else if (number % 20 == 0) {
                    DirectoryReader.open(writer).close();
                }
            }
        }
    }
}
