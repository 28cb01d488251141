// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.SectionLock;
import io.holdfast.memory.FileHandle;
import io.holdfast.memory.NativeException;
import io.holdfast.tree.Edit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;

/** Makes the private version of a write section visible, in one step. Used once. */
final class SectionPublisher {
    /*
     * 1. Count; take a record for each extent that is given back; make the changes in a private version of the tree.
     *    All of it can fail, and is taken back then.
     * 2. Attach the new records, held by the section's ticket: nobody can lock them before the section ends, wherever a
     *    handle may have come to.
     * 3. Swing the root of the tree: THE POINT OF NO RETURN, and the linearization point for lookups, cursors and
     *    snapshots. It fails for want of memory, or not at all: nobody else changes the ranges that a section holds.
     * 4. Detach the old records: moved if a part comes from them, else unmapped. Nothing is detached before 3, nothing
     *    can fail after it.
     * 5. The caller ends the ticket: with one store the new regions, and those that the section only held, can be locked.
     *
     * No nodes are taken in advance to free the addresses of what is given back: for a thousand regions these would be
     * more than the tree has. Where there is no memory for them in the end, Quarantine keeps the addresses and tries again.
     *
     * A lookup that has seen the root from before 3 finds the old regions, attached and excluded; when it sees one
     * detached it looks again, and finds what came into its place ([M1]).
     *
     * If the thread stops for ever: before 3 the regions that it holds stay excluded and the old version stands; after 3
     * the new version stands and both stay excluded. All of it happens under a pin, after a look at CLOSED, as for a map
     * (Mapper [A1]).
     */
    private final SpaceResources core;
    private final StructureGate gate;
    private final RegionRegistry registry;
    private final long ticket;
    private final List<SectionSource> changed;
    private final List<SectionPart> kept;
    private final List<Mapper.Prepared> mappings;
    private final List<Extent> drops;
    private final List<Dropped> dropped = new ArrayList<>();
    private final List<PendingUnmap> given = new ArrayList<>();
    private final Set<Long> goingOn = new HashSet<>(); // records of which parts are kept
    private final Set<FileHandle> open = Collections.newSetFromMap(new IdentityHashMap<>()); // files that parts need

    /** An extent that is given back, under a record that is never attached. */
    private record Dropped(Extent extent, long record) {
    }

    /** What stands in the place of what. */
    private record Territory(long start, long limit) {
    }

    private record Interval(long start, long limit, long record) {
    }

    SectionPublisher(final SpaceResources core, final StructureGate gate, final RegionRegistry registry,
                     final long ticket, final Collection<SectionSource> sources, final Collection<SectionPart> parts,
                     final List<Mapper.Prepared> mappings, final List<Extent> drops) {
        this.core = core;
        this.gate = gate;
        this.registry = registry;
        this.ticket = ticket;
        this.changed = sources.stream().filter(SectionSource::isChanged).toList();
        this.kept = parts.stream().filter(SectionPart::isFresh).toList();
        this.mappings = List.copyOf(mappings);
        this.drops = drops;
        for (final SectionPart part : kept) {
            goingOn.addAll(part.origins());
            final FileRegion file = part.extent().file();
            if (file != null && file.keepsOpen()) {
                open.add(file.file());
            }
        }
    }

    List<PendingUnmap> publish() {
        final EpochDomain domain = core.domain();
        final int more = kept.size() - changed.size() - mappings.size();
        boolean published = false;
        domain.pinStructure();
        try {
            gate.checkOpen("publish");
            registry.accountRegions(more, drops.size(), "publish");
            try {
                prepareDrops();
                published = swing();
            } finally {
                if (!published) {
                    takeBack();
                    registry.unaccountRegions(more + drops.size());
                }
            }
            complete();
            return given;
        } catch (final NativeException e) {
            throw registry.refused(e);
        } finally {
            domain.unpinStructure();
        }
    }

