// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.layout.NodeLayout;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.TreeFixture.Entry;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** No node can be had, at each node that a change takes: the change throws and nothing has happened (G9). */
class TreeMemoryTest {
    private static final int NO_MEMORY = 12;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private final TreeFixture fixture = TreeFixture.with(memory, TreeFixture.TINY, TreeFixture.SPACE);
    private final IntervalTree tree = fixture.tree;
    private final NodeShortage shortage = new NodeShortage(tree, fixture.domain);

    private void fill(final int count) {
        for (int i = 0; i < count; i++) {
            assertThat(tree.insert(i * 10L, i * 10L + 5, i + 1)).isTrue();
        }
    }

    /** From here on exactly this many nodes can be had. */
    private void leave(final int nodes) {
        shortage.leave(nodes, () -> memory.failFrom(NativeCall.MMAP, 1, NO_MEMORY, Damage.NONE));
    }

    private void giveAllBack() {
        memory.disarm();
        shortage.giveAllBack();
    }

    /** Tries with no node, one node, two, until it succeeds; returns how many were needed. */
    private int nodesNeeded(final BooleanSupplier action) {
        for (int nodes = 0;; nodes++) {
            final List<Entry> before = fixture.entries();
            leave(nodes);
            boolean failed = false;
            try {
                assertThat(action.getAsBoolean()).isTrue();
            } catch (final NativeException e) {
                failed = true;
                assertThat(e).hasMessageContaining("mmap");
            }
            giveAllBack();
            assertThat(fixture.domain.isStructurePinned()).isFalse();
            fixture.check();
            fixture.checkNoNodeIsLost();
            if (!failed) {
                return nodes;
            }
            assertThat(fixture.entries()).as("after failing with %d nodes", nodes).isEqualTo(before);
        }
    }

    @Test
    void insertMustFailWholeAtEachNode() {
        int most = 0;
        for (int i = 0; i < 120; i++) {
            final long start = i * 10L;
            final int needed = nodesNeeded(() -> tree.insert(start, start + 5, 1));
            most = Math.max(most, needed);
        }
        final int height = fixture.check().height();
        assertThat(most).isBetween(height + 1, 2 * height + 3);
    }

    @Test
    void removeMustFailWholeAtEachNodeAndNeedNoMoreThanIsPrepared() {
        fill(120);
        for (int i = 0; i < 120; i++) {
            final long start = (i * 37L % 120) * 10;
            final int height = fixture.check().height();
            shortage.useReserve();
            assertThat(nodesNeeded(() -> tree.remove(start) != 0)).isLessThanOrEqualTo(height + 3);
        }
    }

    @Test
    void replaceAndGapInsertMustFailWholeAtEachNode() {
        fill(100);
        assertThat(nodesNeeded(() -> tree.replace(500, 510, 500, 509, 7))).isGreaterThan(3);
        assertThat(nodesNeeded(() -> tree.replace(200, 700, 300, 310, 1, 400, 410, 2))).isGreaterThan(3);
        assertThat(nodesNeeded(() -> tree.insertIntoGap(3, 1, 0, 1000, true, 9) == 5)).isGreaterThan(3);
    }

    @Test
    void publicationMustFailWholeAtEachNodeAndSucceedLater() {
        fill(100);
        final long[] version = {100};
        assertThat(nodesNeeded(() -> {
            try (Edit edit = tree.edit()) {
                return edit.replace(500, 505) && edit.replace(505, 510, 505, 510, 9) && edit.publish();
            }
        })).isGreaterThan(3);
        for (int nodes = 0, failures = 0;; nodes++) {
            final List<Entry> before;
            try (Edit edit = tree.edit()) {
                assertThat(edit.replace(300, 305, 300, 305, version[0] + 1)).isTrue();
                assertThat(tree.replace(700, 705, 700, 705, 1001 + failures)).isTrue();
                before = fixture.entries();
                leave(nodes);
                try {
                    assertThat(edit.publish()).isTrue();
                    giveAllBack();
                    assertThat(nodes).isGreaterThan(3);
                    break;
                } catch (final NativeException e) {
                    failures++;
                    assertThat(fixture.entries()).isEqualTo(before);
                    giveAllBack();
                }
                assertThat(edit.publish()).as("once there is memory again").isTrue();
                version[0] = version[0] + 1;
            }
            fixture.check();
            fixture.checkNoNodeIsLost();
        }
        fixture.check();
        fixture.checkNoNodeIsLost();
    }

