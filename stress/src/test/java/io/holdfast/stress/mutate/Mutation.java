// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.mutate;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;

/**
 * Runs core's tests against mutants of the library, each in a process of its own: those tests first that are nearest to the
 * changed class, until one fails. A process that crashes has caught its mutant, and so has one that does not end.
 *
 * <p>{@code Mutation [how many] [seed] [barrier]} in the directory of the stress module takes a sample and prints what
 * became of each; {@code Mutation place test...} looks at one, and {@code Mutation table} at those of {@link MutantTable}.
 */
final class Mutation {
    private static final Path CLASSES = Path.of("..", "core", "target", "classes");
    private static final Path SOURCES = Path.of("..", "core", "src", "main", "java");
    private static final Path TESTS = Path.of("..", "core", "target", "test-classes");
    private static final long LIMIT_S = 60; // for one class, whose tests take a few seconds at most

    private static final List<String> PACKAGES = List.of("lock", "epoch", "tree", "space");

    /** What decides nothing but what is said, or in debug mode alone. */
    private static final Set<String> LEFT_OUT = Set.of(
        "Ledger", "RegionLabels", "WaitReports", "ReservedStack", "LockOrder",
        "Burials", "Holders");

    /** Tests that take long, or need a process of their own. */
    private static final Set<String> SLOW = Set.of("OperationFaultTest", "CheckedCopyTest", "ManyRegionsTest",
        "CoreDumpTest", "LockedProcessTest", "GeneratedCodeTest", "GuardAllocationTest", "TreeAllocationTest",
        "LimitedAddressesTest", "LogTest", "LeakReportTest", "StackOverflowTest", "CloseReportTest", "HugePagesTest",
        "SectionOrderTest", "MapLimitTest", "LockOrderTest", "ReservedStackTest", "TreeScaleTest", "SpaceInspectorTest",
        "VirtualThreadsTest", "ThreadLossTest", "ForceTest", "LargestSpaceTest");

    /** Of the tests of spaces, those that show most soonest. */
    private static final List<String> BROAD = List.of("UnmapTest", "GuardTest", "HoldTest", "WriteSectionTest",
        "RegionStructureTest", "GrowTest", "LeaseTest", "SectionModelTest", "TimedLockTest", "SelfWaitTest",
        "DeadOwnersOfRangesTest");

    /** Those that find what the others do not. */
    private static final List<String> DEEP = List.of("SpaceSnapshotTest", "CloseTest", "BackPressureTest", "EraTest",
        "SectionFaultTest", "FaultTest", "LostAddressesTest", "PendingUnmapTest", "RegionPagesTest", "FileRegionTest",
        "FixedAddressTest", "MapRequestTest", "IdleMemoryTest", "KernelCasesTest");

    /** Tests of the tree that take longer than the others. */
    private static final Set<String> LAST = Set.of("TreeCursorTest", "TreeModelTest", "TreeMemoryTest",
        "TreeConcurrencyTest", "SlotTableTest");

    private final Mutator mutator = new Mutator(CLASSES, SOURCES);
    private final String barrier;

    /** With the tests under a flavour of the barrier. */
    Mutation(final String barrier) {
        this.barrier = barrier;
    }

