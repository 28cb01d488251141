// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.Protection;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.RegionInfo;
import io.holdfast.WriteSection;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What a write section does: everything at once, or nothing (G7, G9, G10). */
class WriteSectionTest extends SpaceFixture {
    private static final long SIZE = 4 * PAGE;

    private Region filled(final long size) {
        final Region region = space.map(size);
        for (long at = 0; at < size; at += PAGE) {
            put(region, at, region.address() + at);
        }
        return region;
    }

    private @Nullable Region find(final long address) {
        try (Pin pin = space.pin()) {
            return pin.find(address);
        }
    }

    @Test
    void nothingMustBeVisibleBeforeThePublicationAndEverythingAfterIt() {
        final Region old = filled(SIZE);
        final Region other = filled(SIZE);
        final Region fresh;
        try (WriteSection section = space.write()) {
            fresh = section.map(SIZE);
            section.segment(fresh).set(JAVA_LONG, 0, 42);
            section.unmap(old);
            assertThat(find(fresh.address())).isNull();
            assertThat(fresh.isMapped()).isFalse();
            assertThat(find(old.address())).isEqualTo(old);
            assertThat(old.tryShare().refusal()).isEqualTo(Refusal.EXCLUSIVE);
            assertThat(get(other, 0)).isEqualTo(other.address());
            section.publish();
            assertThat(find(fresh.address())).isEqualTo(fresh);
            assertThat(find(old.address())).isNull();
            assertThat(old.tryShare().refusal()).isEqualTo(Refusal.DETACHED);
            assertThat(get(fresh, 0)).isEqualTo(42);
        }
        assertThat(space.statistics().regions()).isEqualTo(2);
        assertThat(space.statistics().mappedBytes()).isEqualTo(2 * SIZE);
    }

    @Test
    void leavingASectionWithoutPublishingMustRestoreEverything() {
        final Region first = filled(SIZE);
        final Region second = filled(SIZE);
        final List<RegionInfo> before = space.maps().stream().toList();
        final Region fresh;
        final Region part;
        try (WriteSection section = space.write()) {
            fresh = section.map(SIZE);
            part = section.split(first, PAGE).getLast();
            section.protect(part, Protection.READ_ONLY);
            section.unmap(second);
            section.move(section.map(SIZE));
        }
        assertThat(space.maps()).usingRecursiveFieldByFieldElementComparatorIgnoringFields("lock").isEqualTo(before);
        for (final Region region : List.of(first, second)) {
            for (long at = 0; at < SIZE; at += PAGE) {
                assertThat(get(region, at)).isEqualTo(region.address() + at);
                put(region, at, at);
            }
        }
        assertThat(fresh.tryShare().refusal()).isEqualTo(Refusal.DETACHED);
        assertThat(part.tryShare().refusal()).isEqualTo(Refusal.DETACHED);
        for (int i = 0; i < 100; i++) {
            space.map(PAGE);
        }
        assertThat(fresh.isMapped()).as("a handle of what never was must not come alive").isFalse();
        assertThat(part.isMapped()).isFalse();
    }

    @Test
    void operationsMustBuildOnEachOther() {
        final Region region = filled(SIZE);
        final Region low;
        final Region high;
        final Region moved;
        try (WriteSection section = space.write()) {
            final List<Region> halves = section.split(region, 2 * PAGE);
            final List<Region> quarters = section.split(halves.getFirst(), PAGE);
            section.unmap(quarters.getLast());
            low = section.protect(quarters.getFirst(), Protection.READ_ONLY);
            moved = section.move(halves.getLast());
            high = section.resize(moved, PAGE);
            section.publish();
        }
        assertThat(region.tryShare().refusal()).isEqualTo(Refusal.MOVED);
        assertThat(low.isWritable()).isFalse();
        assertThat(get(low, 0)).isEqualTo(region.address());
        assertThat(get(high, 0)).isEqualTo(region.address() + 2 * PAGE);
        assertThat(high.size()).isEqualTo(PAGE);
        assertThat(find(region.address() + PAGE)).isNull();
        assertThat(find(region.address() + 2 * PAGE)).isNull();
        assertThat(space.statistics().regions()).isEqualTo(2);
        assertThat(space.statistics().mappedBytes()).isEqualTo(2 * PAGE);
    }

    @Test
    void unmappingARangeMustSplitRegionsAtItsEdges() {
        final Region first = filled(SIZE);
        final Region middle = filled(SIZE);
        final Region last = filled(SIZE);
        assertThat(last.address()).isEqualTo(first.address() + 2 * SIZE);
        try (WriteSection section = space.write()) {
            section.unmap(first.address() + PAGE, last.address() + PAGE);
            section.publish();
        }
        final Region head = find(first.address());
        final Region tail = find(last.address() + PAGE);
        assertThat(head).isNotNull();
        assertThat(tail).isNotNull();
        assertThat(head.size()).isEqualTo(PAGE);
        assertThat(tail.size()).isEqualTo(SIZE - PAGE);
        assertThat(get(tail, 0)).isEqualTo(last.address() + PAGE);
        assertThat(middle.tryShare().refusal()).isEqualTo(Refusal.DETACHED);
        assertThat(first.tryShare().refusal()).isEqualTo(Refusal.MOVED);
        assertThat(space.maps()).hasSize(2);
    }

