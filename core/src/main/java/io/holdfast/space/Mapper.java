// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.memory.FileAccess;
import io.holdfast.memory.FileGrowth;
import io.holdfast.memory.FileHandle;
import io.holdfast.memory.HugePages;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.NativeMemory;
import io.holdfast.memory.RangeLostException;
import io.holdfast.memory.Reservation;
import io.holdfast.memory.RestoreResult;
import java.io.Serial;
import java.util.List;
import java.util.function.Function;
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
    private final SpaceResources core;
    private final RegionRegistry registry;
    private final MappingHeadroom headroom;

    Mapper(final SpaceResources core, final RegionRegistry registry) {
        this.core = core;
        this.registry = registry;
        this.headroom = new MappingHeadroom(core.memory(), registry.name());
    }

    MappingHeadroom headroom() {
        return headroom;
    }

    /**
     * Maps; returns what {@code handle} makes of the attached record while it cannot be reused, or null if the waiting
     * for sections, or for what was replaced before, gave up.
     */
    @Nullable RegionHandle map(final MapRequest request, final Waiting waiting, final LongFunction<RegionHandle> handle) {
        return registry.backPressure().admit("map", waiting)
            ? plan(request, plan -> mapInTurn(plan, waiting, handle)) : null;
    }

    /** Makes a plan and lets it be carried out; the file of a plan that is not is closed. */
    <T extends @Nullable Object> T plan(final MapRequest request, final Function<MapPlan, T> carryOut) {
        final FileBacking backing = request.backing();
        return backing == null ? carryOut.apply(planAnonymous(request)) : planFile(backing, request, carryOut);
    }

    private MapPlan planAnonymous(final MapRequest request) {
        final long page = core.memory().pageSize();
        final long granule = switch (request.pages()) {
            case NORMAL -> page;
            case HUGE -> HugePages.defaultSize();
            case TRANSPARENT_HUGE -> request.maximum() < HugePages.transparentSize() ? page
                : HugePages.transparentSize();
        };
        final long rounded = request.pages() == MapRequest.Pages.HUGE ? granule : page;
        final long length = (checkSize("map", request.maximum(), 0) + rounded - 1) & -rounded;
        return plan(request, length, request.size(), PageFlags.anonymous(request), null, granule);
    }

    private <T extends @Nullable Object> T planFile(final FileBacking backing, final MapRequest request,
                                                    final Function<MapPlan, T> carryOut) {
        registry.checkOpen("map");
        checkGrowable(backing);
        final FileAccess access = access(backing);
        final FileHandle file = FileHandle.open(core.memory(), backing.path(), access,
            backing.isGrowable() && !backing.isWhole());
        try {
            final T result;
            if (backing.isGrowable()) {
                result = planGrowable(backing, request, access, file, carryOut);
            } else {
                final long size = file.requireRangeAsOpened(backing.offset(), backing.isWhole() ? 0 : backing.length());
                result = carryOut.apply(planFile(backing, request, access, file, size));
            }
            if (result == null) {
                registry.close(file);
            }
            return result;
        } catch (final Throwable e) {
            registry.close(file);
            throw e;
        }
    }

    private <T extends @Nullable Object> T planGrowable(final FileBacking backing, final MapRequest request,
                                                        final FileAccess access, final FileHandle file,
                                                        final Function<MapPlan, T> carryOut) {
        try (FileGrowth growth = new FileGrowth(file)) {
            boolean mapped = false;
            try {
                final long size = sizeOf(growth, backing);
                final MapPlan plan = planFile(backing, request, access, file, size);
                growth.ensureLength(backing.offset() + size); // once nothing else is wrong
                final T result = carryOut.apply(plan);
                mapped = result != null;
                return result;
            } finally {
                // Pages that the kernel did not take back may show the new part, and must not fault.
                if (mapped || core.reservation().quarantinedBytes() != 0) {
                    growth.keep();
                }
            }
        }
    }

    private MapPlan planFile(final FileBacking backing, final MapRequest request, final FileAccess access,
                             final FileHandle file, final long size) {
        final long page = core.memory().pageSize();
        final long lead = backing.offset() % page;
        final long maximum = backing.isGrowable() ? backing.maximum() : size;
        final FileRegion region = new FileRegion(file, access, backing.offset() - lead, lead, maximum,
            backing.isGrowable());
        final long length = registry.roundUp(checkSize("map", maximum, lead) + lead);
        return plan(request, length, size, PageFlags.file(backing), region, page);
    }

    private static FileAccess access(final FileBacking backing) {
        return switch (backing.access()) {
            case READ_ONLY -> FileAccess.READ_ONLY;
            case READ_WRITE -> FileAccess.READ_WRITE;
            case COPY_ON_WRITE -> FileAccess.COPY_ON_WRITE;
        };
    }

    /** Refuses what makes no sense whatever the file is, before a missing file is created. */
    private static void checkGrowable(final FileBacking backing) {
        if (backing.isGrowable() && (backing.maximum() > Long.MAX_VALUE - backing.offset() ||
            (!backing.isWhole() && backing.length() > backing.maximum()))) {
            throw outOfRange(backing, backing.isWhole() ? 0 : backing.length());
        }
    }

    private static IllegalArgumentException outOfRange(final FileBacking backing, final long size) {
        return new IllegalArgumentException("map failed: path=" + backing.path() + ", offset=" + backing.offset() +
            ", size=" + size + ", maximum=" + backing.maximum() + "; a growable region begins with at least one byte " +
            "and at most the maximum, and ends below 2^63: give range(offset, length)");
    }

    private static long sizeOf(final FileGrowth growth, final FileBacking backing) {
        final long size = backing.isWhole() ? growth.sizeBefore() - backing.offset() : backing.length();
        if (size <= 0 || size > backing.maximum()) {
            throw outOfRange(backing, size);
        }
        return size;
    }

    /** Refuses sizes that no space, or not this one, has room for. */
    long checkSize(final String operation, final long size, final long lead) {
        if (size <= 0) {
            throw new IllegalArgumentException(operation + " of " + size + " bytes: a size must be positive");
        }
        final long capacity = core.reservation().capacity();
        if (size > capacity - lead) {
            throw new MappingException(operation + " failed: size=" + size + " is more than the space " + registry.name() +
                " has: capacity=" + capacity + "; open it with a larger capacity");
        }
        return size;
    }

    private MapPlan plan(final MapRequest request, final long length, final long size, final long kind,
                         final @Nullable FileRegion file, final long granule) {
        final long page = core.memory().pageSize();
        final long lead = file == null ? 0 : file.lead();
        if (lead != 0 && request.alignment() > page) {
            throw new IllegalArgumentException("map failed: a file range that does not begin at a page cannot be " +
                "aligned: alignment=" + request.alignment() + ", " + request);
        }
        final long alignment = Math.max(Math.max(request.alignment(), granule), page);
        final long start = request.isFixed() ? request.address() - lead : MapPlan.ANYWHERE;
        if (request.isFixed() && (start < 0 || (start & alignment - 1) != 0)) {
            throw new IllegalArgumentException("map failed: address is misaligned: address=" + request.address() +
                ", alignment=" + alignment + ", offset in the first page=" + lead + ", " + request);
        }
        if (request.isFixed() && start > core.reservation().capacity() - length) {
            throw new IllegalArgumentException("map failed: address is outside of the space: address=" +
                request.address() + ", length=" + length + ", capacity=" + core.reservation().capacity());
        }
        return new MapPlan(length, size, PageFlags.locked(kind, request.isLocked()), file, start, alignment,
            request.isPopulated(), request.name());
    }

    private @Nullable RegionHandle mapInTurn(final MapPlan plan, final Waiting waiting,
                                             final LongFunction<RegionHandle> handle) {
        if (plan.start() != MapPlan.ANYWHERE) {
            return mapIn(registry.ranges().enter("map", plan.start(), plan.start() + plan.length(), waiting), plan, handle);
        }
        try (RangeLock.Passage passage = registry.ranges().enterAnywhere()) {
            return map(plan, Addresses.of(passage), start -> { }, handle);
        } catch (final NoGapException e) {
            if (!e.isBesideSections()) {
                throw e;
            }
        }
        return mapIn(registry.ranges().enter("map", 0, core.reservation().capacity(), waiting), plan, handle);
    }

    private @Nullable RegionHandle mapIn(final RangeLock.@Nullable Passage entered, final MapPlan plan,
                                         final LongFunction<RegionHandle> handle) {
        try (RangeLock.Passage passage = entered) {
            return passage == null ? null : map(plan, Addresses.of(passage), start -> { }, handle);
        }
    }

    /**
     * Carries a plan out; returns what {@code handle} makes of the attached record while it cannot be reused.
     *
     * @param addresses where the region may be
     * @param fill      puts the first bytes into the pages, of which the first one's offset in the space it is given
     */
    RegionHandle map(final MapPlan plan, final Addresses addresses, final LongConsumer fill,
                     final LongFunction<RegionHandle> handle) {
        final Prepared prepared = prepare(plan, addresses, fill);
        boolean attached = false;
        try {
            describe(plan, prepared.record, prepared.start);
            final RegionHandle region = attach(prepared.record, handle);
            attached = true;
            return region;
        } finally {
            if (!attached) {
                giveUp(prepared);
            }
        }
    }

    /**
     * A mapping that nobody can find yet.
     *
     * @param record keeps the addresses in the tree and is not attached
     * @param start  first page, as an offset in the space
     */
    record Prepared(MapPlan plan, long record, long start) {
        /** What the region is going to cover. */
        Extent extent() {
            return new Extent(start, start + plan.length(), plan.lead(), plan.size(), plan.kind(), plan.file(),
                plan.name());
        }
    }

    /** Takes addresses and maps pages; leaves nothing behind if it throws. */
    Prepared prepare(final MapPlan plan, final Addresses addresses, final LongConsumer fill) {
        registry.account(plan.length()); // [A2]
        long record = 0;
        long start = MapPlan.ANYWHERE;
        boolean mapped = false;
        try {
            registry.checkOpen("map"); // [A2]
            if (plan.isMapping()) {
                headroom.take();
            }
            record = core.records().allocate();
            start = takeAddresses(plan, addresses, record);
            addresses.took(start, start + plan.length());
            mapPages(plan, start);
            mapped = true;
            alterPages(plan, start);
            fill.accept(start);
            protectPages(plan, start);
            return new Prepared(plan, record, start);
        } catch (final RangeLostException e) {
            registry.unaccount(plan.length()); // the addresses stay taken for ever, and the record names them
            throw refused(plan, e);
        } catch (final NativeException e) {
            giveUp(plan, record, start, mapped);
            throw refused(plan, e);
        } catch (final Throwable e) {
            giveUp(plan, record, start, mapped);
            throw e;
        }
    }

    private MappingException refused(final MapPlan plan, final RuntimeException e) {
        final FileRegion file = plan.file();
        return new MappingException("map failed in space " + registry.name() + ": " + (file == null ? "" : "path=" +
            file.file().path() + ", offset=" + (file.fileOffset() + file.lead()) + ", ") + "size=" + plan.size() + ": " +
            e.getMessage(), NativeException.errnoOf(e), e);
    }

    /** Gives a mapping back that nobody has found. */
    void giveUp(final Prepared prepared) {
        giveUp(prepared.plan, prepared.record, prepared.start, true);
    }

    /** The same for one whose pages were altered since. */
    void giveUpAltered(final Prepared prepared) {
        giveUp(prepared.plan.altered(), prepared.record, prepared.start, true);
    }

    private long takeAddresses(final MapPlan plan, final Addresses addresses, final long record) {
        while (true) {
            final long round = registry.idle().round();
            try {
                return plan.start() == MapPlan.ANYWHERE ? findAddresses(plan, addresses, record)
                    : takeFixed(plan, record);
            } catch (final MappingException e) {
                if (!registry.idle().hasTrimmed(round)) {
                    throw e;
                }
                Thread.onSpinWait(); // a trim may have had the addresses for a moment
            }
        }
    }

    private long takeFixed(final MapPlan plan, final long record) {
        if (!core.tree().insert(plan.start(), plan.start() + plan.length(), record)) {
            throw new MappingException("map failed: addresses are taken: address=" + (plan.start() + plan.lead()) +
                ", length=" + plan.length() + ", space " + registry.name() +
                "; unmap what is there, or map anywhere");
        }
        return plan.start();
    }

    private long findAddresses(final MapPlan plan, final Addresses addresses, final long record) {
        final Reservation reservation = core.reservation();
        final boolean lowest = !plan.isMapping();
        final long low = lowest ? 0 : reservation.mappedLimit();
        final long high = lowest ? reservation.anonymousLimit() : reservation.capacity();
        long start = insertIntoGap(plan, addresses, low, high, record);
        if (start < 0) {
            start = insertIntoGap(plan, addresses, 0, reservation.capacity(), record);
        }
        if (start < 0 && !core.quarantine().isEmpty()) {
            core.quarantine().retry();
            start = insertIntoGap(plan, addresses, 0, reservation.capacity(), record);
        }
        if (start < 0) {
            throw new NoGapException("map failed: no gap of " + plan.length() + " bytes in space " + registry.name() +
                ", alignment=" + plan.alignment() + ", capacity=" + reservation.capacity() + ", mapped=" +
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

    private long insertIntoGap(final MapPlan plan, final Addresses addresses, final long low, final long high,
                               final long record) {
        final List<long[]> windows = addresses.windows(low, high);
        for (final long[] window : plan.isMapping() ? windows.reversed() : windows) {
            final long start = plan.length() > window[1] - window[0] ? -1
                : core.tree().insertIntoGap(plan.length(), plan.alignment(), window[0], window[1], !plan.isMapping(),
                record);
            if (start >= 0) {
                return start;
            }
        }
        return -1;
    }

    private void mapPages(final MapPlan plan, final long start) {
        final Reservation reservation = core.reservation();
        final FileRegion file = plan.file();
        if (file != null) {
            reservation.ensureMapped(start, plan.length());
            final FileAccess access = file.access() == FileAccess.READ_WRITE && !PageFlags.isWritable(plan.kind())
                ? FileAccess.READ_ONLY : file.access();
            reservation.mapFile(start, registry.roundUp(plan.size() + plan.lead()), file.file(), file.fileOffset(),
                access);
        } else if (PageFlags.isHuge(plan.kind())) {
            reservation.mapHugePages(start, plan.length());
        } else {
            reservation.ensureAnonymous(start, plan.length());
        }
    }

    private void alterPages(final MapPlan plan, final long start) {
        final Reservation reservation = core.reservation();
        final long used = registry.roundUp(plan.size() + plan.lead());
        if (PageFlags.isTransparentHuge(plan.kind())) {
            reservation.advise(start, plan.length(), NativeMemory.MADV_HUGEPAGE);
        }
        if (PageFlags.isLocked(plan.kind())) {
            reservation.lock(start, used, true);
        }
        if (plan.populated()) {
            reservation.populate(start, used, plan.file() == null);
        }
    }

    private void protectPages(final MapPlan plan, final long start) {
        final FileRegion file = plan.file();
        if (!PageFlags.isWritable(plan.kind()) && (file == null || file.access() == FileAccess.COPY_ON_WRITE)) {
            core.reservation().protect(start, registry.roundUp(plan.size() + plan.lead()), false);
        }
    }

    private void describe(final MapPlan plan, final long record, final long start) {
        RecordLayout.describe(record, core.reservation().base() + start + plan.lead(), start, start + plan.length(),
            plan.kind());
        RecordLayout.sizeRelease(record, plan.size());
        final FileRegion file = plan.file();
        if (file != null) {
            registry.files().put(record, file);
            if (!file.keepsOpen()) {
                registry.close(file.file());
            }
        }
        registry.notes().add(record, plan.name());
    }

    private RegionHandle attach(final long record, final LongFunction<RegionHandle> handle) {
        final EpochDomain domain = core.domain();
        domain.pinStructure(); // [A1]
        try {
            registry.checkOpen("map");
            RecordLayout.begin(record, core.now());
            RegionLock.attach(record);
            return handle.apply(record);
        } finally {
            domain.unpinStructure();
        }
    }

    private void giveUp(final MapPlan plan, final long record, final long start, final boolean mapped) {
        registry.files().remove(record);
        registry.notes().remove(record);
        if (start >= 0) {
            final PendingUnmap unmapping = new PendingUnmap(record, start, plan.length(), plan.kind());
            registry.settle(unmapping, mapped ? registry.restorePages(unmapping) : RestoreResult.RESTORED);
        } else if (record != 0) {
            core.retiredRecords().retire(record);
        }
        registry.unaccount(plan.length()); // last: a close waits for it
    }
}
