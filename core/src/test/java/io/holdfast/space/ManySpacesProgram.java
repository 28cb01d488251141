// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.Region;
import java.util.ArrayList;
import java.util.List;

/** Has many spaces open at a time, whose capacity it leaves to the library; then one that needs much of what there is. */
final class ManySpacesProgram {
    private ManySpacesProgram() {
    }

    public static void main(final String[] args) {
        final int count = Integer.parseInt(args[0]);
        final List<AddressSpace> spaces = new ArrayList<>();
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            spaces.add(AddressSpace.open());
            regions.add(spaces.getLast().map(1 << 20));
            SpaceFixture.put(regions.getLast(), 0, i);
        }
        for (int i = 0; i < count; i++) {
            if (SpaceFixture.get(regions.get(i), 0) != i) {
                throw new AssertionError("space " + i);
            }
        }
        spaces.forEach(AddressSpace::close);
        try (AddressSpace large = AddressSpace.builder().capacity(16L << 40).open()) {
            large.map(1 << 20);
        }
        System.out.println("opened " + spaces.size());
    }
}
