// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static io.holdfast.layout.RecordLayout.ATTACHED;
import static io.holdfast.layout.RecordLayout.AWAITED;
import static io.holdfast.layout.RecordLayout.COUNT;
import static io.holdfast.layout.RecordLayout.COUNT_LIMIT;
import static io.holdfast.layout.RecordLayout.COUNT_UNIT;
import static io.holdfast.layout.RecordLayout.EXCLUDING;
import static io.holdfast.layout.RecordLayout.EXCLUSIVE;
import static io.holdfast.layout.RecordLayout.OWNER;
import static io.holdfast.layout.RecordLayout.SECTION;
import static io.holdfast.layout.RecordLayout.WRITER;

import io.holdfast.epoch.DrainListener;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Ledger;
import io.holdfast.epoch.QuickSlots;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import java.lang.invoke.VarHandle;

/**
 * The lock of a region: shared by hazard, counted, exclusive, optimistic, and the end of all of them, detaching.
 *
 * <p>The state is in the record alone; an instance holds what every record of a space has in common, the domain in
 * which readers announce themselves. A shared lock by hazard is announced in the thread's own slot, a counted hold in
 * the lock word. All methods are thread-safe. Methods named {@code try…} never wait; the others wait as their
 * {@link Waiting} says. Those that acquire return a {@linkplain Stamps stamp}, or a refusal, which is not positive;
 * they never allocate.
 *
 * <p>A record is one life of a region only as long as its incarnation is the one that the caller names.
 */
public final class RegionLock {
    /*
     * States of the lock word; h is the number of hazards that name the record (not in the word), c the count.
     *
     *   state      ATTACHED EXCLUDING EXCLUSIVE SEQUENCE      state       ATTACHED EXCLUDING EXCLUSIVE SEQUENCE
     *   FREE       0        0         0         any           EXCLUSIVE   1        1         1         odd
     *   OPEN       1        0         0         even          DETACHED    0        1         0         odd
     *   DRAINING   1        1         0         even          MOVED       0        1         1         odd
     *
     * Operations; a cell is the next state, '-' a refusal, 'w' a wait in the forms that wait, '!' an exception.
     *
     *   state      attach share hold  exclusive upgrade  drained    withdraw end    downgrade  detach    reclaim
     *   FREE       OPEN   -     -     -         !        !          !        !      !          -         FREE
     *   OPEN       !      OPEN  OPEN  DRAINING  DRAINING !          !        !      !          DETACHED  !
     *   DRAINING   !      w     w     w         -        EXCLUSIVE  OPEN     !      !          w         !
     *   EXCLUSIVE  !      w     w     w         !        !          !        OPEN   OPEN       w         !
     *   DETACHED   !      -     -     -         -        (drained)  !        !      !          -         FREE
     *   MOVED      !      -     -     -         -        !          !        !      !          -         FREE
     *
     *   MOVED is entered from EXCLUSIVE alone, by its owner: the region goes on in other records. The owner can also make
     *   it DETACHED.
     *
     *   A thread that would wait for itself gets an exception where the table says 'w'.
     *
     *   "drained" needs h = 0 and c = 0, looked at in this order: a hazard may turn into a count, in this order, while
     *   the record is DRAINING, and a count never into a hazard. In OPEN, h and c are arbitrary; shared and counted
     *   locks end in every state but EXCLUSIVE and FREE, where there are none.
     *
     * Ordering
     * [S1] Announcing a hazard and then reading the lock word, against setting EXCLUDING, the heavy barrier and then
     *      reading the hazards: EpochDomain [E1]. One of the two sees the other.
     * [S2] The lock word is read with acquire and the incarnation after it, so an ATTACHED that belongs to a later life
     *      comes with that life's incarnation. Comparing the incarnation before the announcement instead would accept a
     *      record that was reused in between.
     * [S3] Ending a shared lock is a release store of the hazard, or a read-modify-write of the count; the draining
     *      writer reads either with acquire or volatile: the reader's last access comes before the writer's first. A
     *      hazard that names another record by then says the same: EpochDomain [E2].
     * [X1] The sequence becomes odd before the writer's first write: a release store and a StoreStore fence after it.
     *      Pairs with [O2]. Without the fence a reader could see a write and still the even sequence.
     * [X2] The sequence becomes even, two higher, with release, after the writer's last write. Pairs with [O1].
     * [X3] The writer bits are cleared by a volatile read-modify-write after that; pairs with [S2] of the next reader.
     * [O1] The stamp is read with acquire: the reads that follow see at least what the last writer left.
     * [O2] Validation runs an acquire fence and then reads sequence and lock word: reads before it that saw a later
     *      writer's data make it see that writer's odd sequence. The lock word is looked at too, because detaching is
     *      the one step that ends every stamp, and the sequence follows it a moment later.
     * [D1] Detaching is one compare-and-set that takes ATTACHED away and sets EXCLUDING. It happens under a
     *      structure pin: a record is not reused before the pins of both kinds from before have ended, so the word that
     *      is swapped is this incarnation's. Only words of the record are looked at, no memory of the region.
     * [N1] Each hazard has a number, which the owner of the slot raises with each stamp that it gives the hazard to, and
     *      which is the stamp; the lowest bit of the hazard says that a stamp holds it, and no guard. So a stamp ends the
     *      lock of its number, once, and neither a guard nor a later stamp that holds the same hazard of the same record.
     *      Number and bit are the owner's alone: writers see the record under either, and no access needs an order.
     *      A count tells no lock from another; those that were given to stamps are told apart by CountedStamps. The stamp
     *      of an exclusive lock is the record's sequence while it is held, which is no later lock's.
     * [C1] An increment by compare-and-set may hit a later life of the record, whose word looked the same. The
     *      incarnation is compared after it, and the increment taken back, which the later life's writer may see for a
     *      moment: a drain waits for it, so nothing but time is lost. The same goes for EXCLUDING: it is withdrawn
     *      again, and until then nobody else can set or clear it.
     * [M1] Moving is one volatile read-modify-write that takes ATTACHED and OWNER away and leaves EXCLUSIVE. The tree
     *      shows the new records before it, so who finds the record moved and looks again finds them. The sequence
     *      stays odd: every stamp has failed since the exclusive lock was taken, and none is given again. Unmapping takes
     *      EXCLUSIVE away as well: the record is DETACHED, as it is by any other detach.
     * [P1] A refused reader looks at the lock word before it announces anything, so a reader that saw the writer does
     *      not disturb the drain again, however often it tries. Without it readers that try again and again could keep
     *      an announced writer from ever finding their hazards clear. The look decides nothing else.
     *
     * [Y1] A reader that has been turned away and waits says so in a hazard that keeps nobody out, and then in AWAITED,
     *      with a full fence in between.
     * [Y2] A writer that finds AWAITED looks for such a hazard before it announces itself, and waits as for a writer while
     *      there is one: the reader gets the lock like any other, and ends its hazard after that.
     * [Y3] If there is none it takes AWAITED away. The lock word is accessed in volatile mode, the hazards with acquire
     *      behind that: who sees the AWAITED of a reader, or what came after it, sees its hazard, or its end. Exclusion
     *      does not rest on any of this: it orders writers behind readers, and nothing else.
     *      benign race: a writer that has looked before the reader asked comes before it, or takes its AWAITED away, once.
     *
     * If a thread stops for ever: a reader inside, or between its announcement and its look at the lock word, or that
     * waits for its turn, holds up writers of that record alone; a writer between announcement and end refuses readers of
     * that record alone; nobody else is touched. Waiting parties poll, so there is no wake-up to lose and none that could
     * reach freed memory.
     */
    static {
        CountedStamps.load();
    }