    private void prepareDrops() {
        for (final Extent extent : drops) {
            final long record = core.records().allocate();
            RecordLayout.describe(record, core.reservation().base() + extent.start() + extent.lead(), extent.start(),
                extent.limit(), extent.kind());
            RecordLayout.sizeRelease(record, extent.size());
            dropped.add(new Dropped(extent, record));
            given.add(new PendingUnmap(record, null));
        }
    }

    private boolean swing() {
        try (Edit edit = core.tree().edit()) {
            final List<Interval> intervals = intervals();
            int from = 0;
            for (final Territory territory : territories()) {
                int to = from;
                while (to < intervals.size() && intervals.get(to).limit <= territory.limit) {
                    to++;
                }
                replace(edit, territory, intervals.subList(from, to));
                from = to;
            }
            kept.forEach(this::attach);
            if (!edit.publish()) { // THE POINT OF NO RETURN
                throw new IllegalStateException("the range of a section was changed by somebody else: " + territories());
            }
            return true;
        }
    }

    private static void replace(final Edit edit, final Territory territory, final List<Interval> intervals) {
        final long[] flat = new long[intervals.size() * 3];
        int at = 0;
        for (final Interval interval : intervals) {
            flat[at++] = interval.start;
            flat[at++] = interval.limit;
            flat[at++] = interval.record;
        }
        if (!edit.replace(territory.start, territory.limit, flat)) {
            throw new IllegalStateException("the tree does not have what the section holds: start=0x" +
                Long.toHexString(territory.start) + ", limit=0x" + Long.toHexString(territory.limit));
        }
    }

    private void attach(final SectionPart part) {
        SectionLock.attach(part.record(), ticket);
        final FileRegion file = part.extent().file();
        if (file != null) {
            registry.files().put(part.record(), file);
        }
        registry.notes().add(part.record(), part.extent().name());
    }

    /** What the changed regions and the new mappings cover, with neighbours joined, in order. */
    private List<Territory> territories() {
        final List<Territory> all = new ArrayList<>();
        changed.forEach(source -> all.add(new Territory(source.extent().start(), source.extent().limit())));
        mappings.forEach(mapping -> all.add(new Territory(mapping.start(), mapping.start() + mapping.plan().length())));
        all.sort(Comparator.comparingLong(Territory::start));
        final List<Territory> joined = new ArrayList<>();
        for (final Territory territory : all) {
            if (!joined.isEmpty() && joined.getLast().limit == territory.start) {
                joined.add(new Territory(joined.removeLast().start, territory.limit));
            } else {
                joined.add(territory);
            }
        }
        return joined;
    }

    /** What there is going to be, in order. */
    private List<Interval> intervals() {
        final List<Interval> intervals = new ArrayList<>(kept.size() + dropped.size());
        kept.forEach(part -> intervals.add(new Interval(part.extent().start(), part.extent().limit(), part.record())));
        dropped.forEach(drop -> intervals.add(new Interval(drop.extent.start(), drop.extent.limit(), drop.record)));
        intervals.sort(Comparator.comparingLong(Interval::start));
        return intervals;
    }

    /** Cannot fail; what it needs has been made before. */
    private void complete() {
        for (final SectionSource source : changed) {
            if (goingOn.contains(source.record())) {
                SectionLock.move(source.record(), ticket);
            } else {
                SectionLock.detach(source.record(), ticket);
            }
        }
        for (final SectionSource source : changed) {
            final FileRegion file = source.extent().file();
            registry.forgetMoved(source.record(), file == null || !open.contains(file.file()));
        }
        for (final Mapper.Prepared mapping : mappings) {
            final FileRegion file = mapping.plan().file();
            if (file != null && !file.file().isClosed() && !open.contains(file.file())) {
                registry.close(file.file());
            }
            core.retiredRecords().retire(mapping.record());
        }
    }

    /** Undoes what was prepared; nobody could lock any of it. */
    private void takeBack() {
        for (final Dropped drop : dropped) {
            core.retiredRecords().retire(drop.record);
        }
        for (final SectionPart part : kept) {
            registry.files().remove(part.record());
            registry.notes().remove(part.record());
            if (SectionLock.isHeld(part.record(), ticket)) {
                SectionLock.detach(part.record(), ticket);
            }
        }
    }
}
