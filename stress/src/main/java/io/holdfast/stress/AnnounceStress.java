// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.SlotLayout;
import io.holdfast.lock.RegionLock;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The announcement of a reader against the exclusion by a writer: [E1] of EpochDomain, [S1] of RegionLock, G1 and G2.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t AnnounceStress}
 */
public final class AnnounceStress {
    private AnnounceStress() {
    }

    /** The first number is 1 if the reader believes it is inside, the second if the writer believes it is alone. */
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE,
        desc = "announce, look, detach, look: the reader is inside, the writer sees it and waits")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE,
        desc = "detach, look, announce, look: the writer is alone, the reader is refused")
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE,
        desc = "announce, detach, both look: the reader is refused, the writer sees it for a moment")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both looks before both stores: a reader in memory that is reclaimed")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** The four steps, with the code of the library. */
    abstract static class Announcing extends RegionState {
        Announcing(final EpochDomain domain) {
            super(domain);
        }

        final int announce() {
            domain.announce(slot, record);
            return RegionLock.isAttached(record, incarnation) ? 1 : 0;
        }

        final int detach(final boolean barrier) {
            lock.tryDetach(record, incarnation);
            if (barrier) {
                domain.heavyBarrier();
            }
            return SlotLayout.hazardAcquire(slot, 0) == 0 ? 1 : 0;
        }
    }

    /** The same with volatile fields. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class Model {
        private volatile int announced;
        private volatile int detached;

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            announced = 1;
            result.r1 = 1 - detached;
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            detached = 1;
            result.r2 = 1 - announced;
        }
    }

    /** What ships by default. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualMembarrier extends Announcing {
        /** A fresh state. */
        public ActualMembarrier() {
            super(MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = announce();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = detach(true);
        }
    }

    /** What ships for systems without the barrier. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualFence extends Announcing {
        /** A fresh state. */
        public ActualFence() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = announce();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = detach(true);
        }
    }

    /** Without the writer's barrier; {@code WeakenedTwinsTest} asserts that this shows. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1", "0, 0"}, expect = Expect.ACCEPTABLE, desc = "one of the two sees the other")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "both look before the reader's store has left its processor: what the barrier is for")
    @State
    public static class Weakened extends Announcing {
        /** A fresh state. */
        public Weakened() {
            super(MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = announce();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = detach(false);
        }
    }
}
