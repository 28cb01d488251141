// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import com.carrotsearch.randomizedtesting.annotations.ThreadLeakFilters;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.lucene.store.Directory;
import org.apache.lucene.tests.store.BaseChunkedDirectoryTestCase;

/** What Lucene asks of each directory, and of those that map files. */
@ThreadLeakFilters(filters = BackgroundThreads.class)
public class DirectoryContractTest extends BaseChunkedDirectoryTestCase {
    @Override
    protected Directory getDirectory(final Path path, final int maxChunkSize) throws IOException {
        return HoldfastDirectory.builder().unmapInBackground(random().nextBoolean()).open(path);
    }
}
