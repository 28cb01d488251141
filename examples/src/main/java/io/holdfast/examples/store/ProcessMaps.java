// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The kernel's word on what this process has mapped. */
final class ProcessMaps {
    private static final Path MAPS = Path.of("/proc/self/maps");

    private ProcessMaps() {
    }

    /** Mappings of files in that directory, deleted ones among them. */
    static long countFilesOf(final Path directory) {
        final String prefix = " " + directory + "/";
        try {
            // Decoded leniently: other files' names may be in any encoding.
            final String maps = new String(Files.readAllBytes(MAPS), StandardCharsets.UTF_8);
            return maps.lines().filter(line -> line.contains(prefix)).count();
        } catch (final IOException e) {
            throw StoreFiles.failure("read", MAPS, e);
        }
    }
}
