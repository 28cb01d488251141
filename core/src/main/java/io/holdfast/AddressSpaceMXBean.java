// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An address space as monitoring tools see it. Each open space is registered with the platform's MBean server as
 * {@code io.holdfast:type=AddressSpace,name=…}, unless it was opened with {@link AddressSpace.Builder#monitored
 * monitored(false)}; a second one of the same name has {@code number=2} as well. It is unregistered when it is closed or
 * becomes unreachable. The first space of a process is registered some moments after it is opened, by a thread of its
 * own, because the server takes a long time to start.
 *
 * <p>Thread-safe. Attributes and operations throw an {@link IllegalStateException} if the space has become unreachable
 * or, where they look at regions, is closed.
 */
public interface AddressSpaceMXBean {
    /**
     * A region.
     *
     * @param address  of the first byte, relative to the space
     * @param size     in bytes
     * @param writable whether guards may write
     * @param name     given when it was mapped, null if it was not
     * @param path     the file, null for anonymous memory
     * @param lock     the decoded state of the region's lock
     */
    record RegionRow(long address, long size, boolean writable, @Nullable String name, @Nullable String path,
                     String lock) {
    }

    /**
     * A thread that is inside a region, or keeps memory from being given back.
     *
     * @param thread   name of the thread
     * @param threadId its id
     * @param how      what it holds, as {@link WaitReport.How} names it
     * @param heldMs   for how many milliseconds, -1 where that is not remembered
     */
    record HolderRow(String thread, long threadId, String how, long heldMs) {
    }

    /**
     * An unmap that is announced but not finished.
     *
     * @param region   the region's address, its name and file, and the decoded state of its lock
     * @param waiter   name of the thread that announced it
     * @param waitedMs how many milliseconds it has been in the background; 0 while its thread still waits
     * @param holders  the threads inside, as far as could be seen
     */
    record UnmapRow(String region, String waiter, long waitedMs, List<HolderRow> holders) {
    }

    /**
     * A section, or a change that waits or has waited for one.
     *
     * @param start    first address
     * @param end      just past the last
     * @param mode     what it is for
     * @param thread   name of the thread
     * @param threadId its id
     */
    record SectionRow(long start, long end, String mode, String thread, long threadId) {
    }

    /** {@return the name of the space} */
    String getName();

    /** {@return the number of addresses that the space has, in bytes} */
    long getCapacity();

    /** {@return the flavour of barrier} */
    String getBarrier();

    /** {@return whether no close has begun} */
    boolean isOpen();

    /** {@return the current counts} */
    SpaceStatistics getStatistics();

    /** {@return how many mappings the kernel still grants the process; reads the kernel's list} */
    long getMappingHeadroom();

    /**
     * The largest regions. Looks at all regions of the space.
     *
     * @param most how many at most
     * @return the largest first
     */
    List<RegionRow> largestRegions(int most);

    /**
     * Unmaps that are announced but not finished.
     *
     * @param most how many at most
     * @return those that have waited longest first
     */
    List<UnmapRow> pendingUnmaps(int most);

    /** {@return the threads that are pinned, or have a snapshot} */
    List<HolderRow> pinnedThreads();

    /** {@return the sections open now, and changes that wait or have waited for one} */
    List<SectionRow> sections();
}
