// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Region;
import io.holdfast.TruncatedException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A disk that is really full: an error of the growth, with everything as it was (G9), and never a signal later. */
class FullDiskTest extends SpaceFixture {
    private static final int MIB = 1 << 20;

    private Path disk;
    private boolean mounted;

    @BeforeEach
    void mountASmallDisk() throws IOException, InterruptedException {
        disk = Files.createDirectory(directory.resolve("disk"));
        try {
            mounted = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk.toString())
                .redirectErrorStream(true).start().waitFor() == 0;
        } catch (final IOException noSuchProgram) {
            mounted = false;
        }
        assumeTrue(mounted, "a small file system cannot be mounted here; errors of a full disk are injected elsewhere");
    }

    @AfterEach
    void unmount() throws IOException, InterruptedException {
        if (mounted) {
            space.close();
            assertThat(new ProcessBuilder("umount", disk.toString()).start().waitFor()).isZero();
        }
    }

    @Test
    void growthOnAFullDiskMustFailAndLeaveRegionAndFile() throws IOException {
        final Path path = disk.resolve("log");
        final Region log = space.map(FileBacking.readWrite(path).range(0, MIB).growableTo(64 * MIB));
        put(log, MIB - 8, 7);
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> log.grow(16 * MIB)).isInstanceOf(UncheckedIOException.class)
                .hasMessageContainingAll("grow failed", path.toString(), "ENOSPC", "the disk is full");
            assertThat(log.size()).isEqualTo(MIB);
            assertThat(Files.size(path)).isEqualTo(MIB);
        }
        log.grow(3 * MIB);
        put(log, 3 * MIB - 8, 8); // its blocks are reserved: no signal
        assertThat(get(log, MIB - 8)).isEqualTo(7);
        assertThat(get(log, 3 * MIB - 8)).isEqualTo(8);
    }

    @Test
    void aRegionThatHasToMoveMustStayWhereItIsWhenTheDiskIsFull() throws IOException {
        final Path path = disk.resolve("data");
        Files.write(path, new byte[MIB]);
        final Region region = space.map(FileBacking.readWrite(path));
        assertThatThrownBy(() -> region.remap(16 * MIB)).isInstanceOf(UncheckedIOException.class)
            .hasMessageContaining("ENOSPC");
        assertThat(Files.size(path)).isEqualTo(MIB);
        put(region, 0, 3);
        assertThat(get(region, 0)).isEqualTo(3);
        assertThat(get(region.remap(2 * MIB), 0)).isEqualTo(3);
    }

    /** Pages of a hole get their room when they are written: a signal, of which a checked copy makes an exception. */
    @Test
    void aCopyIntoAHoleOfAFullDiskMustEndInAnException() throws IOException {
        final Path path = disk.resolve("hole");
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(16 * MIB);
        }
        final Region region = space.map(FileBacking.readWrite(path));
        final MemorySegment bytes = MemorySegment.ofArray(new byte[16 * MIB]).fill((byte) 5);
        assertThatThrownBy(() -> region.copyIn(bytes, 0, 0, 16 * MIB))
            .hasMessageContainingAll("copyIn failed", path.toString(), "its device is full")
            .isInstanceOfSatisfying(TruncatedException.class, e -> {
                assertThat(e.file()).isEqualTo(path);
                assertThat(e.offset()).isEqualTo(e.fileOffset()).isBetween((long) MIB, 5L * MIB);
            });
        region.copyOut(0, bytes, 0, MIB);
        try (Guard guard = region.tryExclusive()) {
            assertThat(guard.isHeld()).as("no lock is left").isTrue();
        }
        region.unmap();
        Files.delete(path);
        growthOnAFullDiskMustFailAndLeaveRegionAndFile();
    }

    @Test
    void aFileThatDoesNotFitMustNotBeMapped() throws IOException {
        final Path path = disk.resolve("new");
        final Resources before = Resources.of(space, directory);
        assertThatThrownBy(() -> space.map(FileBacking.readWrite(path).range(0, 16 * MIB).growableTo(16 * MIB)))
            .isInstanceOf(UncheckedIOException.class).hasMessageContaining("ENOSPC");
        before.assertUnchanged(space, directory);
        assertThat(Files.size(path)).isZero();
    }
}
