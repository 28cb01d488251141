// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.results.format.ResultFormatFactory;
import org.openjdk.jmh.results.format.ResultFormatType;
import org.openjdk.jmh.runner.BenchmarkList;
import org.openjdk.jmh.runner.BenchmarkListEntry;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.format.OutputFormat;
import org.openjdk.jmh.runner.format.OutputFormatFactory;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Runs parts one after the other; each leaves a file of JMH's JSON. */
final class SetRunner {
    private static final double PROCESS_SECONDS = 0.8;
    private static final double SECOND_MS = 1000;

    private final List<Part> parts;
    private final Path directory;
    private final ProgressOutput progress;

    SetRunner(final List<Part> parts, final Path directory, final PrintStream out) {
        this.parts = parts;
        this.directory = directory;
        final int rows = parts.stream().mapToInt(SetRunner::rows).sum();
        final double seconds = parts.stream().mapToDouble(part -> rows(part) * rowSeconds(part)).sum();
        progress = new ProgressOutput(out, rows, seconds);
    }

    /**
     * Runs all.
     *
     * @return files of results
     * @throws IOException if one cannot be written
     * @throws RunnerException if JMH refuses
     */
    List<Path> run() throws IOException, RunnerException {
        final List<Path> files = new ArrayList<>();
        for (final Part part : parts) {
            progress.expect(rowSeconds(part));
            final List<RunResult> results = new ArrayList<>();
            for (final int threads : part.threads()) {
                results.addAll(run(part, threads));
            }
            final Path file = directory.resolve(part.name() + ".json");
            try (PrintStream json = new PrintStream(Files.newOutputStream(file), false, StandardCharsets.UTF_8)) {
                ResultFormatFactory.getInstance(ResultFormatType.JSON, json).writeOut(results);
            }
            files.add(file);
        }
        return files;
    }

    /** Rows that gave no result. */
    int failed() {
        return progress.failed();
    }

    private Iterable<RunResult> runs(final ChainedOptionsBuilder options) throws RunnerException {
        return new Runner(options.build(), progress).run();
    }

    private List<RunResult> run(final Part part, final int threads) throws RunnerException {
        final Pace pace = part.pace();
        final ChainedOptionsBuilder options =
            new OptionsBuilder().include(part.include()).forks(pace.forks()).verbosity(VerboseMode.NORMAL);
        if (part.isTimed()) {
            options.warmupIterations(pace.warmups()).warmupTime(TimeValue.milliseconds(pace.warmupMillis()))
                .measurementIterations(pace.iterations())
                .measurementTime(TimeValue.milliseconds(pace.iterationMillis()));
        }
        if (threads > 0) {
            options.threads(threads);
        }
        if (!part.groups().isEmpty()) {
            options.threadGroups(part.groups().stream().mapToInt(Integer::intValue).toArray());
        }
        if (part.allocation()) {
            options.addProfiler(GCProfiler.class);
        }
        part.params().forEach((name, values) -> options.param(name, values.toArray(String[]::new)));
        final List<RunResult> results = new ArrayList<>();
        runs(options).forEach(results::add);
        return results;
    }

    private static double rowSeconds(final Part part) {
        final Pace pace = part.pace();
        final double each = part.isTimed()
            ? (pace.warmups() * pace.warmupMillis() + pace.iterations() * pace.iterationMillis()) / SECOND_MS
            : part.onceSeconds();
        return pace.forks() * (PROCESS_SECONDS + each);
    }

    /** How many rows a part has. */
    static int rows(final Part part) {
        int rows = 0;
        final OutputFormat silent = OutputFormatFactory.createFormatInstance(System.out, VerboseMode.SILENT);
        final List<String> include = List.of(part.include());
        for (final BenchmarkListEntry entry : BenchmarkList.defaultList().find(silent, include, List.of())) {
            int combinations = part.threads().size();
            for (final Map.Entry<String, String[]> param : entry.getParams().orElse(Map.of()).entrySet()) {
                combinations *= part.params().getOrDefault(param.getKey(), List.of(param.getValue())).size();
            }
            rows += combinations;
        }
        return rows;
    }
}
