// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import io.holdfast.AddressSpace;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Opening a space of 1 TiB, and what is resident afterwards. Spaces stay open until the end, so that none takes over the
 * range of one that was closed. The first iteration, in warm-up, also loads the library's classes.
 *
 * <p>{@code java -jar benchmarks.jar OpenBenchmark}
 */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 1)
@Measurement(iterations = 10)
@State(Scope.Benchmark)
@NullUnmarked
public class OpenBenchmark {
    private static final double MIB = 1 << 20;

    private final List<AddressSpace> spaces = new ArrayList<>();

    /** What the space added. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.EVENTS)
    @NullUnmarked
    public static class Added {
        /** To the resident set. */
        public double residentMiB;
    }

    /** Closes all spaces. */
    @TearDown
    public void close() {
        spaces.forEach(AddressSpace::close);
        spaces.clear();
    }

    /** Opens a space. */
    @Benchmark
    public void holdfastOpen(final Added added) {
        final long before = ProcessMemory.residentBytes();
        spaces.add(AddressSpace.builder().capacity(AddressSpace.DEFAULT_CAPACITY).open());
        added.residentMiB = (ProcessMemory.residentBytes() - before) / MIB;
    }
}
