// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.tree.IntervalTree;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.StressOptions;
import org.junit.jupiter.api.Test;

/**
 * Linearizability of the interval tree: a few addresses in which intervals are inserted, removed, replaced and put into
 * gaps must look to Lincheck as if one thread did it (G6, G7).
 *
 * <p>All instances share one tree, each has a window of it to itself, so a window's leaves are shared with its neighbours.
 * Stress mode; {@link StructureModelCheckingTest} chooses schedules.
 */
class IntervalTreeLincheckTest {
    private static final int WINDOWS = 256;
    private static final IntervalTree TREE = TreeWindow.tree(RegionState.MEMBARRIER, WINDOWS);
    private static final AtomicInteger NEXT = new AtomicInteger();

    private static StressOptions options() {
        return new StressOptions().iterations(40).invocationsPerIteration(1_000).threads(3).actorsPerThread(3)
            .actorsBefore(2).actorsAfter(2).minimizeFailedScenario(false);
    }

    @Test
    void theTreeMustBeLinearizable() {
        options().check(Window.class);
    }

    @Test
    void anInsertThatLooksFirstMustBeCaught() {
        final AssertionError caught = assertThrows(AssertionError.class,
            () -> options().iterations(200).check(Busted.class), "seen: an insert over another");
        assertTrue(caught.getMessage().contains("Invalid execution results"), caught::getMessage);
    }

    /** The next window. */
    public static class Window extends TreeWindow {
        /** An empty one. */
        public Window() {
            super(RegionState.MEMBARRIER, TREE, (long) (NEXT.getAndIncrement() & WINDOWS - 1) * SIZE);
        }
    }

    /** A tree whose insert looks, and then overwrites. */
    public static class Busted extends Window {
        @Override
        @Operation
        public boolean insert(@Param(name = "at") final int at, @Param(name = "length") final int length,
                              @Param(name = "value") final int value) {
            return insertAfterALook(at, length, value);
        }
    }
}
