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
 * A snapshot that is looked at twice against an attach, or a detach: [V1] to [V3] of Lifetimes, G7.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t LifetimeStress}
 */
public final class LifetimeStress {
    private LifetimeStress() {
    }

    /** The first number is whether the record is in the snapshot, 2 if the looks differ; the second is 1 for the step. */
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE,
        desc = "snapshot, then attach or its stamp; or detach, its stamp, then the snapshot: not shown")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE,
        desc = "attach, its stamp, then the snapshot; or snapshot, then detach or its stamp: shown")
    @Outcome(expect = Expect.FORBIDDEN, desc = "snapshot, look, step, stamp of before, look: a snapshot that changed")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** The steps one by one. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class Model extends LifetimeState {
        /** A fresh state. */
        public Model() {
            super(RegionState.FENCE, false);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = lookTwiceModel(true);
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = attachModel();
        }
    }

    /** What ships. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualAttach extends LifetimeState {
        /** A fresh state. */
        public ActualAttach() {
            super(RegionState.FENCE, false);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = lookTwice();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = attach();
        }
    }

    /** What ships by default. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualDetachMembarrier extends LifetimeState {
        /** A fresh state. */
        public ActualDetachMembarrier() {
            super(RegionState.MEMBARRIER, true);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = lookTwice();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = detach();
        }
    }

    /** What ships for systems without the barrier. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualDetachFence extends LifetimeState {
        /** A fresh state. */
        public ActualDetachFence() {
            super(RegionState.FENCE, true);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = lookTwice();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = detach();
        }
    }

    /** The clock is read before the step. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = "2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "clock, snapshot, look, attach, stamp, look: what [V1] is for")
    @State
    public static class WeakenedStampedBefore extends LifetimeState {
        /** A fresh state. */
        public WeakenedStampedBefore() {
            super(RegionState.FENCE, false);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = lookTwiceModel(true);
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = attachStampedBefore();
        }
    }

    /** The clock is read while the step is on its way. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = "2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "attach in the store buffer, clock, snapshot, look, stamp, look: what the fence of [V1] is for")
    @State
    public static class WeakenedUnfenced extends LifetimeState {
        /** A fresh state. */
        public WeakenedUnfenced() {
            super(RegionState.FENCE, false);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = lookTwiceModel(true);
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = attachUnfenced();
        }
    }

    /** Who looks takes what is not stamped yet for what is going to be. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = "2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "attach, clock, snapshot, look, stamp, look: what the help of [V3] is for")
    @State
    public static class WeakenedUnhelped extends LifetimeState {
        /** A fresh state. */
        public WeakenedUnhelped() {
            super(RegionState.FENCE, false);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = lookTwiceModel(false);
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = attachModel();
        }
    }
}
