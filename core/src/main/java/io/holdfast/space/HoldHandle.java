// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Refusal;
import io.holdfast.epoch.Ledger;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.Sampling;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** A counted stamp, and the views that are open on it. */
public final class HoldHandle implements Hold {
    /*
     * STATE counts open views and becomes RELEASED by compare-and-set from 0, so a release and the opening of a view
     * exclude each other, and exactly one release wins.
     *
     * The views are in a list, too, which STATE's monitor guards: a view leaves it once, closed by its thread, or taken
     * out by a release that has seen its thread dead. Nobody can use a dead thread's view, whose segment is confined.
     */
    private static final System.Logger LOGGER = System.getLogger(HoldHandle.class.getName());
    private static final int RELEASED = -1;

    private final RegionHandle region;
    private final long stamp;
    private final AtomicInteger state = new AtomicInteger();
    private final Ledger.@Nullable Entry sampled;
    private @Nullable ViewHandle views;

    /** Makes sure that the class is there, and that of its views. */
    static void load() {
        ViewHandle.load();
    }

    /** A hold for a stamp, which stays the caller's if this throws, or a refused one. */
    HoldHandle(final RegionHandle region, final long stamp) {
        this.region = region;
        this.stamp = stamp;
        this.sampled = Sampling.ON && stamp > 0 ? Leaks.sample(this, region) : null;
        if (stamp <= 0) {
            state.setPlain(RELEASED);
        }
    }

    /** A hold for a stamp, which is released if this throws, or a refused one. */
    static Hold of(final RegionHandle region, final long stamp) {
        try {
            return new HoldHandle(region, stamp);
        } catch (final Throwable e) {
            if (stamp > 0) {
                region.endHold();
            }
            throw e;
        }
    }

    @Override
    public RegionHandle region() {
        return region;
    }

    @Override
    public boolean isHeld() {
        return state.get() != RELEASED;
    }

    @Override
    public Refusal refusal() {
        if (stamp > 0) {
            throw new IllegalStateException("refusal of a hold that was granted: " + region.describe());
        }
        return Refusal.of(stamp);
    }

    @Override
    public View view() {
        if (stamp <= 0) {
            throw region.refused("view of a hold that is not held", stamp);
        }
        final ViewHandle view = new ViewHandle(this);
        boolean opened = false;
        try {
            view.ledger = Ledger.viewed(region.record()); // before it counts, since this may find no heap
            opened = enter(view);
        } finally {
            if (!opened) {
                Ledger.released(view.ledger);
                view.arena.close();
            }
        }
        if (!opened) {
            throw new IllegalStateException("view of a released hold: " + region.describe());
        }
        return view;
    }

    private boolean enter(final ViewHandle view) {
        synchronized (state) {
            if (state.get() == RELEASED) {
                return false;
            }
            view.next = views;
            views = view;
            state.incrementAndGet();
            return true;
        }
    }

    private void leave(final ViewHandle view) {
        synchronized (state) {
            ViewHandle before = null;
            for (ViewHandle at = views; at != null; at = at.next) {
                if (at == view) {
                    remove(before, view);
                    Ledger.released(view.ledger);
                    return;
                }
                before = at;
            }
        }
    }

    private void remove(final @Nullable ViewHandle before, final ViewHandle view) {
        if (before == null) {
            views = view.next;
        } else {
            before.next = view.next;
        }
        state.decrementAndGet();
    }

    /** Takes the views out whose threads have died. */
    private void leaveForTheDead() {
        int left = 0;
        synchronized (state) {
            ViewHandle before = null;
            for (ViewHandle at = views; at != null; at = at.next) {
                if (at.owner.isAlive()) {
                    before = at;
                } else {
                    remove(before, at);
                    Ledger.released(at.ledger);
                    left++;
                }
            }
        }
        if (left != 0) {
            LOGGER.log(Level.WARNING, "threads died with open views of a hold, which are closed now: views=" + left + ", " +
                region.describe());
        }
    }

    @Override
    public MemorySegment sharedSegment() {
        try (View _ = view()) { // the hold cannot be released meanwhile
            return region.sharedSegmentInside();
        }
    }

    @Override
    public void close() {
        if (stamp <= 0) {
            return;
        }
        if (state.get() > 0) {
            leaveForTheDead();
        }
        ReservedStack.forEnd(stamp); // the state and the count both, or neither
        final int seen = state.compareAndExchange(0, RELEASED);
        if (seen > 0) {
            throw new IllegalStateException("release of a hold with open views: views=" + seen + ", " +
                region.describe() + "; close the views first");
        }
        if (seen == 0) {
            region.endHold();
            if (sampled != null) {
                Ledger.remove(sampled);
            }
        }
    }

    /** The access of one thread, and its count in the hold. */
    public static final class ViewHandle implements View {
        private final HoldHandle hold;
        private final Arena arena;
        private final MemorySegment segment;
        private final Thread owner = Thread.currentThread();
        private long ledger;
        private @Nullable ViewHandle next;

        private static void load() {
        }

        private ViewHandle(final HoldHandle hold) {
            this.hold = hold;
            this.arena = Arena.ofConfined();
            this.segment = hold.region.segmentFor(Guard.Mode.SHARED_WRITABLE, arena);
        }

        @Override
        public MemorySegment segment() {
            return segment;
        }

        @Override
        public void close() {
            try {
                arena.close();
            } catch (final WrongThreadException e) {
                throw new WrongThreadException("close of a view of another thread: caller=" +
                    Thread.currentThread().getName() + ", " + hold.region.describe(), e);
            } catch (final IllegalStateException e) {
                if (arena.scope().isAlive()) {
                    throw new IllegalStateException("close of a view whose segment is in use: " +
                        hold.region.describe(), e);
                }
            } finally {
                if (!arena.scope().isAlive()) { // whatever was thrown; does nothing if it has been done
                    hold.leave(this);
                }
            }
        }
    }
}
