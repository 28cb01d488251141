// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The directory that the job works in: the caller's, or a temporary one that is removed at the end. */
final class Workplace implements AutoCloseable {
    private final Path directory;
    private final boolean temporary;

    private Workplace(final Path directory, final boolean temporary) {
        this.directory = directory;
        this.temporary = temporary;
    }

    /**
     * Opens a workplace.
     *
     * @param wanted directory, or null for a temporary one
     */
    static Workplace open(final @Nullable Path wanted) {
        if (wanted != null) {
            return new Workplace(wanted, false);
        }
        try {
            return new Workplace(Files.createTempDirectory("holdfast-store-").toRealPath(), true);
        } catch (final IOException e) {
            throw new StoreException("cannot create a temporary directory: in=" +
                System.getProperty("java.io.tmpdir") + ", cause=" + StoreFiles.reason(e) +
                "; name one with --directory", e);
        }
    }

    Path directory() {
        return directory;
    }

    @Override
    public void close() {
        if (temporary) {
            try (Stream<Path> files = Files.list(directory)) {
                files.forEach(StoreFiles::delete);
            } catch (final IOException e) {
                throw StoreFiles.failure("list", directory, e);
            }
            StoreFiles.delete(directory);
        }
    }
}
