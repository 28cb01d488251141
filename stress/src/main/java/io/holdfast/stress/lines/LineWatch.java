// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.lines;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Counts the lines of memory that pass from one processor to another in an operation: what keeps threads that share nothing
 * from being as fast together as each alone, whatever machine it is. Needs no more processors than one.
 *
 * <p>First all threads run at the same time, and lose races as they would, so that what adapts to that has adapted. Then
 * they take turns, one operation each: what passes then passes without any race. Give the JVM as many processors as
 * threads, because the library divides by their number:
 *
 * <p>{@code java -XX:ActiveProcessorCount=16 --enable-native-access=ALL-UNNAMED -cp stress/target/jcstress.jar
 * io.holdfast.stress.lines.LineWatch --threads 16}
 */
@Command(name = "lines", mixinStandardHelpOptions = true, sortOptions = false,
    description = "Lines of memory that pass from one processor to another in an operation.")
public final class LineWatch implements Callable<Integer> {
    @Option(names = "--threads", description = "Threads that take turns, at most 63 (${DEFAULT-VALUE}).")
    private int threads = 16;

    @Option(names = "--regions", description = "Regions that stand (${DEFAULT-VALUE}).")
    private int regions = 1_000;

    @Option(names = "--together", description = "Operations of each thread before the turns (${DEFAULT-VALUE}).")
    private int together = 500;

    @Option(names = "--rounds", description = "Rounds of turns that count, after as many that do not (${DEFAULT-VALUE}).")
    private int rounds = 200;

    @Option(names = "--places", description = "How many places in the code are shown for each row (${DEFAULT-VALUE}).")
    private int places = 4;

    @Option(names = "--rows", split = ",", description = "What they do: ${COMPLETION-CANDIDATES} (all).")
    private List<LineChanges.Row> rows = List.of(LineChanges.Row.values());

    /** No settings but the defaults. */
    public LineWatch() {
    }

    /** The program. */
    public static void main(final String[] args) {
        System.exit(new CommandLine(new LineWatch()).setCaseInsensitiveEnumValuesAllowed(true).execute(args));
    }

    @Override
    public Integer call() throws IOException, ReflectiveOperationException, InterruptedException {
        if (threads < 1 || threads > Lines.MOST_PROCESSORS || regions < 1 || together < 0 || rounds < 1) {
            throw new CommandLine.ParameterException(new CommandLine(this), "out of range: threads=" + threads +
                ", regions=" + regions + ", together=" + together + ", rounds=" + rounds);
        }
        System.out.println("| row | lines that pass | calls of the kernel | where, each |");
        System.out.println("|---|---|---|---|");
        for (final LineChanges.Row row : rows) {
            final Path directory = Files.createTempDirectory("lines");
            try {
                watch(row, directory);
                print(row, System.out);
            } finally {
                delete(directory);
            }
        }
        return 0;
    }

    private static void delete(final Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (final Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }

    private void print(final LineChanges.Row row, final PrintStream out) {
        final Map<String, Integer> passed = Lines.passed();
        final double operations = (double) rounds * threads;
        final StringBuilder where = new StringBuilder();
        passed.entrySet().stream()
            .sorted(Map.Entry.<String, Integer>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey()))
            .limit(places)
            .forEach(place -> where.append(where.isEmpty() ? "" : "; ")
                .append(String.format("%.2f %s", place.getValue() / operations, place.getKey())));
        out.printf("| %s | %.2f | %.2f | %s |%n", row, passed.values().stream().mapToInt(Integer::intValue).sum() /
            operations, Lines.calls() / operations, where);
    }

    /** A class of its own for each row, so that none finds what another has left. */
    @SuppressWarnings("unchecked") // it is loaded by another loader, so only what the JDK has is known of it
    private void watch(final LineChanges.Row row, final Path directory) throws ReflectiveOperationException,
        InterruptedException {
        final String program = LineChanges.class.getName();
        final Object changes = new LineWeaver(program).loadClass(program)
            .getConstructor(String.class, int.class, Path.class).newInstance(row.name(), regions, directory);
        try {
            new Turns((IntFunction<Runnable>) changes).run();
        } finally {
            ((Runnable) changes).run();
        }
    }

    /** The threads of a row. */
    private final class Turns {
        private final List<Worker> workers = new ArrayList<>();
        private final Semaphore done = new Semaphore(0);
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

        Turns(final IntFunction<Runnable> operations) {
            for (int i = 0; i < threads; i++) {
                workers.add(new Worker(operations.apply(i)));
            }
        }

        private void run() throws InterruptedException {
            try {
                together();
                turns();
                Lines.forgetCounts();
                turns();
            } finally {
                Lines.turn(null, 0);
                for (final Worker worker : workers) {
                    worker.thread.interrupt();
                    worker.thread.join();
                }
            }
        }

        private void together() throws InterruptedException {
            Lines.together(true);
            workers.forEach(worker -> worker.go.release(together));
            await(threads * together);
            Lines.together(false);
        }

        private void turns() throws InterruptedException {
            for (int i = 0; i < rounds * threads; i++) {
                final Worker worker = workers.get(i % threads);
                Lines.turn(worker.thread, i % threads);
                worker.go.release();
                await(1);
            }
        }

        private void await(final int operations) throws InterruptedException {
            done.acquire(operations);
            final Throwable failed = failure.get();
            if (failed != null) {
                throw new IllegalStateException("an operation failed", failed);
            }
        }

        private final class Worker {
            private final Semaphore go = new Semaphore(0);
            private final Thread thread;

            Worker(final Runnable operation) {
                this.thread = Thread.ofPlatform().daemon().start(() -> work(operation));
            }

            private void work(final Runnable operation) {
                try {
                    while (true) {
                        go.acquire();
                        operation.run();
                        done.release();
                    }
                } catch (final InterruptedException e) {
                    // the row is over
                } catch (final Throwable e) {
                    failure.set(e);
                    done.release(threads * together);
                }
            }
        }
    }
}
