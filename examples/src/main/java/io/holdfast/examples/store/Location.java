// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

/**
 * Where a record lies, usually the newest of its key. Immutable, and compared by identity: a reader that was refused asks
 * whether the index still holds the very object it looked up.
 */
final class Location {
    private final Segment segment;
    private final long offset;
    private final int length;
    private final long sequence;

    Location(final Segment segment, final long offset, final int length, final long sequence) {
        this.segment = segment;
        this.offset = offset;
        this.length = length;
        this.sequence = sequence;
    }

    Segment segment() {
        return segment;
    }

    /** First byte of the record in its segment. */
    long offset() {
        return offset;
    }

    /** Length of the record in bytes. */
    int length() {
        return length;
    }

    long sequence() {
        return sequence;
    }

    @Override
    public String toString() {
        return "Location[segment=" + segment.id() + ", offset=" + offset + ", length=" + length + ", sequence=" +
            sequence + "]";
    }
}
