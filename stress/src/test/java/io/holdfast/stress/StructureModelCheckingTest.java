// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import io.holdfast.lock.RegionLock;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Schedules chosen by Lincheck's model checker, as in {@link ModelCheckingTest}: the lock of ranges, the tree, and leases
 * against the unmap of their region (G3, G6, G7). Scenarios are written out in the short form, and the checker's own in the
 * long one.
 */
class StructureModelCheckingTest {
    private static final int SHORT = 10;

    @Test
    void rangesMustBeLinearizable() {
        Schedules.check(Ranges.class, SHORT, "exchange 1 | readInChange ; readInSection",
            "exchange 1 | exchange 2 ; readInSection");
    }

    @Test
    void writersWithoutASectionMustBeRefuted() {
        Schedules.assertRefuted(WithoutSection.class, "exchange 1 | exchange 2 ; readInSection");
    }

    @Test
    void theTreeMustBeLinearizable() {
        Schedules.check(Tree.class, SHORT, "insert 0 2 1 | insert 1 2 2 ; find 1",
            "insertLowest 1 1 | insert 0 1 2 ; find 0", "insert 0 1 1 | remove 0 ; find 0");
    }

    @Test
    void anInsertThatLooksFirstMustBeRefuted() {
        Schedules.assertRefuted(LooksFirst.class, "insert 0 1 1 | insert 0 1 2 ; find 0");
    }

    @Test
    void leasesMustNotOutliveTheirRegion() {
        Schedules.check(Leased.class, 20 * SHORT, "readLeased | unmapping ; readLeased");
    }

    @Test
    void aRenewalThatLooksAtTheLockFirstMustBeRefuted() {
        Schedules.assertRefuted(LockFirst.class, "readLeased | unmapping ; readLeased");
    }

    @ParameterizedTest
    @ValueSource(classes = {Ranges.class, Tree.class, Leased.class})
    @Tag("long")
    void everyScheduleMustBeLinearizableInMoreScenarios(final Class<?> structure) {
        Schedules.options(30, 500).check(structure);
    }

    /** The register in a domain of its own. */
    public static class Ranges extends RangeRegister {
        /** A fresh one. */
        public Ranges() {
            super(Schedules.freshDomain());
        }
    }

    /** Writers begin no section. */
    public static class WithoutSection extends Ranges {
        @Override
        @Operation
        public int exchange(@Param(gen = IntGen.class, conf = "1:5") final int value) {
            return exchangeWithoutSection(value);
        }
    }

    /** The only window of a tree of its own. */
    public static class Tree extends TreeWindow {
        /** A fresh one. */
        public Tree() {
            this(Schedules.freshDomain());
        }

        private Tree(final EpochDomain domain) {
            super(domain, tree(domain, 1), 0);
        }
    }

    /** The insert looks, and then overwrites. */
    public static class LooksFirst extends Tree {
        @Override
        @Operation
        public boolean insert(@Param(name = "at") final int at, @Param(name = "length") final int length,
                              @Param(name = "value") final int value) {
            return insertAfterALook(at, length, value);
        }
    }

    /**
     * A region that is read through a lease and unmapped: the steps of a renewal [R1] and of an unmap [R2] around the
     * library's lock. The checker knows nothing of the arenas of the JDK, so these are numbers here.
     */
    public static class Leased extends RegionState {
        private static final int NONE = -1;

        private final AtomicInteger era = new AtomicInteger();
        private final AtomicInteger segment = new AtomicInteger(NONE); // the era of the lease's segment
        private final AtomicInteger closed = new AtomicInteger(); // how many eras are

        /** A fresh one, in a domain of its own. */
        public Leased() {
            super(Schedules.freshDomain());
        }

        /** Reads through the lease: the value, or -1. */
        @Operation
        public int readLeased() {
            while (true) {
                int mine = segment.get();
                if (mine == NONE || mine != era.get()) {
                    mine = renewed();
                    if (mine == NONE) {
                        return -1;
                    }
                    segment.set(mine);
                }
                final int value = read();
                if (mine >= closed.get()) { // what is read before the close is what was there before it
                    return value;
                }
            }
        }

        /** The era of a new segment. */
        int renewed() {
            final int now = era.get(); // [R1]
            return RegionLock.isAttached(record, incarnation) ? now : NONE;
        }

        /** Unmaps: true for who did it. */
        @Operation(runOnce = true)
        public boolean unmapping() {
            try (Waiting waiting = new Waiting(YieldingIdleStrategy::new, Waiting.FOREVER, false, Waiting.FOREVER)) {
                if (lock.detach(record, incarnation, waiting) < 0) {
                    return false;
                }
                final int last = era.get(); // [R2]; renewals take no part in the drain before it
                era.compareAndSet(last, last + 1);
                closed.set(last + 1);
                write(POISON);
                return true;
            }
        }

        final boolean isAttached() {
            return RegionLock.isAttached(record, incarnation);
        }

        final int currentEra() {
            return era.get();
        }
    }

    /** The renewal looks at the lock word, and then at the era. */
    public static class LockFirst extends Leased {
        @Override
        int renewed() {
            return isAttached() ? currentEra() : -1;
        }
    }
}
