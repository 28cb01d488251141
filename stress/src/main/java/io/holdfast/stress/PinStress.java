// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.RecordLayout;
import io.holdfast.layout.SlotLayout;
import io.holdfast.lock.RegionLock;
import java.lang.invoke.VarHandle;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A pin against retiring: [E1] to [E4] of EpochDomain, T19, G1 and G3. The twins are the ways in which epoch schemes have
 * failed, T19's five forms.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t PinStress}
 */
public final class PinStress {
    private PinStress() {
    }

    /** The first number is what the reader read: 0 the region's bytes, 9 poison, -1 that it found nothing. */
    @Outcome(id = {"0, 1", "0, 0"}, expect = Expect.ACCEPTABLE,
        desc = "pin, find, read, then or meanwhile detach: the memory is poisoned after the pin, or not at all")
    @Outcome(id = {"-1, 1", "-1, 0"}, expect = Expect.ACCEPTABLE,
        desc = "detach, then pin: nothing is found; a pin that began in between may hold the writer up")
    @Outcome(expect = Expect.FORBIDDEN, desc = "pin, find, detach, poison, read: reclaimed under a pin")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** The steps, with the code of the library. */
    abstract static class Pinning extends RegionState {
        Pinning(final EpochDomain domain) {
            super(domain);
        }

        final int readPinned() {
            domain.pin();
            final int value = RegionLock.isAttached(record, incarnation) ? readSlowly() : -1;
            domain.unpin();
            return value;
        }

        final int retire(final boolean patient) {
            lock.tryDetach(record, incarnation);
            final long tag = domain.retireEpoch();
            if (patient) {
                return poisonIfPassed(tag);
            }
            write(POISON);
            return 1;
        }

        final int readFindingFirst() {
            final boolean found = RegionLock.isAttached(record, incarnation);
            linger();
            domain.pin();
            final int value = found ? readSlowly() : -1;
            domain.unpin();
            return value;
        }

        final int retireTaggingFirst() {
            final long tag = domain.currentEpoch();
            advanceBeyond(tag);
            linger();
            lock.tryDetach(record, incarnation);
            domain.heavyBarrier();
            return poisonIfPassed(tag);
        }

        final int retireDetachingLate() {
            excludeWithoutBarrier();
            final long tag = domain.retireEpoch();
            advanceBeyond(tag);
            linger();
            RecordLayout.getAndMaskLock(record, ~RecordLayout.ATTACHED);
            return poisonIfPassed(tag);
        }

        /** What a second writer does that has the same tag and meets a pin. */
        private void advanceBeyond(final long tag) {
            domain.pinStructure();
            domain.passed(tag);
            domain.unpinStructure();
        }

        private int poisonIfPassed(final long tag) {
            if (!domain.passed(tag)) {
                return 0;
            }
            write(POISON);
            return 1;
        }
    }

    /** What ships by default. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualMembarrier extends Pinning {
        /** A fresh state. */
        public ActualMembarrier() {
            super(MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readPinned();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = retire(true);
        }
    }

    /** What ships for systems without the barrier. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ActualFence extends Pinning {
        /** A fresh state. */
        public ActualFence() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readPinned();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = retire(true);
        }
    }

    /** Without the look at the pins. */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = {"9, 1", "-2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "pin, find, detach, poison, read: what the grace period is for")
    @State
    public static class WeakenedNoGracePeriod extends Pinning {
        /** A fresh state. */
        public WeakenedNoGracePeriod() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readPinned();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = retire(false);
        }
    }

    /** Without the barrier, T19's first and third form: the announcement is a plain store, the scan comes too early. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1", "0, 0"}, expect = Expect.ACCEPTABLE, desc = "one of the two sees the other")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "the pin is still on its way when the writer scans, and the root was read before the detach")
    @State
    public static class WeakenedNoBarrier extends Pinning {
        /** A fresh state. */
        public WeakenedNoBarrier() {
            super(MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            domain.pin(); // the thread is light from its second on
            domain.unpin();
            SlotLayout.pinOpaque(slot, 1);
            VarHandle.releaseFence();
            VarHandle.acquireFence();
            result.r1 = RegionLock.isAttached(record, incarnation) ? 1 : 0;
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            lock.tryDetach(record, incarnation);
            result.r2 = SlotLayout.pinAcquire(slot) == 0 ? 1 : 0;
        }
    }

    /** T19's second form: the epoch is read and a region found, and announced only then, when its epoch may have passed. */
    @JCStressTest
    @Outcome(id = {"0, 1", "0, 0", "-1, 1", "-1, 0"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or the pin came in time")
    @Outcome(id = {"9, 1", "-2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "find, detach, scan, pin, poison, read: what the order of pin and look is for")
    @State
    public static class WeakenedFoundFirst extends Pinning {
        /** A fresh state. */
        public WeakenedFoundFirst() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readFindingFirst();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = retire(true);
        }
    }

    /** T19's fourth form: the tag is from before the detaching, so later pins that still find the region pass for new. */
    @JCStressTest
    @Outcome(id = {"0, 1", "0, 0", "-1, 1", "-1, 0"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or the writer saw an old pin")
    @Outcome(id = {"9, 1", "-2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "tag, pin with a later epoch, find, detach, scan, poison, read: what [E4] is for")
    @State
    public static class WeakenedTaggedFirst extends Pinning {
        /** A fresh state. */
        public WeakenedTaggedFirst() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readPinned();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = retireTaggingFirst();
        }
    }

    /** T19's fifth form: announcement, barrier and tag, and the detaching only then; pins in between find the region. */
    @JCStressTest
    @Outcome(id = {"0, 1", "0, 0", "-1, 1", "-1, 0"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or the writer saw an old pin")
    @Outcome(id = {"9, 1", "-2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "exclude, barrier, tag, pin, find, detach, scan, poison, read: why detach and exclusion are one step")
    @State
    public static class WeakenedDetachedLate extends Pinning {
        /** A fresh state. */
        public WeakenedDetachedLate() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readPinned();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = retireDetachingLate();
        }
    }
}
