// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.epoch.DrainListener;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.StripedRetireList;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RegionLock;
import io.holdfast.memory.NativeMemory;
import io.holdfast.memory.Reservation;
import io.holdfast.tree.ZoneTestSupport;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;

/** What the woven classes of a {@link Variant} call instead of, or before, the right thing; and the poison. */
public final class Broken {
    private static final ThreadLocal<long[]> NOTED = ThreadLocal.withInitial(() -> new long[1]);
    private static final long BETWEEN_LOOKS_NS = 1_000;

    private Broken() {
    }

    // ------------------------------------------------------------------------------------------------- poison

    /** Anonymous memory is about to be zeroed for its next owner: whoever still reads it must not like what he sees. */
    public static void poison(final Object pages, final long offset, final long length) {
        if (pages instanceof final Reservation reservation) {
            final MemorySegment segment = bytes(reservation.base() + offset, length);
            for (long at = 0; at < length; at += Long.BYTES) {
                segment.set(ValueLayout.JAVA_LONG, at, Pattern.POISON);
            }
        }
    }

    @SuppressWarnings("restricted")
    private static MemorySegment bytes(final long address, final long length) {
        return MemorySegment.ofAddress(address).reinterpret(length);
    }

    // --------------------------------------------------------------------------------------- barrier and reader

    /** The barrier is not run, and says that it was. */
    public static int noBarrier(final NativeMemory memory, final int command) {
        return 0;
    }

    /** Nothing; a call alone orders nothing. */
    public static void noFence() {
    }

    /** The lock word looks as if nobody wrote. */
    public static boolean open(final long record) {
        return true;
    }

    /** The lock word of a region that nobody writes. */
    public static long attached(final long record) {
        return RecordLayout.ATTACHED;
    }

    /** Compares the incarnation before the announcement: notes it. */
    public static void noteIncarnation(final Object lock, final long record, final long incarnation) {
        NOTED.get()[0] = RecordLayout.incarnationAcquire(record);
    }

    /** The same at the beginning of a method that has no receiver. */
    public static void noteQuickIncarnation(final long seed, final long record, final long incarnation,
                                            final long word) {
        noteIncarnation(NOTED, record, incarnation);
    }

    /** What the thread has noted. */
    public static long noted(final long record) {
        return NOTED.get()[0];
    }

    /** The reads of a validation come before those that it is for: notes the stamp, which was right then. */
    public static void noteStamp(final long record, final long stamp) {
        NOTED.get()[0] = stamp;
    }

    // -------------------------------------------------------------------------------------------------- writers

    /** The flag of a writer that gave up is left. */
    public static void leaveFlag(final RegionLock lock, final long record) {
        RecordLayout.lockAcquire(record);
    }

    /** The sequence stays what it is. */
    public static void noSequence(final long record, final long sequence) {
        RecordLayout.lockAcquire(record);
    }

    /** Looks at the count first, and then at the hazards. */
    public static boolean countFirst(final EpochDomain domain, final long record, final long hazard, final long tag,
                                     final Waiting waiting, final DrainListener listener) {
        while ((RecordLayout.lockVolatile(record) & RecordLayout.COUNT) != 0) {
            if (!waiting.pause()) {
                return false;
            }
        }
        LockSupport.parkNanos(BETWEEN_LOOKS_NS);
        return domain.awaitReaders(record, hazard, tag, waiting, listener);
    }

    /** A lock word without a count. */
    public static long nobodyCounted(final long record) {
        return 0;
    }

    /** Nobody has announced the record. */
    public static boolean nobodyAnnounced(final EpochDomain domain, final long record, final long except) {
        return false;
    }

    // ---------------------------------------------------------------------------------------------------- zones

    /** The base gets the addresses of a zone back, and nothing of what is there. */
    public static void takeBackNothing(final Object change, final Object zone, final long root) {
        ZoneTestSupport.takeBackNothing(change, zone);
    }

    /** A change does not insert, and says that it did. */
    public static boolean notInserted(final Object change, final long start, final long end, final long value) {
        return true;
    }

    /** A zone gets a range, and nothing of what is there. */
    public static void copyNothing(final Object change, final long root, final long start, final long end) {
        ZoneTestSupport.cut(change, start, end);
    }

    /** Two roots have the same. */
    public static boolean same(final long root, final long other, final long start, final long end) {
        return true;
    }

    /** A root has nothing at an address. */
    public static long nothing(final long root, final long address) {
        return 0;
    }

    /** What names a zone is the same. */
    public static long nowhere(final Object zone) {
        return 0;
    }

    /** The root of the base is the likely one for all addresses. */
    public static long likelyBase(final Object zoning, final long address) {
        return ZoneTestSupport.baseRoot(zoning);
    }

    /** What the base does not have is not there. */
    public static long nothingElsewhere(final Object zoning, final long address) {
        return 0;
    }

    /** A list of nodes looks empty. */
    public static boolean noNodes(final Object nodes) {
        return true;
    }

    // ---------------------------------------------------------------------------------------------- reclaiming

    /** The readers of an unmap are not waited for. */
    public static boolean drained(final Object engine, final Object unmapping, final Waiting waiting) {
        return true;
    }

    /** A pin does not count. */
    public static boolean notPinned(final long slot, final long tag) {
        return false;
    }

    /** A slot does not tell of a hazard. */
    public static void untold(final long slot, final int offset, final long value) {
        RecordLayout.lockAcquire(slot);
    }

    /** A grace period is over at once. */
    public static boolean graceOver(final EpochDomain domain, final long tag) {
        return true;
    }

    /** A place is changed whatever came there since the look. */
    public static boolean uncompared(final AtomicLongArray places, final int place, final long seen, final long next) {
        places.set(place, next);
        return true;
    }

    /** The same where the answer is what was there. */
    public static long uncomparedExchange(final AtomicLongArray places, final int place, final long seen,
                                          final long next) {
        places.set(place, next);
        return seen;
    }

    /** Takes the tag of an unmap, barrier and all, before the detach. */
    public static void tagThenPin(final EpochDomain domain) {
        final long tag = domain.retireEpoch();
        NOTED.get()[0] = tag;
        domain.pinStructure();
        domain.passed(tag); // which this pin is not, so that the next ones get a later epoch
    }

    /** The tag from before. */
    public static long earlierTag(final EpochDomain domain) {
        final long tag = NOTED.get()[0];
        return tag != 0 ? tag : domain.retireEpoch();
    }

    /** No region is one that has moved. */
    public static boolean notMoved(final long record) {
        return false;
    }

    /** A record is never used again. */
    public static void loseRecord(final StripedRetireList list, final long record, final long bytes) {
        RecordLayout.lockAcquire(record);
    }

    /** A file is never closed. */
    public static void loseFile(final Object file) {
        Thread.onSpinWait();
    }
}
