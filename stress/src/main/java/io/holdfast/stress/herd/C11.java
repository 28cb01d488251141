// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import io.holdfast.stress.herd.Protocol.Term;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Tests in C, whose atomic accesses are near to the access modes: plain and opaque ones are relaxed. */
final class C11 implements Machine.Language {
    @Override
    public String render(final String name, final Map<String, List<Step>> threads, final Map<String, Long> initial,
                         final List<Term> outcome) {
        final Map<String, Long> words = new TreeMap<>(initial);
        threads.values().forEach(steps -> steps.forEach(step -> words.putIfAbsent(step.word(), 0L)));
        words.remove("");
        final String parameters = words.keySet().stream().map(word -> "atomic_int* w_" + word)
            .collect(Collectors.joining(", "));
        final StringBuilder text = new StringBuilder("C ").append(name).append("\n{");
        words.forEach((word, value) -> text.append(" [w_").append(word).append("]=").append(value).append(';'));
        text.append(" }\n");
        final List<String> names = new ArrayList<>(threads.keySet());
        for (int i = 0; i < names.size(); i++) {
            text.append('P').append(i).append(" (").append(parameters).append(") {\n");
            int unnamed = 0;
            for (final Step step : threads.getOrDefault(names.get(i), List.of())) {
                text.append("  ").append(statement(step, step.register().isEmpty() ? "u" + unnamed++ : step.register()))
                    .append(";\n");
            }
            text.append("}\n");
        }
        return text.append("exists (").append(outcome.stream()
            .map(term -> names.indexOf(term.thread()) + ":r_" + term.register() + "=" + term.value())
            .collect(Collectors.joining(" /\\ "))).append(")\n").toString();
    }

    private static String statement(final Step step, final String register) {
        final String order = ", memory_order_" + order(step);
        final String read = "int r_" + register + " = ";
        return switch (step.kind()) {
            case LOAD -> read + "atomic_load_explicit(w_" + step.word() + order + ")";
            case STORE -> "atomic_store_explicit(w_" + step.word() + ", " + step.value() + order + ")";
            case SWAP -> read + "atomic_exchange_explicit(w_" + step.word() + ", " + step.value() + order + ")";
            case ADD -> read + "atomic_fetch_add_explicit(w_" + step.word() + ", " + step.value() + order + ")";
            case FENCE -> "atomic_thread_fence(" + order.substring(2) + ")";
            case LIGHT, HEAVY -> throw new IllegalArgumentException("not a statement: " + step);
        };
    }

    private static String order(final Step step) {
        return switch (step.mode()) {
            case PLAIN, OPAQUE -> "relaxed";
            case ACQUIRE -> "acquire";
            case RELEASE, STORESTORE -> "release";
            case VOLATILE, FULL -> "seq_cst";
        };
    }
}
