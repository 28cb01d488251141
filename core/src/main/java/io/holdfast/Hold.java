// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.epoch.Ledger;
import io.holdfast.epoch.StackRoom;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A shared lock on a region that one thread takes and any thread may release: for asynchronous I/O, for readers that
 * are handed on. It keeps the region mapped like a guard (guarantee G1) but costs a read-modify-write of a shared word.
 *
 * <p>Thread-safe. A hold has no segment of its own: each thread opens a {@link View}, which is confined to it.
 * Releasing a hold with open views is refused.
 */
public final class Hold implements AutoCloseable {
    /*
     * STATE counts open views and becomes RELEASED by compare-and-set from 0, so a release and the opening of a view
     * exclude each other, and exactly one release wins.
     */
    private static final int RELEASED = -1;

    private final Region region;
    private final long stamp;
    private final AtomicInteger state = new AtomicInteger();

    /** Makes sure that the class is there. */
    static void load() {
    }

    /** A hold for a stamp, which stays the caller's if this throws, or a refused one. */
    Hold(final Region region, final long stamp) {
        this.region = region;
        this.stamp = stamp;
        if (stamp <= 0) {
            state.setPlain(RELEASED);
        }
    }

    /** A hold for a stamp, which is released if this throws, or a refused one. */
    static Hold of(final Region region, final long stamp) {
        try {
            return new Hold(region, stamp);
        } catch (final Throwable e) {
            if (stamp > 0) {
                region.endHold(stamp);
            }
            throw e;
        }
    }

    /** {@return the region} */
    public Region region() {
        return region;
    }

    /** {@return whether the hold was granted and is not released} */
    public boolean isHeld() {
        return state.get() != RELEASED;
    }

    /**
     * Why the hold was not granted.
     *
     * @return the reason
     * @throws IllegalStateException if it was
     */
    public Refusal refusal() {
        if (stamp > 0) {
            throw new IllegalStateException("refusal of a hold that was granted: " + region.describe());
        }
        return Refusal.of(stamp);
    }

    /**
     * A view for the current thread, writable if the region is.
     *
     * @return the view, to be closed by the same thread
     * @throws RegionException       if the hold was refused
     * @throws IllegalStateException if it is released
     */
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
            return new View(this);
        } catch (final Throwable e) {
            state.decrementAndGet();
            throw e;
        }
    }

    /**
     * Releases the hold; does nothing if it was refused.
     *
     * @throws IllegalStateException if it is released already, or if views are open, and then it is still held
     */
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

    /** One thread's access to the bytes of a held region. */
    public static final class View implements AutoCloseable {
        private final Hold hold;
        private final Arena arena;
        private final MemorySegment segment;
        private final long ledger;

        private View(final Hold hold) {
            this.hold = hold;
            this.arena = Arena.ofConfined();
            this.segment = hold.region.segmentFor(Guard.Mode.SHARED_WRITABLE, arena);
            this.ledger = Ledger.viewed(hold.region.record());
        }

        /** {@return the region's bytes, as many as there were when the view was opened} */
        public MemorySegment segment() {
            return segment;
        }

        /**
         * Closes the view.
         *
         * @throws IllegalStateException if it is closed already
         * @throws WrongThreadException  if another thread opened it
         */
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
