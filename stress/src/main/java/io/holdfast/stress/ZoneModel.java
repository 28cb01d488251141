// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One address between the base of a tree and a zone, as in {@code stress/spin/zone.pml}: each root is a word that says what
 * it has there, and that never comes back. The steps of Zoning, one by one, so that they can be weakened.
 */
public abstract class ZoneModel {
    /** Nothing is there. */
    protected static final int GAP = 0;

    /** Value of what stands there; each change makes it one more. */
    protected static final int OLD = 1;

    /** The base says that it is in the zone, or the zone that it is in the base. */
    protected static final int ELSEWHERE = 7;

    private static final long FROZEN = 8;
    private static final long CARVING = 16; // versions are above it

    /** Root of the base. */
    protected final AtomicLong base;

    /** Root of the zone. */
    protected final AtomicLong zone;

    private final AtomicInteger ended = new AtomicInteger();
    private volatile boolean changed;

    /** A fresh state, of what the two roots say. */
    protected ZoneModel(final int base, final int zone) {
        this.base = new AtomicLong(base);
        this.zone = new AtomicLong(zone);
    }

    /** What a root says. */
    protected static int says(final long root) {
        return (int) root & ELSEWHERE;
    }

    /** The next version of a root, thawed, which says that. */
    protected static long next(final long root, final int says) {
        return (root | CARVING | FROZEN | ELSEWHERE) + 1 + says;
    }

    /** Whether a root is frozen. */
    protected static boolean isFrozen(final long root) {
        return (root & FROZEN) != 0;
    }

    /** The same root, frozen to be taken back. */
    protected static long frozen(final long root) {
        return root & ~CARVING | FROZEN;
    }

    private static boolean isEvacuated(final long root) {
        return (root & (FROZEN | CARVING)) == FROZEN;
    }

    /** A thread that loses its processor here for a moment. */
    protected static void linger() {
        RegionState.linger();
    }

    // ----------------------------------------------------------------------------------------------------- evacuation

    /** Zoning.evacuate. */
    protected final void evacuate() {
        long root = zone.get();
        while (!isEvacuated(root) && !zone.compareAndSet(root, frozen(root))) {
            root = zone.get();
        }
        complete();
    }

    /** The same, with a change between its last two steps. */
    protected final void evacuateAndChange() {
        final long root = frozen(zone.get());
        zone.set(root);
        takeBack(root);
        change();
        linger();
        thaw(root);
    }

    /** Zoning.complete. */
    protected final void complete() {
        final long frozen = zone.get();
        if (isEvacuated(frozen) && takeBack(frozen)) {
            thaw(frozen);
        }
    }

    /** Zoning.takeBack. */
    protected final boolean takeBack(final long frozen) {
        while (true) {
            final long root = base.get();
            if (zone.get() != frozen) {
                return false;
            }
            final int now = says(root) == ELSEWHERE ? Math.floorMod(says(frozen), ELSEWHERE) : says(root);
            if (base.compareAndSet(root, next(root, now))) {
                return true;
            }
        }
    }

    /** Zoning.thaw. */
    protected final void thaw(final long frozen) {
        zone.compareAndSet(frozen, next(frozen, ELSEWHERE));
    }

    // ---------------------------------------------------------------------------------------------------------- carve

    /** Zoning.carve, with a comparison of what the base has and the copy, or without. */
    protected final void carve(final boolean compared) {
        final long was = zone.get();
        final int copied = says(base.get());
        if (isFrozen(was) || copied == ELSEWHERE) {
            return;
        }
        final long carving = next(was, copied) | FROZEN | CARVING;
        if (!zone.compareAndSet(was, carving)) {
            return;
        }
        if (!compared) {
            linger();
        }
        final long thawed = carving & ~(FROZEN | CARVING);
        zone.compareAndSet(carving, name(carving, copied, compared) ? thawed : next(carving, ELSEWHERE));
    }

    /** Zoning.name. */
    private boolean name(final long carving, final int copied, final boolean compared) {
        while (true) {
            final long root = base.get();
            if (compared && says(root) != copied || zone.get() != carving) {
                return false;
            }
            if (base.compareAndSet(root, next(root, ELSEWHERE))) {
                return true;
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------------- lease

    /** The first step of Zoning.lease: whether the base names the zone now. */
    protected final boolean lease() {
        final long root = base.get();
        return says(root) == GAP && !isFrozen(zone.get()) && base.compareAndSet(root, next(root, ELSEWHERE));
    }

    /** Zoning.open, with the look at the base or without. */
    protected final boolean open(final boolean checked) {
        final long root = zone.get();
        return !isFrozen(root) && (!checked || says(base.get()) == ELSEWHERE) &&
            zone.compareAndSet(root, next(root, GAP));
    }

    /** Inserts OLD into the zone, if that has the address and nothing is there. */
    protected final boolean insertThere() {
        final long root = zone.get();
        return !isFrozen(root) && says(root) == GAP && zone.compareAndSet(root, next(root, OLD));
    }

    // -------------------------------------------------------------------------------------------------------- changes

    /** Inserts OLD where the address is; false if something is there. */
    protected final boolean insert() {
        while (true) {
            final AtomicLong where = whereItIs();
            final long root = where.get();
            if (!isFrozen(root) && says(root) != ELSEWHERE) {
                if (says(root) != GAP) {
                    return false;
                }
                if (where.compareAndSet(root, next(root, OLD))) {
                    return true;
                }
            }
        }
    }

    /** Makes what stands there one more. */
    protected final void change() {
        while (true) {
            final AtomicLong where = whereItIs();
            final long root = where.get();
            if (!isFrozen(root) && says(root) != ELSEWHERE && where.compareAndSet(root, next(root, says(root) + 1))) {
                changed = true;
                return;
            }
        }
    }

    /** The root under which a change can be made now; an evacuation that has begun is completed. */
    private AtomicLong whereItIs() {
        while (says(base.get()) == ELSEWHERE) {
            final long root = zone.get();
            if (!isFrozen(root) && says(root) != ELSEWHERE) {
                return zone;
            }
            evacuate();
        }
        return base;
    }

    // -------------------------------------------------------------------------------------------------------- lookups

    /** IntervalTree.find with the zone as a hint: the value, 0 for nothing, -2 for what it was before a change. */
    protected final int find() {
        final boolean before = changed;
        final long hinted = zone.get();
        return told(before, !isFrozen(hinted) && says(hinted) != ELSEWHERE ? says(hinted) : findByBase());
    }

    /** The same, and a frozen zone counts. */
    protected final int findInFrozen() {
        final boolean before = changed;
        final long hinted = zone.get();
        return told(before, says(hinted) != ELSEWHERE ? says(hinted) : findByBase());
    }

    private static int told(final boolean before, final int value) {
        return before && value == OLD ? -2 : value;
    }

    /** Zoning.find. */
    private int findByBase() {
        int seen = says(base.get());
        while (seen == ELSEWHERE) {
            final long root = zone.get();
            if (!isFrozen(root) && says(root) != ELSEWHERE) {
                return says(root);
            }
            final int again = says(base.get());
            if (again == ELSEWHERE && (!isFrozen(root) || zone.get() == root)) {
                return Math.floorMod(says(root), ELSEWHERE);
            }
            seen = again;
        }
        return seen;
    }

    /** For the second actor that ends: the value that is found; else 0. */
    protected final int findIfLast() {
        return ended.incrementAndGet() == 2 ? findByBase() : 0;
    }
}
