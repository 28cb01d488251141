// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.layout.NodeLayout;
import io.holdfast.tree.TreeFixture.Entry;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Shapes that have broken interval trees before, one family per group of tests, on nodes of three and four. */
class TreeFamiliesTest {
    private static final long STEP = 10;
    private static final long LENGTH = 5;

    private final TreeFixture fixture = TreeFixture.with(TreeFixture.TINY);
    private final IntervalTree tree = fixture.tree;

    @AfterEach
    void noNodeMustBeLost() {
        fixture.checkNoNodeIsLost();
    }

    private void insertAll(final LongStream numbers) {
        numbers.forEach(number -> {
            final long start = number * STEP;
            assertThat(tree.insert(start, start + LENGTH, number + 1)).as("insert %d", number).isTrue();
            fixture.check();
        });
    }

    private void removeAll(final LongStream numbers) {
        numbers.forEach(number -> {
            assertThat(tree.remove(number * STEP)).as("remove %d", number).isEqualTo(number + 1);
            fixture.check();
        });
    }

    private void assertHolds(final LongStream numbers) {
        assertThat(fixture.entries()).containsExactlyElementsOf(numbers
            .mapToObj(number -> new Entry(number * STEP, number * STEP + LENGTH, number + 1)).toList());
    }

    // Root expansion and collapse.

    @Test
    void emptyTreeMustBeOneEmptyLeaf() {
        final TreeInspector.Census census = fixture.check();
        assertThat(census.nodes()).isEqualTo(1);
        assertThat(census.height()).isZero();
        assertThat(fixture.find(0)).isZero();
        assertThat(fixture.entries()).isEmpty();
    }

    @Test
    void rootMustGrowByOneLevelAtATimeAndShrinkTheSameWay() {
        int height = 0;
        for (int i = 0; i < 200; i++) {
            insertAll(LongStream.of(i));
            final int now = fixture.check().height();
            assertThat(now).isBetween(height, height + 1);
            height = now;
        }
        assertThat(height).isGreaterThan(3);
        for (int i = 0; i < 200; i++) {
            removeAll(LongStream.of(i));
            final int now = fixture.check().height();
            assertThat(now).isBetween(height - 1, height);
            height = now;
        }
        assertThat(fixture.check().nodes()).isEqualTo(1);
    }

    @Test
    void intervalOverTheWholeSpaceMustFillIt() {
        assertThat(tree.insert(0, TreeFixture.SPACE, 1)).isTrue();
        assertThat(fixture.find(0)).isEqualTo(1);
        assertThat(fixture.find(TreeFixture.SPACE - 1)).isEqualTo(1);
        assertThat(fixture.find(TreeFixture.SPACE)).isZero();
        assertThat(tree.insertIntoGap(1, 1, 0, TreeFixture.SPACE, true, 2)).isEqualTo(-1);
        assertThat(tree.insertIntoGap(1, 1, 0, TreeFixture.SPACE, false, 2)).isEqualTo(-1);
    }

    // Ranges and loads.

    @Test
    void bothEdgesOfAnIntervalMustBeExact() {
        tree.insert(10, 20, 1);
        tree.insert(20, 21, 2);
        tree.insert(22, 30, 3);
        assertThat(List.of(fixture.find(9), fixture.find(10), fixture.find(19), fixture.find(20), fixture.find(21),
            fixture.find(22), fixture.find(29), fixture.find(30))).containsExactly(0L, 1L, 1L, 2L, 0L, 3L, 3L, 0L);
    }

