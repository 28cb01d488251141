// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What unmaps that wait for a reader keep of tables (G8). */
@ExtendWith(InspectedSpaces.class)
class PendingUnmapMemoryTest {
    private static final long PAGE = SpaceFixture.PAGE;
    private static final long MOST_BYTES_EACH = 300; // 3 MB for 10,000

    /** Each in a space whose capacity no other test has, since it would take over that one's tables. */
    @ParameterizedTest
    @CsvSource({"10000, 37, 4", "40000, 38, 1"})
    void pendingUnmapsMustKeepTablesForTheirRegionsAlone(final int count, final int capacityBits, final int rounds)
        throws Exception {
        try (AddressSpace space = AddressSpace.builder().capacity(1L << capacityBits).open()) {
            final long before = space.statistics().tableBytes();
            for (int i = 1; i <= rounds; i++) { // used again, or they would be more than that by the last round
                assertThat(keepPending(space, count) - before).as("round %d", i)
                    .isLessThanOrEqualTo(count * MOST_BYTES_EACH);
            }
        }
    }

    @Test
    void unmapsThatGaveUpWaitingMustKeepNoMore() throws Exception {
        final int count = 10_000;
        try (AddressSpace space = AddressSpace.builder().capacity(1L << 39).open()) {
            final long before = space.statistics().tableBytes();
            final List<Region> regions = map(space, count);
            try (Threads.Holder _ = Threads.hold(space::pin)) {
                for (final Region region : regions) {
                    assertThat(region.unmap(0, TimeUnit.NANOSECONDS)).isFalse();
                }
                assertThat(space.statistics().backlogUnmaps()).isEqualTo(count);
                assertThat(space.statistics().tableBytes() - before).isLessThanOrEqualTo(count * MOST_BYTES_EACH);
            }
        }
    }

    private static List<Region> map(final AddressSpace space, final int count) {
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            regions.add(space.map(PAGE));
        }
        return regions;
    }

    /** Bytes of tables while so many unmaps wait for one pin. */
    private static long keepPending(final AddressSpace space, final int count) throws Exception {
        final List<Region> regions = map(space, count);
        final List<CompletableFuture<Void>> unmaps = new ArrayList<>();
        final long bytes;
        try (Threads.Holder _ = Threads.hold(space::pin)) {
            for (final Region region : regions) {
                unmaps.add(region.unmapAsync().toCompletableFuture());
            }
            assertThat(space.statistics().backlogUnmaps()).isEqualTo(count);
            bytes = space.statistics().tableBytes();
        }
        for (final CompletableFuture<Void> unmap : unmaps) {
            unmap.get();
        }
        return bytes;
    }
}
