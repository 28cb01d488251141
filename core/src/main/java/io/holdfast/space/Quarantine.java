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

/**
 * Ends of unmaps: frees addresses and record once the pages are given back, and keeps those whose pages the kernel did
 * not take, with their interval still in the tree, until it does. It outlives the space, like the reservation.
 *
 * <p>Thread-safe; whoever takes an unmap out of WAITING or RESTORED frees it, so it is freed once.
 */
final class Quarantine {
    private final Reservation reservation;
    private final IntervalTree tree;
    private final NextGap nextGap;
    private final StripedRetireList records;
    private final ConcurrentMap<Long, PendingUnmap> waiting = new ConcurrentHashMap<>();
    private final Queue<PendingUnmap> restored = new ConcurrentLinkedQueue<>(); // there were no nodes to free the addresses

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
        if (!isAmong(reservation.quarantinedRanges(), unmapping) && !isAmong(reservation.lostRanges(), unmapping) &&
            waiting.remove(unmapping.start(), unmapping)) {
            free(unmapping);
            freeOthers();
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
            freeRestored();
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
        PendingUnmap next = restored.poll();
        while (next != null && isFreed(next)) {
            next = restored.poll();
        }
        if (next != null) {
            restored.add(next);
        }
    }

    /** Whether nothing waits. */
    boolean isEmpty() {
        return waiting.isEmpty() && restored.isEmpty();
    }

    /** Tries again to give back what the kernel refused to take. */
    void retry() {
        reservation.retryQuarantined(this::givenBack);
        forgetLost();
        freeRestored();
    }

    /** The reservation has been parked: all pages but the lost ones are given back. */
    void parked() {
        forgetLost();
        for (final PendingUnmap unmapping : List.copyOf(waiting.values())) {
            if (waiting.remove(unmapping.start(), unmapping)) {
                unmapping.releaseFile();
                restored.add(unmapping);
            }
        }
        freeRestored();
    }

    private void givenBack(final AddressRange range) {
        for (final PendingUnmap unmapping : waiting.values()) {
            if (unmapping.start() >= range.offset() && unmapping.end() <= range.end() &&
                waiting.remove(unmapping.start(), unmapping)) {
                unmapping.releaseFile();
                restored.add(unmapping);
            }
        }
    }

    private void forgetLost() {
        for (final AddressRange range : reservation.lostRanges()) {
            for (final PendingUnmap unmapping : waiting.values()) {
                if (range.overlaps(unmapping.start(), unmapping.end()) &&
                    waiting.remove(unmapping.start(), unmapping)) {
                    unmapping.releaseFile();
                }
            }
        }
    }
}