    @Test
    void addressesUpToTheLimitMustWork() {
        final TreeFixture high = TreeFixture.with(TreeFixture.TINY, NodeLayout.ADDRESS_LIMIT);
        final long top = NodeLayout.ADDRESS_LIMIT;
        for (int i = 1; i <= 40; i++) {
            assertThat(high.tree.insert(top - i * 16L, top - i * 16L + 16, i)).isTrue();
        }
        assertThat(high.find(top - 1)).isEqualTo(1);
        assertThat(high.find(top)).isZero();
        assertThat(high.find(-1)).isZero();
        assertThat(high.find(Long.MAX_VALUE)).isZero();
        assertThat(high.find(Long.MIN_VALUE)).isZero();
        assertThat(high.tree.insertIntoGap(1L << 61, 1, 0, top, false, 99)).isEqualTo(top - 640 - (1L << 61));
        assertThat(high.tree.insertIntoGap(16, 1L << 47, 1, top, true, 98)).isEqualTo(1L << 47);
        high.check();
        high.pinned(() -> {
            final Interval found = new Interval();
            assertThat(TreeReader.floor(high.tree.zoning().base().rootAcquire(), Long.MAX_VALUE, found)).isTrue();
            assertThat(found.value()).isEqualTo(1);
            assertThat(TreeReader.higher(high.tree.zoning().base().rootAcquire(), Long.MAX_VALUE, found)).isFalse();
            assertThat(TreeReader.higher(high.tree.zoning().base().rootAcquire(), Long.MIN_VALUE, found)).isTrue();
            assertThat(found.value()).isEqualTo(98);
        });
    }

    // Duplicate and overlapping inserts.

    @Test
    void insertMustFailOnAnyOverlapAndChangeNothing() {
        insertAll(LongStream.range(0, 50));
        for (int i = 0; i < 50; i++) {
            final long start = i * STEP;
            assertThat(tree.insert(start, start + LENGTH, 99)).isFalse();
            assertThat(tree.insert(start + LENGTH - 1, start + LENGTH, 99)).isFalse();
            assertThat(tree.insert(start + LENGTH, start + STEP + 1, 99)).isEqualTo(i == 49);
            assertThat(tree.insert(Math.max(0, start - 1), start + 1, 99)).isFalse();
        }
        assertThat(tree.remove(49 * STEP + LENGTH)).isEqualTo(99);
        assertHolds(LongStream.range(0, 50));
    }

    @Test
    void intervalAcrossManyOthersMustBeRefused() {
        insertAll(LongStream.range(1, 40));
        assertThat(tree.insert(0, 1000, 99)).isFalse();
        assertThat(tree.insert(6, 400, 99)).isFalse();
        assertHolds(LongStream.range(1, 40));
    }

    // Sequences forward and in reverse, and the fill they leave.

    @Test
    void risingSequenceMustFillItsNodes() {
        insertAll(LongStream.range(0, 300));
        assertHolds(LongStream.range(0, 300));
        assertThat(fixture.check().leaves()).isLessThanOrEqualTo(101);
        removeAll(LongStream.range(0, 300));
    }

    @Test
    void fallingSequenceMustFillItsNodes() {
        insertAll(LongStream.range(0, 300).map(i -> 299 - i));
        assertHolds(LongStream.range(0, 300));
        assertThat(fixture.check().leaves()).isLessThanOrEqualTo(101);
        removeAll(LongStream.range(0, 300).map(i -> 299 - i));
    }

    @Test
    void sequenceBuiltOneWayMustComeDownTheOther() {
        insertAll(LongStream.range(0, 200));
        removeAll(LongStream.range(0, 200).map(i -> 199 - i));
        insertAll(LongStream.range(0, 200).map(i -> 199 - i));
        removeAll(LongStream.range(0, 200));
        assertThat(fixture.check().nodes()).isEqualTo(1);
    }

    // Splits at the lower end, the upper end and in the middle of full nodes, at every level.

    @Test
    void fullNodesMustSplitAtTheirLowerEnd() {
        insertAll(LongStream.range(100, 200));
        for (int i = 0; i < 99; i++) {
            assertThat(tree.insert((100 + i) * STEP + LENGTH, (100 + i) * STEP + LENGTH + 1, 1)).isTrue();
            fixture.check();
        }
        assertHoldsBoth(LongStream.range(100, 200), LongStream.range(100, 199).map(i -> i * STEP + LENGTH));
    }

