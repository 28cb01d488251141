// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.layout.RecordLayout;
import org.jspecify.annotations.Nullable;

/**
 * What a region covers, as its record says it or as a new record is going to.
 *
 * @param start first page, as an offset in the space
 * @param limit just past the last page that is reserved
 * @param lead  bytes of the first page before the region's first byte
 * @param size  bytes that the user sees
 * @param file  null for anonymous memory
 */
record Extent(long start, long limit, long lead, long size, long kind, @Nullable FileRegion file,
              @Nullable String name) {
    /** The extent of a region that the caller holds exclusively. */
    static Extent of(final long record, final long base, final @Nullable FileRegion file,
                     final @Nullable String name) {
        final long start = RecordLayout.start(record);
        return new Extent(start, RecordLayout.limit(record), RecordLayout.base(record) - base - start,
            RecordLayout.sizeAcquire(record), RecordLayout.kind(record), file, name);
    }

    /** Bytes of addresses. */
    long length() {
        return limit - start;
    }

    boolean overlaps(final long from, final long to) {
        return start < to && from < limit;
    }

    /** Where the used bytes end, from the first page on. */
    long used() {
        return lead + size;
    }

    /**
     * A part, from one page to another, counted from the first. The part that reaches to the limit keeps the right to
     * grow.
     */
    Extent part(final long from, final long to) {
        final long partLead = from == 0 ? lead : 0;
        final boolean last = to == length();
        final long partSize = Math.max(0, Math.min(to, used()) - from - partLead);
        final boolean growable = last && PageFlags.isGrowable(kind);
        final FileRegion old = file;
        return new Extent(start + from, start + to, partLead, partSize, growable ? kind : PageFlags.fixedSize(kind),
            old == null ? null : new FileRegion(old.file(), old.path(), old.access(), old.fileOffset() + from, partLead,
                growable ? old.maximum() + lead - from - partLead : partSize), name);
    }

    /** The same with fewer bytes, which cannot grow any more. */
    Extent cutTo(final long newSize) {
        final FileRegion old = file;
        return new Extent(start, limit, lead, newSize, PageFlags.fixedSize(kind), old == null ? null
            : new FileRegion(old.file(), old.path(), old.access(), old.fileOffset(), lead, newSize), name);
    }

    /** The same with other pages. */
    Extent withKind(final long newKind) {
        return new Extent(start, limit, lead, size, newKind, file, name);
    }

    /** Why this and the next extent cannot be one region, or null if they can. */
    @Nullable String obstacle(final Extent next) {
        if (limit != next.start) {
            return "they are not adjacent";
        }
        if (PageFlags.isGrowable(kind) || used() != length() || next.lead != 0) {
            return "the first does not end, or the second does not begin, with a whole page in use";
        }
        if (!PageFlags.areCompatible(kind, next.kind)) {
            return "their protection, their pages or their locking in memory differ";
        }
        final FileRegion first = file;
        final FileRegion second = next.file;
        if (first == null || second == null) {
            return first == second ? null : "one is of a file and the other is not";
        }
        if (first.file() != second.file() || first.access() != second.access()) {
            return "they are of different files, or accessed in different ways";
        }
        return first.fileOffset() + length() == second.fileOffset() ? null
            : "their ranges of the file are not adjacent";
    }

    /** This and the next one, between which there is no {@linkplain #obstacle obstacle}, as one. */
    Extent with(final Extent next) {
        final FileRegion first = file;
        final FileRegion second = next.file;
        final long newSize = length() - lead + next.size;
        return new Extent(start, next.limit, lead, newSize, kind | next.kind, first == null || second == null ? null
            : new FileRegion(first.file(), first.path(), first.access(), first.fileOffset(), lead,
                length() - lead + second.maximum()), name);
    }
}
