// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.layout.SlotLayout;
import io.holdfast.memory.NativeMemory;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Where readers announce what they use and writers find out: pins, hazards, and the barrier between the two.
 *
 * <p>A <em>pin</em> keeps everything that its thread finds after it from being reclaimed; a <em>hazard</em> names one
 * record. Both are announced in the thread's own slot, with no fence by a thread that reads a lot (membarrier flavour),
 * else with a full fence. A writer makes a thing unreachable, runs the heavy barrier, and then looks at the slots.
 *
 * <p>Thread-safe. Announcing is wait-free after the thread's first use; nothing here blocks except the {@code await}
 * methods, which wait as their {@link Waiting} says. A domain is never closed: it is parked with its address space.
 */
public final class EpochDomain {
    /*
     * Announcement against exclusion
     *
     *   reader                                    writer
     *   R1 slot := record (or pin := epoch)       W1 make it unreachable (lock word, root): volatile RMW
     *   R2 light barrier                          W2 heavy barrier
     *   R3 read lock word (or root)               W3 read the slots
     *
     * [E1] R1 and R3 with R2 between them, W1 and W3 with W2 between them: one of the two sees the other. With
     *      membarrier, R2 orders for the compiler only and W2 makes every running thread pass a full barrier: where
     *      that barrier falls before R3 the reader sees W1, where it falls after R1 the writer sees R1; it cannot fall
     *      between them without doing both. Without W2 both can miss (store buffering), and memory is reclaimed under a
     *      reader. In the fence flavour both barriers are full fences, and so they are in the other flavour where no
     *      thread announces without one (SlotTable [L1]).
     * [E2] A pin or hazard ends with a release store that pairs with the acquiring read, or opaque read and fence, of
     *      who waits for it: the reader's last access comes before the reclaim. What is read may be a later announcement in
     *      the same word, an opaque store. The reader's last access comes before that as well: the release store between
     *      is a fence and a store, or orders later stores of its thread to the same word too (docs/MEMORY-MODEL.md). As a
     *      release store, each announcement would cost a barrier on AArch64.
     * [E3] The epoch is read with acquire before the announcement, and rises only behind a look at it from [E4]. A reader
     *      that reads an epoch above the tag of a writer read it after that writer's look, which comes after its barrier,
     *      so its later loads find the thing unreachable. A stale, lower epoch only makes a writer wait longer.
     * [E4] A writer's tag is the epoch, read with volatile access after it made the thing unreachable and after the barrier
     *      that follows: a tag from before could be lower than the epoch under which a reader found the thing. The writer
     *      does not advance the epoch, which would be a word that all writers change. Pins that begin after its look may
     *      carry the tag too, and it waits for them; so a writer that finds a pin at or below its tag advances the epoch
     *      past it, by compare-and-set, and waits for no pin that reads the epoch after that. Who is going to look later
     *      may advance it before, without a look: that the tag was read first is all that is needed.
     * [E7] Who looks at all slots and finds none at or below its tag says for which tags that was so, by a word that only
     *      rises: those below each pin that it saw, and below the epoch that it had read, with volatile access and a full
     *      fence behind it, before the first look. A writer with such a tag had read the epoch before it rose so far, so
     *      its barrier comes before these looks, and they are as good as its own; and it reads the word with volatile
     *      access, so the last accesses of those readers come before what it does then [E2]. So of many writers one looks.
     *
     * If a reader stops for ever between R1 and R3, writers wait for ever; they can be timed and say for whom. If a
     * writer stops anywhere, readers go on.
     */

    /** Most hazards of one thread in this domain, over all its slots. */
    public static final int MAX_HAZARDS = 84 * SlotLayout.HAZARDS;

    static {
        LockNumbers.load();
    }

    private static final System.Logger LOGGER = System.getLogger(EpochDomain.class.getName());
    private static final DrainListener NOBODY = (record, tag, waiting) -> { };
    private static final long FIRST_EPOCH = 1;
    private static final long FENCED_ANNOUNCEMENTS = 128;
    private static final long BARRIERS_PER_BURIAL = 1024;
    private static final int PASSED = 16; // on a line of its own

    private final SlotTable slots;
    private final HeavyBarrier barrier;
    private final AtomicLong epoch = new AtomicLong(FIRST_EPOCH); // on the heap: a reader's compiler has less to do
    private final AtomicLong barriers = new AtomicLong();
    private final AtomicLongArray passed = new AtomicLongArray(2 * PASSED); // [E7]

