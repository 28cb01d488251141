// SPDX-License-Identifier: Apache-2.0
package io.holdfast.layout;

/**
 * The off-heap entry of a counted lock that was given to a stamp: {@value #BYTES} bytes, aligned to as many, type-stable
 * for the life of the process.
 *
 * <pre>
 *   word   field     written by               read by
 *   0      STATE     anybody (CAS), claimer   anybody    GENERATION, and in the two lowest bits FREE, CLAIMED or GIVEN
 *   1      RECORD    claimer                  anybody    what is locked while the entry is GIVEN
 * </pre>
 */
public final class CountedLayout {
    /** Length in bytes, and alignment. */
    public static final int BYTES = 16;

    /** In STATE: nobody's. */
    public static final long FREE = 0;

    /** In STATE: somebody is about to give it away. */
    public static final long CLAIMED = 1;

    /** In STATE: of the stamp with the GENERATION. */
    public static final long GIVEN = 2;

    private static final int GENERATION_SHIFT = 2;
    private static final long STATES = (1L << GENERATION_SHIFT) - 1;
    private static final int STATE = 0;
    private static final int RECORD = STATE + Words.BYTES;

    private CountedLayout() {
    }

    /** The state, with acquire access. */
    public static long stateAcquire(final long entry) {
        return Words.getAcquire(entry, STATE);
    }

    /** Swaps the state, with volatile access; false if it is not as expected. */
    public static boolean compareAndSetState(final long entry, final long expected, final long state) {
        return Words.compareAndSet(entry + STATE, expected, state);
    }

    /** Writes the state, with release access; for who has claimed the entry. */
    public static void stateRelease(final long entry, final long state) {
        Words.putRelease(entry, STATE, state);
    }

    /** The record, with plain access; ordered by the acquiring read of a GIVEN state that comes before it. */
    public static long record(final long entry) {
        return Words.get(entry, RECORD);
    }

    /** Writes the record, with plain access; for who has claimed the entry. */
    public static void record(final long entry, final long record) {
        Words.put(entry, RECORD, record);
    }

    /** FREE, CLAIMED or GIVEN. */
    public static long kind(final long state) {
        return state & STATES;
    }

    /** The generation in a state. */
    public static long generation(final long state) {
        return state >>> GENERATION_SHIFT;
    }

    /** The state of a generation. */
    public static long state(final long generation, final long kind) {
        return generation << GENERATION_SHIFT | kind;
    }
}
