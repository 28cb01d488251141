// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The exchange of old segments for fresh ones, step by step: who reads, crashes or fails between two steps. */
class ExchangeTest {
    private static final int KEYS = 40;
    private static final int VALUE = 5_000;

    @TempDir(factory = InMemory.class)
    private Path directory;

    /** Reads what it wants at each step of a compaction. */
    private static class Steps extends StorageDecorator {
        private boolean armed;

        Steps(final SegmentStorage inner) {
            super(inner);
        }

        /** The steps of the next compaction count. */
        void arm() {
            armed = true;
        }

        void disarm() {
            armed = false;
        }

        void at(final String step) {
        }

        private void reach(final String step) {
            if (armed) {
                at(step);
            }
        }

        @Override
        void beforeExchange() {
            reach("before the exchange");
        }

        @Override
        void beforePublish() {
            reach("before the publication");
        }

        @Override
        void afterPublish() {
            reach("after the publication");
        }
    }

    private StoreOptions options(final Path place, final Engine engine) {
        return StoreOptions.in(place).engine(engine).segmentBytes(StoreOptions.SEGMENT_BYTES_MIN);
    }

    private static byte[] value(final int key, final int version) {
        final byte[] value = new byte[VALUE];
        Arrays.fill(value, (byte) (key + version));
        return value;
    }

    /** Every other key is overwritten, so that each segment has garbage and live records. */
    private static void fill(final Store store) {
        for (int i = 0; i < KEYS; i++) {
            store.put("key" + i, value(i, 1));
        }
        for (int i = 0; i < KEYS; i += 2) {
            store.put("key" + i, value(i, 2));
        }
    }

