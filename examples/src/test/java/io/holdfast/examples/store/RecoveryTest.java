// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an open makes of a directory that a crash or somebody else has left behind. */
class RecoveryTest {
    private static final long SEGMENT = StoreOptions.SEGMENT_BYTES_MIN;
    private static final int VALUE = 1_000;
    private static final int RECORD = EntryLayout.HEADER_LENGTH + 2 + VALUE;

    @TempDir
    private Path temporary;
    private Path directory;

    @BeforeEach
    void nameDirectory() {
        directory = temporary.resolve("store");
    }

    private StoreOptions options() {
        return StoreOptions.in(directory).engine(Engine.SHARED_ARENA).segmentBytes(SEGMENT);
    }

    /** Ten records of known length, keys k0 to k9. */
    private static void fill(final Store store) {
        for (int i = 0; i < 10; i++) {
            store.put("k" + i, value(i));
        }
    }

    /** A store of ten records that has been closed. */
    private void close() {
        try (Store store = Store.open(options())) {
            fill(store);
        }
    }

    /** What a store of ten records leaves behind when its process dies. */
    private void crash() {
        crash(store -> { });
    }

    private void crash(final Consumer<Store> after) {
        final Path alive = temporary.resolve("alive");
        try (Store store =
                 Store.open(StoreOptions.in(alive).engine(Engine.SHARED_ARENA).segmentBytes(SEGMENT))) {
            fill(store);
            after.accept(store);
            copy(alive, directory);
        }
    }

