// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.MapRequest;
import io.holdfast.Protection;
import io.holdfast.RegionException;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.SectionLock;
import io.holdfast.memory.NativeException;
import io.holdfast.space.SectionExclusion.Segments;
import io.holdfast.space.SectionExclusion.Source;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The private version of one write section: what it has made of the regions that it holds exclusively, and the way back.
 * {@link Publication} makes it visible. Belongs to the section's thread.
 */
final class SectionDraft {
    /*
     * What an operation leaves behind until the section is published or rolled back:
     *
     *   exclude    a source: the region, held by the section's ticket
     *   map        addresses in the tree under a record that is never attached; pages; a part
     *   split, …   parts in the place of parts; records of their own, described and not attached
     *   protect    pages with another protection, and a note to take it back; a part
     *   move       as map, filled; a part in the place of another, which is dropped
     *   unmap      parts taken away, their extents dropped
     *
     * Each operation checks everything first, then takes what can be refused, then changes the private version, which
     * cannot fail. So a failed operation leaves the section as it was, and more regions excluded at most.
     *
     * Handles of parts exist before their records are attached, under the incarnation that attaching will give them. A
     * record whose part is given up is made to skip that incarnation, so that such a handle can never come alive.
     *
     * The way back allocates nothing: it goes by index, since an iterator is an object.
     */
    private static final Source[] NONE = {};

    private final SpaceResources core;
    private final RegionRegistry registry;
    private final SpaceHandle space;
    private final long start;
    private final long end;
    private final SectionExclusion exclusion;
    private final List<Part> parts = new ArrayList<>();
    private final Map<Long, Part> byRecord = new HashMap<>(); // the same
    private final List<Mapper.Prepared> mappings = new ArrayList<>();
    private final List<Extent> drops = new ArrayList<>();
    private final List<PageProtection> protections = new ArrayList<>();
    private boolean altered;

    /** A region of the private version. */
    private static final class Part {
        private final Extent extent;
        private final RegionHandle region;
        private final Long key;
        private final Source[] origins; // regions that it comes from, none for one that the section mapped
        private final boolean isFresh; // its record is its own, and not that of the region it comes from, unchanged
        private final Segments segments = new Segments(); // until the section changes it
        private int index; // among all

        Part(final Extent extent, final RegionHandle region, final Source[] origins, final boolean isFresh) {
            this.extent = extent;
            this.region = region;
            this.key = region.record();
            this.origins = origins;
            this.isFresh = isFresh;
        }

        long record() {
            return region.record();
        }

        boolean overlaps(final long from, final long to) {
            return SectionDraft.overlaps(extent, from, to);
        }
    }

    SectionDraft(final SpaceHandle space, final long start, final long end) {
        this.space = space;
        this.core = space.core();
        this.registry = space.registry();
        this.exclusion = new SectionExclusion(space, start, end);
        this.start = start;
        this.end = end;
    }

    SectionExclusion exclusion() {
        return exclusion;
    }

    private static boolean overlaps(final Extent extent, final long from, final long to) {
        return extent.start() < to && from < extent.limit();
    }

    // ------------------------------------------------------------------------------------------------- exclusion

    MemorySegment exclude(final RegionHandle region) {
        final Part made = made(region);
        return (made != null ? made.segments : exclusion.source("exclude", region).segments()).of(region);
    }

    void end(final RegionHandle region) {
        final Source source = exclusion.find(region.record());
        if (source == null || !source.region().equals(region)) {
            throw new RegionException("end of an exclusion that the section does not have: " + region.describe(), null);
        }
        if (source.isChanged()) {
            throw new RegionException("end of the exclusion of a region that the section has changed: " +
                region.describe() + "; publish or close the section", null);
        }
        source.segments().close();
        final Part part = byRecord.get(region.record());
        if (part != null) {
            remove(part);
        }
        exclusion.end(source);
    }

    /** Ends all exclusions with one store. */
    void endAll() {
        closeSegments();
        letGo();
    }

    boolean hasChanges() {
        for (int i = 0; i < exclusion.size(); i++) {
            if (exclusion.get(i).isChanged()) {
                return true;
            }
        }
        return !mappings.isEmpty();
    }

    // --------------------------------------------------------------------------------------------------- regions