    private EpochDomain(final NativeMemory memory, final BarrierFlavour flavour, final long fencedAnnouncements) {
        this.slots = new SlotTable(memory,
            flavour == BarrierFlavour.FENCE ? SlotLayout.ALWAYS_FENCED : fencedAnnouncements, LOGGER);
        this.barrier = new HeavyBarrier(memory, flavour);
    }

    /**
     * A new domain.
     *
     * @param memory  for slot tables and the barrier
     * @param flavour as {@link #supports(NativeMemory, BarrierFlavour)} allows
     */
    public static EpochDomain create(final NativeMemory memory, final BarrierFlavour flavour) {
        return create(memory, flavour, FENCED_ANNOUNCEMENTS);
    }

    /**
     * The same.
     *
     * @param fencedAnnouncements how many announcements a thread makes with a full fence, at first and after each heavy
     *                            barrier of its own, before it makes them without; in the fence flavour it never does
     */
    public static EpochDomain create(final NativeMemory memory, final BarrierFlavour flavour,
                                     final long fencedAnnouncements) {
        if (!supports(memory, flavour)) {
            throw new UnsupportedOperationException("membarrier is not available: flavour=" + flavour +
                "; needs Linux 4.14 and a sandbox that allows the call, or start with -Dio.holdfast.barrier=fence");
        }
        return new EpochDomain(memory, flavour, fencedAnnouncements);
    }

    /** Whether this system offers the flavour; registers the process for it where it must be registered. */
    public static boolean supports(final NativeMemory memory, final BarrierFlavour flavour) {
        return flavour == BarrierFlavour.FENCE || HeavyBarrier.register(memory);
    }

    /** The flavour of this domain. */
    public BarrierFlavour flavour() {
        return barrier.flavour();
    }

    /**
     * Pins the current thread: nothing that it finds from here on is reclaimed before the matching {@link #unpin()}.
     *
     * @return the thread's slot, for {@link #unpin(long)}
     */
    public long pin() {
        final long slot = pinQuickly();
        return slot != 0 ? slot : pinSlowly();
    }

    /** As {@link #pin}, in its common case; 0, with nothing done, if it takes that. */
    public long pinQuickly() {
        final long mark = QuickSlots.mark(slots.quickSeed());
        final long slot = QuickSlots.hint(mark);
        if (!QuickSlot.isOf(slot, mark) || SlotLayout.pin(slot) != 0) {
            return 0;
        }
        announcePin(slot);
        try {
            compilerBarrier(); // [E1] R2
        } catch (final Throwable e) { // a stack overflow; nobody would end the pin
            endPin(slot);
            throw e;
        }
        return slot;
    }

    private void announcePin(final long slot) {
        Ledger.taken(SlotLayout.pinAddress(slot), Ledger.Kind.PIN, 0); // before, not to lengthen the pin
        SlotLayout.pinOpaque(slot, epoch.getAcquire()); // [E1] R1, [E3]
    }

    private static void endPin(final long slot) {
        SlotLayout.pinRelease(slot, 0); // [E2]
        Ledger.released(SlotLayout.pinAddress(slot));
    }

    private long pinSlowly() {
        final long slot = slots.slot();
        if (SlotLayout.pin(slot) != 0) {
            SlotLayout.depth(slot, SlotLayout.depth(slot) + 1);
            return slot;
        }
        ReservedStack.forBeginning(slot);
        announcePin(slot);
        try {
            slots.orderReader(slot); // [E1] R2
        } catch (final Throwable e) { // as above
            endPin(slot);
            throw e;
        }
        return slot;
    }

    /**
     * Ends the current thread's innermost pin.
     *
     * @throws IllegalMonitorStateException if the thread is not pinned
     */
    public void unpin() {
        final long slot = slots.slotOrNone();
        if (slot == 0 || SlotLayout.pin(slot) == 0) {
            throw new IllegalMonitorStateException("unpin without a pin: thread=" + Thread.currentThread());
        }
        unpin(slot);
    }

