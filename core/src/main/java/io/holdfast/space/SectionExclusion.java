// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Guard;
import io.holdfast.RegionException;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.SectionLock;
import io.holdfast.lock.Stamps;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The regions that one write section holds exclusively. Belongs to the section's thread. */
final class SectionExclusion implements Publication.Owner {
    /** Segments that live until they are closed together. */
    static final class Segments {
        private @Nullable Arena arena;

        /** A region's bytes, which can be written if the region can. */
        MemorySegment of(final RegionHandle region) {
            Arena current = arena;
            if (current == null) {
                current = Arena.ofConfined();
                arena = current;
            }
            return region.segmentFor(Guard.Mode.EXCLUSIVE, current);
        }

        /** Ends the life of all that were handed out; refuses while a call of another thread uses one. */
        void close() {
            final Arena current = arena;
            if (current != null) {
                current.close();
                arena = null;
            }
        }
    }

    /** A region that the section holds exclusively. */
    static final class Source {
        private final RegionHandle region;
        private final Long key;
        private final Segments segments = new Segments();
        private @Nullable Source shadowed; // of the same record, as long as it is not known which of them is held
        private @Nullable Extent extent;
        private int index; // among all
        private boolean changed;
        private boolean goesOn;

        private Source(final RegionHandle region) {
            this.region = region;
            this.key = region.record();
        }

        RegionHandle region() {
            return region;
        }

        long record() {
            return region.record();
        }

        /** What it covers; it is held, so that does not change. */
        Extent extent(final RegionRegistry registry) {
            Extent known = extent;
            if (known == null) {
                final long record = record();
                known = Extent.of(record, region.space().base(), registry.file(record), registry.labels().name(record));
                extent = known;
            }
            return known;
        }

        /** Whether the region goes on as something else, or not at all, once the section is published. */
        boolean isChanged() {
            return changed;
        }

        /** The region goes on as something else, or not at all; its segments have been closed. */
        void change() {
            changed = true;
            RecordLayout.addKind(record(), PageFlags.IN_CHANGE);
        }

        /** The region goes on as it was. */
        void restore() {
            RecordLayout.removeKind(record(), PageFlags.IN_CHANGE);
        }

        /** A region that the publication makes has bytes of this one. */
        void goOn() {
            goesOn = true;
        }

        boolean goesOn() {
            return goesOn;
        }

        /** Those that were handed out, until the section changes the region. */
        Segments segments() {
            return segments;
        }
    }

    private final SpaceHandle space;
    private final RegionRegistry registry;
    private final SectionLock lock;
    private final long start;
    private final long end;
    private final Map<Long, Source> byRecord = new HashMap<>();
    private final List<Source> all = new ArrayList<>(); // the same, to go through without an iterator
    private long ticket;
    private long patienceNs = Waiting.FOREVER;
    private boolean interruptible;

    SectionExclusion(final SpaceHandle space, final long start, final long end) {
        this.space = space;
        this.registry = space.registry();
        this.lock = space.sectionLock();
        this.start = start;
        this.end = end;
    }

    /** How many regions the section holds; {@link #get} has them. */
    int size() {
        return all.size();
    }

    Source get(final int index) {
        return all.get(index);
    }

    /** The region of a record if the section holds it. */
    @Nullable Source find(final long record) {
        return byRecord.get(record);
    }

    void patience(final long timeout, final TimeUnit unit) {
        patienceNs = unit.toNanos(timeout);
        interruptible = true;
    }

    /** The patience of another one. */
    void patienceOf(final SectionExclusion other) {
        patienceNs = other.patienceNs;
        interruptible = other.interruptible;
    }

    /** The section's ticket, which it gets if it has none. */
    long ticket() {
        if (ticket == 0) {
            ticket = SectionLock.open();
            if (ticket == 0) {
                throw new RegionException("too many sections hold regions exclusively, or have made some, at a time " +
                    "in this process: limit=" + SectionLock.TICKETS + "; publish or close some of them first", null);
            }
        }
        return ticket;
    }

