// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.Region;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Anonymous regions and the limits of a space (G1, G9). */
class AnonymousRegionTest extends SpaceFixture {
    @ParameterizedTest
    @ValueSource(longs = {1, 8, 4095, 4096, 4097, 1 << 20, (1 << 20) + 1, 64 << 20})
    void newRegionMustBeZeroedAndWritable(final long size) {
        final Region region = space.map(size);
        assertThat(region.size()).isEqualTo(size);
        assertThat(region.address() % PAGE).isZero();
        assertThat(region.isWritable()).isTrue();
        assertThat(region.isMapped()).isTrue();
        assertThat(region.space()).isSameAs(space);
        try (Guard guard = region.shareWritable()) {
            final MemorySegment segment = guard.segment();
            assertThat(segment.byteSize()).isEqualTo(size);
            assertThat(segment.get(JAVA_BYTE, 0)).isZero();
            assertThat(segment.get(JAVA_BYTE, size - 1)).isZero();
            segment.set(JAVA_BYTE, size - 1, (byte) 42);
            assertThat(segment.get(JAVA_BYTE, size - 1)).isEqualTo((byte) 42);
            assertThatThrownBy(() -> segment.get(JAVA_BYTE, size)).isInstanceOf(IndexOutOfBoundsException.class);
        }
        region.unmap();
    }

    @Test
    void regionMayExceedTwoGiB() {
        final long size = (2L << 30) + 3 * PAGE + 5;
        final Region region = space.map(size);
        try (Guard guard = region.shareWritable()) {
            guard.segment().set(JAVA_BYTE, size - 1, (byte) 7);
            assertThat(guard.segment().get(JAVA_BYTE, size - 1)).isEqualTo((byte) 7);
        }
        assertThat(region.optimisticSegment().byteSize()).isEqualTo(size);
        region.unmap();
    }

    @Test
    void regionsMustNotOverlap() {
        final List<Region> regions = new ArrayList<>();
        for (int i = 1; i <= 200; i++) {
            final Region region = space.map(i * 1000L);
            fill(region, (byte) i);
            regions.add(region);
        }
        for (int i = 1; i <= 200; i++) {
            assertThat(isFilled(regions.get(i - 1), (byte) i)).as("region " + i).isTrue();
        }
        assertThat(space.statistics().regions()).isEqualTo(200);
        assertThat(space.maps()).hasSize(200).isSortedAccordingTo((a, b) -> Long.compare(a.address(), b.address()));
        regions.forEach(Region::unmap);
    }

    @Test
    void reusedAddressesMustReadAsZero() {
        final Region first = space.map(3 * PAGE);
        fill(first, (byte) 0x5a);
        final long address = first.address();
        first.unmap();
        final Region second = space.map(3 * PAGE);
        assertThat(second.address()).as("lowest addresses are used again").isEqualTo(address);
        assertThat(isFilled(second, (byte) 0)).isTrue();
        assertThat(second).isNotEqualTo(first);
        second.unmap();
    }

    @Test
    void largeReusedAddressesMustReadAsZero() {
        final long size = 4L << 20;
        final Region first = space.map(size);
        fill(first, (byte) 0x5a);
        first.unmap();
        final Region second = space.map(size);
        assertThat(second.address()).isEqualTo(first.address());
        assertThat(isFilled(second, (byte) 0)).isTrue();
        second.unmap();
    }

