// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.epoch.SlotInspector;
import io.holdfast.layout.Behind;
import io.holdfast.layout.Findings;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RecordInspector;
import io.holdfast.memory.PageInspector;
import io.holdfast.memory.Reservation;
import io.holdfast.tree.Snapshot;
import io.holdfast.tree.TreeInspector;
import io.holdfast.tree.TreeTuning;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * Walks a space in which no thread is inside, open or closed, and checks what always holds then: the tree's order, heights,
 * gaps, ends and counts; that a record is attached if and only if the tree shows it, and open; parity of sequences; that no
 * hazard, pin, range, section, record, or node is left; limits and counters; and that the kernel's mappings are those that
 * the regions say.
 */
public final class SpaceInspector {
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(5);
    private static final long BETWEEN_LOOKS_NS = 200_000;

    private final SpaceResources core;
    private final @Nullable SpaceHandle space;
    private final Findings findings = new Findings();
    private final Set<Long> shown = new HashSet<>();
    private final Set<Long> waiting = new HashSet<>();
    private final List<PendingUnmap> pending = new ArrayList<>();
    private long attached;
    private long attachedBytes;

    private SpaceInspector(final SpaceResources core, final @Nullable SpaceHandle space) {
        this.core = core;
        this.space = space;
    }

    /**
     * Checks a space; waits a little for who is about to leave it.
     *
     * @throws IllegalStateException naming all that is wrong
     */
    public static void check(final AddressSpace space) {
        final SpaceHandle handle = (SpaceHandle) space;
        check(handle.core(), handle);
    }

    /** How many mappings the kernel has inside of a space. */
    public static int mappings(final AddressSpace space) {
        return PageInspector.mappings(((SpaceHandle) space).core().reservation());
    }

    /** The same for what a closed space has left to the next one. */
    static void check(final SpaceResources core) {
        check(core, null);
    }

    /** The same without waiting. */
    static void inspectNow(final AddressSpace space) {
        final SpaceHandle handle = (SpaceHandle) space;
        report(handle.core(), handle, new SpaceInspector(handle.core(), handle).inspect());
    }

    static void inspectNow(final SpaceResources core) {
        report(core, null, new SpaceInspector(core, null).inspect());
    }

    private static void check(final SpaceResources core, final @Nullable SpaceHandle space) {
        final long begin = System.nanoTime();
        Findings findings = new SpaceInspector(core, space).inspect();
        while (!findings.isEmpty() && System.nanoTime() - begin < PATIENCE_NS) {
            LockSupport.parkNanos(BETWEEN_LOOKS_NS);
            findings = new SpaceInspector(core, space).inspect();
        }
        report(core, space, findings);
    }

    private static void report(final SpaceResources core, final @Nullable SpaceHandle space, final Findings findings) {
        if (!findings.isEmpty()) {
            throw new IllegalStateException("invariants are broken: " + findings + ", " +
                (space == null ? core.reservation() : space));
        }
    }

    private Findings inspect() {
        SlotInspector.check(core.domain(), findings);
        if (findings.isEmpty()) { // else draining could wait for ever
            if (space != null) {
                final Object magazines = Behind.field(Behind.field(space, "mapper"), "magazines");
                ((Magazines) magazines).evictAll(); // no region is left of what is parked
            }
            core.tree().drain(BackoffIdleStrategy::new);
            core.retiredRecords().drain(BackoffIdleStrategy::new);
            collectPending();
            inspectRegions();
            inspectCounters();
        }
        return findings;
    }

    private void collectPending() {
        ((Map<?, ?>) Behind.field(core.quarantine(), "waiting")).values()
            .forEach(each -> waiting.add(((PendingUnmap) each).record()));
        Arrays.stream((long[]) Behind.field(core.resting(), "ring")).filter(record -> record != 0).forEach(waiting::add);
        if (space != null) {
            pending.addAll(space.unmapper().reclaimer().pending());
            pending.forEach(each -> waiting.add(each.record()));
        }
    }

    private void inspectRegions() {
        final RecordInspector records = new RecordInspector(core.records(), core.lifetimes(), core.domain(),
            findings);
        final PageInspector pages = new PageInspector(core.reservation(), findings);
        final TreeInspector.Census census;
        try (Snapshot snapshot = core.tree().snapshot()) {
            census = census(snapshot);
            if (census == null) {
                return;
            }
            snapshot.forEach(0, core.reservation().capacity(), (start, end, record) -> {
                inspectInterval(start, end, record, records, pages);
                return true;
            });
        }
        pages.background(core.reservation().capacity());
        records.checkOthers(shown, waiting);
        records.checkCount();
        if (waiting.isEmpty()) { // else they have nodes in store
            findings.require(TreeInspector.lost(core.tree(), census) == 0, "tree nodes are lost",
                TreeInspector.lost(core.tree(), census));
        }
    }

