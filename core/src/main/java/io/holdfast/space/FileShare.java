// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import org.jspecify.annotations.Nullable;

/**
 * The claim of one mapping on its file: that the file does not end before it does. It stands from before the length is
 * relied on until no page can show the file any more, whether the mapping is in the making, found by everybody, or being
 * given back.
 *
 * <p>A link of its {@link MappedFile}, whose monitor guards all that changes but for {@link #isHandedOver}.
 */
final class FileShare {
    private final FileRegion region;

    /** Where the claim ends in the file; 0 if nothing is claimed any more. */
    long end;

    /** The length of the file before and after it grew for this alone; the same if it did not, or is to stay as it is. */
    long grownFrom;
    long grownTo;

    boolean linked;
    @Nullable FileShare previous;
    @Nullable FileShare next;

    /** Among those whose growth is to be taken back by whoever holds the file. */
    boolean due;
    @Nullable FileShare nextDue;

    private boolean handedOver; // of the thread that maps

    FileShare(final FileRegion region, final long size) {
        this.region = region;
        this.end = region.end(size);
    }

    FileRegion region() {
        return region;
    }

    MappedFile file() {
        return region.file();
    }

    boolean hasGrown() {
        return grownFrom != grownTo;
    }

    /** Whether it is given back with the pages, and not by who claimed it. */
    void handOver(final boolean withPages) {
        handedOver = withPages;
    }

    boolean isHandedOver() {
        return handedOver;
    }

    /** What the file has grown by is to stay. */
    void keep() {
        synchronized (region.file()) {
            grownTo = grownFrom;
        }
    }

    /** Nothing shows the file by this any more. Can be repeated; allocates nothing, unless the file has grown for it. */
    void remove() {
        region.file().remove(this);
    }
}
