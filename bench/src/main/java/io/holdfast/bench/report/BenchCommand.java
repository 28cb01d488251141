// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.runner.RunnerException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The program around the benchmarks; JMH's own command line is that of {@code benchmarks.jar}. */
@Command(
    name = "holdfast-bench",
    subcommands = ReportCommand.class,
    usageHelpAutoWidth = true,
    description = "Runs the benchmarks and reports them. For JMH's own options: java -jar benchmarks.jar -h.")
public final class BenchCommand {
    private static final int EXIT_USAGE = 2;
    private static final int EXIT_FAILED = 1;
    private static final String NAME = "holdfast-bench: ";

    @SuppressWarnings("unused") // picocli looks at the annotation, not at the value
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this text.")
    private boolean help;

    private BenchCommand() {
    }

    /**
     * Runs a command and ends the process with its exit code.
     *
     * @param args see {@code --help}
     */
    public static void main(final String[] args) {
        System.exit(execute(new PrintWriter(System.out, true, System.out.charset()),
            new PrintWriter(System.err, true, System.err.charset()), args));
    }

    /**
     * Runs a command.
     *
     * @param out  for tables
     * @param err  for progress and errors
     * @param args see {@code --help}
     * @return 0; 1 if a row failed; 2 for bad arguments and files
     */
    static int execute(final PrintWriter out, final PrintWriter err, final String... args) {
        final CommandLine commandLine = new CommandLine(new BenchCommand());
        commandLine.setOut(out).setErr(err).setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setParameterExceptionHandler((exception, ignored) ->
            fail(err, exception.getMessage() + "; --help lists the options"));
        commandLine.setExecutionExceptionHandler((exception, ignored, parsed) -> {
            if (exception instanceof IOException || exception instanceof RunnerException) {
                return fail(err, exception.getMessage());
            }
            exception.printStackTrace(err);
            return EXIT_FAILED;
        });
        return commandLine.execute(args);
    }

    private static int fail(final PrintWriter err, final @Nullable String message) {
        err.println(NAME + String.valueOf(message).lines().collect(Collectors.joining(" ")));
        return EXIT_USAGE;
    }
}
