// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes that are made together by {@link Store#apply}: after a crash all of them are there or none, and a
 * {@linkplain Store#snapshot() snapshot} has all of them or none. Of two writes of one key the later one counts. Belongs
 * to one thread; can be applied any number of times.
 */
public final class Batch {
    private static final byte[] NOTHING = {};

    private final List<Write> writes = new ArrayList<>();
    private long length;
    private boolean onlyDeletes = true;

    /** One write, as it will be a record. */
    static final class Write {
        private final int kind;
        private final String key;
        private final byte[] keyBytes;
        private final byte[] value;

        private Write(final int kind, final String key, final byte[] value) {
            this.kind = kind;
            this.key = key;
            this.keyBytes = encode(key);
            this.value = value;
        }

        boolean isValue() {
            return kind == EntryLayout.KIND_VALUE;
        }

        String key() {
            return key;
        }

        /** Length in bytes of the record. */
        long length() {
            return EntryLayout.length(keyBytes.length, value.length);
        }
    }

    /** Creates a batch without writes. */
    public Batch() {
    }

    /**
     * Adds: give a key a value in place of the one it had.
     *
     * @param key at most 64 KiB of UTF-8
     * @param value any bytes; not copied, so leave them alone until the batch has been applied
     * @return this batch
     * @throws IllegalArgumentException if the key is too long or no valid text, or a batch of that length fits into no
     *     segment
     */
    public Batch put(final String key, final byte[] value) {
        add(new Write(EntryLayout.KIND_VALUE, key, value));
        onlyDeletes = false;
        return this;
    }

    /**
     * Adds: take a key's value away, if it has one then.
     *
     * @param key at most 64 KiB of UTF-8
     * @return this batch
     * @throws IllegalArgumentException if the key is too long or no valid text, or a batch of that length fits into no
     *     segment
     */
    public Batch delete(final String key) {
        add(new Write(EntryLayout.KIND_TOMBSTONE, key, NOTHING));
        return this;
    }

    private void add(final Write write) {
        if (length + write.length() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("batch is too long: key=" + write.key() + ", bytes=" +
                (length + write.length()) + ", max=" + Integer.MAX_VALUE + "; split it");
        }
        length += write.length();
        writes.add(write);
    }

    private static byte[] encode(final String key) {
        final ByteBuffer bytes;
        try {
            bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(key));
        } catch (final CharacterCodingException e) {
            throw new IllegalArgumentException("key is no valid text: key=" + key + "; use paired surrogates", e);
        }
        if (bytes.remaining() > EntryLayout.KEY_LENGTH_MAX) {
            throw new IllegalArgumentException("key is too long: bytes=" + bytes.remaining() + ", max=" +
                EntryLayout.KEY_LENGTH_MAX);
        }
        final byte[] result = new byte[bytes.remaining()];
        bytes.get(result);
        return result;
    }

    List<Write> writes() {
        return writes;
    }

    /** Bytes of all records. */
    int length() {
        return (int) length;
    }

    /** Whether nothing is stored by it. */
    boolean onlyDeletes() {
        return onlyDeletes;
    }

    /** The records, one behind the other, numbered from {@code sequence} on, each but the last marked as continued. */
    byte[] encode(final long sequence) {
        final byte[] bytes = new byte[length()];
        int offset = 0;
        for (int i = 0; i < writes.size(); i++) {
            final Write write = writes.get(i);
            final boolean continued = i < writes.size() - 1;
            EntryLayout.write(bytes, offset, write.kind, continued, sequence + i, write.keyBytes, write.value);
            offset += (int) write.length();
        }
        return bytes;
    }
}
