// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Region;
import io.holdfast.memory.ProcessLock;
import java.nio.file.Path;

/** Locks the whole process in memory between opening one space and another, and uses both. */
final class LockedProgram {
    static final long CAPACITY = 64L << 30;
    static final int REFUSED = 3;

    private LockedProgram() {
    }

    public static void main(final String[] args) throws Exception {
        final AddressSpace before = AddressSpace.builder().capacity(CAPACITY).open();
        use(before, Path.of(args[0]));
        if (!ProcessLock.lockAll()) {
            System.exit(REFUSED);
        }
        final AddressSpace after = AddressSpace.builder().capacity(CAPACITY * 2).open();
        use(before, Path.of(args[0]));
        use(after, Path.of(args[0]));
        final Path status = Path.of("/proc/self/status");
        System.out.println(CoreDumpTest.kibibytes(status, "VmRSS:") + " " + CoreDumpTest.kibibytes(status, "VmPTE:"));
    }

    private static void use(final AddressSpace space, final Path file) {
        final Region anonymous = space.map(1 << 20);
        AnonymousRegionTest.fill(anonymous, (byte) 1);
        anonymous.unmap();
        space.map(FileBacking.readOnly(file)).unmap();
        if (!AnonymousRegionTest.isFilled(space.map(1 << 20), (byte) 0)) {
            throw new AssertionError("not zero");
        }
    }
}
