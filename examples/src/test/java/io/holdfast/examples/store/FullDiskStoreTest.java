// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A disk that is really full: nothing is lost, keys can be deleted, segments be compacted, the store be closed. */
class FullDiskStoreTest {
    private static final int VALUE = 9_000;

    @TempDir
    private Path temporary;
    private Path disk;
    private boolean mounted;

    @BeforeEach
    void mountASmallDisk() throws IOException, InterruptedException {
        disk = Files.createDirectory(temporary.resolve("disk"));
        try {
            mounted = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk.toString())
                .redirectErrorStream(true).start().waitFor() == 0;
        } catch (final IOException noSuchProgram) {
            mounted = false;
        }
        assumeTrue(mounted, "a small file system cannot be mounted here");
    }

    @AfterEach
    void unmount() throws IOException, InterruptedException {
        if (mounted) {
            assertThat(new ProcessBuilder("umount", disk.toString()).start().waitFor()).isZero();
        }
    }

    private Store open(final Engine engine) {
        return Store.open(StoreOptions.in(disk).engine(engine).segmentBytes(1 << 20));
    }

    private static int fill(final Store store) {
        int keys = 0;
        while (true) {
            try {
                store.put("key" + keys, new byte[VALUE]);
                keys++;
            } catch (final StoreException e) {
                return keys;
            }
        }
    }

    /** Somebody else takes what is left to the last block. */
    private void fillUp() throws IOException {
        try (OutputStream out = Files.newOutputStream(disk.resolve("others"))) {
            final byte[] block = new byte[4096];
            while (true) {
                out.write(block);
            }
        } catch (final IOException e) {
            assertThat(disk.toFile().getUsableSpace()).as(e.getMessage()).isZero();
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyKeyMustBeDeletableAndSpaceComeBackOnAFullDisk(final Engine engine) throws IOException {
        final int keys;
        try (Store store = open(engine)) {
            keys = fill(store);
            assertThat(keys).isGreaterThan(100);
            fillUp();
            for (int i = 0; i < keys; i++) {
                assertThat(store.get("key" + i)).hasSize(VALUE);
                if (i % 2 == 0) {
                    assertThat(store.delete("key" + i)).isTrue();
                }
            }
            assertThat(store.compact(0.2)).isPositive();
            store.put("after", new byte[VALUE]);
        }
        try (Store store = open(engine)) {
            assertThat(store.statistics().entries()).isEqualTo(keys / 2 + 1);
            assertThat(store.get("after")).hasSize(VALUE);
        }
    }

    @ParameterizedTest
    @EnumSource
    void reopenedStoreMustDeleteAndCompactOnAFullDisk(final Engine engine) throws IOException {
        final int keys;
        try (Store store = open(engine)) {
            keys = fill(store);
        }
        fillUp();
        try (Store store = open(engine)) {
            assertThat(store.statistics().entries()).isEqualTo(keys);
            assertThat(store.delete("key5")).isTrue();
            assertThatThrownBy(() -> store.put("more", new byte[VALUE])).isInstanceOf(StoreException.class)
                .hasMessageContaining("disk is full").hasMessageContaining("delete keys and compact");
            for (int i = 0; i < keys; i += 2) {
                store.delete("key" + i);
            }
            assertThat(store.compact(0.2)).isPositive();
            store.put("more", new byte[VALUE]);
        }
        try (Store store = open(engine)) {
            assertThat(store.contains("key5")).isFalse();
            assertThat(store.contains("more")).isTrue();
        }
    }

    /** Values that are no longer than their keys: the records of the deletes need as much room as they set free. */
    @ParameterizedTest
    @EnumSource
    void deletesMustNotRunOutOfTheSpaceKeptBack(final Engine engine) throws IOException {
        final List<String> keys = new ArrayList<>();
        try (Store store = open(engine)) {
            final String stem = "k".repeat(2_000);
            try {
                while (true) {
                    store.put(stem + keys.size(), new byte[10]);
                    keys.add(stem + keys.size());
                }
            } catch (final StoreException e) {
                fillUp();
            }
            for (final String key : keys) {
                assertThat(store.delete(key)).isTrue();
            }
            store.put("after", new byte[VALUE]);
        }
        try (Store store = open(engine)) {
            assertThat(store.statistics().entries()).isEqualTo(1);
        }
    }
}
