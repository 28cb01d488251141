// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.epoch.Waiting;
import io.holdfast.event.ChangeEvent;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.memory.NativeException;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Splits, merges, cuts, protects, resizes and moves regions, each by itself; see {@link Region} for what is promised. */
final class StructureChanges {
    private final SpaceHandle space;
    private final StructureGate gate;
    private final RegionRegistry registry;
    private final RegionLock lock;
    private final Growth growth;
    private final Unmapper unmapper;
    private final Mover mover;
    private final WaitReports reports;

    StructureChanges(final SpaceHandle space, final StructureGate gate, final RegionRegistry registry,
                     final RegionLock lock, final Growth growth, final Unmapper unmapper,
                     final Mover mover, final WaitReports reports) {
        this.space = space;
        this.gate = gate;
        this.registry = registry;
        this.lock = lock;
        this.growth = growth;
        this.unmapper = unmapper;
        this.mover = mover;
        this.reports = reports;
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
        try (Waiting draining = unmapper.draining()) {
            final Publication publication;
            try (RangeLock.Passage passage = gate.enter(operation, region);
                HeldRegions held = new HeldRegions(operation, lock, registry, passage)) {
                publication = replace(operation, held, change.apply(held.hold(region)));
            }
            unmapper.completeAll(publication, draining);
            return publication.regions();
        }
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
        try (Waiting draining = unmapper.draining();
            RangeLock.Passage passage = gate.enter("protect", region);
            HeldRegions held = new HeldRegions("protect", lock, registry, passage)) {
            final Reshape.Pages pages = change.apply(held.hold(region));
            return pages == null ? List.of(region) : protect(region, held, pages, draining);
        }
    }

    private List<RegionHandle> protect(final RegionHandle region, final HeldRegions held, final Reshape.Pages pages,
                                       final Waiting draining) {
        final long record = region.record();
        final PageProtection change =
            PageProtection.prepare(region, pages, PageFlags.isWritable(RecordLayout.kind(record)), record);
        boolean published = false;
        try {
            RecordLayout.addKind(record, PageFlags.ALTERED_PAGES);
            change.make();
            final List<RegionHandle> regions = replace("protect", held, pages.parts()).regions();
            published = true;
            return regions;
        } catch (final NativeException e) {
            throw registry.refused("protect", region.describe(), e);
        } finally {
            if (published || !held.holds(record)) {
                change.keep();
            } else {
                change.takeBack(held);
                final PendingUnmap lost = change.lost();
                if (lost != null) {
                    unmapper.complete(lost, draining);
                }
            }
        }
    }

    // ------------------------------------------------------------------------------------------------------ size

    RegionHandle truncate(final RegionHandle region, final long newSize) {
        try (Waiting draining = unmapper.draining()) {
            return truncate(region, newSize, draining);
        }
    }

    private RegionHandle truncate(final RegionHandle region, final long newSize, final Waiting draining) {
        final Publication publication;
        final MappedFile.Cut cut;
        try (RangeLock.Passage passage = gate.enter("truncate", region);
            HeldRegions held = new HeldRegions("truncate", lock, registry, passage)) {
            final Reshape reshape = held.hold(region);
            final Reshape.Parts parts = reshape.truncate(newSize);
            final FileShare share = Objects.requireNonNull(registry.share(region.record()));
            cut = share.file().announceCut(share, reshape.endInFile(newSize));
            boolean published = false;
            try {
                publication = replace("truncate", held, parts);
                published = true;
            } finally {
                if (!published) {
                    cut.withdraw();
                }
            }
        }
        final RegionHandle rest = publication.regions().getFirst();
        boolean settled = false;
        try {
            if (isGone(rest, publication.given(), cut, draining)) {
                carryOut(cut);
            }
            settled = true;
        } finally {
            if (!settled) {
                cut.withdraw();
            }
        }
        return rest;
    }

    /** Waits until nobody reads the end of a file that is to be cut; if that gives up, it is cut in the background. */
    private boolean isGone(final RegionHandle rest, final List<PendingUnmap> given, final MappedFile.Cut cut,
                           final Waiting draining) {
        if (given.isEmpty()) { // the cut is inside of a page, which stays
            return unmapper.awaitUnseen(rest, cut, draining);
        }
        final PendingUnmap end = given.getFirst();
        if (unmapper.complete(end, draining)) {
            return true;
        }
        if (draining.endedByInterrupt()) {
            Thread.currentThread().interrupt();
        }
        cut.goesOn();
        end.whenGivenBack(cut::carryOutLater);
        return false;
    }

    private void carryOut(final MappedFile.Cut cut) {
        try (Waiting waiting = gate.waiting(Waiting.FOREVER, true)) {
            cut.carryOut(waiting, reports);
            if (waiting.endedByInterrupt()) {
                Thread.currentThread().interrupt();
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
        try (Waiting draining = unmapper.draining()) {
            try {
                return remap(region, newSize, gate.enter("remap", region), draining);
            } catch (final Mapper.NoGapException e) {
                if (!e.isBesideSections()) {
                    throw e;
                }
            }
            // Not while the region is held: a section could wait for it, and this thread for the section.
            return remap(region, newSize, gate.enterAll("remap"), draining);
        }
    }

    private RegionHandle remap(final RegionHandle region, final long newSize, final RangeLock.Passage entered,
                               final Waiting draining) {
        final Publication publication;
        try (RangeLock.Passage passage = entered;
            HeldRegions held = new HeldRegions("remap", lock, registry, passage)) {
            final Reshape reshape = held.hold(region);
            final long size = reshape.whole().size();
            if (newSize == size) {
                return region;
            }
            if (reshape.growsInPlace(newSize)) {
                try (Waiting waiting = gate.patience("remap", region)) {
                    growth.growInside("remap", region, newSize, waiting);
                }
                return region;
            }
            if (newSize < size) {
                publication = replace("remap", held, reshape.shrink(newSize));
            } else {
                publication = move(region, held, reshape.whole(), newSize);
            }
        }
        unmapper.completeAll(publication, draining);
        return publication.regions().getFirst();
    }
}
