// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Changes of the structure whose n-th native call fails, for every n (guarantee G9). */
class StructureFaultTest extends SpaceFixture {
    private static final int LENGTH = 60_000;
    private static final int ENOUGH = 60;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.memory(memory);
    }

    private Region locked() {
        final Region region = space.map(MapRequest.anonymous(LENGTH).locked());
        fill(region);
        return region;
    }

    private Region plain() {
        final Region region = space.map(LENGTH);
        fill(region);
        return region;
    }

    private static void fill(final Region region) {
        try (Guard guard = region.exclusive()) {
            for (long i = 0; i < guard.segment().byteSize(); i++) {
                guard.segment().set(JAVA_BYTE, i, byteAt(i));
            }
        }
    }

    private Region shared() {
        return space.map(FileBacking.readWrite(file("data", LENGTH)));
    }

    private Region privately() {
        final Region region = space.map(FileBacking.copyOnWrite(file("data", LENGTH)).range(0, LENGTH - 10_000));
        put(region, 0, get(region, 0));
        return region;
    }

    private Region growable() {
        return space.map(FileBacking.readWrite(file("data", LENGTH)).range(0, LENGTH).growableTo(1 << 20));
    }

    @Test
    void everyFailingCallMustLeaveTheRegionsAsTheyWere() {
        final List<Supplier<Region>> kinds = List.of(this::plain, this::locked, this::shared, this::privately,
            this::growable);
        final List<Function<Region, List<Region>>> operations = List.of(
            region -> region.split(2 * PAGE),
            region -> List.of(region.trimHead(2 * PAGE)),
            region -> List.of(region.trimTail(2 * PAGE + 5)),
            region -> region.unmap(2 * PAGE, 3 * PAGE),
            region -> region.protect(2 * PAGE, 3 * PAGE, Protection.READ_ONLY),
            region -> List.of(region.protect(Protection.READ_ONLY)),
            region -> List.of(region.remap(LENGTH + 5)),
            region -> List.of(region.remap(PAGE)));
        for (final Supplier<Region> kind : kinds) {
            for (final Function<Region, List<Region>> operation : operations) {
                for (final int errno : new int[] {Errno.ENOMEM, Errno.EACCES}) {
                    for (final Damage damage : Damage.values()) {
                        failEveryCall(kind, operation, errno, damage);
                    }
                }
            }
        }
    }

    @Test
    void everyFailingCallOfATruncationMustLeaveFileAndRegionConsistent() {
        for (final Supplier<Region> kind : List.<Supplier<Region>>of(this::shared, this::growable)) {
            for (final Damage damage : Damage.values()) {
                failEveryCall(kind, region -> List.of(region.truncate(3 * PAGE + 10)), Errno.EIO, damage);
            }
        }
    }

    private void failEveryCall(final Supplier<Region> kind, final Function<Region, List<Region>> operation,
                               final int errno, final Damage damage) {
        for (int n = 1; n < ENOUGH; n++) {
            final Region region = kind.get();
            final Resources before = Resources.of(space, directory);
            final long faults = memory.faults();
            final int number = n;
            memory.arm(call -> call.kind() != NativeCall.MEMBARRIER &&
                (call.kind() != NativeCall.CLOSE || damage == Damage.DONE), number, number, errno, damage);
            boolean failed = false;
            try {
                assertThat(operation.apply(region)).isNotEmpty();
            } catch (final MappingException | UncheckedIOException e) {
                failed = true;
                assertThat(e).hasMessageContaining("failed");
            } finally {
                memory.disarm();
            }
            if (failed && region.isMapped()) {
                before.assertUnchanged(space, directory);
            }
            checkContent();
            final boolean done = memory.faults() == faults;
            unmapAll();
            if (done) {
                return;
            }
        }
        throw new AssertionError("the calls of an operation have no end");
    }

    /** Whatever regions there are show one stretch of bytes each, from where it was put or from the file. */
    private void checkContent() {
        try (Pin pin = space.pin()) {
            for (final RegionInfo info : space.maps()) {
                final Region region = pin.find(info.address());
                assertThat(region).isNotNull();
                final byte first = region.optimisticSegment().get(JAVA_BYTE, 0);
                long start = 0;
                while (byteAt(start) != first) {
                    start += PAGE;
                    assertThat(start).isLessThan(LENGTH);
                }
                final long shown = Math.min(info.size(), LENGTH - start);
                assertBytesOf(region.optimisticSegment().asSlice(0, shown), start);
            }
        }
    }

    private void unmapAll() {
        for (final RegionInfo info : space.maps()) {
            final Region region;
            try (Pin pin = space.pin()) {
                region = pin.find(info.address());
            }
            assertThat(region).isNotNull();
            region.unmap();
        }
        space.core().quarantine().retry();
        Resources.settle(space);
        assertThat(space.statistics().regions()).isZero();
        assertThat(space.statistics().mappedBytes()).isZero();
        assertThat(space.statistics().quarantinedBytes()).isZero();
        assertThat(space.statistics().recordsInUse()).isZero();
        assertThat(Resources.mappings(directory)).isZero();
        assertThat(Resources.descriptors(directory)).isZero();
    }

    @Test
    void regionWhoseProtectionIsUnknownMustBeUnmapped() {
        final Region region = plain();
        memory.failFrom(NativeCall.MPROTECT, 1, Errno.ENOMEM, Damage.DONE);
        assertThatThrownBy(() -> region.protect(Protection.READ_ONLY)).isInstanceOf(MappingException.class);
        memory.disarm();
        assertThat(region.isMapped()).isFalse();
        assertThat(space.maps()).isEmpty();
        unmapAll();
        final Region next = plain();
        next.unmap();
    }

    @Test
    void truncationMustNotTakePagesThatAreStillMapped() {
        final Path path = directory.resolve("data");
        final Region region = shared();
        memory.arm(call -> call.kind() == NativeCall.MMAP && call.address() != 0, 1, 1, Errno.ENOMEM, Damage.NONE);
        assertThatThrownBy(() -> region.truncate(2 * PAGE)).isInstanceOf(MappingException.class)
            .hasMessageContaining("truncate failed");
        memory.disarm();
        assertThat(path.toFile().length()).isEqualTo(LENGTH);
        assertThat(space.statistics().quarantinedBytes()).isPositive();
        assertThat(space.maps()).singleElement().satisfies(info -> assertThat(info.size()).isEqualTo(2 * PAGE));
        unmapAll();
    }
}
