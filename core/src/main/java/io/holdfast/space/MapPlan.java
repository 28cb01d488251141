// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Advice;
import io.holdfast.memory.FileHandle;
import org.jspecify.annotations.Nullable;

/**
 * A mapping whose sizes and files are known and which only needs addresses and pages.
 *
 * @param operation what it is for, for messages
 * @param moved     the region that goes on in it, null for a new one
 * @param length    bytes of addresses, whole pages
 * @param size      bytes that the user sees
 * @param share     the claim on the file, null for anonymous memory
 * @param opened    the file, open until the plan is carried out; null for anonymous memory
 * @param start     first page, as an offset in the space, or {@link #ANYWHERE}
 * @param alignment of the first page, a power of two and not below the page size
 * @param populated whether all pages are made present
 * @param advice    on how all of it is going to be used
 * @param name      given by the user
 */
record MapPlan(String operation, @Nullable RegionHandle moved, long length, long size, long kind,
               @Nullable FileShare share, @Nullable FileHandle opened, long start, long alignment,
               boolean populated, Advice advice, @Nullable String name) {
    static final long ANYWHERE = -1;

    /** The part of a file, null for anonymous memory. */
    @Nullable FileRegion file() {
        return share == null ? null : share.region();
    }

    /** Bytes of the first page before the region's first byte. */
    long lead() {
        return share == null ? 0 : share.region().lead();
    }

    /** Whether the pages have their place among the mappings, and not in the anonymous zone. */
    boolean isMapping() {
        return share != null || PageFlags.isHuge(kind);
    }

    /** Whether the kernel keeps the pages as a mapping of their own, wherever they are. */
    boolean needsMapping() {
        return isMapping() || PageFlags.isTransparentHuge(kind) || PageFlags.isLocked(kind) || isAdvised();
    }

    /** Whether there is advice, and the kernel keeps it with the pages. */
    private boolean isAdvised() {
        return advice != Advice.NORMAL && PageOperations.isLasting(advice);
    }
}
