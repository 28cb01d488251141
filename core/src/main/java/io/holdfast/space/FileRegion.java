// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.memory.FileAccess;
import java.nio.file.Path;

/**
 * Which part of which file a region shows, and how.
 *
 * @param path       by which it was mapped; the file may have another one by now, or none
 * @param fileOffset of the first mapped page, in bytes
 * @param lead       bytes of that page before the region's first byte
 * @param maximum    largest size of the region in bytes
 */
record FileRegion(MappedFile file, Path path, FileAccess access, long fileOffset, long lead, long maximum) {
    /** Whether the region may change the length of the file. */
    boolean mayResize() {
        return access == FileAccess.READ_WRITE;
    }

    /** Where a region of this size ends in the file. */
    long end(final long size) {
        return fileOffset + lead + size;
    }
}