    private TreeInspector.@Nullable Census census(final Snapshot snapshot) {
        try {
            return TreeInspector.check(snapshot, TreeTuning.DEFAULT.withGranule(core.memory().pageSize()));
        } catch (final IllegalStateException damaged) {
            findings.add(String.valueOf(damaged.getMessage()));
            return null;
        }
    }

    private void inspectInterval(final long start, final long end, final long record, final RecordInspector records,
                                 final PageInspector pages) {
        findings.require(shown.add(record), "a record is in the tree twice", record);
        if (records.checkShown(record)) {
            attached++;
            attachedBytes += end - start;
            inspectRegion(start, end, record, pages);
        } else {
            findings.require(waiting.contains(record) || isLost(start, end),
                "the tree shows a record that is not attached, " +
                    RecordLayout.describeLock(RecordLayout.lockAcquire(record)) + ", start=" + start + ", record", record);
            pages.skip(start, end);
        }
    }

    private boolean isLost(final long start, final long end) {
        return core.reservation().lostRanges().stream().anyMatch(range -> range.overlaps(start, end));
    }

    private void inspectRegion(final long start, final long end, final long record, final PageInspector pages) {
        final Reservation reservation = core.reservation();
        final long base = RecordLayout.base(record) - reservation.base();
        final long size = RecordLayout.sizeAcquire(record);
        final long kind = RecordLayout.kind(record);
        findings.require(RecordLayout.start(record) == start && RecordLayout.limit(record) == end,
            "a record has other addresses than the tree, start=" + RecordLayout.start(record) + ", limit=" +
                RecordLayout.limit(record) + ", tree=" + start + "-" + end + ", record", record);
        findings.require(base >= start && base - start < core.memory().pageSize() && size > 0 && base + size <= end,
            "a region's bytes are not within its addresses, base=" + base + ", size=" + size + ", record", record);
        findings.require(!PageFlags.isInChange(kind), "a region is marked as changing, record", record);
        if (space != null && !space.registry().isTorn(record)) {
            inspectPages(start, end, base + size, record, pages);
        } else {
            pages.skip(start, end);
        }
    }

    private void inspectPages(final long start, final long end, final long last, final long record,
                              final PageInspector pages) {
        final long kind = RecordLayout.kind(record);
        final long used = start + core.roundUp(last - start);
        final FileShare share = space == null ? null : space.registry().share(record);
        findings.require(PageFlags.isFile(kind) == (share != null),
            "a region of a file is one of memory, or the other way round, record", record);
        if (share != null) {
            final FileRegion file = share.region();
            findings.require(share.linked && share.end == file.end(RecordLayout.sizeAcquire(record)),
                "a region does not claim what it shows of its file, record", record);
            findings.require(!share.hasGrown(), "a file may be cut under a region, record", record);
            pages.file(start, used, file.fileOffset(), file.access(), PageFlags.isWritable(kind));
        } else if (PageFlags.isHuge(kind)) {
            pages.skip(start, end);
        } else {
            pages.anonymous(start, used, PageFlags.isWritable(kind));
            pages.anonymous(used, end, true); // what it may grow by, in whichever zone
        }
        pages.background(end);
    }

    private void inspectCounters() {
        if (space == null) {
            findings.require(attached == 0, "a parked space has regions", attached);
            return;
        }
        for (final RangeLock.Entry section : space.gate().ranges().sections()) {
            findings.require(!section.owner().isAlive(), "a section is left: " + section + ", start", section.start());
        }
        final RegionRegistry registry = space.registry();
        final long backlog = space.unmapper().reclaimer().backlog();
        findings.require(backlog == pending.size(), "unmaps are miscounted: pending=" + pending.size() + ", counted",
            backlog);
        final List<PendingUnmap> going = pending.stream().filter(unmap -> !unmap.stays()).toList();
        final long pendingBytes = going.stream().mapToLong(PendingUnmap::length).sum();
        findings.require(registry.regions() == attached + going.size(), "regions are miscounted: attached=" + attached +
            ", pending=" + going.size() + ", counted", registry.regions());
        findings.require(registry.bytes() == attachedBytes + pendingBytes, "bytes are miscounted: attached=" +
            attachedBytes + ", pending=" + pendingBytes + ", counted", registry.bytes());
        registry.files().keySet().forEach(record -> findings.require(shown.contains(record.record()) ||
            waiting.contains(record.record()), "a file is kept for a region that is gone, record", record.record()));
        findings.require(space.isOpen() || attached == 0, "a closed space has regions", attached);
    }
}