    /** A section that is over leaves its mark in the lock words of all that it excluded, until somebody locks them. */
    @Test
    void whatIsListedMustNotShowExclusionsThatHaveEnded() {
        final Region region = space.map(PAGE);
        try (WriteSection section = space.write()) {
            section.exclude(region);
            assertThat(space.maps()).singleElement()
                .satisfies(info -> assertThat(info.lock()).contains("excluding=true, exclusive=true", "section ticket="));
        }
        assertThat(space.maps()).singleElement().satisfies(info -> assertThat(info.lock())
            .contains("attached=true, excluding=false, exclusive=false, holds=0").doesNotContain("section"));
        assertThat(region.toString()).contains("exclusive=false");
    }

    @Test
    void neighboursMustMerge() {
        final Region first = filled(SIZE);
        final Region second = filled(SIZE);
        final Region merged;
        try (WriteSection section = space.write()) {
            merged = section.merge(second, first);
            section.publish();
        }
        assertThat(merged.size()).isEqualTo(2 * SIZE);
        assertThat(get(merged, SIZE)).isEqualTo(second.address());
    }

    @Test
    void excludedBytesMustBeWritableUntilTheExclusionEnds() {
        final Region region = filled(SIZE);
        final MemorySegment segment;
        try (WriteSection section = space.write()) {
            segment = section.exclude(region);
            segment.set(JAVA_LONG, 0, 7);
            section.end(region);
            assertThatThrownBy(() -> segment.get(JAVA_LONG, 0)).isInstanceOf(IllegalStateException.class);
            assertThat(get(region, 0)).isEqualTo(7);
            assertThat(section.exclude(0, space.capacity())).isEqualTo(1);
            assertThat(region.tryOptimisticRead()).isZero();
            section.endAll();
            assertThat(region.validate(region.tryOptimisticRead())).isTrue();
            assertThat(get(region, 0)).isEqualTo(7);
            section.downgrade();
            assertThat(section.tryUpgrade()).isTrue();
            section.unmap(region);
            section.publish();
        }
        assertThat(region.isMapped()).isFalse();
    }

    @Test
    void aRegionThatTheSectionHasMadeMustBeExcludedByNature() {
        final Region whole = filled(2 * SIZE);
        try (WriteSection section = space.write()) {
            final Region fresh = section.map(MapRequest.anonymous(SIZE));
            section.exclude(fresh).set(JAVA_LONG, 0, 7);
            final Region half = section.split(whole, SIZE).getLast();
            assertThat(section.exclude(half).get(JAVA_LONG, 0)).isEqualTo(section.segment(half).get(JAVA_LONG, 0));
            assertThat(section.exclude(0, space.capacity())).as("no more of them").isZero();
            section.publish();
            assertThat(get(fresh, 0)).isEqualTo(7);
        }
    }

    @Test
    void misuseMustBeRefusedAndLeaveTheSectionUsable() {
        final Region region = filled(SIZE);
        final Region other = filled(SIZE);
        try (AddressSpace elsewhere = AddressSpace.builder().capacity(CAPACITY).open();
            WriteSection section = space.write(region.address(), region.address() + SIZE)) {
            final Region foreign = elsewhere.map(SIZE);
            assertThatThrownBy(() -> section.unmap(foreign)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("another space");
            assertThatThrownBy(() -> section.unmap(other)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("outside of the section");
            assertThatThrownBy(() -> section.map(PAGE)).isInstanceOf(MappingException.class);
            assertThatThrownBy(() -> section.map(MapRequest.anonymous(PAGE).at(other.address())))
                .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> section.split(region, 1)).isInstanceOf(IllegalArgumentException.class);
            section.unmap(region);
            assertThatThrownBy(() -> section.split(region, PAGE)).isInstanceOf(RegionException.class)
                .hasMessageContaining("changed already");
            assertThatThrownBy(() -> section.end(region)).isInstanceOf(RegionException.class);
            assertThatThrownBy(section::downgrade).isInstanceOf(RegionException.class).hasMessageContaining("publish");
            section.publish();
            assertThatThrownBy(section::publish).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("PUBLISHED");
            assertThatThrownBy(() -> section.unmap(region)).isInstanceOf(IllegalStateException.class);
        }
        assertThat(region.isMapped()).isFalse();
        assertThat(get(other, 0)).isEqualTo(other.address());
    }
}
