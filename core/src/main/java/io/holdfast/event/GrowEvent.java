// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Threshold;
import org.jspecify.annotations.Nullable;

/** A region grew where it is. */
@Name("io.holdfast.Grow")
@Label("Grow")
@Description("A region grew where it is")
@Threshold("1 ms")
public final class GrowEvent extends SpaceEvent {
    private static final GrowEvent PROBE = new GrowEvent();

    @Label("Address")
    @Description("Of the first byte, relative to the space")
    long address;

    @Label("Old Size")
    @DataAmount
    long oldSize;

    @Label("New Size")
    @DataAmount
    long newSize;

    private GrowEvent() {
    }

    /** One that begins now, or null if nobody records it. */
    public static @Nullable GrowEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        final GrowEvent event = new GrowEvent();
        event.begin();
        return event;
    }

    /** It has grown. */
    public void end(final String in, final long at, final long before, final long after) {
        address = at;
        oldSize = before;
        newSize = after;
        tell(in);
    }
}
