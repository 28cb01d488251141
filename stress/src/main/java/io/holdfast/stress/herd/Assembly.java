// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import io.holdfast.stress.herd.Protocol.Term;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Tests in assembly: addresses and constants are in registers from the start, so each step is what it is about alone. */
abstract class Assembly implements Machine.Language {
    private final String header;
    private final List<String> read;
    private final List<String> constant;
    private final List<String> address;

    Assembly(final String header, final List<String> read, final List<String> constant, final List<String> address) {
        this.header = header;
        this.read = read;
        this.constant = constant;
        this.address = address;
    }

    /**
     * Registers of a step, empty where it needs none.
     *
     * @param result where it reads to
     * @param value  what it writes or adds
     * @param place  address of the word
     * @param status where it says 0 if it has succeeded
     * @param spare  for what it computes
     */
    record Registers(String result, String value, String place, String status, String spare) {
    }

    /** The instructions of a step. */
    abstract List<String> instructions(Step step, Registers in);

    /** Whether the step says in a register whether it has succeeded. */
    boolean hasStatus(final Step step) {
        return false;
    }

    @Override
    public String render(final String name, final Map<String, List<Step>> threads, final Map<String, Long> initial,
                         final List<Term> outcome) {
        final List<Column> programs = new ArrayList<>();
        threads.forEach((thread, steps) -> programs.add(new Column(thread, programs.size(), steps)));
        final Map<String, Long> words = new TreeMap<>(initial);
        programs.forEach(thread -> thread.addresses.keySet().forEach(word -> words.putIfAbsent(word, 0L)));
        final StringBuilder text = new StringBuilder(header).append(' ').append(name).append("\n{\n");
        words.forEach((word, value) -> text.append("int64_t ").append(word).append('=').append(value).append(";\n"));
        programs.forEach(thread -> thread.declare(text));
        text.append("}\n");
        int rows = 0;
        for (final Column thread : programs) {
            rows = Math.max(rows, thread.code.size());
        }
        for (int row = -1; row < rows; row++) {
            for (int i = 0; i < programs.size(); i++) {
                text.append(i == 0 ? " " : " | ").append(String.format("%-20s", programs.get(i).line(row)));
            }
            text.append(" ;\n");
        }
        final List<String> terms = new ArrayList<>();
        for (final Column thread : programs) {
            outcome.stream().filter(term -> thread.name.equals(term.thread())).forEach(
                term -> terms.add(thread.number + ":" + thread.registerOf(term.register()) + "=" + term.value()));
            thread.statuses.forEach(status -> terms.add(thread.number + ":" + status + "=0"));
        }
        return text.append("exists (").append(String.join(" /\\ ", terms)).append(")\n").toString();
    }

    private static String next(final Map<?, String> taken, final List<String> registers) {
        if (taken.size() == registers.size()) {
            throw new IllegalArgumentException("too many registers: " + taken.keySet());
        }
        return registers.get(taken.size());
    }

    /** Registers and code of a thread. */
    private final class Column {
        private final String name;
        private final int number;
        private final Map<String, String> registers = new LinkedHashMap<>();
        private final Map<Long, String> constants = new LinkedHashMap<>();
        private final Map<String, String> addresses = new LinkedHashMap<>();
        private final List<String> statuses = new ArrayList<>();
        private final List<String> code = new ArrayList<>();

        Column(final String name, final int number, final List<Step> steps) {
            this.name = name;
            this.number = number;
            for (final Step step : steps) {
                final String result = step.reads() ? register(step.register()) : "";
                final String value = step.writes()
                    ? constants.computeIfAbsent(step.value(), _ -> next(constants, constant)) : "";
                final String place = step.word().isEmpty() ? ""
                    : addresses.computeIfAbsent(step.word(), _ -> next(addresses, address));
                final String status = hasStatus(step) ? register("") : "";
                if (!status.isEmpty()) {
                    statuses.add(status);
                }
                final String spare = status.isEmpty() || step.kind() == Step.Kind.SWAP ? "" : register("");
                code.addAll(instructions(step, new Registers(result, value, place, status, spare)));
            }
        }

        private String register(final String wanted) {
            final String key = wanted.isEmpty() ? "unnamed" + registers.size() : wanted;
            return registers.computeIfAbsent(key, _ -> next(registers, read));
        }

        String registerOf(final String wanted) {
            final String register = registers.get(wanted);
            if (register == null) {
                throw new IllegalArgumentException("thread " + name + " reads no " + wanted);
            }
            return register;
        }

        void declare(final StringBuilder text) {
            addresses.forEach((word, register) -> set(text, register, word));
            constants.forEach((value, register) -> set(text, register, Long.toString(value)));
            text.append('\n');
        }

        private void set(final StringBuilder text, final String register, final String value) {
            text.append(number).append(':').append(register).append('=').append(value).append("; ");
        }

