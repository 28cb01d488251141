// SPDX-License-Identifier: Apache-2.0
package io.holdfast.layout;

/**
 * The off-heap record of a region: {@value #BYTES} bytes, aligned to as many, type-stable.
 *
 * <pre>
 *   word  field        written by                                   read by
 *   0     LOCK         anybody, read-modify-write                   anybody
 *   1     SEQUENCE     who holds the region exclusively, detacher   anybody
 *   2     INCARNATION  attach                                       anybody
 *   3     BASE         attach; holders change the kind in it        holders, pinned threads
 *   4     SIZE         attach, growth                               anybody who holds or validates
 *   5     EXTENT       attach                                       holders, pinned threads
 *   6     BEGUN        attach, who attached, who looks              snapshots, lookups
 *   7     ENDED        move, who detached, who looks                snapshots, lookups
 *
 *   LOCK, bit 63 on the left; COUNT_BITS is the one free choice
 *
 *     63    62 .... COUNT_BITS+4   +3       +2         +1         +0         COUNT_BITS-1 ........ 0
 *     zero  OWNER                  AWAITED  EXCLUSIVE  EXCLUDING  ATTACHED   COUNT of counted holds
 *
 *     OWNER is the id of the writing thread, or SECTION (its highest bit) and the ticket of a write section
 *
 *   BASE; holders of the region add to KIND and take from it by read-modify-write
 *
 *     63 .......... 56    55 ............... 48    47 ............ 0
 *     KIND of the pages   upper bits of LENGTH     native address
 *
 *   EXTENT, in pages of PAGE_BITS
 *
 *     63 .......... LENGTH_BITS   LENGTH_BITS-1 ....... 0
 *     START in the space          lower bits of LENGTH
 *
 *   BEGUN and ENDED are times, see io.holdfast.lock.Lifetimes
 *
 *     BEGUN    0: with the tree that shows it      negative: to be stamped, and the incarnation    else a time
 *     ENDED    0: not, or to be stamped            else a time
 *
 *   While a record is free, ENDED links it to the next free one.
 * </pre>
 *
 * <p>One cache line holds all of it: a reader needs the lock word, the incarnation and the bounds together, and 64
 * bytes a region is what the memory budget allows. Neighbouring records therefore share the adjacent-line prefetch;
 * lock words are read-mostly, so this was preferred to 128 bytes apart.
 */
public final class RecordLayout {
    /** Length of a record in bytes, and its alignment. */
    public static final int BYTES = 64;

    /** Width of the count of counted holds; every other mask of the lock word follows from it. */
    public static final int COUNT_BITS = 20;

    /** Mask of the count of counted holds. */
    public static final long COUNT = (1L << COUNT_BITS) - 1;

    /** One counted hold. */
    public static final long COUNT_UNIT = 1L;

    /**
     * Most counted holds that are granted: one below what the field can hold, so that a writer can always count too.
     */
    public static final long COUNT_LIMIT = COUNT - 1;

    /** The record is a live region: lookups may lock it. */
    public static final long ATTACHED = COUNT + 1;

    /** A writer has announced itself: new readers are refused. */
    public static final long EXCLUDING = ATTACHED << 1;

    /** The writer has drained the readers and is alone. */
    public static final long EXCLUSIVE = EXCLUDING << 1;

    /** Readers that a writer has turned away may wait for their turn, before the next writer. */
    public static final long AWAITED = EXCLUSIVE << 1;

    /** The bits that make up the writer's half of the lock word. */
    public static final long WRITER = EXCLUDING | EXCLUSIVE;

    private static final int OWNER_SHIFT = COUNT_BITS + 4;

    /** Who set {@link #EXCLUDING}, in place: the id of a thread, or a section's ticket; 0 without a writer. */
    public static final long OWNER = Long.MAX_VALUE & -1L << OWNER_SHIFT;

    /** The owner is a write section, and the rest of {@link #OWNER} its ticket. */
    public static final long SECTION = Long.MIN_VALUE >>> 1;

    /** Width of a write section's ticket. */
    public static final int TICKET_BITS = Long.SIZE - 2 - OWNER_SHIFT;

    /** Width of what addresses of pages have in common, whatever the size of a page is. */
    private static final int PAGE_BITS = 12;

    private static final int KIND_SHIFT = 56;
    private static final int UPPER_SHIFT = 48;
    private static final long BASE_MASK = (1L << UPPER_SHIFT) - 1;
    private static final long UPPER_MASK = (1L << KIND_SHIFT - UPPER_SHIFT) - 1;
    private static final int LENGTH_BITS = 31;
    private static final long LENGTH_MASK = (1L << LENGTH_BITS) - 1;
    private static final long TO_BE_STAMPED = Long.MIN_VALUE;

