// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.RecordLayout;
import io.holdfast.layout.SlotLayout;
import io.holdfast.lock.RegionLock;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The last read of a reader against the unmap, and a reader that comes too late: [S3], [O2], [D1] of RegionLock, T1,
 * G1, G3, G4.
 *
 * <p>On x86 a processor moves no load past a later store or load, so weaker access modes alone show nothing there but
 * what a compiler makes of them. The twins do in program order what another processor, AArch64 for one, may do.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t UnmapStress}
 */
public final class UnmapStress {
    private UnmapStress() {
    }

    /** The first number is what the reader read: 0 the region's bytes, 9 poison, -1 that it was refused. */
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE,
        desc = "lock, read, release, then or meanwhile detach; poison last")
    @Outcome(id = "-1, 1", expect = Expect.ACCEPTABLE, desc = "detach, then lock: refused")
    @Outcome(expect = Expect.FORBIDDEN, desc = "lock, detach, poison, read: the memory was given back under a reader")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** A shared lock by hazard, membarrier flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class SharedMembarrier extends RegionState {
        /** A fresh state. */
        public SharedMembarrier() {
            super(MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readShared();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmap();
        }
    }

    /** A shared lock by hazard, fence flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class SharedFence extends RegionState {
        /** A fresh state. */
        public SharedFence() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readShared();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmap();
        }
    }

    /** A counted hold; membarrier flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class HoldMembarrier extends RegionState {
        /** A fresh state. */
        public HoldMembarrier() {
            super(MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readHolding();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmap();
        }
    }

    /** A counted hold; fence flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class HoldFence extends RegionState {
        /** A fresh state. */
        public HoldFence() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readHolding();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmap();
        }
    }

    /** An optimistic read, which nobody waits for; membarrier flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class OptimisticMembarrier extends RegionState {
        /** A fresh state. */
        public OptimisticMembarrier() {
            super(MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readOptimistically();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmap();
        }
    }

    /** An optimistic read, which nobody waits for; fence flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class OptimisticFence extends RegionState {
        /** A fresh state. */
        public OptimisticFence() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readOptimistically();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmap();
        }
    }

    /** An unmap that does not wait. */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = {"9, 1", "-2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "lock, detach, poison, read: what the drain is for")
    @State
    public static class WeakenedNoDrain extends RegionState {
        /** A fresh state. */
        public WeakenedNoDrain() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readShared();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            lock.tryDetach(record, incarnation);
            write(POISON);
            result.r2 = 1;
        }
    }

    /** An optimistic read that is not validated. */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = {"9, 1", "-2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "stamp, detach, poison, read: what the validation is for")
    @State
    public static class WeakenedNoValidation extends RegionState {
        /** A fresh state. */
        public WeakenedNoValidation() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = RegionLock.tryOptimisticRead(record, incarnation) == 0 ? -1 : readSlowly();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmap();
        }
    }

    /** The whole end of a life against an announcement that is taken back; the last number says what is left: T1. */
    abstract static class Ending extends RegionState {
        Ending(final EpochDomain domain) {
            super(domain);
        }

        /** Locks for some time: 1, or -1 if the lock was refused, or 2 if the record was free meanwhile. */
        final int share() {
            final long stamp = lock.tryShare(record, incarnation);
            if (stamp < 0) {
                return -1;
            }
            linger();
            final int inside = RecordLayout.lockVolatile(record) == 0 ? 2 : 1;
            lock.endShare(record, stamp);
            return inside;
        }

        final void share(final II_Result result) {
            result.r1 = share();
        }

        final void unmapAndReclaim(final II_Result result) {
            result.r2 = unmapAndReclaim();
        }

        final void unmapFirst(final II_Result result) {
            result.r1 = unmap();
        }

        final void unmapSecond(final II_Result result) {
            result.r2 = unmap();
        }

        final int detachInTwoSteps() {
            if (!RegionLock.isAttached(record, incarnation)) {
                return -1;
            }
            RecordLayout.getAndMaskLock(record, ~RecordLayout.ATTACHED);
            return 1;
        }

        final int unmapAndReclaim() {
            final int result = unmap();
            RegionLock.reclaim(record);
            return result;
        }

        final int rest() {
            final boolean announced = domain.isAnnounced(record, 0) || SlotLayout.hazardAcquire(slot, 0) != 0;
            return RecordLayout.lockVolatile(record) == 0 && !announced ? 0 : 1;
        }
    }

    /** T1: a temporary reader and the detach; then the record is free, once, with nobody announced; membarrier flavour. */
    @JCStressTest
    @Outcome(id = {"1, 1, 0", "-1, 1, 0"}, expect = Expect.ACCEPTABLE,
        desc = "announce before, during or after the detach: inside or refused, and nothing is left")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the last one out left something behind, or freed what was not its own")
    @State
    public static class TemporaryReaderMembarrier extends Ending {
        /** A fresh state. */
        public TemporaryReaderMembarrier() {
            super(MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final III_Result result) {
            result.r1 = share();
        }

        /** The writer. */
        @Actor
        public void writer(final III_Result result) {
            result.r2 = unmapAndReclaim();
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = rest();
        }
    }

    /** T1: a temporary reader and the detach; then the record is free, once, and nobody is announced; fence flavour. */
    @JCStressTest
    @Outcome(id = {"1, 1, 0", "-1, 1, 0"}, expect = Expect.ACCEPTABLE,
        desc = "announce before, during or after the detach: inside or refused, and nothing is left")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the last one out left something behind, or freed what was not its own")
    @State
    public static class TemporaryReaderFence extends Ending {
        /** A fresh state. */
        public TemporaryReaderFence() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final III_Result result) {
            result.r1 = share();
        }

        /** The writer. */
        @Actor
        public void writer(final III_Result result) {
            result.r2 = unmapAndReclaim();
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = rest();
        }
    }

    /** T1: two unmaps of one region; one of them is it; membarrier flavour. */
    @JCStressTest
    @Outcome(id = {"1, -1, 0", "-1, 1, 0"}, expect = Expect.ACCEPTABLE, desc = "one detached, the other was too late")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both or none detached")
    @State
    public static class TwoUnmapsMembarrier extends Ending {
        /** A fresh state. */
        public TwoUnmapsMembarrier() {
            super(MEMBARRIER);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = unmap();
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = unmap();
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            RegionLock.reclaim(record);
            result.r3 = rest();
        }
    }

    /** T1: two unmaps of one region; one of them is it; fence flavour. */
    @JCStressTest
    @Outcome(id = {"1, -1, 0", "-1, 1, 0"}, expect = Expect.ACCEPTABLE, desc = "one detached, the other was too late")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both or none detached")
    @State
    public static class TwoUnmapsFence extends Ending {
        /** A fresh state. */
        public TwoUnmapsFence() {
            super(FENCE);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = unmap();
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = unmap();
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            RegionLock.reclaim(record);
            result.r3 = rest();
        }
    }

    /** T1: a record that is freed without a drain, as by a detach that took no reader for one that is still inside. */
    @JCStressTest
    @Outcome(id = {"1, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = "2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "announce, look, detach, free: a reader inside a record that is free, what the drain is for")
    @State
    public static class WeakenedFreedEarly extends Ending {
        /** A fresh state. */
        public WeakenedFreedEarly() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = share();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            lock.tryDetach(record, incarnation);
            RegionLock.reclaim(record);
            result.r2 = 1;
        }
    }

    /** T1: two unmaps that look whether the region is attached and take that away in two steps. */
    @JCStressTest
    @Outcome(id = {"1, -1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "one detached, the other was too late")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "look, look, detach, detach: both free the memory, what the compare-and-set is for")
    @State
    public static class WeakenedTwoSteps extends Ending {
        /** A fresh state. */
        public WeakenedTwoSteps() {
            super(FENCE);
        }

        /** One writer. */
        @Actor
        public void first(final II_Result result) {
            result.r1 = detachInTwoSteps();
        }

        /** The other. */
        @Actor
        public void second(final II_Result result) {
            result.r2 = detachInTwoSteps();
        }
    }

    /** A reader that ends its lock before its last read, which is where a load may go without the release of [S3]. */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = {"9, 1", "-2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "lock, release, detach, drain, poison, read: what the release is for")
    @State
    public static class WeakenedReleasedEarly extends RegionState {
        /** A fresh state. */
        public WeakenedReleasedEarly() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            final long stamp = lock.tryShare(record, incarnation);
            if (stamp < 0) {
                result.r1 = -1;
                return;
            }
            lock.endShare(record, stamp);
            linger();
            result.r1 = readSlowly();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmap();
        }
    }

    /** An optimistic read of which the last load comes after the validation, as it may without the fence of [O2]. */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet, or the validation failed")
    @Outcome(id = {"9, 1", "-2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "stamp, validate, detach, poison, read: what the fence is for")
    @State
    public static class WeakenedValidatedEarly extends RegionState {
        /** A fresh state. */
        public WeakenedValidatedEarly() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readAfterValidation();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmap();
        }
    }
}
