// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a store promises to one thread, on every engine. */
class StoreTest {
    private static final long SEGMENT = StoreOptions.SEGMENT_BYTES_MIN;

    @TempDir
    private Path directory;

    private Store open(final Engine engine) {
        return Store.open(StoreOptions.in(directory).engine(engine).segmentBytes(SEGMENT));
    }

    private static byte[] bytes(final String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] filled(final int length, final int with) {
        final byte[] value = new byte[length];
        Arrays.fill(value, (byte) with);
        return value;
    }

    @ParameterizedTest
    @EnumSource
    void getMustReturnWhatWasPutLast(final Engine engine) {
        try (Store store = open(engine)) {
            store.put("key", bytes("one"));
            store.put("key", bytes("two"));
            store.put("", new byte[0]);
            assertThat(store.get("key")).isEqualTo(bytes("two"));
            assertThat(store.getOptimistically("key")).isEqualTo(bytes("two"));
            assertThat(store.get("")).isEmpty();
            assertThat(store.get("other")).isNull();
            assertThat(store.contains("key")).isTrue();
            assertThat(store.contains("other")).isFalse();
            assertThat(store.lastSequence()).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @EnumSource
    void deletedKeyMustStayDeletedAfterReopenAndCompaction(final Engine engine) {
        try (Store store = open(engine)) {
            store.put("gone", filled(40_000, 1));
            store.put("kept", filled(40_000, 2));
            assertThat(store.delete("gone")).isTrue();
            assertThat(store.delete("gone")).isFalse();
            assertThat(store.get("gone")).isNull();
        }
        try (Store store = open(engine)) {
            assertThat(store.get("gone")).isNull();
            assertThat(store.compact(0)).isPositive();
            assertThat(store.get("gone")).isNull();
            assertThat(store.get("kept")).isEqualTo(filled(40_000, 2));
        }
        try (Store store = open(engine)) {
            assertThat(store.contains("gone")).isFalse();
            assertThat(store.contains("kept")).isTrue();
            assertThat(store.statistics().recoveredEntries()).as("nothing but the live record").isEqualTo(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void tombstoneMustOutliveACompactionThatLeavesTheOlderValue(final Engine engine) {
        try (Store store = open(engine)) {
            // The first segment is nearly all live, with one value that is deleted later.
            store.put("gone", filled(100, 1));
            store.put("big", filled(60_000, 2));
            // The second one is nearly all garbage, with the tombstone in it.
            store.delete("gone");
            store.put("churn", filled(50_000, 3));
            store.put("churn", filled(50_000, 4));
            store.put("churn", filled(50_000, 5));
            assertThat(store.compact(0.5)).as("all but the first and the active segment").isEqualTo(2);
        }
        try (Store store = open(engine)) {
            assertThat(store.get("gone")).isNull();
            assertThat(store.get("churn")).isEqualTo(filled(50_000, 5));
            assertThat(store.get("big")).isEqualTo(filled(60_000, 2));
        }
    }

    @ParameterizedTest
    @EnumSource
    void sequenceMustGoOnAfterReopen(final Engine engine) {
        try (Store store = open(engine)) {
            store.put("a", bytes("1"));
            store.put("a", bytes("2"));
        }
        try (Store store = open(engine)) {
            assertThat(store.lastSequence()).isEqualTo(2);
            store.put("a", bytes("3"));
        }
        try (Store store = open(engine)) {
            assertThat(store.get("a")).isEqualTo(bytes("3"));
            assertThat(store.lastSequence()).isEqualTo(3);
        }
    }

    @ParameterizedTest
    @EnumSource
    void segmentMustGrowUnderItsRecords(final Engine engine) {
        try (Store store = Store.open(
            StoreOptions.in(directory).engine(engine).segmentBytes(8 << 20))) {
            final int count = 60;
            for (int i = 0; i < count; i++) {
                store.put("key" + i, filled(100_000, i));
            }
            for (int i = 0; i < count; i++) {
                assertThat(store.get("key" + i)).isEqualTo(filled(100_000, i));
            }
            assertThat(store.statistics().segments()).isEqualTo(1);
            assertThat(store.statistics().mappedBytes()).isEqualTo(8 << 20);
        }
    }

    @ParameterizedTest
    @EnumSource
    void compactionMustKeepEveryLiveKeyAndDropTheGarbage(final Engine engine) throws Exception {
        try (Store store = open(engine)) {
            for (int round = 0; round < 5; round++) {
                for (int i = 0; i < 100; i++) {
                    store.put("key" + i, filled(2_000 + i, round));
                }
            }
            final long before = store.statistics().mappedFiles();
            final int unmapped = store.compact(0.3);
            assertThat(unmapped).isPositive();
            assertThat(store.statistics().mappedFiles()).isLessThan(before);
            assertThat(store.statistics().segmentsUnmapped()).isEqualTo(unmapped);
            for (int i = 0; i < 100; i++) {
                assertThat(store.get("key" + i)).isEqualTo(filled(2_000 + i, 4));
            }
            try (var files = Files.list(directory)) {
                assertThat(files.filter(StoreFiles::isSegment).count()).isEqualTo(store.statistics().segments());
            }
        }
        try (Store store = open(engine)) {
            for (int i = 0; i < 100; i++) {
                assertThat(store.get("key" + i)).isEqualTo(filled(2_000 + i, 4));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void manifestMustSealAllSegmentsButTheOneThatIsWritten(final Engine engine) {
        try (Store store = open(engine)) {
            for (int i = 0; i < 10; i++) {
                store.put("key" + i % 2, filled(40_000, i));
                assertThat(openSegments()).isEqualTo(1);
            }
            assertThat(store.compact(0.9)).isPositive();
            assertThat(openSegments()).isEqualTo(1);
        }
        assertThat(openSegments()).isZero();
    }

    private long openSegments() {
        return Manifest.read(directory).orElseThrow().lines().stream().filter(line -> !line.isSealed()).count();
    }

    /** Of what was not on the disk when the manifest called it sealed, a power failure would make a damaged store. */
    @ParameterizedTest
    @EnumSource
    void everythingMustBeForcedBeforeItIsSealed(final Engine engine) {
        final List<String> calls = new ArrayList<>();
        final SegmentStorage storage = new StorageDecorator(engine.open()) {
            @Override
            void beforeWrite() {
                calls.add("write");
            }

            @Override
            void beforeForce() {
                calls.add("force");
            }
        };
        try (Store store =
                 Store.open(StoreOptions.in(directory).engine(engine).segmentBytes(SEGMENT), storage)) {
            store.put("first", filled(40_000, 1));
            store.put("second", filled(40_000, 2));
            assertThat(calls).as("a new segment").containsExactly("write", "force", "write");
            calls.clear();
            assertThat(store.compact(0)).isEqualTo(1);
            assertThat(calls).as("the copy, and what is newer").containsExactly("write", "force", "force");
            calls.clear();
            store.put("third", filled(1, 3));
        }
        assertThat(calls).as("close").containsExactly("write", "force");
    }

    @ParameterizedTest
    @EnumSource
    void durableStoreMustForceEachWriteBeforeItReturns(final Engine engine) {
        final List<String> calls = new ArrayList<>();
        final SegmentStorage storage = new StorageDecorator(engine.open()) {
            @Override
            void beforeWrite() {
                calls.add("write");
            }

            @Override
            void beforeForce() {
                calls.add("force");
            }
        };
        try (Store store = Store.open(StoreOptions.in(directory).engine(engine).durable(true), storage)) {
            store.put("key", bytes("value"));
            assertThat(calls).containsExactly("write", "force");
            store.delete("key");
            assertThat(calls).containsExactly("write", "force", "write", "force");
        }
    }

    @ParameterizedTest
    @EnumSource
    void batchMustMakeItsWritesInTheirOrder(final Engine engine) {
        try (Store store = open(engine)) {
            store.put("gone", bytes("old"));
            final Batch batch = new Batch().put("a", bytes("1")).put("b", bytes("2")).delete("gone").delete("never")
                .put("a", bytes("3"));
            store.apply(batch);
            store.apply(new Batch());
            assertThat(store.lastSequence()).isEqualTo(6);
            assertBatch(store);
            store.put("filler", filled(65_400, 1));
            assertThat(store.compact(0)).isEqualTo(1);
            assertBatch(store);
        }
        try (Store store = open(engine)) {
            assertBatch(store);
            assertThatThrownBy(() -> store.apply(
                new Batch().put("c", filled(40_000, 1)).put("d", filled(40_000, 1))))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("batch does not fit into a segment");
            assertThat(store.contains("c")).isFalse();
        }
    }

    private static void assertBatch(final Store store) {
        assertThat(store.get("a")).isEqualTo(bytes("3"));
        assertThat(store.get("b")).isEqualTo(bytes("2"));
        assertThat(store.contains("gone")).isFalse();
        assertThat(store.contains("never")).isFalse();
    }

    @ParameterizedTest
    @EnumSource
    void snapshotMustKeepItsMomentThroughWritesAndCompactions(final Engine engine) {
        try (Store store = open(engine)) {
            for (int i = 0; i < 6; i++) {
                store.put("key" + i, filled(30_000, i));
            }
            final Snapshot snapshot = store.snapshot();
            for (int i = 0; i < 6; i++) {
                store.put("key" + i, filled(30_000, 10 + i));
            }
            store.delete("key2");
            store.put("later", bytes("value"));
            store.compact(0);
            assertThat(snapshot.keys()).containsExactly("key0", "key1", "key2", "key3", "key4", "key5");
            assertThat(snapshot.keys().subSet("key2", "key4")).containsExactly("key2", "key3");
            for (int i = 0; i < 6; i++) {
                assertThat(snapshot.get("key" + i)).isEqualTo(filled(30_000, i));
            }
            assertThat(snapshot.get("later")).isNull();
            final long segments = store.statistics().segments();
            snapshot.close();
            snapshot.close();
            assertThat(store.compact(0.5)).isPositive();
            assertThat(store.statistics().segments()).isLessThan(segments);
            assertThatThrownBy(() -> snapshot.get("key0")).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("snapshot is closed");
            assertThat(store.get("key1")).isEqualTo(filled(30_000, 11));
        }
    }

    @ParameterizedTest
    @EnumSource
    void snapshotOfAClosedStoreMustRefuse(final Engine engine) {
        final Store store = open(engine);
        store.put("key", bytes("value"));
        try (Snapshot snapshot = store.snapshot()) {
            store.close();
            assertClosed(() -> snapshot.get("key"));
        }
        assertClosed(store::snapshot);
        assertClosed(() -> store.apply(new Batch().delete("key")));
    }

    @ParameterizedTest
    @EnumSource
    void nothingMustStayMappedAfterClose(final Engine engine) throws Exception {
        final Store store = open(engine);
        for (int i = 0; i < 20; i++) {
            store.put("key", filled(30_000, i));
        }
        store.compact(0);
        assertThat(ProcessMaps.countFilesOf(directory.toRealPath())).isPositive();
        store.close();
        store.close();
        assertThat(ProcessMaps.countFilesOf(directory.toRealPath())).isZero();
        assertThat(store.statistics().mappedBytes()).isZero();
        assertThat(store.statistics().mappedFiles()).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void useAfterCloseMustBeRefused(final Engine engine) {
        final Store store = open(engine);
        store.put("key", bytes("value"));
        store.close();
        assertClosed(() -> store.get("key"));
        assertClosed(() -> store.get("other"));
        assertClosed(() -> store.getOptimistically("key"));
        assertClosed(() -> store.contains("key"));
        assertClosed(() -> store.put("key", bytes("value")));
        assertClosed(() -> store.delete("key"));
        assertClosed(store::force);
        assertClosed(() -> store.compact(0));
    }

    private static void assertClosed(final ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(IllegalStateException.class)
            .hasMessageStartingWith("store is closed: directory=");
    }

    @ParameterizedTest
    @EnumSource
    void whatCannotBeStoredMustBeRefusedAndChangeNothing(final Engine engine) {
        try (Store store = open(engine)) {
            store.put("key", bytes("value"));
            assertThatThrownBy(() -> store.put("key", new byte[(int) SEGMENT]))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("does not fit into a segment");
            assertThatThrownBy(() -> store.put("k".repeat(EntryLayout.KEY_LENGTH_MAX + 1), bytes("value")))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("key is too long: bytes=65537");
            assertThatThrownBy(() -> store.put("\ud800", bytes("value")))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("no valid text");
            assertThatThrownBy(() -> store.compact(Double.NaN))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("garbageMin=NaN");
            assertThat(store.get("key")).isEqualTo(bytes("value"));
            assertThat(store.lastSequence()).isEqualTo(1);
        }
    }
}
