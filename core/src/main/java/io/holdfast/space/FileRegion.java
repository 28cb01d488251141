// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.memory.FileAccess;
import io.holdfast.memory.FileHandle;
import java.nio.file.Path;

/**
 * What a file region keeps on the heap: the file, and how much of it is mapped.
 *
 * @param file       open for regions that can grow, else closed, and then good for its path and identity
 * @param fileOffset of the first mapped page, in bytes
 * @param lead       bytes of that page before the region's first byte
 * @param maximum    largest size of the region in bytes
 * @param keepsOpen  whether the region needs the file to grow, and closes it when it is unmapped
 */
record FileRegion(FileHandle file, FileAccess access, long fileOffset, long lead, long maximum,
                  boolean keepsOpen)
    implements AutoCloseable {
    Path path() {
        return file.path();
    }

    @Override
    public void close() {
        if (!file.isClosed()) {
            file.close();
        }
    }
}
