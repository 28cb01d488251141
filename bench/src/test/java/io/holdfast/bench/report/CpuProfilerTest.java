// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.IterationResultMetaData;

/** What the processor time of an iteration is divided by, and that it is that of all threads. */
class CpuProfilerTest {
    private static final long BUSY_NS = 50_000_000;

    private static double costOf(final Runnable work, final long operations) {
        final BenchmarkParams none = null;
        final IterationParams noneEither = null;
        final CpuProfiler profiler = new CpuProfiler();
        profiler.beforeIteration(none, noneEither);
        work.run();
        final var results = profiler.afterIteration(none, noneEither,
            new IterationResult(none, noneEither, new IterationResultMetaData(operations, operations)));
        assertThat(results).hasSize(1);
        final var result = results.iterator().next();
        assertThat(result.getScoreUnit()).isEqualTo("us/op");
        return result.getScore();
    }

    private static void beBusy() {
        final long begun = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
        while (ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - begun < BUSY_NS) {
            Thread.onSpinWait();
        }
    }

    private static void join(final Thread thread) {
        try {
            thread.join();
        } catch (final InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void processorTimeOfOtherThreadsMustCountToo() {
        final double cost = costOf(() -> {
            final Thread other = Thread.ofPlatform().start(CpuProfilerTest::beBusy);
            beBusy();
            join(other);
        }, 10);
        assertThat(cost).isGreaterThan(2 * BUSY_NS / 1_000.0 / 10 * 0.9); // the system counts in ticks of up to 10 ms
    }

    @Test
    void iterationWithoutOperationsMustHaveANumberToo() {
        assertThat(costOf(CpuProfilerTest::beBusy, 0)).isGreaterThan(0).isFinite();
    }
}