    private final EpochDomain domain;
    private final DrainListener listener;
    private final Runnable deadSections;

    /**
     * A lock over the records whose readers announce themselves in {@code domain}.
     *
     * @param listener     told when a writer has waited long
     * @param deadSections ends the sections of dead threads; called now and then by who waits for a section's record
     */
    public RegionLock(final EpochDomain domain, final DrainListener listener, final Runnable deadSections) {
        this.domain = domain;
        this.listener = listener;
        this.deadSections = deadSections;
    }

    /**
     * Makes a free record that the caller has described a live region.
     *
     * @return its incarnation
     */
    public static long attach(final long record) {
        final long lock = RecordLayout.lockVolatile(record);
        if (lock != 0) {
            throw new IllegalStateException("attach of a record that is not free: " + RecordLayout.describeLock(lock));
        }
        LockOrder.forgetRegion(record);
        final long incarnation = (RecordLayout.sequence(record) | 1) + 1;
        RecordLayout.incarnationRelease(record, incarnation);
        RecordLayout.sequenceRelease(record, incarnation);
        RecordLayout.lockRelease(record, ATTACHED); // publishes all of the record, pairs with [S2] and [O1]
        return incarnation;
    }

    /** Whether the record is attached at this moment, in whatever incarnation. */
    public static boolean isAttached(final long record) {
        return (RecordLayout.lockAcquire(record) & ATTACHED) != 0;
    }

    /** Whether the record is attached and in this incarnation at this moment. */
    public static boolean isAttached(final long record, final long incarnation) {
        return (RecordLayout.lockAcquire(record) & ATTACHED) != 0 && RecordLayout.incarnation(record) == incarnation;
    }

    /** The life that the record is in, or was in last. */
    public static long incarnation(final long record) {
        return RecordLayout.incarnationAcquire(record);
    }

    /** Locks in shared mode through a hazard of the current thread, which names the record under the stamp's number. */
    public long tryShare(final long record, final long incarnation) {
        if ((RecordLayout.lockAcquire(record) & (ATTACHED | WRITER)) != ATTACHED && !SectionLock.settle(record)) { // [P1]
            return refusal(record, incarnation);
        }
        ReservedStack.forBeginning(record);
        final long slot = domain.slot();
        int hazard = -1;
        try {
            hazard = domain.announce(slot, record); // [S1]
            if (hazard >= 0) {
                final long lock = RecordLayout.lockAcquire(record); // [S2]
                if ((lock & (ATTACHED | WRITER)) == ATTACHED && RecordLayout.incarnation(record) == incarnation) {
                    Ledger.taken(domain.hazardAddress(slot, hazard), Ledger.Kind.SHARED, record);
                    QuickSlots.resume(domain.quickSeed(), slot);
                    return domain.stamp(slot, hazard);
                }
            }
        } catch (final Throwable e) {
            retreat(slot, hazard);
            throw e;
        }
        retreat(slot, hazard);
        return hazard < 0 ? Stamps.SATURATED : refusal(record, incarnation);
    }

