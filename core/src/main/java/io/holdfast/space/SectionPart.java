// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.util.Set;
import java.util.TreeSet;

/**
 * A region of a section's private version.
 *
 * @param origins records of the regions that it comes from, none for one that the section mapped
 * @param isFresh  whether its record is the section's own, and not that of the region it comes from, unchanged
 * @param segments that were handed out, until the section changes the region
 */
record SectionPart(Extent extent, RegionHandle region, Set<Long> origins, boolean isFresh, SectionSegments segments) {
    SectionPart {
        origins = Set.copyOf(origins);
    }

    SectionPart(final Extent extent, final RegionHandle region, final Set<Long> origins, final boolean isFresh) {
        this(extent, region, origins, isFresh, new SectionSegments());
    }

    long record() {
        return region.record();
    }

    /** Origins of both. */
    Set<Long> originsWith(final SectionPart other) {
        final Set<Long> both = new TreeSet<>(origins);
        both.addAll(other.origins);
        return both;
    }
}
