// SPDX-License-Identifier: Apache-2.0
package io.holdfast.layout;

/**
 * The off-heap node of the interval tree, leaf or inner: {@value #BYTES} bytes, aligned to {@value #ALIGNMENT},
 * type-stable, and unchanged from its publication until its grace period has passed.
 *
 * <pre>
 *   leaf, LEAF_SLOTS words per row; entries are numbered from 1
 *
 *     word 0             1 .. LEAF_SLOTS-1
 *     HEADER             START   first address of the interval, rising; UNUSED past the last entry
 *     0                  END     first address past the interval
 *     -                  VALUE   never 0
 *
 *   inner node, INNER_SLOTS words per row; children are numbered from 0
 *
 *     word 0             1 .. INNER_SLOTS-1
 *     HEADER             KEY     start of the first interval under the child, exact; UNUSED past the last child
 *     CHILD              CHILD   address of the node
 *     GAP                GAP     largest gap between two intervals under the child
 *     LAST               LAST    end of the last interval under the child
 *
 *   HEADER, bit 63 on the left; LINK_BITS, LEVEL_BITS and COUNT_BITS are the free choices
 *
 *     63 .. 62  61 ....... 54  53 ....... 48  47     46     45 .......... 0
 *     zero      COUNT          LEVEL          zero   OWNED  LINK
 *
 *     COUNT  entries of a leaf, children of an inner node        LEVEL  0 for a leaf
 *     OWNED  not published yet, belongs to one change            LINK   next node of a chain that is retired or free
 *
 *   a free node, first of its chain: word 1 is the address of the first node of the next chain
 *
 *   ROOT word: address of the root node, its level in the bits that the alignment leaves free
 * </pre>
 *
 * <p>All accessors are plain: a node is private before its publication and unchanged after it. Only {@link #link(long,
 * long)} writes a node that others may still read, and no reader uses those bits.
 */
public final class NodeLayout {
    // The fan-outs were chosen by measurement: bench/RESULTS.md, "Interval tree: fan-out". Both are whole cache lines.

    /** Words in a row of a leaf; one is the header's, the others are entries. */
    public static final int LEAF_SLOTS = 64;

    /** Words in a row of an inner node, each a child. */
    public static final int INNER_SLOTS = 48;

    /** Most entries in a leaf. */
    public static final int LEAF_CAPACITY = LEAF_SLOTS - 1;

    /** Most children of an inner node. */
    public static final int INNER_CAPACITY = INNER_SLOTS;

    /** Alignment of a node in bytes: a cache line. */
    public static final int ALIGNMENT = 64;

    /** Length of a node in bytes. */
    public static final int BYTES = Math.max(3 * LEAF_SLOTS, 4 * INNER_SLOTS) * Words.BYTES;

    /** What stands in a key past the last: above every address. */
    public static final long UNUSED = Long.MAX_VALUE;

    /** Addresses have no more bits than this. */
    public static final int ADDRESS_BITS = Long.SIZE - 2;

    /** Addresses are below this; the end of an interval may be equal to it. */
    public static final long ADDRESS_LIMIT = 1L << ADDRESS_BITS;

    private static final int LINE_WORDS = ALIGNMENT / Words.BYTES;
    private static final int HALF_LINE = ALIGNMENT / 2;

    /** Words of half a line of keys that a search in it has not looked at yet: all but the first. */
    public static final int HALF_KEYS = HALF_LINE / Words.BYTES - 1;

    /** Cache lines of starts in a leaf. */
    public static final int LEAF_LINES = LEAF_SLOTS / LINE_WORDS;

    /** Cache lines of keys in an inner node. */
    public static final int INNER_LINES = INNER_SLOTS / LINE_WORDS;

    private static final int LINK_BITS = 46;
    private static final int LEVEL_BITS = 6;
    private static final int COUNT_BITS = 8;

    private static final int LEVEL_SHIFT = LINK_BITS + 2;
    private static final int COUNT_SHIFT = LEVEL_SHIFT + LEVEL_BITS;

    private static final long LINK_MASK = (1L << LINK_BITS) - 1;
    private static final long OWNED = 1L << LINK_BITS;
    private static final long LEVEL_MASK = (1L << LEVEL_BITS) - 1;
    private static final long COUNT_MASK = (1L << COUNT_BITS) - 1;

    private static final long ROOT_LEVEL_MASK = ALIGNMENT - 1;

    private static final long START = 0;
    private static final long END = START + (long) LEAF_SLOTS * Words.BYTES;
    private static final long VALUE = END + (long) LEAF_SLOTS * Words.BYTES;

    private static final long KEY = 0;
    private static final long CHILD = KEY + (long) INNER_SLOTS * Words.BYTES;
    private static final long GAP = CHILD + (long) INNER_SLOTS * Words.BYTES;
    private static final long LAST = GAP + (long) INNER_SLOTS * Words.BYTES;

    private static final long NEXT_CHAIN = Words.BYTES;

