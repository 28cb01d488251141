// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.Region;

/** What tests look at behind the contracts. */
final class Inside {
    private Inside() {
    }

    static SpaceHandle inside(final AddressSpace space) {
        return (SpaceHandle) space;
    }

    static RegionHandle inside(final Region region) {
        return (RegionHandle) region;
    }

    static SpaceBuilder inside(final AddressSpace.Builder builder) {
        return (SpaceBuilder) builder;
    }

    /** Waits until whoever begins to register spaces for monitoring has ended. */
    static void awaitMonitoring() throws InterruptedException {
        for (final Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals("holdfast-monitoring")) {
                thread.join();
            }
        }
    }
}