    /** The part that a handle is of; its region is excluded if it is not yet. */
    private Part part(final String operation, final RegionHandle region) {
        final Part known = byRecord.get(region.record());
        if (known != null && known.region.equals(region)) {
            return known;
        }
        final Source source = exclusion.source(operation, region);
        final Part part = new Part(source.extent(registry), region, new Source[] {source}, false);
        add(part);
        return part;
    }

    private Reshape reshape(final String operation, final Part part) {
        return Reshape.of(operation, part.region, part.extent);
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

    private void remove(final Part part) {
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
            throw registry.refused(e);
        }
        boolean made = false;
        try {
            Publication.describe(record, extent, space.base());
            final Part part =
                new Part(extent, space.region(record, SectionLock.nextIncarnation(record)), origins, true);
            made = true;
            return part;
        } finally {
            if (!made) {
                core.retiredRecords().retire(record);
            }
        }
    }

    /** Gives up a record that was never attached, and whose handle must never come alive. */
    private void abandon(final Part part) {
        SectionLock.skipIncarnation(part.record());
        core.retiredRecords().retire(part.record());
    }

    /** Puts new parts for extents in the place of old ones, and drops others; nothing has happened if it throws. */
    private List<RegionHandle> replace(final List<Part> olds, final List<Extent> keep, final Source[] origins,
                                       final List<Extent> drop) {
        return replace(olds, additions -> {
            additions.drop(drop);
            additions.keep(keep, origins);
        });
    }