    /** Numbered intervals, and others of length and value 1. */
    private void assertHoldsBoth(final LongStream numbers, final LongStream starts) {
        final List<Entry> all = new ArrayList<>();
        numbers.forEach(number -> all.add(new Entry(number * STEP, number * STEP + LENGTH, number + 1)));
        starts.forEach(start -> all.add(new Entry(start, start + 1, 1)));
        all.sort(Comparator.comparingLong(Entry::start));
        assertThat(fixture.entries()).isEqualTo(all);
    }

    @Test
    void fullNodesMustSplitAtTheirUpperEnd() {
        insertAll(LongStream.range(100, 200));
        for (int i = 1; i < 100; i++) {
            assertThat(tree.insert((100 + i) * STEP - 1, (100 + i) * STEP, 1)).isTrue();
            fixture.check();
        }
        assertHoldsBoth(LongStream.range(100, 200), LongStream.range(101, 200).map(i -> i * STEP - 1));
    }

    @Test
    void fullNodesMustSplitInTheMiddle() {
        insertAll(LongStream.of(0, 1000));
        insertAll(LongStream.range(1, 400).map(i -> i % 2 == 0 ? i / 2 : 1000 - (i + 1) / 2));
        assertHolds(LongStream.concat(LongStream.range(0, 200), LongStream.rangeClosed(800, 1000)));
    }

    // Next and previous.

    @Test
    void nextAndPreviousMustStepAcrossEveryNodeBoundary() {
        insertAll(LongStream.range(0, 120));
        fixture.pinned(() -> {
            final Interval found = new Interval();
            for (int i = 0; i < 120; i++) {
                assertThat(TreeReader.higher(tree.zoning().base().rootAcquire(), i * STEP, found)).isEqualTo(i < 119);
                if (i < 119) {
                    assertThat(found.start()).isEqualTo((i + 1) * STEP);
                }
                assertThat(TreeReader.lastStartingBefore(tree.zoning().base().rootAcquire(), i * STEP, found))
                    .isEqualTo(i > 0);
                if (i > 0) {
                    assertThat(found.start()).isEqualTo((i - 1) * STEP);
                }
                assertThat(TreeReader.firstEndingAfter(tree.zoning().base().rootAcquire(), i * STEP - 1, found)).isTrue();
                assertThat(found.start()).isEqualTo(i * STEP);
                assertThat(TreeReader.floor(tree.zoning().base().rootAcquire(), i * STEP + STEP - 1, found)).isTrue();
                assertThat(found.start()).isEqualTo(i * STEP);
            }
            assertThat(TreeReader.floor(tree.zoning().base().rootAcquire(), -1, found)).isFalse();
        });
    }

    @Test
    void searchesBeforeTheFirstAndAfterTheLastMustFindNothing() {
        insertAll(LongStream.range(5, 10));
        fixture.pinned(() -> {
            final Interval found = new Interval();
            assertThat(TreeReader.floor(tree.zoning().base().rootAcquire(), 49, found)).isFalse();
            assertThat(TreeReader.lastStartingBefore(tree.zoning().base().rootAcquire(), 50, found)).isFalse();
            assertThat(TreeReader.higher(tree.zoning().base().rootAcquire(), 90, found)).isFalse();
            assertThat(TreeReader.firstEndingAfter(tree.zoning().base().rootAcquire(), 95, found)).isFalse();
            assertThat(TreeReader.firstEndingAfter(tree.zoning().base().rootAcquire(), 49, found)).isTrue();
            assertThat(found.start()).isEqualTo(50);
        });
    }

    @Test
    void iterationMustShowEverythingInOrder() {
        insertAll(LongStream.range(0, 77));
        fixture.pinned(() -> {
            final List<Long> forward = new ArrayList<>();
            TreeReader.forEach(tree.zoning().base().rootAcquire(), 0, TreeFixture.SPACE,
                (start, end, value) -> forward.add(start));
            assertThat(forward).containsExactlyElementsOf(LongStream.range(0, 77).map(i -> i * STEP).boxed().toList());
        });
    }

