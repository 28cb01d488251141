// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.util.Locale;
import org.HdrHistogram.Histogram;

/** The table that ends the job. */
final class ResultTable {
    private static final int LABEL_WIDTH = 52;
    private static final int VALUE_WIDTH = 16;
    private static final int COLUMN_WIDTH = 12;
    private static final double P50 = 50;
    private static final double P99 = 99;
    private static final double P999 = 99.9;

    private final StringBuilder text = new StringBuilder();

    private ResultTable() {
    }

    /**
     * Renders a result.
     *
     * @param title first line
     * @param result of the run
     * @param findings of the run
     * @param closed counts of the store after it was closed
     * @param leaked mappings left after that
     */
    static String render(
        final String title,
        final JobResult result,
        final Findings findings,
        final StoreStatistics closed,
        final long leaked) {
        final ResultTable table = new ResultTable();
        table.line(title);
        table.line("-".repeat(LABEL_WIDTH + VALUE_WIDTH));
        table.row("entries loaded", result.entries());
        table.row("bytes loaded", result.bytes());
        table.row("load time", seconds(result.loadNs()));
        table.row("gets", result.reads());
        table.row("gets per second", Math.round(result.readsPerSecond()));
        table.row("gets per second, optimistic ones", Math.round(perSecond(result.optimistic(), result)));
        table.row("overwrites", result.overwrites());
        table.latencies(result);
        final StoreStatistics loaded = result.loaded();
        final StoreStatistics worked = result.worked();
        table.row("compactions", worked.compactions() - loaded.compactions());
        table.row("compactions in one write section", worked.atomicCompactions() - loaded.atomicCompactions());
        table.row("regions unmapped under readers", result.segmentsUnmapped());
        table.row("gets that met one and found the key elsewhere", worked.readRetries() - loaded.readRetries());
        table.row("optimistic gets repeated under a guard",
            worked.optimisticFallbacks() - loaded.optimisticFallbacks());
        table.row("mapped bytes before", loaded.mappedBytes());
        table.row("mapped bytes after", worked.mappedBytes());
        table.row("mapped bytes after close", closed.mappedBytes());
        table.row("mismatches", findings.mismatches());
        table.row("lost keys", findings.lostKeys());
        table.row("leaked mappings", leaked);
        return table.text.toString();
    }

    private static double perSecond(final Histogram histogram, final JobResult result) {
        return result.workNs() == 0 ? 0 : histogram.getTotalCount() * 1e9 / result.workNs();
    }

    private void latencies(final JobResult result) {
        text.append(pad("latency of a get", LABEL_WIDTH + VALUE_WIDTH - 4 * COLUMN_WIDTH));
        for (final String column : new String[] {"p50", "p99", "p99.9", "maximum"}) {
            text.append(right(column));
        }
        text.append(System.lineSeparator());
        latency("  all", result.all());
        latency("  guarded", result.guarded());
        latency("  optimistic", result.optimistic());
    }

    private void latency(final String label, final Histogram histogram) {
        text.append(pad(label, LABEL_WIDTH + VALUE_WIDTH - 4 * COLUMN_WIDTH));
        if (histogram.getTotalCount() == 0) {
            line(right("none"));
            return;
        }
        for (final double percentile : new double[] {P50, P99, P999}) {
            text.append(micros(histogram.getValueAtPercentile(percentile)));
        }
        line(micros(histogram.getMaxValue()));
    }

    private static String micros(final long ns) {
        return right(String.format(Locale.ROOT, "%,.1f us", ns / 1e3));
    }

    private static String seconds(final long ns) {
        return String.format(Locale.ROOT, "%,.2f s", ns / 1e9);
    }

    private void row(final String label, final long value) {
        row(label, String.format(Locale.ROOT, "%,d", value));
    }

    private void row(final String label, final String value) {
        line(pad(label, LABEL_WIDTH + VALUE_WIDTH - value.length()) + value);
    }

    private void line(final String content) {
        text.append(content).append(System.lineSeparator());
    }

    private static String right(final String content) {
        return " ".repeat(Math.max(1, COLUMN_WIDTH - content.length())) + content;
    }

    private static String pad(final String label, final int width) {
        return label + " ".repeat(Math.max(1, width - label.length()));
    }
}
