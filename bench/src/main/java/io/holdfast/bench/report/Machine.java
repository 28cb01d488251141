// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Where, when and what was measured.
 *
 * @param facts by name, in the order they are shown
 */
record Machine(Map<String, String> facts) {
    private static final Gson GSON = new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();
    private static final String UNKNOWN = "unknown";
    private static final int GIT_SECONDS = 10;

    /** This machine, now. */
    static Machine here(final String commit) {
        final Map<String, String> facts = new LinkedHashMap<>();
        facts.put("date", LocalDate.now(ZoneOffset.UTC).toString());
        facts.put("commit", commit.isEmpty() ? workingTree() : commit);
        facts.put("CPU", cpu());
        facts.put("processors", String.valueOf(Runtime.getRuntime().availableProcessors()));
        facts.put("kernel", System.getProperty("os.name") + " " + System.getProperty("os.version") + ", " +
            System.getProperty("os.arch"));
        facts.put("memory", line(Path.of("/proc/meminfo"), "MemTotal"));
        facts.put("load average at the start",
            String.valueOf(ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage()));
        facts.put("JDK", System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version") + ", " +
            System.getProperty("java.vendor"));
        facts.put("flags", String.join(" ", ManagementFactory.getRuntimeMXBean().getInputArguments()));
        return new Machine(facts);
    }

    static Machine of(final JsonObject json) {
        final Map<String, String> facts = new LinkedHashMap<>();
        for (final Map.Entry<String, JsonElement> fact : json.entrySet()) {
            facts.put(fact.getKey(), fact.getValue().getAsString());
        }
        return new Machine(facts);
    }

    String toJson() {
        return GSON.toJson(facts) + "\n";
    }

    private static String cpu() {
        final Path file = Path.of("/proc/cpuinfo");
        final String model = line(file, "model name");
        return model.equals(UNKNOWN) ? line(file, "CPU part") : model;
    }

    private static String line(final Path file, final String key) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.filter(line -> line.startsWith(key)).findFirst()
                .map(line -> line.substring(line.indexOf(':') + 1).strip()).orElse(UNKNOWN);
        } catch (final IOException e) {
            return UNKNOWN;
        }
    }

    private static String workingTree() {
        try {
            final Process git = new ProcessBuilder("git", "describe", "--always", "--dirty", "--abbrev=12")
                .redirectError(ProcessBuilder.Redirect.DISCARD).start();
            final String output = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            return git.waitFor(GIT_SECONDS, TimeUnit.SECONDS) && git.exitValue() == 0 ? output : UNKNOWN;
        } catch (final IOException e) {
            return UNKNOWN;
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            return UNKNOWN;
        }
    }
}
