// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.StripedRetireList;
import io.holdfast.lock.Lifetimes;
import io.holdfast.lock.RecordTable;
import io.holdfast.lock.RegionLock;
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
import org.jspecify.annotations.Nullable;

/**
 * What outlives an address space: the reservation, the reader slots, the records, the tree. A closed space leaves it in
 * the parking lot, because stale readers may still look at any of it; the next space of the same kind takes it over,
 * with all sequences going on from where they were.
 */
final class SpaceResources {
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());
    private static final int RECORD_BATCH = 64;
    private static final long SCARCE_CAPACITY = 32L << 30;
    private static final long SCARCE_FROM = 1L << 46;

    /** For a space that leaves its capacity to the library. */
    static final long USUAL_CAPACITY = 0;

    private static final List<SpaceResources> PARKED = new ArrayList<>();

    private final NativeMemory memory;
    private final Reservation reservation;
    private final EpochDomain domain;
    private final RecordTable records;
    private final StripedRetireList retiredRecords;
    private final IntervalTree tree;
    private final NextGap nextGap;
    private final Quarantine quarantine;
    private final RestingAddresses resting;
    private final Lifetimes lifetimes = new Lifetimes();

    private SpaceResources(final NativeMemory memory, final Reservation reservation, final EpochDomain domain) {
        this.memory = memory;
        this.reservation = reservation;
        this.domain = domain;
        this.records = new RecordTable(memory);
        this.retiredRecords = new StripedRetireList(domain, RECORD_BATCH, this::recycle);
        this.tree = new IntervalTree(domain, memory, 0, reservation.capacity(),
            TreeTuning.DEFAULT.withGranule(memory.pageSize()));
        this.nextGap = new NextGap(reservation.capacity());
        this.quarantine = new Quarantine(reservation, tree, nextGap, retiredRecords);
        this.resting = new RestingAddresses(quarantine);
    }

    private static SpaceResources create(final NativeMemory memory, final long capacity, final BarrierFlavour flavour) {
        final EpochDomain domain = EpochDomain.create(memory, flavour);
        final Reservation reservation = Reservation.reserve(memory, capacity);
        try {
            return new SpaceResources(memory, reservation, domain);
        } catch (final Throwable e) {
            reservation.release();
            throw e;
        }
    }

    /**
     * A core for a new space: a parked one that fits, or a new one; or, where the system has no addresses left, a parked
     * one that is larger. There are few capacities, so that what was parked fits again.
     */
    static SpaceResources take(final NativeMemory memory, final long atLeast, final BarrierFlavour flavour) {
        if (atLeast == USUAL_CAPACITY) {
            return takeUsual(memory, flavour);
        }
        final boolean allowed = atLeast >= Reservation.MIN_CAPACITY && atLeast <= Reservation.MAX_CAPACITY;
        final long capacity = allowed ? Long.highestOneBit(atLeast - 1) << 1 : atLeast;
        final SpaceResources parked = unpark(memory, capacity, capacity, flavour);
        if (parked != null) {
            return parked;
        }
        try {
            return create(memory, capacity, flavour);
        } catch (final NativeException e) {
            final SpaceResources larger = unpark(memory, capacity, Reservation.MAX_CAPACITY, flavour);
            if (larger == null) {
                throw e;
            }
            return larger;
        }
    }

    private static SpaceResources takeUsual(final NativeMemory memory, final BarrierFlavour flavour) {
        final SpaceResources parked =
            unpark(memory, AddressSpace.DEFAULT_CAPACITY, AddressSpace.DEFAULT_CAPACITY, flavour);
        if (parked != null) {
            return parked;
        }
        final boolean scarce = ProcessAddresses.used(memory) >= SCARCE_FROM;
        return take(memory, scarce ? SCARCE_CAPACITY : AddressSpace.DEFAULT_CAPACITY, flavour);
    }

    private static @Nullable SpaceResources unpark(final NativeMemory memory, final long from, final long to,
                                                   final BarrierFlavour flavour) {
        synchronized (PARKED) {
            final Iterator<SpaceResources> all = PARKED.iterator();
            while (all.hasNext()) {
                final SpaceResources core = all.next();
                final long capacity = core.reservation.capacity();
                if (core.memory.equals(memory) && capacity >= from && capacity <= to &&
                    core.domain.flavour() == flavour && core.giveAllBack()) {
                    all.remove();
                    core.reservation.unpark();
                    core.nextGap.took(capacity); // begin at the top
                    return core;
                }
            }
            return null;
        }
    }

    /** Addresses that closed spaces keep for others. */
    static long parkedBytes() {
        synchronized (PARKED) {
            return PARKED.stream().mapToLong(core -> core.reservation.capacity()).sum();
        }
    }

    /** Gives all memory back and leaves the core to the next space. Nothing in it is attached or in use. */
    void park() {
        final long lost = reservation.lostBytes();
        if (!giveAllBack()) {
            LOGGER.log(Level.WARNING, "memory of a closed space not given back, the next space to be opened tries " +
                "again: " + reservation);
        }
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
        quarantine.parked();
        resting.freeAll();
        return true;
    }

    /** Takes a record back that no thread, pinned or not, could find; needs no heap. */
    void giveBackUnseen(final long record) {
        recycle(record);
    }

    private void recycle(final long record) {
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
