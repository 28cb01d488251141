// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Advice;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Lease;
import io.holdfast.Protection;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Ledger;
import io.holdfast.epoch.Waiting;
import io.holdfast.event.ExclusiveWaitEvent;
import io.holdfast.layout.RecordLayout;
import io.holdfast.layout.Words;
import io.holdfast.lock.LockOrder;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.SharedFastPath;
import io.holdfast.lock.Stamps;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A handle to one life of a region: its record and its incarnation. What locks is here; what changes pages or structure
 * is handed on.
 */
public final class RegionHandle implements Region {
    /** What a guard has for a stamp whose lock was taken quickly. */
    private static final long QUICK = Stamps.ofGuard(0);

    static {
        // Else they would be loaded between the taking of a lock and the making of what releases it, and the lock would be
        // left if there were no memory for that.
        SlowPath.load();
        GuardHandle.load();
        HoldHandle.load();
    }

    private final RegionLock lock;
    private final SpaceHandle space;
    private final long record;
    private final long incarnation;
    private final long quickSeed;
    private final long base;
    private final long firstSize;
    private final boolean writable;
    private final boolean growable;
    // Benign races: threads may each make such a segment; all are equally good, and final fields publish them safely.
    private @Nullable MemorySegment whole; // of a region whose size stays
    private @Nullable MemorySegment part; // of one that may grow, as large as it was some time ago
    private boolean leased; // read without order, as a hint

    /**
     * For a record in this life, which the caller keeps from being reused.
     *
     * @param baseAndKind of the record
     * @param size        of the record
     */
    RegionHandle(final SpaceHandle space, final RegionLock lock, final long record, final long incarnation,
                 final long baseAndKind, final long size) {
        this.space = space;
        this.lock = lock;
        this.record = record;
        this.incarnation = incarnation;
        this.quickSeed = space.quickSeed();
        this.base = RecordLayout.baseOf(baseAndKind);
        this.firstSize = size;
        final long kind = RecordLayout.kindOf(baseAndKind);
        this.writable = PageFlags.isWritable(kind);
        this.growable = PageFlags.isGrowable(kind);
    }

    // ------------------------------------------------------------------------------------------------ properties

    @Override
    public long address() {
        return base - space.base();
    }

    @Override
    public long unsafeNativeAddress() {
        return base;
    }

    @Override
    public long size() {
        return ofThisLife("size", RecordLayout.sizeAcquire(record));
    }

    @Override
    public long reservedStart() {
        return ofThisLife("reservedStart", RecordLayout.start(record));
    }

    @Override
    public long reservedEnd() {
        return ofThisLife("reservedEnd", RecordLayout.limit(record));
    }

    /** What was read of the record, if it was this life's. */
    private long ofThisLife(final String operation, final long value) {
        VarHandle.acquireFence(); // it is this life's only if the incarnation still is, read after it
        if (!isMapped()) {
            throw refused(operation, RegionLock.refusal(record, incarnation));
        }
        return value;
    }

    @Override
    public boolean isWritable() {
        return writable;
    }

    // ---------------------------------------------------------------------------------------------------- shared

    @Override
    public Guard tryShare() {
        return tryShare(Guard.Mode.SHARED);
    }

    @Override
    public Guard share() {
        return share(Guard.Mode.SHARED);
    }

    @Override
    public Guard share(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        return GuardHandle.of(this, Guard.Mode.SHARED, guarded(lockShared(timeout, unit)));
    }

    @Override
    public Guard tryShareWritable() {
        checkWritable("tryShareWritable");
        return tryShare(Guard.Mode.SHARED_WRITABLE);
    }

    @Override
    public Guard shareWritable() {
        checkWritable("shareWritable");
        return share(Guard.Mode.SHARED_WRITABLE);
    }

    @Override
    public Guard shareWritable(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        checkWritable("shareWritable");
        return GuardHandle.of(this, Guard.Mode.SHARED_WRITABLE, guarded(lockShared(timeout, unit)));
    }

    private Guard tryShare(final Guard.Mode mode) {
        final long slot = SharedFastPath.share(quickSeed, record, incarnation);
        try {
            return GuardHandle.shared(this, mode, slot != 0 ? QUICK : SlowPath.tryGuard(this), slot);
        } catch (final Throwable e) {
            undo(slot);
            throw e;
        }
    }

    private Guard share(final Guard.Mode mode) {
        LockOrder.beforeRegion("share", record, incarnation);
        final long slot = SharedFastPath.share(quickSeed, record, incarnation);
        try {
            return GuardHandle.granted(this, mode, slot != 0 ? QUICK : SlowPath.guard(this), slot);
        } catch (final Throwable e) {
            undo(slot);
            throw e;
        }
    }

