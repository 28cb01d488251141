// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.util.List;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the flight recorder costs: a map and unmap of a touched page, and a read under a guard, of which it is told
 * nothing; with no recording, with one that has the events as they come, above a millisecond, and with one that has all
 * of them.
 *
 * <p>{@code java -jar benchmarks.jar EventBenchmark}
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", FixedHeap.LEAST, FixedHeap.MOST,
    FixedHeap.TOUCHED})
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class EventBenchmark {
    private static final long PAGE = 4096;
    private static final List<String> EVENTS = List.of("io.holdfast.Map", "io.holdfast.Unmap", "io.holdfast.DrainWait");

    /** What is recorded. */
    @Param({"nothing", "threshold", "all"})
    public String recorded;

    private AddressSpace space;
    private Region region;
    private Recording recording;

    /** Opens the space and begins to record. */
    @Setup
    public void begin() {
        space = AddressSpace.open();
        region = space.map(PAGE);
        if (!recorded.equals("nothing")) {
            recording = new Recording();
            for (final String event : EVENTS) {
                if (recorded.equals("all")) {
                    recording.enable(event).withoutThreshold();
                } else {
                    recording.enable(event);
                }
            }
            recording.setMaxSize(64 << 20);
            recording.start();
        }
    }

    /** Ends both. */
    @TearDown
    public void end() {
        if (recording != null) {
            recording.close();
        }
        space.close();
    }

    /** A page comes and goes. */
    @Benchmark
    public void mapUnmap() {
        final Region page = space.map(PAGE);
        try (Guard guard = page.shareWritable()) {
            guard.segment().set(JAVA_LONG, 0, 1);
        }
        page.unmap();
    }

    /**
     * A guarded read.
     *
     * @return what was read
     */
    @Benchmark
    public long read() {
        try (Guard guard = region.share()) {
            return guard.segment().get(JAVA_LONG, 128);
        }
    }
}
