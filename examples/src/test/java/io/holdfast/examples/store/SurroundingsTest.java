// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a store must not depend on: an interrupt of its caller, the locale, the options of the run before. */
class SurroundingsTest {
    private static final long SEGMENT = StoreOptions.SEGMENT_BYTES_MIN;

    @TempDir
    private Path directory;

    private StoreOptions options(final Engine engine) {
        return StoreOptions.in(directory).engine(engine).segmentBytes(SEGMENT);
    }

    private static byte[] filled(final int length, final int with) {
        final byte[] value = new byte[length];
        Arrays.fill(value, (byte) with);
        return value;
    }

    private static void interrupted(final Runnable operation) {
        Thread.currentThread().interrupt();
        try {
            operation.run();
        } finally {
            assertThat(Thread.interrupted()).as("the interrupt must be kept").isTrue();
        }
    }

    @ParameterizedTest
    @EnumSource
    void interruptMustDisturbNoOperationAndBeKept(final Engine engine) throws IOException {
        final Store[] store = new Store[1];
        interrupted(() -> store[0] = Store.open(options(engine)));
        for (int i = 0; i < 10; i++) {
            final int number = i;
            interrupted(() -> store[0].put("key" + number, filled(20_000, number)));
        }
        interrupted(() -> assertThat(store[0].delete("key3")).isTrue());
        interrupted(store[0]::force);
        interrupted(() -> assertThat(store[0].get("key4")).isEqualTo(filled(20_000, 4)));
        interrupted(() -> assertThat(store[0].compact(0)).isPositive());
        interrupted(store[0]::close);
        assertThat(ProcessMaps.countFilesOf(directory.toRealPath())).isZero();
        try (Store again = Store.open(options(engine))) {
            assertThat(again.statistics().entries()).isEqualTo(9);
            assertThat(again.statistics().tornBytes()).isZero();
            assertThat(again.get("key9")).isEqualTo(filled(20_000, 9));
        }
    }

    @Test
    void namesOfFilesMustNotDependOnTheLocale() throws IOException {
        final Locale before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.forLanguageTag("ar-EG"));
            try (Store store = Store.open(options(Engine.SHARED_ARENA))) {
                store.put("key", filled(1, 1));
            }
        } finally {
            Locale.setDefault(before);
        }
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.map(file -> String.valueOf(file.getFileName()))).contains("0000000001.segment");
        }
        try (Store store = Store.open(options(Engine.SHARED_ARENA))) {
            assertThat(store.get("key")).isEqualTo(filled(1, 1));
        }
    }

    @ParameterizedTest
    @EnumSource
    void recordsOfALargerSegmentMustBeCompactedAndDeleted(final Engine engine) {
        final String longKey = "k".repeat(EntryLayout.KEY_LENGTH_MAX);
        try (Store store = Store.open(options(engine).segmentBytes(1 << 20))) {
            store.put("large", filled(700_000, 1));
            store.put("small", filled(10, 2));
            store.put(longKey, filled(10, 3));
        }
        try (Store store = Store.open(options(engine))) {
            assertThat(store.compact(0)).isEqualTo(1);
            assertThat(store.get("large")).isEqualTo(filled(700_000, 1));
            assertThat(store.delete(longKey)).isTrue();
            assertThat(store.delete("large")).isTrue();
            assertThat(store.compact(0)).isPositive();
        }
        try (Store store = Store.open(options(engine))) {
            assertThat(store.statistics().entries()).isEqualTo(1);
            assertThat(store.get("small")).isEqualTo(filled(10, 2));
        }
    }
}
