// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Addresses that nobody uses cost nothing in a core dump; seen in a real one, and in what the kernel would write. */
class CoreDumpTest extends SpaceFixture {
    private static final Path PATTERN = Path.of("/proc/sys/kernel/core_pattern");
    private static final long MUCH = 2L << 30;

    @Test
    void aCoreDumpMustNotContainEmptyAddresses() throws Exception {
        assumeTrue(Files.isReadable(PATTERN) && "core".equals(Files.readString(PATTERN).strip()),
            "core dumps are not written to the working directory here (kernel.core_pattern is not \"core\")");
        final List<String> command = Children.limited("-c unlimited",
            Children.command(LargeSpaceProgram.class, List.of(), file("data", 100_000).toString()));
        final Process child = new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
        try {
            assumeTrue(LargeSpaceProgram.SAID.equals(child.inputReader(StandardCharsets.UTF_8).readLine()),
                "the child could not allow itself a core dump");
            assertThat(new ProcessBuilder("kill", "-ABRT", Long.toString(child.pid())).start().waitFor()).isZero();
            assertThat(child.waitFor()).isNotZero();
        } finally {
            child.destroyForcibly();
        }
        final List<Path> dumps;
        try (Stream<Path> files = Files.list(directory)) {
            dumps = files.filter(path -> path.getFileName().toString().startsWith("core")).toList();
        }
        assumeTrue(!dumps.isEmpty(), "no core dump was written");
        assertThat(Files.size(dumps.getFirst())).isPositive().isLessThan(MUCH);
    }

    /** What is never written to has no pages and no anonymous mapping of its own, so the kernel leaves it out. */
    @Test
    void emptyAddressesMustTakeNoMemory() throws Exception {
        final Process child = Children.start(LargeSpaceProgram.class, List.of(), file("data", 100_000).toString());
        try {
            assertThat(child.inputReader(StandardCharsets.UTF_8).readLine()).isEqualTo(LargeSpaceProgram.SAID);
            final Path status = Path.of("/proc", Long.toString(child.pid()), "status");
            assertThat(kibibytes(status, "VmSize:") << 10).isGreaterThan(LargeSpaceProgram.CAPACITY);
            assertThat(kibibytes(status, "VmRSS:") << 10).isLessThan(MUCH);
            assertThat(kibibytes(status, "VmPTE:") << 10).isLessThan(32L << 20);
        } finally {
            child.destroyForcibly();
            child.waitFor();
        }
    }

    static long kibibytes(final Path status, final String field) throws Exception {
        return Files.readAllLines(status).stream().filter(line -> line.startsWith(field))
            .mapToLong(line -> Long.parseLong(line.substring(field.length()).replace("kB", "").strip())).sum();
    }
}
