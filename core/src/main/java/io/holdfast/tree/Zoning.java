// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.epoch.EpochDomain;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Which part of the addresses has a root of its own: threads that lose races for the root of a tree get windows of
 * addresses in zones of their own, and change those without each other.
 *
 * <p>Thread-safe and lock-free. All callers are pinned.
 */
final class Zoning {
    /*
     * Every address is in one zone, and every zone says so of all addresses. The base has an interval for each window that
     * is in another zone, whose value names that zone. Such a zone has intervals that name the base over all that is not in
     * it; so the gaps of a zone are gaps of its windows, and whoever comes to the wrong zone sees it. HINTS say where to
     * look first, and may be wrong.
     *
     * An address a and a zone z other than the base; what the two roots say of a, and where the truth is:
     *
     *   base        z                      truth
     *   a region    names the base         base
     *   names z     names the base         nothing is there: a lease that is not complete
     *   names z     its own                z
     *   names z     its own, frozen        z; nobody can change it there
     *   its own     its own, frozen        base, which has a copy of what z had, or z one of what the base has
     *
     *   step                               what is swung                              linearization
     *   lease    1  a window of free       base: names z                              nothing has changed
     *               addresses becomes z's
     *            2                         z: does not name the base any more         nothing has changed
     *   carve    1  a range with what      z: frozen, with copies                     nothing has changed
     *            2  is in it becomes z's   base: names z                              nothing has changed
     *            3                         z: thawed                                  nothing has changed
     *   evacuate 1                         z: frozen                                  nothing has changed
     *            2  everything in z        base: copies instead of what names z       nothing has changed
     *            3                         z: names the base everywhere               unreachable
     *
     * A change is made in one zone, under a root that says of all its addresses that they are in the zone; so its
     * compare-and-set fails if that has changed. One that has addresses in several zones evacuates them first. Who meets a
     * frozen root goes on with the evacuation, so nobody waits.
     *
     * [Z1] A lease opens the window in z only under a root that was read before the base was seen to name z. An evacuation
     *      swings z before and after it swings the base; so one that comes between makes the compare-and-set fail. It
     *      swings the base always, also where that names no window of z: else a lease that had read the base before could
     *      make it name z, for somebody who is late with the same evacuation to take away.
     * [Z2] The base is searched for what names z while z is frozen, and what is leased then is not for z: a lease looks
     *      for frozen zones after it has read the root of the base that it is going to swing.
     * [Z3] Who finds z frozen, and the base naming z after that, and z frozen under the same root after that, knows that
     *      the evacuation had not swung the base at the second look: z counts.
     * [Z4] An evacuation reads the epoch, behind a heavy barrier, after it has swung the base and before it swings z the
     *      second time. Until the grace period of that epoch is over nothing is leased. So a pinned thread sees
     *      an address move to a zone at most once and back at most once; a lookup looks at the base four times at most.
     *      Who asks whether it is over is pinned: its own pin is in the look, so the epoch cannot be that of an evacuation
     *      that came after the look and has the same tag.
     * [Z5] ZONED is true before the base is swung to the first root that names a zone. Who reads a root and then ZONED as
     *      false has a root that names none.
     *
     * [Z6] Who carves a range makes copies of what the base has there, for a root of z that was read before the base and
     *      says that the range is not in z. It swings the base under a root that still has what the copies are of, and that
     *      was read before z was seen frozen with them. Who meets z frozen so evacuates it: says so in the root of z first,
     *      and swings the base then. So either the base is not swung to name z any more, or the evacuation finds that it
     *      does, and the copies; and z is not thawed by who carved. Leases, carvings and lookups do not mind a zone that
     *      is frozen so: it is not about to move.
     *
     * If a thread stops for ever: between the steps of a lease its window serves nobody until somebody who misses the
     * addresses evacuates the zone; in an evacuation, others complete it; in a carving, others take the zone back.
     *
     * Each evacuation doubles the races that a thread has to lose, up to MOST_DOUBLINGS times: where changes reach over
     * several zones again and again, there are none.
     */
    /** Zones beside the base. */
    private static final int ZONES =
        Math.clamp(Integer.highestOneBit(Runtime.getRuntime().availableProcessors()) * 2L, 4, 32);
    /** Bytes of their root words, and that of the base. */
    static final int ROOT_BYTES = (1 + ZONES) * Zone.BYTES;

