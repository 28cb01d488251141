// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Advice;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.Waiting;
import io.holdfast.event.KernelRefusalEvent;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.memory.FileAccess;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.NativeMemory;
import io.holdfast.memory.RangeLostException;
import io.holdfast.memory.Reservation;
import io.holdfast.memory.RestoreResult;
import java.io.Serial;
import java.util.List;
import java.util.Objects;
import java.util.function.LongConsumer;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Maps: the steps of it, each with what it leaves behind when it fails.
 *
 * <p>Thread-safe and lock-free between regions, but for the watermarks of the reservation.
 */
final class Mapper {
    /*
     * Count against the limits; take a record; take addresses (the tree's find-gap-and-insert, with the record not
     * attached yet, so lookups miss it); map the pages and do to them what was asked for; describe the record; attach
     * it. Attaching is the linearization point. A failure before it gives everything back in reverse; nobody could have
     * locked the record. The record goes through a grace period, because a pinned thread may have found it in the tree.
     * Pages that may have been changed go the way of an unmapped region's: they are replaced, and quarantined where the
     * kernel refuses that.
     *
     * Against close: [A1] a close sets CLOSED, runs the heavy barrier and waits for the pins from before. A region is
     * attached under a pin, after a look at CLOSED, so the close finds every region that was attached, and none comes
     * later. [A2] A region is counted before the first look at CLOSED, and a close looks at the count after setting it;
     * both in volatile mode. So either the map gives up before it touches anything, or the close waits until it has.
     */
    /** After so many looks at what others park and free without a pause, addresses count as taken. */
    private static final int MOST_EVICTIONS = 64;

    private final SpaceResources core;
    private final StructureGate gate;
    private final RegionRegistry registry;
    private final Unmapper unmapper;
    private final IdleMemory idle;
    private final Magazines magazines;
    private final MapPlanner planner;

    Mapper(final SpaceResources core, final StructureGate gate, final RegionRegistry registry, final Unmapper unmapper,
           final IdleMemory idle, final Magazines magazines, final MapPlanner planner) {
        this.core = core;
        this.gate = gate;
        this.registry = registry;
        this.unmapper = unmapper;
        this.idle = idle;
        this.magazines = magazines;
        this.planner = planner;
    }

    /**
     * Maps; null if the waiting for sections, or for what was replaced before, gave up.
     *
     * @param handle makes the handle of a record that is described and going to be attached
     */
    @Nullable RegionHandle map(final MapRequest request, final Waiting waiting, final LongFunction<RegionHandle> handle) {
        return gate.backPressure().admit("map", waiting)
            ? planner.plan(request, waiting, plan -> mapInTurn(plan, waiting, handle)) : null;
    }

    private @Nullable RegionHandle mapInTurn(final MapPlan plan, final Waiting waiting,
                                             final LongFunction<RegionHandle> handle) {
        if (plan.start() != MapPlan.ANYWHERE) {
            return mapIn(gate.ranges().enter("map", plan.start(), plan.start() + plan.length(), waiting), plan, handle);
        }
        try (RangeLock.Passage passage = gate.ranges().enterAnywhere()) {
            return map(plan, Addresses.of(passage), handle);
        } catch (final NoGapException e) {
            if (!e.isBesideSections()) {
                throw e;
            }
        }
        return mapIn(gate.ranges().enter("map", 0, core.reservation().capacity(), waiting), plan, handle);
    }

    private @Nullable RegionHandle mapIn(final RangeLock.@Nullable Passage entered, final MapPlan plan,
                                         final LongFunction<RegionHandle> handle) {
        try (RangeLock.Passage passage = entered) {
            return passage == null ? null : map(plan, Addresses.of(passage), handle);
        }
    }

    /**
     * Carries a plan out.
     *
     * @param addresses where the region may be
     */
    private RegionHandle map(final MapPlan plan, final Addresses addresses, final LongFunction<RegionHandle> handle) {
        final Prepared prepared = prepare(plan, addresses, start -> { });
        boolean attached = false;
        try {
            describe(plan, prepared.record(), prepared.start());
            final RegionHandle region = attach(plan, handle.apply(prepared.record()));
            attached = true;
            return region;
        } finally {
            if (!attached) {
                giveUp(prepared);
            }
        }
    }

    private static void keep(final MapPlan plan) {
        final FileShare share = plan.share();
        if (share != null) {
            share.keep();
        }
    }

