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
 * A handle of one life against the end of that life and the beginning of the next in the same record: [S2], [C1], [D1]
 * of RegionLock, T3 and T4, G5. The next life's words hold 2.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t ReuseStress}
 */
public final class ReuseStress {
    private ReuseStress() {
    }

    /** The first number is what the reader read: 0 its life's bytes, 2 those of the next, -1 that it was refused. */
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE,
        desc = "lock, read, release, then or meanwhile the next life begins")
    @Outcome(id = "-1, 1", expect = Expect.ACCEPTABLE,
        desc = "the life ends, then lock: refused, also in the next life")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a handle of the old life locked the next one, or poison")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** The same with a writer that finds that its own life's handle still works. */
    abstract static class Reusing extends RegionState {
        private static final int WAKE = 3;
        private static final int LOOKS = 64;

        Reusing(final EpochDomain domain) {
            super(domain);
        }

        /** Ends this life and begins the next one. */
        final int reuse() {
            unmap();
            RegionLock.reclaim(record);
            write(2);
            final long next = RegionLock.attach(record);
            final long stamp = RegionLock.tryHold(record, next);
            RegionLock.endHold(record);
            return next > incarnation && stamp > 0 ? 1 : 0;
        }

        /** Ends this life and begins the next one with the sequence of this one. */
        final int reuseWithTheSameSequence() {
            unmap();
            RegionLock.reclaim(record);
            write(2);
            RecordLayout.incarnationRelease(record, incarnation);
            RecordLayout.sequenceRelease(record, incarnation);
            RecordLayout.lockRelease(record, RecordLayout.ATTACHED);
            return 1;
        }

        /** Ends this life, begins the next one, and says whether somebody else wrote into it: 1, or what was written. */
        final int reuseAndLook() {
            reuse();
            for (int i = 0; i < LOOKS; i++) {
                if (read() != 2) {
                    return WAKE;
                }
            }
            return 1;
        }

        /** Reads, and leaves word for the writer that waits after the last moment at which that is allowed. */
        final int readAndWake() {
            final int value = readShared();
            if (value != -1) {
                linger();
                linger();
                writeFirst(WAKE);
            }
            return value;
        }

        /** Compares the incarnation before the announcement instead of after it. */
        final int readComparingFirst() {
            if (RecordLayout.incarnationAcquire(record) != incarnation) {
                return -1;
            }
            linger();
            final long own = domain.slot();
            final int hazard = domain.announce(own, record);
            final int value = RegionLock.isAttached(record) ? read() : -1;
            domain.clear(own, hazard);
            return value;
        }
    }

    /** Shared by hazard, membarrier flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class SharedMembarrier extends Reusing {
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
            result.r2 = reuse();
        }
    }

    /** A counted hold, membarrier flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class HoldMembarrier extends Reusing {
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
            result.r2 = reuse();
        }
    }

    /** An optimistic read, membarrier flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class OptimisticMembarrier extends Reusing {
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
            result.r2 = reuse();
        }
    }

    /** Shared by hazard, fence flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class SharedFence extends Reusing {
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
            result.r2 = reuse();
        }
    }

    /** A counted hold, fence flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class HoldFence extends Reusing {
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
            result.r2 = reuse();
        }
    }

    /** An optimistic read, fence flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class OptimisticFence extends Reusing {
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
            result.r2 = reuse();
        }
    }

    /** The incarnation compared before the announcement. */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = "2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "compare, the life ends, the next begins, announce, look: locked in the wrong life")
    @State
    public static class WeakenedComparedFirst extends Reusing {
        /** A fresh state. */
        public WeakenedComparedFirst() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readComparingFirst();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = reuse();
        }
    }

    /** An optimistic read of which the last load comes after the validation, as it may without the fence of [O2]. */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet, or the validation failed")
    @Outcome(id = {"-2, 1", "2, 1", "9, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "stamp, validate, the life ends, the next begins, read: bytes of another life")
    @State
    public static class WeakenedValidatedEarly extends Reusing {
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
            result.r2 = reuse();
        }
    }

    /** A next life whose sequence begins where that of the one before did (T4). */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet, or the validation failed")
    @Outcome(id = {"-2, 1", "2, 1", "9, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "stamp, the life ends, the next begins with the same sequence, read, validate: what rising for ever is for")
    @State
    public static class WeakenedSequenceReset extends Reusing {
        /** A fresh state. */
        public WeakenedSequenceReset() {
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
            result.r2 = reuseWithTheSameSequence();
        }
    }

    /** A reader that wakes the writer through what the record stands for, after its release (T3). */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = "0, 3", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "lock, release, the life ends, the next begins, wake: the next owner finds it in its bytes")
    @State
    public static class WeakenedWakeAfterRelease extends Reusing {
        /** A fresh state. */
        public WeakenedWakeAfterRelease() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readAndWake();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = reuseAndLook();
        }
    }
}
