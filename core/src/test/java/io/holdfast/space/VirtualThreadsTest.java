// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.Guard;
import io.holdfast.Pin;
import io.holdfast.Refusal;
import io.holdfast.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;

/** A hundred thousand virtual threads that guard and pin, all at once. */
class VirtualThreadsTest extends SpaceFixture {
    private static final int THREADS = 100_000;
    private static final int MOST_SLOTS_EACH = 4;

    @Test
    void aHundredThousandThreadsMustHoldGuardsAndPinsAtOnceAndBeWaitedFor() throws Exception {
        final Region region = space.map(PAGE);
        put(region, 0, 5);
        final long orphans = space.statistics().orphanedSlots(); // counted over all spaces that had these addresses
        final CountDownLatch inside = new CountDownLatch(THREADS);
        final CountDownLatch leave = new CountDownLatch(1);
        final LongAdder right = new LongAdder();
        final List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            threads.add(Thread.ofVirtual().start(() -> {
                try (Pin pin = space.pin(); Guard guard = region.share()) {
                    inside.countDown();
                    leave.await();
                    if (guard.segment().get(JAVA_LONG, 0) == 5 && pin.find(region.address()) == null) {
                        right.increment();
                    }
                } catch (final InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }));
        }
        inside.await();
        assertThat(region.tryExclusive().refusal()).isEqualTo(Refusal.SHARED);
        final Threads.Work<Boolean> unmap = Threads.start(() -> {
            region.unmap();
            return true;
        });
        idle.awaitWaiter();
        assertThat(unmap.isDone()).isFalse();
        leave.countDown();
        for (final Thread thread : threads) {
            thread.join();
        }
        assertThat(unmap.get()).isTrue();
        assertThat(right.sum()).as("threads that read right, and did not find what was being unmapped").isEqualTo(THREADS);
        assertThat(space.statistics().orphanedSlots()).isEqualTo(orphans);
        assertThat(space.statistics().readerSlots()).isBetween(THREADS, THREADS * MOST_SLOTS_EACH);
    }
}
