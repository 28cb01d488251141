// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.space.GuardHandle;
import java.lang.foreign.MemorySegment;

/**
 * A held lock on one region, or the refusal of a {@code try} form, to be used in a try-with-resources statement.
 *
 * <p>While a guard is held the region stays mapped and stays that region (guarantee G1); an exclusive guard excludes
 * every other guard on it (G2). A shared guard protects existence and layout, not bytes: threads that write through
 * shared guards order their writes themselves.
 *
 * <p>The {@linkplain #segment() segment} lives as long as the guard. Use after {@link #close()} is an
 * {@link IllegalStateException}, use by another thread a {@link WrongThreadException}; never a crash. A guard belongs
 * to the thread that took it.
 *
 * <p>A guard that does not leave the method that takes it, and whose calls are inlined, costs no allocation. Where that
 * is not possible, use the stamp forms of {@link Region}.
 *
 * {@snippet class="io.holdfast.SnippetsTest" region="guard"}
 */
public sealed interface Guard extends AutoCloseable permits GuardHandle {
    /** What a guard allows. */
    enum Mode {
        /** Other guards may be held; the segment is read-only. */
        SHARED,
        /** Other guards may be held; the segment can be written. */
        SHARED_WRITABLE,
        /** No other guard is held; the segment can be written if the region can. */
        EXCLUSIVE
    }

    /** {@return whether the lock was granted and the guard is neither closed nor turned into a hold} */
    boolean isHeld();

    /**
     * Why the lock was not granted.
     *
     * @return the reason
     * @throws IllegalStateException if it was
     */
    Refusal refusal();

    /** {@return the region} */
    Region region();

    /** {@return what the guard allows} */
    Mode mode();

    /**
     * The region's bytes, as many as there were when the guard was taken; growth does not show in it. Read-only in
     * {@link Mode#SHARED}, writable in the other modes unless the region is read-only.
     *
     * @return the segment; it ends with the guard
     * @throws RegionException if the guard was refused
     */
    MemorySegment segment();

    /**
     * Turns an exclusive guard into a shared one; no other writer gets in between. The segment stays writable.
     *
     * @throws RegionException              if the guard was refused, is closed, or the thread holds too many locks
     * @throws WrongThreadException         if another thread took it
     * @throws IllegalMonitorStateException if the guard is not an exclusive one that the current thread holds
     */
    void downgrade();

    /**
     * Turns a shared guard into the exclusive one if nobody else is inside. If not, the guard stays as it is.
     *
     * @return whether the guard is exclusive now
     * @throws RegionException              if the guard was refused, or is closed
     * @throws WrongThreadException         if another thread took it
     * @throws IllegalMonitorStateException if the guard is not a shared one that the current thread holds
     */
    boolean tryUpgrade();

    /**
     * Turns a shared guard into a hold, which any thread may release. The guard and its segment end; the region stays
     * locked all the while.
     *
     * @return the hold
     * @throws RegionException              if the guard was refused, or is closed; or if the region has as many holds as
     *                                      it can count, and then the guard is still held
     * @throws WrongThreadException         if another thread took it
     * @throws IllegalMonitorStateException if the guard is not a shared one that the current thread holds
     */
    @CheckReturnValue
    Hold toHold();

    /**
     * Ends the guard; does nothing if it was refused, turned into a hold, or closed already. Whatever else is thrown, the
     * lock is released, or, if the stack was too short for that, can be released by closing the guard once more.
     *
     * @throws IllegalStateException if its segment is in use by a native call or by asynchronous I/O, and then it is still
     *                               held
     * @throws WrongThreadException  if another thread took it
     */
    @Override
    void close();
}
