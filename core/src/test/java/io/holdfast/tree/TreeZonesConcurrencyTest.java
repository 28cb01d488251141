// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.tree.TreeFixture.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Zones that come and go under changes, lookups, cursors and snapshots: nothing is lost, nothing is seen that never was,
 * and what two ranges show together they show in one step.
 */
class TreeZonesConcurrencyTest {
    private static final int CHANGERS = 3;
    private static final int WINDOW_BITS = 9;
    private static final long WINDOW = 1L << WINDOW_BITS;
    private static final long SPACE = 400 * WINDOW;
    private static final int LANDMARKS = 20;
    private static final long STEPS = 15_000;
    private static final long MOST_STEPS = 5_000_000;

    private final TreeFixture fixture = TreeFixture.with(new TreeTuning(4, 5, 1, 4, WINDOW_BITS, 2), SPACE);
    private final IntervalTree tree = fixture.tree;
    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicInteger united = new AtomicInteger();
    private final AtomicInteger carved = new AtomicInteger();
    private final AtomicLong inZones = new AtomicLong();
    private final AtomicLong frozenSeen = new AtomicLong();
    private final AtomicLong swaps = new AtomicLong();

    /** Landmarks stand in every twentieth window and never go away, but for their values, which swap two by two. */
    private static long landmark(final int number) {
        return number * (SPACE / LANDMARKS) + 17;
    }

    @ParameterizedTest
    @CsvSource({"1", "2"})
    void nothingMustBeLostOrSeenThatNeverWasWhileZonesComeAndGo(final long seed) throws Exception {
        for (int i = 0; i < LANDMARKS; i++) {
            tree.insert(landmark(i), landmark(i) + 3, 2 + i % 2);
        }
        final List<Future<?>> futures = new ArrayList<>();
        try (ExecutorService executor = Executors.newCachedThreadPool()) {
            for (int t = 0; t < CHANGERS; t++) {
                final int thread = t;
                futures.add(executor.submit(() -> stopping(() -> change(thread, new Random(seed * 31 + thread)))));
            }
            futures.add(executor.submit(() -> stopping(() -> swap(new Random(seed)))));
            futures.add(executor.submit(() -> stopping(() -> look(new Random(seed)))));
            for (final Future<?> future : futures) {
                future.get();
            }
        }
        tree.unite();
        fixture.check();
        fixture.checkNoNodeIsLost();
        assertThat(fixture.entries()).hasSize(LANDMARKS);
    }

    private interface Work {
        void run() throws Exception;
    }

    private Void stopping(final Work work) throws Exception {
        try {
            work.run();
        } finally {
            stop.set(true); // also where it failed
        }
        return null;
    }

    private boolean hasMetAll() {
        return united.get() > 20 && carved.get() > 50 && inZones.get() > 1_000 && frozenSeen.get() > 0 && swaps.get() > 500;
    }

    /** Inserts and removes in zones and beside them, and knows what it has there. */
    private void change(final int thread, final Random random) {
        final TreeMap<Long, Entry> mine = new TreeMap<>();
        for (long step = 0; (step < STEPS || !hasMetAll() && step < MOST_STEPS) && !stop.get(); step++) {
            ZoneTestSupport.contend(tree);
            final long value = 100 + step * CHANGERS + thread;
            final int kind = random.nextInt(100);
            if (kind < 45 && mine.size() < 60) {
                final long size = 1 + random.nextInt(20);
                final long start = kind < 35 ? tree.insertIntoZone(size, 1, 0, SPACE, true, value)
                    : tree.insertIntoGap(size, 1, random.nextInt((int) SPACE / 2), SPACE, random.nextBoolean(), value);
                if (start >= 0) {
                    mine.put(start, new Entry(start, start + size, value));
                }
                if (kind < 35 && start >= 0) {
                    inZones.incrementAndGet();
                }
            } else if (kind < 90 && !mine.isEmpty()) {
                final Entry one = pick(mine, random);
                check(one);
                assertThat(tree.remove(one.start(), one.value())).as("remove %s", one).isTrue();
                mine.remove(one.start());
                assertThat(fixture.find(one.start())).as("find what was removed").isNotEqualTo(one.value());
            } else if (kind < 98 && !mine.isEmpty()) {
                final Entry one = pick(mine, random);
                final Entry other = new Entry(one.start(), one.start() + 1, value);
                assertThat(tree.replace(one.start(), one.end(), other.start(), other.end(), value)).as("replace %s", one)
                    .isTrue();
                mine.put(other.start(), other);
                check(other);
            } else if (random.nextInt(8) == 0) {
                if (tree.unite(0, SPACE)) {
                    united.incrementAndGet();
                }
            } else {
                carve(random);
            }
        }
        mine.values().forEach(this::check);
        mine.values().forEach(entry -> assertThat(tree.remove(entry.start())).isEqualTo(entry.value()));
    }

