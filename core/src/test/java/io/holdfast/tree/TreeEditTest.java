// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.tree.TreeFixture.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Many changes in one step: visible all at once or not at all (G7), rebased, refused, never starved. */
class TreeEditTest {
    private final TreeFixture fixture = TreeFixture.with(TreeFixture.TINY);
    private final IntervalTree tree = fixture.tree;

    private void fill(final int count) {
        for (int i = 0; i < count; i++) {
            assertThat(tree.insert(i * 10L, i * 10L + 5, i + 1)).isTrue();
        }
    }

    @Test
    void nothingMustBeVisibleBeforePublishAndEverythingAfterIt() {
        fill(100);
        final List<Entry> before = fixture.entries();
        try (Edit edit = tree.edit()) {
            for (int i = 0; i < 100; i += 2) {
                assertThat(edit.replace(i * 10L, i * 10L + 10)).isTrue();
                assertThat(edit.replace(i * 10L + 1, i * 10L + 3, i * 10L + 1, i * 10L + 3, 1000 + i)).isTrue();
            }
            assertThat(fixture.entries()).isEqualTo(before);
            assertThat(edit.publish()).isTrue();
        }
        assertThat(fixture.find(0)).isZero();
        assertThat(fixture.find(1)).isEqualTo(1000);
        assertThat(fixture.check().intervals()).isEqualTo(100);
        fixture.checkNoNodeIsLost();
    }

    /** Where a replacement has the bounds of what is there, only values change. */
    @Test
    void replacementOfTheSameBoundsMustKeepThemAndNeedNoFurtherNodes() {
        fill(100);
        final long nodes = fixture.check().nodes();
        final long[] same = new long[40 * 3];
        for (int i = 0; i < 40; i++) {
            same[3 * i] = (30 + i) * 10L;
            same[3 * i + 1] = same[3 * i] + 5;
            same[3 * i + 2] = 1000 + i;
        }
        final List<Entry> before = fixture.entries();
        try (Edit edit = tree.edit()) {
            assertThat(edit.replace(300, 700, same)).isTrue();
            assertThat(fixture.entries()).isEqualTo(before);
            assertThat(edit.publish()).isTrue();
        }
        final List<Entry> after = fixture.entries();
        assertThat(after).hasSize(100);
        for (int i = 0; i < 100; i++) {
            final boolean replaced = i >= 30 && i < 70;
            assertThat(after.get(i)).isEqualTo(replaced ? new Entry(i * 10L, i * 10L + 5, 970 + i) : before.get(i));
        }
        assertThat(fixture.check().nodes()).isEqualTo(nodes);
        fixture.checkNoNodeIsLost();
    }

