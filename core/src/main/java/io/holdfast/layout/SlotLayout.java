// SPDX-License-Identifier: Apache-2.0
package io.holdfast.layout;

/**
 * The off-heap slot in which a thread announces what it reads: {@value #BYTES} bytes, aligned to as many, type-stable.
 *
 * <pre>
 *   word   field        written by        read by
 *   0      PIN          owner             owner, draining writers    epoch of the outermost pin, 0 when not pinned
 *   1-3    HAZARD 0-2   owner             owner, draining writers    record that the owner holds, 0 when free; its
 *                                                                    lowest bit: a stamp holds it, and no guard
 *   4      MORE         owner             owner, draining writers    a bit for each hazard but the first that may name
 *                                                                    a record
 *   5-7    NUMBER 0-2   owner             owner                      of the last stamp that held the hazard
 *   8      OWNER        claimer (CAS)     anybody                    thread id, negative for a further slot, or 0
 *   9      DEPTH        owner             owner                      pins inside of the outermost one
 *   10     EXTENSION    owner             owner                      slot with the next hazards of the owner, or 0
 *   11     RANGE_START  owner             sections                   announced range of a structural change
 *   12     RANGE_END    owner             sections                   its end, 0 without one; low bits: a number
 *   13     STRUCTURE    owner             retire lists               epoch of the outermost structure pin, or 0
 *   14     S. DEPTH     owner             owner                      nesting of structure pins in the low half,
 *                                       buriers                    exclusive locks of the owner in the high half
 *   15     FENCED       owner             owner                      announcements left to make with a fence; a mark
 * </pre>
 *
 * <p>All that a writer looks at that drains a region lies in the first cache line, so that it touches one line per idle
 * slot. Slots are two lines apart, because adjacent lines are fetched together and a reader's stores must not disturb
 * its neighbour's.
 */
public final class SlotLayout {
    /** Length of a slot in bytes, and its alignment. */
    public static final int BYTES = 128;

    /** In FENCED: the owner will never announce without a fence. */
    public static final long ALWAYS_FENCED = Long.MAX_VALUE;

    /** In a hazard: it is held by a stamp. */
    public static final long STAMPED = 1;

    /** In a hazard: it is no lock; the owner waits for one on the record. */
    public static final long WAITING = 2;

    /** Hazards in one slot: as many as leave room in its first cache line for a number each. */
    public static final int HAZARDS = 3;

    /** Bounds of announced ranges are multiples of this. */
    public static final long RANGE_GRANULE = 4096;

    private static final int PIN = 0;
    private static final int HAZARD = PIN + Words.BYTES;
    private static final int MORE = HAZARD + HAZARDS * Words.BYTES;
    private static final int NUMBER = MORE + Words.BYTES;
    private static final int OWNER = NUMBER + HAZARDS * Words.BYTES;
    private static final int DEPTH = OWNER + Words.BYTES;
    private static final int EXTENSION = DEPTH + Words.BYTES;
    private static final int RANGE_START = EXTENSION + Words.BYTES;
    private static final int RANGE_END = RANGE_START + Words.BYTES;
    private static final int STRUCTURE = RANGE_END + Words.BYTES;
    private static final int STRUCTURE_DEPTH = STRUCTURE + Words.BYTES;
    private static final int FENCED = STRUCTURE_DEPTH + Words.BYTES;

    private SlotLayout() {
    }

    /** The pinned epoch with plain access, for the owner. */
    public static long pin(final long slot) {
        return Words.get(slot, PIN);
    }

    /** The pinned epoch with acquire access, for who waits for the pin to end. */
    public static long pinAcquire(final long slot) {
        return Words.getAcquire(slot, PIN);
    }

    /** Announces a pin, with opaque access; the light barrier that must follow is the caller's. */
    public static void pinOpaque(final long slot, final long epoch) {
        Words.putOpaque(slot, PIN, epoch);
    }

    /** Ends a pin, with release access. */
    public static void pinRelease(final long slot, final long epoch) {
        Words.putRelease(slot, PIN, epoch);
    }

    /** The record in a hazard with plain access, for the owner. */
    public static long hazard(final long slot, final int index) {
        return Words.get(hazardAddress(slot, index)) & ~STAMPED;
    }

    /** The record in a hazard with acquire access, for who waits for it to be cleared. */
    public static long hazardAcquire(final long slot, final int index) {
        return Words.getAcquire(hazardAddress(slot, index)) & ~STAMPED;
    }

