// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import io.holdfast.epoch.Ledger;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.NodeShortage;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Addresses of unmapped regions that are not used again yet. */
class RestingAddressesTest extends SpaceFixture {
    private static final int REST = 16;
    private static final int MANY = 1000;
    private static final long AT = 1 << 20;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory).capacity(64L << 20).restAddresses(REST * PAGE);
    }

    /** The ways in which a region's addresses become free. */
    private enum Way {
        UNMAP {
            @Override
            void give(final AddressSpace space, final Region region) {
                region.unmap();
            }
        },
        IN_THE_BACKGROUND {
            @Override
            void give(final AddressSpace space, final Region region) {
                region.unmapAsync().toCompletableFuture().join();
            }
        },
        WITH_A_NEIGHBOUR {
            @Override
            void give(final AddressSpace space, final Region region) {
                space.unmap(List.of(region, space.map(PAGE)));
            }
        },
        BY_A_SECTION {
            @Override
            void give(final AddressSpace space, final Region region) {
                try (WriteSection section = space.write()) {
                    section.unmap(region);
                    section.publish();
                }
            }
        },
        BY_A_CUT {
            @Override
            void give(final AddressSpace space, final Region region) {
                final Region rest = region.trimHead(PAGE);
                assertThat(rest.isMapped()).isTrue();
            }
        };

        abstract void give(AddressSpace space, Region region);
    }

    @ParameterizedTest
    @EnumSource
    void addressesMustRestUntilSoMuchWasUnmappedAfterThem(final Way way) {
        final Region region = space.map(2 * PAGE);
        final long resting = region.address();
        way.give(space, region);
        for (int i = 0; i < REST - 2; i++) { // one may have been unmapped with it
            final Region other = space.map(PAGE);
            assertThat(other.address()).as("after %s others", i).isNotEqualTo(resting);
            other.unmap();
        }
        space.map(2 * PAGE).unmap();
        assertThat(space.map(PAGE).address()).as("the lowest that is free").isEqualTo(resting);
    }

    @Test
    void theOldestMustBeFreeFirst() {
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < MANY; i++) {
            regions.add(space.map(PAGE));
        }
        final Set<Long> resting = new HashSet<>();
        for (int i = 0; i < MANY; i++) {
            regions.get(i).unmap();
            resting.add(regions.get(i).address());
            if (i >= REST) {
                resting.remove(regions.get(i - REST).address());
            }
            final Region next = space.map(PAGE);
            assertThat(resting).as("after %s", i).doesNotContain(next.address());
            regions.add(next);
            assertThat(space.statistics().restingBytes()).isEqualTo(Math.min(i + 1, REST) * PAGE);
        }
    }

    /** What it is for: a raw address, kept too long. */
    @Test
    void whatIsReadLateMustBeZerosAndNotAnotherFile() {
        final Region region = space.map(FileBacking.readOnly(file("one", (int) PAGE)));
        final MemorySegment late = region.optimisticSegment();
        assertBytesOf(late, 0);
        region.unmap();
        final Region other = space.map(FileBacking.readOnly(file("other", (int) PAGE)));
        assertBytesOf(other.optimisticSegment(), 0);
        for (long i = 0; i < PAGE; i++) {
            assertThat(late.get(JAVA_BYTE, i)).isZero();
        }
    }

    @Test
    void restingAddressesMustTakeNoMemory() {
        final Region region = space.map(MapRequest.anonymous(REST * PAGE).at(AT).populated());
        region.unmap();
        assertThat(inside(space).core().reservation().residentBytes(AT, REST * PAGE)).as("but for poison")
            .isEqualTo(Ledger.ENABLED ? REST * PAGE : 0);
    }

    @Test
    void aMapThatFindsNoOthersMustGetThem() {
        final Region low = space.map(space.capacity() / 2);
        final Region high = space.map(space.capacity() / 2);
        assertThat(high.isMapped()).isTrue();
        for (int i = 0; i < 3; i++) {
            low.unmapIfMapped();
            assertThat(space.statistics().restingBytes()).isEqualTo(space.capacity() / 2);
            final Region page = space.map(PAGE);
            assertThat(space.statistics().restingBytes()).isZero();
            page.unmap();
            final Region again = space.map(space.capacity() / 2);
            again.unmap();
        }
    }

    @Test
    void aMapThatWantsJustTheseMustGetThemAndNoOthers() {
        final Region before = space.map(MapRequest.anonymous(PAGE).at(AT));
        final Region region = space.map(MapRequest.anonymous(2 * PAGE).at(AT + PAGE));
        final Region behind = space.map(MapRequest.anonymous(PAGE).at(AT + 3 * PAGE));
        List.of(before, region, behind).forEach(Region::unmap);
        final Region again = space.map(MapRequest.anonymous(PAGE).at(AT + PAGE));
        assertThat(again.address()).isEqualTo(AT + PAGE);
        assertThat(get(again, 0)).isZero();
        assertThat(space.statistics().restingBytes()).isEqualTo(2 * PAGE);
        again.unmap();
        for (int i = 0; i < 2 * REST; i++) {
            space.map(PAGE).unmap();
        }
        assertThat(space.statistics().restingBytes()).isEqualTo(REST * PAGE);
    }

    /** The tree has no nodes, and the system gives no memory for some: they go on resting, and nothing is lost. */
    @Test
    void addressesThatCannotBeFreedMustGoOnResting() {
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < 3 * REST; i++) {
            regions.add(space.map(PAGE));
        }
        final SpaceResources core = inside(space).core();
        final NodeShortage shortage = new NodeShortage(core.tree(), core.domain());
        shortage.leave(0, () -> memory.arm(call -> call.kind() == NativeCall.MMAP && call.address() == 0, 1, Long.MAX_VALUE,
            Errno.ENOMEM, Damage.NONE));
        shortage.useReserve();
        regions.forEach(Region::unmap);
        assertThat(space.statistics().regions()).isZero();
        assertThat(space.statistics().restingBytes()).as("more than should rest").isGreaterThan(2 * REST * PAGE);
        memory.disarm();
        shortage.giveAllBack();
        space.map(PAGE).unmap();
        assertThat(space.statistics().restingBytes()).isEqualTo(REST * PAGE);
    }

    @Test
    void withoutAWishAddressesMustBeUsedAgainAtOnce() {
        try (AddressSpace plain = AddressSpace.builder().capacity(64L << 20).restAddresses(0).open()) {
            final Region region = plain.map(16 * PAGE);
            final long address = region.address();
            region.unmap();
            assertThat(plain.map(16 * PAGE).address()).isEqualTo(address);
            assertThat(plain.statistics().restingBytes()).isZero();
        }
    }

    @Test
    void negativeBytesMustBeRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> AddressSpace.builder().restAddresses(-1))
            .withMessageContaining("bytes=-1");
    }

    @Test
    void noThreadMustGetWhatAnotherHasUnmapped() throws Exception {
        final Set<Long> seen = ConcurrentHashMap.newKeySet();
        try (AddressSpace resting = AddressSpace.builder().capacity(64L << 20).restAddresses(Long.MAX_VALUE).open()) {
            final List<Threads.Work<Boolean>> all = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                all.add(Threads.start(() -> {
                    boolean fresh = true;
                    for (int n = 0; n < MANY; n++) {
                        final Region region = resting.map(PAGE);
                        fresh &= seen.add(region.address());
                        region.unmap();
                    }
                    return fresh;
                }));
            }
            for (final Threads.Work<Boolean> each : all) {
                assertThat(each.get()).isTrue();
            }
            assertThat(resting.statistics().restingBytes()).isEqualTo(seen.size() * PAGE);
        }
    }

    @Test
    void whatIsWrittenLateMustBeReportedInFewLines() throws Exception {
        final Children.Outcome outcome = Children.run(LateWritingProgram.class, List.of("-Dio.holdfast.debug=true"));
        assertThat(outcome.output()).contains("region was written after its unmap: space=late, name=cache, start=",
            "unmapped by thread main, offset=17", "LateWritingProgram.mapCache",
            "regions were written after their unmap: space=late, regions=20, shown=" + RegionLabels.SHOWN,
            "read late: ffffffa5", "all is zero again");
        assertThat(outcome.output().split("region was written after its unmap", -1)).hasSize(RegionLabels.SHOWN + 1);
        assertThat(outcome.output()).doesNotContain("name=honest");
        assertThat(outcome.status()).isZero();
    }

    @Test
    void aPropertyMustSayHowMuchRests() throws Exception {
        final Children.Outcome outcome = Children.run(LateWritingProgram.class,
            List.of("-Dio.holdfast.debug=true", "-Dio.holdfast.rest=0"));
        assertThat(outcome.output()).doesNotContain("after its unmap").contains("rests: 0");
        assertThat(Children.run(LateWritingProgram.class, List.of("-Dio.holdfast.rest=4G")).output())
            .contains("not a number of bytes: io.holdfast.rest=4G");
    }
}
