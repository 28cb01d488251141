// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Guard;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Segments that live until they are closed together. Belongs to one thread. */
final class SectionSegments {
    private @Nullable Arena arena;

    /** A region's bytes, which can be written if the region can. */
    MemorySegment of(final RegionHandle region) {
        Arena current = arena;
        if (current == null) {
            current = Arena.ofConfined();
            arena = current;
        }
        return region.segmentFor(Guard.Mode.EXCLUSIVE, current);
    }

    /** Ends the life of all that were handed out. */
    void close() {
        final Arena current = arena;
        arena = null;
        if (current != null) {
            current.close();
        }
    }
}
