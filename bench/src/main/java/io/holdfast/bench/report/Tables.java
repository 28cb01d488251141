// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import io.holdfast.bench.report.Target.Kind;
import io.holdfast.bench.report.Target.Outcome;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/** The tables of a report. */
final class Tables {
    private static final int TEXT_COLUMNS = 2;
    private static final String COUNTER = "#";

    private final Rows rows;

    Tables(final Rows rows) {
        this.rows = rows;
    }

    /** Where and when it was measured; empty if that is not known. */
    String machine() {
        return rows.machine().map(machine -> {
            final Table table = new Table(TEXT_COLUMNS, List.of("", "measured"));
            machine.facts().forEach((name, fact) -> table.add(List.of(name, fact.isEmpty() ? "none" : fact)));
            return table.toString();
        }).orElse("");
    }

    /** Each target with its outcome. */
    String targets() {
        final Table table = new Table(TEXT_COLUMNS, List.of("what", "beside", "ratio", "of processes", "target", ""));
        for (final Target target : Targets.all()) {
            final Optional<Outcome> outcome = target.judge(rows);
            table.add(List.of(target.what(), target.beside(),
                outcome.map(found -> Table.number(found.value())).orElse(""),
                outcome.map(found -> Table.number(found.lowest()) + " to " + Table.number(found.highest())).orElse(""),
                (target.kind() == Kind.THROUGHPUT ? "≥ " : "≤ ") + Table.number(target.limit()),
                outcome.map(found -> found.met() ? "met" : "missed").orElse("not run")));
        }
        return table.toString();
    }

    /** How many targets are met, missed, not run. */
    String verdict() {
        final int[] counts = new int[2];
        final List<Target> targets = Targets.all();
        targets.forEach(target ->
            target.judge(rows).ifPresent(outcome -> counts[outcome.met() ? 0 : 1]++));
        return "%d of %d targets met, %d missed, %d not run".formatted(
            counts[0], targets.size(), counts[1], targets.size() - counts[0] - counts[1]);
    }

    /** One table for each benchmark class, by its name. */
    Map<String, String> raw() {
        final Map<String, List<Row>> classes = new LinkedHashMap<>();
        rows.all().forEach(row ->
            classes.computeIfAbsent(row.key().benchmark(), name -> new ArrayList<>()).add(row));
        final Map<String, String> tables = new LinkedHashMap<>();
        classes.forEach((name, members) -> {
            members.sort(Comparator.comparing(Tables::order));
            final boolean counted = members.stream().anyMatch(row -> !row.secondary().isEmpty());
            tables.put(name, counted ? counters(members) : times(members));
        });
        return tables;
    }

    // Numbers are sorted as such: padded to one length.
    private static String order(final Row row) {
        final StringBuilder order = new StringBuilder();
        row.key().params().values().forEach(value -> order.append("%12s ".formatted(value)));
        return order.append("%12d ".formatted(row.key().threads())).append(row.key().method()).toString();
    }

    private static String times(final List<Row> members) {
        final List<String> params = params(members);
        final boolean allocations = members.stream().anyMatch(row -> row.allocated() != null);
        final List<String> columns = head(params);
        columns.addAll(List.of("median", "least", "mean ± error (99.9 %)", "unit"));
        if (allocations) {
            columns.add("B/op");
        }
        final Table table = new Table(1, columns);
        for (final Row row : members) {
            final Samples time = row.primary();
            final List<String> cells = cells(row, params);
            cells.addAll(List.of(Table.number(time.median()), Table.number(time.least()), meanAndError(time), time.unit()));
            if (allocations) {
                final Samples allocated = row.allocated();
                cells.add(allocated == null ? "" : String.valueOf(Math.round(allocated.median())));
            }
            table.add(cells);
        }
        return table.toString();
    }

    private static String meanAndError(final Samples samples) {
        final String error = Table.number(samples.error());
        return Table.number(samples.mean()) + (error.isEmpty() ? "" : " ± " + error);
    }

    private static String counters(final List<Row> members) {
        final List<String> params = params(members);
        final SortedSet<String> names = new TreeSet<>();
        members.forEach(row -> names.addAll(row.secondary().keySet()));
        final List<String> columns = head(params);
        columns.addAll(names);
        final Table table = new Table(1, columns);
        for (final Row row : members) {
            final List<String> cells = cells(row, params);
            for (final String name : names) {
                final Samples samples = row.secondary().get(name);
                cells.add(samples == null ? "" : medianAndError(samples));
            }
            table.add(cells);
        }
        return table.toString();
    }

    // A counter is one number of a whole run; the times of a group's members are means of many.
    private static String medianAndError(final Samples samples) {
        final String error = samples.unit().equals(COUNTER) ? "" : Table.number(samples.error());
        return Table.number(samples.median()) + (error.isEmpty() ? "" : " ± " + error);
    }

    private static List<String> params(final List<Row> members) {
        final SortedSet<String> names = new TreeSet<>();
        members.forEach(row -> names.addAll(row.key().params().keySet()));
        return List.copyOf(names);
    }

    private static List<String> head(final List<String> params) {
        final List<String> columns = new ArrayList<>(List.of("row", "threads"));
        columns.addAll(params);
        return columns;
    }

    private static List<String> cells(final Row row, final List<String> params) {
        final List<String> cells = new ArrayList<>(List.of(row.key().method(), String.valueOf(row.key().threads())));
        params.forEach(name -> cells.add(row.key().params().getOrDefault(name, "")));
        return cells;
    }
}
