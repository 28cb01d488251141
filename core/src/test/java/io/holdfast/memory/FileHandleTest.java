// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.memory.FaultInjectingMemory.Damage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.StandardProtocolFamily;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FileHandleTest {
    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @TempDir
    private Path directory;

    private FileHandle open(final Path path, final FileAccess access) {
        return FileHandle.open("map", memory, path, access, false);
    }

    private FileHandle create(final String name) {
        return FileHandle.open("map", memory, directory.resolve(name), FileAccess.READ_WRITE, true);
    }

    private Path file(final String name, final String content) throws IOException {
        return Files.writeString(directory.resolve(name), content);
    }

    @ParameterizedTest
    @EnumSource
    void existingFileMustOpenAndCloseOnce(final FileAccess access) throws IOException {
        final Path path = file("data", "12345");
        final FileHandle handle = open(path, access);
        assertEquals(5, handle.size("map"));
        assertEquals(path, handle.path());
        assertEquals(access, handle.access());
        assertEquals(Files.getAttribute(path, "unix:ino"), handle.inode());
        assertEquals(1, Inspection.descriptorsOf(path));
        assertFalse(handle.isClosed());
        handle.close();
        handle.close();
        assertTrue(handle.isClosed());
        assertEquals(1, memory.calls(NativeCall.CLOSE));
        assertEquals(0, Inspection.descriptorsOf(path));
    }

    @Test
    void missingFileMustBeReportedWithPathAndRemedy() {
        final Path path = directory.resolve("missing");
        assertThatThrownBy(() -> open(path, FileAccess.READ_ONLY)).isInstanceOf(UncheckedIOException.class)
            .hasMessage("map failed: path=" + path + ", call=open, errno=2 (ENOENT): " +
                "no such file; create it first, or check the path")
            .hasCauseInstanceOf(NoSuchFileException.class);
    }

    @Test
    void missingDirectoryMustBeReportedAlsoWhenTheFileIsToBeCreated() {
        assertThatThrownBy(() -> create("no/such")).isInstanceOf(UncheckedIOException.class)
            .hasMessageContaining("ENOENT").hasCauseInstanceOf(NoSuchFileException.class);
    }

    @Test
    void fileInsideOfAFileMustBeReported() throws IOException {
        final Path path = file("data", "x").resolve("inner");
        assertThatThrownBy(() -> open(path, FileAccess.READ_ONLY)).isInstanceOf(UncheckedIOException.class)
            .hasMessageContaining("ENOTDIR").hasMessageContaining("not a directory")
            .hasCauseInstanceOf(FileSystemException.class);
    }

    @Test
    void createdFileMustBeEmptyAndRespectTheMask() throws IOException {
        try (FileHandle handle = create("new")) {
            assertEquals(0, handle.size("map"));
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(handle.path()))).startsWith("rw-");
        }
        try (FileHandle again = create("new")) {
            assertEquals(0, again.size("map"));
        }
    }

    @Test
    void onlyAFileForWritingMustBeCreated() {
        for (final FileAccess access : List.of(FileAccess.READ_ONLY, FileAccess.COPY_ON_WRITE)) {
            assertThatThrownBy(() -> FileHandle.open("map", memory, directory.resolve("new"), access, true))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("access=" + access);
        }
        assertFalse(Files.exists(directory.resolve("new")));
    }

    @ParameterizedTest
    @EnumSource
    void directoryMustBeRefused(final FileAccess access) {
        assertThatThrownBy(() -> open(directory, access)).isInstanceOf(UncheckedIOException.class)
            .hasMessage("map failed: path=" + directory + ", is a directory; only regular files can be mapped")
            .hasCauseInstanceOf(FileSystemException.class);
        assertEquals(memory.calls(NativeCall.OPEN), memory.calls(NativeCall.CLOSE));
    }

    @ParameterizedTest
    @CsvSource({"/dev/null, READ_ONLY", "/dev/zero, COPY_ON_WRITE", "/dev/null, READ_WRITE"})
    void specialFileMustBeRefusedAndNeverOpenedForWriting(final String name, final FileAccess access) {
        assertThatThrownBy(() -> open(Path.of(name), access)).isInstanceOf(UncheckedIOException.class)
            .hasMessageContaining("path=" + name).hasMessageContaining("is a character device; only regular files");
        assertEquals(access == FileAccess.READ_WRITE ? 0 : 1, memory.calls(NativeCall.OPEN));
        assertEquals(memory.calls(NativeCall.OPEN), memory.calls(NativeCall.CLOSE));
    }

    @ParameterizedTest
    @EnumSource
    void socketMustBeRefusedAsOneThoughItCannotBeOpened(final FileAccess access) throws IOException {
        final Path path = directory.resolve("socket");
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(path));
            assertThatThrownBy(() -> open(path, access)).isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("is a socket");
        }
    }

    @Test
    void pipeMustBeRefusedWithoutWaitingForItsOtherEnd() throws Exception {
        final Path path = directory.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", path.toString()).start().waitFor());
        assertThatThrownBy(() -> open(path, FileAccess.READ_ONLY)).isInstanceOf(UncheckedIOException.class)
            .hasMessageContaining("is a pipe");
    }

    @Test
    void fileThatTurnsSpecialBetweenLookAndOpenMustBeRefusedAndClosed() throws Exception {
        final Path path = file("data", "x");
        final Path pipe = directory.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        // The path is looked at, the pipe takes its place, the open is repeated after a signal.
        memory.afterDamage(() -> {
            try {
                Files.move(pipe, path, StandardCopyOption.REPLACE_EXISTING);
            } catch (final IOException failed) {
                throw new UncheckedIOException(failed);
            }
        });
        memory.failNth(NativeCall.OPEN, 1, Errno.EINTR, Damage.NONE);
        assertThatThrownBy(() -> open(path, FileAccess.READ_ONLY)).isInstanceOf(UncheckedIOException.class)
            .hasMessageContaining("is a pipe");
        assertEquals(0, Inspection.descriptorsOf(path));
    }

    @Test
    void unreadableFileMustBeReportedAsDenied() throws IOException {
        final Path path = file("secret", "x");
        memory.failNth(NativeCall.OPEN, 1, Errno.EACCES, Damage.NONE);
        assertThatThrownBy(() -> open(path, FileAccess.READ_ONLY)).isInstanceOf(UncheckedIOException.class)
            .hasMessageContaining("call=open, errno=13 (EACCES)").hasMessageContaining("owner and mode")
            .hasCauseInstanceOf(AccessDeniedException.class);
    }

    @ParameterizedTest
    @CsvSource({"24, ulimit -n", "30, read-only", "26, running program", "40, symbolic links"})
    void otherRefusalsMustComeWithTheirRemedy(final int errno, final String remedy) throws IOException {
        final Path path = file("data", "x");
        memory.failNth(NativeCall.OPEN, 1, errno, Damage.NONE);
        assertThatThrownBy(() -> open(path, FileAccess.READ_WRITE)).isInstanceOf(UncheckedIOException.class)
            .hasMessageContaining(remedy).hasCauseInstanceOf(FileSystemException.class);
    }

    @Test
    void openingMustGoOnAfterASignal() throws IOException {
        final Path path = file("data", "x");
        memory.failNth(NativeCall.OPEN, 1, Errno.EINTR, Damage.NONE);
        try (FileHandle handle = open(path, FileAccess.READ_ONLY)) {
            assertEquals(1, handle.size("map"));
        }
        assertEquals(2, memory.calls(NativeCall.OPEN));
    }

    @Test
    void noFailingCallMustLeakADescriptor() throws IOException {
        final Path path = file("data", "x");
        long call = 0;
        do {
            call++;
            memory.failNth(call, Errno.EIO, Damage.DONE); // a close that reports an error has closed even so
            try (FileHandle handle = open(path, FileAccess.READ_WRITE)) {
                handle.ensureLength("grow", 8192, size -> { });
                handle.truncate(100);
            } catch (final UncheckedIOException expected) {
                assertThat(expected).hasMessageContaining("path=" + path).hasMessageContaining("EIO");
            }
            memory.disarm();
            assertEquals(0, Inspection.descriptorsOf(path));
        } while (memory.faults() == call);
        assertThat(call).isGreaterThan(6);
    }

    @Test
    void pathOfAnotherFileSystemMustBeRefused() throws IOException {
        final FileSystem runtime = FileSystems.getFileSystem(URI.create("jrt:/"));
        final Path path = runtime.getPath("/modules/java.base/java/lang/Object.class");
        assertThatThrownBy(() -> open(path, FileAccess.READ_ONLY)).isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("fileSystem=jrt").hasMessageContaining("default file system");
    }

    @ParameterizedTest
    @ValueSource(strings = {"with space", "per%cent", "plus+", "ha#sh", "que?stion", "semi;colon"})
    void everyNameMustReachTheKernelUnchanged(final String name) throws IOException {
        final Path path = file(name, "content");
        try (FileHandle handle = open(path, FileAccess.READ_ONLY)) {
            assertEquals(7, handle.size("map"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"c3a4c3b6", "20e282ac2525", "ff61fe", "f09f9a8023"})
    void nameThatIsNoTextMustReachTheKernelByteByByte(final String bytes) throws IOException {
        final byte[] name = HexFormat.of().parseHex(bytes);
        try (Arena arena = Arena.ofConfined()) {
            final byte[] parent = (directory + "/").getBytes(StandardCharsets.US_ASCII);
            final MemorySegment whole = arena.allocate(parent.length + name.length + 1L);
            whole.copyFrom(MemorySegment.ofArray(parent));
            whole.asSlice(parent.length).copyFrom(MemorySegment.ofArray(name));
            final int created = memory.open(whole, NativeMemory.O_RDWR | NativeMemory.O_CREAT, 0x180);
            assertEquals(0, memory.ftruncate(created, 7));
            assertEquals(0, memory.close(created));
        }
        try (Stream<Path> listed = Files.list(directory);
            FileHandle handle = open(listed.findFirst().orElseThrow(), FileAccess.READ_ONLY)) {
            assertEquals(7, handle.size("map"));
        }
    }

    @Test
    void relativePathAndSymbolicLinkMustBeFollowed() throws IOException {
        final Path path = file("data", "123");
        final Path link = Files.createSymbolicLink(directory.resolve("link"), path);
        final Path relative = Path.of("").toAbsolutePath().relativize(link);
        try (FileHandle handle = open(relative, FileAccess.READ_ONLY)) {
            assertEquals(3, handle.size("map"));
        }
    }

    @Test
    void rangeOfAnEmptyFileMustBeRefused() throws IOException {
        final Path path = file("empty", "");
        try (FileHandle handle = open(path, FileAccess.READ_ONLY)) {
            assertThatThrownBy(() -> handle.requireRange("map", handle.size("map"), 0, 0))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageStartingWith("map failed: path=" + path + ", size=0: the file is empty")
                .hasCauseInstanceOf(FileSystemException.class);
        }
    }

    @ParameterizedTest
    @CsvSource({"10, 0, past the end", "10, 1, past the end", "11, 0, past the end", "0, 11, shorter than asked",
        "9, 2, shorter than asked", "9223372036854775806, 1, past the end", "1, 9223372036854775806, shorter"})
    void rangeBehindTheEndMustBeRefused(final long offset, final long length, final String reason)
        throws IOException {
        try (FileHandle handle = open(file("ten", "0123456789"), FileAccess.READ_ONLY)) {
            assertThatThrownBy(() -> handle.requireRange("map", 10, offset, length))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("offset=" + offset).hasMessageContaining("size=10").hasMessageContaining(reason);
        }
    }

    @ParameterizedTest
    @CsvSource({"-1, 1", "0, -1", "1, 9223372036854775807", "-9223372036854775808, 0"})
    void rangeThatIsNoneMustBeRefused(final long offset, final long length) throws IOException {
        try (FileHandle handle = open(file("ten", "0123456789"), FileAccess.READ_WRITE)) {
            assertThatThrownBy(() -> handle.requireRange("map", 10, offset, length))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("offset=" + offset + ", length=" + length);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0, 10", "3, 0, 7", "0, 10, 10", "9, 1, 1"})
    void rangeInsideMustBeReturned(final long offset, final long length, final long expected) throws IOException {
        try (FileHandle handle = open(file("ten", "0123456789"), FileAccess.READ_ONLY)) {
            assertEquals(expected, handle.requireRange("map", handle.size("map"), offset, length));
        }
    }

    @Test
    void grownFileMustHaveItsBlocksReserved() throws IOException {
        try (FileHandle handle = create("grown")) {
            assertEquals(1 << 20, handle.ensureLength("grow", 1 << 20, size -> { }));
            assertEquals(1 << 20, handle.ensureLength("grow", 100, size -> { }));
            assertEquals(1 << 20, Files.size(handle.path()));
            assertThat(blocks(handle.path())).isGreaterThanOrEqualTo((1 << 20) / 512);
        }
        assertEquals(0, memory.calls(NativeCall.FTRUNCATE));
    }

    private static long blocks(final Path path) throws IOException {
        final Process stat = new ProcessBuilder("stat", "-c", "%b", path.toString()).start();
        return Long.parseLong(new String(stat.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip());
    }

    @Test
    void growthMustFallBackToAHoleWhereBlocksCannotBeReserved() throws IOException {
        try (FileHandle handle = create("grown")) {
            memory.failNth(NativeCall.FALLOCATE, 1, Errno.EOPNOTSUPP, Damage.NONE);
            assertEquals(1 << 20, handle.ensureLength("grow", 1 << 20, size -> { }));
            assertEquals(1 << 20, Files.size(handle.path()));
        }
        assertEquals(1, memory.calls(NativeCall.FTRUNCATE));
    }

    @Test
    void fullDiskMustBeAnErrorOfTheGrowthAndLeaveTheSize() throws IOException {
        try (FileHandle handle = open(file("data", "12345"), FileAccess.READ_WRITE)) {
            for (final Damage damage : Damage.values()) {
                memory.failNth(NativeCall.FALLOCATE, 1, Errno.ENOSPC, damage);
                assertThatThrownBy(() -> handle.ensureLength("grow", 1 << 20, size -> { }))
                    .isInstanceOf(UncheckedIOException.class)
                    .hasMessageStartingWith("grow failed: path=" + handle.path() + ", call=fallocate")
                    .hasMessageContaining("ENOSPC").hasMessageContaining("the disk is full");
                assertThat(Files.size(handle.path())).isIn(5L, damage == Damage.DONE ? 1L << 20 : 5L);
            }
        }
    }

    @Test
    void sizeThatAFailedGrowthHasReachedMustBeTakenBack() throws IOException {
        try (FileHandle handle = open(file("data", "12345"), FileAccess.READ_WRITE)) {
            memory.afterDamage(() -> handle.truncate(4096)); // as far as the blocks went
            memory.failNth(NativeCall.FALLOCATE, 1, Errno.ENOSPC, Damage.NONE);
            assertThrows(UncheckedIOException.class, () -> handle.ensureLength("grow", 1 << 20, size -> { }));
            assertEquals(5, handle.size("map"));
        }
    }

    @Test
    void failureOfTakingBackMustNotHideTheFirstOne() throws IOException {
        try (FileHandle handle = open(file("data", "12345"), FileAccess.READ_WRITE)) {
            memory.afterDamage(() -> {
                memory.afterDamage(() -> { });
                memory.failNth(1, Errno.EIO, Damage.NONE);
            });
            memory.failNth(NativeCall.FALLOCATE, 1, Errno.ENOSPC, Damage.NONE);
            final UncheckedIOException failure =
                assertThrows(UncheckedIOException.class, () -> handle.ensureLength("grow", 1 << 20, size -> { }));
            assertThat(failure).hasMessageContaining("ENOSPC");
            assertThat(failure.getSuppressed()).hasSize(1);
        }
    }

    @Test
    void growthMustGoOnAfterASignal() throws IOException {
        try (FileHandle handle = create("grown")) {
            memory.failNth(NativeCall.FALLOCATE, 1, Errno.EINTR, Damage.NONE);
            assertEquals(8192, handle.ensureLength("grow", 8192, size -> { }));
        }
    }

    @Test
    void truncatedFileMustHaveTheNewSize() throws IOException {
        try (FileHandle handle = open(file("data", "12345"), FileAccess.READ_WRITE)) {
            handle.truncate(2);
            assertEquals(2, handle.size("map"));
            handle.truncate(100);
            assertEquals(100, handle.size("map"));
            assertThatThrownBy(() -> handle.truncate(-1)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("truncate failed").hasMessageContaining("length=-1");
        }
    }

    @Test
    void closedFileMustRefuseEverything() throws IOException {
        final FileHandle handle = open(file("data", "12345"), FileAccess.READ_WRITE);
        handle.close();
        for (final Runnable operation : List.<Runnable>of(() -> handle.size("map"),
            () -> handle.ensureLength("grow", 1, size -> { }), () -> handle.truncate(1))) {
            assertThatThrownBy(operation::run).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("file is closed: path=" + handle.path());
        }
    }

    @Test
    void descriptorMustStayOpenUntilTheLastCallUnderWayIsDone() throws IOException {
        final FileHandle handle = open(file("data", "12345"), FileAccess.READ_WRITE);
        handle.enter();
        handle.close();
        assertEquals(0, memory.calls(NativeCall.CLOSE));
        assertTrue(handle.isClosed());
        assertThatThrownBy(() -> handle.size("map")).isInstanceOf(IllegalStateException.class);
        handle.leave();
        assertEquals(1, memory.calls(NativeCall.CLOSE));
        assertEquals(0, Inspection.descriptorsOf(handle.path()));
    }

    @Test
    void closeMustReportLostDataAndStillClose() throws IOException {
        final FileHandle handle = open(file("data", "12345"), FileAccess.READ_WRITE);
        memory.failNth(NativeCall.CLOSE, 1, Errno.EIO, Damage.DONE);
        assertThatThrownBy(handle::close).isInstanceOf(UncheckedIOException.class)
            .hasMessageContaining("close failed").hasMessageContaining("EIO");
        handle.close();
        assertEquals(0, Inspection.descriptorsOf(handle.path()));
        final FileHandle interrupted = open(handle.path(), FileAccess.READ_WRITE);
        memory.failNth(NativeCall.CLOSE, 1, Errno.EINTR, Damage.DONE);
        interrupted.close();
    }

    @Test
    void fileSystemOfAMountMustBeAskedOnceForItsKind() throws IOException {
        try (FileHandle handle = open(file("data", "12345"), FileAccess.READ_WRITE)) {
            memory.failNth(NativeCall.FSTATFS, 1, Errno.EIO, Damage.NONE);
            assertFalse(handle.mapsReliably(), "nothing is known");
        }
        memory.disarm();
        final boolean reliable;
        try (FileHandle handle = open(directory.resolve("data"), FileAccess.READ_WRITE)) {
            reliable = handle.mapsReliably();
            assertEquals(2, memory.calls(NativeCall.FSTATFS), "what failed is asked again");
            assertEquals(reliable, handle.mapsReliably());
            assertEquals(2, memory.calls(NativeCall.FSTATFS));
        }
        assumeTrue(tellsMounts(), "a kernel before 6.8");
        try (FileHandle handle = open(file("more", "1"), FileAccess.READ_ONLY);
             FileHandle elsewhere = open(Path.of("/proc/self/maps"), FileAccess.READ_ONLY)) {
            assertEquals(reliable, handle.mapsReliably());
            assertEquals(2, memory.calls(NativeCall.FSTATFS));
            assertFalse(elsewhere.mapsReliably(), "another mount");
            assertEquals(3, memory.calls(NativeCall.FSTATFS));
        }
    }

    private boolean tellsMounts() {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment buffer = arena.allocate(FileStatus.BYTES, Long.BYTES);
            assertEquals(0, memory.statx(NativeMemory.AT_FDCWD, arena.allocateFrom("/"), 0, FileStatus.FIELDS, buffer));
            return FileStatus.of(buffer).mount() != FileStatus.NO_MOUNT;
        }
    }
}
