// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.Console;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/**
 * The main job: loads a tree of files into a {@link Store}, lets readers get random keys while a writer overwrites and
 * compacts, checks every value that is read, and ends with a table.
 */
@Command(
    name = "holdfast-store",
    sortOptions = false,
    usageHelpAutoWidth = true,
    description = {
        "Loads every file below a directory into a log-structured key-value store on memory-mapped segments. Then " +
            "readers get random keys while a writer overwrites and compacts at full rate, so that segments are " +
            "unmapped under the readers. Every value is checked against the checksum of its source.",
        "",
        "A write that has returned survives the death of the process. It survives a power failure once a force, a " +
            "compaction or a close has returned after it, or its segment is full; with --durable at once. What is " +
            "lost is the newest: after a crash the store is what it was after some number of its writes.",
        ""
    },
    footerHeading = "%nExit codes: 0 all is well; 1 a wrong value, a lost key, a leaked mapping, or nothing was " +
        "unmapped under readers; 2 bad arguments, unreadable input, a full disk.%n%nExamples:%n",
    footer = {
        "  holdfast-store",
        "  holdfast-store --seconds 60 --readers 4",
        "  holdfast-store --input /usr/share --engine shared-arena",
        "  holdfast-store --virtual --readers 1000 --optimistic 1",
        ""
    })
public final class StoreJob implements Callable<Integer> {
    private static final int EXIT_OK = 0;
    private static final int EXIT_WRONG = 1;
    private static final int EXIT_USAGE = 2;
    private static final int READERS_MAX = 10_000;
    private static final long SHUTDOWN_SECONDS = 30;
    private static final String NAME = "holdfast-store: ";

    @Option(names = "--input", paramLabel = "DIR",
        description = "Directory whose files are loaded, subdirectories included. Default: jrt:/, some 28,000 class " +
            "files and resources of the running JDK.")
    private @Nullable Path input;

    @Option(names = "--seconds", paramLabel = "N", defaultValue = "10",
        description = "How long readers and writer work. Default: ${DEFAULT-VALUE}. 0 loads and checks only.")
    private int seconds;

    @Option(names = "--patience", paramLabel = "N", defaultValue = "120",
        description = "How many seconds longer they work at most, until a compaction has unmapped something under the " +
            "readers; without one the job fails. Default: ${DEFAULT-VALUE}.")
    private int patience;

    @Option(names = "--readers", paramLabel = "N", defaultValue = "2",
        description = "Number of reading threads, at most 10000. Default: ${DEFAULT-VALUE}.")
    private int readers;

    @Option(names = "--optimistic", paramLabel = "SHARE", defaultValue = "0.5",
        description = "Share of the reads that are optimistic, from 0 to 1; the others take a guard. Default: " +
            "${DEFAULT-VALUE}.")
    private double optimisticShare;

    @Option(names = "--virtual", description = "Readers are virtual threads.")
    private boolean virtual;

    @Option(names = "--engine", paramLabel = "ENGINE", defaultValue = "holdfast", converter = EngineConverter.class,
        description = "What keeps readers and unmapping apart: holdfast, shared-arena or read-write-lock. Default: " +
            "${DEFAULT-VALUE}.")
    private Engine engine;

    @Option(names = "--directory", paramLabel = "DIR",
        description = "Where the store keeps its files: an empty, a new or a store's directory. It stays; the " +
            "temporary one that is the default is removed at the end.")
    private @Nullable Path directory;

    @Option(names = "--segment-size", paramLabel = "SIZE", defaultValue = "16M", converter = ByteSize.class,
        description = "Size at which a segment is full, such as 64K, 16M or 1G. Default: ${DEFAULT-VALUE}.")
    private long segmentSize;

    @Option(names = "--durable",
        description = "Force each write to the disk before it returns.")
    private boolean durable;

    @Option(names = "--seed", paramLabel = "N",
        description = "Seed of all random choices. Default: a new one each time, shown with the result.")
    private @Nullable Long seed;

    @SuppressWarnings("unused") // picocli looks at the annotation, not at the value
    @Option(names = {"-h", "--help"}, usageHelp = true, description = "Shows this text.")
    private boolean help;

    @Spec
    private CommandSpec spec;

    private final PrintStream out;
    private final PrintStream err;
    private final boolean terminal;
    private final StopSignal interrupt;

    private StoreJob(
        final PrintStream out, final PrintStream err, final boolean terminal, final StopSignal interrupt) {
        this.out = out;
        this.err = err;
        this.terminal = terminal;
        this.interrupt = interrupt;
    }

