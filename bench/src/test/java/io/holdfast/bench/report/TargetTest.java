// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.holdfast.bench.report.Row.Selector;
import io.holdfast.bench.report.Target.Kind;
import io.holdfast.bench.report.Target.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xml.sax.InputSource;

class TargetTest {
    private static final Selector OURS = Selector.of("SomeBenchmark", "ours");
    private static final Selector THEIRS = Selector.of("SomeBenchmark", "theirs");

    @TempDir
    private Path directory;

    private Path file(final String name, final String... rows) throws IOException {
        return Files.writeString(directory.resolve(name), "[" + String.join(",", rows) + "]");
    }

    private static String row(final String method, final int threads, final String values, final String bytes) {
        return """
            {"benchmark": "io.holdfast.bench.SomeBenchmark.%s", "threads": %d, "params": {"size": "1"},
             "primaryMetric": {"scoreUnit": "ns/op", "rawData": %s},
             "secondaryMetrics": {"gc.alloc.rate.norm": {"scoreUnit": "B/op", "rawData": %s},
                                  "gc.count": {"scoreUnit": "counts", "rawData": %s}}}
            """.formatted(method, threads, values, bytes, bytes);
    }

    private static Outcome judge(final Kind kind, final Selector ours, final Selector theirs, final double limit,
                                 final Rows rows) {
        return new Target("", "", kind, ours, theirs, limit).judge(rows).orElseThrow();
    }

    @Test
    void ratioMustBeOfMediansOfProcessesAndItsRangeThatOfTheProcesses() throws IOException {
        final Rows rows = Rows.read(List.of(file("a.json", row("ours", 1, "[[1, 1, 90], [2, 2, 2], [3, 3, 3]]", "[[0]]"),
            row("theirs", 1, "[[4], [5], [4]]", "[[0]]"))));
        final Outcome outcome = judge(Kind.TIME, OURS, THEIRS, 0.5, rows);
        assertThat(outcome.value()).isEqualTo(0.5);
        assertThat(outcome.lowest()).isEqualTo(0.2);
        assertThat(outcome.highest()).isEqualTo(0.75);
        assertThat(outcome.met()).isTrue();
        assertThat(judge(Kind.TIME, OURS, THEIRS, 0.49, rows).met()).isFalse();
    }

    @Test
    void throughputMustCountAllThreads() throws IOException {
        final Rows rows = Rows.read(List.of(
            file("a.json", row("ours", 1, "[[10]]", "[[0]]"), row("ours", 2, "[[12]]", "[[0]]"))));
        final Outcome outcome = judge(Kind.THROUGHPUT, OURS.threads(2), OURS.threads(1), 1.6, rows);
        assertThat(outcome.value()).isCloseTo(1.667, within(0.001));
        assertThat(outcome.met()).isTrue();
    }

    @Test
    void allocationMustTakeNoiseOfTheProfilerForNothing() throws IOException {
        final Rows rows = Rows.read(List.of(
            file("a.json", row("ours", 1, "[[1]]", "[[0.01]]"), row("theirs", 1, "[[1]]", "[[16.0]]"))));
        assertThat(new Target("", "", Kind.ALLOCATION, OURS, null, 0).judge(rows).orElseThrow().met()).isTrue();
        assertThat(new Target("", "", Kind.ALLOCATION, THEIRS, null, 0).judge(rows).orElseThrow().met()).isFalse();
    }

    @Test
    void targetMustBeOpenWhileOneOfItsRowsIsMissing() throws IOException {
        final Rows rows = Rows.read(List.of(file("a.json", row("ours", 1, "[[1]]", "[[0]]"))));
        assertThat(new Target("", "", Kind.TIME, OURS, THEIRS, 1).judge(rows)).isEmpty();
        assertThat(new Target("", "", Kind.TIME, OURS, OURS.with("size", 2), 1).judge(rows)).isEmpty();
    }

    @Test
    void runsOfOneRowMustBePutTogether() throws IOException {
        final Rows rows = Rows.read(List.of(file("a.json", row("ours", 1, "[[1], [2]]", "[[0]]")),
            file("b.json", row("ours", 1, "[[3]]", "[[0]]"))));
        assertThat(rows.all()).hasSize(1);
        assertThat(rows.samples(OURS).orElseThrow().median()).isEqualTo(2);
        assertThat(rows.samples(OURS).orElseThrow().mean()).isEqualTo(2);
    }

    @Test
    void documentMustKeepItsProse() throws IOException {
        final Path file = Files.writeString(directory.resolve("results.md"),
            "before\n<!-- begin one -->\nold\n<!-- end one -->\nafter\n");
        new ResultsDocument(file).write(Map.of("one", "| new |\n"));
        assertThat(file).hasContent("before\n<!-- begin one -->\n\n| new |\n\n<!-- end one -->\nafter\n");
        assertThatThrownBy(() -> new ResultsDocument(file).write(Map.of("two", "")))
            .isInstanceOf(IOException.class).hasMessageContaining("table has no place in the document: name=two");
    }

    @Test
    void chartMustBeWellFormedAndNameEachLine() throws Exception {
        final LineChart chart = new LineChart("a < b", "threads", "ns & more");
        chart.add(new LineChart.Line("holdfastGuard",
            List.of(new LineChart.Point(0, 1, "0"), new LineChart.Point(10, 200, "10"))));
        chart.add(new LineChart.Line("other", List.of(new LineChart.Point(0, 3, "0"), new LineChart.Point(10, 3, "10"))));
        final String svg = chart.toString();
        final var document = javax.xml.parsers.DocumentBuilderFactory.newInstance().newDocumentBuilder()
            .parse(new InputSource(new java.io.StringReader(svg)));
        assertThat(document.getElementsByTagName("polyline").getLength()).isEqualTo(2);
        assertThat(svg).contains("holdfastGuard 200", "other 3.00", "ns &amp; more").doesNotContain("NaN");
    }
}
