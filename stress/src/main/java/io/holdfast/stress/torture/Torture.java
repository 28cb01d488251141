// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.stress.weave.Weave;
import io.holdfast.stress.weave.Weaver;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The torture program: weaves pauses, and perhaps a defect, into the library, runs readers and writers of every kind
 * against each other in a child process, and fails if a guarantee does.
 *
 * <p>{@code java -cp stress/target/jcstress.jar io.holdfast.stress.torture.Torture --minutes 30}
 */
@Command(name = "torture", mixinStandardHelpOptions = true, sortOptions = false,
    description = "Readers and writers of every kind against each other. Exit code 0 if every guarantee held.")
public final class Torture implements Callable<Integer> {
    private static final int GRACE_SECONDS = 60;

    @Option(names = "--minutes", description = "How long to run, in minutes.")
    private @Nullable Long minutes;

    @Option(names = "--seconds", description = "How long to run, in seconds (${DEFAULT-VALUE}).")
    private long seconds = 60;

    @Option(names = "--readers", description = "Platform threads that read (${DEFAULT-VALUE}).")
    private int readers = 4;

    @Option(names = "--writers", description = "Platform threads that map, write, reshape and unmap (${DEFAULT-VALUE}).")
    private int writers = 2;

    @Option(names = "--virtual", description = "Virtual threads that read (${DEFAULT-VALUE}).")
    private int virtual = 4;

    @Option(names = "--regions", description = "Regions at a time (${DEFAULT-VALUE}).")
    private int regions = 48;

    @Option(names = "--locks-only", description = "Regions are locked, read and written, and nothing else is done " +
        "with them; more races of the lock in the same time.")
    private boolean locksOnly;

    @Option(names = "--flavour", description = "Barrier: auto, membarrier or fence (${DEFAULT-VALUE}).")
    private String flavour = "auto";

    @Option(names = "--seed", description = "Of what the threads do; how they meet has no seed. By default another " +
        "one each time.")
    private long seed = System.nanoTime();

    @Option(names = "--patience", description = "Seconds after which a thread that gets nowhere is a failure " +
        "(${DEFAULT-VALUE}).")
    private long patience = 60;

    @Option(names = "--broken", description = "Weaves a defect in and expects the run to fail: ${COMPLETION-CANDIDATES}.")
    private @Nullable Variant broken;

    @Option(names = "--jvm", description = "An option of the child process, for example -Xint; may be repeated.")
    private List<String> jvm = new ArrayList<>();

    @Option(names = "--directory", description = "For files (a temporary one).")
    private @Nullable Path directory;

    @Option(names = "--anything", description = "Not to have met something in time is no failure, but for zones.")
    private boolean anything;

    @Option(names = "--woven", hidden = true)
    private boolean woven;

    /** No settings but the defaults. */
    public Torture() {
    }

    /** The program. */
    public static void main(final String[] args) {
        System.exit(new CommandLine(new Torture()).setCaseInsensitiveEnumValuesAllowed(true)
            .setOverwrittenOptionsAllowed(true).execute(args));
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (readers < 1 || writers < 1 || virtual < 0 || regions < 1 || seconds < 0 || patience < 1) {
            throw new CommandLine.ParameterException(new CommandLine(this), "out of range: readers=" + readers +
                ", writers=" + writers + ", virtual=" + virtual + ", regions=" + regions + ", seconds=" + seconds +
                ", patience=" + patience + "; there must be a reader, a writer and a region");
        }
        return woven ? runHere() : runInChild();
    }

    private int runHere() throws IOException {
        if (directory == null) {
            throw new IllegalStateException("no directory for a woven run");
        }
        final Settings settings = new Settings(minutes == null ? seconds : TimeUnit.MINUTES.toSeconds(minutes),
            readers, writers, virtual, flavour.toUpperCase(Locale.ROOT), seed, patience, regions,
            locksOnly, !anything && !locksOnly && broken == null, !locksOnly && broken == null, directory);
        final boolean passed = new TortureRun(settings, System.out).run();
        System.out.flush();
        Runtime.getRuntime().halt(passed ? 0 : 1); // threads that hang must not keep a failed run from its end
        return 1;
    }

