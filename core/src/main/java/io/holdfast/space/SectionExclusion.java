// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.RegionException;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.SectionLock;
import io.holdfast.lock.Stamps;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The regions that one write section holds exclusively. Belongs to the section's thread. */
final class SectionExclusion {
    private final SpaceHandle space;
    private final RegionRegistry registry;
    private final SectionLock lock;
    private final long start;
    private final long end;
    private final Map<Long, SectionSource> sources = new LinkedHashMap<>();
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

    /** By record, in the order in which they were excluded. */
    Map<Long, SectionSource> sources() {
        return sources;
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
        final long result;
        try (Waiting waiting = space.waiting(patienceNs, interruptible)) {
            result = lock.exclude(ticket(), records, incarnations, waiting);
            if (waiting.endedByInterrupt()) {
                Thread.currentThread().interrupt();
            }
        }
        if (result <= 0) {
            throw refused(operation, regions, result);
        }
        for (final RegionHandle region : regions) {
            sources.put(region.record(), new SectionSource(region, Extent.of(region.record(), space.base(),
                registry.file(region.record()), registry.notes().name(region.record()))));
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
    SectionSource source(final String operation, final RegionHandle region) {
        SectionSource source = sources.get(region.record());
        if (source == null || !source.region().equals(region)) {
            exclude(operation, List.of(region));
            source = sources.get(region.record());
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
            final SectionSource source = sources.get(record);
            if (source == null) {
                regions.add(space.region(record));
            }
        });
        if (!regions.isEmpty()) {
            exclude(operation, regions);
        }
        return regions.size();
    }

    /** Ends all exclusions with one store. */
    void endTicket() {
        if (ticket != 0) {
            SectionLock.endAll(ticket);
            ticket = 0;
        }
    }

    void checkRange(final String operation, final long from, final long to) {
        if (from < start || to > end || from >= to) {
            throw new IllegalArgumentException(operation + " of a range that is empty, or outside of the section: from=0x" +
                Long.toHexString(from) + ", to=0x" + Long.toHexString(to) + ", section=0x" + Long.toHexString(start) +
                "-0x" + Long.toHexString(end));
        }
    }
}
