// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

/**
 * Walks over the records of a segment from its start, each copied out and checked. Ends at the first place where no
 * intact record begins; {@link #isTorn()} tells a clean end from a damaged record. One buffer serves all records, so
 * the memory it needs is that of the longest record.
 */
final class SegmentScanner {
    private static final int BUFFER_LENGTH = 64 << 10;

    private final Segment segment;
    private final long limit;
    private byte[] buffer = new byte[BUFFER_LENGTH];
    private long offset;
    private int length;
    private boolean torn;

    /**
     * Creates a scanner that stands before the first record.
     *
     * @param segment to read; must stay mapped
     * @param limit no record reaches beyond this offset
     */
    SegmentScanner(final Segment segment, final long limit) {
        this.segment = segment;
        this.limit = limit;
    }

    /** Moves to the next record; false at the end, for good. */
    boolean next() {
        offset += length;
        length = 0;
        final long room = limit - offset;
        if (torn || room < EntryLayout.HEADER_LENGTH) {
            torn |= room > 0 && !isZero(room);
            return false;
        }
        copy(EntryLayout.HEADER_LENGTH);
        if (EntryLayout.kind(buffer) == EntryLayout.KIND_END) {
            torn = !isZero(EntryLayout.HEADER_LENGTH);
            return false;
        }
        final int plausible = EntryLayout.lengthIfPlausible(buffer, room);
        if (plausible < 0) {
            torn = true;
            return false;
        }
        if (plausible > buffer.length) {
            buffer = new byte[Math.max(plausible, (int) Math.min(Integer.MAX_VALUE >> 1, 2L * buffer.length))];
        }
        copy(plausible);
        if (!EntryLayout.isIntact(buffer, plausible)) {
            torn = true;
            return false;
        }
        length = plausible;
        return true;
    }

    private void copy(final int bytes) {
        if (!segment.read(offset, buffer, bytes)) {
            throw new IllegalStateException("segment is unmapped: " + segment);
        }
    }

    private boolean isZero(final long bytes) {
        copy((int) bytes);
        for (int i = 0; i < bytes; i++) {
            if (buffer[i] != 0) {
                return false;
            }
        }
        return true;
    }

    /** The record's bytes, from the start of an array that is longer and is used again for the next one. */
    byte[] entry() {
        return buffer;
    }

    /** Length in bytes of the record. */
    int length() {
        return length;
    }

    /** Offset of the record; after the end, of the first byte behind the last intact record. */
    long offset() {
        return offset;
    }

    /** Whether the scan ended at bytes that are neither a record nor zeros. */
    boolean isTorn() {
        return torn;
    }
}
