// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;

/**
 * Linearizability of the lock of ranges: a register that sections and changes of overlapping ranges read and write in
 * every mode must look to Lincheck like a register (G7).
 *
 * <p>Stress mode; {@link StructureModelCheckingTest} chooses schedules.
 */
class RangeLockLincheckTest {
    private static StressOptions options() {
        return new StressOptions().iterations(20).invocationsPerIteration(1_000).threads(3).actorsPerThread(3)
            .actorsBefore(1).actorsAfter(2).minimizeFailedScenario(false);
    }

    @Test
    void theLockMustBeLinearizable() {
        options().check(Register.class);
    }

    @Test
    void aWriterWithoutASectionMustBeCaught() {
        final AssertionError caught = assertThrows(AssertionError.class,
            () -> options().iterations(200).check(Busted.class), "seen: a register that is none");
        assertTrue(caught.getMessage().contains("Invalid execution results"), caught::getMessage);
    }

    /** A register in a domain that all share. */
    public static class Register extends RangeRegister {
        /** A fresh one. */
        public Register() {
            super(FENCE);
        }
    }

    /** A register whose writer begins no section. */
    public static class Busted extends Register {
        @Override
        @Operation
        public int exchange(@Param(gen = IntGen.class, conf = "1:5") final int value) {
            return exchangeWithoutSection(value);
        }
    }
}
