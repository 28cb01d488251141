// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.nio.file.Path;

/** Maps segment files. */
@FunctionalInterface
interface FileMapper {
    /**
     * Maps the first {@code size} bytes of a file for reading and writing.
     *
     * @param file an existing file of at least that length
     * @param size bytes to map, above zero
     * @param sizeMax bytes that the mapping may grow to
     * @throws StoreException if the system refuses
     */
    MappedFile map(Path file, long size, long sizeMax);
}
