// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

/** Sets of parts, by what they are for. */
enum NamedSet {
    /** A look at most targets in less than five minutes, one process for each row. */
    QUICK,
    /** All targets, three processes for each row. */
    TARGETS,
    /** Every row there is. */
    FULL;

    private static final String GUARDED = "\\.GuardedReadBenchmark\\.";
    private static final String LOOKUP = "\\.LookupBenchmark\\.";
    private static final String MAP_UNMAP = "\\.MapUnmapBenchmark\\.";
    private static final Map<String, Object> QUIET = Map.of("idleThreads", 0, "idleHaveSlots", false);

    /** Name on the command line. */
    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    private Pace pace() {
        return switch (this) {
            case QUICK -> Pace.QUICK;
            case TARGETS -> Pace.STEADY;
            case FULL -> Pace.THOROUGH;
        };
    }

    private Pace patience() {
        return pace().patient();
    }

    /** All rows of a benchmark, or in a look those that targets are about. */
    private String rows(final String benchmark, final String looked) {
        return this == QUICK ? benchmark + "(" + looked + ")$" : benchmark;
    }

    List<Part> parts() {
        final List<Part> parts = new ArrayList<>();
        reads(parts);
        lookups(parts);
        mappings(parts);
        bystanders(parts);
        final String structure = rows("\\.StructureBenchmark\\.", "holdfastMapUnmap|skipListPutRemove");
        parts.add(Part.timed("structure", structure, patience()).with("regions", 1000).threads(1, 2));
        final String sections = rows("\\.SectionMappingBenchmark\\.one", "InDisjointSections|BySingleCalls");
        parts.add(Part.timed("section-mapping", sections, patience()).threads(1, 2));
        if (this != QUICK) {
            parts.add(Part.timed("section", "\\.SectionBenchmark\\.", patience()).threads(1, 2));
            parts.add(Part.timed("section-thousand", "\\.SectionMappingBenchmark\\.thousand", patience()));
        }
        final Part grow = Part.timed("grow", "\\.GrowBenchmark\\.", patience());
        parts.add(this == QUICK ? grow.with("reader", false) : grow);
        footprints(parts);
        if (this != QUICK) {
            parts.add(Part.timed("virtual", "\\.GuardedReadVirtualBenchmark\\." +
                "(holdfast(Guard|Stamp|Optimistic|Counted|PinnedFind)|reentrantReadWriteLock|stampedOptimistic|rawRead)$",
                pace()).allocations());
            scaling(parts);
        }
        return parts;
    }

    private void reads(final List<Part> parts) {
        final String guarded = rows(GUARDED, "rawRead|holdfast(Guard|Stamp|StampEscaping|Optimistic)|stampedOptimistic|" +
            "reentrantReadWriteLock|igniteReadLock");
        parts.add(Part.timed("guarded", guarded, pace()).threads(1, 2).allocations());
        parts.add(Part.timed("pin", "\\.PinBenchmark\\.", pace()).allocations());
        if (this != QUICK) {
            parts.add(Part.timed("held", "\\.HeldLocksBenchmark\\.", pace()).allocations());
            parts.add(Part.timed("drain", "\\.DrainBenchmark\\.holdfast", pace()).threads(1, 2));
            parts.add(Part.timed("drain-peers", "\\.DrainBenchmark\\.(reentrant|stamped)", pace())
                .with("idleThreads", 0).threads(1, 2));
        }
    }

    // One and two threads are those of the part that all rows are in.
    private void scaling(final List<Part> parts) {
        final TreeSet<Integer> threads = new TreeSet<>();
        final int processors = Runtime.getRuntime().availableProcessors();
        for (int count = 4; count < processors; count *= 2) {
            threads.add(count);
        }
        if (processors > 2) {
            threads.add(processors);
            parts.add(Part.timed("scaling", GUARDED + "(rawRead|holdfast(Guard|Stamp|Optimistic|Counted)|" +
                "stamped(Optimistic|ReadLock)|reentrantReadWriteLock|igniteReadLock|nettyRefCnt|cassandraOpOrder)$",
                pace()).threads(threads.toArray(Integer[]::new)));
        }
    }

