// SPDX-License-Identifier: Apache-2.0
package io.holdfast.top;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.Region;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.management.ObjectName;

/** A process that is looked at: has regions, an unmap that waits and a pinned thread, until its input ends. */
final class Watched {
    private static final int PAGE = 4096;

    private Watched() {
    }

    public static void main(final String[] args) throws Exception {
        final Path file = Files.createTempFile("holdfast-top", ".data");
        Files.write(file, new byte[64 * PAGE]);
        try (AddressSpace space = AddressSpace.builder().name("orders").open();
            AddressSpace _ = AddressSpace.builder().name("empty").capacity(1 << 24).open()) {
            final Region index = space.map(MapRequest.file(FileBacking.readOnly(file)).named("index"));
            space.map(MapRequest.anonymous(16 * PAGE).named("cache"));
            final Region old = space.map(MapRequest.anonymous(PAGE).named("old"));
            for (int i = 0; i < 100; i++) {
                space.map(PAGE).unmap();
            }
            try (Guard _ = old.share()) {
                old.unmapAsync();
                try (Pin pin = space.pin()) {
                    if (pin.find(index.address()) != null && awaitSeen("empty")) {
                        System.out.println("ready");
                        while (System.in.read() >= 0) {
                            space.map(PAGE);
                        }
                    }
                }
            }
        } finally {
            Files.delete(file);
        }
    }

    private static boolean awaitSeen(final String name) throws Exception {
        while (!ManagementFactory.getPlatformMBeanServer()
            .isRegistered(new ObjectName("io.holdfast:type=AddressSpace,name=" + name))) {
            Thread.onSpinWait();
        }
        return true;
    }
}