    private int runInChild() throws IOException, InterruptedException {
        final Path place = directory == null ? Files.createTempDirectory("torture") : directory;
        final Path classes = place.resolve("woven");
        final Path files = Files.createDirectories(place.resolve("files"));
        try {
            Weaver.weave(weaves(broken), classes);
            final long begin = System.nanoTime();
            final AtomicReference<String> verdict = new AtomicReference<>("");
            final int code = run(command(classes, files), System.out, verdict);
            if (broken == null) {
                return code == 0 ? 0 : 1;
            }
            final boolean caught = code != 0 && !"".equals(verdict.get()); // else the child may just not have started
            System.out.printf("%s: %s after %.1f s: exit code=%d, %s%n", broken, caught ? "caught" : "NOT CAUGHT",
                (System.nanoTime() - begin) / 1e9, code, verdict.get());
            return caught ? 0 : 1;
        } finally {
            if (directory == null) {
                delete(place);
            }
        }
    }

    /** What is woven into the library for a run. */
    static List<Weave> weaves(final @Nullable Variant variant) {
        final List<Weave> weaves = new ArrayList<>(Point.weaves(variant == null ? Set.of() : variant.unwoven()));
        weaves.addAll(Zones.weaves());
        weaves.add(Variant.poison());
        if (variant != null) {
            weaves.addAll(variant.weaves());
        }
        return weaves;
    }

    private List<String> command(final Path classes, final Path files) {
        final List<String> command = new ArrayList<>(List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea", "-Xmx512m",
            "--enable-native-access=ALL-UNNAMED", "-XX:-CreateCoredumpOnCrash",
            "-XX:ErrorFile=" + files.resolve("hs_err.log")));
        command.addAll(jvm);
        command.addAll(List.of("-cp", classes + File.pathSeparator + System.getProperty("java.class.path"),
            Torture.class.getName(), "--woven", "--seconds",
            Long.toString(minutes == null ? seconds : TimeUnit.MINUTES.toSeconds(minutes)), "--readers",
            Integer.toString(readers), "--writers", Integer.toString(writers), "--virtual", Integer.toString(virtual),
            "--regions", Integer.toString(regions), "--flavour", flavour, "--seed", Long.toString(seed), "--patience",
            Long.toString(patience), "--directory", files.toString()));
        if (locksOnly) {
            command.add("--locks-only");
        }
        if (broken != null) {
            command.addAll(List.of("--broken", broken.name()));
            command.addAll(broken.settings()); // the later of two options counts
        }
        if (anything) {
            command.add("--anything");
        }
        return command;
    }

    /** Runs a process and passes on what it says; its exit code, or -1 if it had to be ended. */
    private int run(final List<String> command, final PrintStream out, final AtomicReference<String> verdict)
        throws IOException, InterruptedException {
        final Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        try {
            final Thread speaker = Thread.ofPlatform().daemon(true).name("torture-output").start(() -> {
                try (BufferedReader lines = new BufferedReader(
                    new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
                    String line = lines.readLine();
                    while (line != null) {
                        out.println(line);
                        if (line.startsWith(TortureRun.FAILURE) || line.startsWith("# A fatal")) {
                            verdict.compareAndSet("", line);
                        }
                        line = lines.readLine();
                    }
                } catch (final IOException e) {
                    out.println("output of the child is lost: " + e);
                }
            });
            final long limit = (minutes == null ? seconds : TimeUnit.MINUTES.toSeconds(minutes)) + 3 * patience +
                GRACE_SECONDS;
            if (!process.waitFor(limit, TimeUnit.SECONDS)) {
                verdict.compareAndSet("", "the child did not end by itself");
                return -1;
            }
            speaker.join();
            return process.exitValue();
        } finally {
            process.destroyForcibly();
        }
    }

    private static void delete(final Path place) throws IOException {
        try (Stream<Path> all = Files.walk(place)) {
            for (final Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