    private void retreat(final long slot, final int hazard) {
        if (hazard >= 0) {
            domain.clear(slot, hazard);
        }
        domain.leave(slot);
    }

    /**
     * Locks in shared mode, waiting while a writer is there.
     *
     * @return a stamp, or a refusal for good: detached, saturated, or that the waiting gave up
     * @throws IllegalMonitorStateException if the thread would wait for itself
     */
    public long share(final long record, final long incarnation, final Waiting waiting) {
        LockOrder.beforeRegion("share", record, incarnation);
        final long stamp = tryShare(record, incarnation);
        return Stamps.isTransient(stamp) ? awaitTurn("share", false, record, incarnation, waiting) : stamp;
    }

    /** Locks in shared mode, or counts, for a thread that a writer has turned away, before the next writer. */
    private long awaitTurn(final String operation, final boolean counts, final long record, final long incarnation,
                           final Waiting waiting) {
        long slot = 0;
        int place = -1;
        try {
            while (awaitWriter(operation, record, waiting)) {
                if (place < 0) {
                    ReservedStack.forBeginning(record);
                    slot = domain.slot();
                    place = domain.announceWaiting(slot, record); // [Y1]
                    VarHandle.fullFence();
                }
                askForTurn(record);
                final long stamp = counts ? tryHold(record, incarnation) : tryShare(record, incarnation);
                if (!Stamps.isTransient(stamp)) {
                    return stamp;
                }
            }
            return Stamps.gaveUp(waiting);
        } finally {
            if (slot != 0) {
                retreat(slot, place);
            }
        }
    }

    /** Says in the lock word that a reader waits for its turn, between two writers too: the next would pass it. */
    private static void askForTurn(final long record) {
        long lock = RecordLayout.lockVolatile(record);
        while ((lock & (ATTACHED | AWAITED)) == ATTACHED) {
            final long witness = RecordLayout.compareAndExchangeLock(record, lock, lock | AWAITED); // [Y1]
            if (witness == lock) {
                return;
            }
            lock = witness;
        }
    }

    /**
     * Whether readers that a writer turned away wait for their turn; a writer that is not one yet lets them in first. It
     * takes the mark away where nobody waits.
     */
    boolean isAwaited(final long record) {
        final long lock = RecordLayout.lockVolatile(record);
        if ((lock & (ATTACHED | AWAITED)) != (ATTACHED | AWAITED)) { // who waits for a region that has gone is refused
            return false;
        }
        if (domain.isAwaited(record)) { // [Y2]
            return true;
        }
        if ((lock & WRITER) == 0) {
            RecordLayout.compareAndExchangeLock(record, lock, lock & ~AWAITED); // [Y3]
        }
        return false;
    }

    /** Waits a moment for the writer that is there; false if the waiting gave up. */
    boolean awaitWriter(final String operation, final long record, final Waiting waiting) {
        checkMayWait(operation, record, RecordLayout.lockAcquire(record));
        if (waiting.lookDue()) {
            DeadOwners.endDeadWriter(domain, record);
            if ((RecordLayout.lockAcquire(record) & SECTION) != 0) {
                deadSections.run();
            }
        }
        return pause(record, 0, waiting);
    }

    /** Lets others go on, and reports when it is time; false if the waiting gave up. */
    boolean pause(final long record, final long tag, final Waiting waiting) {
        if (!waiting.pause()) {
            return false;
        }
        if (waiting.reportDue()) {
            listener.stillDraining(record, tag, waiting);
        }
        return true;
    }

    /**
     * Ends a shared lock of the current thread.
     *
     * @param grip the stamp, or what a guard has instead of one
     * @throws IllegalMonitorStateException if the current thread holds no such lock
     */
    public void endShare(final long record, final long grip) {
        ReservedStack.forEnd(record);
        final long slot = domain.slotOrNone();
        end(slot, checkShared("end of a shared lock", slot, record, grip));
    }

    private void end(final long slot, final int hazard) {
        domain.clear(slot, hazard); // [S3]
        Ledger.released(domain.hazardAddress(slot, hazard));
        domain.leave(slot);
    }

    /** Whether the current thread holds the shared lock of this stamp on the record. */
    public boolean isShared(final long record, final long stamp) {
        return Stamps.isShared(stamp) && domain.find(domain.slotOrNone(), record, stamp) >= 0;
    }

    private int checkShared(final String operation, final long slot, final long record, final long grip) {
        final int hazard = Stamps.isShared(grip) ? domain.find(slot, record, grip)
            : Stamps.isOfGuard(grip) && domain.isAnnouncedWithoutStamp(slot, record, Stamps.hazard(grip))
            ? Stamps.hazard(grip) : -1;
        if (hazard < 0) {
            throw unmatched(operation, record, grip, slot == 0 ? 0 : domain.hazardAddress(slot, 0));
        }
        return hazard;
    }

    /**
     * Gives the lock of a stamp to a guard: no stamp ends it any more.
     *
     * @return the guard's grip on it, for the methods that take one
     */
    public long toGuard(final long record, final long stamp) {
        if (!Stamps.isShared(stamp)) {
            return stamp;
        }
        final long slot = domain.slotOrNone();
        final int hazard = checkShared("turning a stamp into a guard", slot, record, stamp);
        domain.endStamp(slot, hazard);
        return Stamps.ofGuard(hazard);
    }

