// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import io.holdfast.stress.herd.Protocol.Flavour;
import io.holdfast.stress.herd.Protocol.Term;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A memory model, with what each access mode becomes in it: {@code docs/MEMORY-MODEL.md} says from where that is known. */
public enum Machine {
    /** AArch64, as HotSpot's C2 compiles: a release store is a barrier and a plain store. */
    AARCH64(""),
    /** The same on a processor without atomic instructions: a read-modify-write is a pair of exclusive accesses. */
    AARCH64_LLSC(""),
    /** AArch64, where a release store is the one instruction STLR. */
    AARCH64_STLR(""),
    /** RISC-V, with fences. */
    RISCV(""),
    /** C11 with the release sequences of C11 to C17, in which an opaque store can follow a release store. */
    C11("c11.cat"),
    /** The same with the release sequences of C++20, in which it cannot. */
    C20("c20.cat");

    private final String model;

    Machine(final String model) {
        this.model = model;
    }

    /** Writes tests in one of herd7's languages. */
    interface Language {
        /** The text of a test in whose threads there are neither half barriers nor interrupts. */
        String render(String name, Map<String, List<Step>> threads, Map<String, Long> initial, List<Term> outcome);
    }

    /** The machine that a description calls so. */
    public static Machine of(final String name) {
        return valueOf(name.toUpperCase(Locale.ROOT).replace('-', '_'));
    }

    /** What a description calls the machine. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** File of the model in {@code stress/litmus}, or empty for the one that herd7 has for the language. */
    public String model() {
        return model;
    }

    /** Whether a flavour of the barrier can be said in it: a language has no interrupts. */
    boolean has(final Flavour flavour) {
        return flavour == Flavour.FENCE || model.isEmpty();
    }

    String render(final String name, final Map<String, List<Step>> threads, final Map<String, Long> initial,
                  final List<Term> outcome) {
        return language().render(name, threads, initial, outcome);
    }

    private Language language() {
        return switch (this) {
            case AARCH64 -> new Assembly.AArch64(false, true);
            case AARCH64_LLSC -> new Assembly.AArch64(false, false);
            case AARCH64_STLR -> new Assembly.AArch64(true, true);
            case RISCV -> new Assembly.RiscV();
            case C11, C20 -> new C11();
        };
    }
}
