// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which files the job loads, and in what pieces. */
class InputTreeTest {
    @TempDir
    private Path directory;

    @Test
    void everyRegularFileMustBeReadOnceAndInPieces() throws Exception {
        Files.createDirectories(directory.resolve("a/b"));
        Files.createDirectories(directory.resolve("void"));
        Files.writeString(directory.resolve("empty"), "");
        Files.writeString(directory.resolve("a/exact"), "12345678");
        Files.writeString(directory.resolve("a/b/long"), "123456789");
        Files.createSymbolicLink(directory.resolve("a/loop"), directory);
        Files.createSymbolicLink(directory.resolve("dangling"), directory.resolve("nowhere"));
        assertThat(new ProcessBuilder("mkfifo", directory.resolve("pipe").toString()).start().waitFor()).isZero();
        final Path root = directory.toRealPath();
        final List<String> pieces = new ArrayList<>();
        InputTree.of(directory).read(4, (name, content) -> pieces.add(
            root.relativize(Path.of(name.replace('\0', '#'))) + "=" +
                new String(content, StandardCharsets.UTF_8)));
        assertThat(pieces).containsExactlyInAnyOrder("empty=", "a/exact=1234", "a/exact#1=5678",
            "a/b/long=1234", "a/b/long#1=5678", "a/b/long#2=9");
    }

    @Test
    void consumerMustBeAbleToEndTheWalk() throws Exception {
        for (int i = 0; i < 10; i++) {
            Files.writeString(directory.resolve("file" + i), "12345678");
        }
        final List<String> names = new ArrayList<>();
        InputTree.of(directory).read(4, (name, content) -> {
            names.add(name);
            return names.size() < 5;
        });
        assertThat(names).hasSize(5);
    }

    @Test
    void fileThatCannotBeReadMustBeNamed() throws Exception {
        final Path zip = directory.resolve("input.zip");
        try (FileSystem files = FileSystems.newFileSystem(URI.create("jar:" + zip.toUri()), Map.of("create", "true"))) {
            Files.writeString(files.getPath("/file"), "content ".repeat(1_000));
        }
        // Into the compressed bytes, behind the local header of 30 bytes, the name and the extra field.
        try (RandomAccessFile damage = new RandomAccessFile(zip.toFile(), "rw")) {
            damage.seek(26);
            final int nameLength = Short.reverseBytes(damage.readShort());
            final int extraLength = Short.reverseBytes(damage.readShort());
            damage.seek(30 + nameLength + extraLength);
            damage.write(new byte[] {-1, -1, -1, -1});
        }
        try (FileSystem files = FileSystems.newFileSystem(zip)) {
            final InputTree tree = InputTree.of(files.getPath("/"));
            assertThatThrownBy(() -> tree.read(1 << 20, (name, content) -> true))
                .isInstanceOf(StoreException.class).hasMessageStartingWith("input cannot be read: path=/file, cause=");
        }
    }

    @Test
    void jdkMustHaveItsClasses() {
        final List<String> names = new ArrayList<>();
        InputTree.ofJdk().read(1 << 20, (name, content) -> names.add(name));
        assertThat(names).hasSizeGreaterThan(10_000).contains("/modules/java.base/java/lang/Object.class")
            .doesNotHaveDuplicates();
    }
}
