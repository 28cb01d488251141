// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.layout.RecordLayout;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** Where records come to in hash tables. */
class RecordKeyTest {
    private static final long FIRST = 0x7f00_1234_0000L;
    private static final int RECORDS = 1 << 12;

    /** As {@code ConcurrentHashMap} has them, whose tables are powers of two. */
    private static int placeOf(final RecordKey key) {
        final int hash = key.hashCode();
        return (hash ^ hash >>> 16) & RECORDS - 1;
    }

    @Test
    void recordsThatStandTogetherMustEachHaveAPlaceOfTheirOwn() {
        assertThat(LongStream.range(0, RECORDS).mapToInt(i -> placeOf(new RecordKey(FIRST + i * RecordLayout.BYTES)))
            .distinct()).hasSize(RECORDS);
    }

    @Test
    void keysOfOneRecordMustBeEqual() {
        assertThat(new RecordKey(FIRST)).isEqualTo(new RecordKey(FIRST)).hasSameHashCodeAs(new RecordKey(FIRST))
            .isNotEqualTo(new RecordKey(FIRST + RecordLayout.BYTES)).isNotEqualTo(FIRST);
    }
}
