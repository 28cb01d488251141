// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.lucene;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A directory for an index, which goes when it is closed. */
record Workplace(Path path) implements AutoCloseable {
    static Workplace create() throws IOException {
        return new Workplace(Files.createTempDirectory("holdfast-lucene").toRealPath());
    }

    @Override
    public void close() throws IOException {
        final List<Path> all;
        try (Stream<Path> walk = Files.walk(path)) {
            all = walk.sorted(Comparator.reverseOrder()).toList();
        }
        for (final Path each : all) {
            Files.deleteIfExists(each);
        }
    }
}
