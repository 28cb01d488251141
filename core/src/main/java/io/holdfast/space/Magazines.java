// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.Stripes;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RecordTable;
import io.holdfast.lock.RegionLock;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Unmapped anonymous memory of common sizes that keeps its addresses, its interval in the tree and its record, for
 * a later map of that size by a thread of the same stripe; which then changes nothing that other threads change.
 *
 * <p>Thread-safe. Nobody waits: what is not there at the first look is mapped, and what finds no place is freed, by way of
 * the tree. What is parked is no region: it is not attached, so lookups, cursors, snapshots and listings miss it. It is
 * idle memory, and counts as that.
 */
final class Magazines {
    /*
     * A record in a place, and who owns it:
     *
     *   place       park             mark                  passed             claim             evict
     *   EMPTY       RESTING          -                     -                  -                 -
     *   RESTING     next place       RIPENING              -                  -                 EMPTY, the evictor's
     *   RIPENING    next place       -                     PARKED             -                 EMPTY, the evictor's
     *   PARKED      next place       -                     -                  EMPTY, the map's  EMPTY, the evictor's
     *
     * Each step is one compare-and-set of the whole word, of volatile mode, and says all: a place that holds a record as
     * PARKED at that moment holds it with its grace period over, whatever happened since the look. So a thread that slept
     * between its look and its step does no harm. FRONT, BACK, KNOWN and DUE are hints. Whoever has taken a record out owns
     * it. Who only parks writes BACK and the places, and who only maps all other words: BACK passes between them once for
     * many records, as KNOWN.
     *
     * [M2] A record is parked when its unmap has detached it, run the heavy barrier, drained it, stamped its end, and
     *      zeroed its pages; or it is that of a part that was given back, and was never attached. It is attached again only
     *      after a grace period whose tag was read after it was marked: who could find it attached in its last life is
     *      pinned from before, so that a detach which looked then, and swaps the lock word late, finds that life or none
     *      (RegionLock [D1]); and snapshots that show that life keep it.
     * [M3] The interval stays in the tree, so that threads which pin themselves later find the record too, as they find
     *      one that is being mapped: detached, then free, then attached, once. The lock word is free before the words of
     *      the next life are written (StoreStore fence), so who finds such a word finds the lock word free or attached.
     * [M4] A map claims under its announcement of all addresses, and only what no section keeps from it (RangeLock [K1]); a
     *      section claims in its own range.
     * [M5] Who misses addresses evicts, and looks again if others were evicting since before it looked: BEGUN and ENDED.
     *
     * [M6] A map looks at the addresses of a record before it takes it, under a pin: who evicts it meanwhile frees it
     *      behind a grace period, so it does not come back to its place with other addresses.
     *
     * A grace period looks at the slot of each thread, whose lines those threads write: so one is for many records. Of
     * maps that find fewer than MANY at rest, one of GROWTH goes by way of the tree, so that the ring has one more from
     * then on; not all, since where another thread unmaps there may be few for good.
     *
     * It begins while a quarter of what was PARKED is left, or the last two, so that it is over when those have been taken,
     * and nobody has to go by way of the tree because another thread is in the middle of a change. Until the epoch goes on,
     * which is a word that all threads read, pins that begin meanwhile are in the way too: so it is moved on when a third
     * of those is left, if no other thread has done so by then.
     *
     * MARKING is held by who marks and promotes the records of a ring; others go on without. If it stops for ever, that
     * ring promotes no more, and its stripe maps by way of the tree. A thread that stops with a record that it has claimed
     * or is evicting keeps those addresses from others, as any map that stops between insertion and attaching does.
     */
    static final int PLACES = 32;
    /** Places of another stripe that are looked at, those where its next record would go. */
    private static final int OF_OTHERS = 2;
    private static final int CLASSES = 5; // 1, 2, 4, 8, 16 pages
    /** Records of a page that share a grace period; of larger ones fewer, so that all stay in a processor's cache. */
    static final int MANY = PLACES * 3 / 4;
    static final int GROWTH = 4;
    /** The part of what was parked that is left when the grace period of the others begins. */
    private static final int EARLY = 4;
    /** The part of those that is left when the epoch is moved on. */
    private static final int LATE = 3;
    private static final long RIPENING = 1;
    private static final long PARKED = 2;
    private static final long STATE = RIPENING | PARKED;
    private static final long EMPTY = 0;
    private static final int NONE = -1;