    @Test
    void iterationMustStopWhenTheVisitorHasSeenEnough() {
        insertAll(LongStream.range(0, 50));
        fixture.pinned(() -> {
            final List<Long> seen = new ArrayList<>();
            TreeReader.forEach(tree.zoning().base().rootAcquire(), 0, TreeFixture.SPACE, (start, end, value) -> {
                seen.add(start);
                return seen.size() < 7;
            });
            assertThat(seen).hasSize(7);
        });
    }

    // Gaps: combining, windows, fills, allocation forward and in reverse.

    @Test
    void gapsMustCombineWhenWhatStoodBetweenThemGoes() {
        for (int i = 0; i < 60; i++) {
            tree.insert(i * STEP, i * STEP + STEP, i + 1);
        }
        final long end = 60 * STEP;
        assertThat(tree.insertIntoGap(1, 1, 0, end, true, 99)).isEqualTo(-1);
        for (int width = 1; width <= 30; width++) {
            assertThat(tree.remove((15 + width - 1) * STEP)).isEqualTo(15 + width);
            fixture.check();
            fixture.pinned(() -> assertThat(fixture.gap(STEP, 1, 0, end, true)).isEqualTo(15 * STEP));
            final long size = width * STEP;
            assertThat(tree.insertIntoGap(size, 1, 0, end, true, 99)).isEqualTo(15 * STEP);
            assertThat(tree.remove(15 * STEP)).isEqualTo(99);
            assertThat(tree.insertIntoGap(size, 1, 0, end, false, 99)).isEqualTo(15 * STEP);
            assertThat(tree.remove(15 * STEP)).isEqualTo(99);
            assertThat(tree.insertIntoGap(size + 1, 1, 0, end, true, 99)).isEqualTo(-1);
            assertThat(tree.insertIntoGap(size + 1, 1, 0, end, false, 99)).isEqualTo(-1);
        }
    }

    @Test
    void lowestFirstMustFillFromBelow() {
        for (int i = 0; i < 200; i++) {
            assertThat(tree.insertIntoGap(STEP, 1, 0, TreeFixture.SPACE, true, 1)).isEqualTo(i * STEP);
            fixture.check();
        }
    }

    @Test
    void highestFirstMustFillFromAbove() {
        for (int i = 1; i <= 200; i++) {
            assertThat(tree.insertIntoGap(STEP, 1, 0, TreeFixture.SPACE, false, 1))
                .isEqualTo(TreeFixture.SPACE - i * STEP);
            fixture.check();
        }
    }

    @Test
    void windowMustBoundTheGap() {
        tree.insert(0, 100, 1);
        tree.insert(200, 300, 2);
        tree.insert(400, 500, 3);
        fixture.pinned(() -> {
            assertThat(fixture.gap(50, 1, 120, 180, true)).isEqualTo(120);
            assertThat(fixture.gap(50, 1, 120, 180, false)).isEqualTo(130);
            assertThat(fixture.gap(61, 1, 120, 180, true)).isEqualTo(-1);
            assertThat(fixture.gap(61, 1, 120, 361, true)).isEqualTo(120);
            assertThat(fixture.gap(81, 1, 120, 361, true)).isEqualTo(-1);
            assertThat(fixture.gap(61, 1, 140, 361, false)).isEqualTo(300);
            assertThat(fixture.gap(100, 1, 0, 500, true)).isEqualTo(100);
            assertThat(fixture.gap(100, 1, 0, 500, false)).isEqualTo(300);
            assertThat(fixture.gap(101, 1, 0, 500, true)).isEqualTo(-1);
            assertThat(fixture.gap(101, 1, 0, 601, true)).isEqualTo(500);
            assertThat(fixture.gap(101, 1, 0, 600, true)).isEqualTo(-1);
        });
    }

