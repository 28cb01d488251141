// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import org.jspecify.annotations.Nullable;

/** What all events of a space have. */
@Category("Holdfast")
abstract class SpaceEvent extends Event {
    /** Name of the space. */
    @Label("Space")
    @Description("Name of the address space")
    @Nullable String space;

    /** Tells it. Whoever records may take heap and stack that are not there: then it is lost. */
    final void tell(final String name) {
        try {
            space = name;
            commit();
        } catch (final OutOfMemoryError | StackOverflowError e) {
            // lost
        }
    }

    /** As text, or null. */
    static @Nullable String text(final @Nullable Object value) {
        return value == null ? null : value.toString();
    }
}
