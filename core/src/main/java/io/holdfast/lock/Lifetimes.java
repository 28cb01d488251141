// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static io.holdfast.layout.RecordLayout.ATTACHED;
import static io.holdfast.layout.RecordLayout.EXCLUDING;
import static io.holdfast.layout.RecordLayout.EXCLUSIVE;

import io.holdfast.layout.RecordLayout;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicLong;

/**
 * When the lives of the records of a space begin and end, counted in snapshots: a life that began at {@code b} and ended
 * at {@code e} is in the snapshot of time {@code t} if {@code b <= t < e}.
 *
 * <p>Thread-safe. Every answer about a record and a time is for good. Records that are asked about are kept from being
 * reused by the caller's pin, of either kind.
 */
public final class Lifetimes {
    /*
     * What single maps and unmaps change is not the root of the tree, so records have the times of both. A time cannot be
     * noted in the same step as the attaching or detaching, and not before it: snapshots would come in between, look, and
     * later be told otherwise. So the step itself says that a time is to be stamped, and it is stamped after the step, with
     * the clock as it is read then, by the one who made the step or by whoever looks first. What a publication replaces has
     * no times of its own: the tree of a snapshot shows either the old records or the new ones.
     *
     *   step             BEGUN before         LOCK            then                   by
     *   attach           to be stamped        ATTACHED        BEGUN := clock         doer, who looks
     *   publish          0                    ATTACHED        nothing                (root of the tree)
     *
     *   step             ENDED before         LOCK            then                   by
     *   detach, abandon  0                    DETACHED        ENDED := clock         doer, who looks
     *   publish          0                    MOVED, UNMAPPED nothing                (root of the tree)
     *
     *   A look at time t, top to bottom:
     *
     *   LOCK             BEGUN                ENDED                          shown
     *   FREE             any                  any                            no: attached later, or never
     *   else             to be stamped        any                            stamped, and looked at again
     *   else             0, a time            0, LOCK is DETACHED            stamped, and looked at again
     *   else             0, a time            0, any other LOCK              BEGUN <= t
     *   else             0, a time            a time                         BEGUN <= t < ENDED
     *
     * [V1] The clock is read after the step: both sides are of volatile mode, with a full fence where the step is a release
     *      store. Pairs with [V2]. Otherwise a life could be stamped with a time whose snapshot has looked before the step.
     * [V2] A snapshot's time is taken by a volatile read-modify-write of the clock, and lock words are looked at after it,
     *      with volatile access. So who finds a record not attached yet, or not detached yet, knows that its time is going
     *      to be a later one.
     * [V3] The first stamp is the stamp: compare-and-set from what asked for it. The request for the stamp of a beginning
     *      holds the incarnation, so that a stamp cannot hit a later life.
     * [V4] Who finds a region, or misses it, by a lookup or a cursor stamps what is to be stamped before that: a snapshot
     *      that the thread takes then agrees with it. Lookups read BEGUN with plain access behind the acquiring look at the
     *      lock word: what asks for a stamp was written before the word, and a stale one asks once too often. ENDED is not
     *      read of a record that was attached at that look, the moment of which is the lookup's: the life ended later, if
     *      it has ended.
     *
     * [V5] The record of an unmapped region may be used again under the pin of a snapshot that does not show that life:
     *      it is found detached, free, and attached again, and its end is taken away while it is free. So who finds that
     *      a life had begun and not ended looks at its beginning again: a free record has none, and one from after the
     *      look is later.
     *
     * If a thread stops for ever between a step and its stamp, others stamp for it; nobody waits.
     */
    /** The time that none reaches: of what has not begun, or not ended. */
    private static final long NEVER = Long.MAX_VALUE;

    final AtomicLong clock = new AtomicLong(1); // 63 bits: a thousand million snapshots a second for 292 years

    /** Nobody has taken a snapshot. */
    public Lifetimes() {
    }

    /**
     * The time of a new snapshot; what is stamped later is later. Lock-free.
     *
     * @throws IllegalStateException if time is over; it never begins again
     */
    public long tick() {
        long time = clock.get();
        while (time < NEVER - 1) {
            final long witness = clock.compareAndExchange(time, time + 1); // [V2]
            if (witness == time) {
                return time;
            }
            time = witness;
        }
        throw new IllegalStateException("no time is left for another snapshot: snapshots=" + time);
    }

    /**
     * Attaches a record that the caller has described; takes effect for snapshots when it is stamped, at the latest before
     * this returns.
     *
     * @return its incarnation
     */
    public long attach(final long record) {
        RecordLayout.begunToBeStamped(record, SectionLock.nextIncarnation(record));
        final long incarnation = RegionLock.attach(record);
        VarHandle.fullFence(); // [V1]
        beginning(record);
        return incarnation;
    }

    /** Notes that a record's life has ended: RegionLock has detached it. */
    public void detached(final long record) {
        end(record);
    }

    /**
     * Stamps what is to be stamped, for who has found the record attached or detached before [V4].
     *
     * @return whether the life has begun and not ended, for snapshots
     */
    public boolean settle(final long record) {
        return beginning(record) != NEVER && end(record) == NEVER;
    }

    /** Whether the record's life was going on at the time of a snapshot whose tree has the record. */
    public boolean isAlive(final long record, final long time) {
        while (true) {
            final long begun = beginning(record);
            final boolean alive = begun <= time && time < end(record);
            if (!alive || beginning(record) == begun) { // else begun and ended are of two lives [V5]
                return alive;
            }
        }
    }

    private long beginning(final long record) {
        while (true) {
            final long begun = RecordLayout.begunVolatile(record);
            if ((RecordLayout.lockVolatile(record) & (ATTACHED | EXCLUDING)) == 0) { // [V2]
                return NEVER;
            }
            if (RecordLayout.isToBeStamped(begun)) {
                RecordLayout.stampBegun(record, begun, clock.get()); // [V1] [V3]
            } else if (RecordLayout.begunVolatile(record) == begun) { // else of the life before
                return begun;
            }
        }
    }

    private long end(final long record) {
        while (true) {
            final long ended = RecordLayout.endedVolatile(record);
            if (ended > 0) {
                return ended;
            } else if ((RecordLayout.lockVolatile(record) & (ATTACHED | EXCLUDING | EXCLUSIVE)) != EXCLUDING) { // [V2]
                return NEVER;
            } else {
                RecordLayout.compareAndSetEnded(record, 0, clock.get()); // [V1] [V3]
            }
        }
    }
}
