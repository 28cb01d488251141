// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import io.holdfast.lucene.HoldfastDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.KnnFloatVectorField;
import org.apache.lucene.document.LongPoint;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.SortedDocValuesField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.store.NIOFSDirectory;
import org.apache.lucene.util.BytesRef;

/**
 * Documents whose words are as frequent as those of a language, always the same, and an index of them that is made once
 * and then found in the temporary directory. Six segments, no compound files.
 */
final class LuceneCorpus {
    static final int DIMENSIONS = 64;
    private static final int WORDS = 80; // of a document
    private static final int VOCABULARY = 20_000;
    private static final int SEGMENTS = 6;
    private static final long SEED = 42;

    private LuceneCorpus() {
    }

    static Directory open(final String kind, final Path path) throws IOException {
        return switch (kind) {
            case "holdfast" -> new HoldfastDirectory(path);
            case "mmap" -> new MMapDirectory(path);
            case "nio" -> new NIOFSDirectory(path);
            default -> throw new IllegalArgumentException("no such directory: " + kind);
        };
    }

    /** Where the index of so many documents is. */
    static Path index(final int documents) throws IOException {
        final Path path = Path.of(System.getProperty("java.io.tmpdir"), "holdfast-lucene-" + documents);
        try (Directory directory = new NIOFSDirectory(path)) {
            if (!DirectoryReader.indexExists(directory)) {
                write(directory, documents);
            }
        }
        return path;
    }

    private static void write(final Directory directory, final int documents) throws IOException {
        try (IndexWriter writer = new IndexWriter(directory, config().setRAMBufferSizeMB(1_000)
            .setMergePolicy(NoMergePolicy.INSTANCE))) {
            for (int i = 0; i < documents; i++) {
                writer.addDocument(document(i));
                if (i % (documents / SEGMENTS + 1) == documents / SEGMENTS) {
                    writer.flush();
                }
            }
        }
    }

    static IndexWriterConfig config() {
        return new IndexWriterConfig(new StandardAnalyzer()).setUseCompoundFile(false);
    }

    static Document document(final int number) {
        final SplittableRandom random = new SplittableRandom(SEED + number);
        final StringBuilder text = new StringBuilder();
        for (int i = 0; i < WORDS; i++) {
            text.append(word(random)).append(' ');
        }
        final Document document = new Document();
        document.add(new StringField("id", Integer.toString(number), Field.Store.YES));
        document.add(new TextField("text", text.toString(), Field.Store.YES));
        document.add(new LongPoint("point", random.nextInt(1_000_000)));
        document.add(new NumericDocValuesField("value", random.nextInt(1_000_000)));
        document.add(new SortedDocValuesField("facet", new BytesRef("facet" + random.nextInt(100))));
        document.add(new KnnFloatVectorField("vector", vector(random)));
        return document;
    }

    /** The n-th most frequent is n times rarer than the first. */
    static String word(final SplittableRandom random) {
        return "w" + (int) Math.pow(VOCABULARY, random.nextDouble());
    }

    static float[] vector(final SplittableRandom random) {
        final float[] vector = new float[DIMENSIONS];
        for (int i = 0; i < DIMENSIONS; i++) {
            vector[i] = (float) random.nextDouble() - 0.5f;
        }
        return vector;
    }

    static long bytes(final Path index) throws IOException {
        try (var files = Files.list(index)) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        }
    }
}
