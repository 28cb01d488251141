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

/** Keeps {@code docs/ARCHITECTURE.md} true: the packages, the rooms, and the classes of the walks. */
class ArchitectureTest {
    private static final Path BASE = Path.of(System.getProperty("basedir", "."));
    private static final Path SOURCES = BASE.resolve("src/main/java/io/holdfast");
    private static final Pattern CLASS = Pattern.compile("`([A-Z]\\w+)(?:\\.\\w+)?`");

    @Test
    void eachPackageMustBeThere() throws IOException {
        final Set<String> packages = new TreeSet<>(Set.of("io.holdfast"));
        try (Stream<Path> all = Files.list(SOURCES)) {
            all.filter(Files::isDirectory).forEach(each -> packages.add("io.holdfast." + each.getFileName()));
        }
        final String page = page();
        assertThat(packages).hasSizeGreaterThan(1).allMatch(each -> page.contains("| `" + each + "` |"));
    }

    @Test
    void eachClassOfTheSpaceMustStandInOneRoom() throws IOException {
        final String page = page();
        final String rooms = page.substring(page.indexOf("## The rooms"), page.indexOf("## Three walks"));
        final Set<String> named = new TreeSet<>();
        final Matcher matcher = CLASS.matcher(rooms);
        while (matcher.find()) {
            assertThat(named.add(matcher.group(1))).as("once: " + matcher.group(1)).isTrue();
        }
        assertThat(named).isEqualTo(classes("space"));
    }

    @Test
    void eachClassThatIsNamedMustExist() throws IOException {
        final Set<String> all = new TreeSet<>();
        for (final String each : Set.of("", "space", "lock", "tree", "epoch", "memory", "layout", "event")) {
            all.addAll(classes(each));
        }
        final Matcher matcher = CLASS.matcher(page());
        final Set<String> named = new TreeSet<>();
        while (matcher.find()) {
            named.add(matcher.group(1));
        }
        assertThat(named).isNotEmpty().isSubsetOf(all);
    }

    private static String page() throws IOException {
        return Files.readString(BASE.resolve("../docs/ARCHITECTURE.md"));
    }

    private static Set<String> classes(final String inner) throws IOException {
        final Set<String> names = new TreeSet<>();
        try (Stream<Path> all = Files.list(SOURCES.resolve(inner))) {
            all.map(each -> each.getFileName().toString()).filter(name -> name.endsWith(".java"))
                .filter(name -> !name.equals("package-info.java"))
                .forEach(name -> names.add(name.substring(0, name.length() - ".java".length())));
        }
        return names;
    }
}
