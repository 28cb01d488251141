// SPDX-License-Identifier: Apache-2.0
package io.holdfast.top;

import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes a reading as plain text. */
final class Screen {
    private static final String[] UNITS = {"B", "KiB", "MiB", "GiB", "TiB"};
    private static final double MILLIS = 1000.0;

    private Screen() {
    }

    /**
     * A page.
     *
     * @param last the reading before, for rates; null for the first
     */
    static String text(final Reading now, final @Nullable Reading last) {
        final StringBuilder text = new StringBuilder(1024);
        final LocalTime time = LocalTime.ofInstant(Instant.ofEpochMilli(now.timeMs()), ZoneId.systemDefault());
        text.append("holdfast-top  pid ").append(now.pid()).append("  ").append(time.truncatedTo(ChronoUnit.SECONDS))
            .append("  spaces ").append(now.spaces().size());
        if (!now.spaces().isEmpty()) {
            text.append("  kernel mappings ").append(mappings(now));
        }
        text.append('\n');
        if (now.spaces().isEmpty()) {
            text.append("\nno address space can be seen: none is open, or it was opened with monitored(false) or under ")
                .append("-Dio.holdfast.monitored=false\n");
        }
        for (final Map<String, @Nullable Object> space : now.spaces()) {
            write(space, last == null ? null : last.space(space.get("objectName")),
                last == null ? 0 : now.timeMs() - last.timeMs(), text);
        }
        return text.toString();
    }

    private static String mappings(final Reading now) {
        final long free = number(now.spaces().getFirst(), "mappingHeadroom");
        return now.limit() < 0 ? free + " free" : now.limit() - free + " of " + now.limit() + " (" + free + " free)";
    }

    private static void write(final Map<String, @Nullable Object> space,
                              final @Nullable Map<String, @Nullable Object> last, final long elapsedMs,
                              final StringBuilder text) {
        final Map<?, ?> counts = map(space.get("statistics"));
        text.append("\nspace ").append(space.get("name")).append("  capacity ").append(size(number(space, "capacity")))
            .append("  barrier ").append(space.get("barrier")).append('\n');
        line(text, "mapped", number(counts, "regions") + " regions, " + size(number(counts, "mappedBytes")) + "; idle " +
            size(number(counts, "idleBytes")) + ", tables " + size(number(counts, "tableBytes")));
        line(text, "rates",
            last == null ? "from the second look on" : rates(counts, map(last.get("statistics")), elapsedMs));
        line(text, "unmaps", number(counts, "unmaps") + ", waited for readers " + number(counts, "drainedUnmaps"));
        line(text, "unmap time", times(map(counts.get("unmapTimes"))));
        line(text, "drain time", times(map(counts.get("drainTimes"))));
        line(text, "backlog", number(counts, "backlogUnmaps") + " unmaps, " + size(number(counts, "backlogBytes")) +
            "; wait for pins " + size(number(counts, "retiredBytes")) + ", for an era " +
            size(number(counts, "eraBytes")));
        final long bad = number(counts, "quarantinedBytes") + number(counts, "lostBytes") + number(counts, "strandedBytes");
        if (bad != 0) {
            line(text, "refused", "quarantined " + size(number(counts, "quarantinedBytes")) + ", stranded " +
                size(number(counts, "strandedBytes")) + ", lost " + size(number(counts, "lostBytes")));
        }
        names(rows(counts.get("named")), text);
        regions(rows(space.get("regions")), text);
        waits(space, text);
    }

    private static void line(final StringBuilder text, final String what, final String value) {
        text.append(String.format("  %-11s %s%n", what, value));
    }

