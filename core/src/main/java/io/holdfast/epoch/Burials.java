// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts what threads died holding, and reports it when nobody has to wait for the report: one line, however many
 * there were since the last.
 *
 * <p>Thread-safe. Only the holder of the table's lock counts.
 */
final class Burials {
    private static final int PLACES = 8;

    private final System.Logger logger;
    private final AtomicLong all = new AtomicLong();
    private final AtomicLong unreported = new AtomicLong();
    private final List<Ledger.Entry> places = new ArrayList<>(); // as far as they are remembered; guarded by itself
    private volatile long lastThreadId;
    private volatile long lastLocks;

    /** Nobody has died. */
    Burials(final System.Logger logger) {
        this.logger = logger;
    }

    /** Slots that were taken back since the beginning and announced something, or whose owner had exclusive locks. */
    long count() {
        return all.get();
    }

    /** A slot is about to be cleared. */
    void add(final long slot) {
        lastThreadId = Math.abs(SlotLayout.ownerAcquire(slot));
        lastLocks = SlotLayout.writesOpaque(slot);
        all.incrementAndGet();
        unreported.incrementAndGet();
    }

    /** A slot has been cleared, and is not free yet: its places are forgotten, some of them after a report. */
    void forgetPlaces(final long slot) {
        if (Ledger.REMEMBERS) {
            for (int i = 0; i < SlotLayout.HAZARDS; i++) {
                forgetPlace(SlotLayout.hazardAddress(slot, i));
            }
            forgetPlace(SlotLayout.pinAddress(slot));
            forgetPlace(SlotLayout.structureAddress(slot));
        }
    }

    private void forgetPlace(final long address) {
        final Ledger.Entry taken = Ledger.at(address);
        if (taken != null) {
            Ledger.released(address);
            synchronized (places) {
                if (places.size() < PLACES) {
                    places.add(taken);
                }
            }
        }
    }

    /**
     * Logs what has not been reported. The caller has no lock, and is at a point where it does no harm that a logger of
     * the program's runs; if that throws, the next report has what this one had.
     */
    void report() {
        final long count = unreported.get();
        if (count != 0 && unreported.compareAndSet(count, 0)) {
            try {
                logger.log(Level.WARNING, message(count));
                reportPlaces();
            } catch (final RuntimeException | Error e) { // also of a stack at its end; the caller's work is done
                unreported.addAndGet(count);
            }
        }
    }

    /** Not by the operator +, whose call site stays broken for ever if it is linked for the first time without stack. */
    private String message(final long count) {
        final StringBuilder message = new StringBuilder(200)
            .append("a thread died holding a guard or a pin, which is released now: thread id=").append(lastThreadId)
            .append(", exclusive locks=").append(lastLocks);
        return (count == 1 ? message : message.append("; the last of ").append(count).append(" slots of such threads"))
            .toString();
    }

    private void reportPlaces() {
        final List<Ledger.Entry> some;
        synchronized (places) {
            some = List.copyOf(places);
            places.clear();
        }
        for (final Ledger.Entry taken : some) {
            logger.log(Level.WARNING, "the place that took what a dead thread left behind", taken);
        }
    }
}
