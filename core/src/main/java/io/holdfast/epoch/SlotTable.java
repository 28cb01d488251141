// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;
import io.holdfast.memory.NativeMemory;
import java.lang.System.Logger.Level;
import java.lang.ref.WeakReference;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The reader slots of one domain: who may announce, and where a writer has to look.
 *
 * <p>A platform thread registers once and keeps its slot until it dies. A virtual thread claims one by compare-and-set
 * for as long as it is pinned or holds something, in a window that its id selects, so that it finds the slot again on
 * whatever carrier it runs; a million virtual threads cost what is held at once. A thread that needs more hazards than
 * a slot has gets further slots, chained to its first.
 *
 * <p>Thread-safe. Registration and the burial of dead threads take a lock; claims, announcements and scans take none.
 */
final class SlotTable {
    /*
     * Groups are published with volatile writes before any slot in them is announced in, and a writer reads the arrays
     * after its heavy barrier, so it looks at every slot in which an announcement came before that barrier. The same
     * holds for the number of slots in use in a group, which is raised before anything is announced in them: a group
     * that shows none after the barrier has no announcement from before it.
     */
    static final int FIRST_GROUP = 64;
    private static final int WINDOW = 8;
    private static final int MAX_GROUPS = 20;
    private static final System.Logger LOGGER = System.getLogger(SlotTable.class.getName());

    private final NativeMemory memory;
    private final ThreadLocal<Long> platformSlot = new ThreadLocal<>();
    private final QuickSlot[] quickSlots = QuickSlots.newTable();
    private final boolean quick;
    private final AtomicLong orphans = new AtomicLong();
    private volatile SlotGroup[] platformGroups;
    private volatile SlotGroup[] virtualGroups;

    /**
     * An empty table.
     *
     * @param quick whether slots may be announced in without a fence
     */
    SlotTable(final NativeMemory memory, final boolean quick) {
        this.memory = memory;
        this.quick = quick;
        this.platformGroups = new SlotGroup[] {new SlotGroup(memory, FIRST_GROUP, false)};
        this.virtualGroups = new SlotGroup[] {new SlotGroup(memory, FIRST_GROUP, false)};
    }

    /** The slots of platform threads, where they may be announced in without a fence. */
    QuickSlot[] quickSlots() {
        return quickSlots;
    }

    /** The current thread's slot, claimed or registered if it has none. */
    long slot() {
        final long slot = QuickSlots.address(quickSlots);
        return slot != 0 ? slot : anySlot();
    }

    private long anySlot() {
        final Thread thread = Thread.currentThread();
        if (thread.isVirtual()) {
            final long slot = find(thread);
            return slot != 0 ? slot : claim(thread, thread.threadId());
        }
        final Long slot = platformSlot.get();
        return slot != null ? slot : registerFirst(thread);
    }

    /** The current thread's slot, or 0 if it has none. */
    long slotOrNone() {
        final long slot = QuickSlots.address(quickSlots);
        return slot != 0 ? slot : anySlotOrNone();
    }

    private long anySlotOrNone() {
        final Thread thread = Thread.currentThread();
        if (thread.isVirtual()) {
            return find(thread);
        }
        final Long slot = platformSlot.get();
        return slot != null ? slot : 0;
    }

    /** Gives a virtual thread's slot back if it announces nothing any more; platform threads keep theirs. */
    void releaseIfIdle(final long slot) {
        if (!Thread.currentThread().isVirtual() || !isIdle(slot)) {
            return;
        }
        long next = slot;
        while (next != 0) {
            final long current = next;
            next = SlotLayout.extension(current);
            free(virtualGroups, current);
        }
    }

    /** Another slot for the current thread, chained behind {@code last}. */
    long extend(final long last) {
        final Thread thread = Thread.currentThread();
        final long owner = -thread.threadId(); // so that find() comes to the first slot only
        final long extension = thread.isVirtual() ? claim(thread, owner) : register(thread, owner);
        SlotLayout.extension(last, extension);
        return extension;
    }

    /** Groups that a writer has to scan; read after its heavy barrier. */
    SlotGroup[] platformGroups() {
        return platformGroups;
    }

    /** Groups that a writer has to scan where they are occupied; read after its heavy barrier. */
    SlotGroup[] virtualGroups() {
        return virtualGroups;
    }

    /** Slots that were taken back from threads that died while they announced something. */
    long orphansBuried() {
        return orphans.get();
    }

    /** Takes the slot back if its owner died; true if it did. */
    boolean bury(final SlotGroup group, final int index) {
        return group.isOrphan(index) && buryLocked(group, index);
    }

    private synchronized boolean buryLocked(final SlotGroup group, final int index) {
        if (!group.isOrphan(index)) {
            return false; // another thread was faster, and somebody else may own the slot by now
        }
        final long slot = group.slot(index);
        if (!announcesNothing(slot)) {
            orphans.incrementAndGet();
            LOGGER.log(Level.WARNING, "a thread died holding a guard or a pin, which is released now: thread id=" +
                Math.abs(SlotLayout.ownerAcquire(slot)) + ", pinned epoch=" + SlotLayout.pin(slot));
        }
        for (int i = 0; i < SlotLayout.HAZARDS; i++) {
            SlotLayout.hazardRelease(slot, i, 0);
        }
        SlotLayout.pinRelease(slot, 0);
        SlotLayout.structureRelease(slot);
        SlotLayout.rangeRelease(slot, 0, 0);
        free(group, index);
        return true;
    }

