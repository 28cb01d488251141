// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.lucene;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The kernel's word on which files of a directory this process has mapped.
 *
 * @param all     mappings of its files
 * @param deleted paths of those that are deleted, so that their blocks wait for the mapping to go
 */
record MappedFiles(long all, Set<String> deleted) {
    private static final String DELETED = " (deleted)";

    static MappedFiles of(final Path directory) throws IOException {
        final String within = " " + directory + "/";
        final List<String> mine = new String(Files.readAllBytes(Path.of("/proc/self/maps")), StandardCharsets.UTF_8).lines()
            .filter(line -> line.contains(within)).toList();
        return new MappedFiles(mine.size(), mine.stream().filter(line -> line.endsWith(DELETED))
            .map(line -> line.substring(line.indexOf(within) + 1)).collect(Collectors.toSet()));
    }

    /** How many files were deleted at an earlier look already, and are still mapped. */
    long left(final MappedFiles earlier) {
        return deleted.stream().filter(earlier.deleted::contains).count();
    }
}
