// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Advice;
import io.holdfast.EmptyFileException;
import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.epoch.Waiting;
import io.holdfast.memory.ChannelFiles;
import io.holdfast.memory.FileAccess;
import io.holdfast.memory.FileHandle;
import io.holdfast.memory.HugePages;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Turns a request into a plan: sizes, pages, alignment, and the open file with the bytes that it needs. Refuses what makes
 * no sense before anything is taken.
 *
 * <p>Thread-safe.
 */
final class MapPlanner {
    private final SpaceResources core;
    private final StructureGate gate;
    private final RegionRegistry registry;
    private final WaitReports reports;

    MapPlanner(final SpaceResources core, final StructureGate gate, final RegionRegistry registry,
               final WaitReports reports) {
        this.core = core;
        this.gate = gate;
        this.registry = registry;
        this.reports = reports;
    }

    /**
     * Makes a plan and lets it be carried out. What is claimed of its file is given back, unless a record has it by then.
     *
     * @return what {@code carryOut} returned, or null if the waiting for the file gave up
     */
    <T extends @Nullable Object> @Nullable T plan(final MapRequest request, final Waiting waiting,
                                                  final Function<MapPlan, T> carryOut) {
        final FileBacking backing = request.backing();
        return backing == null ? carryOut.apply(planAnonymous(request)) : planFile(backing, request, waiting, carryOut);
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
        return plan(request, length, request.size(), PageFlags.anonymous(request), null, null, granule);
    }

    private <T extends @Nullable Object> @Nullable T planFile(final FileBacking backing, final MapRequest request,
                                                              final Waiting waiting, final Function<MapPlan, T> carryOut) {
        gate.checkOpen("map");
        checkGrowable(backing);
        final long cuts = MappedFile.cuts(); // [F1]
        final FileHandle opened = open(backing);
        final FileUse use = new FileUse(opened, registry);
        try (use) {
            final MapPlan plan = backing.isGrowable() ? planGrowing(backing, request, use, waiting)
                : planAsItIs(backing, request, use, cuts);
            return plan == null ? null : carryOut.apply(plan);
        }
    }

    private FileHandle open(final FileBacking backing) {
        final FileChannel channel = backing.channel();
        return channel != null ? ChannelFiles.open(core.memory(), channel, access(backing))
            : FileHandle.open("map", core.memory(), Objects.requireNonNull(backing.path()), access(backing),
                backing.isGrowable() && !backing.isWhole());
    }

    /** A plan for bytes that the file has. */
    private MapPlan planAsItIs(final FileBacking backing, final MapRequest request, final FileUse use, final long cuts) {
        return use.shareAsItIs("map", cuts, size -> {
            if (size == 0) {
                throw empty(use.opened().path());
            }
            final long length =
                use.opened().requireRange("map", size, backing.offset(), backing.isWhole() ? 0 : backing.length());
            return planFile(backing, request, use, length);
        });
    }

    /** A plan for bytes that the file is given if it has not got them; null if the waiting gave up. */
    private @Nullable MapPlan planGrowing(final FileBacking backing, final MapRequest request, final FileUse use,
                                          final Waiting waiting) {
        if (!use.file().hold("map", waiting, reports)) {
            return null;
        }
        try {
            final MapPlan plan = planFile(backing, request, use, sizeOf(use, backing));
            use.shareGrowing(Objects.requireNonNull(plan.share()), "map"); // once nothing else is wrong
            return plan;
        } finally {
            use.file().letGo();
        }
    }

    private MapPlan planFile(final FileBacking backing, final MapRequest request, final FileUse use, final long size) {
        final long page = core.memory().pageSize();
        final long lead = backing.offset() % page;
        final long maximum = backing.isGrowable() ? backing.maximum() : size;
        final FileRegion region = new FileRegion(use.file(), use.opened().path(), access(backing), backing.offset() - lead,
            lead, maximum);
        final long length = core.roundUp(checkSize("map", maximum, lead) + lead);
        return plan(request, length, size, PageFlags.file(backing), new FileShare(region, size), use.opened(), page);
    }

    private static UncheckedIOException empty(final Path path) {
        final String reason = "size=0: the file is empty; there is nothing to map, or write it first, or map it with a " +
            "range and a length to grow to";
        return new UncheckedIOException("map failed: path=" + path + ", " + reason,
            new EmptyFileException(path.toString(), reason));
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
        final String file = backing.path() == null ? "channel=" + backing.channel() : "path=" + backing.path();
        return new IllegalArgumentException("map failed: " + file + ", offset=" + backing.offset() +
            ", size=" + size + ", maximum=" + backing.maximum() + "; a growable region begins with at least one byte " +
            "and at most the maximum, and ends below 2^63: give range(offset, length)");
    }

    private static long sizeOf(final FileUse use, final FileBacking backing) {
        final long size = backing.isWhole() ? Math.min(use.opened().size("map"), use.file().limit()) - backing.offset()
            : backing.length();
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
            throw new MappingException(operation + " failed: size=" + size + " is more than the space " + gate.name() +
                " has: capacity=" + capacity + "; open it with a larger capacity");
        }
        return size;
    }

    private MapPlan plan(final MapRequest request, final long length, final long size, final long kind,
                         final @Nullable FileShare share, final @Nullable FileHandle opened, final long granule) {
        final long page = core.memory().pageSize();
        final long lead = share == null ? 0 : share.region().lead();
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
        final Advice advice = request.advice();
        final long advised = advice != Advice.NORMAL && PageOperations.isLasting(advice) ? kind | PageFlags.ALTERED_PAGES
            : kind;
        return new MapPlan("map", null, length, size, PageFlags.locked(advised, request.isLocked()), share, opened,
            start, alignment, request.isPopulated(), advice, request.name());
    }
}
