// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

/**
 * Where the search for a file's addresses begins: below the file that was mapped last, so that files which are mapped one
 * after the other lie next to each other, and one call unmaps them. Only a wish: a search that finds nothing there begins
 * again at the top.
 *
 * <p>Thread-safe. A thread that overwrites what another wrote costs a neighbour, and no more.
 */
final class NextGap {
    private volatile long limit;

    /** Begins at the top of a space. */
    NextGap(final long capacity) {
        this.limit = capacity;
    }

    /** Where the next file should end. */
    long limit() {
        return limit;
    }

    /** A file was mapped here. */
    void took(final long start) {
        limit = start;
    }

    /** Addresses are free again; if the last file was there, the next one may have them, and untouched ones stay so. */
    void freed(final long start, final long end) {
        if (limit == start) {
            limit = end;
        }
    }
}
