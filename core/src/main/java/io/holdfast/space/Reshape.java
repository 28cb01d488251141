// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Protection;
import io.holdfast.RegionException;
import io.holdfast.memory.FileAccess;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a change of the structure makes of a region: what goes on as a region, what is given back, and what is refused,
 * for single changes and sections alike. It only computes; {@link Publication} carries it out.
 *
 * <p>Offsets and sizes that a user gives count from the region's first byte, cuts from its first page.
 */
final class Reshape {
    private final String operation;
    private final Extent whole;
    private final long page;
    private final Supplier<String> region;

    /**
     * A region that is to be changed.
     *
     * @param whole  what it covers
     * @param page   bytes of its pages
     * @param torn   whether addresses behind it were lost
     * @param region describes it, for whoever is refused
     */
    Reshape(final String operation, final Extent whole, final long page, final boolean torn,
            final Supplier<String> region) {
        this.operation = operation;
        this.whole = whole;
        this.page = page;
        this.region = region;
        if (torn) {
            throw new RegionException(operation + " of a region behind which addresses were lost: " + region.get() +
                "; unmap it, and map the file anew", null);
        }
    }

    /** The same for a region as it is now; the caller keeps it from being changed. */
    static Reshape of(final String operation, final RegionHandle region, final Extent whole) {
        return new Reshape(operation, whole, region.space().core().pageSize(whole.kind()),
            region.space().registry().isTorn(region.record()), region::describe);
    }

    /**
     * What becomes of a region; both together are all of it.
     *
     * @param keep what goes on as regions, in order
     * @param drop what is given back
     */
    record Parts(List<Extent> keep, List<Extent> drop) {
    }

    /**
     * Pages that get another protection.
     *
     * @param start  first of them, as an offset in the space
     * @param length bytes of them
     */
    record Pages(Parts parts, long start, long length) {
    }

    Extent whole() {
        return whole;
    }

    // ----------------------------------------------------------------------------------------------------- cuts

    /** Two regions that meet at an offset. */
    Parts split(final long offset) {
        if (offset <= 0 || offset >= whole.size()) {
            throw outOfRange(offset, 0);
        }
        final long cut = cut(offset);
        return new Parts(List.of(whole.part(0, cut), whole.part(cut, whole.length())), List.of());
    }

    /** Gives the first bytes back. */
    Parts trimHead(final long bytes) {
        if (bytes <= 0 || bytes >= whole.size()) {
            throw outOfRange(0, bytes);
        }
        final long cut = cut(bytes);
        return new Parts(List.of(whole.part(cut, whole.length())), List.of(whole.part(0, cut)));
    }

    /** Gives the last bytes back. */
    Parts trimTail(final long bytes) {
        if (bytes <= 0 || bytes >= whole.size()) {
            throw outOfRange(0, bytes);
        }
        return shrink(whole.size() - bytes);
    }

    /** Makes the region smaller, to any size but none, and gives whole pages back that it does not need any more. */
    Parts shrink(final long newSize) {
        final long cut = roundUp(whole.lead() + newSize);
        return cut >= whole.length() ? new Parts(List.of(whole.cutTo(newSize)), List.of())
            : new Parts(List.of(whole.part(0, cut).cutTo(newSize)), List.of(whole.part(cut, whole.length())));
    }

    /** The same for a region whose file is to be cut with it. */
    Parts truncate(final long newSize) {
        final FileRegion file = whole.file();
        if (file == null || file.access() != FileAccess.READ_WRITE || !PageFlags.isWritable(whole.kind())) {
            throw new RegionException(operation + " of a region that does not write to a file: " + region.get(), null);
        }
        if (newSize <= 0 || newSize > whole.size()) {
            throw outOfRange(0, newSize);
        }
        return shrink(newSize);
    }

    /** Where a file ends that is cut with the region. */
    long endInFile(final long newSize) {
        final FileRegion file = whole.file();
        return (file == null ? 0 : file.fileOffset()) + whole.lead() + newSize;
    }

    /** Gives all of it back. */
    Parts unmap() {
        return new Parts(List.of(), List.of(whole));
    }

    /** Gives a range of it back. */
    Parts unmap(final long offset, final long length) {
        final long from = begin(offset, length);
        return without(from, end(offset, length));
    }

    /** Gives back what lies in a range of the space, which overlaps it; a rest without bytes goes with it. */
    Parts unmapBetween(final long start, final long end) {
        final long from = Math.max(start - whole.start(), 0);
        final long to = Math.min(end - whole.start(), whole.length());
        checkCut(from);
        checkCut(to);
        return without(from, to < whole.used() ? to : whole.length());
    }

