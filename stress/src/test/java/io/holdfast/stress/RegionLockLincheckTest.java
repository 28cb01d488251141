// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.epoch.EpochDomain;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;

/**
 * Linearizability of the region lock under both flavours: a register behind it, read and written in every mode and unmapped
 * at some time, must look to Lincheck like a register (G1, G2, G3).
 *
 * <p>Stress mode; {@link ModelCheckingTest} chooses schedules.
 */
class RegionLockLincheckTest {
    private static StressOptions options() {
        return new StressOptions().iterations(30).invocationsPerIteration(1_000).threads(3).actorsPerThread(3)
            .actorsBefore(1).actorsAfter(2).minimizeFailedScenario(false);
    }

    @Test
    void theLockMustBeLinearizableWithTheMembarrier() {
        options().check(Membarrier.class);
    }

    @Test
    void theLockMustBeLinearizableWithFences() {
        options().check(Fence.class);
    }

    @Test
    void aWriterWithoutTheLockMustBeCaughtWithTheMembarrier() {
        assertCaught(BustedMembarrier.class);
    }

    @Test
    void aWriterWithoutTheLockMustBeCaughtWithFences() {
        assertCaught(BustedFence.class);
    }

    private static void assertCaught(final Class<?> busted) {
        final AssertionError caught = assertThrows(AssertionError.class,
            () -> options().iterations(200).check(busted), "seen: a register that is none");
        assertTrue(caught.getMessage().contains("Invalid execution results"), caught::getMessage);
    }

    /** Readers announce without a fence, and writers issue a membarrier. */
    public static class Membarrier extends LockedRegister {
        /** A fresh register. */
        public Membarrier() {
            super(MEMBARRIER);
        }
    }

    /** Readers and writers run full fences. */
    public static class Fence extends LockedRegister {
        /** A fresh register. */
        public Fence() {
            super(FENCE);
        }
    }

    /** A register whose writer takes no lock. */
    public abstract static class Busted extends LockedRegister {
        /** A fresh register whose readers announce themselves in the domain. */
        protected Busted(final EpochDomain domain) {
            super(domain);
        }

        @Override
        @Operation
        public int exchange(@Param(gen = IntGen.class, conf = "1:5") final int value) {
            return exchangeWithoutLock(value);
        }
    }

    /** The same beside readers without a fence. */
    public static class BustedMembarrier extends Busted {
        /** A fresh register. */
        public BustedMembarrier() {
            super(MEMBARRIER);
        }
    }

    /** The same beside readers with fences. */
    public static class BustedFence extends Busted {
        /** A fresh register. */
        public BustedFence() {
            super(FENCE);
        }
    }
}
