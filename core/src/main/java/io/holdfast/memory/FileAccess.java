// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

/** What a mapping of a file allows, and whom its changes reach. */
public enum FileAccess {
    /** Pages may be read and show the file. */
    READ_ONLY(NativeMemory.PROT_READ, NativeMemory.MAP_SHARED, NativeMemory.O_RDONLY),
    /** Pages may be read and written; changes reach the file. */
    READ_WRITE(NativeMemory.PROT_READ | NativeMemory.PROT_WRITE, NativeMemory.MAP_SHARED, NativeMemory.O_RDWR),
    /** Pages may be read and written; a changed page belongs to the mapping and never reaches the file. */
    COPY_ON_WRITE(NativeMemory.PROT_READ | NativeMemory.PROT_WRITE,
        NativeMemory.MAP_PRIVATE | NativeMemory.MAP_NORESERVE, NativeMemory.O_RDONLY);

    private final int protection;
    private final int mapFlags;
    private final int openFlags;

    FileAccess(final int protection, final int mapFlags, final int openFlags) {
        this.protection = protection;
        this.mapFlags = mapFlags;
        this.openFlags = openFlags;
    }

    /** Whether changes stay in the mapping. */
    boolean isPrivate() {
        return this == COPY_ON_WRITE;
    }

    int protection() {
        return protection;
    }

    int mapFlags() {
        return mapFlags;
    }

    int openFlags() {
        return openFlags;
    }
}
