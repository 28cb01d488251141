// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.util.Locale;

/** The system calls that stand behind {@link NativeMemory}, by name. */
public enum NativeCall {
    /** Creates or replaces a mapping. */
    MMAP,
    /** Removes mappings. */
    MUNMAP,
    /** Changes the access of mapped pages. */
    MPROTECT,
    /** Moves a mapping. */
    MREMAP,
    /** Gives advice on mapped pages. */
    MADVISE,
    /** Writes changed pages of file mappings back. */
    MSYNC,
    /** Keeps pages in memory. */
    MLOCK,
    /** Lets pages be reclaimed again. */
    MUNLOCK,
    /** Tells which pages are resident. */
    MINCORE,
    /** Makes every running thread of the process pass a full fence. */
    MEMBARRIER,
    /** Opens a file. */
    OPEN,
    /** Closes a file descriptor. */
    CLOSE,
    /** Reads a file's type, size and identity. */
    STATX,
    /** Reads the type of a file's file system. */
    FSTATFS,
    /** Sets a file's size. */
    FTRUNCATE,
    /** Reserves a file's blocks. */
    FALLOCATE,
    /** Reads from a file at an offset. */
    PREAD,
    /** Writes to a file at an offset. */
    PWRITE;

    private final String symbol = name().toLowerCase(Locale.ROOT);

    /** {@return the call's name as in the manual pages} */
    public String symbol() {
        return symbol;
    }
}
