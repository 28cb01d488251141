// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The ranges that an edit has touched. */
class RangeListTest {
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void coalescedRangesMustCoverTheSameAndNeitherTouchNorFall(final long seed) {
        final Random random = new Random(seed);
        for (int round = 0; round < 500; round++) {
            final RangeList ranges = new RangeList();
            final BitSet expected = new BitSet();
            for (int i = random.nextInt(60); i > 0; i--) {
                final int start = random.nextInt(1000);
                final int end = start + 1 + random.nextInt(30);
                ranges.add(start, end);
                expected.set(start, end);
            }
            ranges.coalesce();
            final BitSet covered = new BitSet();
            long before = -1;
            for (int i = 0; i < ranges.size(); i++) {
                assertThat(ranges.start(i)).as("seed=%d, round=%d", seed, round).isGreaterThan(before);
                covered.set((int) ranges.start(i), (int) ranges.end(i));
                before = ranges.end(i);
            }
            assertThat(covered).as("seed=%d, round=%d", seed, round).isEqualTo(expected);
        }
    }
}
