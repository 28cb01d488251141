// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Region;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Runs by itself, with the module that it needs. */
class VectorExampleTest {
    @Test
    void vectorsMustBeScoredWhereTheyLie() {
        assertThat(VectorExample.nearest(200, 100)).isEqualTo(100);
        assertThat(VectorExample.nearest(51, 7)).isEqualTo(25); // less than one vector of the processor
    }

    @Test
    void sharedSegmentMustBeScoredUntilItsRegionIsUnmapped() {
        try (AddressSpace space = AddressSpace.open()) {
            final float[] vector = new float[67];
            Arrays.fill(vector, 3);
            final Region region = space.map(vector.length * (long) Float.BYTES);
            final MemorySegment kept = region.sharedSegment();
            MemorySegment.copy(vector, 0, kept, ValueLayout.JAVA_FLOAT, 0, vector.length);
            assertThat(VectorExample.squaredDistance(kept, 0, vector)).isZero();
            region.unmap();
            assertThatThrownBy(() -> VectorExample.squaredDistance(kept, 0, vector))
                .isInstanceOf(IllegalStateException.class);
        }
    }
}
