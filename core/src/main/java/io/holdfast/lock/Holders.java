// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static io.holdfast.layout.RecordLayout.ATTACHED;
import static io.holdfast.layout.RecordLayout.SECTION;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Holder;
import io.holdfast.epoch.Ledger;
import io.holdfast.layout.RecordLayout;
import java.util.List;

/** For whom a thread waits, for reports. */
public final class Holders {
    private Holders() {
    }

    /** Who holds the record, or a pin from before {@code tag}, as far as can be seen at this moment. */
    public static List<Holder> of(final EpochDomain domain, final long record, final long tag) {
        final List<Holder> holders = domain.holders(record, tag);
        for (final Ledger.Entry hold : Ledger.holds(record)) {
            holders.add(new Holder(hold.threadId(), hold.threadName(), Holder.How.COUNT, hold));
        }
        final long lock = RecordLayout.lockAcquire(record);
        final long owner = RecordLayout.owner(lock);
        if ((lock & ATTACHED) != 0 && (lock & SECTION) == 0 && owner != 0 && owner != Thread.currentThread().threadId()) {
            holders.add(new Holder(owner, domain.threadName(owner), Holder.How.WRITER, Ledger.at(record)));
        }
        return holders;
    }
}
