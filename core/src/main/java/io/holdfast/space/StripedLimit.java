// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.Stripes;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What is in use of something that has a limit, counted so that threads which take and give back do not write to the same
 * lines of memory while there is plenty. The limit is exact: who is refused was refused at a moment at which less was left
 * than he asked for.
 *
 * <p>Thread-safe; a thread that takes waits for no other while there is plenty. Throws only if nothing has changed.
 */
final class StripedLimit {
    /*
     * The limit less what is in use is in POOL and in a CREDIT for each stripe. A thread takes from its stripe's CREDIT,
     * which is filled up from POOL by a batch, and gives back to it; what it has beyond some batches goes to POOL.
     *
     *   CREDIT     take of n                        give back n             close             open
     *   >= n       CREDIT - n                       CREDIT + n              CLOSED, POOL + CREDIT
     *   < n        filled up, or from POOL; else    CREDIT + n              CLOSED, POOL + CREDIT
     *              all stripes are closed; then
     *              from POOL, or refused
     *   CLOSED     from POOL; else as above         POOL + n                                  0, if POOL is large
     *
     * Whatever goes between POOL and a CREDIT goes under TRANSFER, and so does closing and opening. So who has closed all
     * stripes under it, and looks at POOL, sees all that is left in one word, to which everybody comes then: the look that
     * refuses is the moment of the refusal. Without closing, what goes from one stripe to another could be missed.
     * The same holds of a sum under TRANSFER, but for what is taken and given back meanwhile.
     *
     * All accesses are read-modify-writes, or of volatile mode. A thread that stops for ever under TRANSFER holds up
     * those who are going to be refused, and statistics; others go to POOL instead of being filled up.
     */
    private static final int SPREAD = 16; // longs, so that words do not share a pair of lines
    private static final int POOL = SPREAD;
    private static final int FIRST = POOL + SPREAD;
    private static final long CLOSED = -1;
    private static final int MOST_BATCHES = 2;

    private final long limit;
    private final long batch;
    private final AtomicLongArray words = new AtomicLongArray(FIRST + (Stripes.COUNT + 1) * SPREAD);
    private final ReentrantLock transfer = new ReentrantLock();
    private boolean forGood; // under TRANSFER

    /**
     * Nothing is in use.
     *
     * @param batch what a stripe takes at a time
     */
    StripedLimit(final long limit, final long batch) {
        this.limit = limit;
        this.batch = batch;
        words.set(POOL, limit);
        if (!isPlenty(limit)) {
            closeAll();
        }
    }

    private boolean isPlenty(final long left) {
        return left / (2L * MOST_BATCHES * Stripes.COUNT) >= batch;
    }

    private static int mine() {
        return FIRST + Stripes.mine() * SPREAD;
    }

    /** Takes some, if that much is left; whether it has. */
    boolean take(final long amount) {
        ReservedStack.forEnd(limit);
        final int mine = mine();
        long credit = words.get(mine);
        while (credit >= amount) {
            final long witness = words.compareAndExchange(mine, credit, credit - amount);
            if (witness == credit) {
                return true;
            }
            credit = witness;
        }
        return credit != CLOSED && fillAndTake(mine, amount) || takeFromPool(amount) || collectAndTake(amount);
    }

    /** Takes some whatever the limit is, for what goes away at once. */
    void takeBeyond(final long amount) {
        final int mine = mine();
        final long credit = words.get(mine);
        if (credit < amount || !words.compareAndSet(mine, credit, credit - amount)) {
            words.getAndAdd(POOL, -amount);
        }
    }

    private boolean takeFromPool(final long amount) {
        long seen = words.get(POOL);
        while (amount <= seen) {
            final long witness = words.compareAndExchange(POOL, seen, seen - amount);
            if (witness == seen) {
                return true;
            }
            seen = witness;
        }
        return false;
    }

    private boolean fillAndTake(final int mine, final long amount) {
        if (amount > batch || !transfer.tryLock()) {
            return false;
        }
        try {
            if (words.get(mine) == CLOSED || !takeFromPool(amount + batch)) {
                return false;
            }
            words.getAndAdd(mine, batch);
            return true;
        } finally {
            transfer.unlock();
        }
    }

    private boolean collectAndTake(final long amount) {
        transfer.lock();
        try {
            closeAll();
            return takeFromPool(amount);
        } finally {
            transfer.unlock();
        }
    }

    private void closeAll() {
        for (int stripe = FIRST; stripe < words.length(); stripe += SPREAD) {
            final long credit = words.getAndSet(stripe, CLOSED);
            if (credit != CLOSED) {
                words.getAndAdd(POOL, credit);
            }
        }
    }

    /** Gives back. */
    void giveBack(final long amount) {
        ReservedStack.forEnd(limit);
        final int mine = mine();
        long credit = words.get(mine);
        while (credit != CLOSED) {
            final long witness = words.compareAndExchange(mine, credit, credit + amount);
            if (witness == credit) {
                if (credit + amount > MOST_BATCHES * batch) {
                    balance(mine);
                }
                return;
            }
            credit = witness;
        }
        if (isPlenty(words.addAndGet(POOL, amount))) {
            openAll();
        }
    }

    private void balance(final int mine) {
        if (!transfer.tryLock()) {
            return; // the next one does it
        }
        try {
            final long credit = words.get(mine);
            if (credit > batch && words.compareAndSet(mine, credit, batch)) {
                words.getAndAdd(POOL, credit - batch);
            }
        } finally {
            transfer.unlock();
        }
    }

    private void openAll() {
        if (!transfer.tryLock()) {
            return; // as above
        }
        try {
            for (int stripe = FIRST; stripe < words.length() && !forGood; stripe += SPREAD) {
                words.compareAndSet(stripe, CLOSED, 0);
            }
        } finally {
            transfer.unlock();
        }
    }

    /** From here on everybody changes one word, and what is in use is known exactly at each moment. */
    void closeForGood() {
        transfer.lock();
        try {
            forGood = true;
            closeAll();
        } finally {
            transfer.unlock();
        }
    }

    /** What is in use; without what others take and give back meanwhile, or a part of it. */
    long inUse() {
        transfer.lock();
        try {
            return roughlyInUse();
        } finally {
            transfer.unlock();
        }
    }

    /** The same for a hint, without waiting: it may be wrong by some batches. */
    long roughlyInUse() {
        long left = words.get(POOL);
        for (int stripe = FIRST; stripe < words.length(); stripe += SPREAD) {
            left += Math.max(0, words.get(stripe));
        }
        return Math.max(0, limit - left);
    }
}
