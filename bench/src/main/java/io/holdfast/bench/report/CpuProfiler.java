// SPDX-License-Identifier: Apache-2.0
package io.holdfast.bench.report;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.AggregationPolicy;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.ScalarResult;

/**
 * Adds to each row the processor time that the whole process takes for one operation, in microseconds: of the threads that
 * measure, and of those that collect garbage, compile, or end in the background what an operation has begun.
 *
 * <p>{@code java -jar bench/target/benchmarks.jar LuceneBenchmark.reopen -prof io.holdfast.bench.report.CpuProfiler}
 */
public final class CpuProfiler implements InternalProfiler {
    private static final OperatingSystemMXBean SYSTEM =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private long begun;

    @Override
    public String getDescription() {
        return "processor time of the process";
    }

    @Override
    public void beforeIteration(final BenchmarkParams benchmark, final IterationParams iteration) {
        begun = SYSTEM.getProcessCpuTime();
    }

    @Override
    @SuppressWarnings("rawtypes") // as JMH has it
    public Collection<? extends Result> afterIteration(
        final BenchmarkParams benchmark, final IterationParams iteration, final IterationResult result) {
        final double used = SYSTEM.getProcessCpuTime() - begun;
        final double each = used / TimeUnit.MICROSECONDS.toNanos(1) / Math.max(result.getMetadata().getAllOps(), 1);
        return List.of(new ScalarResult("cpu", each, "us/op", AggregationPolicy.AVG));
    }
}
