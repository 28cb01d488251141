// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.AddressSpace;
import io.holdfast.ReadSection;
import io.holdfast.Region;
import io.holdfast.RegionInfo;
import io.holdfast.WriteSection;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A table in several regions, of which now and then another version takes the place of the old one: all regions at once, in
 * one write section. Whoever looks meanwhile finds one version or the other, never parts of both and never a gap.
 */
public final class WriteSectionExample {
    private static final int PARTS = 4;
    private static final long PART_BYTES = 64 << 10;

    private WriteSectionExample() {
    }

    /**
     * Runs the program.
     *
     * @param args none
     * @throws InterruptedException if the thread is interrupted
     */
    public static void main(final String[] args) throws InterruptedException {
        System.out.println("looks that did not find a whole version: " + brokenLooks(10_000));
    }

    static long brokenLooks(final int looks) throws InterruptedException {
        try (AddressSpace space = AddressSpace.open()) {
            final List<Region> first = replace(space, List.of(), 0);
            final AtomicBoolean stop = new AtomicBoolean();
            final Thread writer = Thread.ofPlatform().name("writer").start(() -> {
                List<Region> parts = first;
                for (long version = 1; !stop.get(); version++) {
                    parts = replace(space, parts, version);
                }
            });
            long broken = 0;
            for (int i = 0; i < looks; i++) {
                broken += isWhole(space) ? 0 : 1;
            }
            stop.set(true);
            writer.join();
            return broken;
        }
    }

    /** Puts a version in the place of another one; if anything fails, all of the old one is there as before. */
    private static List<Region> replace(final AddressSpace space, final List<Region> old, final long version) {
        final List<Region> fresh = new ArrayList<>();
        try (WriteSection section = space.write()) {
            for (int i = 0; i < PARTS; i++) {
                final Region part = section.map(PART_BYTES * (1 + version % 2)); // the versions differ in their sizes
                section.segment(part).set(ValueLayout.JAVA_LONG, 0, version); // nobody else can see it yet
                fresh.add(part);
            }
            old.forEach(section::unmap); // turns readers away and waits for those inside
            section.publish(); // all of it, in one step
        }
        return fresh;
    }

    private static boolean isWhole(final AddressSpace space) {
        try (ReadSection section = space.read(0, space.capacity())) {
            final List<RegionInfo> parts = section.space().maps();
            return parts.size() == PARTS && parts.stream().mapToLong(RegionInfo::size).distinct().count() == 1;
        }
    }
}
