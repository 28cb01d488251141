// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Guard;
import io.holdfast.Refusal;
import io.holdfast.RegionException;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RegionLock;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What a lease and its slices read through: the segment of an era. Thread-safe; threads that renew at the same time each
 * do so, and all that they make is equally good.
 */
final class Renewal {
    /*
     * ERA and SEGMENT are read with plain access and may be of different renewals: the arena of whatever segment is read
     * through says whether it may be [R1]. Benign race: the worst is one more renewal.
     */
    private static final long NONE = -1;
    private static final VarHandle ERA = field();

    private final Eras eras;
    private final RegionHandle region;
    private long era = NONE;
    private MemorySegment segment = MemorySegment.NULL;
    private volatile boolean ended;

    Renewal(final RegionHandle region) {
        this.region = region;
        this.eras = region.space().eras();
    }

    /** The number of the era that the segment is of, with plain access. */
    long era() {
        return era;
    }

    MemorySegment segment() {
        return segment;
    }

    RegionHandle region() {
        return region;
    }

    /** Makes the segment of the current era. */
    MemorySegment renew(final String operation) {
        while (true) {
            checkOpen(operation);
            final Era now = eras.current(); // [R1]
            VarHandle.fullFence();
            final long record = region.record();
            final long size = RecordLayout.sizeAcquire(record);
            final boolean banned = eras.isBanned(RecordLayout.start(record), RecordLayout.limit(record)); // [R6]
            VarHandle.acquireFence(); // all of it is this life's only if the region is mapped, read after them
            if (!region.isMapped()) {
                throw region.refused(operation, RegionLock.refusal(record, region.incarnation()));
            }
            try {
                final MemorySegment made = region.segmentFor(banned ? Guard.Mode.SHARED : Guard.Mode.SHARED_WRITABLE,
                    size, now.arena());
                publish(made, now.number());
                return made;
            } catch (final IllegalStateException e) {
                checkClosed(now, e);
            }
        }
    }

    private void publish(final MemorySegment made, final long number) {
        segment = made;
        ERA.setVolatile(this, number); // [R4]
        if (ended) {
            ERA.setVolatile(this, NONE);
        }
    }

    /** The next era has begun, and this one's arena is closed already; or something else is the matter. */
    private static void checkClosed(final Era now, final IllegalStateException e) {
        if (now.arena().scope().isAlive()) {
            throw e;
        }
    }

    void checkOpen(final String operation) {
        if (ended) {
            throw ended(operation);
        }
    }

    RegionException ended(final String operation) {
        return new RegionException(operation + " refused: reason=" + Refusal.ENDED + ", " + region.describe() +
            "; the lease is ended, take a new one", Refusal.ENDED);
    }

    boolean isEnded() {
        return ended;
    }

    void end() {
        ended = true; // [R4]
        ERA.setVolatile(this, NONE);
    }

    private static VarHandle field() {
        try {
            return MethodHandles.lookup().findVarHandle(Renewal.class, "era", long.class).withInvokeExactBehavior();
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
