// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.space.SpaceBuilder;
import io.holdfast.space.SpaceHandle;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.agrona.ErrorHandler;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * One large range of addresses in which regions are mapped, read by many threads, and unmapped while they read.
 *
 * <p>Addresses are offsets from the base of the range, so they can be stored. The range belongs to the process for
 * good: an address that was ever mapped stays readable, even after {@link #close()}, so a stale optimistic read returns
 * bytes that do not validate, and never faults (guarantee G4).
 *
 * <p>Thread-safe. Mapping, unmapping and lookups of different regions do not wait for each other (G6).
 *
 * {@snippet class="io.holdfast.SnippetsTest" region="space"}
 */
public sealed interface AddressSpace extends AutoCloseable permits SpaceHandle {
    /**
     * Capacity of a space that does not set another: 1 TiB of addresses, which takes no memory. Once the process has
     * reserved 64 of its 128 TiB of addresses, for any purpose, such a space gets 32 GiB, so that thousands are
     * possible.
     */
    long DEFAULT_CAPACITY = 1L << 40;

    /**
     * Opens a space with default settings.
     *
     * @return the open space
     * @throws UnsupportedOperationException if the operating system or the processor is not supported
     * @throws IllegalStateException         if native access is denied; the message names the option that grants it
     * @throws MappingException              if the system refuses the reservation
     */
    static AddressSpace open() {
        return builder().open();
    }

    /** {@return default settings for a new space} */
    static Builder builder() {
        return new SpaceBuilder();
    }

    // ------------------------------------------------------------------------------------------------------ pins

    /**
     * Pins the current thread: regions that it finds through the pin stay mapped until the pin is closed. Never waits.
     *
     * @return the pin, to be closed by the same thread
     * @throws IllegalStateException if the space is closed
     */
    Pin pin();

    /**
     * The agent that finishes asynchronous unmaps, to be run by the caller's own runner or invoker if the space was
     * opened with {@link Builder#startReclaimer(boolean) startReclaimer(false)}.
     *
     * @return the one agent of this space; any number of threads may run it
     */
    Agent reclaimer();

    // ----------------------------------------------------------------------------------------------------- close

    /**
     * Unmaps everything, waits for guards, holds and pins, and gives all memory back. New guards, pins and regions are
     * refused as soon as the close begins. The range of addresses stays readable, as zeros, and is parked for the
     * next spaces, until neither the library's class loader nor an optimistic segment can be reached any more.
     *
     * @throws IllegalStateException        if the space is closed already
     * @throws IllegalMonitorStateException if the thread holds a pin or a guard of the space: it would wait for itself;
     *                                      in debug mode also if threads have locked regions and sections of this and
     *                                      of other spaces in an order in which all of them could wait for each other
     */
    @Override
    void close();

    /**
     * Closes the space and waits up to a timeout. If this gives up, the space refuses new regions, pins and guards,
     * existing ones stay valid, and another call continues the close. Readers that are still inside are reported, for a
     * few of the regions, to the listener of {@link Builder#reportWaits}; the memory of each region is given back when
     * its last reader leaves.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return whether the space is closed, and all memory given back
     * @throws InterruptedException         if the thread is interrupted while it waits
     * @throws IllegalStateException        as {@link #close()}
     * @throws IllegalMonitorStateException as {@link #close()}
     */
    boolean close(long timeout, TimeUnit unit) throws InterruptedException;

    /** {@return whether no close has begun} */
    boolean isOpen();

    // ------------------------------------------------------------------------------------------------ inspection

    /** {@return the name of the space, for messages} */
    String name();

    /** {@return the number of addresses that the space has, in bytes} */
    long capacity();

    /** {@return the flavour of barrier that was chosen, never {@link Barrier#AUTO}} */
    Barrier barrier();

    /** {@return the name, the capacity and how much is mapped, for messages} */
    @Override
    String toString();

    /**
     * Maps anonymous memory, zeroed, readable and writable.
     *
     * @param sizeBytes more than 0; addresses are taken in whole pages
     * @return the region, mapped
     * @throws IllegalArgumentException if the size is not positive
     * @throws MappingException         if a limit of the space is reached or the system refuses; nothing has changed
     *                                  then
     * @throws IllegalStateException    if the space is closed
     */
    Region map(long sizeBytes);

    /**
     * Maps a part of a file.
     *
     * @param backing the file, the access to it, and the range of bytes
     * @return the region, mapped
     * @throws IllegalArgumentException     if the range is invalid
     * @throws java.io.UncheckedIOException if the file is missing, unreadable, not a regular file, empty
     *                                      ({@link EmptyFileException} is the cause), or shorter than the range, or cannot
     *                                      grow; or if its channel is closed, or does not reveal its file
     * @throws MappingException             if a limit of the space is reached, the file would grow where it is being
     *                                      truncated, or the system refuses; nothing has changed then
     * @throws IllegalStateException        if the space is closed
     */
    Region map(FileBacking backing);

    /**
     * Maps a part of a file, as {@link #map(FileBacking)} does, for callers that handle file errors as checked exceptions.
     *
     * @param backing the file, the access to it, and the range of bytes
     * @return the region, mapped
     * @throws EmptyFileException                  if the file is empty
     * @throws java.nio.file.NoSuchFileException   if there is no such file
     * @throws java.nio.file.AccessDeniedException if it may not be opened for that access
     * @throws IOException                         if it cannot be opened, is not a regular file, or is shorter than the
     *                                             range and cannot grow
     * @throws IllegalArgumentException            as {@link #map(FileBacking)}
     * @throws MappingException                    as {@link #map(FileBacking)}
     * @throws IllegalStateException               as {@link #map(FileBacking)}
     * @throws IllegalMonitorStateException        as {@link #map(MapRequest)}
     */
    Region mapFile(FileBacking backing) throws IOException;

    /**
     * Maps what a request describes, as {@link #map(MapRequest)} does, for callers that handle file errors as checked
     * exceptions.
     *
     * @param request what is to be mapped
     * @return the region, mapped
     * @throws IOException                  as {@link #mapFile(FileBacking)}, with the same subclasses
     * @throws IllegalArgumentException     as {@link #map(MapRequest)}
     * @throws MappingException             as {@link #map(MapRequest)}
     * @throws IllegalStateException        as {@link #map(MapRequest)}
     * @throws IllegalMonitorStateException as {@link #map(MapRequest)}
     */
    Region mapFile(MapRequest request) throws IOException;

    /**
     * Maps what a request describes, where and how it asks for it.
     *
     * @param request what is to be mapped
     * @return the region, mapped
     * @throws IllegalArgumentException     if a fixed address is misaligned or outside of the space, or a range is
     *                                      invalid
     * @throws java.io.UncheckedIOException as {@link #map(FileBacking)}
     * @throws MappingException             if a fixed address is taken, a limit of the space is reached, or the system
     *                                      refuses; nothing has changed then
     * @throws IllegalStateException        if the space is closed
     * @throws IllegalMonitorStateException if a section covers the addresses, or too much waits for pins and snapshots
     *                                      ({@link AddressSpace.Builder#retiredBytes}), and the thread would or could
     *                                      wait for itself: it has a section, or holds a guard or a pin (G10)
     */
    Region map(MapRequest request);

    /**
     * Maps what a request describes, unless it would have to wait: for a section, or because too much of what changes
     * have replaced still waits for pins and snapshots ({@link AddressSpace.Builder#retiredBytes}).
     *
     * @param request what is to be mapped
     * @return the region, mapped, or null if a section covers the addresses or too much waits for pins and snapshots
     * @throws IllegalArgumentException     as {@link #map(MapRequest)}
     * @throws java.io.UncheckedIOException as {@link #map(MapRequest)}
     * @throws MappingException             as {@link #map(MapRequest)}
     * @throws IllegalStateException        as {@link #map(MapRequest)}
     * @throws IllegalMonitorStateException as {@link #map(MapRequest)}
     */
    @Nullable Region tryMap(MapRequest request);

    /**
     * Unmaps many regions at once and waits until their memory is given back, as {@link Region#unmap()} does for one. It
     * takes one barrier, ends one era if any of them are leased, and makes one system call for all that lie next to each
     * other, as files that were mapped one after another do.
     *
     * <p>Either all of them are unmapped or none is: any refusal comes before anything is announced. For a moment, other
     * threads may see one of them gone and the next one still there; a {@link WriteSection} unmaps them in one step.
     *
     * @param regions regions of this space, in any order, each once; may be empty
     * @throws IllegalArgumentException     if one is of another space, or comes twice; nothing is unmapped then
     * @throws RegionException              if one is unmapped already or changed; nothing else is unmapped then
     * @throws IllegalStateException        if the space is closed
     * @throws IllegalMonitorStateException as {@link Region#unmap()}, for any of them; nothing is unmapped then
     */
    void unmap(Collection<? extends Region> regions);

    /**
     * Unmaps many regions at once and waits up to a timeout, as {@link Region#unmap(long, TimeUnit)} does for one.
     *
     * @param regions as for {@link #unmap(Collection)}
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return whether the memory of all of them is given back; if not, either nothing has happened, because a writer or a
     *         section was in the way the whole time, or all are unmapped and the rest goes on in the background
     * @throws InterruptedException         if the thread is interrupted on entry or while it waits; then either all of
     *                                      them are still mapped, or the unmap of all of them goes on in the background
     * @throws IllegalArgumentException     as {@link #unmap(Collection)}
     * @throws RegionException              as {@link #unmap(Collection)}
     * @throws IllegalStateException        as {@link #unmap(Collection)}
     * @throws IllegalMonitorStateException as {@link #unmap(Collection)}
     */
    boolean unmap(Collection<? extends Region> regions, long timeout, TimeUnit unit) throws InterruptedException;

    /**
     * Announces the unmap of many regions at once and returns, as {@link Region#unmapAsync()} does for one.
     *
     * @param regions as for {@link #unmap(Collection)}
     * @return completes when the memory of all of them is given back
     * @throws IllegalArgumentException     as {@link #unmap(Collection)}
     * @throws RegionException              as {@link #unmap(Collection)}, or if the thread is interrupted while the backlog
     *                                      is full; nothing is unmapped then
     * @throws IllegalStateException        as {@link #unmap(Collection)}
     * @throws IllegalMonitorStateException as {@link Region#unmapAsync()}, for any of them; nothing is unmapped then
     */
    CompletionStage<Void> unmapAsync(Collection<? extends Region> regions);

    /**
     * Begins a write section of the whole space; waits for sections and changes that came first.
     *
     * @return the section, to be closed by the same thread
     * @throws IllegalStateException        if the space is closed
     * @throws IllegalMonitorStateException if the thread has a section in this space, or holds a guard or a pin, and so
     *                                      would or could wait for itself (G10)
     */
    WriteSection write();

    /**
     * Begins a write section; waits for sections and changes of overlapping ranges that came first, and for no others.
     *
     * @param start address of the first byte
     * @param end   address just past the last
     * @return the section, to be closed by the same thread
     * @throws IllegalArgumentException     if the range is empty or not of this space
     * @throws IllegalStateException        as {@link #write()}
     * @throws IllegalMonitorStateException as {@link #write()}
     */
    WriteSection write(long start, long end);

    /**
     * Begins a write section; waits up to a timeout. Giving up leaves nothing behind.
     *
     * @param start   address of the first byte
     * @param end     address just past the last
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the section, to be closed by the same thread
     * @throws InterruptedException         if the thread is interrupted on entry or while it waits
     * @throws TimeoutException             if the timeout expires
     * @throws IllegalArgumentException     as {@link #write(long, long)}
     * @throws IllegalStateException        as {@link #write()}
     * @throws IllegalMonitorStateException as {@link #write()}
     */
    WriteSection write(long start, long end, long timeout, TimeUnit unit) throws InterruptedException, TimeoutException;

    /**
     * Begins a write section if that is possible at once.
     *
     * @param start address of the first byte
     * @param end   address just past the last
     * @return the section, to be closed by the same thread; or null
     * @throws IllegalArgumentException     as {@link #write(long, long)}
     * @throws IllegalStateException        as {@link #write()}
     * @throws IllegalMonitorStateException if the thread has a section in this space
     */
    @Nullable WriteSection tryWrite(long start, long end);

    /**
     * Begins a read section; waits for write sections and changes of overlapping ranges that came first.
     *
     * @param start address of the first byte
     * @param end   address just past the last
     * @return the section, to be closed by the same thread
     * @throws IllegalArgumentException     as {@link #write(long, long)}
     * @throws IllegalStateException        as {@link #write()}
     * @throws IllegalMonitorStateException as {@link #write()}
     */
    ReadSection read(long start, long end);

    /**
     * Begins a read section; waits up to a timeout. Giving up leaves nothing behind.
     *
     * @param start   address of the first byte
     * @param end     address just past the last
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the section, to be closed by the same thread
     * @throws InterruptedException         as {@link #write(long, long, long, TimeUnit)}
     * @throws TimeoutException             as {@link #write(long, long, long, TimeUnit)}
     * @throws IllegalArgumentException     as {@link #write(long, long)}
     * @throws IllegalStateException        as {@link #write()}
     * @throws IllegalMonitorStateException as {@link #write()}
     */
    ReadSection read(long start, long end, long timeout, TimeUnit unit) throws InterruptedException, TimeoutException;

    /**
     * Begins a read section if that is possible at once.
     *
     * @param start address of the first byte
     * @param end   address just past the last
     * @return the section, to be closed by the same thread; or null
     * @throws IllegalArgumentException     as {@link #write(long, long)}
     * @throws IllegalStateException        as {@link #write()}
     * @throws IllegalMonitorStateException as {@link #tryWrite}
     */
    @Nullable ReadSection tryRead(long start, long end);

    /** {@return the current counts} */
    SpaceStatistics statistics();

    /**
     * Lists all regions in the order of their addresses, as {@code /proc/self/maps} lists mappings.
     *
     * @return the regions as they were at one moment, as {@link #snapshot()} shows them: what a section publishes while
     *     this runs is listed as a whole or not at all
     * @throws IllegalStateException if the space is closed
     */
    List<RegionInfo> maps();

    /**
     * Lists the unmaps that are announced but not finished, with the readers they wait for. The waiter of each is the
     * thread that announced it, and the time is how long it has been in the background: 0 while that thread still waits.
     *
     * @return a report for each, in no particular order; unmaps that begin or end meanwhile may or may not be listed
     */
    List<WaitReport> pendingUnmaps();

    /**
     * Takes a snapshot of all regions, in O(1).
     *
     * @return the snapshot, to be closed by the same thread
     * @throws IllegalStateException if the space is closed
     */
    SpaceSnapshot snapshot();

    /**
     * Begins to iterate over the regions of a space that is in use.
     *
     * @return a cursor positioned before the first region
     * @throws IllegalStateException if the space is closed
     */
    RegionCursor cursor();

    /**
     * Counts the bytes of all regions that are in memory now, in whole pages. Regions that are held exclusively at that
     * moment are left out.
     *
     * @return the number of bytes, which may change at any time
     * @throws IllegalStateException if the space is closed
     * @throws MappingException      if the system refuses
     */
    long residentBytes();

    /**
     * Returns memory of unmapped anonymous regions, which was kept for reuse, to the system, and with it the pages of the
     * library's own tables that no region needs any more. Waits for nobody. The close of a space does the same.
     *
     * @return the bytes of unused addresses whose memory was given back
     * @throws IllegalStateException if the space is closed
     * @throws MappingException      if the system refuses, or there is no memory
     */
    long trim();

    /**
     * How many mappings the kernel still grants this process ({@code vm.max_map_count}). A file region takes up to three
     * of them. Anonymous regions take none of their own, except those that are locked in memory or use huge pages, and
     * except for each part with advice or protection of its own. Any operation that may take one (mapping such a region,
     * {@code advise}, {@code protect}, {@code lockInMemory}, {@code unlockFromMemory}) throws a {@link MappingException}
     * before the last ones are used, which the virtual machine needs for its own threads. Reads the kernel's list; the
     * longer the list, the longer this takes.
     *
     * @return the number of mappings, 0 or more; negative where {@code /proc} is hidden and the number is unknown: mapping
     *         then stops at an estimate
     */
    long mappingHeadroom();

    /** Settings of a space that is to be opened. Not thread-safe; can be used for several spaces. */
    sealed interface Builder permits SpaceBuilder {
        /**
         * Sets how many addresses the space has. They take no memory. Where the process has none left, those of closed
         * spaces are joined and cut; then class loaders that are not reachable any more are collected, since copies of
         * this library that they have loaded may keep some.
         *
         * @param capacityBytes from 16 MiB to 32 TiB; rounded up to a power of two, so that later spaces can use the same
         *                      addresses even if they ask for another capacity
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        Builder capacity(long capacityBytes);

        /**
         * Chooses the flavour of barrier. {@link Barrier#AUTO}, the default, follows the system property
         * {@code io.holdfast.barrier} ({@code auto}, {@code membarrier} or {@code fence}) and otherwise what the system
         * offers.
         *
         * @param flavour the flavour; opening fails if the system does not offer it
         * @return this
         */
        Builder barrier(Barrier flavour);

        /**
         * Limits the addresses that all regions together may take; the default is the capacity.
         *
         * @param bytes more than 0
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        Builder maxBytes(long bytes);

        /**
         * Limits how many regions may exist at a time.
         *
         * @param regions more than 0
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        Builder maxRegions(long regions);

        /**
         * Limits the backlog: a thread that announces an asynchronous unmap above it waits, and helps. 1 GiB by
         * default.
         *
         * @param bytes of addresses, more than 0
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        Builder backlogBytes(long bytes);

        /**
         * Limits the memory of tree nodes and records that were replaced and that pins and snapshots keep from being
         * reused. Above it, maps, structural changes and write sections wait; unmaps of regions never do. 1 GiB by
         * default.
         *
         * @param bytes more than 0
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        Builder retiredBytes(long bytes);

        /**
         * Limits the memory of unmapped anonymous regions that stays in memory to be handed out again: about this
         * many bytes, or one page for each mapped region, whichever is more. 64 MiB by default. Small regions keep
         * their addresses with it, until somebody asks for these.
         *
         * @param bytes 0 or more
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        Builder idleBytes(long bytes);

        /**
         * Lets the addresses of unmapped regions rest: no other region gets them until this many bytes have been
         * unmapped after them; the oldest are reused first. Until then, a late reader with an optimistic view or a raw
         * address finds zeros there rather than another file; what it reads is invalid in either case (G4, G5). Each
         * resting region costs about 100 bytes of tables, and nothing else, so at most 1,048,576 regions rest; a map
         * that finds no other addresses, or asks for exactly these, gets them early.
         *
         * <p>By default none rest, or as many bytes as the system property {@code io.holdfast.rest} says. In debug mode
         * ({@code -Dio.holdfast.debug=true}) it is 64 GiB unless something else is set, and the pages of anonymous
         * regions of up to 256 KiB, 64 MiB of them at a time, are filled with {@code 0xA5} meanwhile: a write after the
         * unmap is reported to the system logger, with the place that mapped the region.
         *
         * @param bytes 0 or more
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        Builder restAddresses(long bytes);

        /**
         * Names the space, for messages; by default it has a number.
         *
         * @param text the name
         * @return this
         */
        Builder name(String text);

        /**
         * Sets the idle strategy of threads that have to wait; the default spins, yields and then parks for up to 1 ms.
         * The space's own thread sleeps where there is nothing to wait for but the end of an era, whatever the strategy.
         *
         * @param supplier called once per wait
         * @return this
         */
        Builder idleStrategy(Supplier<IdleStrategy> supplier);

        /**
         * Reports long waits for readers (guarantee G11). By default a warning goes to the system logger every 10
         * seconds.
         *
         * @param after    how long a wait lasts before it is reported, and reported again
         * @param listener called by the waiting thread, which goes on waiting
         * @return this
         * @throws IllegalArgumentException if the time is not positive
         * @throws ArithmeticException      if it is too long for a {@code long} of nanoseconds
         */
        Builder reportWaits(Duration after, Consumer<WaitReport> listener);

        /**
         * Sets the handler for errors in the space's own thread, which finishes asynchronous unmaps, and for a failure
         * to start it. By default an error goes to the system logger. The thread goes on in any case, and tries again.
         *
         * @param handler called by that thread, or by the one that tried to start it; what it throws goes to the logger
         * @return this
         */
        Builder reportErrors(ErrorHandler handler);

        /**
         * Sets when an era ends that only background unmaps wait for, and how long it then stays open for accesses in
         * flight. The defaults are 100 ms and 2 ms. See {@link Lease}.
         *
         * @param after how long asynchronous unmaps of leased regions wait for each other, so that they share one
         *              handshake, from when the space's own thread knows of the first, which takes up to a quarter as long
         * @param delay from the end of an era to the close of its arena; every unmap of a leased region takes at least
         *              this long, and a longer delay spares more interpreted readers an interrupt
         * @return this
         * @throws IllegalArgumentException if one is negative
         * @throws ArithmeticException      if one is too long for a {@code long} of nanoseconds
         */
        Builder eras(Duration after, Duration delay);

        /**
         * Chooses which thread finishes asynchronous unmaps.
         *
         * @param start whether the space starts a daemon thread when there is one to finish, which is the default; if
         *              not, the caller runs {@link AddressSpace#reclaimer()}
         * @return this
         */
        Builder startReclaimer(boolean start);

        /**
         * Chooses whether the space can be watched from outside: as an {@link AddressSpaceMXBean} and by its statistics in
         * the flight recorder. By default it can, unless the system property {@code io.holdfast.monitored} is {@code
         * false}. The first such space of a process starts the platform's MBean server, in a thread of its own.
         *
         * @param shown whether it can
         * @return this
         */
        Builder monitored(boolean shown);

        /**
         * Opens the space.
         *
         * @return the open space
         * @throws IllegalArgumentException      if the capacity is out of range
         * @throws UnsupportedOperationException if the system, or the chosen barrier on it, is not supported
         * @throws IllegalStateException         if native access is denied; the message names the option that grants it
         * @throws MappingException              if the system refuses the reservation
         */
        AddressSpace open();
    }
}
