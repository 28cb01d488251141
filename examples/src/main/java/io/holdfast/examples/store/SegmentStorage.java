// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

/**
 * How segment files are mapped, protected against unmapping while they are read, and unmapped: the only part of the
 * store that differs between engines. Thread-safe.
 */
interface SegmentStorage extends FileMapper, AutoCloseable {
    /** Begins to exchange mappings. While it is open, nothing else of the storage is mapped, grown or unmapped. */
    default Replacement replacement() {
        return new StepwiseReplacement(this);
    }

    /** Bytes mapped at the moment. After {@link #close()} those that were left over. */
    long mappedBytes();

    /** Files mapped at the moment. After {@link #close()} those that were left over. */
    long mappedFiles();

    /** Gives everything back. The store has unmapped every file by then. */
    @Override
    void close();
}
