// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * What a writer does with the reader slots after its heavy barrier: passes over those that do not concern it, of which
 * there are as many as threads that ever read, and waits for the others. Thread-safe; wait-free where it does not wait.
 */
final class SlotScan {
    /*
     * MORE, so that three words say of a slot that nothing is announced in it
     *
     *   owner                                     writer
     *   R0 MORE := MORE with the hazard's bit     W1 make it unreachable: volatile RMW
     *   R1 hazard := record                       W2 heavy barrier
     *   R2 light barrier                          W3 read PIN, HAZARD 0, MORE: all 0, the slot is passed over
     *   R3 read lock word                         W4 acquire fence
     *   R4 hazard := 0, with release
     *   R5 MORE := MORE without the bit, with release
     *
     * [E5] R0 comes before R2 as R1 does; their order among each other does not matter. So [E1] holds of MORE as it does
     *      of the hazard: either R3 finds W1, or W3 finds the bit, unless R5 has taken it away. With R0 after R3 a writer
     *      in between would pass over a reader that is inside.
     * [E6] R5 comes after R4, and both with release. A writer that reads a MORE of 0 that R5 wrote runs W4 after it, so the
     *      reader's last access comes before the reclaim, as with [E2]; a bit is taken away with its own hazard alone.
     *
     * A thread whose record moves from one hazard to another, while a writer that has excluded it looks, does not exist:
     * an announcement made after W1 ends in a refusal. Hazard 0 and the pin have no bit, so the quick way does not know
     * MORE. MORE is written by the owner, or by who buries it under the table's lock. If the owner stops between R0 and R1
     * or between R4 and R5, for ever or with a stack overflow, writers look at each hazard of the slot, which costs time
     * alone; the hazard's next use puts the bit right.
     */
    private static final long STRIDE = 7L * SlotLayout.BYTES;

    private SlotScan() {
    }

    /**
     * Waits until no hazard of these groups but {@code except} names the record and no pin from before {@code tag} is left.
     *
     * <p>The hazards are written out for the sake of the compiler, as in TreeReader: an access to an off-heap word is some
     * 650 nodes to it, and it stops inlining where a method has 18,000. Inlined into a writer this loop finds the budget
     * used up, and each access is a call, 18 ns a slot for one; so the method is too long to be inlined anywhere (more than
     * 325 bytes of bytecode), has a budget of its own, and no more accesses than fit in it.
     *
     * @param tag      0 if pins do not matter
     * @param waiting  null to look and not to wait
     * @param listener told when it takes long
     * @return false if somebody is left
     */
    static boolean await(final EpochDomain domain, final SlotTable slots, final SlotGroup[] groups, final long record,
                         final long except, final long tag, final @Nullable Waiting waiting,
                         final DrainListener listener) {
        for (final SlotGroup group : groups) {
            final long end = group.slot(group.scanned());
            long slot = group.slot(0);
            while (slot < end) {
                if (end - slot >= STRIDE && (SlotLayout.announcedOpaque(slot) |
                    SlotLayout.announcedOpaque(slot + SlotLayout.BYTES) |
                    SlotLayout.announcedOpaque(slot + 2 * SlotLayout.BYTES) |
                    SlotLayout.announcedOpaque(slot + 3 * SlotLayout.BYTES) |
                    SlotLayout.announcedOpaque(slot + 4 * SlotLayout.BYTES) |
                    SlotLayout.announcedOpaque(slot + 5 * SlotLayout.BYTES) |
                    SlotLayout.announcedOpaque(slot + 6 * SlotLayout.BYTES)) == 0) { // [E5]
                    slot += STRIDE;
                    continue;
                }
                final long first = SlotLayout.hazardAcquire(slot, 0); // [E2]
                final long second = SlotLayout.hazardAcquire(slot, 1);
                final long third = SlotLayout.hazardAcquire(slot, 2);
                final boolean isHeld = first == record && SlotLayout.hazardAddress(slot, 0) != except ||
                    second == record && SlotLayout.hazardAddress(slot, 1) != except ||
                    third == record && SlotLayout.hazardAddress(slot, 2) != except;
                if (isHeld || EpochDomain.pinnedAtOrBefore(slot, tag)) {
                    if (slots.bury(group, group.indexOf(slot))) {
                        continue;
                    }
                    if (!isHeld) {
                        domain.advanceBeyond(tag); // [E4]
                    }
                    if (waiting == null || !waiting.pause()) {
                        return false;
                    }
                    if (waiting.reportDue()) {
                        listener.stillDraining(record, tag, waiting);
                    }
                    continue;
                }
                slot += SlotLayout.BYTES;
            }
        }
        VarHandle.acquireFence(); // [E2], [E6], for the slots passed over
        return true;
    }
}