    /**
     * Takes a counted hold, which any thread may end, once: nothing tells it from another.
     *
     * @return 1, or a refusal
     */
    public static long tryHold(final long record, final long incarnation) {
        ReservedStack.forBeginning(record);
        long lock = RecordLayout.lockVolatile(record);
        while (true) {
            if ((lock & (ATTACHED | WRITER)) != ATTACHED) {
                lock = SectionLock.settled(record);
                if (lock == 0) {
                    return refusal(record, incarnation);
                }
                continue;
            }
            if ((lock & COUNT) >= COUNT_LIMIT) {
                return Stamps.SATURATED;
            }
            final long witness = RecordLayout.compareAndExchangeLock(record, lock, lock + COUNT_UNIT);
            if (witness == lock) {
                break;
            }
            lock = witness;
        }
        if (RecordLayout.incarnation(record) != incarnation) { // [C1]
            uncount(record);
            return Stamps.DETACHED;
        }
        Ledger.counted(record);
        return 1;
    }

    /**
     * Takes a counted hold, waiting while a writer is there.
     *
     * @return 1, or a refusal for good: detached, saturated, or that the waiting gave up
     * @throws IllegalMonitorStateException if the thread would wait for itself
     */
    public long hold(final long record, final long incarnation, final Waiting waiting) {
        LockOrder.beforeRegion("hold", record, incarnation);
        final long stamp = tryHold(record, incarnation);
        return Stamps.isTransient(stamp) ? awaitTurn("hold", true, record, incarnation, waiting) : stamp;
    }

    /**
     * Ends a counted hold that its owner ends once.
     *
     * @throws IllegalMonitorStateException if there is none on the record
     */
    public static void endHold(final long record) {
        if (!uncount(record)) {
            throw unmatched("end of a counted hold", record, 0, record);
        }
        Ledger.uncounted(record);
    }

    /**
     * Gives a counted hold to a stamp, which any thread may end; {@link CountedStamps} tells it from every other.
     *
     * @return the stamp, or saturated, and then the hold has ended
     */
    public static long stampOfHold(final long record) {
        long stamp = 0;
        try {
            stamp = CountedStamps.give(record);
        } finally {
            if (stamp == 0) {
                endHold(record);
            }
        }
        return stamp != 0 ? stamp : Stamps.SATURATED;
    }

    /**
     * Ends the counted lock of a stamp.
     *
     * @throws IllegalMonitorStateException if the stamp is of none on the record that is held
     */
    public static void endCounted(final long record, final long stamp) {
        ReservedStack.forEnd(record); // the stamp and the count both, or neither
        if (!CountedStamps.end(record, stamp)) {
            throw unmatched("end of a counted lock", record, stamp, record);
        }
        uncount(record);
        Ledger.uncounted(record);
    }

    /**
     * Turns a shared lock of the current thread into a counted hold, also while a writer waits for it to end.
     *
     * @param grip the stamp, or what a guard has instead of one
     * @return 1, or saturated, and then the shared lock is still held
     */
    public long toHold(final long record, final long grip) {
        ReservedStack.forBeginning(record);
        final long slot = domain.slotOrNone();
        final int hazard = checkShared("turning a shared lock into a hold", slot, record, grip);
        if (!count(record)) {
            return Stamps.SATURATED;
        }
        Ledger.counted(record);
        end(slot, hazard); // after the increment: a drain looks at hazards first
        return 1;
    }

    /**
     * The same for a stamp, which becomes that of a counted lock.
     *
     * @return the counted lock's stamp, or saturated, and then the shared lock is still held
     */
    public long toCounted(final long record, final long stamp) {
        ReservedStack.forBeginning(record);
        final long slot = domain.slotOrNone();
        final int hazard = checkShared("turning a shared lock into a counted one", slot, record, stamp);
        if (!count(record)) {
            return Stamps.SATURATED;
        }
        Ledger.counted(record);
        final long counted = stampOfHold(record);
        if (counted > 0) {
            end(slot, hazard);
        }
        return counted;
    }

    /** Locks in exclusive mode if nobody is inside. */
    public long tryExclusive(final long record, final long incarnation) {
        final long lock = RecordLayout.lockAcquire(record);
        if ((lock & COUNT) != 0 || domain.isAnnounced(record, 0)) {
            // Not worth a barrier; also the answer when the record is somebody else's by now.
            return isAttached(record, incarnation) ? Stamps.SHARED : refusal(record, incarnation);
        }
        final long refused = tryExclude(record, incarnation);
        if (refused != 0) {
            return refused;
        }
        return becomeExclusiveIfDrained(record, 0);
    }

    private long becomeExclusiveIfDrained(final long record, final long ownHazard) {
        boolean drained = false;
        try {
            domain.heavyBarrier(); // [S1]
            drained = !domain.isAnnounced(record, ownHazard) && (RecordLayout.lockVolatile(record) & COUNT) == 0;
        } finally {
            if (!drained) {
                withdraw(record);
            }
        }
        return drained ? becomeMine(record) : Stamps.SHARED;
    }

