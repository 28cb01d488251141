// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.ref.WeakReference;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BooleanSupplier;

/**
 * Keeps nothing of a copy of the library but an optimistic segment of a closed space, and says whether it can be read when
 * the class loader is gone, and whether its addresses are gone when it is forgotten too.
 */
final class UnloadedProgram {
    private static final long CAPACITY = 1L << 34;
    private static final long PATIENCE_NS = 60_000_000_000L;
    private static final int MORE = 20;

    private static MemorySegment late;

    private UnloadedProgram() {
    }

    public static void main(final String[] args) throws Exception {
        final WeakReference<ClassLoader> loader = openAndClose();
        System.out.println(await(() -> loader.refersTo(null)) ? "classes collected" : "classes kept");
        for (int i = 0; i < MORE; i++) { // the JDK unmaps some time after that
            System.gc();
            Thread.sleep(10);
        }
        final long address = late.address();
        System.out.println("reads " + late.get(ValueLayout.JAVA_LONG, 0) + ", " + (isMapped(address) ? "there" : "gone"));
        late = MemorySegment.NULL;
        System.out.println(await(() -> !isMapped(address)) ? "addresses given back" : "addresses kept");
    }

    private static WeakReference<ClassLoader> openAndClose() throws Exception {
        try (URLClassLoader loader =
                 new URLClassLoader(RedeployProgram.classPath(), ClassLoader.getPlatformClassLoader())) {
            try (AutoCloseable space = RedeployProgram.open(loader, CAPACITY)) {
                final Object region = loader.loadClass("io.holdfast.AddressSpace").getMethod("map", long.class)
                    .invoke(space, 4096L);
                late = (MemorySegment) loader.loadClass("io.holdfast.Region").getMethod("optimisticSegment").invoke(region);
            }
            return new WeakReference<>(loader);
        }
    }

    /** Whether the page is in one of the kernel's mappings. */
    private static boolean isMapped(final long address) {
        try {
            return Files.readAllLines(Path.of("/proc/self/maps")).stream().anyMatch(line -> {
                final int dash = line.indexOf('-');
                return Long.parseUnsignedLong(line.substring(0, dash), 16) <= address &&
                    Long.parseUnsignedLong(line.substring(dash + 1, line.indexOf(' ')), 16) > address;
            });
        } catch (final IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean await(final BooleanSupplier condition) throws InterruptedException {
        final long end = System.nanoTime() + PATIENCE_NS;
        while (!condition.getAsBoolean() && System.nanoTime() < end) {
            System.gc();
            Thread.sleep(1);
        }
        return condition.getAsBoolean();
    }
}
