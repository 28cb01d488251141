// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.memory.FaultInjectingMemory.Damage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** File mappings that succeed: what they show, where they may lie, and what is left of them. */
class MapFileTest {
    private static final long PAGE = Inspection.PAGE;
    private static final long MIB = 1L << 20;
    private static final long GIB = 1L << 30;
    private static final long CAPACITY = 64 * GIB;
    private static final long TOP = CAPACITY - MIB;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private final Reservation reservation = Reservation.reserve(memory, CAPACITY);

    @TempDir
    private Path directory;

    @AfterEach
    void release() {
        memory.disarm();
        reservation.release();
    }

    private long at(final long offset) {
        return reservation.base() + offset;
    }

    private FileHandle open(final Path path, final FileAccess access) {
        return FileHandle.open("map", memory, path, access, false);
    }

    private void map(final long offset, final Path path, final FileAccess access) throws IOException {
        try (FileHandle file = open(path, access)) {
            reservation.mapFile(offset, Files.size(path), file, 0, access);
        }
    }

    @ParameterizedTest
    @EnumSource
    void mappingMustShowTheFileAndOutliveHandleAndName(final FileAccess access) throws IOException {
        final Path path = Inspection.file(directory, "data", 4, 5);
        map(TOP, path, access);
        Files.delete(path);
        assertEquals(5, Inspection.get(at(TOP)));
        assertEquals(5, Inspection.get(at(TOP + 4 * PAGE - 1)));
        assertEquals(0, Inspection.descriptorsOf(path));
        assertEquals(1, Inspection.mappingsOf(path));
        assertEquals(RestoreResult.RESTORED, reservation.restore(TOP, 4 * PAGE));
        assertTrue(Inspection.isZero(at(TOP), 4 * PAGE));
        assertEquals(0, Inspection.mappingsOf(path));
    }

    @Test
    void sharedWritesMustReachTheFileAndPrivateOnesMustNot() throws IOException {
        final Path path = Inspection.file(directory, "data", 2, 5);
        map(TOP, path, FileAccess.READ_WRITE);
        map(TOP + 2 * PAGE, path, FileAccess.COPY_ON_WRITE);
        Inspection.put(at(TOP), 6);
        Inspection.put(at(TOP + 3 * PAGE), 7);
        reservation.sync(TOP, 2 * PAGE, true);
        reservation.sync(TOP, 2 * PAGE, false);
        final byte[] bytes = Files.readAllBytes(path);
        assertEquals(6, bytes[0]);
        assertEquals(5, bytes[(int) PAGE]);
        assertEquals(6, Inspection.get(at(TOP + 2 * PAGE)));
        assertEquals(7, Inspection.get(at(TOP + 3 * PAGE)));
    }

    @Test
    void mappingMustHaveTheAccessAskedFor() throws IOException {
        final Path path = Inspection.file(directory, "data", 1, 5);
        map(TOP, path, FileAccess.READ_ONLY);
        map(TOP + 2 * PAGE, path, FileAccess.READ_WRITE);
        map(TOP + 4 * PAGE, path, FileAccess.COPY_ON_WRITE);
        assertThat(Inspection.access(reservation))
            .containsExactly("---p", "r--p", "r--s", "r--p", "rw-s", "r--p", "rw-p", "r--p");
    }

    @Test
    void partsOfOneFileMustBeMappedByOffset() throws IOException {
        final Path path = Inspection.file(directory, "data", 4, 5);
        try (FileHandle file = open(path, FileAccess.READ_WRITE)) {
            reservation.mapFile(TOP, PAGE, file, 3 * PAGE, FileAccess.READ_WRITE);
            reservation.mapFile(TOP + PAGE, PAGE, file, 0, FileAccess.READ_WRITE);
            Inspection.put(at(TOP), 8);
            Inspection.put(at(TOP + PAGE), 9);
        }
        final byte[] bytes = Files.readAllBytes(path);
        assertEquals(8, bytes[(int) (3 * PAGE)]);
        assertEquals(9, bytes[0]);
    }

