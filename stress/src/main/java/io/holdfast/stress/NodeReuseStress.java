// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A reader in a node that is replaced, retired and used again: [T2] and [T3] of IntervalTree, [N1] of NodePool, G1, T19.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t NodeReuseStress}
 */
public final class NodeReuseStress {
    private NodeReuseStress() {
    }

    /** The first number is the value that the reader found twice, the second is 1 where the writer went through. */
    @Outcome(id = {"1, 1", "1, 0"}, expect = Expect.ACCEPTABLE,
        desc = "pin, read the root, then the change: the old node, which stays as it is until the pin has ended")
    @Outcome(id = {"2, 1", "2, 0"}, expect = Expect.ACCEPTABLE,
        desc = "the change, then read the root: the new node; a pin that began in between may hold the old one back")
    @Outcome(expect = Expect.FORBIDDEN, desc = "pin, read the root, swing, use again, read: a node of another life")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** The steps one by one. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class Model extends TreeState {
        /** A fresh state. */
        public Model() {
            super(RegionState.MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readModelPinned();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = swingAndReuse(true);
        }
    }

    /** What ships by default. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualMembarrier extends TreeState {
        /** A fresh state. */
        public ActualMembarrier() {
            super(RegionState.MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readSnapshot();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = changeTreeAgainAndAgain();
        }
    }

    /** What ships for systems without the barrier. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualFence extends TreeState {
        /** A fresh state. */
        public ActualFence() {
            super(RegionState.FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readSnapshot();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = changeTreeAgainAndAgain();
        }
    }

    /** Without the look at the pins. */
    @JCStressTest
    @Outcome(id = {"1, 1", "2, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = {"9, 1", "-2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "pin, read the root, swing, use again, read: what the grace period is for")
    @State
    public static class Weakened extends TreeState {
        /** A fresh state. */
        public Weakened() {
            super(RegionState.FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readModelPinned();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = swingAndReuse(false);
        }
    }
}