    /**
     * A mapping that nobody can find yet.
     *
     * @param undo gives back what has been taken for it so far
     */
    record Prepared(MapPlan plan, PendingUnmap undo) {
        /** Keeps the addresses in the tree and is not attached. */
        long record() {
            return undo.record();
        }

        /** First page, as an offset in the space. */
        long start() {
            return undo.start();
        }

        /** A region that has come has a share of its own. */
        void passOn() {
            keep(plan);
            undo.releaseFile();
        }

        /** What the region is going to cover. */
        Extent extent() {
            final long start = undo.start();
            return new Extent(start, start + plan.length(), plan.lead(), plan.size(), plan.kind(), plan.file(),
                plan.name());
        }
    }

    /**
     * Takes addresses and maps pages; leaves nothing behind if it throws.
     *
     * @param fill puts the first bytes into the pages, of which the first one's offset in the space it is given
     */
    Prepared prepare(final MapPlan plan, final Addresses addresses, final LongConsumer fill) {
        final PendingUnmap undo = new PendingUnmap(plan.length(), plan.kind());
        final Prepared prepared = new Prepared(plan, undo);
        registry.account(plan.length(), plan.operation()); // [A2]
        boolean mapped = false;
        try {
            gate.checkOpen(plan.operation()); // [A2]
            if (plan.needsMapping()) {
                registry.headroom().take(plan.operation(), plan.moved());
            }
            if (!claim(plan, addresses, undo)) {
                final long record = core.records().allocate();
                undo.taken(record);
                undo.taken(record, takeAddresses(plan, addresses, record));
            }
            final long start = undo.start();
            addresses.took(start, start + plan.length());
            undo.shows(plan.share());
            mapPages(plan, start);
            mapped = true;
            alterPages(plan, start);
            fill.accept(start);
            protectPages(plan, start);
            return prepared;
        } catch (final RangeLostException e) {
            undo.showsNothing();
            registry.unaccount(plan.length()); // the addresses stay taken for ever, and the record names them
            throw refused(plan, e);
        } catch (final NativeException e) {
            giveUp(undo, mapped);
            throw refused(plan, e);
        } catch (final Throwable e) {
            giveUp(undo, mapped);
            throw e;
        }
    }

    private void giveUp(final PendingUnmap undo, final boolean mapped) {
        if (!mapped) {
            undo.pages(RestoreResult.RESTORED); // as they were
            undo.showsNothing();
        }
        unmapper.undo(undo);
    }

    private MappingException refused(final MapPlan plan, final RuntimeException e) {
        final FileRegion file = plan.file();
        KernelRefusalEvent.tell(gate.name(), NativeException.errnoOf(e), e.getMessage());
        final RegionHandle moved = plan.moved();
        return new MappingException(plan.operation() + " failed in space " + gate.name() + ": " +
            (moved == null ? "" : moved.describe() + ", ") + (file == null ? "" : "path=" + file.path() + ", offset=" +
            (file.fileOffset() + file.lead()) + ", ") + "size=" + plan.size() + ": " + e.getMessage(),
            NativeException.errnoOf(e), e);
    }

    /** Gives a mapping back that nobody has found. */
    void giveUp(final Prepared prepared) {
        unmapper.undo(prepared.undo);
    }

    /** The same for one whose pages were altered since. */
    void giveUpAltered(final Prepared prepared) {
        prepared.undo.altered();
        unmapper.undo(prepared.undo);
    }

    /** Takes a record with its addresses that something unmapped of this size has left; whether there was one. */
    private boolean claim(final MapPlan plan, final Addresses addresses, final PendingUnmap undo) {
        if (plan.isMapping() || plan.start() != MapPlan.ANYWHERE) {
            return false;
        }
        ReservedStack.forBeginning(plan.length()); // what is claimed is taken
        final long record = magazines.claim(plan.length(), plan.alignment(), addresses);
        if (record != 0) {
            undo.taken(record, RecordLayout.start(record));
        }
        return record != 0;
    }

