// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One directory, one store. */
class DirectoryLockTest {
    @TempDir
    private Path directory;

    private StoreOptions options() {
        return StoreOptions.in(directory).engine(Engine.SHARED_ARENA);
    }

    @Test
    void secondStoreOfTheProcessMustBeRefusedAndTheFirstKeepItsLock() throws Exception {
        try (Store store = Store.open(options())) {
            assertThatThrownBy(() -> Store.open(options())).isInstanceOf(StoreException.class)
                .hasMessageContaining("store is in use");
            store.put("key", new byte[1]);
            assertThat(openElsewhere()).contains("store is in use");
        }
        assertThat(openElsewhere()).isEqualTo("opened");
        try (Store store = Store.open(options())) {
            assertThat(store.contains("key")).isTrue();
        }
    }

    @Test
    void linkToTheDirectoryMustBeTheSameDirectory(@TempDir final Path other) throws Exception {
        final Path link = Files.createSymbolicLink(other.resolve("link"), directory);
        try (Store store = Store.open(options())) {
            assertThat(store.lastSequence()).isZero();
            assertThatThrownBy(() -> Store.open(StoreOptions.in(link).engine(Engine.SHARED_ARENA)))
                .isInstanceOf(StoreException.class).hasMessageContaining("store is in use");
        }
    }

    /** As a backup does it. A POSIX lock is gone as soon as its process closes any other descriptor of the file. */
    @Test
    void copyOfTheFilesMustNotUnlockTheDirectory(@TempDir final Path other) throws Exception {
        try (Store store = Store.open(options())) {
            store.put("key", new byte[1]);
            try (Stream<Path> files = Files.list(directory)) {
                for (final Path file : files.toList()) {
                    Files.copy(file, other.resolve(directory.relativize(file)));
                }
            }
            assertThat(openElsewhere()).contains("store is in use");
        }
        assertThat(openElsewhere()).isEqualTo("opened");
    }

    @Test
    void copyOfAnOpenStoreMustBeAStoreOfItsOwn(@TempDir final Path other) throws Exception {
        try (Store store = Store.open(options())) {
            store.put("key", new byte[1]);
            try (Stream<Path> files = Files.list(directory)) {
                for (final Path file : files.toList()) {
                    Files.copy(file, other.resolve(directory.relativize(file)));
                }
            }
            try (Store copy = Store.open(StoreOptions.in(other).engine(Engine.SHARED_ARENA))) {
                assertThat(copy.contains("key")).isTrue();
            }
        }
    }

    private String openElsewhere() throws Exception {
        final Process process = new ProcessBuilder(ChildJvm.command(Opener.class, directory.toString()))
            .redirectErrorStream(true).start();
        final String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output.strip();
    }

    /** Another process that wants the directory. */
    static final class Opener {
        private Opener() {
        }

        /** Argument: the directory. */
        public static void main(final String[] args) {
            try (Store store = Store.open(StoreOptions.in(Path.of(args[0])).engine(Engine.SHARED_ARENA))) {
                System.out.println(store.lastSequence() >= 0 ? "opened" : "impossible");
            } catch (final StoreException e) {
                System.out.println(e.getMessage());
            }
        }
    }
}
