// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.epoch.Waiting;
import io.holdfast.lock.LockOrder;
import io.holdfast.lock.QuickShare;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.Stamps;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * The ways to lock a region: shared, by a hold, exclusively; each by an object that is closed and by a stamp, which
 * never allocates; each in a form that never waits, one that waits, and one that waits for so long and can be
 * interrupted.
 */
abstract sealed class RegionLocks extends RegionAssertions permits RegionPages {
    final RegionLock lock;
    private final long quickSeed;
    private final long quickStamp;

    RegionLocks(final AddressSpace space, final RegionLock lock, final long record, final long incarnation) {
        super(space, record, incarnation);
        this.lock = lock;
        this.quickSeed = space.quickSeed();
        this.quickStamp = QuickShare.stamp(incarnation);
    }

    abstract Region self();

    /** {@return whether guards may write} */
    public abstract boolean isWritable();

    abstract RegionException refused(String operation, long stamp);

    abstract InterruptedException interrupted(String operation);

    // ---------------------------------------------------------------------------------------------------- shared

    /** {@return a read-only shared guard, or a refused one} Never waits. */
    public Guard tryShare() {
        return tryShare(Guard.Mode.SHARED);
    }

    /**
     * A read-only shared guard; waits while a writer is there.
     *
     * @return the guard, held
     * @throws RegionException              if the region is unmapped, or the thread holds too many locks
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public Guard share() {
        return share(Guard.Mode.SHARED);
    }

    /**
     * A read-only shared guard; waits while a writer is there, for so long.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the guard, held
     * @throws InterruptedException         if the thread is interrupted when it comes, or while it waits; nothing is held
     *                                      then
     * @throws TimeoutException             if the time is over; nothing is held then
     * @throws RegionException              as {@link #share()}
     * @throws IllegalMonitorStateException as {@link #share()}
     */
    public Guard share(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        return Guard.of(self(), Guard.Mode.SHARED, lockShared(timeout, unit));
    }

    /**
     * A shared guard with a writable segment, or a refused one. Never waits.
     *
     * @return the guard, held or refused
     * @throws RegionException if the region is read-only
     */
    public Guard tryShareWritable() {
        checkWritable("tryShareWritable");
        return tryShare(Guard.Mode.SHARED_WRITABLE);
    }

    /**
     * A shared guard with a writable segment; waits while a writer is there. Several threads may hold one: they order
     * their writes themselves.
     *
     * @return the guard, held
     * @throws RegionException              as {@link #share()}, and if the region is read-only
     * @throws IllegalMonitorStateException as {@link #share()}
     */
    public Guard shareWritable() {
        checkWritable("shareWritable");
        return share(Guard.Mode.SHARED_WRITABLE);
    }

    /**
     * A shared guard with a writable segment; waits while a writer is there, for so long.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the guard, held
     * @throws InterruptedException         as {@link #share(long, TimeUnit)}
     * @throws TimeoutException             as {@link #share(long, TimeUnit)}
     * @throws RegionException              as {@link #share()}, and if the region is read-only
     * @throws IllegalMonitorStateException as {@link #share()}
     */
    public Guard shareWritable(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        checkWritable("shareWritable");
        return Guard.of(self(), Guard.Mode.SHARED_WRITABLE, lockShared(timeout, unit));
    }

    private Guard tryShare(final Guard.Mode mode) {
        final long slot = QuickShare.share(quickSeed, record, incarnation);
        try {
            return Guard.shared(self(), mode, slot != 0 ? quickStamp : FullForm.tryShare(this), slot);
        } catch (final Throwable e) {
            undo(slot);
            throw e;
        }
    }

    private Guard share(final Guard.Mode mode) {
        LockOrder.beforeRegion("share", record, incarnation);
        final long slot = QuickShare.share(quickSeed, record, incarnation);
        try {
            return Guard.granted(self(), mode, slot != 0 ? quickStamp : FullForm.share(this), slot);
        } catch (final Throwable e) {
            undo(slot);
            throw e;
        }
    }

    /** No deeper than the lock was taken, in the frame that took it: what is undone may be a stack overflow. */
    private static void undo(final long slot) {
        if (slot != 0) {
            QuickShare.undo(slot);
        }
    }

    /**
     * Locks in shared mode. Never waits.
     *
     * @return the stamp for {@link #unlockShared(long)}, or a refusal, not positive, for {@link Refusal#of(long)}
     */
    public long tryLockShared() {
        return QuickShare.share(quickSeed, record, incarnation) != 0 ? quickStamp : FullForm.tryShare(this);
    }

