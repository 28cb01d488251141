// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.stress.weave.Weave;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Where a thread may pause: between two steps of a protocol, of which another thread can then see the first alone. */
enum Point {
    /** A reader knows what it wants to lock, and has not announced it; long enough for the record to be reused. */
    SHARE_BEGINS(Rarity.LONG, at("lock.SharedFastPath", "announce", "QuickSlots.hint", 1), false),
    /** A reader has announced itself and not looked at the lock word. */
    SHARE_ANNOUNCED(Rarity.OFTEN, at("lock.SharedFastPath", "announce", "QuickSlot.announce", 1), true),
    /** A reader on the full path has seen an open lock word, and has not announced itself. */
    FULL_SHARE_BEGINS(Rarity.LONG, at("lock.RegionLock", "tryShare", "EpochDomain.slot", 1), false),
    /** The same as before on the full path, which virtual threads and the fence flavour take. */
    FULL_SHARE_ANNOUNCED(Rarity.OFTEN, at("lock.RegionLock", "tryShare", "EpochDomain.announce", 1), true),
    /** A hold is counted, and the incarnation not compared. */
    HOLD_COUNTED(Rarity.OFTEN, at("lock.RegionLock", "tryHold", "RecordLayout.compareAndExchangeLock", 1), true),
    /** A guard is about to become a hold, and is not counted. */
    HOLD_BEFORE_COUNT(Rarity.OFTEN, at("lock.RegionLock", "toHold", "RegionLock.count", 1), false),
    /** A guard that becomes a hold is counted, and its hazard not cleared. */
    HOLD_MOVING(Rarity.OFTEN, at("lock.RegionLock", "toHold", "RegionLock.end", 1), false),
    /** A writer has announced itself, and the barrier has not run. */
    WRITER_EXCLUDING(Rarity.OFTEN, at("lock.RegionLock", "exclusive", "EpochDomain.heavyBarrier", 1), false),
    /** The barrier of a writer has run, and nobody was looked at. */
    WRITER_AFTER_BARRIER(Rarity.OFTEN, at("lock.RegionLock", "exclusive", "EpochDomain.heavyBarrier", 1), true),
    /** A drain has seen no hazard, and not looked at the count. */
    DRAIN_BEFORE_COUNT(Rarity.OFTEN, at("lock.RegionLock", "drain", "EpochDomain.awaitReaders", 1), true),
    /** The sequence of a writer is odd, and its first write not done. */
    WRITER_ODD(Rarity.OFTEN, at("lock.RegionLock", "becomeExclusive", "RecordLayout.sequenceRelease", 1), true),
    /** The sequence of a writer is even again, and its bits still set. */
    WRITER_EVEN(Rarity.OFTEN, at("lock.RegionLock", "endExclusive", "RegionLock.withdraw", 1), false),
    /** A downgrade has announced its reader, and the writer is still there. */
    DOWNGRADE_ANNOUNCED(Rarity.OFTEN, at("lock.RegionLock", "downgrade", "EpochDomain.announce", 1), true),
    /** An upgrade has seen nobody else, and not announced its writer. */
    UPGRADE_LOOKED(Rarity.OFTEN, at("lock.RegionLock", "tryUpgrade", "RegionLock.tryExclude", 1), false),
    /** A writer that does not wait has seen nobody, and not announced itself. */
    TRY_EXCLUSIVE_LOOKED(Rarity.OFTEN, at("lock.RegionLock", "tryExclusive", "RegionLock.tryExclude", 1), false),
    /** An upgrade has announced its writer, and not looked at the readers again. */
    UPGRADE_BEFORE_LOOK(Rarity.OFTEN,
        at("lock.RegionLock", "becomeExclusiveIfDrained", "EpochDomain.heavyBarrier", 1), true),
    /** A record is detached, and its sequence still even. */
    DETACH_BEFORE_SEQUENCE(Rarity.OFTEN,
        at("lock.RegionLock", "tryDetach", "RecordLayout.sequenceVolatile", 1), false),
    /** A record is described, and not attached. */
    ATTACH_BEFORE_PUBLISHING(Rarity.OFTEN, at("lock.RegionLock", "attach", "RecordLayout.lockRelease", 1), false),
    /** An optimistic reader has read, and not validated. */
    VALIDATE_BEGINS(Rarity.SELDOM, at("lock.RegionLock", "validate", "VarHandle.acquireFence", 1), false),
    /** A pin has read the epoch, and not announced it; long enough for the epoch to pass. */
    PIN_BEFORE_ANNOUNCING(Rarity.LONG, at("epoch.EpochDomain", "announcePin", "SlotLayout.pinOpaque", 1), false),
    /** A pin is announced, and nothing was looked up. */
    PIN_ANNOUNCED(Rarity.SELDOM, at("epoch.EpochDomain", "announcePin", "SlotLayout.pinOpaque", 1), true),
    /** The barrier of a grace period has run, and its tag is not taken. */
    GRACE_BEFORE_TAG(Rarity.OFTEN, at("epoch.EpochDomain", "retireEpoch", "EpochDomain.heavyBarrier", 1), true),
    /** A batch of retired items has its tag, and nobody asked whether it is over. */
    RETIRE_BEFORE_LOOK(Rarity.OFTEN, at("epoch.RetireList", "reclaimRipe", "EpochDomain.passed", 1), false),
    /** A lookup has found a record, and not looked at its lock word. */
    FIND_BEFORE_LOOK(Rarity.OFTEN, at("space.SpaceHandle", "findPinned", "IntervalTree.find", 1), true),
    /** The tree shows new regions, and the old ones have not moved. */
    PUBLISH_BEFORE_MOVE(Rarity.OFTEN, at("space.Publication", "complete", "Owner.move", 1), false),
    /** A changed root is ready, and not shown. */
    TREE_BEFORE_SWING(Rarity.SELDOM, at("tree.IntervalTree", "swing", "Words.compareAndSet", 1), false),
    /** An unmap has seen a place for its record, and not put it there. */
    PARK_LOOKED(Rarity.OFTEN, at("space.Magazines$Ring", "park", "AtomicLongArray.compareAndSet", 1), false),
    /** A map has seen a parked record, and not taken it. */
    CLAIM_LOOKED(Rarity.OFTEN, at("space.Magazines$Ring", "claim", "AtomicLongArray.compareAndSet", 1), false),
    /** The records of a magazine are marked, and the tag of their grace period is not taken. */
    MARK_BEFORE_TAG(Rarity.OFTEN, at("space.Magazines$Ring", "mark", "EpochDomain.currentEpoch", 1), false),
    /** Who frees addresses has seen a parked record, and not taken it. */
    EVICT_LOOKED(Rarity.OFTEN, at("space.Magazines", "evict", "AtomicLongArray.compareAndExchange", 1), false),
    /** A lookup was sent to a zone, and has not looked there. */
    ZONE_NAMED(Rarity.MOSTLY, at("tree.Zoning", "find", "TreeReader.findUnder", 3).only(2), false),
    /** A lease has seen that nothing is being taken back, and the base does not name the zone yet. */
    LEASE_LOOKED(Rarity.MOSTLY, at("tree.Zoning", "lease", "Change.insert", 1), false),
    /** The base names a zone for a window that is not open. */
    LEASE_BEFORE_OPEN(Rarity.MOSTLY, at("tree.Zoning", "lease", "Zoning.open", 1), false),
    /** A lease has seen that the base names its zone, and the window is not open. */
    OPEN_LOOKED(Rarity.MOSTLY, at("tree.Zoning", "open", "Change.cut", 1), false),
    /** A zone is frozen, and the base names it. */
    ZONE_FROZEN(Rarity.MOSTLY, at("tree.Zoning", "complete", "Zoning.takeBack", 1), false),
    /** The base has copies of what a zone had, and the zone is frozen. */
    ZONE_TAKEN_BACK(Rarity.MOSTLY, at("tree.Zoning", "complete", "Zoning.thaw", 1), false),
    /** A zone is frozen with copies of a range, and the base has the range. */
    CARVE_COPIED(Rarity.MOSTLY, at("tree.Zoning", "carve", "Zoning.name", 1), false),
    /** A carving has seen that its zone is not taken back, and the base does not name the zone yet. */
    CARVE_LOOKED(Rarity.MOSTLY, at("tree.Zoning", "name", "Change.replace", 1), false),
    /** The base names a zone for a carved range, and the zone is frozen. */
    CARVE_BEFORE_THAW(Rarity.MOSTLY, at("tree.Zoning", "carve", "Change.begin", 2).only(2), false),
    /** An unmap is drained, and its pages are still there. */
    UNMAP_BEFORE_PAGES(Rarity.SELDOM, at("space.GiveBack", "givePages", "GiveBack.restorePages", 1), false);

