// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static io.holdfast.layout.RecordLayout.ATTACHED;
import static io.holdfast.layout.RecordLayout.COUNT;
import static io.holdfast.layout.RecordLayout.COUNT_LIMIT;
import static io.holdfast.layout.RecordLayout.COUNT_UNIT;
import static io.holdfast.layout.RecordLayout.EXCLUDING;
import static io.holdfast.layout.RecordLayout.EXCLUSIVE;
import static io.holdfast.layout.RecordLayout.OWNER;
import static io.holdfast.layout.RecordLayout.SECTION;
import static io.holdfast.layout.RecordLayout.WRITER;

import io.holdfast.layout.RecordLayout;

/** Single steps on the lock word for {@link RegionLock}, whose ordering tags these are. Nothing here waits. */
final class LockWord {
    private LockWord() {
    }

    /** Why a lock is not granted at this moment. */
    static long refusal(final long record, final long incarnation) {
        final long lock = RecordLayout.lockAcquire(record);
        if (RecordLayout.incarnation(record) != incarnation) {
            return Stamps.DETACHED;
        }
        if ((lock & ATTACHED) == 0) {
            return (lock & (EXCLUSIVE | SECTION)) == EXCLUSIVE ? Stamps.MOVED : Stamps.DETACHED;
        }
        return (lock & EXCLUSIVE) != 0 ? Stamps.EXCLUSIVE : Stamps.EXCLUDED;
    }

    /** Sets EXCLUDING for an owner, in place; 0, or why not. */
    static long exclude(final long record, final long incarnation, final long owner) {
        long lock = RecordLayout.lockVolatile(record);
        while (true) {
            if ((lock & (ATTACHED | WRITER)) != ATTACHED) {
                lock = SectionLock.settled(record);
                if (lock == 0) {
                    return refusal(record, incarnation);
                }
                continue;
            }
            final long witness = RecordLayout.compareAndExchangeLock(record, lock, lock | EXCLUDING | owner);
            if (witness == lock) {
                break;
            }
            lock = witness;
        }
        if (RecordLayout.incarnation(record) != incarnation) { // a later life, as in [C1]
            include(record);
            return Stamps.DETACHED;
        }
        return 0;
    }

    /** Clears the writer's part. */
    static void include(final long record) {
        RecordLayout.getAndMaskLock(record, ~(WRITER | OWNER));
    }

    /** Adds one to the count, whatever else is in the word; false if there are as many as there may be. */
    static boolean count(final long record) {
        long lock = RecordLayout.lockVolatile(record);
        while ((lock & COUNT) < COUNT_LIMIT) {
            final long witness = RecordLayout.compareAndExchangeLock(record, lock, lock + COUNT_UNIT);
            if (witness == lock) {
                return true;
            }
            lock = witness;
        }
        return false;
    }

    /** Takes one from the count; false if it is zero already, so that misuse cannot borrow from the other fields. */
    static boolean uncount(final long record) {
        long lock = RecordLayout.lockVolatile(record);
        while ((lock & COUNT) != 0) {
            final long witness = RecordLayout.compareAndExchangeLock(record, lock, lock - COUNT_UNIT); // [S3]
            if (witness == lock) {
                return true;
            }
            lock = witness;
        }
        return false;
    }
}
