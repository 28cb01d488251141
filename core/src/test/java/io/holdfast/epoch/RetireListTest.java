// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.layout.Words;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.junit.jupiter.api.Test;

/** Deferred reclaiming: nothing under an earlier pin, everything after it, each item once (G1, G3, G9, G10). */
class RetireListTest {
    private static final int EPERM = 1;

    private final EpochDomain domain = EpochTestSupport.newDomain();
    private final List<Long> reclaimed = new ArrayList<>();

    @Test
    void nothingMustBeReclaimedUnderAnEarlierPin() {
        final RetireList list = new RetireList(domain, 4, reclaimed::add);
        for (final Peer peer : List.of(Peer.platform(), Peer.virtual())) {
            try (peer) {
                reclaimed.clear();
                peer.run(domain::pin);
                for (long item = 1; item <= 8; item++) {
                    list.retire(item);
                }
                assertThat(list.collect()).isZero();
                assertThat(reclaimed).isEmpty();
                assertThat(list.pending()).isEqualTo(8);
                peer.run(domain::unpin);
                assertThat(list.collect()).isEqualTo(8);
                assertThat(reclaimed).containsExactlyInAnyOrder(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L);
                assertThat(list.pending()).isZero();
            }
        }
    }

    /** G9: what is made unreachable behind a point of no return can be handed over with a full heap. */
    @Test
    void whatRoomWasReservedForMustNeedNoHeap() {
        final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        final RetireList list = new RetireList(domain, 4, item -> { });
        long allocated = 0;
        for (int round = 0; round < 3; round++) { // the first ones load classes
            list.reserve(41);
            final long before = threads.getCurrentThreadAllocatedBytes();
            for (long item = 1; item <= 41; item++) {
                list.retireReserved(item, 1);
            }
            allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertThat(allocated).isZero();
    }

    /** Whoever reserves and gives back, others complete batches that are not full: the room is there all the same. */
    @Test
    void whatRoomWasReservedForMustFindIt() throws Exception {
        final AtomicLong count = new AtomicLong();
        final RetireList list = new RetireList(domain, 4, item -> count.incrementAndGet());
        final int rounds = 20_000;
        final List<Thread> threads = new ArrayList<>();
        final AtomicLong failures = new AtomicLong();
        for (int i = 1; i <= 3; i++) {
            final int used = i;
            threads.add(Thread.ofPlatform().uncaughtExceptionHandler((_, _) -> failures.incrementAndGet()).start(() -> {
                for (int round = 0; round < rounds; round++) {
                    list.reserve(used + 2);
                    for (long item = 1; item <= used; item++) {
                        list.retireReserved(item, 0);
                    }
                    list.unreserve(2);
                    list.collectAll();
                }
            }));
        }
        for (final Thread thread : threads) {
            thread.join();
        }
        list.drain(YieldingIdleStrategy::new);
        assertThat(failures).hasValue(0);
        assertThat(count).hasValue(6L * rounds);
    }

    @Test
    void theBytesOfFullBatchesMustBeKnownUntilTheyAreReclaimed() {
        final RetireList list = new RetireList(domain, 2, reclaimed::add);
        try (Peer peer = Peer.platform()) {
            peer.run(domain::pin);
            list.retire(1, 100);
            assertThat(list.bytes()).isZero();
            list.retire(2, 1L << 40);
            list.retire(3);
            assertThat(list.bytes()).isEqualTo(100 + (1L << 40));
            list.retire(4, 7);
            assertThat(list.bytes()).isEqualTo(107 + (1L << 40));
            peer.run(domain::unpin);
        }
        list.retire(5, 1);
        list.drain(YieldingIdleStrategy::new);
        assertThat(reclaimed).hasSize(5);
        assertThat(list.bytes()).isZero();
        assertThatThrownBy(() -> new RetireList(domain, 1 << 20, reclaimed::add))
            .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("batchSize=1048576");
    }

    @Test
    void aLaterPinMustNotHoldItemsBack() {
        final RetireList list = new RetireList(domain, 2, reclaimed::add);
        domain.pin();
        list.retire(1);
        list.retire(2);
        domain.unpin();
        try (Peer peer = Peer.platform()) {
            peer.run(domain::pin);
            list.collect();
            peer.run(domain::unpin);
        }
        assertThat(reclaimed).containsExactlyInAnyOrder(1L, 2L);
    }

    @Test
    void anIncompleteBatchMustWaitForTheDrain() {
        final RetireList list = new RetireList(domain, 8, reclaimed::add);
        list.retire(1);
        assertThat(list.collect()).isZero();
        list.drain(YieldingIdleStrategy::new);
        assertThat(reclaimed).containsExactly(1L);
        list.drain(YieldingIdleStrategy::new);
        list.retire(2);
        list.drain(YieldingIdleStrategy::new);
        assertThat(reclaimed).containsExactly(1L, 2L);
    }

    /** A batch shares one heavy barrier. */
    @Test
    void aBatchMustCostOneBarrier() {
        final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
        final EpochDomain counted = EpochTestSupport.lightDomain(memory);
        final Peer reader = EpochTestSupport.lightPeer(counted);
        final RetireList list = new RetireList(counted, 32, reclaimed::add);
        final long before = memory.calls(NativeCall.MEMBARRIER);
        for (long item = 1; item <= 320; item++) {
            list.retire(item);
        }
        assertThat(reclaimed).hasSize(320);
        assertThat(memory.calls(NativeCall.MEMBARRIER) - before).isEqualTo(10);
        reader.close();
    }

    /** G10. */
    @Test
    void misuseMustBeRefused() {
        final RetireList list = new RetireList(domain, 2, reclaimed::add);
        assertThatThrownBy(() -> list.retire(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> list.retire(Long.MIN_VALUE)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new RetireList(domain, 0, reclaimed::add)).isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("batchSize=0");
        domain.pin();
        assertThatThrownBy(() -> list.drain(YieldingIdleStrategy::new)).isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("would wait for itself");
        domain.unpin();
        assertThat(list.pending()).isZero();
    }

    /** G9: the barrier fails while a batch is on its way; it is reclaimed later, and exactly once. */
    @Test
    void aFailingBarrierMustLoseNothing() {
        final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
        final EpochDomain failing = EpochTestSupport.lightDomain(memory);
        final Peer reader = EpochTestSupport.lightPeer(failing);
        final RetireList list = new RetireList(failing, 2, reclaimed::add);
        memory.failFrom(NativeCall.MEMBARRIER, 1, EPERM, FaultInjectingMemory.Damage.NONE);
        list.retire(1);
        list.retire(2); // it has been handed over: who heard of the failure would hand it over again
        assertThatThrownBy(list::collect).isInstanceOf(IllegalStateException.class);
        assertThat(list.pending()).isEqualTo(2);
        memory.disarm();
        list.retire(3);
        list.drain(YieldingIdleStrategy::new);
        assertThat(reclaimed).containsExactlyInAnyOrder(1L, 2L, 3L);
        reader.close();
    }

    /** G9: what the reclaiming of one item throws costs no other item. */
    @Test
    void aFailingReclaimMustLoseNothingElse() {
        final RetireList list = new RetireList(domain, 4, item -> {
            if (item == 2) {
                throw new IllegalStateException("cannot reclaim: item=" + item);
            }
            reclaimed.add(item);
        });
        list.retire(1);
        list.retire(2);
        list.retire(3);
        list.retire(4);
        list.drain(YieldingIdleStrategy::new);
        assertThat(reclaimed).containsExactlyInAnyOrder(1L, 3L, 4L);
        assertThat(list.pending()).isZero();
    }

    @Test
    void reclaimingMayRetire() {
        final RetireList[] self = new RetireList[1];
        final RetireList list = new RetireList(domain, 1, item -> {
            reclaimed.add(item);
            if (item > 1) {
                self[0].retire(item - 1);
            }
        });
        self[0] = list;
        list.retire(5);
        list.drain(YieldingIdleStrategy::new);
        assertThat(reclaimed).containsExactly(5L, 4L, 3L, 2L, 1L);
    }

    /** A drain waits for what was retired before it, and not for what comes meanwhile and never gets a full batch. */
    @Test
    void aDrainMustNotWaitForWhatIsRetiredAfterIt() {
        final RetireList list = new RetireList(domain, 8, item -> { });
        try (Peer pinned = Peer.platform(); Peer drainer = Peer.platform(); Peer latePin = Peer.platform()) {
            pinned.run(domain::pin);
            list.retire(1);
            final FutureTask<Boolean> drained = drainer.begin(() -> {
                list.drain(YieldingIdleStrategy::new);
                return true;
            });
            EpochTestSupport.await("the drain's grace period", () -> list.pending() == 1 &&
                drainer.thread().isAlive());
            list.retire(2);
            latePin.run(domain::pin);
            pinned.run(domain::unpin);
            latePin.run(domain::unpin);
            assertThat(EpochTestSupport.result(drained)).isTrue();
            assertThat(list.pending()).isLessThanOrEqualTo(1);
            list.drain(YieldingIdleStrategy::new);
            assertThat(list.pending()).isZero();
        }
    }

    /** G6: drains end although others retire without a pause. */
    @Test
    void drainsMustEndUnderContinuousRetiring() {
        final RetireList list = new RetireList(domain, 16, item -> { });
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong retired = new AtomicLong();
        EpochTestSupport.together(3, thread -> {
            if (thread == 0) {
                for (int i = 0; i < 200 || retired.get() == 0; i++) {
                    list.retire(i + 1);
                    list.drain(YieldingIdleStrategy::new);
                }
                stop.set(true);
                return;
            }
            while (!stop.get()) {
                if (list.pending() < 100_000) { // more than that could use up the heap where the collector is held up
                    list.retire(retired.incrementAndGet());
                }
            }
        });
        list.drain(YieldingIdleStrategy::new);
        assertThat(list.pending()).isZero();
    }

    /** G1, G3: readers pin and read under many retiring threads; each item is reclaimed once, none under a pin. */
    @Test
    void manyThreadsMustRetireExactly() {
        final int writers = 3;
        final int rounds = 20_000;
        final NativeMemory memory = NativeMemory.system();
        final long cells = memory.mapTable((long) writers * (rounds + 1) * Words.BYTES);
        final long roots = memory.mapTable(writers * (long) Words.BYTES);
        final AtomicIntegerArray counts = new AtomicIntegerArray(writers * (rounds + 1));
        final RetireList list = new RetireList(domain, 7, item -> {
            Words.putVolatile(item, -1);
            counts.incrementAndGet((int) ((item - cells) / Words.BYTES));
        });
        final AtomicLong done = new AtomicLong();
        final AtomicLong reads = new AtomicLong();
        EpochTestSupport.together(writers + 1, thread -> {
            if (thread == writers) {
                while (done.get() < writers) {
                    domain.pin();
                    for (int i = 0; i < writers; i++) {
                        final long item = Words.getAcquire(roots + i * (long) Words.BYTES);
                        if (item != 0 && Words.getOpaque(item) == -1) {
                            throw new AssertionError("reclaimed under a pin");
                        }
                        reads.incrementAndGet();
                    }
                    domain.unpin();
                }
                return;
            }
            try {
                final long root = roots + thread * (long) Words.BYTES;
                for (int i = 0; i < rounds; i++) {
                    final long item = cells + ((long) thread * (rounds + 1) + i) * Words.BYTES;
                    final long old = Words.getAndSet(root, item);
                    if (old != 0) {
                        list.retire(old);
                    }
                }
            } finally {
                done.incrementAndGet();
            }
        });
        list.drain(YieldingIdleStrategy::new);
        assertThat(list.pending()).isZero();
        assertThat(reads.get()).isPositive();
        for (int writer = 0; writer < writers; writer++) {
            for (int i = 0; i < rounds; i++) {
                assertThat(counts.get(writer * (rounds + 1) + i)).isEqualTo(i == rounds - 1 ? 0 : 1);
            }
        }
    }
}
