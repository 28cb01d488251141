// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.StripedRetireList;
import io.holdfast.layout.NodeLayout;
import io.holdfast.layout.Words;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.NativeMemory;
import java.util.function.Supplier;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;

/**
 * An ordered set of intervals {@code [start, end)} that never overlap, each with a positive value, off-heap.
 *
 * <p>Thread-safe. {@link #find} is wait-free up to the height of the tree and allocates nothing; the calling thread must be
 * pinned in the tree's domain. Changes are lock-free, pin by themselves and may be called pinned or not; once the
 * tree has reached its size they allocate nothing on the heap either, while no thread has a zone. Each change takes effect
 * in one step, the compare-and-set of a root; each search looks at one root, or at all of one moment. Where both find
 * nothing to do, they take effect when they read the root. What one thread did before a change is visible to every thread
 * that finds the change's effect.
 *
 * <p>Threads that lose races for the root get zones, parts of the addresses that have roots of their own
 * ({@link #insertIntoZone}). A tree in which nobody asks for that has one root.
 *
 * <p>Every change either completes or leaves the tree as it was, also when no memory is left for nodes
 * ({@link NativeException}).
 */
public final class IntervalTree {
    /*
     * Layout of the control block: ROOTS of the base and of the zones (Zoning), HOLD (HoldBack) and the pool's words, each
     * on a line pair of its own.
     *
     * A change: pin; read the root R; make copies of what changes, with a new root R'; compare-and-set the root from R to
     * R'. If that fails all copies go straight back, since nobody saw them, and the change starts again from the root that
     * is there now. If it succeeds the nodes that only R reached are retired, and used again after a grace period.
     *
     *   operation                     takes effect at
     *   find                          the read of the root that counts (Zoning)
     *   a step of a cursor            as a snapshot: a moment at which all roots were as it found them (Roots)
     *   change that finds its case    the compare-and-set of the root of its zone
     *   change that refuses           its last read of that root
     *
     * [T1] A root is swung by a volatile compare-and-set after all nodes were written, and read with acquire. Without it a
     *      reader could follow the root into a node that is not filled yet. The nodes below are read plainly: their
     *      addresses come out of what [T1] ordered.
     * [T2] A root cannot return to R between the read and the compare-and-set of one change: R's node is retired at the
     *      earliest when it is replaced, and the pin of the change keeps it from being used again. So a successful
     *      exchange means that nothing changed. Without the pin a recycled node could make it succeed on another tree
     *      (ABA).
     * [T3] Retiring comes after the exchange: what a thread finds that pins itself later is not retired. The domain's
     *      heavy barrier stands between the exchange and the look at the pins (EpochDomain [E1]).
     *
     * Left out: changing a node in place (snapshots and readers rely on published nodes), parent pointers (copying a
     * path would copy the tree).
     */
    private static final long ANY = 0; // no value
    private static final int LINE_PAIR = 128;
    private static final int ROOTS = 0;
    private static final int HOLD = ROOTS + Zoning.ROOT_BYTES;
    private static final int POOL = HOLD + LINE_PAIR;
    private static final int CONTROL_BYTES = POOL + NodePool.CONTROL_BYTES;

    private final EpochDomain domain;
    private final Bounds bounds;
    private final Zoning zoning;
    private final Zone base;
    private final long baseRoot; // its address
    private volatile boolean zoned; // whether the base may name zones, or has done so (Zoning [Z5])
    private final HoldBack holdBack;
    private final NodePool nodes;
    private final StripedRetireList retired;
    private final ChangePool changes;
    private final NodeReserve reserve;

    /**
     * An empty tree.
     *
     * @param domain in which readers pin themselves
     * @param memory for nodes, whose addresses are never given back
     * @param from   lowest address of an interval
     * @param to     end of the highest, at most {@link NodeLayout#ADDRESS_LIMIT}
     */
    public IntervalTree(final EpochDomain domain, final NativeMemory memory, final long from, final long to,
                        final TreeTuning tuning) {
        this(domain, memory, from, to, tuning, BackoffIdleStrategy::new);
    }

    /**
     * The same.
     *
     * @param strategy how single changes wait when an edit that has lost several races asks them to
     */
    public IntervalTree(final EpochDomain domain, final NativeMemory memory, final long from, final long to,
                        final TreeTuning tuning, final Supplier<? extends IdleStrategy> strategy) {
        this.domain = domain;
        this.bounds = new Bounds(from, to, tuning.granule());
        final long control =
            memory.mapTable(Math.ceilDiv((long) CONTROL_BYTES, memory.pageSize()) * memory.pageSize());
        this.zoning = new Zoning(this, domain, tuning, control + ROOTS);
        this.base = zoning.base();
        this.baseRoot = control + ROOTS;
        this.holdBack = new HoldBack(control + HOLD, strategy);
        this.nodes = new NodePool(memory, control + POOL);
        this.retired = new StripedRetireList(domain, tuning.retireBatch(), nodes::push);
        this.changes = new ChangePool(nodes, retired, tuning, base);
        this.reserve = new NodeReserve(tuning);
        plant();
    }