    /** Windows that begin and end inside of gaps and of intervals of any leaf, sizes and alignments that few gaps fit. */
    @Test
    void windowsOverManyLeavesMustBoundTheGapWhateverTheAlignment() {
        final List<long[]> gaps = new ArrayList<>();
        long at = 0;
        for (int i = 0; i < 80; i++) {
            final long start = at + i * 13 % 17;
            gaps.add(new long[] {at, start});
            at = start + 1 + i * 7 % 11;
            assertThat(tree.insert(start, at, 1)).isTrue();
        }
        gaps.add(new long[] {at, TreeFixture.SPACE});
        final long end = at;
        assertThat(fixture.check().height()).isGreaterThan(2);
        fixture.pinned(() -> {
            for (long low = 0; low < end; low += 23) {
                for (long high = low; high < end + 40; high += 19) {
                    for (final long size : new long[] {1, 5, 9, 16}) {
                        for (final long alignment : new long[] {1, 4, 32}) {
                            final String what = size + " at " + alignment + " in [" + low + ", " + high + ")";
                            assertThat(fixture.gap(size, alignment, low, high, true)).as(what)
                                .isEqualTo(lowest(gaps, size, alignment, low, high));
                            assertThat(fixture.gap(size, alignment, low, high, false)).as(what)
                                .isEqualTo(highest(gaps, size, alignment, low, high));
                        }
                    }
                }
            }
        });
    }

    private static long lowest(final List<long[]> gaps, final long size, final long alignment, final long low,
                               final long high) {
        for (final long[] gap : gaps) {
            final long start = Math.ceilDiv(Math.max(gap[0], low), alignment) * alignment;
            if (start + size <= Math.min(gap[1], high)) {
                return start;
            }
        }
        return -1;
    }

    private static long highest(final List<long[]> gaps, final long size, final long alignment, final long low,
                                final long high) {
        for (final long[] gap : gaps.reversed()) {
            final long start = Math.floorDiv(Math.min(gap[1], high) - size, alignment) * alignment;
            if (start >= Math.max(gap[0], low)) {
                return start;
            }
        }
        return -1;
    }

    @Test
    void alignmentMustPassOverGapsThatOnlyFitUnaligned() {
        tree.insert(0, 65, 1);
        tree.insert(150, 200, 2);
        fixture.pinned(() -> {
            assertThat(fixture.gap(64, 64, 0, 1000, true)).isEqualTo(256);
            assertThat(fixture.gap(16, 64, 0, 1000, true)).isEqualTo(128);
            assertThat(fixture.gap(16, 64, 0, 200, false)).isEqualTo(128);
            assertThat(fixture.gap(23, 64, 0, 200, true)).isEqualTo(-1);
        });
    }

    @Test
    void holesMustBeFilledInTheOrderAskedFor() {
        insertAll(LongStream.range(0, 100));
        final long end = 99 * STEP + LENGTH;
        for (int i = 0; i < 99; i++) {
            assertThat(tree.insertIntoGap(STEP - LENGTH, 1, 0, end, i % 2 == 0, 1))
                .isEqualTo((i % 2 == 0 ? i / 2 : 98 - i / 2) * STEP + LENGTH);
            fixture.check();
        }
        assertThat(tree.insertIntoGap(1, 1, 0, end, true, 1)).isEqualTo(-1);
    }

    // Overwriting and replacement across nodes.

    @Test
    void replacementMustMoveAnEndUpToTheNextIntervalAndNotBeyond() {
        insertAll(LongStream.range(0, 60));
        for (int i = 0; i < 60; i++) {
            final long start = i * STEP;
            final long beyond = start + STEP + 1;
            assertThat(tree.replace(start, beyond, start, beyond, 7)).isEqualTo(i == 59);
            assertThat(tree.replace(start, i == 59 ? beyond : start + STEP, start, start + STEP, i + 1)).isTrue();
            fixture.check();
        }
        assertHoldsSteps(STEP, 1);
        assertThat(tree.insertIntoGap(1, 1, 0, 60 * STEP, true, 1)).isEqualTo(-1);
        for (int i = 0; i < 60; i++) {
            assertThat(tree.replace(i * STEP, i * STEP + STEP, i * STEP, i * STEP + 1, i + 100)).isTrue();
            fixture.check();
        }
        assertHoldsSteps(1, 100);
    }

