// SPDX-License-Identifier: Apache-2.0
package io.holdfast.layout;

/**
 * The off-heap words of a write section that holds regions exclusively: {@value #BYTES} bytes, aligned to as many,
 * type-stable for the life of the process.
 *
 * <pre>
 *   word   field        written by                 read by
 *   0      TICKET       claimer (CAS), its owner   anybody        ticket of the section, 0 when nobody's
 *   1      GENERATION   claimers (add)             claimers       tickets that were given out here
 *   2      THREAD       claimer                    anybody        id of the section's thread
 *   3-7    -
 *
 *   a ticket, as it stands in the OWNER field of a lock word
 *
 *     38 .............. INDEX_BITS   INDEX_BITS-1 .... 0
 *     GENERATION                     INDEX of the words
 * </pre>
 *
 * <p>No ticket is given out twice: words whose generations are used up are not claimed again.
 */
public final class TicketLayout {
    /** Length in bytes, and alignment. */
    public static final int BYTES = 64;

    /** Width of the index in a ticket. */
    public static final int INDEX_BITS = 9;

    /** The first generation that is not given out. */
    public static final long GENERATIONS = 1L << RecordLayout.TICKET_BITS - INDEX_BITS;

    private static final int TICKET = 0;
    private static final int GENERATION = TICKET + Words.BYTES;
    private static final int THREAD = GENERATION + Words.BYTES;

    private TicketLayout() {
    }

    /** The ticket of a generation of the words with an index. */
    public static long ticket(final int index, final long generation) {
        return generation << INDEX_BITS | index;
    }

    /** Index of the words that a ticket belongs to. */
    public static int index(final long ticket) {
        return (int) ticket & (1 << INDEX_BITS) - 1;
    }

    /** The ticket, with acquire access. */
    public static long ticketAcquire(final long words) {
        return Words.getAcquire(words, TICKET);
    }

    /** Claims free words for a ticket, with volatile access; false if they are not free. */
    public static boolean claim(final long words, final long ticket) {
        return Words.compareAndSet(words + TICKET, 0, ticket);
    }

    /** Ends the ticket, with release access. */
    public static void ticketRelease(final long words) {
        Words.putRelease(words, TICKET, 0);
    }

    /** Generations given out so far, with volatile access. */
    public static long generationVolatile(final long words) {
        return Words.getVolatile(words, GENERATION);
    }

    /** Writes the generations given out so far, with volatile access; for tests near the limit. */
    public static void generationVolatile(final long words, final long generation) {
        Words.putVolatile(words, GENERATION, generation);
    }

    /** Takes a generation, with volatile access. */
    public static long takeGeneration(final long words) {
        return Words.getAndAdd(words + GENERATION, 1);
    }

    /** Id of the section's thread, with opaque access. */
    public static long threadOpaque(final long words) {
        return Words.getOpaque(words + THREAD);
    }

    /** Writes the id of the section's thread, with opaque access. */
    public static void threadOpaque(final long words, final long threadId) {
        Words.putOpaque(words + THREAD, threadId);
    }
}
