// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.SpaceStatistics;
import io.holdfast.epoch.StripedCounter;
import io.holdfast.event.QuarantineEvent;
import io.holdfast.layout.RecordLayout;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.Reservation;
import io.holdfast.memory.RestoreResult;
import io.holdfast.space.PendingUnmap.Step;
import java.lang.System.Logger.Level;
import org.jspecify.annotations.Nullable;

/**
 * Gives the memory of drained unmaps back: of one, or of many together, neighbours by one call to the system and addresses
 * by one change of the tree. The kernel cannot make it fail.
 *
 * <p>Thread-safe for different unmaps. If it throws, because heap or stack are at their end, the next call goes on from
 * there: each step can be repeated.
 */
final class GiveBack {
    /*
     * What taking pages away costs is the flush of their translations: page by page up to 33 of them, all at once above.
     * So neighbours are joined, whatever their number, up to a length from which on one call more does not show.
     */
    static final long JOINED_BYTES = 64L << 20;

    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    private final SpaceResources core;
    private final RegionRegistry registry;
    private final IdleMemory idle;
    private final Magazines magazines;
    private final Eras eras;
    private final StripedCounter unmaps = new StripedCounter();
    private final TimeHistogram times = new TimeHistogram();

    GiveBack(final SpaceResources core, final RegionRegistry registry, final IdleMemory idle, final Magazines magazines,
             final Eras eras) {
        this.core = core;
        this.registry = registry;
        this.idle = idle;
        this.magazines = magazines;
        this.eras = eras;
    }

    /** Gives back what one unmap has detached. */
    void finish(final PendingUnmap pending) {
        if (pending.stays()) {
            pending.over();
            return;
        }
        givePages(pending);
        if (pending.isBefore(Step.HEAP)) {
            pending.shows(registry.share(pending.record()));
            registry.forget(new RecordKey(pending.record()));
            if (pending.result() != RestoreResult.QUARANTINED) {
                pending.releaseFile();
            }
            pending.reached(Step.HEAP);
        }
        if (pending.isBefore(Step.ADDRESSES)) {
            if (tryPark(pending)) {
                pending.reached(Step.ADDRESSES); // nothing may be repeated: a map may have it already
            } else if (pending.hasAddresses()) {
                settle(pending, pending.result());
            } else if (pending.record() != 0) {
                core.retiredRecords().retire(pending.record(), RecordLayout.BYTES);
            }
            pending.reached(Step.ADDRESSES); // no call in between: the record is not this unmap's any more
            freeOthers(pending);
        }
        if (pending.isBefore(Step.COUNTED)) {
            if (pending.wasRegion()) {
                unmaps.add(1);
                times.add(pending.ageNs());
            }
            pending.reached(Step.COUNTED);
            if (isZeroedInPlace(pending) && !core.resting().takes(pending)) {
                idle.add(pending.start(), pending.length());
            }
        }
        pending.tellOver(registry.name());
        registry.unaccount(pending.length()); // last: a close waits for it
        pending.over();
    }

    /** Gives back what many have detached, and leaves the batch empty. */
    void finish(final Batch batch) {
        final PendingUnmap first = batch.takeSorted();
        if (first != null && first.behind != null) {
            giveNeighbours(first);
            for (PendingUnmap each = first; each != null; each = each.behind) {
                givePages(each);
            }
            freeAddresses(first, batch);
        }
        PendingUnmap each = first;
        while (each != null) {
            final PendingUnmap following = each.behind;
            finish(each);
            each = following;
        }
    }

    /** How long unmaps took. */
    SpaceStatistics.Times times() {
        return times.times();
    }

    /** Unmaps of regions that are over. */
    long unmaps() {
        return unmaps.sum();
    }

    // ------------------------------------------------------------------------------------------------------------ pages

    private void givePages(final PendingUnmap pending) {
        if (pending.isBefore(Step.PAGES)) {
            forgetReaders(pending);
            pending.pages(registry.isTorn(pending.record()) ? restoreTorn(pending) : restorePages(pending));
        }
    }

    private void forgetReaders(final PendingUnmap pending) {
        if (pending.hasAddresses()) {
            eras.forget(pending.start(), pending.end());
        }
    }

    private void giveNeighbours(final PendingUnmap first) {
        PendingUnmap each = first;
        while (each != null) {
            PendingUnmap last = each;
            PendingUnmap next = last.behind;
            while (next != null && isJoined(each, last, next)) {
                last = next;
                next = last.behind;
            }
            if (last != each) {
                giveTogether(each, last);
            }
            each = next;
        }
    }

    private boolean isJoined(final PendingUnmap first, final PendingUnmap last, final PendingUnmap next) {
        return next.start() == last.end() && next.end() - first.start() <= JOINED_BYTES && isReplaced(last) &&
            isReplaced(next) && PageFlags.isFile(last.kind()) == PageFlags.isFile(next.kind());
    }

