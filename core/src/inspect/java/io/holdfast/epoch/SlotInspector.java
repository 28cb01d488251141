// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.Behind;
import io.holdfast.layout.Findings;
import io.holdfast.layout.SlotLayout;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Looks at all reader slots of a domain while no thread is inside: nothing is announced, nothing is nested, who is said to
 * be light is counted, and chains and index lead to slots of the same owner. What the dead left behind is whoever's who
 * waits for it, and not looked at.
 */
public final class SlotInspector {
    private final SlotTable table;
    private final SlotIndex index;
    private final Findings findings;
    private long lights;

    private SlotInspector(final EpochDomain domain, final Findings findings) {
        this.table = (SlotTable) Behind.field(domain, "slots");
        this.index = (SlotIndex) Behind.field(table, "index");
        this.findings = findings;
    }

    /** Notes what is wrong with the slots of a domain. */
    public static void check(final EpochDomain domain, final Findings findings) {
        new SlotInspector(domain, findings).run();
    }

    private void run() {
        for (final SlotGroup group : table.platformGroups()) {
            check(group, false);
        }
        for (final SlotGroup group : table.virtualGroups()) {
            check(group, true);
        }
        final int counted = ((AtomicInteger) Behind.field(table, "lights")).get();
        findings.require(counted == lights, "light threads are miscounted: in slots=" + lights + ", counted", counted);
    }

    private void check(final SlotGroup group, final boolean virtual) {
        int owned = 0;
        for (int i = 0; i < group.capacity(); i++) {
            final long slot = group.slot(i);
            final long owner = SlotLayout.ownerAcquire(slot);
            owned += owner == 0 ? 0 : 1;
            lights += SlotLayout.fenced(slot) < 0 ? 1 : 0;
            if (group.orphan(i) == 0 && SlotLayout.writesOpaque(slot) >= 0) {
                checkSilent(slot);
                if (owner == 0) {
                    checkFree(group, i, slot);
                } else {
                    checkOwned(virtual, i < group.used(), slot, owner);
                }
            }
        }
        if (virtual && (boolean) Behind.field(group, "counted")) {
            final int inside = ((AtomicInteger) Behind.field(group, "occupied")).get();
            findings.require(inside == owned, "virtual threads are miscounted: in slots=" + owned + ", counted", inside);
        }
    }

    private void checkSilent(final long slot) {
        findings.require(SlotLayout.pinAcquire(slot) == 0, "a pin is left, slot", slot);
        findings.require(SlotLayout.structureAcquire(slot) == 0, "a structure pin is left, slot", slot);
        boolean hazards = false;
        for (int i = 0; i < SlotLayout.HAZARDS; i++) {
            final long hazard = SlotLayout.hazardAcquire(slot, i);
            hazards |= hazard != 0;
            findings.require(hazard == 0, "hazard " + i + " is left, record=0x" + Long.toHexString(hazard) + ", slot",
                slot);
        }
        findings.require(hazards || SlotLayout.pinAcquire(slot) != 0 || SlotLayout.announcedOpaque(slot) == 0,
            "MORE is left, slot", slot);
        findings.require(!SlotLayout.isRange(SlotLayout.rangeEndVolatile(slot)), "an announced range is left, slot", slot);
        findings.require(SlotLayout.writesOpaque(slot) == 0, "an exclusive lock is left, slot", slot);
        findings.require(SlotLayout.depth(slot) == 0, "a nested pin is left, slot", slot);
        findings.require(SlotLayout.structureDepth(slot) == 0, "a nested structure pin is left, slot", slot);
    }

    private void checkFree(final SlotGroup group, final int at, final long slot) {
        findings.require(SlotLayout.extension(slot) == 0, "a free slot has an extension, slot", slot);
        findings.require(SlotLayout.fenced(slot) == 0, "a free slot is marked, slot", slot);
        findings.require(group.owner(at) == null, "a free slot has an owner, slot", slot);
    }

    private void checkOwned(final boolean virtual, final boolean used, final long slot, final long owner) {
        findings.require(!virtual, "a virtual thread has kept its slot, owner=" + owner + ", slot", slot);
        findings.require(used, "a slot is owned that no writer looks at, slot", slot);
        findings.require(virtual || owner < 0 || index.find(owner) == slot, "the index misses its owner, slot", slot);
        final long extension = SlotLayout.extension(slot);
        findings.require(extension == 0 || SlotLayout.ownerAcquire(extension) == -Math.abs(owner),
            "an extension is not its owner's, slot", slot);
    }
}
