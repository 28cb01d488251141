// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.fuzz;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** What each method may throw, as the {@code @throws} tags in the sources say it. */
final class Contracts {
    private static final Pattern METHOD = Pattern.compile(
        "/\\*\\*((?:(?!\\*/).)*)\\*/\\s*(?:@[\\w.]+(?:\\([^)]*\\))?\\s*)*[^;{}=(]*?(\\w+)\\s*\\(",
        Pattern.DOTALL);
    private static final Pattern THROWS = Pattern.compile("@throws\\s+([\\w.]+)");
    private static final List<String> PACKAGES =
        List.of("", "java.lang.", "java.io.", "java.util.concurrent.", "io.holdfast.");

    private final Map<String, Set<Class<?>>> allowed = new HashMap<>();

    /** Reads the sources of the exported package. */
    Contracts(final Path sources) throws IOException {
        try (Stream<Path> files = Files.list(sources.resolve("io/holdfast"))) {
            for (final Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
                read(file.getFileName().toString().replace(".java", ""), Files.readString(file));
            }
        }
        if (allowed.isEmpty()) {
            throw new IOException("no sources of the library found: directory=" + sources);
        }
    }

    private void read(final String type, final String text) {
        final Matcher methods = METHOD.matcher(text);
        while (methods.find()) {
            final Set<Class<?>> types = allowed.computeIfAbsent(type + "." + methods.group(2), _ -> new HashSet<>());
            final Matcher tags = THROWS.matcher(methods.group(1));
            while (tags.find()) {
                types.add(named(tags.group(1)));
            }
        }
    }

    private static Class<?> named(final String name) {
        return PACKAGES.stream().map(prefix -> load(prefix + name)).filter(Objects::nonNull).findFirst()
            .orElseThrow(() -> new IllegalStateException("@throws names no class that is known: " + name));
    }

    private static @Nullable Class<?> load(final String name) {
        try {
            return Class.forName(name);
        } catch (final ClassNotFoundException e) {
            return null;
        }
    }

    /** Whether the documentation of a method, of an overload, or of what it is inherited from, names what it threw. */
    boolean allows(final Method method, final Throwable thrown) {
        Class<?> type = method.getDeclaringClass();
        while (type.getEnclosingClass() != null) {
            type = type.getEnclosingClass();
        }
        while (type != null) {
            if (allowed.getOrDefault(type.getSimpleName() + "." + method.getName(), Set.of()).stream()
                .anyMatch(named -> named.isInstance(thrown))) {
                return true;
            }
            type = type.getSuperclass();
        }
        return false;
    }
}
