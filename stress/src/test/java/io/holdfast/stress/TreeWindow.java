// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.Edit;
import io.holdfast.tree.IntervalTree;
import io.holdfast.tree.TreeTuning;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** A few addresses of an interval tree, in which intervals come and go in every way, for Lincheck. */
@Param(name = "at", gen = IntGen.class, conf = "0:7")
@Param(name = "length", gen = IntGen.class, conf = "1:3")
@Param(name = "value", gen = IntGen.class, conf = "1:9")
public abstract class TreeWindow {
    /** Addresses in a window: those at which intervals begin, and what the last of them can cover. */
    static final int SIZE = 10;

    private final EpochDomain domain;
    private final IntervalTree tree;
    private final long low;
    private final long high;

    /** An empty window, from an address on. */
    protected TreeWindow(final EpochDomain domain, final IntervalTree tree, final long low) {
        this.domain = domain;
        this.tree = tree;
        this.low = low;
        this.high = low + SIZE;
        if (!tree.replace(low, high)) {
            throw new IllegalStateException("an interval reaches out of its window");
        }
    }

    /** A tree of so many windows, whose nodes are small, so that they split, merge and change owners all the time. */
    static IntervalTree tree(final EpochDomain domain, final int windows) {
        return new IntervalTree(domain, NativeMemory.system(), 0, (long) windows * SIZE, new TreeTuning(3, 3, 1, 4));
    }

    private static void letOthersIn() {
        YieldingIdleStrategy.INSTANCE.idle();
    }

    /** Value at an address. */
    @Operation
    public long find(@Param(name = "at") final int at) {
        domain.pin();
        try {
            return tree.find(low + at);
        } finally {
            domain.unpin();
        }
    }

    /** Inserts where nothing overlaps. */
    @Operation
    public boolean insert(@Param(name = "at") final int at, @Param(name = "length") final int length,
                          @Param(name = "value") final int value) {
        return tree.insert(low + at, low + at + length, value);
    }

    /** An insert that looks first, and then overwrites: a defect that Lincheck must find. */
    final boolean insertAfterALook(final int at, final int length, final int value) {
        for (int i = at; i < at + length; i++) {
            if (find(i) != 0) {
                return false;
            }
        }
        letOthersIn();
        return renew(at, length, value);
    }

    /** Removes what starts at an address. */
    @Operation
    public long remove(@Param(name = "at") final int at) {
        return tree.remove(low + at);
    }

    /** Replaces what lies in a range by one interval that fills it; its value alone changes where it stands already. */
    @Operation
    public boolean renew(@Param(name = "at") final int at, @Param(name = "length") final int length,
                         @Param(name = "value") final int value) {
        return tree.replace(low + at, low + at + length, low + at, low + at + length, value);
    }

    /** Replaces what lies in a range by one interval at its beginning. */
    @Operation
    public boolean replace(@Param(name = "at") final int at, @Param(name = "length") final int length,
                           @Param(name = "value") final int value) {
        return tree.replace(low + at, low + at + length, low + at, low + at + 1, value);
    }

    private long inWindow(final long start) {
        return start < 0 ? start : start - low;
    }

    /** Inserts into a gap, lowest first. */
    @Operation
    public long insertLowest(@Param(name = "length") final int size, @Param(name = "value") final int value) {
        return inWindow(tree.insertIntoGap(size, 1, low, high, true, value));
    }

    /** Inserts into a gap, highest first. */
    @Operation
    public long insertHighest(@Param(name = "length") final int size, @Param(name = "value") final int value) {
        return inWindow(tree.insertIntoGap(size, 1, low, high, false, value));
    }

    /** Clears one place and fills another in one edit, which is tried until nobody has changed either place. */
    @Operation
    public boolean clearAndFill(@Param(name = "at") final int cleared, @Param(name = "at") final int filled,
                                @Param(name = "value") final int value) {
        while (true) {
            try (Edit edit = tree.edit()) {
                if (!edit.replace(low + cleared, low + cleared + 1)) {
                    return false; // an interval lies across where the edit has come to
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
}
