// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.nio.file.Path;

/** Writes through a region, forces it, says so, and waits to be killed. */
final class ForcingProgram {
    static final int LENGTH = 200_000;
    static final String SAID = "forced";

    private ForcingProgram() {
    }

    public static void main(final String[] args) throws InterruptedException {
        final AddressSpace space = AddressSpace.builder().capacity(1 << 24).open();
        final Region region = space.map(FileBacking.readWrite(Path.of(args[0])).range(0, LENGTH / 2)
            .growableTo(LENGTH));
        region.grow(LENGTH);
        try (Guard guard = region.shareWritable()) {
            for (long i = 0; i + Long.BYTES <= LENGTH; i += Long.BYTES) {
                guard.segment().set(JAVA_LONG, i, ~i);
            }
        }
        region.force(0, LENGTH / 2);
        region.split(16 * SpaceFixture.PAGE).getLast().force();
        System.out.println(SAID);
        Thread.currentThread().join();
    }
}