    private final SpaceResources core;
    private final AtomicReferenceArray<@Nullable Ring> rings = new AtomicReferenceArray<>(Stripes.COUNT * CLASSES);
    private final AtomicLong begun = new AtomicLong(); // [M5]
    private final AtomicLong ended = new AtomicLong();
    private final AtomicReference<@Nullable PendingUnmap> unfinished = new AtomicReference<>();

    /** Nothing is parked. */
    Magazines(final SpaceResources core) {
        this.core = core;
    }

    /** Regions of one size that threads of one stripe have parked, the one that was parked first at the front. */
    private static final class Ring {
        private static final int SPREAD = 16;
        private static final int FRONT = SPREAD;
        private static final int KNOWN = FRONT + 1;
        private static final int MARKING = KNOWN + 1;
        private static final int TAG = MARKING + 1;
        private static final int POOR = TAG + 1;
        private static final int DUE = POOR + 1;
        private static final int NEXT_DUE = DUE + 1;
        private static final int BACK = FRONT + SPREAD;
        private static final int FIRST = BACK + SPREAD;

        final AtomicLongArray words = new AtomicLongArray(FIRST + PLACES + SPREAD);

        private static int place(final long number) {
            return FIRST + (int) (number & PLACES - 1);
        }

        /** Puts a record into one of so many places, if one of them is empty. */
        boolean park(final long record, final int places) {
            final long back = words.getOpaque(BACK);
            for (int i = 0; i < places; i++) {
                final int place = place(back + i);
                if (words.get(place) == EMPTY && words.compareAndSet(place, EMPTY, record)) {
                    words.setOpaque(BACK, back + i + 1);
                    return true;
                }
            }
            return false;
        }

        /** Takes out a record that is parked where a map may have it; 0 if there is none. */
        long claim(final long alignment, final Addresses addresses) {
            final int filled = knownFilled();
            final long front = words.getOpaque(FRONT);
            for (int i = 0; i < filled; i++) {
                final int place = place(front + i);
                final long seen = words.get(place);
                if ((seen & PARKED) != 0 && isFor(seen & ~STATE, alignment, addresses) &&
                    words.compareAndSet(place, seen, EMPTY)) {
                    final long known = words.getOpaque(KNOWN);
                    words.setOpaque(FRONT, known - (known - (front + i + 1) & PLACES - 1));
                    return seen & ~STATE;
                }
            }
            return 0;
        }

        /** How many places from the front on are worth a look: those that were filled since, or all. */
        private int filled() {
            final long back = words.getOpaque(BACK);
            words.setOpaque(KNOWN, back);
            final long filled = back - words.getOpaque(FRONT);
            return filled > 0 && filled < PLACES ? (int) filled : PLACES;
        }

        /** The same without what was filled since the last look at the back: that is at rest, and no map may have it. */
        private int knownFilled() {
            final long filled = words.getOpaque(KNOWN) - words.getOpaque(FRONT);
            return filled > 0 && filled < PLACES ? (int) filled : filled();
        }

        /** Whether so few are at rest that the ring should have one more. */
        boolean wantsMore(final int many) {
            if (filled() >= many) {
                return false;
            }
            final long poor = words.getOpaque(POOR) + 1;
            words.setOpaque(POOR, poor);
            return poor % GROWTH == 0;
        }

        /** Nothing was found in those; the next looks are at all places, until something is. */
        void lookEverywhere() {
            final long back = words.getOpaque(BACK);
            words.setOpaque(KNOWN, back);
            words.setOpaque(FRONT, back - PLACES);
        }

        /** Whether {@link #prepare} has something to do. */
        boolean isDue() {
            return words.getOpaque(FRONT) >= words.getOpaque(DUE);
        }

