// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static io.holdfast.epoch.EpochTestSupport.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.memory.FaultInjectingMemory.Damage;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Failing calls: before success nothing may be left behind, after it nothing may be lost. */
class ReservationFaultTest {
    private static final long PAGE = Inspection.PAGE;
    private static final long MIB = 1L << 20;
    private static final long CAPACITY = 64L << 30;
    private static final long TOP = CAPACITY - MIB;
    private static final long LENGTH = 4 * PAGE;
    private static final int ANONYMOUS = NativeMemory.MAP_PRIVATE | NativeMemory.MAP_ANONYMOUS;

    private final NativeMemory real = NativeMemory.system();
    private final FaultInjectingMemory memory = new FaultInjectingMemory(real);
    private final Reservation reservation = Reservation.reserve(memory, CAPACITY);

    @TempDir
    private Path directory;
    private Path path;
    private FileHandle file;

    @BeforeEach
    void open() {
        path = Inspection.file(directory, "data", 4, 5);
        file = FileHandle.open("map", memory, path, FileAccess.READ_WRITE, false);
    }

    @AfterEach
    void release() {
        memory.disarm();
        reservation.release();
        file.close();
        assertEquals(0, Inspection.descriptorsOf(path));
        assertEquals(0, Inspection.mappingsOf(path));
    }

    private long at(final long offset) {
        return reservation.base() + offset;
    }

    private void map(final long offset, final FileAccess access) {
        reservation.mapFile(offset, LENGTH, file, 0, access);
    }

    /** No address of the reservation is without a mapping. */
    private void assertWhole() {
        long covered = reservation.base();
        for (final KernelMappings.Entry entry : Inspection.mappings(reservation)) {
            assertTrue(entry.start() <= covered, () -> "hole: " + Inspection.picture(reservation));
            covered = entry.end();
        }
        assertTrue(covered >= reservation.base() + CAPACITY, () -> "hole: " + Inspection.picture(reservation));
    }

    private void assertClean(final long offset) {
        assertWhole();
        assertEquals(0, Inspection.mappingsOf(path));
        assertEquals(1, Inspection.descriptorsOf(path));
        assertEquals(0, reservation.lostBytes());
        assertEquals(0, reservation.quarantinedBytes());
        assertEquals(0, reservation.strandedBytes());
        assertTrue(Inspection.isZero(at(offset), LENGTH));
    }

    /** The virtual machine makes objects on the way into a native call, so heap and stack may end there. */
    @Test
    void whatCouldNotBeMovedToItsPlaceForWantOfHeapMustBeUnmapped() {
        memory.afterDamage(() -> {
            throw new OutOfMemoryError("on purpose");
        });
        memory.failNth(NativeCall.MREMAP, 1, 12, Damage.NONE);
        assertThrows(OutOfMemoryError.class, () -> map(TOP, FileAccess.COPY_ON_WRITE));
        assertClean(TOP);
    }

    @ParameterizedTest
    @CsvSource({
        "READ_ONLY, NONE, 12", "READ_ONLY, HOLE, 12", "READ_WRITE, NONE, 13", "READ_WRITE, HOLE, 12",
        "COPY_ON_WRITE, NONE, 12", "COPY_ON_WRITE, HOLE, 12", "READ_WRITE, HOLE, 5", "READ_ONLY, NONE, 24"})
    void everyFailingCallOfMapFileMustLeaveNothing(
        final FileAccess access, final Damage damage, final int errno) {
        for (final long offset : new long[] {TOP, TOP - 512 * MIB, 0, 32 * MIB, CAPACITY / 2}) {
            everyFailingCallMustLeaveNothing(offset, access, damage, errno);
        }
    }

    private void everyFailingCallMustLeaveNothing(
        final long offset, final FileAccess access, final Damage damage, final int errno) {
        for (int call = 1;; call++) {
            final long faults = memory.faults();
            memory.failNth(call, errno, damage);
            boolean mapped = false;
            try {
                map(offset, access);
                mapped = true;
            } catch (final NativeException failure) {
                assertEquals(errno, failure.errno());
            }
            memory.disarm();
            if (!mapped) {
                reservation.ensureMapped(offset, LENGTH);
                assertClean(offset);
            } else {
                assertEquals(5, Inspection.get(at(offset)));
                assertEquals(RestoreResult.RESTORED, reservation.restore(offset, LENGTH));
                assertClean(offset);
                if (memory.faults() == faults) {
                    return;
                }
            }
        }
    }

