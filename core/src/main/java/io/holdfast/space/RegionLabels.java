// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.SpaceStatistics;
import io.holdfast.epoch.Ledger;
import io.holdfast.epoch.Sampling;
import io.holdfast.event.LeakEvent;
import io.holdfast.layout.RecordLayout;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * By what people know regions: names, and the places that mapped them and opened their space, to report those that were
 * left behind: all places in debug mode ({@value Ledger#PROPERTY}), one in so many where they are sampled
 * ({@value Sampling#PROPERTY}). A region without either costs nothing. Keyed by record; thread-safe.
 */
final class RegionLabels {
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    /** Of so many regions that were left behind, the places are reported. */
    static final int SHOWN = 10;

    /** A place in the program; its stack trace says where. */
    static final class Origin extends Throwable {
        private static final long serialVersionUID = 1L;

        Origin(final String what) {
            super(what + " by thread " + Thread.currentThread().getName());
        }
    }

    /** Whether places are remembered, of all or of some. */
    private static final boolean REMEMBERS = Ledger.ENABLED || Sampling.ON;

    private final ConcurrentMap<RecordKey, String> names = new ConcurrentHashMap<>();
    private final ConcurrentMap<RecordKey, Origin> origins = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /** Where places are remembered, reports the space if it becomes unreachable without having been closed. */
    void watch(final Object space, final String name) {
        if (REMEMBERS) {
            final Origin opened = new Origin("opened");
            Leaks.CLEANER.register(space, () -> {
                if (!closed) {
                    LOGGER.log(Level.WARNING, "address space was left without being closed: name=" + name +
                        ", regions=" + origins.size() + "; close it where it was opened", opened);
                    LeakEvent.tell(name, "space", opened);
                    reportRegions(name);
                }
            });
        }
    }

    /** The space is being closed; where places are remembered, reports the regions that are still mapped. */
    void closing(final String name) {
        closed = true;
        reportRegions(name);
    }

    /** One line says how many, and the first few are shown with their places: there may be a million. */
    private void reportRegions(final String name) {
        if (origins.isEmpty()) {
            return;
        }
        LOGGER.log(Level.WARNING, "regions were never unmapped: space=" + name + ", regions=" + origins.size() +
            ", shown=" + Math.min(origins.size(), SHOWN) + (Sampling.ON ? ", of those that were sampled" : "") +
            "; unmap them where they were mapped");
        origins.entrySet().stream().limit(SHOWN).forEach(left -> {
            final String region = names.get(left.getKey());
            LeakEvent.tell(name, "region, name=" + region, left.getValue());
            LOGGER.log(Level.WARNING, "region was never unmapped: space=" + name + ", name=" + region, left.getValue());
        });
    }

    /** Notes a region that is about to be attached. */
    void add(final long record, final @Nullable String name) {
        if (name != null) {
            names.put(new RecordKey(record), name);
        }
        if (Ledger.ENABLED || Sampling.isDue(0)) {
            origins.put(new RecordKey(record), new Origin("mapped"));
        }
    }

    /** Forgets a region that is gone; allocates nothing. */
    void remove(final RecordKey record) {
        if (!names.isEmpty()) { // most spaces have none, and then this costs an unmap nothing
            names.remove(record);
        }
        if (REMEMBERS) {
            origins.remove(record);
        }
    }

    /** What the regions of each name take together. */
    List<SpaceStatistics.Named> named() {
        final SortedMap<String, SpaceStatistics.Named> all = new TreeMap<>();
        names.forEach((record, name) -> all.merge(name,
            new SpaceStatistics.Named(name, 1, RecordLayout.sizeAcquire(record.record())),
            (one, other) -> new SpaceStatistics.Named(name, one.regions() + 1, one.bytes() + other.bytes())));
        return List.copyOf(all.values());
    }

    /** The place that mapped a region, in debug mode. */
    @Nullable Origin origin(final long record) {
        return origins.get(new RecordKey(record));
    }

    @Nullable String name(final long record) {
        return names.get(new RecordKey(record));
    }
}
