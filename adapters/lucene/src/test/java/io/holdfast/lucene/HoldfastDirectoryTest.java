// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.holdfast.AddressSpace;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.RegionInfo;
import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.DataAccessHint;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.store.MemorySegmentAccessInput;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** When files come into memory and leave it, what they are called there, and what the options do. */
class HoldfastDirectoryTest {
    private static final int LENGTH = 20_000; // which is mapped
    private static final int SMALL = 5_000; // which is copied, and ends within a page
    private static final IOContext RANDOM = IOContext.DEFAULT.withHints(DataAccessHint.RANDOM);
    private static final IOContext SEQUENTIAL = IOContext.DEFAULT.withHints(DataAccessHint.SEQUENTIAL);

    @TempDir
    private Path path;
    private AddressSpace space;

    @BeforeEach
    void open() {
        space = AddressSpace.builder().eras(Duration.ZERO, Duration.ZERO).startReclaimer(false).open();
    }

    @AfterEach
    void close() {
        if (space.isOpen()) {
            space.close();
        }
    }

    private HoldfastDirectory.Builder settings() {
        return HoldfastDirectory.builder().space(space);
    }

    private static void write(final HoldfastDirectory directory, final String name, final int length) throws IOException {
        try (IndexOutput output = directory.createOutput(name, IOContext.DEFAULT)) {
            for (int i = 0; i < length; i++) {
                output.writeByte((byte) i);
            }
        }
    }

    private void finishUnmaps() throws Exception {
        while (space.statistics().backlogUnmaps() > 0) {
            space.reclaimer().doWork();
        }
    }

