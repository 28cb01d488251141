// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.MappingException;
import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.memory.AddressRange;
import io.holdfast.memory.FileAccess;
import io.holdfast.memory.FileHandle;
import io.holdfast.memory.NativeException;
import io.holdfast.tree.PreparedRemoval;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;

/** Splits, merges, cuts, protects, resizes and moves regions, each by itself; see {@link Region} for what is promised. */
final class StructureChanges {
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    private final SpaceResources core;
    private final StructureGate gate;
    private final RegionRegistry registry;
    private final Growth growth;
    private final Publisher publisher;
    private final Unmapper unmapper;
    private final Mover mover;

    StructureChanges(final SpaceResources core, final StructureGate gate, final RegionRegistry registry,
                     final Growth growth, final Publisher publisher, final Unmapper unmapper, final Mover mover) {
        this.core = core;
        this.gate = gate;
        this.registry = registry;
        this.growth = growth;
        this.publisher = publisher;
        this.unmapper = unmapper;
        this.mover = mover;
    }

    // ----------------------------------------------------------------------------------------------------- parts

    List<RegionHandle> split(final RegionHandle region, final long at) {
        try (RangeLock.Passage passage = gate.enter("split", region);
            Publisher.Held held = hold(region, "split", passage)) {
            final Extent whole = held.extent();
            if (at <= 0 || at >= whole.size()) {
                throw outOfRange("split", region, at, 0);
            }
            final long cut = cut("split", region, whole, at);
            return publisher.publish(List.of(held), List.of(whole.part(0, cut), whole.part(cut, whole.length())),
                List.of(), "split").regions();
        }
    }

    RegionHandle trimHead(final RegionHandle region, final long bytes) {
        final Publisher.Outcome outcome;
        try (RangeLock.Passage passage = gate.enter("trimHead", region);
            Publisher.Held held = hold(region, "trimHead", passage)) {
            final Extent whole = held.extent();
            if (bytes <= 0 || bytes >= whole.size()) {
                throw outOfRange("trimHead", region, 0, bytes);
            }
            final long cut = cut("trimHead", region, whole, bytes);
            outcome = publisher.publish(List.of(held), List.of(whole.part(cut, whole.length())),
                List.of(whole.part(0, cut)), "trimHead");
        }
        giveBack(outcome);
        return outcome.regions().getFirst();
    }

    RegionHandle trimTail(final RegionHandle region, final long bytes) {
        final Publisher.Outcome outcome;
        try (RangeLock.Passage passage = gate.enter("trimTail", region);
            Publisher.Held held = hold(region, "trimTail", passage)) {
            final long size = held.extent().size();
            if (bytes <= 0 || bytes >= size) {
                throw outOfRange("trimTail", region, 0, bytes);
            }
            outcome = cutTail(held, size - bytes, "trimTail");
        }
        giveBack(outcome);
        return outcome.regions().getFirst();
    }

    private Publisher.Outcome cutTail(final Publisher.Held held, final long newSize, final String operation) {
        final Extent whole = held.extent();
        final long cut = core.roundUp(whole.lead() + newSize, whole.kind());
        if (cut >= whole.length()) {
            return publisher.publish(List.of(held), List.of(whole.cutTo(newSize)), List.of(), operation);
        }
        return publisher.publish(List.of(held), List.of(whole.part(0, cut).cutTo(newSize)),
            List.of(whole.part(cut, whole.length())), operation);
    }

    List<RegionHandle> unmap(final RegionHandle region, final long offset, final long length) {
        final Publisher.Outcome outcome;
        try (RangeLock.Passage passage = gate.enter("unmap", region);
            Publisher.Held held = hold(region, "unmap", passage)) {
            final Extent whole = held.extent();
            final long from = begin("unmap", region, whole, offset, length);
            final long to = end("unmap", region, whole, offset, length);
            outcome = to - from == whole.length() ? new Publisher.Outcome(List.of(), List.of(unmapWhole(held)))
                : publisher.publish(List.of(held), around(whole, from, to), List.of(whole.part(from, to)), "unmap");
        }
        giveBack(outcome);
        return outcome.regions();
    }

    private PendingUnmap unmapWhole(final Publisher.Held held) {
        return detach(held, unmapper.prepareRemoval());
    }

