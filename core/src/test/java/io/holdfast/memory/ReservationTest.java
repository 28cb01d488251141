// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.memory.FaultInjectingMemory.Damage;
import java.util.List;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reserving, the two zones, anonymous memory, what is done to pages in place, parking. */
class ReservationTest {
    private static final long PAGE = Inspection.PAGE;
    private static final long MIB = 1L << 20;
    private static final long CAPACITY = 64L << 30;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private final Reservation reservation = Reservation.reserve(memory, CAPACITY);

    @AfterEach
    void release() {
        memory.disarm();
        reservation.release();
    }

    private long at(final long offset) {
        return reservation.base() + offset;
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, 4096, (16L << 20) - 4096, (16L << 20) + 1, (32L << 40) + 4096, Long.MAX_VALUE,
        Long.MIN_VALUE})
    void capacityOutOfRangeMustBeRefused(final long capacity) {
        assertThatThrownBy(() -> Reservation.reserve(memory, capacity)).isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("capacity=" + capacity).hasMessageContaining("between 16 MiB and 32 TiB");
    }

    @ParameterizedTest
    @ValueSource(longs = {16L << 20, 1L << 40, 32L << 40})
    void everyAllowedCapacityMustBeReservedAlignedAndGivenBack(final long capacity) {
        final Reservation other = Reservation.reserve(memory, capacity);
        assertEquals(0, other.base() % (capacity >= CAPACITY ? 1L << 30 : 2 * MIB));
        assertThat(Inspection.access(other)).containsExactly("---p");
        other.release();
        assertThat(Inspection.mappings(other)).isEmpty();
    }

    @Test
    void refusedReservationMustLeaveNothingAndSayWhy() {
        long failed = 0;
        for (int call = 1; failed == call - 1; call++) {
            memory.record(true);
            memory.failNth(call, Errno.ENOMEM, Damage.NONE);
            try {
                final Reservation granted = Reservation.reserve(memory, 1L << 40);
                memory.disarm();
                granted.release();
            } catch (final NativeException refused) {
                assertThat(refused).hasMessageContaining("ENOMEM").hasMessageContaining("ulimit -v");
                failed++;
            }
            memory.disarm();
            memory.record(false);
            final FaultInjectingMemory.Call last = memory.recorded().getLast();
            assertTrue(last.length() >= 1L << 40, last::toString);
        }
        assertTrue(failed >= 1, "failed=" + failed);
    }

    @Test
    void untouchedReservationMustBeOneMappingWithoutAccess() {
        assertThat(Inspection.access(reservation)).containsExactly("---p");
        assertEquals(0, reservation.mappedLimit());
        assertEquals(CAPACITY, reservation.anonymousLimit());
    }

    @Test
    void rangesThatAreNoneMustBeRefusedByEveryMethod() {
        final long[][] ranges = {
            {-PAGE, PAGE}, {0, 0}, {0, -PAGE}, {1, PAGE}, {0, 1}, {CAPACITY, PAGE}, {0, CAPACITY + PAGE},
            {PAGE, Long.MAX_VALUE & -PAGE}, {Long.MIN_VALUE, PAGE}};
        for (final long[] range : ranges) {
            for (final LongConsumer method : methods(range[1])) {
                assertThatThrownBy(() -> method.accept(range[0])).isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("offset=" + range[0]).hasMessageContaining("length=" + range[1]);
            }
        }
    }

    private List<LongConsumer> methods(final long length) {
        return List.of(
            offset -> reservation.ensureAnonymous(offset, length),
            offset -> reservation.ensureMapped(offset, length),
            offset -> reservation.mapHugePages(offset, length),
            offset -> reservation.restore(offset, length),
            offset -> reservation.restoreAnonymous(offset, length),
            offset -> reservation.zeroAnonymous(offset, length),
            offset -> reservation.discard(offset, length),
            offset -> reservation.advise(offset, length, NativeMemory.MADV_NORMAL),
            offset -> reservation.populate(offset, length, true),
            offset -> reservation.protect(offset, length, true),
            offset -> reservation.sync(offset, length, true),
            offset -> reservation.lock(offset, length, true));
    }

    @Test
    void residentBytesMustBeAskedOfAnyBytesButNoneOutside() {
        final long[][] ranges = {{-1, 1}, {0, -1}, {CAPACITY, 1}, {1, CAPACITY}, {PAGE, Long.MAX_VALUE},
            {Long.MIN_VALUE, PAGE}};
        for (final long[] range : ranges) {
            assertThatThrownBy(() -> reservation.residentBytes(range[0], range[1]))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("offset=" + range[0]).hasMessageContaining("length=" + range[1]);
        }
        assertThat(reservation.residentBytes(1, 0)).isZero();
        reservation.ensureAnonymous(0, PAGE);
        Inspection.put(at(0), 1);
        assertThat(reservation.residentBytes(1, 2)).isEqualTo(2);
    }

    @Test
    void anonymousZoneMustStayOneMappingHoweverFarItGrows() {
        final long region = 3 * MIB;
        for (long offset = 0; offset < 20_000 * region; offset += region) {
            reservation.ensureAnonymous(offset, region);
            if (offset % (1000 * region) == 0) {
                Inspection.put(at(offset), 1);
                Inspection.put(at(offset + region - 1), 2);
            }
        }
        assertThat(Inspection.access(reservation)).containsExactly("rw-p", "---p");
        assertEquals(1, Inspection.get(at(5000 * region)));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 16, 64})
    void zeroingMustNotBringPagesIntoMemoryThatWereNeverWritten(final long pages) {
        final long all = 64 * 64 * PAGE;
        reservation.ensureAnonymous(0, all);
        Inspection.put(at(PAGE), 1);
        Inspection.put(at(3 * PAGE - 1), 1);
        assertTrue(Inspection.isZero(at(0), PAGE) && Inspection.isZero(at(3 * PAGE), all - 3 * PAGE));
        final long looked = Inspection.anonymousBytes(reservation); // more than was written, if readers share no zeros
        for (long offset = 0; offset < all; offset += pages * PAGE) {
            reservation.zeroAnonymous(offset, pages * PAGE);
        }
        assertTrue(Inspection.isZero(at(0), all));
        assertThat(Inspection.anonymousBytes(reservation)).isLessThanOrEqualTo(looked);
    }

    @Test
    void mappedZoneMustStayOneMappingOfZeroPages() {
        for (long offset = CAPACITY - MIB; offset > 0; offset -= 200 * MIB) {
            reservation.ensureMapped(offset, MIB);
            assertEquals(0, Inspection.get(at(offset)));
        }
        assertThat(Inspection.access(reservation).getLast()).isEqualTo("r--p");
        assertThat(Inspection.mappings(reservation)).hasSizeLessThanOrEqualTo(3);
    }

    @Test
    void watermarksMustRiseInStepsSoThatFewCallsAreMade() {
        final long before = memory.calls();
        for (long offset = 0; offset < CAPACITY / 4; offset += MIB) {
            reservation.ensureAnonymous(offset, MIB);
            reservation.ensureMapped(CAPACITY - MIB - offset, MIB);
        }
        assertThat(memory.calls() - before).isLessThan(200);
    }

    @Test
    void watermarksMustNeverPassEachOther() {
        reservation.ensureMapped(8 * MIB, PAGE);
        reservation.ensureAnonymous(0, PAGE);
        assertTrue(reservation.mappedLimit() <= reservation.anonymousLimit(), reservation::toString);
        reservation.ensureAnonymous(0, CAPACITY);
        assertTrue(reservation.mappedLimit() <= reservation.anonymousLimit(), reservation::toString);
        Inspection.put(at(0), 1);
        Inspection.put(at(CAPACITY - 1), 1);
        assertEquals(RestoreResult.RESTORED, reservation.restoreAnonymous(0, CAPACITY));
        assertEquals(0, Inspection.get(at(CAPACITY - 1)));
        assertEquals(0, Inspection.get(at(0)));
    }

    @Test
    void addressInTheMiddleMustLeaveBothZonesTheirRoom() {
        reservation.ensureAnonymous(MIB, MIB);
        reservation.ensureMapped(CAPACITY - MIB, MIB);
        reservation.ensureMapped(100 * MIB, PAGE);
        assertTrue(reservation.anonymousLimit() > CAPACITY / 2, reservation::toString);
        reservation.ensureAnonymous(CAPACITY - 100 * MIB, PAGE);
        assertTrue(reservation.mappedLimit() < CAPACITY / 2, reservation::toString);
    }

    @Test
    void anonymousRangeInTheMappedZoneMustBeWritableAndVanishWhenRestored() {
        final long offset = CAPACITY - 4 * MIB;
        reservation.ensureMapped(offset, 4 * MIB);
        final List<String> before = Inspection.picture(reservation);
        reservation.ensureAnonymous(offset + MIB, MIB);
        assertFalse(reservation.isInAnonymousZone(offset + MIB, MIB));
        Inspection.fill(at(offset + MIB), MIB, 7);
        assertEquals(before.size() + 2, Inspection.mappings(reservation).size());
        assertEquals(RestoreResult.RESTORED, reservation.restoreAnonymous(offset + MIB, MIB));
        assertTrue(Inspection.isZero(at(offset + MIB), MIB));
        assertEquals(before, Inspection.picture(reservation));
    }

    @Test
    void anonymousRangeAcrossTheBorderOfTheZonesMustWorkInBoth() {
        reservation.ensureMapped(CAPACITY - MIB, PAGE);
        reservation.ensureAnonymous(0, reservation.anonymousLimit());
        assertEquals(reservation.mappedLimit(), reservation.anonymousLimit());
        final long offset = reservation.mappedLimit() - PAGE;
        reservation.ensureAnonymous(offset, 2 * PAGE);
        Inspection.fill(at(offset), 2 * PAGE, 3);
        assertEquals(RestoreResult.RESTORED, reservation.restoreAnonymous(offset, 2 * PAGE));
        assertTrue(Inspection.isZero(at(offset), 2 * PAGE));
        assertThat(Inspection.access(reservation)).startsWith("rw-p", "r--p").hasSizeLessThanOrEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(longs = {4096, 65_536, ReservedPages.ZERO_BY_HAND_BYTES, ReservedPages.ZERO_BY_HAND_BYTES + 65_536,
        8L << 20})
    void zeroedMemoryMustBeZeroWhateverTheSize(final long length) {
        reservation.ensureAnonymous(0, length + 2 * PAGE);
        Inspection.fill(at(0), length + 2 * PAGE, 1);
        reservation.zeroAnonymous(PAGE, length);
        assertTrue(Inspection.isZero(at(PAGE), length));
        assertEquals(1, Inspection.get(at(PAGE - 1)));
        assertEquals(1, Inspection.get(at(PAGE + length)));
    }

    @Test
    void smallMemoryMustBeZeroedWithoutAnyCall() {
        reservation.ensureAnonymous(0, MIB);
        final long before = memory.calls();
        reservation.zeroAnonymous(0, ReservedPages.ZERO_BY_HAND_BYTES);
        reservation.ensureAnonymous(0, MIB);
        assertEquals(before, memory.calls());
    }

    @Test
    void memoryMustBeZeroedByHandWhereTheKernelRefuses() {
        reservation.ensureAnonymous(0, 4 * MIB);
        Inspection.fill(at(0), 4 * MIB, 1);
        memory.failNth(NativeCall.MADVISE, 1, Errno.EINVAL, Damage.NONE);
        reservation.zeroAnonymous(0, 4 * MIB);
        assertEquals(1, memory.faults());
        assertTrue(Inspection.isZero(at(0), 4 * MIB));
    }

    @Test
    void discardedMemoryMustLeaveTheResidentSet() {
        reservation.ensureAnonymous(0, 4 * MIB);
        assertEquals(0, reservation.residentBytes(MIB, MIB));
        reservation.populate(MIB, 2 * MIB, true);
        assertEquals(MIB, reservation.residentBytes(MIB, MIB));
        reservation.discard(MIB, MIB);
        assertEquals(0, reservation.residentBytes(MIB, MIB));
        assertEquals(MIB, reservation.residentBytes(2 * MIB, MIB));
    }

    @Test
    void populatingMustKeepBytesAlsoOnKernelsThatDoNotKnowTheAdvice() {
        reservation.ensureAnonymous(0, MIB);
        Inspection.put(at(0), 5);
        memory.failNth(NativeCall.MADVISE, 1, Errno.EINVAL, Damage.NONE);
        reservation.populate(0, MIB, true);
        assertEquals(MIB, reservation.residentBytes(0, MIB));
        assertEquals(5, Inspection.get(at(0)));
        memory.failNth(NativeCall.MADVISE, 1, Errno.EINVAL, Damage.NONE);
        reservation.populate(0, MIB, false);
        assertEquals(2, memory.faults());
    }

    @Test
    void residentBytesMustBeCountedOverMoreThanOneVector() {
        final long length = 65_536 * PAGE + 16 * MIB;
        reservation.ensureAnonymous(0, length);
        Inspection.put(at(0), 1);
        Inspection.put(at(length - 1), 1);
        assertEquals(2 * PAGE, reservation.residentBytes(0, length));
    }

    @Test
    void protectedPagesMustMergeBackWhenMadeWritableAgain() {
        reservation.ensureAnonymous(0, 4 * MIB);
        final List<String> before = Inspection.picture(reservation);
        reservation.protect(MIB, MIB, false);
        assertThat(Inspection.access(reservation)).containsExactly("rw-p", "r--p", "rw-p", "---p");
        Inspection.put(at(0), 1);
        Inspection.put(at(3 * MIB), 1);
        reservation.protect(MIB, MIB, true);
        Inspection.put(at(MIB), 1);
        assertEquals(before, Inspection.picture(reservation));
    }

    @Test
    void restoringMustTakeAwayEveryTraceOfProtectionAndAdvice() {
        reservation.ensureAnonymous(0, 8 * MIB);
        final List<String> before = Inspection.picture(reservation);
        reservation.advise(2 * MIB, 2 * MIB, NativeMemory.MADV_HUGEPAGE);
        Inspection.fill(at(0), 8 * MIB, 1);
        reservation.protect(3 * MIB, PAGE, false);
        assertThat(Inspection.mappings(reservation)).hasSizeGreaterThan(before.size());
        assertEquals(RestoreResult.RESTORED, reservation.restoreAnonymous(2 * MIB, 2 * MIB));
        assertEquals(before, Inspection.picture(reservation));
        assertTrue(Inspection.isZero(at(2 * MIB), 2 * MIB));
        assertEquals(1, Inspection.get(at(2 * MIB - 1)));
        assertEquals(1, Inspection.get(at(4 * MIB)));
    }

    @Test
    void lockedPagesMustStayAndBeLetGoWithoutTrace() {
        reservation.ensureAnonymous(0, 4 * MIB);
        final List<String> before = Inspection.picture(reservation);
        reservation.lock(MIB, MIB, true);
        assertEquals(MIB, reservation.residentBytes(MIB, MIB));
        reservation.lock(MIB, MIB, false);
        assertEquals(before, Inspection.picture(reservation));
    }

    @Test
    void refusedLockMustLeaveNothingLocked() {
        reservation.ensureAnonymous(0, 4 * MIB);
        memory.failNth(NativeCall.MLOCK, 1, Errno.ENOMEM, Damage.DONE);
        assertThatThrownBy(() -> reservation.lock(0, MIB, true)).isInstanceOf(NativeException.class)
            .hasMessageContaining("ulimit -l");
        assertThat(Inspection.access(reservation)).containsExactly("rw-p", "---p");
    }

    @Test
    void hugePagesMustFailClearlyWhereNoneAreConfigured() {
        final List<String> before = Inspection.picture(reservation);
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.NONE);
        assertThatThrownBy(() -> reservation.mapHugePages(CAPACITY - 4 * MIB, 2 * MIB))
            .isInstanceOf(NativeException.class).hasMessageContaining("vm.nr_hugepages");
        assertEquals(before.size() + 1, Inspection.mappings(reservation).size());
    }

    @Test
    void everyRefusalOfAWatermarkMustLeaveItWhereItWas() {
        memory.failFrom(NativeCall.MPROTECT, 1, Errno.ENOMEM, Damage.NONE);
        assertThatThrownBy(() -> reservation.ensureAnonymous(0, PAGE)).isInstanceOf(NativeException.class);
        assertThatThrownBy(() -> reservation.ensureMapped(CAPACITY - PAGE, PAGE)).isInstanceOf(NativeException.class);
        assertEquals(0, reservation.mappedLimit());
        assertEquals(CAPACITY, reservation.anonymousLimit());
        memory.disarm();
        reservation.ensureAnonymous(0, PAGE);
        reservation.ensureMapped(CAPACITY - PAGE, PAGE);
        assertThat(Inspection.access(reservation)).containsExactly("rw-p", "---p", "r--p");
    }

    @Test
    void refusalOfALargeStepMustFallBackToWhatIsNeeded() {
        memory.failNth(NativeCall.MPROTECT, 1, Errno.ENOMEM, Damage.NONE);
        reservation.ensureAnonymous(0, PAGE);
        assertEquals(PAGE, reservation.mappedLimit());
        memory.failNth(NativeCall.MPROTECT, 1, Errno.ENOMEM, Damage.NONE);
        reservation.ensureMapped(CAPACITY - PAGE, PAGE);
        assertEquals(CAPACITY - PAGE, reservation.anonymousLimit());
    }

    @Test
    void refusedAnonymousRangeInTheMappedZoneMustStayReadOnly() {
        final long offset = CAPACITY - 4 * MIB;
        reservation.ensureMapped(offset, 4 * MIB);
        final List<String> before = Inspection.picture(reservation);
        memory.failNth(NativeCall.MPROTECT, 1, Errno.ENOMEM, Damage.DONE);
        assertThatThrownBy(() -> reservation.ensureAnonymous(offset, MIB)).isInstanceOf(NativeException.class);
        assertEquals(before, Inspection.picture(reservation));
    }

    @Test
    void parkedReservationMustReadAsZeroAndHoldNoMemory() {
        reservation.ensureAnonymous(0, 8 * MIB);
        reservation.ensureAnonymous(CAPACITY - 8 * MIB, 8 * MIB);
        Inspection.fill(at(0), 8 * MIB, 1);
        Inspection.fill(at(CAPACITY - 8 * MIB), 8 * MIB, 1);
        reservation.protect(MIB, MIB, false);
        assertTrue(reservation.park());
        assertTrue(Inspection.isZero(at(0), 8 * MIB));
        assertTrue(Inspection.isZero(at(CAPACITY - 8 * MIB), 8 * MIB));
        assertThat(Inspection.access(reservation)).containsExactly("r--p", "---p", "r--p");
        assertTrue(reservation.park());
    }

    @Test
    void unparkedReservationMustServeAgainAsWhenNew() {
        for (long life = 1; life <= 3; life++) {
            reservation.ensureAnonymous(0, life * 8 * MIB);
            assertTrue(Inspection.isZero(at(0), 8 * MIB));
            Inspection.fill(at(0), 8 * MIB, 1);
            reservation.ensureMapped(CAPACITY - life * 200 * MIB, PAGE);
            assertEquals(0, Inspection.get(at(CAPACITY - PAGE)));
            assertTrue(reservation.park());
            reservation.unpark();
            assertEquals(0, reservation.mappedLimit());
            assertEquals(CAPACITY, reservation.anonymousLimit());
        }
        reservation.ensureAnonymous(0, PAGE);
        assertThat(Inspection.mappings(reservation)).hasSizeLessThanOrEqualTo(4);
    }

    @Test
    void onlyAParkedReservationMustBeUnparked() {
        assertThatThrownBy(reservation::unpark).isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("reservation is in use").hasMessageContaining("park it first");
    }

    @Test
    void onlyAParkedReservationMustBeDissolved() {
        assertThatThrownBy(reservation::dissolve).isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("reservation cannot be dissolved").hasMessageContaining("park it first");
    }

    /** All that was readable stays so: a late reader does not know what becomes of the addresses. */
    @Test
    void dissolvedReservationsMustBeCutAndJoinedAndStayReadable() {
        assertThat(Reservation.cut(memory, Reservation.MIN_CAPACITY)).as("there is nothing to cut").isNull();
        final Reservation whole = Reservation.reserve(memory, 256 * MIB);
        final long base = whole.base();
        whole.ensureAnonymous(0, 256 * MIB);
        Inspection.fill(base, 256 * MIB, 1);
        assertTrue(whole.park());
        whole.dissolve();

        final Reservation lower = Reservation.cut(memory, 64 * MIB);
        final Reservation upper = Reservation.cut(memory, 64 * MIB);
        assertEquals(base, lower.base());
        assertTrue(upper.base() >= lower.base() + 64 * MIB + PAGE, upper::toString);
        assertThat(Reservation.cut(memory, 128 * MIB)).as("less than that is left").isNull();
        assertTrue(Inspection.isZero(base, 256 * MIB));
        for (final Reservation part : List.of(lower, upper)) {
            part.ensureAnonymous(0, 32 * MIB);
            part.ensureMapped(63 * MIB, MIB);
            Inspection.fill(part.base(), 32 * MIB, 2);
            assertTrue(Inspection.isZero(part.base() + 32 * MIB, 32 * MIB));
        }
        assertTrue(Inspection.isZero(lower.base() + 64 * MIB, PAGE));

        for (final Reservation part : List.of(upper, lower)) {
            assertTrue(part.park());
            part.dissolve();
        }
        assertTrue(Inspection.isZero(base, 256 * MIB));
        final Reservation again = Reservation.cut(memory, 256 * MIB);
        assertEquals(base, again.base());
        again.ensureAnonymous(0, 256 * MIB);
        Inspection.fill(base, 256 * MIB, 3);
        assertEquals(RestoreResult.RESTORED, again.restoreAnonymous(0, 256 * MIB));
        assertTrue(Inspection.isZero(base, 256 * MIB));
    }

    @Test
    void theSmallestRangeThatSufficesMustBeCut() {
        final Reservation large = Reservation.reserve(memory, 256 * MIB);
        final Reservation between = Reservation.reserve(memory, 16 * MIB); // so that they do not touch
        final Reservation small = Reservation.reserve(memory, 64 * MIB);
        for (final Reservation each : List.of(large, small)) {
            assertTrue(each.park());
            each.dissolve();
        }
        assertEquals(small.base(), Reservation.cut(memory, 64 * MIB).base());
        assertEquals(large.base(), Reservation.cut(memory, 64 * MIB).base());
        between.release();
    }

    @Test
    void aReleasedPartMustBeThereForOthers() {
        final Reservation whole = Reservation.reserve(memory, 256 * MIB);
        assertTrue(whole.park());
        whole.dissolve();
        final long before = Reservation.bytesToCut(memory);
        Reservation.cut(memory, 64 * MIB).release();
        assertEquals(before, Reservation.bytesToCut(memory));
        assertEquals(whole.base(), Reservation.cut(memory, 256 * MIB).base());
    }
}
