// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.time.Duration;
import java.util.List;

/**
 * Says for whom a thread waits (guarantee G11). It goes on waiting.
 *
 * @param space   name of the address space
 * @param region  the region and the decoded state of its lock, or the range of addresses and the mode of a section
 * @param waited  how long the wait has lasted
 * @param waiter  name of the waiting thread
 * @param holders who is inside, as far as could be seen; empty if the region has counted holds alone, which any thread
 *                may release
 */
public record WaitReport(String space, String region, Duration waited, String waiter, List<Holder> holders) {
    /** What a reader holds. */
    public enum How {
        /** A guard or a stamp on the region. */
        SHARED,
        /** A pin from before the region was unmapped. */
        PIN,
        /** A section of an overlapping range, or a single change that came first. */
        SECTION
    }

    /**
     * A reader that is waited for.
     *
     * @param threadId   id of the thread
     * @param threadName its name
     * @param how        what it holds
     */
    public record Holder(long threadId, String threadName, How how) {
    }

    /** Copies the list. */
    public WaitReport {
        holders = List.copyOf(holders);
    }
}
