// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.memory.NativeMemory;
import java.util.concurrent.atomic.AtomicLong;

/** One attached record with its lock, in a domain of its own. */
final class LockFixture {
    /** States of a lock word as the table in {@link RegionLock} names them. */
    enum State { FREE, OPEN, DRAINING, EXCLUSIVE, DETACHED, MOVED, SECTION, ENDED, UNMAPPED }

    /** A thread that is not the one that runs the test. */
    static final long SOMEBODY = 4711;

    final EpochDomain domain;
    final RecordTable records = new RecordTable(NativeMemory.system());
    final AtomicLong reports = new AtomicLong();
    final RegionLock lock;
    final long record;
    long incarnation;

    LockFixture() {
        this(EpochTestSupport.newDomain());
    }

    LockFixture(final EpochDomain domain) {
        this.domain = domain;
        this.lock = new RegionLock(domain, (which, tag, elapsedNs) -> reports.incrementAndGet(), () -> { });
        this.record = records.allocate();
        this.incarnation = RegionLock.attach(record);
    }

    State state() {
        return state(record);
    }

    static State state(final long record) {
        final long word = RecordLayout.lockVolatile(record);
        final boolean odd = (RecordLayout.sequenceAcquire(record) & 1) != 0;
        final State state;
        if ((word & RecordLayout.ATTACHED) == 0) {
            final boolean free = (word & RecordLayout.EXCLUDING) == 0;
            state = free ? State.FREE : (word & RecordLayout.EXCLUSIVE) == 0 ? State.DETACHED
                : (word & RecordLayout.SECTION) == 0 ? State.MOVED : State.UNMAPPED;
        } else if ((word & RecordLayout.EXCLUSIVE) != 0) {
            state = (word & RecordLayout.SECTION) == 0 ? State.EXCLUSIVE
                : SectionLock.isEnded(word) ? State.ENDED : State.SECTION;
        } else {
            state = (word & RecordLayout.EXCLUDING) == 0 ? State.OPEN : State.DRAINING;
        }
        final boolean oddExpected = state != State.OPEN && state != State.DRAINING;
        if (state != State.FREE && odd != oddExpected) {
            throw new AssertionError("sequence does not fit: state=" + state + ", " + RegionLock.describe(record));
        }
        return state;
    }

    /** Brings the open record into a state as if {@link #SOMEBODY} had. */
    void put(final State wanted) {
        final long owner = RecordLayout.owned(SOMEBODY);
        switch (wanted) {
            case FREE -> {
                detach();
                RegionLock.reclaim(record);
            }
            case OPEN -> { }
            case DRAINING -> RecordLayout.getAndAddLock(record, RecordLayout.EXCLUDING | owner);
            case EXCLUSIVE -> {
                RecordLayout.getAndAddLock(record, RecordLayout.WRITER | owner);
                RecordLayout.sequenceVolatile(record, RecordLayout.sequence(record) + 1);
            }
            case DETACHED -> detach();
            case MOVED -> lock.move(record, lock.tryExclusive(record, incarnation));
            case SECTION -> exclude();
            case ENDED -> SectionLock.endAll(exclude());
            case UNMAPPED -> {
                final long ticket = exclude();
                SectionLock.detach(record, ticket);
                SectionLock.endAll(ticket);
            }
        }
    }

    /** Holds the record by a section of another thread; its ticket. */
    long exclude() {
        final AtomicLong ticket = new AtomicLong();
        final Thread somebody = new Thread(() -> ticket.set(SectionLock.open()));
        somebody.start();
        EpochTestSupport.join(somebody);
        try (Waiting waiting = EpochTestSupport.patient()) {
            final long result = new SectionLock(lock, domain).exclude(ticket.get(), new long[] {record},
                new long[] {incarnation}, waiting);
            if (result != 1) {
                throw new AssertionError("not excluded: " + RegionLock.describe(record));
            }
        }
        return ticket.get();
    }

    /** Ends the writer that {@link #put} made. */
    void endSomebody() {
        if (state() == State.EXCLUSIVE) {
            RecordLayout.sequenceVolatile(record, RecordLayout.sequence(record) + 1);
        }
        RecordLayout.getAndMaskLock(record, ~(RecordLayout.WRITER | RecordLayout.OWNER));
    }

    private void detach() {
        if (lock.detach(record, incarnation, EpochTestSupport.impatient()) != 1) {
            throw new AssertionError("not detached: " + RegionLock.describe(record));
        }
    }

    /** Unmaps as far as this package knows, and gives the record back. */
    void endLife() {
        detach();
        final long tag = domain.retireEpoch();
        try (Waiting waiting = EpochTestSupport.patient()) {
            if (!lock.drainDetached(record, tag, waiting)) {
                throw new AssertionError("not drained: " + RegionLock.describe(record));
            }
        }
        RegionLock.reclaim(record);
        records.free(record);
    }

    /** Ends this life of the record and begins the next one. */
    void reuse() {
        endLife();
        if (records.allocate() != record) {
            throw new AssertionError("another record came first");
        }
        incarnation = RegionLock.attach(record);
    }

    /** Whether a detached record is free of guards, holds and earlier pins at this moment. */
    static boolean isDrained(final EpochDomain domain, final long record, final long tag) {
        return domain.passed(tag) && !domain.isAnnounced(record, 0) &&
            (RecordLayout.lockVolatile(record) & RecordLayout.COUNT) == 0;
    }

    /** Counted holds in the lock word. */
    long holds() {
        return RecordLayout.lockVolatile(record) & RecordLayout.COUNT;
    }
}