        /** Begins the grace period of what rests; or, later, sees to it that it can end. */
        void prepare(final EpochDomain domain) {
            if (tryMark()) {
                try {
                    if (isDue()) { // nobody has done it since
                        words.setOpaque(DUE, words.getOpaque(NEXT_DUE));
                        words.setOpaque(NEXT_DUE, Long.MAX_VALUE);
                        if (words.get(TAG) == 0) {
                            mark(domain);
                        } else {
                            domain.advanceBeyond(words.get(TAG));
                        }
                    }
                } finally {
                    words.set(MARKING, 0);
                }
            }
        }

        /** Makes what rests ripe, as far as its grace period is over, and begins the grace period of the rest. */
        void ripen(final EpochDomain domain) {
            if (tryMark()) {
                try {
                    if (words.get(TAG) == 0) {
                        mark(domain);
                    }
                    if (words.get(TAG) != 0 && domain.passed(words.get(TAG))) {
                        final int ripe = change(RIPENING, PARKED);
                        words.set(TAG, 0);
                        schedule(ripe);
                    }
                } finally {
                    words.set(MARKING, 0);
                }
            }
        }

        /** Says when the grace period of the next ones is to begin, now that so many are parked. */
        private void schedule(final int parked) {
            final long last = words.getOpaque(FRONT) + parked;
            final int early = Math.max(parked / EARLY, Math.min(parked - 1, 2));
            words.setOpaque(DUE, last - early);
            words.setOpaque(NEXT_DUE, last - Math.max(early / LATE, 1));
        }

        private boolean tryMark() {
            ReservedStack.forBeginning(PLACES); // who says that it marks has to take that back
            return words.get(MARKING) == 0 && words.compareAndSet(MARKING, 0, 1);
        }

        /** Has what rests ripen. */
        private void mark(final EpochDomain domain) {
            if (change(0, RIPENING) != 0) {
                words.set(TAG, domain.currentEpoch()); // [M2]
            }
        }

        /** Moves all records from one state to the next; how many are there then. */
        private int change(final long from, final long to) {
            int there = 0;
            final long front = words.getOpaque(FRONT);
            final int filled = filled();
            for (int i = 0; i < filled; i++) {
                final int place = place(front + i);
                final long seen = words.get(place);
                if (seen != EMPTY && ((seen & STATE) == to || // of somebody who could not go on
                    (seen & STATE) == from && words.compareAndSet(place, seen, seen & ~STATE | to))) {
                    there++;
                }
            }
            return there;
        }
    }

    private int classOf(final long length) {
        final long pages = length / core.memory().pageSize();
        return Long.bitCount(pages) == 1 && pages < 1L << CLASSES ? Long.numberOfTrailingZeros(pages) : NONE;
    }

    /** Where the ring is that threads of a stripe have for a class. */
    private static int number(final int stripe, final int sizeClass) {
        return (stripe & Stripes.COUNT - 1) * CLASSES + sizeClass;
    }

    // ------------------------------------------------------------------------------------------------------------- park

    /**
     * Parks what was unmapped, if there is a place for it, of the thread's stripe or, at a short look, of another. A stripe
     * has places for the sizes that its threads have mapped. The pages are zero, and nothing but the interval and the
     * record is left. Needs no heap; throws only if it is not parked.
     */
    boolean park(final PendingUnmap pending) {
        final int sizeClass = classOf(pending.length());
        final long record = pending.record();
        if (sizeClass == NONE || !RegionLock.isReclaimable(record) || !RecordTable.hasLives(record)) {
            return false;
        }
        ReservedStack.forBeginning(record);
        final int mine = Stripes.mine();
        for (int i = 0; i < Stripes.COUNT; i++) {
            final Ring ring = rings.get(number(mine + i, sizeClass));
            if (ring != null && ring.park(record, i == 0 ? PLACES : OF_OTHERS)) {
                return true;
            }
        }
        return false;
    }

    // ------------------------------------------------------------------------------------------------------------ claim

