// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.stress.weave.Weave;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Defects that are woven into the library, each one a step of a protocol left out or put in the wrong order. A run with
 * one of them must fail, or the runs without prove nothing.
 */
public enum Variant {
    /** Neither the writer's barrier nor, in the fence flavour, the reader's. */
    NO_BARRIER(
        at("epoch.HeavyBarrier", "issue", "NativeMemory.membarrier", 2).instead(Broken.class, "noBarrier"),
        at("epoch.SlotTable", "orderReader", "VarHandle.fullFence", 1).instead(Broken.class, "noFence")),
    /** A reader announces itself and does not look whether a writer came first. */
    NO_RECHECK(
        at("lock.SharedFastPath", "announce", "SharedFastPath.isOpen", 1).instead(Broken.class, "open"),
        at("lock.RegionLock", "tryShare", "RecordLayout.lockAcquire", 2).only(2).instead(Broken.class, "attached")),
    /** The incarnation is compared before the announcement, and not after it. */
    INCARNATION_FIRST(
        at("lock.SharedFastPath", "announce", "RecordLayout.incarnation", 1).instead(Broken.class, "noted"),
        entry("lock.SharedFastPath", "announce", "noteQuickIncarnation"),
        at("lock.RegionLock", "tryShare", "RecordLayout.incarnation", 1).instead(Broken.class, "noted"),
        entry("lock.RegionLock", "tryShare", "noteIncarnation")),
    /** A writer that gives up while it waits leaves its flag. */
    FLAG_LEFT(at("lock.RegionLock", "exclusive", "RegionLock.withdraw", 2).instead(Broken.class, "leaveFlag")),
    /** A drain looks at the count first and at the hazards after it. */
    COUNT_FIRST(
        at("lock.RegionLock", "drain", "EpochDomain.awaitReaders", 1).instead(Broken.class, "countFirst"),
        at("lock.RegionLock", "drain", "RecordLayout.lockVolatile", 1).instead(Broken.class, "nobodyCounted")),
    /** A drain does not look at the count. */
    COUNT_IGNORED(at("lock.RegionLock", "drain", "RecordLayout.lockVolatile", 1)
        .instead(Broken.class, "nobodyCounted")),
    /** An upgrade and a {@code tryExclusive} do not look at the readers again after their announcement. */
    NO_SECOND_LOOK(at("lock.RegionLock", "becomeExclusiveIfDrained", "EpochDomain.isAnnounced", 1)
        .instead(Broken.class, "nobodyAnnounced")),
    /** Writers leave the sequence even. */
    NO_SEQUENCE(
        at("lock.RegionLock", "becomeExclusive", "RecordLayout.sequenceRelease", 1)
            .instead(Broken.class, "noSequence"),
        at("lock.RegionLock", "endExclusive", "RecordLayout.sequenceRelease", 1).instead(Broken.class, "noSequence"),
        at("lock.RegionLock", "downgrade", "RecordLayout.sequenceRelease", 1).instead(Broken.class, "noSequence")),
    /**
     * What a missing acquire fence allows at worst: a validation reads the lock before the data was read. Processors
     * that keep loads in order need help to show it.
     */
    MISSING_ACQUIRE(
        at("lock.RegionLock", "validate", "RecordLayout.lockAcquire", 1).instead(Broken.class, "attached"),
        at("lock.RegionLock", "validate", "RecordLayout.sequence", 1).instead(Broken.class, "noted"),
        entry("lock.RegionLock", "validate", "noteStamp")),
    /** An unmap gives the memory back without waiting. */
    EARLY_FREE(at("space.Unmapper", "complete", "Unmapper.drain", 1).instead(Broken.class, "drained")),
    /** An unmap waits for guards and holds, and not for pins. */
    PINS_IGNORED(at("epoch.SlotScan", "await", "EpochDomain.pinnedAtOrBefore", 1)
        .instead(Broken.class, "notPinned")),
    /** A slot does not say that a hazard besides the first is in use. */
    FURTHER_HAZARD_UNTOLD(at("layout.SlotLayout", "hazardOpaque", "Words.putOpaque", 2).only(1)
        .instead(Broken.class, "untold")),
    /** The barrier runs, and the epoch is read, before the detach and not after it. */
    TAG_BEFORE_DETACH(
        at("lock.RegionLock", "tryDetach", "EpochDomain.pinStructure", 1).instead(Broken.class, "tagThenPin"),
        at("space.Unmapper", "beginGracePeriod", "EpochDomain.retireEpoch", 1).instead(Broken.class, "earlierTag")),
    /** Records and tree nodes are used again without a grace period. */
    NO_GRACE(
        at("epoch.RetireList", "reclaimRipe", "EpochDomain.passed", 1).instead(Broken.class, "graceOver"),
        at("space.Magazines$Ring", "ripen", "EpochDomain.passed", 1).instead(Broken.class, "graceOver")),
    /** A record whose page was given back has the sequences of its first life again. */
    SEQUENCE_STARTS_OVER(at("lock.RecordTable", "begin", "RecordLayout.sequenceRelease", 1)
        .instead(Broken.class, "noSequence")),
    /** Two unmaps park their records in one place. */
    PARKED_TOGETHER(at("space.Magazines$Ring", "park", "AtomicLongArray.compareAndSet", 1)
        .instead(Broken.class, "uncompared")),
    /** Two maps take one parked record. */
    CLAIMED_TWICE(at("space.Magazines$Ring", "claim", "AtomicLongArray.compareAndSet", 1)
        .instead(Broken.class, "uncompared")),
    /** Who frees the addresses of a parked record takes it out although a map was faster. */
    EVICTED_AND_CLAIMED(at("space.Magazines", "evict", "AtomicLongArray.compareAndExchange", 1)
        .instead(Broken.class, "uncomparedExchange")),
    /** Who takes a zone back puts nothing of it into the base. */
    EVACUATED_EMPTY(at("tree.Zoning", "takeBack", "Change.takeBack", 1).instead(Broken.class, "takeBackNothing")),
    /** A lease opens a window that the base goes on having, and does not look. */
    LEASED_ASIDE(
        at("tree.Zoning", "lease", "Change.insert", 1).instead(Broken.class, "notInserted"),
        at("tree.Zoning", "open", "TreeReader.findUnder", 1).instead(Broken.class, "nothing"),
        at("tree.Zoning", "open", "Zone.elsewhere", 1).instead(Broken.class, "nowhere")),
    /** A lease opens its window without a look whether the base names its zone still. */
    OPENED_UNCHECKED(
        at("tree.Zoning", "open", "TreeReader.findUnder", 1).instead(Broken.class, "nothing"),
        at("tree.Zoning", "open", "Zone.elsewhere", 1).instead(Broken.class, "nowhere")),
    /** A range is carved without what is in it. */
    CARVED_EMPTY(
        at("tree.Zoning", "carve", "Change.copy", 1).instead(Broken.class, "copyNothing"),
        at("tree.Zoning", "name", "TreeReader.isSame", 1).instead(Broken.class, "same")),
    /** A lookup looks at the base alone. */
    ZONES_UNSEEN(
        at("tree.IntervalTree", "find", "Zoning.likelyRoot", 1).instead(Broken.class, "likelyBase"),
        at("tree.IntervalTree", "find", "Zoning.find", 1).instead(Broken.class, "nothingElsewhere")),
    /** A trim loses the tree nodes that it keeps. */
    LOST_NODES(at("tree.NodePool", "trim", "NodeList.isEmpty", 2).instead(Broken.class, "noNodes")),
    /** A lookup that meets a region on its way to other handles does not look again. */
    NO_SECOND_LOOKUP(at("space.SpaceHandle", "findAgain", "RegionLock.isMoved", 1).instead(Broken.class, "notMoved")),
    /** The record of an unmapped region is lost. */
    LOST_RECORD(at("space.Quarantine", "isFreed", "StripedRetireList.retire", 1).instead(Broken.class, "loseRecord")),
    /** The file of an unmapped region stays open. */
    LOST_DESCRIPTOR(at("space.MappedFile", "settle", "MappedFile.close", 1).instead(Broken.class, "loseFile"));

