// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import io.holdfast.layout.CountedLayout;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The counted locks that were given to stamps, each in an entry of its own: a count cannot tell one lock from another, and
 * a stamp that ends a second time must not end somebody else's.
 *
 * <p>One table for the process, so that a stamp of one space is none of another. It grows with the number of stamps that
 * are out at a time, and keeps no stamp from being given out but by its {@linkplain #LIMIT limit}. Thread-safe, lock-free
 * but for the growth of the table.
 */
final class CountedStamps {
    /*
     *   state of the entry   give: claim   give: publish   end
     *   FREE    (g)          CLAIMED (g)   -               refused
     *   CLAIMED (g)          goes on       GIVEN (g)       refused
     *   GIVEN   (g)          goes on       -               FREE (g + 1) for the stamp of g, for one thread; else refused
     *
     * [N1] The record is written before the releasing store of GIVEN: who reads GIVEN with acquire reads its record.
     * [N2] A stamp is ended by a compare-and-set from GIVEN with its generation, which the entry never has again: by one
     *      thread, once. An entry whose generations are used up stays CLAIMED.
     * [N3] The lock is counted in the lock word before the entry is GIVEN, and until after it is not: so whoever ends a
     *      stamp finds the count, and the incarnation of the record is the one in which it was given.
     *
     * If a thread stops between claim and publication, or between the end of its stamp and of the count, one entry or one
     * count is lost: the region waits for it as for a hold that nobody releases.
     */
    static final int GENERATION_BITS = 40;

    private static final long GENERATION = (1L << GENERATION_BITS) - 1;
    private static final int FIRST_CHUNK = 64;
    private static final int MAX_CHUNKS = 14;
    private static final int NEIGHBOURS = 8; // as many as share a pair of cache lines
    private static final int PROBES = 256;

    /** Most stamps of counted locks that are out at a time. */
    static final int LIMIT = first(MAX_CHUNKS);

    private static final AtomicInteger NEXT = new AtomicInteger();
    private static final long FIRST = allocate(0);
    private static volatile long[] chunks = {FIRST};

    private CountedStamps() {
    }

    /** Makes sure that the class is there, and what it needs: where it is needed there may be no memory for it. */
    static void load() {
        end(0, give(0));
    }

    private static long allocate(final int chunk) {
        return Arena.global().allocate((long) (FIRST_CHUNK << chunk) * CountedLayout.BYTES,
            (long) NEIGHBOURS * CountedLayout.BYTES).address();
    }

    /** Index of the first entry of a chunk, each of which is twice as long as the one before. */
    private static int first(final int chunk) {
        return FIRST_CHUNK * ((1 << chunk) - 1);
    }

    private static long entry(final long[] all, final int index) {
        final int chunk = Integer.SIZE - 1 - Integer.numberOfLeadingZeros(index / FIRST_CHUNK + 1);
        return all[chunk] + (long) (index - first(chunk)) * CountedLayout.BYTES;
    }

    /** Gives a counted lock, which the caller holds, to a stamp; 0 if there are as many stamps as there may be. */
    static long give(final long record) {
        final int start = (int) Thread.currentThread().threadId() * NEIGHBOURS & FIRST_CHUNK - 1;
        for (int i = 0; i < NEIGHBOURS; i++) {
            final long stamp = give(record, start + i, FIRST + (long) (start + i) * CountedLayout.BYTES);
            if (stamp != 0) {
                return stamp;
            }
        }
        return giveAnywhere(record);
    }

    private static long give(final long record, final int index, final long entry) {
        final long state = CountedLayout.stateAcquire(entry);
        if (CountedLayout.kind(state) != CountedLayout.FREE ||
            !CountedLayout.compareAndSetState(entry, state, state | CountedLayout.CLAIMED)) {
            return 0;
        }
        CountedLayout.record(entry, record); // [N1]
        CountedLayout.stateRelease(entry, state | CountedLayout.GIVEN); // [N1]
        return Stamps.counted(index, CountedLayout.generation(state));
    }

    private static long giveAnywhere(final long record) {
        while (true) {
            final long[] all = chunks;
            final int entries = first(all.length);
            final int probes = all.length < MAX_CHUNKS ? Math.min(PROBES, entries) : entries;
            int index = NEXT.getOpaque(); // where nobody looked lately
            for (int i = 0; i < probes; i++) {
                index = index + 1 < entries ? index + 1 : 0;
                final long stamp = give(record, index, entry(all, index));
                if (stamp != 0) {
                    NEXT.setOpaque(index);
                    return stamp;
                }
            }
            if (all.length == MAX_CHUNKS) {
                return 0;
            }
            grow(all);
        }
    }

    private static synchronized void grow(final long[] seen) {
        if (chunks == seen) {
            final long[] grown = Arrays.copyOf(seen, seen.length + 1);
            grown[seen.length] = allocate(seen.length);
            chunks = grown;
        }
    }

    /** Whether this stamp is of a counted lock on the record that has not been ended. */
    static boolean isGiven(final long record, final long stamp) {
        return given(record, stamp) != 0;
    }

    /** Ends a stamp; whether it was one of the record, and ended by nobody else, so that its count is the caller's. */
    static boolean end(final long record, final long stamp) {
        final long entry = given(record, stamp);
        final long generation = Stamps.generation(stamp);
        final long next = CountedLayout.state(generation + 1,
            generation < GENERATION ? CountedLayout.FREE : CountedLayout.CLAIMED);
        return entry != 0 &&
            CountedLayout.compareAndSetState(entry, CountedLayout.state(generation, CountedLayout.GIVEN), next); // [N2]
    }

    private static long given(final long record, final long stamp) {
        final long[] all = chunks;
        if (!Stamps.isCounted(stamp) || Stamps.index(stamp) >= first(all.length)) {
            return 0;
        }
        final long entry = entry(all, Stamps.index(stamp));
        final long state = CountedLayout.stateAcquire(entry); // [N1]
        return state == CountedLayout.state(Stamps.generation(stamp), CountedLayout.GIVEN) &&
            CountedLayout.record(entry) == record ? entry : 0;
    }
}
