// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.layout.RecordLayout;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Schedules chosen by Lincheck's model checker, which switches threads before each access of a word: the lock, and unmap
 * with readers (G1, G2, G3). It chooses by seeds of its own that never change.
 *
 * <p>{@link Schedules} says what the checker sees; a mutant whose defect lies between two words shows that it switches
 * there.
 */
class ModelCheckingTest {
    @ParameterizedTest
    @ValueSource(classes = {Register.class, Unmapped.class})
    void everyScheduleMustBeLinearizable(final Class<?> structure) {
        Schedules.options(3, 100).check(structure);
    }

    @ParameterizedTest
    @ValueSource(classes = {Register.class, Unmapped.class})
    @Tag("long")
    void everyScheduleMustBeLinearizableInMoreScenarios(final Class<?> structure) {
        Schedules.options(50, 1_000).check(structure);
    }

    @Test
    void aReaderThatLooksBeforeItAnnouncesMustBeRefuted() {
        Schedules.assertRefuted(LooksFirst.class, "sharing | unmapping ; sharing");
    }

    @Test
    void aWriterWithoutTheLockMustBeRefuted() {
        Schedules.assertRefuted(WithoutLock.class, "exchange 1 | exchange 2 ; readSharing");
    }

    /** A register behind the lock, with all that can be done to it. */
    public static class Register extends LockedRegister {
        /** A fresh one, in a domain of its own. */
        public Register() {
            super(Schedules.freshDomain());
        }
    }

    /** Writers take no lock. */
    public static class WithoutLock extends Register {
        @Override
        @Operation
        public int exchange(@Param(gen = IntGen.class, conf = "1:5") final int value) {
            return exchangeWithoutLock(value);
        }
    }

    /** A region that is read and unmapped. */
    public static class Unmapped extends RegionState {
        /** A fresh one, in a domain of its own. */
        public Unmapped() {
            super(Schedules.freshDomain());
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
