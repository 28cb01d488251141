// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.TreeFixture.Entry;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Threads that lose races change zones of their own, and nobody but they can tell (Zoning, and its tables). */
class TreeZoneTest {
    private static final int WINDOW_BITS = 6;
    private static final long WINDOW = 1L << WINDOW_BITS;
    private static final long SPACE = 100 * WINDOW;
    private static final long RANGE = 4 * WINDOW;
    private static final int RACES = 3;
    private static final TreeTuning TUNING = new TreeTuning(3, 3, 1, 4, WINDOW_BITS, RACES);
    private static final int NO_MEMORY = 12;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private final TreeFixture fixture = TreeFixture.with(memory, TUNING, SPACE);
    private final IntervalTree tree = fixture.tree;
    private final Zoning zoning = tree.zoning();

    @AfterEach
    void everythingMustBeInOneZoneAndNoNodeLost() {
        windows();
        fixture.checkNoNodeIsLost();
        final List<Entry> before = fixture.entries();
        tree.unite();
        assertThat(windows()).isZero();
        assertThat(fixture.entries()).isEqualTo(before);
        assertThat(tree.unite(0, SPACE)).isFalse();
        fixture.checkNoNodeIsLost();
    }

    private int windows() {
        try (Snapshot snapshot = tree.snapshot()) {
            return TreeInspector.checkZones(snapshot);
        }
    }

    private void contend() {
        ZoneTestSupport.contend(tree);
    }

    private long insert(final long size, final long value) {
        return tree.insertIntoZone(size, 1, 0, SPACE, true, value);
    }

    /** The zone that has an address. */
    private Zone zoneOf(final long address) {
        final AtomicReference<Zone> zone = new AtomicReference<>(zoning.base());
        fixture.pinned(() -> {
            final long value = TreeReader.findUnder(zoning.base().rootAcquire(), address);
            if (Zone.isElsewhere(value)) {
                zone.set(zoning.zone(Zone.numberOf(value)));
            }
        });
        return zone.get();
    }

    private long baseRoot() {
        final long[] root = {0};
        fixture.pinned(() -> root[0] = tree.zoning().base().rootAcquire());
        return root[0];
    }

    private void freeze(final Zone zone) {
        fixture.pinned(() -> assertThat(zone.freeze(zone.rootAcquire())).isTrue());
    }

    // ------------------------------------------------------------------------------------------------------------ lease

    @Test
    void aThreadMustHaveLostRacesBeforeItGetsAZone() {
        for (int i = 0; i < RACES; i++) {
            assertThat(tree.isContended()).isFalse();
            zoning.hasLost();
        }
        assertThat(tree.isContended()).isTrue();
        assertThat(zoning.isZoned()).isFalse();
    }

    @Test
    void eachEvacuationMustDoubleTheRacesThatAThreadHasToLose() {
        contend();
        insert(10, 1);
        tree.replace(0, SPACE);
        assertThat(windows()).isZero();
        assertThat(tree.isContended()).isFalse();
        for (int i = 0; i < RACES; i++) {
            assertThat(tree.isContended()).isFalse();
            zoning.hasLost();
        }
        assertThat(tree.isContended()).isTrue();
    }

    @Test
    void changesInAWindowMustNotSwingTheRootOfTheBase() {
        tree.insert(WINDOW + 1, WINDOW + 3, 1);
        contend();
        final long first = insert(4, 2);
        assertThat(first).as("the lowest window that is free").isZero();
        final long root = baseRoot();
        final long second = insert(4, 3);
        assertThat(second).isEqualTo(4);
        assertThat(tree.insert(20, 25, 4)).isTrue();
        assertThat(tree.replace(20, 30, 21, 22, 5)).isTrue();
        try (Edit edit = tree.edit()) {
            assertThat(edit.replace(20, 30, 21, 22, 6, 23, 24, 7)).isTrue();
            assertThat(edit.replace(4, 8)).isTrue();
            assertThat(edit.publish()).isTrue();
        }
        assertThat(tree.remove(21)).isEqualTo(6);
        assertThat(tree.remove(23, 7)).isTrue();
        tree.removeAll(new long[] {first, 2}, 1);
        assertThat(baseRoot()).isEqualTo(root);
        assertThat(fixture.entries()).containsExactly(new Entry(WINDOW + 1, WINDOW + 3, 1));
        assertThat(windows()).isOne();
        assertThat(zoneOf(0)).isNotSameAs(zoning.base());
    }