    /**
     * Runs the job and ends the process with its exit code. Ctrl-C ends the job early and in good order.
     *
     * @param args see {@code --help}
     */
    public static void main(final String[] args) {
        final StopSignal interrupt = new StopSignal();
        final CountDownLatch finished = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            interrupt.request();
            awaitQuietly(finished);
        }, "interrupt"));
        final int code = execute(System.out, System.err, isTerminal(), interrupt, args);
        finished.countDown();
        System.exit(code);
    }

    /** Null and a console that is no terminal both occur, depending on which implementation the JDK has chosen. */
    @SuppressWarnings("SystemConsoleNull")
    private static boolean isTerminal() {
        final Console console = System.console();
        return console != null && console.isTerminal();
    }

    private static void awaitQuietly(final CountDownLatch latch) {
        try {
            if (!latch.await(SHUTDOWN_SECONDS, TimeUnit.SECONDS)) {
                System.err.println(NAME + "did not end in time: seconds=" + SHUTDOWN_SECONDS);
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Runs the job and returns its exit code.
     *
     * @param out for the table
     * @param err for progress and errors
     * @param terminal whether {@code err} is one
     * @param interrupt ends the job early
     * @param args see {@code --help}
     */
    static int execute(
        final PrintStream out,
        final PrintStream err,
        final boolean terminal,
        final StopSignal interrupt,
        final String... args) {
        final CommandLine commandLine = new CommandLine(new StoreJob(out, err, terminal, interrupt));
        commandLine.setOut(new PrintWriter(out, true, out.charset()));
        commandLine.setParameterExceptionHandler((exception, ignored) ->
            fail(err, exception.getMessage() + "; --help lists the options"));
        commandLine.setExecutionExceptionHandler((exception, ignored, parsed) -> {
            if (exception instanceof StoreException) {
                return fail(err, exception.getMessage());
            }
            exception.printStackTrace(err);
            return EXIT_WRONG;
        });
        return commandLine.execute(args);
    }

    private static int fail(final PrintStream err, final @Nullable String message) {
        err.println(NAME + String.valueOf(message).lines().collect(Collectors.joining(" ")));
        return EXIT_USAGE;
    }

    @Override
    public Integer call() {
        final JobOptions options = checkedOptions();
        final InputTree tree = input == null ? InputTree.ofJdk() : InputTree.of(input);
        final long segmentBytes = StoreFiles.roundUp(segmentSize);
        try (Workplace workplace = Workplace.open(directory)) {
            final Path place = workplace.directory().toAbsolutePath().normalize();
            if (tree.contains(place)) {
                throw new StoreException("directory lies inside the input: directory=" + place +
                    "; name one outside, the store would load its own files");
            }
            return run(tree, options, new StoreOptions(place, engine, segmentBytes, durable));
        }
    }

    private JobOptions checkedOptions() {
        require(seconds >= 0, "seconds are out of range: --seconds=" + seconds + "; choose 0 or more");
        require(patience >= 0, "patience is out of range: --patience=" + patience + "; choose 0 or more");
        require(readers >= 1 && readers <= READERS_MAX,
            "number of readers is out of range: --readers=" + readers + "; choose 1 to " + READERS_MAX);
        require(optimisticShare >= 0 && optimisticShare <= 1,
            "share of optimistic reads is out of range: --optimistic=" + optimisticShare + "; choose 0 to 1");
        require(segmentSize >= StoreOptions.SEGMENT_BYTES_MIN && segmentSize <= StoreOptions.SEGMENT_BYTES_MAX,
            "segment size is out of range: --segment-size=" + segmentSize + "; choose 64K to 64G");
        return new JobOptions(
            seconds, patience, readers, optimisticShare, virtual, seed == null ? System.nanoTime() : seed);
    }

    private void require(final boolean condition, final String message) {
        if (!condition) {
            throw new ParameterException(spec.commandLine(), message);
        }
    }

    private int run(final InputTree tree, final JobOptions options, final StoreOptions storeOptions) {
        final Progress progress = new Progress(err, terminal);
        final Store store = Store.open(storeOptions);
        final JobRun run = new JobRun(store, tree, options, progress, interrupt);
        final JobResult result;
        try (store) {
            result = run.run(storeOptions.segmentBytes());
        } finally {
            progress.clear();
        }
        final StoreStatistics closed = store.statistics();
        final long leaked = Math.max(ProcessMaps.countFilesOf(storeOptions.directory()), closed.mappedFiles());
        out.print(ResultTable.render(title(options), result, run.findings(), closed, leaked));
        return verdict(options, result, run.findings(), leaked);
    }

    private String title(final JobOptions options) {
        return "engine=" + engine + ", readers=" + options.readers() + (virtual ? " virtual" : "") + ", seconds=" +
            options.seconds() + ", seed=" + options.seed();
    }

    private int verdict(
        final JobOptions options, final JobResult result, final Findings findings, final long leaked) {
        if (findings.mismatches() > 0 || findings.lostKeys() > 0 || leaked > 0) {
            out.println("FAILED: mismatches=" + findings.mismatches() + ", lost keys=" + findings.lostKeys() +
                ", leaked mappings=" + leaked + findings.first().map(first -> ", first: " + first).orElse(""));
            return EXIT_WRONG;
        }
        final Throwable failure = findings.failure().orElse(null);
        if (failure instanceof StoreException) {
            return fail(err, failure.getMessage());
        }
        if (failure != null) {
            failure.printStackTrace(err);
            return EXIT_WRONG;
        }
        if (options.seconds() > 0 && !result.interrupted() && result.segmentsUnmapped() == 0) {
            out.println("FAILED: nothing was unmapped under readers; give it more time with --seconds or --patience, " +
                "or a smaller --segment-size");
            return EXIT_WRONG;
        }
        out.println(result.interrupted() ? "interrupted, all was well so far" : "all is well");
        return EXIT_OK;
    }

    /** Engines by the names of the command line. */
    static final class EngineConverter implements ITypeConverter<Engine> {
        @Override
        public Engine convert(final String text) {
            return Arrays.stream(Engine.values())
                .filter(candidate -> candidate.label().equals(text))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException("'" + text + "' is not one of " +
                    Arrays.stream(Engine.values()).map(Engine::label).collect(Collectors.joining(", "))));
        }
    }
}
