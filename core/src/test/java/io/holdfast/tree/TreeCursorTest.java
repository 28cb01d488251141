// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.tree.TreeFixture.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Cursors over the live tree, and snapshots of it. */
class TreeCursorTest {
    private static final long COVERED = 64 * 10L;

    private final TreeFixture fixture = TreeFixture.with(TreeFixture.TINY);
    private final IntervalTree tree = fixture.tree;

    private void fill(final int count) {
        for (int i = 0; i < count; i++) {
            tree.insert(i * 10L, i * 10L + 10, i + 1);
        }
    }

    private static List<Entry> forward(final Cursor cursor) {
        final List<Entry> seen = new ArrayList<>();
        while (cursor.next()) {
            seen.add(Entry.of(cursor.interval()));
        }
        return seen;
    }

    private static List<Entry> backward(final Cursor cursor) {
        final List<Entry> seen = new ArrayList<>();
        while (cursor.previous()) {
            seen.add(Entry.of(cursor.interval()));
        }
        return seen.reversed();
    }

    @Test
    void cursorMustShowEverythingBothWays() {
        for (final int count : new int[] {0, 1, 2, 3, 4, 9, 50}) {
            tree.replace(0, TreeFixture.SPACE);
            fill(count);
            final List<Entry> all = fixture.entries();
            fixture.pinned(() -> {
                assertThat(forward(tree.cursor())).isEqualTo(all);
                assertThat(backward(tree.cursor().seek(Long.MAX_VALUE))).isEqualTo(all);
            });
            try (Snapshot snapshot = tree.snapshot()) {
                assertThat(TreeFixture.entries(snapshot)).isEqualTo(all);
            }
        }
    }

    @Test
    void cursorMustTurnRoundBetweenIntervals() {
        fill(20);
        final Cursor cursor = tree.cursor();
        fixture.pinned(() -> {
            for (int i = 0; i < 19; i++) {
                assertThat(cursor.next()).isTrue();
                assertThat(cursor.interval().value()).isEqualTo(i + 1);
                assertThat(cursor.previous()).isTrue();
                assertThat(cursor.interval().value()).isEqualTo(i + 1);
                assertThat(cursor.next()).isTrue();
                assertThat(cursor.interval().value()).isEqualTo(i + 1);
            }
            cursor.seek(55);
            assertThat(cursor.next()).isTrue();
            assertThat(cursor.interval().start()).isEqualTo(50);
            cursor.seek(55);
            assertThat(cursor.previous()).isTrue();
            assertThat(cursor.interval().start()).isEqualTo(50);
            assertThat(cursor.position()).isEqualTo(50);
        });
    }

    @Test
    void cursorAtTheEndMustFindWhatIsAppended() {
        fill(3);
        final Cursor cursor = tree.cursor();
        fixture.pinned(() -> assertThat(forward(cursor)).hasSize(3));
        tree.insert(500, 510, 9);
        fixture.pinned(() -> assertThat(forward(cursor)).containsExactly(new Entry(500, 510, 9)));
    }

    /** T15: the nodes that the cursor came from are recycled and filled with something else between two steps. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void t15CursorLeftStandingAcrossPinsMustFindItsPlaceAgain(final boolean forward) {
        fill(200);
        final Cursor cursor = forward ? tree.cursor() : tree.cursor().seek(2000);
        final List<Long> seen = new ArrayList<>();
        for (int i = 0; i < 200; i++) {
            fixture.pinned(() -> {
                assertThat(forward ? cursor.next() : cursor.previous()).isTrue();
                seen.add(cursor.interval().start());
            });
            // Everything is replaced, and all old nodes are in use again.
            final long[] others = new long[3 * 200];
            for (int k = 0; k < 200; k++) {
                others[3 * k] = k * 10L;
                others[3 * k + 1] = k * 10L + 10;
                others[3 * k + 2] = 1000L * i + k + 1;
            }
            assertThat(tree.replace(0, 2000)).isTrue();
            fixture.checkNoNodeIsLost();
            assertThat(tree.replace(0, 2000, others)).isTrue();
        }
        final List<Long> rising = LongStream.range(0, 200).map(k -> k * 10).boxed().toList();
        assertThat(forward ? seen : seen.reversed()).isEqualTo(rising);
    }

    /**
     * T14: [0, COVERED) is covered at every moment, while intervals in it are split, joined, moved and exchanged. A
     * cursor may show an address twice; a gap would be a gap that was never there.
     */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void t14CursorMustNeverShowAGapThatWasNeverThere(final boolean forward) throws InterruptedException {
        fill(64);
        tree.insert(COVERED + 100, COVERED + 110, 1);
        final AtomicBoolean done = new AtomicBoolean();
        final AtomicReference<Object> wrong = new AtomicReference<>();
        final Thread writer = new Thread(() -> {
            for (int i = 0; !done.get(); i++) {
                final long at = (i * 7L % 31) * 20;
                final boolean replaced = switch (i / 31 % 4) {
                    case 0 -> tree.replace(at, at + 20, at, at + 20, 2);
                    case 1 -> tree.replace(at, at + 20, at, at + 3, 3, at + 3, at + 17, 4, at + 17, at + 20, 5);
                    case 2 -> tree.replace(at, at + 20, at, at + 15, 6, at + 15, at + 20, 7);
                    default -> tree.replace(at, at + 20, at, at + 10, 8, at + 10, at + 20, 9);
                };
                if (!replaced) {
                    wrong.set("refused at " + at);
                }
            }
        });
        writer.start();
        int twice = 0;
        int passes = 0;
        for (; passes < 4000 || twice == 0 && passes < 2_000_000; passes++) {
            twice += forward ? passForward(wrong) : passBackward(wrong);
        }
        done.set(true);
        writer.join();
        assertThat(wrong.get()).isNull();
        assertThat(twice).as("intervals seen changing under the cursor in %d passes", passes).isPositive();
        fixture.checkNoNodeIsLost();
    }