    /** Every kind of replacement, over half of the tree: by nothing, of ends, of values, of gaps. */
    private static void changeALot(final Edit edit) {
        for (long i = 10; i < 30; i++) {
            assertThat(edit.replace(i * 10, i * 10 + 5)).isTrue();
        }
        for (long i = 30; i < 40; i++) {
            assertThat(edit.replace(i * 10, i * 10 + 8, i * 10, i * 10 + 8, 1000 + i)).isTrue();
        }
        assertThat(edit.replace(400, 500, 400, 450, 2000, 455, 495, 2001)).isTrue();
        for (int i = 0; i < 20; i++) {
            final long start = i % 2 == 0 ? 100 + i * 5 : 290 - (i - 1) * 5;
            assertThat(edit.replace(start, start + 9, start, start + 9, 3000 + i)).isTrue();
        }
        assertThat(edit.replace(510, 515, 510, 515, 4001)).isTrue();
        assertThat(edit.replace(505, 510, 505, 510, 4000)).isTrue();
    }

    private void fillAgain() {
        assertThat(tree.replace(0, TreeFixture.SPACE)).isTrue();
        fill(100);
    }

    @Test
    void editOfManyChangesMustFailWholeAtEachNode() {
        for (int nodes = 0;; nodes++) {
            fillAgain();
            final List<Entry> before = fixture.entries();
            leave(nodes);
            try (Edit edit = tree.edit()) {
                changeALot(edit);
                giveAllBack();
                assertThat(edit.publish()).isTrue();
                break;
            } catch (final NativeException e) {
                giveAllBack();
                assertThat(fixture.entries()).as("after failing with %d nodes", nodes).isEqualTo(before);
            }
            fixture.check();
            fixture.checkNoNodeIsLost();
        }
        fixture.checkNoNodeIsLost();
    }

    /** The edit is rebased, for which the nodes do not suffice; it goes on all the same, to another end each time. */
    @Test
    void editWhosePublicationFailedMustGoOn() {
        int failures = 0;
        for (int nodes = 0;; nodes++) {
            fillAgain();
            try (Edit edit = tree.edit()) {
                changeALot(edit);
                assertThat(tree.replace(900, 905, 900, 905, 5000)).isTrue();
                final List<Entry> before = fixture.entries();
                leave(nodes);
                boolean failed = false;
                try {
                    assertThat(edit.publish()).isTrue();
                } catch (final NativeException e) {
                    failed = true;
                }
                giveAllBack();
                if (!failed) {
                    assertThat(failures).isGreaterThan(10);
                    break;
                }
                failures++;
                assertThat(fixture.entries()).as("after failing with %d nodes", nodes).isEqualTo(before);
                assertThat(edit.replace(0, 5)).isTrue();
                changeMore(edit);
                if (nodes % 3 == 0) {
                    continue; // dropped
                }
                if (nodes % 3 == 1) {
                    assertThat(tree.remove(500)).isEqualTo(51); // not in what the edit has touched
                } else {
                    assertThat(tree.remove(400)).isEqualTo(41);
                }
                assertThat(edit.publish()).isEqualTo(nodes % 3 == 1);
                assertThat(fixture.find(0)).isEqualTo(nodes % 3 == 1 ? 0 : 1);
            }
            fixture.check();
            fixture.checkNoNodeIsLost();
        }
        assertThat(fixture.find(904)).isEqualTo(5000);
        assertThat(fixture.find(449)).isEqualTo(2000);
        fixture.check();
        fixture.checkNoNodeIsLost();
    }

    /** Half a change may have been made of it. */
    @Test
    void brokenEditMustRefuseEverythingAndLeaveNoTrace() {
        fill(100);
        final List<Entry> before = fixture.entries();
        for (final Consumer<Edit> operation : List.<Consumer<Edit>>of(edit -> edit.replace(5, 6, 5, 6, 1),
            edit -> edit.replace(500, 505), edit -> edit.replace(500, 505, 500, 505, 1),
            edit -> edit.replace(500, 507, 500, 507, 1), edit -> edit.replace(200, 700))) {
            leave(1);
            try (Edit edit = tree.edit()) {
                assertThatExceptionOfType(NativeException.class).isThrownBy(() -> operation.accept(edit));
                giveAllBack();
                for (final Consumer<Edit> each : List.<Consumer<Edit>>of(operation, Edit::publish)) {
                    assertThatIllegalStateException().isThrownBy(() -> each.accept(edit))
                        .withMessageContaining("state=BROKEN");
                }
            }
            assertThat(fixture.entries()).isEqualTo(before);
            fixture.checkNoNodeIsLost();
        }
    }