    /** Excludes regions that the section does not hold yet, all or none, with one barrier. */
    private void exclude(final String operation, final List<RegionHandle> regions) {
        final long[] records = new long[regions.size()];
        final long[] incarnations = new long[records.length];
        for (int i = 0; i < records.length; i++) {
            final RegionHandle region = regions.get(i);
            checkInside(operation, region, RecordLayout.start(region.record()), RecordLayout.limit(region.record()));
            records[i] = region.record();
            incarnations[i] = region.incarnation();
        }
        long result = 0;
        final int before = all.size();
        try (Waiting waiting = interruptible ? space.waiting(patienceNs, true)
            : space.patience(operation, regions.isEmpty() ? null : regions.getFirst())) {
            for (final RegionHandle region : regions) {
                add(new Source(region));
            }
            result = lock.exclude(ticket(), records, incarnations, waiting);
            if (waiting.endedByInterrupt()) {
                Thread.currentThread().interrupt();
            }
        } finally {
            if (result <= 0) {
                while (all.size() > before) {
                    remove(all.getLast());
                }
            }
        }
        if (result <= 0) {
            throw refused(operation, regions, result);
        }
    }

    private void add(final Source source) {
        source.index = all.size();
        all.add(source);
        source.shadowed = byRecord.put(source.key, source);
    }

    private void remove(final Source source) {
        final Source last = all.removeLast();
        if (last != source) {
            all.set(source.index, last);
            last.index = source.index;
        }
        final Source before = source.shadowed;
        if (before != null) {
            byRecord.put(source.key, before);
        } else {
            byRecord.remove(source.key, source);
        }
    }

    private static RegionException refused(final String operation, final List<RegionHandle> regions, final long result) {
        for (final RegionHandle region : regions) {
            if (!region.isMapped() && (result == Stamps.DETACHED || result == Stamps.MOVED)) {
                return region.refused(operation, result);
            }
        }
        return regions.getFirst().refused(operation, result);
    }

    private void checkInside(final String operation, final RegionHandle region, final long from, final long to) {
        if (!region.space().equals(space)) {
            throw new IllegalArgumentException(operation + " of a region of another space: " + region.describe());
        }
        // Of a region that is gone the record says nothing any more; it is going to be refused.
        if ((from < start || to > end) && region.isMapped()) {
            throw new IllegalArgumentException(operation + " outside of the section: section=0x" +
                Long.toHexString(start) + "-0x" + Long.toHexString(end) + ", region pages=0x" + Long.toHexString(from) +
                "-0x" + Long.toHexString(to) + ", " + region.describe() + "; begin a section from reservedStart() to " +
                "reservedEnd() of the region");
        }
    }

    /** A region that is held, and not changed by the section; it is excluded if it is not held yet. */
    Source source(final String operation, final RegionHandle region) {
        Source source = byRecord.get(region.record());
        if (source == null || !source.region().equals(region)) {
            exclude(operation, List.of(region));
            source = byRecord.get(region.record());
        }
        if (source == null || source.isChanged()) {
            throw new RegionException(operation + " of a region that this section has changed already: " +
                region.describe() + "; use the handles that the change returned", null);
        }
        return source;
    }

    /** Excludes all regions that overlap a range and that the section does not hold yet. */
    int excludeRange(final String operation, final long from, final long to) {
        final List<RegionHandle> regions = new ArrayList<>();
        registry.forEachAttached(from, to, record -> {
            if (!byRecord.containsKey(record)) {
                regions.add(space.region(record));
            }
        });
        if (!regions.isEmpty()) {
            exclude(operation, regions);
        }
        return regions.size();
    }

    /** Ends one exclusion. */
    void end(final Source source) {
        SectionLock.end(source.record(), ticket);
        remove(source);
    }

    /** Ends all exclusions with one store; allocates nothing. */
    void endAll() {
        if (ticket != 0) {
            SectionLock.endAll(ticket);
            ticket = 0;
        }
        all.clear();
        byRecord.clear();
    }

    // ----------------------------------------------------------------------------------------------------- owner

    @Override
    public boolean holds(final long record) {
        return SectionLock.isHeld(record, ticket);
    }

    @Override
    public void attach(final long record) {
        SectionLock.attach(record, ticket());
    }

    @Override
    public void withdraw(final long record) {
        SectionLock.detach(record, ticket);
    }

    @Override
    public void move(final long record) {
        SectionLock.move(record, ticket);
    }

    @Override
    public void detach(final long record) {
        SectionLock.detach(record, ticket);
    }

    @Override
    public void abandon(final long record) {
        SectionLock.abandon(record, ticket);
    }

    // ---------------------------------------------------------------------------------------------------- checks

    void checkRange(final String operation, final long from, final long to) {
        if (from < start || to > end || from >= to) {
            throw new IllegalArgumentException(operation + " of a range that is empty, or outside of the section: from=0x" +
                Long.toHexString(from) + ", to=0x" + Long.toHexString(to) + ", section=0x" + Long.toHexString(start) +
                "-0x" + Long.toHexString(end));
        }
    }
}
