// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.MappingException;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.StripedCounter;
import io.holdfast.epoch.Stripes;
import io.holdfast.layout.RecordLayout;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.ReservedPages;
import io.holdfast.tree.Snapshot;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Memory of unmapped anonymous regions that stays in memory, zeroed, to be handed out again without a system call; and
 * the way back to the system for what is too much.
 *
 * <p>Thread-safe.
 */
final class IdleMemory {
    /*
     * RECYCLED counts the bytes that were zeroed by hand since the space was opened, SETTLED those of them that the last
     * trim has seen to; TOUCHED is where the others are. What is idle is not more than the others are, nor than TOUCHED:
     * a trim leaves nothing idle, and everything idle lies in TOUCHED. A range is noted there when its addresses are free
     * already, so a trim that takes the note finds them in a gap. So a space whose threads go on using the same few
     * addresses never trims, and any other trims once per so many bytes. A trim looks at all regions, so they are also as
     * many bytes as there are regions, in pages. Each stripe of threads counts its own, and looks at the sum once a BATCH;
     * what the stripes have not looked at counts as idle then, so that the bound holds.
     *
     * A trim takes each gap between regions for itself, with an interval in the tree whose record is never attached, so
     * that nobody can be given addresses whose pages are about to be dropped. Who misses addresses meanwhile looks
     * again: ROUND is odd during a trim, and another number after it. A trim is counted as a region, so a close waits
     * for its end.
     */
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    /** Of a bound below this the sum is looked at each time. */
    private static final long SMALL = 16L << 20;

    private final SpaceResources core;
    private final StructureGate gate;
    private final RegionRegistry registry;
    private final Magazines magazines;
    private final long bound;
    private final long batch;
    private final StripedCounter recycled = new StripedCounter();
    private final AtomicLong settled = new AtomicLong();
    private final TouchedSpans touched = new TouchedSpans();
    private final AtomicLong round = new AtomicLong();
    private final AtomicBoolean trimming = new AtomicBoolean();

    /**
     * Nothing is idle.
     *
     * @param bound how many bytes may be
     */
    IdleMemory(final SpaceResources core, final StructureGate gate, final RegionRegistry registry,
               final Magazines magazines, final long bound) {
        this.core = core;
        this.gate = gate;
        this.registry = registry;
        this.magazines = magazines;
        this.bound = bound;
        this.batch = bound < SMALL ? 0 : bound / (4L * Stripes.COUNT);
    }

    /** Notes a range that was zeroed to be used again, and trims if that is too much. Does not fail. */
    void add(final long start, final long length) {
        if (length > ReservedPages.ZERO_BY_HAND_BYTES) {
            return; // the system has it
        }
        touched.note(start, start + length);
        final long mine = recycled.add(length);
        if ((batch == 0 || mine / batch != (mine - length) / batch) && isTooMuch()) {
            try { // of no use in a space that is closed, which gives all back at once
                trim();
            } catch (final MappingException e) {
                LOGGER.log(Level.WARNING, "idle memory not given back, will be tried again: " + e.getMessage());
            }
        }
    }

    private boolean isTooMuch() {
        final long unlooked = batch * Stripes.COUNT;
        final long idle = recycled.sum() - settled.get() + unlooked;
        return idle > bound && touched.bytes() + unlooked > bound &&
            idle > registry.regions() * core.memory().pageSize();
    }

    /** No more bytes than this are idle. */
    long bytes() {
        final long seenTo = settled.get(); // first: it never passes the other
        return Math.min(recycled.sum() - seenTo, touched.bytes());
    }

    /** Bytes of regions that were zeroed to be handed out again, since the space was opened. */
    long recycledBytes() {
        return recycled.sum();
    }

    /** A number that says later whether a trim was, or is, under way: then {@link #hasTrimmed} is true. */
    long round() {
        return round.get();
    }

    /** Whether a trim may have kept addresses from who took the number before. */
    boolean hasTrimmed(final long before) {
        return (before & 1) != 0 || round.get() != before;
    }

    /**
     * Gives all idle memory back, unless another thread does it at this moment or the space is closed.
     *
     * @return the bytes of addresses that were looked at and are not used
     */
    long trim() {
        ReservedStack.forBeginning(core.reservation().base()); // who says that it trims has to take that back
        if (!trimming.compareAndSet(false, true)) {
            return 0;
        }
        registry.accountRegions(0, 1, "trim");
        try {
            if (gate.isClosed()) {
                return 0;
            }
            settled.set(recycled.sum());
            return drop(Math.min(touched.take(), core.reservation().mappedLimit()));
        } catch (final NativeException e) {
            throw registry.refused("trim", "space " + registry.name(), e);
        } finally {
            registry.unaccountRegions(1);
            trimming.set(false);
        }
    }

    private List<long[]> gaps(final long end) {
        try (Snapshot snapshot = core.tree().snapshot()) {
            return snapshot.gaps(0, end);
        }
    }

    private long drop(final long end) {
        round.incrementAndGet();
        boolean all = false;
        long dropped = 0;
        try {
            magazines.evictAll(); // after the sum: what is parked from here on is not in it
            for (final long[] gap : end == 0 ? List.<long[]>of() : gaps(end)) {
                dropped += drop(gap[0], gap[1]);
            }
            all = true;
            return dropped;
        } finally {
            round.incrementAndGet();
            if (!all) {
                touched.note(0, end);
                settled.addAndGet(-bound);
            }
        }
    }

    private long drop(final long from, final long to) {
        final PendingUnmap taken = new PendingUnmap(to - from, 0);
        final long record = core.records().allocate();
        taken.taken(record, from);
        boolean inserted = false;
        try {
            inserted = core.tree().insert(from, to, record);
            if (inserted) {
                core.reservation().discard(from, to - from);
                return to - from;
            }
            settled.addAndGet(from - to); // a part is in use by now; the rest is for the next trim
            touched.note(from, to);
            return 0;
        } finally {
            if (inserted) {
                core.quarantine().free(taken);
                core.quarantine().freeOthers();
            } else {
                core.retiredRecords().retire(record, RecordLayout.BYTES);
            }
        }
    }
}