    private static void copy(final Path from, final Path to) {
        try (Stream<Path> files = Files.list(from)) {
            Files.createDirectory(to);
            for (final Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file)));
            }
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
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
        crash();
        StoreFiles.truncate(segments().getFirst(), 10L * RECORD - 1);
        assertFirst(9);
    }

    @Test
    void recordCutOffInTheHeaderMustBeIgnored() throws IOException {
        crash();
        StoreFiles.truncate(segments().getFirst(), 9L * RECORD + 5);
        assertFirst(9);
    }

    @Test
    void damagedRecordMustEndAnOpenSegment() throws IOException {
        crash();
        poke(segments().getFirst(), 7L * RECORD + EntryLayout.HEADER_LENGTH + 100, 0x55);
        assertFirst(7);
    }

    @Test
    void absurdLengthMustEndAnOpenSegment() throws IOException {
        crash();
        poke(segments().getFirst(), 3L * RECORD + EntryLayout.VALUE_LENGTH_OFFSET + 3, 0x7f);
        assertFirst(3);
    }

    @Test
    void zeroHeaderWithDebrisMustEndAnOpenSegment() throws IOException {
        crash();
        for (int i = 0; i < 4; i++) {
            poke(segments().getFirst(), 5L * RECORD + EntryLayout.KIND_OFFSET + i, 0);
        }
        assertFirst(5);
    }

    @Test
    void damageAfterACloseInOrderMustBeReported() throws IOException {
        close();
        poke(segments().getFirst(), 4L * RECORD + EntryLayout.HEADER_LENGTH + 100, 0x55);
        assertThatThrownBy(() -> Store.open(options())).isInstanceOf(CorruptStoreException.class)
            .hasMessageContaining("segment is damaged").hasMessageContaining("offset=" + 4 * RECORD);
        assertThat(ProcessMaps.countFilesOf(directory.toRealPath())).isZero();
    }

    @Test
    void truncationAfterACloseInOrderMustBeReported() throws IOException {
        close();
        StoreFiles.truncate(segments().getFirst(), 4L * RECORD);
        assertThatThrownBy(() -> Store.open(options())).isInstanceOf(CorruptStoreException.class)
            .hasMessageContaining("shorter than when it was sealed");
    }

    @Test
    void missingSegmentMustBeReported() throws IOException {
        close();
        Files.delete(segments().getFirst());
        assertThatThrownBy(() -> Store.open(options())).isInstanceOf(StoreException.class)
            .hasMessageContaining("no such file");
    }

    @Test
    void damagedManifestMustBeReported() throws IOException {
        crash();
        poke(directory.resolve(StoreFiles.MANIFEST), 20, 'x');
        assertThatThrownBy(() -> Store.open(options())).isInstanceOf(CorruptStoreException.class)
            .hasMessageContaining("manifest is damaged");
    }

    @Test
    void missingManifestMustNotCostTheSegments() throws IOException {
        crash();
        Files.delete(directory.resolve(StoreFiles.MANIFEST));
        assertThatThrownBy(() -> Store.open(options())).isInstanceOf(StoreException.class)
            .hasMessageContaining("directory is not a store").hasMessageContaining("missing=manifest");
        assertThat(segments()).hasSize(1);
    }

    @Test
    void directoryOfSomethingElseMustBeLeftAlone() throws IOException {
        Files.writeString(Files.createDirectory(directory).resolve("letter.txt"), "dear");
        assertThatThrownBy(() -> Store.open(options())).isInstanceOf(StoreException.class)
            .hasMessageContaining("directory is not a store");
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files).hasSize(1);
        }
    }

    @Test
    void leftoversMustBeDeletedAndTheirNumbersNotUsedForRecords() throws IOException {
        crash();
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
        crash();
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

    /** One flipped byte brought deleted keys back, because nothing said that the last segment was whole. */
    @Test
    void noByteThatIsFlippedAfterACloseMayBringDeletedKeysBack() throws IOException {
        try (Store store = Store.open(options())) {
            fill(store);
            for (int i = 0; i < 10; i++) {
                store.delete("k" + i);
            }
        }
        final Path segment = segments().getFirst();
        final byte[] bytes = Files.readAllBytes(segment);
        for (int at = 0; at < bytes.length; at += 97) {
            poke(segment, at, bytes[at] ^ 1);
            assertThatThrownBy(() -> Store.open(options())).as("byte %d", at)
                .isInstanceOf(CorruptStoreException.class).hasMessageContaining("segment is damaged");
            poke(segment, at, bytes[at]);
        }
        try (Store store = Store.open(options())) {
            assertThat(store.statistics().entries()).isZero();
        }
    }

    @Test
    void closeMustBeToldFromACrash() {
        close();
        try (Store store = Store.open(options())) {
            assertThat(store.statistics().closedInOrder()).isTrue();
            store.put("k0", value(1));
        }
        try (Store store = Store.open(options())) {
            assertThat(store.statistics().closedInOrder()).isTrue();
        }
    }

    @Test
    void crashMustBeToldFromAClose() {
        crash();
        try (Store store = Store.open(options())) {
            assertThat(store.statistics().closedInOrder()).isFalse();
            assertThat(store.statistics().tornBytes()).isZero();
        }
        try (Store store = Store.open(options())) {
            assertThat(store.statistics().closedInOrder()).isTrue();
            assertThat(store.lastSequence()).isEqualTo(10);
        }
    }

    /** A page that never reached the disk can leave whole records behind it: they came later, so they do not count. */
    @Test
    void wholeRecordBehindALostOneMustNotCount() throws IOException {
        crash(store -> store.put("k0", value(99)));
        // The fourth record is replaced by a copy of the third: whole, and not the next in number.
        final Path segment = segments().getFirst();
        final byte[] bytes = Files.readAllBytes(segment);
        System.arraycopy(bytes, 2 * RECORD, bytes, 3 * RECORD, RECORD);
        Files.write(segment, bytes);
        assertFirst(3);
    }

    @Test
    void recordOfAnotherLifeOfTheFileMustNotCount() throws IOException {
        crash();
        final Path segment = segments().getFirst();
        final byte[] bytes = Files.readAllBytes(segment);
        System.arraycopy(bytes, RECORD, bytes, 0, 9 * RECORD);
        Files.write(segment, bytes);
        assertFirst(0);
    }

    @Test
    void batchMustBeThereAsAWholeOrNotAtAll() throws IOException {
        crash(store -> store.apply(new Batch().put("a", value(1)).delete("k9").put("k8", value(2)).put("b", value(3))));
        final Path segment = segments().getFirst();
        final byte[] whole = Files.readAllBytes(segment);
        final int batchAt = 10 * RECORD;
        final int end = batchAt + 3 * RECORD - 2 + EntryLayout.HEADER_LENGTH + 2;
        final Path manifest = directory.resolve(StoreFiles.MANIFEST);
        final byte[] inUse = Files.readAllBytes(manifest);
        try (Store store = Store.open(options())) {
            assertThat(store.get("a")).isEqualTo(value(1));
            assertThat(store.get("b")).isEqualTo(value(3));
            assertThat(store.get("k8")).isEqualTo(value(2));
            assertThat(store.contains("k9")).isFalse();
            assertThat(store.lastSequence()).isEqualTo(14);
        }
        for (int cut = batchAt; cut < end; cut += 61) {
            Files.write(segment, Arrays.copyOf(whole, cut));
            Files.write(manifest, inUse);
            try (Store store = Store.open(options())) {
                for (int i = 0; i < 10; i++) {
                    assertThat(store.get("k" + i)).as("k%d, cut at %d", i, cut).isEqualTo(value(i));
                }
                assertThat(store.contains("a")).as("cut at %d", cut).isFalse();
                assertThat(store.contains("b")).as("cut at %d", cut).isFalse();
                assertThat(store.lastSequence()).isEqualTo(10);
            }
        }
    }

    @Test
    void sequenceMustNotGoBackWhenTheNewestRecordsAreCompactedAway() {
        try (Store store = Store.open(options())) {
            fill(store);
            for (int i = 0; i < 10; i++) {
                store.delete("k" + i);
            }
        }
        try (Store store = Store.open(options())) {
            assertThat(store.compact(0)).isPositive();
        }
        try (Store store = Store.open(options())) {
            assertThat(store.lastSequence()).isEqualTo(20);
        }
    }
}