    @Test
    void fileOverTwoGibibytesMustBeMappedInOnePiece() throws IOException {
        final Path path = Inspection.sparse(directory, "huge", 8 * GIB + PAGE);
        final long offset = CAPACITY - 9 * GIB;
        map(offset, path, FileAccess.READ_WRITE);
        Inspection.put(at(offset + 8 * GIB), 77);
        assertEquals(0, Inspection.get(at(offset + 3 * GIB)));
        reservation.sync(offset + 8 * GIB, PAGE, true);
        assertThat(Inspection.picture(reservation)).anySatisfy(line -> assertThat(line)
            .startsWith(Long.toHexString(offset) + "-" + Long.toHexString(offset + 8 * GIB + PAGE) + " rw-s"));
        assertEquals(RestoreResult.RESTORED, reservation.restore(offset, 8 * GIB + PAGE));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, -4096, 4095, Long.MAX_VALUE - 4095})
    void fileOffsetThatIsNoPageMustBeRefused(final long fileOffset) throws IOException {
        final Path path = Inspection.file(directory, "data", 1, 5);
        try (FileHandle file = open(path, FileAccess.READ_ONLY)) {
            assertThatThrownBy(() -> reservation.mapFile(TOP, PAGE, file, fileOffset, FileAccess.READ_ONLY))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("fileOffset=" + fileOffset);
        }
    }

    @Test
    void writableMappingOfAFileOpenedForReadingMustBeRefused() throws IOException {
        final Path path = Inspection.file(directory, "data", 1, 5);
        for (final FileAccess access : List.of(FileAccess.READ_ONLY, FileAccess.COPY_ON_WRITE)) {
            try (FileHandle file = open(path, access)) {
                assertThatThrownBy(() -> reservation.mapFile(TOP, PAGE, file, 0, FileAccess.READ_WRITE))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("open the file for writing");
            }
        }
    }

    @Test
    void closedFileMustNotBeMapped() throws IOException {
        final Path path = Inspection.file(directory, "data", 1, 5);
        final FileHandle file = open(path, FileAccess.READ_ONLY);
        file.close();
        assertThatThrownBy(() -> reservation.mapFile(TOP, PAGE, file, 0, FileAccess.READ_ONLY))
            .isInstanceOf(IllegalStateException.class).hasMessageContaining("file is closed");
    }

    @Test
    void extendedMappingMustShowTheNewPartAndLeaveTheOldOneAlone() throws IOException {
        final Path path = Inspection.file(directory, "data", 1, 5);
        try (FileHandle file = open(path, FileAccess.READ_WRITE)) {
            reservation.mapFile(TOP, PAGE, file, 0, FileAccess.READ_WRITE);
            Inspection.put(at(TOP), 6);
            file.ensureLength("grow", 16 * PAGE, size -> { });
            reservation.extendFile(TOP, PAGE, 4 * PAGE, file, 0, FileAccess.READ_WRITE);
            reservation.extendFile(TOP, 4 * PAGE, 16 * PAGE, file, 0, FileAccess.READ_WRITE);
            assertThatThrownBy(
                () -> reservation.extendFile(TOP, 4 * PAGE, 4 * PAGE, file, 0, FileAccess.READ_WRITE))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("must be larger");
        }
        assertEquals(6, Inspection.get(at(TOP)));
        Inspection.put(at(TOP + 16 * PAGE - 1), 9);
        assertEquals(9, Files.readAllBytes(path)[(int) (16 * PAGE - 1)]);
        assertEquals(1, Inspection.mappingsOf(path));
    }

    @Test
    void mappingOfAnUnknownFileSystemMustBeMovedIntoItsPlace() throws IOException {
        final Path path = Inspection.file(directory, "data", 3, 5);
        memory.failNth(NativeCall.FSTATFS, 1, Errno.ENOSYS, Damage.NONE);
        map(TOP, path, FileAccess.READ_WRITE);
        assertEquals(1, memory.calls(NativeCall.MREMAP));
        assertEquals(5, Inspection.get(at(TOP + 3 * PAGE - 1)));
        assertEquals(1, Inspection.mappingsOf(path));
        final List<String> mapped = Inspection.picture(reservation);
        assertEquals(RestoreResult.RESTORED, reservation.restore(TOP, 3 * PAGE));
        memory.disarm();
        map(TOP, path, FileAccess.READ_WRITE);
        assertEquals(mapped, Inspection.picture(reservation));
    }

    @Test
    void privateMappingMustAlwaysBeMovedIntoItsPlace() throws IOException {
        map(TOP, Inspection.file(directory, "data", 3, 5), FileAccess.COPY_ON_WRITE);
        assertEquals(1, memory.calls(NativeCall.MREMAP));
    }

    @Test
    void restoredFileInTheAnonymousZoneMustLeaveWritableMemoryInOneMapping() throws IOException {
        reservation.ensureAnonymous(0, 8 * MIB);
        final List<String> before = Inspection.picture(reservation);
        final Path path = Inspection.file(directory, "data", 3, 5);
        for (int round = 0; round < 3; round++) {
            map(MIB, path, FileAccess.READ_WRITE);
            Inspection.put(at(MIB - 1), 1);
            Inspection.put(at(MIB + 3 * PAGE), 1);
            assertEquals(RestoreResult.RESTORED, reservation.restore(MIB, 3 * PAGE));
            assertTrue(Inspection.isZero(at(MIB), 3 * PAGE));
            Inspection.put(at(MIB), 1);
            assertEquals(before, Inspection.picture(reservation));
        }
    }

    @Test
    void fileAcrossTheBorderOfTheZonesMustLeaveEachItsBackground() throws IOException {
        reservation.ensureMapped(TOP, MIB);
        reservation.ensureAnonymous(0, reservation.anonymousLimit());
        final long border = reservation.mappedLimit();
        final List<String> before = Inspection.picture(reservation);
        map(border - 2 * PAGE, Inspection.file(directory, "data", 3, 5), FileAccess.READ_WRITE);
        assertEquals(5, Inspection.get(at(border)));
        assertEquals(RestoreResult.RESTORED, reservation.restore(border - 2 * PAGE, 3 * PAGE));
        Inspection.put(at(border - 1), 1);
        assertEquals(0, Inspection.get(at(border)));
        assertEquals(before, Inspection.picture(reservation));
    }

    @Test
    void fileInTheUntouchedMiddleMustLeaveItReadable() throws IOException {
        final Path path = Inspection.file(directory, "data", 3, 5);
        for (final long offset : new long[] {0, 40 * MIB, CAPACITY / 2, CAPACITY - 3 * PAGE}) {
            map(offset, path, FileAccess.READ_ONLY);
            assertEquals(5, Inspection.get(at(offset)));
            assertEquals(RestoreResult.RESTORED, reservation.restore(offset, 3 * PAGE));
            assertTrue(Inspection.isZero(at(offset), 3 * PAGE));
        }
    }

    @Test
    void parkingMustTakeFilesAwayToo() throws IOException {
        final Path path = Inspection.file(directory, "data", 3, 5);
        map(TOP, path, FileAccess.READ_WRITE);
        map(TOP + 4 * PAGE, path, FileAccess.COPY_ON_WRITE);
        Inspection.put(at(TOP), 6);
        assertTrue(reservation.park());
        assertEquals(0, Inspection.mappingsOf(path));
        assertTrue(Inspection.isZero(at(TOP), 8 * PAGE));
        assertEquals(6, Files.readAllBytes(path)[0]);
        assertThat(Inspection.access(reservation)).containsExactly("---p", "r--p");
    }

    @Test
    void residentBytesOfAFileMustBeThoseInMemory() throws IOException {
        map(TOP, Inspection.file(directory, "data", 4, 5), FileAccess.READ_ONLY);
        reservation.populate(TOP, 4 * PAGE, false);
        assertEquals(4 * PAGE, reservation.residentBytes(TOP, 4 * PAGE));
        for (final int advice : new int[] {NativeMemory.MADV_NORMAL, NativeMemory.MADV_RANDOM,
            NativeMemory.MADV_SEQUENTIAL, NativeMemory.MADV_WILLNEED, NativeMemory.MADV_COLD,
            NativeMemory.MADV_PAGEOUT}) {
            reservation.advise(TOP, 4 * PAGE, advice);
            assertEquals(5, Inspection.get(at(TOP)));
        }
    }

    @Test
    void writingBackThatFailsMustSaySo() throws IOException {
        map(TOP, Inspection.file(directory, "data", 4, 5), FileAccess.READ_WRITE);
        memory.failNth(NativeCall.MSYNC, 1, Errno.EIO, Damage.DONE);
        assertThatThrownBy(() -> reservation.sync(TOP, 4 * PAGE, true)).isInstanceOf(NativeException.class)
            .hasMessageStartingWith("msync failed: address=0x" + Long.toHexString(at(TOP)) + ", length=" + 4 * PAGE)
            .hasMessageContaining("EIO").hasMessageContaining("the data may not be on it");
    }

    @Test
    void hugePagesMustBeMappedOrRefusedClearly() throws IOException {
        final boolean configured = Files.readAllLines(Path.of("/proc/meminfo")).stream()
            .anyMatch(line -> line.startsWith("HugePages_Free:") && !line.endsWith(" 0"));
        final long offset = CAPACITY - 16 * MIB;
        reservation.ensureMapped(offset, 16 * MIB);
        final List<String> before = Inspection.picture(reservation);
        if (configured) {
            reservation.mapHugePages(offset, 2 * MIB);
            Inspection.fill(at(offset), 2 * MIB, 1);
            assertEquals(RestoreResult.RESTORED, reservation.restoreAnonymous(offset, 2 * MIB));
        } else {
            assertThatThrownBy(() -> reservation.mapHugePages(offset, 2 * MIB)).isInstanceOf(NativeException.class)
                .hasMessageContaining("vm.nr_hugepages");
        }
        assertTrue(Inspection.isZero(at(offset), 2 * MIB));
        assertEquals(before, Inspection.picture(reservation));
    }
}
