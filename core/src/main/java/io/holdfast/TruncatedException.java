// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.io.Serial;
import java.nio.file.Path;

/**
 * Bytes of a file region could not be accessed by a checked operation: somebody else has truncated the file, or the
 * device has no room for a page that was written, or fails to read one. The region stays mapped, no lock is left
 * behind, and the bytes can be accessed again once the file has them again.
 */
public class TruncatedException extends RegionException {
    @Serial
    private static final long serialVersionUID = 1;

    /** The mapped file, as text, because a path cannot be serialized. */
    private final String file;
    /** Offset of the first byte in the region that cannot be accessed. */
    private final long offset;
    /** The same in the file. */
    private final long fileOffset;

    /**
     * An exception about bytes that are gone.
     *
     * @param message    names the operation, the region and the file
     * @param file       the mapped file
     * @param offset     of the first byte in the region that cannot be accessed, in bytes
     * @param fileOffset of the same byte in the file, in bytes
     */
    public TruncatedException(final String message, final Path file, final long offset, final long fileOffset) {
        super(message, null);
        this.file = file.toString();
        this.offset = offset;
        this.fileOffset = fileOffset;
    }

    /** {@return the mapped file} */
    public Path file() {
        return Path.of(file);
    }

    /** {@return the offset in the region, in bytes, of the first byte of the access that could not be accessed} */
    public long offset() {
        return offset;
    }

    /** {@return the offset in the file, in bytes, of the same byte} */
    public long fileOffset() {
        return fileOffset;
    }
}
