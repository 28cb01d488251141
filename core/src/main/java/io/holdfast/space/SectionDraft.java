// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.MapRequest;
import io.holdfast.Protection;
import io.holdfast.RegionException;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.SectionLock;
import io.holdfast.memory.FileAccess;
import io.holdfast.memory.FileHandle;
import io.holdfast.memory.NativeException;
import io.holdfast.tree.PreparedRemoval;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The private version of one write section: which regions it holds exclusively, what it has made of them, and the way
 * back. {@link SectionPublisher} makes it visible. Belongs to the section's thread.
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
     */
    private final SpaceResources core;
    private final StructureGate gate;
    private final RegionRegistry registry;
    private final Unmapper unmapper;
    private final SpaceHandle space;
    private final long start;
    private final long end;
    private final SectionExclusion exclusion;
    private final Map<Long, SectionSource> sources;
    private final TreeMap<Long, SectionPart> parts = new TreeMap<>();
    private final List<Mapper.Prepared> mappings = new ArrayList<>();
    private final List<Extent> drops = new ArrayList<>();
    private final List<Protected> protections = new ArrayList<>();
    private final Map<Long, SectionPart> byRecord = new HashMap<>();
    private boolean altered;

    /** Pages whose protection was changed, of a region that is a source unless the section mapped it. */
    private record Protected(long start, long length, boolean wasWritable, @Nullable SectionSource source,
                             PreparedRemoval removal) {
    }

    SectionDraft(final SpaceHandle space, final long start, final long end) {
        this.space = space;
        this.core = space.core();
        this.gate = space.gate();
        this.registry = space.registry();
        this.unmapper = space.unmapper();
        this.exclusion = new SectionExclusion(space, start, end);
        this.sources = exclusion.sources();
        this.start = start;
        this.end = end;
    }

    SectionExclusion exclusion() {
        return exclusion;
    }

    // ------------------------------------------------------------------------------------------------- exclusion

    MemorySegment exclude(final RegionHandle region) {
        return exclusion.source("exclude", region).segment();
    }

    void end(final RegionHandle region) {
        final SectionSource source = sources.get(region.record());
        if (source == null || !source.region().equals(region)) {
            throw new RegionException("end of an exclusion that the section does not have: " + region.describe(), null);
        }
        if (source.isChanged()) {
            throw new RegionException("end of the exclusion of a region that the section has changed: " +
                region.describe() + "; publish or close the section", null);
        }
        source.closeSegments();
        SectionLock.end(region.record(), exclusion.ticket());
        sources.remove(region.record());
        final SectionPart part = byRecord.get(region.record());
        if (part != null) {
            remove(part);
        }
    }

    /** Ends all exclusions with one store. */
    void endAll() {
        closeSegments();
        protections.forEach(changed -> changed.removal().close());
        forget();
        exclusion.endTicket();
    }

    boolean hasChanges() {
        return !mappings.isEmpty() || sources.values().stream().anyMatch(SectionSource::isChanged);
    }

    // --------------------------------------------------------------------------------------------------- regions

    /** The part that a handle is of; its region is excluded if it is not yet. */
    private SectionPart part(final String operation, final RegionHandle region) {
        final SectionPart known = byRecord.get(region.record());
        if (known != null && known.region().equals(region)) {
            return known;
        }
        final SectionSource source = exclusion.source(operation, region);
        checkWhole(operation, region);
        final SectionPart part = new SectionPart(source.extent(), region, Set.of(region.record()), false);
        add(part);
        return part;
    }

    private void add(final SectionPart part) {
        parts.put(part.extent().start(), part);
        byRecord.put(part.record(), part);
    }

    private void remove(final SectionPart part) {
        part.segments().close();
        parts.remove(part.extent().start());
        byRecord.remove(part.record());
    }

    private void checkWhole(final String operation, final RegionHandle region) {
        if (registry.isTorn(region.record())) {
            throw new RegionException(operation + " of a region behind which addresses were lost: " +
                region.describe() + "; unmap it, and map the file anew", null);
        }
    }

    /** A new part with a record of its own, which is described and not attached. */
    private SectionPart fresh(final Extent extent, final Set<Long> origins) {
        final long record;
        try {
            record = core.records().allocate();
        } catch (final NativeException e) {
            throw registry.refused(e);
        }
        RecordLayout.describe(record, space.base() + extent.start() + extent.lead(), extent.start(), extent.limit(),
            extent.kind());
        RecordLayout.sizeRelease(record, extent.size());
        return new SectionPart(extent, space.region(record, SectionLock.nextIncarnation(record)), origins, true);
    }

    /** Puts parts in the place of others; cannot fail. */
    private void replace(final List<SectionPart> olds, final List<SectionPart> news) {
        for (final SectionPart old : olds) {
            remove(old);
            if (old.isFresh()) {
                abandon(old);
            }
            for (final long origin : old.origins()) {
                final SectionSource source = sources.get(origin);
                if (source != null) {
                    source.change();
                }
            }
        }
        news.forEach(this::add);
    }

    /** Gives up a record that was never attached, and whose handle must never come alive. */
    private void abandon(final SectionPart part) {
        SectionLock.skipIncarnation(part.record());
        core.retiredRecords().retire(part.record());
    }

    /** Makes new parts for extents; all or none. */
    private List<SectionPart> freshAll(final List<Extent> extents, final Set<Long> origins) {
        final List<SectionPart> made = new ArrayList<>();
        boolean all = false;
        try {
            for (final Extent extent : extents) {
                made.add(fresh(extent, origins));
            }
            all = true;
            return made;
        } finally {
            if (!all) {
                made.forEach(this::abandon);
            }
        }
    }

    private static List<RegionHandle> regions(final List<SectionPart> of) {
        return of.stream().map(SectionPart::region).toList();
    }

    MemorySegment segment(final RegionHandle region) {
        final SectionPart part = byRecord.get(region.record());
        if (part != null && part.isFresh() && part.region().equals(region)) {
            return part.segments().of(region);
        }
        final SectionSource source = sources.get(region.record());
        if (source == null || source.isChanged() || !source.region().equals(region)) {
            throw new RegionException("segment of a region that the section does not hold: " + region.describe() +
                "; exclude it first", null);
        }
        return source.segment();
    }

    // ------------------------------------------------------------------------------------------------ operations

    RegionHandle map(final MapRequest request) {
        return space.planner().plan(request, plan -> map(plan, Set.of(), from -> { })).region();
    }

    private SectionPart map(final MapPlan plan, final Set<Long> origins, final LongConsumer fill) {
        if (plan.start() != MapPlan.ANYWHERE && (plan.start() < start || plan.start() + plan.length() > end)) {
            throw new IllegalArgumentException("map outside of the section: section=0x" + Long.toHexString(start) +
                "-0x" + Long.toHexString(end) + ", address=0x" + Long.toHexString(plan.start()) + ", length=" +
                plan.length() + "; begin a section that covers it");
        }
        final Mapper.Prepared prepared = space.mapper().prepare(plan, Addresses.within(start, end), fill);
        final SectionPart part;
        try {
            part = fresh(prepared.extent(), origins);
        } catch (final Throwable e) {
            space.mapper().giveUp(prepared);
            throw e;
        }
        final FileRegion file = plan.file();
        if (file != null && !file.keepsOpen()) {
            registry.close(file.file());
        }
        mappings.add(prepared);
        add(part);
        return part;
    }

    void unmap(final RegionHandle region) {
        final SectionPart part = part("unmap", region);
        drops.add(part.extent());
        replace(List.of(part), List.of());
    }

    List<RegionHandle> unmap(final long from, final long to) {
        exclusion.checkRange("unmap", from, to);
        exclusion.excludeRange("unmap", from, to);
        for (final SectionSource source : List.copyOf(sources.values())) {
            if (!source.isChanged() && overlaps(source.extent(), from, to)) {
                part("unmap", source.region());
            }
        }
        final List<SectionPart> olds = parts.values().stream().filter(part -> overlaps(part.extent(), from, to)).toList();
        final List<SectionPart> news = new ArrayList<>();
        final List<Extent> dropped = new ArrayList<>();
        boolean all = false;
        try {
            for (final SectionPart part : olds) {
                final Extent whole = part.extent();
                final long first = Math.max(from - whole.start(), 0);
                final long until = Math.min(to - whole.start(), whole.length());
                checkCut("unmap", part, first);
                checkCut("unmap", part, until);
                final long last = until < whole.used() ? until : whole.length(); // no region has no bytes
                news.addAll(freshAll(around(whole, first, last), part.origins()));
                dropped.add(whole.part(first, last));
            }
            all = true;
        } finally {
            if (!all) {
                news.forEach(this::abandon);
            }
        }
        drops.addAll(dropped);
        replace(olds, news);
        return regions(news);
    }

    private static boolean overlaps(final Extent extent, final long from, final long to) {
        return extent.start() < to && from < extent.limit();
    }

    private static List<Extent> around(final Extent whole, final long from, final long to) {
        final List<Extent> left = new ArrayList<>();
        if (from > 0) {
            left.add(whole.part(0, from));
        }
        if (to < whole.length()) {
            left.add(whole.part(to, whole.length()));
        }
        return left;
    }

    /** Checks that a region can be cut at an offset from its first page. */
    private void checkCut(final String operation, final SectionPart part, final long at) {
        final long granule = core.pageSize(part.extent().kind());
        if (at % granule != 0) {
            throw new IllegalArgumentException(operation + " between two pages only: address=0x" +
                Long.toHexString(part.extent().start() + at) + ", page=" + granule + ", " + part.region().describe());
        }
    }

    List<RegionHandle> split(final RegionHandle region, final long at) {
        final SectionPart part = part("split", region);
        final Extent whole = part.extent();
        if (at <= 0 || at >= whole.size()) {
            throw new IllegalArgumentException("split out of range: offset=" + at + ", size=" + whole.size() + ", " +
                region.describe());
        }
        final long cut = whole.lead() + at;
        checkCut("split", part, cut);
        final List<SectionPart> news = freshAll(List.of(whole.part(0, cut), whole.part(cut, whole.length())),
            part.origins());
        replace(List.of(part), news);
        return regions(news);
    }

    RegionHandle merge(final RegionHandle one, final RegionHandle other) {
        if (one.equals(other)) {
            throw new IllegalArgumentException("merge of a region with itself: " + one.describe());
        }
        final SectionPart lower = part("merge", one.address() < other.address() ? one : other);
        final SectionPart upper = part("merge", one.address() < other.address() ? other : one);
        final String obstacle = lower.extent().obstacle(upper.extent());
        if (obstacle != null) {
            throw new RegionException("merge of regions that cannot be one: " + obstacle + ": " +
                lower.region().describe() + "; " + upper.region().describe(), null);
        }
        final SectionPart merged = fresh(lower.extent().with(upper.extent()), lower.originsWith(upper));
        replace(List.of(lower, upper), List.of(merged));
        return merged.region();
    }

    RegionHandle protect(final RegionHandle region, final Protection protection) {
        final SectionPart part = part("protect", region);
        final Extent whole = part.extent();
        final boolean writable = protection == Protection.READ_WRITE;
        if (PageFlags.isWritable(whole.kind()) == writable) {
            return region;
        }
        final FileRegion file = whole.file();
        if (writable && file != null && file.access() == FileAccess.READ_ONLY) {
            throw new RegionException("protect of a region whose file is mapped for reading: " + region.describe() +
                "; map it with FileBacking.readWrite or copyOnWrite", null);
        }
        registry.headroom().take("protect");
        final SectionPart changed = fresh(whole.withKind(PageFlags.writable(whole.kind(), writable)), part.origins());
        boolean done = false;
        try {
            final Protected change = new Protected(whole.start(), core.roundUp(whole.used(), whole.kind()), !writable,
                sourceOf(part), unmapper.prepareRemoval());
            protections.add(change);
            alter(part);
            protect(part, change);
            done = true;
        } finally {
            if (!done) {
                abandon(changed);
            }
        }
        replace(List.of(part), List.of(changed));
        return changed.region();
    }

    private void protect(final SectionPart part, final Protected change) {
        try {
            core.reservation().protect(change.start(), change.length(), !change.wasWritable());
        } catch (final NativeException e) {
            if (isTakenBack(change)) {
                protections.remove(change);
                change.removal().close();
            } else if (change.wasWritable()) { // writing would crash
                drops.add(part.extent().withKind(part.extent().kind() | PageFlags.ALTERED_PAGES));
                replace(List.of(part), List.of());
            }
            throw registry.refused(e);
        }
    }

    private boolean isTakenBack(final Protected changed) {
        try {
            core.reservation().protect(changed.start(), changed.length(), changed.wasWritable());
            return true;
        } catch (final NativeException e) {
            return false;
        }
    }

    private @Nullable SectionSource sourceOf(final SectionPart part) {
        for (final long origin : part.origins()) {
            final SectionSource source = sources.get(origin);
            if (source != null && overlaps(source.extent(), part.extent().start(), part.extent().limit())) {
                return source;
            }
        }
        return null;
    }

    /** The pages are not as their zone has them any more, also if the section comes to nothing. */
    private void alter(final SectionPart part) {
        for (final long origin : part.origins()) {
            if (sources.containsKey(origin)) {
                RecordLayout.addKind(origin, PageFlags.ALTERED_PAGES);
            }
        }
    }

    RegionHandle resize(final RegionHandle region, final long newSize) {
        if (newSize <= 0) {
            throw new IllegalArgumentException("resize to " + newSize + " bytes: a size must be positive, " +
                region.describe());
        }
        final SectionPart part = part("resize", region);
        final Extent whole = part.extent();
        if (newSize == whole.size()) {
            return region;
        }
        return newSize < whole.size() ? cutTail(part, newSize) : move(part, newSize);
    }

    private RegionHandle cutTail(final SectionPart part, final long newSize) {
        final Extent whole = part.extent();
        final long cut = core.roundUp(whole.lead() + newSize, whole.kind());
        final Extent rest = cut >= whole.length() ? whole.cutTo(newSize) : whole.part(0, cut).cutTo(newSize);
        final SectionPart kept = fresh(rest, part.origins());
        if (cut < whole.length()) {
            drops.add(whole.part(cut, whole.length()));
        }
        replace(List.of(part), List.of(kept));
        return kept.region();
    }

    RegionHandle move(final RegionHandle region) {
        final SectionPart part = part("move", region);
        return move(part, part.extent().size());
    }

    private RegionHandle move(final SectionPart part, final long newSize) {
        final Mover mover = space.mover();
        final FileRegion backing = part.extent().file();
        final FileHandle file = backing == null ? null : mover.reopen(backing, part.region(), "move");
        final SectionPart moved;
        try {
            moved = backing != null && file != null && backing.access() == FileAccess.READ_WRITE &&
                newSize > part.extent().size()
                ? mover.growing(file, () -> mapAnew(part, newSize, file)) : mapAnew(part, newSize, file);
        } finally {
            if (file != null) {
                registry.close(file);
            }
        }
        drops.add(part.extent());
        replace(List.of(part), List.of());
        return moved.region();
    }

    private SectionPart mapAnew(final SectionPart part, final long newSize, final @Nullable FileHandle file) {
        final Mover mover = space.mover();
        return map(mover.plan(part.extent(), newSize, file), part.origins(),
            at -> mover.fill(part.region(), part.extent(), at));
    }

    // ------------------------------------------------------------------------------------------- publish, go back

    /** Makes everything visible; what is to be given back is returned. Comes to nothing if it throws. */
    List<PendingUnmap> publish() {
        if (!hasChanges()) {
            endAll();
            return List.of();
        }
        closeSegments(); // may throw
        final List<PendingUnmap> given =
            new SectionPublisher(core, gate, registry, exclusion.ticket(), sources.values(), parts.values(), mappings,
                drops).publish();
        exclusion.endTicket();
        protections.forEach(changed -> changed.removal().close());
        forget();
        return given;
    }

    private void closeSegments() {
        parts.values().forEach(part -> part.segments().close());
        sources.values().forEach(SectionSource::closeSegments);
    }

    private void forget() {
        sources.clear();
        parts.clear();
        byRecord.clear();
        mappings.clear();
        drops.clear();
        protections.clear();
    }

    /** Restores everything. */
    void rollBack() {
        final List<PendingUnmap> lost = new ArrayList<>();
        try {
            closeSegments();
        } finally {
            restore(lost);
            unmapper.completeAll(lost);
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
            takeBack(protections.removeLast(), lost);
        }
        sources.values().forEach(SectionSource::restore);
        while (!parts.isEmpty()) {
            final SectionPart part = parts.pollFirstEntry().getValue();
            if (part.isFresh()) {
                abandon(part);
            }
        }
        while (!mappings.isEmpty()) {
            giveUp(mappings.removeLast());
        }
        forget();
        exclusion.endTicket();
    }

    private void giveUp(final Mapper.Prepared mapping) {
        final FileRegion file = mapping.plan().file();
        if (file != null && !file.file().isClosed()) {
            registry.close(file.file());
        }
        if (altered) {
            space.mapper().giveUpAltered(mapping); // perhaps
        } else {
            space.mapper().giveUp(mapping);
        }
    }

    /** Gives pages the protection again that they had; a region whose pages cannot have it is unmapped. */
    private void takeBack(final Protected changed, final List<PendingUnmap> lost) {
        final SectionSource source = changed.source();
        // Where too much is allowed now, it hurts nobody; where too little is, writing would crash.
        if (!isTakenBack(changed) && changed.wasWritable() && source != null &&
            SectionLock.isHeld(source.record(), exclusion.ticket())) {
            SectionLock.abandon(source.record(), exclusion.ticket());
            core.lifetimes().detached(source.record());
            lost.add(new PendingUnmap(source.record(), changed.removal()));
        } else {
            changed.removal().close();
        }
    }
}