    private static String rates(final Map<?, ?> now, final Map<?, ?> last, final long elapsedMs) {
        final double seconds = Math.max(elapsedMs, 1) / MILLIS;
        final long unmaps = number(now, "unmaps") - number(last, "unmaps");
        final long maps = number(now, "regions") - number(last, "regions") + unmaps;
        final long drained = number(now, "drainedUnmaps") - number(last, "drainedUnmaps");
        final long eras = number(now, "eras") - number(last, "eras");
        return String.format(Locale.ROOT, "%.1f maps/s, %.1f unmaps/s, %.1f waits for readers/s, %.1f eras/s",
            maps / seconds, unmaps / seconds, drained / seconds, eras / seconds);
    }

    private static String times(final Map<?, ?> times) {
        return number(times, "count") == 0 ? "none" : "median " + time(number(times, "medianNs")) + ", 90 % " +
            time(number(times, "p90Ns")) + ", 99 % " + time(number(times, "p99Ns")) + ", 99.9 % " +
            time(number(times, "p999Ns")) + ", max " + time(number(times, "maxNs"));
    }

    private static void names(final List<Map<?, ?>> names, final StringBuilder text) {
        for (final Map<?, ?> each : names) {
            line(text, "name", each.get("name") + ": " + number(each, "regions") + " regions, " +
                size(number(each, "bytes")));
        }
    }

    private static void regions(final List<Map<?, ?>> regions, final StringBuilder text) {
        if (!regions.isEmpty()) {
            text.append(String.format("%n  %14s %10s %-4s %-16s %s%n", "ADDRESS", "SIZE", "MODE", "NAME", "FILE"));
        }
        for (final Map<?, ?> each : regions) {
            text.append(String.format("  0x%012x %10s %-4s %-16s %s%n", number(each, "address"),
                size(number(each, "size")), Boolean.TRUE.equals(each.get("writable")) ? "rw" : "r", or(each.get("name")),
                or(each.get("path"))));
        }
    }

    private static void waits(final Map<String, @Nullable Object> space, final StringBuilder text) {
        for (final Map<?, ?> unmap : rows(space.get("pendingUnmaps"))) {
            text.append("\n  unmap waits ").append(number(unmap, "waitedMs")).append(" ms, announced by ")
                .append(unmap.get("waiter")).append(": ").append(unmap.get("region")).append('\n');
            rows(unmap.get("holders")).forEach(holder -> text.append("    for ").append(holder(holder)).append('\n'));
        }
        for (final Map<?, ?> holder : rows(space.get("pinnedThreads"))) {
            line(text, "pinned", holder(holder));
        }
        for (final Map<?, ?> section : rows(space.get("sections"))) {
            line(text, "section", section.get("mode") + " 0x" + Long.toHexString(number(section, "start")) + "-0x" +
                Long.toHexString(number(section, "end")) + " by " + section.get("thread"));
        }
    }

    private static String holder(final Map<?, ?> holder) {
        final long heldMs = number(holder, "heldMs");
        return holder.get("thread") + " (id " + number(holder, "threadId") + "), " + holder.get("how") +
            (heldMs < 0 ? "" : ", for " + heldMs + " ms");
    }

    private static String or(final @Nullable Object value) {
        return value == null ? "-" : value.toString();
    }

    private static Map<?, ?> map(final @Nullable Object value) {
        return value instanceof final Map<?, ?> map ? map : Map.of();
    }

    private static List<Map<?, ?>> rows(final @Nullable Object value) {
        final List<Map<?, ?>> rows = new ArrayList<>();
        if (value instanceof final List<?> list) {
            list.forEach(each -> rows.add(map(each)));
        }
        return rows;
    }

    private static long number(final Map<?, ?> map, final String key) {
        return map.get(key) instanceof final Number number ? number.longValue() : 0;
    }

    static String size(final long bytes) {
        double amount = bytes;
        int unit = 0;
        while (amount >= 1024 && unit < UNITS.length - 1) {
            amount /= 1024;
            unit++;
        }
        return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", amount, UNITS[unit]);
    }

    static String time(final long ns) {
        if (ns < 10_000) {
            return ns + " ns";
        }
        return ns < 10_000_000 ? ns / 1_000 + " us" : ns / 1_000_000 + " ms";
    }
}