    private void lookups(final List<Part> parts) {
        final Part random = Part.timed("lookup", rows(LOOKUP, "holdfastFind|sortedArrayFloor|skipListFloor"), pace())
            .with("keys", "RANDOM").with("writer", false).allocations();
        if (this == FULL) {
            parts.add(random.with("keys", "RANDOM", "CLUSTERED").with("writer", false, true));
            return;
        }
        parts.add(random);
        if (this == QUICK) {
            return;
        }
        parts.add(Part.timed("lookup-clustered", LOOKUP, pace()).with("keys", "CLUSTERED").with("writer", false)
            .with("regions", 100_000));
        parts.add(Part.timed("lookup-writer", LOOKUP + "(?!sortedArray)", pace()).with("keys", "RANDOM")
            .with("writer", true).with("regions", 100_000));
    }

    private void mappings(final List<Part> parts) {
        if (this == FULL) {
            parts.add(Part.timed("mapping", MAP_UNMAP, pace()));
            return;
        }
        final boolean look = this == QUICK;
        final String anonymous = look ? "(holdfastAnonymous(Async)?|sharedArenaAnonymous|rawMmapMunmap)$"
            : "(holdfastAnonymous(Async(Invoked)?)?|sharedArenaAnonymous|rawMmapMunmap|confinedArenaAnonymous|" +
                "unsafeAllocateFree)$";
        parts.add(quiet(Part.timed("mapping", MAP_UNMAP + anonymous, patience())).with("bytes", 4096, 65536));
        final String files = look ? "(holdfastFile|sharedArenaFile|rawFileMmapMunmap)$"
            : "(holdfastFile(Populated)?|sharedArenaFile|rawFile(Populated)?MmapMunmap)$";
        final Part file = quiet(Part.timed("file", MAP_UNMAP + files, patience())).with("bytes", 1 << 20);
        parts.add(look ? file.with("reader", false) : file);
        final String idle = look ? "holdfastAnonymous$" : "(holdfastAnonymous|sharedArenaAnonymous|rawMmapMunmap)$";
        parts.add(Part.timed("idle", MAP_UNMAP + idle, patience()).with("bytes", 4096).with("reader", false));
    }

    // With two processors there is one for the unmapper and one for who reads a segment; a third would make them wait.
    private void bystanders(final List<Part> parts) {
        final Part all = Part.timed("bystander", "\\.BystanderBenchmark\\.", patience()).threads(0);
        final Part part = this == QUICK
            ? all.with("means", "NONE", "HOLDFAST", "SHARED_ARENA").with("rate", 10_000, 0) : all;
        parts.add(Runtime.getRuntime().availableProcessors() > 2 ? part : part.groups(0, 1, 1));
    }

    private static Part quiet(final Part part) {
        Part result = part;
        for (final Map.Entry<String, Object> param : QUIET.entrySet()) {
            result = result.with(param.getKey(), param.getValue());
        }
        return result;
    }

    private void footprints(final List<Part> parts) {
        parts.add(Part.once("open", "\\.OpenBenchmark\\.", pace(), 1));
        if (this == QUICK) {
            parts.add(Part.once("memory", "\\.MemoryBenchmark\\.(holdfast|sharedArenas|skipList)$", pace(), 2)
                .with("regions", 10_000));
            parts.add(Part.once("memory-large", "\\.MemoryBenchmark\\.holdfast$", pace(), 4).with("regions", 1_000_000));
            parts.add(Part.once("latency", "\\.LatencyBenchmark\\.", pace(), 4).with("millis", 500));
            parts.add(Part.once("store", "\\.StoreBenchmark\\.", pace(), 7).with("seconds", 3));
            return;
        }
        parts.add(Part.once("memory", "\\.MemoryBenchmark\\.", pace(), 4));
        parts.add(Part.once("latency", "\\.LatencyBenchmark\\.", pace(), 6));
        // In ten seconds the compilers have just come to their end.
        parts.add(Part.once("store", "\\.StoreBenchmark\\.", pace().forks(1), 40).with("seconds", 10, 60));
    }
}
