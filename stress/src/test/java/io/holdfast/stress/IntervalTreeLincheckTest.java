// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.Edit;
import io.holdfast.tree.IntervalTree;
import io.holdfast.tree.TreeTuning;
import java.util.concurrent.atomic.AtomicInteger;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;

/**
 * Linearizability of the interval tree: a few addresses in which intervals are inserted, removed, replaced and put into
 * gaps must look to Lincheck as if one thread did it (G6, G7).
 *
 * <p>All instances share one tree, each has a window of it to itself, so a window's leaves are shared with its neighbours
 * and split, merge and change owners all the time. Stress mode alone: the state is off-heap, where the model checker has no
 * switch points.
 */
@Param(name = "at", gen = IntGen.class, conf = "0:7")
@Param(name = "length", gen = IntGen.class, conf = "1:3")
@Param(name = "value", gen = IntGen.class, conf = "1:9")
public class IntervalTreeLincheckTest {
    private static final int WINDOWS = 256;
    private static final int WINDOW = 10;
    private static final EpochDomain DOMAIN = RegionState.MEMBARRIER;
    private static final IntervalTree TREE = new IntervalTree(DOMAIN, NativeMemory.system(), 0,
        (long) WINDOWS * WINDOW, new TreeTuning(3, 3, 1, 4));
    private static final AtomicInteger NEXT = new AtomicInteger();

    private final long low = (long) (NEXT.getAndIncrement() & WINDOWS - 1) * WINDOW;
    private final long high = low + WINDOW;

    /** An empty window. */
    public IntervalTreeLincheckTest() {
        if (!TREE.replace(low, high)) {
            throw new IllegalStateException("an interval reaches out of its window");
        }
    }

    private static void letOthersIn() {
        YieldingIdleStrategy.INSTANCE.idle();
    }

    /** Value at an address. */
    @Operation
    public long find(@Param(name = "at") final int at) {
        DOMAIN.pin();
        try {
            return TREE.find(low + at);
        } finally {
            DOMAIN.unpin();
        }
    }

    /** Inserts where nothing overlaps. */
    @Operation
    public boolean insert(@Param(name = "at") final int at, @Param(name = "length") final int length,
                          @Param(name = "value") final int value) {
        return TREE.insert(low + at, low + at + length, value);
    }

    /** Removes what starts at an address. */
    @Operation
    public long remove(@Param(name = "at") final int at) {
        return TREE.remove(low + at);
    }

    /** Replaces what lies in a range by one interval that fills it; its value alone changes where it stands already. */
    @Operation
    public boolean renew(@Param(name = "at") final int at, @Param(name = "length") final int length,
                         @Param(name = "value") final int value) {
        return TREE.replace(low + at, low + at + length, low + at, low + at + length, value);
    }

    /** Replaces what lies in a range by one interval at its beginning. */
    @Operation
    public boolean replace(@Param(name = "at") final int at, @Param(name = "length") final int length,
                           @Param(name = "value") final int value) {
        return TREE.replace(low + at, low + at + length, low + at, low + at + 1, value);
    }

    private long inWindow(final long start) {
        return start < 0 ? start : start - low;
    }

    /** Inserts into a gap, lowest first. */
    @Operation
    public long insertLowest(@Param(name = "length") final int size, @Param(name = "value") final int value) {
        return inWindow(TREE.insertIntoGap(size, 1, low, high, true, value));
    }

    /** Inserts into a gap, highest first. */
    @Operation
    public long insertHighest(@Param(name = "length") final int size, @Param(name = "value") final int value) {
        return inWindow(TREE.insertIntoGap(size, 1, low, high, false, value));
    }

    /** Clears one place and fills another in one edit, which is tried until nobody has changed either place. */
    @Operation
    public boolean clearAndFill(@Param(name = "at") final int cleared, @Param(name = "at") final int filled,
                                @Param(name = "value") final int value) {
        while (true) {
            try (Edit edit = TREE.edit()) {
                if (!edit.replace(low + cleared, low + cleared + 1)) {
                    return false; // an interval lay across when the edit began
                }
                letOthersIn();
                if (!edit.replace(low + filled, low + filled + 1, low + filled, low + filled + 1, value)) {
                    return false;
                }
                if (edit.publish()) {
                    return true;
                }
            }
        }
    }

    private static StressOptions options() {
        return new StressOptions().iterations(40).invocationsPerIteration(1_000).threads(3).actorsPerThread(3)
            .actorsBefore(2).actorsAfter(2).minimizeFailedScenario(false);
    }

    @Test
    void theTreeMustBeLinearizable() {
        options().check(IntervalTreeLincheckTest.class);
    }

    @Test
    void anInsertThatLooksFirstMustBeCaught() {
        final AssertionError caught = assertThrows(AssertionError.class,
            () -> options().iterations(200).check(Busted.class), "seen: an insert over another");
        assertTrue(caught.getMessage().contains("Invalid execution results"), caught::getMessage);
    }

    /** A tree whose insert looks, and then overwrites. */
    public static class Busted extends IntervalTreeLincheckTest {
        @Override
        @Operation
        public boolean insert(@Param(name = "at") final int at, @Param(name = "length") final int length,
                              @Param(name = "value") final int value) {
            for (int i = at; i < at + length; i++) {
                if (find(i) != 0) {
                    return false;
                }
            }
            letOthersIn();
            return super.replace(at, length, value);
        }
    }
}