    private static void changeMore(final Edit edit) {
        for (long i = 30; i < 40; i++) {
            assertThat(edit.replace(i * 10, i * 10 + 8, i * 10 + 1, i * 10 + 2, i + 1)).isTrue();
        }
        assertThat(edit.replace(100, 300)).isTrue();
    }

    @Test
    void whatWasInsertedMustBeRemovableThoughThereIsNoMemory() {
        fill(150);
        for (int i = 0; i < 150; i++) {
            final long start = (i * 61L % 150) * 10;
            leave(0);
            assertThat(tree.remove(start)).isPositive();
            giveAllBack();
            fixture.check();
            assertThat(tree.insert(start, start + 5, 1)).as("fills the reserve").isTrue();
            assertThat(tree.remove(start)).isPositive();
        }
        assertThat(fixture.entries()).isEmpty();
        fixture.checkNoNodeIsLost();
    }

    @Test
    void changesThatMayInsertMustFailWholeWhereTheReserveCannotBeFilled() {
        fill(20);
        shortage.useReserve();
        leave(2);
        for (final ThrowingCallable change : List.<ThrowingCallable>of(() -> tree.insert(5, 6, 1), tree::edit,
            () -> tree.replace(0, 10), () -> tree.insertIntoGap(3, 1, 0, 1000, true, 9))) {
            assertThatExceptionOfType(NativeException.class).isThrownBy(change);
            assertThat(fixture.domain.isStructurePinned()).isFalse();
        }
        assertThat(tree.reserve().size()).isZero();
        giveAllBack();
        fixture.checkNoNodeIsLost();
        assertThat(tree.insert(5, 6, 1)).isTrue();
        assertThat(tree.reserve().size()).isPositive();
        fixture.checkNoNodeIsLost();
    }

    @Test
    void constructionMustFailWholeWithoutMemory() {
        for (int call = 1; call <= 2; call++) {
            memory.failNth(NativeCall.MMAP, call, NO_MEMORY, Damage.NONE);
            assertThatExceptionOfType(NativeException.class)
                .isThrownBy(() -> new IntervalTree(fixture.domain, memory, 0, 1024, TreeFixture.TINY));
            assertThat(fixture.domain.isStructurePinned()).isFalse();
        }
        memory.disarm();
    }

    @Test
    void failingBarrierMustNotFailAChangeThatHasHappened() {
        final boolean membarrier = fixture.domain.flavour() == BarrierFlavour.MEMBARRIER;
        final EpochTestSupport.Peer reader = EpochTestSupport.lightPeer(fixture.domain);
        memory.failFrom(NativeCall.MEMBARRIER, 1, 1, Damage.NONE);
        fill(200);
        for (int i = 0; i < 200; i++) {
            assertThat(tree.remove(i * 10L)).isEqualTo(i + 1);
        }
        if (membarrier) {
            assertThat(tree.retiredBytes()).as("nothing could be reclaimed").isGreaterThanOrEqualTo(200 * NodeLayout.BYTES);
        }
        memory.disarm();
        reader.close();
        fixture.check();
        fixture.checkNoNodeIsLost();
    }

    @Test
    void nodesMustBeUsedAgainAndNotPileUp() {
        fill(1000);
        fixture.checkNoNodeIsLost();
        for (int i = 0; i < 5_000; i++) {
            tree.remove(i % 1000 * 10L);
            tree.insert(i % 1000 * 10L, i % 1000 * 10L + 5, 1);
        }
        fixture.checkNoNodeIsLost();
        final long before = tree.bytes();
        for (int i = 0; i < 200_000; i++) {
            tree.remove(i % 1000 * 10L);
            tree.insert(i % 1000 * 10L, i % 1000 * 10L + 5, 1);
        }
        assertThat(tree.bytes()).isEqualTo(before);
        fixture.checkNoNodeIsLost();
    }

    @Test
    void intervalMustCostLessThanSixtyFourBytesOfNodes() {
        final TreeFixture full = TreeFixture.with(TreeTuning.DEFAULT);
        final long count = 100_000;
        for (long i = 0; i < count; i++) {
            full.tree.insert((i * 7_919 % count) * 8192, (i * 7_919 % count) * 8192 + 4096, 1);
        }
        assertThat(full.check().bytes()).isLessThan(count * 48);
        full.tree.replace(0, TreeFixture.SPACE);
        for (long i = 0; i < count; i++) {
            full.tree.insertIntoGap(4096, 4096, 0, TreeFixture.SPACE, true, 1);
        }
        assertThat(full.check().bytes()).isLessThan(count * 30);
        assertThat(NodeLayout.BYTES % NodeLayout.ALIGNMENT).isZero();
        full.checkNoNodeIsLost();
    }
}
