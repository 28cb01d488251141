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
import org.jspecify.annotations.Nullable;

/** What a lease shares with its slices: whether it has been ended, and how a segment of an era is made. Thread-safe. */
final class Renewal {
    private static final VarHandle ENDED = field();

    private final RegionHandle region;
    private boolean ended;

    Renewal(final RegionHandle region) {
        this.region = region;
    }

    RegionHandle region() {
        return region;
    }

    /** Makes the segment of an era that was current a moment ago; null if the next one has begun and this one is closed. */
    @Nullable MemorySegment segment(final String operation, final Era now) {
        VarHandle.fullFence(); // [R1]
        final long record = region.record();
        final long size = RecordLayout.sizeAcquire(record);
        final boolean banned = // [R6]
            region.space().eras().isBanned(RecordLayout.start(record), RecordLayout.limit(record));
        VarHandle.acquireFence(); // all of it is this life's only if the region is mapped, read after them
        if (!region.isMapped()) {
            throw region.refused(operation, RegionLock.refusal(record, region.incarnation()));
        }
        try {
            return region.segmentFor(banned ? Guard.Mode.SHARED : Guard.Mode.SHARED_WRITABLE, size, now.arena());
        } catch (final IllegalStateException e) {
            if (now.arena().scope().isAlive()) {
                throw e;
            }
            return null;
        }
    }

    /** Whether the lease has been ended, by plain access. */
    boolean looksEnded() {
        return ended;
    }

    boolean isEnded() {
        return (boolean) ENDED.getVolatile(this);
    }

    RegionException ended(final String operation) {
        return new RegionException(operation + " refused: reason=" + Refusal.ENDED + ", " + region.describe() +
            "; the lease is ended, take a new one", Refusal.ENDED);
    }

    void end() {
        ENDED.setVolatile(this, true);
    }

    private static VarHandle field() {
        try {
            return MethodHandles.lookup().findVarHandle(Renewal.class, "ended", boolean.class).withInvokeExactBehavior();
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
