// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.io.Serial;
import java.nio.file.FileSystemException;

/**
 * A file that is to be mapped has no bytes. There is nothing to map then, and nothing for a lock to protect: a caller
 * that accepts empty files has no region for one. To map a file that is yet to get its bytes, make it {@linkplain
 * FileBacking#growableTo growable} and give the range that it begins with.
 */
public final class EmptyFileException extends FileSystemException {
    @Serial
    private static final long serialVersionUID = 1;

    /**
     * An exception about a file.
     *
     * @param path   the file
     * @param reason what was asked for, and what to do
     */
    public EmptyFileException(final String path, final String reason) {
        super(path, null, reason);
    }
}
