// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Advice;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes, offsets and addresses near and beyond what a long can hold: an exception that says so, nothing changed (G10). */
class SizeLimitTest extends SpaceFixture {
    private static final MemorySegment HEAP = MemorySegment.ofArray(new byte[64]);

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory);
    }

    /** All that takes a size, an offset, or both. */
    private static List<ThrowingCallable> operations(final Region region, final long huge) {
        return List.of(() -> region.split(huge), () -> region.trimHead(huge), () -> region.trimTail(huge),
            () -> region.unmap(0, huge), () -> region.unmap(huge, PAGE), () -> region.unmap(huge, huge),
            () -> region.protect(0, huge, Protection.READ_ONLY), () -> region.protect(huge, PAGE, Protection.READ_ONLY),
            () -> region.protect(huge, huge, Protection.READ_ONLY), () -> region.truncate(huge), () -> region.grow(huge),
            () -> region.remap(huge), () -> region.advise(0, huge, Advice.WILL_NEED),
            () -> region.advise(huge, PAGE, Advice.WILL_NEED), () -> region.advise(huge, huge, Advice.WILL_NEED),
            () -> region.force(0, huge), () -> region.force(huge, PAGE), () -> region.force(huge, huge),
            () -> region.discard(0, huge), () -> region.discard(huge, PAGE), () -> region.discard(huge, huge),
            () -> region.punchHole(0, huge), () -> region.punchHole(huge, PAGE), () -> region.punchHole(huge, huge),
            () -> region.copyOut(huge, HEAP, 0, 8), () -> region.copyOut(0, HEAP, 0, huge),
            () -> region.copyOut(huge, HEAP, 0, huge), () -> region.copyOut(0, HEAP, huge, 8),
            () -> region.copyIn(HEAP, 0, huge, 8), () -> region.copyIn(HEAP, 0, 0, huge),
            () -> region.copyIn(HEAP, 0, huge, huge), () -> region.copyIn(HEAP, huge, 0, 8));
    }

    private List<ThrowingCallable> requests(final FileBacking backing, final long huge) {
        return List.of(() -> space.map(huge), () -> space.map(MapRequest.anonymous(PAGE).at(huge)),
            () -> space.map(MapRequest.anonymous(huge).at(0)), () -> space.map(MapRequest.anonymous(huge).at(huge)),
            () -> space.map(MapRequest.anonymous(huge).alignedTo(1L << 62)),
            () -> space.map(MapRequest.anonymous(PAGE).alignedTo(1L << 62).at(1)),
            () -> space.map(MapRequest.anonymous(PAGE).growableTo(huge)), () -> space.map(backing.range(0, huge)),
            () -> space.map(backing.range(huge, 1)), () -> space.map(backing.range(huge, huge)),
            () -> space.map(backing.range(1, PAGE).growableTo(huge)),
            () -> space.map(backing.range(huge, PAGE).growableTo(huge)),
            () -> space.map(MapRequest.file(backing).at(huge)), () -> space.write(0, huge), () -> space.read(huge, huge));
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MAX_VALUE, Long.MAX_VALUE - 1, Long.MAX_VALUE - 4095, 1L << 62, (1L << 62) + 4096,
        CAPACITY + 4096})
    void whatNoRegionOrSpaceHasMustBeRefusedAndChangeNothing(final long huge) {
        final List<Region> regions = new ArrayList<>();
        regions.add(space.map(4 * PAGE));
        regions.add(space.map(MapRequest.anonymous(PAGE).growableTo(8 * PAGE)));
        final FileBacking backing = FileBacking.readWrite(file("data", 20_000));
        regions.add(space.map(backing));
        regions.add(space.map(backing.range(4000, 9000)));
        final Resources before = Resources.of(space, directory);
        for (final Region region : regions) {
            final List<ThrowingCallable> operations = operations(region, huge);
            for (int i = 0; i < operations.size(); i++) {
                assertThatThrownBy(operations.get(i)).as("operation %d of %s", i, region).satisfies(SizeLimitTest::isClear);
            }
        }
        final List<ThrowingCallable> requests = requests(backing, huge);
        for (int i = 0; i < requests.size(); i++) {
            assertThatThrownBy(requests.get(i)).as("request %d", i).satisfies(SizeLimitTest::isClear);
        }
        before.assertUnchanged(space, directory);
        assertThat(directory.resolve("data")).hasSize(20_000);
        regions.forEach(region -> put(region, 0, 1));
    }

    private static void isClear(final Throwable thrown) {
        assertThat(thrown).isInstanceOfAny(IllegalArgumentException.class, IndexOutOfBoundsException.class,
            MappingException.class, RegionException.class, UncheckedIOException.class);
        assertThat(thrown.getMessage()).isNotBlank();
    }

    @Test
    void aRefusalOfTheSystemMustSayItsNumberAndOneOfALimitNone() {
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.NONE);
        final FileBacking backing = FileBacking.readOnly(file("data", 10));
        assertThatThrownBy(() -> space.map(backing)).isInstanceOfSatisfying(MappingException.class,
            e -> assertThat(e.errno()).isEqualTo(OptionalInt.of(Errno.ENOMEM)));
        memory.disarm();
        assertThatThrownBy(() -> space.map(CAPACITY + 1)).isInstanceOfSatisfying(MappingException.class,
            e -> assertThat(e.errno()).isEmpty());
    }

    @Test
    void theListingMustShowEachStateOfTheLock() throws Exception {
        final Region region = space.map(PAGE);
        assertThat(lock()).contains("attached=true, excluding=false, exclusive=false, holds=0");
        final Threads.Work<Boolean> writer;
        try (Hold hold = region.hold()) {
            assertThat(hold.isHeld()).isTrue();
            assertThat(lock()).contains("excluding=false, exclusive=false, holds=1");
            writer = Threads.start(() -> {
                region.exclusive().close();
                return true;
            });
            idle.awaitWaiter();
            assertThat(lock()).contains("attached=true, excluding=true, exclusive=false, holds=1");
        }
        assertThat(writer.get()).isTrue();
        try (Guard guard = region.exclusive()) {
            assertThat(guard.isHeld()).isTrue();
            assertThat(lock()).contains("attached=true, excluding=true, exclusive=true, holds=0");
        }
        assertThat(lock()).contains("attached=true, excluding=false, exclusive=false, holds=0");
    }

    private String lock() {
        return space.maps().getFirst().lock();
    }
}
