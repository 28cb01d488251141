// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.layout.RecordLayout;

/**
 * A record as a key of a hash table. Addresses of records are multiples of {@value RecordLayout#BYTES}, so as they are they
 * would share one of so many places of the table: long lists, and a lock for each that threads wait for.
 */
final class RecordKey {
    private final long record;

    RecordKey(final long record) {
        this.record = record;
    }

    long record() {
        return record;
    }

    @Override
    public boolean equals(final Object other) {
        return other instanceof final RecordKey key && key.record == record;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(record / RecordLayout.BYTES);
    }
}
