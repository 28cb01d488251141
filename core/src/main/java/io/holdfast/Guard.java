// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

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
 * cannot be had, use the stamp forms of {@link Region}.
 */
public final class Guard implements AutoCloseable {
    /** What a guard allows. */
    public enum Mode {
        /** Other guards may be held; the segment is read-only. */
        SHARED,
        /** Other guards may be held; the segment can be written. */
        SHARED_WRITABLE,
        /** No other guard is held; the segment can be written if the region can. */
        EXCLUSIVE
    }

    private final Region region;
    private final @Nullable Arena arena;
    private Mode mode;
    private long stamp;
    private long slot;
    private boolean counted; // the stamp is a hold's, because turning the guard into one was not completed
    private boolean overflowed; // the last close ran out of stack: the lock is held, the arena may be closed
    private @Nullable MemorySegment segment;

    private Guard(final Region region, final Mode mode, final long stamp, final long slot,
                  final @Nullable Arena arena, final @Nullable MemorySegment segment) {
        this.region = region;
        this.mode = mode;
        this.stamp = stamp;
        this.slot = slot;
        this.arena = arena;
        this.segment = segment;
    }

    /** Makes sure that the class is there. */
    static void load() {
    }

    /** A guard for a stamp that the current thread holds, or a refused one. The stamp is ended if it throws. */
    static Guard of(final Region region, final Mode mode, final long stamp) {
        return shared(region, mode, stamp, 0);
    }

    /**
     * The same for a lock that was taken quickly, which stays the caller's if this throws.
     *
     * @param slot where it was announced, 0 if it was not taken quickly
     */
    static Guard shared(final Region region, final Mode mode, final long stamp, final long slot) {
        return stamp <= 0 ? new Guard(region, mode, stamp, 0, null, null) : granted(region, mode, stamp, slot);
    }

    /** The same for a stamp that is known to be none of a refusal. */
    static Guard granted(final Region region, final Mode mode, final long stamp, final long slot) {
        try {
            // In this order the code stays small enough to be inlined everywhere: to read the size after the arena is
            // made, or to make the segment after the guard, costs checks and card marks that are not needed here.
            final long size = region.sizeInside();
            final Arena arena = Arena.ofConfined();
            final MemorySegment segment = region.segmentFor(mode, size, arena);
            return new Guard(region, mode, stamp, slot, arena, segment);
        } catch (final Throwable e) {
            if (slot == 0) {
                region.end(mode, stamp);
            }
            throw e;
        }
    }

    /** {@return whether the lock was granted and the guard is neither closed nor turned into a hold} */
    public boolean isHeld() {
        return stamp > 0 && arena != null && arena.scope().isAlive();
    }

    /**
     * Why the lock was not granted.
     *
     * @return the reason
     * @throws IllegalStateException if it was
     */
    public Refusal refusal() {
        if (stamp >= 0) {
            throw new IllegalStateException("refusal of a guard that was granted: " + region.describe());
        }
        return Refusal.of(stamp);
    }

    /** {@return the region} */
    public Region region() {
        return region;
    }

    /** {@return what the guard allows} */
    public Mode mode() {
        return mode;
    }

    /**
     * The region's bytes, as many as there were when the guard was taken; growth does not show in it. Read-only in
     * {@link Mode#SHARED}, writable in the other modes unless the region is read-only.
     *
     * @return the segment; it ends with the guard
     * @throws RegionException if the guard was refused
     */
    public MemorySegment segment() {
        final MemorySegment current = segment;
        if (current == null) {
            throw region.refused("segment of a guard that is not held", stamp);
        }
        return current;
    }

    /**
     * Turns an exclusive guard into a shared one; no other writer gets in between. The segment stays writable.
     *
     * @throws RegionException              if the guard was refused, is closed, or the thread holds too many locks
     * @throws WrongThreadException         if another thread took it
     * @throws IllegalMonitorStateException if the guard is not an exclusive one that the current thread holds
     */
    public void downgrade() {
        checkHeld("downgrade");
        stamp = region.downgrade(stamp);
        mode = region.isWritable() ? Mode.SHARED_WRITABLE : Mode.SHARED;
    }

    /**
     * Turns a shared guard into the exclusive one if nobody else is inside. If not, the guard stays as it is.
     *
     * @return whether the guard is exclusive now
     * @throws RegionException              if the guard was refused, or is closed
     * @throws WrongThreadException         if another thread took it
     * @throws IllegalMonitorStateException if the guard is not a shared one that the current thread holds
     */
    public boolean tryUpgrade() {
        final Arena current = checkHeld("upgrade");
        final long exclusive = region.tryUpgrade(stamp);
        if (exclusive <= 0) {
            return false;
        }
        stamp = exclusive;
        slot = 0;
        mode = Mode.EXCLUSIVE;
        segment = region.segmentFor(mode, current);
        return true;
    }

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
    public Hold toHold() {
        final Arena current = checkHeld("turning into a hold");
        if (!counted) {
            stamp = region.toHold(stamp);
            counted = true;
            slot = 0;
        }
        final Hold hold = new Hold(region, stamp);
        endArena(current); // if this fails the guard is still held, by the count
        stamp = 0;
        segment = null;
        return hold;
    }

    /** Before the lock is touched: its stamp alone does not tell a closed guard, or always another thread's. */
    private Arena checkHeld(final String operation) {
        final Arena current = arena;
        if (current == null || stamp <= 0 || !current.scope().isAlive()) {
            throw region.refused(operation + " of a guard that is not held", Math.min(stamp, 0));
        }
        final MemorySegment bytes = segment;
        if (bytes != null && !bytes.isAccessibleBy(Thread.currentThread())) {
            throw new WrongThreadException(operation + " of a guard of another thread: caller=" +
                Thread.currentThread().getName() + ", " + region.describe());
        }
        return current;
    }

    private void endArena(final Arena current) {
        try {
            current.close();
        } catch (final WrongThreadException e) {
            throw new WrongThreadException("close of a guard of another thread: caller=" +
                Thread.currentThread().getName() + ", " + region.describe(), e);
        } catch (final IllegalStateException e) {
            if (overflowed && !current.scope().isAlive()) {
                overflowed = false;
                return;
            }
            throw new IllegalStateException("close of a guard that is closed already, or whose segment is in use: " +
                region.describe(), e);
        }
    }

    /**
     * Ends the guard; does nothing if it was refused or turned into a hold.
     *
     * @throws IllegalStateException if it is closed already, or if its segment is in use by a native call or by
     *                               asynchronous I/O, and then it is still held
     * @throws WrongThreadException  if another thread took it
     */
    @Override
    public void close() {
        final Arena current = arena;
        if (current == null || stamp <= 0) {
            return;
        }
        try {
            endArena(current);
            if (slot == 0 || !region.endQuickly(slot)) {
                FullForm.end(region, mode, stamp, counted);
            }
        } catch (final StackOverflowError e) {
            overflowed = true;
            throw e;
        }
    }

    @Override
    public String toString() {
        return "Guard[" + mode + ", " + (stamp > 0 ? "granted" : "not held") + ", " + region.describe() + "]";
    }
}
