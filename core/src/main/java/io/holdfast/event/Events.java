// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import java.lang.invoke.MethodHandles;
import java.util.List;
import jdk.jfr.Event;

/** All events. */
public final class Events {
    private static final List<Class<? extends Event>> ALL = List.of(MapEvent.class, UnmapEvent.class, GrowEvent.class,
        ChangeEvent.class, SectionEvent.class, ExclusiveWaitEvent.class, DrainWaitEvent.class, StalledWaitEvent.class,
        LeakEvent.class, BacklogFullEvent.class, KernelRefusalEvent.class, QuarantineEvent.class, HeadroomLowEvent.class,
        StatisticsEvent.class);

    private static final MethodHandles.Lookup LOOKUP = MethodHandles.lookup();

    private Events() {
    }

    /** Makes sure that the classes are there: near the end of the stack they could not be initialised, nor ever again. */
    public static void load() {
        for (final Class<? extends Event> each : ALL) {
            try {
                LOOKUP.ensureInitialized(each);
            } catch (final IllegalAccessException e) {
                throw new LinkageError("an event of another package: " + each, e);
            }
        }
    }
}
