// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.StripedRetireList;
import io.holdfast.lock.Lifetimes;
import io.holdfast.lock.RecordTable;
import io.holdfast.lock.RegionLock;
import io.holdfast.memory.Errno;
import io.holdfast.memory.HugePages;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.NativeMemory;
import io.holdfast.memory.ProcessAddresses;
import io.holdfast.memory.Reservation;
import io.holdfast.tree.IntervalTree;
import io.holdfast.tree.TreeTuning;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * What outlives an address space: the reservation, the reader slots, the records, the tree. A closed space leaves it in
 * the parking lot, because stale readers may still look at any of it; the next space of the same kind takes it over,
 * and no life in it has the incarnation or the sequence of an earlier one.
 */
final class SpaceResources {
    /*
     * Why a range is parked and not unmapped: a reader without a lock loads from a region's address first, and finds out
     * afterwards that the region is gone. What it loads then does not matter, but that it can does. No reader says that it
     * is at it, so nobody knows of a moment from which on there is none, but one: when the class loader of the library is
     * collected, and with it every handle and every frame that could read (Unloading).
     *
     *   a space of the same capacity      takes all of it over
     *   a space of another capacity       is given new addresses; where the system has none left, all parked ranges are
     *                                     dissolved, joined where they touch, and a part of them is cut off. Their tables
     *                                     serve others
     *   no space, and no class loader     the kernel gets the addresses of parked ranges, and all tables
     *
     * A late reader of a range that was cut finds zeros, or bytes of another region, as it does of one that was parked and
     * taken over; its record tells it, since no table is ever unmapped, and what was given back of one names no life.
     */
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());
    private static final int RECORD_BATCH = 64;
    private static final long SCARCE_CAPACITY = 32L << 30;
    private static final long SCARCE_FROM = 1L << 46;

    /** For a space that leaves its capacity to the library. */
    static final long USUAL_CAPACITY = 0;

    private static final int COLLECTING = 11; // two seconds in all: on a busy machine the JDK's cleaner takes its time
    private static final long COLLECTING_NS = 1_000_000;
    private static final int COLLECTED_AGAIN = 5; // at once, after 31 ms and after a second

    private static final List<SpaceResources> PARKED = new ArrayList<>();
    /** Their addresses have gone to others; under the monitor of PARKED. */
    private static final List<SpaceResources> TABLES = new ArrayList<>();

    private final NativeMemory memory;
    private final Reservation reservation;
    private final EpochDomain domain;
    private final RecordTable records;
    private final StripedRetireList retiredRecords;
    private final IntervalTree tree;
    private final NextGap nextGap;
    private final Quarantine quarantine;
    private final RestingAddresses resting;
    private final Lifetimes lifetimes;

    private SpaceResources(final NativeMemory memory, final Reservation reservation, final BarrierFlavour flavour) {
        final RecordTable table = new RecordTable(memory);
        this.memory = memory;
        this.domain = EpochDomain.create(memory, flavour);
        this.records = table;
        this.retiredRecords = new StripedRetireList(domain, RECORD_BATCH, record -> recycle(table, record));
        this.tree = new IntervalTree(domain, memory, 0, Reservation.MAX_CAPACITY,
            TreeTuning.DEFAULT.withGranule(memory.pageSize()));
        this.lifetimes = new Lifetimes();
        this.reservation = reservation;
        this.nextGap = new NextGap(reservation.capacity());
        this.quarantine = new Quarantine(reservation, tree, nextGap, retiredRecords);
        this.resting = new RestingAddresses(quarantine);
    }

    /** The tables of a closed space, in which nothing is left, for other addresses. */
    private SpaceResources(final SpaceResources tables, final Reservation reservation) {
        this.memory = tables.memory;
        this.domain = tables.domain;
        this.records = tables.records;
        this.retiredRecords = tables.retiredRecords;
        this.tree = tables.tree;
        this.lifetimes = tables.lifetimes;
        this.reservation = reservation;
        this.nextGap = new NextGap(reservation.capacity());
        this.quarantine = new Quarantine(reservation, tree, nextGap, retiredRecords);
        this.resting = new RestingAddresses(quarantine);
    }

    /**
     * A core for a new space: a parked one that fits, or a new one; where the system has no addresses left, one with those
     * of parked ones. There are few capacities, so that what was parked fits again.
     */
    static SpaceResources take(final NativeMemory memory, final long atLeast, final BarrierFlavour flavour) {
        final long wanted = atLeast == USUAL_CAPACITY ? AddressSpace.DEFAULT_CAPACITY : atLeast;
        final boolean allowed = wanted >= Reservation.MIN_CAPACITY && wanted <= Reservation.MAX_CAPACITY;
        final long capacity = allowed ? Long.highestOneBit(wanted - 1) << 1 : wanted;
        final SpaceResources parked = unpark(memory, capacity, flavour);
        if (parked != null) {
            return parked;
        }
        if (atLeast == USUAL_CAPACITY && ProcessAddresses.used(memory) >= SCARCE_FROM) {
            return take(memory, SCARCE_CAPACITY, flavour);
        }
        final Reservation reservation = reserve(memory, capacity);
        boolean taken = false;
        try {
            final SpaceResources tables = takeTables(memory, flavour);
            final SpaceResources core = tables != null ? new SpaceResources(tables, reservation)
                : new SpaceResources(memory, reservation, flavour);
            taken = true;
            return core;
        } finally {
            if (!taken) {
                reservation.release();
            }
        }
    }

    private static @Nullable SpaceResources unpark(final NativeMemory memory, final long capacity,
                                                   final BarrierFlavour flavour) {
        synchronized (PARKED) {
            final Iterator<SpaceResources> all = PARKED.iterator();
            while (all.hasNext()) {
                final SpaceResources core = all.next();
                if (core.serves(memory, flavour) && capacity == core.reservation.capacity() && core.giveAllBack()) {
                    all.remove();
                    core.reservation.unpark();
                    core.nextGap.took(capacity); // begin at the top
                    return core;
                }
            }
            return null;
        }
    }

    private boolean serves(final NativeMemory calls, final BarrierFlavour flavour) {
        return memory.equals(calls) && domain.flavour() == flavour;
    }

    private static @Nullable SpaceResources takeTables(final NativeMemory memory, final BarrierFlavour flavour) {
        synchronized (PARKED) {
            for (int i = TABLES.size() - 1; i >= 0; i--) {
                if (TABLES.get(i).serves(memory, flavour)) {
                    return TABLES.remove(i);
                }
            }
            return null;
        }
    }

    /** Addresses of the system; or, where it has none left, of closed spaces, of this class loader or of lost ones. */
    private static Reservation reserve(final NativeMemory memory, final long capacity) {
        try {
            return Reservation.reserve(memory, capacity);
        } catch (final NativeException e) {
            dissolveParked(memory);
            final Reservation cut = Reservation.cut(memory, capacity);
            final Reservation found =
                cut == null && e.errno() == Errno.ENOMEM ? reserveCollected(memory, capacity) : cut;
            if (found == null) {
                throw e;
            }
            return found;
        }
    }

    private static void dissolveParked(final NativeMemory memory) {
        synchronized (PARKED) {
            for (int i = PARKED.size() - 1; i >= 0; i--) {
                final SpaceResources core = PARKED.get(i);
                if (core.memory.equals(memory) && core.giveAllBack() && core.isEmpty()) {
                    TABLES.add(core);
                    PARKED.remove(i);
                    core.reservation.dissolve();
                }
            }
        }
    }

    /** Whether nothing is left of these addresses in the tables. */
    private boolean isEmpty() {
        return reservation.lostBytes() == 0 && quarantine.isEmpty() && resting.bytes() == 0;
    }

    /** Tries again while the class loaders that nobody uses any more are collected, which nothing else may cause. */
    private static @Nullable Reservation reserveCollected(final NativeMemory memory, final long capacity) {
        for (int i = 0; i < COLLECTING; i++) {
            if (i % COLLECTED_AGAIN == 0) {
                System.gc(); // more than once: threads of a gone loader may still have been on their way out
            }
            LockSupport.parkNanos(COLLECTING_NS << i);
            try {
                return Reservation.reserve(memory, capacity);
            } catch (final NativeException e) {
                // as before, unless the last attempt fails too
            }
        }
        return null;
    }

    /** Addresses that closed spaces keep for others. */
    static long parkedBytes(final NativeMemory memory) {
        synchronized (PARKED) {
            return PARKED.stream().mapToLong(core -> core.reservation.capacity()).sum() + Reservation.bytesToCut(memory);
        }
    }

    /** Gives all memory back and leaves the core to the next space. Nothing in it is attached or in use. */
    void park() {
        final long lost = reservation.lostBytes();
        if (!giveAllBack()) {
            LOGGER.log(Level.WARNING, "memory of a closed space not given back, the next space to be opened tries " +
                "again: " + reservation);
        }
        trimTables();
        if (reservation.lostBytes() == lost) { // else addresses are lost that no interval of the tree keeps from use
            synchronized (PARKED) {
                PARKED.addFirst(this);
            }
        }
    }

    /** Ranges that wait for the next space. */
    static int parkedRanges() {
        synchronized (PARKED) {
            return PARKED.size();
        }
    }

    private boolean giveAllBack() {
        if (!reservation.park()) {
            return false;
        }
        quarantine.freeGivenBack();
        resting.freeAll();
        return true;
    }

    /** Takes a record back that no thread, pinned or not, could find; needs no heap. */
    void giveBackUnseen(final long record) {
        recycle(records, record);
    }

    private static void recycle(final RecordTable records, final long record) {
        RegionLock.reclaim(record);
        records.free(record);
    }

    NativeMemory memory() {
        return memory;
    }

    Reservation reservation() {
        return reservation;
    }

    EpochDomain domain() {
        return domain;
    }

    RecordTable records() {
        return records;
    }

    /** Takes records that were detached and drained, or never attached, and that pinned threads may still look at. */
    StripedRetireList retiredRecords() {
        return retiredRecords;
    }

    /** Memory of tree nodes and records that were replaced and wait for pins, but for less than a batch in each list. */
    long retiredBytes() {
        return tree.retiredBytes() + retiredRecords.bytes();
    }

    /** Reclaims whatever waits for no pin any more; never waits. */
    void collectAll() {
        tree.collectAll();
        retiredRecords.collectAll();
    }

    /** Gives back what is idle in the tables, if there is heap and stack to look for it; never waits. */
    void trimTables() {
        try {
            tree.trim();
            records.trim();
        } catch (final OutOfMemoryError | StackOverflowError e) {
            return; // of no use to who is at the end of either
        }
    }

    /** Where the search for the addresses of files begins. */
    NextGap nextGap() {
        return nextGap;
    }

    /** Unmaps whose pages or addresses could not be freed yet. */
    Quarantine quarantine() {
        return quarantine;
    }

    /** Addresses that are not used again yet. */
    RestingAddresses resting() {
        return resting;
    }

    /** To whole pages of normal regions. */
    long roundUp(final long size) {
        return roundUp(size, 0);
    }

    /** To whole pages of regions of this kind. */
    long roundUp(final long size, final long kind) {
        final long page = pageSize(kind);
        return (size + page - 1) & -page;
    }

    /** Bytes of a page of regions of this kind. */
    long pageSize(final long kind) {
        return PageFlags.isHuge(kind) ? HugePages.defaultSize() : memory.pageSize();
    }

    IntervalTree tree() {
        return tree;
    }

    /** When records were attached and detached, for snapshots. */
    Lifetimes lifetimes() {
        return lifetimes;
    }
}
