// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.epoch.Ledger;
import io.holdfast.layout.RecordLayout;
import io.holdfast.memory.Reservation;
import io.holdfast.memory.ReservedPages;
import java.lang.System.Logger.Level;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Finds in debug mode who uses memory after its unmap: while addresses rest, their pages are poisoned, so that what is read
 * late is conspicuous; and when they have rested, what was written late is reported.
 *
 * <p>Thread-safe for different regions.
 */
final class LateWrites {
    /** What poisoned pages show. */
    static final byte POISON = (byte) 0xA5;

    /** Poisoned pages are in memory, so there are not more of them; others rest without, as zeros. */
    static final long MOST_BYTES = 64L << 20;

    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    /** What is known of a region that is gone. */
    private record Remains(String description, RegionLabels.@Nullable Origin mapped) {
    }

    /** One that was written. */
    private record Written(Remains of, long offset) {
    }

    private final Reservation reservation;
    private final RegionLabels labels;
    private final String space;
    private final ConcurrentMap<Long, Remains> poisoned = new ConcurrentHashMap<>();
    private final AtomicLong bytes = new AtomicLong();
    private final Queue<Written> untold = new ConcurrentLinkedQueue<>();
    private final AtomicLong found = new AtomicLong();

    private LateWrites(final Reservation reservation, final RegionLabels labels, final String space) {
        this.reservation = reservation;
        this.labels = labels;
        this.space = space;
    }

    /** For a space in debug mode, else null. */
    static @Nullable LateWrites of(final Reservation reservation, final RegionLabels labels, final String space) {
        return Ledger.ENABLED ? new LateWrites(reservation, labels, space) : null;
    }

    /** Poisons writable anonymous pages, unless they, or those that are, are many; whether it did. Can be repeated. */
    boolean poison(final PendingUnmap pending) {
        final long record = pending.record();
        if (pending.length() > ReservedPages.ZERO_BY_HAND_BYTES) {
            return false;
        }
        if (!poisoned.containsKey(record)) {
            if (bytes.addAndGet(pending.length()) > MOST_BYTES) {
                bytes.addAndGet(-pending.length());
                return false;
            }
            poisoned.put(record, new Remains("space=" + space + ", name=" + labels.name(record) + ", start=" +
                pending.start() + ", length=" + pending.length() + ", unmapped by thread " + pending.announcer(),
                labels.origin(record)));
        }
        reservation.fill(pending.start(), pending.length(), POISON);
        return true;
    }

    /** Looks whether addresses that have rested were written, and gives their pages back. Can be repeated. */
    void look(final long record) {
        final Remains remains = poisoned.get(record);
        if (remains == null) {
            return;
        }
        final long start = RecordLayout.start(record);
        final long length = RecordLayout.limit(record) - start;
        final long changed = reservation.firstOther(start, length, POISON);
        reservation.dropAnonymous(start, length);
        poisoned.remove(record);
        bytes.addAndGet(-length);
        if (changed >= 0 && found.incrementAndGet() <= RegionLabels.SHOWN) {
            untold.add(new Written(remains, changed));
        }
    }

    /** Reports what was found since the last time, as far as it is among the first few. */
    void tell() {
        for (Written each = untold.poll(); each != null; each = untold.poll()) {
            LOGGER.log(Level.WARNING, "region was written after its unmap: " + each.of.description + ", offset=" +
                each.offset + "; look for who keeps an address of it", each.of.mapped);
        }
    }

    /** Says in one line how many there were, if not all were reported, and begins anew. */
    void tellAll() {
        final long all = found.getAndSet(0);
        if (all > RegionLabels.SHOWN) {
            LOGGER.log(Level.WARNING, "regions were written after their unmap: space=" + space + ", regions=" + all +
                ", shown=" + RegionLabels.SHOWN + "; look for who keeps addresses of them");
        }
    }
}
