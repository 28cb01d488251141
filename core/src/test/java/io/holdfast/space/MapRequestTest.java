// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Advice;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.HugePages;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Where and how regions are mapped on request, and what happens when that cannot be. */
class MapRequestTest extends SpaceFixture {
    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory);
    }

    @Test
    void adviceOfARequestMustBeGivenBeforeAnybodySeesTheRegion() {
        final Path path = file("data", 100_000);
        for (final Advice advice : Advice.values()) {
            final long calls = memory.calls(NativeCall.MADVISE);
            final Region anonymous = space.map(MapRequest.anonymous(10 * PAGE).advised(advice));
            final Region file = space.map(MapRequest.file(FileBacking.readOnly(path)).advised(advice));
            assertThat(memory.calls(NativeCall.MADVISE) - calls).as("calls for %s", advice)
                .isEqualTo(advice == Advice.NORMAL ? 0 : 2);
            try (Guard guard = file.share()) {
                assertBytesOf(guard.segment(), 0);
            }
            space.unmap(List.of(anonymous, file));
            assertThat(get(space.map(10 * PAGE), 0)).isZero();
            assertThat(MapRequest.anonymous(1).advised(advice).toString().contains("advice=" + advice))
                .isEqualTo(advice != Advice.NORMAL);
        }
    }

    @Test
    void fixedAddressMustBeTaken() {
        for (final long at : new long[] {0, 64 * PAGE, CAPACITY / 2, CAPACITY - 2 * PAGE}) {
            final Region region = space.map(MapRequest.anonymous(2 * PAGE).at(at));
            assertThat(region.address()).isEqualTo(at);
            put(region, PAGE, 7);
            assertThat(get(region, PAGE)).isEqualTo(7);
            region.unmap();
            final Region again = space.map(MapRequest.anonymous(2 * PAGE).at(at));
            assertThat(get(again, PAGE)).isZero();
            again.unmap();
        }
    }

    @Test
    void fixedAddressOfFileRangeMustBeThatOfItsFirstByte() {
        final Path path = file("data", 30_000);
        final FileBacking backing = FileBacking.readOnly(path).range(5000, 10_000);
        final long at = 1024 * PAGE + 5000 % PAGE;
        final Region region = space.map(MapRequest.file(backing).at(at));
        assertThat(region.address()).isEqualTo(at);
        try (Guard guard = region.share()) {
            assertBytesOf(guard.segment(), 5000);
        }
        region.unmap();
        assertThatIllegalArgumentException().isThrownBy(() -> space.map(MapRequest.file(backing).at(1024 * PAGE)))
            .withMessageContaining("misaligned");
    }

    @Test
    void overlappingFixedAddressMustBeRefusedAndReplaceNothing() {
        final Region region = space.map(MapRequest.anonymous(4 * PAGE).at(100 * PAGE));
        put(region, 0, 1);
        final Resources before = Resources.of(space, directory);
        for (final long at : new long[] {98, 99, 100, 101, 103}) {
            assertThatThrownBy(() -> space.map(MapRequest.anonymous(3 * PAGE).at(at * PAGE)))
                .isInstanceOf(MappingException.class).hasMessageContaining("addresses are taken")
                .hasMessageContaining("address=" + at * PAGE);
        }
        before.assertUnchanged(space, directory);
        assertThat(get(region, 0)).isEqualTo(1);
        region.unmap();
    }

    @Test
    void senselessRequestsMustBeRefused() {
        final MapRequest request = MapRequest.anonymous(PAGE);
        assertThatIllegalArgumentException().isThrownBy(() -> MapRequest.anonymous(0));
        assertThatIllegalArgumentException().isThrownBy(() -> request.at(-PAGE));
        assertThatIllegalArgumentException().isThrownBy(() -> request.alignedTo(3 * PAGE));
        assertThatIllegalArgumentException().isThrownBy(() -> request.alignedTo(0));
        assertThatIllegalArgumentException().isThrownBy(() -> request.growableTo(PAGE - 1));
        assertThatIllegalArgumentException().isThrownBy(() -> space.map(request.at(1))).withMessageContaining("misal");
        assertThatIllegalArgumentException().isThrownBy(() -> space.map(request.at(CAPACITY)))
            .withMessageContaining("outside");
        assertThatIllegalArgumentException().isThrownBy(() -> space.map(request.at(Long.MAX_VALUE - PAGE + 1)))
            .withMessageContaining("outside");
        assertThatThrownBy(() -> space.map(MapRequest.anonymous(Long.MAX_VALUE))).isInstanceOf(MappingException.class);
        final MapRequest file = MapRequest.file(FileBacking.readOnly(file("data", 100)));
        assertThatIllegalStateException().isThrownBy(file::hugePages);
        assertThatIllegalStateException().isThrownBy(file::transparentHugePages);
        assertThatIllegalStateException().isThrownBy(() -> file.growableTo(PAGE));
        assertThatIllegalArgumentException().isThrownBy(() -> space.map(MapRequest.file(
            FileBacking.readOnly(directory.resolve("data")).range(10, 10)).alignedTo(2 * PAGE)));
    }

    @Test
    void alignmentMustBeKept() {
        final Region small = space.map(PAGE);
        for (long alignment = 1; alignment <= 1 << 30; alignment <<= 1) {
            final Region region = space.map(MapRequest.anonymous(PAGE).alignedTo(alignment));
            assertThat(region.address() % alignment).isZero();
            final Region file = space.map(MapRequest.file(FileBacking.readOnly(file("data", 10)))
                .alignedTo(alignment));
            assertThat(file.address() % alignment).isZero();
            file.unmap();
            region.unmap();
        }
        small.unmap();
    }

    @Test
    void populatedMemoryMustBeResident() {
        final Region lazy = space.map(256 * PAGE);
        assertThat(lazy.residentBytes()).isLessThan(256 * PAGE);
        final Region region = space.map(MapRequest.anonymous(256 * PAGE).populated());
        assertThat(region.residentBytes()).isEqualTo(256 * PAGE);
        final Region file = space.map(MapRequest.file(FileBacking.readOnly(file("data", 100_000))).populated());
        assertThat(file.residentBytes()).isGreaterThanOrEqualTo(100_000);
        assertThat(space.residentBytes()).isGreaterThanOrEqualTo(256 * PAGE + 100_000);
        lazy.unmap();
        region.unmap();
        file.unmap();
    }

    @Test
    void nameMustShowInListingAndMessages() {
        final Region region = space.map(MapRequest.anonymous(PAGE).named("the index").locked());
        assertThat(space.maps()).singleElement().satisfies(info -> {
            assertThat(info.name()).isEqualTo("the index");
            assertThat(info.locked()).isTrue();
        });
        assertThat(region.toString()).contains("name=the index");
        region.unmap();
        assertThat(region.toString()).doesNotContain("the index");
        final Region next = space.map(PAGE);
        assertThat(space.maps()).singleElement().satisfies(info -> assertThat(info.name()).isNull());
        next.unmap();
    }

    @Test
    void lockedAndHugeMemoryMustBeZeroWhenItIsUsedAgain() {
        final List<MapRequest> requests = List.of(MapRequest.anonymous(3 << 20).transparentHugePages(),
            MapRequest.anonymous(64 * PAGE).locked(), MapRequest.anonymous(64 * PAGE).populated(),
            MapRequest.anonymous(100).transparentHugePages().locked().populated());
        for (int round = 0; round < 3; round++) {
            for (final MapRequest request : requests) {
                final Region region = space.map(request);
                try (Guard guard = region.exclusive()) {
                    assertThat(guard.segment().mismatch(guard.segment())).isEqualTo(-1);
                    for (long i = 0; i < guard.segment().byteSize(); i++) {
                        assertThat(guard.segment().get(JAVA_BYTE, i)).isZero();
                    }
                    guard.segment().fill((byte) 0x55);
                }
                region.unmap();
            }
        }
    }

    @Test
    void explicitHugePagesMustBeMappedOrRefusedWithTheRemedy() {
        space.map(FileBacking.readOnly(file("data", 10))).unmap(); // the zone of mappings is there
        final Resources before = Resources.of(space, directory);
        try {
            final Region region = space.map(MapRequest.anonymous(100).hugePages());
            assertThat(region.address() % HugePages.defaultSize()).isZero();
            put(region, 0, 5);
            region.unmap();
        } catch (final MappingException e) {
            assertThat(e).hasMessageContaining("vm.nr_hugepages");
            before.assertUnchanged(space, directory);
        }
    }

    @Test
    void anonymousMemoryMustGrowInPlaceUnderGuards() {
        final Region region = space.map(MapRequest.anonymous(100).growableTo(1 << 30));
        final Region neighbour = space.map(PAGE);
        assertThat(neighbour.address()).isGreaterThanOrEqualTo(region.address() + (1 << 30));
        put(region, 0, 1);
        try (Guard guard = region.shareWritable()) {
            region.grow(1 << 20);
            assertThat(guard.segment().byteSize()).isEqualTo(100);
            assertThat(guard.segment().get(JAVA_LONG, 0)).isEqualTo(1);
        }
        assertThat(get(region, 100)).isZero();
        put(region, (1 << 20) - 8, 2);
        assertThatIllegalArgumentException().isThrownBy(() -> region.grow((1 << 30) + 1));
        assertThatIllegalArgumentException().isThrownBy(() -> region.grow(1));
        region.grow(1 << 30);
        assertThat(get(region, (1 << 30) - 8)).isZero();
        region.unmap();
        neighbour.unmap();
    }

    @Test
    void headroomMustBeKnownAndMappingStopBeforeTheKernelDoes() {
        assertThat(space.mappingHeadroom()).isPositive();
        final Path path = file("data", 100);
        memory.reportMaxMapCount(memory.mapCount() + 1);
        try {
            assertThatThrownBy(() -> space.map(FileBacking.readOnly(path))).isInstanceOf(MappingException.class)
                .hasMessageContaining("vm.max_map_count").hasMessageContaining("reserve");
            assertThat(space.mappingHeadroom()).isLessThan(1000);
            space.map(PAGE).unmap(); // takes no mapping
        } finally {
            memory.reportMaxMapCount(-1);
        }
        space.map(FileBacking.readOnly(path)).unmap();
    }

    @Test
    void hiddenMappingsMustNotBeTakenForRoomWithoutEnd() {
        final int limit = 100;
        final Path path = file("data", 100);
        memory.hideMapCount(true);
        memory.reportMaxMapCount(limit);
        try {
            assertThat(space.mappingHeadroom()).as("unknown").isNegative();
            assertThatThrownBy(() -> {
                for (int i = 0; i < limit; i++) {
                    space.map(FileBacking.readOnly(path));
                }
            }).isInstanceOf(MappingException.class).hasMessageContaining("a guess: /proc is hidden");
            assertThat(space.statistics().regions()).isBetween(1L, limit / 2L);
            memory.reportMaxMapCount(Long.MAX_VALUE);
            space.map(FileBacking.readOnly(path));
            assertThat(space.mappingHeadroom()).as("unknown").isNegative();
        } finally {
            memory.reportMaxMapCount(-1);
            memory.hideMapCount(false);
        }
        assertThat(space.mappingHeadroom()).isPositive();
    }

    // They would part mappings until the virtual machine itself gets none for a new thread.
    @Test
    void callsThatMayPartMappingsMustStopBeforeTheKernelDoes() {
        final Region region = space.map(4 * PAGE);
        memory.reportMaxMapCount(memory.mapCount() + 1);
        try {
            assertTooFewMappings("advise", () -> region.advise(Advice.RANDOM));
            assertTooFewMappings("advise", () -> region.advise(PAGE, PAGE, Advice.SEQUENTIAL));
            assertTooFewMappings("lockInMemory", region::lockInMemory);
            assertTooFewMappings("protect", () -> region.protect(Protection.READ_ONLY));
            assertTooFewMappings("protect", () -> region.protect(PAGE, PAGE, Protection.READ_ONLY));
            assertTooFewMappings("protect", () -> {
                try (WriteSection section = space.write()) {
                    section.protect(region, Protection.READ_ONLY);
                }
            });
            assertTooFewMappings("map", () -> space.map(MapRequest.anonymous(PAGE).locked()));
            assertTooFewMappings("map", () -> space.map(MapRequest.anonymous(PAGE).transparentHugePages()));
            assertThat(region.isMapped()).isTrue();
            put(region, 3 * PAGE, 1);
            region.unmap();
        } finally {
            memory.reportMaxMapCount(-1);
        }
    }

    private static void assertTooFewMappings(final String operation, final ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(MappingException.class)
            .hasMessageStartingWith(operation + " failed: too few kernel mappings are left")
            .hasMessageContaining("vm.max_map_count");
    }

    @Test
    void mapInAClosedSpaceMustBeRefused() {
        space.close();
        final Path path = file("data", 100);
        assertThatIllegalStateException().isThrownBy(() -> space.map(MapRequest.anonymous(PAGE)));
        assertThatIllegalStateException().isThrownBy(() -> space.map(MapRequest.file(FileBacking.readOnly(path))));
        assertThatIllegalStateException().isThrownBy(() -> space.residentBytes());
    }

    @Test
    void callsOfPlainAnonymousMapsMustBeNone() {
        mapAndUnmap(1000); // the tables of records and nodes have their size then
        final long before = memory.calls() - memory.calls(NativeCall.MEMBARRIER);
        mapAndUnmap(1000);
        assertThat(memory.calls() - memory.calls(NativeCall.MEMBARRIER)).isEqualTo(before);
    }

    private void mapAndUnmap(final int times) {
        for (int i = 0; i < times; i++) {
            space.map(PAGE).unmap();
        }
    }
}
