// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.SlotLayout;
import io.holdfast.layout.Words;
import io.holdfast.lock.RegionLock;
import java.lang.invoke.VarHandle;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A reader in a hazard that a drain does not look at, unless another word of the slot says that it is in use, against an
 * unmap: [E5] and [E6] of SlotScan, G1 and G3.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t FurtherHazardStress}
 */
public final class FurtherHazardStress {
    private FurtherHazardStress() {
    }

    /** The first number is what the reader read: 0 the region's bytes, 9 poison, -1 that it was refused. */
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "lock, read, release, then or meanwhile detach; poison last")
    @Outcome(id = "-1, 1", expect = Expect.ACCEPTABLE, desc = "detach, then lock: refused")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the drain passed over a reader that was inside")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** The lock of the library, in a second hazard while the first is free again. */
    abstract static class Nested extends RegionState {
        private static final long OTHER = 64;

        Nested(final EpochDomain domain) {
            super(domain);
        }

        final int readNested() {
            final long mine = domain.slot();
            final int first = domain.announce(mine, OTHER);
            final long stamp = lock.tryShare(record, incarnation);
            domain.clear(mine, first);
            if (stamp < 0) {
                return -1;
            }
            final int value = readSlowly();
            lock.endShare(record, stamp);
            return value;
        }
    }

    /** The steps of the twins, in the slot of the state. */
    abstract static class Stepwise extends RegionState {
        private static final int HAZARD = 1;
        private static final int BARRIER_LINGERS = 64;

        Stepwise() {
            super(MEMBARRIER);
        }

        final void announce() {
            SlotLayout.hazardOpaque(slot, HAZARD, record);
        }

        /** Leaves MORE as it is. */
        final void announceAlone() {
            Words.putOpaque(SlotLayout.hazardAddress(slot, HAZARD), record);
        }

        /** Leaves the hazard as it is. */
        final void clearMore() {
            Words.putRelease(SlotLayout.hazardAddress(slot, SlotLayout.HAZARDS), 0); // the word behind the hazards
        }

        final void clear() {
            SlotLayout.hazardRelease(slot, HAZARD);
        }

        final boolean isInside() {
            VarHandle.releaseFence();
            VarHandle.acquireFence();
            return RegionLock.isAttached(record, incarnation);
        }

        /** Waits longer than the heavy barrier takes that comes between a writer's detaching and its look. */
        static void lingerThroughABarrier() {
            for (int i = 0; i < BARRIER_LINGERS; i++) {
                linger();
            }
        }

        final int unmapWhenNothingIsAnnounced() {
            lock.tryDetach(record, incarnation);
            domain.heavyBarrier();
            final IdleStrategy idle = new YieldingIdleStrategy();
            while (SlotLayout.announcedOpaque(slot) != 0) {
                idle.idle();
            }
            VarHandle.acquireFence();
            write(POISON);
            return 1;
        }
    }

    /** What ships by default. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualMembarrier extends Nested {
        /** A fresh state. */
        public ActualMembarrier() {
            super(MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readNested();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmap();
        }
    }

    /** What ships for systems without the barrier. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualFence extends Nested {
        /** A fresh state. */
        public ActualFence() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readNested();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmap();
        }
    }

    /** The steps of the twins in their order. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class Steps extends Stepwise {
        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            announce();
            result.r1 = isInside() ? readSlowly() : -1;
            clear();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmapWhenNothingIsAnnounced();
        }
    }

    /** The slot says that the hazard is in use after the reader has looked; {@code WeakenedTwinsTest} sees it fail. */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = {"9, 1", "-2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "look, detach, pass over, say so, read: what the order of the two is for")
    @State
    public static class WeakenedMoreLate extends Stepwise {
        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            announceAlone();
            final boolean inside = isInside();
            lingerThroughABarrier();
            announce();
            result.r1 = inside ? readSlowly() : -1;
            clear();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmapWhenNothingIsAnnounced();
        }
    }

    /** The slot says that the hazard is free before the last read; {@code WeakenedTwinsTest} sees it fail. */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = {"9, 1", "-2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "say that it is free, pass over, poison, read: what the release of the two is for")
    @State
    public static class WeakenedMoreClearedEarly extends Stepwise {
        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            announce();
            final boolean inside = isInside();
            clearMore();
            lingerThroughABarrier();
            result.r1 = inside ? readSlowly() : -1;
            clear();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmapWhenNothingIsAnnounced();
        }
    }
}