    /**
     * Locks in shared mode; waits while a writer is there.
     *
     * @return the stamp for {@link #unlockShared(long)}
     * @throws RegionException              as {@link #share()}
     * @throws IllegalMonitorStateException as {@link #share()}
     */
    public long lockShared() {
        LockOrder.beforeRegion("share", record, incarnation);
        return QuickShare.share(quickSeed, record, incarnation) != 0 ? quickStamp : FullForm.share(this);
    }

    long lockShared(final String operation) {
        final long stamp = lock.tryShare(record, incarnation);
        return stamp > 0 ? stamp : lockSharedSlowly(operation);
    }

    private long lockSharedSlowly(final String operation) {
        try (Waiting waiting = space.waiting(Waiting.FOREVER, false)) {
            return granted(operation, lock.share(record, incarnation, waiting));
        }
    }

    /**
     * Locks in shared mode; waits while a writer is there, for so long.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the stamp for {@link #unlockShared(long)}
     * @throws InterruptedException         as {@link #share(long, TimeUnit)}
     * @throws TimeoutException             as {@link #share(long, TimeUnit)}
     * @throws RegionException              as {@link #share()}
     * @throws IllegalMonitorStateException as {@link #share()}
     */
    public long lockShared(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        checkInterrupt("share");
        try (Waiting waiting = space.waiting(unit.toNanos(timeout), true)) {
            return grantedInTime("share", lock.share(record, incarnation, waiting));
        }
    }

    /**
     * Ends a shared lock. As with the JDK's locks, a stamp does not remember that it was released: if the thread has
     * locked the region again since, the same stamp may be that lock's.
     *
     * @param stamp of the method that locked
     * @throws IllegalMonitorStateException if the current thread holds no lock of this stamp; nothing is released then
     */
    public void unlockShared(final long stamp) {
        if (stamp != quickStamp || !QuickShare.end(quickSeed, record, incarnation)) {
            FullForm.endShare(this, stamp);
        }
    }

    // --------------------------------------------------------------------------------------------------- counted

    /** {@return a shared lock that any thread may release, or a refused one} Never waits. */
    public Hold tryHold() {
        return Hold.of(self(), tryLockCounted());
    }

    /**
     * A shared lock that any thread may release; waits while a writer is there.
     *
     * @return the hold
     * @throws RegionException              if the region is unmapped, or has as many holds as it can count
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public Hold hold() {
        return Hold.of(self(), lockCounted());
    }

    /**
     * A shared lock that any thread may release; waits while a writer is there, for so long.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the hold
     * @throws InterruptedException as {@link #share(long, TimeUnit)}
     * @throws TimeoutException     as {@link #share(long, TimeUnit)}
     * @throws RegionException      as {@link #hold()}
     */
    public Hold hold(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        return Hold.of(self(), lockCounted(timeout, unit));
    }

    /**
     * Locks in shared mode for any thread to unlock. Never waits.
     *
     * @return the stamp for {@link #unlockCounted(long)}, or a refusal, not positive, for {@link Refusal#of(long)}
     */
    public long tryLockCounted() {
        return RegionLock.tryHold(record, incarnation);
    }

    /**
     * Locks in shared mode for any thread to unlock; waits while a writer is there.
     *
     * @return the stamp for {@link #unlockCounted(long)}
     * @throws RegionException              as {@link #hold()}
     * @throws IllegalMonitorStateException as {@link #hold()}
     */
    public long lockCounted() {
        LockOrder.beforeRegion("hold", record, incarnation);
        final long stamp = RegionLock.tryHold(record, incarnation);
        return stamp > 0 ? stamp : lockCountedSlowly();
    }

    private long lockCountedSlowly() {
        try (Waiting waiting = space.waiting(Waiting.FOREVER, false)) {
            return granted("hold", lock.hold(record, incarnation, waiting));
        }
    }

    /**
     * Locks in shared mode for any thread to unlock; waits while a writer is there, for so long.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the stamp for {@link #unlockCounted(long)}
     * @throws InterruptedException as {@link #share(long, TimeUnit)}
     * @throws TimeoutException     as {@link #share(long, TimeUnit)}
     * @throws RegionException      as {@link #hold()}
     */
    public long lockCounted(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        checkInterrupt("hold");
        try (Waiting waiting = space.waiting(unit.toNanos(timeout), true)) {
            return grantedInTime("hold", lock.hold(record, incarnation, waiting));
        }
    }

    /**
     * Ends a counted lock. Its count tells no lock from another: a stamp that is unlocked twice ends somebody else's.
     *
     * @param stamp of the method that locked, in whatever thread
     * @throws IllegalMonitorStateException if the region has no counted lock, or the stamp is none of one
     */
    public void unlockCounted(final long stamp) {
        RegionLock.endHold(record, stamp);
    }