    private static final int LOCK = 0;
    private static final int SEQUENCE = LOCK + Words.BYTES;
    private static final int INCARNATION = SEQUENCE + Words.BYTES;
    private static final int BASE = INCARNATION + Words.BYTES;
    private static final int SIZE = BASE + Words.BYTES;
    private static final int EXTENT = SIZE + Words.BYTES;
    private static final int BEGUN = EXTENT + Words.BYTES;
    private static final int ENDED = BEGUN + Words.BYTES;

    private RecordLayout() {
    }

    /** The lock word, with acquire access. */
    public static long lockAcquire(final long record) {
        return Words.getAcquire(record, LOCK);
    }

    /** The lock word, with volatile access. */
    public static long lockVolatile(final long record) {
        return Words.getVolatile(record, LOCK);
    }

    /** Swaps the lock word with volatile access; returns what it found, {@code expected} if it swapped. */
    public static long compareAndExchangeLock(final long record, final long expected, final long lock) {
        return Words.compareAndExchange(record + LOCK, expected, lock);
    }

    /** Clears every bit outside {@code mask} with volatile access; returns the lock word from before. */
    public static long getAndMaskLock(final long record, final long mask) {
        return Words.getAndBitwiseAnd(record + LOCK, mask);
    }

    /** Adds to the lock word with volatile access; returns the lock word from before. */
    public static long getAndAddLock(final long record, final long delta) {
        return Words.getAndAdd(record + LOCK, delta);
    }

    /** Writes the lock word with release access; only for a record that nobody else can change. */
    public static void lockRelease(final long record, final long lock) {
        Words.putRelease(record, LOCK, lock);
    }

    /** The sequence, with plain access. */
    public static long sequence(final long record) {
        return Words.get(record, SEQUENCE);
    }

    /** The sequence, with acquire access. */
    public static long sequenceAcquire(final long record) {
        return Words.getAcquire(record, SEQUENCE);
    }

    /** Writes the sequence with release access. */
    public static void sequenceRelease(final long record, final long sequence) {
        Words.putRelease(record, SEQUENCE, sequence);
    }

    /** Swaps the sequence with volatile access; false if it is not as expected. */
    public static boolean compareAndSetSequence(final long record, final long expected, final long sequence) {
        return Words.compareAndSet(record + SEQUENCE, expected, sequence);
    }

    /** Writes the sequence with volatile access. */
    public static void sequenceVolatile(final long record, final long sequence) {
        Words.putVolatile(record, SEQUENCE, sequence);
    }

    /** The incarnation, with plain access; ordered by the acquiring read of the lock word that comes before it. */
    public static long incarnation(final long record) {
        return Words.get(record, INCARNATION);
    }

    /** The incarnation, with acquire access. */
    public static long incarnationAcquire(final long record) {
        return Words.getAcquire(record, INCARNATION);
    }

    /** Writes the incarnation with release access. */
    public static void incarnationRelease(final long record, final long incarnation) {
        Words.putRelease(record, INCARNATION, incarnation);
    }

    /** Absolute native address of the first byte that the user sees. */
    public static long base(final long record) {
        return baseOf(baseAndKind(record));
    }

    /** The base and the kind in one word, for {@link #baseOf} and {@link #kindOf}. */
    public static long baseAndKind(final long record) {
        return Words.get(record, BASE);
    }

    /** The base in such a word. */
    public static long baseOf(final long baseAndKind) {
        return baseAndKind & BASE_MASK;
    }

    /** The kind in such a word. */
    public static long kindOf(final long baseAndKind) {
        return baseAndKind >>> KIND_SHIFT;
    }

    /** Bytes that the user sees, with acquire access. */
    public static long sizeAcquire(final long record) {
        return Words.getAcquire(record, SIZE);
    }

    /** Bytes that the user sees, with opaque access; for a comparison that nothing else hangs on. */
    public static long sizeOpaque(final long record) {
        return Words.getOpaque(record, SIZE);
    }

    /** Publishes the bytes that the user sees, with release access. */
    public static void sizeRelease(final long record, final long sizeBytes) {
        Words.putRelease(record, SIZE, sizeBytes);
    }

    /** Offset in the space of the first page that the region reserves. */
    public static long start(final long record) {
        return Words.get(record, EXTENT) >>> LENGTH_BITS << PAGE_BITS;
    }

    /** Offset in the space just past the last page that the region reserves. */
    public static long limit(final long record) {
        final long extent = Words.get(record, EXTENT);
        final long upper = Words.get(record, BASE) >>> UPPER_SHIFT & UPPER_MASK;
        return (extent >>> LENGTH_BITS) + (upper << LENGTH_BITS | extent & LENGTH_MASK) << PAGE_BITS;
    }

