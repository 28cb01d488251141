// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Vectors of a search index, scored where they lie: the Vector API loads from the segment of a guard, checked once for
 * each load. A long-lived scorer that is handed to other threads takes {@code region.sharedSegment()} instead.
 *
 * <p>Runs with {@code --add-modules jdk.incubator.vector}.
 */
public final class VectorExample {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final ByteOrder ORDER = ByteOrder.nativeOrder();

    private VectorExample() {
    }

    /**
     * Runs the program.
     *
     * @param args none
     */
    public static void main(final String[] args) {
        System.out.println("nearest of 1,000: " + nearest(1_000, 768));
    }

    /** The number of the stored vector that is nearest to the query, which is a copy of the middle one. */
    static int nearest(final int count, final int dimension) {
        try (AddressSpace space = AddressSpace.open()) {
            final long stride = (long) dimension * Float.BYTES;
            final Region index = space.map(count * stride);
            try (Guard guard = index.exclusive()) {
                for (long i = 0; i < (long) count * dimension; i++) {
                    guard.segment().setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) Math.sin(i * i * 0.001));
                }
            }
            int nearest = -1;
            try (Guard guard = index.share()) {
                final MemorySegment vectors = guard.segment();
                final float[] query =
                    vectors.asSlice(count / 2 * stride, stride).toArray(ValueLayout.JAVA_FLOAT);
                float smallest = Float.MAX_VALUE;
                for (int i = 0; i < count; i++) {
                    final float distance = squaredDistance(vectors, i * stride, query);
                    if (distance < smallest) {
                        smallest = distance;
                        nearest = i;
                    }
                }
            }
            index.unmap();
            return nearest;
        }
    }

    /** The distance of a query to a vector that lies at an offset. */
    static float squaredDistance(final MemorySegment vectors, final long offset, final float[] query) {
        FloatVector sum = FloatVector.zero(SPECIES);
        int i = 0;
        for (; i < SPECIES.loopBound(query.length); i += SPECIES.length()) {
            final FloatVector stored =
                FloatVector.fromMemorySegment(SPECIES, vectors, offset + (long) i * Float.BYTES, ORDER);
            final FloatVector difference = stored.sub(FloatVector.fromArray(SPECIES, query, i));
            sum = difference.fma(difference, sum);
        }
        float total = sum.reduceLanes(VectorOperators.ADD);
        for (; i < query.length; i++) {
            final float difference = vectors.get(ValueLayout.JAVA_FLOAT, offset + (long) i * Float.BYTES) - query[i];
            total += difference * difference;
        }
        return total;
    }
}