    /**
     * Locks in exclusive mode: turns new readers away and waits for those inside.
     *
     * @return a stamp, or a refusal for good: detached, or that the waiting gave up, which leaves no trace
     * @throws IllegalMonitorStateException if the thread would wait for itself
     */
    public long exclusive(final long record, final long incarnation, final Waiting waiting) {
        checkMayDrain("exclusive", record, incarnation);
        while (true) {
            final long refused = tryExclude(record, incarnation);
            if (refused == 0) {
                break;
            }
            if (!Stamps.isTransient(refused)) {
                return refused;
            }
            if (!awaitWriter("exclusive", record, waiting)) {
                return Stamps.gaveUp(waiting);
            }
        }
        boolean drained = false;
        try { // the barrier, the idle strategy and the listener may throw
            waiting.reset();
            domain.heavyBarrier(); // [S1]
            drained = drain(record, 0, waiting);
        } finally {
            if (!drained) {
                withdraw(record);
            }
        }
        return drained ? becomeMine(record) : Stamps.gaveUp(waiting);
    }

    /** Sets EXCLUDING for the current thread; 0, or why not. */
    private long tryExclude(final long record, final long incarnation) {
        if ((RecordLayout.lockVolatile(record) & (ATTACHED | WRITER)) != ATTACHED && !SectionLock.settle(record)) {
            return refusal(record, incarnation);
        }
        if (isAwaited(record)) {
            return Stamps.SHARED;
        }
        ReservedStack.forBeginning(record);
        domain.beginWrite(); // before the lock can be seen as this thread's, so that it is found if the thread dies
        final long refused = exclude(record, incarnation,
            RecordLayout.owned(Thread.currentThread().threadId()));
        if (refused != 0) {
            domain.endWrite();
        }
        return refused;
    }

    private void withdraw(final long record) {
        include(record);
        domain.endWrite();
    }

    boolean drain(final long record, final long tag, final Waiting waiting) {
        if (!domain.awaitReaders(record, 0, tag, waiting, listener)) {
            return false;
        }
        // The count last: a hazard seen above as gone may have become a hold, and was counted before it went.
        while ((RecordLayout.lockVolatile(record) & COUNT) != 0) { // [S3]
            if (!pause(record, tag, waiting)) {
                return false;
            }
        }
        return true;
    }

    private static long becomeMine(final long record) {
        final long stamp = becomeExclusive(record);
        Ledger.taken(record, Ledger.Kind.EXCLUSIVE, record);
        return stamp;
    }

    static long becomeExclusive(final long record) {
        RecordLayout.getAndAddLock(record, EXCLUSIVE);
        final long sequence = RecordLayout.sequence(record) + 1;
        RecordLayout.sequenceRelease(record, sequence); // [X1]
        VarHandle.storeStoreFence(); // [X1]
        return Stamps.exclusive(sequence);
    }

    /**
     * Ends the exclusive lock of the current thread.
     *
     * @throws IllegalMonitorStateException if the current thread does not hold it
     */
    public void endExclusive(final long record, final long stamp) {
        if (!isExclusive(record, stamp)) {
            throw unmatched("end of an exclusive lock", record, stamp, record);
        }
        ReservedStack.forEnd(record); // the sequence and the lock word both, or neither
        Ledger.released(record);
        RecordLayout.sequenceRelease(record, RecordLayout.sequence(record) + 1); // [X2]
        withdraw(record); // [X3]
    }

    /** Whether the current thread holds the exclusive lock of this stamp on the record. */
    public boolean isExclusive(final long record, final long stamp) {
        final long lock = RecordLayout.lockAcquire(record);
        return Stamps.isExclusive(stamp) && (lock & EXCLUSIVE) != 0 &&
            (lock & OWNER) == RecordLayout.owned(Thread.currentThread().threadId()) &&
            stamp == Stamps.exclusive(RecordLayout.sequence(record));
    }

    /**
     * Whether a lock of this stamp is held on the record. Of shared locks, only the current thread's own are known.
     */
    public boolean isHeld(final long record, final long incarnation, final long stamp) {
        if (RecordLayout.incarnationAcquire(record) != incarnation) {
            return false;
        }
        if (Stamps.isExclusive(stamp)) {
            final boolean isLast = stamp == Stamps.exclusive(RecordLayout.sequenceAcquire(record));
            return isLast &&
                (RecordLayout.lockAcquire(record) & (ATTACHED | EXCLUSIVE | SECTION)) == (ATTACHED | EXCLUSIVE);
        }
        return isCounted(record, stamp) || isShared(record, stamp);
    }

    /** Whether a counted lock of this stamp is held on the record. */
    public static boolean isCounted(final long record, final long stamp) {
        return CountedStamps.isGiven(record, stamp);
    }

    /**
     * Turns the exclusive lock of the current thread into a shared one; no writer gets in between.
     *
     * @return the stamp of the shared lock, or saturated, and then the exclusive lock is still held
     */
    public long downgrade(final long record, final long stamp) {
        if (!isExclusive(record, stamp)) {
            throw unmatched("downgrade", record, stamp, record);
        }
        ReservedStack.forBeginning(record);
        final long slot = domain.slot();
        final int hazard = domain.announce(slot, record); // seen by the next writer: it sets EXCLUDING after [X3]
        if (hazard < 0) {
            return Stamps.SATURATED;
        }
        Ledger.released(record);
        Ledger.taken(domain.hazardAddress(slot, hazard), Ledger.Kind.SHARED, record);
        final long shared = domain.stamp(slot, hazard);
        RecordLayout.sequenceRelease(record, RecordLayout.sequence(record) + 1); // [X2]
        withdraw(record); // [X3]
        return shared;
    }

