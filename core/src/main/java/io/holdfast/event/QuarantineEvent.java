// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** The system did not take pages back. */
@Name("io.holdfast.Quarantine")
@Label("Quarantine")
@Description("The system did not take pages back")
public final class QuarantineEvent extends SpaceEvent {
    private static final QuarantineEvent PROBE = new QuarantineEvent();

    @Label("Start")
    long start;

    @Label("Length")
    @DataAmount
    long length;

    @Label("Lost")
    @Description("Whether the addresses are lost for good; else it is tried again")
    boolean lost;

    private QuarantineEvent() {
    }

    /** Tells it. */
    public static void tell(final String in, final long first, final long bytes, final boolean forGood) {
        if (PROBE.isEnabled()) {
            final QuarantineEvent event = new QuarantineEvent();
            event.start = first;
            event.length = bytes;
            event.lost = forGood;
            event.tell(in);
        }
    }
}