    private long takeAddresses(final MapPlan plan, final Addresses addresses, final long record) {
        int evictions = 0;
        while (true) {
            final long round = idle.round();
            final long evicted = magazines.round();
            try {
                return plan.start() == MapPlan.ANYWHERE ? findAddresses(plan, addresses, record)
                    : takeFixed(plan, record);
            } catch (final MappingException e) {
                if (!idle.hasTrimmed(round) && !magazines.isEvicting()) {
                    evictions++;
                    if (evictions > MOST_EVICTIONS || !evict(plan, evicted)) {
                        throw e;
                    }
                }
                Thread.onSpinWait(); // a trim, or who evicts, may have had the addresses for a moment
            }
        }
    }

    /** Frees addresses that unmapped regions keep; whether it or others have, so that another look may find them. */
    private boolean evict(final MapPlan plan, final long before) {
        if (plan.start() == MapPlan.ANYWHERE) {
            magazines.evictAll();
        } else {
            magazines.evict(plan.start(), plan.start() + plan.length());
        }
        return magazines.hasEvicted(before);
    }

    private long takeFixed(final MapPlan plan, final long record) {
        final long end = plan.start() + plan.length();
        if (!core.tree().insert(plan.start(), end, record) &&
            !(core.resting().freeWithin(plan.start(), end) && core.tree().insert(plan.start(), end, record))) {
            throw new MappingException(plan.operation() + " failed: addresses are taken: address=" +
                (plan.start() + plan.lead()) + ", length=" + plan.length() + ", space " + gate.name() +
                "; unmap what is there, or map anywhere");
        }
        return plan.start();
    }

    private long findAddresses(final MapPlan plan, final Addresses addresses, final long record) {
        final Reservation reservation = core.reservation();
        long start = insertIntoZone(plan, addresses, record);
        if (start >= 0) {
            return start;
        }
        if (plan.isMapping()) {
            final boolean first = registry.isAlone(); // this one
            final long below = first ? reservation.capacity() : core.nextGap().limit();
            start = insertIntoGap(plan, addresses, reservation.anonymousLimit(), below, record);
            if (start < 0) {
                start = insertIntoGap(plan, addresses, reservation.mappedLimit(), reservation.capacity(), record);
            }
            if (start >= 0) {
                core.nextGap().took(start);
            }
        } else {
            start = insertIntoGap(plan, addresses, 0, reservation.anonymousLimit(), record);
        }
        if (start < 0) {
            start = insertIntoGap(plan, addresses, 0, reservation.capacity(), record);
        }
        if (start < 0) {
            start = insertIntoAnyZone(plan, addresses, record);
        }
        while (start < 0 && uniteZones(addresses)) {
            start = insertIntoGap(plan, addresses, 0, reservation.capacity(), record);
        }
        if (start < 0 && !core.quarantine().isEmpty()) {
            core.quarantine().retry();
            start = insertIntoGap(plan, addresses, 0, reservation.capacity(), record);
        }
        while (start < 0 && core.resting().free(plan.length())) {
            start = insertIntoGap(plan, addresses, 0, reservation.capacity(), record);
        }
        if (start < 0) {
            throw new NoGapException(plan.operation() + " failed: no gap of " + plan.length() + " bytes in space " +
                gate.name() + ", alignment=" + plan.alignment() + ", capacity=" + reservation.capacity() + ", mapped=" +
                (registry.bytes() - plan.length()) + "; unmap regions, or open the space with a larger capacity",
                addresses.isPartial());
        }
        return start;
    }

    /** No addresses are free, or none beside the sections. */
    static final class NoGapException extends MappingException {
        @Serial
        private static final long serialVersionUID = 1;

        private final boolean beside;

        NoGapException(final String message, final boolean beside) {
            super(message);
            this.beside = beside;
        }

        /** Whether there may be addresses where sections are, so that it helps to wait for those. */
        boolean isBesideSections() {
            return beside;
        }
    }

    private interface Insertion {
        long insert(long size, long alignment, long low, long high);
    }

    private static long insert(final MapPlan plan, final List<long[]> windows, final Insertion insertion) {
        for (final long[] window : plan.isMapping() ? windows.reversed() : windows) {
            final long start = plan.length() > window[1] - window[0] ? -1
                : insertion.insert(plan.length(), plan.alignment(), window[0], window[1]);
            if (start >= 0) {
                return start;
            }
        }
        return -1;
    }

    private long insertIntoGap(final MapPlan plan, final Addresses addresses, final long low, final long high,
                               final long record) {
        return insert(plan, addresses.windows(low, high), (size, alignment, from, to) ->
            core.tree().insertIntoGap(size, alignment, from, to, !plan.isMapping(), record));
    }

