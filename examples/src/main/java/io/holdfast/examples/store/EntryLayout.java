// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * One record of a segment file, as it lies in a byte array that was copied out of the mapping. Little-endian:
 *
 * <pre>
 *    0         4            8              12        16               24
 *    CHECKSUM  KEY_LENGTH   VALUE_LENGTH   KIND      SEQUENCE         key, then value
 * </pre>
 *
 * <p>CHECKSUM is the CRC32C of everything behind it. KIND is a value or a tombstone, and CONTINUED if the record belongs
 * to the same batch as the next one; it is never zero, so a zero header is the untouched end of a segment. A record that
 * is continued counts only if the last one of its batch is there; once the segment is sealed, it is.
 *
 * <p>All methods work on copies and never on mapped memory: a checksum intrinsic that runs into a page which
 * somebody truncated away ends the process, a copy does not.
 */
final class EntryLayout {
    static final int KIND_END = 0;
    static final int KIND_VALUE = 1;
    static final int KIND_TOMBSTONE = 2;
    private static final int CONTINUED = 4;

    static final int CHECKSUM_OFFSET = 0;
    static final int KEY_LENGTH_OFFSET = CHECKSUM_OFFSET + Integer.BYTES;
    static final int VALUE_LENGTH_OFFSET = KEY_LENGTH_OFFSET + Integer.BYTES;
    static final int KIND_OFFSET = VALUE_LENGTH_OFFSET + Integer.BYTES;
    static final int SEQUENCE_OFFSET = KIND_OFFSET + Integer.BYTES;
    static final int HEADER_LENGTH = SEQUENCE_OFFSET + Long.BYTES;

    /** Longest key in bytes of UTF-8. */
    static final int KEY_LENGTH_MAX = 1 << 16;

    private static final VarHandle INT =
        MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN).withInvokeExactBehavior();
    private static final VarHandle LONG =
        MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN).withInvokeExactBehavior();

    private EntryLayout() {
    }

    /** Length in bytes of a record with these parts. */
    static long length(final long keyLength, final long valueLength) {
        return HEADER_LENGTH + keyLength + valueLength;
    }

    /**
     * Writes a whole record, checksum included.
     *
     * @param target receives it
     * @param offset first byte of the record in the target
     * @param continued whether the next record belongs to the same batch
     */
    static void write(
        final byte[] target,
        final int offset,
        final int kind,
        final boolean continued,
        final long sequence,
        final byte[] key,
        final byte[] value) {
        INT.set(target, offset + KEY_LENGTH_OFFSET, key.length);
        INT.set(target, offset + VALUE_LENGTH_OFFSET, value.length);
        INT.set(target, offset + KIND_OFFSET, continued ? kind | CONTINUED : kind);
        LONG.set(target, offset + SEQUENCE_OFFSET, sequence);
        System.arraycopy(key, 0, target, offset + HEADER_LENGTH, key.length);
        System.arraycopy(value, 0, target, offset + HEADER_LENGTH + key.length, value.length);
        final int length = Math.toIntExact(length(key.length, value.length));
        INT.set(target, offset + CHECKSUM_OFFSET, checksum(target, offset, length));
    }

    /** KIND_END, KIND_VALUE or KIND_TOMBSTONE, or what no record has. */
    static int kind(final byte[] entry) {
        return (int) INT.get(entry, KIND_OFFSET) & ~CONTINUED;
    }

    /** Whether the next record belongs to the same batch. */
    static boolean isContinued(final byte[] entry) {
        return ((int) INT.get(entry, KIND_OFFSET) & CONTINUED) != 0;
    }

    static long sequence(final byte[] entry) {
        return (long) LONG.get(entry, SEQUENCE_OFFSET);
    }

    static int keyLength(final byte[] entry) {
        return (int) INT.get(entry, KEY_LENGTH_OFFSET);
    }

    static int valueLength(final byte[] entry) {
        return (int) INT.get(entry, VALUE_LENGTH_OFFSET);
    }

    static String key(final byte[] entry) {
        return new String(entry, HEADER_LENGTH, keyLength(entry), StandardCharsets.UTF_8);
    }

    /** A copy of the value. */
    static byte[] value(final byte[] entry) {
        final byte[] value = new byte[valueLength(entry)];
        System.arraycopy(entry, HEADER_LENGTH + keyLength(entry), value, 0, value.length);
        return value;
    }

    /**
     * Length in bytes of the record whose header this is, or -1 if no record can have such a header.
     *
     * @param header at least {@link #HEADER_LENGTH} bytes
     * @param room how many bytes the record may have at most
     */
    static int lengthIfPlausible(final byte[] header, final long room) {
        final int kind = kind(header);
        final int keyLength = keyLength(header);
        final int valueLength = valueLength(header);
        if ((kind != KIND_VALUE && kind != KIND_TOMBSTONE) || keyLength < 0 || keyLength > KEY_LENGTH_MAX ||
            valueLength < 0) {
            return -1;
        }
        final long length = length(keyLength, valueLength);
        return length <= room && length <= Integer.MAX_VALUE ? (int) length : -1;
    }

    /** Whether the checksum fits the {@code length} bytes of the record. */
    static boolean isIntact(final byte[] entry, final int length) {
        return (int) INT.get(entry, CHECKSUM_OFFSET) == checksum(entry, 0, length);
    }

    private static int checksum(final byte[] bytes, final int offset, final int length) {
        final CRC32C crc = new CRC32C();
        crc.update(bytes, offset + KEY_LENGTH_OFFSET, length - KEY_LENGTH_OFFSET);
        return (int) crc.getValue();
    }
}