    /**
     * Turns a shared lock of the current thread into the exclusive one if nobody else is inside.
     *
     * @param grip the stamp, or what a guard has instead of one
     * @return the exclusive stamp, or a refusal, and then the shared lock is still held
     */
    public long tryUpgrade(final long record, final long grip) {
        final long slot = domain.slotOrNone();
        final int hazard = checkShared("upgrade", slot, record, grip);
        final long own = domain.hazardAddress(slot, hazard);
        if (domain.isAnnounced(record, own) || (RecordLayout.lockAcquire(record) & COUNT) != 0) {
            return Stamps.SHARED;
        }
        final long refused = tryExclude(record, RecordLayout.incarnation(record));
        if (refused != 0) {
            return refused;
        }
        final long exclusive = becomeExclusiveIfDrained(record, own);
        if (exclusive > 0) {
            end(slot, hazard);
        }
        return exclusive;
    }

    /** A stamp for {@link #validate}, or 0 if the record is held exclusively, detached, or in another incarnation. */
    public static long tryOptimisticRead(final long record, final long incarnation) {
        final long sequence = RecordLayout.sequenceAcquire(record); // [O1]
        // The lock word is for validate: a record just detached, with an even sequence yet, gives a stamp that fails.
        final long stamp = (sequence & 1) == 0 ? sequence : SectionLock.stampOfEnded(record, sequence);
        return RecordLayout.incarnation(record) == incarnation ? stamp : 0;
    }

    /**
     * Whether no exclusive holder, unmap or reuse came since the stamp was taken. The reads to be validated must come
     * before this call.
     */
    public static boolean validate(final long record, final long stamp) {
        VarHandle.acquireFence(); // [O2]
        final long lock = RecordLayout.lockAcquire(record);
        final long sequence = RecordLayout.sequence(record);
        return (lock & ATTACHED) != 0 && stamp != 0 &&
            (sequence == stamp || sequence == stamp - 1 && SectionLock.isEnded(lock));
    }

    /**
     * Ends the record's life: from the moment of success on, nobody can lock it, and every stamp fails. This is the
     * point of no return of an unmap; what is left to do is {@link #drainDetached} and {@link #reclaim}.
     *
     * @return 1, or a refusal: already detached, or that the waiting for another writer gave up
     * @throws IllegalMonitorStateException if the thread would wait for itself
     */
    public long detach(final long record, final long incarnation, final Waiting waiting) {
        checkMayDrain("unmap", record, incarnation);
        while (true) {
            final long result = tryDetach(record, incarnation);
            if (result > 0 || !Stamps.isTransient(result)) {
                return result;
            }
            if (!awaitWriter("unmap", record, waiting)) {
                return Stamps.gaveUp(waiting);
            }
        }
    }

    /** Detaches if no writer is there; 1, or a refusal. */
    public long tryDetach(final long record, final long incarnation) {
        domain.pinStructure(); // [D1]
        try {
            final long me = RecordLayout.owned(Thread.currentThread().threadId());
            long lock = RecordLayout.lockVolatile(record);
            while (true) {
                if ((lock & (ATTACHED | WRITER)) != ATTACHED || RecordLayout.incarnation(record) != incarnation) {
                    lock = SectionLock.settled(record);
                    if (lock == 0) {
                        return refusal(record, incarnation);
                    }
                    continue;
                }
                final long detached = (lock & ~ATTACHED) | EXCLUDING | me;
                final long witness = RecordLayout.compareAndExchangeLock(record, lock, detached); // [D1]
                if (witness == lock) {
                    RecordLayout.sequenceVolatile(record, RecordLayout.sequence(record) + 1);
                    LockOrder.forgetRegion(record);
                    return 1;
                }
                lock = witness;
            }
        } finally {
            domain.unpinStructure();
        }
    }

    /**
     * Turns readers away from records and keeps other writers off, as the first half of detaching them: of all, or of none.
     * Until {@link #detachExcluded} or {@link #withdrawAll} nobody else can detach one, so the other half is never refused.
     * Waits for writers, and excludes nobody while it does, so that no two can wait for each other.
     *
     * @param records      distinct
     * @param incarnations of the records, in the same order
     * @param drains       whether the thread is going to wait for readers, so that it must not be one itself
     * @return 1, or a refusal of one of them: already detached, or moved, or that the waiting for a writer gave up
     * @throws IllegalMonitorStateException if the thread would wait for itself
     */
    public long excludeAll(final long[] records, final long[] incarnations, final boolean drains,
                           final Waiting waiting) {
        for (int i = 0; drains && i < records.length; i++) {
            checkMayDrain("unmap", records[i], incarnations[i]);
        }
        while (true) {
            final int excluded = tryExcludeAll(records, incarnations);
            if (excluded == records.length) {
                return 1;
            }
            final long record = records[excluded];
            final long refused = refusal(record, incarnations[excluded]);
            if (!Stamps.isTransient(refused)) {
                return refused;
            }
            checkMayDrain("unmap", record, incarnations[excluded]);
            if (!awaitWriter("unmap", record, waiting)) {
                return Stamps.gaveUp(waiting);
            }
        }
    }