    /** As {@link #unpin()}, for a caller that knows that {@link #pin()} has returned the slot to it for this pin. */
    public void unpin(final long slot) {
        final long nested = SlotLayout.depth(slot);
        if (nested != 0) {
            SlotLayout.depth(slot, nested - 1);
            return;
        }
        endPin(slot);
        leave(slot);
    }

    /**
     * Pins the structure alone for the current thread: tree nodes and records that it finds from here on are not reused
     * before the matching {@link #unpinStructure()}, while the memory of regions may be given back all the same. For
     * iterations that take long, and for changes, which look at nodes and records only: no unmap waits for either. It
     * does not make the thread a reader: SlotTable [L1].
     */
    public void pinStructure() {
        final long slot = slots.slot();
        final long depth = SlotLayout.structureDepth(slot);
        if (depth == 0) {
            ReservedStack.forBeginning(slot); // also for the end of it, where the caller finds no stack
            Ledger.taken(SlotLayout.structureAddress(slot), Ledger.Kind.STRUCTURE_PIN, 0);
            SlotLayout.structureOpaque(slot, epoch.getAcquire()); // [E1] R1, [E3]
            slots.order(); // [E1] R2
        }
        SlotLayout.structureDepth(slot, depth + 1);
    }

    /**
     * Ends the current thread's innermost structure pin.
     *
     * @throws IllegalMonitorStateException if the thread has none
     */
    public void unpinStructure() {
        final long slot = slots.slotOrNone();
        final long depth = slot == 0 ? 0 : SlotLayout.structureDepth(slot);
        if (depth == 0) {
            throw new IllegalMonitorStateException("end of a structure pin without one: thread=" +
                Thread.currentThread());
        }
        SlotLayout.structureDepth(slot, depth - 1);
        if (depth == 1) {
            SlotLayout.structureRelease(slot); // [E2]
            Ledger.released(SlotLayout.structureAddress(slot));
            leave(slot);
        }
    }

    /** Whether the current thread is pinned, for memory or for the structure alone: it may read tree nodes. */
    public boolean isStructurePinned() {
        final long slot = slots.slotOrNone();
        return slot != 0 && (SlotLayout.pin(slot) != 0 || SlotLayout.structureDepth(slot) != 0);
    }

    /** Whether the current thread is pinned; structure pins do not count. */
    public boolean isPinned() {
        final long slot = slots.slotOrNone();
        return slot != 0 && SlotLayout.pin(slot) != 0;
    }

    /** The current thread's slot, which it gets if it has none; for {@link #leave(long)} when it announces nothing. */
    public long slot() {
        return slots.slot();
    }

    /** For {@link QuickSlots}: finds the slots of threads that announce without a fence; none in the fence flavour. */
    public long quickSeed() {
        return slots.quickSeed();
    }

    /** The current thread's slot, or 0 if it has none and so holds nothing. */
    public long slotOrNone() {
        return slots.slotOrNone();
    }

    /** Lets a slot go if its owner is a virtual thread that announces nothing any more. */
    public void leave(final long slot) {
        try {
            slots.releaseIfIdle(slot);
        } catch (final StackOverflowError e) {
            // What was announced has ended all the same. The thread keeps the slot until it leaves another time, or dies.
            return;
        }
    }

    /**
     * Announces a record in a free hazard of the current thread's slot. What the caller reads after this is read after
     * the announcement, in the sense of [E1].
     *
     * @return the hazard's number, or -1 if the thread uses {@value #MAX_HAZARDS} already
     */
    public int announce(final long slot, final long record) {
        for (int i = 0; i < SlotLayout.HAZARDS; i++) {
            if (SlotLayout.hazard(slot, i) == 0) {
                announce(slot, slot, i, record);
                return i;
            }
        }
        return announceInExtension(slot, record);
    }

    /**
     * Announces in a free hazard, as {@link #announce}, that the current thread waits for its turn at a record. It keeps
     * nobody from the record and from what it names; {@link #isAwaited} finds it.
     *
     * @return the hazard's number, or -1 if the thread uses {@value #MAX_HAZARDS} already
     */
    public int announceWaiting(final long slot, final long record) {
        return announce(slot, record | SlotLayout.WAITING);
    }

    private void announce(final long slot, final long extension, final int hazard, final long record) {
        SlotLayout.hazardOpaque(extension, hazard, record); // [E1] R1
        try {
            slots.orderReader(slot); // [E1] R2
        } catch (final Throwable e) { // a stack overflow; the caller does not know the hazard yet
            SlotLayout.hazardRelease(extension, hazard);
            throw e;
        }
    }