    @Test
    void lookupsCursorsAndSnapshotsMustShowAllZonesAsOneTree() {
        contend();
        assertThat(insert(10, 1)).isZero();
        assertThat(insert(10, 2)).isEqualTo(10);
        tree.insert(WINDOW, WINDOW + 5, 3);
        tree.insert(3 * WINDOW, 3 * WINDOW + 5, 4);
        final List<Entry> all = List.of(new Entry(0, 10, 1), new Entry(10, 20, 2), new Entry(WINDOW, WINDOW + 5, 3),
            new Entry(3 * WINDOW, 3 * WINDOW + 5, 4));
        assertThat(fixture.entries()).isEqualTo(all);
        assertThat(fixture.find(9)).isOne();
        assertThat(fixture.find(19)).isEqualTo(2);
        assertThat(fixture.find(20)).isZero();
        try (Snapshot snapshot = tree.snapshot()) {
            tree.remove(0);
            tree.remove(WINDOW);
            assertThat(TreeFixture.entries(snapshot)).isEqualTo(all);
            assertThat(snapshot.find(0)).isOne();
            assertThat(snapshot.isCurrent()).isFalse();
            assertThat(snapshot.gaps(0, 3 * WINDOW)).containsExactly(new long[] {20, WINDOW},
                new long[] {WINDOW + 5, 3 * WINDOW});
            tree.unite();
            assertThat(TreeFixture.entries(snapshot)).isEqualTo(all);
        }
    }

    @Test
    void aSnapshotMustNotBeCurrentOnceAnyZoneHasChanged() {
        contend();
        insert(10, 1);
        try (Snapshot snapshot = tree.snapshot()) {
            assertThat(snapshot.isCurrent()).isTrue();
            insert(10, 2);
            assertThat(snapshot.isCurrent()).isFalse();
        }
    }

    @Test
    void whatReachesOverTheBorderOfAWindowMustTakeTheWindowBack() {
        contend();
        insert(10, 1);
        assertThat(windows()).isOne();
        assertThat(tree.insert(WINDOW - 2, WINDOW + 2, 2)).isTrue();
        assertThat(windows()).isZero();
        assertThat(fixture.entries()).containsExactly(new Entry(0, 10, 1), new Entry(WINDOW - 2, WINDOW + 2, 2));
    }

    @Test
    void anEditInSeveralZonesMustTakeThemBackAndBeOneStep() {
        contend();
        insert(10, 1);
        tree.insert(WINDOW, WINDOW + 10, 2);
        try (Edit edit = tree.edit()) {
            assertThat(edit.replace(0, 10, 0, 5, 3)).isTrue();
            assertThat(edit.replace(WINDOW, WINDOW + 10, WINDOW, WINDOW + 5, 4)).isTrue();
            assertThat(fixture.find(0)).isOne();
            assertThat(fixture.find(WINDOW)).isEqualTo(2);
            assertThat(edit.publish()).isTrue();
        }
        assertThat(windows()).isZero();
        assertThat(fixture.entries()).containsExactly(new Entry(0, 5, 3), new Entry(WINDOW, WINDOW + 5, 4));
    }

    @Test
    void anEditMustBeRefusedIfAZoneHasChangedSinceItCameThere() {
        contend();
        insert(10, 1);
        tree.insert(WINDOW, WINDOW + 1, 1);
        try (Edit edit = tree.edit()) {
            edit.replace(0, 10, 0, 10, 3);
            assertThat(tree.replace(0, 10, 0, 10, 2)).isTrue();
            assertThat(edit.publish()).isFalse();
        }
        try (Edit edit = tree.edit()) {
            edit.replace(0, 10, 0, 10, 3);
            assertThat(tree.replace(0, 10, 0, 10, 4)).isTrue();
            edit.replace(WINDOW, WINDOW + 1);
            assertThat(edit.publish()).as("over two zones").isFalse();
        }
        assertThat(fixture.find(WINDOW)).isOne();
    }

    @Test
    void anEditMustBeRefusedIfItsZoneWasTakenBackAndChanged() {
        contend();
        insert(10, 1);
        try (Edit edit = tree.edit()) {
            edit.replace(0, 10, 0, 10, 3);
            assertThat(tree.unite(0, SPACE)).isTrue();
            assertThat(tree.replace(0, 10, 0, 10, 4)).isTrue();
            assertThat(edit.publish()).isFalse();
        }
        assertThat(fixture.find(0)).isEqualTo(4);
    }