    private static final int THREADS = 64; // that are told apart when they lose races
    private static final int STRIDE = 32;
    private static final int LARGEST_OF_WINDOW = 4;
    private static final int LARGEST_OF_SPACE = 8;
    private static final int MOST_CARVED = 1024; // intervals
    private static final int MOST_DOUBLINGS = 10;
    private static final int MOST_HINTS = 1 << 20;

    private final IntervalTree tree;
    private final EpochDomain domain;
    private final TreeTuning tuning;
    private final long roots;
    private final int windowBits;
    private final Zone[] zones = new Zone[1 + ZONES];
    private final AtomicIntegerArray lost = new AtomicIntegerArray(THREADS * STRIDE);
    private final AtomicInteger evacuations = new AtomicInteger();
    private final AtomicLong evacuated = new AtomicLong(); // the epoch of [Z4]; 0 once its grace period is over
    private volatile byte[] hints = {}; // zones by window

    /**
     * Everything is in the base.
     *
     * @param roots address of {@link #ROOT_BYTES}, zeroed, for the root words
     */
    Zoning(final IntervalTree tree, final EpochDomain domain, final TreeTuning tuning, final long roots) {
        this.tree = tree;
        this.domain = domain;
        this.tuning = tuning;
        this.roots = roots;
        this.windowBits = tuning.windowBits();
        for (int i = 0; i < zones.length; i++) {
            zones[i] = new Zone(i, roots + (long) i * Zone.BYTES);
        }
    }

    Zone base() {
        return zones[0];
    }

    Zone zone(final int number) {
        return zones[number];
    }

    /** Zones, with the base. */
    int size() {
        return zones.length;
    }

    /** Whether the calling thread is pinned. */
    boolean isPinned() {
        return domain.isStructurePinned();
    }

    /** Whether the base may name zones, or has done so [Z5]. */
    boolean isZoned() {
        return tree.isZoned();
    }

    // ------------------------------------------------------------------------------------------------------------ where

    /** Where the root word of the zone is in which an address is likely to be. */
    long likelyRoot(final long address) {
        return roots + (long) likely(address) * Zone.BYTES;
    }

    private int likely(final long address) {
        final byte[] known = hints;
        final long window = address >>> windowBits;
        return window < known.length ? known[(int) window] : 0;
    }

    /** The same for a change: where there is no hint, the thread's own zone, whose lines nobody else writes. */
    private Zone likelyZone(final long address) {
        final int likely = likely(address);
        return likely == 0 ? home() : zones[likely];
    }

    private void hint(final long start, final long end, final int number) {
        final int from = (int) Math.min(start + (1L << windowBits) - 1 >>> windowBits, MOST_HINTS);
        final int to = (int) Math.min(end >>> windowBits, MOST_HINTS);
        if (hints.length < to) {
            hints = Arrays.copyOf(hints, Math.max(to, hints.length * 2)); // benign race: a hint may be lost
        }
        final byte[] known = hints;
        for (int i = from; i < Math.min(to, known.length); i++) {
            known[i] = (byte) number; // benign race: whoever reads it looks whether it is true
        }
    }

    /** Number of the zone that the base names for all of a range, or 0. */
    int zoneOfAll(final long start, final long end) {
        final Interval named = new Interval();
        return TreeReader.firstEndingAfter(base().rootAcquire(), start, named) && Zone.isElsewhere(named.value()) &&
            named.start() <= start && named.end() >= end ? Zone.numberOf(named.value()) : 0;
    }

