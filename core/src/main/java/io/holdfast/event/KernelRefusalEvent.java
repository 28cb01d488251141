// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import org.jspecify.annotations.Nullable;

/** A system call failed, and with it an operation. */
@Name("io.holdfast.KernelRefusal")
@Label("Kernel Refusal")
@Description("A system call failed, and with it an operation")
public final class KernelRefusalEvent extends SpaceEvent {
    private static final KernelRefusalEvent PROBE = new KernelRefusalEvent();

    @Label("Error Number")
    int errno;

    @Label("Message")
    @Nullable String message;

    private KernelRefusalEvent() {
    }

    /** Tells it. */
    public static void tell(final String in, final int number, final @Nullable String text) {
        if (PROBE.isEnabled()) {
            final KernelRefusalEvent event = new KernelRefusalEvent();
            event.errno = number;
            event.message = text;
            event.tell(in);
        }
    }
}
