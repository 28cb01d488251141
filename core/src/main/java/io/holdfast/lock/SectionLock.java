// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static io.holdfast.layout.RecordLayout.ATTACHED;
import static io.holdfast.layout.RecordLayout.EXCLUSIVE;
import static io.holdfast.layout.RecordLayout.OWNER;
import static io.holdfast.layout.RecordLayout.SECTION;
import static io.holdfast.layout.RecordLayout.WRITER;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.layout.TicketLayout;
import java.lang.foreign.Arena;

/**
 * The exclusive locks of a write section: taken on many records with one barrier, ended one by one, or all of them by
 * one store, however many there are.
 *
 * <p>A section claims a {@linkplain #open() ticket}; the lock words of its records name the ticket as their owner, and
 * the ticket's own words say whether the section still has them. All methods are thread-safe; those that take a ticket
 * belong to the thread that opened it.
 */
public final class SectionLock {
    /*
     * States of a record that the table of RegionLock does not have; T is the ticket in the lock word:
     *
     *   state      ATTACHED EXCLUDING EXCLUSIVE SECTION SEQUENCE  ticket words
     *   SECTION    1        1         1         1       odd       T
     *   ENDED      1        1         1         1       odd       not T
     *   UNMAPPED   0        1         1         1       odd       any
     *
     *   event           from            to
     *   exclude         OPEN            DRAINING, owned by T; SECTION once drained, OPEN if that gives up
     *   attach          FREE            SECTION: a region that nobody can lock before its section ends
     *   end             SECTION         OPEN
     *   end all         SECTION, all    ENDED, all, by one store
     *   settle          ENDED           OPEN
     *   move            SECTION         MOVED
     *   detach          SECTION         UNMAPPED: lookups do not find it any more, and handles are told that it is gone
     *   abandon         SECTION         DETACHED: the same, but lookups may still find it
     *   reclaim         UNMAPPED        FREE
     *
     *   ENDED is OPEN for everybody: whoever would lock it settles it first; an optimistic reader need not, and stores
     *   nothing.
     *
     * Ordering
     * [G1] Ending all is one release store of the ticket words; whoever reads them with acquire and finds another ticket
     *      sees all that the section wrote.
     * [G2] A ticket is given out once, and an ended one is in no lock word that is written later, but for AWAITED. So a
     *      lock word that names an ended ticket has not changed since, and a compare-and-set on it hits this very
     *      exclusion.
     * [G3] Settling reads the sequence before the lock word. If the sequence is odd and can be swapped for the next even
     *      one after the word was seen ENDED, it was of this exclusion or an earlier one, and of an earlier one it cannot
     *      be swapped, because it only rises. The lock word is swapped while the sequence is even: as long as the word is
     *      there, the sequence is this exclusion's, and even only if it has been settled.
     * [G4] The stamp of an ENDED record is its sequence plus one, what settling makes of it. It validates against either,
     *      against the odd one only while the lock word is ENDED: a later writer settles first.
     * [G5] Who has settled looks at the lock word anew. The word that it found before settling may not have been ENDED
     *      but a writer's, and the same writer may have it again, with the very same bits: a swap would succeed under it.
     *
     * If the section's thread stops for ever, its regions stay excluded; if a settling thread does, others settle.
     */
    /** How many sections can hold regions at a time, over all spaces of the process. */
    public static final int TICKETS = 1 << TicketLayout.INDEX_BITS;

    private static final long WORDS =
        Arena.global().allocate((long) TICKETS * TicketLayout.BYTES, TicketLayout.BYTES).address();

    private final RegionLock lock;
    private final EpochDomain domain;

    /** For the records of a lock, whose readers announce themselves in {@code domain}. */
    public SectionLock(final RegionLock lock, final EpochDomain domain) {
        this.lock = lock;
        this.domain = domain;
    }

