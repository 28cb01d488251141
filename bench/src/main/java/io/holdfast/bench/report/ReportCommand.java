// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.runner.RunnerException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs a set, or takes what was run before, and shows it. */
@Command(
    name = "report",
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = "Runs a named set of the benchmarks, or takes the results of earlier runs; prints each target with " +
        "what was measured; writes JMH's JSON and plots.",
    footerHeading = "%nExit codes: 0 all rows were run, whether or not they meet their targets; 1 a row failed; 2 bad " +
        "arguments or files.%n%nExamples:%n",
    footer = {
        "  java -jar bench/target/holdfast-bench.jar report",
        "  java -jar bench/target/holdfast-bench.jar report --set targets --only guarded,pin",
        "  java -jar bench/target/holdfast-bench.jar report --from a.json,b.json,machine.json --write bench/RESULTS.md",
        ""
    })
final class ReportCommand implements Callable<Integer> {
    private static final String MACHINE_FILE = "machine.json";
    private static final int EXIT_OK = 0;
    private static final int EXIT_FAILED = 1;

    @Option(names = "--set", paramLabel = "SET", defaultValue = "quick",
        description = "quick: a look, less than five minutes; targets: all rows that have a target, three processes " +
            "each, about an hour; full: every row, hours. Default: ${DEFAULT-VALUE}.")
    private NamedSet set = NamedSet.QUICK;

    @Option(names = "--only", paramLabel = "PART", split = ",", description = "Only these parts of the set.")
    private List<String> only = List.of();

    @Option(names = "--list", description = "Lists the parts of the set and ends.")
    private boolean list;

    @Option(names = "--forks", paramLabel = "N", description = "Processes for each row. Default: that of the set.")
    private @Nullable Integer forks;

    @Option(names = "--millis", paramLabel = "N",
        description = "Length of every iteration, in milliseconds. Default: that of the set.")
    private @Nullable Integer millis;

    @Option(names = "--from", paramLabel = "FILE", split = ",",
        description = "Runs nothing and reports these files: JMH's JSON of any number of runs, and machine.json.")
    private List<Path> from = List.of();

    @Option(names = "--out", paramLabel = "DIR", defaultValue = "bench-results",
        description = "Where results and plots go. Default: ${DEFAULT-VALUE}.")
    private Path directory = Path.of("bench-results");

    @Option(names = "--write", paramLabel = "FILE",
        description = "Puts the tables between their marks in this Markdown file, too.")
    private @Nullable Path document;

    @Option(names = "--commit", paramLabel = "ID", defaultValue = "",
        description = "What was measured. Default: what git says of the current directory.")
    private String commit = "";

    @SuppressWarnings("unused") // picocli looks at the annotation, not at the value
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this text.")
    private boolean help;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException, RunnerException {
        final List<Part> parts = parts();
        final PrintWriter out = spec.commandLine().getOut();
        if (list) {
            parts.forEach(part -> out.println(part.name() + "  " + part.include() + " " + part.params()));
            return EXIT_OK;
        }
        Files.createDirectories(directory);
        int failed = 0;
        List<Path> files = from;
        if (from.isEmpty()) {
            final Path machine = directory.resolve(MACHINE_FILE);
            Files.writeString(machine, Machine.here(commit).toJson());
            final SetRunner runner = new SetRunner(parts, directory, System.err);
            files = new ArrayList<>(runner.run());
            files.add(machine);
            failed = runner.failed();
        }
        report(Rows.read(files), out);
        return failed == 0 ? EXIT_OK : EXIT_FAILED;
    }

    private List<Part> parts() {
        final Set<String> names = set.parts().stream().map(Part::name).collect(Collectors.toSet());
        for (final String name : only) {
            if (!names.contains(name)) {
                throw new ParameterException(spec.commandLine(), "no such part: --only=" + name + ", set=" + set.label() +
                    "; --list shows the parts");
            }
        }
        return set.parts().stream().filter(part -> only.isEmpty() || only.contains(part.name()))
            .map(part -> forks == null ? part : part.pace(part.pace().forks(forks)))
            .map(part -> millis == null ? part : part.pace(part.pace().millis(millis))).toList();
    }

    private void report(final Rows rows, final PrintWriter out) throws IOException {
        final Tables tables = new Tables(rows);
        final Map<String, String> all = new LinkedHashMap<>();
        all.put("machine", tables.machine());
        all.put("targets", tables.targets() + "\n" + tables.verdict() + ".\n");
        tables.raw().forEach(all::put);
        final StringBuilder text = new StringBuilder();
        all.forEach((name, table) -> text.append("## ").append(name).append("\n\n").append(table).append('\n'));
        Files.writeString(directory.resolve("report.md"), text);
        for (final Map.Entry<String, LineChart> chart : new Charts(rows).all().entrySet()) {
            Files.writeString(directory.resolve(chart.getKey() + ".svg"), chart.getValue().toString());
        }
        if (document != null) {
            new ResultsDocument(document).write(all);
        }
        out.println(tables.targets());
        out.println(tables.verdict());
        out.println("results, tables and plots: " + directory.toAbsolutePath().normalize());
    }
}
