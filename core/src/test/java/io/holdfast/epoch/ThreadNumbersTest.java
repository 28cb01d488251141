// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ThreadNumbersTest {
    private static final int THREADS = 4;
    private static final int MOST_ROUNDS = 10_000;

    private final ThreadNumbers numbers = new ThreadNumbers();

    /** Ids modulo the number of stripes would put all of them in one. */
    @Test
    void threadsWhoseIdsAreMultiplesOfThePlacesMustNotMeet() {
        assertThat(IntStream.range(1, 17).map(i -> numbers.of(i * 64L) % 16).distinct().count()).isEqualTo(16);
    }

    @Test
    void aThreadMustKeepItsNumber() {
        final int first = numbers.of(7);
        numbers.of(8);
        assertThat(numbers.of(7)).isEqualTo(first);
    }

    @Test
    void anyIdMustHaveAPositiveNumberOfWhichThereAreFew() {
        final Set<Integer> seen = ConcurrentHashMap.newKeySet();
        for (long id = -ThreadNumbers.KNOWN; id < 3L * ThreadNumbers.KNOWN; id++) {
            seen.add(numbers.of(id));
        }
        seen.add(numbers.of(Long.MAX_VALUE));
        seen.add(numbers.of(Long.MIN_VALUE));
        assertThat(seen).hasSize(ThreadNumbers.KNOWN).allMatch(number -> number > 0);
    }

    /** Until two threads have given a number for one id: a number is lost then, and the last ones are larger. */
    @Test
    void allMustAgreeOnTheNumberOfAThread() throws Exception {
        boolean met = false;
        for (int i = 0; i < MOST_ROUNDS && !met; i++) {
            final int[][] seen = seenByThreads(new ThreadNumbers());
            assertThat(Arrays.stream(seen)).allMatch(each -> Arrays.equals(each, seen[0]));
            met = Arrays.stream(seen[0]).max().orElseThrow() > ThreadNumbers.KNOWN;
        }
        assertThat(met).as("two threads met").isTrue();
    }

    private static int[][] seenByThreads(final ThreadNumbers numbers) throws InterruptedException {
        final CyclicBarrier begin = new CyclicBarrier(THREADS);
        final List<Thread> all = new ArrayList<>();
        final int[][] seen = new int[THREADS][ThreadNumbers.KNOWN];
        for (final int[] mine : seen) {
            all.add(Thread.ofPlatform().start(() -> {
                try {
                    begin.await();
                } catch (final Exception e) {
                    throw new IllegalStateException(e);
                }
                for (int id = 0; id < mine.length; id++) {
                    mine[id] = numbers.of(id);
                }
            }));
        }
        for (final Thread thread : all) {
            thread.join();
        }
        return seen;
    }
}
