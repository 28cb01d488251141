// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Threshold;
import org.jspecify.annotations.Nullable;

/** A region was mapped. */
@Name("io.holdfast.Map")
@Label("Map")
@Description("A region was mapped")
@Threshold("1 ms")
public final class MapEvent extends SpaceEvent {
    private static final MapEvent PROBE = new MapEvent();

    @Label("Address")
    @Description("Of the first byte, relative to the space")
    long address;

    @Label("Size")
    @DataAmount
    long size;

    @Label("File")
    @Nullable String path;

    @Label("Region Name")
    @Nullable String region;

    private MapEvent() {
    }

    /** One that begins now, or null if nobody records it. */
    public static @Nullable MapEvent begun() {
        if (!PROBE.isEnabled()) {
            return null;
        }
        final MapEvent event = new MapEvent();
        event.begin();
        return event;
    }

    /** It is mapped. */
    public void end(final String in, final long at, final long bytes, final @Nullable String named,
                    final @Nullable Object file) {
        address = at;
        size = bytes;
        region = named;
        try {
            path = text(file);
        } catch (final OutOfMemoryError | StackOverflowError e) {
            return;
        }
        tell(in);
    }
}
