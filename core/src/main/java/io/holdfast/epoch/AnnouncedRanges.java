// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;
import java.util.function.BooleanSupplier;

/** Looks for ranges of structural changes that threads have announced in their slots. */
final class AnnouncedRanges {
    private AnnouncedRanges() {
    }

    /**
     * Waits for every change that was announced before this call in a range that overlaps; a change that is announced
     * later is not waited for, also in the same slot.
     *
     * @param pause lets others go on; false gives up
     * @return false if the waiting gave up
     */
    static boolean await(final SlotTable slots, final long start, final long end, final BooleanSupplier pause) {
        return await(slots, slots.platformGroups(), start, end, pause) &&
            await(slots, slots.virtualGroups(), start, end, pause);
    }

    private static boolean await(final SlotTable slots, final SlotGroup[] groups, final long start, final long end,
                                 final BooleanSupplier pause) {
        for (final SlotGroup group : groups) {
            if (!await(slots, group, group.scanned(), start, end, pause)) {
                return false;
            }
        }
        return true;
    }

    private static boolean await(final SlotTable slots, final SlotGroup group, final int used, final long start,
                                 final long end, final BooleanSupplier pause) {
        for (int i = 0; i < used; i++) {
            final long slot = group.slot(i);
            final long first = SlotLayout.rangeEndVolatile(slot);
            while (isInside(slot, first, start, end)) {
                if (slots.bury(group, i)) {
                    break;
                }
                if (!pause.getAsBoolean()) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Shows what is announced in a range, as far as can be seen at this moment. */
    static void forEach(final SlotTable slots, final long start, final long end,
                        final RangeVisitor visitor) {
        for (final SlotGroup group : slots.platformGroups()) {
            forEach(group, group.used(), start, end, visitor);
        }
        for (final SlotGroup group : slots.virtualGroups()) {
            forEach(group, group.capacity(), start, end, visitor);
        }
    }

    private static void forEach(final SlotGroup group, final int used, final long start, final long end,
                                final RangeVisitor visitor) {
        for (int i = 0; i < used; i++) {
            final long slot = group.slot(i);
            final long word = SlotLayout.rangeEndVolatile(slot);
            final Thread owner = group.owner(i);
            if (owner != null && isInside(slot, word, start, end)) {
                visitor.visit(SlotLayout.rangeStartAcquire(slot), SlotLayout.rangeEnd(word), owner);
            }
        }
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
