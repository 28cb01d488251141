// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.Pin;
import io.holdfast.Region;

/** Maps a million anonymous regions and says how many mappings of the kernel there are; exits with 0 if they are few. */
final class MillionRegionsProgram {
    private static final int REGIONS = 1_000_000;
    private static final int FEW = 8;
    private static final long BYTES = 4096;

    private MillionRegionsProgram() {
    }

    public static void main(final String[] args) {
        final AddressSpace space = AddressSpace.builder().capacity(1L << 34).open();
        try (space) {
            final int before = Resources.mappings(space).size();
            for (int i = 0; i < REGIONS; i++) {
                final Region region = space.map(BYTES);
                if (i % 1000 == 0) {
                    SpaceFixture.put(region, 0, i + 1);
                }
            }
            final int after = Resources.mappings(space).size();
            System.out.println(space.statistics().regions() + " regions, mappings before=" + before + ", after=" + after);
            int found = 0;
            try (Pin pin = space.pin()) {
                for (long i = 0; i < REGIONS; i += 1000) {
                    final Region region = pin.find(i * BYTES);
                    found += region != null && SpaceFixture.get(region, 0) == i + 1 ? 1 : 0;
                }
            }
            if (after > before + FEW || found != REGIONS / 1000 || space.statistics().regions() != REGIONS) {
                System.out.println("found=" + found);
                System.exit(1);
            }
        }
        System.out.println("closed with " + space.statistics().regions() + " regions");
        System.exit(0);
    }
}
