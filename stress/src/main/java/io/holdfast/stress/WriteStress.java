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
 * An exclusive writer against the readers of every kind: [X1] to [X3], [O1], [O2], [S1] to [S3] of RegionLock, G2. The
 * writer changes two words together; a reader that sees one of them changed read while the writer wrote.
 *
 * <p>On x86 a processor keeps loads among themselves, and stores, in order, so weaker access modes alone show nothing
 * there but what a compiler makes of them. The twins do in program order what another processor, AArch64 for one, may do.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t WriteStress}
 */
public final class WriteStress {
    private WriteStress() {
    }

    /** The first number is what the reader saw in both words, -1 if it was refused, -2 if they differed. */
    @Outcome(id = {"0, 1", "0, -1"}, expect = Expect.ACCEPTABLE,
        desc = "read, then write; or the writer found a reader")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "write, then read: the reader sees all of it")
    @Outcome(id = "-1, 1", expect = Expect.ACCEPTABLE,
        desc = "the reader came while the writer was there, and was refused")
    @Outcome(id = "-1, -1", expect = Expect.ACCEPTABLE,
        desc = "announce, exclude, both look: each refused by the other")
    @Outcome(expect = Expect.FORBIDDEN,
        desc = "the reader read while the writer wrote, or missed what was written before")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** What a reader could see without the writer's barrier. */
    abstract static class Unordered extends RegionState {
        Unordered(final EpochDomain domain) {
            super(domain);
        }

        final int writeWithoutBarrier() {
            excludeWithoutBarrier();
            int result = -1;
            if (!domain.isAnnounced(record, 0)) {
                write(1);
                result = 1;
            }
            include();
            return result;
        }

        /** Writes the two words with time between them. */
        private void writeSlowly() {
            writeFirst(1);
            linger();
            write(1);
        }

        final int writeBeforeOdd() {
            excludeWithoutBarrier();
            writeSlowly();
            final long sequence = RecordLayout.sequence(record);
            RecordLayout.sequenceRelease(record, sequence + 1);
            RecordLayout.sequenceRelease(record, sequence + 2);
            include();
            return 1;
        }

        final int writeAfterEven() {
            excludeWithoutBarrier();
            final long sequence = RecordLayout.sequence(record);
            RecordLayout.sequenceRelease(record, sequence + 1);
            RecordLayout.sequenceRelease(record, sequence + 2);
            writeSlowly();
            include();
            return 1;
        }

        final int writeAfterInclusion() {
            excludeWithoutBarrier();
            domain.heavyBarrier();
            final boolean alone = !domain.isAnnounced(record, 0);
            include();
            if (alone) {
                writeSlowly();
            }
            return alone ? 1 : -1;
        }

        final int readBeforeStamp() {
            final int first = read();
            linger();
            final long stamp = RegionLock.tryOptimisticRead(record, incarnation);
            final int second = read();
            if (stamp == 0 || !RegionLock.validate(record, stamp)) {
                return -1;
            }
            return first == second ? first : -2;
        }
    }

    /** Shared by hazard, membarrier flavour. */
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
            result.r2 = writeExclusive(1);
        }
    }

    /** A counted hold, membarrier flavour. */
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
            result.r2 = writeExclusive(1);
        }
    }

    /** An optimistic read, membarrier flavour. */
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
            result.r2 = writeExclusive(1);
        }
    }

    /** Shared by hazard, fence flavour. */
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
            result.r2 = writeExclusive(1);
        }
    }

    /** A counted hold, fence flavour. */
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
            result.r2 = writeExclusive(1);
        }
    }

    /** An optimistic read, fence flavour. */
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
            result.r2 = writeExclusive(1);
        }
    }

    /** Without the writer's barrier. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1", "-1, 1", "0, -1", "1, -1", "-1, -1"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or one saw the other")
    @Outcome(id = "-2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "the announcement had not left the reader's processor when the writer looked")
    @State
    public static class WeakenedNoBarrier extends Unordered {
        /** A fresh state. */
        public WeakenedNoBarrier() {
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
            result.r2 = writeWithoutBarrier();
        }
    }

    /** A reader that takes no lock. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1", "-1, 1", "0, -1", "1, -1", "-1, -1"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or one saw the other")
    @Outcome(id = "-2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "the reader read while the writer wrote")
    @State
    public static class WeakenedNoLock extends RegionState {
        /** A fresh state. */
        public WeakenedNoLock() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readSlowly();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = writeExclusive(1);
        }
    }

    /** A writer whose sequence becomes odd after its first write, as readers may see it without the fence of [X1]. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1", "-1, 1"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or the validation failed")
    @Outcome(id = "-2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "stamp, half of the writes, read, validate, odd: what the fence is for")
    @State
    public static class WeakenedWrittenBeforeOdd extends Unordered {
        /** A fresh state. */
        public WeakenedWrittenBeforeOdd() {
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
            result.r2 = writeBeforeOdd();
        }
    }

    /** A writer whose sequence becomes even before its last write, as readers may see it without the release of [X2]. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1", "-1, 1"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or the validation failed")
    @Outcome(id = "-2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "odd, even, stamp, half of the writes, read, validate: what the release is for")
    @State
    public static class WeakenedEvenBeforeWritten extends Unordered {
        /** A fresh state. */
        public WeakenedEvenBeforeWritten() {
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
            result.r2 = writeAfterEven();
        }
    }

    /** A writer that lets readers in before its last write, as [X3] keeps it from doing. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1", "-1, 1", "0, -1", "-1, -1"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or one saw the other")
    @Outcome(id = "-2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "exclude, include, lock, half of the writes, read: what the order of the end is for")
    @State
    public static class WeakenedIncludedBeforeWritten extends Unordered {
        /** A fresh state. */
        public WeakenedIncludedBeforeWritten() {
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
            result.r2 = writeAfterInclusion();
        }
    }

    /** An optimistic read of which the last load comes after the validation, as it may without the fence of [O2]. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1", "-1, 1"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or the validation failed")
    @Outcome(id = "-2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "stamp, validate, write, read: what the fence is for")
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
            result.r2 = writeExclusive(1);
        }
    }

    /** An optimistic read of which the first load comes before the stamp, as it may without the acquire of [O1]. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1", "-1, 1"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or the validation failed")
    @Outcome(id = "-2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "read, write, stamp, read, validate: what the acquire is for")
    @State
    public static class WeakenedStampLate extends Unordered {
        /** A fresh state. */
        public WeakenedStampLate() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readBeforeStamp();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = writeExclusive(1);
        }
    }
}
