// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.Waiting;
import io.holdfast.layout.SlotLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RangeLock.Entry;
import io.holdfast.lock.RangeLock.Mode;
import io.holdfast.lock.RangeLock.Passage;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.jspecify.annotations.Nullable;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The announcement of a single change against a section that begins, and two sections that meet in the places of their
 * threads: [K1], [K6] and [K7] of RangeLock, G7.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t RangeStress}
 */
public final class RangeStress {
    private static final long START = SlotLayout.RANGE_GRANULE;
    private static final long END = 2 * START;
    private static final long LIMIT = 4 * START;

    private RangeStress() {
    }

    /** The first number is 1 if the change believes that it may go on, the second if the section does. */
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE,
        desc = "announce, look, append, look: the change goes on, the section sees it and waits")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE,
        desc = "append, look, announce, look: the section goes on, the change waits")
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE,
        desc = "announce, append, both look: the change withdraws, the section sees it for a moment")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both looks before both stores: two change the same range")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** Each number is 1 if that section believes that it has the range. */
    @Outcome(id = {"1, 0", "0, 1"}, expect = Expect.ACCEPTABLE, desc = "one of the two has the range")
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "each has seen the other, and neither may wait")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both looks before both stores: two have the same range")
    public static final class SectionOutcomes {
        private SectionOutcomes() {
        }
    }

    private static Waiting noTime() {
        return new Waiting(YieldingIdleStrategy::new, 0, false, Waiting.FOREVER);
    }

    /** The four steps, with the code of the library. */
    abstract static class Ranges extends RegionState {
        final RangeLock ranges;

        Ranges() {
            super(FENCE);
            ranges = new RangeLock(domain, LIMIT, (wanted, blocking, elapsedNs) -> { });
            SlotLayout.clearRange(slot);
        }

        /** A section registers; the slot of this state is none that it would wait for by itself. */
        final int begin() {
            try (Waiting waiting = noTime()) {
                ranges.tryAcquire(START, END, Mode.WRITE, waiting);
            }
            return SlotLayout.isRange(SlotLayout.rangeEndVolatile(slot)) ? 0 : 1;
        }

        final int look() {
            return ranges.sections().isEmpty() ? 1 : 0;
        }
    }

    /** The same with volatile fields; the places of two sections are no other program. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class Model {
        private volatile int announced;
        private volatile int section;

        /** The change. */
        @Actor
        public void reader(final II_Result result) {
            announced = 1;
            result.r1 = 1 - section;
        }

        /** The section. */
        @Actor
        public void writer(final II_Result result) {
            section = 1;
            result.r2 = 1 - announced;
        }
    }

    /** What ships. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class Actual extends Ranges {
        /** The change. */
        @Actor
        public void reader(final II_Result result) {
            SlotLayout.announceRange(slot, START, END);
            result.r1 = look();
        }

        /** The section. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = begin();
        }
    }

    /** An announcement without a fence; {@code WeakenedTwinsTest} asserts that this shows. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1", "0, 0"}, expect = Expect.ACCEPTABLE, desc = "one of the two sees the other")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "both look before the announcement has left its processor: what its volatile access is for")
    @State
    public static class Weakened extends Ranges {
        /** The change. */
        @Actor
        public void reader(final II_Result result) {
            SlotLayout.hazardOpaque(slot, 0, END);
            result.r1 = look();
        }

        /** The section. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = begin() & (SlotLayout.hazardAcquire(slot, 0) == 0 ? 1 : 0);
        }
    }

    /** All of it: a change that reads both words against a section that writes them. */
    @JCStressTest
    @Outcome(id = {"0, 1", "1, 1", "-1, 1", "0, -1"}, expect = Expect.ACCEPTABLE,
        desc = "one after the other, or one found the other there and did not wait")
    @Outcome(id = "-1, -1", expect = Expect.ACCEPTABLE, desc = "each found the other there")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both inside")
    @State
    public static class Whole extends Ranges {
        /** The change. */
        @Actor
        public void reader(final II_Result result) {
            try (Waiting waiting = noTime(); Passage passage = ranges.enter("change", START, END, waiting)) {
                result.r1 = passage == null ? -1 : readSlowly();
            }
        }

        /** The section. */
        @Actor
        public void writer(final II_Result result) {
            try (Waiting waiting = noTime()) {
                final Entry entry = ranges.tryAcquire(0, LIMIT, Mode.WRITE, waiting);
                result.r2 = entry == null ? -1 : 1;
                if (entry != null) {
                    write(1);
                    ranges.release(entry);
                }
            }
        }
    }

    /** Two sections, with the code of the library. */
    abstract static class Sections extends Ranges {
        private final AtomicReferenceArray<@Nullable Thread> owners = new AtomicReferenceArray<>(2);

        final int begin(final int me, final Mode mode, final boolean upgraded) {
            try (Waiting waiting = noTime()) {
                final Entry entry = ranges.tryAcquire(START, END, mode, waiting);
                if (entry == null || upgraded && ranges.tryUpgrade(entry) == null) {
                    return 0;
                }
                owners.set(me, Thread.currentThread());
                final Thread other = owners.get(1 - me);
                return other == null || other.isAlive() ? 1 : 0; // the checks of jcstress end threads, and so sections
            }
        }

        final int beginAgain(final int me) {
            try (Waiting waiting = noTime()) {
                final Entry entry = ranges.tryAcquire(START, END, Mode.READ, waiting);
                if (entry != null) {
                    ranges.release(entry);
                }
            }
            return begin(me, Mode.WRITE, false);
        }
    }

    /** What ships: two that take their places at a time. */
    @JCStressTest
    @JCStressMeta(SectionOutcomes.class)
    @State
    public static class ActualPlaces extends Sections {
        /** One section. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = begin(0, Mode.WRITE, false);
        }

        /** The other. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = begin(1, Mode.WRITE, false);
        }
    }

    /** What ships: two that take their places at a time, whose bounds are theirs already. */
    @JCStressTest
    @JCStressMeta(SectionOutcomes.class)
    @State
    public static class ActualPlacesAgain extends Sections {
        /** One section. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = beginAgain(0);
        }

        /** The other. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = beginAgain(1);
        }
    }

    /** What ships: two that read, and upgrade at a time. */
    @JCStressTest
    @JCStressMeta(SectionOutcomes.class)
    @State
    public static class ActualUpgrades extends Sections {
        /** One section. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = begin(0, Mode.READ, true);
        }

        /** The other. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = begin(1, Mode.READ, true);
        }
    }

    /** A place that is taken without a fence; {@code WeakenedTwinsTest} asserts that this shows. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1", "0, 0"}, expect = Expect.ACCEPTABLE, desc = "one of the two sees the other")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "both look before the entries have left their processors: what the volatile access is for")
    @State
    public static class WeakenedPlaces {
        private static final int STRIDE = 32;

        private final AtomicIntegerArray places = new AtomicIntegerArray(3 * STRIDE);

        /** One section. */
        @Actor
        public void reader(final II_Result result) {
            places.setOpaque(STRIDE, 1);
            result.r1 = 1 - places.get(2 * STRIDE);
        }

        /** The other. */
        @Actor
        public void writer(final II_Result result) {
            places.setOpaque(2 * STRIDE, 1);
            result.r2 = 1 - places.get(STRIDE);
        }
    }
}
