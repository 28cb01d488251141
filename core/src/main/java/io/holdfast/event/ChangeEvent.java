// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Threshold;
import org.jspecify.annotations.Nullable;

/** Regions came in the place of others. */
@Name("io.holdfast.Change")
@Label("Change")
@Description("A single split, merge, cut, move or change of protection")
@Threshold("1 ms")
public final class ChangeEvent extends SpaceEvent {
    private static final ChangeEvent PROBE = new ChangeEvent();

    @Label("Operation")
    @Nullable String operation;

    @Label("Address")
    @Description("Of the first byte, relative to the space")
    long address;

    @Label("New Address")
    @Description("Of the first region that replaced it, -1 if none did")
    long newAddress;

    @Label("Regions")
    @Description("How many replaced it")
    int regions;

    @Label("Unmaps")
    @Description("How many parts were given back")
    int unmaps;

    private ChangeEvent() {
    }

    /** One that begins now, or null if nobody records it. */
    public static @Nullable ChangeEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        final ChangeEvent event = new ChangeEvent();
        event.begin();
        return event;
    }

    /** It is published. */
    public void end(final String in, final String what, final long at, final long newAt, final int made,
                    final int givenBack) {
        operation = what;
        address = at;
        newAddress = newAt;
        regions = made;
        unmaps = givenBack;
        tell(in);
    }
}
