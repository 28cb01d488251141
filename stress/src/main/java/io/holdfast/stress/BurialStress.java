// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * A thread that gives its slot back and dies, against one that looks whether the slot has to be buried: [U1] of SlotGroup,
 * G1. The protocol alone; the library's code under the worst schedule is the subject of {@code BurialScheduleTest}.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t BurialStress}
 */
public final class BurialStress {
    private static final int OWNER = 1;

    private BurialStress() {
    }

    /** The owner's two steps. */
    abstract static class Dying {
        volatile int owner = OWNER;
        volatile boolean dead;

        /** Gives the slot back, and dies. */
        final int die() {
            owner = 0;
            dead = true;
            return 0;
        }
    }

    /** The owner is read after the look. The second number is the owner that is going to be buried, 0 for none. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "alive, or dead and without a slot")
    @Outcome(expect = Expect.FORBIDDEN, desc = "seen dead, and then its owner word from before it gave the slot back")
    @State
    public static class Model extends Dying {
        /** The owner. */
        @Actor
        public void owner(final II_Result result) {
            result.r1 = die();
        }

        /** The burier. */
        @Actor
        public void burier(final II_Result result) {
            result.r2 = dead ? owner : 0;
        }
    }

    /** The owner is read before the look; {@code WeakenedTwinsTest} asserts that this shows. */
    @JCStressTest
    @Outcome(id = "0, 0", expect = Expect.ACCEPTABLE, desc = "alive, or dead and without a slot")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "owner, give back, die, look: whoever has the slot next is buried alive")
    @State
    public static class WeakenedOwnerFirst extends Dying {
        /** The owner. */
        @Actor
        public void owner(final II_Result result) {
            result.r1 = die();
        }

        /** The burier. */
        @Actor
        public void burier(final II_Result result) {
            final int seen = owner;
            result.r2 = dead ? seen : 0;
        }
    }
}
