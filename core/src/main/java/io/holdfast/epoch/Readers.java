// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who is reading, for reports. */
final class Readers {
    private Readers() {
    }

    /** Name of a thread, or a note that it is gone. */
    static String name(final @Nullable Thread thread) {
        return thread == null ? "(gone)" : thread.getName();
    }

    /** Those who hold the record, or a pin from before the tag. */
    static List<Holder> of(final SlotTable slots, final long record, final long tag) {
        final List<Holder> holders = new ArrayList<>();
        for (final SlotGroup group : slots.platformGroups()) {
            add(group, group.used(), record, tag, holders);
        }
        for (final SlotGroup group : slots.virtualGroups()) {
            add(group, group.capacity(), record, tag, holders);
        }
        return holders;
    }

    /** Those who are pinned, for memory or for the structure alone. */
    static List<Holder> pinned(final SlotTable slots) {
        final List<Holder> holders = new ArrayList<>();
        for (final SlotGroup group : slots.platformGroups()) {
            addPinned(group, group.used(), holders);
        }
        for (final SlotGroup group : slots.virtualGroups()) {
            addPinned(group, group.capacity(), holders);
        }
        return holders;
    }

    private static void addPinned(final SlotGroup group, final int used, final List<Holder> holders) {
        for (int i = 0; i < used; i++) {
            final long slot = group.slot(i);
            if (SlotLayout.pinAcquire(slot) != 0) {
                holders.add(holder(group, i, Holder.How.PIN, SlotLayout.pinAddress(slot)));
            }
            if (SlotLayout.structureAcquire(slot) != 0) {
                holders.add(holder(group, i, Holder.How.STRUCTURE_PIN, SlotLayout.structureAddress(slot)));
            }
        }
    }

    private static void add(final SlotGroup group, final int used, final long record, final long tag,
                            final List<Holder> holders) {
        for (int i = 0; i < used; i++) {
            final long slot = group.slot(i);
            final int hazard = hazardOf(slot, record);
            if (hazard >= 0) {
                holders.add(holder(group, i, Holder.How.HAZARD, SlotLayout.hazardAddress(slot, hazard)));
            }
            if (EpochDomain.pinnedAtOrBefore(slot, tag)) {
                holders.add(holder(group, i, Holder.How.PIN, SlotLayout.pinAddress(slot)));
            }
        }
    }

    private static int hazardOf(final long slot, final long record) {
        for (int i = 0; i < SlotLayout.HAZARDS; i++) {
            if (SlotLayout.hazardAcquire(slot, i) == record) {
                return i;
            }
        }
        return -1;
    }

    private static Holder holder(final SlotGroup group, final int index, final Holder.How how, final long address) {
        final Thread thread = group.owner(index);
        final long id = Math.abs(SlotLayout.ownerAcquire(group.slot(index)));
        return new Holder(id, name(thread), how, Ledger.at(address));
    }
}