    /** No deeper than the lock was taken, in the frame that took it: what is undone may be a stack overflow. */
    private static void undo(final long slot) {
        if (slot != 0) {
            SharedFastPath.undo(slot);
        }
    }

    @Override
    public long tryLockShared() {
        final long stamp = SharedFastPath.lock(quickSeed, record, incarnation);
        return stamp != 0 ? stamp : SlowPath.tryShare(this);
    }

    @Override
    public long lockShared() {
        LockOrder.beforeRegion("share", record, incarnation);
        final long stamp = SharedFastPath.lock(quickSeed, record, incarnation);
        return stamp != 0 ? stamp : SlowPath.share(this);
    }

    long lockShared(final String operation) {
        final long stamp = lock.tryShare(record, incarnation);
        return stamp > 0 ? stamp : lockSharedSlowly(operation);
    }

    private long lockSharedSlowly(final String operation) {
        try (Waiting waiting = space.patience(operation, this)) {
            return granted(operation, lock.share(record, incarnation, waiting));
        }
    }

    @Override
    public long lockShared(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        checkInterrupt("share");
        try (Waiting waiting = space.waiting(unit.toNanos(timeout), true)) {
            return grantedInTime("share", lock.share(record, incarnation, waiting));
        }
    }

    @Override
    public void unlockShared(final long stamp) {
        if (!SharedFastPath.unlock(quickSeed, record, incarnation, stamp)) {
            SlowPath.endShare(this, stamp);
        }
    }

    // --------------------------------------------------------------------------------------------------- counted

    @Override
    public Hold tryHold() {
        return HoldHandle.of(this, RegionLock.tryHold(record, incarnation));
    }

    @Override
    public Hold hold() {
        return HoldHandle.of(this, counted());
    }

    @Override
    public Hold hold(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        return HoldHandle.of(this, counted(timeout, unit));
    }

    private long counted() {
        LockOrder.beforeRegion("hold", record, incarnation);
        final long held = RegionLock.tryHold(record, incarnation);
        return held > 0 ? held : countedSlowly();
    }

    private long countedSlowly() {
        try (Waiting waiting = space.patience("hold", this)) {
            return granted("hold", lock.hold(record, incarnation, waiting));
        }
    }

    private long counted(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        checkInterrupt("hold");
        try (Waiting waiting = space.waiting(unit.toNanos(timeout), true)) {
            return grantedInTime("hold", lock.hold(record, incarnation, waiting));
        }
    }

    @Override
    public long tryLockCounted() {
        final long held = RegionLock.tryHold(record, incarnation);
        return held > 0 ? RegionLock.stampOfHold(record) : held;
    }

    @Override
    public long lockCounted() {
        counted();
        return granted("hold", RegionLock.stampOfHold(record));
    }

    @Override
    public long lockCounted(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        counted(timeout, unit);
        return granted("hold", RegionLock.stampOfHold(record));
    }

    @Override
    public void unlockCounted(final long stamp) {
        RegionLock.checkStamp("end of a counted lock", record, incarnation, stamp);
        RegionLock.endCounted(record, stamp);
    }

    // ------------------------------------------------------------------------------------------ long-lived access

    @Override
    public Lease lease() {
        final long stamp = lockShared();
        try {
            space.eras().lease(record); // [R3]
            leased = true;
            return new LeaseHandle(this);
        } finally {
            unlockShared(stamp);
        }
    }

    /** Whether this handle has been asked for a lease; other handles to the region may have been, too. */
    boolean isLeased() {
        return leased;
    }

    @Override
    public MemorySegment sharedSegment() {
        final long stamp = lockShared();
        try {
            return sharedSegmentInside();
        } finally {
            unlockShared(stamp);
        }
    }

    /** The same for who holds a lock. */
    MemorySegment sharedSegmentInside() {
        final Arena arena = space.eras().share(record, incarnation);
        return segmentFor(Guard.Mode.SHARED_WRITABLE, sizeInside(), arena);
    }

    // ------------------------------------------------------------------------------------------------- exclusive

    @Override
    public Guard tryExclusive() {
        return GuardHandle.of(this, Guard.Mode.EXCLUSIVE, lock.tryExclusive(record, incarnation));
    }

    @Override
    public Guard exclusive() {
        return GuardHandle.of(this, Guard.Mode.EXCLUSIVE, lockExclusive());
    }

    @Override
    public Guard exclusive(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        return GuardHandle.of(this, Guard.Mode.EXCLUSIVE, lockExclusive(timeout, unit));
    }

