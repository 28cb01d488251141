// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import org.jspecify.annotations.Nullable;

/** The backlog of unmaps was at its bound. */
@Name("io.holdfast.BacklogFull")
@Label("Backlog Full")
@Description("A thread waited, or was refused, because announced unmaps had reached their bound")
public final class BacklogFullEvent extends SpaceEvent {
    private static final BacklogFullEvent PROBE = new BacklogFullEvent();

    @Label("Backlog")
    @DataAmount
    long backlog;

    @Label("Limit")
    @DataAmount
    long limit;

    private BacklogFullEvent() {
    }

    /** One that begins now, or null if nobody records it. */
    public static @Nullable BacklogFullEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        final BacklogFullEvent event = new BacklogFullEvent();
        event.begin();
        return event;
    }

    /** There is room, or the thread was refused. */
    public void end(final String in, final long bytes, final long bound) {
        backlog = bytes;
        limit = bound;
        tell(in);
    }
}