    /** Excludes all, or none; how many could be, so that another number than that of all names the first that could not. */
    private int tryExcludeAll(final long[] records, final long[] incarnations) {
        int excluded = 0;
        boolean all = false;
        try {
            while (excluded < records.length && tryExclude(records[excluded], incarnations[excluded]) == 0) {
                excluded++;
            }
            all = excluded == records.length;
        } finally {
            if (!all) {
                withdrawAll(records, 0, excluded);
            }
        }
        return excluded;
    }

    /** Lets others come again to some of the records that {@link #excludeAll} has excluded for the current thread. */
    public void withdrawAll(final long[] records, final int from, final int to) {
        for (int i = from; i < to; i++) {
            withdraw(records[i]);
        }
    }

    /**
     * Ends the life of a record that {@link #excludeAll} has excluded for the current thread, as {@link #tryDetach} does.
     * The caller has made sure of stack; it cannot fail then.
     */
    public void detachExcluded(final long record) {
        RecordLayout.getAndMaskLock(record, ~ATTACHED); // [D1]: it is attached, and EXCLUDING keeps it from being reused
        RecordLayout.sequenceVolatile(record, RecordLayout.sequence(record) + 1);
        domain.endWrite();
        LockOrder.forgetRegion(record);
    }

    /**
     * Waits until no guard, hold or earlier pin can reach a detached record.
     *
     * <p>A thread that is pinned or holds a guard on the record must bring a waiting that ends: it is not told that it
     * waits for itself, as it is by {@link #detach}, because a drain of no duration is of use to it.
     *
     * @param tag from {@link EpochDomain#retireEpoch()}, called after the record was detached
     * @return false if the waiting gave up; the record stays detached and can be drained later, by any thread
     */
    public boolean drainDetached(final long record, final long tag, final Waiting waiting) {
        return drain(record, tag, waiting);
    }

    /**
     * Ends the record's life under the exclusive lock of the current thread, for a region that goes on in other records.
     * Who comes later is told that the region moved. Nobody is inside, so the record needs no drain; it can be reclaimed
     * once the pins from before have ended.
     *
     * @throws IllegalMonitorStateException if the current thread does not hold the lock; nothing changes then
     */
    public void move(final long record, final long stamp) {
        leave("move", record, stamp, ~(ATTACHED | OWNER));
    }

    /**
     * The same for a region that does not go on anywhere: it is unmapped, and pins from before are all that it has to
     * wait for.
     *
     * @throws IllegalMonitorStateException if the current thread does not hold the lock; nothing changes then
     */
    public void detachExclusive(final long record, final long stamp) {
        leave("unmap", record, stamp, ~(ATTACHED | OWNER | EXCLUSIVE));
    }

    private void leave(final String operation, final long record, final long stamp, final long left) {
        if (!isExclusive(record, stamp)) {
            throw new IllegalMonitorStateException(operation + " by a thread that does not hold the region exclusively: " +
                "stamp=" + Stamps.describe(stamp) + ", " + describe(record));
        }
        ReservedStack.forEnd(record); // the lock word and the end of the writer both, or neither
        RecordLayout.getAndMaskLock(record, left); // [M1]
        Ledger.released(record);
        domain.endWrite(); // after it: until then others find the lock if the thread dies
        LockOrder.forgetRegion(record);
    }

    /** Whether the record's life has ended because the region goes on in other records. */
    public static boolean isMoved(final long record) {
        return (RecordLayout.lockAcquire(record) & (ATTACHED | EXCLUSIVE)) == EXCLUSIVE;
    }

    /**
     * Whether a drained record can be {@linkplain #reclaim reclaimed}: it was detached by an unmap, and for no section, and
     * nobody counts in it; or it has never been attached.
     */
    public static boolean isReclaimable(final long record) {
        final long lock = RecordLayout.lockAcquire(record);
        return lock == 0 || (lock & (ATTACHED | WRITER | SECTION | COUNT)) == EXCLUDING;
    }

    /** Makes a record that is detached and drained, or was never attached, free for its next life. */
    public static void reclaim(final long record) {
        final long lock = RecordLayout.lockVolatile(record);
        if (lock != 0 && (lock & (ATTACHED | EXCLUDING | COUNT)) != EXCLUDING) {
            throw new IllegalStateException("reclaim of a record that is not drained: " +
                RecordLayout.describeLock(lock));
        }
        RecordLayout.lockRelease(record, 0);
    }

    // Single steps on the lock word. Nothing here waits.

    /** Why a lock is not granted at this moment. */
    public static long refusal(final long record, final long incarnation) {
        final long lock = RecordLayout.lockAcquire(record);
        if (RecordLayout.incarnation(record) != incarnation) {
            return Stamps.DETACHED;
        }
        if ((lock & ATTACHED) == 0) {
            return (lock & (EXCLUSIVE | SECTION)) == EXCLUSIVE ? Stamps.MOVED : Stamps.DETACHED;
        }
        return (lock & EXCLUSIVE) != 0 ? Stamps.EXCLUSIVE : Stamps.EXCLUDED;
    }