    @Test
    void manyAnonymousRegionsMustNotCostKernelMappings() {
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            regions.add(space.map(PAGE));
            put(regions.getLast(), 0, i);
        }
        assertThat(Resources.mappings(space)).hasSizeLessThanOrEqualTo(3);
        for (int i = 0; i < 2000; i += 2) {
            regions.get(i).unmap();
        }
        assertThat(Resources.mappings(space)).hasSizeLessThanOrEqualTo(3);
        for (int i = 1; i < 2000; i += 2) {
            assertThat(get(regions.get(i), 0)).isEqualTo(i);
            regions.get(i).unmap();
        }
    }

    @Test
    void handlesMustBeEqualByTheLifeOfTheRegion() {
        final Region region = space.map(PAGE);
        try (Pin pin = space.pin()) {
            assertThat(pin.find(region.address())).isEqualTo(region).hasSameHashCodeAs(region);
        }
        final Region other = space.map(PAGE);
        assertThat(other).isNotEqualTo(region);
        assertThat(region.toString()).contains("region=0x" + Long.toHexString(region.address()), "of test",
            "attached=true");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    void sizeThatIsNotPositiveMustBeRefused(final long size) {
        final Resources before = Resources.of(space, directory);
        assertThatThrownBy(() -> space.map(size)).isInstanceOf(IllegalArgumentException.class)
            .hasMessage("map of " + size + " bytes: a size must be positive");
        before.assertUnchanged(space, directory);
    }

    @ParameterizedTest
    @ValueSource(longs = {CAPACITY + 1, 1L << 50, Long.MAX_VALUE - 1, Long.MAX_VALUE})
    void sizeAboveTheCapacityMustBeRefused(final long size) {
        final Resources before = Resources.of(space, directory);
        assertThatThrownBy(() -> space.map(size)).isInstanceOf(MappingException.class)
            .hasMessageContaining("map failed: size=" + size).hasMessageContaining("capacity=" + CAPACITY)
            .hasMessageContaining("open it with a larger capacity");
        before.assertUnchanged(space, directory);
    }

    @Test
    void wholeCapacityMayBeOneRegionAndThenNothingElseFits() {
        final Resources before = Resources.of(space, directory);
        final Region all = space.map(CAPACITY);
        assertThatThrownBy(() -> space.map(1)).isInstanceOf(MappingException.class)
            .hasMessageContaining("no gap of " + PAGE + " bytes in space test").hasMessageContaining("unmap regions")
            .hasMessageContaining("mapped=" + CAPACITY + ";");
        assertThat(space.statistics().regions()).isEqualTo(1);
        assertThat(space.statistics().mappedBytes()).isEqualTo(CAPACITY);
        all.unmap();
        assertThat(Resources.of(space, directory).bytes()).isEqualTo(before.bytes());
        space.map(PAGE).unmap();
    }

    @Test
    void limitOfBytesMustHoldExactly() {
        try (AddressSpace limited = AddressSpace.builder().name("limited").capacity(64L << 20).maxBytes(4 * PAGE)
            .open()) {
            final Region first = limited.map(3 * PAGE);
            final Resources before = Resources.of(limited, directory);
            assertThatThrownBy(() -> limited.map(PAGE + 1)).isInstanceOf(MappingException.class)
                .hasMessageContaining("limit of bytes reached in space limited").hasMessageContaining("asked=" + 2 * PAGE)
                .hasMessageContaining("maxBytes=" + 4 * PAGE).hasMessageContaining("raise maxBytes");
            before.assertUnchanged(limited, directory);
            final Region second = limited.map(PAGE);
            first.unmap();
            limited.map(2 * PAGE + 1);
            second.unmap();
        }
    }

    @Test
    void limitOfRegionsMustHoldExactly() {
        try (AddressSpace limited = AddressSpace.builder().name("limited").capacity(64L << 20).maxRegions(2).open()) {
            final Region first = limited.map(1);
            limited.map(1);
            final Resources before = Resources.of(limited, directory);
            assertThatThrownBy(() -> limited.map(1)).isInstanceOf(MappingException.class)
                .hasMessageContaining("limit of regions reached in space limited: maxRegions=2")
                .hasMessageContaining("raise maxRegions");
            before.assertUnchanged(limited, directory);
            first.unmap();
            limited.map(1);
        }
    }

    @Test
    void limitsMustHoldExactlyWhicheverThreadsMapAndUnmap() throws Exception {
        final int most = 64 * 16 * 4 + 100; // so many that each thread counts for itself at first
        try (AddressSpace limited = AddressSpace.builder().capacity(1L << 30).maxRegions(most)
            .maxBytes(2L * most * PAGE).open()) {
            final List<Region> regions = new ArrayList<>();
            for (int thread = 0; thread < 8; thread++) {
                regions.addAll(Threads.start(() -> {
                    final List<Region> mine = new ArrayList<>();
                    for (int i = 0; i < 130; i++) {
                        mine.add(limited.map(PAGE));
                    }
                    return mine;
                }).get());
            }
            for (int i = 0; i < 500; i++) {
                regions.remove(i).unmap();
            }
            while (regions.size() < most) {
                regions.add(limited.map(PAGE));
            }
            assertThat(limited.statistics().regions()).isEqualTo(most);
            assertThat(limited.statistics().mappedBytes()).isEqualTo(most * PAGE);
            assertThatThrownBy(() -> limited.map(PAGE)).hasMessageContaining("maxRegions=" + most);
            Threads.start(() -> {
                regions.removeLast().unmap();
                return true;
            }).get();
            limited.map(PAGE + most * PAGE);
            assertThat(limited.statistics().mappedBytes()).isEqualTo(2L * most * PAGE);
            assertThatThrownBy(() -> limited.map(1)).hasMessageContaining("maxRegions=" + most);
            regions.removeLast().unmap();
            assertThatThrownBy(() -> limited.map(PAGE + 1)).hasMessageContaining("mapped=" + (2L * most - 1) * PAGE);
            limited.map(PAGE);
        }
    }

    @Test
    void refusedMapMustNotRefuseAnotherThatFits() throws Exception {
        try (AddressSpace limited = AddressSpace.builder().capacity(64L << 20).maxBytes(10 * PAGE).open()) {
            final Threads.Work<Integer> greedy = Threads.start(() -> {
                int refused = 0;
                for (int i = 0; i < 20_000; i++) {
                    try {
                        limited.map(11 * PAGE);
                    } catch (final MappingException e) {
                        refused++;
                    }
                }
                return refused;
            });
            int mapped = 0;
            while (!greedy.isDone() || mapped == 0) {
                limited.map(10 * PAGE).unmap();
                mapped++;
            }
            assertThat(greedy.get()).isEqualTo(20_000);
        }
    }

    static void fill(final Region region, final byte value) {
        try (Guard guard = region.shareWritable()) {
            guard.segment().fill(value);
        }
    }

    static boolean isFilled(final Region region, final byte value) {
        try (Guard guard = region.share()) {
            final MemorySegment segment = guard.segment();
            long at = 0;
            final long word = (value & 0xFFL) * 0x0101010101010101L;
            while (at + Long.BYTES <= segment.byteSize()) {
                if (segment.get(JAVA_LONG, at) != word) {
                    return false;
                }
                at += Long.BYTES;
            }
            while (at < segment.byteSize()) {
                if (segment.get(JAVA_BYTE, at) != value) {
                    return false;
                }
                at++;
            }
            return true;
        }
    }
}
