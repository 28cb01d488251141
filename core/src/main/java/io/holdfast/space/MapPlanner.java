// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Advice;
import io.holdfast.EmptyFileException;
import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.memory.FileAccess;
import io.holdfast.memory.FileGrowth;
import io.holdfast.memory.FileHandle;
import io.holdfast.memory.HugePages;
import java.io.UncheckedIOException;
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

    MapPlanner(final SpaceResources core, final StructureGate gate, final RegionRegistry registry) {
        this.core = core;
        this.gate = gate;
        this.registry = registry;
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
        gate.checkOpen("map");
        checkGrowable(backing);
        final FileAccess access = access(backing);
        final FileHandle file = FileHandle.open(core.memory(), backing.path(), access,
            backing.isGrowable() && !backing.isWhole());
        try {
            final T result;
            if (backing.isGrowable()) {
                result = planGrowable(backing, request, access, file, carryOut);
            } else {
                if (file.isEmptyAsOpened()) {
                    throw empty(backing);
                }
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
        final long length = core.roundUp(checkSize("map", maximum, lead) + lead);
        return plan(request, length, size, PageFlags.file(backing), region, page);
    }

    private static UncheckedIOException empty(final FileBacking backing) {
        final String reason = "size=0: the file is empty; there is nothing to map, or write it first, or map it with a " +
            "range and a length to grow to";
        return new UncheckedIOException("map failed: path=" + backing.path() + ", " + reason,
            new EmptyFileException(backing.path().toString(), reason));
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
            throw new MappingException(operation + " failed: size=" + size + " is more than the space " + gate.name() +
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
        final Advice advice = request.advice();
        final long advised = advice != Advice.NORMAL && PageOperations.isLasting(advice) ? kind | PageFlags.ALTERED_PAGES
            : kind;
        return new MapPlan(length, size, PageFlags.locked(advised, request.isLocked()), file, start, alignment,
            request.isPopulated(), advice, request.name());
    }
}
