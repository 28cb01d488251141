// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import java.util.List;

/**
 * One step of a thread. Immutable.
 *
 * @param label    names the step in the description
 * @param register what is read, empty if nobody looks at it
 * @param word     what is accessed, empty for fences and barriers
 * @param value    what is written or added
 * @param targets  threads that a heavy barrier interrupts
 * @param uses     where the step is in the code, none for an access of the user's
 */
public record Step(String label, Kind kind, String register, String word, long value, Mode mode, List<String> targets,
                   List<Use> uses) {
    /** What a step does. */
    public enum Kind {
        /** Reads a word. */
        LOAD,
        /** Writes a word. */
        STORE,
        /** Writes a word and reads what was there, in one step. */
        SWAP,
        /** Adds to a word and reads what was there, in one step. */
        ADD,
        /** A fence. */
        FENCE,
        /** The reader's half of the asymmetric barrier. */
        LIGHT,
        /** The writer's half of it. */
        HEAVY
    }

    /**
     * Where a step is in the code.
     *
     * @param method   that takes it, as {@code Class.method}
     * @param accessor that it calls, or volatile field that it accesses, as {@code Class.name}
     */
    public record Use(String method, String accessor) {
        /** The step is not in the code: what it would be worth is the question. */
        public static final Use NOWHERE = new Use("", "");
    }

    static Step fence(final Mode mode) {
        return new Step("", Kind.FENCE, "", "", 0, mode, List.of(), List.of());
    }

    static Step load(final String register, final String word) {
        return new Step("", Kind.LOAD, register, word, 0, Mode.OPAQUE, List.of(), List.of());
    }

    static Step store(final String word) {
        return new Step("", Kind.STORE, "", word, 1, Mode.OPAQUE, List.of(), List.of());
    }

    /** The same in another mode. */
    Step in(final Mode other) {
        return new Step(label, kind, register, word, value, other, targets, uses);
    }

    boolean reads() {
        return kind == Kind.LOAD || kind == Kind.SWAP || kind == Kind.ADD;
    }

    boolean writes() {
        return kind == Kind.STORE || kind == Kind.SWAP || kind == Kind.ADD;
    }

    boolean isHalfBarrier() {
        return kind == Kind.LIGHT || kind == Kind.HEAVY;
    }
}
