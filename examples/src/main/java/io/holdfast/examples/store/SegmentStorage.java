// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.nio.file.Path;

/**
 * How segment files are mapped, protected against unmapping while they are read, and unmapped: the only part of the
 * store that differs between engines. Thread-safe.
 */
interface SegmentStorage extends AutoCloseable {
    /**
     * Maps the first {@code size} bytes of a file for reading and writing.
     *
     * @param file an existing file of at least that length
     * @param size bytes to map, above zero
     * @param sizeMax bytes that the mapping may grow to
     * @throws StoreException if the system refuses
     */
    MappedFile map(Path file, long size, long sizeMax);

    /** Bytes mapped at the moment. After {@link #close()} those that were left over. */
    long mappedBytes();

    /** Files mapped at the moment. After {@link #close()} those that were left over. */
    long mappedFiles();

    /** Gives everything back. The store has unmapped every file by then. */
    @Override
    void close();
}