    @Test
    void anEditMustGoThroughIfItsZoneWasOnlyTakenBack() {
        contend();
        insert(10, 1);
        try (Edit edit = tree.edit()) {
            assertThat(edit.replace(0, 10, 0, 10, 3)).isTrue();
            assertThat(tree.unite(0, SPACE)).isTrue();
            assertThat(edit.publish()).isTrue();
        }
        assertThat(fixture.find(0)).isEqualTo(3);
    }

    @Test
    void aGapMustBeFoundWhereverItIs() {
        contend();
        insert(1, 1);
        for (long at = WINDOW; at < SPACE; at += WINDOW) {
            tree.insert(at, at + WINDOW, 2);
        }
        assertThat(tree.insertIntoGap(WINDOW - 1, 1, 0, SPACE, true, 3)).as("in the base").isEqualTo(-1);
        assertThat(tree.insertIntoAnyZone(WINDOW - 1, 1, 0, SPACE, true, 3)).as("in a zone").isOne();
        assertThat(tree.remove(1)).isEqualTo(3);
        assertThat(tree.remove(WINDOW)).isEqualTo(2);
        final long size = 2 * WINDOW - 1;
        assertThat(tree.insertIntoAnyZone(size, 1, 0, SPACE, true, 4)).as("over a border").isEqualTo(-1);
        assertThat(tree.unite(0, SPACE)).isTrue();
        assertThat(tree.insertIntoGap(size, 1, 0, SPACE, true, 4)).isOne();
    }

    @Test
    void whatWasTakenBackMustNotBeLeasedBeforeItsGracePeriodIsOver() {
        contend();
        insert(1, 1);
        try (Snapshot pinned = tree.snapshot()) {
            assertThat(tree.unite(0, SPACE)).isTrue();
            contend();
            assertThat(insert(1, 2)).as("a window under the pin").isEqualTo(-1);
            assertThat(pinned.find(0)).isOne();
        }
        contend();
        assertThat(insert(1, 2)).isEqualTo(WINDOW);
    }

    // ------------------------------------------------------------------------------------------------------------ carve

    /** Four intervals in a range, and one on each side of it. */
    private void fillRange() {
        tree.insert(RANGE - 5, RANGE, 1);
        for (int i = 0; i < 4; i++) {
            tree.insert(RANGE + i * WINDOW, RANGE + i * WINDOW + 5, 2 + i);
        }
        tree.insert(2 * RANGE, 2 * RANGE + 5, 6);
    }

    private void carve() {
        contend();
        tree.carve(RANGE, 2 * RANGE);
    }

    @Test
    void aCarvedRangeMustBeChangedWithoutTheBaseAndNobodyMustTell() {
        fillRange();
        final List<Entry> all = fixture.entries();
        try (Snapshot before = tree.snapshot()) {
            carve();
            assertThat(windows()).isOne();
            assertThat(zoneOf(RANGE)).isNotSameAs(zoning.base()).isSameAs(zoneOf(2 * RANGE - 1));
            assertThat(zoneOf(RANGE - 1)).isSameAs(zoneOf(2 * RANGE)).isSameAs(zoning.base());
            assertThat(fixture.entries()).isEqualTo(all).isEqualTo(TreeFixture.entries(before));
        }
        assertThat(fixture.find(RANGE + 4)).isEqualTo(2);
        final long root = baseRoot();
        assertThat(tree.insert(RANGE + 7, RANGE + 9, 7)).isTrue();
        assertThat(tree.insertIntoZoneOf(3, 1, RANGE, 2 * RANGE, true, 8)).as("the lowest gap").isEqualTo(RANGE + 9);
        assertThat(tree.insertIntoZoneOf(3, 1, RANGE, 2 * RANGE, false, 9)).isEqualTo(2 * RANGE - 3);
        try (Edit edit = tree.edit()) {
            assertThat(edit.replace(RANGE, RANGE + 5)).isTrue();
            assertThat(edit.replace(RANGE + WINDOW, RANGE + 2 * WINDOW, RANGE + WINDOW, RANGE + WINDOW + 1, 10)).isTrue();
            assertThat(edit.publish()).isTrue();
        }
        assertThat(tree.remove(RANGE + 7)).isEqualTo(7);
        assertThat(baseRoot()).isEqualTo(root);
        assertThat(fixture.find(RANGE + 4)).isZero();
        assertThat(fixture.find(RANGE + WINDOW)).isEqualTo(10);
        assertThat(tree.isContended()).as("has to lose races before it carves the next range").isFalse();
        assertThat(tree.insertIntoZoneOf(3, 1, 0, WINDOW, true, 11)).as("the base has it").isEqualTo(-1);
        assertThat(tree.insertIntoZoneOf(3, 1, RANGE, 3 * RANGE, true, 11)).as("the base has a part").isEqualTo(-1);
        assertThat(tree.insertIntoZoneOf(3, 1, RANGE - 1, 2 * RANGE, true, 11)).isEqualTo(-1);
    }

