// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Keeps {@code docs/OPERATIONS.md} complete: every event, every message that is logged, every system property. */
class OperationsPageTest {
    private static final Path BASE = Path.of(System.getProperty("basedir", "."));
    private static final Pattern EVENT = Pattern.compile("@Name\\(\"(io\\.holdfast\\.\\w+)\"\\)");
    private static final Pattern MESSAGE =
        Pattern.compile("(?i:logger)\\.log\\(Level\\.\\w+,\\s*\"((?:[^\"\\\\]|\\\\.)+)\"");
    private static final Pattern PROPERTY = Pattern.compile("\"(io\\.holdfast\\.[a-z]\\w*)\"");

    private static Set<String> found(final Pattern pattern) throws IOException {
        final Set<String> found = new TreeSet<>();
        try (Stream<Path> files = Files.walk(BASE.resolve("src/main/java"))) {
            for (final Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
                final Matcher matcher = pattern.matcher(Files.readString(file));
                while (matcher.find()) {
                    found.add(matcher.group(1));
                }
            }
        }
        return found;
    }

    private static String page() throws IOException {
        return Files.readString(BASE.resolve("../docs/OPERATIONS.md"));
    }

    @Test
    void eachEventMustBeListed() throws IOException {
        final String page = page();
        assertThat(found(EVENT)).hasSizeGreaterThan(10).allMatch(event -> page.contains("| `" + event + "` |"));
    }

    /** As far as its first literal goes. */
    @Test
    void eachMessageMustBeListed() throws IOException {
        final String page = page();
        assertThat(found(MESSAGE)).hasSizeGreaterThan(20).allMatch(message -> page.contains("| `" +
            message.replaceFirst("[a-z ]+=$", "")));
    }

    @Test
    void eachPropertyMustBeListed() throws IOException {
        final String page = page();
        assertThat(found(PROPERTY)).isNotEmpty().allMatch(property -> page.contains("| `" + property + "` |"));
    }
}