    private int announceInExtension(final long slot, final long record) {
        long current = slot;
        for (int first = SlotLayout.HAZARDS; first < MAX_HAZARDS; first += SlotLayout.HAZARDS) {
            final long next = SlotLayout.extension(current);
            current = next != 0 ? next : slots.extend(current);
            for (int i = 0; i < SlotLayout.HAZARDS; i++) {
                if (SlotLayout.hazard(current, i) == 0) {
                    announce(slot, current, i, record);
                    return first + i;
                }
            }
        }
        return -1;
    }

    /** Clears a hazard that {@link #announce} returned; what the caller did before comes before it [E2]. */
    public void clear(final long slot, final int hazard) {
        if (hazard < SlotLayout.HAZARDS) {
            SlotLayout.hazardRelease(slot, hazard);
        } else {
            SlotLayout.hazardRelease(slotOf(slot, hazard), hazard % SlotLayout.HAZARDS);
        }
    }

    /** Gives the current thread's lock in a hazard to a stamp, for {@link #find}; its number. */
    public long stamp(final long slot, final int hazard) {
        final long holding = slotOf(slot, hazard);
        final int index = hazard % SlotLayout.HAZARDS;
        final long last = SlotLayout.number(holding, index);
        final long number = LockNumbers.areUsedUp(last) ? LockNumbers.more() : last + 1;
        SlotLayout.number(holding, index, number);
        SlotLayout.stamped(holding, index, true);
        return number;
    }

    /** Takes the current thread's lock in a hazard from its stamp, which has ended. */
    public void endStamp(final long slot, final int hazard) {
        SlotLayout.stamped(slotOf(slot, hazard), hazard % SlotLayout.HAZARDS, false);
    }

    /** Whether the current thread has announced the record in this hazard, which need not exist, and for no stamp. */
    public boolean isAnnouncedWithoutStamp(final long slot, final long record, final int hazard) {
        final long holding = slotOf(slot, hazard);
        final int index = hazard % SlotLayout.HAZARDS;
        return holding != 0 && SlotLayout.hazard(holding, index) == record && !SlotLayout.isStamped(holding, index);
    }

    /** The hazard in which the current thread has announced the record for the stamp of this number, or -1. */
    public int find(final long slot, final long record, final long number) {
        int first = 0;
        for (long current = slot; current != 0; current = SlotLayout.extension(current)) {
            for (int i = 0; i < SlotLayout.HAZARDS; i++) {
                if (SlotLayout.number(current, i) == number && SlotLayout.hazard(current, i) == record &&
                    SlotLayout.isStamped(current, i)) {
                    return first + i;
                }
            }
            first += SlotLayout.HAZARDS;
        }
        return -1;
    }

    /** The record in a hazard of the current thread's slot, 0 if it is free or does not exist. */
    public long announced(final long slot, final int hazard) {
        if (hazard < SlotLayout.HAZARDS) {
            return SlotLayout.hazard(slot, hazard);
        }
        final long extension = slotOf(slot, hazard);
        return extension == 0 ? 0 : SlotLayout.hazard(extension, hazard % SlotLayout.HAZARDS);
    }

    /** A name, unique at any moment, for a hazard that exists. */
    public long hazardAddress(final long slot, final int hazard) {
        return SlotLayout.hazardAddress(slotOf(slot, hazard), hazard % SlotLayout.HAZARDS);
    }

    private static long slotOf(final long slot, final int hazard) {
        long current = slot;
        for (int i = hazard / SlotLayout.HAZARDS; i > 0 && current != 0; i--) {
            current = SlotLayout.extension(current);
        }
        return current;
    }

    /** Whether the current thread itself has announced the record in any of its hazards but {@code exceptHazard}. */
    public boolean announcedByMe(final long record, final long exceptHazard) {
        long current = slots.slotOrNone();
        while (current != 0) {
            for (int i = 0; i < SlotLayout.HAZARDS; i++) {
                if (SlotLayout.hazard(current, i) == record &&
                    SlotLayout.hazardAddress(current, i) != exceptHazard) {
                    return true;
                }
            }
            current = SlotLayout.extension(current);
        }
        return false;
    }