    /** The point of no return of an unmap, under the exclusive lock: so nothing can change the region before it. */
    private PendingUnmap detach(final Publisher.Held held, final PreparedRemoval removal) {
        held.unmap();
        core.lifetimes().detached(held.region().record());
        return new PendingUnmap(held.region().record(), removal);
    }

    /** What is left of an extent without a part. */
    private static List<Extent> around(final Extent whole, final long from, final long to) {
        final List<Extent> left = new ArrayList<>();
        if (from > 0) {
            left.add(whole.part(0, from));
        }
        if (to < whole.length()) {
            left.add(whole.part(to, whole.length()));
        }
        return left;
    }

    private void giveBack(final Publisher.Outcome outcome) {
        outcome.given().forEach(unmapper::complete);
    }

    // ----------------------------------------------------------------------------------------------------- merge

    RegionHandle merge(final RegionHandle one, final RegionHandle other) {
        if (!one.space().equals(other.space()) || one.equals(other)) {
            throw new IllegalArgumentException("merge of regions that are of different spaces, or the same: " +
                one.describe() + "; " + other.describe());
        }
        final RegionHandle lower = one.address() < other.address() ? one : other;
        final RegionHandle upper = lower == one ? other : one;
        try (RangeLock.Passage passage = gate.enter("merge", lower, upper);
            Publisher.Held first = hold(lower, "merge", passage);
            Publisher.Held second = hold(upper, "merge", passage)) {
            final String obstacle = first.extent().obstacle(second.extent());
            if (obstacle != null) {
                throw new RegionException("merge of regions that cannot be one: " + obstacle + ": " +
                    lower.describe() + "; " + upper.describe(), null);
            }
            return publisher.publish(List.of(first, second), List.of(first.extent().with(second.extent())), List.of(),
                "merge").regions().getFirst();
        }
    }

    // --------------------------------------------------------------------------------------------------- protect

    RegionHandle protect(final RegionHandle region, final Protection protection) {
        try (RangeLock.Passage passage = gate.enter("protect", region);
            Publisher.Held held = hold(region, "protect", passage)) {
            return protect(held, 0, held.extent().length(), protection).getFirst();
        }
    }

    List<RegionHandle> protect(final RegionHandle region, final long offset, final long length,
                               final Protection protection) {
        try (RangeLock.Passage passage = gate.enter("protect", region);
            Publisher.Held held = hold(region, "protect", passage)) {
            final Extent whole = held.extent();
            return protect(held, begin("protect", region, whole, offset, length),
                end("protect", region, whole, offset, length), protection);
        }
    }

    private List<RegionHandle> protect(final Publisher.Held held, final long from, final long to,
                                       final Protection protection) {
        final Extent whole = held.extent();
        final boolean writable = protection == Protection.READ_WRITE;
        if (PageFlags.isWritable(whole.kind()) == writable) {
            return List.of(held.region());
        }
        final FileRegion file = whole.file();
        if (writable && file != null && file.access() == FileAccess.READ_ONLY) {
            throw new RegionException("protect of a region whose file is mapped for reading: " +
                held.region().describe() + "; map it with FileBacking.readWrite or copyOnWrite", null);
        }
        final List<Extent> parts = around(whole, from, to);
        final Extent middle = whole.part(from, to);
        parts.add(from > 0 ? 1 : 0, middle.withKind(PageFlags.writable(middle.kind(), writable)));
        final long start = whole.start() + from;
        final long length = core.roundUp(Math.min(to, whole.used()), whole.kind()) - from;
        registry.headroom().take("protect");
        final PreparedRemoval removal = unmapper.prepareRemoval();
        RecordLayout.addKind(held.region().record(), PageFlags.ALTERED_PAGES);
        boolean published = false;
        try {
            core.reservation().protect(start, length, writable);
            final List<RegionHandle> regions = publisher.publish(List.of(held), parts, List.of(), "protect").regions();
            published = true;
            return regions;
        } catch (final NativeException e) {
            throw registry.refused(e);
        } finally {
            if (published || takeBack(held, start, length, !writable)) {
                removal.close();
            } else {
                abandon(held, removal);
            }
        }
    }

    /** Gives pages the protection again that they had; whether they can be used now as the region says. */
    private boolean takeBack(final Publisher.Held held, final long start, final long length, final boolean writable) {
        try {
            core.reservation().protect(start, length, writable);
            return true;
        } catch (final NativeException e) {
            // Where too much is allowed now, it hurts nobody.
            return !PageFlags.isWritable(RecordLayout.kind(held.region().record()));
        }
    }

