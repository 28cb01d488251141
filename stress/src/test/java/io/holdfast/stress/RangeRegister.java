// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RangeLock.Entry;
import io.holdfast.lock.RangeLock.Mode;
import io.holdfast.lock.RangeLock.Passage;
import java.util.Objects;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;

/** A register that sections and changes of overlapping ranges read and write in every mode, for Lincheck. */
public abstract class RangeRegister extends RegionState {
    private static final long PAGE = 4096;

    private final RangeLock ranges = new RangeLock(domain, 4 * PAGE, (wanted, blocking, elapsedNs) -> { });

    /** A fresh register; changes announce themselves in the domain. */
    protected RangeRegister(final EpochDomain domain) {
        super(domain);
    }

    private static Waiting patient() {
        return new Waiting(YieldingIdleStrategy::new, Waiting.FOREVER, false, Waiting.FOREVER);
    }

    private Entry acquire(final long start, final long end, final Mode mode) {
        try (Waiting waiting = patient()) {
            return Objects.requireNonNull(ranges.acquire(start, end, mode, waiting));
        }
    }

    private static void letOthersIn() {
        YieldingIdleStrategy.INSTANCE.idle();
    }

    /** Reads in a read section. */
    @Operation
    public int readInSection() {
        final Entry entry = acquire(PAGE, 3 * PAGE, Mode.READ);
        final int value = readSlowly();
        ranges.release(entry);
        return value;
    }

    /** Reads in a single change. */
    @Operation
    public int readInChange() {
        try (Waiting waiting = patient();
            Passage passage = Objects.requireNonNull(ranges.enter("change", PAGE, 2 * PAGE, waiting))) {
            return readSlowly();
        }
    }

    /** Writes in a write section, reads in what it becomes, and returns what was there before. */
    @Operation
    public int exchange(@Param(gen = IntGen.class, conf = "1:5") final int value) {
        final Entry entry = acquire(0, 2 * PAGE, Mode.WRITE);
        final int before = readSlowly();
        letOthersIn();
        write(value);
        ranges.downgrade(entry);
        final int seen = readSlowly();
        ranges.release(entry);
        return seen == value ? before : -2;
    }

    /** What {@link #exchange} does, without a section: a defect that Lincheck must find. */
    final int exchangeWithoutSection(final int value) {
        final int before = readSlowly();
        letOthersIn();
        write(value);
        return before;
    }

    /** Adds one in an upgraded section where that is granted, and otherwise in a write section. */
    @Operation
    public int increment() {
        final Entry read = acquire(0, 4 * PAGE, Mode.READ);
        final Entry upgraded = ranges.tryUpgrade(read);
        final Entry write;
        if (upgraded == null) {
            ranges.release(read);
            write = acquire(PAGE, 2 * PAGE, Mode.WRITE);
        } else {
            write = upgraded;
        }
        final int value = readSlowly() + 1;
        letOthersIn();
        write(value);
        ranges.release(write);
        return value;
    }
}
