// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Refusal;
import io.holdfast.epoch.Ledger;
import io.holdfast.epoch.StackRoom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/** A counted stamp, and the views that are open on it. */
public final class HoldHandle implements Hold {
    /*
     * STATE counts open views and becomes RELEASED by compare-and-set from 0, so a release and the opening of a view
     * exclude each other, and exactly one release wins.
     */
    private static final int RELEASED = -1;

    private final RegionHandle region;
    private final long stamp;
    private final AtomicInteger state = new AtomicInteger();

    /** Makes sure that the class is there. */
    static void load() {
    }

    /** A hold for a stamp, which stays the caller's if this throws, or a refused one. */
    HoldHandle(final RegionHandle region, final long stamp) {
        this.region = region;
        this.stamp = stamp;
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
                region.endHold(stamp);
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
        int seen;
        do {
            seen = state.get();
            if (seen == RELEASED) {
                throw new IllegalStateException("view of a released hold: " + region.describe());
            }
        } while (!state.compareAndSet(seen, seen + 1));
        try {
            return new ViewHandle(this);
        } catch (final Throwable e) {
            state.decrementAndGet();
            throw e;
        }
    }

    @Override
    public void close() {
        if (stamp <= 0) {
            return;
        }
        StackRoom.forEnd(stamp); // the state and the count both, or neither
        final int seen = state.compareAndExchange(0, RELEASED);
        if (seen == RELEASED) {
            throw new IllegalStateException("release of a released hold: " + region.describe());
        }
        if (seen != 0) {
            throw new IllegalStateException("release of a hold with open views: views=" + seen + ", " +
                region.describe() + "; close the views first");
        }
        region.endHold(stamp);
    }

    /** The access of one thread, and its count in the hold. */
    public static final class ViewHandle implements View {
        private final HoldHandle hold;
        private final Arena arena;
        private final MemorySegment segment;
        private final long ledger;

        private ViewHandle(final HoldHandle hold) {
            this.hold = hold;
            this.arena = Arena.ofConfined();
            this.segment = hold.region.segmentFor(Guard.Mode.SHARED_WRITABLE, arena);
            this.ledger = Ledger.viewed(hold.region.record());
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
                throw new IllegalStateException("close of a view that is closed already, or whose segment is in use: " +
                    hold.region.describe(), e);
            }
            Ledger.released(ledger);
            hold.state.decrementAndGet();
        }
    }
}
