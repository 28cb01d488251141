// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Write sections that map and unmap, beside the same done by single calls. No page is touched.
 *
 * <p>The rows of one region run from one and two threads; each thread has a range of its own, and its section covers
 * that, or all of the space and so the other's range too. The ranges lie at the low end of the space, where
 * memory without files is mapped without a system call. The rows of a thousand regions run from one thread; those
 * that replace give the time of one region, those that exclude the time of all thousand, during which readers are refused.
 * {@code thousandRefused} is the part of a replacing section during which they are: all regions are refused for all of it.
 * Single calls refuse no reader of a region that stays, but for a thousand times their row some regions are old and some
 * new.
 *
 * <p>{@code java -jar benchmarks.jar SectionMappingBenchmark -t 1}, then
 * {@code java -jar benchmarks.jar SectionMappingBenchmark.one -t 2}
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", FixedHeap.LEAST, FixedHeap.MOST,
    FixedHeap.TOUCHED})
@Warmup(iterations = 20, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 5, time = 500, timeUnit = TimeUnit.MILLISECONDS)
@State(Scope.Benchmark)
@NullUnmarked
public class SectionMappingBenchmark {
    private static final long PAGE = 4096;
    private static final int THOUSAND = 1000;
    private static final int RANGES = 2;
    private static final long RANGE = 1L << 30;

    private AddressSpace space;
    private final AtomicInteger ranges = new AtomicInteger();

    /** A range of the space, and the one region that a thread has there. */
    @State(Scope.Thread)
    @NullUnmarked
    public static class Own {
        private long start;
        private Region region;

        /** Takes them. */
        @Setup
        public void take(final SectionMappingBenchmark benchmark) {
            start = benchmark.ranges.getAndIncrement() % RANGES * RANGE;
            try (WriteSection section = benchmark.space.write(start, start + RANGE)) {
                region = section.map(PAGE);
                section.publish();
            }
        }

        private void replace(final WriteSection section) {
            final Region fresh = section.map(PAGE);
            section.unmap(region);
            section.publish();
            region = fresh;
        }
    }

    /** A thousand regions. */
    @State(Scope.Benchmark)
    @NullUnmarked
    public static class Thousand {
        private List<Region> regions;

        /** Maps them. */
        @Setup
        public void map(final SectionMappingBenchmark benchmark) {
            regions = new ArrayList<>();
            for (int i = 0; i < THOUSAND; i++) {
                regions.add(benchmark.space.map(PAGE));
            }
        }
    }

    /** A section that has mapped a thousand regions, and has still to replace the others by them. */
    @State(Scope.Thread)
    @NullUnmarked
    public static class Replacing {
        private WriteSection section;
        private List<Region> fresh;

        /** Begins it. */
        @Setup(Level.Invocation)
        public void begin(final SectionMappingBenchmark benchmark) {
            fresh = new ArrayList<>();
            section = benchmark.space.write();
            for (int i = 0; i < THOUSAND; i++) {
                fresh.add(section.map(PAGE));
            }
        }

        /** Ends it. */
        @TearDown(Level.Invocation)
        public void end() {
            section.close();
        }
    }

    /** Opens the space. */
    @Setup
    public void open() {
        space = AddressSpace.open();
    }

    /** Unmaps everything. */
    @TearDown
    public void close() {
        space.close();
    }

    /** One region by another, in a section over the thread's range. */
    @Benchmark
    public void oneInDisjointSections(final Own own) {
        try (WriteSection section = space.write(own.start, own.start + RANGE)) {
            own.replace(section);
        }
    }

    /** One region by another, in a section over the whole space. */
    @Benchmark
    public void oneInOverlappingSections(final Own own) {
        try (WriteSection section = space.write()) {
            own.replace(section);
        }
    }

    /** One region by another, by single calls. */
    @Benchmark
    public void oneBySingleCalls(final Own own) {
        final Region fresh = space.map(PAGE);
        own.region.unmap();
        own.region = fresh;
    }

    /** A thousand regions by others, in one section with one publication. */
    @Benchmark
    @OperationsPerInvocation(THOUSAND)
    public void thousandInOneSection(final Thousand thousand) {
        final List<Region> fresh = new ArrayList<>();
        try (WriteSection section = space.write()) {
            for (int i = 0; i < THOUSAND; i++) {
                fresh.add(section.map(PAGE));
            }
            replaceAll(thousand, section);
        }
        thousand.regions = fresh;
    }

    /** From the first of a thousand regions that a section excludes until all are replaced and readers get in. */
    @Benchmark
    public void thousandRefused(final Thousand thousand, final Replacing replacing) {
        replaceAll(thousand, replacing.section);
        thousand.regions = replacing.fresh;
    }

    private void replaceAll(final Thousand thousand, final WriteSection section) {
        section.exclude(0, space.capacity()); // all with one barrier
        thousand.regions.forEach(section::unmap);
        section.publish();
    }

    /** A thousand regions by others, by single calls. */
    @Benchmark
    @OperationsPerInvocation(THOUSAND)
    public void thousandBySingleCalls(final Thousand thousand) {
        for (int i = 0; i < THOUSAND; i++) {
            final Region fresh = space.map(PAGE);
            thousand.regions.set(i, fresh).unmap();
        }
    }

    /**
     * A thousand regions excluded at once by a section that changes nothing, and let go at once.
     *
     * @return a thousand
     */
    @Benchmark
    public int thousandExcludedAndEnded(final Thousand thousand) {
        try (WriteSection section = space.write()) {
            final int excluded = section.exclude(0, space.capacity());
            section.endAll();
            return excluded;
        }
    }

    /** A thousand regions locked exclusively one after another, and let go one after another. */
    @Benchmark
    public void thousandExclusiveGuards(final Thousand thousand) {
        final List<Guard> guards = new ArrayList<>();
        for (final Region region : thousand.regions) {
            guards.add(region.exclusive());
        }
        guards.forEach(Guard::close);
    }
}
