// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.space.RegionHandle;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A handle to one mapped interval of an {@link AddressSpace}. Immutable and thread-safe; two handles are equal if they
 * refer to the same life of the same region. A handle keeps nothing alive: after an unmap it is stale for good, every
 * lock through it is refused, and every stamp fails.
 *
 * {@snippet class="io.holdfast.SnippetsTest" region="region"}
 *
 * <h2>Locks</h2>
 *
 * <p>A region is locked in one of three ways: shared, shared by a hold that any thread may release, or exclusively.
 * Each way comes in two forms. A {@link Guard} or a {@link Hold} is an object that is closed; a guard gives a scoped
 * segment, and every access through it is checked. A stamp is a {@code long}, never allocates, and is released by the
 * thread that got it; bytes are then accessed through {@link #optimisticSegment()}. Each form has a {@code try} method
 * that never waits, one that waits, and one that waits up to a timeout and can be interrupted.
 *
 * <p>Locks taken before an access, and released after it, order it: what a writer did under an exclusive lock is
 * visible to every later lock and to every optimistic read that validates.
 *
 * <h2>Pages</h2>
 *
 * <p>Advice, locking in memory, populating, forcing, discarding, punching holes and checked copies work on the pages in
 * place. Each of these operations locks the region itself, or uses the lock that the thread holds on it, so none can
 * affect whatever is mapped at the same addresses later. Ranges are given by offset in the region and length, in bytes.
 * A region that a write section of the thread has changed refuses all of them, with a {@link RegionException}, until the
 * section is published or closed.
 *
 * <h2>Structure</h2>
 *
 * <p>Splitting, merging, trimming, protecting, truncating and remapping turn new readers of this region away, wait for
 * those inside, and disturb nobody else. Then other regions take its place in one step: a lookup finds the old region or
 * the new ones, and never a gap where there is a region before and after. All handles to the old region are stale for
 * good from then on, at first with the refusal {@link Refusal#MOVED}; stamps fail. Bytes that stay in the space stay
 * where they are, except in {@link #remap}.
 *
 * <p>A handle goes stale at {@code unmap}, {@code split}, {@code merge}, {@code trimHead}, {@code trimTail},
 * {@code truncate}, a {@code protect} that changes something, a {@code remap} that has to move the region, and their
 * counterparts in a section; {@code grow}, {@code discard}, {@code punchHole}, locks, advice and forcing leave it valid.
 * So a reader whose handle another thread may make stale looks the region up again:
 *
 * {@snippet class="io.holdfast.SnippetsTest" region="stale"}
 *
 * <p>All of these wait; {@link Deadline} gives each of them a timed and interruptible form. A failing operation leaves
 * the region as it was. Where memory is given back, the operation waits for earlier pins as well; if the thread is
 * interrupted then, that goes on in the background and the interrupt is kept.
 *
 * <h2>Assertions</h2>
 *
 * <p>The {@code assert} methods let code demand something of its callers: that the current thread, and not just any
 * thread, holds the region's lock. In debug mode ({@code -Dio.holdfast.debug=true}) an assertion that does not hold
 * throws an {@link IllegalMonitorStateException} with the decoded state of the lock; otherwise it does nothing and costs
 * nothing.
 */
public sealed interface Region permits RegionHandle {
    // ------------------------------------------------------------------------------------------------ properties

    /**
     * {@return the address of the first byte, relative to the space, in bytes; it never changes} It can be stored. It is
     * not a pointer; {@link #unsafeNativeAddress()} is.
     */
    long address();

    /**
     * The pointer to the first byte, for native code and libraries that take one. Nothing checks what is done with it:
     * reading gives the region's bytes while it is locked or pinned, and later those of whatever took its place, for as
     * long as the library is loaded; only a thread that holds the region for writing may write, and a write by any other
     * corrupts foreign memory or crashes.
     *
     * @return the pointer, even of a region that is gone
     */
    long unsafeNativeAddress();

    /**
     * Current size in bytes. It grows with {@link #grow(long)} and never shrinks under the same handle.
     *
     * @return the size
     * @throws RegionException if the region is unmapped
     */
    long size();

    /**
     * Where the pages of this region, which no other region can share, begin: at its {@link #address()}, or up to a page
     * before it if it maps a file from the middle of a page on. A section that changes the region must cover the range
     * from here to {@link #reservedEnd()}.
     *
     * @return the address of the first page, relative to the space
     * @throws RegionException if the region is unmapped
     */
    long reservedStart();

    /**
     * Where the addresses of this region end, including those reserved for its growth.
     *
     * @return the address just past the last page, relative to the space
     * @throws RegionException if the region is unmapped
     */
    long reservedEnd();

    /** {@return whether guards may write} */
    boolean isWritable();

    // ------------------------------------------------------------------------------------------------ optimistic

    /**
     * {@return a stamp for {@link #validate(long)}, or 0 if the region is held exclusively or unmapped} Stores nothing.
     */
    long tryOptimisticRead();

    /**
     * Whether there has been no exclusive holder, unmap or reuse of the addresses since the stamp was taken, so that
     * what was read since is the region's. It says nothing about writers through shared guards or other writers of the
     * file. The stamp of a lock validates while the lock is held; that of a shared one only in the thread that holds it.
     *
     * @param stamp of {@link #tryOptimisticRead()}, or of a lock; 0 never validates
     * @return whether what was read is the region's
     */
    boolean validate(long stamp);

    /**
     * The region's bytes, read-only, for any thread at any time, as many as there are now. Reading it never crashes
     * because of an unmap, a growth, a reuse of the addresses, or a close of the space (guarantee G4): it gives bytes
     * that do not validate. Rely on what was read only under a guard, a stamp, a pin, or after {@link #validate(long)}.
     *
     * @return the segment, which can be kept: it can only become too short
     */
    MemorySegment optimisticSegment();

    /**
     * Reads optimistically; after that many failed attempts, reads under a shared guard.
     *
     * @param <T>      type of the result
     * @param attempts how often to try without a lock, 0 or more
     * @param reader   reads from the segment that it is given and copies out what it needs; it may run several times,
     *                 and see bytes that make no sense: what it returns or throws counts only if what it read validates
     * @return what the reader returned, with no exclusive holder and no unmap while it read
     * @throws IllegalArgumentException     if {@code attempts} is negative
     * @throws RegionException              if the region is unmapped
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    <T extends @Nullable Object> T read(int attempts, Function<MemorySegment, T> reader);

    // ------------------------------------------------------------------------------------------------- structure

    /**
     * Grows a region that was mapped as growable, in place, under live guards, pins and optimistic readers. Earlier
     * segments stay as they are; new guards see the new size. For a file, the new bytes are allocated on disk first.
     *
     * @param newSizeBytes not less than the current size; nothing happens if it is the same
     * @throws IllegalArgumentException if it is less than the current size or more than the maximum
     * @throws RegionException          if the region is unmapped or not growable
     * @throws MappingException         if the system refuses, or the file is being truncated; the region is as it was
     * @throws java.io.UncheckedIOException if the file cannot grow, for example because the disk is full
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    void grow(long newSizeBytes);

    /**
     * Unmaps the region: turns readers away for good, waits for earlier guards, holds and pins, and gives the
     * memory back (guarantee G3). If the thread is interrupted while it waits, the unmap goes on in the background and
     * the interrupt is kept.
     *
     * @throws RegionException              if the region is unmapped already
     * @throws IllegalMonitorStateException if the thread is pinned or holds a guard on the region (G10)
     */
    void unmap();

    /**
     * Unmaps the region and waits up to a timeout. Once the unmap is announced, it goes on in the background even if
     * this method gives up.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return whether the memory has been given back; if not, the region {@linkplain #isMapped() is mapped} as before
     *         because a writer held it the whole time, or the unmap goes on in the background
     * @throws InterruptedException         if the thread is interrupted on entry, in which case nothing has happened,
     *                                      or while it waits
     * @throws RegionException              if the region is unmapped already
     * @throws IllegalMonitorStateException as {@link #unmap()}
     */
    boolean unmap(long timeout, TimeUnit unit) throws InterruptedException;

    /**
     * Unmaps the region as {@link #unmap()} does, if this handle is not stale: when several threads close a region, one
     * unmaps it and waits, and the others return at once.
     *
     * @return whether this call has unmapped it; true once for each region. If not, it had been unmapped before,
     *     perhaps so recently that its memory has not been given back yet, or it lives on under the handles that a
     *     change returned
     * @throws IllegalMonitorStateException as {@link #unmap()}
     */
    boolean unmapIfMapped();

    /**
     * Announces the unmap and returns: readers are turned away from here on. The memory is given back in the
     * background, or by a later call of this method once many have accumulated; none of it waits for readers.
     *
     * <p>Dependent stages run in the thread that gave the memory back, or, if that is the space's own thread, in a
     * virtual thread, so they may wait, even for another unmap; or in the thread that adds them, if that is later. A stage
     * on which nothing depends costs no thread. Only where the heap has no room for a virtual thread does the space's own
     * thread run them.
     *
     * @return completes when the memory has been given back
     * @throws RegionException              if the region is unmapped already, or if the thread is interrupted while the
     *                                      backlog is full, and then the region is still mapped
     * @throws IllegalMonitorStateException if the thread would wait for itself: it holds the region exclusively, or is
     *                                      pinned or holds a guard while it has to wait for another writer or for the
     *                                      backlog
     */
    CompletionStage<Void> unmapAsync();

    // ---------------------------------------------------------------------------------------------------- shared

    /** {@return a read-only shared guard, or a refused one} Never waits. */
    Guard tryShare();

    /**
     * A read-only shared guard; waits while a writer is present.
     *
     * @return the guard, held
     * @throws RegionException              if the region is unmapped, or the thread holds too many locks
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    Guard share();

    /**
     * A read-only shared guard; waits up to a timeout while a writer is present.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the guard, held
     * @throws InterruptedException         if the thread is interrupted on entry or while it waits; nothing is held
     *                                      then
     * @throws TimeoutException             if the timeout expires; nothing is held then
     * @throws RegionException              as {@link #share()}
     * @throws IllegalMonitorStateException as {@link #share()}
     */
    Guard share(long timeout, TimeUnit unit) throws InterruptedException, TimeoutException;

    /**
     * A shared guard with a writable segment, or a refused one. Never waits.
     *
     * @return the guard, held or refused
     * @throws RegionException if the region is read-only
     */
    Guard tryShareWritable();

    /**
     * A shared guard with a writable segment; waits while a writer is present. Several threads may hold one: they order
     * their writes themselves.
     *
     * @return the guard, held
     * @throws RegionException              as {@link #share()}, and if the region is read-only
     * @throws IllegalMonitorStateException as {@link #share()}
     */
    Guard shareWritable();

    /**
     * A shared guard with a writable segment; waits up to a timeout while a writer is present.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the guard, held
     * @throws InterruptedException         as {@link #share(long, TimeUnit)}
     * @throws TimeoutException             as {@link #share(long, TimeUnit)}
     * @throws RegionException              as {@link #share()}, and if the region is read-only
     * @throws IllegalMonitorStateException as {@link #share()}
     */
    Guard shareWritable(long timeout, TimeUnit unit) throws InterruptedException, TimeoutException;

    /**
     * Locks in shared mode. Never waits.
     *
     * @return the stamp for {@link #unlockShared(long)}, or a refusal, not positive, for {@link Refusal#of(long)}
     */
    long tryLockShared();

    /**
     * Locks in shared mode; waits while a writer is present.
     *
     * @return the stamp for {@link #unlockShared(long)}
     * @throws RegionException              as {@link #share()}
     * @throws IllegalMonitorStateException as {@link #share()}
     */
    long lockShared();

    /**
     * Locks in shared mode; waits up to a timeout while a writer is present.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the stamp for {@link #unlockShared(long)}
     * @throws InterruptedException         as {@link #share(long, TimeUnit)}
     * @throws TimeoutException             as {@link #share(long, TimeUnit)}
     * @throws RegionException              as {@link #share()}
     * @throws IllegalMonitorStateException as {@link #share()}
     */
    long lockShared(long timeout, TimeUnit unit) throws InterruptedException, TimeoutException;

    /**
     * Ends a shared lock. No two locks have the same stamp: one that was unlocked is refused for good.
     *
     * @param stamp of the method that locked, in the same thread
     * @throws IllegalMonitorStateException if the current thread holds no lock of this stamp on the region; nothing is
     *                                      released then
     */
    void unlockShared(long stamp);

    // --------------------------------------------------------------------------------------------------- counted

    /** {@return a shared lock that any thread may release, or a refused one} Never waits. */
    Hold tryHold();

    /**
     * A shared lock that any thread may release; waits while a writer is present.
     *
     * @return the hold
     * @throws RegionException              if the region is unmapped, or has as many holds as it can count
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    Hold hold();

    /**
     * A shared lock that any thread may release; waits up to a timeout while a writer is present.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the hold
     * @throws InterruptedException as {@link #share(long, TimeUnit)}
     * @throws TimeoutException     as {@link #share(long, TimeUnit)}
     * @throws RegionException      as {@link #hold()}
     */
    Hold hold(long timeout, TimeUnit unit) throws InterruptedException, TimeoutException;

    /**
     * Locks in shared mode for any thread to unlock. Never waits.
     *
     * @return the stamp for {@link #unlockCounted(long)}, or a refusal, not positive, for {@link Refusal#of(long)}
     */
    long tryLockCounted();

    /**
     * Locks in shared mode for any thread to unlock; waits while a writer is present.
     *
     * @return the stamp for {@link #unlockCounted(long)}
     * @throws RegionException              as {@link #hold()}
     * @throws IllegalMonitorStateException as {@link #hold()}
     */
    long lockCounted();

    /**
     * Locks in shared mode for any thread to unlock; waits up to a timeout while a writer is present.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the stamp for {@link #unlockCounted(long)}
     * @throws InterruptedException as {@link #share(long, TimeUnit)}
     * @throws TimeoutException     as {@link #share(long, TimeUnit)}
     * @throws RegionException      as {@link #hold()}
     */
    long lockCounted(long timeout, TimeUnit unit) throws InterruptedException, TimeoutException;

    /**
     * Ends a counted lock. No two locks have the same stamp, and if several threads unlock it at once, one succeeds.
     *
     * @param stamp of the method that locked, in whatever thread
     * @throws IllegalMonitorStateException if the stamp belongs to no counted lock on the region, or has been unlocked;
     *                                      nothing is released then
     */
    void unlockCounted(long stamp);

    // ------------------------------------------------------------------------------------------ long-lived access

    /**
     * A claim to read the region for as long as it is mapped, and to write it where it is writable, for any thread. From
     * the first lease of a space on, memory of leased regions is given back once their era has been ended
     * ({@link Lease}); guards, holds, pins and stamps do not depend on eras. Waits while a writer is present, as {@link
     * #share()}.
     *
     * @return the lease
     * @throws RegionException              as {@link #share()}
     * @throws IllegalMonitorStateException as {@link #share()}
     */
    Lease lease();

    /**
     * The region's bytes as a segment to hand to code that knows nothing of regions and keeps it: for any thread,
     * checked by the JDK, writable where the region is, as many bytes as there are now. The same segment is returned
     * each time until the region grows. Unmapping any of its bytes, or taking away the right to write, closes its arena
     * before pages are replaced; each later access throws an {@link IllegalStateException}. Calls that are in flight
     * then, of a channel or a native function, are waited for as holds are, and reported; threads inside a bulk access
     * of the JDK get the exception, and their interrupt status is set, as whenever a shared arena is closed.
     *
     * <p>An asynchronous channel takes its buffer's arena only when its own thread begins, and its future never
     * completes if the arena is closed by then: keep a {@link Hold} from the call to the completion. Only regions that
     * have handed out a segment pay for it, with a handshake at their unmap. Waits while a writer is present, as {@link
     * #share()}.
     *
     * @return the segment
     * @throws RegionException              as {@link #share()}
     * @throws IllegalMonitorStateException as {@link #share()}
     */
    MemorySegment sharedSegment();

    // ------------------------------------------------------------------------------------------------- exclusive

    /** {@return an exclusive guard if nobody is inside, or a refused one} Never waits. */
    Guard tryExclusive();

    /**
     * An exclusive guard; turns new readers away and waits for those inside.
     *
     * @return the guard, held
     * @throws RegionException              if the region is unmapped
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    Guard exclusive();

    /**
     * An exclusive guard; waits up to a timeout. Giving up leaves nothing behind.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the guard, held
     * @throws InterruptedException         if the thread is interrupted on entry or while it waits
     * @throws TimeoutException             if the timeout expires
     * @throws RegionException              as {@link #exclusive()}
     * @throws IllegalMonitorStateException as {@link #exclusive()}
     */
    Guard exclusive(long timeout, TimeUnit unit) throws InterruptedException, TimeoutException;

    /**
     * Locks in exclusive mode if nobody is inside. Never waits.
     *
     * @return the stamp for {@link #unlockExclusive(long)}, or a refusal, not positive, for {@link Refusal#of(long)}
     */
    long tryLockExclusive();

    /**
     * Locks in exclusive mode; turns new readers away and waits for those inside.
     *
     * @return the stamp for {@link #unlockExclusive(long)}
     * @throws RegionException              if the region is unmapped
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    long lockExclusive();

    /**
     * Locks in exclusive mode; waits up to a timeout. Giving up leaves nothing behind.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the stamp for {@link #unlockExclusive(long)}
     * @throws InterruptedException         as {@link #exclusive(long, TimeUnit)}
     * @throws TimeoutException             as {@link #exclusive(long, TimeUnit)}
     * @throws RegionException              as {@link #exclusive()}
     * @throws IllegalMonitorStateException as {@link #exclusive()}
     */
    long lockExclusive(long timeout, TimeUnit unit) throws InterruptedException, TimeoutException;

    /**
     * Ends the exclusive lock.
     *
     * @param stamp of the method that locked, in the same thread
     * @throws IllegalMonitorStateException if the current thread does not hold the lock of this stamp, which may have been
     *                                      followed by another; nothing is released then
     */
    void unlockExclusive(long stamp);

    // ----------------------------------------------------------------------------------------------- conversions

    /**
     * Turns a shared lock into the exclusive one if nobody else is inside. Never waits.
     *
     * @param stamp of a shared lock of the current thread, or of its exclusive one, which stays as it is
     * @return the stamp for {@link #unlockExclusive(long)}, and if it differs from {@code stamp}, the latter is no
     *         longer valid; or a refusal, not positive, for {@link Refusal#of(long)}, and the shared lock is still held
     * @throws IllegalMonitorStateException if the current thread holds no such lock on the region; nothing changes then
     */
    @CheckReturnValue
    long tryConvertToExclusive(long stamp);

    /**
     * Turns the exclusive lock into a shared one; no other writer gets in between. Never waits.
     *
     * @param stamp of the exclusive lock of the current thread, or of a shared one, which stays as it is
     * @return the stamp for {@link #unlockShared(long)}, and if it differs from {@code stamp}, the latter is no longer
     *         valid; or a refusal, not positive, for {@link Refusal#of(long)}, because the thread holds too many locks,
     *         and the exclusive lock is still held
     * @throws IllegalMonitorStateException if the current thread holds no such lock on the region; nothing changes then
     */
    @CheckReturnValue
    long tryConvertToShared(long stamp);

    /**
     * Turns a shared lock into one that any thread may unlock, even while a writer waits for it to end. Never waits. It
     * cannot be turned back.
     *
     * @param stamp of a shared lock of the current thread, or of a counted one, which stays as it is
     * @return the stamp for {@link #unlockCounted(long)}, and if it differs from {@code stamp}, the latter is no longer
     *         valid; or a refusal, not positive, for {@link Refusal#of(long)}, because the region has as many holds as
     *         it can count, and the shared lock is still held
     * @throws IllegalMonitorStateException if there is no such lock on the region; nothing changes then
     */
    @CheckReturnValue
    long tryConvertToCounted(long stamp);

    /**
     * Tells the system how the region is going to be used. No byte changes.
     *
     * @param advice how
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if the system refuses, for example because it does not know the advice
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    void advise(Advice advice);

    /**
     * Tells the system how a range is going to be used. The advice is for all pages that the range touches. No byte
     * changes.
     *
     * @param offset of the first byte in the region, in bytes
     * @param length in bytes; 0 does nothing
     * @param advice how
     * @throws IllegalArgumentException     if the range is not inside the region
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if the system refuses, for example because it does not know the advice
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    void advise(long offset, long length, Advice advice);

    /**
     * Keeps all pages in memory, after reading in those that are not, until {@link #unlockFromMemory()} or the end of
     * the region. What the region grows by later is not locked.
     *
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if the limit of locked memory does not allow it; the pages are not locked then
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    void lockInMemory();

    /**
     * Lets the system reclaim the pages again.
     *
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if the system refuses
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    void unlockFromMemory();

    /**
     * Makes all pages that a range touches present, so that no first access has to wait; waits for the device where it
     * must. No byte changes. {@link Advice#WILL_NEED} only begins to read ahead, and does not wait.
     *
     * @param offset of the first byte in the region, in bytes
     * @param length in bytes; 0 does nothing
     * @throws IllegalArgumentException     if the range is not inside the region
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if there is not enough memory, or the file cannot be read
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    void populate(long offset, long length);

    /**
     * Makes all pages present, so that no first access has to wait. No byte changes.
     *
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if there is not enough memory, or the file cannot be read
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    void populate();

    /**
     * Counts the bytes that are in memory now, in whole pages.
     *
     * @return the number of bytes, which may change at any time
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if the system refuses
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    long residentBytes();

    /**
     * Counts the bytes of a range that are in memory now, and no more than were asked for; one system call. For a file
     * that the process neither owns nor may write, the kernel reports everything as resident.
     *
     * @param offset of the first byte in the region, in bytes
     * @param length in bytes, 0 or more
     * @return the number of bytes, which may change at any time
     * @throws IllegalArgumentException     if the range is not inside the region
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if the system refuses
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    long residentBytes(long offset, long length);

    /**
     * Writes what was changed in a shared file mapping to the device, and waits for it. Does nothing for other regions.
     *
     * @throws RegionException              if the region is unmapped
     * @throws java.io.UncheckedIOException if the device reports an error
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    void force();

    /**
     * Writes what was changed in a range of a shared file mapping to the device, and waits for it. Does nothing for
     * other regions.
     *
     * @param offset of the first byte in the region, in bytes
     * @param length in bytes; 0 does nothing
     * @throws IllegalArgumentException     if the range is not inside the region
     * @throws RegionException              if the region is unmapped
     * @throws java.io.UncheckedIOException if the device reports an error
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    void force(long offset, long length);

    /**
     * Gives the memory of a range of an anonymous region back to the system; the range reads as zero from then on.
     * Holds the region exclusively meanwhile, so every stamp fails, and waits for every other guard.
     *
     * @param offset of the first byte in the region, in bytes
     * @param length in bytes; 0 does nothing
     * @throws IllegalArgumentException     if the range is not inside the region
     * @throws RegionException              if the region is unmapped, read-only, or not anonymous
     * @throws MappingException             if the system refuses, for example because the pages are locked in memory;
     *                                      nothing has changed then
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    void discard(long offset, long length);

    /**
     * Gives the blocks of a range of a file back to its file system; the range reads as zero from then on, in the
     * region and in the file, whose size stays. Holds the region exclusively meanwhile, as {@link #discard} does; other
     * regions on the same file see the zeros at once.
     *
     * @param offset of the first byte in the region, in bytes
     * @param length in bytes; 0 does nothing
     * @throws IllegalArgumentException     if the range is not inside the region
     * @throws RegionException              if the region is unmapped, or not a shared writable mapping of a file
     * @throws MappingException             if the system refuses, for example because the file system has no holes;
     *                                      nothing has changed then
     * @throws TruncatedException           if somebody else has truncated the file; a part may read as zero
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    void punchHole(long offset, long length);

    /**
     * Copies bytes out of the region under a shared lock, and reports it if they are gone because somebody else has
     * truncated the file. Plain access to such bytes makes the virtual machine throw an {@link InternalError}, and not
     * always at the access itself; checksums, inflaters and native callees can even bring it down, so give them a copy
     * made by this method.
     *
     * @param offset       of the first byte in the region, in bytes
     * @param target       where to copy to
     * @param targetOffset of the first byte in the target, in bytes
     * @param length       in bytes, 0 or more
     * @throws IllegalArgumentException     if the range is not inside the region
     * @throws IndexOutOfBoundsException    if the range is not inside the target
     * @throws TruncatedException           if the bytes cannot be read; a part may have been copied
     * @throws InternalError                if the memory of the target is a mapped file that somebody else has truncated;
     *                                      a part may have been copied
     * @throws RegionException              if the region is unmapped
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     * @throws IllegalStateException        if the memory of the target has been freed already
     * @throws WrongThreadException         if the target belongs to another thread
     */
    void copyOut(long offset, MemorySegment target, long targetOffset, long length);

    /**
     * Copies bytes into the region under a shared lock, and reports it where they cannot be written because somebody
     * else has truncated the file, or the device is full. Several threads may copy in at the same time; ordering
     * is up to them.
     *
     * @param source       where to copy from
     * @param sourceOffset of the first byte in the source, in bytes
     * @param offset       of the first byte in the region, in bytes
     * @param length       in bytes, 0 or more
     * @throws IllegalArgumentException     if the range is not inside the region
     * @throws IndexOutOfBoundsException    if the range is not inside the source
     * @throws TruncatedException           if the bytes cannot be written; a part may have been copied
     * @throws InternalError                if the memory of the source is a mapped file that somebody else has truncated;
     *                                      a part may have been copied
     * @throws RegionException              if the region is unmapped or read-only
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     * @throws IllegalStateException        if the memory of the source has been freed already
     * @throws WrongThreadException         if the source belongs to another thread
     */
    void copyIn(MemorySegment source, long sourceOffset, long offset, long length);

    /**
     * How many bytes from the beginning can be read: all of them, unless somebody else has truncated the file.
     *
     * @return the number of bytes, in whole pages of the file except for the last
     * @throws RegionException              if the region is unmapped
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    long readableBytes();

    /**
     * Splits this region in two.
     *
     * @param at offset of the second one's first byte, in bytes; its address is a multiple of the page size
     * @return the two, in order
     * @throws IllegalArgumentException     if the offset is not inside the region, or the address is misaligned
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if a limit of the space is reached or there is no memory; nothing has
     *                                      changed then
     * @throws IllegalStateException        if the space is closed
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    @CheckReturnValue
    List<Region> split(long at);

    /**
     * Merges this region with a neighbour: one of the two must begin where the other ends. They must have the same
     * protection and the same kind of pages, be of the same file in one piece or both anonymous, and the seam must lie
     * between two pages. The name is that of the lower one.
     *
     * @param other the neighbour
     * @return the region that covers both
     * @throws IllegalArgumentException     if the other one is of another space, or the same
     * @throws RegionException              if one is unmapped, or they cannot be merged; the message says why
     * @throws MappingException             if there is no memory; nothing has changed then
     * @throws IllegalStateException        if the space is closed
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    @CheckReturnValue
    Region merge(Region other);

    /**
     * Gives the first bytes back.
     *
     * @param bytes how many, so that the address of what is left is a multiple of the page size
     * @return the rest
     * @throws IllegalArgumentException     if this is not more than 0 and less than the size, or misaligned
     * @throws RegionException              as {@link #split}
     * @throws MappingException             as {@link #split}
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    @CheckReturnValue
    Region trimHead(long bytes);

    /**
     * Gives the last bytes back; whole pages that are no longer used go back to the system. The rest can no longer grow
     * in place.
     *
     * @param bytes how many
     * @return the rest
     * @throws IllegalArgumentException     if this is not more than 0 and less than the size
     * @throws RegionException              as {@link #split}
     * @throws MappingException             as {@link #split}
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    @CheckReturnValue
    Region trimTail(long bytes);

    /**
     * Unmaps a range and leaves the rest mapped. Both ends of the range lie between two pages, or are ends of the
     * region.
     *
     * @param offset of the first byte in the region, in bytes
     * @param length in bytes, more than 0
     * @return what is left, in order: nothing, or one or two regions
     * @throws IllegalArgumentException     if the range is not inside the region, or misaligned
     * @throws RegionException              as {@link #split}
     * @throws MappingException             as {@link #split}
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    @CheckReturnValue
    List<Region> unmap(long offset, long length);

    /**
     * Changes whether the region can be written.
     *
     * @param protection what may be done from now on
     * @return the region, under this handle if nothing changes
     * @throws RegionException              if the region is unmapped, or its file is mapped for reading only
     * @throws MappingException             if the system refuses; nothing has changed then
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    @CheckReturnValue
    Region protect(Protection protection);

    /**
     * Changes whether a range can be written, and makes it a region of its own. Both ends of the range lie between
     * two pages, or are ends of the region.
     *
     * @param offset     of the first byte in the region, in bytes
     * @param length     in bytes, more than 0
     * @param protection what may be done from now on
     * @return the resulting regions, in order, up to three; this handle if nothing changes
     * @throws IllegalArgumentException     if the range is not inside the region, or misaligned
     * @throws RegionException              as {@link #protect(Protection)}
     * @throws MappingException             as {@link #protect(Protection)}
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    @CheckReturnValue
    List<Region> protect(long offset, long length, Protection protection);

    /**
     * Cuts the region and its file. No other region in any space of this process may map what the file loses, or be
     * about to give it back; mappings of other processes, and those made without a space, lose their pages. From the
     * announcement on, the file ends there for all spaces: nothing behind the new end is mapped or grown into. The file
     * itself is cut when the last reader of its end has left. If the thread is interrupted while it waits for that, or
     * its {@link Deadline} expires, it happens in the background; a file that cannot be cut then is logged as an error.
     *
     * @param newSizeBytes of the region, more than 0 and not more than the current size; the file ends where the region
     *                     does
     * @return the region that is left
     * @throws IllegalArgumentException     if the size is out of range
     * @throws RegionException              if the region is unmapped, does not write to its file, another region maps
     *                                      what the file would lose, or another truncate of the file is under way
     * @throws MappingException             as {@link #split}; or if the system does not take back the pages behind the
     *                                      new end, and then the region has been cut and its new handle is found by
     *                                      address
     * @throws java.io.UncheckedIOException if the file cannot be cut, and then the region has been cut and its new handle
     *                                      is found by address
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    @CheckReturnValue
    Region truncate(long newSizeBytes);

    /**
     * Resizes the region, moving it if it cannot stay: a smaller region is cut as by {@link #trimTail}, a larger one
     * grows in place where addresses are reserved for it, and moves otherwise. Moving holds the region exclusively, gives
     * it another address, and copies anonymous and private bytes; advice is not carried over. If sections cover all free
     * addresses, this waits for them, as a map does.
     *
     * @param newSizeBytes more than 0; a file that is mapped for writing grows with the region, any other must be long
     *                     enough
     * @return the region, under this handle if it could stay
     * @throws IllegalArgumentException     if the size is not positive
     * @throws RegionException              as {@link #split}
     * @throws MappingException             as {@link #split}
     * @throws TruncatedException           if private bytes of a file are gone because it has been truncated
     * @throws java.io.UncheckedIOException if the file cannot be opened, has been replaced by another, is too short, or
     *                                      cannot grow; nothing has changed then
     * @throws IllegalStateException        as {@link #split}
     * @throws IllegalMonitorStateException as {@link #split}
     */
    @CheckReturnValue
    Region remap(long newSizeBytes);

    /** {@return the space that the region is part of} */
    AddressSpace space();

    /**
     * Asserts that the current thread holds the region in any way: by a guard or a stamp, shared or exclusive, or by
     * an open view of a hold.
     *
     * @throws IllegalMonitorStateException in debug mode, if this does not hold
     */
    void assertLocked();

    /**
     * Asserts that the current thread holds the region exclusively.
     *
     * @throws IllegalMonitorStateException in debug mode, if this does not hold
     */
    void assertExclusive();

    /**
     * Asserts that the region is mapped and stays so for the time being, because the current thread holds it in any
     * way, or is pinned and could still find it.
     *
     * @throws IllegalMonitorStateException in debug mode, if this does not hold
     */
    void assertStable();

    /**
     * Asserts that the region is mapped at this moment, in the life that this handle refers to.
     *
     * @throws IllegalMonitorStateException in debug mode, if this does not hold
     */
    void assertMapped();

    /**
     * Asserts that this handle's life of the region is over.
     *
     * @throws IllegalMonitorStateException in debug mode, if this does not hold
     */
    void assertUnmapped();

    /** {@return whether the region is mapped at this moment; only a guard, a hold or a pin keeps it so} */
    boolean isMapped();

    // ------------------------------------------------------------------------------------------------ as an object

    /**
     * Whether the other is a handle to the same life of the same region.
     *
     * @param other anything
     * @return whether it is
     */
    @Override
    boolean equals(@Nullable Object other);

    /** {@return a hash code that equal handles share} */
    @Override
    int hashCode();

    /** {@return the region and the decoded state of its lock, for messages} */
    @Override
    String toString();
}
