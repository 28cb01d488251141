// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Advice;
import io.holdfast.RegionException;
import io.holdfast.layout.RecordLayout;
import io.holdfast.layout.Words;
import io.holdfast.memory.FileAccess;
import io.holdfast.memory.FileGrowth;
import io.holdfast.memory.FileHandle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Lets a region grow where no addresses are reserved behind it, by moving it; and opens files of regions again. */
final class Mover {
    /*
     * Under the exclusive lock: map as many bytes elsewhere, with a record that is not attached; fill them; then one
     * Publication puts the new region into the new addresses and gives the old ones back. Everything that can fail comes
     * before its point of no return, and gives the new addresses back.
     */
    private final SpaceResources core;
    private final RegionRegistry registry;
    private final MapPlanner planner;
    private final Mapper mapper;
    private final PageOperations pages;

    Mover(final SpaceResources core, final RegionRegistry registry, final MapPlanner planner, final Mapper mapper,
          final PageOperations pages) {
        this.core = core;
        this.registry = registry;
        this.planner = planner;
        this.mapper = mapper;
        this.pages = pages;
    }

    /** Moves a region that is held to where there is room for it. */
    Publication move(final RegionHandle region, final HeldRegions held, final Extent old, final long newSize) {
        if (old.file() == null) {
            return move(region, held, old, newSize, null);
        }
        final FileHandle file = reopen(region, "remap");
        try {
            return old.file().access() == FileAccess.READ_WRITE
                ? growing(file, () -> move(region, held, old, newSize, file)) : move(region, held, old, newSize, file);
        } finally {
            registry.close(file);
        }
    }

    /**
     * Lets a file grow for what is done with it. If that throws, the file is cut back, but not under pages that the kernel
     * did not take back: they may show the new part, and must not fault.
     */
    <T> T growing(final FileHandle file, final Supplier<T> work) {
        try (FileGrowth growth = new FileGrowth(file)) {
            boolean done = false;
            try {
                final T result = work.get();
                done = true;
                return result;
            } finally {
                if (done || core.reservation().quarantinedBytes() != 0) {
                    growth.keep();
                }
            }
        }
    }

    private Publication move(final RegionHandle region, final HeldRegions held, final Extent old, final long newSize,
                             final @Nullable FileHandle file) {
        final Publication publication = new Publication(region.space(), held, "remap");
        held.addTo(publication, true);
        publication.drop(old);
        final MapPlan plan = plan(old, newSize, file);
        held.passage().widen();
        final Mapper.Prepared prepared =
            mapper.prepare(plan, Addresses.of(held.passage()), start -> fill(region, old, start));
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

    /** A plan for a region like another, elsewhere and of another size. */
    MapPlan plan(final Extent old, final long newSize, final @Nullable FileHandle file) {
        final FileRegion before = old.file();
        final long offset = before == null ? 0 : before.fileOffset() + before.lead();
        if (newSize > Long.MAX_VALUE - offset) {
            throw new IllegalArgumentException("remap out of range: newSize=" + newSize + ", file offset=" + offset);
        }
        final long length = core.roundUp(planner.checkSize("remap", newSize, old.lead()) + old.lead(), old.kind());
        FileRegion after = null;
        if (before != null && file != null) {
            if (before.access() == FileAccess.READ_WRITE) {
                file.ensureLength(offset + newSize);
            } else {
                file.requireRange(offset, newSize);
            }
            after = new FileRegion(file, before.access(), before.fileOffset(), before.lead(), newSize, false);
        }
        return new MapPlan(length, newSize, PageFlags.fixedSize(old.kind()), after, MapPlan.ANYWHERE,
            core.pageSize(old.kind()), false, Advice.NORMAL, old.name());
    }

    /** Copies what the new pages do not have by themselves. */
    void fill(final RegionHandle region, final Extent old, final long start) {
        final FileRegion file = old.file();
        if (file != null && file.access() != FileAccess.COPY_ON_WRITE) {
            return;
        }
        final long base = core.reservation().base();
        final MemorySegment from = Words.view(base + old.start() + old.lead(), old.size());
        final MemorySegment to = Words.view(base + start + old.lead(), old.size());
        if (!CheckedCopy.copyDifferences(from, to, old.size())) {
            throw pages.truncated(region, "remap", 0, old.size());
        }
    }

    /** Opens the file of a region again, which must be the one that is mapped. */
    FileHandle reopen(final RegionHandle region, final String operation) {
        final long stamp = pages.enter(region, operation);
        final FileRegion mapped;
        try {
            mapped = registry.file(region.record());
        } finally {
            PageOperations.leave(region, stamp);
        }
        if (mapped == null) {
            throw new RegionException(operation + " of a region that has no file: " + region.describe(), null);
        }
        return reopen(mapped, region, operation);
    }

    /** The same for a region whose file is known. */
    FileHandle reopen(final FileRegion mapped, final RegionHandle region, final String operation) {
        final FileHandle file = FileHandle.open(core.memory(), mapped.path(), mapped.access(), false);
        if (file.inode() != mapped.file().inode() || file.device() != mapped.file().device()) {
            registry.close(file);
            final String message = operation + " failed: the path is of another file by now: path=" + mapped.path() +
                ", " + region.describe() + "; map the file that is there";
            throw new UncheckedIOException(message, new IOException(message));
        }
        return file;
    }

    /** Refuses if a region of the space, but the one with the record, maps bytes of a file behind an offset. */
    void requireUnmapped(final long record, final FileHandle file, final long end) {
        registry.files().forEach((key, other) -> {
            final long otherEnd = other.fileOffset() + other.lead() + RecordLayout.sizeAcquire(key);
            if (key != record && other.file().inode() == file.inode() &&
                other.file().device() == file.device() && otherEnd > end) {
                throw new RegionException("truncate of a file of which another region maps more: path=" + file.path() +
                    ", end=" + end + ", other region ends at " + otherEnd + "; unmap or cut that one first", null);
            }
        });
    }
}
