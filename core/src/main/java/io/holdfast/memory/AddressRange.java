// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

/**
 * A range of a reservation.
 *
 * @param offset the first byte, from the reservation's base
 * @param length how many bytes
 */
public record AddressRange(long offset, long length) {
    /** {@return the offset after the last byte} */
    public long end() {
        return offset + length;
    }

    /** Whether any byte of another range, given by its first offset and the one after its last, is in this one. */
    public boolean overlaps(final long otherOffset, final long otherEnd) {
        return offset < otherEnd && otherOffset < end();
    }
}