    private void assertHoldsSteps(final long length, final long firstValue) {
        assertThat(fixture.entries()).containsExactlyElementsOf(LongStream.range(0, 60)
            .mapToObj(number -> new Entry(number * STEP, number * STEP + length, number + firstValue)).toList());
    }

    @Test
    void replacementMustSpanAnyNumberOfNodes() {
        for (int width = 1; width <= 60; width++) {
            for (int at = 0; at + width <= 60; at += 7) {
                tree.replace(0, TreeFixture.SPACE);
                insertAll(LongStream.range(0, 60));
                final long start = at * STEP;
                final long end = start + width * STEP - (STEP - LENGTH);
                assertThat(tree.replace(start, end, start, start + 1, 500, end - 1, end, 501)).isTrue();
                assertThat(fixture.check().intervals()).isEqualTo(60 - width + 2);
                assertThat(fixture.find(start)).isEqualTo(500);
                assertThat(fixture.find(end - 1)).isEqualTo(501);
                assertThat(fixture.find(start + 2)).isZero();
            }
        }
    }

    @Test
    void replacementThatCutsAnIntervalMustBeRefused() {
        insertAll(LongStream.range(0, 40));
        assertThat(tree.replace(1, 100)).isFalse();
        assertThat(tree.replace(0, 101)).isFalse();
        assertThat(tree.replace(0, 104)).isFalse();
        assertThat(tree.replace(0, 105)).isTrue();
        assertHolds(LongStream.range(11, 40));
    }

    @Test
    void replacementOfEverythingMustLeaveOneNode() {
        insertAll(LongStream.range(0, 500));
        assertThat(tree.replace(0, TreeFixture.SPACE)).isTrue();
        assertThat(fixture.check().nodes()).isEqualTo(1);
    }

    // Removal, rebalance and collapse.

    @Test
    void removalFromTheMiddleMustRebalanceEveryLevel() {
        insertAll(LongStream.range(0, 243));
        for (int distance = 0; distance < 121; distance++) {
            removeAll(LongStream.of(121 - distance, 122 + distance));
        }
        assertHolds(LongStream.of(0));
    }

    @Test
    void everyOtherIntervalMustBeRemovableAndComeBack() {
        insertAll(LongStream.range(0, 200));
        removeAll(LongStream.range(0, 100).map(i -> 2 * i));
        assertHolds(LongStream.range(0, 100).map(i -> 2 * i + 1));
        insertAll(LongStream.range(0, 100).map(i -> 2 * i));
        assertHolds(LongStream.range(0, 200));
    }

    @Test
    void wholeLeafAndItsNeighboursMustGoInAnyOrder() {
        for (int first = 0; first < 60; first += 5) {
            tree.replace(0, TreeFixture.SPACE);
            insertAll(LongStream.range(0, 60));
            final int from = first;
            removeAll(LongStream.range(0, 5).map(i -> from + (i * 3) % 5));
            assertHolds(LongStream.range(0, 60).filter(i -> i < from || i >= from + 5));
        }
    }

    @Test
    void removalOfWhatIsNotThereMustChangeNothing() {
        insertAll(LongStream.range(0, 30));
        fixture.domain.pin();
        final long root;
        try {
            root = tree.zoning().base().rootAcquire();
        } finally {
            fixture.domain.unpin();
        }
        for (int i = 0; i < 30; i++) {
            assertThat(tree.remove(i * STEP + 1)).isZero();
        }
        fixture.pinned(() -> assertThat(tree.zoning().base().rootAcquire()).isEqualTo(root));
    }
}
