// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;
import org.jspecify.annotations.Nullable;

/** An unmap waited for readers. */
@Name("io.holdfast.DrainWait")
@Label("Drain Wait")
@Description("An unmap waited for readers inside of its region")
@Threshold("1 ms")
@StackTrace(false)
public final class DrainWaitEvent extends SpaceEvent {
    private static final DrainWaitEvent PROBE = new DrainWaitEvent();

    @Label("Address")
    @Description("Of the first byte, relative to the space")
    long address;

    @Label("Announced By")
    @Nullable String announcer;

    @Label("Holders")
    @Description("Who was inside when the wait began, as far as could be seen")
    @Nullable String holders;

    private DrainWaitEvent() {
    }

    /** Whether somebody records it. */
    public static boolean isOn() {
        return PROBE.isEnabled();
    }

    /** One that begins now, or null if nobody records it. */
    public static @Nullable DrainWaitEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        final DrainWaitEvent event = new DrainWaitEvent();
        event.begin();
        return event;
    }

    /** Who is inside. */
    public void holders(final String who) {
        holders = who;
    }

    /** No reader is left. */
    public void end(final String in, final long at, final String by) {
        address = at;
        announcer = by;
        tell(in);
    }
}
