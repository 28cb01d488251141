// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A protocol of a few steps, an outcome that must not be, and the weakenings that let it appear. Immutable.
 *
 * @param about    what it is, in a sentence
 * @param tags     of {@code docs/LOCKING.md}
 * @param machines on which it is looked at
 * @param flavours under which it is looked at
 * @param initial  words that do not begin as 0
 * @param threads  their steps, by their names
 * @param never    the outcome, all of it
 */
public record Protocol(String name, String about, List<String> tags, Set<Machine> machines, Set<Flavour> flavours,
                       Map<String, Long> initial, Map<String, List<Step>> threads, List<Term> never, List<Twin> twins) {
    /** What the two halves of the asymmetric barrier are. */
    public enum Flavour {
        /** Light: nothing for the processor. Heavy: an interrupt with a full fence at some place of each reader. */
        MEMBARRIER,
        /** Full fences both. */
        FENCE
    }

    /** A part of an outcome: what a thread read. */
    public record Term(String thread, String register, long value) {
        @Override
        public String toString() {
            return thread + "." + register + "=" + value;
        }
    }

    /** The protocol with something weaker, which must let the outcome appear at one place of the interrupts at least. */
    public record Twin(String name, Set<Machine> machines, Set<Flavour> flavours, List<Change> changes) {
    }

    /**
     * What a twin changes: a step gets another mode, is left out, its interrupts lose their fence, or it is moved.
     *
     * @param what  a mode, {@code none}, {@code unfenced}, {@code before} or {@code after}
     * @param other the step before or after which it is moved, empty otherwise
     */
    public record Change(String label, String what, String other) {
    }

    /** Whether the asymmetric barrier is in it, so that there is a test for each flavour. */
    boolean hasBarrier() {
        return threads.values().stream().flatMap(List::stream).anyMatch(Step::isHalfBarrier);
    }
}
