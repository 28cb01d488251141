// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Region;
import java.nio.file.Path;

/** Opens the largest usual space, uses a little of either zone, says so, and waits to be killed. */
final class LargeSpaceProgram {
    static final String SAID = "opened";
    static final long CAPACITY = 1L << 40;

    private LargeSpaceProgram() {
    }

    public static void main(final String[] args) throws InterruptedException {
        final AddressSpace space = AddressSpace.builder().capacity(CAPACITY).open();
        final Region anonymous = space.map(1 << 20);
        AnonymousRegionTest.fill(anonymous, (byte) 1);
        space.map(FileBacking.readOnly(Path.of(args[0])));
        System.out.println(SAID);
        Thread.currentThread().join();
    }
}
