// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.lucene;

import io.holdfast.lucene.HoldfastDirectory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.store.NIOFSDirectory;

/** Directories to compare. */
enum Kind {
    HOLDFAST {
        @Override
        Directory open(final Path path) throws IOException {
            return new HoldfastDirectory(path);
        }
    },
    MMAP {
        @Override
        Directory open(final Path path) throws IOException {
            return new MMapDirectory(path);
        }
    },
    NIO {
        @Override
        Directory open(final Path path) throws IOException {
            return new NIOFSDirectory(path);
        }
    };

    abstract Directory open(Path path) throws IOException;

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
