// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.AddressSpace;
import io.holdfast.EmptyFileException;
import io.holdfast.FileBacking;
import io.holdfast.MappingException;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files and ranges that cannot be mapped: an exception with path, value and remedy, and nothing is left (G9). */
class FileRefusalTest extends SpaceFixture {
    private static final int EACCES = 13;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private Resources before;

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory);
    }

    @BeforeEach
    void remember() {
        before = Resources.of(space, directory);
    }

    @AfterEach
    void nothingMayHaveChanged() {
        before.assertUnchanged(space, directory);
    }

    private void assertRefused(final ThrowingCallable map, final Path path, final String... parts) {
        assertThatThrownBy(map).isInstanceOf(UncheckedIOException.class).hasMessageContaining("map failed: path=" + path)
            .hasMessageContainingAll(parts);
    }

    @Test
    void missingFileMustBeRefused() {
        final Path path = directory.resolve("missing");
        assertRefused(() -> space.map(FileBacking.readOnly(path)), path, "ENOENT");
        assertRefused(() -> space.map(FileBacking.copyOnWrite(path)), path, "ENOENT");
        assertRefused(() -> space.map(FileBacking.readWrite(path)), path, "ENOENT");
        assertRefused(() -> space.map(FileBacking.readWrite(path).range(0, 10)), path, "ENOENT");
        assertThatThrownBy(() -> space.map(FileBacking.readOnly(path))).hasCauseInstanceOf(NoSuchFileException.class);
        assertThat(path).doesNotExist();
    }

    @Test
    void missingDirectoryMustBeRefused() {
        final Path path = directory.resolve("missing").resolve("file");
        assertRefused(() -> space.map(FileBacking.readWrite(path).range(0, 10).growableTo(100)), path, "ENOENT");
    }

    @Test
    void unreadableFileMustBeRefused() {
        final Path path = file("secret", 100);
        memory.failNth(NativeCall.OPEN, 1, EACCES, Damage.NONE);
        assertRefused(() -> space.map(FileBacking.readOnly(path)), path, "EACCES");
        memory.failNth(NativeCall.OPEN, 1, EACCES, Damage.NONE);
        assertThatThrownBy(() -> space.map(FileBacking.readWrite(path)))
            .hasCauseInstanceOf(AccessDeniedException.class);
    }

    @Test
    void fileBelowAFileMustBeRefused() {
        final Path path = file("plain", 100).resolve("child");
        assertRefused(() -> space.map(FileBacking.readOnly(path)), path, "ENOTDIR");
    }

    @Test
    void emptyFileMustBeRefused() {
        final Path path = file("empty", 0);
        assertRefused(() -> space.map(FileBacking.readOnly(path)), path, "size=0", "the file is empty");
        assertRefused(() -> space.map(FileBacking.readWrite(path).range(0, 1)), path, "size=0", "grow");
        assertThatThrownBy(() -> space.map(FileBacking.readWrite(path).growableTo(100)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContainingAll("map failed: path=" + path, "size=0", "maximum=100", "give range(offset, length)");
    }

    @Test
    void directoryMustBeRefused() {
        assertRefused(() -> space.map(FileBacking.readOnly(directory)), directory, "directory", "regular file");
        assertRefused(() -> space.map(FileBacking.readWrite(directory).range(0, 1).growableTo(10)), directory,
            "directory", "regular file");
    }

    @Test
    void specialFilesMustBeRefused() throws Exception {
        final Path device = Path.of("/dev/null");
        assertRefused(() -> space.map(FileBacking.readWrite(device)), device, "regular file");
        final Path pipe = directory.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        assertRefused(() -> space.map(FileBacking.readOnly(pipe)), pipe, "regular file");
        assertRefused(() -> space.map(FileBacking.readWrite(pipe).range(0, 1).growableTo(10)), pipe, "regular file");
    }

    /** Files of the kernel's own that say they have bytes and cannot be mapped. */
    @Test
    void fileThatTheKernelDoesNotMapMustBeRefusedWithItsPath() {
        final Path path = Path.of("/sys/kernel/mm/transparent_hugepage/enabled");
        assumeTrue(Files.exists(path), "no sysfs here");
        space.map(FileBacking.readOnly(file("data", 10))).unmap(); // the zone of files is there
        before = Resources.of(space, directory);
        assertThatThrownBy(() -> space.map(FileBacking.readOnly(path).range(5, 7))).isInstanceOf(MappingException.class)
            .hasMessageContainingAll("map failed in space test: path=" + path, "offset=5", "size=7", "mmap failed",
                "ENODEV", "does not support mapped files");
    }

    @Test
    void symbolicLinksThatLeadNowhereMustBeRefused() throws IOException {
        final Path dangling = Files.createSymbolicLink(directory.resolve("dangling"), Path.of("nowhere"));
        assertRefused(() -> space.map(FileBacking.readOnly(dangling)), dangling, "ENOENT");
        final Path loop = Files.createSymbolicLink(directory.resolve("loop"), Path.of("loop"));
        assertRefused(() -> space.map(FileBacking.readOnly(loop)), loop, "ELOOP");
    }

    @ParameterizedTest
    @CsvSource({"100, 1", "101, 1", "5000, 10", "9223372036854775806, 1"})
    void offsetPastTheEndMustBeRefused(final long offset, final long length) {
        final Path path = file("data", 100);
        assertRefused(() -> space.map(FileBacking.readOnly(path).range(offset, length)), path, "offset=" + offset,
            "size=100", "past the end", "smaller offset");
    }

    @ParameterizedTest
    @CsvSource({"0, 101", "99, 2", "50, 9223372036854775757", "0, 9223372036854775807"})
    void fileShorterThanTheRangeMustBeRefused(final long offset, final long length) throws IOException {
        final Path path = file("data", 100);
        for (final FileBacking backing : new FileBacking[] {FileBacking.readOnly(path), FileBacking.readWrite(path)}) {
            assertRefused(() -> space.map(backing.range(offset, length)), path, "offset=" + offset, "length=" + length,
                "size=100", "shorter than asked");
        }
        assertThat(Files.size(path)).isEqualTo(100);
    }

    @ParameterizedTest
    @CsvSource({"-1, 1", "0, 0", "0, -1", "1, 9223372036854775807", "9223372036854775807, 1",
        "-9223372036854775808, 9223372036854775807"})
    void rangeThatIsNoneMustBeRefused(final long offset, final long length) {
        assertThatThrownBy(() -> FileBacking.readOnly(directory.resolve("any")).range(offset, length))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContainingAll("range out of bounds: offset=" + offset + ", length=" + length, "must be");
    }

    @ParameterizedTest
    @CsvSource({"0, 200, 100", "9223372036854775000, 100, 9223372036854775807"})
    void maximumThatMakesNoSenseMustBeRefusedBeforeTheFileIsCreated(final long offset, final long length,
                                                                   final long maximum) {
        final Path path = directory.resolve("never");
        assertThatThrownBy(() -> space.map(FileBacking.readWrite(path).range(offset, length).growableTo(maximum)))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContainingAll("map failed: path=" + path, "offset=" + offset, "maximum=" + maximum);
        assertThat(path).doesNotExist();
    }

    @Test
    void maximumMustBePositiveAndOfAWritableFile() {
        final Path path = file("data", 100);
        assertThatThrownBy(() -> FileBacking.readWrite(path).growableTo(0))
            .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("maximum=0");
        assertThatThrownBy(() -> FileBacking.readOnly(path).growableTo(10))
            .isInstanceOf(IllegalStateException.class).hasMessageContaining("use readWrite(path)");
        assertThatThrownBy(() -> FileBacking.copyOnWrite(path).growableTo(10))
            .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void maximumAboveTheCapacityMustBeRefused() {
        final Path path = file("data", 100);
        assertThatThrownBy(() -> space.map(FileBacking.readWrite(path).range(1, 99).growableTo(CAPACITY)))
            .isInstanceOf(MappingException.class).hasMessageContaining("capacity=" + CAPACITY);
    }

    @Test
    void fileOfAnotherFileSystemMustBeRefused() {
        final Path path = Path.of(java.net.URI.create("jrt:/java.base/java/lang/Object.class"));
        assertThatThrownBy(() -> space.map(FileBacking.readOnly(path))).isInstanceOf(IllegalArgumentException.class)
            .hasMessageContainingAll("map failed: path=" + path, "default file system");
    }

    @Test
    void fileMustBeAskedFor() {
        assertThatThrownBy(() -> space.map((FileBacking) null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> FileBacking.readOnly(null)).isInstanceOf(NullPointerException.class);
    }

    @Test
    void whatIsWrongWithAFileMustBeAnIOExceptionForWhoAsksForOne() throws IOException {
        final Path empty = file("empty", 0);
        assertThatThrownBy(() -> space.mapFile(FileBacking.readOnly(empty))).isInstanceOf(EmptyFileException.class)
            .hasMessageContainingAll(empty.toString(), "size=0", "nothing to map");
        assertThatThrownBy(() -> space.map(FileBacking.readOnly(empty))).isInstanceOf(UncheckedIOException.class)
            .hasCauseInstanceOf(EmptyFileException.class);
        assertThatThrownBy(() -> space.mapFile(FileBacking.readOnly(directory.resolve("missing"))))
            .isInstanceOf(NoSuchFileException.class);
        assertThatThrownBy(() -> space.mapFile(FileBacking.readOnly(directory))).isInstanceOf(IOException.class);
    }
}
