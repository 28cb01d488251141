// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Compaction against readers, and compaction that fails. */
class CompactionTest {
    private static final long SEGMENT = StoreOptions.SEGMENT_BYTES_MIN;
    private static final int COMPACTIONS_MAX = 200_000;

    @TempDir(factory = InMemory.class)
    private Path directory;

    private StoreOptions options(final Engine engine) {
        return StoreOptions.in(directory).engine(engine).segmentBytes(SEGMENT);
    }

    private static byte[] value(final int length, final int with) {
        final byte[] value = new byte[length];
        Arrays.fill(value, (byte) with);
        return value;
    }

    @ParameterizedTest
    @EnumSource
    void readerThatHoldsAnOldLocationMustRetry(final Engine engine) {
        final AtomicBoolean armed = new AtomicBoolean();
        final Runnable[] interference = new Runnable[1];
        final SegmentStorage storage = new StorageDecorator(engine.open()) {
            @Override
            void beforeRead() {
                if (armed.compareAndSet(true, false)) {
                    interference[0].run();
                }
            }
        };
        try (Store store = Store.open(options(engine), storage)) {
            store.put("key", value(40_000, 1));
            store.put("filler", value(40_000, 2));
            interference[0] = () -> assertThat(store.compact(0)).isEqualTo(1);
            armed.set(true);
            assertThat(store.get("key")).isEqualTo(value(40_000, 1));
            assertThat(armed).isFalse();
            assertThat(store.statistics().readRetries()).isEqualTo(1);
            armed.set(true);
            assertThat(store.getOptimistically("key")).isEqualTo(value(40_000, 1));
            assertThat(store.statistics().readRetries()).isEqualTo(2);
            assertThat(store.statistics().optimisticFallbacks()).isPositive();
        }
    }

    /** Each key's value says which key it is; the race counts as seen once a reader had to retry. */
    @ParameterizedTest
    @EnumSource
    void keysMustNeverBeMissingWhileReadersRaceCompactions(final Engine engine) throws Exception {
        final int keys = 64;
        final AtomicBoolean stop = new AtomicBoolean();
        final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
        final SegmentStorage storage = new StorageDecorator(engine.open()) {
            @Override
            void afterPublish() {
                LockSupport.parkNanos(100_000); // lets readers meet the step, and decides nothing
            }
        };
        try (Store store = Store.open(options(engine), storage)) {
            for (int i = 0; i < keys; i++) {
                store.put("key" + i, value(1_000 + i, i));
            }
            final Thread[] readers = new Thread[2];
            for (int r = 0; r < readers.length; r++) {
                final SplittableRandom random = new SplittableRandom(r);
                final boolean optimistic = r == 0;
                readers[r] = Thread.ofPlatform().start(() -> {
                    while (!stop.get() && wrong.isEmpty()) {
                        final int i = random.nextInt(keys);
                        try {
                            final byte[] read =
                                optimistic ? store.getOptimistically("key" + i) : store.get("key" + i);
                            if (!Arrays.equals(read, value(1_000 + i, i))) {
                                wrong.add("key" + i + ": " + (read == null ? "missing" : "other bytes"));
                            }
                        } catch (final RuntimeException e) {
                            wrong.add("key" + i + ": " + e);
                        }
                    }
                });
            }
            final SplittableRandom random = new SplittableRandom(17);
            int compactions = 0;
            while (compactions < COMPACTIONS_MAX && wrong.isEmpty() &&
                (compactions < 200 || store.statistics().readRetries() == 0)) {
                for (int n = 0; n < 60; n++) {
                    final int i = random.nextInt(keys);
                    store.put("key" + i, value(1_000 + i, i));
                }
                compactions += store.compact(0.2) > 0 ? 1 : 0;
            }
            stop.set(true);
            for (final Thread reader : readers) {
                reader.join();
            }
            assertThat(wrong).isEmpty();
            assertThat(store.statistics().readRetries()).as("retries in %d compactions", compactions).isPositive();
        }
        assertThat(ProcessMaps.countFilesOf(directory.toRealPath())).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void failedCompactionMustLeaveTheStoreAsItWas(final Engine engine) throws Exception {
        final AtomicInteger writesLeft = new AtomicInteger(Integer.MAX_VALUE);
        final SegmentStorage storage = new StorageDecorator(engine.open()) {
            @Override
            void beforeWrite() {
                if (writesLeft.getAndDecrement() == 0) {
                    throw new StoreException("no space: injected");
                }
            }
        };
        try (Store store = Store.open(options(engine), storage)) {
            for (int i = 0; i < 10; i++) {
                store.put("key" + i, value(20_000, i));
            }
            final StoreStatistics before = store.statistics();
            final long filesBefore = segmentFiles();
            for (int k = 0; k < 6; k++) {
                writesLeft.set(k);
                assertThatThrownBy(() -> store.compact(0)).hasMessage("no space: injected");
                writesLeft.set(Integer.MAX_VALUE);
                assertThat(store.statistics().segments()).isEqualTo(before.segments());
                assertThat(store.statistics().mappedFiles()).isEqualTo(before.mappedFiles());
                assertThat(store.statistics().mappedBytes()).isEqualTo(before.mappedBytes());
                assertThat(segmentFiles()).isEqualTo(filesBefore);
                for (int i = 0; i < 10; i++) {
                    assertThat(store.get("key" + i)).isEqualTo(value(20_000, i));
                }
            }
            assertThat(store.compact(0)).isPositive();
        }
        try (Store store = Store.open(options(engine))) {
            assertThat(store.statistics().entries()).isEqualTo(10);
        }
    }

    private long segmentFiles() throws Exception {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(StoreFiles::isSegment).count();
        }
    }
}
