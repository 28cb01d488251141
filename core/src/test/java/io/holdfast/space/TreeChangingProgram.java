// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import com.sun.management.ThreadMXBean;
import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.IntervalTree;
import io.holdfast.tree.TreeTuning;
import java.lang.management.ManagementFactory;
import java.util.Locale;
import java.util.function.LongUnaryOperator;

/** Counts the heap that lookups and changes of a tree cost, once it has its size; exits with 0 if that is nothing. */
final class TreeChangingProgram {
    private static final int INTERVALS = 10_000;
    private static final int OPERATIONS = 50_000;
    private static final int ROUNDS = 20;
    private static final int ROW = 3;
    private static final double LOOKUP_BYTES = 0.5; // the smallest object has 16
    private static final double CHANGE_BYTES = 40; // a batch of replaced nodes, for every so many changes
    private static final long STEP = 10;

    private static IntervalTree tree;

    private TreeChangingProgram() {
    }

    public static void main(final String[] args) {
        final BarrierFlavour flavour = BarrierFlavour.valueOf(
            System.getProperty("io.holdfast.barrier", "membarrier").toUpperCase(Locale.ROOT));
        final EpochDomain domain = EpochDomain.create(NativeMemory.system(), flavour, 0);
        tree = new IntervalTree(domain, NativeMemory.system(), 0, 1L << 40, TreeTuning.DEFAULT);
        for (int i = 0; i < INTERVALS; i++) {
            tree.insert(i * STEP, i * STEP + STEP / 2, i + 1);
        }
        domain.pin();
        boolean all = isFree("find", LOOKUP_BYTES, address -> tree.find(address));
        domain.unpin();
        all &= isFree("insert and remove", CHANGE_BYTES, address -> {
            tree.remove(address);
            return tree.insert(address, address + STEP / 2, address / STEP + 1) ? 1 : 0;
        });
        final long[] interval = new long[3];
        all &= isFree("replace", CHANGE_BYTES, address -> {
            interval[0] = address;
            interval[1] = address + STEP / 2;
            interval[2] = address / STEP + 1;
            return tree.replace(address, address + STEP / 2, interval) ? 1 : 0;
        });
        all &= isFree("gap", CHANGE_BYTES, address -> {
            final long start = tree.insertIntoGap(1, 1, address, 1L << 40, true, 1);
            tree.remove(start);
            return start;
        });
        System.exit(all ? 0 : 1);
    }

    private static boolean isFree(final String operation, final double most, final LongUnaryOperator action) {
        final ThreadMXBean allocations = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int row = 0;
        for (int round = 0; round < ROUNDS && row < ROW; round++) {
            final long before = allocations.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < OPERATIONS; i++) {
                if (action.applyAsLong(i * 7L % INTERVALS * STEP) == 0) {
                    throw new AssertionError(operation + " found nothing: " + i);
                }
            }
            final double each = (double) (allocations.getCurrentThreadAllocatedBytes() - before) / OPERATIONS;
            System.out.println(operation + ": bytes for each: " + each);
            row = each < most ? row + 1 : 0;
        }
        return row == ROW;
    }
}
