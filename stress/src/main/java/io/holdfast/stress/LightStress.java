// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.layout.SlotLayout;
import io.holdfast.layout.Words;
import io.holdfast.lock.RegionLock;
import java.lang.invoke.VarHandle;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A reader that begins and ends to announce without a fence, against a writer that leaves out its barrier where there is
 * no such reader: [L1] of SlotTable, G1 and G8.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t LightStress}
 */
public final class LightStress {
    private LightStress() {
    }

    /** The steps, with the code of the library. */
    abstract static class Changing extends AnnounceStress.Announcing {
        private static final long OTHER = 1;

        Changing() {
            super(CHANGING);
        }

        /** Announces something else with a fence, and is light from then on. */
        final void becomeLight() {
            domain.clear(slot, domain.announce(slot, OTHER));
        }
    }

    /** Light before the announcement, and still after it. */
    @JCStressTest
    @JCStressMeta(AnnounceStress.Outcomes.class)
    @State
    public static class ActualBegin extends Changing {
        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            becomeLight();
            result.r1 = announce();
            domain.stopBeingLight(slot); // the next state's reader begins as this one did
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = detach(true);
        }
    }

    /** The announcement is the one by which the reader becomes light. */
    @JCStressTest
    @JCStressMeta(AnnounceStress.Outcomes.class)
    @State
    public static class ActualFirst extends Changing {
        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = announce();
            domain.stopBeingLight(slot);
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = detach(true);
        }
    }

    /** Becoming light without the fence after it; {@code WeakenedTwinsTest} asserts that this shows. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1", "0, 0"}, expect = Expect.ACCEPTABLE, desc = "one of the two sees the other")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "the reader is light, and that has not left its processor when the writer decides to do without")
    @State
    public static class WeakenedUnfenced extends Changing {
        private static final int HAZARD = 0;

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            Words.putOpaque(lightWord(), 1);
            SlotLayout.hazardOpaque(slot, HAZARD, record);
            VarHandle.releaseFence();
            VarHandle.acquireFence();
            result.r1 = RegionLock.isAttached(record, incarnation) ? 1 : 0;
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            lock.tryDetach(record, incarnation);
            VarHandle.fullFence();
            if (Words.getAcquire(lightWord()) != 0) {
                MEMBARRIER.heavyBarrier();
            }
            result.r2 = SlotLayout.hazardAcquire(slot, HAZARD) == 0 ? 1 : 0;
        }

        /** A word of the slot that is free in this test. */
        private long lightWord() {
            return SlotLayout.hazardAddress(slot, SlotLayout.HAZARDS - 1);
        }
    }
}
