// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import io.holdfast.lock.RegionLock;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Arbiter;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.III_Result;

/**
 * The ways to be a writer against each other: exclusive, upgrade, downgrade. Each adds one to what it read, and
 * none is lost: G2 and T7.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t WritersStress}
 */
public final class WritersStress {
    private WritersStress() {
    }

    /** The first two numbers say who wrote, the third what is there at the end. */
    @Outcome(id = "1, 1, 2", expect = Expect.ACCEPTABLE, desc = "one after the other")
    @Outcome(id = {"1, -1, 1", "-1, 1, 1"}, expect = Expect.ACCEPTABLE, desc = "one of them found the other inside")
    @Outcome(id = "-1, -1, 0", expect = Expect.ACCEPTABLE, desc = "each found the other inside, and left")
    @Outcome(expect = Expect.FORBIDDEN, desc = "both inside: what one wrote is lost")
    public static final class Outcomes {
        private Outcomes() {
        }
    }

    /** Ways to add one. */
    abstract static class Adding extends RegionState {
        Adding(final EpochDomain domain) {
            super(domain);
        }

        private int add(final long stamp) {
            final int value = read();
            write(value + 1);
            lock.endExclusive(record, stamp);
            return 1;
        }

        final int tryExclusive() {
            final long stamp = lock.tryExclusive(record, incarnation);
            return stamp < 0 ? -1 : add(stamp);
        }

        final int exclusive(final long timeoutNs) {
            try (Waiting waiting = new Waiting(YieldingIdleStrategy::new, timeoutNs, false, Waiting.FOREVER)) {
                final long stamp = lock.exclusive(record, incarnation, waiting);
                return stamp < 0 ? -1 : add(stamp);
            }
        }

        final int upgrade() {
            final long shared = lock.tryShare(record, incarnation);
            if (shared < 0) {
                return -1;
            }
            final long stamp = lock.tryUpgrade(record, shared);
            if (stamp < 0) {
                lock.endShare(record, shared);
                return -1;
            }
            return add(stamp);
        }

        /** What was written before the downgrade must still be there under the shared lock. */
        final int downgrade() {
            final long stamp = lock.tryExclusive(record, incarnation);
            if (stamp < 0) {
                return -1;
            }
            final int value = read() + 1;
            write(value);
            final long shared = lock.downgrade(record, stamp);
            final int seen = read();
            lock.endShare(record, shared);
            return seen == value ? 1 : 0;
        }
    }

    /** Two that try. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class TryExclusiveTryExclusiveMembarrier extends Adding {
        /** A fresh state. */
        public TryExclusiveTryExclusiveMembarrier() {
            super(MEMBARRIER);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = tryExclusive();
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = tryExclusive();
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** Two that try. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class TryExclusiveTryExclusiveFence extends Adding {
        /** A fresh state. */
        public TryExclusiveTryExclusiveFence() {
            super(FENCE);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = tryExclusive();
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = tryExclusive();
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** Two that wait. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ExclusiveExclusiveMembarrier extends Adding {
        /** A fresh state. */
        public ExclusiveExclusiveMembarrier() {
            super(MEMBARRIER);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = exclusive(Waiting.FOREVER);
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = exclusive(Waiting.FOREVER);
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** Two that wait. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ExclusiveExclusiveFence extends Adding {
        /** A fresh state. */
        public ExclusiveExclusiveFence() {
            super(FENCE);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = exclusive(Waiting.FOREVER);
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = exclusive(Waiting.FOREVER);
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** One that waits, one that gives up: T7. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ExclusiveTimedMembarrier extends Adding {
        /** A fresh state. */
        public ExclusiveTimedMembarrier() {
            super(MEMBARRIER);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = exclusive(Waiting.FOREVER);
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = exclusive(1);
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** One that waits, one that gives up: T7. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class ExclusiveTimedFence extends Adding {
        /** A fresh state. */
        public ExclusiveTimedFence() {
            super(FENCE);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = exclusive(Waiting.FOREVER);
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = exclusive(1);
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** Two readers that want to be writers. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class UpgradeUpgradeMembarrier extends Adding {
        /** A fresh state. */
        public UpgradeUpgradeMembarrier() {
            super(MEMBARRIER);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = upgrade();
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = upgrade();
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** Two readers that want to be writers. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class UpgradeUpgradeFence extends Adding {
        /** A fresh state. */
        public UpgradeUpgradeFence() {
            super(FENCE);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = upgrade();
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = upgrade();
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** A reader that wants to be the writer, and a writer that waits. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class UpgradeExclusiveMembarrier extends Adding {
        /** A fresh state. */
        public UpgradeExclusiveMembarrier() {
            super(MEMBARRIER);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = upgrade();
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = exclusive(Waiting.FOREVER);
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** A reader that wants to be the writer, and a writer that waits. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class UpgradeExclusiveFence extends Adding {
        /** A fresh state. */
        public UpgradeExclusiveFence() {
            super(FENCE);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = upgrade();
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = exclusive(Waiting.FOREVER);
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** A writer that becomes a reader, and one that waits. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class DowngradeExclusiveMembarrier extends Adding {
        /** A fresh state. */
        public DowngradeExclusiveMembarrier() {
            super(MEMBARRIER);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = downgrade();
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = exclusive(Waiting.FOREVER);
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** A writer that becomes a reader, and one that waits. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class DowngradeExclusiveFence extends Adding {
        /** A fresh state. */
        public DowngradeExclusiveFence() {
            super(FENCE);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = downgrade();
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = exclusive(Waiting.FOREVER);
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** A writer that becomes a reader, and a reader that wants to be a writer. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class DowngradeUpgradeMembarrier extends Adding {
        /** A fresh state. */
        public DowngradeUpgradeMembarrier() {
            super(MEMBARRIER);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = downgrade();
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = upgrade();
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }

    /** A writer that becomes a reader, and a reader that wants to be a writer. */
    @JCStressTest
    @JCStressMeta(Outcomes.class)
    @State
    public static class DowngradeUpgradeFence extends Adding {
        /** A fresh state. */
        public DowngradeUpgradeFence() {
            super(FENCE);
        }

        /** One writer. */
        @Actor
        public void first(final III_Result result) {
            result.r1 = downgrade();
        }

        /** The other. */
        @Actor
        public void second(final III_Result result) {
            result.r2 = upgrade();
        }

        /** Afterwards. */
        @Arbiter
        public void rest(final III_Result result) {
            result.r3 = RegionLock.isAttached(record, incarnation) ? read() : -9;
        }
    }
}
