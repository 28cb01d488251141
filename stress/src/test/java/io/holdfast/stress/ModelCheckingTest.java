// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import static org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt.forClasses;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.RecordLayout;
import io.holdfast.layout.Words;
import io.holdfast.memory.NativeMemory;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Schedules chosen by Lincheck's model checker, which switches threads before each access of a word: the lock, and unmap
 * with readers (G1, G2, G3). It chooses by seeds of its own that never change.
 *
 * <p>The words are off-heap, where the checker sees nothing; so each method of {@link Words} is declared to it as one
 * atomic step, and a mutant whose defect lies between two words shows that it switches there. It knows sequential
 * consistency only, in which both barriers do the same; so the domain is of the fence flavour, and each run has a fresh
 * one, because what is off-heap is not put back from run to run.
 */
class ModelCheckingTest {
    private static final int SLOTS_ARE_LOOKED_AT_IN_LOOPS = 1 << 16;

    private static ModelCheckingOptions options(final int scenarios, final int schedules) {
        return new ModelCheckingOptions().iterations(scenarios).invocationsPerIteration(schedules).threads(2)
            .actorsPerThread(1).actorsBefore(0).actorsAfter(1).minimizeFailedScenario(false)
            .loopBound(SLOTS_ARE_LOOKED_AT_IN_LOOPS)
            .addGuarantee(forClasses(Words.class.getName()).allMethods().treatAsAtomic());
    }

    private static EpochDomain fresh() {
        return EpochDomain.create(NativeMemory.system(), BarrierFlavour.FENCE);
    }

    @ParameterizedTest
    @ValueSource(classes = {Register.class, Unmapped.class})
    void everyScheduleMustBeLinearizable(final Class<?> structure) {
        options(3, 100).check(structure);
    }

    @ParameterizedTest
    @ValueSource(classes = {Register.class, Unmapped.class})
    @Tag("long")
    void everyScheduleMustBeLinearizableInMoreScenarios(final Class<?> structure) {
        options(50, 1_000).check(structure);
    }

    @Test
    void aReaderThatLooksBeforeItAnnouncesMustBeRefuted() {
        final AssertionError refuted = assertThrows(AssertionError.class, () -> options(40, 1_000).check(LooksFirst.class));
        assertTrue(refuted.getMessage().contains("Invalid execution results"), refuted::getMessage);
    }

    /** A register behind the lock, with all that can be done to it. */
    public static class Register extends LockedRegister {
        /** A fresh one, in a domain of its own. */
        public Register() {
            super(fresh());
        }
    }

    /** A region that is read and unmapped. */
    public static class Unmapped extends RegionState {
        /** A fresh one, in a domain of its own. */
        public Unmapped() {
            super(fresh());
        }

        /** Reads under a shared lock: the value, or -1. */
        @Operation
        public int sharing() {
            return readShared();
        }

        /** Unmaps, and poisons the memory. */
        @Operation(runOnce = true)
        public int unmapping() {
            return unmap();
        }
    }

    /** The reader looks at the lock word before it announces itself: [E1] the wrong way round. */
    public static class LooksFirst extends Unmapped {
        @Override
        @Operation
        public int sharing() {
            if (RecordLayout.lockAcquire(record) != RecordLayout.ATTACHED) {
                return -1;
            }
            final long slot = domain.slot();
            final int hazard = domain.announce(slot, record);
            final int value = readSlowly();
            domain.clear(slot, hazard);
            domain.leave(slot);
            return value;
        }
    }
}