    /** A ticket for the current thread, or 0 if {@link #TICKETS} are in use in this process. */
    public static long open() {
        final long me = Thread.currentThread().threadId();
        for (int i = 0; i < TICKETS; i++) {
            final long words = words((int) me + i & TICKETS - 1);
            if (TicketLayout.ticketAcquire(words) == 0 &&
                TicketLayout.generationVolatile(words) < TicketLayout.GENERATIONS - TICKETS) { // [G2]
                final long ticket = TicketLayout.ticket((int) me + i & TICKETS - 1, TicketLayout.takeGeneration(words) + 1);
                if (TicketLayout.claim(words, ticket)) {
                    TicketLayout.threadOpaque(words, me);
                    return ticket;
                }
            }
        }
        return 0;
    }

    private static long words(final int index) {
        return WORDS + (long) index * TicketLayout.BYTES;
    }

    static long wordsOf(final long ticket) {
        return words(TicketLayout.index(ticket));
    }

    /**
     * Turns readers of records away, all at once, waits for those inside with one barrier for all, and holds the records
     * for the ticket. Either all of them, or none.
     *
     * @param records      distinct, none of which the section holds
     * @param incarnations of the records, in the same order
     * @return 1, or a refusal: detached, moved, or that the waiting gave up
     * @throws IllegalMonitorStateException if the thread would wait for itself
     */
    public long exclude(final long ticket, final long[] records, final long[] incarnations, final Waiting waiting) {
        for (int i = 0; i < records.length; i++) {
            lock.checkMayDrain("exclusion by a section", records[i], incarnations[i]);
        }
        final long owner = RecordLayout.ownedBySection(ticket);
        int announced = 0;
        boolean drained = false;
        try {
            while (announced < records.length) {
                final long refused = announce(records[announced], incarnations[announced], owner, waiting);
                if (refused != 0) {
                    return refused;
                }
                announced++;
            }
            waiting.reset();
            domain.heavyBarrier(); // RegionLock [S1]
            for (final long record : records) {
                if (!lock.drain(record, 0, waiting)) {
                    return Stamps.gaveUp(waiting);
                }
            }
            drained = true;
        } finally {
            if (!drained) {
                for (int i = 0; i < announced; i++) {
                    RegionLock.include(records[i]);
                }
            }
        }
        for (final long record : records) {
            RegionLock.becomeExclusive(record);
        }
        return 1;
    }

    private long announce(final long record, final long incarnation, final long owner, final Waiting waiting) {
        while (true) {
            final long refused = lock.isAwaited(record) ? Stamps.SHARED
                : RegionLock.exclude(record, incarnation, owner);
            if (refused == 0 || !Stamps.isTransient(refused)) {
                return refused;
            }
            if (!lock.awaitWriter("exclusion by a section", record, waiting)) {
                return Stamps.gaveUp(waiting);
            }
        }
    }

    /**
     * The incarnation that a free record will have when it is attached next; nobody else has the record.
     */
    public static long nextIncarnation(final long record) {
        return (RecordLayout.sequence(record) | 1) + 1;
    }

    /**
     * Makes a free record that the caller has described a live region that the ticket holds.
     *
     * @return its incarnation, as {@link #nextIncarnation} said
     */
    public static long attach(final long record, final long ticket) {
        final long word = RecordLayout.lockVolatile(record);
        if (word != 0) {
            throw new IllegalStateException("attach of a record that is not free: " + RecordLayout.describeLock(word));
        }
        final long incarnation = nextIncarnation(record);
        RecordLayout.incarnationRelease(record, incarnation);
        RecordLayout.sequenceRelease(record, incarnation + 1);
        RecordLayout.lockRelease(record, ATTACHED | WRITER | RecordLayout.ownedBySection(ticket));
        return incarnation;
    }

    /** Makes a record that nobody else has skip the incarnation that it would have had next. */
    public static void skipIncarnation(final long record) {
        RecordLayout.sequenceRelease(record, nextIncarnation(record) + 1);
    }

    /** Whether the ticket holds the record. */
    public static boolean isHeld(final long record, final long ticket) {
        final long word = RecordLayout.lockAcquire(record);
        return ticket != 0 && (word & (ATTACHED | EXCLUSIVE)) == (ATTACHED | EXCLUSIVE) &&
            (word & OWNER) == RecordLayout.ownedBySection(ticket) && TicketLayout.ticketAcquire(wordsOf(ticket)) == ticket;
    }

