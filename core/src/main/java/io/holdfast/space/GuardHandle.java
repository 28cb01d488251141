// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Refusal;
import io.holdfast.epoch.Sampling;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A stamp of its thread, and the segment that lives as long. */
public final class GuardHandle implements Guard {
    private final RegionHandle region;
    private final @Nullable Arena arena;
    private Mode mode;
    private long stamp;
    private long slot;
    private boolean counted; // the stamp is a hold's, because turning the guard into one was not completed
    private @Nullable MemorySegment segment;

    private GuardHandle(final RegionHandle region, final Mode mode, final long stamp, final long slot,
                        final @Nullable Arena arena, final @Nullable MemorySegment segment) {
        this.region = region;
        this.mode = mode;
        this.stamp = stamp;
        this.slot = slot;
        this.arena = arena;
        this.segment = segment;
    }

    /** Makes sure that the class is there, and that of its modes. */
    static void load() {
        Objects.requireNonNull(Mode.SHARED);
    }

    /** A guard for a stamp that the current thread holds, or a refused one. The stamp is ended if it throws. */
    static Guard of(final RegionHandle region, final Mode mode, final long stamp) {
        return shared(region, mode, stamp, 0);
    }

    /**
     * The same for a lock that was taken quickly, which stays the caller's if this throws.
     *
     * @param slot where it was announced, 0 if it was not taken quickly
     */
    static Guard shared(final RegionHandle region, final Mode mode, final long stamp, final long slot) {
        return stamp <= 0 ? new GuardHandle(region, mode, stamp, 0, null, null) : granted(region, mode, stamp, slot);
    }

    /** The same for a stamp that is known to be none of a refusal. */
    static Guard granted(final RegionHandle region, final Mode mode, final long stamp, final long slot) {
        try {
            // In this order the code stays small enough to be inlined everywhere: to read the size after the arena is
            // made, or to make the segment after the guard, costs checks and card marks that are not needed here.
            final long size = region.sizeInside();
            final Arena arena = Arena.ofConfined();
            final MemorySegment segment = region.segmentFor(mode, size, arena);
            final GuardHandle guard = new GuardHandle(region, mode, stamp, slot, arena, segment);
            if (Sampling.ON) {
                Leaks.watch(guard, region);
            }
            return guard;
        } catch (final Throwable e) {
            if (slot == 0) {
                region.end(mode, stamp);
            }
            throw e;
        }
    }

    @Override
    public boolean isHeld() {
        return stamp > 0 && arena != null && arena.scope().isAlive();
    }

    @Override
    public Refusal refusal() {
        if (stamp >= 0) {
            throw new IllegalStateException("refusal of a guard that was granted: " + region.describe());
        }
        return Refusal.of(stamp);
    }

    @Override
    public RegionHandle region() {
        return region;
    }

    @Override
    public Mode mode() {
        return mode;
    }

    @Override
    public MemorySegment segment() {
        final MemorySegment current = segment;
        if (current == null) {
            throw region.refused("segment of a guard that is not held", stamp);
        }
        return current;
    }

    @Override
    public void downgrade() {
        checkHeld("downgrade");
        stamp = region.downgrade(stamp);
        mode = region.isWritable() ? Mode.SHARED_WRITABLE : Mode.SHARED;
    }

    @Override
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

    @Override
    public Hold toHold() {
        final Arena current = checkHeld("turning into a hold");
        if (!counted) {
            stamp = region.toHold(stamp);
            counted = true;
            slot = 0;
        }
        final Hold hold = new HoldHandle(region, stamp);
        try {
            current.close(); // if this fails the guard is still held, by the count
        } catch (final IllegalStateException e) {
            throw new IllegalStateException("turning into a hold of a guard whose segment is in use: " +
                region.describe(), e);
        }
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

    @Override
    public void close() {
        try { // from the first instruction on: an error that belongs to an access long past may come up at any
            final Arena current = arena;
            if (current == null || stamp <= 0) {
                return;
            }
            current.close();
            if (slot == 0 || !region.endQuickly(slot)) {
                SlowPath.end(region, mode, stamp, counted);
            }
            stamp = 0;
        } catch (final Throwable e) {
            final Arena current = arena;
            if (current == null || stamp <= 0) {
                throw e;
            }
            final Error late = SlowPath.endAfter(e, region, current, mode, stamp, slot, counted);
            stamp = 0;
            if (late != null) {
                throw late;
            }
        }
    }

    @Override
    public String toString() {
        return "Guard[" + mode + ", " + (stamp > 0 ? "granted" : "not held") + ", " + region.describe() + "]";
    }
}
