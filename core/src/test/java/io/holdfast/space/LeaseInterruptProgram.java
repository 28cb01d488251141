// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.Lease;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Reads through a lease while eras end without a delay, by a thread that counts its interrupts and by one that was
 * interrupted before. To be run by the interpreter alone, in which a thread can be found inside an access.
 */
final class LeaseInterruptProgram {
    private static final int ERAS = 1_500;

    private LeaseInterruptProgram() {
    }

    public static void main(final String[] args) throws InterruptedException {
        final AtomicBoolean stop = new AtomicBoolean();
        try (AddressSpace space = // no thread closes at the same time as another
                 AddressSpace.builder().startReclaimer(false).eras(Duration.ofDays(1), Duration.ZERO).open()) {
            final Lease lease = space.map(1 << 12).lease();
            final Thread counting = Thread.ofPlatform().start(() -> {
                int interrupts = 0;
                while (!stop.get()) {
                    lease.getLong(8);
                    interrupts += Thread.interrupted() ? 1 : 0;
                }
                System.out.println("interrupts: " + interrupts);
            });
            final Thread interrupted = Thread.ofPlatform().start(() -> {
                Thread.currentThread().interrupt();
                while (!stop.get()) {
                    lease.getLong(8);
                }
                System.out.println("still interrupted: " + Thread.interrupted());
            });
            while (!interrupted.isInterrupted()) {
                Thread.onSpinWait();
            }
            for (int i = 0; i < ERAS; i++) {
                final var passing = space.map(1 << 12);
                passing.lease();
                passing.unmap();
            }
            stop.set(true);
            counting.join();
            interrupted.join();
        }
    }
}
