// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.MappingException;
import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.epoch.Waiting;
import io.holdfast.event.ChangeEvent;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.memory.AddressRange;
import io.holdfast.memory.FileHandle;
import io.holdfast.memory.NativeException;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Splits, merges, cuts, protects, resizes and moves regions, each by itself; see {@link Region} for what is promised. */
final class StructureChanges {
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    private final SpaceHandle space;
    private final SpaceResources core;
    private final StructureGate gate;
    private final RegionRegistry registry;
    private final RegionLock lock;
    private final Growth growth;
    private final Unmapper unmapper;
    private final Mover mover;

    StructureChanges(final SpaceHandle space, final SpaceResources core, final StructureGate gate,
                     final RegionRegistry registry, final RegionLock lock, final Growth growth, final Unmapper unmapper,
                     final Mover mover) {
        this.space = space;
        this.core = core;
        this.gate = gate;
        this.registry = registry;
        this.lock = lock;
        this.growth = growth;
        this.unmapper = unmapper;
        this.mover = mover;
    }

    // ----------------------------------------------------------------------------------------------------- parts

    List<RegionHandle> split(final RegionHandle region, final long at) {
        return cut("split", region, reshape -> reshape.split(at));
    }

    RegionHandle trimHead(final RegionHandle region, final long bytes) {
        return cut("trimHead", region, reshape -> reshape.trimHead(bytes)).getFirst();
    }

    RegionHandle trimTail(final RegionHandle region, final long bytes) {
        return cut("trimTail", region, reshape -> reshape.trimTail(bytes)).getFirst();
    }

    List<RegionHandle> unmap(final RegionHandle region, final long offset, final long length) {
        return cut("unmap", region, reshape -> reshape.unmap(offset, length));
    }

    /** Puts parts of a region in its place and gives the others back; what is left. */
    private List<RegionHandle> cut(final String operation, final RegionHandle region,
                                   final Function<Reshape, Reshape.Parts> change) {
        final Publication publication;
        try (RangeLock.Passage passage = gate.enter(operation, region);
            HeldRegions held = new HeldRegions(operation, lock, registry, passage)) {
            publication = replace(operation, held, change.apply(held.hold(region)));
        }
        unmapper.completeAll(publication.given());
        return publication.regions();
    }

    private Publication replace(final String operation, final HeldRegions held, final Reshape.Parts parts) {
        final ChangeEvent event = ChangeEvent.begun();
        final Publication publication = new Publication(space, held, operation);
        held.addTo(publication, !parts.keep().isEmpty());
        publication.add(parts);
        publication.publish();
        if (event != null) {
            try {
                tell(event, operation, held, publication);
            } catch (final OutOfMemoryError | StackOverflowError e) {
                // What is given back goes on.
            }
        }
        return publication;
    }

    private void tell(final ChangeEvent event, final String operation, final HeldRegions held,
                      final Publication publication) {
        final List<RegionHandle> made = publication.regions();
        event.end(gate.name(), operation, held.first().address(), made.isEmpty() ? -1 : made.getFirst().address(),
            made.size(), publication.given().size());
    }

    RegionHandle merge(final RegionHandle one, final RegionHandle other) {
        Reshape.requireTwo(one, other);
        final RegionHandle lower = one.address() < other.address() ? one : other;
        final RegionHandle upper = lower == one ? other : one;
        try (RangeLock.Passage passage = gate.enter("merge", lower, upper);
            HeldRegions held = new HeldRegions("merge", lock, registry, passage)) {
            final Reshape first = held.hold(lower);
            return replace("merge", held, first.merge(held.hold(upper))).regions().getFirst();
        }
    }

    // --------------------------------------------------------------------------------------------------- protect

    RegionHandle protect(final RegionHandle region, final Protection protection) {
        return protect(region, reshape -> reshape.protect(protection)).getFirst();
    }

    List<RegionHandle> protect(final RegionHandle region, final long offset, final long length,
                               final Protection protection) {
        return protect(region, reshape -> reshape.protect(offset, length, protection));
    }

    private List<RegionHandle> protect(final RegionHandle region, final Function<Reshape, Reshape.@Nullable Pages> change) {
        try (RangeLock.Passage passage = gate.enter("protect", region);
            HeldRegions held = new HeldRegions("protect", lock, registry, passage)) {
            final Reshape.Pages pages = change.apply(held.hold(region));
            return pages == null ? List.of(region) : protect(region, held, pages);
        }
    }

