// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.tree.TreeFixture.Entry;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several threads on one tree: nothing is lost, nothing is seen that never was. */
class TreeConcurrencyTest {
    private static final int THREADS = 4;

    private final TreeFixture fixture = TreeFixture.with(TreeFixture.SMALL);
    private final IntervalTree tree = fixture.tree;

    private interface Work {
        void run(int thread) throws Exception;
    }

    private static void inParallel(final ExecutorService executor, final int threads, final Work work)
        throws InterruptedException, ExecutionException {
        final CountDownLatch ready = new CountDownLatch(threads);
        final List<Future<?>> futures = new ArrayList<>();
        try (executor) {
            for (int t = 0; t < threads; t++) {
                final int thread = t;
                futures.add(executor.submit(() -> {
                    ready.countDown();
                    ready.await();
                    work.run(thread);
                    return null;
                }));
            }
            for (final Future<?> future : futures) {
                future.get();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void eachThreadMustFindItsOwnStripeAsItsModelSays(final long seed) throws Exception {
        final int stripe = 400;
        final List<TreeMap<Long, Entry>> models = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) {
            models.add(new TreeMap<>());
        }
        inParallel(Executors.newFixedThreadPool(THREADS), THREADS, thread -> {
            final Random random = new Random(seed * 31 + thread);
            final TreeMap<Long, Entry> model = models.get(thread);
            for (int i = 0; i < 20_000; i++) {
                // Stripes interleave, so that threads meet in the same nodes.
                final long start = (long) random.nextInt(stripe) * THREADS * 10 + thread * 10L;
                final Entry old = model.get(start);
                final Entry fresh = new Entry(start, start + 1 + random.nextInt(10), i + 1);
                if (old == null) {
                    assertThat(tree.insert(start, fresh.end(), fresh.value())).isTrue();
                    model.put(start, fresh);
                } else if (random.nextInt(3) == 0) {
                    assertThat(tree.replace(start, start + 10, start, fresh.end(), fresh.value())).isTrue();
                    model.put(start, fresh);
                } else {
                    assertThat(tree.remove(start)).isEqualTo(old.value());
                    model.remove(start);
                }
                final Entry now = model.get(start);
                assertThat(fixture.find(start)).isEqualTo(now == null ? 0 : now.value());
            }
        });
        final TreeMap<Long, Entry> all = new TreeMap<>();
        models.forEach(all::putAll);
        assertThat(fixture.entries()).containsExactlyElementsOf(all.values());
        fixture.check();
        fixture.checkNoNodeIsLost();
    }

    @Test
    void virtualThreadsMustBeAbleToChangeTheTree() throws Exception {
        final IdleStrategy idle = YieldingIdleStrategy.INSTANCE;
        inParallel(Executors.newVirtualThreadPerTaskExecutor(), 200, thread -> {
            for (int i = 0; i < 100; i++) {
                assertThat(tree.insert(thread * 1000L + i, thread * 1000L + i + 1, 1)).isTrue();
                idle.idle();
                assertThat(i % 2 == 0 || tree.remove(thread * 1000L + i) == 1).isTrue();
            }
        });
        assertThat(fixture.check().intervals()).isEqualTo(200 * 50);
        fixture.checkNoNodeIsLost();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void noGapMustBeGivenTwice(final boolean lowestFirst) throws Exception {
        final int rounds = 8_000;
        final AtomicInteger given = new AtomicInteger();
        inParallel(Executors.newFixedThreadPool(THREADS), THREADS, thread -> {
            final Random random = new Random(thread);
            final List<long[]> mine = new ArrayList<>();
            for (int i = 0; i < rounds; i++) {
                final long size = 1L + random.nextInt(5);
                if (mine.size() < 100) {
                    final long start = tree.insertIntoGap(size, 1, 0, 2_000, lowestFirst, thread + 1);
                    if (start >= 0) {
                        mine.add(new long[] {start, size});
                        given.incrementAndGet();
                    }
                }
                if (!mine.isEmpty() && random.nextBoolean()) {
                    final long[] last = mine.remove(random.nextInt(mine.size()));
                    assertThat(fixture.find(last[0])).isEqualTo(thread + 1);
                    assertThat(fixture.find(last[0] + last[1] - 1)).isEqualTo(thread + 1);
                    assertThat(tree.remove(last[0])).isEqualTo(thread + 1);
                }
            }
            mine.forEach(each -> assertThat(tree.remove(each[0])).isEqualTo(thread + 1));
        });
        assertThat(given.get()).isGreaterThan(rounds);
        assertThat(fixture.check().intervals()).isZero();
        fixture.checkNoNodeIsLost();
    }

    @Test
    void onlyOneOfManyMustWinTheSamePlace() throws Exception {
        final int rounds = 4_000;
        final int[] won = new int[THREADS];
        final AtomicInteger[] winners = new AtomicInteger[rounds];
        for (int i = 0; i < rounds; i++) {
            winners[i] = new AtomicInteger();
        }
        inParallel(Executors.newFixedThreadPool(THREADS), THREADS, thread -> {
            for (int i = 0; i < rounds; i++) {
                if (tree.insert(i * 3L, i * 3L + 2, thread + 1)) {
                    winners[i].incrementAndGet();
                    won[thread]++;
                }
            }
        });
        for (int i = 0; i < rounds; i++) {
            assertThat(winners[i].get()).as("winners of place %d", i).isEqualTo(1);
        }
        assertThat(fixture.check().intervals()).isEqualTo(rounds);
        fixture.checkNoNodeIsLost();
    }

    /**
     * 1,000 intervals, two readers for every ten of them, one writer that changes them in 10,000 rounds: a reader accepts
     * the old or the new state of each, and must have seen both.
     */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void readersMustSeeOldOrNewAndBoth(final boolean forward) throws Exception {
        final int intervals = 1_000;
        final int perReader = 10;
        final int readers = intervals / perReader * 2;
        for (int i = 0; i < intervals; i++) {
            tree.insert(i * 10L, i * 10L + 9, oldValue(i));
        }
        final AtomicBoolean done = new AtomicBoolean();
        final AtomicReference<String> wrong = new AtomicReference<>();
        final BitSet satisfied = new BitSet(readers);
        final IdleStrategy idle = YieldingIdleStrategy.INSTANCE;
        inParallel(Executors.newFixedThreadPool(readers + 1), readers + 1, thread -> {
            if (thread == readers) {
                write(intervals, readers, forward, satisfied);
                done.set(true);
            } else {
                final int first = thread / 2 * perReader;
                final boolean[] seen = new boolean[2];
                while (!done.get()) {
                    for (int k = 0; k < perReader; k++) {
                        final int i = thread % 2 == 0 ? first + k : first + perReader - 1 - k;
                        read(i, seen, wrong);
                    }
                    if (seen[0] && seen[1]) {
                        synchronized (satisfied) {
                            satisfied.set(thread);
                        }
                    }
                    idle.idle();
                }
            }
        });
        assertThat(wrong.get()).isNull();
        assertThat(satisfied.cardinality()).as("readers that have seen both states").isEqualTo(readers);
        fixture.check();
        fixture.checkNoNodeIsLost();
    }

    private static long oldValue(final int number) {
        return 2L * number + 2;
    }

    private void read(final int number, final boolean[] seen, final AtomicReference<String> wrong) {
        final Interval interval = new Interval();
        fixture.domain.pin();
        try {
            // One root for both questions would be a snapshot; each alone must be old or new as well.
            final long value = tree.find(number * 10L + 4);
            final boolean there = TreeReader.firstEndingAfter(tree.zoning().base().rootAcquire(), number * 10L, interval);
            if (value != oldValue(number) && value != oldValue(number) + 1) {
                wrong.set("find " + number + ": " + value);
            }
            final boolean isOld = interval.value() == oldValue(number) && interval.end() == number * 10L + 9;
            final boolean isNew = interval.value() == oldValue(number) + 1 && interval.end() == number * 10L + 6;
            if (!there || interval.start() != number * 10L || !isOld && !isNew) {
                wrong.set("overlap " + number + ": " + there + ", " + interval);
            }
            seen[isOld ? 0 : 1] = true;
        } finally {
            fixture.domain.unpin();
        }
    }

    private void write(final int intervals, final int readers, final boolean forward, final BitSet satisfied) {
        boolean all = false;
        for (int round = 0; round < 10_000 || !all; round++) {
            final int step = round * 7 % intervals;
            final int number = forward ? step : intervals - 1 - step;
            final long start = number * 10L;
            final boolean old = fixture.find(start) == oldValue(number);
            final long to = oldValue(number) + (old ? 1 : 0);
            final long end = start + (old ? 6 : 9);
            if (round / intervals % 2 == 0) {
                assertThat(tree.replace(start, start + 10, start, end, to)).isTrue();
            } else {
                try (Edit edit = tree.edit()) {
                    assertThat(edit.replace(start, start + 10)).isTrue();
                    assertThat(edit.replace(start, end, start, end, to)).isTrue();
                    assertThat(edit.publish()).isTrue();
                }
            }
            if (round % 100 == 0) {
                synchronized (satisfied) {
                    all = satisfied.cardinality() == readers;
                }
            }
        }
    }

    @Test
    void editsOfSeveralThreadsMustAllGetThrough() throws Exception {
        final int places = 40;
        for (int i = 0; i < THREADS * places; i++) {
            tree.insert(i * 10L, i * 10L + 5, 1);
        }
        inParallel(Executors.newFixedThreadPool(THREADS), THREADS, thread -> {
            for (int version = 2; version < 400; version++) {
                try (Edit edit = tree.edit()) {
                    for (int i = 0; i < places; i++) {
                        final long start = (i * THREADS + thread) * 10L;
                        assertThat(fixture.find(start)).isEqualTo(version - 1);
                        assertThat(edit.replace(start, start + 10, start, start + 1 + version % 9, version)).isTrue();
                    }
                    assertThat(edit.publish()).isTrue();
                }
            }
        });
        assertThat(fixture.entries()).hasSize(THREADS * places).allMatch(entry -> entry.value() == 399);
        fixture.check();
        fixture.checkNoNodeIsLost();
    }

    @Test
    void conflictingEditsMustBeRefusedAndCountersStayExact() throws Exception {
        tree.insert(0, 1, 1);
        final AtomicInteger refused = new AtomicInteger();
        final AtomicInteger published = new AtomicInteger();
        inParallel(Executors.newFixedThreadPool(THREADS), THREADS, thread -> {
            // On a busy machine the threads may come one after the other: goes on until they have met.
            for (int i = 0; i < 3_000 || refused.get() == 0 && i < 3_000_000; i++) {
                boolean through = false;
                while (!through) {
                    try (Edit edit = tree.edit()) {
                        assertThat(edit.replace(0, 1)).isTrue();
                        final long value = fixture.find(0); // another than the edit has replaced: it will be refused
                        assertThat(edit.replace(0, 1, 0, 1, value + 1)).isTrue();
                        through = edit.publish();
                    }
                    (through ? published : refused).incrementAndGet();
                }
            }
        });
        assertThat(fixture.find(0)).isEqualTo(1 + published.get());
        assertThat(published.get()).isGreaterThanOrEqualTo(THREADS * 3_000);
        assertThat(refused.get()).as("conflicts").isPositive();
        fixture.checkNoNodeIsLost();
    }
}
