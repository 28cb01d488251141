// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.Moves;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.Stamps;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A handle to one mapped interval of an {@link AddressSpace}. Immutable and thread-safe; two handles are equal if they
 * are of the same life of the same region. A handle keeps nothing alive: after an unmap it is stale for good, every
 * lock through it is refused, and every stamp fails.
 *
 * <p>A region can be locked in two forms. A {@link Guard} gives a scoped segment and is checked all the way. A stamp is
 * a {@code long}, never allocates, and is released by the thread that got it; bytes are then accessed through
 * {@link #optimisticSegment()}. In both, {@code try} forms never wait, the others do, and timed forms can be
 * interrupted.
 *
 * <p>Locks taken before an access, and released after it, order it: what a writer did under an exclusive lock is
 * visible to every later lock and to every optimistic read that validates.
 */
public final class Region extends RegionStructure {
    static {
        // Else they would be loaded between the taking of a lock and the making of what releases it, and the lock would be
        // left if there were no memory for that.
        Guard.load();
        Hold.load();
    }

    private final long base;
    private final long firstSize;
    private final boolean writable;
    private final boolean growable;
    // Benign races: threads may each make such a segment; all are equally good, and final fields publish them safely.
    private @Nullable MemorySegment whole; // of a region whose size stays
    private @Nullable MemorySegment part; // of one that may grow, as large as it was some time ago

    /**
     * For a record in this life, which the caller keeps from being reused.
     *
     * @param baseAndKind of the record
     * @param size        of the record
     */
    Region(final AddressSpace space, final RegionLock lock, final long record, final long incarnation,
           final long baseAndKind, final long size) {
        super(space, lock, record, incarnation);
        this.base = RecordLayout.baseOf(baseAndKind);
        this.firstSize = size;
        final long kind = RecordLayout.kindOf(baseAndKind);
        this.writable = Kind.isWritable(kind);
        this.growable = Kind.isGrowable(kind);
    }

    // ------------------------------------------------------------------------------------------------ properties

    /** {@return the address of the first byte, relative to the space, in bytes; it never changes} */
    public long address() {
        return base - space.base();
    }

    /**
     * Current size in bytes. It grows with {@link #grow(long)} and never shrinks under the same handle.
     *
     * @return the size
     * @throws RegionException if the region is unmapped
     */
    public long size() {
        return ofThisLife("size", RecordLayout.sizeAcquire(record));
    }

    /**
     * Where the pages of this region begin, which no other region can have: its {@link #address()}, or up to a page
     * before if it shows a file from the middle of a page on. A section that changes the region must cover the range
     * from here to {@link #reservedEnd()}.
     *
     * @return the address of the first page, relative to the space
     * @throws RegionException if the region is unmapped
     */
    public long reservedStart() {
        return ofThisLife("reservedStart", RecordLayout.start(record));
    }

    /**
     * Where the addresses of this region end, with those that are kept for it to grow.
     *
     * @return the address just past the last page, relative to the space
     * @throws RegionException if the region is unmapped
     */
    public long reservedEnd() {
        return ofThisLife("reservedEnd", RecordLayout.limit(record));
    }

    /** What was read of the record, if it was this life's. */
    private long ofThisLife(final String operation, final long value) {
        VarHandle.acquireFence(); // it is this life's only if the incarnation still is, read after it
        if (!isMapped()) {
            throw refused(operation, Moves.isMoved(record) ? Stamps.MOVED : Stamps.DETACHED);
        }
        return value;
    }

    /** {@return whether guards may write} */
    @Override
    public boolean isWritable() {
        return writable;
    }

    // ------------------------------------------------------------------------------------------------ optimistic

    /**
     * {@return a stamp for {@link #validate(long)}, or 0 if the region is held exclusively or unmapped} Stores nothing.
     */
    public long tryOptimisticRead() {
        return RegionLock.tryOptimisticRead(record, incarnation);
    }

    /**
     * Whether no exclusive holder, unmap or reuse of the addresses came since the stamp was taken, so that what was
     * read between is the region's. It says nothing of writers through shared guards or of other writers of the file.
     *
     * @param stamp of {@link #tryOptimisticRead()}; 0 never validates
     * @return whether what was read is the region's
     */
    public boolean validate(final long stamp) {
        return RegionLock.validate(record, stamp);
    }

    /**
     * The region's bytes, read-only, for any thread at any time, as many as there are now. Reading it never crashes on
     * account of an unmap, a growth, a reuse of the addresses, or a close of the space (guarantee G4): it gives bytes
     * that do not validate. Take what was read for true only under a guard, a stamp, a pin, or after
     * {@link #validate(long)}.
     *
     * @return the segment, which can be kept: it can only become too short
     */
    public MemorySegment optimisticSegment() {
        final MemorySegment segment = whole;
        return segment != null ? segment : growable ? current() : newWhole();
    }

    // Small, so that the handle of a region that is looked up, read and forgotten need not exist.
    private MemorySegment newWhole() {
        final MemorySegment segment = reinterpret(firstSize, null).asReadOnly();
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
        final MemorySegment segment = reinterpret(current ? size : firstSize, null).asReadOnly();
        part = segment;
        return segment;
    }

    /**
     * Reads optimistically and, where that fails so many times, under a shared guard.
     *
     * @param <T>      type of the result
     * @param attempts how often to try without a lock, 0 or more
     * @param reader   reads from the segment that it is given and copies out what it needs; it may run several times,
     *                 and see bytes that make no sense, which are thrown away: its exceptions and errors count only
     *                 where what it read validates
     * @return what the reader gave, read while no exclusive holder and no unmap came between
     * @throws IllegalArgumentException     if there are less than no attempts
     * @throws RegionException              if the region is unmapped
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
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

    // ------------------------------------------------------------------------------------------------- structure

    /**
     * Grows a region that was mapped as growable, in place, under live guards, pins and optimistic readers. Segments
     * from before stay as they are; new guards see the new size. For a file, the new bytes are allocated on disk first.
     *
     * @param newSizeBytes not less than the current size; nothing happens if it is the same
     * @throws IllegalArgumentException if it is less than the current size or more than the maximum
     * @throws RegionException          if the region is unmapped or not growable
     * @throws MappingException         if the system refuses; the region is as it was
     * @throws java.io.UncheckedIOException if the file cannot grow, for example because the disk is full
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public void grow(final long newSizeBytes) {
        space.engines().growth().grow(this, newSizeBytes);
    }

    /**
     * Unmaps the region: turns readers away for good, waits for guards, holds and pins from before, and gives the
     * memory back (guarantee G3). If the thread is interrupted while it waits, the unmap goes on in the background and
     * the interrupt is kept.
     *
     * @throws RegionException              if the region is unmapped already
     * @throws IllegalMonitorStateException if the thread is pinned or holds a guard on the region (G10)
     */
    public void unmap() {
        space.unmapper().unmap(this);
    }

    /**
     * Unmaps the region and waits for so long. From the moment the unmap is announced it goes on in the background,
     * also if this method gives up.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return whether the memory has been given back; if not, the region {@linkplain #isMapped() is mapped} as before
     *         because a writer held it all the time, or the unmap goes on in the background
     * @throws InterruptedException         if the thread is interrupted when it comes, and nothing has happened then,
     *                                      or while it waits
     * @throws RegionException              if the region is unmapped already
     * @throws IllegalMonitorStateException as {@link #unmap()}
     */
    public boolean unmap(final long timeout, final TimeUnit unit) throws InterruptedException {
        return space.unmapper().unmap(this, unit.toNanos(timeout));
    }

    /**
     * Announces the unmap and returns: readers are turned away from here on. The memory is given back in the
     * background, or by a later call of this method when many have gathered; none of it waits for readers.
     *
     * @return completes when the memory has been given back, by the thread that did it
     * @throws RegionException              if the region is unmapped already, or if the thread is interrupted while the
     *                                      backlog is full, and then the region is still mapped
     * @throws IllegalMonitorStateException if the thread would wait for itself: it holds the region exclusively, or is
     *                                      pinned or holds a guard while it has to wait for another writer or for the
     *                                      backlog
     */
    public CompletionStage<Void> unmapAsync() {
        return space.unmapper().unmapAsync(this);
    }

    // --------------------------------------------------------------------------------------------------- package

    @Override
    Region self() {
        return this;
    }

    /** Bytes in the region now; a lock is held. */
    long sizeInside() {
        return RecordLayout.sizeAcquire(record) & Long.MAX_VALUE; // for the compiler: it is not negative
    }

    /** The bytes as a guard of this mode may use them; a lock is held. */
    MemorySegment segmentFor(final Guard.Mode mode, final Arena arena) {
        return segmentFor(mode, sizeInside(), arena);
    }

    /** The first bytes as a guard of this mode may use them; a lock is held. */
    MemorySegment segmentFor(final Guard.Mode mode, final long size, final Arena arena) {
        final MemorySegment segment = reinterpret(size, arena);
        return mode == Guard.Mode.SHARED || !writable ? segment.asReadOnly() : segment;
    }

    @SuppressWarnings("restricted")
    private MemorySegment reinterpret(final long size, final @Nullable Arena arena) {
        final MemorySegment start = MemorySegment.ofAddress(base);
        return arena == null ? start.reinterpret(size) : start.reinterpret(size, arena, null);
    }

    @Override
    InterruptedException interrupted(final String operation) {
        return new InterruptedException(operation + " interrupted: " + describe());
    }

    /** The exception for a lock that is not granted, or 0 for one that is not held any more. */
    @Override
    RegionException refused(final String operation, final long stamp) {
        final Refusal refusal = stamp < 0 ? Refusal.of(stamp) : null;
        final String what = refusal == null ? "not held" : refusal.toString();
        return new RegionException(operation + " refused: reason=" + what + ", " + describe() +
            (refusal == Refusal.DETACHED ? "; the region is unmapped, look it up again" : "") +
            (refusal == Refusal.MOVED ? "; use the handles that the change returned, or look it up again" : ""),
            refusal);
    }

    /** The region and the decoded state of its lock, for messages. */
    @Override
    String describe() {
        final String state = RegionLock.describe(record);
        final String name = space.engines().space().notes().name(record);
        return "region=0x" + Long.toHexString(address()) + " of " + space.name() +
            (name == null || RecordLayout.incarnation(record) != incarnation ? "" : ", name=" + name) +
            ", handle incarnation=" + incarnation + ", " + state;
    }

    @Override
    public boolean equals(final @Nullable Object other) {
        return other instanceof final Region region && region.record == record && region.incarnation == incarnation;
    }

    @Override
    public int hashCode() {
        return Long.hashCode(record * 31 + incarnation);
    }

    @Override
    public String toString() {
        return "Region[" + describe() + "]";
    }
}