    private static void assertWhole(final Store store, final String when) {
        for (int i = 0; i < KEYS; i++) {
            assertThat(store.get("key" + i)).as("key%d %s", i, when).isEqualTo(value(i, i % 2 == 0 ? 2 : 1));
            assertThat(store.getOptimistically("key" + i)).as("key%d %s", i, when).isEqualTo(store.get("key" + i));
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyKeyMustBeFoundBeforeAndAfterThePublication(final Engine engine) {
        final Store[] opened = new Store[1];
        final ConcurrentLinkedQueue<String> reached = new ConcurrentLinkedQueue<>();
        final Steps storage = new Steps(engine.open()) {
            @Override
            void at(final String step) {
                reached.add(step);
                if (!step.equals("before the publication")) {
                    assertWhole(opened[0], step);
                }
            }
        };
        try (Store store = Store.open(options(directory, engine), storage)) {
            opened[0] = store;
            fill(store);
            storage.arm();
            assertThat(store.compact(0)).isGreaterThan(1);
            assertThat(reached)
                .containsExactly("before the exchange", "before the publication", "after the publication");
            final StoreStatistics statistics = store.statistics();
            if (engine == Engine.HOLDFAST) {
                assertThat(statistics.readRetries()).as("keys found by the old segments").isPositive();
                assertThat(statistics.atomicCompactions()).isEqualTo(1);
            } else {
                assertThat(statistics.readRetries()).isZero();
                assertThat(statistics.atomicCompactions()).isZero();
            }
            assertWhole(store, "in the end");
        }
    }

    /** Who comes between the exclusion of the old segments and the publication of the fresh ones waits, and finds them. */
    @ParameterizedTest
    @EnumSource
    void readerWhoComesDuringTheExchangeMustFindEveryKey(final Engine engine) throws Exception {
        final Store[] opened = new Store[1];
        final ConcurrentLinkedQueue<FutureTask<Void>> readers = new ConcurrentLinkedQueue<>();
        final Steps storage = new Steps(engine.open()) {
            @Override
            void at(final String step) {
                final FutureTask<Void> reader = new FutureTask<>(() -> assertWhole(opened[0], "read " + step), null);
                readers.add(reader);
                Thread.ofPlatform().start(reader);
            }
        };
        try (Store store = Store.open(options(directory, engine), storage)) {
            opened[0] = store;
            fill(store);
            storage.arm();
            assertThat(store.compact(0)).isGreaterThan(1);
            for (final FutureTask<Void> reader : readers) {
                reader.get();
            }
            assertThat(readers).hasSize(3);
        }
    }

    @ParameterizedTest
    @EnumSource
    void crashAtAnyStepMustLeaveFilesWithEveryKey(final Engine engine) throws Exception {
        final Steps storage = new Steps(engine.open()) {
            @Override
            void at(final String step) {
                copyStore(directory.resolve("store"), directory.resolve(step));
            }
        };
        try (Store store = Store.open(options(directory.resolve("store"), engine), storage)) {
            fill(store);
            storage.arm();
            assertThat(store.compact(0)).isGreaterThan(1);
        }
        for (final String step : List.of("before the exchange", "before the publication", "after the publication")) {
            final Path copy = directory.resolve(step);
            try (Store store = Store.open(options(copy, engine))) {
                assertWhole(store, "after a crash " + step);
                assertThat(store.statistics().entries()).isEqualTo(KEYS);
                assertThat(segmentFiles(copy)).isEqualTo(store.statistics().segments());
            }
        }
    }

    private static void copyStore(final Path from, final Path to) {
        try (Stream<Path> files = Files.list(from)) {
            Files.createDirectory(to);
            for (final Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file)));
            }
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long segmentFiles(final Path place) throws IOException {
        try (Stream<Path> files = Files.list(place)) {
            return files.filter(StoreFiles::isSegment).count();
        }
    }

    /** The manifest lists the fresh segments by then, and is put right by the next one or by the next open. */
    @ParameterizedTest
    @EnumSource
    void failedExchangeMustLeaveTheOldSegmentsInUse(final Engine engine) throws Exception {
        final Path place = directory.resolve("store");
        final Steps storage = new Steps(engine.open()) {
            @Override
            void at(final String step) {
                if (step.equals("before the publication")) {
                    throw new StoreException("no memory: injected");
                }
            }
        };
        try (Store store = Store.open(options(place, engine), storage)) {
            fill(store);
            final StoreStatistics before = store.statistics();
            storage.arm();
            for (int i = 0; i < 3; i++) {
                assertThatThrownBy(() -> store.compact(0)).hasMessage("no memory: injected");
                assertWhole(store, "after a failed exchange");
                final StoreStatistics after = store.statistics();
                assertThat(after.segments()).isEqualTo(before.segments());
                assertThat(after.mappedFiles()).isEqualTo(before.mappedFiles());
                assertThat(after.mappedBytes()).isEqualTo(before.mappedBytes());
                assertThat(after.compactions()).isZero();
                final Path copy = directory.resolve("copy" + i);
                copyStore(place, copy);
                try (Store crashed = Store.open(options(copy, engine))) {
                    assertWhole(crashed, "after a crash behind a failed exchange");
                }
            }
            storage.disarm();
            assertThat(store.delete("key1")).isTrue();
            assertThat(store.compact(0)).isGreaterThan(1);
            assertThat(store.get("key1")).isNull();
        }
        try (Store store = Store.open(options(place, engine))) {
            assertThat(store.get("key1")).isNull();
            assertThat(store.statistics().entries()).isEqualTo(KEYS - 1);
            assertThat(segmentFiles(place)).isEqualTo(store.statistics().segments());
        }
        assertThat(ProcessMaps.countFilesOf(place.toRealPath())).isZero();
    }

    /** Readers pass over all keys again and again; the race counts as seen once they had to retry. */
    @ParameterizedTest
    @EnumSource
    void allKeysMustBeReadWhileAllSegmentsAreReplaced(final Engine engine) throws Exception {
        final AtomicBoolean stop = new AtomicBoolean();
        final List<FutureTask<Long>> readers;
        try (Store store = Store.open(options(directory, engine))) {
            fill(store);
            readers = Stream.of(false, true).map(optimistically -> new FutureTask<>(() -> {
                long passes = 0;
                while (!stop.get()) {
                    for (int i = 0; i < KEYS; i++) {
                        final byte[] read =
                            optimistically ? store.getOptimistically("key" + i) : store.get("key" + i);
                        assertThat(read).as("key%d", i).isEqualTo(value(i, i % 2 == 0 ? 2 : 1));
                    }
                    passes++;
                }
                return passes;
            })).toList();
            readers.forEach(reader -> Thread.ofPlatform().start(reader));
            try {
                while ((store.statistics().compactions() < 300 || store.statistics().readRetries() == 0) &&
                    readers.stream().noneMatch(FutureTask::isDone)) {
                    assertThat(store.compact(0)).isGreaterThan(1);
                }
            } finally {
                stop.set(true);
            }
            for (final FutureTask<Long> reader : readers) {
                assertThat(reader.get()).isPositive();
            }
            final StoreStatistics statistics = store.statistics();
            assertThat(statistics.readRetries()).isPositive();
            assertThat(statistics.atomicCompactions())
                .isEqualTo(engine == Engine.HOLDFAST ? statistics.compactions() : 0);
        }
    }
}
