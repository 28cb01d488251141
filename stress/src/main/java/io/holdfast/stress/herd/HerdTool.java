// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import io.holdfast.stress.herd.ProtocolParser.Descriptions;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The program: writes litmus tests from the descriptions of {@code stress/litmus}, has herd7 decide them, and fails if an
 * outcome can be that must not, or cannot be in a weakened twin.
 *
 * <p>{@code java -cp stress/target/jcstress.jar io.holdfast.stress.herd.HerdTool}
 */
@Command(name = "herd", mixinStandardHelpOptions = true, sortOptions = false,
    description = "Litmus tests of the protocols for weaker machines than x86. Exit code 0 if each outcome that must not " +
        "be cannot, and can in each weakened twin.",
    footer = "herd7 must be on the path. stress/litmus/README.md says how to build it, and how to describe a protocol.")
public final class HerdTool implements Callable<Integer> {
    @Option(names = "--descriptions", description = "Folder of the descriptions and models (${DEFAULT-VALUE}).")
    private Path descriptions = Path.of("stress", "litmus");

    @Option(names = "--out", description = "Where the tests, and what herd7 says, are left (${DEFAULT-VALUE}).")
    private Path out = Path.of("stress", "target", "litmus");

    @Option(names = "--only", description = "Protocols whose names have this pattern in them (all).")
    private Pattern only = Pattern.compile("");

    @Option(names = "--generate", description = "Writes the tests and runs nothing.")
    private boolean generate;

    /** Runs the program. */
    public static void main(final String... args) {
        System.exit(new CommandLine(new HerdTool()).execute(args));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        final PrintStream console = System.out;
        final List<Protocol> protocols = Descriptions.read(descriptions).protocols().stream()
            .filter(protocol -> only.matcher(protocol.name()).find()).toList();
        final Herd herd = new Herd(descriptions, out);
        if (generate) {
            for (final Map.Entry<Machine, List<LitmusTest>> tests : tests(protocols).entrySet()) {
                herd.write(tests.getKey(), tests.getValue());
            }
            return CommandLine.ExitCode.OK;
        }
        if (!Herd.isInstalled()) {
            System.err.println("herd7 is not on the path; stress/litmus/README.md says how to build it");
            return CommandLine.ExitCode.USAGE;
        }
        final Verdicts verdicts = decide(protocols, herd);
        console.println("herd7 " + Herd.version());
        console.println(verdicts.table());
        console.println(verdicts.count() + " tests, " + verdicts.wrong().size() + " wrong");
        verdicts.wrong().forEach(console::println);
        return verdicts.wrong().isEmpty() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }

    /** Has all tests of these protocols decided. */
    static Verdicts decide(final List<Protocol> protocols, final Herd herd) throws IOException, InterruptedException {
        final Verdicts verdicts = new Verdicts(protocols);
        for (final Map.Entry<Machine, List<LitmusTest>> tests : tests(protocols).entrySet()) {
            final Map<String, Boolean> can = herd.decide(tests.getKey(), tests.getValue());
            tests.getValue().forEach(test -> verdicts.note(test, can.getOrDefault(test.name(), false)));
        }
        return verdicts;
    }

    private static Map<Machine, List<LitmusTest>> tests(final List<Protocol> protocols) {
        final Map<Machine, List<LitmusTest>> tests = new EnumMap<>(Machine.class);
        for (final Protocol protocol : protocols) {
            for (final LitmusTest test : LitmusTest.of(protocol)) {
                tests.computeIfAbsent(test.machine(), _ -> new ArrayList<>()).add(test);
            }
        }
        return tests;
    }
}
