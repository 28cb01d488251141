// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.layout.RecordLayout;
import java.lang.foreign.MemorySegment;

/** A region that a section holds exclusively. Not thread-safe. */
final class SectionSource {
    private final RegionHandle region;
    private final Extent extent;
    private final SectionSegments segments = new SectionSegments();
    private boolean changed;

    SectionSource(final RegionHandle region, final Extent extent) {
        this.region = region;
        this.extent = extent;
    }

    RegionHandle region() {
        return region;
    }

    long record() {
        return region.record();
    }

    Extent extent() {
        return extent;
    }

    /** Whether the region goes on as something else, or not at all, once the section is published. */
    boolean isChanged() {
        return changed;
    }

    /** The region goes on as something else, or not at all; its segments end, because its pages may be others. */
    void change() {
        changed = true;
        RecordLayout.addKind(record(), PageFlags.IN_CHANGE);
        closeSegments();
    }

    /** The region goes on as it was. */
    void restore() {
        RecordLayout.removeKind(record(), PageFlags.IN_CHANGE);
    }

    /** The region's bytes, until {@link #closeSegments()}. */
    MemorySegment segment() {
        return segments.of(region);
    }

    /** Ends the life of the segments that were handed out. */
    void closeSegments() {
        segments.close();
    }
}