    /** Unmaps a region whose pages may not be writable any more though it says that they are: writing would crash. */
    private void abandon(final Publisher.Held held, final PreparedRemoval removal) {
        unmapper.complete(detach(held, removal));
    }

    // ------------------------------------------------------------------------------------------------------ size

    RegionHandle truncate(final RegionHandle region, final long newSize) {
        final Publisher.Outcome outcome;
        final FileHandle file = mover.reopen(region, "truncate");
        boolean later = false;
        try {
            final long newEnd;
            try (RangeLock.Passage passage = gate.enter("truncate", region);
                Publisher.Held held = hold(region, "truncate", passage)) {
                final Extent whole = held.extent();
                final FileRegion backing = whole.file();
                if (backing == null || backing.access() != FileAccess.READ_WRITE || !PageFlags.isWritable(whole.kind())) {
                    throw new RegionException("truncate of a region that does not write to a file: " +
                        region.describe(), null);
                }
                if (newSize <= 0 || newSize > whole.size()) {
                    throw outOfRange("truncate", region, 0, newSize);
                }
                newEnd = backing.fileOffset() + whole.lead() + newSize;
                mover.requireUnmapped(region.record(), file, newEnd);
                outcome = cutTail(held, newSize, "truncate");
            }
            final RegionHandle rest = outcome.regions().getFirst();
            for (final PendingUnmap given : outcome.given()) {
                if (!unmapper.complete(given)) {
                    later = true;
                    given.whenGivenBack(() -> cutLater(rest, given, file, newEnd));
                    return rest;
                }
                requireGone(rest, given);
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

    RegionHandle remap(final RegionHandle region, final long newSize) {
        if (newSize <= 0) {
            throw new IllegalArgumentException("remap to " + newSize + " bytes: a size must be positive, " +
                region.describe());
        }
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
        final Publisher.Outcome outcome;
        try (RangeLock.Passage passage = entered; Publisher.Held held = hold(region, "remap", passage)) {
            final Extent whole = held.extent();
            final FileRegion file = whole.file();
            final long maximum = file == null ? whole.length() : file.maximum();
            if (newSize == whole.size()) {
                return region;
            }
            if (newSize > whole.size() && PageFlags.isGrowable(whole.kind()) && newSize <= maximum) {
                try (Waiting waiting = gate.waiting(Waiting.FOREVER, false)) {
                    growth.growInside(region, newSize, waiting);
                }
                return region;
            }
            outcome = newSize < whole.size() ? cutTail(held, newSize, "remap") : mover.move(held, newSize);
        }
        giveBack(outcome);
        return outcome.regions().getFirst();
    }

    // --------------------------------------------------------------------------------------------------- helpers

    private Publisher.Held hold(final RegionHandle region, final String operation, final RangeLock.Passage passage) {
        final Publisher.Held held = publisher.hold(region, operation, passage);
        if (registry.isTorn(region.record())) {
            held.close();
            throw new RegionException(operation + " of a region behind which addresses were lost: " +
                region.describe() + "; unmap it, and map the file anew", null);
        }
        return held;
    }

    private long cut(final String operation, final RegionHandle region, final Extent whole, final long offset) {
        final long at = whole.lead() + offset;
        if (at % core.pageSize(whole.kind()) != 0) {
            throw new IllegalArgumentException(operation + " between two pages only: offset=" + offset +
                ", address=0x" + Long.toHexString(region.address() + offset) + ", page=" + core.pageSize(whole.kind()) +
                ", " + region.describe());
        }
        return at;
    }

    private long begin(final String operation, final RegionHandle region, final Extent whole, final long offset,
                       final long length) {
        if (offset < 0 || length <= 0 || length > whole.size() - offset) {
            throw outOfRange(operation, region, offset, length);
        }
        return offset == 0 ? 0 : cut(operation, region, whole, offset);
    }

    private long end(final String operation, final RegionHandle region, final Extent whole, final long offset,
                     final long length) {
        return offset + length == whole.size() ? whole.length() : cut(operation, region, whole, offset + length);
    }

    private static IllegalArgumentException outOfRange(final String operation, final RegionHandle region, final long offset,
                                                       final long length) {
        return new IllegalArgumentException(operation + " out of range: offset=" + offset + ", length=" + length +
            ", size=" + RecordLayout.sizeAcquire(region.record()) + ", " + region.describe());
    }
}
