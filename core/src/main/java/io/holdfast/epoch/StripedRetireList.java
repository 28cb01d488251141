// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.agrona.concurrent.IdleStrategy;

/**
 * Several {@link RetireList}s, of which each thread uses the same one always, so that threads that retire much do not
 * write to the same lines of memory.
 *
 * <p>Thread-safe; what holds for one list holds for all of them.
 */
public final class StripedRetireList {
    private final RetireList[] stripes;
    private final AtomicLongArray shared = RetireList.newWords();

    /**
     * Empty lists.
     *
     * @param batchSize items that share a barrier
     * @param reclaim   called once for each item when its grace period is over, by a collecting thread; by several
     *                  threads at a time
     */
    public StripedRetireList(final EpochDomain domain, final int batchSize, final LongConsumer reclaim) {
        stripes = new RetireList[Stripes.COUNT];
        for (int i = 0; i < stripes.length; i++) {
            stripes[i] = new RetireList(domain, batchSize, reclaim, shared);
        }
    }

    /** The list that the current thread uses. */
    public RetireList mine() {
        return stripes[Stripes.mine()];
    }

    /** Hands an item over, as {@link RetireList#retire(long, long)}. */
    public void retire(final long item, final long itemBytes) {
        mine().retire(item, itemBytes);
    }

    /**
     * Makes room for items that the current thread is going to hand over, as {@link RetireList#reserve}.
     *
     * @throws OutOfMemoryError if there is none; nothing is reserved then
     */
    public void reserve(final int items) {
        mine().reserve(items);
    }

    /** Gives room back that the current thread has reserved and not used. */
    public void unreserve(final int items) {
        mine().unreserve(items);
    }

    /** Hands an item over for which the current thread has reserved room, as {@link RetireList#retireReserved}. */
    public void retireReserved(final long item, final long itemBytes) {
        mine().retireReserved(item, itemBytes);
    }

    /** Reclaims what is ripe, that of batches which are not full included, as {@link RetireList#collectAll}. */
    public int collectAll() {
        int reclaimed = 0;
        for (final RetireList stripe : stripes) {
            reclaimed += stripe.collectAll();
        }
        return reclaimed;
    }

    /** Reclaims everything that was retired before this call, as {@link RetireList#drain}. */
    public void drain(final Supplier<? extends IdleStrategy> strategy) {
        for (final RetireList stripe : stripes) {
            stripe.drain(strategy);
        }
    }

    /**
     * Memory that waits, but for that of the last items, less than a batch for each stripe. One look at a word that changes
     * with each batch, so that it may be asked for often.
     */
    public long bytes() {
        return RetireList.bytes(shared);
    }

    /** Items that were handed over and are not reclaimed yet. */
    public long pending() {
        long pending = 0;
        for (final RetireList stripe : stripes) {
            pending += stripe.pending();
        }
        return pending;
    }
}