    /** Whether a stamp holds the hazard, which is not free, with plain access, for the owner. */
    public static boolean isStamped(final long slot, final int index) {
        return (Words.get(hazardAddress(slot, index)) & STAMPED) != 0;
    }

    /** Says whether a stamp holds the hazard, which is not free, with opaque access: it names its record all the while. */
    public static void stamped(final long slot, final int index, final boolean stamped) {
        Words.putOpaque(hazardAddress(slot, index), hazard(slot, index) | (stamped ? STAMPED : 0));
    }

    /**
     * Announces a record in a hazard, with opaque access, and says in MORE that there is one besides the first; the light
     * barrier that must follow is the caller's, who owns the slot.
     */
    public static void hazardOpaque(final long slot, final int index, final long record) {
        if (index != 0) {
            Words.putOpaque(slot, MORE, Words.get(slot, MORE) | 1L << index);
        }
        Words.putOpaque(hazardAddress(slot, index), record);
    }

    /** Clears a hazard, with release access, and after it its bit in MORE; for the owner, or who buries it. */
    public static void hazardRelease(final long slot, final int index) {
        Words.putRelease(hazardAddress(slot, index), 0);
        if (index != 0) {
            Words.putRelease(slot, MORE, Words.get(slot, MORE) & ~(1L << index));
        }
    }

    /**
     * 0 if neither a pin nor a hazard is announced, with opaque access, word by word: for who has to look at many slots of
     * which most are idle, and who runs an acquire fence before acting on it.
     */
    public static long announcedOpaque(final long slot) {
        return Words.getOpaque(slot, PIN) | Words.getOpaque(slot, HAZARD) | Words.getOpaque(slot, MORE);
    }

    /** The word of hazard 0 with plain access, for the owner: the record, with {@link #STAMPED} if a stamp holds it. */
    public static long firstHazard(final long slot) {
        return Words.get(slot, HAZARD);
    }

    /** Writes the word of hazard 0, with opaque access; the light barrier that must follow is the caller's. */
    public static void firstHazardOpaque(final long slot, final long record) {
        Words.putOpaque(slot, HAZARD, record);
    }

    /** Clears hazard 0, with release access. */
    public static void firstHazardRelease(final long slot) {
        Words.putRelease(slot, HAZARD, 0);
    }

    /**
     * The number of the last stamp that held a hazard, with plain access, for the owner; it only rises, over all owners of
     * the slot.
     */
    public static long number(final long slot, final int index) {
        return Words.get(slot, NUMBER + index * Words.BYTES);
    }

    /** Writes the number of a stamp that holds the hazard, with plain access. */
    public static void number(final long slot, final int index, final long number) {
        Words.put(slot, NUMBER + index * Words.BYTES, number);
    }

    /** The number of hazard 0, with plain access. */
    public static long firstNumber(final long slot) {
        return Words.get(slot, NUMBER);
    }

    /** Writes the number of hazard 0, with plain access. */
    public static void firstNumber(final long slot, final long number) {
        Words.put(slot, NUMBER, number);
    }

    /** Address of a hazard, as a name for it. */
    public static long hazardAddress(final long slot, final int index) {
        return slot + HAZARD + (long) index * Words.BYTES;
    }

    /** Id of the thread that owns the slot, with acquire access; 0 when free, negative for a thread's further slots. */
    public static long ownerAcquire(final long slot) {
        return Words.getAcquire(slot, OWNER);
    }

    /** Claims a free slot for a thread, with volatile access; false if it is not free. */
    public static boolean claim(final long slot, final long owner) {
        return Words.compareAndSet(slot + OWNER, 0, owner);
    }

    /** Gives the slot back, with release access. */
    public static void ownerRelease(final long slot) {
        Words.putRelease(slot, OWNER, 0);
    }

    /** How many pins the owner has inside of its outermost one, with plain access. */
    public static long depth(final long slot) {
        return Words.get(slot, DEPTH);
    }

    /** Writes how many pins the owner has inside of its outermost one, with plain access. */
    public static void depth(final long slot, final long depth) {
        Words.put(slot, DEPTH, depth);
    }

    /** The epoch of the structure pin with acquire access; 0 without one. */
    public static long structureAcquire(final long slot) {
        return Words.getAcquire(slot, STRUCTURE);
    }