    @SuppressWarnings("ImmutableEnumChecker") // an immutable list of such records
    private final List<Weave> weaves;

    Variant(final Weave... weaves) {
        this.weaves = List.of(weaves);
    }

    private static Weave.Place at(final String type, final String method, final String call, final int places) {
        return Weave.Place.of("io.holdfast." + type, method, call, places);
    }

    private static Weave entry(final String type, final String method, final String target) {
        return Weave.entry("io.holdfast." + type, method, Broken.class, target);
    }

    /** What is changed; applied after the pauses, so a beginning comes before them. */
    public List<Weave> weaves() {
        return weaves;
    }

    /** Where a pause would hide the defect: a store that has a pause behind it is seen by everybody in time. */
    Set<Point> unwoven() {
        return this == NO_BARRIER ? EnumSet.of(Point.SHARE_ANNOUNCED, Point.FULL_SHARE_ANNOUNCED)
            : EnumSet.noneOf(Point.class);
    }

    /**
     * The settings with which a run shows it soonest: of the lock alone where no region has to go, a few regions where
     * two threads must meet at one, many readers where one must stand still while a record comes back from a grace
     * period, many writers and hardly a reader where two of them must meet at one magazine.
     */
    List<String> settings() {
        return switch (this) {
            case NO_BARRIER, NO_SECOND_LOOK ->
                List.of("--locks-only", "--regions", "1", "--readers", "2", "--writers", "1", "--virtual", "0");
            case COUNT_FIRST, NO_GRACE, FURTHER_HAZARD_UNTOLD -> List.of("--regions", "6");
            case OPENED_UNCHECKED -> List.of("--readers", "2", "--virtual", "0", "--writers", "4");
            case INCARNATION_FIRST -> List.of("--readers", "8");
            case PARKED_TOGETHER, CLAIMED_TWICE, EVICTED_AND_CLAIMED ->
                List.of("--readers", "1", "--virtual", "0", "--writers", "8", "--regions", "8");
            default -> List.of();
        };
    }

    /** The poison that every run weaves in. */
    static Weave poison() {
        return Weave.entry("io.holdfast.memory.ReservedPages", "zeroAnonymous", Broken.class, "poison");
    }
}
