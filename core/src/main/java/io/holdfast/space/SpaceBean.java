// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpaceMXBean;
import io.holdfast.RegionInfo;
import io.holdfast.SpaceStatistics;
import io.holdfast.WaitReport;
import java.lang.ref.WeakReference;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/** What monitoring tools see of a space, which it does not keep from being collected. Thread-safe. */
final class SpaceBean implements AddressSpaceMXBean {
    private final WeakReference<SpaceHandle> space;
    private final String name;

    SpaceBean(final SpaceHandle space) {
        this.space = new WeakReference<>(space);
        this.name = space.name();
    }

    SpaceHandle space() {
        final SpaceHandle current = space.get();
        if (current == null) {
            throw new IllegalStateException("address space was left without being closed: name=" + name);
        }
        return current;
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public long getCapacity() {
        return space().capacity();
    }

    @Override
    public String getBarrier() {
        return space().barrier().name();
    }

    @Override
    public boolean isOpen() {
        final SpaceHandle current = space.get();
        return current != null && current.isOpen();
    }

    @Override
    public SpaceStatistics getStatistics() {
        return space().statistics();
    }

    @Override
    public long getMappingHeadroom() {
        return space().mappingHeadroom();
    }

    @Override
    public List<RegionRow> largestRegions(final int most) {
        final SpaceHandle current = space();
        current.gate().checkOpen("largestRegions");
        final RegionRegistry registry = current.registry();
        // Not more than the answer on the heap: there may be a million regions.
        final PriorityQueue<RegionInfo> largest = new PriorityQueue<>(Comparator.comparingLong(RegionInfo::size));
        registry.forEachAttached(record -> {
            largest.add(registry.info(record));
            if (largest.size() > most) {
                largest.poll();
            }
        });
        final List<RegionRow> rows = new ArrayList<>();
        largest.stream().sorted(Comparator.comparingLong(RegionInfo::size).reversed()
            .thenComparingLong(RegionInfo::address)).forEach(info -> rows.add(row(info)));
        return rows;
    }

    private static RegionRow row(final RegionInfo info) {
        final Path path = info.path();
        return new RegionRow(info.address(), info.size(), info.writable(), info.name(),
            path == null ? null : path.toString(), info.lock());
    }

    @Override
    public List<UnmapRow> pendingUnmaps(final int most) {
        return space().pendingUnmaps().stream().sorted(Comparator.comparing(WaitReport::waited).reversed())
            .limit(Math.max(most, 0)).map(report -> new UnmapRow(report.region(), report.waiter(),
                report.waited().toMillis(), rows(report.holders()))).toList();
    }

    @Override
    public List<HolderRow> pinnedThreads() {
        return rows(space().pinned());
    }

    @Override
    public List<SectionRow> sections() {
        return space().gate().ranges().sections().stream().map(entry -> new SectionRow(entry.start(), entry.end(),
            entry.mode().name(), entry.owner().getName(), entry.owner().threadId())).toList();
    }

    private static List<HolderRow> rows(final List<WaitReport.Holder> holders) {
        return holders.stream().map(SpaceBean::row).toList();
    }

    private static HolderRow row(final WaitReport.Holder holder) {
        final Duration since = holder.since();
        return new HolderRow(holder.threadName(), holder.threadId(), holder.how().name(),
            since == null ? -1 : since.toMillis());
    }
}