    private NodeLayout() {
    }

    private static long word(final int index) {
        return (long) index * Words.BYTES;
    }

    /** The root word for a node at a level. */
    public static long root(final long node, final int level) {
        return node | level;
    }

    /** The node that a root word names. */
    public static long rootNode(final long root) {
        return root & ~ROOT_LEVEL_MASK;
    }

    /** The level of the node that a root word names. */
    public static int rootLevel(final long root) {
        return (int) (root & ROOT_LEVEL_MASK);
    }

    /** Makes an owned leaf without entries out of a free node. */
    public static void formatLeaf(final long node) {
        Words.put(node, OWNED);
        Words.put(node + END, 0);
        unuse(node, 1, LEAF_SLOTS);
    }

    /** Makes an owned inner node without children out of a free node. */
    public static void formatInner(final long node, final int level) {
        Words.put(node, OWNED | (long) level << LEVEL_SHIFT);
        unuse(node, 1, INNER_SLOTS);
    }

    /**
     * Makes an owned node with the contents of another out of a free node. Of the keys all are copied, since a search looks
     * at all; of the rest what is used, since each line of the other may have to come from another processor.
     */
    public static void formatCopy(final long node, final long original) {
        final int count = count(original);
        if (level(original) == 0) {
            moveRow(original + START, node + START, LEAF_SLOTS);
            moveRow(original + END, node + END, count + 1);
            moveRow(original + VALUE, node + VALUE, count + 1);
        } else {
            moveRow(original + KEY, node + KEY, INNER_SLOTS);
            moveRow(original + CHILD, node + CHILD, count);
            moveRow(original + GAP, node + GAP, count);
            moveRow(original + LAST, node + LAST, count);
        }
        Words.put(node, (Words.get(node) & ~LINK_MASK) | OWNED);
    }

    /** Marks the keys from {@code from} to before {@code to} as unused. */
    public static void unuse(final long node, final int from, final int to) {
        for (int i = from; i < to; i++) {
            Words.put(node + KEY + word(i), UNUSED);
        }
    }

    /** Entries of a leaf, children of an inner node. */
    public static int count(final long node) {
        return (int) (Words.get(node) >>> COUNT_SHIFT & COUNT_MASK);
    }

    /** Writes the number of entries or children. */
    public static void count(final long node, final int count) {
        Words.put(node, (Words.get(node) & ~(COUNT_MASK << COUNT_SHIFT)) | ((long) count << COUNT_SHIFT));
    }

    /** Height above the leaves. */
    public static int level(final long node) {
        return (int) (Words.get(node) >>> LEVEL_SHIFT & LEVEL_MASK);
    }

    /** Whether the node belongs to a change that has not been published. */
    public static boolean isOwned(final long node) {
        return (Words.get(node) & OWNED) != 0;
    }

    /** Ends the ownership; after this the node must not be changed. */
    public static void seal(final long node) {
        Words.put(node, Words.get(node) & ~OWNED);
    }

    /** The next node of the chain, or 0. */
    public static long link(final long node) {
        return (Words.get(node) & LINK_MASK) * ALIGNMENT;
    }

    /**
     * Writes the next node of the chain, with opaque access. Benign race: others may read the header of a node that has
     * been replaced; every bit that they use is written back as it was.
     */
    public static void link(final long node, final long next) {
        Words.putOpaque(node, (Words.get(node) & ~(LINK_MASK | OWNED)) | next / ALIGNMENT);
    }

    /** The next free chain; opaque, since the node may be in use again by the time this is read. */
    public static long nextChain(final long node) {
        return Words.getOpaque(node + NEXT_CHAIN);
    }

    /** Writes the next free chain, with opaque access. */
    public static void nextChain(final long node, final long next) {
        Words.putOpaque(node + NEXT_CHAIN, next);
    }

    /*
     * A search compares keys without a branch that depends on them: it counts the cache lines' first keys, which gives the
     * last line whose first key is not above the address, chooses a half of that line by the key in its middle, and counts
     * the other keys of the half. The first word of the line need not be looked at again: it is the header, or the key that
     * has brought the search there. The first step is one of all lines at once, since those may have to come from memory;
     * in a line that is there, halving saves comparisons.
     */

    /** How many entries of a leaf start at or before the address: the number of the entry to look at, or 0. */
    public static int leafRank(final long leaf, final long address) {
        return rank(leaf, LEAF_LINES, address);
    }

    /** The child of an inner node in which the address belongs. */
    public static int innerRank(final long inner, final long address) {
        return rank(inner, INNER_LINES, address);
    }

    private static int rank(final long node, final int lines, final long address) {
        long last = lines - 1L;
        for (int i = 1; i < lines; i++) {
            last += signOf(address - firstKey(node, i));
        }
        final long half = halfOf(lineAt(node, last), address);
        long place = HALF_KEYS;
        for (int i = 1; i <= HALF_KEYS; i++) {
            place += signOf(address - halfKey(half, i));
        }
        return (int) ((placeInHalf(half, place) - node) / Words.BYTES);
    }

