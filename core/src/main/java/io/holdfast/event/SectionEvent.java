// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Threshold;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/** A write section, from the wait for its range to its end. */
@Name("io.holdfast.Section")
@Label("Write Section")
@Description("A write section, from the wait for its range to its end")
@Threshold("1 ms")
public final class SectionEvent extends SpaceEvent {
    private static final SectionEvent PROBE = new SectionEvent();

    @Label("Start")
    long start;

    @Label("End")
    long end;

    @Label("Wait")
    @Timespan(Timespan.NANOSECONDS)
    @Description("For sections and changes that came first")
    long wait;

    @Label("Excluded")
    @Description("Regions that were held exclusively when it was published")
    int excluded;

    @Label("Unmaps")
    @Description("Parts that were given back when it was published")
    int unmaps;

    @Label("Outcome")
    @Description("PUBLISHED, DOWNGRADED, or OPEN if it was rolled back")
    @Nullable String outcome;

    private SectionEvent() {
    }

    /** One that begins now, or null if nobody records it. */
    public static @Nullable SectionEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        final SectionEvent event = new SectionEvent();
        event.begin();
        return event;
    }

    /** It has its range. */
    public void entered(final long first, final long last, final long afterNs) {
        start = first;
        end = last;
        wait = afterNs;
    }

    /** It is about to be published. */
    public void publishes(final int held, final int givenBack) {
        excluded = held;
        unmaps = givenBack;
    }

    /** It is over. */
    public void end(final String in, final String how) {
        outcome = how;
        tell(in);
    }
}