    @Override
    public long tryLockExclusive() {
        return lock.tryExclusive(record, incarnation);
    }

    @Override
    public long lockExclusive() {
        return lockExclusive("exclusive");
    }

    long lockExclusive(final String operation) {
        try (Waiting waiting = space.patience(operation, this)) {
            return granted(operation, exclusive(waiting));
        }
    }

    /** Waits for the exclusive lock; its stamp, or a refusal. */
    long exclusive(final Waiting waiting) {
        final ExclusiveWaitEvent event = ExclusiveWaitEvent.begun();
        final long stamp = lock.exclusive(record, incarnation, waiting);
        if (event != null) {
            try {
                if (waiting.elapsedNs() > 0) {
                    event.end(space.name(), address(), stamp > 0);
                }
            } catch (final OutOfMemoryError | StackOverflowError e) {
                // It is held, or not, whoever is told of it.
            }
        }
        return stamp;
    }

    @Override
    public long lockExclusive(final long timeout, final TimeUnit unit) throws InterruptedException, TimeoutException {
        checkInterrupt("exclusive");
        try (Waiting waiting = space.waiting(unit.toNanos(timeout), true)) {
            return grantedInTime("exclusive", exclusive(waiting));
        }
    }

    @Override
    public void unlockExclusive(final long stamp) {
        RegionLock.checkStamp("end of an exclusive lock", record, incarnation, stamp);
        lock.endExclusive(record, stamp);
    }

    // ----------------------------------------------------------------------------------------------- conversions

    @Override
    public long tryConvertToExclusive(final long stamp) {
        RegionLock.checkStamp("upgrade", record, incarnation, stamp);
        return lock.isExclusive(record, stamp) ? stamp : lock.tryUpgrade(record, stamp);
    }

    @Override
    public long tryConvertToShared(final long stamp) {
        RegionLock.checkStamp("downgrade", record, incarnation, stamp);
        return lock.isShared(record, stamp) ? stamp : lock.downgrade(record, stamp);
    }

    @Override
    public long tryConvertToCounted(final long stamp) {
        RegionLock.checkStamp("turning a shared lock into a counted one", record, incarnation, stamp);
        return RegionLock.isCounted(record, stamp) ? stamp : lock.toCounted(record, stamp);
    }

    // ------------------------------------------------------------------------------------------------ optimistic

    @Override
    public long tryOptimisticRead() {
        return RegionLock.tryOptimisticRead(record, incarnation);
    }

    @Override
    public boolean validate(final long stamp) {
        return RegionLock.validate(record, stamp) || lock.isHeld(record, incarnation, stamp);
    }

    @Override
    public MemorySegment optimisticSegment() {
        final MemorySegment segment = whole;
        return segment != null ? segment : growable ? current() : newWhole();
    }

    // Small, so that the handle of a region that is looked up, read and forgotten need not exist.
    private MemorySegment newWhole() {
        final MemorySegment segment = Words.readOnlyView(base, firstSize);
        whole = segment;
        return segment;
    }

    private MemorySegment current() {
        final MemorySegment cached = part;
        // Any cached segment lies inside this region, so comparing with the size of a later life does no harm.
        return cached != null && cached.byteSize() == RecordLayout.sizeOpaque(record) ? cached : newPart(cached);
    }

    private MemorySegment newPart(final @Nullable MemorySegment cached) {
        final long size = RecordLayout.sizeAcquire(record);
        VarHandle.acquireFence();
        final boolean current = isMapped(); // after the size, which may be a later life's if the region is not mapped
        if (!current && cached != null) {
            return cached;
        }
        final MemorySegment segment = Words.readOnlyView(base, current ? size : firstSize);
        part = segment;
        return segment;
    }

    @Override
    public <T extends @Nullable Object> T read(final int attempts, final Function<MemorySegment, T> reader) {
        if (attempts < 0) {
            throw new IllegalArgumentException("attempts=" + attempts + "; 0 reads under a guard at once");
        }
        for (int i = 0; i < attempts; i++) {
            final long stamp = tryOptimisticRead();
            if (stamp == 0) {
                break;
            }
            try {
                final T result = reader.apply(optimisticSegment());
                if (validate(stamp)) {
                    return result;
                }
            } catch (final Throwable e) { // bytes that make no sense can also ask for too much memory, or recurse
                if (validate(stamp)) {
                    throw e;
                }
            }
        }
        try (Guard guard = share()) {
            return reader.apply(guard.segment());
        }
    }

    // ------------------------------------------------------------------------------------------------------ pages

    @Override
    public void advise(final Advice advice) {
        space.pages().advise(this, advice);
    }