    @Test
    void aRangeMustStayWhereItIsUnlessItIsSmallAndItsOwn() {
        fillRange();
        tree.carve(RANGE, 2 * RANGE);
        assertThat(windows()).as("of a thread that loses no races").isZero();
        for (final long[] range : new long[][] {{RANGE - 3, 2 * RANGE}, {RANGE, 2 * RANGE + 3}, {0, SPACE / 8 + 1}}) {
            contend();
            tree.carve(range[0], range[1]);
            assertThat(windows()).as("%d to %d", range[0], range[1]).isZero();
        }
        carve();
        assertThat(windows()).isOne();
        contend();
        tree.carve(RANGE + WINDOW, 3 * RANGE);
        assertThat(windows()).as("a part of it is in a zone").isOne();
    }

    @Test
    void aRangeWithManyIntervalsMustStayWhereItIs() {
        final TreeFixture large = TreeFixture.with(new TreeTuning(30, 30, 1, 4, WINDOW_BITS, 1));
        for (int i = 0; i < 1024; i++) {
            large.tree.insert(2 * i, 2 * i + 1, 1);
        }
        ZoneTestSupport.contend(large.tree);
        large.tree.carve(0, 2048);
        assertThat(ZoneTestSupport.windows(large.tree)).isZero();
        large.tree.remove(0);
        ZoneTestSupport.contend(large.tree);
        large.tree.carve(0, 2048);
        assertThat(ZoneTestSupport.windows(large.tree)).isOne();
        large.tree.unite();
        assertThat(large.entries()).hasSize(1023);
        large.checkNoNodeIsLost();
    }

    @Test
    void nothingMustBeCarvedBeforeTheGracePeriodOfWhatWasTakenBackIsOver() {
        fillRange();
        carve();
        try (Snapshot pinned = tree.snapshot()) {
            assertThat(tree.unite(0, SPACE)).isTrue();
            carve();
            assertThat(windows()).as("under the pin").isZero();
            assertThat(pinned.find(RANGE)).isEqualTo(2);
        }
        carve();
        assertThat(windows()).isOne();
    }

    /** Fills a range, does the first steps of a carving, and stops; nobody can tell. */
    private Zone carveSteps(final int steps) {
        fillRange();
        contend();
        insert(1, 99);
        final Zone zone = zoneOf(0);
        final List<Entry> all = fixture.entries();
        freezeWithCopies(zone);
        if (steps > 1) {
            fixture.pinned(() -> {
                final Change change = tree.takeChange();
                change.begin(zoning.base(), baseRoot());
                change.replace(RANGE, 2 * RANGE, RANGE, 2 * RANGE, zone.elsewhere());
                assertThat(tree.swing(change)).isTrue();
                tree.giveBack(change);
            });
        }
        assertThat(fixture.entries()).isEqualTo(all).hasSize(7);
        return zone;
    }

    private void freezeWithCopies(final Zone zone) {
        fixture.pinned(() -> {
            final Change change = tree.takeChange();
            final long was = zone.rootAcquire();
            change.begin(zone, was);
            change.copy(baseRoot(), RANGE, 2 * RANGE);
            assertThat(tree.swing(change, was, Zone.carving(change.root()))).isTrue();
            tree.giveBack(change);
        });
    }

    /** Does something in a thread that has not this one's zone. */
    private void inAnotherZone(final Runnable work) throws InterruptedException {
        Thread other;
        do {
            other = new Thread(work);
        } while ((other.threadId() - Thread.currentThread().threadId()) % (zoning.size() - 1) == 0);
        other.start();
        other.join();
    }

