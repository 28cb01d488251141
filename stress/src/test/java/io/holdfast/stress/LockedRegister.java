// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.SectionLock;
import io.holdfast.lock.Stamps;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** A register behind the region lock, read and written in every mode and unmapped at some time, for Lincheck. */
public abstract class LockedRegister extends RegionState {
    static final int UNMAPPED = -1;

    private final SectionLock sections = new SectionLock(lock, domain);

    /** A fresh register whose readers announce themselves in the domain. */
    protected LockedRegister(final EpochDomain domain) {
        super(domain);
    }

    private static Waiting patient() {
        return new Waiting(YieldingIdleStrategy::new, Waiting.FOREVER, false, Waiting.FOREVER);
    }

    /** Gives the processor away where it hurts most. */
    private static void letOthersIn() {
        YieldingIdleStrategy.INSTANCE.idle();
    }

    /** Reads under a shared lock. */
    @Operation
    public int readSharing() {
        try (Waiting waiting = patient()) {
            final long stamp = lock.share(record, incarnation, waiting);
            if (stamp < 0) {
                return UNMAPPED;
            }
            final int value = readSlowly();
            lock.endShare(record, stamp);
            return value;
        }
    }

    /** Reads under a counted hold, which a shared lock became. */
    @Operation
    public int readMoving() {
        try (Waiting waiting = patient()) {
            final long stamp = lock.share(record, incarnation, waiting);
            if (stamp < 0) {
                return UNMAPPED;
            }
            lock.toHold(record, stamp);
            final int value = readSlowly();
            RegionLock.endHold(record);
            return value;
        }
    }

    /** Reads optimistically until it is valid. */
    @Operation
    public int readValidated() {
        while (true) {
            final long stamp = RegionLock.tryOptimisticRead(record, incarnation);
            if (stamp == 0) {
                if (!RegionLock.isAttached(record, incarnation)) {
                    return UNMAPPED;
                }
                YieldingIdleStrategy.INSTANCE.idle();
                continue;
            }
            final int value = readSlowly();
            if (RegionLock.validate(record, stamp)) {
                return value;
            }
        }
    }

    /** Writes in exclusive mode and returns what was there. */
    @Operation
    public int exchange(@Param(gen = IntGen.class, conf = "1:5") final int value) {
        try (Waiting waiting = patient()) {
            final long stamp = lock.exclusive(record, incarnation, waiting);
            if (stamp < 0) {
                return UNMAPPED;
            }
            final int before = readSlowly();
            letOthersIn();
            write(value);
            lock.endExclusive(record, stamp);
            return before;
        }
    }

    /** What {@link #exchange} does, without the lock: a defect that Lincheck must find. */
    final int exchangeWithoutLock(final int value) {
        if (!RegionLock.isAttached(record, incarnation)) {
            return UNMAPPED;
        }
        final int before = readSlowly();
        letOthersIn();
        write(value);
        return before;
    }

    /** Writes in a section that ends all that it holds by one store, and returns what was there. */
    @Operation
    public int exchangeInSection(@Param(gen = IntGen.class, conf = "1:5") final int value) {
        final long ticket = SectionLock.open();
        try (Waiting waiting = patient()) {
            if (sections.exclude(ticket, new long[] {record}, new long[] {incarnation}, waiting) < 0) {
                return UNMAPPED;
            }
            final int before = readSlowly();
            letOthersIn();
            write(value);
            return before;
        } finally {
            SectionLock.endAll(ticket);
        }
    }

    /** Adds one under an upgraded lock where that is granted, and downgrades it; otherwise in exclusive mode. */
    @Operation
    public int increment() {
        try (Waiting waiting = patient()) {
            final long shared = lock.share(record, incarnation, waiting);
            if (shared < 0) {
                return UNMAPPED;
            }
            long stamp = lock.tryUpgrade(record, shared);
            if (stamp < 0) {
                lock.endShare(record, shared);
                stamp = lock.exclusive(record, incarnation, waiting);
                if (stamp < 0) {
                    return UNMAPPED;
                }
            }
            final int value = readSlowly() + 1;
            letOthersIn();
            write(value);
            final long after = lock.downgrade(record, stamp);
            final int seen = readSlowly();
            lock.endShare(record, after);
            return seen;
        }
    }

    /** Unmaps; true if it was this call. */
    @Operation(runOnce = true)
    public boolean detachAndPoison() {
        try (Waiting waiting = patient()) {
            final long result = lock.detach(record, incarnation, waiting);
            if (result == Stamps.DETACHED) {
                return false;
            }
            lock.drainDetached(record, domain.retireEpoch(), waiting);
            write(POISON);
            return true;
        }
    }
}
