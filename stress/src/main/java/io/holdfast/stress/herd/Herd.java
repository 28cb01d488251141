// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The program {@code herd7}, where it is on the path. */
public final class Herd {
    private static final Pattern OBSERVATION = Pattern.compile("(?m)^Observation (\\S+) (Never|Sometimes|Always) ");

    private final Path descriptions;
    private final Path out;

    /**
     * For tests that are written to a folder.
     *
     * @param descriptions folder of the models
     * @param out          where the tests, and what herd7 says, are left
     */
    public Herd(final Path descriptions, final Path out) {
        this.descriptions = descriptions;
        this.out = out;
    }

    /** Whether the program is there. */
    public static boolean isInstalled() {
        for (final String folder : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1)) {
            if (Files.isExecutable(Path.of(folder, "herd7"))) {
                return true;
            }
        }
        return false;
    }

    /** What the program says of its version. */
    public static String version() throws IOException, InterruptedException {
        final Process process = new ProcessBuilder("herd7", "-version").redirectErrorStream(true).start();
        final String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        process.waitFor();
        return said;
    }

    /** Writes tests into the folder of their machine, which holds no others then; the files in the order of the tests. */
    public List<Path> write(final Machine machine, final List<LitmusTest> tests) throws IOException {
        final Path folder = Files.createDirectories(out.resolve(machine.label()));
        try (DirectoryStream<Path> old = Files.newDirectoryStream(folder, "*.litmus")) {
            for (final Path file : old) {
                Files.delete(file);
            }
        }
        final List<Path> files = new ArrayList<>();
        for (final LitmusTest test : tests) {
            files.add(Files.writeString(folder.resolve(test.name() + ".litmus"), test.text()));
        }
        return files;
    }

    /**
     * Has tests of one machine decided.
     *
     * @return by the name of a test, whether its outcome can be
     */
    public Map<String, Boolean> decide(final Machine machine, final List<LitmusTest> tests)
        throws IOException, InterruptedException {
        final List<String> command = new ArrayList<>(
            List.of("herd7", "-speedcheck", "fast", "-I", descriptions.toString()));
        if (!machine.model().isEmpty()) {
            command.addAll(List.of("-cat", machine.model()));
        }
        for (final Path file : write(machine, tests)) {
            command.add(file.toString());
        }
        final Path said = out.resolve(machine.label() + ".out");
        final Process process =
            new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start();
        try {
            process.waitFor();
        } finally {
            process.destroyForcibly();
        }
        final Map<String, Boolean> can = new HashMap<>();
        final Matcher matcher = OBSERVATION.matcher(Files.readString(said));
        while (matcher.find()) {
            can.put(matcher.group(1), !matcher.group(2).equals("Never"));
        }
        for (final LitmusTest test : tests) {
            if (!can.containsKey(test.name())) {
                throw new IOException("herd7 did not decide " + test.name() + " on " + machine.label() + ", exit code " +
                    process.exitValue() + "; what it said is in " + said);
            }
        }
        return can;
    }
}
