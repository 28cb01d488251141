// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Region;
import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Memory of unmapped regions: how much of it is kept, and that the rest goes back. */
class IdleMemoryTest extends SpaceFixture {
    private static final long BOUND = 1 << 20;
    private static final long SIZE = 64 << 10;
    private static final int REGIONS = 64;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory).idleBytes(BOUND);
    }

    private long resident() {
        return inside(space).core().reservation().residentBytes(0, inside(space).core().reservation().mappedLimit());
    }

    private List<Region> fill() {
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < REGIONS; i++) {
            regions.add(space.map(MapRequest.anonymous(SIZE).populated()));
        }
        return regions;
    }

    @Test
    void idleMemoryMustStayBelowTheBound() {
        for (int round = 0; round < 3; round++) {
            final List<Region> regions = fill();
            assertThat(resident()).isGreaterThanOrEqualTo(REGIONS * SIZE);
            for (int i = 0; i < REGIONS; i += 2) {
                regions.get(i).unmap();
            }
            assertThat(resident()).isLessThanOrEqualTo(REGIONS / 2 * SIZE + BOUND + PAGE);
            for (int i = 1; i < REGIONS; i += 2) {
                put(regions.get(i), 0, i);
                assertThat(get(regions.get(i), 0)).isEqualTo(i);
                regions.get(i).unmap();
            }
            assertThat(resident()).isLessThanOrEqualTo(BOUND + PAGE);
            assertThat(space.statistics().idleBytes()).isLessThanOrEqualTo(BOUND);
        }
    }

    /** Threads count for themselves what they recycle, and look at the sum from time to time. */
    @Test
    void theBoundMustHoldWhicheverThreadsUnmap() {
        final long bound = 16 << 20;
        final AddressSpace.Builder builder = AddressSpace.builder().capacity(1L << 30).idleBytes(bound);
        try (AddressSpace large = inside(builder).memory(memory).open()) {
            final List<Region> regions = new ArrayList<>();
            for (long mapped = 0; mapped < 4 * bound; mapped += SIZE) {
                regions.add(large.map(SIZE));
            }
            try (Peer one = Peer.platform(); Peer other = Peer.platform()) {
                for (int i = 0; i < regions.size(); i++) {
                    (i % 2 == 0 ? one : other).run(regions.get(i)::unmap);
                    assertThat(large.statistics().idleBytes()).isLessThanOrEqualTo(bound);
                }
            }
            assertThat(large.statistics().recycledBytes()).isEqualTo(4 * bound);
            assertThat(memory.calls(NativeCall.MADVISE)).as("seen: trims").isPositive();
        }
    }

    @Test
    void fewAddressesUsedAgainAndAgainMustNotBeTrimmed() {
        fill().forEach(Region::unmap);
        final long before = memory.calls(NativeCall.MADVISE);
        for (int i = 0; i < 1000; i++) {
            space.map(SIZE).unmap();
        }
        assertThat(memory.calls(NativeCall.MADVISE)).isLessThanOrEqualTo(before + 2);
        final long later = memory.calls(NativeCall.MADVISE);
        for (int i = 0; i < 1000; i++) {
            space.map(SIZE).unmap();
        }
        assertThat(memory.calls(NativeCall.MADVISE)).isEqualTo(later);
    }

    /** As threads do that have zones of the tree. */
    @Test
    void fewAddressesOfThreadsFarApartMustNotBeTrimmed() {
        try (Peer other = Peer.ofAnotherStripe()) {
            final long before = memory.calls(NativeCall.MADVISE);
            for (int i = 0; i < 1000; i++) {
                space.map(MapRequest.anonymous(SIZE).at(0)).unmap();
                other.run(() -> space.map(MapRequest.anonymous(SIZE).at(CAPACITY / 4)).unmap());
            }
            assertThat(memory.calls(NativeCall.MADVISE)).isEqualTo(before);
            assertThat(space.statistics().idleBytes()).isEqualTo(2 * SIZE);
            assertThat(space.statistics().recycledBytes()).as("seen: far beyond the bound").isGreaterThan(100 * BOUND);
            space.trim();
            assertThat(resident()).as("what was idle is found again").isLessThanOrEqualTo(PAGE);
            assertThat(space.statistics().idleBytes()).isZero();
        }
    }

    private void mapAndUnmap(final long size) {
        for (int i = 0; i < 1000; i++) {
            final Region region = space.map(size);
            put(region, size - Long.BYTES, i);
            region.unmap();
        }
    }

    /** Barriers are calls too, but a thread that reads as little as this one is not light, so it needs none. */
    @Test
    void mappingAndUnmappingInASteadyStateMustMakeNoSystemCall() {
        for (final long size : new long[] {PAGE, 16 * PAGE, 64 * PAGE}) {
            mapAndUnmap(size);
            final long before = memory.calls();
            mapAndUnmap(size);
            assertThat(memory.calls()).as("size %d", size).isEqualTo(before);
        }
    }

    /** What is counted is what no system call was needed for: not larger regions, files, or pages that were altered. */
    @Test
    void memoryThatIsKeptToBeUsedAgainMustBeCounted() {
        final long before = space.statistics().recycledBytes();
        for (int i = 1; i <= 3; i++) {
            space.map(SIZE).unmap();
            assertThat(space.statistics().recycledBytes()).isEqualTo(before + i * SIZE);
        }
        space.map(MapRequest.anonymous(PAGE).locked()).unmap();
        space.map(FileBacking.readOnly(file("data", 100))).unmap();
        space.map(1 << 20).unmap();
        space.trim();
        assertThat(space.statistics().recycledBytes()).isEqualTo(before + 3 * SIZE);
    }

    @Test
    void trimMustGiveAllIdleMemoryBackAndLeaveRegionsAlone() {
        final Region first = space.map(SIZE);
        final Region region = space.map(SIZE);
        put(region, 8, 77);
        put(first, 8, 78);
        first.unmap();
        assertThat(space.trim()).isPositive();
        assertThat(resident()).isLessThanOrEqualTo(PAGE);
        assertThat(get(region, 8)).isEqualTo(77);
        assertThat(space.statistics().idleBytes()).isZero();
        assertThat(space.trim()).isZero();
        assertThat(space.statistics().regions()).isEqualTo(1);
        region.unmap();
    }

    @Test
    void failingTrimMustBeReportedAndTriedAgain() {
        final Region region = space.map(MapRequest.anonymous(SIZE).populated());
        region.unmap();
        final Resources before = Resources.of(space, directory);
        memory.failNth(NativeCall.MADVISE, 1, Errno.ENOMEM, Damage.NONE);
        assertThatThrownBy(() -> space.trim()).isInstanceOf(MappingException.class).hasMessageContaining("ENOMEM");
        memory.disarm();
        before.assertUnchanged(space, directory);
        assertThat(space.trim()).isPositive();
        assertThat(resident()).isLessThanOrEqualTo(PAGE);
        memory.failFrom(NativeCall.MADVISE, 1, Errno.ENOMEM, Damage.NONE);
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < REGIONS; i++) {
            regions.add(space.map(SIZE));
        }
        regions.forEach(Region::unmap); // trims on its own, in vain, and does not fail
        memory.disarm();
        assertThat(space.statistics().regions()).isZero();
    }

    @Test
    void trimMustNotKeepAddressesFromWhoMapsThem() throws Exception {
        final Threads.Work<Long> trimmer = Threads.start(() -> {
            long trims = 0;
            try {
                while (true) {
                    space.trim();
                    trims++;
                }
            } catch (final IllegalStateException e) {
                return trims;
            }
        });
        for (int i = 0; i < 5000; i++) {
            final Region neighbour = space.map(MapRequest.anonymous(SIZE).at(SIZE));
            put(neighbour, 0, i + 1);
            final Region region = space.map(MapRequest.anonymous(SIZE).at(0));
            assertThat(get(region, SIZE - 8)).isZero();
            put(region, SIZE - 8, i + 1);
            assertThat(get(region, SIZE - 8)).isEqualTo(i + 1);
            assertThat(get(neighbour, 0)).isEqualTo(i + 1);
            region.unmap();
            neighbour.unmap();
        }
        space.close();
        assertThat(trimmer.get()).isPositive();
    }

    @Test
    void senselessBoundsAndClosedSpacesMustBeRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> AddressSpace.builder().idleBytes(-1))
            .withMessageContaining("idleBytes=-1");
        AddressSpace.builder().capacity(CAPACITY).idleBytes(Long.MAX_VALUE).open().close();
        space.close();
        assertThatIllegalStateException().isThrownBy(() -> space.trim());
    }
}