    /** How often, and how long, a thread pauses. */
    enum Rarity {
        /** Where threads come hardly ever. */
        MOSTLY(1 << 1, 1 << 6),
        /** Where threads come seldom. */
        OFTEN(1 << 5, 1 << 11),
        /** Where threads come all the time. */
        SELDOM(1 << 10, 1 << 16),
        /** The same, with pauses that others get far in. */
        LONG(1 << 11, 1 << 12);

        private final int shortOneIn;
        private final int longOneIn;

        Rarity(final int shortOneIn, final int longOneIn) {
            this.shortOneIn = shortOneIn;
            this.longOneIn = longOneIn;
        }

        int shortOneIn() {
            return shortOneIn;
        }

        int longOneIn() {
            return longOneIn;
        }

        long longestNs() {
            return this == LONG ? 60_000_000 : 2_000_000;
        }
    }

    private final Rarity rarity;
    @SuppressWarnings("ImmutableEnumChecker") // a record of strings and numbers
    private final Weave.Place place;
    private final boolean after;

    Point(final Rarity rarity, final Weave.Place place, final boolean after) {
        this.rarity = rarity;
        this.place = place;
        this.after = after;
    }

    private static Weave.Place at(final String type, final String method, final String call, final int places) {
        return Weave.Place.of("io.holdfast." + type, method, call, places);
    }

    Rarity rarity() {
        return rarity;
    }

    @SuppressWarnings("EnumOrdinal") // woven classes live as long as the process that wove them
    private Weave weave() {
        return after ? place.after(Pauses.class, "at", ordinal()) : place.before(Pauses.class, "at", ordinal());
    }

    /** Whether readers of the fence flavour never come here. */
    boolean isQuickPathOnly() {
        return this == SHARE_ANNOUNCED;
    }

    /** The pauses of all points but some. */
    static List<Weave> weaves(final Set<Point> except) {
        return Arrays.stream(values()).filter(point -> !except.contains(point)).map(Point::weave).toList();
    }
}
