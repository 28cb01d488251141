// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Pin;
import io.holdfast.Region;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** Runs each way of reading in a loop of its own until the compilers are done with it. */
final class ReadLoopsProgram {
    private static final int ROUNDS = 4000;
    private static final int READS = 2000;

    private ReadLoopsProgram() {
    }

    public static void main(final String[] args) {
        try (AddressSpace space = AddressSpace.builder().capacity(1 << 24).open()) {
            final Region region = space.map(4096);
            long sum = 0;
            for (int i = 0; i < ROUNDS; i++) {
                sum += guard(region);
                sum += stamp(region);
                sum += optimistic(region);
                sum += pin(space);
                sum += pinnedFind(space);
                sum += counted(region);
            }
            System.out.println("sum=" + sum);
        }
    }

    private static long guard(final Region region) {
        long sum = 0;
        for (int i = 0; i < READS; i++) {
            try (Guard guard = region.share()) {
                sum += guard.segment().get(JAVA_LONG, 0);
            }
        }
        return sum;
    }

    private static long stamp(final Region region) {
        long sum = 0;
        for (int i = 0; i < READS; i++) {
            final long stamp = region.lockShared();
            try {
                sum += region.optimisticSegment().get(JAVA_LONG, 0);
            } finally {
                region.unlockShared(stamp);
            }
        }
        return sum;
    }

    private static long optimistic(final Region region) {
        long sum = 0;
        for (int i = 0; i < READS; i++) {
            final long stamp = region.tryOptimisticRead();
            final MemorySegment segment = region.optimisticSegment();
            final long value = segment.get(JAVA_LONG, 0);
            sum += region.validate(stamp) ? value : 1;
        }
        return sum;
    }

    private static long pin(final AddressSpace space) {
        long sum = 0;
        for (int i = 0; i < READS; i++) {
            try (Pin pin = space.pin()) {
                sum += pin == null ? 1 : 0;
            }
        }
        return sum;
    }

    private static long pinnedFind(final AddressSpace space) {
        long sum = 0;
        for (int i = 0; i < READS; i++) {
            try (Pin pin = space.pin()) {
                sum += Objects.requireNonNull(pin.find(0)).size();
            }
        }
        return sum;
    }

    /** This one has atomic operations, which must be seen. */
    private static long counted(final Region region) {
        long sum = 0;
        for (int i = 0; i < READS; i++) {
            final long stamp = region.lockCounted();
            sum += region.optimisticSegment().get(JAVA_LONG, 0);
            region.unlockCounted(stamp);
        }
        return sum;
    }
}
