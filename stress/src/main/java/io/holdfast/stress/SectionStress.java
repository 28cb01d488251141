// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.SectionLock;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The end of all exclusive locks of a section by one store, against readers of every kind, the next writer, and those
 * who settle what it left: [G1] to [G4] of SectionLock, G2 and G5.
 *
 * <p>Reading the ticket with less than acquire access has no twin: on x86-64 every load is one, so it could not show
 * there; it would on processors that reorder loads.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t SectionStress}
 */
public final class SectionStress {
    private SectionStress() {
    }

    /** The first number is what the reader saw in both words, -1 if it was refused, -2 if they differed. */
    @Outcome(id = {"0, 1", "0, -1"}, expect = Expect.ACCEPTABLE,
        desc = "read, then write; or the section found a reader")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "write, end all, then read: the reader sees all of it")
    @Outcome(id = "-1, 1", expect = Expect.ACCEPTABLE,
        desc = "the reader came while the section was there, and was refused")
    @Outcome(id = "-1, -1", expect = Expect.ACCEPTABLE,
        desc = "announce, exclude, both look: each refused by the other")
    @Outcome(expect = Expect.FORBIDDEN,
        desc = "the reader read while the section wrote, or missed what was written before its end")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** A record that a section holds for a moment. */
    abstract static class Ending extends RegionState {
        private final SectionLock sections;

        Ending(final EpochDomain domain) {
            super(domain);
            this.sections = new SectionLock(lock, domain);
        }

        /** Holds the record by a section's ticket; the ticket, or 0 if somebody is inside. */
        final long exclude(final long timeoutNs) {
            final long ticket = SectionLock.open();
            try (Waiting waiting = new Waiting(YieldingIdleStrategy::new, timeoutNs, false, Waiting.FOREVER)) {
                if (sections.exclude(ticket, new long[] {record}, new long[] {incarnation}, waiting) > 0) {
                    return ticket;
                }
            }
            SectionLock.endAll(ticket);
            return 0;
        }

        /** Writes both words in a section: 1, or -1 if somebody was inside. */
        final int writeInSection() {
            final long ticket = exclude(0);
            if (ticket == 0) {
                return -1;
            }
            write(1);
            SectionLock.endAll(ticket);
            return 1;
        }

        /** Leaves the record as a section does that has written 0 and ended all; the ticket. */
        final long end() {
            final long ticket = exclude(Waiting.FOREVER);
            SectionLock.endAll(ticket);
            return ticket;
        }
    }

    /** Shared by hazard, membarrier flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class SharedMembarrier extends Ending {
        /** A fresh state. */
        public SharedMembarrier() {
            super(MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readShared();
        }

        /** The section. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = writeInSection();
        }
    }

    /** Shared by hazard, fence flavour. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class SharedFence extends Ending {
        /** A fresh state. */
        public SharedFence() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readShared();
        }

        /** The section. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = writeInSection();
        }
    }

    /** A counted hold. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class Hold extends Ending {
        /** A fresh state. */
        public Hold() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readHolding();
        }

        /** The section. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = writeInSection();
        }
    }

    /** An optimistic read, which settles nothing. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class Optimistic extends Ending {
        /** A fresh state. */
        public Optimistic() {
            super(MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readOptimistically();
        }

        /** The section. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = writeInSection();
        }
    }

    /** An optimistic read of a record that an earlier section left, against the next one, which settles it first. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class OptimisticEnded extends Ending {
        /** A fresh state. */
        public OptimisticEnded() {
            super(MEMBARRIER);
            end();
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readOptimistically();
        }

        /** The section. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = writeInSection();
        }
    }

    /** The next writer is an exclusive one. */
    @JCStressTest
    @Outcome(id = {"1, 1", "-1, 1", "1, -1", "-1, -1"}, expect = Expect.ACCEPTABLE,
        desc = "one after the other, or one found the other there")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both inside")
    @State
    public static class NextWriter extends Ending {
        /** A fresh state. */
        public NextWriter() {
            super(MEMBARRIER);
            end();
        }

        /** The exclusive writer: 1, -1 if it was refused, or -2 if somebody else wrote meanwhile. */
        @Actor
        public void reader(final II_Result result) {
            final long stamp = lock.tryExclusive(record, incarnation);
            result.r1 = stamp < 0 ? -1 : 1;
            if (stamp > 0) {
                write(2);
                result.r1 = readSlowly() == 2 ? 1 : -2;
                lock.endExclusive(record, stamp);
            }
        }

        /** The section. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = writeInSection();
        }
    }

    /** Two readers settle the same record. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "one settled it, both are inside")
    @Outcome(id = {"0, -1", "-1, 0"}, expect = Expect.ACCEPTABLE,
        desc = "one settled it under the other's hands, which is refused for a moment")
    @Outcome(expect = Expect.FORBIDDEN, desc = "nobody is inside, or somebody sees what nobody wrote")
    @State
    public static class TwoSettle extends Ending {
        /** A fresh state. */
        public TwoSettle() {
            super(FENCE);
            end();
        }

        /** A reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readShared();
        }

        /** Another. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = readShared();
        }
    }

    /** Whoever settles what a section left must not touch the sequence of the next one, which is odd while it writes. */
    abstract static class Settling extends Ending {
        final long ended;

        Settling() {
            super(FENCE);
            ended = end();
        }

        /** Holds the record for a moment: 1, 2 if its sequence was even meanwhile, -1 if somebody was inside. */
        final int holdOdd() {
            final long ticket = exclude(0);
            if (ticket == 0) {
                return -1;
            }
            linger();
            final int result = (RecordLayout.sequenceAcquire(record) & 1) != 0 ? 1 : 2;
            SectionLock.endAll(ticket);
            return result;
        }
    }

    /** As it ships: the sequence is read before the lock word. */
    @JCStressTest
    @Outcome(id = {"0, 1", "-1, 1", "0, -1", "-1, -1"}, expect = Expect.ACCEPTABLE,
        desc = "one after the other, or one found the other there")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the sequence of the next section was made even")
    @State
    public static class SettleAgainstSection extends Settling {
        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readShared();
        }

        /** The next section. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = holdOdd();
        }
    }

    /** The lock word is read first; {@code WeakenedTwinsTest} asserts that this shows. */
    @JCStressTest
    @Outcome(id = {"0, 1", "0, -1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = "0, 2", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "the next section came between the two reads, and its sequence was made even: its writes would validate")
    @State
    public static class WeakenedWordFirst extends Settling {
        /** The one who settles. */
        @Actor
        public void reader(final II_Result result) {
            final long word = RecordLayout.lockAcquire(record);
            if (RecordLayout.owner(word) != ended) {
                return;
            }
            linger();
            final long sequence = RecordLayout.sequenceAcquire(record);
            if ((sequence & 1) != 0) {
                RecordLayout.compareAndSetSequence(record, sequence, sequence + 1);
            }
            RecordLayout.compareAndExchangeLock(record, word, word & ~(RecordLayout.WRITER | RecordLayout.OWNER));
        }

        /** The next section. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = holdOdd();
        }
    }

    /** What one store ends, a store too early would not: the words are written after it. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1", "-1, 1", "0, -1", "-1, -1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = "-2, 1", expect = Expect.ACCEPTABLE_INTERESTING, desc = "the reader got in while the section wrote")
    @State
    public static class WeakenedEndedFirst extends Ending {
        /** A fresh state. */
        public WeakenedEndedFirst() {
            super(FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = readShared();
        }

        /** The section. */
        @Actor
        public void writer(final II_Result result) {
            final long ticket = exclude(0);
            result.r2 = ticket == 0 ? -1 : 1;
            if (ticket != 0) {
                SectionLock.endAll(ticket);
                write(1);
            }
        }
    }
}
