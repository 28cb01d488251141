// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.space.SnapshotHandle;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The regions of a space as they were at one moment, whatever happens meanwhile (guarantee G7): what a section published
 * shows as a whole or not at all. Taking one is O(1). It holds back the reuse of records and tree nodes until it is
 * closed, but neither changes nor the memory of regions.
 *
 * <p>A snapshot gives one answer, however often it is looked at. A region whose map or unmap was under way in another
 * thread when the snapshot was taken may be shown or not; what a lookup or a cursor had found by then is shown, what they
 * had missed is not. A region that was mapped later is not shown, and one that was unmapped later is. Sizes are those of
 * the moment of looking, since regions grow in place; the name and the file of a region that has gone since are no
 * longer known.
 *
 * <p>Belongs to the thread that took it.
 *
 * {@snippet class="io.holdfast.SnippetsTest" region="snapshot"}
 */
public sealed interface SpaceSnapshot extends AutoCloseable permits SnapshotHandle {
    /**
     * Visits all regions in the order of their addresses, until the visitor has seen enough.
     *
     * @param visitor returns whether it wants to see the next one
     * @throws IllegalStateException if the snapshot is closed
     * @throws WrongThreadException  if another thread began it
     */
    void forEach(Predicate<RegionInfo> visitor);

    /**
     * Lists all regions, in the order of their addresses.
     *
     * @return what each of them was
     * @throws IllegalStateException if the snapshot is closed
     * @throws WrongThreadException  if another thread began it
     */
    List<RegionInfo> regions();

    /**
     * Finds the region that contained an address.
     *
     * @param address relative to the space
     * @return what it was, or null if there was none
     * @throws IllegalStateException if the snapshot is closed
     * @throws WrongThreadException  if another thread began it
     */
    @Nullable RegionInfo find(long address);

    /**
     * Ends the snapshot; does nothing if it is closed.
     *
     * @throws WrongThreadException if another thread began it
     */
    @Override
    void close();
}
