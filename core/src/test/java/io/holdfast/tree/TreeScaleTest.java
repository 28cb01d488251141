// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.layout.NodeLayout;
import io.holdfast.tree.TreeFixture.Entry;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Millions of intervals, spread over all addresses. */
class TreeScaleTest {
    @Test
    void twoMillionIntervalsMustWork() {
        work(2_000_000);
    }

    @Test
    @Tag("long")
    void tenMillionIntervalsMustWork() {
        work(10_000_000);
    }

    private static void work(final int many) {
        final long step = NodeLayout.ADDRESS_LIMIT / many;
        final TreeFixture fixture = TreeFixture.with(TreeTuning.DEFAULT, NodeLayout.ADDRESS_LIMIT);
        final IntervalTree tree = fixture.tree;
        for (long i = 0; i < many; i++) {
            if (!tree.insert(i * step, i * step + step / 2, i + 1)) {
                throw new AssertionError("insert " + i);
            }
        }
        final TreeInspector.Census census = fixture.check();
        assertThat(census.intervals()).isEqualTo(many);
        assertThat(census.bytes()).isLessThan(64L * many);
        assertThat(census.height()).isLessThanOrEqualTo(6);
        fixture.domain.pin();
        try {
            for (long i = 0; i < many; i += 101) {
                assertThat(tree.find(i * step + step / 2 - 1)).isEqualTo(i + 1);
                assertThat(tree.find(i * step + step / 2)).isZero();
            }
        } finally {
            fixture.domain.unpin();
        }
        assertThat(tree.insertIntoGap(step - step / 2 + 1, 1, 0, NodeLayout.ADDRESS_LIMIT, true, 1)).isEqualTo(
            (many - 1) * step + step / 2);
        assertThat(tree.remove(many / 2 * step)).isEqualTo(many / 2 + 1);
        assertThat(tree.insertIntoGap(step, 1, 0, NodeLayout.ADDRESS_LIMIT, true, 7))
            .isEqualTo((many / 2 - 1) * step + step / 2);
        assertThat(tree.replace(0, NodeLayout.ADDRESS_LIMIT)).isTrue();
        assertThat(fixture.check().nodes()).isEqualTo(1);
        fixture.checkNoNodeIsLost();
    }

    /** A node that came back too early would be filled again under the reader, which would then see another value. */
    @Test
    void nodesMustNotBeUsedAgainUnderAPinnedReader() throws InterruptedException {
        final TreeFixture fixture = TreeFixture.with(TreeFixture.SMALL);
        for (int i = 0; i < 500; i++) {
            fixture.tree.insert(i * 10L, i * 10L + 5, i + 1);
        }
        final AtomicBoolean done = new AtomicBoolean();
        final AtomicLong changes = new AtomicLong();
        final Thread writer = new Thread(() -> {
            for (int i = 0; !done.get(); i = (i + 1) % 500) {
                fixture.tree.remove(i * 10L);
                fixture.tree.insert(i * 10L, i * 10L + 5, i + 1);
                changes.incrementAndGet();
            }
        });
        writer.start();
        boolean overtaken = false;
        for (int round = 0; round < 300 || !overtaken; round++) {
            final long before = changes.get();
            try (Snapshot snapshot = fixture.tree.snapshot()) {
                final long size = fixture.check(snapshot).intervals();
                for (int pass = 0; pass < 5; pass++) {
                    final List<Entry> seen = TreeFixture.entries(snapshot);
                    assertThat(seen).hasSize((int) size).allMatch(entry -> entry.value() == entry.start() / 10 + 1);
                }
                overtaken |= changes.get() > before + 500;
            }
        }
        done.set(true);
        writer.join();
        fixture.checkNoNodeIsLost();
    }
}
