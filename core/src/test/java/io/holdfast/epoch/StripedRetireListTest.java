// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.junit.jupiter.api.Test;

/** Lists of threads that must not meet: what one list promises holds for all together. */
class StripedRetireListTest {
    private static final int THREADS = 4;
    private static final int ITEMS = 1000;

    private final EpochDomain domain = EpochTestSupport.newDomain();
    private final Set<Long> reclaimed = ConcurrentHashMap.newKeySet();
    private final StripedRetireList list =
        new StripedRetireList(domain, 7, item -> assertThat(reclaimed.add(item)).as("once").isTrue());

    private void retireFromManyThreads() {
        EpochTestSupport.together(THREADS, thread -> {
            for (long i = 1; i <= ITEMS; i++) {
                list.retire(thread * (long) ITEMS + i, 1);
            }
        });
    }

    @Test
    void drainMustReclaimWhatAllThreadsRetired() {
        retireFromManyThreads();
        list.drain(YieldingIdleStrategy::new);
        assertThat(list.pending()).isZero();
        assertThat(reclaimed).hasSize(THREADS * ITEMS);
    }

    @Test
    void aPinMustKeepWhatAnyThreadRetiresAfterIt() {
        domain.pin();
        retireFromManyThreads();
        assertThat(list.collectAll()).isZero();
        assertThat(reclaimed).isEmpty();
        assertThat(list.pending()).isEqualTo(THREADS * ITEMS);
        domain.unpin();
        assertThat(list.collectAll()).as("all batches").isEqualTo(THREADS * ITEMS);
        list.drain(YieldingIdleStrategy::new);
        assertThat(reclaimed).hasSize(THREADS * ITEMS);
    }

    @Test
    void collectAllMustReclaimWhatFillsNoBatchButNothingUnderAPin() {
        domain.pin();
        list.retire(1, 1);
        assertThat(list.collectAll()).isZero();
        domain.unpin();
        assertThat(list.collectAll()).as("of the batch that was completed").isOne();
        list.retire(2, 1);
        assertThat(list.collectAll()).isOne();
        assertThat(reclaimed).containsExactlyInAnyOrder(1L, 2L);
        assertThat(list.pending()).isZero();
    }

    @Test
    void threadsStartedOneAfterAnotherMustNotMeet() throws InterruptedException {
        final Set<Integer> places = ConcurrentHashMap.newKeySet();
        for (int i = 0; i < 4 * Stripes.COUNT; i++) {
            final Thread thread = new Thread(() -> places.add(Stripes.mine()));
            thread.start();
            thread.join();
        }
        assertThat(places).hasSizeGreaterThan(Stripes.COUNT / 2);
        assertThat(Stripes.COUNT).isBetween(1, 16);
        assertThat(Integer.bitCount(Stripes.COUNT)).isEqualTo(1);
    }
}
