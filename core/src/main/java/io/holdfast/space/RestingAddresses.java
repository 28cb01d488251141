// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.ReservedStack;
import io.holdfast.layout.RecordLayout;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Addresses of unmapped regions that nobody is given yet, so that who reads them late, through a view that outlived its
 * region, finds nothing of another one. They are free again, the oldest first, when enough was unmapped after them, when a
 * map finds no others or wants just these, or when the space is closed. It outlives the space, like the tree.
 *
 * <p>Thread-safe; one thread at a time, which waits for nobody.
 */
final class RestingAddresses {
    /*
     * The pages are given back, and what remains of the unmap is an interval in the tree and its detached record. So only
     * the record is kept: it says where they are, and is not reclaimed before the interval has left the tree. The ring has
     * the records in the order in which they came, and 0 for one that a map wanted before its turn.
     *
     * [P1] A record comes into the ring in one step with the note that its unmap is over with the addresses, and leaves it
     *      in one step with its end: no thread, out of heap or stack, does half of it. What comes before that end can be
     *      repeated, so who finds no heap or nodes for it leaves it to the next one.
     */
    /** Not more regions rest, for the sake of the tables that they take. */
    static final int MOST_REGIONS = 1 << 20;

    private static final int FIRST_LENGTH = 64;
    private static final int FREED_AT_ONCE = 64; // by an unmap, which waits for that; the next one goes on

    private final Quarantine quarantine;
    private final ReentrantLock lock = new ReentrantLock();
    private long[] ring = new long[FIRST_LENGTH]; // this and what follows under the lock
    private int first;
    private int count;
    private volatile long bytes; // written under the lock
    private long bound; // these two before the space is used
    private @Nullable LateWrites lateWrites;

    RestingAddresses(final Quarantine quarantine) {
        this.quarantine = quarantine;
    }

    /**
     * Begins to serve another space.
     *
     * @param until bytes that are unmapped before addresses are free again; with 0 none rest
     * @param watch looks whether they were written meanwhile, or null
     */
    void begin(final long until, final @Nullable LateWrites watch) {
        bound = until;
        lateWrites = watch;
    }

    /** Whether the addresses of an unmap are going to rest. */
    boolean takes(final PendingUnmap pending) {
        return bound != 0 && pending.wasRegion() && pending.hasAddresses();
    }

    /** Address range of what rests. */
    long bytes() {
        return bytes;
    }

    /** Whether pages of anonymous memory that go on to rest were made what they show meanwhile, instead of zero. */
    boolean isPoisoned(final PendingUnmap pending) {
        return lateWrites != null && lateWrites.poison(pending);
    }

    /**
     * Takes over the addresses of an unmap whose pages are given back, and frees some that have rested for long enough.
     *
     * @return whether the unmap is over with them; if not, there is no room, and they are to be freed at once
     */
    boolean add(final PendingUnmap pending) {
        ReservedStack.forBeginning(pending.record());
        lock.lock();
        try {
            if (count == ring.length && !hasGrown() && !freeFirst()) {
                look(pending.record());
                return false;
            }
            final long more = bytes + length(pending.record());
            ring[first + count & ring.length - 1] = pending.record(); // [P1]
            count++;
            bytes = more;
            pending.reached(PendingUnmap.Step.ADDRESSES);
            freeOverdue();
            return true;
        } finally {
            lock.unlock();
            tellLateWrites();
        }
    }

    private boolean hasGrown() {
        if (ring.length == MOST_REGIONS) {
            return false;
        }
        try {
            final long[] longer = new long[2 * ring.length];
            for (int i = 0; i < count; i++) {
                longer[i] = ring[first + i & ring.length - 1];
            }
            ring = longer;
            first = 0;
            return true;
        } catch (final OutOfMemoryError e) {
            return false; // the oldest makes room
        }
    }

    private void freeOverdue() {
        int freed = 0;
        while (freed < FREED_AT_ONCE && isOverdue() && freeFirst()) {
            freed++;
        }
    }

    private boolean isOverdue() {
        final long oldest = ring[first];
        return count != 0 && (oldest == 0 || bytes - length(oldest) >= bound);
    }

    /**
     * Frees the oldest, for a map that finds no other addresses.
     *
     * @param atLeast so many bytes, if there are as many
     * @return whether any are free now that were not
     */
    boolean free(final long atLeast) {
        lock.lock();
        try {
            final long before = bytes;
            boolean more = true;
            while (more && count != 0 && before - bytes < atLeast) {
                more = freeFirst();
            }
            return bytes != before;
        } finally {
            lock.unlock();
            tellLateWrites();
        }
    }

    /** Frees what rests in a range, for a map that wants just these addresses; whether any are free now that were not. */
    boolean freeWithin(final long from, final long to) {
        lock.lock();
        try {
            final long before = bytes;
            for (int i = 0; i < count; i++) {
                final int at = first + i & ring.length - 1;
                final long record = ring[at];
                if (record != 0 && RecordLayout.start(record) < to && RecordLayout.limit(record) > from) {
                    isFreed(at);
                }
            }
            return bytes != before;
        } finally {
            lock.unlock();
            tellLateWrites();
        }
    }

    /** Frees all, when the space is closed or parked; what there are no nodes for is left to the next call. */
    void freeAll() {
        free(Long.MAX_VALUE);
        if (lateWrites != null) {
            lateWrites.tellAll();
        }
    }

    private boolean freeFirst() {
        if (!isFreed(first)) {
            return false;
        }
        first = first + 1 & ring.length - 1;
        count--;
        return true;
    }

    private boolean isFreed(final int at) {
        final long record = ring[at];
        if (record != 0) {
            final long left = bytes - length(record);
            look(record);
            if (!quarantine.freeRested(record)) {
                return false;
            }
            ring[at] = 0; // [P1]
            bytes = left;
        }
        return true;
    }

    private void look(final long record) {
        if (lateWrites != null) {
            lateWrites.look(record);
        }
    }

    /** Without the lock, since what is told may come back. */
    private void tellLateWrites() {
        if (lateWrites != null) {
            lateWrites.tell();
        }
    }

    private static long length(final long record) {
        return RecordLayout.limit(record) - RecordLayout.start(record);
    }
}