    /** -1 for what is negative, else 0. Keys and addresses are not negative, so their differences do not overflow. */
    private static long signOf(final long difference) {
        return difference >> Long.SIZE - 1;
    }

    /** A line of keys, or of starts of entries; from 0. */
    public static long lineAt(final long node, final long index) {
        return node + index * ALIGNMENT;
    }

    /** The first key, or start of an entry, of a line that is not the first. */
    public static long firstKey(final long node, final int line) {
        return Words.get(node, line * ALIGNMENT);
    }

    /** The half of a line in which the last key stands that is not above the address, or the first half. */
    public static long halfOf(final long line, final long address) {
        return line + (HALF_LINE & ~signOf(address - Words.get(line, HALF_LINE)));
    }

    /** A key, or the start of an entry, in a half of a line; from 1 to {@value #HALF_KEYS}. */
    public static long halfKey(final long half, final int index) {
        return Words.get(half, index * Words.BYTES);
    }

    /** Where a key, or the start of an entry, of a half of a line stands; from 0. */
    public static long placeInHalf(final long half, final long index) {
        return half + index * Words.BYTES;
    }

    /** Address of the child whose key stands at a place. */
    public static long childAt(final long place) {
        return Words.get(place, (int) CHILD);
    }

    /** End of the entry whose start stands at a place; 0 for that of entry 0. */
    public static long endAt(final long place) {
        return Words.get(place, (int) END);
    }

    /** Value of the entry whose start stands at a place. */
    public static long valueAt(final long place) {
        return Words.get(place, (int) VALUE);
    }

    /** Start of an entry, counted from 1. */
    public static long start(final long leaf, final int entry) {
        return Words.get(leaf + START + word(entry));
    }

    /** End of an entry, counted from 1; that of entry 0 is 0. */
    public static long end(final long leaf, final int entry) {
        return Words.get(leaf + END + word(entry));
    }

    /** Value of an entry, counted from 1; that of entry 0 means nothing. */
    public static long value(final long leaf, final int entry) {
        return Words.get(leaf + VALUE + word(entry));
    }

    /** Writes an entry, counted from 1. */
    public static void entry(final long leaf, final int entry, final long start, final long end, final long value) {
        Words.put(leaf + START + word(entry), start);
        Words.put(leaf + END + word(entry), end);
        Words.put(leaf + VALUE + word(entry), value);
    }

    /** Copies entries within a leaf or from one leaf to another; counts stay as they are. */
    public static void moveEntries(final long from, final int fromEntry, final long to, final int toEntry,
                                   final int entries) {
        moveRow(from + START + word(fromEntry), to + START + word(toEntry), entries);
        moveRow(from + END + word(fromEntry), to + END + word(toEntry), entries);
        moveRow(from + VALUE + word(fromEntry), to + VALUE + word(toEntry), entries);
    }

    /** Start of the first interval under a child; child 0 has none here. */
    public static long key(final long inner, final int child) {
        return Words.get(inner + KEY + word(child));
    }

    /** Writes the key of a child that is not 0. */
    public static void key(final long inner, final int child, final long key) {
        Words.put(inner + KEY + word(child), key);
    }

    /** Address of a child. */
    public static long child(final long inner, final int child) {
        return Words.get(inner + CHILD + word(child));
    }

    /** Writes the address of a child. */
    public static void child(final long inner, final int child, final long node) {
        Words.put(inner + CHILD + word(child), node);
    }

    /** Largest gap between two intervals under a child. */
    public static long gap(final long inner, final int child) {
        return Words.get(inner + GAP + word(child));
    }

    /** Writes the largest gap under a child. */
    public static void gap(final long inner, final int child, final long gap) {
        Words.put(inner + GAP + word(child), gap);
    }

    /** End of the last interval under a child. */
    public static long last(final long inner, final int child) {
        return Words.get(inner + LAST + word(child));
    }

    /** Writes the end of the last interval under a child. */
    public static void last(final long inner, final int child, final long last) {
        Words.put(inner + LAST + word(child), last);
    }

    /**
     * Copies children with gaps and ends within an inner node or from one to another, and the keys of all that are not
     * child 0 on either side; counts stay as they are.
     */
    public static void moveChildren(final long from, final int fromChild, final long to, final int toChild,
                                    final int children) {
        final int skipped = fromChild == 0 || toChild == 0 ? 1 : 0;
        moveRow(from + KEY + word(fromChild + skipped), to + KEY + word(toChild + skipped), children - skipped);
        moveRow(from + CHILD + word(fromChild), to + CHILD + word(toChild), children);
        moveRow(from + GAP + word(fromChild), to + GAP + word(toChild), children);
        moveRow(from + LAST + word(fromChild), to + LAST + word(toChild), children);
    }

    private static void moveRow(final long from, final long to, final int words) {
        if (words > 0) {
            Words.copy(from, to, word(words));
        }
    }
}
