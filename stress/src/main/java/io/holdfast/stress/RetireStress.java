// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.RetireList;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * Retiring against retiring, collecting and draining: [Q1] to [Q3] of RetireList, G3.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t RetireStress}
 */
public final class RetireStress {
    private RetireStress() {
    }

    /** The first number counts what was reclaimed at the end, the second is 1 if a drain returned too early. */
    @Outcome(id = "3, 0", expect = Expect.ACCEPTABLE, desc = "each item once, and the drain waited for its own")
    @Outcome(expect = Expect.FORBIDDEN, desc = "an item lost, reclaimed twice, or left behind by a drain")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** A list that counts what it reclaims. */
    abstract static class Retiring {
        private final AtomicInteger reclaimed = new AtomicInteger();
        private final AtomicInteger first = new AtomicInteger();
        private final RetireList list;

        Retiring(final EpochDomain domain, final int batchSize) {
            list = new RetireList(domain, batchSize, item -> {
                reclaimed.incrementAndGet();
                if (item == 1) {
                    first.incrementAndGet();
                }
            });
        }

        final void retire(final long item) {
            list.retire(item);
        }

        final int retireAndDrain() {
            list.retire(1);
            list.drain(YieldingIdleStrategy::new);
            return 1 - first.get();
        }

        final int rest() {
            list.drain(YieldingIdleStrategy::new);
            return list.pending() == 0 ? reclaimed.get() : -1;
        }
    }

    /** Batches that are completed by the two together. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class SharedBatch extends Retiring {
        /** A fresh state. */
        public SharedBatch() {
            super(RegionState.FENCE, 3);
        }

        /** One thread. */
        @Actor
        public void first(final II_Result result) {
            retire(2);
            retire(3);
        }

        /** The other. */
        @Actor
        public void second(final II_Result result) {
            result.r2 = retireAndDrain();
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final II_Result result) {
            result.r1 = rest();
        }
    }

    /** Batches of one item. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class SingleItems extends Retiring {
        /** A fresh state. */
        public SingleItems() {
            super(RegionState.MEMBARRIER, 1);
        }

        /** One thread. */
        @Actor
        public void first(final II_Result result) {
            retire(2);
            retire(3);
        }

        /** The other. */
        @Actor
        public void second(final II_Result result) {
            result.r2 = retireAndDrain();
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final II_Result result) {
            result.r1 = rest();
        }
    }
}