    /** Sets EXCLUDING for an owner, in place; 0, or why not. */
    static long exclude(final long record, final long incarnation, final long owner) {
        long lock = RecordLayout.lockVolatile(record);
        while (true) {
            if ((lock & (ATTACHED | WRITER)) != ATTACHED) {
                lock = SectionLock.settled(record);
                if (lock == 0) {
                    return refusal(record, incarnation);
                }
                continue;
            }
            final long witness = RecordLayout.compareAndExchangeLock(record, lock, lock | EXCLUDING | owner);
            if (witness == lock) {
                break;
            }
            lock = witness;
        }
        if (RecordLayout.incarnation(record) != incarnation) { // a later life, as in [C1]
            include(record);
            return Stamps.DETACHED;
        }
        return 0;
    }

    /** Clears the writer's part. */
    static void include(final long record) {
        RecordLayout.getAndMaskLock(record, ~(WRITER | OWNER));
    }

    /** Adds one to the count, whatever else is in the word; false if there are as many as there may be. */
    static boolean count(final long record) {
        long lock = RecordLayout.lockVolatile(record);
        while ((lock & COUNT) < COUNT_LIMIT) {
            final long witness = RecordLayout.compareAndExchangeLock(record, lock, lock + COUNT_UNIT);
            if (witness == lock) {
                return true;
            }
            lock = witness;
        }
        return false;
    }

    /** Takes one from the count; false if it is zero already, so that misuse cannot borrow from the other fields. */
    static boolean uncount(final long record) {
        long lock = RecordLayout.lockVolatile(record);
        while ((lock & COUNT) != 0) {
            final long witness = RecordLayout.compareAndExchangeLock(record, lock, lock - COUNT_UNIT); // [S3]
            if (witness == lock) {
                return true;
            }
            lock = witness;
        }
        return false;
    }

    // The exceptions: a thread that would wait for itself, and the end of what is not held.

    /**
     * Refuses a stamp that comes with the handle of another life of the record, and what is a guard's and no stamp.
     *
     * @throws IllegalMonitorStateException if it is one of these
     */
    public static void checkStamp(final String operation, final long record, final long incarnation, final long stamp) {
        if (RecordLayout.incarnationAcquire(record) != incarnation || Stamps.isOfGuard(stamp)) {
            throw unmatched(operation, record, stamp, record);
        }
    }

    /** Refuses to begin a drain that would wait for the current thread itself. */
    void checkMayDrain(final String operation, final long record, final long incarnation) {
        if (domain.isPinned()) {
            throw new IllegalMonitorStateException(operation + " by a pinned thread could wait for itself: " +
                described(record) + "; close the pin first, or use a try form");
        }
        if (domain.announcedByMe(record, 0)) {
            throw new IllegalMonitorStateException(operation + " by a thread that holds a guard on the region would " +
                "wait for itself: " + described(record) + "; close the guard first, or upgrade it");
        }
        if (Ledger.ENABLED && Ledger.isMine(Ledger.Kind.VIEW, record)) {
            throw new IllegalMonitorStateException(operation + " by a thread that has a view of a hold on the region " +
                "would wait for itself: " + described(record) + "; close the view and release the hold");
        }
        LockOrder.beforeRegion(operation, record, incarnation);
    }

    /** Refuses to wait for a writer that would wait for the current thread itself, or is the current thread. */
    private void checkMayWait(final String operation, final long record, final long lock) {
        if ((lock & WRITER) != 0 && SectionLock.isMine(lock)) {
            throw new IllegalMonitorStateException(operation + " by the thread that holds the region exclusively " +
                "would wait for itself: " + described(record) +
                "; end or downgrade the exclusive guard first");
        }
        if (domain.isPinned()) {
            throw new IllegalMonitorStateException(operation + " by a pinned thread would wait, perhaps for itself: " +
                described(record) + "; close the pin first, or use a try form");
        }
        if (domain.announcedByMe(record, 0)) {
            throw new IllegalMonitorStateException(operation + " by a thread that holds a guard on the region, for " +
                "which a writer waits, would wait for itself: " + described(record) +
                "; use the guard that is held");
        }
    }

    /** The region and its decoded state, for messages. */
    private String described(final long record) {
        return listener.region(record) + ", " + describe(record);
    }

    /**
     * For the end of something that is not held. In debug mode the cause is the place that took it, if another thread
     * holds it, or the one that gave it back.
     *
     * @param address where it would be announced if the current thread held it
     */
    private static IllegalMonitorStateException unmatched(final String operation, final long record, final long stamp,
                                                          final long address) {
        final Ledger.Kind kind = Stamps.isShared(stamp) ? Ledger.Kind.SHARED : Ledger.Kind.EXCLUSIVE;
        final Ledger.Entry taken = Ledger.find(kind, record);
        final Ledger.Entry cause = taken == null ? Ledger.lastRelease(address) : taken;
        final IllegalMonitorStateException unmatched = new IllegalMonitorStateException(operation +
            " that the current thread does not hold: stamp=" + Stamps.describe(stamp) + ", " +
            describe(record) + (cause == null ? "" : ", last: " + cause));
        unmatched.initCause(cause);
        return unmatched;
    }

    /** The decoded state of a record, for messages. */
    public static String describe(final long record) {
        return "incarnation=" + RecordLayout.incarnationAcquire(record) + ", sequence=" +
            RecordLayout.sequenceAcquire(record) + ", " +
            RecordLayout.describeLock(SectionLock.withoutEnded(RecordLayout.lockAcquire(record)));
    }
}