    @Test
    void aZoneThatIsLeftFrozenForACarvingMustBeTakenBackWithTheOthers() {
        fillRange();
        contend();
        insert(1, 99);
        final Zone zone = zoneOf(0);
        tree.unite();
        freezeWithCopies(zone);
        assertThat(tree.unite(0, SPACE)).isTrue();
        assertThat(Zone.isFrozen(zone.rootAcquire())).isFalse();
        assertThat(fixture.entries()).hasSize(7);
    }

    @Test
    void aThreadWithoutAZoneMustChangeTheBaseBesideThem() throws InterruptedException {
        contend();
        insert(10, 1);
        inAnotherZone(() -> tree.insert(WINDOW, WINDOW + 1, 2));
        assertThat(fixture.entries()).containsExactly(new Entry(0, 10, 1), new Entry(WINDOW, WINDOW + 1, 2));
        assertThat(windows()).isOne();
    }

    @Test
    void copiesMustNotCountBeforeTheBaseNamesTheirZone() {
        carveSteps(1);
        assertThat(tree.replace(RANGE, RANGE + 5, RANGE, RANGE + 4, 7)).as("in the base").isTrue();
        assertThat(windows()).as("which does not mind").isOne();
        assertThat(fixture.find(RANGE)).isEqualTo(7);
        assertThat(tree.insert(10, 11, 8)).as("in the zone, which is taken back").isTrue();
        assertThat(windows()).isZero();
        assertThat(fixture.find(RANGE)).isEqualTo(7);
        assertThat(fixture.find(10)).isEqualTo(8);
        assertThat(fixture.find(0)).isEqualTo(99);
    }

    @Test
    void copiesMustCountOnceTheBaseNamesTheirZone() {
        carveSteps(2);
        assertThat(windows()).isEqualTo(2);
        assertThat(fixture.find(RANGE)).isEqualTo(2);
        assertThat(tree.replace(RANGE, RANGE + 5, RANGE, RANGE + 4, 7)).as("takes the zone back").isTrue();
        assertThat(windows()).isZero();
        assertThat(fixture.find(RANGE)).isEqualTo(7);
        assertThat(fixture.find(RANGE + WINDOW)).isEqualTo(3);
    }

    @Test
    void anotherCarvingMustNotMindAZoneThatIsBeingCarvedInto() throws Exception {
        final Zone zone = carveSteps(1);
        tree.insert(3 * RANGE, 3 * RANGE + 1, 9);
        inAnotherZone(() -> {
            contend();
            tree.carve(3 * RANGE, 4 * RANGE);
        });
        assertThat(windows()).as("the zone's, and the other's range").isEqualTo(2);
        assertThat(zoneOf(3 * RANGE)).isNotSameAs(zoning.base()).isNotSameAs(zone);
        assertThat(Zone.isFrozen(zone.rootAcquire())).isTrue();
        assertThat(Zone.isEvacuated(zone.rootAcquire())).isFalse();
    }

    // ------------------------------------------------------------------------------------------- what is not complete

    @Test
    void aWindowThatWasNeverOpenedMustServeNobodyUntilSomebodyMissesIt() {
        contend();
        insert(1, 1);
        final Zone zone = zoneOf(0);
        assertThat(tree.insert(WINDOW, 2 * WINDOW, 7)).isTrue();
        fixture.pinned(() -> {
            final Change change = tree.takeChange();
            zoning.begin(change, WINDOW, 2 * WINDOW);
            change.replace(WINDOW, 2 * WINDOW, WINDOW, 2 * WINDOW, zone.elsewhere());
            assertThat(tree.swing(change)).isTrue();
            tree.giveBack(change);
        });
        assertThat(fixture.find(WINDOW)).isZero();
        assertThat(fixture.entries()).containsExactly(new Entry(0, 1, 1));
        fixture.pinned(() -> assertThat(tree.cursor().seek(1).next()).isFalse());
        assertThat(tree.insert(WINDOW + 1, WINDOW + 2, 3)).isTrue();
        assertThat(fixture.entries()).containsExactly(new Entry(0, 1, 1), new Entry(WINDOW + 1, WINDOW + 2, 3));
    }

