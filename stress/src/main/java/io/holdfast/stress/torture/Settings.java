// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import java.nio.file.Path;

/**
 * What a run is like.
 *
 * @param seconds   how long it runs at least
 * @param readers   platform threads that read
 * @param writers   platform threads that change things
 * @param virtual   virtual threads that read
 * @param flavour   of the barrier: auto, membarrier or fence
 * @param seed      of what the threads do; not of how they meet
 * @param patience  seconds after which a thread that gets nowhere is a failure, and by which a run may be longer if it
 *                  has not met everything
 * @param regions   regions at a time
 * @param locksOnly whether writers only lock and write, which they then do more often
 * @param everything whether it is a failure if something was not met
 * @param zones     whether it is a failure if no zones of the tree were met
 * @param directory for files
 */
record Settings(long seconds, int readers, int writers, int virtual, String flavour, long seed, long patience,
                int regions, boolean locksOnly, boolean everything, boolean zones, Path directory) {
}