    /** The value at an address, wherever it is. Wait-free [Z4]. */
    long find(final long address) {
        long seen = TreeReader.findUnder(base().rootAcquire(), address);
        while (Zone.isElsewhere(seen)) {
            final Zone zone = zones[Zone.numberOf(seen)];
            final long root = zone.rootAcquire();
            final long there = TreeReader.findUnder(Zone.thawed(root), address);
            if (!Zone.isFrozen(root) && !Zone.isElsewhere(there)) {
                return there;
            }
            final long again = TreeReader.findUnder(base().rootAcquire(), address);
            if (again == seen && (!Zone.isFrozen(root) || zone.rootAcquire() == root)) { // [Z3]
                return Math.max(there, 0);
            }
            seen = again;
        }
        return seen;
    }

    // ------------------------------------------------------------------------------------------------------- who changes

    /** Begins a change of a range under the root of the zone that has all of it. */
    void begin(final Change change, final long start, final long end) {
        boolean begun = tryBegin(change, isZoned() ? likelyZone(start) : base(), start, end);
        while (!begun) {
            begun = tryBegin(change, base(), start, end) || beginElsewhere(change, start, end);
        }
    }

    /** The same for all ranges of an edit. */
    void begin(final Change change, final RangeList ranges) {
        if (ranges.size() == 0) {
            change.begin(base(), base().rootAcquire());
            return;
        }
        boolean all = false;
        while (!all) {
            begin(change, ranges.start(0), ranges.end(0));
            all = true;
            for (int i = 1; i < ranges.size() && all; i++) {
                all = !isZoned() || change.hasAll(ranges.start(i), ranges.end(i)); // [Z5]
                if (!all) {
                    evacuateEither(change, ranges.start(i), ranges.end(i));
                }
            }
        }
    }

    /** Where a change has begun in one zone and a range is, in part, in another one: one of them is not the base. */
    private void evacuateEither(final Change change, final long start, final long end) {
        evacuate(change.zone() == base() ? zoneNamed(change, start, end) : change.zone());
    }

    private boolean tryBegin(final Change change, final Zone zone, final long start, final long end) {
        final long root = zone.rootAcquire();
        if (root == 0 || Zone.isFrozen(root)) {
            return false;
        }
        change.begin(zone, root);
        return !isZoned() || change.hasAll(start, end); // [Z5]
    }

    /** Begins a change in the zone that the base names for a range, or takes that zone back, and has to be called again. */
    private boolean beginElsewhere(final Change change, final long start, final long end) {
        final Zone zone = zoneNamed(change, start, end);
        final boolean begun = tryBegin(change, zone, start, end);
        if (!begun) {
            evacuate(zone);
        }
        return begun;
    }

    /** The first zone that a change of the base finds named in a range. */
    private Zone zoneNamed(final Change change, final long start, final long end) {
        final Interval named = new Interval();
        final boolean found = change.findElsewhere(start, end, named);
        assert found : "a range is in no zone: start=" + start + ", end=" + end;
        return zones[Zone.numberOf(named.value())];
    }

    // -------------------------------------------------------------------------------------------------------- who loses

    private static int place() {
        return (int) (Thread.currentThread().threadId() & THREADS - 1) * STRIDE;
    }

    /** The calling thread has lost a race for a root. */
    void hasLost() {
        lost.incrementAndGet(place());
    }

    /** Whether the calling thread has lost so many races that it should have a zone. */
    boolean isContended() {
        return lost.get(place()) >= tuning.races() << Math.min(evacuations.get(), MOST_DOUBLINGS);
    }

    private void contendAnew() {
        lost.set(place(), 0);
    }

    private Zone home() {
        return zones[1 + place() / STRIDE % ZONES];
    }

    // ------------------------------------------------------------------------------------------------------------ lease

