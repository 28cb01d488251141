// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an open makes of a directory that a crash or somebody else has left behind. */
class RecoveryTest {
    private static final long SEGMENT = StoreOptions.SEGMENT_BYTES_MIN;
    private static final int VALUE = 1_000;
    private static final int RECORD = EntryLayout.HEADER_LENGTH + 2 + VALUE;

    @TempDir
    private Path directory;

    private StoreOptions options() {
        return StoreOptions.in(directory).engine(Engine.SHARED_ARENA).segmentBytes(SEGMENT);
    }

    /** Ten records of known length, keys k0 to k9. */
    private void write(final boolean forced) {
        try (Store store = Store.open(options())) {
            for (int i = 0; i < 10; i++) {
                store.put("k" + i, value(i));
            }
            if (forced) {
                // The active segment is never sealed, so make another one active.
                for (int i = 0; i < 70; i++) {
                    store.put("zz", value(i));
                }
                store.force();
            }
        }
    }

    private static byte[] value(final int with) {
        final byte[] value = new byte[VALUE];
        Arrays.fill(value, (byte) with);
        return value;
    }

    private List<Path> segments() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(StoreFiles::isSegment).sorted(Comparator.naturalOrder()).toList();
        }
    }

    private static void poke(final Path file, final long offset, final int with) throws IOException {
        try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
            access.seek(offset);
            access.write(with);
        }
    }

    private void assertFirst(final int count) {
        try (Store store = Store.open(options())) {
            for (int i = 0; i < 10; i++) {
                assertThat(store.get("k" + i)).as("k%d", i).isEqualTo(i < count ? value(i) : null);
            }
            assertThat(store.lastSequence()).isEqualTo(count);
            assertThat(store.statistics().tornBytes()).isPositive();
            store.put("after", value(1));
        }
        try (Store store = Store.open(options())) {
            assertThat(store.get("after")).isEqualTo(value(1));
            assertThat(store.lastSequence()).isEqualTo(count + 1);
        }
    }

    @Test
    void recordCutOffInTheMiddleMustBeIgnored() throws IOException {
        write(false);
        StoreFiles.truncate(segments().getFirst(), 10L * RECORD - 1);
        assertFirst(9);
    }

    @Test
    void recordCutOffInTheHeaderMustBeIgnored() throws IOException {
        write(false);
        StoreFiles.truncate(segments().getFirst(), 9L * RECORD + 5);
        assertFirst(9);
    }

    @Test
    void damagedRecordMustEndAnOpenSegment() throws IOException {
        write(false);
        poke(segments().getFirst(), 7L * RECORD + EntryLayout.HEADER_LENGTH + 100, 0x55);
        assertFirst(7);
    }

    @Test
    void absurdLengthMustEndAnOpenSegment() throws IOException {
        write(false);
        poke(segments().getFirst(), 3L * RECORD + EntryLayout.VALUE_LENGTH_OFFSET + 3, 0x7f);
        assertFirst(3);
    }

    @Test
    void zeroHeaderWithDebrisMustEndAnOpenSegment() throws IOException {
        write(false);
        for (int i = 0; i < 4; i++) {
            poke(segments().getFirst(), 5L * RECORD + EntryLayout.KIND_OFFSET + i, 0);
        }
        assertFirst(5);
    }

    @Test
    void damageInASealedSegmentMustBeReported() throws IOException {
        write(true);
        poke(segments().getFirst(), 4L * RECORD + EntryLayout.HEADER_LENGTH + 100, 0x55);
        assertThatThrownBy(() -> Store.open(options())).isInstanceOf(CorruptStoreException.class)
            .hasMessageContaining("segment is damaged").hasMessageContaining("offset=" + 4 * RECORD);
        assertThat(ProcessMaps.countFilesOf(directory.toRealPath())).isZero();
    }

    @Test
    void truncationOfASealedSegmentMustBeReported() throws IOException {
        write(true);
        StoreFiles.truncate(segments().getFirst(), 4L * RECORD);
        assertThatThrownBy(() -> Store.open(options())).isInstanceOf(CorruptStoreException.class)
            .hasMessageContaining("shorter than when it was sealed");
    }

    @Test
    void missingSegmentMustBeReported() throws IOException {
        write(true);
        Files.delete(segments().getFirst());
        assertThatThrownBy(() -> Store.open(options())).isInstanceOf(StoreException.class)
            .hasMessageContaining("no such file");
    }

    @Test
    void damagedManifestMustBeReported() throws IOException {
        write(false);
        poke(directory.resolve(StoreFiles.MANIFEST), 20, 'x');
        assertThatThrownBy(() -> Store.open(options())).isInstanceOf(CorruptStoreException.class)
            .hasMessageContaining("manifest is damaged");
    }

    @Test
    void missingManifestMustNotCostTheSegments() throws IOException {
        write(false);
        Files.delete(directory.resolve(StoreFiles.MANIFEST));
        assertThatThrownBy(() -> Store.open(options())).isInstanceOf(StoreException.class)
            .hasMessageContaining("directory is not a store").hasMessageContaining("missing=manifest");
        assertThat(segments()).hasSize(1);
    }

    @Test
    void directoryOfSomethingElseMustBeLeftAlone() throws IOException {
        Files.writeString(directory.resolve("letter.txt"), "dear");
        assertThatThrownBy(() -> Store.open(options())).isInstanceOf(StoreException.class)
            .hasMessageContaining("directory is not a store");
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).hasSize(1);
        }
    }

    @Test
    void leftoversMustBeDeletedAndTheirNumbersNotUsedForRecords() throws IOException {
        write(false);
        final Path leftover = StoreFiles.segment(directory, 2);
        Files.copy(segments().getFirst(), leftover);
        Files.writeString(directory.resolve(StoreFiles.MANIFEST_NEXT), "half a manif");
        try (Store store = Store.open(options())) {
            assertThat(leftover).doesNotExist();
            assertThat(store.statistics().recoveredEntries()).isEqualTo(10);
            store.put("k0", value(99));
        }
        try (Store store = Store.open(options())) {
            assertThat(store.get("k0")).isEqualTo(value(99));
        }
    }

    @Test
    void emptyFileOfAnOpenSegmentMustBeTolerated() throws IOException {
        write(false);
        StoreFiles.truncate(segments().getFirst(), 0);
        try (Store store = Store.open(options())) {
            assertThat(store.statistics().entries()).isZero();
            store.put("k0", value(1));
            assertThat(store.get("k0")).isEqualTo(value(1));
        }
        try (Store store = Store.open(options())) {
            assertThat(store.get("k0")).isEqualTo(value(1));
        }
    }
}
