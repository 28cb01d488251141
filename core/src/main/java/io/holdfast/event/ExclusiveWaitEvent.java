// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Threshold;
import org.jspecify.annotations.Nullable;

/** A thread waited for an exclusive lock. */
@Name("io.holdfast.ExclusiveWait")
@Label("Exclusive Wait")
@Description("A thread waited for an exclusive lock on a region")
@Threshold("1 ms")
public final class ExclusiveWaitEvent extends SpaceEvent {
    private static final ExclusiveWaitEvent PROBE = new ExclusiveWaitEvent();

    @Label("Address")
    @Description("Of the first byte, relative to the space")
    long address;

    @Label("Granted")
    boolean granted;

    private ExclusiveWaitEvent() {
    }

    /** One that begins now, or null if nobody records it. */
    public static @Nullable ExclusiveWaitEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        final ExclusiveWaitEvent event = new ExclusiveWaitEvent();
        event.begin();
        return event;
    }

    /** The wait is over. */
    public void end(final String in, final long at, final boolean success) {
        address = at;
        granted = success;
        tell(in);
    }
}
