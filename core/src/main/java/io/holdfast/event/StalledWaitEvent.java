// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/** A wait has lasted for long, and goes on. */
@Name("io.holdfast.StalledWait")
@Label("Stalled Wait")
@Description("A thread, or an unmap in the background, has waited for longer than the space is set to report")
public final class StalledWaitEvent extends SpaceEvent {
    private static final StalledWaitEvent PROBE = new StalledWaitEvent();

    @Label("Waited For")
    @Nullable String subject;

    @Label("Waited")
    @Timespan(Timespan.NANOSECONDS)
    long waited;

    @Label("Waiter")
    @Description("Name of the waiting thread")
    @Nullable String waiter;

    @Label("Holders")
    @Description("Who is inside, as far as could be seen")
    @Nullable String holders;

    private StalledWaitEvent() {
    }

    /** Tells it. */
    public static void tell(final String in, final String what, final long forNs, final String who, final Object inside) {
        if (PROBE.isEnabled()) {
            final StalledWaitEvent event = new StalledWaitEvent();
            event.subject = what;
            event.waited = forNs;
            event.waiter = who;
            event.holders = inside.toString();
            event.tell(in);
        }
    }
}
