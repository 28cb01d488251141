// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reports which threads another thread is waiting for (guarantee G11). The waiter goes on waiting.
 *
 * @param space   name of the address space
 * @param region  the region's address, its name and file, and the decoded state of its lock; or the range of addresses and
 *                the mode of a section, or the file whose length another thread changes, or how much waits for pins and
 *                snapshots to end
 * @param waited  how long the wait has lasted
 * @param waiter  name of the waiting thread, or its number where it has none
 * @param holders the threads inside, as far as could be seen; counted holds, which any thread may release, are listed
 *                only as far as the places that took them are remembered
 */
public record WaitReport(String space, String region, Duration waited, String waiter, List<Holder> holders) {
    /** What a reader holds. */
    public enum How {
        /** A guard or a stamp on the region. */
        SHARED,
        /** A pin from before the region was unmapped. */
        PIN,
        /** A snapshot. */
        SNAPSHOT,
        /** A counted hold; the thread is the one that took it, another one may release it. */
        HOLD,
        /** The exclusive lock, or its announcement. */
        EXCLUSIVE,
        /** A section of an overlapping range, or a single change that came first. */
        SECTION,
        /** The length of the file, which one thread at a time changes. */
        FILE
    }

    /**
     * A thread that is waited for.
     *
     * @param threadId   id of the thread
     * @param threadName its name
     * @param how        what it holds
     * @param since      how long it has held it, if that is remembered: always in debug mode
     *                   ({@code -Dio.holdfast.debug=true}), and for one in N locks, pins and holds with
     *                   {@code -Dio.holdfast.leakSampling=N}; otherwise null
     * @param place      where it took it, as a stack trace, if that is remembered; otherwise null
     */
    public record Holder(long threadId, String threadName, How how, @Nullable Duration since,
                         @Nullable Throwable place) {
    }

    /** Copies the list. */
    public WaitReport {
        holders = List.copyOf(holders);
    }
}
