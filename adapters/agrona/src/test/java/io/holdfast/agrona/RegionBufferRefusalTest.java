// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.Guard;
import io.holdfast.Lease;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.lang.reflect.Method;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.agrona.concurrent.AtomicBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every method refuses what is out of bounds, what has ended, and what may not be written. */
class RegionBufferRefusalTest extends Regions {
    private static final int CAPACITY = 64;

    /** Methods of Agrona's interfaces that reach no byte, or that other tests are about. */
    private static final Set<String> NO_ACCESS = Set.of("wrap", "addressOffset", "byteArray", "byteBuffer", "capacity",
        "checkLimit", "boundsCheck", "wrapAdjustment", "isExpandable", "verifyAlignment", "compareTo");

    private static void digits(final AtomicBuffer buffer) {
        for (int i = 0; i < buffer.capacity(); i++) {
            buffer.putByte(i, (byte) '1');
        }
        buffer.putInt(0, 0); // the length of a string
    }

    private static int inside(final Accesses.Access access) {
        return access.method().startsWith("parse") ? 8 : 0;
    }

    @Test
    void everyMethodOfAgronaMustBeAmongTheAccesses() {
        final TreeMap<String, Integer> ofAgrona = new TreeMap<>();
        for (final Method method : AtomicBuffer.class.getMethods()) {
            if (!NO_ACCESS.contains(method.getName())) {
                ofAgrona.merge(method.getName(), 1, Integer::sum);
            }
        }
        final TreeMap<String, Integer> ofOurs = new TreeMap<>();
        for (final Accesses.Access access : Accesses.all()) {
            ofOurs.merge(access.method().replaceAll(" .*", ""), 1, Integer::sum);
        }
        assertThat(ofOurs).isEqualTo(ofAgrona);
    }

    @ParameterizedTest
    @EnumSource
    void everyAccessMustBeRefusedOutOfBounds(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        for (final Accesses.Access access : Accesses.all()) {
            digits(buffer);
            access.call().accept(buffer, inside(access)); // in bounds it is not refused
            digits(buffer);
            final int last = CAPACITY - access.width() + 1;
            for (final int index : new int[] {-1, -CAPACITY, last, CAPACITY, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
                final boolean odd = access.ordered() && index == last; // of both faults either may be named
                assertThatThrownBy(() -> access.call().accept(buffer, index), "%s at %d", access, index)
                    .isInstanceOfAny(IndexOutOfBoundsException.class,
                        odd ? IllegalArgumentException.class : IndexOutOfBoundsException.class);
            }
            for (int i = 4; i < CAPACITY; i++) {
                assertThat(buffer.getByte(i)).as("byte %d after %s", i, access).isEqualTo((byte) '1');
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void lengthsThatDoNotFitMustBeRefused(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        final byte[] array = new byte[2 * CAPACITY];
        final List<Consumer<Integer>> calls = List.of(length -> buffer.boundsCheck(4, length),
            length -> buffer.setMemory(4, length, (byte) 1), length -> buffer.getBytes(4, array, 0, length),
            length -> buffer.putBytes(4, array, 0, length), length -> buffer.getStringWithoutLengthAscii(4, length),
            length -> buffer.parseIntAscii(4, length), length -> buffer.putNaturalPaddedIntAscii(4, length, 1));
        for (final Consumer<Integer> call : calls) {
            for (final int length : new int[] {-1, Integer.MIN_VALUE, CAPACITY - 3, Integer.MAX_VALUE}) {
                assertThatThrownBy(() -> call.accept(length)).isInstanceOf(IndexOutOfBoundsException.class);
            }
        }
        buffer.boundsCheck(CAPACITY, 0);
        buffer.checkLimit(CAPACITY);
        assertThatThrownBy(() -> buffer.checkLimit(CAPACITY + 1)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(buffer.capacity()).isEqualTo(CAPACITY);
        assertThat(buffer.isExpandable()).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    void everyAccessMustBeRefusedAfterTheEnd(final Kind kind) throws Exception {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        digits(buffer);
        letGo();
        regions.removeLast().unmap();
        final boolean ofLease = kind == Kind.LEASE || kind == Kind.SLICE;
        for (final Accesses.Access access : Accesses.all()) {
            assertThatThrownBy(() -> access.call().accept(buffer, 8), "%s", access)
                .isInstanceOf(ofLease ? RegionException.class : IllegalStateException.class);
        }
        assertThatThrownBy(() -> buffer.compareTo(buffer(kind, CAPACITY))).isInstanceOf(IllegalStateException.class);
        assertThat(buffer.toString()).contains("capacity=64");
    }

    @ParameterizedTest
    @EnumSource(names = {"LEASE", "SLICE"})
    void everyAccessMustBeRefusedAfterTheLease(final Kind kind) {
        final Region region = space.map(CAPACITY);
        regions.add(region);
        final Lease lease = region.lease();
        final RegionBuffer buffer = RegionBuffer.of(kind == Kind.LEASE ? lease : lease.slice(0, 32));
        digits(buffer);
        lease.close();
        for (final Accesses.Access access : Accesses.all()) {
            assertThatThrownBy(() -> access.call().accept(buffer, 8), "%s", access).isInstanceOf(RegionException.class);
        }
    }

    @Test
    void everyAccessByAnotherThreadThanTheGuardsMustBeRefused() {
        final RegionBuffer buffer = buffer(Kind.GUARD, CAPACITY);
        digits(buffer);
        CompletableFuture.runAsync(() -> {
            for (final Accesses.Access access : Accesses.all()) {
                assertThatThrownBy(() -> access.call().accept(buffer, 8), "%s", access)
                    .isInstanceOf(WrongThreadException.class);
            }
        }, each -> Thread.ofPlatform().start(each)).join();
    }

    @Test
    void everyWriteThroughAReadOnlyGuardMustBeRefused() {
        final Region region = space.map(CAPACITY);
        regions.add(region);
        final RegionBuffer writable = RegionBuffer.of(region.sharedSegment());
        digits(writable);
        try (Guard guard = region.share()) {
            final RegionBuffer buffer = RegionBuffer.of(guard);
            for (final Accesses.Access access : Accesses.all()) {
                if (access.writes()) {
                    assertThatThrownBy(() -> access.call().accept(buffer, 8), "%s", access)
                        .isInstanceOfAny(IllegalArgumentException.class, UnsupportedOperationException.class);
                } else {
                    access.call().accept(buffer, inside(access));
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyOrderedAccessThatIsNotAlignedMustBeRefused(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        for (final Accesses.Access access : Accesses.all()) {
            if (access.ordered() && access.width() > 1) {
                assertThatThrownBy(() -> access.call().accept(buffer, 8 + access.width() / 2), "%s", access)
                    .isInstanceOf(IllegalArgumentException.class);
            }
        }
        buffer.verifyAlignment();
        final RegionBuffer odd = new RegionBuffer();
        odd.wrap(buffer, 4, 16);
        assertThatThrownBy(odd::verifyAlignment).isInstanceOf(IllegalStateException.class);
        odd.wrap(new byte[16]);
        assertThatThrownBy(odd::verifyAlignment).isInstanceOf(IllegalStateException.class);
    }
}
