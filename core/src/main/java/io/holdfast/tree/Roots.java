// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import java.util.ArrayList;
import java.util.List;

/**
 * The roots of a tree at one moment: that of the base, and those of the zones if there are any. The caller is pinned from
 * before {@link #take()} until it has looked for the last time.
 *
 * <p>Not thread-safe.
 */
final class Roots {
    /*
     * Two looks that find all roots unchanged have a moment between them at which they were these: a root does not come
     * back while the caller is pinned (IntervalTree [T2]). Lock-free: another round means that somebody else has changed
     * the tree. Without zones there is one root, and one look is enough.
     */
    private static final long[] NONE = {};

    private final Zoning zoning;
    private long base;
    private long[] zones = NONE; // by number; that of the base is not used

    Roots(final Zoning zoning) {
        this.zoning = zoning;
    }

    /** Takes the roots of this moment. */
    void take() {
        assert zoning.isPinned() : "read without a pin: thread=" + Thread.currentThread();
        do {
            base = zoning.base().rootAcquire();
            if (zoning.isZoned()) { // after the root: who swings it to one with a zone has said so before
                if (zones.length == 0) {
                    zones = new long[zoning.size()];
                }
                for (int i = 1; i < zones.length; i++) {
                    zones[i] = zoning.zone(i).rootAcquire();
                }
            }
        } while (zones.length != 0 && !isCurrent());
    }

    /** Whether no root has changed since they were taken. */
    boolean isCurrent() {
        if (base != zoning.base().rootAcquire()) {
            return false;
        }
        for (int i = 1; i < zones.length; i++) {
            if (zones[i] != zoning.zone(i).rootAcquire()) {
                return false;
            }
        }
        return true;
    }

    /** How many there are, those of zones that have had nothing with them. */
    int size() {
        return Math.max(zones.length, 1);
    }

    /** The root word of the zone of a number, or 0. A frozen one counts as long as the base names its zone. */
    long root(final int number) {
        return Zone.thawed(word(number));
    }

    /** The same as it was taken. */
    long word(final int number) {
        return number == 0 ? base : zones[number];
    }

    private long rootThere(final long elsewhere) {
        return root(Zone.numberOf(elsewhere));
    }

    /** The value of the interval that contains the address, or 0. */
    long find(final long address) {
        final long value = TreeReader.findUnder(base, address);
        return Zone.isElsewhere(value) ? Math.max(TreeReader.findUnder(rootThere(value), address), 0) : value;
    }

    /** Shows all intervals that overlap a range, in order, until the visitor has seen enough. */
    void forEach(final long start, final long end, final IntervalVisitor visitor) {
        TreeReader.forEach(base, start, end, (from, to, value) -> Zone.isElsewhere(value)
            ? forEachThere(value, Math.max(start, from), Math.min(end, to), from <= start, visitor)
            : visitor.visit(from, to, value));
    }

    /** The same in a window; what reaches into it from the window before, of the same zone, only if that was not shown. */
    private boolean forEachThere(final long elsewhere, final long start, final long end, final boolean first,
                                 final IntervalVisitor visitor) {
        final boolean[] more = {true};
        TreeReader.forEach(rootThere(elsewhere), start, end, (from, to, value) -> {
            final boolean seen = from < start && !first;
            more[0] = Zone.isElsewhere(value) || seen || visitor.visit(from, to, value);
            return more[0];
        });
        return more[0];
    }

    /** What is free in a range, in order, in pieces that do not reach from one zone into another: start and end of each. */
    List<long[]> gaps(final long start, final long end) {
        final List<long[]> gaps = new ArrayList<>();
        addGaps(base, start, end, gaps);
        return gaps;
    }

    private void addGaps(final long root, final long start, final long end, final List<long[]> gaps) {
        final long[] position = {start};
        TreeReader.forEach(root, start, end, (from, to, value) -> {
            addGap(position[0], from, gaps);
            if (root == base && Zone.isElsewhere(value)) {
                addGaps(rootThere(value), Math.max(start, from), Math.min(end, to), gaps);
            }
            position[0] = to;
            return true;
        });
        addGap(position[0], end, gaps);
    }

    private static void addGap(final long start, final long end, final List<long[]> gaps) {
        if (start < end) {
            gaps.add(new long[] {start, end});
        }
    }

    /** The first interval that ends after the address: the one that contains it, or the next; false if none. */
    boolean firstEndingAfter(final long address, final Interval into) {
        boolean found = TreeReader.firstEndingAfter(base, address, into);
        while (found && Zone.isElsewhere(into.value())) {
            final long end = into.end();
            if (firstThere(into.value(), Math.max(address, into.start()), end, into)) {
                return true;
            }
            found = TreeReader.firstEndingAfter(base, end, into);
        }
        return found;
    }

    private boolean firstThere(final long elsewhere, final long address, final long end, final Interval into) {
        long position = address;
        while (TreeReader.firstEndingAfter(rootThere(elsewhere), position, into) && into.start() < end) {
            if (!Zone.isElsewhere(into.value())) {
                return true;
            }
            position = into.end();
        }
        return false;
    }

    /** The last interval that starts before the address; false if there is none. */
    boolean lastStartingBefore(final long address, final Interval into) {
        boolean found = TreeReader.lastStartingBefore(base, address, into);
        while (found && Zone.isElsewhere(into.value())) {
            final long start = into.start();
            if (lastThere(into.value(), start, Math.min(address, into.end()), into)) {
                return true;
            }
            found = TreeReader.lastStartingBefore(base, start, into);
        }
        return found;
    }

    private boolean lastThere(final long elsewhere, final long start, final long address, final Interval into) {
        long position = address;
        while (TreeReader.lastStartingBefore(rootThere(elsewhere), position, into) && into.end() > start) {
            if (!Zone.isElsewhere(into.value())) {
                return true;
            }
            position = into.start();
        }
        return false;
    }
}
