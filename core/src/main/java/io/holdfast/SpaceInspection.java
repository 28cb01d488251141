// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RegionLock;
import java.util.ArrayList;
import java.util.List;

/** What can be seen of an address space from outside. Thread-safe. */
abstract sealed class SpaceInspection permits SpaceStructure {
    abstract Engines engines();

    abstract Region region(long record);

    /** {@return counts at this moment} */
    public SpaceStatistics statistics() {
        final SpaceCore core = engines().core();
        final SpaceEngine engine = engines().space();
        final Reclaimer reclaimer = engines().unmapper().reclaimer();
        return new SpaceStatistics(engine.regions(), engine.bytes(), engine.unmaps(), engine.drains(),
            reclaimer.backlog(), reclaimer.backlogBytes(), core.reservation().quarantinedBytes(),
            core.reservation().lostBytes(), engine.idle().bytes(), core.domain().orphansBuried(),
            core.domain().slotCount(), core.records().inUse(), core.records().bytes() + core.tree().mappedBytes());
    }

    /**
     * Lists all regions in the order of their addresses, as {@code /proc/self/maps} lists mappings.
     *
     * @return the regions that are mapped, as the tree shows them at one moment; a region that is split, merged or cut
     *     while this runs is listed as it is after that
     * @throws IllegalStateException if the space is closed
     */
    public List<RegionInfo> maps() {
        final SpaceEngine engine = engines().space();
        engine.checkOpen("maps");
        final long base = engines().core().reservation().base();
        final List<RegionInfo> infos = new ArrayList<>();
        engine.forEachAttached(record -> {
            final long kind = RecordLayout.kind(record);
            final FileRegion file = engine.file(record);
            infos.add(new RegionInfo(RecordLayout.base(record) - base, RecordLayout.sizeAcquire(record),
                Kind.isWritable(kind), file == null ? null : file.path(),
                file == null ? 0 : file.fileOffset() + file.lead(), engine.notes().name(record), Kind.isLocked(kind),
                RegionLock.describe(record)));
        });
        return infos;
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
