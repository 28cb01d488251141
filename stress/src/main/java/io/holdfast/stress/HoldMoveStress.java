// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RegionLock;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A shared lock that moves from hazard to count while a writer drains: the order of the drain in RegionLock, G1 and G2.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t HoldMoveStress}
 */
public final class HoldMoveStress {
    private HoldMoveStress() {
    }

    /** The first number is what the reader saw in both words, -1 if it was refused, -2 if they differed. */
    @Outcome(id = {"0, 1", "0, -1"}, expect = Expect.ACCEPTABLE,
        desc = "lock, move, read, release; the writer waited or left")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "write, then lock: the reader sees all of it")
    @Outcome(id = {"-1, 1", "-1, -1"}, expect = Expect.ACCEPTABLE, desc = "the reader was refused")
    @Outcome(expect = Expect.FORBIDDEN,
        desc = "count seen as zero, move, hazard seen as free: the reader was overlooked")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** A reader that moves, and writers with the two orders of looking. */
    abstract static class Moving extends RegionState {
        Moving(final EpochDomain domain) {
            super(domain);
        }

        final int moveAndRead() {
            final long shared = lock.tryShare(record, incarnation);
            if (shared < 0) {
                return -1;
            }
            linger();
            lock.toHold(record, shared);
            final int first = readSlowly();
            final int second = readSlowly();
            RegionLock.endHold(record);
            return first == second ? first : -2;
        }

        final int writeLookingAtTheCountFirst() {
            for (int i = 0; i < 4; i++) {
                Thread.onSpinWait(); // lets the reader in first
            }
            excludeWithoutBarrier();
            domain.heavyBarrier();
            int result = -1;
            if ((RecordLayout.lockVolatile(record) & RecordLayout.COUNT) == 0) {
                linger();
                if (!domain.isAnnounced(record, 0)) {
                    write(1);
                    result = 1;
                }
            }
            include();
            return result;
        }
    }

    /** Membarrier flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualMembarrier extends Moving {
        /** A fresh state. */
        public ActualMembarrier() {
            super(MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = moveAndRead();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = writeExclusive(1);
        }
    }

    /** Fence flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualFence extends Moving {
        /** A fresh state. */
        public ActualFence() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = moveAndRead();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = writeExclusive(1);
        }
    }

    /** A drain that looks at the count first. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1", "-1, 1", "0, -1", "1, -1", "-1, -1"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or one saw the other")
    @Outcome(id = "-2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "count seen as zero, move, hazard seen as free: the reader was overlooked")
    @State
    public static class WeakenedCountFirst extends Moving {
        /** A fresh state. */
        public WeakenedCountFirst() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = moveAndRead();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = writeLookingAtTheCountFirst();
        }
    }
}
