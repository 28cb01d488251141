// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.space.CursorHandle;
import org.jspecify.annotations.Nullable;

/**
 * A position between the regions of a space that is in use, which moves over one region at a time, in either direction.
 * It may show a region twice, or one that reaches behind the position, when regions are split, merged or moved
 * meanwhile; it never leaves out addresses where regions stood before and after a change (guarantee G7).
 *
 * <p>It holds nothing between its steps, and finds its place again however long it has been left. What it shows
 * may be gone already: lock the region, and where that is refused because it has {@linkplain Refusal#MOVED moved},
 * {@link #seek} back to its address. A step is wait-free up to the height of the tree and the regions that are being
 * unmapped. Not thread-safe; may be used by one thread after another.
 */
public sealed interface RegionCursor permits CursorHandle {
    /**
     * Sets the position.
     *
     * @param address relative to the space; one outside the space means its nearest end
     * @return this
     */
    RegionCursor seek(long address);

    /** {@return the address that the cursor stands at} */
    long position();

    /**
     * Moves forward over one region.
     *
     * @return the region, or null, without moving, if there is none
     * @throws IllegalStateException if the space is closed
     */
    @Nullable Region next();

    /**
     * Moves backward over one region.
     *
     * @return the region, or null, without moving, if there is none
     * @throws IllegalStateException if the space is closed
     */
    @Nullable Region previous();
}