    @Override
    public void advise(final long offset, final long length, final Advice advice) {
        space.pages().advise(this, offset, length, advice);
    }

    @Override
    public void lockInMemory() {
        space.pages().lock(this, true);
    }

    @Override
    public void unlockFromMemory() {
        space.pages().lock(this, false);
    }

    @Override
    public void populate() {
        space.pages().populate(this);
    }

    @Override
    public void populate(final long offset, final long length) {
        space.pages().populate(this, offset, length);
    }

    @Override
    public long residentBytes() {
        return space.pages().residentBytes(this);
    }

    @Override
    public long residentBytes(final long offset, final long length) {
        return space.pages().residentBytes(this, offset, length);
    }

    @Override
    public void force() {
        space.pages().force(this);
    }

    @Override
    public void force(final long offset, final long length) {
        space.pages().force(this, offset, length);
    }

    @Override
    public void discard(final long offset, final long length) {
        space.pages().discard(this, offset, length);
    }

    @Override
    public void punchHole(final long offset, final long length) {
        space.pages().punchHole(this, offset, length);
    }

    @Override
    public void copyOut(final long offset, final MemorySegment target, final long targetOffset, final long length) {
        space.pages().copyOut(this, offset, target, targetOffset, length);
    }

    @Override
    public void copyIn(final MemorySegment source, final long sourceOffset, final long offset, final long length) {
        space.pages().copyIn(this, source, sourceOffset, offset, length);
    }

    @Override
    public long readableBytes() {
        return space.pages().readableBytes(this);
    }

    // ------------------------------------------------------------------------------------------------- structure

    @Override
    public void grow(final long newSizeBytes) {
        space.growth().grow(this, newSizeBytes);
    }

    @Override
    public void unmap() {
        space.unmapper().unmap(this);
    }

    @Override
    public boolean unmap(final long timeout, final TimeUnit unit) throws InterruptedException {
        return space.unmapper().unmap(this, unit.toNanos(timeout));
    }

    @Override
    public boolean unmapIfMapped() {
        return isMapped() && space.unmapper().unmapIfMapped(this);
    }

    @Override
    public CompletionStage<Void> unmapAsync() {
        return space.unmapper().unmapAsync(this);
    }

    @Override
    public List<Region> split(final long at) {
        return List.copyOf(space.structure().split(this, at));
    }

    @Override
    public RegionHandle merge(final Region other) {
        return space.structure().merge(this, (RegionHandle) other);
    }

    @Override
    public RegionHandle trimHead(final long bytes) {
        return space.structure().trimHead(this, bytes);
    }

    @Override
    public RegionHandle trimTail(final long bytes) {
        return space.structure().trimTail(this, bytes);
    }

    @Override
    public List<Region> unmap(final long offset, final long length) {
        return List.copyOf(space.structure().unmap(this, offset, length));
    }

    @Override
    public RegionHandle protect(final Protection protection) {
        return space.structure().protect(this, Objects.requireNonNull(protection, "protection"));
    }

    @Override
    public List<Region> protect(final long offset, final long length, final Protection protection) {
        Objects.requireNonNull(protection, "protection");
        return List.copyOf(space.structure().protect(this, offset, length, protection));
    }

    @Override
    public RegionHandle truncate(final long newSizeBytes) {
        return space.structure().truncate(this, newSizeBytes);
    }

    @Override
    public RegionHandle remap(final long newSizeBytes) {
        return space.structure().remap(this, newSizeBytes);
    }

    // ------------------------------------------------------------------------------------------------- assertions

    @Override
    public SpaceHandle space() {
        return space;
    }

    RegionLock lock() {
        return lock;
    }

    long record() {
        return record;
    }

    long incarnation() {
        return incarnation;
    }

    @Override
    public void assertLocked() {
        if (Ledger.ENABLED && !isLockedHere()) {
            throw violated("locked by the current thread");
        }
    }

    @Override
    public void assertExclusive() {
        if (Ledger.ENABLED && !isExclusiveHere()) {
            throw violated("held exclusively by the current thread");
        }
    }

    @Override
    public void assertStable() {
        if (Ledger.ENABLED && !isLockedHere() && !(domain().isPinned() && isMapped())) {
            throw violated("locked by the current thread, or mapped while the thread is pinned");
        }
    }

    @Override
    public void assertMapped() {
        if (Ledger.ENABLED && !isMapped()) {
            throw violated("mapped");
        }
    }

    @Override
    public void assertUnmapped() {
        if (Ledger.ENABLED && isMapped()) {
            throw violated("unmapped");
        }
    }

    @Override
    public boolean isMapped() {
        return RegionLock.isAttached(record, incarnation);
    }

