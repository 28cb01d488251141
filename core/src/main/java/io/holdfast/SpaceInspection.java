// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.util.ArrayList;
import java.util.List;

/** What can be seen of an address space from outside. Thread-safe. */
abstract sealed class SpaceInspection permits SpaceStructure {
    abstract Engines engines();

    abstract Region region(long record);

    abstract AddressSpace self();

    /** {@return counts at this moment} */
    public SpaceStatistics statistics() {
        final SpaceCore core = engines().core();
        final SpaceEngine engine = engines().space();
        final Reclaimer reclaimer = engines().unmapper().reclaimer();
        return new SpaceStatistics(engine.regions(), engine.bytes(), engine.unmaps(), engine.drains(),
            reclaimer.backlog(), reclaimer.backlogBytes(), core.retiredBytes(), core.reservation().quarantinedBytes(),
            core.reservation().lostBytes(), core.reservation().strandedBytes(), core.reservation().repairs(),
            engine.idle().bytes(), engine.idle().recycledBytes(),
            core.domain().orphansBuried(), core.domain().slotCount(), core.records().inUse(),
            core.records().bytes() + core.tree().mappedBytes());
    }

    /**
     * Lists all regions in the order of their addresses, as {@code /proc/self/maps} lists mappings.
     *
     * @return the regions as they were at one moment, as {@link #snapshot()} shows them: what a section publishes while
     *     this runs is listed as a whole or not at all
     * @throws IllegalStateException if the space is closed
     */
    public List<RegionInfo> maps() {
        engines().space().checkOpen("maps");
        try (SpaceSnapshot snapshot = snapshot()) {
            return snapshot.regions();
        }
    }

    /**
     * Takes a snapshot of all regions, in O(1).
     *
     * @return the snapshot, to be closed by the same thread
     * @throws IllegalStateException if the space is closed
     */
    public SpaceSnapshot snapshot() {
        final SpaceSnapshot snapshot = new SpaceSnapshot(engines().core(), engines().space());
        if (engines().space().isClosed()) { // after its pin: a close waits for it, or it is seen here
            snapshot.close();
            engines().space().checkOpen("snapshot");
        }
        return snapshot;
    }

    /**
     * Begins to look at the regions of a space that is in use.
     *
     * @return a cursor that stands before everything
     * @throws IllegalStateException if the space is closed
     */
    public RegionCursor cursor() {
        engines().space().checkOpen("cursor");
        return new RegionCursor(self());
    }

    /**
     * Counts the bytes of all regions that are in memory now, in whole pages. Regions that are held exclusively at that
     * moment are left out.
     *
     * @return the bytes, which another moment may change
     * @throws IllegalStateException if the space is closed
     * @throws MappingException      if the system refuses
     */
    public long residentBytes() {
        engines().space().checkOpen("residentBytes");
        final List<Region> regions = new ArrayList<>();
        engines().space().forEachAttached(record -> regions.add(region(record)));
        return engines().pages().residentBytes(regions);
    }

    /**
     * Gives the memory of unmapped anonymous regions that was kept to be handed out again back to the system. Waits for
     * nobody.
     *
     * @return the bytes of unused addresses whose memory was given back
     * @throws IllegalStateException if the space is closed
     * @throws MappingException      if the system refuses, or there is no memory
     */
    public long trim() {
        engines().space().checkOpen("trim");
        return engines().space().idle().trim();
    }

    /**
     * How many mappings the kernel still grants this process ({@code vm.max_map_count}). A file region takes up to
     * three of them, anonymous regions none of their own. Mapping stops with a {@link MappingException} before the last
     * ones are used. Reads the kernel's list, which takes time with its length.
     *
     * @return the number of mappings, 0 or more
     */
    public long mappingHeadroom() {
        return engines().map().headroom().now();
    }
}