    private static boolean announcesNothing(final long slot) {
        for (int i = 0; i < SlotLayout.HAZARDS; i++) {
            if (SlotLayout.hazardAcquire(slot, i) != 0) {
                return false;
            }
        }
        return SlotLayout.pinAcquire(slot) == 0 && SlotLayout.structureAcquire(slot) == 0;
    }

    private static boolean isIdle(final long slot) {
        long next = slot;
        while (next != 0) {
            if (!announcesNothing(next) || SlotLayout.rangeEndAcquire(next) != 0) {
                return false;
            }
            next = SlotLayout.extension(next);
        }
        return true;
    }

    private static void free(final SlotGroup[] groups, final long slot) {
        for (final SlotGroup group : groups) {
            final int index = group.indexOf(slot);
            if (index >= 0) {
                free(group, index);
                return;
            }
        }
        throw new IllegalStateException("not a reader slot: address=0x" + Long.toHexString(slot));
    }

    private static void free(final SlotGroup group, final int index) {
        final long slot = group.slot(index);
        SlotLayout.depth(slot, 0);
        SlotLayout.structureDepth(slot, 0);
        SlotLayout.extension(slot, 0);
        group.disown(index);
        SlotLayout.ownerRelease(slot);
        group.leave();
    }

    private long registerFirst(final Thread thread) {
        final long slot = register(thread, thread.threadId());
        platformSlot.set(slot);
        if (quick) {
            QuickSlots.add(quickSlots, thread.threadId(), slot);
        }
        return slot;
    }

    private synchronized long register(final Thread thread, final long owner) {
        for (final SlotGroup group : platformGroups) {
            for (int i = 0; i < group.capacity(); i++) {
                bury(group, i);
                if (SlotLayout.ownerAcquire(group.slot(i)) == 0) {
                    return take(group, i, thread, owner);
                }
            }
        }
        final SlotGroup[] grown = append(platformGroups, false);
        platformGroups = grown;
        return take(grown[grown.length - 1], 0, thread, owner);
    }

    private static long take(final SlotGroup group, final int index, final Thread thread, final long owner) {
        final long slot = group.slot(index);
        final WeakReference<Thread> reference = new WeakReference<>(thread); // before the claim: it may throw
        if (!SlotLayout.claim(slot, owner)) {
            throw new IllegalStateException("reader slot taken while registering: owner=" +
                SlotLayout.ownerAcquire(slot));
        }
        group.raiseUsed(index + 1);
        group.ownedWeaklyBy(index, reference);
        return slot;
    }

    private long find(final Thread thread) {
        final long id = thread.threadId();
        for (final SlotGroup group : virtualGroups) {
            final int mask = group.capacity() - 1;
            for (int i = 0; i < WINDOW; i++) {
                final long slot = group.slot(window(id, mask, i));
                if (SlotLayout.ownerAcquire(slot) == id) {
                    return slot;
                }
            }
        }
        return 0;
    }

    private long claim(final Thread thread, final long owner) {
        while (true) {
            final SlotGroup[] groups = virtualGroups;
            for (final SlotGroup group : groups) {
                final long slot = claimIn(group, thread, owner);
                if (slot != 0) {
                    return slot;
                }
            }
            growVirtual(groups);
        }
    }

    private static long claimIn(final SlotGroup group, final Thread thread, final long owner) {
        final int mask = group.capacity() - 1;
        for (int i = 0; i < WINDOW; i++) {
            final int index = window(thread.threadId(), mask, i);
            final long slot = group.slot(index);
            if (SlotLayout.ownerAcquire(slot) == 0) {
                group.enter();
                if (SlotLayout.claim(slot, owner)) {
                    group.ownedBy(index, thread);
                    return slot;
                }
                group.leave();
            }
        }
        return 0;
    }

    private synchronized void growVirtual(final SlotGroup[] seen) {
        if (virtualGroups.length != seen.length) {
            return;
        }
        boolean buried = false;
        for (final SlotGroup group : seen) {
            for (int i = 0; i < group.capacity(); i++) {
                buried |= bury(group, i);
            }
        }
        if (!buried) {
            virtualGroups = append(seen, true);
        }
    }

    private SlotGroup[] append(final SlotGroup[] groups, final boolean counted) {
        if (groups.length == MAX_GROUPS) {
            throw new IllegalStateException("too many threads announce at once: groups=" + groups.length +
                "; end pins and guards earlier");
        }
        final SlotGroup[] appended = Arrays.copyOf(groups, groups.length + 1);
        appended[groups.length] = new SlotGroup(memory, FIRST_GROUP << groups.length, counted);
        return appended;
    }

    private static int window(final long threadId, final int mask, final int step) {
        final long mixed = threadId * 0x9E3779B97F4A7C15L;
        return (int) (mixed >>> 40) + step & mask;
    }
}
