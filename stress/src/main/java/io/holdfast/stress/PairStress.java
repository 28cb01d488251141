// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.RecordLayout;
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

    /** Both flavours in turn; what the weakened twins do instead of the library. */
    abstract static class Pair extends WritersStress.Adding {
        Pair() {
            this(either());
        }

        Pair(final EpochDomain domain) {
            super(domain);
        }

        final int unmapOverlookingTheCount() {
            lock.tryDetach(record, incarnation);
            domain.heavyBarrier();
            while (domain.isAnnounced(record, 0)) {
                Thread.onSpinWait();
            }
            write(POISON);
            return 1;
        }

        final int unmapRegardless() {
            RecordLayout.getAndMaskLock(record, ~RecordLayout.ATTACHED);
            domain.heavyBarrier();
            write(POISON);
            linger();
            linger();
            return read() == POISON ? 1 : 0;
        }

        final int writeLate() {
            final long stamp = lock.tryExclusive(record, incarnation);
            if (stamp < 0) {
                return -1;
            }
            linger();
            write(1);
            lock.endExclusive(record, stamp);
            return 1;
        }

        final int writeOverlookingTheCount() {
            excludeWithoutBarrier();
            domain.heavyBarrier();
            writeFirst(1);
            linger();
            write(1);
            include();
            return 1;
        }

        final int upgradeWithoutBarrier() {
            final long shared = lock.tryShare(record, incarnation);
            final long own = domain.hazardAddress(domain.slot(), 0);
            excludeWithoutBarrier();
            int result = -1;
            if (!domain.isAnnounced(record, own)) {
                write(1);
                result = 1;
            }
            include();
            lock.endShare(record, shared);
            return result;
        }

        final int upgradeWithGap() {
            final long shared = lock.tryShare(record, incarnation);
            if (shared < 0) {
                return -1;
            }
            final int value = read();
            lock.endShare(record, shared);
            linger();
            final long stamp = lock.tryExclusive(record, incarnation);
            if (stamp < 0) {
                return -1;
            }
            final int result = read() == value ? 1 : 0;
            lock.endExclusive(record, stamp);
            return result;
        }

        final int downgradeWithGap() {
            final long stamp = lock.tryExclusive(record, incarnation);
            if (stamp < 0) {
                return -1;
            }
            final int value = read() + 1;
            write(value);
            lock.endExclusive(record, stamp);
            linger();
            final long shared = lock.tryShare(record, incarnation);
            if (shared < 0) {
                return -1;
            }
            final int result = read() == value ? 1 : 0;
            lock.endShare(record, shared);
            return result;
        }
    }

    /** Readers that announce without a fence, always. */
    abstract static class Unfenced extends Pair {
        Unfenced() {
            super(RegionState.MEMBARRIER);
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

    /** A drain before an unmap that does not look at the count. */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = {"9, 1", "-2, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "count, detach, drain of the hazards, poison, read: what the count is looked at for")
    @State
    public static class WeakenedCountOverlooked extends Pair {
        /** A fresh state. */
        public WeakenedCountOverlooked() {
        }

        /** The holder. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readHolding();
        }

        /** The unmap. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = unmapOverlookingTheCount();
        }
    }

    /** An unmap that detaches whether or not a writer is there. */
    @JCStressTest
    @Outcome(id = {"1, 1", "-1, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "exclude, detach, poison, write: a writer in memory that is given back")
    @State
    public static class WeakenedDetachRegardless extends Pair {
        /** A fresh state. */
        public WeakenedDetachRegardless() {
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r1 = writeLate();
        }

        /** The unmap. */
        @Actor
        public void unmapper(final II_Result result) {
            result.r2 = unmapRegardless();
        }
    }

    /** A writer that does not look at the count. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1", "-1, 1"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or the holder was refused")
    @Outcome(id = "-2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "count, exclude, write, read: what the count is looked at for")
    @State
    public static class WeakenedCountUnseen extends Pair {
        /** A fresh state. */
        public WeakenedCountUnseen() {
        }

        /** The holder. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readHolding();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = writeOverlookingTheCount();
        }
    }

    /** An upgrade that looks at the hazards without the barrier. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1", "-1, 1", "0, -1", "-1, -1"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or one saw the other")
    @Outcome(id = "-2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "the announcement had not left the reader's processor when the writer looked")
    @State
    public static class WeakenedUpgradeWithoutBarrier extends Unfenced {
        /** A fresh state. */
        public WeakenedUpgradeWithoutBarrier() {
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readShared();
        }

        /** The writer. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = upgradeWithoutBarrier();
        }
    }

    /** An upgrade that ends the shared lock first. */
    @JCStressTest
    @Outcome(id = {"1, 1", "-1, 1", "1, -1", "-1, -1"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or one saw the other")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "lock, read, release, write of the other, exclude: what was read is not so any more")
    @State
    public static class WeakenedUpgradeWithGap extends Pair {
        /** A fresh state. */
        public WeakenedUpgradeWithGap() {
        }

        /** The writer that upgrades. */
        @Actor
        public void first(final II_Result result) {
            result.r1 = upgradeWithGap();
        }

        /** Another writer. */
        @Actor
        public void second(final II_Result result) {
            result.r2 = tryExclusive();
        }
    }

    /** A downgrade that ends the exclusive lock first. */
    @JCStressTest
    @Outcome(id = {"1, 1", "-1, 1", "1, -1", "-1, -1"}, expect = Expect.ACCEPTABLE,
        desc = "the two did not meet, or one saw the other")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "write, end, write of the other, lock: what was written is not there any more")
    @State
    public static class WeakenedDowngradeWithGap extends Pair {
        /** A fresh state. */
        public WeakenedDowngradeWithGap() {
        }

        /** The writer that downgrades. */
        @Actor
        public void first(final II_Result result) {
            result.r1 = downgradeWithGap();
        }

        /** Another writer. */
        @Actor
        public void second(final II_Result result) {
            result.r2 = tryExclusive();
        }
    }
}
