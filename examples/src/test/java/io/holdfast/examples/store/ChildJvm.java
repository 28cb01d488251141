// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Command lines of child processes that run a main class on this process's JDK and class path. */
final class ChildJvm {
    private ChildJvm() {
    }

    static List<String> command(final Class<?> main, final String... args) {
        final List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.add("-ea");
        command.add("-Xmx256m");
        command.add("-XX:+UseSerialGC");
        command.add("--enable-native-access=ALL-UNNAMED");
        command.add("-cp");
        command.add(System.getProperty("java.class.path"));
        command.add(main.getName());
        command.addAll(List.of(args));
        return command;
    }
}
