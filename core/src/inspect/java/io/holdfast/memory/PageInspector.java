// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import io.holdfast.layout.Behind;
import io.holdfast.layout.Findings;
import java.util.List;

/**
 * Compares the kernel's mappings inside of a reservation with what they have to be, from the lowest address to the highest:
 * the caller says what each region shows, and what lies between is the background of its zone.
 */
public final class PageInspector {
    private static final String NO_ACCESS = "---p";
    private static final String READ_ONLY = "r--p";
    private static final String READ_WRITE = "rw-p";

    private final Reservation reservation;
    private final Findings findings;
    private final List<KernelMappings.Entry> mappings;
    private final RangeSet exempt = new RangeSet();
    private final long anonymousEnd;
    private final long mappedStart;
    private final boolean parked;
    private long at;

    /** For the mappings of this moment. */
    public PageInspector(final Reservation reservation, final Findings findings) {
        this.reservation = reservation;
        this.findings = findings;
        this.mappings = within(reservation);
        this.anonymousEnd = reservation.mappedLimit();
        this.mappedStart = reservation.anonymousLimit();
        this.parked = (boolean) Behind.field(reservation, "parked");
        reservation.lostRanges().forEach(this::exempt);
        reservation.quarantinedRanges().forEach(this::exempt);
        checkWhole();
    }

    private static List<KernelMappings.Entry> within(final Reservation reservation) {
        return KernelMappings.within(reservation.base(), reservation.base() + reservation.capacity());
    }

    /** How many mappings the kernel has inside of a reservation. */
    public static int mappings(final Reservation reservation) {
        return within(reservation).size();
    }

    private void exempt(final AddressRange range) {
        for (final AddressRange part : exempt.outside(range.offset(), range.end())) {
            exempt.add(part.offset(), part.end());
        }
    }

    private void checkWhole() {
        long next = reservation.base();
        for (final KernelMappings.Entry mapping : mappings) {
            checkHole(next, mapping.start());
            next = Math.max(next, mapping.end());
        }
        checkHole(next, reservation.base() + reservation.capacity());
    }

    private void checkHole(final long from, final long to) {
        if (from < to) {
            for (final AddressRange part : exempt.outside(from - reservation.base(), to - reservation.base())) {
                findings.add("a hole in the reservation: " + part);
            }
        }
    }

    /** All up to here is the background of its zone, but for what was asked about before. */
    public void background(final long to) {
        final long from = at;
        at = Math.max(at, to);
        if (from < to) {
            forEach(from, to, this::checkBackground);
        }
    }

    /** These pages are a file's. */
    public void file(final long from, final long to, final long fileOffset, final FileAccess access,
                     final boolean writable) {
        background(from);
        at = Math.max(at, to);
        final String wanted = (writable ? "rw-" : "r--") + (access.isPrivate() ? 'p' : 's');
        forEach(from, to, (start, end, mapping) -> findings.require(mapping.isFile() && mapping.access().equals(wanted) &&
            mapping.offset() + (start + reservation.base() - mapping.start()) == fileOffset + (start - from),
            "pages are not the file's: wanted=" + wanted + " at " + fileOffset + ", found=" + mapping + ", start", start));
    }

    /** These pages are memory. */
    public void anonymous(final long from, final long to, final boolean writable) {
        background(from);
        at = Math.max(at, to);
        final String wanted = writable ? READ_WRITE : READ_ONLY;
        forEach(from, to, (start, end, mapping) -> findings.require(mapping.isAnonymous(wanted),
            "pages are no memory: wanted=" + wanted + ", found=" + mapping + ", start", start));
    }

    /** Nothing is said of what lies between here and what was asked about last. */
    public void skip(final long from, final long to) {
        background(from);
        at = Math.max(at, to);
    }

    private void checkBackground(final long start, final long end, final KernelMappings.Entry mapping) {
        final boolean usual;
        if (parked) {
            usual = mapping.isAnonymous(READ_ONLY) || mapping.isAnonymous(NO_ACCESS);
        } else if (start < anonymousEnd) {
            usual = mapping.isAnonymous(READ_WRITE);
        } else if (start >= mappedStart) {
            usual = mapping.isAnonymous(READ_ONLY);
        } else {
            usual = mapping.isAnonymous(NO_ACCESS) || mapping.isAnonymous(READ_ONLY); // of an earlier space in the range
        }
        findings.require(usual, "pages are not their zone's background: " + mapping + ", parked=" + parked +
            ", anonymousEnd=" + anonymousEnd + ", mappedStart=" + mappedStart + ", start", start);
    }

    /** What is seen of a mapping between two offsets. */
    @FunctionalInterface
    private interface Seen {
        void look(long start, long end, KernelMappings.Entry mapping);
    }

    /** Calls back for each part of a mapping in a range that neither is exempt nor crosses a watermark. */
    private void forEach(final long from, final long to, final Seen seen) {
        for (final AddressRange part : exempt.outside(from, to)) {
            for (int i = firstBehind(part.offset()); i < mappings.size(); i++) {
                final KernelMappings.Entry mapping = mappings.get(i);
                final long start = Math.max(part.offset(), mapping.start() - reservation.base());
                final long end = Math.min(part.end(), mapping.end() - reservation.base());
                if (start >= end) {
                    break;
                }
                parts(start, end, mapping, seen);
            }
        }
    }

    /** Index of the first mapping that ends behind an offset. */
    private int firstBehind(final long offset) {
        int low = 0;
        int high = mappings.size();
        while (low < high) {
            final int middle = low + high >>> 1;
            if (mappings.get(middle).end() - reservation.base() <= offset) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private void parts(final long start, final long end, final KernelMappings.Entry mapping, final Seen seen) {
        long from = start;
        for (final long border : new long[] {anonymousEnd, mappedStart}) {
            if (from < border && border < end) {
                seen.look(from, border, mapping);
                from = border;
            }
        }
        seen.look(from, end, mapping);
    }
}
