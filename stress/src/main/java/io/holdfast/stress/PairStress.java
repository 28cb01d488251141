// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import java.util.concurrent.atomic.AtomicInteger;
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
 * The pairs of ways into and out of the lock that no other class here has: counted, exclusive, upgraded and downgraded
 * against unmap, and readers of every kind against upgrade and downgrade. G1, G2, G3, G5 and T1. Every other state is
 * of the other barrier flavour.
 *
 * <p>The rest of the product: {@link UnmapStress} (shared, optimistic, unmap), {@link WriteStress} (shared and optimistic
 * against exclusive), {@link HoldMoveStress} (a hazard that becomes a count), {@link WritersStress} (exclusive, timed,
 * upgraded and downgraded among themselves).
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t PairStress}
 */
public final class PairStress {
    private static final AtomicInteger TURN = new AtomicInteger();

    private PairStress() {
    }

    private static EpochDomain either() {
        return (TURN.getAndIncrement() & 1) == 0 ? RegionState.MEMBARRIER : RegionState.FENCE;
    }

    /** The first number is what the holder saw, -1 if it was refused; the second is 1 for the unmap. */
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "count, detach, drain waits, read, uncount, poison")
    @Outcome(id = "-1, 1", expect = Expect.ACCEPTABLE,
        desc = "detach, then count or not: refused, and a count is taken back before the drain ends")
    @Outcome(expect = Expect.FORBIDDEN, desc = "count overlooked by the drain: poison was read")
    public static final class HolderOutcomes {
        private HolderOutcomes() {
        }
    }

    /** The first number says who wrote, the second is 1 for the unmap, the third is what is there at the end. */
    @Outcome(id = "1, 1, 9", expect = Expect.ACCEPTABLE,
        desc = "exclude, write, end, detach, poison: the unmap waited for the writer, or came after it")
    @Outcome(id = "-1, 1, 9", expect = Expect.ACCEPTABLE, desc = "detach first: the writer was refused")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a write after the poison: the writer was inside a detached region")
    public static final class WriterOutcomes {
        private WriterOutcomes() {
        }
    }

    /** The first number is what the reader saw, -1 if it was refused, the second whether the writer got in. */
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "lock, read, unlock, exclude, write")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "exclude, write, end or downgrade, lock, read")
    @Outcome(id = "-1, 1", expect = Expect.ACCEPTABLE, desc = "exclude, look of the reader, write: the reader is refused")
    @Outcome(id = "0, -1", expect = Expect.ACCEPTABLE, desc = "lock, look of the writer, read: the writer is refused")
    @Outcome(id = "-1, -1", expect = Expect.ACCEPTABLE,
        desc = "announce, exclude, both look, both leave: each saw the other")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both inside: the reader saw half a write")
    public static final class LockedOutcomes {
        private LockedOutcomes() {
        }
    }

    /** The same for a reader that stores nothing, so that no writer can be refused on its account. */
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "stamp, read, validate, exclude, write")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "exclude, write, even sequence, stamp, read, validate")
    @Outcome(id = "-1, 1", expect = Expect.ACCEPTABLE,
        desc = "odd sequence at the stamp, or another one at the validation: the read does not count")
    @Outcome(expect = Expect.FORBIDDEN, desc = "half a write validated, or an optimistic reader kept a writer out")
    public static final class OptimisticOutcomes {
        private OptimisticOutcomes() {
        }
    }

    /** Both flavours in turn. */
    abstract static class Pair extends WritersStress.Adding {
        Pair() {
            super(either());
        }
    }

    /** Counted against unmap: T1, counted. */
    @JCStressTest
    @JCStressMeta(HolderOutcomes.class)
    @State
    public static class HoldUnmap extends Pair {
        /** A fresh state. */
        public HoldUnmap() {
        }

        /** The holder. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readHolding();
        }

        /** The unmap. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmap();
        }
    }

    /** Exclusive against unmap. */
    @JCStressTest
    @JCStressMeta(WriterOutcomes.class)
    @State
    public static class ExclusiveUnmap extends Pair {
        /** A fresh state. */
        public ExclusiveUnmap() {
        }

        /** The writer. */
        @Actor
        public void writer(final III_Result result) {
            result.r1 = tryExclusive();
        }

        /** The unmap. */
        @Actor
        public void unmapper(final III_Result result) {
            result.r2 = unmap();
        }

        /** Afterwards. */
        @Arbiter
        public void afterwards(final III_Result result) {
            result.r3 = read();
        }
    }

    /** Upgraded against unmap. */
    @JCStressTest
    @JCStressMeta(WriterOutcomes.class)
    @State
    public static class UpgradeUnmap extends Pair {
        /** A fresh state. */
        public UpgradeUnmap() {
        }

        /** The writer. */
        @Actor
        public void writer(final III_Result result) {
            result.r1 = upgrade();
        }

        /** The unmap. */
        @Actor
        public void unmapper(final III_Result result) {
            result.r2 = unmap();
        }

        /** Afterwards. */
        @Arbiter
        public void afterwards(final III_Result result) {
            result.r3 = read();
        }
    }

    /** Downgraded against unmap. */
    @JCStressTest
    @JCStressMeta(WriterOutcomes.class)
    @State
    public static class DowngradeUnmap extends Pair {
        /** A fresh state. */
        public DowngradeUnmap() {
        }

        /** The writer. */
        @Actor
        public void writer(final III_Result result) {
            result.r1 = downgrade();
        }

        /** The unmap. */
        @Actor
        public void unmapper(final III_Result result) {
            result.r2 = unmap();
        }

        /** Afterwards. */
        @Arbiter
        public void afterwards(final III_Result result) {
            result.r3 = read();
        }
    }

    /** Counted against exclusive. */
    @JCStressTest
    @JCStressMeta(LockedOutcomes.class)
    @State
    public static class HoldExclusive extends Pair {
        /** A fresh state. */
        public HoldExclusive() {
        }

        /** The holder. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readHolding();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = tryExclusive();
        }
    }

    /** Shared against upgraded. */
    @JCStressTest
    @JCStressMeta(LockedOutcomes.class)
    @State
    public static class ShareUpgrade extends Pair {
        /** A fresh state. */
        public ShareUpgrade() {
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readShared();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = upgrade();
        }
    }

    /** Shared against downgraded. */
    @JCStressTest
    @JCStressMeta(LockedOutcomes.class)
    @State
    public static class ShareDowngrade extends Pair {
        /** A fresh state. */
        public ShareDowngrade() {
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readShared();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = downgrade();
        }
    }

    /** Counted against upgraded. */
    @JCStressTest
    @JCStressMeta(LockedOutcomes.class)
    @State
    public static class HoldUpgrade extends Pair {
        /** A fresh state. */
        public HoldUpgrade() {
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readHolding();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = upgrade();
        }
    }

    /** Counted against downgraded. */
    @JCStressTest
    @JCStressMeta(LockedOutcomes.class)
    @State
    public static class HoldDowngrade extends Pair {
        /** A fresh state. */
        public HoldDowngrade() {
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readHolding();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = downgrade();
        }
    }

    /** Optimistic against upgraded. */
    @JCStressTest
    @JCStressMeta(OptimisticOutcomes.class)
    @State
    public static class OptimisticUpgrade extends Pair {
        /** A fresh state. */
        public OptimisticUpgrade() {
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readOptimistically();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = upgrade();
        }
    }

    /** Optimistic against downgraded. */
    @JCStressTest
    @JCStressMeta(OptimisticOutcomes.class)
    @State
    public static class OptimisticDowngrade extends Pair {
        /** A fresh state. */
        public OptimisticDowngrade() {
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readOptimistically();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = downgrade();
        }
    }
}