    /** Makes an empty leaf the first root. */
    private void plant() {
        final Change change = open();
        try {
            change.begin(base, 0);
            change.becomeEmpty();
            swing(change);
        } finally {
            close(change);
        }
    }

    private void assertPinned() {
        assert domain.isStructurePinned() : "read without a pin: thread=" + Thread.currentThread();
    }

    Zoning zoning() {
        return zoning;
    }

    boolean isZoned() {
        return zoned;
    }

    /** From here on the base may name zones. */
    void becomeZoned() {
        if (!zoned) { // else the line is written, which all lookups read
            zoned = true;
        }
    }

    /** Swings a root from the base of a change to its private version; false if another change came first. */
    boolean swing(final Change change) {
        return swing(change, change.base());
    }

    /** The same where another word stands for the base of the change. */
    boolean swing(final Change change, final long expected) {
        return swing(change, expected, change.root());
    }

    /** The same where another word stands for the private version too. */
    boolean swing(final Change change, final long expected, final long wanted) {
        if (wanted != expected) {
            change.seal();
            if (!Words.compareAndSet(change.zone().rootAddress(), expected, wanted)) { // [T1] [T2]
                return false;
            }
        }
        change.published();
        return true;
    }

    /** The same for a change that starts again if it lost. */
    boolean publish(final Change change) {
        if (swing(change)) {
            return true;
        }
        change.abort();
        zoning.hasLost();
        holdBack.yieldTo();
        return false;
    }

    /** Takes a change, pins, and sees to it that what is inserted can be removed again. */
    private Change open() {
        final Change change = open(takeChange());
        boolean filled = false;
        try {
            reserve.fill(change.supply());
            filled = true;
            return change;
        } finally {
            if (!filled) {
                close(change);
            }
        }
    }

    private Change open(final Change change) {
        boolean pinned = false;
        try { // the idle strategy may throw, and a thread's first pin may find no memory for a slot
            holdBack.yieldTo();
            domain.pinStructure();
            pinned = true;
            return change;
        } finally {
            if (!pinned) {
                changes.give(change);
            }
        }
    }

    /** Unpins and gives a change back, aborting it if it was not published; then retires what it replaced [T3]. */
    void close(final Change change) {
        change.abort();
        domain.unpinStructure();
        changes.give(change);
    }

    /** A change from the pool, with stack enough to make a change with it and give it back with all its nodes. */
    Change takeChange() {
        ReservedStack.forNested(baseRoot); // pins and retire lists make sure of stack themselves, further down
        return changes.take();
    }

    /** Gives an idle change back without unpinning. */
    void giveBack(final Change change) {
        changes.give(change);
    }

    NodeReserve reserve() {
        return reserve;
    }

    Bounds bounds() {
        return bounds;
    }

    HoldBack holdBack() {
        return holdBack;
    }

    /** The value of the interval that contains the address, or 0. The calling thread is pinned. */
    public long find(final long address) {
        assertPinned();
        final long value = TreeReader.find(zoned ? zoning.likelyRoot(address) : baseRoot, address);
        return value >= 0 ? value : zoning.find(address);
    }

    /** The tree as it is now. Pins the calling thread until the snapshot is closed. */
    public Snapshot snapshot() {
        return new Snapshot(zoning, domain);
    }

    /** A cursor over the live tree that stands before everything; each of its steps needs a pin. */
    public Cursor cursor() {
        return new Cursor(zoning);
    }

    /** A private version to make many changes in. Pins the calling thread until it is published or closed. */
    public Edit edit() {
        final Change change = open();
        boolean begun = false;
        try {
            final Edit edit = new Edit(this, change);
            begun = true;
            return edit;
        } finally {
            if (!begun) {
                close(change);
            }
        }
    }

    /**
     * Inserts an interval.
     *
     * @return false if it overlaps another; nothing is changed then
     */
    public boolean insert(final long start, final long end, final long value) {
        bounds.checkInterval(start, end);
        Bounds.checkValue(value);
        final Change change = open();
        try {
            while (true) {
                zoning.begin(change, start, end);
                if (!change.insert(start, end, value)) {
                    return false;
                }
                if (publish(change)) {
                    return true;
                }
            }
        } finally {
            close(change);
        }
    }

