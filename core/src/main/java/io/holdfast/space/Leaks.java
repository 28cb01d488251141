// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.epoch.Ledger;
import io.holdfast.event.LeakEvent;
import java.lang.System.Logger.Level;
import java.lang.ref.Cleaner;
import org.jspecify.annotations.Nullable;

/**
 * Says so when a guard or a hold is garbage and was never closed, if the place that took it was sampled. It ends nothing:
 * a lock belongs to its thread, and garbage is found late. Thread-safe.
 */
final class Leaks {
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    /** One thread for all spaces; it starts with the first one that is opened. */
    static final Cleaner CLEANER = Cleaner.create();

    private Leaks() {
    }

    /** Watches a guard for which the current thread has just taken the lock, if that was sampled. */
    static void watch(final GuardHandle guard, final RegionHandle region) {
        final Ledger.Entry taken = Ledger.lastSampled();
        if (taken != null) {
            try {
                final String space = region.space().name();
                final String left = "guard, region=0x" + Long.toHexString(region.address());
                CLEANER.register(guard, () -> {
                    if (Ledger.isOpen(taken)) {
                        report(space, left, taken);
                    }
                });
            } catch (final OutOfMemoryError e) {
                // The guard is granted all the same, and its loss is not seen.
            }
        }
    }

    /** Remembers where a hold was taken, if it is its turn, and watches it; null if it is not. */
    static Ledger.@Nullable Entry sample(final HoldHandle hold, final RegionHandle region) {
        try {
            final Ledger.Entry taken = Ledger.sampleHold(region.record());
            if (taken != null) {
                final String space = region.space().name();
                final String left = "hold, region=0x" + Long.toHexString(region.address());
                CLEANER.register(hold, () -> {
                    if (Ledger.remove(taken)) {
                        report(space, left, taken);
                    }
                });
            }
            return taken;
        } catch (final OutOfMemoryError e) {
            return null;
        }
    }

    private static void report(final String space, final String left, final Ledger.Entry taken) {
        LeakEvent.tell(space, left, taken);
        LOGGER.log(Level.WARNING, "left without being closed, and unmaps of the region wait for it: space=" + space +
            ", what=" + left + "; close it where it was taken", taken);
    }
}