    /** Prints what became of a sample; or, given a place and test classes, of that mutant under these. */
    public static void main(final String[] arguments) throws IOException, InterruptedException {
        if (arguments.length > 1 && arguments[0].contains(" ")) {
            final Mutation mutation = new Mutation("membarrier");
            System.out.println(arguments[0] + ": " +
                mutation.run(mutation.named(arguments[0]), List.of(arguments).subList(1, arguments.length)));
            return;
        }
        if (arguments.length > 0 && arguments[0].equals("table")) {
            final Mutation mutation = new Mutation("membarrier");
            for (final MutantTable.Row row : MutantTable.read()) {
                final Optional<Mutant> mutant = mutation.named(row);
                final String how = mutant.isEmpty() ? "is not there any more" : mutation.run(mutant.get(), row.tests());
                System.out.println(row + ": " + (how.isEmpty() ? "SURVIVED" : how));
            }
            return;
        }
        final int many = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 200;
        final long seed = arguments.length > 1 ? Long.parseLong(arguments[1]) : System.nanoTime();
        final Mutation mutation = new Mutation(arguments.length > 2 ? arguments[2] : "membarrier");
        System.out.printf("mutants=%d, seed=%d, of=%d%n", many, seed, mutation.all().size());
        int caught = 0;
        int number = 0;
        for (final Mutant mutant : mutation.sample(many, seed)) {
            final String how = mutation.run(mutant);
            caught += how.isEmpty() ? 0 : 1;
            System.out.printf("%3d %s %s %s%n", ++number, how.isEmpty() ? "SURVIVED" : "caught", mutant, how);
        }
        System.out.printf("caught=%d of %d%n", caught, number);
    }

    /** All mutants of the library that are counted. */
    List<Mutant> all() throws IOException {
        final List<Mutant> mutants = new ArrayList<>();
        for (final String of : PACKAGES) {
            mutants.addAll(all(of));
        }
        return mutants;
    }

    /** The mutant of a place. */
    Mutant named(final String place) throws IOException {
        return all().stream().filter(mutant -> mutant.place().equals(place)).findFirst()
            .orElseThrow(() -> new IllegalStateException("the library has changed: no such place: " + place));
    }

    private List<Mutant> all(final String of) throws IOException {
        final List<Mutant> mutants = new ArrayList<>();
        try (Stream<Path> files = Files.list(CLASSES.resolve("io/holdfast").resolve(of))) {
            for (final Path file : files.sorted().toList()) {
                final String name = file.getFileName().toString().replace(".class", "");
                if (!LEFT_OUT.contains(outer(name)) && !name.equals("package-info")) {
                    mutants.addAll(mutator.of("io.holdfast." + of + "." + name));
                }
            }
        }
        return mutants;
    }

    private static String outer(final String name) {
        return name.contains("$") ? name.substring(0, name.indexOf('$')) : name;
    }

    /** The mutant of a row, if the library still has that line. */
    Optional<Mutant> named(final MutantTable.Row row) throws IOException {
        final List<Mutant> places = new ArrayList<>();
        for (final Mutant mutant : ofClass(row.type())) {
            if (mutant.method().equals(row.method()) && mutant.kind() == row.kind() &&
                mutator.text(mutant).equals(row.text())) {
                places.add(mutant);
            }
        }
        return places.size() < row.number() ? Optional.empty() : Optional.of(places.get(row.number() - 1));
    }

    private List<Mutant> ofClass(final String type) throws IOException {
        return Files.exists(CLASSES.resolve(type.replace('.', '/') + ".class")) ? mutator.of(type) : List.of();
    }

    /** Whether there is a test class of this name. */
    static boolean isTest(final String name) {
        return Files.exists(TESTS.resolve(name.replace('.', '/') + ".class"));
    }

    /** As many mutants of each package, chosen by a seed, in turn. */
    List<Mutant> sample(final int many, final long seed) throws IOException {
        final List<List<Mutant>> shuffled = new ArrayList<>();
        for (final String of : PACKAGES) {
            final List<Mutant> mutants = all(of);
            Collections.shuffle(mutants, new Random(seed));
            shuffled.add(mutants);
        }
        final List<Mutant> chosen = new ArrayList<>();
        for (int i = 0; i < many; i++) {
            chosen.add(shuffled.get(i % PACKAGES.size()).get(i / PACKAGES.size()));
        }
        return chosen;
    }

    /** How a mutant was caught; empty if it was not. */
    String run(final Mutant mutant) throws IOException, InterruptedException {
        return run(mutant, testsFor(mutant));
    }

