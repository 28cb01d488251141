// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random operations on a store and on a plain map must come to the same. */
class StoreModelTest {
    private static final int OPERATIONS = 6_000;
    private static final int KEYS = 50;

    @TempDir(factory = InMemory.class)
    private Path directory;

    @ParameterizedTest
    @EnumSource
    void storeMustAgreeWithAMap(final Engine engine) {
        final long seed = Long.getLong("holdfast.seed", System.nanoTime());
        final SplittableRandom random = new SplittableRandom(seed);
        final Map<String, byte[]> model = new HashMap<>();
        final StoreOptions options =
            StoreOptions.in(directory).engine(engine).segmentBytes(StoreOptions.SEGMENT_BYTES_MIN);
        Store store = Store.open(options);
        try {
            for (int i = 0; i < OPERATIONS; i++) {
                final String key = "key" + random.nextInt(KEYS);
                final int choice = random.nextInt(1_000);
                if (choice < 500) {
                    final byte[] value = new byte[random.nextInt(3_000)];
                    random.nextBytes(value);
                    store.put(key, value);
                    model.put(key, value);
                } else if (choice < 700) {
                    assertThat(store.delete(key)).as("seed %d, operation %d", seed, i)
                        .isEqualTo(model.remove(key) != null);
                } else if (choice < 750) {
                    applyBatch(store, model, random);
                } else if (choice < 755) {
                    try (Snapshot snapshot = store.snapshot()) {
                        store.put(key, new byte[1]);
                        store.compact(0);
                        assertThat(snapshot.keys()).as("seed %d, operation %d", seed, i).isEqualTo(model.keySet());
                        assertThat(Arrays.equals(snapshot.get(key), model.get(key)))
                            .as("seed %d, operation %d", seed, i).isTrue();
                    }
                    model.put(key, new byte[1]);
                } else if (choice < 990) {
                    final byte[] read = choice % 2 == 0 ? store.get(key) : store.getOptimistically(key);
                    assertThat(Arrays.equals(read, model.get(key))).as("seed %d, operation %d", seed, i).isTrue();
                } else if (choice < 997) {
                    store.compact(random.nextInt(4) / 4.0);
                } else {
                    store.close();
                    store = Store.open(options);
                }
            }
            assertThat(store.statistics().entries()).as("seed %d", seed).isEqualTo(model.size());
            for (final Map.Entry<String, byte[]> entry : model.entrySet()) {
                assertThat(store.get(entry.getKey())).as("seed %d", seed).isEqualTo(entry.getValue());
            }
        } finally {
            store.close();
        }
    }

    private static void applyBatch(final Store store, final Map<String, byte[]> model, final SplittableRandom random) {
        final Batch batch = new Batch();
        for (int n = random.nextInt(6); n > 0; n--) {
            final String key = "key" + random.nextInt(KEYS);
            if (random.nextBoolean()) {
                batch.delete(key);
                model.remove(key);
            } else {
                final byte[] value = new byte[random.nextInt(2_000)];
                random.nextBytes(value);
                batch.put(key, value);
                model.put(key, value);
            }
        }
        store.apply(batch);
    }
}
