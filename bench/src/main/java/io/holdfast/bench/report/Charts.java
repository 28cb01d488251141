// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import io.holdfast.bench.report.LineChart.Line;
import io.holdfast.bench.report.LineChart.Point;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/** The plots of a report. */
final class Charts {
    private static final Set<String> READS = Set.of("rawRead", "holdfastOptimistic", "holdfastGuard", "holdfastStamp",
        "holdfastCounted", "stampedOptimistic", "stampedReadLock", "reentrantReadWriteLock", "igniteReadLock",
        "nettyRefCnt", "cassandraOpOrder");
    private static final Map<String, Double> PERCENTILES =
        Map.of("p50", 50.0, "p90", 90.0, "p99", 99.0, "p999", 99.9, "p9999", 99.99);

    private final Rows rows;

    Charts(final Rows rows) {
        this.rows = rows;
    }

    /** Those for which rows were run, by the name of their file. */
    Map<String, LineChart> all() {
        final Map<String, LineChart> charts = new LinkedHashMap<>();
        charts.put("threads", chart("A guarded read of one region by threads", "threads", "ns for each read",
            row -> row.key().benchmark().equals("GuardedReadBenchmark") && READS.contains(row.key().method()),
            row -> row.key().threads(), row -> row.key().method()));
        charts.put("idle-threads", chart("Map, touch and unmap 4 KiB beside idle threads", "idle platform threads",
            "us for each",
            row -> row.key().benchmark().equals("MapUnmapBenchmark") && is(row, "bytes", "4096") &&
                is(row, "reader", "false") && Set.of("holdfastAnonymous", "sharedArenaAnonymous", "rawMmapMunmap")
                .contains(row.key().method()),
            row -> param(row, "idleThreads"),
            row -> row.key().method() + (is(row, "idleHaveSlots", "true") ? ", with slots" : "")));
        charts.put("regions", chart("Finding the region of a random address", "regions", "ns for each lookup",
            row -> row.key().benchmark().equals("LookupBenchmark") && is(row, "keys", "RANDOM") &&
                is(row, "writer", "false"),
            row -> param(row, "regions"), row -> row.key().method()));
        charts.put("latency", latency());
        charts.values().removeIf(LineChart::isEmpty);
        return charts;
    }

    private LineChart chart(final String title, final String xName, final String yName, final Predicate<Row> shown,
                            final ToDoubleFunction<Row> x, final Function<Row, String> name) {
        final Map<String, List<Point>> lines = new LinkedHashMap<>();
        for (final Row row : rows.all()) {
            if (shown.test(row)) {
                final double at = x.applyAsDouble(row);
                lines.computeIfAbsent(name.apply(row), ignored -> new ArrayList<>())
                    .add(new Point(at, row.primary().median(), "%,d".formatted(Math.round(at))));
            }
        }
        final LineChart chart = new LineChart(title, xName, yName);
        lines.forEach((line, points) -> {
            points.sort(Comparator.comparingDouble(Point::x));
            chart.add(new Line(line, points));
        });
        return chart;
    }

    // x is how many reads there are for one that takes longer: 2 at 50 %, 10,000 at 99.99 %.
    private LineChart latency() {
        final LineChart chart = new LineChart("A read while all that is read is replaced and unmapped at full rate",
            "percentile of the reads", "ns from when it was due");
        for (final Row row : rows.all()) {
            if (row.key().benchmark().equals("LatencyBenchmark")) {
                final List<Point> points = new ArrayList<>();
                row.secondary().forEach((name, samples) -> {
                    final Double percentile = PERCENTILES.get(name);
                    if (percentile != null) {
                        points.add(new Point(100 / (100 - percentile), Math.max(1, samples.median()), percentile + " %"));
                    }
                });
                points.sort(Comparator.comparingDouble(Point::x));
                chart.add(new Line(row.key().method(), points));
            }
        }
        return chart;
    }

    private static boolean is(final Row row, final String param, final String value) {
        return value.equals(row.key().params().get(param));
    }

    private static double param(final Row row, final String name) {
        return Double.parseDouble(row.key().params().getOrDefault(name, "0"));
    }
}