    /** What the region's pages are; the meaning of the value belongs to the owner of the record. */
    public static long kind(final long record) {
        return kindOf(baseAndKind(record));
    }

    /** Adds to what the region's pages are, with volatile access; only for who holds the region. */
    public static void addKind(final long record, final long bits) {
        Words.getAndBitwiseOr(record + BASE, bits << KIND_SHIFT);
    }

    /** Takes from what the region's pages are, with volatile access; only for who holds the region. */
    public static void removeKind(final long record, final long bits) {
        Words.getAndBitwiseAnd(record + BASE, ~(bits << KIND_SHIFT));
    }

    /** Writes the words that stay as they are for one life of the record, with plain access, before it is attached. */
    public static void describe(final long record, final long base, final long start, final long limit,
                                final long kind) {
        final long length = limit - start >>> PAGE_BITS;
        assert (base & ~BASE_MASK) == 0 && start >= 0 && limit >= start && (start | limit) << -PAGE_BITS == 0 &&
            kind >>> Long.SIZE - KIND_SHIFT == 0 : "out of range: base=0x" + Long.toHexString(base) + ", start=" + start +
            ", limit=" + limit + ", kind=" + kind;
        Words.put(record, BASE, base | length >>> LENGTH_BITS << UPPER_SHIFT | kind << KIND_SHIFT);
        Words.put(record, EXTENT, start >>> PAGE_BITS << LENGTH_BITS | length & LENGTH_MASK);
        Words.put(record, BEGUN, 0);
        Words.put(record, ENDED, 0);
    }

    /** Whether no stamp is asked for the beginning of the life, with plain access; for a first look. */
    public static boolean isSettled(final long record) {
        return Words.get(record, BEGUN) >= 0;
    }

    /** The word that says when the record's life began, with volatile access. */
    public static long begunVolatile(final long record) {
        return Words.getVolatile(record, BEGUN);
    }

    /** The beginning of the record's life is to be stamped, once it is attached; with plain access, before that. */
    public static void begunToBeStamped(final long record, final long incarnation) {
        Words.put(record, BEGUN, TO_BE_STAMPED | incarnation);
    }

    /** Whether such a word asks for a stamp: no two lives of a record have the same one. */
    public static boolean isToBeStamped(final long begun) {
        return begun < 0;
    }

    /** Stamps the beginning of a life with volatile access, unless somebody else has. */
    public static void stampBegun(final long record, final long toBeStamped, final long time) {
        Words.compareAndSet(record + BEGUN, toBeStamped, time);
    }

    /** The word that says when the record's life ended, with volatile access. */
    public static long endedVolatile(final long record) {
        return Words.getVolatile(record, ENDED);
    }

    /** Swaps the word that says when the record's life ended, with volatile access, unless somebody else has. */
    public static void compareAndSetEnded(final long record, final long expected, final long ended) {
        Words.compareAndSet(record + ENDED, expected, ended);
    }

    /** A thread's id in the place of {@link #OWNER}: as many of its bits as a ticket has, enough for 5 * 10^11 threads. */
    public static long owned(final long threadId) {
        return threadId << OWNER_SHIFT & OWNER & ~SECTION;
    }

    /** A section's ticket in the place of {@link #OWNER}. */
    public static long ownedBySection(final long ticket) {
        return SECTION | ticket << OWNER_SHIFT;
    }

    /** Id of the thread that is the writer, or the ticket of the section that is; 0 if there is none. */
    public static long owner(final long lock) {
        return (lock & (OWNER & ~SECTION)) >>> OWNER_SHIFT;
    }

    /** Link of a free record, with opaque access: it may be read while another thread takes the record. */
    public static long linkOpaque(final long record) {
        return Words.getOpaque(record, ENDED);
    }

    /** Links a record that the caller is about to free, with opaque access. */
    public static void linkOpaque(final long record, final long link) {
        Words.putOpaque(record, ENDED, link);
    }

    /** The decoded lock word, for messages. */
    public static String describeLock(final long lock) {
        final StringBuilder text = new StringBuilder(96);
        text.append("attached=").append((lock & ATTACHED) != 0)
            .append(", excluding=").append((lock & EXCLUDING) != 0)
            .append(", exclusive=").append((lock & EXCLUSIVE) != 0)
            .append(", holds=").append(lock & COUNT);
        if ((lock & OWNER) != 0) {
            text.append((lock & SECTION) != 0 ? ", section ticket=" : ", writer thread=").append(owner(lock));
        }
        if ((lock & AWAITED) != 0) {
            text.append(", awaited=true");
        }
        return text.toString();
    }
}
