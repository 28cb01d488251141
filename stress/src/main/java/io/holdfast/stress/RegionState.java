// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.layout.SlotLayout;
import io.holdfast.layout.Words;
import io.holdfast.lock.RegionLock;
import io.holdfast.memory.NativeMemory;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.YieldingIdleStrategy;

/**
 * What the tests act on: an attached record, two words of the region that it stands for, and a reader slot of its own.
 *
 * <p>The slot is for tests that have to look at an announcement after its thread went on; the others use the lock,
 * which announces in the slot of the thread. States come from a ring that is far longer than what a harness
 * holds at once.
 */
public abstract class RegionState {
    /** Domain of the membarrier flavour, in which readers announce without a fence and writers always have to mind. */
    protected static final EpochDomain MEMBARRIER =
        EpochDomain.create(NativeMemory.system(), BarrierFlavour.MEMBARRIER, 0);

    /** Domain of the membarrier flavour, in which threads announce with and without a fence. */
    protected static final EpochDomain CHANGING =
        EpochDomain.create(NativeMemory.system(), BarrierFlavour.MEMBARRIER, 0);

    /** Domain of the fence flavour. */
    protected static final EpochDomain FENCE = EpochDomain.create(NativeMemory.system(), BarrierFlavour.FENCE);

    /** What memory holds when it does not belong to the region any more. */
    protected static final int POISON = 9;

    private static final long LIGHT = -1; // a mark, of whichever thread
    private static final int RING = 1 << 16;
    private static final int SPACING = 128; // neighbours must not share what the processor fetches together
    private static final long RECORDS = NativeMemory.system().mapTable((long) RING * SPACING);
    private static final long SLOTS = NativeMemory.system().mapTable((long) RING * SPACING);
    private static final long DATA = NativeMemory.system().mapTable((long) RING * SPACING);
    private static final AtomicInteger NEXT = new AtomicInteger();

    static {
        // The slot of a reader that never ends, so that there is one for whose sake each writer needs its barrier.
        final long slot = NativeMemory.system().mapTable(NativeMemory.system().pageSize());
        MEMBARRIER.announce(slot, 1);
        SlotLayout.fenced(slot, LIGHT); // not this thread's: it would be taken for its slot in the domain
    }

    /** Where readers of this state announce themselves. */
    protected final EpochDomain domain;

    /** The lock over the record. */
    protected final RegionLock lock;

    /** The record. */
    protected final long record;

    /** A reader slot that belongs to this state alone, and that no writer scans by itself. */
    protected final long slot;

    /** The record's incarnation when the test begins. */
    protected final long incarnation;

    private final long data;

    /**
     * A fresh state, with zeros in its words.
     *
     * @param domain one of the three
     */
    protected RegionState(final EpochDomain domain) {
        this.domain = domain;
        this.lock = new RegionLock(domain, (which, tag, elapsedNs) -> { }, () -> { });
        final long offset = (long) (NEXT.getAndIncrement() & RING - 1) * SPACING;
        this.record = RECORDS + offset;
        this.slot = SLOTS + offset;
        this.data = DATA + offset;
        for (int i = 0; i < SlotLayout.HAZARDS; i++) {
            SlotLayout.hazardRelease(slot, i);
        }
        SlotLayout.pinRelease(slot, 0);
        SlotLayout.fenced(slot, domain == MEMBARRIER ? LIGHT : domain == CHANGING ? 0
            : SlotLayout.ALWAYS_FENCED);
        write(0);
        RecordLayout.lockRelease(record, 0);
        this.incarnation = RegionLock.attach(record);
    }

    /** Writes both words, with plain access. */
    protected final void write(final int value) {
        Words.put(data, value);
        Words.put(data + Words.BYTES, value);
    }

    /** Writes the first word, with plain access. */
    protected final void writeFirst(final int value) {
        Words.put(data, value);
    }

    /** Reads both words, with plain access: their value, or -2 if they differ. */
    protected final int read() {
        final long first = Words.get(data);
        final long second = Words.get(data + Words.BYTES);
        return first == second ? (int) first : -2;
    }

    /** Waits about as long as a thread that lost its processor for the shortest time. */
    protected static void linger() {
        for (int i = 0; i < 16; i++) {
            Thread.onSpinWait();
        }
    }

    /** Reads both words as {@link #read()}, with time between the two for what must not happen there. */
    protected final int readSlowly() {
        final int first = read();
        linger();
        final int second = read();
        return first == second ? first : -2;
    }

    /** Reads under a shared lock: the value, -2 if the words differ, -1 if the lock was refused. */
    protected final int readShared() {
        final long stamp = lock.tryShare(record, incarnation);
        if (stamp < 0) {
            return -1;
        }
        final int value = readSlowly();
        lock.endShare(record, stamp);
        return value;
    }

    /** Reads under a counted hold, as {@link #readShared()}. */
    protected final int readHolding() {
        final long stamp = RegionLock.tryHold(record, incarnation);
        if (stamp < 0) {
            return -1;
        }
        final int value = readSlowly();
        RegionLock.endHold(record);
        return value;
    }

    /** Reads optimistically: the value, -2 if the words differ, -1 if the read was refused or is not valid. */
    protected final int readOptimistically() {
        final long stamp = RegionLock.tryOptimisticRead(record, incarnation);
        if (stamp == 0) {
            return -1;
        }
        final int value = readSlowly();
        return RegionLock.validate(record, stamp) ? value : -1;
    }

    /**
     * Reads optimistically and validates before the last read, which is where a load may go that no fence keeps [O2]:
     * results as of {@link #readOptimistically()}.
     */
    protected final int readAfterValidation() {
        final long stamp = RegionLock.tryOptimisticRead(record, incarnation);
        final int first = read();
        if (stamp == 0 || !RegionLock.validate(record, stamp)) {
            return -1;
        }
        linger();
        final int second = readSlowly();
        return first == second ? first : -2;
    }

    /** Writes both words in exclusive mode: 1, or -1 if the lock was refused. */
    protected final int writeExclusive(final int value) {
        final long stamp = lock.tryExclusive(record, incarnation);
        if (stamp < 0) {
            return -1;
        }
        write(value);
        lock.endExclusive(record, stamp);
        return 1;
    }

    /** Detaches, waits for the readers, and poisons the memory: 1, or -1 if it was detached already. */
    protected final int unmap() {
        try (Waiting waiting = new Waiting(YieldingIdleStrategy::new, Waiting.FOREVER, false, Waiting.FOREVER)) {
            if (lock.detach(record, incarnation, waiting) < 0) {
                return -1;
            }
            final long tag = domain.retireEpoch();
            if (!lock.drainDetached(record, tag, waiting)) {
                throw new IllegalStateException("a wait for ever gave up");
            }
            write(POISON);
            return 1;
        }
    }

    /** Excludes readers of this incarnation, with the word that a writer writes and no barrier. */
    protected final void excludeWithoutBarrier() {
        RecordLayout.getAndAddLock(record, RecordLayout.EXCLUDING);
    }

    /** Ends what {@link #excludeWithoutBarrier()} began. */
    protected final void include() {
        RecordLayout.getAndMaskLock(record, ~RecordLayout.WRITER);
    }
}