    /**
     * Says that the current thread is about to announce an exclusive lock, so that it is known as a writer, and its
     * locks are found, if it dies.
     */
    public void beginWrite() {
        final long slot = slots.slot();
        SlotLayout.writesOpaque(slot, SlotLayout.writesOpaque(slot) + 1);
    }

    /** Says that the current thread has ended an exclusive lock, or did not get it. */
    public void endWrite() {
        final long slot = slots.slotOrNone();
        SlotLayout.writesOpaque(slot, SlotLayout.writesOpaque(slot) - 1);
        leave(slot);
    }

    /** Whether a thread died with an exclusive lock that nobody has ended yet. */
    public boolean isDeadWriter(final long threadId) {
        try {
            return slots.isDeadWriter(threadId);
        } finally {
            slots.reportBurials();
        }
    }

    /** Says that one exclusive lock of a dead writer has been ended. */
    public void inherited(final long threadId) {
        slots.inherited(threadId);
    }

    /** Name of a thread that has a slot, or a note that it has none. */
    public String threadName(final long threadId) {
        return Readers.name(slots.owner(threadId));
    }

    /** Whether the current thread is pinned, also for the structure alone, or has announced any record. */
    public boolean announcesAnything() {
        final long slot = slots.slotOrNone();
        return slot != 0 && SlotLayout.structureDepth(slot) != 0 || holdsMemory();
    }

    /** Whether the current thread has announced an exclusive lock that it has not ended. */
    public boolean isWriter() {
        final long slot = slots.slotOrNone();
        return slot != 0 && SlotLayout.writesOpaque(slot) != 0;
    }

    /** Whether the current thread is pinned, structure pins not counted, or has announced any record. */
    public boolean holdsMemory() {
        long current = slots.slotOrNone();
        while (current != 0) {
            if (SlotLayout.pin(current) != 0) {
                return true;
            }
            for (int i = 0; i < SlotLayout.HAZARDS; i++) {
                if (SlotLayout.hazard(current, i) != 0) {
                    return true;
                }
            }
            current = SlotLayout.extension(current);
        }
        return false;
    }

    /** The owner of the slot, which calls, announces with fences from here on, for some time: SlotTable [L1]. */
    public void stopBeingLight(final long slot) {
        slots.fence(slot);
    }

    static void compilerBarrier() {
        // Neither is a StoreLoad fence; both keep the compiler from moving the announcement past what follows, and the
        // processor's part is the writer's heavy barrier.
        VarHandle.releaseFence();
        VarHandle.acquireFence();
    }

    /**
     * The writer's barrier of [E1]: a full fence, and where any thread announces without one, a membarrier, which is
     * shared with writers that call it at the same time. The calling thread announces with fences for some time after.
     */
    public void heavyBarrier() {
        final long slot = slots.slotOrNone();
        if (slot != 0) {
            stopBeingLight(slot);
        }
        VarHandle.fullFence(); // SlotTable [L1] L4
        if (slots.isAnyLight()) {
            barrier.run();
            if ((barriers.incrementAndGet() & BARRIERS_PER_BURIAL - 1) == 0) {
                slots.buryAll();
                slots.reportBurials();
            }
        }
    }

    /**
     * Begins a grace period for whatever the caller made unreachable before.
     *
     * @return the tag to give to {@link #passed(long)}
     */
    public long retireEpoch() {
        heavyBarrier();
        return currentEpoch();
    }

    /** The tag of a grace period that begins with this, if the caller has run the heavy barrier [E4]. */
    public long currentEpoch() {
        return epoch.get();
    }

    /** Pins that begin from here on are not waited for by who waits for those of the tag [E4]. */
    public void advanceBeyond(final long tag) {
        if (epoch.get() == tag) { // else somebody has
            epoch.compareAndSet(tag, tag + 1);
        }
    }

    /** Whether every pin from before the tag has ended, those of the structure alone included. Never waits. */
    public boolean passed(final long tag) {
        return tag <= passed.get(PASSED) || look(tag); // [E7]
    }

    private boolean look(final long tag) {
        final long begun = epoch.get();
        VarHandle.fullFence(); // [E7]
        long oldest;
        try {
            oldest = oldestPin(slots.platformGroups(), tag, Long.MAX_VALUE);
            oldest = oldest <= tag ? oldest : oldestPin(slots.virtualGroups(), tag, oldest);
        } finally {
            slots.reportBurials();
        }
        if (oldest <= tag) {
            advanceBeyond(tag);
            return false;
        }
        sayPassed(Math.min(oldest, begun) - 1);
        return true;
    }

