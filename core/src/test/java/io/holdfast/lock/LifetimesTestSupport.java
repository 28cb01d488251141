// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

/** Lets tests begin where the clock of snapshots ends. */
public final class LifetimesTestSupport {
    private LifetimesTestSupport() {
    }

    /** The next snapshot has this time. */
    public static void preset(final Lifetimes lifetimes, final long time) {
        lifetimes.clock.set(time);
    }
}