    @Test
    void failedMappingOverTheAnonymousZoneMustLeaveItWritable() {
        reservation.ensureAnonymous(0, 16 * MIB);
        final List<String> before = Inspection.picture(reservation);
        for (final FileAccess access : FileAccess.values()) {
            final Set<NativeCall> placing = EnumSet.of(
                access.isPrivate() ? NativeCall.MREMAP : NativeCall.MMAP);
            memory.arm(call -> placing.contains(call.kind()), 1, 1, Errno.ENOMEM, Damage.HOLE);
            assertThrows(NativeException.class, () -> map(MIB, access));
            assertTrue(Inspection.isZero(at(MIB), LENGTH));
            Inspection.put(at(MIB), 1);
            Inspection.put(at(MIB), 0);
            assertEquals(before, Inspection.picture(reservation));
        }
        assertEquals(3, reservation.repairs());
    }

    @Test
    void repairedZoneThatCannotBeMadeWritableMustBeLost() {
        reservation.ensureAnonymous(0, 16 * MIB);
        memory.arm(call -> call.kind() == NativeCall.MPROTECT ||
            (call.kind() == NativeCall.MMAP && memory.faults() == 0), 1, 2, Errno.ENOMEM, Damage.HOLE);
        assertThrows(RangeLostException.class, () -> map(MIB, FileAccess.READ_WRITE));
        memory.disarm();
        assertThat(reservation.lostRanges()).containsExactly(new AddressRange(MIB, LENGTH));
        assertWhole();
    }

    @Test
    void scratchMappingThatCannotBeRemovedMustBeRemovedLater() {
        memory.arm(call -> call.kind() == NativeCall.MREMAP || call.kind() == NativeCall.MUNMAP, 1, 2, Errno.ENOMEM,
            Damage.NONE);
        assertThrows(NativeException.class, () -> map(TOP, FileAccess.COPY_ON_WRITE));
        memory.disarm();
        assertEquals(LENGTH, reservation.strandedBytes());
        assertEquals(1, Inspection.mappingsOf(path));
        assertEquals(0, reservation.retryQuarantined());
        assertClean(TOP);
    }

