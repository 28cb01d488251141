// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.StripedRetireList;
import io.holdfast.layout.RecordLayout;
import io.holdfast.memory.AddressRange;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.Reservation;
import io.holdfast.tree.IntervalTree;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Ends of unmaps: frees addresses and record once the pages are given back, and keeps those whose pages the kernel did
 * not take, with their interval still in the tree, until it does. It outlives the space, like the reservation.
 *
 * <p>Thread-safe.
 */
final class Quarantine {
    /*
     * An unmap waits in WAITING until its pages, which the reservation has in its own quarantine, are given back or lost;
     * then in RESTORED until there are nodes to free its addresses. It goes from one to the other, and out, under FREEING,
     * and leaves a place as the last step: who runs out of heap before has done what can be done again.
     */
    private final Reservation reservation;
    private final IntervalTree tree;
    private final NextGap nextGap;
    private final StripedRetireList records;
    private final ConcurrentMap<Long, PendingUnmap> waiting = new ConcurrentHashMap<>();
    private final Queue<PendingUnmap> restored = new ConcurrentLinkedQueue<>();
    private final ReentrantLock freeing = new ReentrantLock();

    Quarantine(final Reservation reservation, final IntervalTree tree, final NextGap nextGap,
               final StripedRetireList records) {
        this.reservation = reservation;
        this.tree = tree;
        this.nextGap = nextGap;
        this.records = records;
    }

    /** Keeps an unmap whose pages are quarantined in the reservation. */
    void add(final PendingUnmap unmapping) {
        waiting.put(unmapping.start(), unmapping);
        // A retry that came between the kernel's refusal and this has found the pages, and not the unmap.
        if (!isAmong(reservation.quarantinedRanges(), unmapping)) {
            freeGivenBack();
        }
    }

    private static boolean isAmong(final List<AddressRange> ranges, final PendingUnmap unmapping) {
        return ranges.stream().anyMatch(range -> range.overlaps(unmapping.start(), unmapping.end()));
    }

    /**
     * Frees the addresses of an unmap whose pages are given back, now or, where the system refuses memory for nodes, with
     * others later. Once it has, it must not be called again: {@link #freeOthers} is apart, since heap may end there.
     */
    void free(final PendingUnmap unmapping) {
        unmapping.releaseFile();
        if (!isFreed(unmapping)) {
            restored.add(unmapping);
        }
    }

    /** Frees addresses for which there were no nodes before; there may be some now. */
    void freeOthers() {
        if (!restored.isEmpty()) {
            freeing.lock();
            try {
                freeRestored();
            } finally {
                freeing.unlock();
            }
        }
    }

    /** Frees addresses that have rested; false if the system refuses memory for nodes. Can be repeated if it throws. */
    boolean freeRested(final long record) {
        final long start = RecordLayout.start(record);
        final long end = RecordLayout.limit(record);
        try {
            tree.remove(start, record);
        } catch (final NativeException e) {
            return false;
        }
        nextGap.freed(start, end);
        records.retire(record, RecordLayout.BYTES);
        return true;
    }

    private boolean isFreed(final PendingUnmap unmapping) {
        try {
            unmapping.removeFrom(tree);
        } catch (final NativeException e) {
            return false;
        }
        nextGap.freed(unmapping.start(), unmapping.end());
        records.retire(unmapping.record(), RecordLayout.BYTES);
        return true;
    }

    private void freeRestored() {
        PendingUnmap next = restored.peek();
        while (next != null && isFreed(next)) {
            restored.poll();
            next = restored.peek();
        }
    }

    /** Whether nothing waits. */
    boolean isEmpty() {
        return waiting.isEmpty() && restored.isEmpty();
    }

    /** Tries again to give back what the kernel refused to take. */
    void retry() {
        reservation.retryQuarantined();
        freeGivenBack();
    }

    /** Frees what waits and is not in the reservation's quarantine any more; forgets what is lost. */
    void freeGivenBack() {
        freeing.lock();
        try {
            // In this order: what waits was in the first list before, and goes from there to the second, or is given back.
            final List<PendingUnmap> all = List.copyOf(waiting.values());
            final List<AddressRange> quarantined = reservation.quarantinedRanges();
            final List<AddressRange> lost = reservation.lostRanges();
            for (final PendingUnmap unmapping : all) {
                if (isAmong(lost, unmapping)) {
                    unmapping.releaseFile();
                    waiting.remove(unmapping.start(), unmapping);
                } else if (!isAmong(quarantined, unmapping)) {
                    unmapping.releaseFile();
                    restored.add(unmapping);
                    waiting.remove(unmapping.start(), unmapping);
                }
            }
            freeRestored();
        } finally {
            freeing.unlock();
        }
    }
}
