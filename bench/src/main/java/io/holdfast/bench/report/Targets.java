// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import io.holdfast.bench.report.Row.Selector;
import io.holdfast.bench.report.Target.Kind;
import java.util.ArrayList;
import java.util.List;

/** What the design promises. A limit is changed only together with what README and the documentation say. */
final class Targets {
    private static final Selector GUARDED = Selector.of("GuardedReadBenchmark", "holdfastGuard");
    private static final Selector READ_WRITE_LOCK = GUARDED.method("reentrantReadWriteLock");
    private static final Selector PIN = Selector.of("PinBenchmark", "holdfastPin");
    private static final Selector FIND = Selector.of("LookupBenchmark", "holdfastFind");
    private static final Selector ANONYMOUS = Selector.of("MapUnmapBenchmark", "holdfastAnonymous");
    private static final Selector READER = Selector.of("BystanderBenchmark", "bystander").metric("segmentReader");
    private static final Selector MAP_UNMAP = Selector.of("StructureBenchmark", "holdfastMapUnmap");
    private static final Selector SECTION = Selector.of("SectionMappingBenchmark", "oneInDisjointSections");
    private static final Selector MEMORY = Selector.of("MemoryBenchmark", "holdfast");
    private static final Selector OPEN = Selector.of("OpenBenchmark", "holdfastOpen");
    private static final String LOCK = "`ReentrantReadWriteLock` read";
    private static final String SHARED_ARENA = "shared arena";
    private static final String RAW = "raw calls";
    private static final int SMALL = 4096;
    private static final int MEDIUM = 65536;
    private static final int LARGE = 1 << 20;

    private final List<Target> all = new ArrayList<>();

    private Targets() {
        reads();
        pins();
        lookups();
        mappings();
        idleThreads();
        bystanders();
        structure();
        memory();
    }

    /** All of them, in the order of the design. */
    static List<Target> all() {
        return List.copyOf(new Targets().all);
    }

    private void reads() {
        for (final String[] form : new String[][] {{"guard", "holdfastGuard"}, {"stamp", "holdfastStamp"}}) {
            final Selector alone = GUARDED.method(form[1]).threads(1);
            final Selector two = alone.threads(2);
            final String read = form[0] + " + read + release";
            time(read, LOCK, alone, READ_WRITE_LOCK.threads(1), 0.3);
            time(read, "Ignite `OffheapReadWriteLock` read", alone, GUARDED.method("igniteReadLock").threads(1), 0.3);
            allocation(read, alone);
            time(read + ", 2 threads", "its own time with 1 thread", two, alone, 1.3);
            time(read + ", 2 threads", LOCK + ", 2 threads", two, READ_WRITE_LOCK.threads(2), 0.08);
        }
        final Selector escaping = GUARDED.method("holdfastStampEscaping").threads(1);
        time("stamp, read in a method that is not inlined", LOCK, escaping, READ_WRITE_LOCK.threads(1), 0.3);
        allocation("stamp, read in a method that is not inlined", escaping);
        final Selector optimistic = GUARDED.method("holdfastOptimistic").threads(1);
        time("optimistic read + validate", "`StampedLock` optimistic", optimistic,
            GUARDED.method("stampedOptimistic").threads(1), 1.3);
        allocation("optimistic read + validate", optimistic);
    }

    private void pins() {
        final Selector pin = PIN.threads(1);
        time("pin + unpin", "liburcu memb read lock + unlock in C", pin,
            Selector.of("native", "urcuMembReadLock").threads(1), 2);
        time("pin + unpin", "full-fence pin", pin, PIN.method("holdfastPinFenced").threads(1), 0.5);
        allocation("pin + unpin", pin);
    }

    private void lookups() {
        for (final int regions : new int[] {1_000, 100_000, 1_000_000}) {
            final Selector find = FIND.threads(1).with("regions", regions).with("keys", "RANDOM").with("writer", false);
            final String lookup = "random lookup, %,d regions".formatted(regions);
            time(lookup, "binary search in a sorted `long[]`", find, find.method("sortedArrayFloor"), 1.3);
            if (regions > 1_000) {
                time(lookup, "`ConcurrentSkipListMap.floorEntry`", find, find.method("skipListFloor"), 0.2);
            }
            allocation(lookup, find);
        }
    }

