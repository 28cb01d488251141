// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.MappingException;
import io.holdfast.Region;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens spaces where the process may not have any number of addresses ({@code ulimit -v}), and works in small ones. */
final class LimitedAddressesProgram {
    private static final long SMALL = 64L << 20;
    private static final int SPACES = 1000;

    private LimitedAddressesProgram() {
    }

    public static void main(final String[] args) throws IOException {
        for (final long capacity : new long[] {AddressSpace.DEFAULT_CAPACITY, 1L << 45}) {
            try (AddressSpace space = AddressSpace.builder().name("large").capacity(capacity).open()) {
                System.out.println("granted: " + space);
            } catch (final MappingException e) {
                System.out.println("refused with " + e.errno() + ": " + e.getMessage());
            }
        }
        final Path file = Files.createTempFile("limited", ".dat");
        Files.write(file, new byte[100]);
        for (int i = 0; i < SPACES; i++) {
            // Together these would be far more than is allowed, were their addresses not used again.
            try (AddressSpace space = AddressSpace.builder().capacity(SMALL - 4096L * i).open()) {
                final Region region = space.map(SMALL / 2);
                SpaceFixture.put(region, 0, i);
                space.map(FileBacking.readWrite(file)).unmap();
                if (SpaceFixture.get(region, 0) != i) {
                    throw new AssertionError("round " + i);
                }
            }
        }
        Files.delete(file);
        System.out.println("worked in " + SPACES + " small spaces");
    }
}