        String line(final int row) {
            return row < 0 ? "P" + number : row < code.size() ? code.get(row) : "";
        }
    }

    private static List<String> numbered(final String prefix, final int from, final int to) {
        final List<String> names = new ArrayList<>();
        for (int i = from; i <= to; i++) {
            names.add(prefix + i);
        }
        return names;
    }

    /** AArch64. */
    static final class AArch64 extends Assembly {
        private final boolean releasesByOne;
        private final boolean updatesByOne;

        AArch64(final boolean releasesByOne, final boolean updatesByOne) {
            super("AArch64", numbered("X", 0, 9), numbered("X", 10, 17), numbered("X", 18, 28));
            this.releasesByOne = releasesByOne;
            this.updatesByOne = updatesByOne;
        }

        @Override
        boolean hasStatus(final Step step) {
            return !updatesByOne && step.reads() && step.writes();
        }

        @Override
        List<String> instructions(final Step step, final Registers in) {
            final Mode mode = step.mode();
            final String order = (mode.acquires() ? "A" : "") + (mode.releases() ? "L" : "");
            final String place = "[" + in.place + "]";
            return switch (step.kind()) {
                case LOAD -> List.of((mode.acquires() ? "LDAR " : "LDR ") + in.result + "," + place);
                case STORE -> store(mode, in.value + "," + place);
                case SWAP -> updatesByOne ? List.of("SWP" + order + " " + in.value + "," + in.result + "," + place)
                    : List.of(exclusive(mode, in), storeExclusive(mode, in.value, in));
                case ADD -> updatesByOne ? List.of("LDADD" + order + " " + in.value + "," + in.result + "," + place)
                    : List.of(exclusive(mode, in), "ADD " + in.spare + "," + in.result + "," + in.value,
                        storeExclusive(mode, in.spare, in));
                case FENCE -> fence(mode);
                case LIGHT, HEAVY -> throw new IllegalArgumentException("not an instruction: " + step);
            };
        }

        private static String exclusive(final Mode mode, final Registers in) {
            return (mode.acquires() ? "LDAXR " : "LDXR ") + in.result + ",[" + in.place + "]";
        }

        private static String storeExclusive(final Mode mode, final String value, final Registers in) {
            return (mode.releases() ? "STLXR " : "STXR ") + in.status.replace('X', 'W') + "," + value + ",[" + in.place +
                "]";
        }

        private List<String> store(final Mode mode, final String operands) {
            if (mode == Mode.VOLATILE || mode == Mode.RELEASE && releasesByOne) {
                return List.of("STLR " + operands);
            }
            return mode == Mode.RELEASE ? List.of("DMB ISHST", "DMB ISHLD", "STR " + operands)
                : List.of("STR " + operands);
        }

        private static List<String> fence(final Mode mode) {
            return List.of(switch (mode) {
                case ACQUIRE -> "DMB ISHLD";
                case STORESTORE -> "DMB ISHST";
                default -> "DMB ISH"; // a release fence too
            });
        }
    }

    /** RISC-V with its atomic instructions. */
    static final class RiscV extends Assembly {
        RiscV() {
            super("RISCV", List.of("x5", "x6", "x7", "x8", "x9", "x28", "x29", "x30", "x31"), numbered("x", 10, 17),
                numbered("x", 18, 27));
        }

        @Override
        List<String> instructions(final Step step, final Registers in) {
            final Mode mode = step.mode();
            final String order = (mode.acquires() ? ".aq" : "") + (mode.releases() ? ".rl" : "");
            final List<String> code = new ArrayList<>();
            switch (step.kind()) {
                case LOAD -> {
                    code.add("ld " + in.result + ",0(" + in.place + ")");
                    if (mode.acquires()) {
                        code.add("fence r,rw");
                    }
                }
                case STORE -> {
                    if (mode.releases()) {
                        code.add("fence rw,w");
                    }
                    code.add("sd " + in.value + ",0(" + in.place + ")");
                    if (mode == Mode.VOLATILE) {
                        code.add("fence rw,rw");
                    }
                }
                case SWAP -> code.add("amoswap.d" + order + " " + in.result + "," + in.value + ",(" + in.place + ")");
                case ADD -> code.add("amoadd.d" + order + " " + in.result + "," + in.value + ",(" + in.place + ")");
                case FENCE -> code.add(fence(mode));
                case LIGHT, HEAVY -> throw new IllegalArgumentException("not an instruction: " + step);
            }
            return code;
        }

        private static String fence(final Mode mode) {
            return switch (mode) {
                case ACQUIRE -> "fence r,rw";
                case RELEASE -> "fence rw,w";
                case STORESTORE -> "fence w,w";
                default -> "fence rw,rw";
            };
        }
    }
}