    /** Inserts an interval into a gap of the calling thread's zone, which gets a window if it has no gap; or -1. */
    long insertIntoGap(final Change change, final long size, final long alignment, final long low, final long high,
                       final boolean lowestFirst, final long value) {
        final long window = 1L << windowBits;
        if (size > window / LARGEST_OF_WINDOW || alignment > window) {
            return GapSearch.NONE;
        }
        final Zone zone = home();
        long start = tree.insertIntoGap(change, zone, size, alignment, low, high, lowestFirst, value);
        if (start == GapSearch.NONE) {
            if (lease(change, zone, low, high, lowestFirst)) {
                start = tree.insertIntoGap(change, zone, size, alignment, low, high, lowestFirst, value);
            } else {
                contendAnew();
            }
        }
        return start;
    }

    /** Whether addresses may move to another zone [Z2] [Z4]. The root that is going to be swung has been read before. */
    private boolean mayMove() {
        for (int i = 1; i < zones.length; i++) {
            if (Zone.isEvacuated(zones[i].rootAcquire())) {
                complete(zones[i]);
                return false;
            }
        }
        final long tag = evacuated.get();
        if (tag != 0 && !domain.passed(tag)) {
            return false;
        }
        evacuated.compareAndSet(tag, 0);
        return true;
    }

    /** Makes sure that a zone has a root. */
    private void plant(final Change change, final Zone zone) {
        if (zone.rootAcquire() == 0) {
            change.begin(zone, 0);
            change.becomeEmpty();
            change.insert(tree.bounds().from(), tree.bounds().to(), base().elsewhere());
            tree.publish(change);
        }
        tree.becomeZoned(); // [Z5]
    }

    private boolean lease(final Change change, final Zone zone, final long low, final long high,
                          final boolean lowestFirst) {
        final long window = 1L << windowBits;
        plant(change, zone);
        long start;
        do {
            final long root = base().rootAcquire();
            start = GapSearch.search(root, tree.bounds().from(), tree.bounds().to(), window, window, low, high,
                lowestFirst);
            if (start == GapSearch.NONE || !mayMove()) {
                return false;
            }
            change.begin(base(), root);
            change.insert(start, start + window, zone.elsewhere());
        } while (!tree.publish(change));
        return open(change, zone, start, start + window);
    }

    /** Opens the window of a lease; false if it was evacuated meanwhile. */
    private boolean open(final Change change, final Zone zone, final long start, final long end) {
        do {
            final long root = zone.rootAcquire();
            if (Zone.isFrozen(root) || TreeReader.findUnder(base().rootAcquire(), start) != zone.elsewhere()) { // [Z1]
                return false;
            }
            change.begin(zone, root);
            change.cut(start, end);
        } while (!tree.publish(change));
        hint(start, end, zone.number());
        return true;
    }

    // ------------------------------------------------------------------------------------------------------------ carve

    /** Moves a range, with what is in it, to the calling thread's zone, where that is possible and not too dear. */
    void carve(final Change change, final long start, final long end) {
        contendAnew();
        final Zone zone = home();
        plant(change, zone);
        final long was = zone.rootAcquire();
        if (Zone.isFrozen(was)) {
            evacuate(zone);
            return;
        }
        final long root = base().rootAcquire(); // [Z6]
        if (!isSmall(root, start, end) || !mayMove()) {
            return;
        }
        change.begin(zone, was);
        change.copy(root, start, end);
        final long frozen = Zone.carving(change.root());
        if (!tree.swing(change, was, frozen)) {
            return;
        }
        if (!name(change, zone, frozen, start, end)) {
            thaw(change, zone, frozen, start, end);
            return;
        }
        change.begin(zone, Zone.thawed(frozen));
        if (tree.swing(change, frozen)) {
            hint(start, end, zone.number());
        }
    }

    /** Whether the base has all of a range, which is not too large: few intervals, none of which reaches over an edge. */
    private boolean isSmall(final long root, final long start, final long end) {
        final long largest = (tree.bounds().to() - tree.bounds().from()) / LARGEST_OF_SPACE;
        final int[] left = {end - start > largest ? 0 : MOST_CARVED};
        TreeReader.forEach(root, start, end, (from, to, value) -> {
            left[0] = Zone.isElsewhere(value) || from < start || to > end ? 0 : left[0] - 1;
            return left[0] > 0;
        });
        return left[0] > 0;
    }

