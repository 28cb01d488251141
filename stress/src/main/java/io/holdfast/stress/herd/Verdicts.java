// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import io.holdfast.stress.herd.Protocol.Twin;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What herd7 decided: a protocol is right if its outcome can be in none of its tests, and a twin is if it can in one of
 * them at least, on each machine and under each flavour. For one thread.
 */
public final class Verdicts {
    /** Tests that stand or fall together. */
    private record Group(String protocol, String twin, Machine machine, Protocol.Flavour flavour) {
        static Group of(final LitmusTest test) {
            final Twin twin = test.twin();
            return new Group(test.protocol().name(), twin == null ? "" : twin.name(), test.machine(), test.flavour());
        }
    }

    private final List<Protocol> protocols;
    private final Map<Group, List<Boolean>> decided = new HashMap<>();

    /** Nothing is decided yet. */
    public Verdicts(final List<Protocol> protocols) {
        this.protocols = protocols;
    }

    /** Notes whether a test's outcome can be. */
    public void note(final LitmusTest test, final boolean canBe) {
        decided.computeIfAbsent(Group.of(test), _ -> new ArrayList<>()).add(canBe);
    }

    /** What is wrong, a line each; empty if nothing is. */
    public List<String> wrong() {
        return decided.entrySet().stream().filter(entry -> isWrong(entry.getKey(), entry.getValue()))
            .map(entry -> entry.getKey().twin.isEmpty()
                ? "outcome can be: " + entry.getKey() + ", in " + entry.getValue()
                : "outcome cannot be: " + entry.getKey()).sorted().toList();
    }

    private static boolean isWrong(final Group group, final List<Boolean> canBe) {
        return group.twin.isEmpty() == canBe.contains(true);
    }

    /** How many tests were decided. */
    public int count() {
        return decided.values().stream().mapToInt(List::size).sum();
    }

    /** The table, in Markdown; a cell has the number of tests in which the outcome cannot be. */
    public String table() {
        final StringBuilder text = new StringBuilder("| protocol | tags | what must not be |");
        for (final Machine machine : Machine.values()) {
            text.append(' ').append(machine.label()).append(" |");
        }
        text.append(" twins in which it can |\n|---|---|---|").append("---|".repeat(Machine.values().length + 1))
            .append('\n');
        for (final Protocol protocol : protocols) {
            text.append("| ").append(protocol.name()).append(" | ").append(String.join(" ", protocol.tags())).append(" | ")
                .append(protocol.about()).append(" |");
            for (final Machine machine : Machine.values()) {
                text.append(' ').append(cell(protocol, machine)).append(" |");
            }
            text.append(' ').append(protocol.twins().stream().map(twin -> cell(protocol, twin))
                .collect(Collectors.joining(", "))).append(" |\n");
        }
        return text.toString();
    }

    private List<Boolean> decided(final Protocol protocol, final @Nullable Twin twin, final Machine machine) {
        final List<Boolean> all = new ArrayList<>();
        for (final Protocol.Flavour flavour : Protocol.Flavour.values()) {
            all.addAll(decided.getOrDefault(
                new Group(protocol.name(), twin == null ? "" : twin.name(), machine, flavour), List.of()));
        }
        return all;
    }

    private String cell(final Protocol protocol, final Machine machine) {
        final List<Boolean> all = decided(protocol, null, machine);
        return all.isEmpty() ? "" : all.contains(true) ? "**can be**" : "never, " + all.size();
    }

    private String cell(final Protocol protocol, final Twin twin) {
        final Map<Machine, Boolean> seen = new EnumMap<>(Machine.class);
        for (final Machine machine : twin.machines()) {
            final List<Boolean> all = decided(protocol, twin, machine);
            if (!all.isEmpty()) {
                seen.put(machine, all.contains(true));
            }
        }
        final String where = twin.machines().equals(protocol.machines()) ? ""
            : " (" + seen.keySet().stream().map(Machine::label).collect(Collectors.joining(", ")) + ")";
        return (seen.containsValue(false) ? "**not** " : "") + "`" + twin.name() + "`" + where;
    }
}
