// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static io.holdfast.layout.RecordLayout.ATTACHED;
import static io.holdfast.layout.RecordLayout.EXCLUSIVE;
import static io.holdfast.layout.RecordLayout.OWNER;

import io.holdfast.layout.RecordLayout;

/** The end of a record's life whose region goes on in other records: state MOVED of {@link RegionLock}. */
public final class Moves {
    /*
     * [M1] Moving is one volatile read-modify-write that takes ATTACHED and OWNER away and leaves EXCLUSIVE. The tree
     *      shows the new records before it, so who finds the record moved and looks again finds them. The sequence
     *      stays odd: every stamp has failed since the exclusive lock was taken, and none is given again. Unmapping takes
     *      EXCLUSIVE away as well: the record is DETACHED, as it is by RegionLock's own detach.
     */
    private Moves() {
    }

    /**
     * Ends the record's life under the exclusive lock of the current thread. Who comes later is told that the region
     * moved. Nobody is inside, so the record needs no drain; it can be reclaimed once the pins from before have ended.
     *
     * @throws IllegalMonitorStateException if the current thread does not hold the lock; nothing changes then
     */
    public static void move(final RegionLock lock, final long record, final long stamp) {
        end("move", lock, record, stamp, ~(ATTACHED | OWNER));
    }

    /**
     * The same for a region that does not go on anywhere: it is unmapped, and pins from before are all that it has to
     * wait for.
     *
     * @throws IllegalMonitorStateException if the current thread does not hold the lock; nothing changes then
     */
    public static void unmap(final RegionLock lock, final long record, final long stamp) {
        end("unmap", lock, record, stamp, ~(ATTACHED | OWNER | EXCLUSIVE));
    }

    private static void end(final String operation, final RegionLock lock, final long record, final long stamp,
                            final long left) {
        if (!lock.isExclusive(record, stamp)) {
            throw new IllegalMonitorStateException(operation + " by a thread that does not hold the region exclusively: " +
                "stamp=" + Stamps.describe(stamp) + ", " + RegionLock.describe(record));
        }
        lock.forgetWriter(record);
        RecordLayout.getAndMaskLock(record, left); // [M1]
        LockOrder.forgetRegion(record);
    }

    /** Whether the record's life has ended because the region goes on in other records. */
    public static boolean isMoved(final long record) {
        return (RecordLayout.lockAcquire(record) & (ATTACHED | EXCLUSIVE)) == EXCLUSIVE;
    }
}