    /** One bound that differs, one interval more or less: what is there goes, and what is given comes. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 4})
    void replacementOfNearlyTheSameBoundsMustReplaceEverything(final int difference) {
        fill(20);
        final long[] given = switch (difference) {
            case 0 -> new long[] {100, 105, 7, 110, 114, 8, 120, 125, 9};
            case 1 -> new long[] {100, 105, 7, 111, 115, 8, 120, 125, 9};
            case 2 -> new long[] {100, 105, 7, 110, 115, 8};
            case 3 -> new long[] {100, 105, 7, 120, 125, 9};
            default -> new long[] {100, 105, 7, 110, 115, 8, 120, 125, 9, 126, 128, 10};
        };
        assertThat(tree.replace(100, 130, given)).isTrue();
        final List<Entry> wanted = new ArrayList<>();
        for (int i = 0; i < given.length; i += 3) {
            wanted.add(new Entry(given[i], given[i + 1], given[i + 2]));
        }
        assertThat(fixture.entries().subList(10, 10 + wanted.size())).isEqualTo(wanted);
        assertThat(fixture.check().intervals()).isEqualTo(17 + wanted.size());
        fixture.checkNoNodeIsLost();
    }

    @Test
    void replacementOfTheSameBoundsMustNotCutANeighbour() {
        fill(20);
        assertThat(tree.replace(100, 123, 100, 105, 7, 110, 115, 8)).isFalse();
        assertThat(tree.replace(103, 120, 110, 115, 8)).isFalse();
        assertThat(fixture.find(100)).isEqualTo(11);
        assertThat(fixture.find(110)).isEqualTo(12);
    }

    @Test
    void droppedEditMustLeaveNoTrace() {
        fill(50);
        final List<Entry> before = fixture.entries();
        try (Edit edit = tree.edit()) {
            assertThat(edit.replace(0, TreeFixture.SPACE)).isTrue();
            for (int i = 0; i < 300; i++) {
                assertThat(edit.replace(i, i + 1, i, i + 1, 7)).isTrue();
            }
        }
        assertThat(fixture.entries()).isEqualTo(before);
        assertThat(fixture.domain.isStructurePinned()).isFalse();
        fixture.checkNoNodeIsLost();
    }

    @Test
    void editWithoutAChangeMustPublishNothing() {
        fill(10);
        try (Edit edit = tree.edit()) {
            assertThat(edit.replace(5, 10)).isTrue();
            tree.remove(0);
            assertThat(edit.publish()).isTrue();
        }
        assertThat(fixture.check().intervals()).isEqualTo(9);
    }

    @Test
    void editMustBeRebasedOnChangesElsewhere() {
        fill(60);
        try (Edit edit = tree.edit()) {
            assertThat(edit.replace(100, 105)).isTrue();
            assertThat(edit.replace(106, 110, 106, 110, 500)).isTrue();
            assertThat(edit.replace(300, 309, 300, 309, 501)).isTrue();
            assertThat(edit.replace(400, 450, 420, 430, 502)).isTrue();
            for (int i = 0; i < 60; i++) {
                if (i != 10 && i != 30 && (i < 40 || i > 44)) {
                    assertThat(tree.replace(i * 10L, i * 10L + 5, i * 10L, i * 10L + 4, 2000 + i)).isTrue();
                }
            }
            assertThat(edit.publish()).isTrue();
        }
        assertThat(fixture.find(100)).isZero();
        assertThat(fixture.find(106)).isEqualTo(500);
        assertThat(fixture.find(308)).isEqualTo(501);
        assertThat(fixture.find(425)).isEqualTo(502);
        assertThat(fixture.find(405)).isZero();
        assertThat(fixture.find(0)).isEqualTo(2000);
        assertThat(fixture.find(593)).isEqualTo(2059);
        fixture.check();
        fixture.checkNoNodeIsLost();
    }

    @Test
    void editMustBeRefusedWhenWhatItRemovesHasChanged() {
        fill(30);
        try (Edit edit = tree.edit()) {
            edit.replace(100, 105);
            edit.replace(50, 55);
            tree.replace(100, 105, 100, 105, 99);
            final List<Entry> now = fixture.entries();
            assertThat(edit.publish()).isFalse();
            assertThat(fixture.entries()).isEqualTo(now);
        }
        fixture.checkNoNodeIsLost();
    }

    @Test
    void editMustBeRefusedWhenItsFreeRangeIsTaken() {
        fill(30);
        try (Edit edit = tree.edit()) {
            edit.replace(105, 110, 105, 110, 99);
            tree.insert(107, 108, 98);
            assertThat(edit.publish()).isFalse();
        }
        assertThat(fixture.find(107)).isEqualTo(98);
        assertThat(fixture.find(105)).isZero();
        try (Edit edit = tree.edit()) {
            edit.replace(0, 8, 0, 8, 1);
            tree.insert(7, 9, 97);
            assertThat(edit.publish()).isFalse();
        }
        fixture.checkNoNodeIsLost();
    }

    @Test
    void editMustBeRefusedWhenAnotherRemovedTheSame() {
        fill(30);
        try (Edit edit = tree.edit()) {
            edit.replace(100, 105);
            tree.remove(100);
            assertThat(edit.publish()).isFalse();
        }
    }

    /** A replacement sees what the edit has replaced before, and nothing else. */
    @Test
    void replacementsMustBeCheckedAgainstThePrivateVersion() {
        fill(20);
        try (Edit edit = tree.edit()) {
            assertThat(edit.replace(102, 110)).as("cuts an interval").isFalse();
            assertThat(edit.replace(100, 105)).isTrue();
            assertThat(edit.replace(102, 110, 102, 108, 99)).isTrue();
            assertThat(edit.replace(100, 105)).as("cuts one of its own").isFalse();
            assertThat(edit.publish()).isTrue();
        }
        assertThat(fixture.entries()).hasSize(20).contains(new Entry(102, 108, 99));
        fixture.checkNoNodeIsLost();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void randomEditsMustBeRebasedOrRefusedAsTheModelSays(final long seed) {
        final Random random = new Random(seed);
        final TreeMap<Long, Long> model = new TreeMap<>(); // single addresses, so that every key is a range of its own
        int refused = 0;
        int rebased = 0;
        for (int round = 0; round < 400; round++) {
            final TreeMap<Long, Long> mine = new TreeMap<>();
            final TreeMap<Long, Long> theirs = new TreeMap<>();
            final TreeMap<Long, Long> before = new TreeMap<>(model);
            try (Edit edit = tree.edit()) {
                for (int i = random.nextInt(20); i >= 0; i--) {
                    final long address = random.nextInt(2000);
                    final boolean there = mine.containsKey(address) ? mine.get(address) != 0 : before.containsKey(address);
                    mine.put(address, toggle(edit, address, there));
                }
                for (int i = random.nextInt(20); i > 0; i--) {
                    final long address = random.nextInt(2000);
                    if (!theirs.containsKey(address)) {
                        final boolean there = before.containsKey(address);
                        assertThat(there ? tree.remove(address) != 0 : tree.insert(address, address + 1, 9)).isTrue();
                        theirs.put(address, there ? 0L : 9L);
                    }
                }
                apply(model, theirs);
                final boolean possible = mine.keySet().stream().noneMatch(theirs::containsKey);
                assertThat(edit.publish()).as("seed=%d, round=%d", seed, round).isEqualTo(possible);
                refused += possible ? 0 : 1;
                rebased += possible && !theirs.isEmpty() ? 1 : 0;
                if (possible) {
                    apply(model, mine);
                }
            }
            final List<Entry> expected = new ArrayList<>();
            model.forEach((address, value) -> expected.add(new Entry(address, address + 1, value)));
            assertThat(fixture.entries()).as("seed=%d, round=%d", seed, round).isEqualTo(expected);
            fixture.check();
        }
        assertThat(refused).isPositive();
        assertThat(rebased).isPositive();
        fixture.checkNoNodeIsLost();
    }

    /** Puts in what is not there and takes out what is; what stands there after it, or 0. */
    private static long toggle(final Edit edit, final long address, final boolean there) {
        final long[] instead = there ? new long[0] : new long[] {address, address + 1, 5};
        assertThat(edit.replace(address, address + 1, instead)).isTrue();
        return there ? 0 : 5;
    }

    private static void apply(final Map<Long, Long> model, final Map<Long, Long> changes) {
        changes.forEach((address, value) -> {
            if (value == 0) {
                model.remove(address);
            } else {
                model.put(address, value);
            }
        });
    }

    @Test
    void readersMustSeeAllOfAnEditOrNothing() throws InterruptedException {
        final int places = 64;
        for (int i = 0; i < places; i++) {
            tree.insert(i * 10L, i * 10L + 5, 1);
        }
        final AtomicBoolean done = new AtomicBoolean();
        final AtomicReference<Object> torn = new AtomicReference<>();
        final long[] seen = new long[2];
        final Thread reader = new Thread(() -> {
            while (!done.get()) {
                try (Snapshot snapshot = tree.snapshot()) {
                    final long first = snapshot.find(0);
                    seen[(int) (first & 1)]++;
                    for (int i = 0; i < places; i++) {
                        if (snapshot.find(i * 10L) != first) {
                            torn.set("address " + i * 10 + " of version " + first + " has " + snapshot.find(i * 10L));
                        }
                    }
                }
            }
        });
        reader.start();
        for (int version = 2; version < 3000 || seen[0] == 0 || seen[1] == 0; version++) {
            try (Edit edit = tree.edit()) {
                for (int i = 0; i < places; i++) {
                    assertThat(edit.replace(i * 10L, i * 10L + 10, i * 10L, i * 10L + 1 + version % 8, version)).isTrue();
                }
                assertThat(edit.publish()).isTrue();
            }
        }
        done.set(true);
        reader.join();
        assertThat(torn.get()).isNull();
        assertThat(seen[0]).isPositive();
        assertThat(seen[1]).isPositive();
        fixture.checkNoNodeIsLost();
    }

    @Test
    void largeEditMustGetThroughWhileSingleChangesNeverStop() throws InterruptedException {
        fill(2000);
        final AtomicBoolean done = new AtomicBoolean();
        final CountDownLatch running = new CountDownLatch(2);
        final List<Thread> others = new ArrayList<>();
        for (int t = 0; t < 2; t++) {
            final long at = (1L << 30) + t * 100L;
            final Thread other = new Thread(() -> {
                running.countDown();
                while (!done.get()) {
                    tree.insert(at, at + 1, 1);
                    tree.remove(at);
                }
            });
            other.start();
            others.add(other);
        }
        running.await();
        int lost = 0;
        for (int round = 0; round < 2000 && (round < 10 || tree.holdBack().requests() == 0); round++) {
            try (Edit edit = tree.edit()) {
                for (int i = 0; i < 2000; i++) {
                    assertThat(edit.replace(i * 10L, i * 10L + 5, i * 10L, i * 10L + 5, i + 2 + round)).isTrue();
                }
                assertThat(edit.publish()).isTrue();
                assertThat(edit.lostRaces()).as("races lost by one edit").isLessThan(30);
                lost += edit.lostRaces();
            }
        }
        done.set(true);
        for (final Thread other : others) {
            other.join();
        }
        assertThat(lost).as("races lost").isPositive();
        assertThat(tree.holdBack().requests()).as("moments asked for").isPositive();
        assertThat(fixture.check().intervals()).isEqualTo(2000);
        fixture.checkNoNodeIsLost();
    }
}
