// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Threshold;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/** An unmap, from its announcement to its end. */
@Name("io.holdfast.Unmap")
@Label("Unmap")
@Description("An unmap, from its announcement to the moment when its memory was given back")
@Threshold("1 ms")
@StackTrace(false)
public final class UnmapEvent extends SpaceEvent {
    private static final UnmapEvent PROBE = new UnmapEvent();

    @Label("Address")
    @Description("Of the first byte, relative to the space")
    long address;

    @Label("Length")
    @DataAmount
    @Description("Address range, in whole pages")
    long length;

    @Label("Announced By")
    @Description("Name of the thread that announced it")
    @Nullable String announcer;

    @Label("Drain")
    @Timespan(Timespan.NANOSECONDS)
    @Description("From the announcement until no reader was left")
    long drain;

    @Label("Give Back")
    @Timespan(Timespan.NANOSECONDS)
    @Description("From then until the memory was given back")
    long giveBack;

    @Label("Background")
    @Description("Whether another thread than the announcing one ended it")
    boolean background;

    @Label("Outcome")
    @Description("RESTORED, QUARANTINED (to be tried again) or LOST")
    @Nullable String outcome;

    private UnmapEvent() {
    }

    /** One that begins now, or null if nobody records it. */
    public static @Nullable UnmapEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        final UnmapEvent event = new UnmapEvent();
        event.begin();
        return event;
    }

    /** No reader is left. */
    public void drained(final long afterNs) {
        drain = afterNs;
    }

    /** The memory is given back, or never will be. */
    public void end(final String in, final long at, final long bytes, final String by, final long afterNs,
                    final boolean byAnother, final String how) {
        address = at;
        length = bytes;
        announcer = by;
        giveBack = afterNs - drain;
        background = byAnother;
        outcome = how;
        tell(in);
    }
}
