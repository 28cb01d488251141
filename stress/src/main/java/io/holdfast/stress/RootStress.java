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
 * A lookup against the publication of a new root: [T1] of IntervalTree, G7.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t RootStress}
 */
public final class RootStress {
    private RootStress() {
    }

    /** The first number is the value that the reader found, the second is 1 for the writer's success. */
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "read the root, then the change: the old interval")
    @Outcome(id = "2, 1", expect = Expect.ACCEPTABLE, desc = "the change, then read the root: the new interval, whole")
    @Outcome(expect = Expect.FORBIDDEN, desc = "swing, read, fill: a root whose nodes are not there yet")
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
            super(RegionState.FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readModel();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            fillNew();
            swing();
            result.r2 = 1;
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
            result.r1 = readTree();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = changeTree();
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
            result.r1 = readTree();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = changeTree();
        }
    }

    /** The root swung before its leaf is filled, which is what a weaker store of the root would allow. */
    @JCStressTest
    @Outcome(id = {"1, 1", "2, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = {"0, 1", "9, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "swing, read, fill: nothing, or what the node held in its last life")
    @State
    public static class Weakened extends TreeState {
        /** A fresh state. */
        public Weakened() {
            super(RegionState.FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readModel();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            swing();
            fillNew();
            result.r2 = 1;
        }
    }
}
