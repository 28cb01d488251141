// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Rows of a table whose pages have gone back to the system, until they are taken again. They are zeros, in whole or in
 * part, and can be read at any time.
 *
 * <p>Thread-safe and lock-free. {@link #take()} needs no heap.
 */
public final class IdleRows {
    /*
     * A stack of runs of neighbouring rows. A run is only ever emptied, row by row, and is not pushed again, so its removal
     * from the top cannot hit another.
     */
    private final NativeMemory memory;
    private final long mask;
    private final long rowBytes;
    private final AtomicReference<@Nullable Run> top = new AtomicReference<>();

    private static final class Run {
        final AtomicLong next; // row to be taken
        final long to;
        @Nullable Run older;

        Run(final long from, final long to) {
            this.next = new AtomicLong(from);
            this.to = to;
        }
    }

    /**
     * None.
     *
     * @param rowBytes length of a row of the table
     */
    public IdleRows(final NativeMemory memory, final long rowBytes) {
        this.memory = memory;
        this.mask = memory.pageSize() - 1L;
        this.rowBytes = rowBytes;
    }

    /**
     * Gives the pages back that lie within these rows, and has the rows of which all or a part is gone; the others go to
     * {@code keep}, which must not throw. Those for which there is no heap, or whose pages the kernel keeps, are kept too.
     *
     * @param rows  addresses of rows that nobody else uses, put in order here
     * @param count how many
     */
    public void giveBack(final long[] rows, final int count, final LongConsumer keep) {
        int at = 0;
        try {
            Arrays.sort(rows, 0, count);
            while (at < count) {
                int end = at + 1;
                while (end < count && rows[end] == rows[end - 1] + rowBytes) {
                    end++;
                }
                final long first = rows[at] + mask & ~mask;
                final long last = rows[end - 1] + rowBytes & ~mask;
                int gone = end;
                int left = end;
                if (first < last) {
                    gone = at + (int) ((first - rows[at]) / rowBytes);
                    left = end - (int) ((rows[end - 1] + rowBytes - last) / rowBytes);
                }
                final Run run = gone < left ? new Run(rows[gone], rows[left - 1] + rowBytes) : null;
                if (run != null && memory.dropTable(first, last - first)) {
                    while (at < gone) {
                        keep.accept(rows[at]);
                        at++;
                    }
                    push(run);
                    at = left; // no call in between
                }
                while (at < end) {
                    keep.accept(rows[at]);
                    at++;
                }
            }
        } finally {
            while (at < count) {
                keep.accept(rows[at]);
                at++;
            }
        }
    }

    private void push(final Run run) {
        Run older;
        do {
            older = top.get();
            run.older = older;
        } while (!top.compareAndSet(older, run));
    }

    /** Takes a row, which is anything but for its address; 0 if there is none. */
    public long take() {
        Run run = top.get();
        while (run != null) {
            final long row = run.next.get() < run.to ? run.next.getAndAdd(rowBytes) : run.to;
            if (row < run.to) {
                return row;
            }
            top.compareAndSet(run, run.older);
            run = top.get();
        }
        return 0;
    }

    /** Bytes of the pages that the system has; more than that by a part of a page for each run. */
    public long bytes() {
        long bytes = 0;
        for (Run run = top.get(); run != null; run = run.older) {
            bytes += Math.max(0, run.to - run.next.get());
        }
        return bytes;
    }
}
