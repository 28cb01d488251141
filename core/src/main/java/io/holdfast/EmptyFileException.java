// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.io.Serial;
import java.nio.file.FileSystemException;

/**
 * A file that is to be mapped has no bytes. There is nothing to map then, and nothing that a lock would protect: a caller
 * for whom an empty file is as good as any other has no region for it. A file that is going to get bytes is mapped
 * {@linkplain FileBacking#growableTo growable}, with the range that it begins with.
 */
public final class EmptyFileException extends FileSystemException {
    @Serial
    private static final long serialVersionUID = 1;

    /**
     * For a file.
     *
     * @param path   the file
     * @param reason what was asked for, and what to do
     */
    public EmptyFileException(final String path, final String reason) {
        super(path, null, reason);
    }
}