    private List<RegionHandle> protect(final RegionHandle region, final HeldRegions held, final Reshape.Pages pages) {
        final long record = region.record();
        final PageProtection change =
            PageProtection.prepare(space, pages, PageFlags.isWritable(RecordLayout.kind(record)), record);
        boolean published = false;
        try {
            RecordLayout.addKind(record, PageFlags.ALTERED_PAGES);
            change.make();
            final List<RegionHandle> regions = replace("protect", held, pages.parts()).regions();
            published = true;
            return regions;
        } catch (final NativeException e) {
            throw registry.refused(e);
        } finally {
            if (published || !held.holds(record)) {
                change.keep();
            } else {
                change.takeBack(held);
                final PendingUnmap lost = change.lost();
                if (lost != null) {
                    unmapper.complete(lost);
                }
            }
        }
    }

    // ------------------------------------------------------------------------------------------------------ size

    RegionHandle truncate(final RegionHandle region, final long newSize) {
        final FileHandle file = mover.reopen(region, "truncate");
        boolean later = false;
        try {
            final Publication publication;
            final long newEnd;
            try (RangeLock.Passage passage = gate.enter("truncate", region);
                HeldRegions held = new HeldRegions("truncate", lock, registry, passage)) {
                final Reshape reshape = held.hold(region);
                final Reshape.Parts parts = reshape.truncate(newSize);
                newEnd = reshape.endInFile(newSize);
                mover.requireUnmapped(region.record(), file, newEnd);
                publication = replace("truncate", held, parts);
            }
            final RegionHandle rest = publication.regions().getFirst();
            for (final PendingUnmap given : publication.given()) {
                if (!unmapper.complete(given)) {
                    later = true;
                    given.whenGivenBack(() -> cutLater(rest, given, file, newEnd));
                    return rest;
                }
                requireGone(rest, given);
            }
            if (publication.given().isEmpty()) { // the cut is inside of a page, which stays
                unmapper.awaitUnseen(rest);
            }
            cutFile(file, newEnd);
            return rest;
        } finally {
            if (!later) {
                registry.close(file);
            }
        }
    }

    /** Cuts a file when the last reader of its end has left, for a thread that has stopped waiting for that. */
    private void cutLater(final RegionHandle rest, final PendingUnmap given, final FileHandle file, final long newEnd) {
        try {
            requireGone(rest, given);
            cutFile(file, newEnd);
        } catch (final RuntimeException e) { // a space that cannot map, a file that is mapped again, an error of the disk
            LOGGER.log(Level.ERROR, "a file was not truncated in the background: path=" + file.path() + ", end=" +
                newEnd + ", space=" + gate.name(), e);
        } finally {
            registry.close(file);
        }
    }

    /** After the wait for readers of the end, which somebody may have mapped meanwhile. */
    private void cutFile(final FileHandle file, final long newEnd) {
        mover.requireUnmapped(0, file, newEnd);
        file.truncate(newEnd);
    }

    /** What the kernel did not take back still shows the file, and would fault behind its end. */
    private void requireGone(final RegionHandle rest, final PendingUnmap given) {
        for (final AddressRange range : core.reservation().quarantinedRanges()) {
            if (range.overlaps(given.start(), given.end())) {
                throw new MappingException("truncate failed: the system did not take back the pages behind the new end, " +
                    "so the file keeps them: " + rest.describe() + "; try again");
            }
        }
    }

    private Publication move(final RegionHandle region, final HeldRegions held, final Extent old, final long newSize) {
        final ChangeEvent event = ChangeEvent.begun();
        final Publication publication = mover.move(region, held, old, newSize);
        if (event != null) {
            try {
                tell(event, "remap", held, publication);
            } catch (final OutOfMemoryError | StackOverflowError e) {
                // What is given back goes on.
            }
        }
        return publication;
    }

    RegionHandle remap(final RegionHandle region, final long newSize) {
        Reshape.requireSize("remap", newSize, region);
        try {
            return remap(region, newSize, gate.enter("remap", region));
        } catch (final Mapper.NoGapException e) {
            if (!e.isBesideSections()) {
                throw e;
            }
        }
        // Not while the region is held: a section could wait for it, and this thread for the section.
        return remap(region, newSize, gate.enterAll("remap"));
    }

    private RegionHandle remap(final RegionHandle region, final long newSize, final RangeLock.Passage entered) {
        final Publication publication;
        try (RangeLock.Passage passage = entered;
            HeldRegions held = new HeldRegions("remap", lock, registry, passage)) {
            final Reshape reshape = held.hold(region);
            final long size = reshape.whole().size();
            if (newSize == size) {
                return region;
            }
            if (reshape.growsInPlace(newSize)) {
                try (Waiting waiting = gate.waiting(Waiting.FOREVER, false)) {
                    growth.growInside(region, newSize, waiting);
                }
                return region;
            }
            if (newSize < size) {
                publication = replace("remap", held, reshape.shrink(newSize));
            } else {
                publication = move(region, held, reshape.whole(), newSize);
            }
        }
        unmapper.completeAll(publication.given());
        return publication.regions().getFirst();
    }
}
