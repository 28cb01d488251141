// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;
import io.holdfast.memory.NativeMemory;
import java.lang.invoke.VarHandle;
import java.lang.ref.WeakReference;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

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
     *
     * Who announces without a fence. A platform thread is LIGHT (FENCED in its slot is its mark) or announces with a full
     * fence; virtual threads always do. LIGHTS counts the LIGHT ones. A writer that reads a LIGHTS of 0 after its own
     * full fence needs no membarrier:
     *
     *   reader                          writer
     *   L1 LIGHTS + 1                   W1 make it unreachable: volatile RMW
     *   L2 full fence                   L4 full fence
     *   R1 announce; R2                 L5 read LIGHTS
     *   R3 read lock word or root       W3 read the slots
     *   L3 LIGHTS - 1
     *
     * [L1] The writer reads a LIGHTS from before L1: then L2 follows L4, and R3 finds W1. From between L1 and L3: it
     *      issues the membarrier [E1]. From after L3: a read-modify-write of LIGHTS that follows all R1 of the time, so
     *      W3 finds what is still announced of it. Without L2 the reader's R3 could come before its L1, and neither sees
     *      the other. A reader that is not LIGHT has a full fence as its R2, which meets L4 as L2 does.
     * [L2] Only a thread that finds its own mark in FENCED announces without a fence, and it takes the mark away before
     *      it is not counted any more; the mark says at once whose the slot is, so the quick way looks at one word.
     *
     * [U2] A thread that died with exclusive locks leaves its slot to their heirs: it is cleared, has no owner any more but
     *      the id, and the number of locks below 0, until the last of them is ended. So nothing has to be allocated when
     *      it is buried. Who reads a number below 0, and then the id, has the two of one thread: the slot is not free, and
     *      nobody else's, between them.
     *
     * A new slot is not LIGHT, and neither is one that was buried; a thread that dies LIGHT is counted until then, which
     * costs writers a membarrier they do not need, so they look for the dead now and then.
     */
    static final int FIRST_GROUP = 64;
    private static final int WINDOW = 8;
    private static final int MAX_GROUPS = 20;

    private final NativeMemory memory;
    private final ThreadLocal<Long> platformSlot = new ThreadLocal<>();
    private final long quickSeed;
    private final long fencedAnnouncements;
    private final AtomicInteger lights = new AtomicInteger();
    private final Burials burials;
    private final SlotIndex index = new SlotIndex();
    private int untilBurial = FIRST_GROUP / 4; // registrations, before the dead are looked for; under the lock
    private volatile SlotGroup[] platformGroups;
    private volatile SlotGroup[] virtualGroups;

    /**
     * An empty table.
     *
     * @param fencedAnnouncements how many announcements a thread makes with a fence, after its first and after each
     *                            heavy barrier of its own, before it makes them without
     * @param logger              told what threads take into death
     */
    SlotTable(final NativeMemory memory, final long fencedAnnouncements, final System.Logger logger) {
        this.memory = memory;
        this.burials = new Burials(logger);
        this.quickSeed = fencedAnnouncements == SlotLayout.ALWAYS_FENCED ? QuickSlots.NO_SEED : QuickSlots.newSeed();
        this.fencedAnnouncements = quickSeed == QuickSlots.NO_SEED ? SlotLayout.ALWAYS_FENCED : fencedAnnouncements;
        this.platformGroups = new SlotGroup[] {new SlotGroup(memory, FIRST_GROUP, 0, false)};
        this.virtualGroups = new SlotGroup[] {new SlotGroup(memory, FIRST_GROUP, FIRST_GROUP, false)};
    }

    /** For {@link QuickSlots}: finds the slots of platform threads that announce without a fence. */
    long quickSeed() {
        return quickSeed;
    }

    /** The current thread's slot, claimed or registered if it has none. */
    long slot() {
        final long mark = QuickSlots.mark(quickSeed);
        final long slot = QuickSlots.hint(mark);
        return QuickSlot.isOf(slot, mark) ? slot : anySlot();
    }

    private long anySlot() {
        final Thread thread = Thread.currentThread();
        if (thread.isVirtual()) {
            final long slot = findVirtual(thread.threadId());
            return slot != 0 ? slot : claim(thread, thread.threadId());
        }
        final Long known = platformSlot.get();
        final long slot = known != null ? known : lost(thread);
        QuickSlots.show(quickSeed, slot);
        return slot;
    }

    /** The slot of a thread that has none, or whose thread-locals somebody erased, as some pools do between tasks. */
    private long lost(final Thread thread) {
        final long found = index.find(thread.threadId());
        final long slot = found != 0 ? found : register(thread, thread.threadId());
        platformSlot.set(slot); // may throw; then it is found again by its index
        return slot;
    }

    /** The current thread's slot, or 0 if it has none. */
    long slotOrNone() {
        final long mark = QuickSlots.mark(quickSeed);
        final long slot = QuickSlots.hint(mark);
        return QuickSlot.isOf(slot, mark) ? slot : anySlotOrNone();
    }

    private long anySlotOrNone() {
        final Thread thread = Thread.currentThread();
        if (thread.isVirtual()) {
            return findVirtual(thread.threadId());
        }
        final Long slot = platformSlot.get();
        return slot != null ? slot : index.find(thread.threadId());
    }

    /** Gives a virtual thread's slot back if it announces nothing any more; platform threads keep theirs. */
    void releaseIfIdle(final long slot) {
        if (!Thread.currentThread().isVirtual()) {
            return;
        }
        ReservedStack.forEnd(slot); // all of it, or nothing
        if (!isIdle(slot)) {
            return;
        }
        long next = slot;
        while (next != 0) {
            final long current = next;
            next = SlotLayout.extension(current);
            final SlotGroup group = virtualGroupOf(current);
            free(group, group.indexOf(current));
        }
    }

    /**
     * Orders an announcement of the current thread before its later reads: R2. It counts as one of a reader.
     *
     * @param slot the thread's first
     */
    void orderReader(final long slot) {
        final long left = SlotLayout.fenced(slot);
        if (left < 0) {
            EpochDomain.compilerBarrier();
            return;
        }
        if (left == 0) {
            lights.incrementAndGet(); // [L1] L1
            QuickSlots.enter(quickSeed, slot);
        } else {
            SlotLayout.fenced(slot, left - 1);
        }
        VarHandle.fullFence(); // [L1] L2, or R2 of a thread that is not LIGHT
    }

    /** The same for an announcement that is not one of a reader: it may be made in the course of every change. */
    void order() {
        final long mark = QuickSlots.mark(quickSeed);
        if (QuickSlot.isOf(QuickSlots.hint(mark), mark)) {
            EpochDomain.compilerBarrier();
        } else {
            VarHandle.fullFence();
        }
    }

    /** The current thread, whose first slot is given, announces with fences from here on, for some time. */
    void fence(final long slot) {
        if (SlotLayout.fenced(slot) < 0) {
            SlotLayout.fenced(slot, fencedAnnouncements); // [L2]
            lights.decrementAndGet(); // [L1] L3
        } else if (SlotLayout.fenced(slot) != SlotLayout.ALWAYS_FENCED) {
            SlotLayout.fenced(slot, fencedAnnouncements);
        }
    }

    /** Whether any thread may announce without a fence; read after a full fence [L1]. */
    boolean isAnyLight() {
        return lights.get() != 0;
    }

    /** Takes the slots of platform threads back that have died. */
    synchronized void buryAll() {
        for (final SlotGroup group : platformGroups) {
            for (int i = 0; i < group.used(); i++) {
                bury(group, i);
            }
        }
    }

    /** Logs what was taken back from dead threads; the caller's work is done. */
    void reportBurials() {
        burials.report();
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

    /** Slots that a writer looks at in the worst case. */
    int count() {
        int count = 0;
        for (final SlotGroup group : platformGroups) {
            count += group.used();
        }
        for (final SlotGroup group : virtualGroups) {
            count += group.capacity();
        }
        return count;
    }

    /** Slots that were taken back from threads that died while they announced something. */
    long orphansBuried() {
        return burials.count();
    }

    /** Takes back what the slot announces if its owner died; true if it did. */
    boolean bury(final SlotGroup group, final int at) {
        return group.orphan(at) != 0 && buryLocked(group, at);
    }

    /**
     * Nothing in here allocates, logs or calls what may, but in debug mode; what is thrown all the same, for want of stack,
     * leaves an orphan that the next one buries.
     */
    private synchronized boolean buryLocked(final SlotGroup group, final int at) {
        if (group.orphan(at) == 0) {
            return false; // another thread was faster, and somebody else may own the slot by now
        }
        final long slot = group.slot(at);
        final long locks = SlotLayout.writesOpaque(slot);
        if (!announcesNothing(slot)) {
            burials.add(slot);
            clear(slot);
            burials.forgetPlaces(slot);
        }
        if (SlotLayout.fenced(slot) < 0) {
            SlotLayout.fenced(slot, 0);
            lights.decrementAndGet(); // [L1] L3
        }
        if (locks == 0) {
            free(group, at);
            group.buried(at);
        } else {
            SlotLayout.writesOpaque(slot, -locks); // the heirs' to count up
            group.disown(at);
        }
        return true;
    }

    private static void clear(final long slot) {
        for (int i = 0; i < SlotLayout.HAZARDS; i++) {
            SlotLayout.hazardRelease(slot, i);
        }
        SlotLayout.pinRelease(slot, 0);
        SlotLayout.structureRelease(slot);
        SlotLayout.clearRange(slot);
    }

    /**
     * Whether the thread has died with an exclusive lock, which somebody else has to end; false says nothing. The
     * answer is exact because ids are not used twice and no thread rises from the dead.
     */
    boolean isDeadWriter(final long threadId) {
        final long slot = find(threadId);
        if (slot == 0) {
            return false;
        }
        final SlotGroup group = groupOf(slot);
        bury(group, group.indexOf(slot));
        return SlotLayout.writesOpaque(slot) < 0 && SlotLayout.ownerAcquire(slot) == threadId; // in this order [U2]
    }

    /** One exclusive lock of a dead thread has been ended. */
    synchronized void inherited(final long threadId) {
        final long slot = find(threadId);
        final long left = slot == 0 ? 0 : SlotLayout.writesOpaque(slot);
        if (left >= 0) {
            return; // ended without the slot's knowledge: not a lock that its owner counted
        }
        SlotLayout.writesOpaque(slot, left + 1);
        if (left == -1) {
            final SlotGroup group = groupOf(slot);
            free(group, group.indexOf(slot));
            group.buried(group.indexOf(slot));
        }
    }

    /** The owner of a slot by its id; null if there is none. */
    @Nullable Thread owner(final long threadId) {
        final long slot = find(threadId);
        if (slot == 0) {
            return null;
        }
        final SlotGroup group = groupOf(slot);
        return group.owner(group.indexOf(slot));
    }

    /** The first slot of a thread of either kind, or 0. */
    private long find(final long threadId) {
        final long slot = index.find(threadId);
        return slot != 0 ? slot : findVirtual(threadId);
    }

    private SlotGroup groupOf(final long slot) {
        final SlotGroup group = groupOf(platformGroups, slot);
        return group != null ? group : virtualGroupOf(slot);
    }

    private SlotGroup virtualGroupOf(final long slot) {
        final SlotGroup group = groupOf(virtualGroups, slot);
        if (group == null) {
            throw new IllegalStateException("not a reader slot: address=0x" + Long.toHexString(slot));
        }
        return group;
    }

    private static @Nullable SlotGroup groupOf(final SlotGroup[] groups, final long slot) {
        for (final SlotGroup group : groups) {
            if (group.indexOf(slot) >= 0) {
                return group;
            }
        }
        return null;
    }

    private static boolean announcesNothing(final long slot) {
        for (int i = 0; i < SlotLayout.HAZARDS; i++) {
            if (SlotLayout.hazardAcquire(slot, i) != 0) {
                return false;
            }
        }
        return SlotLayout.pinAcquire(slot) == 0 && SlotLayout.structureAcquire(slot) == 0 &&
            SlotLayout.writesOpaque(slot) == 0;
    }

    private static boolean isIdle(final long slot) {
        long next = slot;
        while (next != 0) {
            if (!announcesNothing(next) || SlotLayout.isRange(SlotLayout.rangeEndVolatile(next))) {
                return false;
            }
            next = SlotLayout.extension(next);
        }
        return true;
    }

    private static void free(final SlotGroup group, final int at) {
        final long slot = group.slot(at);
        SlotLayout.depth(slot, 0);
        SlotLayout.structureDepth(slot, 0);
        SlotLayout.writesOpaque(slot, 0);
        SlotLayout.extension(slot, 0);
        SlotLayout.fenced(slot, 0);
        group.disown(at);
        SlotLayout.ownerRelease(slot); // [U1] W1
        group.leave();
    }

    /**
     * A slot for a platform thread, of the lowest that are free. The dead are looked for when no slot is free but new ones,
     * and as many slots were taken since the last look as were in use then: so a registration costs the same on average
     * however many threads there are, and there are at most twice as many slots as threads, and a few.
     */
    private synchronized long register(final Thread thread, final long owner) {
        untilBurial--;
        long slot = takeFree(thread, owner);
        if (slot == 0 && untilBurial < 0) {
            buryAll();
            untilBurial = Math.max(FIRST_GROUP / 4, inUse());
            slot = takeFree(thread, owner);
        }
        return slot != 0 ? slot : takeNew(thread, owner);
    }

    private int inUse() {
        int inUse = 0;
        for (final SlotGroup group : platformGroups) {
            inUse += group.taken();
        }
        return inUse;
    }

    private long takeFree(final Thread thread, final long owner) {
        for (final SlotGroup group : platformGroups) {
            final int free = group.free();
            if (free >= 0) {
                return take(group, free, thread, owner);
            }
        }
        return 0;
    }

    private long takeNew(final Thread thread, final long owner) {
        final SlotGroup last = platformGroups[platformGroups.length - 1];
        if (last.used() < last.capacity()) {
            return take(last, last.used(), thread, owner);
        }
        final SlotGroup[] grown = append(platformGroups, false);
        platformGroups = grown;
        return take(grown[grown.length - 1], 0, thread, owner);
    }

    private long take(final SlotGroup group, final int at, final Thread thread, final long owner) {
        final long slot = group.slot(at);
        final WeakReference<Thread> reference = SlotGroup.weak(thread); // before the claim: it may throw
        if (owner > 0) {
            index.add(owner, slot); // so may this
        }
        ReservedStack.forBeginning(slot);
        SlotLayout.fenced(slot, fencedAnnouncements);
        group.raiseUsed(at + 1);
        if (!SlotLayout.claim(slot, owner)) {
            throw new IllegalStateException("reader slot taken while registering: owner=" +
                SlotLayout.ownerAcquire(slot));
        }
        group.ownedWeaklyBy(at, reference);
        return slot;
    }

    private long findVirtual(final long id) {
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
        ReservedStack.forBeginning(owner); // a slot that is claimed and does not say by whom could never be buried
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
            final int at = window(thread.threadId(), mask, i);
            final long slot = group.slot(at);
            if (SlotLayout.ownerAcquire(slot) == 0) {
                group.enter();
                if (SlotLayout.claim(slot, owner)) {
                    group.ownedBy(at, thread);
                    SlotLayout.fenced(slot, SlotLayout.ALWAYS_FENCED); // [L1]
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
                buried |= bury(group, i) && SlotLayout.ownerAcquire(group.slot(i)) == 0;
            }
        }
        if (!buried) {
            virtualGroups = append(seen, true);
        }
    }

    private SlotGroup[] append(final SlotGroup[] groups, final boolean virtual) {
        if (groups.length == MAX_GROUPS) {
            throw new IllegalStateException("too many threads announce at once: groups=" + groups.length +
                "; end pins and guards earlier");
        }
        final SlotGroup[] appended = Arrays.copyOf(groups, groups.length + 1);
        final int capacity = FIRST_GROUP << groups.length;
        appended[groups.length] = new SlotGroup(memory, capacity, virtual ? capacity : 0, virtual);
        return appended;
    }

    private static int window(final long threadId, final int mask, final int step) {
        final long mixed = threadId * 0x9E3779B97F4A7C15L;
        return (int) (mixed >>> 40) + step & mask;
    }
}
