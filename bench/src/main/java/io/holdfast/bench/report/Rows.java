// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.holdfast.bench.report.Row.Selector;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** All rows of one or more of JMH's JSON files, and the machine they are from. Runs of the same row are put together. */
final class Rows {
    private static final String ALLOCATED = "gc.alloc.rate.norm";
    private static final String PROFILER_PREFIX = "gc.";

    private final Map<Row.Key, Row> rows = new LinkedHashMap<>();
    private @Nullable Machine machine;

    /**
     * Reads files: arrays are JMH's results, an object is a machine.
     *
     * @throws IOException if one cannot be read or is neither
     */
    static Rows read(final List<Path> files) throws IOException {
        final Rows result = new Rows();
        for (final Path file : files) {
            try (Reader reader = Files.newBufferedReader(file)) {
                result.add(JsonParser.parseReader(reader));
            } catch (final JsonParseException | IllegalStateException | IllegalArgumentException e) {
                throw new IOException("not a file of results: path=" + file + ", cause=" + e.getMessage(), e);
            }
        }
        return result;
    }

    private void add(final JsonElement file) {
        if (file.isJsonObject()) {
            machine = Machine.of(file.getAsJsonObject());
        } else {
            for (final JsonElement element : file.getAsJsonArray()) {
                final Row row = row(element.getAsJsonObject());
                rows.merge(row.key(), row, Row::and);
            }
        }
    }

    private static Row row(final JsonObject json) {
        final String name = member(json, "benchmark").getAsString();
        final int dot = name.lastIndexOf('.');
        if (dot < 0) {
            throw new IllegalArgumentException("benchmark without a class: benchmark=" + name);
        }
        final SortedMap<String, String> params = new TreeMap<>();
        if (json.has("params")) {
            json.getAsJsonObject("params").asMap().forEach((param, value) -> params.put(param, value.getAsString()));
        }
        final String type = name.substring(0, dot);
        final Row.Key key = new Row.Key(type.substring(type.lastIndexOf('.') + 1), name.substring(dot + 1),
            member(json, "threads").getAsInt(), params);
        final SortedMap<String, Samples> secondary = new TreeMap<>();
        Samples allocated = null;
        if (json.has("secondaryMetrics")) {
            for (final Map.Entry<String, JsonElement> entry : json.getAsJsonObject("secondaryMetrics").entrySet()) {
                if (entry.getKey().equals(ALLOCATED)) {
                    allocated = samples(entry.getValue().getAsJsonObject());
                } else if (!entry.getKey().startsWith(PROFILER_PREFIX)) {
                    secondary.put(entry.getKey(), samples(entry.getValue().getAsJsonObject()));
                }
            }
        }
        return new Row(key, samples(member(json, "primaryMetric").getAsJsonObject()), secondary, allocated);
    }

    private static JsonElement member(final JsonObject object, final String name) {
        final JsonElement member = object.get(name);
        if (member == null) {
            throw new IllegalArgumentException("member is missing: name=" + name);
        }
        return member;
    }

    private static Samples samples(final JsonObject metric) {
        final List<double[]> forks = new ArrayList<>();
        for (final JsonElement fork : member(metric, "rawData").getAsJsonArray()) {
            final JsonArray values = fork.getAsJsonArray();
            forks.add(values.asList().stream().mapToDouble(JsonElement::getAsDouble).toArray());
        }
        return new Samples(member(metric, "scoreUnit").getAsString(), forks);
    }

    Collection<Row> all() {
        return rows.values();
    }

    Optional<Machine> machine() {
        return Optional.ofNullable(machine);
    }

    /** The first row that a selector names. */
    Optional<Row> find(final Selector selector) {
        return rows.values().stream().filter(row -> row.key().matches(selector)).findFirst();
    }

    /** What a selector names of that row. */
    Optional<Samples> samples(final Selector selector) {
        final String metric = selector.metric();
        return find(selector).flatMap(row ->
            Optional.ofNullable(metric == null ? row.primary() : row.secondary().get(metric)));
    }
}
