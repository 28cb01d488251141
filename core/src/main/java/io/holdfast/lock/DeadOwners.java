// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static io.holdfast.layout.RecordLayout.ATTACHED;
import static io.holdfast.layout.RecordLayout.OWNER;
import static io.holdfast.layout.RecordLayout.SECTION;
import static io.holdfast.layout.RecordLayout.WRITER;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Ledger;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.layout.RecordLayout;
import java.lang.System.Logger.Level;

/** Releases exclusive locks whose owner thread has died, since nobody else can. */
final class DeadOwners {
    /*
     * [I1] The lock passes from the dead thread to the one that ends it by a compare-and-set of the lock word from the
     *      dead thread's id, so exactly one thread inherits it. That the owner is dead was known before, and the dead
     *      do not lock again, so the word that is swapped is of the lock that was left. The heir then ends it like
     *      its own [X2], [X3]; that the owner was seen dead orders its last writes before that.
     */
    private static final System.Logger LOGGER = System.getLogger(RegionLock.class.getName());

    private DeadOwners() {
    }

    /** Ends the exclusive lock on the record, or its announcement, if its owner is known to be dead. */
    static void endDeadWriter(final EpochDomain domain, final long record) {
        final long lock = RecordLayout.lockVolatile(record);
        final long dead = RecordLayout.owner(lock);
        if ((lock & ATTACHED) == 0 || (lock & WRITER) == 0 || (lock & SECTION) != 0 || !domain.isDeadWriter(dead)) {
            return;
        }
        ReservedStack.forBeginning(record); // an heir that does not end it could not be told from a writer
        final long heirs = lock & ~OWNER | RecordLayout.owned(Thread.currentThread().threadId());
        final Ledger.Entry taken = Ledger.at(record);
        if (RecordLayout.compareAndExchangeLock(record, lock, heirs) != lock) { // [I1]
            return;
        }
        Ledger.released(record);
        final long sequence = RecordLayout.sequence(record);
        if ((sequence & 1) != 0) {
            RecordLayout.sequenceRelease(record, sequence + 1);
        }
        RegionLock.include(record);
        domain.inherited(dead);
        LOGGER.log(Level.WARNING, "a thread died holding a region exclusively, which is released now: thread id=" +
            dead + ", " + RegionLock.describe(record), taken); // last: it may throw
    }
}