    private void mappings() {
        for (final int bytes : new int[] {SMALL, MEDIUM}) {
            final Selector alone = quiet(ANONYMOUS).with("bytes", bytes).with("reader", false);
            final String map = "map + touch + unmap %d KiB".formatted(bytes >> 10);
            mapping(map, alone, 0.1, 0.3);
            mapping(map + ", a reader on another core", alone.with("reader", true), 0.5, 0.8);
            final Selector async = alone.method("holdfastAnonymousAsync");
            time(map + ", asynchronous", SHARED_ARENA, async, alone.method("sharedArenaAnonymous"), 0.1);
            time(map + ", asynchronous", RAW, async, alone.method("rawMmapMunmap"), 0.2);
        }
        final Selector file = quiet(ANONYMOUS).method("holdfastFile").with("bytes", LARGE).with("reader", false);
        time("map + touch + unmap a file of 1 MiB", RAW, file, file.method("rawFileMmapMunmap"), 1.5);
        time("map + touch + unmap a file of 1 MiB", "`FileChannel.map` + shared close", file,
            file.method("sharedArenaFile"), 0.5);
    }

    private void mapping(final String what, final Selector row, final double arenaLimit, final double rawLimit) {
        time(what, SHARED_ARENA, row, row.method("sharedArenaAnonymous"), arenaLimit);
        time(what, RAW, row, row.method("rawMmapMunmap"), rawLimit);
    }

    private void idleThreads() {
        final Selector none = quiet(ANONYMOUS).with("bytes", SMALL).with("reader", false);
        for (final int threads : new int[] {1_000, 4_000}) {
            final Selector idle = none.with("idleThreads", threads);
            final String map = "map + touch + unmap 4 KiB, %,d idle threads".formatted(threads);
            time(map + " without slots", "its own time with none", idle, none, 1.3);
            time(map + " with slots", "its own time with none", idle.with("idleHaveSlots", true), none, 5);
        }
    }

    private static Selector quiet(final Selector row) {
        return row.threads(1).with("idleThreads", 0).with("idleHaveSlots", false);
    }

    private void bystanders() {
        final Selector at10000 = READER.with("means", "HOLDFAST").with("rate", 10_000);
        time("unrelated segment reader, 10,000 unmaps/s", "undisturbed", at10000, at10000.with("means", "NONE"), 1.05);
        for (final int rate : new int[] {1_000, 10_000, 30_000, 0}) {
            final Selector disturbed = READER.with("means", "HOLDFAST").with("rate", rate);
            time("unrelated segment reader, " + (rate == 0 ? "unmaps at full rate" : "%,d unmaps/s".formatted(rate)),
                "shared arenas at that rate", disturbed, disturbed.with("means", "SHARED_ARENA"), 1);
        }
    }

    private void structure() {
        final Selector two = MAP_UNMAP.threads(2).with("regions", 1_000);
        throughput("map + unmap from 2 threads, disjoint", two);
        throughput("write section with one map and one unmap from 2 threads, disjoint", SECTION.threads(2));
    }

    private void throughput(final String what, final Selector two) {
        all.add(new Target(what, "throughput of 1 thread", Kind.THROUGHPUT, two, two.threads(1), 1.6));
    }

    private void memory() {
        for (final int regions : new int[] {10_000, 1_000_000}) {
            final Selector row = MEMORY.with("regions", regions);
            final String each = "of each of %,d regions without a handle".formatted(regions);
            value("native bytes " + each, row.metric("nativeBytes"), 128);
            value("heap bytes " + each, row.metric("heapBytes"), 0);
        }
        value("milliseconds to open a space of 1 TiB", OPEN, 5);
        value("MiB resident after it", OPEN.metric("residentMiB"), 4);
    }

    private void time(
        final String what, final String beside, final Selector ours, final Selector theirs, final double limit) {
        all.add(new Target(what, beside, Kind.TIME, ours, theirs, limit));
    }

    private void allocation(final String what, final Selector ours) {
        all.add(new Target("bytes allocated by " + what, "", Kind.ALLOCATION, ours, null, 0));
    }

    private void value(final String what, final Selector ours, final double limit) {
        all.add(new Target(what, "", Kind.VALUE, ours, null, limit));
    }
}
