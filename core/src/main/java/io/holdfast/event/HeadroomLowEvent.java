// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;

/** The process is close to {@code vm.max_map_count}. */
@Name("io.holdfast.HeadroomLow")
@Label("Mapping Headroom Low")
@Description("The process is close to vm.max_map_count")
public final class HeadroomLowEvent extends SpaceEvent {
    private static final HeadroomLowEvent PROBE = new HeadroomLowEvent();

    @Label("Mappings")
    long mappings;

    @Label("Limit")
    @Description("vm.max_map_count")
    long limit;

    @Label("Reserve")
    @Description("Mappings that are not used by regions")
    long reserve;

    @Label("Refused")
    @Description("Whether an operation was refused")
    boolean refused;

    private HeadroomLowEvent() {
    }

    /** Tells it. */
    public static void tell(final String in, final long count, final long bound, final long kept, final boolean refusal) {
        if (PROBE.isEnabled()) {
            final HeadroomLowEvent event = new HeadroomLowEvent();
            event.mappings = count;
            event.limit = bound;
            event.reserve = kept;
            event.refused = refusal;
            event.tell(in);
        }
    }
}
