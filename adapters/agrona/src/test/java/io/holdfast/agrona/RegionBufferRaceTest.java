// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.Guard;
import io.holdfast.Region;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Buffers of regions that go, and whose addresses are used again, under threads that read and write. */
class RegionBufferRaceTest extends Regions {
    private static final int ROUNDS = 300;
    private static final int WORDS = 512;

    /** Reads until the region is gone; whether any other value than the region's was seen. */
    private static boolean sawOthers(final RegionBuffer buffer, final long value, final AtomicBoolean begun) {
        try {
            while (true) {
                for (int i = 0; i < WORDS; i++) {
                    if (buffer.getLong(8 * i) != value || buffer.getLongVolatile(8 * i) != value) {
                        return true;
                    }
                }
                buffer.putLongRelease(0, value);
                buffer.getAndAddLong(8, 0);
                begun.set(true);
            }
        } catch (final IllegalStateException e) {
            return false;
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"LEASE", "SHARED"})
    void noBufferMayReachAnotherRegionsBytes(final Kind kind) {
        final Set<Long> addresses = new HashSet<>();
        for (int round = 1; round <= ROUNDS; round++) {
            final long value = round;
            final Region region = space.map(8 * WORDS);
            addresses.add(region.address());
            try (Guard guard = region.exclusive()) {
                for (int i = 0; i < WORDS; i++) {
                    guard.segment().setAtIndex(ValueLayout.JAVA_LONG, i, value);
                }
            }
            final RegionBuffer buffer = kind == Kind.LEASE ? RegionBuffer.of(region.lease())
                : RegionBuffer.of(region.sharedSegment());
            final AtomicBoolean begun = new AtomicBoolean();
            final CompletableFuture<Boolean> reader = CompletableFuture.supplyAsync(
                () -> sawOthers(buffer, value, begun), each -> Thread.ofPlatform().start(each));
            while (!begun.get() && !reader.isDone()) {
                Thread.onSpinWait();
            }
            region.unmap();
            final Region next = space.map(8 * WORDS); // of zeros, often where the one before was
            addresses.add(next.address());
            assertThat(reader.join()).as("other bytes in round %d", round).isFalse();
            try (Guard guard = next.share()) {
                for (int i = 0; i < WORDS; i++) {
                    assertThat(guard.segment().getAtIndex(ValueLayout.JAVA_LONG, i)).as("late write").isZero();
                }
            }
            next.unmap();
        }
        assertThat(addresses).as("addresses are used again").hasSizeLessThan(ROUNDS);
    }
}