    @Test
    void aFrozenZoneMustCountAndBeTakenBackByWhoChangesIt() {
        contend();
        insert(10, 1);
        insert(10, 2);
        freeze(zoneOf(0));
        assertThat(fixture.find(0)).isOne();
        assertThat(fixture.find(30)).isZero();
        assertThat(fixture.entries()).hasSize(2);
        fixture.pinned(() -> {
            final Cursor cursor = tree.cursor();
            assertThat(cursor.next()).isTrue();
            assertThat(cursor.next()).isTrue();
            assertThat(cursor.interval().value()).isEqualTo(2);
            assertThat(cursor.seek(10).previous()).isTrue();
        });
        assertThat(windows()).isOne();
        assertThat(tree.remove(0)).isOne();
        assertThat(windows()).isZero();
        contend();
        assertThat(insert(1, 3)).as("under a pin from before the grace period").isEqualTo(-1);
        contend();
        assertThat(insert(1, 3)).isEqualTo(WINDOW);
        freeze(zoneOf(WINDOW));
        assertThat(insert(1, 4)).as("nothing is leased while a zone is frozen").isLessThan(0);
        contend();
        insert(1, 5);
    }

    @Test
    void whatAFrozenZoneHadMustNotCountOnceTheBaseHasIt() {
        contend();
        insert(10, 1);
        final Zone zone = zoneOf(0);
        freeze(zone);
        fixture.pinned(() -> {
            final Change change = tree.takeChange();
            change.begin(zoning.base(), tree.zoning().base().rootAcquire());
            change.takeBack(zone, Zone.thawed(zone.rootAcquire()));
            assertThat(tree.swing(change)).isTrue();
            tree.giveBack(change);
        });
        assertThat(fixture.find(0)).isOne();
        fixture.pinned(() -> {
            final Change change = tree.takeChange();
            change.begin(zoning.base(), tree.zoning().base().rootAcquire());
            assertThat(change.replace(0, 20, 15, 20, 2)).isTrue();
            assertThat(tree.swing(change)).isTrue();
            tree.giveBack(change);
        });
        assertThat(fixture.find(0)).isZero();
        assertThat(fixture.find(15)).isEqualTo(2);
        assertThat(fixture.entries()).containsExactly(new Entry(15, 20, 2));
        fixture.pinned(() -> zoning.evacuate(zone));
    }

    // ----------------------------------------------------------------------------------------------------- no memory

    @Test
    void stepsWithoutMemoryMustLeaveEverythingAsItWas() {
        final NodeShortage shortage = new NodeShortage(tree, fixture.domain);
        for (int i = 0; i < 20; i++) {
            tree.insert(WINDOW + 2 * i, WINDOW + 2 * i + 1, 100 + i);
        }
        final List<Entry> all = fixture.entries();
        final long[] start = {-1};
        assertThat(nodesNeeded(shortage, () -> {
            start[0] = insert(2, 1);
            return start[0] >= 0;
        })).isGreaterThan(3);
        assertThat(tree.remove(start[0])).isOne();
        tree.unite(); // windows that were not opened
        contend();
        insert(2, 1);
        contend();
        assertThat(tree.remove(insert(2, 1))).isOne();
        assertThat(windows()).isOne();
        assertThat(fixture.entries()).isEqualTo(all);
        assertThat(nodesNeeded(shortage, () -> tree.unite(0, SPACE))).isGreaterThan(3);
        assertThat(fixture.entries()).isEqualTo(all);
        assertThat(nodesNeeded(shortage, () -> {
            tree.carve(WINDOW, 3 * WINDOW);
            return windows() > 0;
        })).isGreaterThan(3);
        assertThat(fixture.entries()).isEqualTo(all);
    }

    /** With how many nodes an operation succeeds; until then it throws, and everything is as it was. */
    private int nodesNeeded(final NodeShortage shortage, final BooleanSupplier operation) {
        final List<Entry> before = fixture.entries();
        for (int nodes = 0; nodes < 200; nodes++) {
            contend();
            shortage.leave(nodes, () -> memory.failFrom(NativeCall.MMAP, 1, NO_MEMORY, Damage.NONE));
            try {
                if (operation.getAsBoolean()) {
                    return nodes;
                }
            } catch (final NativeException e) {
                assertThat(fixture.entries()).as("with %d nodes", nodes).isEqualTo(before);
            } finally {
                memory.disarm();
                shortage.giveAllBack();
            }
        }
        throw new AssertionError("never succeeded");
    }
}
