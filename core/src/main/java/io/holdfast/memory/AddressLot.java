// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Addresses of reservations that were dissolved: joined where they touch, and cut for others. They take no memory, show
 * zeros or allow no access, and go with the library. Thread-safe.
 */
final class AddressLot {
    private final TreeMap<Long, Part> parts = new TreeMap<>(); // by first address; under this
    private volatile long bytes;

    private record Part(AddressRange range, Unloading unloading) {
    }

    /** {@return the sum of the lengths} */
    long bytes() {
        return bytes;
    }

    /** Takes a range of absolute addresses in, none of which is here. */
    synchronized void put(final long from, final long to) {
        final Map.Entry<Long, Part> before = parts.lowerEntry(from);
        final Part after = parts.get(to);
        final boolean joinsBefore = before != null && before.getValue().range.end() == from;
        final long start = joinsBefore ? before.getKey() : from;
        final long end = after != null ? after.range.end() : to;
        final Part joined = new Part(new AddressRange(start, end - start), new Unloading(start, end - start, true));
        if (joinsBefore) {
            before.getValue().unloading.arm(false);
        }
        if (after != null) {
            after.unloading.arm(false);
            parts.remove(to);
        }
        parts.put(start, joined);
        bytes += to - from;
    }

    /**
     * Cuts off the beginning of the smallest part in which an aligned range fits, with some more bytes on either side.
     *
     * @return from the beginning of the part to the last of the bytes behind; null if there is no such part
     */
    synchronized @Nullable AddressRange take(final long length, final long alignment, final long around) {
        Part best = null;
        long taken = 0;
        for (final Part part : parts.values()) {
            final long aligned = part.range.offset() + around + alignment - 1 & -alignment;
            final long needed = aligned + length + around - part.range.offset();
            if (needed <= part.range.length() && (best == null || part.range.length() < best.range.length())) {
                best = part;
                taken = needed;
            }
        }
        if (best == null) {
            return null;
        }
        final AddressRange cut = new AddressRange(best.range.offset(), taken);
        if (cut.length() < best.range.length()) {
            put(cut.end(), best.range.end());
        }
        parts.remove(cut.offset());
        bytes -= best.range.length();
        best.unloading.arm(false);
        return cut;
    }
}