    /** Announces a structure pin, with opaque access; the light barrier that must follow is the caller's. */
    public static void structureOpaque(final long slot, final long epoch) {
        Words.putOpaque(slot, STRUCTURE, epoch);
    }

    /** Ends a structure pin, with release access. */
    public static void structureRelease(final long slot) {
        Words.putRelease(slot, STRUCTURE, 0);
    }

    /** Nesting of the owner's structure pins, with plain access. */
    public static long structureDepth(final long slot) {
        return (int) Words.get(slot, STRUCTURE_DEPTH);
    }

    /** Writes the nesting of the owner's structure pins, with plain access. */
    public static void structureDepth(final long slot, final long depth) {
        Words.put(slot, STRUCTURE_DEPTH, writesOpaque(slot) << Integer.SIZE | depth);
    }

    /**
     * How many announcements the owner has still to make with a fence; negative, a mark of the owner's, if it makes none
     * with one; plain access.
     */
    public static long fenced(final long slot) {
        return Words.get(slot, FENCED);
    }

    /** Writes how many announcements the owner has still to make with a fence, or its mark, with plain access. */
    public static void fenced(final long slot, final long announcements) {
        Words.put(slot, FENCED, announcements);
    }

    /** Exclusive locks of the owner, or, below 0, those that a dead owner has left to heirs, with opaque access. */
    public static long writesOpaque(final long slot) {
        return Words.getOpaque(slot, STRUCTURE_DEPTH) >> Integer.SIZE;
    }

    /** Writes the number of exclusive locks of the owner, with opaque access. */
    public static void writesOpaque(final long slot, final long writes) {
        Words.putOpaque(slot, STRUCTURE_DEPTH, writes << Integer.SIZE | structureDepth(slot));
    }

    /** Address of the pin, as a name for it. */
    public static long pinAddress(final long slot) {
        return slot + PIN;
    }

    /** Address of the structure pin, as a name for it. */
    public static long structureAddress(final long slot) {
        return slot + STRUCTURE;
    }

    /** The slot with the owner's next hazards, or 0, with plain access. */
    public static long extension(final long slot) {
        return Words.get(slot, EXTENSION);
    }

    /** Writes the slot with the owner's next hazards, with plain access. */
    public static void extension(final long slot, final long extension) {
        Words.put(slot, EXTENSION, extension);
    }

    /** Start of the announced range of a structural change, with acquire access. */
    public static long rangeStartAcquire(final long slot) {
        return Words.getAcquire(slot, RANGE_START);
    }

    /** The word with the end of the announced range, with volatile access. */
    public static long rangeEndVolatile(final long slot) {
        return Words.getVolatile(slot, RANGE_END);
    }

    /** Whether the word with the end of a range says that one is announced. */
    public static boolean isRange(final long rangeEnd) {
        return (rangeEnd & -RANGE_GRANULE) != 0;
    }

    /** The end of a range, without the announcement's number. */
    public static long rangeEnd(final long rangeEnd) {
        return rangeEnd & -RANGE_GRANULE;
    }

    /** Whether two words are of the same announcement, as far as its number tells. */
    public static boolean isSameRange(final long rangeEnd, final long other) {
        return ((rangeEnd ^ other) & RANGE_GRANULE - 1) == 0;
    }

    /**
     * Announces the range of a structural change under a new number, with release access to the start and volatile access
     * to the end, last. The bounds are multiples of {@link #RANGE_GRANULE}.
     */
    public static void announceRange(final long slot, final long start, final long end) {
        final long number = Words.get(slot, RANGE_END) + 1 & RANGE_GRANULE - 1;
        Words.putRelease(slot + RANGE_START, start); // after the end of the range before, and what was done there
        Words.putVolatile(slot + RANGE_END, end | number);
    }

    /**
     * Makes the announced range another one that contains it, or that it contains, with volatile access; whoever looks
     * meanwhile sees one that contains both or the smaller one.
     */
    public static void changeRange(final long slot, final long start, final long end) {
        final long number = Words.get(slot, RANGE_END) & RANGE_GRANULE - 1;
        Words.putVolatile(slot + RANGE_START, start);
        Words.putVolatile(slot + RANGE_END, end | number);
    }

    /** Ends the announcement, with release access. */
    public static void clearRange(final long slot) {
        Words.putRelease(slot, RANGE_END, Words.get(slot, RANGE_END) & RANGE_GRANULE - 1);
    }
}
