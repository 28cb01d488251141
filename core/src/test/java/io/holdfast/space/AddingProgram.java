// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.Lease;
import io.holdfast.Region;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Adds through a lease in one thread while another ends eras as fast as it can, until the JVM has logged that a close found
 * an access in flight, and says by how much the sums are off.
 */
final class AddingProgram {
    private static final int PATIENCE = 50;

    private AddingProgram() {
    }

    public static void main(final String[] args) throws IOException, InterruptedException {
        final int eras = Integer.parseInt(args[0]);
        try (AddressSpace space = AddressSpace.builder().capacity(1 << 24).eras(Duration.ZERO, Duration.ZERO).open()) {
            final Lease lease = space.map(4096).lease();
            final AtomicBoolean done = new AtomicBoolean();
            final long[] rounds = new long[1];
            final Thread adding = Thread.ofPlatform().start(() -> {
                while (!done.get()) {
                    add(lease);
                    rounds[0]++;
                }
            });
            int ended = 0;
            while (ended < eras || ended % eras != 0 || !hasHit(Path.of(args[1])) && ended < PATIENCE * eras) {
                final Region other = space.map(4096);
                other.lease();
                other.unmap();
                ended++;
            }
            done.set(true);
            adding.join();
            System.out.println("eras=" + space.statistics().eras() + " rounds=" + rounds[0] + " added=" +
                (lease.getLongVolatile(0) - rounds[0]) + " set=" + (lease.getLongVolatile(8) - rounds[0]) + " exchanged=" +
                (lease.getIntVolatile(16) - (int) rounds[0]) + " put=" + (lease.getLongVolatile(24) - rounds[0]));
        }
    }

    private static boolean hasHit(final Path log) throws IOException {
        return Files.readString(log).contains("Async. exception installed");
    }

    private static void add(final Lease lease) {
        lease.getAndAddLong(0, 1);
        final long seen = lease.getAndSetLong(8, -1);
        lease.putLongRelease(8, seen + 1);
        final int count = lease.getIntVolatile(16);
        if (lease.compareAndExchangeInt(16, count, count + 1) != count) {
            lease.putIntVolatile(16, Integer.MIN_VALUE);
        }
        lease.putLongVolatile(24, lease.getLongVolatile(24) + 1);
    }
}