    /**
     * Takes out a region of this size for a map that may have these addresses [M4]. Its record is free and keeps its
     * addresses, as after an insertion into the tree.
     *
     * @return the record, or 0
     */
    long claim(final long length, final long alignment, final Addresses addresses) {
        final int sizeClass = classOf(length);
        if (sizeClass == NONE) {
            return 0;
        }
        final int number = number(Stripes.mine(), sizeClass);
        final Ring ring = rings.get(number);
        if (ring == null) {
            rings.compareAndSet(number, null, new Ring());
            return 0;
        }
        if (ring.isDue()) {
            ring.prepare(core.domain());
        }
        long record = claim(ring, alignment, addresses);
        if (record == 0 && ring.wantsMore(Math.max(MANY >> sizeClass, 1))) {
            return 0;
        }
        if (record == 0) {
            ring.ripen(core.domain());
            record = claim(ring, alignment, addresses);
        }
        if (record == 0) {
            ring.lookEverywhere();
        } else {
            RegionLock.reclaim(record);
            VarHandle.storeStoreFence(); // [M3]
        }
        return record;
    }

    private long claim(final Ring ring, final long alignment, final Addresses addresses) {
        final EpochDomain domain = core.domain();
        domain.pinStructure(); // [M6]
        try {
            return ring.claim(alignment, addresses);
        } finally {
            domain.unpinStructure();
        }
    }

    /** Whether a record of its size is as a map wants it, and no section keeps any of it from the map. */
    private static boolean isFor(final long record, final long alignment, final Addresses addresses) {
        final long start = RecordLayout.start(record);
        return (start & alignment - 1) == 0 && addresses.hasAll(start, RecordLayout.limit(record));
    }

    // ------------------------------------------------------------------------------------------------------------ evict

    /** A number that says later whether addresses were being freed: then {@link #hasEvicted} is true. */
    long round() {
        return ended.get();
    }

    /** Whether somebody has addresses in hand, which are going to be free. */
    boolean isEvicting() {
        final long over = ended.get(); // first: it never passes the other
        return begun.get() != over;
    }

    /** Whether somebody may have had addresses in hand since the caller took the number [M5]. */
    boolean hasEvicted(final long before) {
        return begun.get() != before;
    }

    /** Frees the addresses of all that is parked. */
    void evictAll() {
        evict(0, Long.MAX_VALUE);
    }

    /** Frees the addresses of what is parked in a range. */
    void evict(final long from, final long to) {
        finishUnfinished();
        for (int i = 0; i < rings.length(); i++) {
            final Ring ring = rings.get(i);
            if (ring != null) {
                for (int place = Ring.FIRST; place < Ring.FIRST + PLACES; place++) {
                    evict(ring, place, from, to);
                }
            }
        }
    }

    private void evict(final Ring ring, final int place, final long from, final long to) {
        long seen = ring.words.get(place);
        while (seen != EMPTY) {
            final long record = seen & ~STATE;
            if (RecordLayout.start(record) >= to || RecordLayout.limit(record) <= from) {
                return; // if it is another one by now it came later
            }
            final PendingUnmap evicted = new PendingUnmap(RecordLayout.limit(record) - RecordLayout.start(record), 0);
            ReservedStack.forBeginning(record);
            begun.incrementAndGet(); // [M5]
            final long witness = ring.words.compareAndExchange(place, seen, EMPTY);
            if (witness == seen) {
                evicted.taken(record, RecordLayout.start(record));
                free(evicted);
                return;
            }
            ended.incrementAndGet();
            seen = witness;
        }
    }

    private void free(final PendingUnmap evicted) {
        boolean freed = false;
        try {
            core.quarantine().free(evicted);
            freed = true;
        } finally {
            if (!freed) { // no heap, or no stack: whoever evicts next goes on
                PendingUnmap head;
                do {
                    head = unfinished.get();
                    evicted.next = head;
                } while (!unfinished.compareAndSet(head, evicted));
            }
            ended.incrementAndGet();
        }
    }

    private void finishUnfinished() {
        PendingUnmap each = unfinished.getAndSet(null);
        while (each != null) {
            final PendingUnmap following = each.next;
            begun.incrementAndGet();
            free(each);
            each = following;
        }
    }
}
