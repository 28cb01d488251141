// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.ReservedStack;
import io.holdfast.lock.SectionLock;
import io.holdfast.memory.NativeException;
import io.holdfast.space.SectionExclusion.Segments;
import io.holdfast.space.SectionExclusion.Source;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The regions of a section's private version, which replaces some of them by others step by step, and what is going to be
 * given back. Belongs to the section's thread.
 */
final class DraftParts {
    /*
     * Handles of parts exist before their records are attached, under the incarnation that attaching will give them. A
     * record whose part is given up is made to skip that incarnation, so that such a handle can never come alive. Nobody
     * else can find the record, so it is free at once.
     *
     * A replacement makes the new parts first, which can fail and is taken back then, and takes the old ones away last,
     * which cannot. Taking back and away goes by index, since an iterator is an object, and allocates nothing.
     */
    private final SpaceHandle space;
    private final SpaceResources core;
    private final List<Part> parts = new ArrayList<>();
    private final Map<Long, Part> byRecord = new HashMap<>(); // the same
    private final List<Extent> drops = new ArrayList<>();

    /** A region of the private version. */
    static final class Part {
        private final Extent extent;
        private final RegionHandle region;
        private final Long key;
        private final Source[] origins;
        private final boolean isFresh;
        private final Segments segments = new Segments();
        private int index; // among all

        private Part(final Extent extent, final RegionHandle region, final Source[] origins, final boolean isFresh) {
            this.extent = extent;
            this.region = region;
            this.key = region.record();
            this.origins = origins;
            this.isFresh = isFresh;
        }

        Extent extent() {
            return extent;
        }

        RegionHandle region() {
            return region;
        }

        long record() {
            return region.record();
        }

        /** Regions that it comes from, none for one that the section mapped. */
        Source[] origins() {
            return origins;
        }

        /** Whether its record is its own, and not that of the region it comes from, unchanged. */
        boolean isFresh() {
            return isFresh;
        }

        /** Those that were handed out, until the section changes the part. */
        Segments segments() {
            return segments;
        }

        boolean overlaps(final long from, final long to) {
            return extent.overlaps(from, to);
        }
    }

    DraftParts(final SpaceHandle space) {
        this.space = space;
        this.core = space.core();
    }

    int size() {
        return parts.size();
    }

    Part get(final int index) {
        return parts.get(index);
    }

    /** All of them, in no order. */
    List<Part> all() {
        return parts;
    }

    /** What is to be given back. */
    List<Extent> drops() {
        return drops;
    }

    /** The part that a handle is of, if there is one. */
    @Nullable Part find(final RegionHandle region) {
        final Part part = byRecord.get(region.record());
        return part != null && part.region.equals(region) ? part : null;
    }

    /** Makes a region that the section holds a part of the version, unchanged. */
    Part add(final Source source, final Extent extent) {
        final Part part = new Part(extent, source.region(), new Source[] {source}, false);
        add(part);
        return part;
    }

    private void add(final Part part) {
        part.index = parts.size();
        parts.add(part);
        boolean added = false;
        try {
            byRecord.put(part.key, part);
            added = true;
        } finally {
            if (!added) {
                parts.removeLast();
            }
        }
    }

    void remove(final Part part) {
        final Part last = parts.removeLast();
        if (last != part) {
            parts.set(part.index, last);
            last.index = part.index;
        }
        byRecord.remove(part.key, part);
    }

    /** A new part with a record of its own, which is described and not attached. */
    private Part fresh(final Extent extent, final Source[] origins) {
        final long record;
        try {
            record = core.records().allocate();
        } catch (final NativeException e) {
            throw space.registry().refused("section", "space " + space.name(), e);
        }
        boolean made = false;
        try {
            Publication.describe(record, extent, space.base());
            final Part part = new Part(extent, space.newRegion(record), origins, true);
            made = true;
            return part;
        } finally {
            if (!made) {
                core.giveBackUnseen(record);
            }
        }
    }

    /** Gives up a part's own record, whose handle must never come alive. */
    private void abandon(final Part part) {
        if (part.isFresh) {
            ReservedStack.forEnd(part.record()); // all of it or nothing
            SectionLock.skipIncarnation(part.record());
            core.giveBackUnseen(part.record());
        }
    }

    /** Puts new parts in the place of old ones; nothing has happened if it throws. */
    List<RegionHandle> replace(final List<Part> olds, final Consumer<Additions> by) {
        final Additions additions = new Additions();
        boolean all = false;
        try {
            by.accept(additions);
            final List<RegionHandle> regions = additions.regions();
            closeSegments(olds); // may throw
            all = true;
            return regions;
        } finally {
            if (all) {
                takeAway(olds);
            } else {
                additions.takeBack();
            }
        }
    }

    private static void closeSegments(final List<Part> olds) {
        for (final Part old : olds) {
            old.segments.close();
            for (final Source source : old.origins) {
                source.segments().close();
            }
        }
    }

    /** Takes parts away that have others in their place, or none; cannot fail. */
    private void takeAway(final List<Part> olds) {
        for (int i = 0; i < olds.size(); i++) {
            final Part old = olds.get(i);
            remove(old);
            for (final Source source : old.origins) {
                source.change();
            }
            abandon(old);
        }
    }

    /** Additions to the private version, as long as they can be taken back. */
    final class Additions {
        private final int partsBefore = parts.size();
        private final int dropsBefore = drops.size();

        private Additions() {
        }

        void drop(final List<Extent> drop) {
            drops.addAll(drop);
        }

        void keep(final List<Extent> keep, final Source[] origins) {
            for (final Extent extent : keep) {
                final Part part = fresh(extent, origins);
                boolean added = false;
                try {
                    add(part);
                    added = true;
                } finally {
                    if (!added) {
                        abandon(part);
                    }
                }
            }
        }

        private List<RegionHandle> regions() {
            final List<RegionHandle> regions = new ArrayList<>();
            for (int i = partsBefore; i < parts.size(); i++) {
                regions.add(parts.get(i).region);
            }
            return regions;
        }

        private void takeBack() {
            while (drops.size() > dropsBefore) {
                drops.removeLast();
            }
            while (parts.size() > partsBefore) {
                final Part last = parts.getLast();
                remove(last);
                abandon(last);
            }
        }
    }

    /** Gives all parts up; can go on where it threw. */
    void giveUp() {
        while (!parts.isEmpty()) {
            abandon(parts.getLast());
            parts.removeLast();
        }
    }

    /** Forgets everything. */
    void clear() {
        parts.clear();
        byRecord.clear();
        drops.clear();
    }
}
