// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.lucene;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The kernel's word on which files of a directory this process has mapped.
 *
 * @param all     mappings of its files
 * @param deleted those among them whose file is deleted, so that its blocks wait for the mapping to go
 */
record MappedFiles(long all, long deleted) {
    static MappedFiles of(final Path directory) throws IOException {
        final List<String> mine = new String(Files.readAllBytes(Path.of("/proc/self/maps")), StandardCharsets.UTF_8).lines()
            .filter(line -> line.contains(" " + directory + "/")).toList();
        return new MappedFiles(mine.size(), mine.stream().filter(line -> line.endsWith("(deleted)")).count());
    }
}
