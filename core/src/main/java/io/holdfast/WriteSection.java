// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.space.WriteSectionHandle;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The exclusive right to change the structure of a range of addresses: any mix of changes to any number of regions, which
 * lookups, cursors and snapshots see all at once, at {@link #publish()}, or not at all (guarantee G7). Sections of
 * disjoint ranges do not wait for each other.
 *
 * <p>A region that the section changes is excluded first: new readers are refused or wait, those inside are waited for.
 * It stays excluded until the section is published, downgraded or closed, or its exclusion is ended; readers of other
 * regions are never delayed. Replacements get fresh addresses, since pinned readers still own the old ones.
 *
 * <p>Operations return handles to the regions as they will be; nobody can lock those before the publication, and
 * until then their bytes are accessed through {@link #segment(Region)}. An operation that throws has changed nothing,
 * but more regions may be excluded than before, and the section can still be used. A section that is closed without
 * having been published restores everything: mappings, locks, splits. Bytes that were written into regions that existed
 * before are not restored, and files that have grown keep their length.
 *
 * <pre>
 *   state        changes   publish                                   downgrade          upgrade         close
 *   open         yes       published; rolled back, closed if it      downgraded; an     -               rolled back
 *                          throws                                    exception if there
 *                                                                    are changes
 *   published    !         !                                         !                  open, if nobody memory given back
 *   downgraded   !         !                                         !                  else is there   closed
 *   closed       !         !                                         !                  !               nothing
 * </pre>
 *
 * <p>A published section is downgraded: it excludes other writers from its range, and nobody else, until it is closed.
 * Belongs to the thread that began it.
 *
 * {@snippet class="io.holdfast.SnippetsTest" region="section"}
 */
public sealed interface WriteSection extends AutoCloseable permits WriteSectionHandle {
    /** {@return the space} */
    AddressSpace space();

    /** {@return whether the section still has its range} */
    boolean isOpen();

    /**
     * Limits how long each operation of this section waits for the readers of a region, and lets interrupts end the wait.
     * An operation that gives up throws a {@link RegionException} with {@link Refusal#TIMED_OUT} or
     * {@link Refusal#INTERRUPTED}, leaves no trace, and keeps the interrupt. Without this the section waits for as long
     * as it takes.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return this
     * @throws IllegalStateException if the section is not open
     * @throws WrongThreadException  if another thread began it
     */
    WriteSection patience(long timeout, TimeUnit unit);

    // ------------------------------------------------------------------------------------------------- exclusion

    /**
     * Excludes a region without changing it: turns readers away and waits for those inside. One that the section has made
     * is excluded already.
     *
     * @param region of the section's range
     * @return its bytes, to be written if the region can be, until the section changes it or the exclusion ends
     * @throws IllegalArgumentException     if the region is of another space, or not inside the section's range
     * @throws RegionException              if the region is unmapped, the section has changed it already, or the section's
     *                                      {@linkplain #patience patience} has run out
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     * @throws IllegalStateException        if the section is not open
     * @throws WrongThreadException         if another thread began it
     */
    MemorySegment exclude(Region region);

    /**
     * Excludes every region that overlaps a range, with one barrier for all of them; all or none.
     *
     * @param start address of the first byte, in the section's range
     * @param end   address just past the last
     * @return how many regions this excluded that the section did not hold before
     * @throws IllegalArgumentException     if the range is empty or not inside the section's, or cuts a region that
     *                                      reaches out of it
     * @throws RegionException              as {@link #exclude(Region)}
     * @throws IllegalMonitorStateException as {@link #exclude(Region)}
     * @throws IllegalStateException        as {@link #exclude(Region)}
     * @throws WrongThreadException         as {@link #exclude(Region)}
     */
    int exclude(long start, long end);

    /**
     * Ends the exclusion of one region that the section has not changed; readers get in.
     *
     * @param region that is excluded
     * @throws RegionException       if the section does not exclude it, or has changed it
     * @throws IllegalStateException if the section is not open
     * @throws WrongThreadException  if another thread began it
     */
    void end(Region region);

    /**
     * Ends all exclusions with one store, however many there are; readers get in.
     *
     * @throws RegionException       if the section has changes: publish it, or close it
     * @throws IllegalStateException if the section is not open
     * @throws WrongThreadException  if another thread began it
     */
    void endAll();

    /**
     * The bytes of a region that this section excludes or has made, which can be written if the region can be; until the
     * section changes the region, the exclusion ends, or the section is published or closed.
     *
     * @param region as an operation of this section returned it, or excluded
     * @return the segment, for the section's thread
     * @throws RegionException       if it is neither
     * @throws IllegalStateException if the section is not open
     * @throws WrongThreadException  if another thread began it
     */
    MemorySegment segment(Region region);

    // --------------------------------------------------------------------------------------------------- changes

    /**
     * Maps anonymous memory at fresh addresses of the section's range.
     *
     * @param sizeBytes more than 0
     * @return the region, as it is going to be
     * @throws IllegalArgumentException if the size is not positive
     * @throws MappingException         as {@link AddressSpace#map(MapRequest)}
     * @throws IllegalStateException    if the section is not open, or the space is closed
     * @throws WrongThreadException     if another thread began it
     */
    Region map(long sizeBytes);

    /**
     * Maps what a request describes, at fresh addresses of the section's range.
     *
     * @param request what is to be mapped
     * @return the region, as it is going to be
     * @throws IllegalArgumentException     if a fixed address is misaligned or outside of the section
     * @throws java.io.UncheckedIOException as {@link AddressSpace#map(MapRequest)}
     * @throws MappingException             as {@link AddressSpace#map(MapRequest)}
     * @throws IllegalStateException        if the section is not open, or the space is closed
     * @throws WrongThreadException         if another thread began it
     */
    Region map(MapRequest request);

    /**
     * Unmaps a region. Its memory is given back when the section is closed and earlier pins have ended.
     *
     * @param region to be unmapped, possibly one that this section has made
     * @throws IllegalArgumentException     as {@link #exclude(Region)}
     * @throws RegionException              as {@link #exclude(Region)}
     * @throws IllegalMonitorStateException as {@link #exclude(Region)}
     * @throws IllegalStateException        as {@link #exclude(Region)}
     * @throws WrongThreadException         as {@link #exclude(Region)}
     */
    void unmap(Region region);

    /**
     * Unmaps everything in a range, and splits regions at its edges.
     *
     * @param start address of the first byte, at a page
     * @param end   address just past the last, at a page
     * @return what is left of regions that the range cuts, in the order of addresses; nothing of one that lies inside
     * @throws IllegalArgumentException     if the range is empty, misaligned, or not inside the section's, or cuts a
     *                                      region that reaches out of it
     * @throws RegionException              as {@link #exclude(Region)}
     * @throws MappingException             if there is no memory
     * @throws IllegalMonitorStateException as {@link #exclude(Region)}
     * @throws IllegalStateException        as {@link #exclude(Region)}
     * @throws WrongThreadException         as {@link #exclude(Region)}
     */
    @CheckReturnValue
    List<Region> unmap(long start, long end);

    /**
     * Splits a region in two.
     *
     * @param region to be split
     * @param at     offset of the second one's first byte, which lies at a page
     * @return the two, in order
     * @throws IllegalArgumentException     as {@link #exclude(Region)}, and if the offset is misaligned or not inside
     * @throws RegionException              as {@link #exclude(Region)}
     * @throws MappingException             if there is no memory
     * @throws IllegalMonitorStateException as {@link #exclude(Region)}
     * @throws IllegalStateException        as {@link #exclude(Region)}
     * @throws WrongThreadException         as {@link #exclude(Region)}
     */
    @CheckReturnValue
    List<Region> split(Region region, long at);

    /**
     * Merges two neighbours; the conditions are those of {@link Region#merge}.
     *
     * @param one   a region
     * @param other its neighbour
     * @return the region that covers both
     * @throws IllegalArgumentException     as {@link #exclude(Region)}, and if both are the same
     * @throws RegionException              as {@link #exclude(Region)}, and if they cannot be merged; the message says why
     * @throws MappingException             if there is no memory
     * @throws IllegalMonitorStateException as {@link #exclude(Region)}
     * @throws IllegalStateException        as {@link #exclude(Region)}
     * @throws WrongThreadException         as {@link #exclude(Region)}
     */
    @CheckReturnValue
    Region merge(Region one, Region other);

    /**
     * Changes whether a region can be written.
     *
     * @param region     to be changed
     * @param protection what may be done from the publication on
     * @return the region, under its handle if nothing changes
     * @throws IllegalArgumentException     as {@link #exclude(Region)}
     * @throws RegionException              as {@link #exclude(Region)}, and if its file is mapped for reading only
     * @throws MappingException             if the system refuses, or there is no memory; if it does not even restore the
     *                                      protection that the pages had, the region is unmapped in this
     *                                      section
     * @throws IllegalMonitorStateException as {@link #exclude(Region)}
     * @throws IllegalStateException        as {@link #exclude(Region)}
     * @throws WrongThreadException         as {@link #exclude(Region)}
     */
    @CheckReturnValue
    Region protect(Region region, Protection protection);

    /**
     * Moves a region to fresh addresses of the section's range, with its bytes.
     *
     * @param region to be moved
     * @return the region at its new addresses
     * @throws IllegalArgumentException     as {@link #exclude(Region)}
     * @throws RegionException              as {@link #exclude(Region)}
     * @throws MappingException             as {@link AddressSpace#map(MapRequest)}
     * @throws TruncatedException           as {@link Region#remap}
     * @throws java.io.UncheckedIOException as {@link Region#remap}
     * @throws IllegalMonitorStateException as {@link #exclude(Region)}
     * @throws IllegalStateException        as {@link #exclude(Region)}
     * @throws WrongThreadException         as {@link #exclude(Region)}
     */
    @CheckReturnValue
    Region move(Region region);

    /**
     * Changes the size of a region: cuts it where it is, or moves it to fresh addresses to make it larger. Growing in
     * place needs no section: {@link Region#grow}.
     *
     * @param region       to be changed
     * @param newSizeBytes more than 0
     * @return the region, under its handle if nothing changes
     * @throws IllegalArgumentException     as {@link #exclude(Region)}, and if the size is not positive
     * @throws RegionException              as {@link #exclude(Region)}
     * @throws MappingException             as {@link AddressSpace#map(MapRequest)}
     * @throws TruncatedException           as {@link Region#remap}
     * @throws java.io.UncheckedIOException as {@link Region#remap}
     * @throws IllegalMonitorStateException as {@link #exclude(Region)}
     * @throws IllegalStateException        as {@link #exclude(Region)}
     * @throws WrongThreadException         as {@link #exclude(Region)}
     */
    @CheckReturnValue
    Region resize(Region region, long newSizeBytes);

    // --------------------------------------------------------------------------------------------------- the end

    /**
     * Makes all changes visible in one step and lets readers in. The section is downgraded from then on, until it is
     * closed. If this throws, everything has been restored and the section is closed.
     *
     * @throws MappingException      if there is no memory, or a limit of the space is reached
     * @throws IllegalStateException if the section is not open, or the space is closed
     * @throws WrongThreadException  if another thread began it
     */
    void publish();

    /**
     * Ends all exclusions, and lets read sections in; other writers are kept out until the section is closed. A section
     * that has been published is downgraded already.
     *
     * @throws RegionException       if the section has changes: publish it, or close it
     * @throws IllegalStateException if the section is not open
     * @throws WrongThreadException  if another thread began it
     */
    void downgrade();

    /**
     * Opens a downgraded or published section again if nobody else has a section on the range. Never waits; memory of what
     * it unmapped before is given back when it is closed.
     *
     * @return whether it can change the structure again
     * @throws IllegalStateException if the section is closed
     * @throws WrongThreadException  if another thread began it
     */
    boolean tryUpgrade();

    /**
     * Ends the section. If it was not published, everything is restored. If it was, and something was unmapped, this
     * waits, after it has given the range back, until earlier pins have ended and the memory is given back; for a
     * thread that is pinned or holds a guard, and after an interrupt, that goes on in the background. Does nothing if the
     * section is closed.
     *
     * @throws WrongThreadException if another thread began it
     */
    @Override
    void close();
}
