// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.WaitReport;
import io.holdfast.epoch.Holder;
import io.holdfast.epoch.Ledger;
import java.time.Duration;

/** How those who are waited for stand in a {@link WaitReport}. */
final class Waiters {
    private Waiters() {
    }

    static WaitReport.Holder holder(final Holder holder) {
        final WaitReport.How how = switch (holder.how()) {
            case HAZARD -> WaitReport.How.SHARED;
            case PIN -> WaitReport.How.PIN;
            case STRUCTURE_PIN -> WaitReport.How.SNAPSHOT;
            case COUNT -> WaitReport.How.HOLD;
            case WRITER -> WaitReport.How.EXCLUSIVE;
        };
        final Ledger.Entry taken = holder.taken();
        return new WaitReport.Holder(holder.threadId(), holder.threadName(), how,
            taken == null ? null : Duration.ofNanos(taken.heldNs()), taken);
    }
}
