// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.NodeLayout;
import io.holdfast.memory.NativeMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.agrona.concurrent.BackoffIdleStrategy;

/** A tree to test, with the domain it lives in. */
final class TreeFixture {
    static final long SPACE = 1L << 40;
    static final TreeTuning TINY = new TreeTuning(3, 3, 1, 4);
    static final TreeTuning SMALL = new TreeTuning(4, 5, 1, 4);

    final NativeMemory memory;
    final EpochDomain domain;
    final IntervalTree tree;
    private final TreeTuning tuning;

    private TreeFixture(final NativeMemory memory, final long to, final TreeTuning tuning) {
        this.memory = memory;
        this.tuning = tuning;
        this.domain = EpochDomain.create(memory, flavour(), 0);
        this.tree = new IntervalTree(domain, memory, 0, to, tuning);
    }

    static TreeFixture with(final TreeTuning tuning) {
        return new TreeFixture(NativeMemory.system(), SPACE, tuning);
    }

    static TreeFixture with(final TreeTuning tuning, final long to) {
        return new TreeFixture(NativeMemory.system(), to, tuning);
    }

    static TreeFixture with(final NativeMemory memory, final TreeTuning tuning, final long to) {
        return new TreeFixture(memory, to, tuning);
    }

    private static BarrierFlavour flavour() {
        final String wanted = System.getProperty("io.holdfast.barrier", "membarrier").toUpperCase(Locale.ROOT);
        return BarrierFlavour.valueOf(wanted);
    }

    /** Runs something while pinned. */
    void pinned(final Runnable action) {
        domain.pin();
        try {
            action.run();
        } finally {
            domain.unpin();
        }
    }

    long find(final long address) {
        domain.pin();
        try {
            return tree.find(address);
        } finally {
            domain.unpin();
        }
    }

    /** Everything in the tree, by way of searches for the next interval. */
    List<Entry> entries() {
        final List<Entry> entries = new ArrayList<>();
        pinned(() -> {
            final Roots roots = new Roots(tree.zoning());
            roots.take();
            final Interval interval = new Interval();
            long after = 0;
            while (roots.firstEndingAfter(after, interval)) {
                entries.add(Entry.of(interval));
                after = interval.end();
            }
        });
        return entries;
    }

    /** The start of the first gap of a size in the tree of this moment, or -1. The calling thread is pinned. */
    long gap(final long size, final long alignment, final long low, final long high, final boolean lowestFirst) {
        final Bounds bounds = tree.bounds();
        return GapSearch.search(tree.zoning().base().rootAcquire(), bounds.from(), bounds.to(), size, alignment, low, high,
            lowestFirst);
    }

    /** Checks all invariants, and returns what was counted. */
    TreeInspector.Census check() {
        try (Snapshot snapshot = tree.snapshot()) {
            return TreeInspector.check(snapshot, tuning);
        }
    }

    /** Checks all invariants of a snapshot. */
    TreeInspector.Census check(final Snapshot snapshot) {
        return TreeInspector.check(snapshot, tuning);
    }

    /** Everything that a snapshot shows. */
    static List<Entry> entries(final Snapshot snapshot) {
        final List<Entry> entries = new ArrayList<>();
        snapshot.forEach(0, NodeLayout.ADDRESS_LIMIT, (start, end, value) -> entries.add(new Entry(start, end, value)));
        return entries;
    }

    /** Checks that each node is reachable, free or in store, once nothing is going on any more. */
    void checkNoNodeIsLost() {
        tree.drain(BackoffIdleStrategy::new);
        assertThat(tree.freeNodes() + check().nodes()).as("free and reachable nodes").isEqualTo(tree.nodes());
    }

    /** An interval and its value. */
    record Entry(long start, long end, long value) {
        static Entry of(final Interval interval) {
            return new Entry(interval.start(), interval.end(), interval.value());
        }
    }
}