    /** Ends the ticket's hold on one record; others keep theirs. */
    public static void end(final long record, final long ticket) {
        checkHeld("end of an exclusion", record, ticket);
        RecordLayout.sequenceRelease(record, RecordLayout.sequence(record) + 1); // RegionLock [X2]
        RegionLock.include(record); // RegionLock [X3]
    }

    /** Ends the ticket and its hold on all records, with one store. */
    public static void endAll(final long ticket) {
        TicketLayout.ticketRelease(wordsOf(ticket)); // [G1]
    }

    /** The region goes on in other records, which lookups find already. */
    public static void move(final long record, final long ticket) {
        checkHeld("move", record, ticket);
        RecordLayout.getAndMaskLock(record, ~(ATTACHED | OWNER)); // RegionLock [M1]
        LockOrder.forgetRegion(record);
    }

    /** The region is unmapped, and lookups do not find it any more. */
    public static void detach(final long record, final long ticket) {
        checkHeld("unmap", record, ticket);
        RecordLayout.getAndMaskLock(record, ~(ATTACHED | OWNER & ~SECTION));
        LockOrder.forgetRegion(record);
    }

    /** The region is unmapped, and what the tree shows has not changed: as by {@link RegionLock#tryDetach}. */
    public static void abandon(final long record, final long ticket) {
        checkHeld("unmap", record, ticket);
        RecordLayout.getAndMaskLock(record, ~(ATTACHED | EXCLUSIVE | OWNER));
        LockOrder.forgetRegion(record);
    }

    private static void checkHeld(final String operation, final long record, final long ticket) {
        if (!isHeld(record, ticket)) {
            throw new IllegalMonitorStateException(operation + " by a section that does not hold the region: ticket=" +
                ticket + ", " + RegionLock.describe(record));
        }
    }

    /** Whether this is the lock word of a record that a section held and does not hold any more. */
    static boolean isEnded(final long word) {
        return (word & (ATTACHED | EXCLUSIVE | SECTION)) == (ATTACHED | EXCLUSIVE | SECTION) &&
            TicketLayout.ticketAcquire(wordsOf(RecordLayout.owner(word))) != RecordLayout.owner(word); // [G1]
    }

    /** A lock word as it stands for everybody: without the mark of a section that does not hold the record any more. */
    static long withoutEnded(final long word) {
        return isEnded(word) ? word & ~(WRITER | OWNER) : word;
    }

    /** Whether the writer that a lock word names is the current thread, or a section of it. */
    public static boolean isMine(final long word) {
        final long me = Thread.currentThread().threadId();
        if ((word & SECTION) == 0) {
            return (word & OWNER) == RecordLayout.owned(me);
        }
        final long ticket = RecordLayout.owner(word);
        return TicketLayout.threadOpaque(wordsOf(ticket)) == me && TicketLayout.ticketAcquire(wordsOf(ticket)) == ticket;
    }

    /** Makes an ENDED record OPEN; whether it was one, so that it is worth looking at the record again. */
    static boolean settle(final long record) {
        while (true) {
            final long sequence = RecordLayout.sequenceAcquire(record); // [G3]
            final long word = RecordLayout.lockAcquire(record);
            if (!isEnded(word)) {
                return false;
            }
            if ((sequence & 1) != 0) {
                RecordLayout.compareAndSetSequence(record, sequence, sequence + 1); // [G3]
            }
            if ((RecordLayout.sequenceAcquire(record) & 1) == 0) {
                RecordLayout.compareAndExchangeLock(record, word, word & ~(WRITER | OWNER)); // [G2] [G3]
                return true;
            }
        }
    }

    /** Makes an ENDED record OPEN; its lock word after that, to be looked at anew [G5], or 0 if it was not ENDED. */
    static long settled(final long record) {
        return settle(record) ? RecordLayout.lockVolatile(record) : 0;
    }

    /** The stamp of an optimistic read of a record with an odd sequence, or 0 if it is not ENDED. */
    static long stampOfEnded(final long record, final long sequence) {
        return isEnded(RecordLayout.lockAcquire(record)) ? sequence + 1 : 0; // [G4]
    }
}
