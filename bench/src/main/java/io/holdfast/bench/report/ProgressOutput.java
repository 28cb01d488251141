// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.results.BenchmarkResult;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.format.OutputFormat;

/** One line for each row, with the time that the rest will take; JMH's own words only where a row failed. */
final class ProgressOutput implements OutputFormat {
    private static final long SECOND_NS = 1_000_000_000L;
    private static final int MINUTE = 60;

    private final PrintStream out;
    private final int rows;
    private final double plannedSeconds;
    private final long begin = System.nanoTime();
    private final StringBuilder said = new StringBuilder();
    private double doneSeconds;
    private double rowSeconds;
    private int done;
    private int failed;
    private boolean running;

    ProgressOutput(final PrintStream out, final int rows, final double plannedSeconds) {
        this.out = out;
        this.rows = rows;
        this.plannedSeconds = plannedSeconds;
    }

    /** What the next rows are expected to take, each. */
    void expect(final double seconds) {
        rowSeconds = seconds;
    }

    /** Rows without a result. */
    int failed() {
        return failed;
    }

    @Override
    public void startBenchmark(final BenchmarkParams params) {
        failIfRunning();
        said.setLength(0);
        running = true;
    }

    @Override
    public void endBenchmark(final @Nullable BenchmarkResult result) {
        if (result == null) {
            return;
        }
        running = false;
        finished();
        final BenchmarkParams params = result.getParams();
        final TreeMap<String, String> values = new TreeMap<>();
        params.getParamsKeys().forEach(key -> values.put(key, params.getParam(key)));
        final String name = params.getBenchmark();
        final String shortName = name.substring(name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1);
        line(shortName + " " + (values.isEmpty() ? "" : values + " ") + "-t " + params.getThreads() + ": " +
            Table.number(result.getPrimaryResult().getScore()) + " " + result.getPrimaryResult().getScoreUnit());
    }

    private void finished() {
        done++;
        doneSeconds += rowSeconds;
    }

    private void failIfRunning() {
        if (running) {
            running = false;
            failed++;
            finished();
            line("failed");
            out.print(said);
        }
    }

    private void line(final String what) {
        final double elapsed = (System.nanoTime() - begin) / (double) SECOND_NS;
        final long left = Math.round(elapsed / doneSeconds * Math.max(0, plannedSeconds - doneSeconds));
        out.printf("[%d of %d, %d:%02d left] %s%n", done, rows, left / MINUTE, left % MINUTE, what);
    }

    @Override
    public void startRun() {
        running = false;
    }

    @Override
    public void endRun(final Collection<RunResult> result) {
        failIfRunning();
    }

    @Override
    public void iteration(final BenchmarkParams benchmark, final IterationParams params, final int iteration) {
        // not shown
    }

    @Override
    public void iterationResult(
        final BenchmarkParams benchmark, final IterationParams params, final int iteration, final IterationResult data) {
        // not shown
    }

    @Override
    public void print(final String text) {
        said.append(text);
    }

    @Override
    public void println(final String text) {
        said.append(text).append(System.lineSeparator());
    }

    @Override
    public void verbosePrintln(final String text) {
        // not shown
    }

    @Override
    public void write(final int value) {
        said.append((char) value);
    }

    @Override
    public void write(final byte[] bytes) {
        said.append(new String(bytes, StandardCharsets.UTF_8));
    }

    @Override
    public void flush() {
        out.flush();
    }

    @Override
    public void close() {
        out.flush();
    }
}
