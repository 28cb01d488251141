// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The example store's whole job on each engine, in a process of its own: readers check every value while a writer
 * overwrites, compacts and unmaps under them. The time is for the process; the counters are from the job's table.
 *
 * <p>{@code java -jar benchmarks.jar StoreBenchmark}
 */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(3)
@Warmup(iterations = 0)
@Measurement(iterations = 1)
@State(Scope.Benchmark)
@NullUnmarked
public class StoreBenchmark {
    private static final String JOB = "io.holdfast.examples.store.StoreJob";
    private static final Pattern RATE = Pattern.compile("(?m)^gets per second +([\\d,]+)$");
    private static final Pattern UNMAPS = Pattern.compile("(?m)^regions unmapped under readers +([\\d,]+)$");
    private static final Pattern LATENCY =
        Pattern.compile("(?m)^  all +([\\d,.]+) us +([\\d,.]+) us +([\\d,.]+) us +([\\d,.]+) us$");

    /** What keeps readers and unmapping apart. */
    @Param({"holdfast", "shared-arena", "read-write-lock"})
    public String engine;

    /** Threads that read. */
    @Param("2")
    public int readers;

    /** How long readers and writer work. */
    @Param("10")
    public int seconds;

    /** The job's table; latencies in microseconds. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    @NullUnmarked
    public static class JobTable {
        /** Reads in a second. */
        public double getsPerSecond;
        /** Half of the reads took no longer. */
        public double p50;
        /** 99 of 100 took no longer. */
        public double p99;
        /** 999 of 1,000 took no longer. */
        public double p999;
        /** No read took longer. */
        public double maximum;
        /** Segments unmapped under the readers. */
        public double unmaps;
    }

    /** Runs the job. */
    @Benchmark
    public void job(final JobTable table) throws InterruptedException {
        final String output = output(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), JOB,
            "--engine", engine, "--readers", String.valueOf(readers), "--seconds", String.valueOf(seconds), "--seed", "1"));
        table.getsPerSecond = number(find(RATE, output).group(1));
        table.unmaps = number(find(UNMAPS, output).group(1));
        final Matcher latency = find(LATENCY, output);
        table.p50 = number(latency.group(1));
        table.p99 = number(latency.group(2));
        table.p999 = number(latency.group(3));
        table.maximum = number(latency.group(4));
    }

    private static String output(final List<String> command) throws InterruptedException {
        try {
            final Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
            final String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            final int exit = process.waitFor();
            if (exit != 0) {
                throw new IllegalStateException("job failed: exit=" + exit + ", output=" + output);
            }
            return output;
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Matcher find(final Pattern pattern, final String output) {
        final Matcher matcher = pattern.matcher(output);
        if (!matcher.find()) {
            throw new IllegalStateException("not in the job's table: pattern=" + pattern + ", output=" + output);
        }
        return matcher;
    }

    private static double number(final String text) {
        return Double.parseDouble(text.replace(",", ""));
    }
}