    private List<String> mappings(final String name) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/maps")).stream()
            .filter(line -> line.contains(path.resolve(name).toString())).toList();
    }

    private String smaps(final String name) throws IOException {
        final StringBuilder text = new StringBuilder();
        boolean mine = false;
        for (final String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                mine = line.contains(path.resolve(name).toString());
            }
            text.append(mine ? line + "\n" : "");
        }
        return text.toString();
    }

    @Test
    void waitingCloseMustHaveGivenTheFileBackWhenItReturns() throws IOException {
        try (HoldfastDirectory directory = settings().unmapInBackground(false).open(path)) {
            write(directory, "data", LENGTH);
            final IndexInput input = directory.openInput("data", IOContext.DEFAULT);
            assertThat(input.readByte()).isZero();
            assertThat(mappings("data")).isNotEmpty();
            input.close();
            assertThat(mappings("data")).isEmpty();
            assertThat(space.maps()).isEmpty();
        }
    }

    @Test
    void closedFilesMustLeaveMemoryTogetherAtTheEndOfTheEra() throws Exception {
        try (HoldfastDirectory directory = settings().open(path)) {
            for (int i = 0; i < 10; i++) {
                write(directory, "data" + i, LENGTH);
                final IndexInput input = directory.openInput("data" + i, IOContext.DEFAULT);
                assertThat(input.readByte()).isZero();
                input.close();
                directory.deleteFile("data" + i);
                assertThat(mappings("data" + i)).as("until the era ends").anyMatch(line -> line.endsWith("(deleted)"));
            }
            assertThat(space.statistics().backlogUnmaps()).isEqualTo(10);
            finishUnmaps();
            assertThat(mappings("data")).isEmpty();
            assertThat(space.statistics().eras()).isEqualTo(1);
        }
    }

    @Test
    void regionsMustBearTheNamesOfTheirFiles() throws IOException {
        try (HoldfastDirectory directory = settings().open(path)) {
            write(directory, "_0.cfs", LENGTH);
            write(directory, "_1.cfs", LENGTH);
            try (IndexInput first = directory.openInput("_0.cfs", IOContext.DEFAULT);
                 IndexInput second = directory.openInput("_1.cfs", IOContext.DEFAULT)) {
                assertThat(first.length() + second.length()).isEqualTo(2 * LENGTH);
                assertThat(space.maps()).extracting(RegionInfo::name).containsExactlyInAnyOrder("_0.cfs", "_1.cfs");
                assertThat(space.maps()).extracting(RegionInfo::path)
                    .containsExactlyInAnyOrder(path.resolve("_0.cfs"), path.resolve("_1.cfs"));
            }
        }
    }

    @Test
    void directoriesMustShareASpaceUnlessTheyAreGivenOne() throws IOException {
        try (HoldfastDirectory first = new HoldfastDirectory(path.resolve("first"));
             HoldfastDirectory second = new HoldfastDirectory(path.resolve("second"));
             HoldfastDirectory own = settings().open(path.resolve("third"))) {
            assertThat(first.space()).isSameAs(second.space()).isNotSameAs(space);
            assertThat(own.space()).isSameAs(space);
            assertThat(own.toString()).contains(space.name());
        }
        assertThat(space.isOpen()).isTrue();
    }

    @Test
    void closeMustEndClonesAndSlicesAndRawSegmentsAndMayBeRepeated() throws Exception {
        closeMustEndAll(LENGTH);
    }

    @Test
    void closeOfACopyMustEndAllToo() throws Exception {
        closeMustEndAll(SMALL);
    }

    private void closeMustEndAll(final int length) throws Exception {
        try (HoldfastDirectory directory = settings().open(path)) {
            write(directory, "data", length);
            final IndexInput input = directory.openInput("data", IOContext.DEFAULT);
            final IndexInput clone = input.clone();
            final IndexInput slice = clone.slice("part", 1_000, 1_000);
            final MemorySegment segment = ((MemorySegmentAccessInput) slice).segmentSliceOrNull(5, 10);
            assertThat(segment.get(JAVA_BYTE, 0)).isEqualTo((byte) 1_005);
            final Thread other = new Thread(() -> {
                try {
                    input.close();
                    input.close();
                } catch (final IOException e) {
                    throw new AssertionError(e);
                }
            });
            other.start();
            other.join();
            for (final IndexInput each : List.of(input, clone, slice)) {
                assertThatThrownBy(each::readByte).isInstanceOf(AlreadyClosedException.class);
                assertThatThrownBy(() -> each.readBytes(new byte[10], 0, 10)).isInstanceOf(AlreadyClosedException.class);
                assertThatThrownBy(() -> each.readLongs(new long[10], 0, 10)).isInstanceOf(AlreadyClosedException.class);
                assertThatThrownBy(each::clone).isInstanceOf(AlreadyClosedException.class);
                assertThatThrownBy(() -> each.slice("late", 0, 1)).isInstanceOf(AlreadyClosedException.class);
                assertThatThrownBy(() -> each.prefetch(0, 1)).isInstanceOf(AlreadyClosedException.class);
                assertThatThrownBy(() -> ((MemorySegmentAccessInput) each).segmentSliceOrNull(0, 1))
                    .isInstanceOf(AlreadyClosedException.class);
                each.close();
            }
            finishUnmaps();
            assertThatThrownBy(() -> segment.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void closeOfACloneMustEndItAlone() throws IOException {
        try (HoldfastDirectory directory = settings().open(path)) {
            write(directory, "data", LENGTH);
            try (IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
                final IndexInput clone = input.clone();
                final IndexInput slice = clone.slice("part", 10, 10);
                clone.close();
                clone.close();
                assertThatThrownBy(clone::readByte).isInstanceOf(AlreadyClosedException.class);
                assertThatThrownBy(() -> clone.seek(1)).isInstanceOf(AlreadyClosedException.class);
                assertThat(slice.readByte()).isEqualTo((byte) 10);
                assertThat(input.readByte()).isZero();
            }
        }
    }

    @Test
    void emptyFilesMustBeReadable() throws IOException {
        try (HoldfastDirectory directory = settings().open(path)) {
            write(directory, "empty", 0);
            try (IndexInput input = directory.openInput("empty", IOContext.DEFAULT)) {
                assertThat(input.length()).isZero();
                assertThatThrownBy(input::readByte).isInstanceOf(EOFException.class);
                assertThatThrownBy(() -> input.clone().readInt()).isInstanceOf(EOFException.class);
                input.readBytes(new byte[0], 0, 0);
                input.seek(0);
                input.prefetch(0, 0);
                assertThat(input.slice("part", 0, 0).length()).isZero();
                assertThat(((MemorySegmentAccessInput) input).segmentSliceOrNull(0, 0).byteSize()).isZero();
            }
        }
    }

    @Test
    void filesBeyondFourGibibytesMustBeReadInOnePiece() throws IOException {
        final long end = 5L << 30;
        try (RandomAccessFile file = new RandomAccessFile(path.resolve("large").toFile(), "rw")) {
            file.seek((4L << 30) - 2);
            file.writeInt(0x04030201);
            file.setLength(end);
        }
        try (HoldfastDirectory directory = settings().open(path);
             IndexInput input = directory.openInput("large", IOContext.DEFAULT)) {
            assertThat(input.length()).isEqualTo(end);
            final IndexInput slice = input.slice("across", (4L << 30) - 10, 100);
            slice.seek(8);
            assertThat(slice.readInt()).isEqualTo(0x01020304);
            final MemorySegment all = ((MemorySegmentAccessInput) input).segmentSliceOrNull(0, end);
            assertThat(all.get(JAVA_BYTE, (4L << 30) + 1)).isEqualTo((byte) 1);
            assertThat(space.maps()).hasSize(1);
        }
    }

    @Test
    void smallFilesMustBeCopiedAndTakeNoMapping() throws Exception {
        try (HoldfastDirectory directory = settings().open(path)) {
            write(directory, "small", SMALL);
            final IndexInput input = directory.openInput("small", IOContext.DEFAULT);
            assertThat(mappings("small")).isEmpty();
            assertThat(space.maps()).singleElement().satisfies(region -> {
                assertThat(region.name()).isEqualTo("small");
                assertThat(region.path()).isNull();
            });
            directory.deleteFile("small");
            assertThat(input.length()).isEqualTo(SMALL);
            for (int i = 0; i < SMALL; i++) {
                assertThat(input.readByte()).isEqualTo((byte) i);
            }
            assertThatThrownBy(input::readByte).isInstanceOf(EOFException.class);
            assertThatThrownBy(() -> input.slice("part", SMALL - 8, 9)).isInstanceOf(IllegalArgumentException.class);
            final IndexInput end = input.slice("part", SMALL - 8, 8);
            assertThat(end.readLong() >>> 56).isEqualTo((SMALL - 1) & 0xFF);
            assertThatThrownBy(end::readByte).isInstanceOf(EOFException.class);
            input.prefetch(0, SMALL);
            input.updateIOContext(RANDOM);
            input.close();
            assertThatThrownBy(() -> input.seek(0)).isInstanceOf(AlreadyClosedException.class);
            finishUnmaps();
            assertThat(space.maps()).isEmpty();
        }
    }

    @Test
    void segmentsOfCopiesMustNotBeWritten() throws IOException {
        try (HoldfastDirectory directory = settings().open(path)) {
            write(directory, "small", SMALL);
            try (IndexInput input = directory.openInput("small", IOContext.DEFAULT)) {
                final MemorySegment all = ((MemorySegmentAccessInput) input).segmentSliceOrNull(0, SMALL);
                assertThat(all.isReadOnly()).isTrue();
                assertThat(all.get(JAVA_BYTE, SMALL - 1)).isEqualTo((byte) (SMALL - 1));
                assertThatThrownBy(() -> ((MemorySegmentAccessInput) input).segmentSliceOrNull(0, SMALL + 1))
                    .isInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void filesMustBeMappedFromTheSizeThatIsSetOn() throws IOException {
        try (HoldfastDirectory directory = settings().copyUpTo(SMALL).open(path);
             HoldfastDirectory mapping = settings().copyUpTo(0).open(path)) {
            write(directory, "copied", SMALL);
            write(directory, "mapped", SMALL + 1);
            write(directory, "byte", 1);
            write(directory, "empty", 0);
            try (IndexInput copied = directory.openInput("copied", IOContext.DEFAULT);
                 IndexInput mapped = directory.openInput("mapped", IOContext.DEFAULT);
                 IndexInput single = mapping.openInput("byte", IOContext.DEFAULT);
                 IndexInput empty = mapping.openInput("empty", IOContext.DEFAULT)) {
                assertThat(mappings("copied")).isEmpty();
                assertThat(mappings("mapped")).isNotEmpty();
                assertThat(mappings("byte")).isNotEmpty();
                assertThat(copied.length() + mapped.length() + single.length() + empty.length()).isEqualTo(2 * SMALL + 2);
            }
        }
        assertThatThrownBy(() -> settings().copyUpTo(-1)).isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("-1");
    }

    @Test
    void interruptedThreadMustOpenAllTheSame() throws IOException {
        try (HoldfastDirectory directory = settings().open(path)) {
            write(directory, "small", SMALL);
            write(directory, "data", LENGTH);
            Thread.currentThread().interrupt();
            try (IndexInput copied = directory.openInput("small", IOContext.DEFAULT);
                 IndexInput mapped = directory.openInput("data", IOContext.DEFAULT)) {
                assertThat(copied.readByte()).isEqualTo(mapped.readByte());
            } finally {
                assertThat(Thread.interrupted()).as("kept").isTrue();
            }
        }
    }

    @Test
    void filesOfOtherFileSystemsMustBeRefusedWithTheRemedy() throws IOException {
        try (FileSystem zip = FileSystems.newFileSystem(path.resolve("index.zip"), Map.of("create", "true"));
             HoldfastDirectory directory = settings().open(zip.getPath("/index"))) {
            write(directory, "small", SMALL);
            assertThatThrownBy(() -> directory.openInput("small", IOContext.DEFAULT))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("default file system");
        }
    }

    @Test
    void missingFileMustBeAnIoExceptionAsEverywhere() throws IOException {
        try (HoldfastDirectory directory = settings().open(path)) {
            assertThatThrownBy(() -> directory.openInput("none", IOContext.DEFAULT))
                .isInstanceOf(NoSuchFileException.class);
        }
    }

    @Test
    void limitsOfTheSpaceMustBeAnIoExceptionAndPass() throws IOException {
        limitsMustPass(LENGTH);
    }

    @Test
    void limitsOfTheSpaceMustHoldForCopiesToo() throws IOException {
        limitsMustPass(SMALL);
    }

    private void limitsMustPass(final int length) throws IOException {
        try (AddressSpace small = AddressSpace.builder().maxRegions(1).open();
             HoldfastDirectory directory = HoldfastDirectory.builder().space(small).unmapInBackground(false).open(path)) {
            write(directory, "first", length);
            write(directory, "second", length);
            try (IndexInput first = directory.openInput("first", IOContext.DEFAULT)) {
                assertThatThrownBy(() -> directory.openInput("second", IOContext.DEFAULT)).isInstanceOf(IOException.class)
                    .hasMessageContaining("second").hasMessageContaining("maxRegions");
                assertThat(first.readByte()).isZero();
            }
            try (IndexInput second = directory.openInput("second", IOContext.DEFAULT)) {
                assertThat(second.readByte()).isZero();
            }
        }
    }

    @Test
    void interruptedThreadMustCloseAllTheSame() throws Exception {
        try (HoldfastDirectory directory = settings().open(path)) {
            write(directory, "data", LENGTH);
            final IndexInput input = directory.openInput("data", IOContext.DEFAULT);
            Thread.currentThread().interrupt();
            input.close();
            assertThat(Thread.interrupted()).as("kept").isTrue();
            finishUnmaps();
            assertThat(mappings("data")).isEmpty();
        }
    }

    @Test
    void closedSpaceMustEndItsInputs() throws IOException {
        try (HoldfastDirectory directory = settings().open(path)) {
            write(directory, "data", LENGTH);
            try (IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
                assertThat(input.readByte()).isZero();
                space.close();
                assertThatThrownBy(input::readByte).isInstanceOf(AlreadyClosedException.class);
            }
        }
    }

    @Test
    void adviceMustReachTheKernelForFilesAndPartsOfThem() throws IOException {
        try (HoldfastDirectory directory = settings().readAdvice(MMapDirectory.ADVISE_BY_CONTEXT).unmapInBackground(false)
            .open(path)) {
            write(directory, "data", 10 * LENGTH);
            try (IndexInput input = directory.openInput("data", RANDOM)) {
                assertThat(smaps("data")).containsPattern("VmFlags:.* rr");
                assertThat(input.isEfficientFor(SEQUENTIAL)).isFalse();
                assertThat(input.isEfficientFor(RANDOM)).isTrue();
                input.slice("part", 0, 5 * LENGTH, SEQUENTIAL);
                assertThat(smaps("data")).containsPattern("VmFlags:.* sr").containsPattern("VmFlags:.* rr");
                input.updateIOContext(SEQUENTIAL);
                assertThat(smaps("data")).doesNotContainPattern("VmFlags:.* rr");
                assertThat(input.isEfficientFor(SEQUENTIAL)).isTrue();
            }
            try (IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
                assertThat(input.isEfficientFor(RANDOM)).isTrue();
                assertThat(smaps("data")).doesNotContainPattern("VmFlags:.* (rr|sr)");
            }
        }
    }

    @Test
    void preloadedFilesMustBeInMemoryWhenTheyAreOpened() throws IOException {
        try (HoldfastDirectory directory = settings().preload((name, context) -> name.equals("wanted")).open(path)) {
            write(directory, "wanted", 50 * LENGTH);
            write(directory, "other", 50 * LENGTH);
            try (IndexInput wanted = directory.openInput("wanted", IOContext.DEFAULT);
                 IndexInput other = directory.openInput("other", IOContext.DEFAULT)) {
                assertThat(wanted.length()).isEqualTo(other.length());
                assertThat(smaps("wanted")).containsPattern("Rss: +9[0-9]{2} kB");
                assertThat(smaps("other")).containsPattern("Rss: +0 kB");
            }
        }
    }

    @Test
    void partsMustBeAskedForInAdvanceAndNoMore() throws IOException {
        try (HoldfastDirectory directory = settings().open(path)) {
            write(directory, "data", 10 * LENGTH);
            try (IndexInput input = directory.openInput("data", IOContext.DEFAULT)) {
                for (int i = 0; i < 20; i++) {
                    input.prefetch(i * 1_000L, 1_000);
                }
                assertThatThrownBy(() -> input.prefetch(10L * LENGTH, 1)).isInstanceOf(IndexOutOfBoundsException.class);
            }
        }
    }

    @Test
    @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void partsThatAreNotInMemoryMustBeAskedForEveryTime() throws IOException {
        assumeFalse(Files.getFileStore(path).type().equals("tmpfs"), "nothing to read in ahead");
        final long end = 64L << 20;
        try (RandomAccessFile file = new RandomAccessFile(path.resolve("cold").toFile(), "rw")) {
            file.setLength(end);
        }
        try (HoldfastDirectory directory = settings().open(path);
             IndexInput input = directory.openInput("cold", IOContext.DEFAULT)) {
            final Region region;
            try (Pin pin = space.pin()) {
                region = Objects.requireNonNull(pin.find(space.maps().getFirst().address()));
            }
            for (long at = 0; at < end; at += 4 << 20) {
                assertThat(region.residentBytes(at, 4096)).isZero();
                input.prefetch(at, 4096);
                while (region.residentBytes(at, 4096) < 4096) {
                    Thread.onSpinWait();
                }
            }
        }
    }
}
