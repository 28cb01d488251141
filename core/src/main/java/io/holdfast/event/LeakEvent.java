// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/** Something was never closed, or somebody has waited for it for long, and the place that took it is known. */
@Name("io.holdfast.Leak")
@Label("Leak")
@Description("Something was never closed, or is in the way of a long wait; the place that took it is known")
@StackTrace(false)
public final class LeakEvent extends SpaceEvent {
    private static final LeakEvent PROBE = new LeakEvent();

    @Label("What")
    @Nullable String what;

    @Label("Place")
    @Description("Where it was taken: the innermost frames")
    @Nullable String place;

    private LeakEvent() {
    }

    /** Whether somebody records it. */
    public static boolean isOn() {
        return PROBE.isEnabled();
    }

    /** Tells it. */
    public static void tell(final String in, final String what, final @Nullable Throwable where) {
        if (isOn()) {
            final LeakEvent event = new LeakEvent();
            event.what = what;
            event.place = where == null ? null : frames(where);
            event.tell(in);
        }
    }

    private static String frames(final Throwable where) {
        final StringBuilder text = new StringBuilder();
        for (final StackTraceElement frame : where.getStackTrace()) {
            text.append(text.isEmpty() ? "" : "\n").append(frame);
        }
        return text.toString();
    }
}