    /** Has the base name a zone that is frozen with copies of a range; false if that has changed, or others have come. */
    private boolean name(final Change change, final Zone zone, final long frozen, final long start, final long end) {
        do {
            final long root = base().rootAcquire();
            if (!TreeReader.isSame(root, Zone.thawed(frozen), start, end) || !mayMove() ||
                zone.rootAcquire() != frozen) { // [Z6]
                return false;
            }
            change.begin(base(), root);
            change.replace(start, end, start, end, zone.elsewhere());
        } while (!tree.publish(change));
        return true;
    }

    // --------------------------------------------------------------------------------------------------------- evacuate

    /** Moves everything to the base, and has threads lose races anew. */
    void unite() {
        for (int i = 0; i < lost.length(); i += STRIDE) {
            lost.set(i, 0);
        }
        evacuations.set(0);
        unite(0, tree.bounds().to());
    }

    /** Moves what zones have of a range to the base, unless one window has all of it; whether there was any. */
    boolean unite(final long start, final long end) {
        if (!isZoned()) {
            return false;
        }
        final boolean[] named = new boolean[zones.length];
        TreeReader.forEach(base().rootAcquire(), start, end, (from, to, value) -> {
            if (Zone.isElsewhere(value) && (from > start || to < end)) {
                named[Zone.numberOf(value)] = true;
            }
            return true;
        });
        boolean any = false;
        for (int i = 1; i < zones.length; i++) {
            if (named[i] || Zone.isFrozen(zones[i].rootAcquire())) {
                evacuate(zones[i]);
                any = true;
            }
        }
        return any;
    }

    /** Moves everything that is in a zone to the base. */
    void evacuate(final Zone zone) {
        long root = zone.rootAcquire();
        while (!Zone.isEvacuated(root) && !zone.freeze(root)) { // [Z6]
            root = zone.rootAcquire();
        }
        complete(zone);
    }

    /** Goes on with the evacuation of a frozen zone, whoever has begun it. */
    private void complete(final Zone zone) {
        final Change change = tree.takeChange();
        try {
            final long frozen = zone.rootAcquire();
            if (Zone.isEvacuated(frozen) && takeBack(change, zone, frozen)) {
                evacuated.accumulateAndGet(domain.retireEpoch(), Math::max); // [Z4]
                evacuations.incrementAndGet();
                forgetHints(zone.number());
                thaw(change, zone, frozen, tree.bounds().from(), tree.bounds().to());
            }
        } finally {
            change.abort();
            tree.giveBack(change);
        }
    }

    /** Puts copies into the base instead of what names the zone; false if others have done all. */
    private boolean takeBack(final Change change, final Zone zone, final long frozen) {
        long request = 0;
        int races = 0;
        try {
            while (true) {
                final long began = System.nanoTime();
                final long root = base().rootAcquire();
                if (zone.rootAcquire() != frozen) {
                    return false;
                }
                change.begin(base(), root);
                change.takeBack(zone, Zone.thawed(frozen));
                if (tree.swing(change)) { // always to a new root [Z1]
                    return true;
                }
                change.abort();
                request = tree.holdBack().request(request, System.nanoTime() - began, races);
                races++;
            }
        } finally {
            tree.holdBack().end(request);
        }
    }

    /** Thaws a zone, which names the base all over a range from then on. */
    private void thaw(final Change change, final Zone zone, final long frozen, final long start, final long end) {
        change.begin(zone, Zone.thawed(frozen));
        change.replace(start, end, start, end, base().elsewhere());
        tree.swing(change, frozen);
    }

    private void forgetHints(final int number) {
        final byte[] known = hints;
        for (int i = 0; i < known.length; i++) {
            if (known[i] == number) {
                known[i] = 0;
            }
        }
    }
}
