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
import io.holdfast.Region;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A failing call leaves a hole, and somebody else's memory comes into it: those addresses are never touched again (G9). */
@ExtendWith(InspectedSpaces.class)
class LostAddressesTest {
    private static final long PAGE = NativeMemory.system().pageSize();
    private static final long CAPACITY = 16L << 20;
    private static final int ENOMEM = 12;
    private static final int FOREIGN = 0x77;

    @TempDir
    private Path directory;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private AddressSpace space;
    private long foreign;

    @BeforeEach
    void openSpace() {
        space = open();
    }

    private AddressSpace open() {
        return new SpaceBuilder().name("losing").capacity(CAPACITY).memory(memory).open();
    }

    private Path file(final int pages) {
        try {
            final byte[] bytes = new byte[(int) (pages * PAGE)];
            Arrays.fill(bytes, (byte) 5);
            return Files.write(directory.resolve("data"), bytes);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The next mapping that covers an address of the space fails, leaves a hole, and somebody else is faster. */
    private void loseNextMapping(final long bytes) {
        memory.arm(call -> call.kind() == NativeCall.MMAP && call.address() >= inside(space).base() &&
            call.address() < inside(space).base() + CAPACITY && remember(call.address()), 1, 1, ENOMEM, Damage.HOLE);
        memory.afterDamage(() -> {
            final NativeMemory system = NativeMemory.system();
            final long placed = system.mmap(foreign, bytes, NativeMemory.PROT_READ | NativeMemory.PROT_WRITE,
                NativeMemory.MAP_PRIVATE | NativeMemory.MAP_ANONYMOUS | NativeMemory.MAP_FIXED_NOREPLACE, -1, 0);
            assertThat(placed).isEqualTo(foreign);
            at(foreign, bytes).fill((byte) FOREIGN);
        });
    }

    private boolean remember(final long address) {
        if (foreign == 0) {
            foreign = address;
        }
        return true;
    }

    @SuppressWarnings("restricted")
    private static MemorySegment at(final long address, final long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /** Everything else of the space can still be used; then it is closed, and the next one takes the same care. */
    private void assertOnlyTheseAreLost(final long start, final long bytes) {
        memory.disarm();
        memory.afterDamage(() -> { });
        final BooleanSupplier untouched =
            () -> at(foreign, PAGE).get(JAVA_BYTE, 0) == FOREIGN && at(foreign, PAGE).get(JAVA_BYTE, PAGE - 1) == FOREIGN;
        for (int i = 0; i < 2; i++) {
            assertThat(space.statistics().lostBytes()).isPositive();
            assertThat(space.statistics().regions()).isZero();
            assertThat(space.statistics().mappedBytes()).isZero();
            long mapped = 0;
            try {
                while (true) {
                    final Region region = space.map(4 * PAGE);
                    AnonymousRegionTest.fill(region, (byte) 1);
                    assertThat(region.address() + 4 * PAGE <= start || region.address() >= start + bytes).isTrue();
                    mapped += 4 * PAGE;
                }
            } catch (final MappingException e) {
                assertThat(e).hasMessageContaining("no gap");
            }
            assertThat(mapped).isGreaterThan(CAPACITY - bytes - 8 * PAGE);
            assertThat(untouched.getAsBoolean()).isTrue();
            final long base = inside(space).base();
            space.close();
            assertThat(untouched.getAsBoolean()).isTrue();
            space = open();
            assertThat(inside(space).base()).isEqualTo(base);
        }
        space.close();
    }

    @Test
    void lossDuringAnUnmapMustNotFailIt() {
        final Region region = space.map(FileBacking.readOnly(file(3)));
        loseNextMapping(PAGE);
        region.unmap();
        assertThat(region.isMapped()).isFalse();
        assertOnlyTheseAreLost(region.address(), 3 * PAGE);
        assertThat(Resources.descriptors(directory)).isZero();
    }

    @Test
    void aLossMustNotKeepOtherAddressesFromBeingGivenBack() {
        final Region lost = space.map(FileBacking.readOnly(file(3)));
        final Region waiting = space.map(FileBacking.readOnly(file(3)));
        loseNextMapping(PAGE);
        lost.unmap();
        memory.disarm();
        memory.afterDamage(() -> { });
        final long refused = inside(space).base() + waiting.address();
        memory.arm(call -> call.kind() == NativeCall.MMAP && call.address() == refused, 1, 1, ENOMEM, Damage.NONE);
        waiting.unmap();
        memory.disarm();
        assertThat(space.statistics().quarantinedBytes()).isEqualTo(3 * PAGE);
        inside(space).core().quarantine().retry();
        assertThat(space.statistics().quarantinedBytes()).isZero();
        assertThat(inside(space).core().quarantine().isEmpty()).isTrue();
        final Region again = space.map(MapRequest.file(FileBacking.readOnly(file(3))).at(waiting.address()));
        again.unmap();
        assertOnlyTheseAreLost(lost.address(), 3 * PAGE);
    }

    @Test
    void lossDuringAMapMustFailIt() {
        final FileBacking backing = FileBacking.readWrite(file(3));
        loseNextMapping(PAGE);
        assertThatThrownBy(() -> space.map(backing)).isInstanceOf(MappingException.class)
            .hasMessageContainingAll("space losing", "address range lost", "not used again", "ENOMEM");
        assertOnlyTheseAreLost(foreign - inside(space).base(), 3 * PAGE);
        assertThat(Resources.mappings(directory)).isZero();
        assertThat(Resources.descriptors(directory)).isZero();
    }

    @Test
    void lossDuringAGrowthMustFailItAndKeepTheRegion() {
        final Region region = space.map(FileBacking.readWrite(file(2)).growableTo(8 * PAGE));
        loseNextMapping(PAGE);
        assertThatThrownBy(() -> region.grow(5 * PAGE)).isInstanceOf(MappingException.class)
            .hasMessageContaining("address range lost");
        memory.disarm();
        assertThat(region.size()).isEqualTo(2 * PAGE);
        try (Guard guard = region.share()) {
            assertThat(guard.segment().get(JAVA_BYTE, 2 * PAGE - 1)).isEqualTo((byte) 5);
        }
        assertThatThrownBy(() -> region.grow(6 * PAGE)).isInstanceOf(MappingException.class)
            .hasMessageContainingAll("grow failed", "lost", "map the file anew");
        region.unmap();
        assertThat(Resources.mappings(directory)).isZero();
        assertOnlyTheseAreLost(region.address(), 8 * PAGE);
        assertThat(Resources.descriptors(directory)).isZero();
    }
}