    private List<RegionHandle> replace(final List<Part> olds, final Consumer<Additions> by) {
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

    /** Additions to the private version, as long as they can be taken back. */
    private final class Additions {
        private final int partsBefore = parts.size();
        private final int dropsBefore = drops.size();

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

        List<RegionHandle> regions() {
            final List<RegionHandle> regions = new ArrayList<>();
            for (int i = partsBefore; i < parts.size(); i++) {
                regions.add(parts.get(i).region);
            }
            return regions;
        }

        void takeBack() {
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
            if (old.isFresh) {
                abandon(old);
            }
        }
    }

    private List<RegionHandle> replace(final Part part, final Reshape.Parts by) {
        return replace(List.of(part), by.keep(), part.origins, by.drop());
    }

    MemorySegment segment(final RegionHandle region) {
        final Part made = made(region);
        if (made != null) {
            return made.segments.of(region);
        }
        final Source source = exclusion.find(region.record());
        if (source == null || source.isChanged() || !source.region().equals(region)) {
            throw new RegionException("segment of a region that the section does not hold: " + region.describe() +
                "; exclude it first", null);
        }
        return source.segments().of(region);
    }

    /** The part of a region that the section has made and not changed since, which nobody else can lock. */
    private @Nullable Part made(final RegionHandle region) {
        final Part part = byRecord.get(region.record());
        return part != null && part.isFresh && part.region.equals(region) ? part : null;
    }

    // ------------------------------------------------------------------------------------------------ operations

    RegionHandle map(final MapRequest request) {
        try (Waiting waiting = space.waiting(Waiting.FOREVER, false)) {
            return Objects.requireNonNull(
                space.planner().plan(request, waiting, plan -> map(plan, List.of(), NONE, from -> { })));
        }
    }

    /** Maps a part in the place of others, whose extents are dropped. */
    private RegionHandle map(final MapPlan plan, final List<Part> olds, final Source[] origins, final LongConsumer fill) {
        if (plan.start() != MapPlan.ANYWHERE && (plan.start() < start || plan.start() + plan.length() > end)) {
            throw new IllegalArgumentException("map outside of the section: section=0x" + Long.toHexString(start) +
                "-0x" + Long.toHexString(end) + ", address=0x" + Long.toHexString(plan.start()) + ", length=" +
                plan.length() + "; begin a section that covers it");
        }
        final Mapper.Prepared prepared = space.mapper().prepare(plan, Addresses.within(start, end), fill);
        final int before = mappings.size();
        boolean done = false;
        try {
            mappings.add(prepared);
            final List<Extent> drop = olds.stream().map(old -> old.extent).toList();
            final RegionHandle region = replace(olds, List.of(prepared.extent()), origins, drop).getFirst();
            done = true;
            return region;
        } finally {
            if (!done) {
                while (mappings.size() > before) {
                    mappings.removeLast();
                }
                space.mapper().giveUp(prepared);
            }
        }
    }

    void unmap(final RegionHandle region) {
        final Part part = part("unmap", region);
        replace(part, reshape("unmap", part).unmap());
    }

    List<RegionHandle> unmap(final long from, final long to) {
        exclusion.checkRange("unmap", from, to);
        exclusion.excludeRange("unmap", from, to);
        for (int i = 0; i < exclusion.size(); i++) {
            final Source source = exclusion.get(i);
            if (!source.isChanged() && overlaps(source.extent(registry), from, to)) {
                part("unmap", source.region());
            }
        }
        final List<Part> olds = parts.stream().filter(part -> part.overlaps(from, to))
            .sorted(Comparator.comparingLong(part -> part.extent.start())).toList();
        final List<Reshape.Parts> by = olds.stream().map(part -> reshape("unmap", part).unmapBetween(from, to)).toList();
        return replace(olds, additions -> {
            for (int i = 0; i < olds.size(); i++) {
                additions.drop(by.get(i).drop());
                additions.keep(by.get(i).keep(), olds.get(i).origins);
            }
        });
    }

    List<RegionHandle> split(final RegionHandle region, final long at) {
        final Part part = part("split", region);
        return replace(part, reshape("split", part).split(at));
    }

    RegionHandle merge(final RegionHandle one, final RegionHandle other) {
        Reshape.requireTwo(one, other);
        final Part lower = part("merge", one.address() < other.address() ? one : other);
        final Part upper = part("merge", one.address() < other.address() ? other : one);
        final Reshape.Parts merged = reshape("merge", lower).merge(reshape("merge", upper));
        final Source[] origins = union(lower.origins, upper.origins);
        return replace(List.of(lower, upper), merged.keep(), origins, merged.drop()).getFirst();
    }

    private static Source[] union(final Source[] one, final Source[] other) {
        final List<Source> both = new ArrayList<>(List.of(one));
        for (final Source source : other) {
            if (!both.contains(source)) {
                both.add(source);
            }
        }
        return both.toArray(NONE);
    }

    RegionHandle protect(final RegionHandle region, final Protection protection) {
        final Part part = part("protect", region);
        final Reshape.Pages pages = reshape("protect", part).protect(protection);
        if (pages == null) {
            return region;
        }
        final boolean wasWritable = PageFlags.isWritable(part.extent.kind());
        final Source source = sourceOf(part);
        final PageProtection change =
            PageProtection.prepare(space, pages, wasWritable, source == null ? 0 : source.record());
        boolean noted = false;
        try {
            protections.add(change);
            noted = true;
        } finally {
            if (!noted) {
                change.keep();
            }
        }
        alter(part);
        boolean done = false;
        try {
            change.make();
            final RegionHandle changed = replace(part, pages.parts()).getFirst();
            done = true;
            return changed;
        } catch (final NativeException e) {
            throw registry.refused(e);
        } finally {
            if (!done) {
                undo(part, change, wasWritable);
            }
        }
    }

    /** Takes a change of pages back; a part whose pages cannot be used any more is unmapped. */
    private void undo(final Part part, final PageProtection change, final boolean wasWritable) {
        if (change.isUndone()) {
            protections.removeLast();
            change.keep();
        } else if (wasWritable) { // writing would crash
            replace(List.of(part), List.of(), part.origins,
                List.of(part.extent.withKind(part.extent.kind() | PageFlags.ALTERED_PAGES)));
        }
    }

    private @Nullable Source sourceOf(final Part part) {
        for (final Source source : part.origins) {
            if (part.overlaps(source.extent(registry).start(), source.extent(registry).limit())) {
                return source;
            }
        }
        return null;
    }

    /** The pages are not as their zone has them any more, also if the section comes to nothing. */
    private static void alter(final Part part) {
        for (final Source source : part.origins) {
            RecordLayout.addKind(source.record(), PageFlags.ALTERED_PAGES);
        }
    }

    RegionHandle resize(final RegionHandle region, final long newSize) {
        Reshape.requireSize("resize", newSize, region);
        final Part part = part("resize", region);
        final long size = part.extent.size();
        if (newSize == size) {
            return region;
        }
        return newSize < size ? replace(part, reshape("resize", part).shrink(newSize)).getFirst()
            : move("resize", part, newSize);
    }

    RegionHandle move(final RegionHandle region) {
        final Part part = part("move", region);
        return move("move", part, part.extent.size());
    }

    private RegionHandle move(final String operation, final Part part, final long newSize) {
        final Mover mover = space.mover();
        reshape(operation, part); // refuses what cannot be moved
        return mover.elsewhere(operation, part.region, part.extent, newSize,
            plan -> map(plan, List.of(part), part.origins, at -> mover.fill(part.region, part.extent, at)));
    }

    // ------------------------------------------------------------------------------------------- publish, go back

    /** How much is to be given back once the draft is published. */
    int drops() {
        return drops.size();
    }

    /** Makes everything visible, and adds what is to be given back, for which there is room. If it throws, nothing has. */
    void publish(final List<PendingUnmap> given) {
        if (!hasChanges()) {
            endAll();
            return;
        }
        closeSegments(); // may throw
        final Publication publication = plan();
        publication.publish();
        for (int i = 0; i < publication.given().size(); i++) {
            given.add(publication.given().get(i));
        }
        letGo();
    }

    private Publication plan() {
        final Publication publication = new Publication(space, exclusion, "publish");
        for (final Part part : parts) {
            if (part.isFresh) {
                publication.keep(part.extent, part.record());
                for (final Source source : part.origins) {
                    source.goOn();
                }
            }
        }
        for (int i = 0; i < exclusion.size(); i++) {
            final Source source = exclusion.get(i);
            if (source.isChanged()) {
                publication.replace(source.record(), source.extent(registry), source.goesOn());
            }
        }
        mappings.forEach(publication::absorb);
        drops.forEach(publication::drop);
        return publication;
    }

    /** Ends the life of all segments; if some of them refuse, of the others. */
    private void closeSegments() {
        RuntimeException refused = null;
        for (int i = 0; i < parts.size(); i++) {
            refused = closed(parts.get(i).segments, refused);
        }
        for (int i = 0; i < exclusion.size(); i++) {
            refused = closed(exclusion.get(i).segments(), refused);
        }
        if (refused != null) {
            throw refused;
        }
    }

    private static @Nullable RuntimeException closed(final Segments segments, final @Nullable RuntimeException refused) {
        try {
            segments.close();
            return refused;
        } catch (final RuntimeException e) {
            return e;
        }
    }

    /** Ends the section's hold on everything, with one store. */
    private void letGo() {
        exclusion.endAll();
        for (int i = 0; i < protections.size(); i++) {
            protections.get(i).keep();
        }
        protections.clear();
        parts.clear();
        byRecord.clear();
        mappings.clear();
        drops.clear();
    }

    /** Restores everything; allocates nothing. Unmaps that have to be completed are added to {@code lost}. */
    void rollBack(final List<PendingUnmap> lost) {
        try {
            closeSegments();
        } finally {
            restore(lost);
        }
    }

    /**
     * Restores everything but the segments, which a dead thread's heir has to leave as they are: nobody else can use them.
     * What has been restored is not looked at again, so that it can go on after an exception.
     *
     * @param lost gets the unmaps that have to be completed
     */
    void restore(final List<PendingUnmap> lost) {
        altered |= !protections.isEmpty();
        while (!protections.isEmpty()) {
            final PageProtection last = protections.removeLast();
            last.takeBack(exclusion);
            final PendingUnmap unmapped = last.lost();
            if (unmapped != null) {
                lost.add(unmapped);
            }
        }
        for (int i = 0; i < exclusion.size(); i++) {
            exclusion.get(i).restore();
        }
        while (!parts.isEmpty()) {
            final Part part = parts.removeLast();
            if (part.isFresh) {
                abandon(part);
            }
        }
        while (!mappings.isEmpty()) {
            try {
                giveUp(mappings.removeLast());
            } catch (final OutOfMemoryError | StackOverflowError e) {
                // the reclaimer has it; the others are still to be given up
            }
        }
        letGo();
    }

    private void giveUp(final Mapper.Prepared mapping) {
        if (altered) {
            space.mapper().giveUpAltered(mapping); // perhaps
        } else {
            space.mapper().giveUp(mapping);
        }
    }
}
