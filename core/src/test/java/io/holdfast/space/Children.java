// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.agrona.concurrent.Agent;

/** Other virtual machines that a test starts. */
final class Children {
    private Children() {
    }

    /** What became of a child. */
    record Outcome(int status, String output) {
    }

    /** Runs a main class of the tests to its end. */
    static Outcome run(final Class<?> main, final List<String> options, final String... arguments)
        throws IOException, InterruptedException {
        return run(command(main, options, arguments));
    }

    /** Runs a command to its end. */
    static Outcome run(final List<String> command) throws IOException, InterruptedException {
        final Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        final String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Outcome(process.waitFor(), output);
    }

    /** Starts a main class of the tests; its output is merged. */
    static Process start(final Class<?> main, final List<String> options, final String... arguments)
        throws IOException {
        return new ProcessBuilder(command(main, options, arguments)).redirectErrorStream(true).start();
    }

    /** A command under limits of the shell. */
    static List<String> limited(final String limits, final List<String> command) {
        final List<String> limited = new ArrayList<>(List.of("bash", "-c", "ulimit " + limits + " && exec \"$@\"", "bash"));
        limited.addAll(command);
        return limited;
    }

    /** The command that runs a main class of the tests. */
    static List<String> command(final Class<?> main, final List<String> options, final String... arguments) {
        final Path target = Path.of(System.getProperty("basedir", ".")).toAbsolutePath().resolve("target");
        final List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of("-ea", "-Xmx256m", "-XX:-CreateCoredumpOnCrash", "--enable-native-access=ALL-UNNAMED",
            "-XX:ErrorFile=/dev/null"));
        final String barrier = System.getProperty("io.holdfast.barrier");
        if (barrier != null) {
            command.add("-Dio.holdfast.barrier=" + barrier);
        }
        command.addAll(options);
        command.addAll(List.of("-cp", target.resolve("classes") + ":" + target.resolve("test-classes") + ":" +
            Path.of(Agent.class.getProtectionDomain().getCodeSource().getLocation().getPath()), main.getName()));
        command.addAll(List.of(arguments));
        return command;
    }
}
