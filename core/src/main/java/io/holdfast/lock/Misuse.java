// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static io.holdfast.layout.RecordLayout.WRITER;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Ledger;

/** The exceptions of {@link RegionLock}: a thread that would wait for itself, and the end of what is not held. */
final class Misuse {
    private Misuse() {
    }

    /** Refuses to begin a drain that would wait for the current thread itself. */
    static void checkMayDrain(final EpochDomain domain, final String operation, final long record,
                              final long incarnation) {
        if (domain.isPinned()) {
            throw new IllegalMonitorStateException(operation + " by a pinned thread could wait for itself: " +
                RegionLock.describe(record) + "; close the pin first, or use a try form");
        }
        if (domain.announcedByMe(record, 0)) {
            throw new IllegalMonitorStateException(operation + " by a thread that holds a guard on the region would " +
                "wait for itself: " + RegionLock.describe(record) + "; close the guard first, or upgrade it");
        }
        if (Ledger.ENABLED && Ledger.isMine(Ledger.Kind.VIEW, record)) {
            throw new IllegalMonitorStateException(operation + " by a thread that has a view of a hold on the region " +
                "would wait for itself: " + RegionLock.describe(record) + "; close the view and release the hold");
        }
        LockOrder.beforeRegion(operation, record, incarnation);
    }

    /** Refuses to wait for a writer that would wait for the current thread itself, or is the current thread. */
    static void checkMayWait(final EpochDomain domain, final String operation, final long record, final long lock) {
        if ((lock & WRITER) != 0 && SectionLock.isMine(lock)) {
            throw new IllegalMonitorStateException(operation + " by the thread that holds the region exclusively " +
                "would wait for itself: " + RegionLock.describe(record) +
                "; end or downgrade the exclusive guard first");
        }
        if (domain.isPinned()) {
            throw new IllegalMonitorStateException(operation + " by a pinned thread would wait, perhaps for itself: " +
                RegionLock.describe(record) + "; close the pin first, or use a try form");
        }
        if (domain.announcedByMe(record, 0)) {
            throw new IllegalMonitorStateException(operation + " by a thread that holds a guard on the region, for " +
                "which a writer waits, would wait for itself: " + RegionLock.describe(record) +
                "; use the guard that is held");
        }
    }

    /**
     * For the end of something that is not held. In debug mode the cause is the place that took it, if another thread
     * holds it, or the one that gave it back.
     *
     * @param address where it would be announced if the current thread held it
     */
    static IllegalMonitorStateException unmatched(final String operation, final long record, final long stamp,
                                                  final long address) {
        final Ledger.Kind kind = Stamps.isShared(stamp) ? Ledger.Kind.SHARED : Ledger.Kind.EXCLUSIVE;
        final Ledger.Entry taken = Ledger.find(kind, record);
        final Ledger.Entry cause = taken == null ? Ledger.lastRelease(address) : taken;
        final IllegalMonitorStateException unmatched = new IllegalMonitorStateException(operation +
            " that the current thread does not hold: stamp=" + Stamps.describe(stamp) + ", " +
            RegionLock.describe(record) + (cause == null ? "" : ", last: " + cause));
        unmatched.initCause(cause);
        return unmatched;
    }
}
