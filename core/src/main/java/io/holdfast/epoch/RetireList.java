// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import java.lang.System.Logger.Level;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * Items that were made unreachable and wait for the pins that may still see them. A whole batch shares one heavy
 * barrier and one grace period.
 *
 * <p>Thread-safe. {@link #retire} is lock-free and never waits; who completes a batch also collects, unless another
 * thread does so already. Items are reclaimed in the order in which their batches were completed, by whichever thread
 * collects, each exactly once. What {@code reclaim} throws goes to the caller of the collecting method; that item
 * counts as reclaimed, and the others stay for the next collector.
 */
public final class RetireList {
    /*
     * A batch is claimed index by index; whoever stores the last of its items seals it. [Q1] The claim and the count of
     * stored items are read-modify-writes, the store lies between them, so who completes the count sees every item.
     * The count stands above the sum of the items' bytes in one word, so that who completes it knows the sum.
     * [Q2] The collector begins the grace period after it took the batch, and each item was unreachable before its
     * retire() began, so the barrier follows every detaching store.
     *
     * Batches are not used again: a slow thread may still claim an index in an old one, finds it full, and goes on to
     * the open one. They are chained in the order in which they were opened, from the oldest that is not reclaimed:
     * [Q3] what was retired before a moment lies in batches not younger than the one that is open at that moment, and
     * that is what drain() waits for, whatever is retired meanwhile.
     *
     * [Q4] ROOM is the number of indices that nobody has claimed, in the open batch and in those chained behind it, less
     * those that were reserved. Who reserves takes his share off first, and has it when he then sees ROOM not below 0,
     * after chaining batches himself if need be; if there is no heap for one, he gives his share back. So whoever has
     * reserved finds a batch to claim an index of, and needs no heap for that. An index is claimed by who has reserved one,
     * and by nobody else; all accesses are read-modify-writes, or of volatile mode.
     *
     * If a thread stops for ever between its claim and its count, its batch stays and nothing else does. If the
     * collector stops, everything stays; nothing is reclaimed too early.
     */
    private static final System.Logger LOGGER = System.getLogger(RetireList.class.getName());
    private static final long NOTHING = Long.MIN_VALUE;
    private static final int ITEM_SHIFT = 48;
    private static final long BYTES = (1L << ITEM_SHIFT) - 1;
    private static final int LARGEST_BATCH = 1 << 14;
    private static final int SPREAD = 16; // longs, so that what one list changes is on lines of its own
    private static final int ROOM = SPREAD; // [Q4]
    private static final int PENDING = ROOM + 1;
    private static final int CLAIMED = SPREAD;
    private static final int STORED = CLAIMED + 1;
    private static final int BYTES_OF_ALL = SPREAD;

    private final EpochDomain domain;
    private final int batchSize;
    private final LongConsumer reclaim;
    private final AtomicReference<Batch> open;
    private final AtomicReference<@Nullable Batch> sealed = new AtomicReference<>();
    private final AtomicBoolean collecting = new AtomicBoolean();
    private final AtomicLongArray words = newWords();
    private final AtomicLongArray shared; // changes once a batch
    private volatile Batch oldest; // written by the collector alone, as are the next three
    private @Nullable Batch unripe;
    private @Nullable Batch firstRipening;
    private @Nullable Batch lastRipening;

    private static final class Batch {
        long number; // written before others see it
        final long[] items;
        final AtomicLongArray words = newWords();
        final AtomicReference<@Nullable Batch> successor = new AtomicReference<>();
        @Nullable Batch next; // in the list of sealed ones, then in that of ripening ones
        long bytes;
        long tag;
        int reclaimed;
        volatile boolean done;

        Batch(final int size) {
            this.items = new long[size];
        }
    }

    /**
     * An empty list.
     *
     * @param batchSize items that share a barrier
     * @param reclaim   called once for each item when its grace period is over, by a collecting thread
     */
    public RetireList(final EpochDomain domain, final int batchSize, final LongConsumer reclaim) {
        this(domain, batchSize, reclaim, newWords());
    }

    /**
     * The same.
     *
     * @param shared by lists whose bytes are summed up, from {@link #newWords()}
     */
    RetireList(final EpochDomain domain, final int batchSize, final LongConsumer reclaim, final AtomicLongArray shared) {
        if (batchSize < 1 || batchSize > LARGEST_BATCH) {
            throw new IllegalArgumentException("batch must hold an item, and not too many: batchSize=" + batchSize +
                ", largest=" + LARGEST_BATCH);
        }
        this.domain = domain;
        this.batchSize = batchSize;
        this.reclaim = reclaim;
        this.oldest = new Batch(batchSize);
        this.open = new AtomicReference<>(oldest);
        this.shared = shared;
        words.set(ROOM, batchSize);
    }

    /** Zeros, of which some are on lines of their own. */
    static AtomicLongArray newWords() {
        return new AtomicLongArray(3 * SPREAD);
    }

    /** Memory that waits in all lists that share the words. */
    static long bytes(final AtomicLongArray shared) {
        return shared.get(BYTES_OF_ALL);
    }

    /**
     * Makes room for items to be handed over later, by {@link #retireReserved}, which needs no heap then. Whoever does not
     * need it gives it back.
     *
     * @throws OutOfMemoryError if there is none; nothing is reserved then
     */
    public void reserve(final int items) {
        if (words.addAndGet(ROOM, -items) >= 0) { // [Q4]
            return;
        }
        boolean reserved = false;
        try {
            while (words.get(ROOM) < 0) {
                append(new Batch(batchSize));
            }
            reserved = true;
        } finally {
            if (!reserved) {
                words.addAndGet(ROOM, items);
            }
        }
    }

    /** Gives room back that was reserved and not used. */
    public void unreserve(final int items) {
        words.addAndGet(ROOM, items);
    }

    private void append(final Batch fresh) {
        Batch last = Objects.requireNonNull(open.get());
        Batch next = last;
        while (next != null) {
            last = next;
            fresh.number = last.number + 1;
            next = last.successor.compareAndExchange(null, fresh);
        }
        words.addAndGet(ROOM, batchSize); // [Q4]
    }

    /**
     * Hands an item over that weighs nothing in {@link #bytes()}.
     *
     * @param item anything but 0 and {@link Long#MIN_VALUE}
     */
    public void retire(final long item) {
        retire(item, 0);
    }

    /**
     * Hands an item over. It must be unreachable for every thread that pins itself from now on.
     *
     * <p>Throws only if nothing was handed over.
     *
     * @param item      anything but 0 and {@link Long#MIN_VALUE}
     * @param itemBytes of memory that come back when it is reclaimed
     */
    public void retire(final long item, final long itemBytes) {
        if (item == 0 || item == NOTHING) {
            throw new IllegalArgumentException("not an item: " + item);
        }
        ReservedStack.forBeginning(item);
        reserve(1);
        retireReserved(item, itemBytes);
    }

    /** The same where {@link #reserve} has made room for the item; allocates nothing. */
    public void retireReserved(final long item, final long itemBytes) {
        ReservedStack.forEnd(item); // an index that is claimed and not counted would keep its batch for ever
        while (true) {
            final Batch batch = Objects.requireNonNull(open.get());
            final int index = (int) batch.words.getAndIncrement(CLAIMED); // [Q1]
            if (index < batchSize) {
                words.incrementAndGet(PENDING);
                batch.items[index] = item;
                if (stored(batch, 1, itemBytes)) {
                    collectIfPossible();
                }
                return;
            }
            openNext(batch);
        }
    }

    /**
     * Collects, if nothing keeps it from that. The item has been handed over: who handed it over must not hear of a barrier
     * that failed, or of a heap or stack at its end, and hand it over again. The next collect goes on.
     */
    private void collectIfPossible() {
        try {
            collect();
        } catch (final RuntimeException e) {
            LOGGER.log(Level.WARNING, "reclaiming failed, and is tried again with the next items", e);
        } catch (final OutOfMemoryError | StackOverflowError e) {
            // there is no heap or stack for a message either
        }
    }

    /** Opens the batch behind a full one, if nobody has yet. */
    private void openNext(final Batch full) {
        open.compareAndSet(full, Objects.requireNonNull(full.successor.get(), "nothing was reserved")); // [Q4]
    }

    /** Fills a batch with nothing where nobody has claimed an index. */
    private void complete(final Batch batch) {
        if (batch.words.get(CLAIMED) >= batchSize) {
            return;
        }
        reserve(batchSize);
        final int first = (int) batch.words.getAndAdd(CLAIMED, batchSize); // [Q1]
        final int rest = Math.max(0, batchSize - first);
        unreserve(batchSize - rest);
        if (rest != 0) {
            Arrays.fill(batch.items, first, batchSize, NOTHING);
            stored(batch, rest, 0);
        }
    }

    /** Counts items that were stored; true if they were the last ones, and the batch is sealed. */
    private boolean stored(final Batch batch, final int items, final long itemBytes) {
        final long now = batch.words.addAndGet(STORED, ((long) items << ITEM_SHIFT) + itemBytes); // [Q1]
        if (now >>> ITEM_SHIFT != batchSize) {
            return false;
        }
        batch.bytes = now & BYTES;
        shared.addAndGet(BYTES_OF_ALL, batch.bytes);
        Batch head;
        do {
            head = sealed.get();
            batch.next = head;
        } while (!sealed.compareAndSet(head, batch));
        return true;
    }

    /**
     * Reclaims what is ripe. Never waits for readers; does nothing if another thread is collecting.
     *
     * @return the number of items reclaimed by this call
     */
    public int collect() {
        ReservedStack.forEnd(batchSize); // who says that it collects has to take that back
        int reclaimed = 0;
        while (words.get(PENDING) != 0) {
            if (!collecting.compareAndSet(false, true)) {
                return reclaimed;
            }
            final int now;
            try {
                ripen();
                now = reclaimRipe();
                forgetOldest();
            } finally {
                collecting.set(false);
            }
            reclaimed += now;
            if (now == 0) {
                return reclaimed;
            }
        }
        return reclaimed;
    }

    /**
     * Reclaims what is ripe, that of the batch which is not full included: for who has to know how much really waits.
     * Never waits for readers.
     *
     * @return the number of items reclaimed by this call
     */
    public int collectAll() {
        final Batch last = Objects.requireNonNull(open.get());
        if (last.words.get(CLAIMED) != 0) {
            complete(last);
        }
        return collect();
    }

    private void ripen() {
        Batch batch = unripe == null ? sealed.getAndSet(null) : unripe;
        unripe = batch; // kept where it is if the barrier throws
        if (batch == null) {
            return;
        }
        final long tag = domain.retireEpoch(); // [Q2]
        while (batch != null) {
            final Batch following = batch.next;
            batch.next = null;
            batch.tag = tag;
            final Batch last = lastRipening;
            if (last == null) {
                firstRipening = batch;
            } else {
                last.next = batch;
            }
            lastRipening = batch;
            batch = following;
            unripe = batch;
        }
    }

    private int reclaimRipe() {
        int reclaimed = 0;
        Batch batch = firstRipening;
        while (batch != null && domain.passed(batch.tag)) {
            reclaimed += reclaimAll(batch);
            shared.addAndGet(BYTES_OF_ALL, -batch.bytes);
            batch.done = true;
            batch = batch.next;
            firstRipening = batch;
            if (batch == null) {
                lastRipening = null;
            }
        }
        return reclaimed;
    }

    private int reclaimAll(final Batch batch) {
        int reclaimed = 0;
        while (batch.reclaimed < batchSize) {
            final long item = batch.items[batch.reclaimed++];
            if (item != NOTHING) {
                try {
                    reclaim.accept(item);
                } finally {
                    words.decrementAndGet(PENDING);
                }
                reclaimed++;
            }
        }
        return reclaimed;
    }

    private void forgetOldest() {
        Batch batch = oldest;
        while (batch.done) {
            final Batch successor = batch.successor.get();
            if (successor == null) {
                break;
            }
            batch = successor;
        }
        oldest = batch;
    }

    /**
     * Reclaims everything that was retired before this call, waiting for the pins that may see it.
     *
     * @throws IllegalStateException if the calling thread is pinned and would wait for itself
     */
    public void drain(final Supplier<? extends IdleStrategy> strategy) {
        if (domain.isStructurePinned()) {
            throw new IllegalStateException("drain by a pinned thread would wait for itself; unpin first");
        }
        if (words.get(PENDING) == 0) {
            return;
        }
        final Batch last = Objects.requireNonNull(open.get()); // [Q3]
        complete(last);
        try (Waiting waiting = new Waiting(strategy, Waiting.FOREVER, false, Waiting.FOREVER)) {
            while (words.get(PENDING) != 0 && !isDone(last)) {
                if (collect() == 0) {
                    waiting.pause();
                }
            }
        }
    }

    /** Whether every batch up to {@code last} is reclaimed. */
    private boolean isDone(final Batch last) {
        Batch batch = oldest;
        while (batch != null && batch.number <= last.number) {
            if (!batch.done) {
                return false;
            }
            batch = batch.successor.get();
        }
        return true;
    }

    /** Memory of the items that were handed over and are not reclaimed yet, those of the last batch left out. */
    public long bytes() {
        return bytes(shared);
    }

    /** Items that were handed over and are not reclaimed yet. */
    public long pending() {
        return words.get(PENDING);
    }
}
