// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.layout.NodeLayout;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.TreeFixture.Entry;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.junit.jupiter.api.Test;

/** Pages of a tree's nodes go back to the system when all nodes in them are free, and no others (G9). */
class TreeTrimTest {
    private static final int MANY = 20_000;
    private static final int CHANGERS = 3;
    private static final int CHANGES = 60_000;
    private static final int NO_MEMORY = 12;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private final TreeFixture fixture = TreeFixture.with(memory, TreeFixture.TINY, 10L * CHANGERS * MANY);
    private final IntervalTree tree = fixture.tree;

    private void insert(final int from, final int to) {
        for (int i = from; i < to; i++) {
            assertThat(tree.insert(i * 10L, i * 10L + 5, i + 1)).isTrue();
        }
    }

    private void remove(final int from, final int to) {
        for (int i = from; i < to; i++) {
            assertThat(tree.remove(i * 10L)).isEqualTo(i + 1);
        }
    }

    private void trim() {
        tree.drain(BackoffIdleStrategy::new);
        tree.trim();
    }

    @Test
    void nodesOfATreeThatWasLargeMustGoBackAndBeThereAgain() {
        insert(0, 100);
        final long few = tree.nodes();
        for (int round = 0; round < 3; round++) {
            insert(100, MANY);
            final long before = tree.bytes();
            remove(100, MANY);
            trim();
            assertThat(tree.bytes()).isLessThan(before / 10);
            assertThat(tree.nodes()).isGreaterThan(10 * few);
            fixture.check();
            fixture.checkNoNodeIsLost();
            assertThat(fixture.entries()).hasSize(100);
            assertThat(tree.nodes()).as("as many as in the first round").isLessThan(3 * MANY);
        }
    }

    @Test
    void nodesThatTheKernelDoesNotTakeMustStay() {
        insert(0, MANY);
        final List<Entry> entries = fixture.entries();
        final long before = tree.bytes();
        remove(0, MANY);
        memory.failFrom(NativeCall.MADVISE, 1, NO_MEMORY, Damage.NONE);
        trim();
        memory.disarm();
        assertThat(tree.bytes()).isEqualTo(before);
        fixture.checkNoNodeIsLost();
        insert(0, MANY);
        assertThat(fixture.entries()).isEqualTo(entries);
        assertThat(tree.bytes()).isEqualTo(before);
    }

    /** Nodes that a trim has in hand, or given back, are in no other hands. */
    @Test
    void changesMustGoOnBesideTrims() {
        final AtomicInteger running = new AtomicInteger(CHANGERS);
        final AtomicLong given = new AtomicLong();
        EpochTestSupport.together(CHANGERS + 1, thread -> {
            if (thread == CHANGERS) {
                long known = tree.bytes();
                while (running.get() != 0) {
                    tree.collectAll();
                    tree.trim();
                    final long now = tree.bytes();
                    given.addAndGet(Math.max(0, known - now));
                    known = now;
                }
                return;
            }
            try {
                final SplittableRandom random = new SplittableRandom(thread);
                final int from = thread * MANY;
                int size = 0;
                boolean grows = true;
                for (int i = 0; i < CHANGES; i++) {
                    if (grows) {
                        insert(from + size, from + size + 1);
                        size++;
                        grows = size < MANY && random.nextInt(MANY / 4) != 0;
                    } else {
                        size--;
                        remove(from + size, from + size + 1);
                        grows = size == 0;
                    }
                }
                remove(from, from + size);
            } finally {
                running.decrementAndGet();
            }
        });
        assertThat(given).as("bytes given back beside them").hasPositiveValue();
        assertThat(fixture.entries()).isEmpty();
        fixture.check();
        fixture.checkNoNodeIsLost();
        trim();
        assertThat(tree.bytes()).isLessThan(tree.nodes() * NodeLayout.BYTES / 4);
    }
}