    /** Carves a range, or would like to: one without a landmark, or with one or two. */
    private void carve(final Random random) {
        final int windows = 2 + random.nextInt(40); // more than one is leased in
        final long start = random.nextInt((int) (SPACE / WINDOW) - windows) * WINDOW;
        tree.carve(start, start + windows * WINDOW);
        fixture.pinned(() -> {
            if (tree.zoning().zoneOfAll(start, start + windows * WINDOW) != 0) {
                carved.incrementAndGet();
            }
        });
    }

    private static Entry pick(final TreeMap<Long, Entry> mine, final Random random) {
        final Long key = mine.ceilingKey((long) random.nextInt((int) SPACE));
        return (key == null ? mine.firstEntry() : mine.ceilingEntry(key)).getValue();
    }

    private void check(final Entry entry) {
        assertThat(fixture.find(entry.end() - 1)).as("find %s", entry).isEqualTo(entry.value());
    }

    /** Swaps the values of two landmarks that are neighbours in one edit. */
    private void swap(final Random random) {
        while (!stop.get()) {
            final int number = random.nextInt(LANDMARKS / 2) * 2;
            final long first = fixture.find(landmark(number));
            final long second = fixture.find(landmark(number + 1));
            assertThat(first + second).as("values of %d", number).isEqualTo(5);
            try (Edit edit = tree.edit()) {
                put(edit, number, second);
                put(edit, number + 1, first);
                assertThat(edit.publish()).isTrue();
            }
            swaps.incrementAndGet();
        }
    }

    private static void put(final Edit edit, final int number, final long value) {
        final long at = landmark(number);
        assertThat(edit.replace(at, at + 3, at, at + 3, value)).isTrue();
    }

    private void look(final Random random) {
        while (!stop.get()) {
            final int number = random.nextInt(LANDMARKS);
            assertThat(fixture.find(landmark(number) + 1)).as("landmark %d", number).isBetween(2L, 3L);
            lookThroughACursor(number);
            try (Snapshot snapshot = tree.snapshot()) {
                for (int i = 0; i < LANDMARKS; i += 2) {
                    assertThat(snapshot.find(landmark(i)) + snapshot.find(landmark(i + 1))).as("values of %d", i)
                        .isEqualTo(5);
                }
            }
            fixture.pinned(() -> {
                for (int i = 1; i < tree.zoning().size(); i++) {
                    if (Zone.isFrozen(tree.zoning().zone(i).rootAcquire())) {
                        frozenSeen.incrementAndGet();
                    }
                }
            });
        }
    }

    private void lookThroughACursor(final int number) {
        final boolean[] found = {false};
        fixture.pinned(() -> {
            final Cursor cursor = tree.cursor().seek(landmark(number) - 3);
            while (!found[0] && cursor.next()) {
                found[0] = cursor.interval().start() == landmark(number);
                assertThat(cursor.interval().start()).as("a cursor at %d", number)
                    .isLessThanOrEqualTo(landmark(number));
            }
            assertThat(cursor.seek(landmark(number) + 3).previous()).isTrue();
            assertThat(cursor.interval().start()).isEqualTo(landmark(number));
        });
        assertThat(found[0]).isTrue();
    }
}