    private int passForward(final AtomicReference<Object> wrong) {
        final Cursor cursor = tree.cursor();
        int twice = 0;
        long covered = 0;
        while (covered < COVERED) {
            fixture.domain.pin();
            try {
                if (!cursor.next() || cursor.interval().start() > covered) {
                    wrong.set("gap at " + covered + " before " + cursor.interval());
                    return 1;
                }
            } finally {
                fixture.domain.unpin();
            }
            twice += cursor.interval().start() < covered ? 1 : 0;
            covered = cursor.interval().end();
        }
        return twice;
    }

    private int passBackward(final AtomicReference<Object> wrong) {
        final Cursor cursor = tree.cursor().seek(COVERED);
        int twice = 0;
        long covered = COVERED;
        while (covered > 0) {
            fixture.domain.pin();
            try {
                if (!cursor.previous() || cursor.interval().end() < covered) {
                    wrong.set("gap at " + covered + " behind " + cursor.interval());
                    return 1;
                }
            } finally {
                fixture.domain.unpin();
            }
            twice += cursor.interval().end() > covered ? 1 : 0;
            covered = cursor.interval().start();
        }
        return twice;
    }

    @Test
    void snapshotMustStayAsItWasWhateverHappens() throws InterruptedException {
        fill(300);
        final List<Entry> before = fixture.entries();
        try (Snapshot snapshot = tree.snapshot()) {
            final Thread writer = new Thread(() -> {
                for (int i = 0; i < 3000; i++) {
                    tree.remove(i % 300 * 10L);
                    tree.insert(i % 300 * 10L + i % 9, i % 300 * 10L + 10, i + 1);
                    tree.remove(i % 300 * 10L + i % 9);
                    tree.insert(i % 300 * 10L, i % 300 * 10L + 10, i + 1);
                }
                tree.replace(0, TreeFixture.SPACE);
            });
            writer.start();
            for (int i = 0; i < 200; i++) {
                assertThat(TreeFixture.entries(snapshot)).isEqualTo(before);
            }
            writer.join();
            assertThat(TreeFixture.entries(snapshot)).isEqualTo(before);
            assertThat(fixture.check(snapshot).intervals()).isEqualTo(300);
            assertThat(fixture.entries()).isEmpty();
        }
        fixture.checkNoNodeIsLost();
    }

    @Test
    void snapshotMustHoldBackNodesAndOnlyWhileItIsOpen() {
        fill(50);
        final long before;
        try (Snapshot snapshot = tree.snapshot()) {
            for (int i = 0; i < 500; i++) {
                tree.replace(0, 10, 0, 5 + i % 3, i + 2);
            }
            assertThat(snapshot.find(0)).isEqualTo(1);
            before = tree.nodes();
        }
        fixture.checkNoNodeIsLost();
        for (int i = 500; i < 900; i++) {
            tree.replace(0, 10, 0, 5 + i % 3, i + 2);
        }
        assertThat(tree.nodes()).as("nodes come back once the snapshot is closed").isEqualTo(before);
    }
}
