// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.RegionInfo;
import io.holdfast.WriteSection;
import io.holdfast.layout.Words;
import io.holdfast.memory.AddressRange;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * Changes of the structure after which a region is not as it was, because the kernel did not take back what was done to
 * it (G9); {@link OperationFaultTest} has all others.
 */
class StructureFaultTest extends SpaceFixture {
    private static final int LENGTH = 60_000;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory);
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

    private void unmapAll() {
        for (final RegionInfo info : space.maps()) {
            final Region region;
            try (Pin pin = space.pin()) {
                region = pin.find(info.address());
            }
            assertThat(region).isNotNull();
            region.unmap();
        }
        inside(space).core().quarantine().retry();
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

    /** Two calls fail: one for the new pages, and the one that takes them back. */
    @Test
    void aFileMustNotBeCutUnderPagesThatStillShowIt() {
        final Path path = directory.resolve("data");
        for (final boolean inSection : new boolean[] {false, true}) {
            final Region region = space.map(MapRequest.file(FileBacking.readWrite(file("data", LENGTH))).locked());
            final boolean[] refused = {false};
            memory.arm(call -> {
                refused[0] |= call.kind() == NativeCall.MLOCK;
                return refused[0] && (call.kind() == NativeCall.MLOCK || call.kind() == NativeCall.MMAP);
            }, 1, 2, Errno.ENOMEM, Damage.NONE);
            assertThatThrownBy(() -> enlarge(region, inSection)).isInstanceOf(MappingException.class);
            memory.disarm();
            assertThat(space.statistics().quarantinedBytes()).isPositive();
            assertThat(path.toFile().length()).isEqualTo(2 * LENGTH);
            for (final AddressRange range : inside(space).core().reservation().quarantinedRanges()) {
                final MemorySegment bytes = Words.view(inside(space).base() + range.offset(), range.length());
                assertThat(bytes.get(JAVA_BYTE, range.length() - 1)).isZero(); // no fault
            }
            try (Guard guard = region.share()) {
                assertBytesOf(guard.segment(), 0);
            }
            unmapAll();
        }
    }

    private void enlarge(final Region region, final boolean inSection) {
        if (!inSection) {
            region.remap(2 * LENGTH);
            return;
        }
        try (WriteSection section = space.write()) {
            section.resize(region, 2 * LENGTH);
        }
    }
}
