// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.AddressSpace;
import io.holdfast.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Unmapping many regions without waiting for each: every call turns readers away at once and returns; the memory is
 * given back in the background, whole batches at a time, and the stages say when.
 */
public final class AsyncUnmapExample {
    private static final long REGION_BYTES = 64 << 10;

    private AsyncUnmapExample() {
    }

    /**
     * Runs the program.
     *
     * @param args none
     */
    public static void main(final String[] args) {
        System.out.println("regions left: " + regionsLeft(1_000));
    }

    static long regionsLeft(final int count) {
        try (AddressSpace space = AddressSpace.open()) {
            final List<Region> regions = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                regions.add(space.map(REGION_BYTES));
            }
            final List<CompletableFuture<Void>> unmapped = new ArrayList<>();
            for (final Region region : regions) {
                unmapped.add(region.unmapAsync().toCompletableFuture());
            }
            CompletableFuture.allOf(unmapped.toArray(CompletableFuture<?>[]::new)).join();
            return space.statistics().regions();
        }
    }
}
