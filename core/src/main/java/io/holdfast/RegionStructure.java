// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.lock.RegionLock;
import java.util.List;
import java.util.Objects;

/**
 * What can be done to the extent of a region. Every operation turns new readers of this region away and waits for those
 * inside, and disturbs nobody else. Then the region goes on as other regions, which come into being in one step: a
 * lookup finds the old region or the new ones, and never nothing where there is something before and after. All handles
 * to the old region are stale for good from then on, at first with the refusal {@link Refusal#MOVED}; stamps fail. Bytes
 * that stay in the space stay where they are, but for {@link #remap}.
 *
 * <p>All of these wait; {@link Patience} gives each of them a timed and interruptible form.
 *
 * <p>A failing operation leaves the region as it was. Where memory is given back, the operation waits for pins from
 * before as well; if the thread is interrupted then, that goes on in the background and the interrupt is kept.
 */
abstract sealed class RegionStructure extends RegionPages permits Region {
    RegionStructure(final AddressSpace space, final RegionLock lock, final long record, final long incarnation) {
        super(space, lock, record, incarnation);
    }

    private StructureEngine structure() {
        return space().engines().structure();
    }

    /**
     * Makes two regions of this one.
     *
     * @param at offset of the second one's first byte, in bytes; its address is a multiple of the page size
     * @return the two, in order
     * @throws IllegalArgumentException     if the offset is not inside the region, or the address is misaligned
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if a limit of the space is reached or there is no memory; nothing has
     *                                      changed then
     * @throws IllegalStateException        if the space is closed
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public List<Region> split(final long at) {
        return structure().split(self(), at);
    }

    /**
     * Makes one region of this one and another, of which one begins where the other ends. They must have the same
     * protection and the same kind of pages, be of the same file in one piece or both anonymous, and the seam must lie
     * between two pages. The name is that of the lower one.
     *
     * @param other the neighbour
     * @return the region that covers both
     * @throws IllegalArgumentException     if the other one is of another space, or the same
     * @throws RegionException              if one is unmapped, or they cannot be one region, and why
     * @throws MappingException             if there is no memory; nothing has changed then
     * @throws IllegalStateException        if the space is closed
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public Region merge(final Region other) {
        return structure().merge(self(), other);
    }

    /**
     * Gives the first bytes back.
     *
     * @param bytes how many, so that the address of what is left is a multiple of the page size
     * @return the rest
     * @throws IllegalArgumentException     if this is not more than 0 and less than all, or misaligned
     * @throws RegionException              as {@link #split}
     * @throws MappingException             as {@link #split}
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    public Region trimHead(final long bytes) {
        return structure().trimHead(self(), bytes);
    }

    /**
     * Gives the last bytes back; whole pages that are not used any more go back to the system. The rest cannot grow in
     * place any more.
     *
     * @param bytes how many
     * @return the rest
     * @throws IllegalArgumentException     if this is not more than 0 and less than all
     * @throws RegionException              as {@link #split}
     * @throws MappingException             as {@link #split}
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    public Region trimTail(final long bytes) {
        return structure().trimTail(self(), bytes);
    }

    /**
     * Unmaps a range and leaves the rest mapped. Both ends of the range lie between two pages, or are ends of the
     * region.
     *
     * @param offset of the first byte in the region, in bytes
     * @param length in bytes, more than 0
     * @return what is left, in order: nothing, or one or two regions
     * @throws IllegalArgumentException     if the range is not one of the region's, or misaligned
     * @throws RegionException              as {@link #split}
     * @throws MappingException             as {@link #split}
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    public List<Region> unmap(final long offset, final long length) {
        return structure().unmap(self(), offset, length);
    }

    /**
     * Changes whether the region can be written.
     *
     * @param protection what may be done from now on
     * @return the region, under this handle if nothing changes
     * @throws RegionException              if the region is unmapped, or its file is mapped for reading only
     * @throws MappingException             if the system refuses; nothing has changed then
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    public Region protect(final Protection protection) {
        return structure().protect(self(), Objects.requireNonNull(protection, "protection"));
    }

    /**
     * Changes whether a range can be written, and makes a region of its own of it. Both ends of the range lie between
     * two pages, or are ends of the region.
     *
     * @param offset     of the first byte in the region, in bytes
     * @param length     in bytes, more than 0
     * @param protection what may be done from now on
     * @return the regions that there are now, in order: up to three; this handle if nothing changes
     * @throws IllegalArgumentException     if the range is not one of the region's, or misaligned
     * @throws RegionException              as {@link #protect(Protection)}
     * @throws MappingException             as {@link #protect(Protection)}
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    public List<Region> protect(final long offset, final long length, final Protection protection) {
        return structure().protect(self(), offset, length, Objects.requireNonNull(protection, "protection"));
    }

    /**
     * Cuts the region and its file. Nothing in this space may map what the file loses; other mappings of it, in other
     * spaces or processes, lose their pages. The file is cut when the last reader of its end has left. If the thread is
     * interrupted while it waits for that, or has no {@link Patience} left, it happens in the background, but not if
     * somebody maps that end again before; a file that is not cut then is logged as an error.
     *
     * @param newSizeBytes of the region, more than 0 and not more than now; the file ends where the region does
     * @return the region that is left
     * @throws IllegalArgumentException     if the size is out of range
     * @throws RegionException              if the region is unmapped, does not write to its file, or another region of
     *                                      the space maps what the file would lose; where it came while this waited, the
     *                                      region has been cut, and its new handle is found by address
     * @throws MappingException             as {@link #split}
     * @throws java.io.UncheckedIOException if the file cannot be opened, or is another one by now, and then nothing has
     *                                      changed; or if it cannot be cut, and then the region has been cut and its
     *                                      new handle is found by address
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    public Region truncate(final long newSizeBytes) {
        return structure().truncate(self(), newSizeBytes);
    }

    /**
     * Changes the size, at any price: a smaller region is cut as by {@link #trimTail}, a larger one grows in place
     * where addresses are reserved for it, and else moves. Moving holds the region exclusively, gives it another
     * address, and copies anonymous and private bytes; advice is not taken along. Where sections have all addresses
     * that are free, this waits for them, as a map does.
     *
     * @param newSizeBytes more than 0; a file that is written grows with the region, another one must be long enough
     * @return the region, under this handle if it could stay
     * @throws IllegalArgumentException     if the size is not positive
     * @throws RegionException              as {@link #split}
     * @throws MappingException             as {@link #split}
     * @throws TruncatedException           if private bytes of a file are gone because it has been truncated
     * @throws java.io.UncheckedIOException if the file cannot be opened, is another one by now, too short, or cannot
     *                                      grow; nothing has changed then
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    public Region remap(final long newSizeBytes) {
        return structure().remap(self(), newSizeBytes);
    }
}