    private boolean isLockedHere() {
        // A hazard or a view keeps its record from being reused, so what is held is of this life if the handle is.
        return isExclusiveHere() || (domain().announcedByMe(record, 0) ||
            Ledger.isMine(Ledger.Kind.VIEW, record)) && RegionLock.incarnation(record) == incarnation;
    }

    private boolean isExclusiveHere() {
        return RegionRegistry.isExclusiveHere(record) && isMapped();
    }

    private EpochDomain domain() {
        return space.core().domain();
    }

    private IllegalMonitorStateException violated(final String expected) {
        return new IllegalMonitorStateException("not " + expected + ": thread=" + Thread.currentThread().getName() +
            ", held by " + space.holders(record) + ", " + describe());
    }

    // --------------------------------------------------------------------------------------------------- package

    /** Bytes in the region now; a lock is held. */
    long sizeInside() {
        return RecordLayout.sizeAcquire(record) & Long.MAX_VALUE; // for the compiler: it is not negative
    }

    /** The bytes as a guard of this mode may use them; a lock is held. */
    MemorySegment segmentFor(final Guard.Mode mode, final Arena arena) {
        return segmentFor(mode, sizeInside(), arena);
    }

    /** The first bytes as a guard of this mode may use them; a lock is held. */
    MemorySegment segmentFor(final Guard.Mode mode, final long size, final @Nullable Arena arena) {
        final MemorySegment segment = reinterpret(size, arena);
        return mode == Guard.Mode.SHARED || !writable ? segment.asReadOnly() : segment;
    }

    @SuppressWarnings("restricted")
    private MemorySegment reinterpret(final long size, final @Nullable Arena arena) {
        final MemorySegment start = MemorySegment.ofAddress(base);
        return arena == null ? start.reinterpret(size) : start.reinterpret(size, arena, null);
    }

    InterruptedException interrupted(final String operation) {
        return new InterruptedException(operation + " interrupted: " + describe());
    }

    /** The exception for a lock that is not granted, or 0 for one that is not held any more. */
    RegionException refused(final String operation, final long stamp) {
        final Refusal refusal = stamp < 0 ? Refusal.of(stamp) : null;
        final String what = refusal == null ? "not held" : refusal.toString();
        return new RegionException(operation + " refused: reason=" + what + ", " + describe() +
            (refusal == Refusal.DETACHED ? "; the region is unmapped, look it up again" : "") +
            (refusal == Refusal.MOVED ? "; use the handles that the change returned, or look it up again" : ""),
            refusal);
    }

    /** The region and the decoded state of its lock, for messages. */
    String describe() {
        final String state = RegionLock.describe(record);
        final String name = space.registry().labels().name(record);
        return "region=0x" + Long.toHexString(address()) + " of " + space.name() +
            (name == null || RecordLayout.incarnation(record) != incarnation ? "" : ", name=" + name) +
            ", handle incarnation=" + incarnation + ", " + state;
    }

    @Override
    public boolean equals(final @Nullable Object other) {
        return other instanceof final RegionHandle region && region.record == record && region.incarnation == incarnation;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(record * 31 + incarnation);
    }

    @Override
    public String toString() {
        return "Region[" + describe() + "]";
    }

    void end(final Guard.Mode mode, final long stamp) {
        if (mode == Guard.Mode.EXCLUSIVE) {
            lock.endExclusive(record, stamp);
        } else {
            lock.endShare(record, stamp);
        }
    }

    /** Locks in shared mode as most threads can; where that is announced, for {@link #leave}, or 0. */
    long enterQuickly() {
        return SharedFastPath.share(quickSeed, record, incarnation);
    }

    /** Ends a shared lock of this thread: by where it is announced, or, if that is 0, by its stamp. */
    void leave(final long slot, final long stamp) {
        if (slot == 0) {
            unlockShared(stamp);
        } else if (!SharedFastPath.endIn(slot, record)) {
            SlowPath.end(this, Guard.Mode.SHARED, QUICK, false);
        }
    }

    boolean endQuickly(final long slot) {
        return SharedFastPath.endIn(slot, record);
    }

    void endHold() {
        RegionLock.endHold(record);
    }

    long guarded(final long stamp) {
        return lock.toGuard(record, stamp);
    }

    long downgrade(final long stamp) {
        return guarded(granted("downgrade", lock.downgrade(record, stamp)));
    }

    long tryUpgrade(final long stamp) {
        return lock.tryUpgrade(record, stamp);
    }

    long toHold(final long stamp) {
        return granted("hold", lock.toHold(record, stamp));
    }

    void checkWritable(final String operation) {
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
