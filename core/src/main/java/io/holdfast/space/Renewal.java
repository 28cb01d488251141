// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Guard;
import io.holdfast.Refusal;
import io.holdfast.RegionException;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RegionLock;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.lang.ref.WeakReference;
import org.jspecify.annotations.Nullable;

/**
 * What a lease shares with its slices: the segment of which each of them shows its part, made anew by whoever ends an era,
 * and whether the lease has been ended. Thread-safe.
 */
final class Renewal {
    /*
     * What a lease or slice reads through may be an old segment: its arena says whether it may be read through [R1]. A new
     * one is made by whoever ends an era; by a thread that reads, where that one was not quick enough, or found no memory.
     * Who stores one of an era that is over by then looks once more, so that the last one stored is the newest. A slice
     * is listed before it takes its part of SEGMENT, so whoever replaces that finds the slice, or the slice the new one;
     * it may still take the old one last, and then finds out when it reads. It may take SEGMENT and ERA of two renewals: in
     * each of the two the region was mapped.
     */

    /** What a lease that has ended reads through: bytes that nobody can read, since their arena is closed. */
    static final MemorySegment NOTHING = nothing();

    private final RegionHandle region;
    private final WeakReference<Renewal> listed;
    private final Slices slices = new Slices();
    private @Nullable LeaseHandle whole; // set before anybody else knows of this
    private volatile MemorySegment segment = NOTHING; // of the whole region, as large as it was
    private volatile Era era = Era.NONE;
    private volatile boolean ended;
    private volatile @Nullable Renewal over;

    Renewal(final RegionHandle region) {
        this.region = region;
        this.listed = region.space().eras().leases().reference(this);
    }

    private static MemorySegment nothing() {
        try (Arena closed = Arena.ofShared()) {
            return closed.allocate(1);
        }
    }

    /** Whether this is what a lease that has ended reads through, and no segment of an era. */
    static boolean isNothing(final MemorySegment segment) {
        return NOTHING.equals(segment);
    }

    /** Makes the first segment for the lease of the whole region. */
    void begin(final LeaseHandle lease, final String operation) {
        whole = lease;
        renew(operation);
    }

    /** Shows its part to a new slice, from now on. */
    void add(final LeaseHandle slice) {
        slices.add(slice);
        slice.show(segment, era);
    }

    private void show(final MemorySegment all, final Era now) {
        segment = all;
        if (whole != null) {
            whole.show(all, now);
        }
        slices.show(all, now);
    }

    /** Makes the segment of the current era for a thread that has found an old one. */
    MemorySegment renew(final String operation) {
        region.space().eras().leases().add(listed); // before the era is loaded, so that who ends it finds this
        return renewListed(operation);
    }

    private MemorySegment renewListed(final String operation) {
        while (true) {
            checkOpen(operation);
            final Era now = region.space().eras().current(); // [R1]
            final MemorySegment made = segment(operation, now);
            if (made != null) {
                store(now, made);
                if (region.space().eras().current() == now) {
                    return made;
                }
            }
        }
    }

    /** Makes the segment of the current era before anybody has found an old one; false if there is none any more. */
    boolean renewEarly() {
        try {
            if (!ended && region.isMapped()) {
                renewListed("renewal");
                return true;
            }
        } catch (final RegionException e) {
            // it has ended meanwhile
        }
        store(Era.NONE, NOTHING);
        return false;
    }

    private void store(final Era now, final MemorySegment made) {
        era = now;
        if (ended) { // [R4]
            era = Era.NONE;
        }
        show(made, now);
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

    boolean isEnded() {
        return ended;
    }

    void checkOpen(final String operation) {
        if (isEnded()) {
            throw ended(operation);
        }
    }

    RegionException ended(final String operation) {
        return new RegionException(operation + " refused: reason=" + Refusal.ENDED + ", " + region.describe() +
            "; the lease is ended, take a new one", Refusal.ENDED);
    }

    /**
     * One of the region that has ended, for slices that are ended by themselves. Made with the first of them, so that the
     * end of one needs no heap.
     */
    Renewal over() {
        Renewal known = over;
        if (known == null) {
            known = new Renewal(region);
            known.end();
            over = known;
        }
        return known;
    }

    void end() {
        ReservedStack.forEnd(region.record()); // of the lease and all slices, or of none
        ended = true; // [R4]
        era = Era.NONE;
        show(NOTHING, Era.NONE);
        region.space().eras().leases().remove(listed);
    }
}