    private boolean isReplaced(final PendingUnmap pending) {
        return pending.isBefore(Step.PAGES) && pending.hasAddresses() && !isZeroedInPlace(pending) &&
            !registry.isTorn(pending.record());
    }

    private void giveTogether(final PendingUnmap first, final PendingUnmap last) {
        for (PendingUnmap each = first; each != null; each = each == last ? null : each.behind) {
            forgetReaders(each);
        }
        final RestoreResult result = core.reservation().restoreTogether(first.start(), last.end() - first.start(),
            PageFlags.isFile(first.kind()));
        if (result != RestoreResult.QUARANTINED) { // else one by one, since some may go
            for (PendingUnmap each = first; each != null; each = each == last ? null : each.behind) {
                each.pages(result);
            }
        }
    }

    /** Gives pages back that nobody can reach. */
    RestoreResult restorePages(final PendingUnmap pending) {
        final Reservation reservation = core.reservation();
        final long start = pending.start();
        final long length = pending.length();
        if (PageFlags.isFile(pending.kind())) {
            return reservation.restore(start, length);
        }
        if (isZeroedInPlace(pending)) {
            if (!core.resting().takes(pending)) {
                reservation.zeroAnonymous(start, length);
            } else if (!core.resting().isPoisoned(pending)) {
                reservation.dropAnonymous(start, length);
            }
            return RestoreResult.RESTORED;
        }
        return reservation.restoreAnonymous(start, length);
    }

    private boolean isZeroedInPlace(final PendingUnmap pending) {
        return pending.hasAddresses() && !PageFlags.isFile(pending.kind()) && !PageFlags.isAltered(pending.kind()) &&
            core.reservation().isInAnonymousZone(pending.start(), pending.length());
    }

    /** Gives back what is before the lost addresses; the interval keeps all of them from being used again. */
    private RestoreResult restoreTorn(final PendingUnmap pending) {
        final FileRegion file = registry.file(pending.record());
        final long lead = file == null ? 0 : file.lead();
        core.reservation().restore(pending.start(), core.roundUp(RecordLayout.sizeAcquire(pending.record()) + lead));
        return RestoreResult.LOST;
    }

    // -------------------------------------------------------------------------------------------------------- addresses

    private void freeAddresses(final PendingUnmap first, final Batch batch) {
        PendingUnmap from = first;
        for (PendingUnmap each = first; each != null; each = each.behind) {
            if (isFreed(each) && !batch.note(each)) {
                freeNoted(from, each, batch);
                from = each.behind;
            }
        }
        freeNoted(from, null, batch);
    }

    private void freeNoted(final @Nullable PendingUnmap from, final @Nullable PendingUnmap to, final Batch batch) {
        final int count = batch.takeNoted();
        if (count < 2) {
            return;
        }
        try {
            core.tree().removeAll(batch.intervals(), count);
        } catch (final NativeException e) {
            return; // no memory for nodes: one by one, as far as there are some
        }
        for (PendingUnmap each = from; each != null; each = each == to ? null : each.behind) {
            if (isFreed(each)) {
                each.removed();
            }
        }
    }

    private boolean isFreed(final PendingUnmap pending) {
        return pending.hasAddresses() && pending.isBefore(Step.ADDRESSES) && pending.result() == RestoreResult.RESTORED &&
            !core.resting().takes(pending);
    }

    /** Frees what was kept of others before, since there may be nodes for it now, and the kernel may take its pages. */
    private void freeOthers(final PendingUnmap pending) {
        if (pending.hasAddresses() && pending.result() == RestoreResult.RESTORED && !core.quarantine().isEmpty()) {
            if (PageFlags.isFile(pending.kind())) {
                core.quarantine().retry();
            } else {
                core.quarantine().freeOthers();
            }
        }
    }

    /** Parks it, if it may be parked: not what is to rest, which the next map must not have. */
    private boolean tryPark(final PendingUnmap pending) {
        return pending.wasRegion() && pending.isInTree() && pending.result() == RestoreResult.RESTORED &&
            isZeroedInPlace(pending) && !core.resting().takes(pending) && magazines.park(pending);
    }

    /** Frees the addresses of pages that were given back, lets them rest, or keeps them. */
    void settle(final PendingUnmap pending, final RestoreResult result) {
        switch (result) {
            case RESTORED -> {
                if (!core.resting().takes(pending) || !core.resting().add(pending)) {
                    core.quarantine().free(pending);
                }
            }
            case QUARANTINED -> {
                LOGGER.log(Level.WARNING, "pages not given back, will be tried again: space=" + registry.name() +
                    ", start=" + pending.start() + ", length=" + pending.length());
                QuarantineEvent.tell(registry.name(), pending.start(), pending.length(), false);
                core.quarantine().add(pending);
            }
            case LOST -> {
                LOGGER.log(Level.ERROR, "addresses lost for good: space=" + registry.name() + ", start=" +
                    pending.start() + ", length=" + pending.length());
                QuarantineEvent.tell(registry.name(), pending.start(), pending.length(), true);
            }
        }
    }
}
