// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Ledger;
import io.holdfast.lock.RegionLock;

/**
 * What code can demand of its callers: that the current thread, and not just anybody, holds the region's lock. In debug
 * mode ({@code -Dio.holdfast.debug=true}) an assertion that does not hold ends in an
 * {@link IllegalMonitorStateException} with the decoded state of the lock; otherwise it does nothing and costs nothing.
 */
abstract sealed class RegionAssertions permits RegionLocks {
    final AddressSpace space;
    final long record;
    final long incarnation;

    RegionAssertions(final AddressSpace space, final long record, final long incarnation) {
        this.space = space;
        this.record = record;
        this.incarnation = incarnation;
    }

    /** {@return the space that the region is part of} */
    public AddressSpace space() {
        return space;
    }

    abstract String describe();

    long record() {
        return record;
    }

    long incarnation() {
        return incarnation;
    }

    /**
     * Asserts that the current thread holds the region in any way: by a guard or a stamp, shared or exclusive, or by
     * an open view of a hold.
     *
     * @throws IllegalMonitorStateException if it is not so, in debug mode
     */
    public void assertLocked() {
        if (Ledger.ENABLED && !isLockedHere()) {
            throw violated("locked by the current thread");
        }
    }

    /**
     * Asserts that the current thread holds the region exclusively.
     *
     * @throws IllegalMonitorStateException if it is not so, in debug mode
     */
    public void assertExclusive() {
        if (Ledger.ENABLED && !isExclusiveHere()) {
            throw violated("held exclusively by the current thread");
        }
    }

    /**
     * Asserts that the region is mapped and stays so for the time being, because the current thread holds it in any
     * way, or is pinned and could still find it.
     *
     * @throws IllegalMonitorStateException if it is not so, in debug mode
     */
    public void assertStable() {
        if (Ledger.ENABLED && !isLockedHere() && !(domain().isPinned() && isMapped())) {
            throw violated("locked by the current thread, or mapped while the thread is pinned");
        }
    }

    /**
     * Asserts that the region is mapped at this moment, in the life that this handle is of.
     *
     * @throws IllegalMonitorStateException if it is not so, in debug mode
     */
    public void assertMapped() {
        if (Ledger.ENABLED && !isMapped()) {
            throw violated("mapped");
        }
    }

    /**
     * Asserts that this handle's life of the region is over.
     *
     * @throws IllegalMonitorStateException if it is not so, in debug mode
     */
    public void assertUnmapped() {
        if (Ledger.ENABLED && isMapped()) {
            throw violated("unmapped");
        }
    }

    /** {@return whether the region is mapped at this moment; only a guard, a hold or a pin makes it stay so} */
    public boolean isMapped() {
        return RegionLock.isAttached(record, incarnation);
    }

    private boolean isLockedHere() {
        // A hazard or a view keeps its record from being reused, so what is held is of this life if the handle is.
        return isExclusiveHere() || (domain().announcedByMe(record, 0) ||
            Ledger.isMine(Ledger.Kind.VIEW, record)) && RegionLock.incarnation(record) == incarnation;
    }

    private boolean isExclusiveHere() {
        return SpaceEngine.isExclusiveHere(record) && isMapped();
    }

    private EpochDomain domain() {
        return space.core().domain();
    }

    private IllegalMonitorStateException violated(final String expected) {
        return new IllegalMonitorStateException("not " + expected + ": thread=" + Thread.currentThread().getName() +
            ", held by " + space.holders(record) + ", " + describe());
    }
}
