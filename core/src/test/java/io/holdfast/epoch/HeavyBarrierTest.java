// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.lang.reflect.Field;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The writer's barrier: G8 (one, shared where writers meet), and what happens when the call fails (G9); T9. */
class HeavyBarrierTest {
    private static final int EPERM = 1;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    private long calls() {
        return memory.calls(NativeCall.MEMBARRIER);
    }

    private HeavyBarrier barrier(final BarrierFlavour flavour, final int patience) {
        assertThat(HeavyBarrier.register(memory)).isTrue();
        return new HeavyBarrier(memory, flavour, patience);
    }

    @Test
    void aLonelyCallerMustIssueOneBarrierEachTime() {
        final HeavyBarrier barrier = barrier(BarrierFlavour.MEMBARRIER, 1000);
        final long before = calls();
        for (int i = 0; i < 100; i++) {
            barrier.run();
        }
        assertThat(calls() - before).isEqualTo(100);
    }

    /** T9: tickets only rise, and are compared whole, whatever they have come to. */
    @Test
    void aCallerMustBeServedNearEveryLimitOfTheTickets() throws ReflectiveOperationException {
        final HeavyBarrier barrier = barrier(BarrierFlavour.MEMBARRIER, 1000);
        for (final long limit : new long[] {1L << 31, 1L << 32, 1L << 53, Long.MAX_VALUE}) {
            for (final String name : new String[] {"started", "finished"}) {
                final Field field = HeavyBarrier.class.getDeclaredField(name);
                field.setAccessible(true);
                field.setLong(barrier, limit - 3);
            }
            for (int i = 0; i < (limit == Long.MAX_VALUE ? 3 : 6); i++) {
                final long before = calls();
                barrier.run();
                assertThat(calls() - before).as("limit=%s, caller=%s", limit, i).isEqualTo(1);
            }
        }
    }

    @Test
    void theFenceFlavourMustNotCallTheSystem() {
        final HeavyBarrier barrier = barrier(BarrierFlavour.FENCE, 1000);
        final long before = calls();
        barrier.run();
        assertThat(calls()).isEqualTo(before);
    }

    /**
     * While one caller's barrier is in flight others arrive: two of them at least are served by one barrier, and never
     * by the one that was in flight when they came.
     */
    @Test
    void callersThatArriveTogetherMustShareTheNextBarrier() {
        final HeavyBarrier barrier = barrier(BarrierFlavour.MEMBARRIER, Integer.MAX_VALUE);
        boolean shared = false;
        for (int round = 0; round < 10_000 && !shared; round++) {
            final AtomicInteger arrived = new AtomicInteger();
            final AtomicInteger inFlight = new AtomicInteger();
            memory.arm(call -> {
                if (inFlight.getAndIncrement() == 0) {
                    EpochTestSupport.await("the others", () -> arrived.get() == 3);
                    for (int i = 0; i < 100; i++) {
                        EpochTestSupport.letOthersRun();
                    }
                }
                return false;
            }, 1, 1, EPERM, FaultInjectingMemory.Damage.NONE);
            final long before = calls();
            EpochTestSupport.together(4, thread -> {
                if (thread != 0) {
                    EpochTestSupport.await("a barrier in flight", () -> inFlight.get() != 0);
                    arrived.incrementAndGet();
                }
                barrier.run();
            });
            final long issued = calls() - before;
            assertThat(issued).as("who arrives during a barrier is not served by it").isBetween(2L, 4L);
            shared = issued < 4;
        }
        assertThat(shared).as("seen: a shared barrier").isTrue();
    }

    /** A caller is not held up for long by one that has stopped in the middle of its barrier. */
    @Test
    void aStalledCallerMustNotStopTheOthers() {
        final HeavyBarrier barrier = barrier(BarrierFlavour.MEMBARRIER, 100);
        final AtomicInteger inFlight = new AtomicInteger();
        final AtomicInteger passed = new AtomicInteger();
        memory.arm(call -> {
            if (inFlight.getAndIncrement() == 0) {
                EpochTestSupport.await("the other to be done", () -> passed.get() == 5);
            }
            return false;
        }, 1, 1, EPERM, FaultInjectingMemory.Damage.NONE);
        EpochTestSupport.together(2, thread -> {
            if (thread == 0) {
                barrier.run();
                return;
            }
            EpochTestSupport.await("a barrier in flight", () -> inFlight.get() != 0);
            for (int i = 0; i < 5; i++) {
                barrier.run();
                passed.incrementAndGet();
            }
        });
        assertThat(passed).hasValue(5);
    }

    @Test
    void aCallerMustNotBeServedByABarrierThatFailed() {
        final HeavyBarrier barrier = barrier(BarrierFlavour.MEMBARRIER, 1000);
        memory.failFrom(NativeCall.MEMBARRIER, 1, EPERM, FaultInjectingMemory.Damage.NONE);
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(barrier::run).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("membarrier failed: command=PRIVATE_EXPEDITED, errno=1")
                .hasMessageContaining("-Dio.holdfast.barrier=fence");
        }
        memory.disarm();
        final long before = calls();
        barrier.run();
        assertThat(calls() - before).isEqualTo(1);
    }

    @Test
    void aRefusedExpeditedBarrierMustBeReplacedByTheSlowOne() {
        final HeavyBarrier barrier = barrier(BarrierFlavour.MEMBARRIER, 1000);
        memory.failNth(NativeCall.MEMBARRIER, 1, EPERM, FaultInjectingMemory.Damage.NONE);
        final long before = calls();
        barrier.run();
        assertThat(calls() - before).isEqualTo(2);
        assertThat(memory.faults()).isEqualTo(1);
    }

    @Test
    void manyCallersMustAllReturn() {
        final HeavyBarrier barrier = barrier(BarrierFlavour.MEMBARRIER, 50);
        EpochTestSupport.together(4, thread -> {
            for (int i = 0; i < 2_000; i++) {
                barrier.run();
            }
        });
        assertThat(calls()).isPositive();
    }
}
