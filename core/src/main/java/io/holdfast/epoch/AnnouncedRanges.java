// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;

/** Looks for ranges of structural changes that threads have announced in their slots. */
final class AnnouncedRanges {
    private AnnouncedRanges() {
    }

    /**
     * Waits for every change that was announced before this call in a range that overlaps; a change that is announced
     * later is not waited for, also in the same slot.
     *
     * @return false if the waiting gave up
     */
    static boolean await(final SlotTable slots, final long start, final long end, final Waiting waiting) {
        for (final SlotGroup group : slots.platformGroups()) {
            if (!await(slots, group, group.used(), start, end, waiting)) {
                return false;
            }
        }
        for (final SlotGroup group : slots.virtualGroups()) {
            if (group.isOccupied() && !await(slots, group, group.capacity(), start, end, waiting)) {
                return false;
            }
        }
        return true;
    }

    private static boolean await(final SlotTable slots, final SlotGroup group, final int used, final long start,
                                 final long end, final Waiting waiting) {
        for (int i = 0; i < used; i++) {
            final long slot = group.slot(i);
            final long first = SlotLayout.rangeEndVolatile(slot);
            while (isInside(slot, first, start, end)) {
                if (slots.bury(group, i)) {
                    break;
                }
                if (!waiting.pause()) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Whether the announcement that {@code first} is of still stands and overlaps. */
    private static boolean isInside(final long slot, final long first, final long start, final long end) {
        final long rangeEnd = SlotLayout.rangeEndVolatile(slot);
        if (!SlotLayout.isRange(rangeEnd) || !SlotLayout.isSameRange(rangeEnd, first)) {
            return false;
        }
        // The start is written before the end, so it is not older than the end: the two contain what is announced now.
        final long rangeStart = SlotLayout.rangeStartAcquire(slot);
        return rangeStart < end && start < SlotLayout.rangeEnd(rangeEnd) ||
            !SlotLayout.isSameRange(SlotLayout.rangeEndVolatile(slot), first);
    }
}
