// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.FileBacking;
import io.holdfast.MapRequest;

/** What the pages of a region are, as its record says it. */
final class PageFlags {
    private static final long FILE = 1;
    private static final long WRITABLE = 1 << 1;
    private static final long GROWABLE = 1 << 2;
    private static final long ALTERED = 1 << 3;
    private static final long LOCKED = 1 << 4;
    private static final long TRANSPARENT_HUGE = 1 << 5;
    private static final long HUGE = 1 << 6;
    private static final long CHANGING = 1 << 7;

    /** Zeroed pages of the anonymous zone. */
    static final long ANONYMOUS = WRITABLE;

    /**
     * The kernel keeps something with the pages that their zone's background does not have: they are replaced when the
     * region goes, not just zeroed.
     */
    static final long ALTERED_PAGES = ALTERED;

    /** The pages are locked in memory. */
    static final long LOCKED_PAGES = ALTERED | LOCKED;

    /** A section has changed the region and is not published yet: its pages may not be as the record says. */
    static final long IN_CHANGE = CHANGING;

    private PageFlags() {
    }

    static long file(final FileBacking backing) {
        return FILE | (backing.access() == FileBacking.Access.READ_ONLY ? 0 : WRITABLE) |
            (backing.isGrowable() ? GROWABLE : 0);
    }

    static long anonymous(final MapRequest request) {
        return ANONYMOUS | (request.maximum() > request.size() ? GROWABLE : 0) | switch (request.pages()) {
            case NORMAL -> 0;
            case TRANSPARENT_HUGE -> TRANSPARENT_HUGE | ALTERED;
            case HUGE -> HUGE | ALTERED;
        };
    }

    static boolean isFile(final long kind) {
        return (kind & FILE) != 0;
    }

    static boolean isWritable(final long kind) {
        return (kind & WRITABLE) != 0;
    }

    static boolean isGrowable(final long kind) {
        return (kind & GROWABLE) != 0;
    }

    static boolean isAltered(final long kind) {
        return (kind & ALTERED) != 0;
    }

    static boolean isLocked(final long kind) {
        return (kind & LOCKED) != 0;
    }

    static boolean isTransparentHuge(final long kind) {
        return (kind & TRANSPARENT_HUGE) != 0;
    }

    static boolean isHuge(final long kind) {
        return (kind & HUGE) != 0;
    }

    static boolean isInChange(final long kind) {
        return (kind & CHANGING) != 0;
    }

    static long locked(final long kind, final boolean locked) {
        return locked ? kind | LOCKED_PAGES : kind & ~LOCKED;
    }

    static long writable(final long kind, final boolean writable) {
        return (writable ? kind | WRITABLE : kind & ~WRITABLE) | ALTERED;
    }

    /** Whether pages of both kinds can be one region's. */
    static boolean areCompatible(final long first, final long second) {
        return ((first ^ second) & ~(ALTERED | GROWABLE)) == 0;
    }

    static long fixedSize(final long kind) {
        return kind & ~GROWABLE;
    }
}
