// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A reader that asks for its turn while a writer is there, against the end of that writer and the look of the next: [Y1]
 * and [Y2] of RegionLock, G6. The protocol alone; the library's code is the subject of {@code RegionLockTurnTest}.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t TurnStress}
 */
public final class TurnStress {
    private static final int EXCLUDING = 1;
    private static final int AWAITED = 2;

    private TurnStress() {
    }

    /** A lock word that a writer has, and the hazard of a reader. */
    abstract static class Turns {
        final AtomicInteger lock = new AtomicInteger(EXCLUDING);
        volatile boolean waiting;

        /** Whether a writer is there, who has been asked. */
        final int ask() {
            return lock.compareAndSet(EXCLUDING, EXCLUDING | AWAITED) ? 1 : 0;
        }

        /** The writer ends, and another comes: whether it passes. */
        final int pass() {
            lock.getAndUpdate(word -> word & ~EXCLUDING);
            return (lock.get() & AWAITED) != 0 && waiting ? 0 : 1;
        }
    }

    /** The reader says that it waits before it asks. The numbers say whether it has asked, and whether it was passed. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "asked, and let in")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "too late: no writer was there any more")
    @Outcome(expect = Expect.FORBIDDEN, desc = "asked, and passed all the same")
    @State
    public static class Model extends Turns {
        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            waiting = true;
            result.r1 = ask();
        }

        /** The writers. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = pass();
        }
    }

    /** The reader asks first; {@code WeakenedTwinsTest} asserts that the bad result shows. */
    @JCStressTest
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "asked, and let in")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "too late: no writer was there any more")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "ask, end, look, say: the next writer finds nobody who waits, and passes")
    @State
    public static class WeakenedAskedFirst extends Turns {
        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = ask();
            waiting = true;
        }

        /** The writers. */
        @Actor
        public void writer(final II_Result result) {
            result.r2 = pass();
        }
    }
}