    /**
     * Removes the interval that starts at the address. Where the system refuses memory, one removal at least gets through:
     * it fails only if others have used up what was kept for that, and no change has filled it up since.
     *
     * @return its value, or 0 if no interval starts there
     */
    public long remove(final long start) {
        return removeIf(start, ANY);
    }

    /** Removes the interval that starts at the address, if it has this value; so it can be done again if it throws. */
    public boolean remove(final long start, final long value) {
        Bounds.checkValue(value);
        return removeIf(start, value) != 0;
    }

    private long removeIf(final long start, final long wanted) {
        Bounds.checkAddress(start);
        final Change change = open(takeChange());
        try {
            while (true) {
                final long value = remove(change, start);
                if (value == 0 || wanted != ANY && value != wanted) {
                    return 0;
                }
                if (publish(change)) {
                    return value;
                }
            }
        } finally {
            close(change);
        }
    }

    /**
     * Removes many intervals, those of a zone in one step.
     *
     * @param intervals start and value of each; what the tree does not have, or has with another value, is left out, so
     *                  this can be repeated
     * @param count     of intervals, not of words
     */
    public void removeAll(final long[] intervals, final int count) {
        final Change change = open(takeChange());
        try {
            int next = 0;
            while (next < count) {
                final long start = intervals[2 * next];
                zoning.begin(change, start, start + 1);
                if (TreeReader.findUnder(change.root(), start) != intervals[2 * next + 1]) {
                    next++;
                    continue;
                }
                for (int i = 2 * next; i < 2 * count; i += 2) {
                    if (TreeReader.findUnder(change.root(), intervals[i]) == intervals[i + 1]) {
                        change.remove(intervals[i]);
                    }
                }
                if (publish(change)) {
                    next = zoning.isZoned() ? next + 1 : count;
                }
            }
        } finally {
            close(change);
        }
    }

    private long remove(final Change change, final long start) {
        zoning.begin(change, start, start + 1);
        try {
            return change.remove(start);
        } catch (final NativeException e) {
            change.abort();
            if (!reserve.lend(change.supply())) {
                throw e;
            }
            zoning.begin(change, start, start + 1);
            return change.remove(start);
        }
    }

    /**
     * Replaces all intervals that lie in a range by others, in one step. If other changes come in between it starts again
     * from the beginning; an {@linkplain #edit() edit} of very many intervals gets through sooner, since it asks others to
     * wait.
     *
     * @param intervals start, end and value of each, in order and within the range; may be none
     * @return false if an interval of the tree crosses an edge of the range; nothing is changed then
     */
    public boolean replace(final long start, final long end, final long... intervals) {
        bounds.checkReplacement(start, end, intervals);
        final Change change = open();
        try {
            while (true) {
                zoning.begin(change, start, end);
                if (!change.replace(start, end, intervals)) {
                    return false;
                }
                if (publish(change)) {
                    return true;
                }
            }
        } finally {
            close(change);
        }
    }

    /**
     * Finds the first gap of a size, lowest or highest first, that no zone has, and inserts an interval of that size there,
     * in one step.
     *
     * @param size      in bytes
     * @param alignment of the start, a power of two
     * @param low       the interval begins at or above
     * @param high      the interval ends at or below
     * @return the start, or -1 if there is no such gap
     */
    public long insertIntoGap(final long size, final long alignment, final long low, final long high,
                              final boolean lowestFirst, final long value) {
        return insertIntoGap(0, 0, size, alignment, low, high, lowestFirst, value);
    }

    /** The same in any zone, for where the base has no gap. */
    public long insertIntoAnyZone(final long size, final long alignment, final long low, final long high,
                                  final boolean lowestFirst, final long value) {
        return insertIntoGap(1, zoning.size() - 1, size, alignment, low, high, lowestFirst, value);
    }

    private long insertIntoGap(final int firstZone, final int lastZone, final long size, final long alignment,
                               final long low, final long high, final boolean lowestFirst, final long value) {
        bounds.checkGap(size, alignment, low, high);
        Bounds.checkValue(value);
        final Change change = open();
        try {
            long start = GapSearch.NONE;
            for (int i = firstZone; start == GapSearch.NONE && i <= lastZone; i++) {
                start = insertIntoGap(change, zoning.zone(i), size, alignment, low, high, lowestFirst, value);
            }
            return start;
        } finally {
            close(change);
        }
    }

