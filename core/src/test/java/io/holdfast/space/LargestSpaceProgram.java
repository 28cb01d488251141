// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.MapRequest;
import io.holdfast.Region;

/** Opens the largest space that there can be, beside one of the usual size, and uses both of its ends. */
final class LargestSpaceProgram {
    static final long CAPACITY = 32L << 40;

    private LargestSpaceProgram() {
    }

    public static void main(final String[] args) {
        try (AddressSpace usual = AddressSpace.open();
            AddressSpace space = AddressSpace.builder().capacity(CAPACITY).open()) {
            final long size = 1L << 20;
            for (final Region region : new Region[] {usual.map(size), space.map(size),
                space.map(MapRequest.anonymous(size).at(CAPACITY - size))}) {
                SpaceFixture.put(region, size - Long.BYTES, 7);
                if (SpaceFixture.get(region, size - Long.BYTES) != 7 || SpaceFixture.get(region, 0) != 0) {
                    System.exit(1);
                }
            }
            System.out.println("mapped in " + space.capacity());
        }
        System.exit(0);
    }
}
