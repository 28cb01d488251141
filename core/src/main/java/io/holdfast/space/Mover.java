// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Advice;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.Words;
import io.holdfast.memory.FileAccess;
import io.holdfast.memory.FileHandle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Lets a region grow where no addresses are reserved behind it, by moving it. */
final class Mover {
    /*
     * Under the exclusive lock: map as many bytes elsewhere, with a record that is not attached; fill them; then one
     * Publication puts the new region into the new addresses and gives the old ones back. Everything that can fail comes
     * before its point of no return, and gives the new addresses back.
     */
    private final SpaceResources core;
    private final StructureGate gate;
    private final WaitReports reports;
    private final RegionRegistry registry;
    private final MapPlanner planner;
    private final Mapper mapper;
    private final PageOperations pages;

    Mover(final SpaceResources core, final StructureGate gate, final WaitReports reports, final RegionRegistry registry,
          final MapPlanner planner, final Mapper mapper, final PageOperations pages) {
        this.core = core;
        this.gate = gate;
        this.reports = reports;
        this.registry = registry;
        this.planner = planner;
        this.mapper = mapper;
        this.pages = pages;
    }

    /** Moves a region that is held to where there is room for it. */
    Publication move(final RegionHandle region, final HeldRegions held, final Extent old, final long newSize) {
        return elsewhere("remap", region, old, newSize, plan -> move(region, held, old, plan));
    }

    private Publication move(final RegionHandle region, final HeldRegions held, final Extent old, final MapPlan plan) {
        final Publication publication = new Publication(region.space(), held, "remap");
        held.addTo(publication, true);
        publication.drop(old);
        held.passage().widen();
        final Mapper.Prepared prepared =
            mapper.prepare(plan, Addresses.of(held.passage()), start -> fill("remap", region, old, start));
        try {
            publication.absorb(prepared);
            publication.keep(prepared.extent());
            publication.publish();
            return publication;
        } finally {
            if (held.holds(region.record())) {
                mapper.giveUp(prepared);
            }
        }
    }

    /**
     * Lets a plan be carried out for a region like another, which the caller holds, elsewhere and of another size. If that
     * throws, a file that has grown for it is cut back.
     */
    <T> T elsewhere(final String operation, final RegionHandle region, final Extent old, final long newSize,
                    final Function<MapPlan, T> carryOut) {
        final FileRegion before = old.file();
        if (before == null) {
            return carryOut.apply(plan(operation, region, old, newSize, null, null));
        }
        final long offset = before.end(0);
        if (newSize > Long.MAX_VALUE - offset) {
            throw new IllegalArgumentException(operation + " out of range: newSize=" + newSize + ", file offset=" + offset +
                ", " + region.describe());
        }
        final FileRegion after = new FileRegion(before.file(), before.path(), before.access(), before.fileOffset(),
            before.lead(), newSize);
        final long cuts = MappedFile.cuts(); // [F1]
        try (FileUse use = before.mayResize() ? new FileUse(before.file(), registry)
            : new FileUse(reopen(before, region, operation), registry)) {
            if (before.mayResize()) {
                final MapPlan plan = plan(operation, region, old, newSize, new FileShare(after, newSize), use.opened());
                grow(use, plan, operation);
                return carryOut.apply(plan);
            }
            return carryOut.apply(use.shareAsItIs(operation, cuts, size -> {
                use.opened().requireRange(operation, size, offset, newSize);
                return plan(operation, region, old, newSize, new FileShare(after, newSize), use.opened());
            }));
        }
    }

    private void grow(final FileUse use, final MapPlan plan, final String operation) {
        try (Waiting waiting = gate.patience(operation, plan.moved())) {
            if (!use.file().hold(operation, waiting, reports)) {
                throw new IllegalStateException("a wait that never gives up did");
            }
        }
        try {
            use.shareGrowing(Objects.requireNonNull(plan.share()), operation);
        } finally {
            use.file().letGo();
        }
    }

    private MapPlan plan(final String operation, final RegionHandle region, final Extent old, final long newSize,
                         final @Nullable FileShare share, final @Nullable FileHandle opened) {
        final long length = core.roundUp(planner.checkSize(operation, newSize, old.lead()) + old.lead(), old.kind());
        return new MapPlan(operation, region, length, newSize, PageFlags.fixedSize(old.kind()), share, opened,
            MapPlan.ANYWHERE, core.pageSize(old.kind()), false, Advice.NORMAL, old.name());
    }

    /** Copies what the new pages do not have by themselves. */
    void fill(final String operation, final RegionHandle region, final Extent old, final long start) {
        final FileRegion file = old.file();
        if (file != null && file.access() != FileAccess.COPY_ON_WRITE) {
            return;
        }
        final long base = core.reservation().base();
        final MemorySegment from = Words.view(base + old.start() + old.lead(), old.size());
        final MemorySegment to = Words.view(base + start + old.lead(), old.size());
        if (!CheckedCopy.copyDifferences(from, to, old.size())) {
            throw pages.truncated(region, operation, 0, old.size());
        }
    }

    /** Opens the file of a region that only reads it again, which must be the one that is mapped. */
    private FileHandle reopen(final FileRegion mapped, final RegionHandle region, final String operation) {
        final FileHandle file;
        try {
            file = FileHandle.open(operation, core.memory(), mapped.path(), mapped.access(), false);
        } catch (final UncheckedIOException e) {
            throw new UncheckedIOException(operation + " failed: no descriptor is kept of a file that is only read, and " +
                "it cannot be opened again: " + e.getMessage() + "; if it was renamed, map it by its new name: " +
                region.describe(), e.getCause());
        }
        if (!mapped.file().isBehind(file)) {
            registry.close(file);
            final String message = operation + " failed: the path is of another file by now: path=" + mapped.path() +
                ", " + region.describe() + "; map the file that is there";
            throw new UncheckedIOException(message, new IOException(message));
        }
        return file;
    }
}