    // ------------------------------------------------------------------------------------------------- exclusive

    /** {@return an exclusive guard if nobody is inside, or a refused one} Never waits. */
    public Guard tryExclusive() {
        return Guard.of(self(), Guard.Mode.EXCLUSIVE, lock.tryExclusive(record, incarnation));
    }

    /**
     * An exclusive guard; turns new readers away and waits for those inside.
     *
     * @return the guard, held
     * @throws RegionException              if the region is unmapped
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public Guard exclusive() {
        return Guard.of(self(), Guard.Mode.EXCLUSIVE, lockExclusive());
    }

    /**
     * An exclusive guard; waits for so long. Giving up leaves nothing behind.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the guard, held
     * @throws InterruptedException         if the thread is interrupted when it comes, or while it waits
     * @throws TimeoutException             if the time is over
     * @throws RegionException              as {@link #exclusive()}
     * @throws IllegalMonitorStateException as {@link #exclusive()}
     */
    public Guard exclusive(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        return Guard.of(self(), Guard.Mode.EXCLUSIVE, lockExclusive(timeout, unit));
    }

    /**
     * Locks in exclusive mode if nobody is inside. Never waits.
     *
     * @return the stamp for {@link #unlockExclusive(long)}, or a refusal, not positive, for {@link Refusal#of(long)}
     */
    public long tryLockExclusive() {
        return lock.tryExclusive(record, incarnation);
    }

    /**
     * Locks in exclusive mode; turns new readers away and waits for those inside.
     *
     * @return the stamp for {@link #unlockExclusive(long)}
     * @throws RegionException              if the region is unmapped
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public long lockExclusive() {
        return lockExclusive("exclusive");
    }

    long lockExclusive(final String operation) {
        try (Waiting waiting = space.waiting(Waiting.FOREVER, false)) {
            return granted(operation, lock.exclusive(record, incarnation, waiting));
        }
    }

    /**
     * Locks in exclusive mode; waits for so long. Giving up leaves nothing behind.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the stamp for {@link #unlockExclusive(long)}
     * @throws InterruptedException         as {@link #exclusive(long, TimeUnit)}
     * @throws TimeoutException             as {@link #exclusive(long, TimeUnit)}
     * @throws RegionException              as {@link #exclusive()}
     * @throws IllegalMonitorStateException as {@link #exclusive()}
     */
    public long lockExclusive(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        checkInterrupt("exclusive");
        try (Waiting waiting = space.waiting(unit.toNanos(timeout), true)) {
            return grantedInTime("exclusive", lock.exclusive(record, incarnation, waiting));
        }
    }

    /**
     * Ends the exclusive lock.
     *
     * @param stamp of the method that locked
     * @throws IllegalMonitorStateException if the current thread does not hold it; nothing is released then
     */
    public void unlockExclusive(final long stamp) {
        lock.endExclusive(record, stamp);
    }

    // --------------------------------------------------------------------------------------------------- package

    void end(final Guard.Mode mode, final long stamp) {
        if (mode == Guard.Mode.EXCLUSIVE) {
            lock.endExclusive(record, stamp);
        } else {
            lock.endShare(record, stamp);
        }
    }

    boolean endQuickly(final long slot) {
        return QuickShare.endIn(slot, record);
    }

    void endHold(final long stamp) {
        RegionLock.endHold(record, stamp);
    }

    long downgrade(final long stamp) {
        return granted("downgrade", lock.downgrade(record, stamp));
    }

    long tryUpgrade(final long stamp) {
        return lock.tryUpgrade(record, stamp);
    }

    long toHold(final long stamp) {
        return granted("hold", lock.toHold(record, stamp));
    }

    private void checkWritable(final String operation) {
        if (!isWritable()) {
            throw new RegionException(operation + " of a read-only region: " + describe(), null);
        }
    }

    /** Refuses to begin what can be interrupted in a thread that has been. */
    void checkInterrupt(final String operation) throws InterruptedException {
        if (Thread.interrupted()) {
            throw interrupted(operation);
        }
    }

    private long granted(final String operation, final long stamp) {
        if (stamp <= 0) {
            throw refused(operation, stamp);
        }
        return stamp;
    }

    private long grantedInTime(final String operation, final long stamp) throws InterruptedException,
        TimeoutException {
        if (stamp == Stamps.INTERRUPTED) {
            throw interrupted(operation);
        }
        if (stamp == Stamps.TIMED_OUT) {
            throw new TimeoutException(operation + " timed out: " + describe() + ", held by " +
                space.holders(record));
        }
        return granted(operation, stamp);
    }
}