    /** The same in one zone. */
    long insertIntoGap(final Change change, final Zone zone, final long size, final long alignment, final long low,
                       final long high, final boolean lowestFirst, final long value) {
        while (true) {
            final long root = zone.rootAcquire();
            if (Zone.isFrozen(root)) {
                zoning.evacuate(zone);
            } else {
                final long start = root == 0 ? GapSearch.NONE
                    : GapSearch.search(root, bounds.from(), bounds.to(), size, alignment, low, high, lowestFirst);
                if (start == GapSearch.NONE) {
                    return GapSearch.NONE;
                }
                change.begin(zone, root);
                final boolean inserted = change.insert(start, start + size, value);
                assert inserted : "a gap was not free: start=" + start + ", size=" + size;
                if (publish(change)) {
                    return start;
                }
            }
        }
    }

    // ------------------------------------------------------------------------------------------------------------ zones

    /** Whether the calling thread has lost so many races for a root that it should change a zone of its own. */
    public boolean isContended() {
        return zoning.isContended();
    }

    /**
     * Inserts an interval into the first gap of the calling thread's zone, lowest or highest first, if it has one or can
     * have one.
     *
     * @return the start, or -1
     */
    public long insertIntoZone(final long size, final long alignment, final long low, final long high,
                               final boolean lowestFirst, final long value) {
        bounds.checkGap(size, alignment, low, high);
        Bounds.checkValue(value);
        final Change change = open();
        try {
            return zoning.insertIntoGap(change, size, alignment, low, high, lowestFirst, value);
        } finally {
            close(change);
        }
    }

    /**
     * Inserts an interval into the first gap of a range that one zone has all of, lowest or highest first.
     *
     * @return the start, or -1
     */
    public long insertIntoZoneOf(final long size, final long alignment, final long low, final long high,
                                 final boolean lowestFirst, final long value) {
        if (!zoned) {
            return GapSearch.NONE;
        }
        domain.pinStructure();
        try {
            final int zone = zoning.zoneOfAll(low, high);
            return zone == 0 ? GapSearch.NONE : insertIntoGap(zone, zone, size, alignment, low, high, lowestFirst, value);
        } finally {
            domain.unpinStructure();
        }
    }

    /**
     * Moves a range to the calling thread's zone, if the thread has lost races for a root and the range is one that it may
     * change again and again beside others: nothing reaches over its edges, and not much is in it. Nobody else can tell.
     */
    public void carve(final long start, final long end) {
        Bounds.checkRange(start, end);
        if (isContended()) {
            final Change change = open();
            try {
                zoning.carve(change, start, end);
            } catch (final NativeException e) {
                // No memory for nodes. The range stays where it is, and the next change of it may need fewer.
            } finally {
                close(change);
            }
        }
    }

    /** Takes all zones back; threads have to lose races anew before they get others. */
    public void unite() {
        domain.pinStructure();
        try {
            zoning.unite();
        } finally {
            domain.unpinStructure();
        }
    }

    /**
     * Takes the zones back that have a part of a range, so that gaps which reach from one into another can be found.
     *
     * @return whether there were any
     */
    public boolean unite(final long start, final long end) {
        Bounds.checkRange(start, end);
        domain.pinStructure();
        try {
            return zoning.unite(start, end);
        } finally {
            domain.unpinStructure();
        }
    }

    /** Reclaims replaced nodes whose grace period has passed; never waits. */
    public void collectAll() {
        retired.collectAll();
    }

    /**
     * Waits until all nodes replaced before this call can be used again.
     *
     * @throws IllegalStateException if the calling thread is pinned
     */
    public void drain(final Supplier<? extends IdleStrategy> strategy) {
        retired.drain(strategy);
    }

    /**
     * Gives the pages back in which all nodes are free. Never waits for readers.
     *
     * @throws OutOfMemoryError if there is no heap for it; nothing has happened then
     */
    public void trim() {
        domain.pinStructure(); // NodePool [N1]
        try {
            nodes.trim(retired.mine());
        } finally {
            domain.unpinStructure();
        }
    }

    /** Memory of replaced nodes that wait for pins, but for some of the last ones. */
    public long retiredBytes() {
        return retired.bytes();
    }

    /** Bytes of native memory that nodes have been cut from, without the pages that were given back. */
    public long bytes() {
        return nodes.bytes();
    }

    /** Nodes that exist, wherever they are. Exact only while nobody changes the tree. */
    long nodes() {
        return nodes.nodes();
    }

    /** Nodes ready to be used. Exact only while nobody changes the tree and nothing is retired. */
    long freeNodes() {
        return nodes.freeNodes() + changes.storedNodes() + reserve.size();
    }
}
