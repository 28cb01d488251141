// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import io.holdfast.AddressSpace;
import io.holdfast.Barrier;
import io.holdfast.Pin;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A pin and its end, in both barrier flavours.
 *
 * <p>{@code java -jar benchmarks.jar PinBenchmark -prof gc}
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 3, jvmArgsAppend = "--enable-native-access=ALL-UNNAMED")
@Warmup(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class PinBenchmark {
    private AddressSpace space;
    private AddressSpace fenced;
    private long value;

    /** Opens a space of each flavour. */
    @Setup
    public void open() {
        space = AddressSpace.builder().barrier(Barrier.MEMBARRIER).open();
        fenced = AddressSpace.builder().barrier(Barrier.FENCE).open();
    }

    /** Closes them. */
    @TearDown
    public void close() {
        space.close();
        fenced.close();
    }

    /**
     * A pin that announces with a store.
     *
     * @return a field, read under it
     */
    @Benchmark
    public long holdfastPin() {
        try (Pin pin = space.pin()) {
            return value;
        }
    }

    /**
     * A pin that announces with a store and a full fence.
     *
     * @return a field, read under it
     */
    @Benchmark
    public long holdfastPinFenced() {
        try (Pin pin = fenced.pin()) {
            return value;
        }
    }
}
