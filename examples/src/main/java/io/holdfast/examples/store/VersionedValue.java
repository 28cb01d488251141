// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * What the job stores under a key: the content of the source, then eight bytes of version. Overwriting a key raises the
 * version and keeps the content, so that every value ever stored can be checked against the source.
 */
final class VersionedValue {
    private static final VarHandle VERSION =
        MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN).withInvokeExactBehavior();

    private VersionedValue() {
    }

    /** A first value, of version 0. */
    static byte[] of(final byte[] content) {
        return Arrays.copyOf(content, content.length + Long.BYTES);
    }

    /** Whether this can be a value at all. */
    static boolean isComplete(final byte[] value) {
        return value.length >= Long.BYTES;
    }

    static long version(final byte[] value) {
        return (long) VERSION.get(value, value.length - Long.BYTES);
    }

    static void setVersion(final byte[] value, final long version) {
        VERSION.set(value, value.length - Long.BYTES, version);
    }

    /** CRC32C of the content. */
    static int checksum(final byte[] value) {
        final CRC32C crc = new CRC32C();
        crc.update(value, 0, value.length - Long.BYTES);
        return (int) crc.getValue();
    }
}
