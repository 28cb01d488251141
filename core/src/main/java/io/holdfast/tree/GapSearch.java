// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.layout.NodeLayout;

/**
 * The first address, lowest or highest, at which an interval of a size and alignment fits between the others.
 *
 * <p>Subtrees whose largest gap is too small are not entered. If sizes and alignments are multiples of what all
 * intervals are aligned to and the alignment is not above that, one path is descended, and one more per bound: O(log n).
 * A larger alignment can make gaps fail that are long enough; each such gap costs a descent of its own.
 */
final class GapSearch {
    /** What a search returns when nothing fits. */
    static final long NONE = -1;

    private GapSearch() {
    }

    /**
     * The lowest or highest fitting start.
     *
     * @param from first address of the space that the tree describes
     * @param to   first address past it
     * @param low  the result is not below
     * @param high start + size of the result is not above
     */
    static long search(final long root, final long from, final long to, final long size, final long alignment,
                       final long low, final long high, final boolean lowestFirst) {
        final long least = Math.max(from, low);
        final long most = Math.min(to, high);
        if (most - least < size) {
            return NONE;
        }
        final long node = NodeLayout.rootNode(root);
        final int level = NodeLayout.rootLevel(root);
        if (NodeLayout.count(node) == 0) {
            return lowestFirst ? lowest(from, to, size, alignment, least, most)
                : highest(from, to, size, alignment, least, most);
        }
        final long first = Nodes.firstStart(node, level);
        final long last = Nodes.lastEnd(node, level);
        if (lowestFirst) {
            final long before = lowest(from, first, size, alignment, least, most);
            if (before != NONE) {
                return before;
            }
            final long within = lowestWithin(node, level, size, alignment, least, most);
            return within != NONE ? within : lowest(last, to, size, alignment, least, most);
        }
        final long behind = highest(last, to, size, alignment, least, most);
        if (behind != NONE) {
            return behind;
        }
        final long within = highestWithin(node, level, size, alignment, least, most);
        return within != NONE ? within : highest(from, first, size, alignment, least, most);
    }

    private static long lowestWithin(final long node, final int level, final long size, final long alignment,
                                     final long low, final long high) {
        final int count = NodeLayout.count(node);
        if (level == 0) {
            for (int i = Math.max(NodeLayout.leafRank(node, low), 1); i < count; i++) {
                final long gapStart = NodeLayout.end(node, i);
                if (gapStart >= high) {
                    return NONE;
                }
                final long fit = lowest(gapStart, NodeLayout.start(node, i + 1), size, alignment, low, high);
                if (fit != NONE) {
                    return fit;
                }
            }
            return NONE;
        }
        // Gaps under and behind the children before this one end at or below 'low'.
        for (int i = NodeLayout.innerRank(node, low); i < count; i++) {
            final long last = NodeLayout.last(node, i);
            if (NodeLayout.gap(node, i) >= size && last > low) {
                final long fit = lowestWithin(NodeLayout.child(node, i), level - 1, size, alignment, low, high);
                if (fit != NONE) {
                    return fit;
                }
            }
            if (last >= high || i + 1 == count) {
                return NONE;
            }
            final long fit = lowest(last, NodeLayout.key(node, i + 1), size, alignment, low, high);
            if (fit != NONE) {
                return fit;
            }
        }
        return NONE;
    }

    private static long highestWithin(final long node, final int level, final long size, final long alignment,
                                      final long low, final long high) {
        final int count = NodeLayout.count(node);
        if (level == 0) {
            for (int i = Math.min(NodeLayout.leafRank(node, high - 1) + 1, count); i > 1; i--) {
                final long gapEnd = NodeLayout.start(node, i);
                if (gapEnd <= low) {
                    return NONE;
                }
                final long fit = highest(NodeLayout.end(node, i - 1), gapEnd, size, alignment, low, high);
                if (fit != NONE) {
                    return fit;
                }
            }
            return NONE;
        }
        // The gap in front of the next child may begin below 'high'; all behind that lie at or above it.
        final int top = NodeLayout.innerRank(node, high - 1);
        for (int i = Math.min(top + 1, count - 1); i >= 0; i--) {
            if (i <= top && NodeLayout.gap(node, i) >= size) {
                final long fit = highestWithin(NodeLayout.child(node, i), level - 1, size, alignment, low, high);
                if (fit != NONE) {
                    return fit;
                }
            }
            if (i == 0 || NodeLayout.key(node, i) <= low) {
                return NONE;
            }
            final long fit = highest(NodeLayout.last(node, i - 1), NodeLayout.key(node, i), size, alignment, low, high);
            if (fit != NONE) {
                return fit;
            }
        }
        return NONE;
    }

    /** The lowest fitting start in one gap; no sum of two addresses is formed, so nothing overflows. */
    private static long lowest(final long gapStart, final long gapEnd, final long size, final long alignment,
                               final long low, final long high) {
        final long start = Math.max(gapStart, low) + (alignment - 1) & -alignment;
        return Math.min(gapEnd, high) - start >= size ? start : NONE;
    }

    private static long highest(final long gapStart, final long gapEnd, final long size, final long alignment,
                                final long low, final long high) {
        final long start = Math.min(gapEnd, high) - size & -alignment;
        return start >= Math.max(gapStart, low) ? start : NONE;
    }
}
