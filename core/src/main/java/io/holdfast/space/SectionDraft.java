// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.MapRequest;
import io.holdfast.Protection;
import io.holdfast.RegionException;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.memory.NativeException;
import io.holdfast.space.DraftParts.Part;
import io.holdfast.space.SectionExclusion.Segments;
import io.holdfast.space.SectionExclusion.Source;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
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
     * The way back allocates nothing: it goes by index, since an iterator is an object, and what may have to be unmapped
     * on it is prepared with the change of pages that it is for. It looks at nothing again that it has restored, so that
     * it can go on where it threw.
     */
    private static final Source[] NONE = {};

    private final RegionRegistry registry;
    private final SpaceHandle space;
    private final long start;
    private final long end;
    private final SectionExclusion exclusion;
    private final DraftParts parts;
    private final List<Mapper.Prepared> mappings = new ArrayList<>();
    private final List<PageProtection> protections = new ArrayList<>();
    private final ArrayList<PendingUnmap> given; // with room for what the way back may add
    private boolean altered;

    /**
     * An empty one.
     *
     * @param given what is to be completed already
     */
    SectionDraft(final SpaceHandle space, final long start, final long end, final List<PendingUnmap> given) {
        this.space = space;
        this.registry = space.registry();
        this.exclusion = new SectionExclusion(space, start, end);
        this.parts = new DraftParts(space);
        this.given = new ArrayList<>(given);
        this.start = start;
        this.end = end;
    }

    /** What is to be completed once the draft is published or rolled back. */
    List<PendingUnmap> given() {
        return given;
    }

    SectionExclusion exclusion() {
        return exclusion;
    }

    // ------------------------------------------------------------------------------------------------- exclusion

    MemorySegment exclude(final RegionHandle region) {
        final Part made = made(region);
        return (made != null ? made.segments() : exclusion.source("exclude", region).segments()).of(region);
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
        final Part part = parts.find(region);
        if (part != null) {
            parts.remove(part);
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
        final Part known = parts.find(region);
        if (known != null) {
            return known;
        }
        final Source source = exclusion.source(operation, region);
        return parts.add(source, source.extent(registry));
    }

    private static Reshape reshape(final String operation, final Part part) {
        return Reshape.of(operation, part.region(), part.extent());
    }

    private List<RegionHandle> replace(final Part part, final Reshape.Parts by) {
        return replace(List.of(part), by.keep(), part.origins(), by.drop());
    }

    private List<RegionHandle> replace(final List<Part> olds, final List<Extent> keep, final Source[] origins,
                                       final List<Extent> drop) {
        return parts.replace(olds, additions -> {
            additions.drop(drop);
            additions.keep(keep, origins);
        });
    }

    MemorySegment segment(final RegionHandle region) {
        final Part made = made(region);
        if (made != null) {
            return made.segments().of(region);
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
        final Part part = parts.find(region);
        return part != null && part.isFresh() ? part : null;
    }

    // ------------------------------------------------------------------------------------------------ operations

    RegionHandle map(final MapRequest request) {
        try (Waiting waiting = space.patience("map", null)) {
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
            final List<Extent> drop = olds.stream().map(Part::extent).toList();
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
            if (!source.isChanged() && source.extent(registry).overlaps(from, to)) {
                part("unmap", source.region());
            }
        }
        final List<Part> olds = parts.all().stream().filter(part -> part.overlaps(from, to))
            .sorted(Comparator.comparingLong(part -> part.extent().start())).toList();
        final List<Reshape.Parts> by = olds.stream().map(part -> reshape("unmap", part).unmapBetween(from, to)).toList();
        return parts.replace(olds, additions -> {
            for (int i = 0; i < olds.size(); i++) {
                additions.drop(by.get(i).drop());
                additions.keep(by.get(i).keep(), olds.get(i).origins());
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
        final Source[] origins = union(lower.origins(), upper.origins());
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
        final boolean wasWritable = PageFlags.isWritable(part.extent().kind());
        final Source source = sourceOf(part);
        final PageProtection change =
            PageProtection.prepare(part.region(), pages, wasWritable, source == null ? 0 : source.record());
        boolean noted = false;
        try {
            given.ensureCapacity(given.size() + protections.size() + 1); // if its way back has to unmap
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
            throw registry.refused("protect", part.region().describe(), e);
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
            replace(List.of(part), List.of(), part.origins(),
                List.of(part.extent().withKind(part.extent().kind() | PageFlags.ALTERED_PAGES)));
        }
    }

    private @Nullable Source sourceOf(final Part part) {
        for (final Source source : part.origins()) {
            if (part.overlaps(source.extent(registry).start(), source.extent(registry).limit())) {
                return source;
            }
        }
        return null;
    }

    /** The pages are not as their zone has them any more, also if the section comes to nothing. */
    private static void alter(final Part part) {
        for (final Source source : part.origins()) {
            RecordLayout.addKind(source.record(), PageFlags.ALTERED_PAGES);
        }
    }

    RegionHandle resize(final RegionHandle region, final long newSize) {
        Reshape.requireSize("resize", newSize, region);
        final Part part = part("resize", region);
        final long size = part.extent().size();
        if (newSize == size) {
            return region;
        }
        return newSize < size ? replace(part, reshape("resize", part).shrink(newSize)).getFirst()
            : move("resize", part, newSize);
    }

    RegionHandle move(final RegionHandle region) {
        final Part part = part("move", region);
        return move("move", part, part.extent().size());
    }

    private RegionHandle move(final String operation, final Part part, final long newSize) {
        final Mover mover = space.mover();
        reshape(operation, part); // refuses what cannot be moved
        return mover.elsewhere(operation, part.region(), part.extent(), newSize,
            plan -> map(plan, List.of(part), part.origins(),
                at -> mover.fill(operation, part.region(), part.extent(), at)));
    }

    // ------------------------------------------------------------------------------------------- publish, go back

    /** How many extents are to be given back. */
    int drops() {
        return parts.drops().size();
    }

    /** Makes everything visible, and adds what is to be given back. If it throws, nothing has happened. */
    void publish() {
        if (!hasChanges()) {
            endAll();
            return;
        }
        closeSegments(); // may throw
        given.ensureCapacity(given.size() + parts.drops().size());
        final Publication publication = plan();
        space.core().tree().carve(start, end); // its thread may come back to the range
        publication.publish();
        for (int i = 0; i < publication.given().size(); i++) {
            given.add(publication.given().get(i));
        }
        letGo();
    }

    private Publication plan() {
        final Publication publication = new Publication(space, exclusion, "publish");
        for (final Part part : parts.all()) {
            if (part.isFresh()) {
                publication.keep(part.extent(), part.record());
                for (final Source source : part.origins()) {
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
        parts.drops().forEach(publication::drop);
        return publication;
    }

    /** Ends the life of all segments; if some of them refuse, of the others. */
    private void closeSegments() {
        RuntimeException refused = null;
        for (int i = 0; i < parts.size(); i++) {
            refused = closed(parts.get(i).segments(), refused);
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
        mappings.clear();
    }

    /** Restores everything, and adds the unmaps that are to be completed; allocates nothing. */
    void rollBack() {
        try {
            closeSegments();
        } finally {
            restore();
        }
    }

    /**
     * Restores everything but the segments, which a dead thread's heir has to leave as they are: nobody else can use them.
     */
    void restore() {
        altered |= !protections.isEmpty();
        while (!protections.isEmpty()) {
            final PageProtection last = protections.getLast();
            last.takeBack(exclusion);
            final PendingUnmap unmapped = last.lost();
            if (unmapped != null) {
                given.add(unmapped);
            }
            protections.removeLast();
        }
        for (int i = 0; i < exclusion.size(); i++) {
            exclusion.get(i).restore();
        }
        parts.giveUp();
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