    /** The same by some tests alone. */
    String run(final Mutant mutant, final List<String> tests) throws IOException, InterruptedException {
        final Path woven = Files.createTempDirectory("mutant");
        try {
            mutator.weave(mutant, woven);
            return run(woven, tests);
        } finally {
            try (Stream<Path> all = Files.walk(woven)) {
                for (final Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            }
        }
    }

    /** What becomes of a library with the classes of a directory in front of its own. */
    String run(final Path woven, final List<String> tests) throws IOException, InterruptedException {
        final List<String> command = new ArrayList<>(List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea", "-Xmx2g", "-XX:TieredStopAtLevel=1",
            "--enable-native-access=ALL-UNNAMED", "-XX:-CreateCoredumpOnCrash",
            "-XX:ErrorFile=" + woven.resolve("hs_err.log"), "-Dio.holdfast.debug=true", "-Dio.holdfast.rest=0",
            "-Dio.holdfast.barrier=" + barrier, "-Djava.io.tmpdir=" + woven, "-cp",
            woven.toAbsolutePath() + File.pathSeparator + TESTS.toAbsolutePath() + File.pathSeparator +
                System.getProperty("java.class.path"), MutantRun.class.getName()));
        command.addAll(tests);
        final Process process =
            new ProcessBuilder(command).directory(new File("../core")).redirectErrorStream(true).start();
        final AtomicReference<String> verdict = new AtomicReference<>("");
        final AtomicReference<Long> progress = new AtomicReference<>(System.nanoTime());
        final Thread listener = Thread.ofPlatform().daemon().start(() -> listen(process, verdict, progress));
        try {
            while (!process.waitFor(100, TimeUnit.MILLISECONDS)) {
                if (System.nanoTime() - progress.get() > TimeUnit.SECONDS.toNanos(LIMIT_S)) {
                    return "a test does not end";
                }
            }
            listener.join();
        } finally {
            process.destroyForcibly().waitFor();
        }
        return switch (process.exitValue()) {
            case 0 -> "";
            case MutantRun.CAUGHT -> verdict.get();
            default -> "crash: exit code=" + process.exitValue();
        };
    }

    private static void listen(final Process process, final AtomicReference<String> verdict,
                               final AtomicReference<Long> progress) {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(process.getInputStream(),
            StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(MutantRun.BY)) {
                    verdict.set(line.substring(MutantRun.BY.length()));
                } else if (line.startsWith(MutantRun.PASSED)) {
                    progress.set(System.nanoTime());
                }
            }
        } catch (final IOException e) {
            verdict.compareAndSet("", "output of the child is lost: " + e);
        }
    }

    /** Test classes for a mutant, the nearest first. */
    static List<String> testsFor(final Mutant mutant) throws IOException {
        final String[] parts = mutant.type().split("\\.");
        final String of = parts[2];
        final String outer = outer(parts[3]);
        final Set<String> tests = new LinkedHashSet<>();
        final List<String> own = tests(of);
        own.stream().filter(test -> test.startsWith(outer)).forEach(tests::add);
        final String stem = outer.replaceAll("Handle$", "");
        own.stream().filter(test -> test.startsWith(stem)).forEach(tests::add);
        if (of.equals("space")) {
            tests.addAll(BROAD);
            tests.addAll(DEEP);
        } else {
            own.stream().filter(test -> !LAST.contains(test)).forEach(tests::add);
        }
        final List<String> names = new ArrayList<>(tests.stream().map(test -> "io.holdfast." + of + "." + test).toList());
        if (of.equals("epoch")) {
            tests("lock").forEach(test -> names.add("io.holdfast.lock." + test));
        }
        if (!of.equals("space")) {
            BROAD.forEach(test -> names.add("io.holdfast.space." + test));
            own.stream().filter(LAST::contains).forEach(test -> names.add("io.holdfast." + of + "." + test));
        }
        return names;
    }

    private static List<String> tests(final String of) throws IOException {
        try (Stream<Path> files = Files.list(TESTS.resolve("io/holdfast").resolve(of))) {
            return files.map(file -> file.getFileName().toString()).filter(file -> file.matches("\\w+Test\\.class"))
                .map(file -> file.replace(".class", "")).filter(test -> !SLOW.contains(test)).sorted().toList();
        }
    }
}