    private Parts without(final long from, final long to) {
        return new Parts(around(from, to), List.of(whole.part(from, to)));
    }

    private List<Extent> around(final long from, final long to) {
        final List<Extent> left = new ArrayList<>();
        if (from > 0) {
            left.add(whole.part(0, from));
        }
        if (to < whole.length()) {
            left.add(whole.part(to, whole.length()));
        }
        return left;
    }

    // --------------------------------------------------------------------------------------------------- protect

    /** Changes the protection of all pages; null if they have it. */
    @Nullable Pages protect(final Protection protection) {
        return protectBetween(0, whole.length(), protection);
    }

    /** The same for a range. */
    @Nullable Pages protect(final long offset, final long length, final Protection protection) {
        final long from = begin(offset, length);
        return protectBetween(from, end(offset, length), protection);
    }

    private @Nullable Pages protectBetween(final long from, final long to, final Protection protection) {
        final boolean writable = protection == Protection.READ_WRITE;
        if (PageFlags.isWritable(whole.kind()) == writable) {
            return null;
        }
        final FileRegion file = whole.file();
        if (writable && file != null && file.access() == FileAccess.READ_ONLY) {
            throw new RegionException(operation + " of a region whose file is mapped for reading: " + region.get() +
                "; map it with FileBacking.readWrite or copyOnWrite", null);
        }
        final List<Extent> parts = around(from, to);
        final Extent middle = whole.part(from, to);
        parts.add(from > 0 ? 1 : 0, middle.withKind(PageFlags.writable(middle.kind(), writable)));
        return new Pages(new Parts(parts, List.of()), whole.start() + from,
            roundUp(Math.min(to, whole.used())) - from);
    }

    // ----------------------------------------------------------------------------------------------------- merge

    /** Refuses to merge a region with itself, or with one of another space, before either is locked. */
    static void requireTwo(final RegionHandle one, final RegionHandle other) {
        if (!one.space().equals(other.space()) || one.equals(other)) {
            throw new IllegalArgumentException("merge of regions that are of different spaces, or the same: " +
                one.describe() + "; " + other.describe());
        }
    }

    /** One region of this and the next. */
    Parts merge(final Reshape next) {
        final String obstacle = whole.obstacle(next.whole);
        if (obstacle != null) {
            throw new RegionException(operation + " of regions that cannot be one: " + obstacle + ": " + region.get() +
                "; " + next.region.get(), null);
        }
        return new Parts(List.of(whole.with(next.whole)), List.of());
    }

    // ------------------------------------------------------------------------------------------------------ size

    /** Refuses sizes that no region has. */
    static void requireSize(final String operation, final long newSize, final RegionHandle region) {
        if (newSize <= 0) {
            throw new IllegalArgumentException(operation + " to " + newSize + " bytes: a size must be positive, " +
                region.describe());
        }
    }

    /** Whether the region can have so many bytes where it is, by growing. */
    boolean growsInPlace(final long newSize) {
        final FileRegion file = whole.file();
        return newSize > whole.size() && PageFlags.isGrowable(whole.kind()) &&
            newSize <= (file == null ? whole.length() : file.maximum());
    }

    // ------------------------------------------------------------------------------------------------------ pages

    private long begin(final long offset, final long length) {
        if (offset < 0 || length <= 0 || length > whole.size() - offset) {
            throw outOfRange(offset, length);
        }
        return offset == 0 ? 0 : cut(offset);
    }

    private long end(final long offset, final long length) {
        return offset + length == whole.size() ? whole.length() : cut(offset + length);
    }

    private long cut(final long offset) {
        final long cut = whole.lead() + offset;
        checkCut(cut);
        return cut;
    }

    private void checkCut(final long cut) {
        if (cut % page != 0) {
            throw new IllegalArgumentException(operation + " between two pages only: offset=" + (cut - whole.lead()) +
                ", address=0x" + Long.toHexString(whole.start() + cut) + ", page=" + page + ", " + region.get());
        }
    }

    private IllegalArgumentException outOfRange(final long offset, final long length) {
        return new IllegalArgumentException(operation + " out of range: offset=" + offset + ", length=" + length +
            ", size=" + whole.size() + ", " + region.get());
    }

    private long roundUp(final long size) {
        return (size + page - 1) & -page;
    }
}
