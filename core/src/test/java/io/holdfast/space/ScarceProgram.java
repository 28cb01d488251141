// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.space.OperationTable.Operation;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A program that tries every public operation where something is scarce, and counts what came of it. */
abstract class ScarceProgram {
    private static final int LEAST = 3; // attempts for one operation
    private static final int SHOWN = 3;

    /** What is tried. */
    final ScarceOperation operation;

    private int attempts;
    private int refused;
    private int wrong;

    ScarceProgram(final Operation operation) throws Exception {
        this.operation = new ScarceOperation(operation);
    }

    /** Makes the program for one operation. */
    @FunctionalInterface
    interface Maker {
        ScarceProgram make(Operation operation) throws Exception;
    }

    /**
     * Tries all, prints what is wrong, and ends the process: with 1 if anything is, or too little was refused.
     *
     * @param most    attempts for each public method, shared by its rows
     * @param refusal how a refusal is called
     */
    static void tryAll(final int most, final String refusal, final Maker maker) throws Exception {
        final List<Operation> all = ScarceOperation.rows();
        final Map<String, Long> rows =
            all.stream().collect(Collectors.groupingBy(Operation::method, Collectors.counting()));
        int attempts = 0;
        int refused = 0;
        int wrong = 0;
        for (final Operation operation : all) {
            final ScarceProgram program = maker.make(operation);
            program.tryEach(Math.max(LEAST, most / rows.get(operation.method()).intValue()));
            program.show(program.operation.end());
            attempts += program.attempts;
            refused += program.refused;
            wrong += program.wrong;
        }
        System.out.println("attempts=" + attempts + ", " + refusal + "=" + refused + ", wrong=" + wrong);
        Runtime.getRuntime().halt(wrong == 0 && refused > all.size() / 2 ? 0 : 1); // what was left would hold up the end
    }

    /** Makes so many attempts, from none of what is scarce up to where the operation succeeds. */
    abstract void tryEach(int most) throws Exception;

    final void attempted() {
        attempts++;
    }

    final void refused() {
        refused++;
    }

    /** Whether few enough were shown to show where the next one was thrown. */
    final boolean isShown() {
        return wrong <= SHOWN;
    }

    final void show(final @Nullable String trouble) {
        if (trouble != null && wrong++ < SHOWN) {
            System.out.println(operation + ": " + trouble);
        }
    }
}