    /** Says that every pin from up to an epoch has ended [E7]. */
    private void sayPassed(final long last) {
        long known = passed.get(PASSED);
        while (known < last && !passed.compareAndSet(PASSED, known, last)) {
            known = passed.get(PASSED);
        }
    }

    /** The oldest pin, if that is older than another; or the first one that is found at or before the tag. */
    private long oldestPin(final SlotGroup[] groups, final long tag, final long other) {
        long oldest = other;
        for (final SlotGroup group : groups) {
            final int scanned = group.scanned();
            for (int i = 0; i < scanned; i++) {
                final long pin = oldestPin(group.slot(i));
                if (pin > tag || !slots.bury(group, i)) {
                    oldest = Math.min(oldest, pin);
                }
                if (oldest <= tag) {
                    return oldest;
                }
            }
        }
        return oldest;
    }

    /** A slot's older pin; none is younger than all. */
    private static long oldestPin(final long slot) {
        final long pin = SlotLayout.pinAcquire(slot); // [E2]
        final long structure = SlotLayout.structureAcquire(slot); // [E2]
        return Math.min(pin == 0 ? Long.MAX_VALUE : pin, structure == 0 ? Long.MAX_VALUE : structure);
    }

    /**
     * Whether any hazard but {@code exceptHazard} names the record at this moment. Hazards of threads that died are
     * cleared. Never waits.
     */
    public boolean isAnnounced(final long record, final long exceptHazard) {
        return !awaitReaders(record, exceptHazard, 0, null, NOBODY);
    }

    /**
     * Whether another thread waits for its turn at the record at this moment. Threads that died do not wait. Never waits
     * itself.
     */
    public boolean isAwaited(final long record) {
        return !announcedByMe(record | SlotLayout.WAITING, 0) && isAnnounced(record | SlotLayout.WAITING, 0);
    }

    /**
     * Waits until no hazard but {@code exceptHazard} names the record and no pin from before {@code tag} is left. New
     * readers of the record must be turned away already and the heavy barrier must have run, so that a slot once seen
     * free of it stays so.
     *
     * @param tag     0 if pins do not matter
     * @param waiting null to look and not to wait
     * @return false if the waiting gave up
     */
    public boolean awaitReaders(final long record, final long exceptHazard, final long tag,
                                final @Nullable Waiting waiting, final DrainListener listener) {
        try {
            return SlotScan.await(this, slots, slots.platformGroups(), record, exceptHazard, tag, waiting, listener) &&
                SlotScan.await(this, slots, slots.virtualGroups(), record, exceptHazard, tag, waiting, listener);
        } finally {
            slots.reportBurials();
        }
    }

    static boolean pinnedAtOrBefore(final long slot, final long tag) {
        final long pin = SlotLayout.pinAcquire(slot); // [E2]
        return pin != 0 && pin <= tag;
    }

    /** Who holds the record, or a pin from before {@code tag}; for record 0 all who are pinned, for whatever. */
    public List<Holder> holders(final long record, final long tag) {
        return record == 0 ? Readers.pinned(slots) : Readers.of(slots, record, tag);
    }

    /**
     * Waits for every structural change that was announced before in a slot and whose range overlaps. The caller has
     * made the changes that come later see that it is there, in volatile mode.
     *
     * @param pause lets others go on; false gives up
     * @return false if the waiting gave up
     */
    public boolean awaitRanges(final long start, final long end, final BooleanSupplier pause) {
        try {
            return AnnouncedRanges.await(slots, start, end, pause);
        } finally {
            slots.reportBurials();
        }
    }

    /** Shows the structural changes that are announced in a range, as far as can be seen at this moment. */
    public void forEachRange(final long start, final long end, final RangeVisitor visitor) {
        AnnouncedRanges.forEach(slots, start, end, visitor);
    }

    /** Reader slots taken back from threads that died while they announced something. */
    public long orphansBuried() {
        return slots.orphansBuried();
    }

    /** Reader slots that exist, for statistics: what a writer looks at in the worst case. */
    public int slotCount() {
        return slots.count();
    }
}