    @Test
    void holeMustBeClosedAlsoByAKernelThatTakesTheAddressForAWish() {
        memory.forgetNoReplace(true);
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.HOLE);
        assertThrows(NativeException.class, () -> map(TOP, FileAccess.READ_WRITE));
        assertClean(TOP);
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.NONE);
        assertThrows(NativeException.class, () -> map(TOP, FileAccess.READ_WRITE));
        assertClean(TOP);
        assertEquals(1, reservation.repairs());
    }

    @ParameterizedTest
    @CsvSource({"0, 4", "0, 1", "1, 1", "3, 1", "1, 2"})
    void strangerInTheHoleMustBeLeftAloneForEver(final long first, final long pages) {
        reservation.ensureMapped(TOP, MIB);
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.HOLE);
        final long stranger = at(TOP) + first * PAGE;
        memory.afterDamage(() -> settle(stranger, pages * PAGE));
        final RangeLostException lost =
            assertThrows(RangeLostException.class, () -> map(TOP, FileAccess.READ_WRITE));
        assertThat(lost).hasMessageContaining("offset=" + TOP + ", length=" + LENGTH).hasMessageContaining("ENOMEM")
            .hasCauseInstanceOf(NativeException.class);
        assertEquals(TOP, lost.offset());
        assertEquals(LENGTH, lost.length());
        assertThat(reservation.lostRanges()).containsExactly(new AddressRange(TOP, LENGTH));
        assertWhole(); // what the stranger left free can be read
        for (int life = 0; life < 3; life++) {
            reservation.ensureAnonymous(0, 16 * MIB);
            reservation.ensureMapped(TOP - 512 * MIB, PAGE);
            assertTrue(reservation.park());
            reservation.unpark();
            assertEquals(99, Inspection.get(stranger));
            Inspection.put(stranger, 99);
        }
        assertEquals(LENGTH, reservation.lostBytes());
    }

    /**
     * Another thread's scratch mapping has got into the hole of a refused restore, and the thread stops there. It will put
     * zero pages over the hole, so the restore must not be over before.
     */
    @Test
    void scratchMappingInAHoleMustBecomeZeroPagesBeforeTheRangeIsUsedAgain() throws Exception {
        map(TOP, FileAccess.READ_WRITE);
        final AtomicBoolean inHole = new AtomicBoolean();
        final AtomicBoolean goOn = new AtomicBoolean();
        memory.chooseHoles(address -> {
            if (address == at(TOP)) {
                inHole.set(true);
                await("the restorer", goOn::get);
            }
        });
        final FutureTask<?> mapping = new FutureTask<>(() -> map(TOP + 2 * LENGTH, FileAccess.COPY_ON_WRITE), null);
        memory.afterDamage(() -> {
            new Thread(mapping, "mapping").start();
            await("a mapping in the hole", inHole::get);
        });
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.HOLE);
        final FutureTask<RestoreResult> restoring = new FutureTask<>(() -> {
            final RestoreResult result = reservation.restore(TOP, LENGTH);
            reservation.retryQuarantined();
            map(TOP, FileAccess.READ_WRITE);
            return result;
        });
        final Thread restorer = new Thread(restoring, "restorer");
        restorer.start();
        await("a mapping in the hole", inHole::get);
        await("a restorer that waits or is done", () -> !restorer.isAlive() || restorer.getState() == Thread.State.WAITING);
        goOn.set(true);
        mapping.get();
        assertEquals(RestoreResult.QUARANTINED, restoring.get());
        assertEquals(5, Inspection.get(at(TOP)));
        assertEquals(5, Inspection.get(at(TOP + 2 * LENGTH)));
        assertEquals(RestoreResult.RESTORED, reservation.restore(TOP, 3 * LENGTH));
        assertClean(TOP);
    }

    private void settle(final long address, final long length) {
        assertEquals(address, real.mmap(address, length, NativeMemory.PROT_READ | NativeMemory.PROT_WRITE,
            ANONYMOUS | NativeMemory.MAP_FIXED_NOREPLACE, -1, 0));
        Inspection.fill(address, length, 99);
    }

    @Test
    void strangerInTheAnonymousZoneMustKeepItsProtectionWhenTheZoneGrowsAgain() {
        reservation.ensureAnonymous(0, 16 * MIB);
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.HOLE);
        memory.afterDamage(() -> {
            settle(at(MIB), LENGTH);
            assertEquals(0, real.mprotect(at(MIB), LENGTH, NativeMemory.PROT_NONE));
        });
        assertThrows(RangeLostException.class, () -> map(MIB, FileAccess.READ_WRITE));
        assertTrue(reservation.park());
        reservation.unpark();
        reservation.ensureAnonymous(0, 16 * MIB);
        Inspection.put(at(MIB - 1), 1);
        assertThat(KernelMappings.within(at(MIB), at(MIB) + LENGTH)).extracting(KernelMappings.Entry::access)
            .containsExactly("---p");
    }

    @Test
    void holeThatCannotBeClosedMustBeLost() {
        reservation.ensureMapped(TOP, MIB);
        memory.failFrom(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.HOLE);
        assertThrows(RangeLostException.class, () -> map(TOP, FileAccess.READ_WRITE));
        memory.disarm();
        assertEquals(LENGTH, reservation.lostBytes());
        map(TOP + LENGTH, FileAccess.READ_WRITE);
        assertEquals(RestoreResult.RESTORED, reservation.restore(TOP + LENGTH, LENGTH));
    }

    @Test
    void refusedRestoreMustKeepThePagesReadableUntilARetrySucceeds() {
        map(TOP, FileAccess.READ_WRITE);
        map(TOP + 2 * LENGTH, FileAccess.READ_ONLY);
        memory.failFrom(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.NONE);
        assertEquals(RestoreResult.QUARANTINED, reservation.restore(TOP, LENGTH));
        assertEquals(RestoreResult.QUARANTINED, reservation.restore(TOP + 2 * LENGTH, LENGTH));
        assertEquals(5, Inspection.get(at(TOP)));
        assertEquals(2 * LENGTH, reservation.quarantinedBytes());
        assertThat(reservation.quarantinedRanges()).hasSize(2);
        assertEquals(2 * LENGTH, reservation.retryQuarantined());
        assertThat(reservation.quarantinedRanges()).containsExactly(
            new AddressRange(TOP, LENGTH), new AddressRange(TOP + 2 * LENGTH, LENGTH));
        memory.disarm();
        assertEquals(0, reservation.retryQuarantined());
        assertThat(reservation.lostRanges()).isEmpty();
        assertClean(TOP);
    }

    @ParameterizedTest
    @EnumSource
    void restoreThatLeavesAHoleMustCloseItAndSucceed(final FileAccess access) {
        map(TOP, access);
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.HOLE);
        assertEquals(RestoreResult.RESTORED, reservation.restore(TOP, LENGTH));
        assertEquals(1, reservation.repairs());
        assertClean(TOP);
    }

    @Test
    void restoreWhoseHoleATakerHasFilledMustBeLost() {
        map(TOP, FileAccess.READ_WRITE);
        memory.afterDamage(() -> settle(at(TOP), LENGTH));
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.HOLE);
        assertEquals(RestoreResult.LOST, reservation.restore(TOP, LENGTH));
        assertEquals(LENGTH, reservation.lostBytes());
        assertEquals(0, reservation.quarantinedBytes());
        assertTrue(reservation.park());
        assertEquals(99, Inspection.get(at(TOP)));
    }

    @Test
    void quarantinedRangeThatIsLostOnRetryMustNotBeReportedAsRestored() {
        map(TOP, FileAccess.READ_WRITE);
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.NONE);
        assertEquals(RestoreResult.QUARANTINED, reservation.restore(TOP, LENGTH));
        memory.failFrom(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.HOLE);
        assertEquals(0, reservation.retryQuarantined());
        assertThat(reservation.lostRanges()).containsExactly(new AddressRange(TOP, LENGTH));
    }

    @Test
    void zoneThatCannotBeMadeWritableAgainMustWaitInQuarantine() {
        reservation.ensureAnonymous(0, 16 * MIB);
        final List<String> before = Inspection.picture(reservation);
        map(MIB, FileAccess.READ_WRITE);
        memory.failNth(NativeCall.MPROTECT, 1, Errno.ENOMEM, Damage.NONE);
        assertEquals(RestoreResult.QUARANTINED, reservation.restore(MIB, LENGTH));
        assertTrue(Inspection.isZero(at(MIB), LENGTH));
        assertEquals(0, reservation.retryQuarantined());
        Inspection.put(at(MIB), 1);
        assertEquals(before, Inspection.picture(reservation));
    }

    @Test
    void refusedRestoreOfAnonymousMemoryMustKeepIt() {
        reservation.ensureMapped(TOP, MIB);
        reservation.ensureAnonymous(TOP, LENGTH);
        Inspection.put(at(TOP), 7);
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.NONE);
        assertEquals(RestoreResult.QUARANTINED, reservation.restoreAnonymous(TOP, LENGTH));
        assertEquals(7, Inspection.get(at(TOP)));
        assertEquals(0, reservation.retryQuarantined());
        assertClean(TOP);
    }

    @Test
    void everyFailingCallOfExtendFileMustLeaveTheMappedPartAlone() {
        for (final Damage damage : List.of(Damage.NONE, Damage.HOLE)) {
            for (final FileAccess access : FileAccess.values()) {
                extendUnderFaults(access, damage);
            }
        }
    }

    private void extendUnderFaults(final FileAccess access, final Damage damage) {
        reservation.mapFile(TOP, PAGE, file, 0, access);
        for (int call = 1;; call++) {
            final long faults = memory.faults();
            memory.failNth(call, Errno.ENOMEM, damage);
            try {
                reservation.extendFile(TOP, PAGE, LENGTH, file, 0, access);
            } catch (final NativeException failure) {
                assertEquals(Errno.ENOMEM, failure.errno());
                assertEquals(5, Inspection.get(at(TOP)));
                assertTrue(Inspection.isZero(at(TOP + PAGE), LENGTH - PAGE));
                assertWhole();
                assertEquals(1, Inspection.mappingsOf(path));
                continue;
            } finally {
                memory.disarm();
            }
            assertEquals(5, Inspection.get(at(TOP + LENGTH - 1)));
            if (memory.faults() == faults) {
                assertEquals(RestoreResult.RESTORED, reservation.restore(TOP, LENGTH));
                assertClean(TOP);
                return;
            }
            assertEquals(RestoreResult.RESTORED, reservation.restore(TOP + PAGE, LENGTH - PAGE));
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyFailingCallOfParkMustBeMadeUpByTheNextOne(final Damage damage) {
        long faults;
        int call = 0;
        do {
            call++;
            reservation.ensureAnonymous(0, 16 * MIB);
            reservation.ensureAnonymous(TOP + 2 * LENGTH, LENGTH);
            map(TOP, FileAccess.READ_WRITE);
            Inspection.put(at(0), 1);
            Inspection.put(at(TOP + 2 * LENGTH), 1);
            faults = memory.faults();
            memory.failNth(call, Errno.ENOMEM, damage);
            final boolean complete = reservation.park();
            faults = memory.faults() - faults;
            memory.disarm();
            assertWhole();
            if (!complete) {
                assertThatThrownBy(reservation::unpark).isInstanceOf(IllegalStateException.class);
                assertThat(Inspection.get(at(TOP))).isIn((byte) 0, (byte) 5);
                assertTrue(reservation.park());
            }
            assertTrue(Inspection.isZero(at(0), 16 * MIB));
            assertClean(TOP);
            assertTrue(Inspection.isZero(at(TOP), MIB));
            reservation.unpark();
        } while (faults > 0);
        assertThat(call).isGreaterThan(4);
    }

    @Test
    void parkMustLeaveQuarantineEmptyAndRecordWhatIsLost() {
        map(TOP, FileAccess.READ_WRITE);
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.NONE);
        assertEquals(RestoreResult.QUARANTINED, reservation.restore(TOP, LENGTH));
        assertTrue(reservation.park());
        assertClean(TOP);
        reservation.unpark();
        map(TOP, FileAccess.READ_WRITE);
        memory.failFrom(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.HOLE);
        assertTrue(reservation.park());
        memory.disarm();
        assertTrue(reservation.lostBytes() > 0);
    }

    @Test
    void refusedHugePagesMustLeaveNoScratchAndNoHole() {
        reservation.ensureMapped(TOP, MIB);
        final List<String> before = Inspection.picture(reservation);
        memory.failNth(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.HOLE);
        assertThrows(NativeException.class, () -> reservation.mapHugePages(TOP, LENGTH));
        assertEquals(before, Inspection.picture(reservation));
    }

    @Test
    void everyOperationInPlaceMustReportItsFailingCall() {
        reservation.ensureAnonymous(0, MIB);
        Inspection.put(at(0), 1);
        final List<Runnable> operations = List.of(
            () -> reservation.discard(0, PAGE),
            () -> reservation.advise(0, PAGE, NativeMemory.MADV_COLD),
            () -> reservation.populate(0, PAGE, true),
            () -> reservation.protect(0, PAGE, true),
            () -> reservation.sync(0, PAGE, true),
            () -> reservation.lock(0, PAGE, true),
            () -> reservation.lock(0, PAGE, false),
            () -> reservation.residentBytes(0, PAGE));
        for (final Runnable operation : operations) {
            memory.failNth(1, Errno.EIO, Damage.NONE);
            assertThatThrownBy(operation::run).isInstanceOf(NativeException.class)
                .hasMessageContaining("address=0x" + Long.toHexString(at(0)) + ", length=" + PAGE)
                .hasMessageContaining("EIO");
            assertEquals(1, Inspection.get(at(0)));
        }
        assertFalse(reservation.lostBytes() > 0);
    }

    /** Heap may end when addresses have been cut off, and before they belong to a reservation. */
    @Test
    void addressesThatCameToNoReservationMustBeThereToBeCut() {
        final Reservation whole = Reservation.reserve(memory, 64 * MIB);
        assertTrue(whole.park());
        whole.dissolve();
        final long left = Reservation.bytesToCut(memory);
        Reservation cut = null;
        int failed = 0;
        while (cut == null) {
            memory.endHeapAtLook(failed + 1);
            try {
                cut = Reservation.cut(memory, 64 * MIB);
            } catch (final OutOfMemoryError e) {
                failed++;
                assertEquals(left, Reservation.bytesToCut(memory));
            }
        }
        memory.endHeapAtLook(0);
        assertTrue(failed > 1, "heap has ended before and after the cut");
        cut.release();
        assertEquals(left, Reservation.bytesToCut(memory));
    }
}
