// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Region;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Optimistic reads, one step after the other (G2, G4, G5); SpaceRaceTest has the races. */
class OptimisticReadTest extends SpaceFixture {
    private static final int EIO = 5;
    private static final long SEED = 20261127;
    private static final int MANY = 10_000;

    @Test
    void stampMustValidateWhenNobodyCame() {
        final Region region = space.map(PAGE);
        put(region, 0, 4);
        final long stamp = region.tryOptimisticRead();
        assertThat(stamp).isNotZero();
        assertThat(region.optimisticSegment().get(JAVA_LONG, 0)).isEqualTo(4);
        assertThat(region.validate(stamp)).isTrue();
        region.share().close();
        region.shareWritable().close();
        assertThat(region.validate(stamp)).as("shared holders change no stamp").isTrue();
        assertThat(region.validate(0)).isFalse();
    }

    /** G2, G10: whatever is taken for a stamp, it does not validate and does no harm. */
    @Test
    void whatIsNoStampMustNotValidate() {
        final Region region = space.map(PAGE);
        final Region other = space.map(PAGE);
        final long stamp = region.tryOptimisticRead();
        final long shared = other.lockShared();
        other.unlockShared(shared);
        final long counted = other.lockCounted();
        other.unlockCounted(counted);
        final List<Long> wrong = new ArrayList<>(List.of(0L, -1L, 1L, Long.MAX_VALUE, Long.MIN_VALUE, stamp - 2, stamp - 1,
            stamp + 1, stamp + 2, -stamp, ~stamp, other.tryOptimisticRead(), shared, counted));
        for (int bit = 0; bit < Long.SIZE; bit++) {
            wrong.add(stamp ^ 1L << bit);
        }
        final SplittableRandom random = new SplittableRandom(SEED);
        for (int i = 0; i < MANY; i++) {
            wrong.add(random.nextLong());
        }
        assertThat(wrong).doesNotContain(stamp);
        assertNoneValidates(region, wrong);
        assertThat(region.validate(stamp)).isTrue();
        try (Guard guard = region.exclusive()) {
            assertThat(guard.isHeld()).isTrue();
            wrong.removeIf(value -> value == stamp + 1); // the odd sequence of this moment, which nobody is given
            assertNoneValidates(region, wrong);
        }
        region.unmap();
        assertNoneValidates(region, wrong);
    }

    private static void assertNoneValidates(final Region region, final List<Long> wrong) {
        for (final long value : wrong) {
            assertThat(region.validate(value)).as("0x%x", value).isFalse();
        }
    }

    @Test
    void exclusiveHolderMustEndStampsFromBeforeAndGiveNoneDuring() {
        final Region region = space.map(PAGE);
        final long stamp = region.tryOptimisticRead();
        try (Guard guard = region.exclusive()) {
            assertThat(region.validate(stamp)).isFalse();
            assertThat(region.tryOptimisticRead()).isZero();
            guard.segment().set(JAVA_LONG, 0, 1);
        }
        assertThat(region.validate(stamp)).isFalse();
        assertThat(region.validate(region.tryOptimisticRead())).isTrue();
    }

    @Test
    void writerThatGaveUpMustEndNoStamp() {
        final Region region = space.map(PAGE);
        final long stamp = region.tryOptimisticRead();
        try (Guard guard = region.share(); Guard refused = region.tryExclusive()) {
            assertThat(guard.isHeld()).isTrue();
            assertThat(refused.isHeld()).isFalse();
        }
        assertThat(region.validate(stamp)).isTrue();
    }

    @Test
    void unmapAndReuseMustEndStampsForGood() {
        final Region region = space.map(PAGE);
        final long stamp = region.tryOptimisticRead();
        region.unmap();
        assertThat(region.validate(stamp)).isFalse();
        assertThat(region.tryOptimisticRead()).isZero();
        for (int i = 0; i < 1000; i++) {
            final Region next = space.map(PAGE);
            assertThat(region.validate(stamp)).isFalse();
            next.unmap();
        }
    }

    @Test
    void optimisticSegmentMustBeReadOnlyAndUsableByAnyThread() throws Exception {
        final Region region = space.map(PAGE);
        put(region, 0, 4);
        final MemorySegment segment = region.optimisticSegment();
        assertThat(segment.isReadOnly()).isTrue();
        assertThat(segment.byteSize()).isEqualTo(PAGE);
        assertThat(region.optimisticSegment()).isSameAs(segment);
        assertThat(Threads.<Long>run(() -> segment.get(JAVA_LONG, 0))).isEqualTo(4);
        assertThatThrownBy(() -> segment.set(JAVA_LONG, 0, 1)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> segment.get(JAVA_BYTE, PAGE)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void staleSegmentMustStayReadableAndKeepItsBounds() {
        final Region region = space.map(100);
        put(region, 0, 4);
        final MemorySegment kept = region.optimisticSegment();
        final Region untouched = space.map(FileBacking.readOnly(file("data", 10_000)));
        untouched.unmap();
        region.unmap();
        final Region larger = space.map(64 << 20);
        AnonymousRegionTest.fill(larger, (byte) 1);
        for (final MemorySegment stale : new MemorySegment[] {kept, region.optimisticSegment()}) {
            assertThat(stale.byteSize()).isEqualTo(100);
            stale.get(JAVA_BYTE, 99);
        }
        final MemorySegment late = untouched.optimisticSegment();
        assertThat(late.byteSize()).as("a segment first asked for after the unmap").isEqualTo(10_000);
        assertThat(late.get(JAVA_BYTE, 9_999)).isZero();
        larger.unmap();
        space.close();
        assertThat(kept.get(JAVA_BYTE, 99)).isZero();
        assertThat(late.get(JAVA_BYTE, 9_999)).isZero();
    }

    @Test
    void segmentFromBeforeAGrowthMustOnlyBeTooShort() {
        final Region log = space.map(FileBacking.readWrite(file("log", 100)).growableTo(1 << 20));
        final long stamp = log.tryOptimisticRead();
        final MemorySegment before = log.optimisticSegment();
        log.grow(50_000);
        assertThat(log.validate(stamp)).as("growth changes no byte that could be read").isTrue();
        assertThat(before.byteSize()).isEqualTo(100);
        assertThat(before.get(JAVA_BYTE, 99)).isEqualTo(byteAt(99));
        assertThat(log.optimisticSegment().byteSize()).isEqualTo(50_000);
    }

    @Test
    void staleHandleMustNotTakeTheSizeOfTheRecordsNextLife() {
        final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
        try (AddressSpace own = new SpaceBuilder().capacity(64L << 20).memory(memory).open()) {
            final Region stale = own.map(100);
            stale.unmap();
            Resources.settle(own);
            final List<Long> sizes = new ArrayList<>();
            // The descriptor is closed when the record is described and not attached yet.
            memory.afterDamage(() -> sizes.add(stale.optimisticSegment().byteSize()));
            memory.failNth(NativeCall.CLOSE, 1, EIO, Damage.DONE);
            final Region next = own.map(FileBacking.readOnly(file("data", 20_000)));
            memory.disarm();
            assertThat(inside(next).record()).as("the record is used again").isEqualTo(inside(stale).record());
            sizes.add(stale.optimisticSegment().byteSize());
            assertThat(sizes).containsExactly(100L, 100L);
            assertThat(next.optimisticSegment().byteSize()).isEqualTo(20_000);
        }
    }
}