    /** The same for a thread that races with others for the root of the tree, or whose range has a root of its own. */
    private long insertIntoZone(final MapPlan plan, final Addresses addresses, final long record) {
        final Reservation reservation = core.reservation();
        if (!addresses.areAnywhere()) {
            return insert(plan, addresses.windows(0, reservation.capacity()), (size, alignment, from, to) ->
                core.tree().insertIntoZoneOf(size, alignment, from, to, !plan.isMapping(), record));
        }
        if (!core.tree().isContended()) {
            return -1;
        }
        final long low = plan.isMapping() ? reservation.mappedLimit() : 0;
        final long high = plan.isMapping() ? reservation.capacity() : reservation.anonymousLimit();
        return insert(plan, addresses.windows(low, high), (size, alignment, from, to) ->
            core.tree().insertIntoZone(size, alignment, from, to, !plan.isMapping(), record));
    }

    /** The same where only zones of other threads have gaps, perhaps. */
    private long insertIntoAnyZone(final MapPlan plan, final Addresses addresses, final long record) {
        return insert(plan, addresses.windows(0, core.reservation().capacity()), (size, alignment, from, to) ->
            core.tree().insertIntoAnyZone(size, alignment, from, to, !plan.isMapping(), record));
    }

    /** Has gaps found that reach from one zone of the tree into another; whether there were zones. */
    private boolean uniteZones(final Addresses addresses) {
        boolean any = false;
        for (final long[] window : addresses.windows(0, core.reservation().capacity())) {
            any |= core.tree().unite(window[0], window[1]);
        }
        return any;
    }

    private void mapPages(final MapPlan plan, final long start) {
        final Reservation reservation = core.reservation();
        final FileRegion file = plan.file();
        if (file != null) {
            reservation.ensureMapped(start, plan.length());
            final FileAccess access = file.access() == FileAccess.READ_WRITE && !PageFlags.isWritable(plan.kind())
                ? FileAccess.READ_ONLY : file.access();
            reservation.mapFile(start, core.roundUp(plan.size() + plan.lead()), Objects.requireNonNull(plan.opened()),
                file.fileOffset(), access);
        } else if (PageFlags.isHuge(plan.kind())) {
            reservation.mapHugePages(start, plan.length());
        } else {
            reservation.ensureAnonymous(start, plan.length());
        }
    }

    private void alterPages(final MapPlan plan, final long start) {
        final Reservation reservation = core.reservation();
        final long used = core.roundUp(plan.size() + plan.lead());
        if (PageFlags.isTransparentHuge(plan.kind())) {
            reservation.advise(start, plan.length(), NativeMemory.MADV_HUGEPAGE);
        }
        if (PageFlags.isLocked(plan.kind())) {
            reservation.lock(start, used, true);
        }
        if (plan.advice() != Advice.NORMAL) {
            reservation.advise(start, used, PageOperations.number(plan.advice()));
        }
        if (plan.populated()) {
            reservation.populate(start, used, plan.share() == null);
        }
    }

    private void protectPages(final MapPlan plan, final long start) {
        final FileRegion file = plan.file();
        if (!PageFlags.isWritable(plan.kind()) && (file == null || file.access() == FileAccess.COPY_ON_WRITE)) {
            core.reservation().protect(start, core.roundUp(plan.size() + plan.lead()), false);
        }
    }

    private void describe(final MapPlan plan, final long record, final long start) {
        RecordLayout.describe(record, core.reservation().base() + start + plan.lead(), start, start + plan.length(),
            plan.kind());
        RecordLayout.sizeRelease(record, plan.size());
        final FileShare share = plan.share();
        if (share != null) {
            registry.files().put(new RecordKey(record), share);
        }
        registry.labels().add(record, plan.name());
    }

    /** Attaches; the handle is there before that, since nothing may fail behind it. */
    private RegionHandle attach(final MapPlan plan, final RegionHandle region) {
        final EpochDomain domain = core.domain();
        domain.pinStructure(); // [A1]
        try {
            gate.checkOpen("map");
            ReservedStack.forBeginning(region.record()); // for what follows the attaching, up to here
            keep(plan); // before anybody can unmap the region, which would take the file's growth back
            core.lifetimes().attach(region.record());
            return region;
        } finally {
            domain.unpinStructure();
        }
    }
}
