// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Two longs that always change together. The writer changes them under an exclusive guard; readers read both without
 * any lock and ask afterwards whether somebody was in between, in the manner of
 * {@link java.util.concurrent.locks.StampedLock}.
 */
public final class OptimisticReadExample {
    private static final long FIRST = 0;
    private static final long SECOND = Long.BYTES;

    private OptimisticReadExample() {
    }

    /**
     * Runs the program.
     *
     * @param args none
     * @throws InterruptedException if the thread is interrupted
     */
    public static void main(final String[] args) throws InterruptedException {
        System.out.println("pairs that did not match: " + mismatches(1_000_000));
    }

    static long mismatches(final int reads) throws InterruptedException {
        try (AddressSpace space = AddressSpace.open()) {
            final Region pair = space.map(2 * Long.BYTES);
            final AtomicBoolean stop = new AtomicBoolean();
            final Thread writer = Thread.ofPlatform().name("writer").start(() -> {
                for (long i = 0; !stop.get(); i++) {
                    try (Guard guard = pair.exclusive()) {
                        guard.segment().set(ValueLayout.JAVA_LONG, FIRST, i);
                        guard.segment().set(ValueLayout.JAVA_LONG, SECOND, -i);
                    }
                }
            });
            long mismatches = 0;
            for (int i = 0; i < reads; i++) {
                mismatches += sum(pair) == 0 ? 0 : 1;
            }
            stop.set(true);
            writer.join();
            return mismatches;
        }
    }

    /** Reads both, optimistically if nobody disturbs it, else under a guard. */
    private static long sum(final Region pair) {
        final long stamp = pair.tryOptimisticRead();
        if (stamp != 0) {
            final long sum = sum(pair.optimisticSegment());
            if (pair.validate(stamp)) {
                return sum;
            }
        }
        try (Guard guard = pair.share()) {
            return sum(guard.segment());
        }
    }

    private static long sum(final MemorySegment segment) {
        return segment.get(ValueLayout.JAVA_LONG, FIRST) + segment.get(ValueLayout.JAVA_LONG, SECOND);
    }
}
