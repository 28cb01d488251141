// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Lease;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A read through a lease while the region is unmapped and another one comes to its addresses: renewal, unmap and the end
 * of the era, [R1] and [R2], G3.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t EraStress}
 */
public final class EraStress {
    private static final long MINE = 0x1111_1111_1111_1111L;
    private static final long OTHERS = 0x2222_2222_2222_2222L;
    private static final AddressSpace SPACE = AddressSpace.builder().name("era stress").capacity(1L << 32)
        .eras(Duration.ofDays(1), Duration.ZERO).idleBytes(0).open();

    private EraStress() {
    }

    /** A region that is leased. */
    abstract static class Leased {
        private final Region region;
        private final Lease lease;
        private final Lease renewed; // in an era before the last one
        private final MemorySegment unchecked;

        Leased() {
            region = filled(SPACE.map(8), MINE);
            renewed = region.lease();
            lease = region.lease();
            unchecked = region.optimisticSegment();
        }

        private static Region filled(final Region region, final long value) {
            try (Guard guard = region.exclusive()) {
                guard.segment().set(ValueLayout.JAVA_LONG, 0, value);
            }
            return region;
        }

        private static int told(final long value) {
            return value == MINE ? 1 : value == OTHERS ? 2 : 0;
        }

        final int read() {
            try {
                final int first = told(lease.getLong(0));
                final int second = told(renewed.getLong(0));
                return first == second ? first : -2;
            } catch (final RegionException e) {
                return -1;
            } finally {
                Thread.interrupted(); // two closes at a time may leave one in interpreted code
            }
        }

        final int readUnchecked() {
            int seen = 1;
            for (int i = 0; i < 100 && seen == 1; i++) {
                seen = told(unchecked.get(ValueLayout.JAVA_LONG, 0));
            }
            return seen;
        }

        final int replace() {
            final long address = region.address();
            region.unmap();
            try {
                filled(SPACE.map(MapRequest.anonymous(8).at(address)), OTHERS).unmap();
            } catch (final MappingException e) {
                return 0; // another state has got the addresses, and writes nothing else there
            }
            return 1;
        }
    }

    /** What ships. */
    @JCStressTest
    @Outcome(id = {"1, 0", "1, 1"}, expect = Expect.ACCEPTABLE, desc = "read before the era was closed")
    @Outcome(id = {"-1, 0", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "refused")
    @Outcome(expect = Expect.FORBIDDEN, desc = "bytes of what came after")
    @State
    public static class Actual extends Leased {
        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = read();
        }

        /** The one that unmaps. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = replace();
        }
    }

    /** A reader whose segment has no arena. */
    @JCStressTest
    @Outcome(id = {"1, 0", "1, 1"}, expect = Expect.ACCEPTABLE, desc = "read before")
    @Outcome(id = {"0, 0", "0, 1", "2, 0", "2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "bytes of what came after")
    @State
    public static class WeakenedUnchecked extends Leased {
        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readUnchecked();
        }

        /** The one that unmaps. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = replace();
        }
    }
}
