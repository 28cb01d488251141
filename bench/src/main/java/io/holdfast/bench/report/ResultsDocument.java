// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * A Markdown file whose tables are generated and whose prose is not. A table stands between {@code <!-- begin NAME -->}
 * and {@code <!-- end NAME -->}.
 */
final class ResultsDocument {
    private final Path file;
    private String text;

    ResultsDocument(final Path file) throws IOException {
        this.file = file;
        text = Files.readString(file);
    }

    /**
     * Puts tables in their places; a place whose table is not among them keeps what it has.
     *
     * @throws IOException if a table has no place, or the file cannot be written
     */
    void write(final Map<String, String> tables) throws IOException {
        for (final Map.Entry<String, String> table : tables.entrySet()) {
            replace(table.getKey(), table.getValue());
        }
        Files.writeString(file, text);
    }

    private void replace(final String name, final String table) throws IOException {
        final String begin = "<!-- begin " + name + " -->";
        final int from = text.indexOf(begin);
        final int to = text.indexOf("<!-- end " + name + " -->");
        if (from < 0 || to < from) {
            throw new IOException("table has no place in the document: name=" + name + ", path=" + file + ", missing=" +
                begin);
        }
        text = text.substring(0, from + begin.length()) + "\n\n" + table + "\n" + text.substring(to);
    }
}
