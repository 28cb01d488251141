// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The programs on Lucene must do what they show. */
class LuceneExamplesTest {
    @TempDir
    private Path texts;

    private List<String> run(final Object command, final String... args) {
        final StringWriter said = new StringWriter();
        assertThat(new CommandLine(command).setCaseInsensitiveEnumValuesAllowed(true)
            .setOut(new PrintWriter(said)).execute(args)).as(said.toString()).isZero();
        return said.toString().lines().map(String::strip).toList();
    }

    @Test
    void eachDirectoryMustFindTheSame() {
        final List<String> lines = run(new SearchExample(), "--texts", "300", "--rounds", "2");
        assertThat(lines).hasSize(4);
        assertThat(lines.stream().skip(1).map(line -> line.split(" +")[7]).distinct()).hasSize(1);
        assertThat(lines.get(1)).startsWith("holdfast ").doesNotEndWith(" 0");
        assertThat(lines.get(3)).startsWith("nio ").endsWith(" 0");
    }

    @Test
    void filesOfADirectoryMustBeIndexed() throws Exception {
        Files.writeString(texts.resolve("one"), "the president of the european union");
        Files.writeString(texts.resolve("two"), "nobody");
        final List<String> lines = run(new SearchExample(), "--input", texts.toString(), "--rounds", "1", "--directory",
            "holdfast");
        assertThat(lines.get(1).split(" +")[7]).as("one by the word, and the same by the phrase").isEqualTo("2");
    }

    @Test
    void searchersMustFindTheirFilesMappedWhileTheIndexChanges() {
        for (final Kind kind : new Kind[] {Kind.HOLDFAST, Kind.MMAP}) {
            final List<String> lines = run(new NearRealTimeExample(), "--seconds", "1", "--directory", kind.name());
            assertThat(lines).hasSize(2);
            assertThat(Long.parseLong(lines.get(1).split(" +")[1])).as("written").isPositive();
        }
    }

    @Test
    void whatWasDeletedAtTwoLooksMustCountAsLeft() throws Exception {
        final Path directory = texts.toRealPath();
        final List<Path> files = List.of(directory.resolve("kept"), directory.resolve("dropped"));
        for (final Path file : files) {
            Files.write(file, new byte[1]);
        }
        try (Arena kept = Arena.ofShared(); Arena dropped = Arena.ofShared()) {
            map(files.getFirst(), kept);
            map(files.getLast(), dropped);
            final MappedFiles before = MappedFiles.of(directory);
            assertThat(before.all()).isEqualTo(2);
            assertThat(before.deleted()).isEmpty();
            Files.delete(files.getFirst());
            final MappedFiles earlier = MappedFiles.of(directory);
            assertThat(earlier.left(before)).isZero();
            Files.delete(files.getLast());
            assertThat(MappedFiles.of(directory).deleted()).hasSize(2);
            assertThat(MappedFiles.of(directory).left(earlier)).isOne();
        }
        assertThat(MappedFiles.of(directory).all()).isZero();
    }

    private static void map(final Path file, final Arena arena) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            channel.map(FileChannel.MapMode.READ_ONLY, 0, 1, arena);
        }
    }
}
