// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.holdfast.epoch.StripedRetireList;
import io.holdfast.layout.NodeLayout;
import java.lang.management.ManagementFactory;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What a change shares with the tree that it came from, and what a search does not look at: the cost of either (G8). */
class TreeReuseTest {
    private static final int MANY = 3_000;
    private static final long STEP = 10;
    private static final long PLACE = 1_234;

    private final TreeFixture fixture = TreeFixture.with(TreeFixture.SMALL);
    private final IntervalTree tree = fixture.tree;

    private void fill() {
        for (int i = 0; i < MANY; i++) {
            assertThat(tree.insert(i * STEP, i * STEP + STEP - 1, i + 1)).isTrue();
        }
    }

    /** The nodes that the root reaches now. */
    private Set<Long> nodes() {
        final Set<Long> nodes = new HashSet<>();
        fixture.pinned(() -> collect(NodeLayout.rootNode(tree.zoning().base().rootAcquire()), nodes));
        return nodes;
    }

    private static void collect(final long node, final Set<Long> into) {
        into.add(node);
        if (NodeLayout.level(node) > 0) {
            for (int i = 0; i < NodeLayout.count(node); i++) {
                collect(NodeLayout.child(node, i), into);
            }
        }
    }

    private static int difference(final Set<Long> of, final Set<Long> without) {
        final Set<Long> rest = new HashSet<>(of);
        rest.removeAll(without);
        return rest.size();
    }

    /** Each place that is touched costs a path, with a neighbour and a split on each level at most. */
    private int paths(final int touched) {
        return touched * 3 * (fixture.check().height() + 1);
    }

    @Test
    void aChangeMustCopyNoMoreThanItsPath() {
        fill();
        final Set<Long> before = nodes();
        assertThat(tree.replace(PLACE * STEP, PLACE * STEP + STEP - 1, PLACE * STEP, PLACE * STEP + STEP - 1, 7)).isTrue();
        final Set<Long> after = nodes();
        assertThat(difference(after, before)).isEqualTo(fixture.check().height() + 1);
        assertThat(before.size()).isEqualTo(after.size()).isGreaterThan(500);
    }

    @Test
    void anEditThatIsRebasedMustShareAllNodesThatItHasNotTouched() {
        fill();
        final Set<Long> current;
        try (Edit edit = tree.edit()) {
            assertThat(edit.replace(PLACE * STEP, PLACE * STEP + STEP)).isTrue();
            assertThat(edit.replace(0, 2 * STEP, 0, 2 * STEP, 9)).isTrue();
            for (int i = 2; i < MANY; i += 3) { // everywhere else
                if (i != PLACE) {
                    assertThat(tree.replace(i * STEP, i * STEP + STEP, i * STEP, i * STEP + 2, i + 1)).isTrue();
                }
            }
            current = nodes();
            assertThat(edit.publish()).isTrue();
        }
        final Set<Long> published = nodes();
        assertThat(difference(published, current)).isBetween(fixture.check().height() + 1, paths(2));
        assertThat(difference(current, published)).isLessThanOrEqualTo(paths(2));
        assertThat(fixture.find(0)).isEqualTo(9);
        assertThat(fixture.find(PLACE * STEP)).isZero();
        assertThat(fixture.find(2 * STEP + 2)).as("a change elsewhere").isZero();
        fixture.checkNoNodeIsLost();
    }

    /**
     * Every child without a gap that is long enough is replaced by a node that pretends to be one gap: a search that looked
     * at it would find its gap there, or no node at all. So it looks at one path, and one for each bound: O(log n).
     */
    @Test
    void aSearchForAGapMustNotEnterNodesThatHaveNoneLongEnough() {
        fill();
        assertThat(tree.remove(PLACE * STEP)).isEqualTo(PLACE + 1);
        final long gap = PLACE * STEP - 1;
        final long decoy = fixture.memory.mapTable(fixture.memory.pageSize());
        NodeLayout.formatLeaf(decoy);
        NodeLayout.entry(decoy, 1, 0, 1, 1);
        NodeLayout.entry(decoy, 2, MANY * STEP - 1, MANY * STEP, 1);
        NodeLayout.count(decoy, 2);
        fixture.pinned(() -> {
            final int hidden = hide(NodeLayout.rootNode(tree.zoning().base().rootAcquire()), 2, decoy, true);
            assertThat(hidden).as("nodes that must not be looked at").isGreaterThan(10);
            final long end = MANY * STEP - 1;
            for (long size = 2; size <= STEP + 1; size++) {
                for (final long low : new long[] {0, 5, gap - 200, gap - 1, gap}) {
                    for (final long high : new long[] {gap + STEP + 1, gap + STEP + 2, gap + 500, end}) {
                        assertThat(fixture.gap(size, 1, low, high, true)).isEqualTo(gap);
                        assertThat(fixture.gap(size, 1, low, high, false)).isEqualTo(gap + STEP + 1 - size);
                    }
                }
                assertThat(fixture.gap(size, 1, gap + STEP, end, true)).isEqualTo(-1);
                assertThat(fixture.gap(size, 1, 0, gap + 1, false)).isEqualTo(-1);
            }
        });
    }

    /** But for the way to the first interval, which a search looks at to know the gap before it. */
    private static int hide(final long node, final long size, final long decoy, final boolean first) {
        if (NodeLayout.level(node) == 0) {
            return 0;
        }
        int hidden = 0;
        for (int i = 0; i < NodeLayout.count(node); i++) {
            if (NodeLayout.gap(node, i) < size && !(first && i == 0)) {
                NodeLayout.child(node, i, decoy);
                hidden++;
            } else {
                hidden += hide(NodeLayout.child(node, i), size, decoy, first && i == 0);
            }
        }
        return hidden;
    }

    /** After the point of no return there may be no memory left on the heap, however much the change has replaced. */
    @Test
    void nothingMustBeAllocatedOnTheHeapForListsOfNodesOnceAChangeIsSealed() {
        final ThreadMXBean allocations = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        final NodePool pool = new NodePool(fixture.memory, fixture.memory.mapTable(1 << 16));
        final long[] items = new long[1];
        final StripedRetireList retired = new StripedRetireList(fixture.domain, 1 << 14, item -> items[0]++);
        final NodeSupply supply = new NodeSupply(pool, retired);
        fixture.pinned(() -> {
            for (int round = 0; round < 3; round++) {
                for (int i = 0; i < MANY; i++) {
                    final long node = supply.take();
                    NodeLayout.formatLeaf(node);
                    supply.drop(node);
                    final long published = supply.take();
                    NodeLayout.formatLeaf(published);
                    NodeLayout.seal(published);
                    supply.drop(published);
                }
                supply.seal();
                final long before = allocations.getCurrentThreadAllocatedBytes();
                supply.published();
                supply.flush();
                final long allocated = allocations.getCurrentThreadAllocatedBytes() - before;
                if (round > 0) { // in the first one classes are loaded
                    assertThat(allocated).isLessThan(1024);
                }
            }
        });
    }
}
