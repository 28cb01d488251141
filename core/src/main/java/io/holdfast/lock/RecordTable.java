// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import io.holdfast.epoch.ReservedStack;
import io.holdfast.epoch.StripedCounter;
import io.holdfast.epoch.Stripes;
import io.holdfast.layout.RecordLayout;
import io.holdfast.memory.IdleRows;
import io.holdfast.memory.NativeMemory;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Records of regions: a table whose addresses only grow, so that an address of a record can always be read. No two lives of
 * records of the process have the same sequence. Pages in which all records are free can go back to the system.
 *
 * <p>Thread-safe. {@link #allocate()} and {@link #free(long)} are lock-free but for the growth of the table.
 */
public final class RecordTable {
    /*
     * Free records form stacks, one for each stripe of threads; a thread whose own is empty takes from the others. The
     * HEAD of one holds the index of its first record plus one, and a tag that rises with every change, so that a
     * compare-and-set by a thread that slept through a pop and a push of the same record fails:
     *
     *     63 ............ INDEX_BITS   INDEX_BITS-1 ..... 0
     *     TAG                          INDEX + 1, 0 when empty
     *
     * [F1] The link is written before the releasing compare-and-set that publishes the record, and read after an
     *      acquiring read of HEAD. It may be stale when another thread pops first; the tag then refuses the swap.
     *
     * [F2] A trim takes free records as whoever allocates does, and gives back the pages that are full of them. Who still
     *      has the address of one, in a handle whose region is gone, finds zeros: lock word FREE, and an incarnation and a
     *      sequence that no handle and no stamp has, since the first of a record is not below 2. Before it is used again it
     *      gets a new sequence, as a record of a new chunk does: the numbers from which those are made are not used twice.
     */
    static final int FIRST_CHUNK = 1024;
    /** Chunks of a length before the next are twice as long: few hold everything, and the last is a small part of it. */
    private static final int CHUNKS_OF_LENGTH = 4;
    private static final int BORN_AT_ONCE = 64;
    private static final int STRIDE = 16; // heads do not share a line pair
    private static final int INDEX_BITS = 28;
    private static final long INDEX = (1L << INDEX_BITS) - 1;
    private static final long TAG_UNIT = 1L << INDEX_BITS;

    /**
     * Sequences of different records of the process begin far apart, so that an exclusive or optimistic stamp of one
     * region is none of another: multiples of the golden section of a range are never nearer than a third of the range
     * divided by their number. With a million records that is 10^11.
     */
    private static final long GOLDEN = 0x9E3779B97F4A7C15L;

    private static final int UNUSED_BITS = Long.numberOfLeadingZeros(Stamps.SEQUENCES);
    private static final AtomicLong RECORDS = new AtomicLong();

    /**
     * A record whose sequence came this near to its end is not used again; no life is long enough to use up the rest.
     */
    private static final long LAST_SEQUENCE = Stamps.SEQUENCES - (1L << 40);

    private final NativeMemory memory;
    private final AtomicLongArray heads = new AtomicLongArray((Stripes.COUNT + 1) * STRIDE);
    private final StripedCounter inUse = new StripedCounter();
    private final IdleRows idle;
    private volatile long[] chunks = {};

    /** An empty table; memory is taken with the first record. */
    public RecordTable(final NativeMemory memory) {
        this.memory = memory;
        this.idle = new IdleRows(memory, RecordLayout.BYTES);
    }

    /** A detached record that nobody else has. */
    public long allocate() {
        final int mine = Stripes.mine();
        while (true) {
            final int known = chunks.length;
            for (int i = 0; i < Stripes.COUNT; i++) {
                final long record = pop(head(mine + i));
                if (record != 0) {
                    inUse.add(1);
                    return record;
                }
            }
            if (!bear()) {
                grow(known);
            }
        }
    }

    /** Makes some records free whose pages the system had; whether there were any. */
    private boolean bear() {
        ReservedStack.forBeginning(FIRST_CHUNK); // who takes one pushes it
        boolean any = false;
        for (int i = 0; i < BORN_AT_ONCE; i++) {
            final long record = idle.take();
            if (record == 0) {
                return any;
            }
            begin(record, RECORDS.getAndIncrement());
            push(record, indexOf(record));
            any = true;
        }
        return any;
    }

    /** Gives a record a sequence that is far from those of all others [F2]. */
    private static void begin(final long record, final long number) {
        RecordLayout.sequenceRelease(record, number * GOLDEN >>> UNUSED_BITS + 2); // in the lower half
    }

    /**
     * Gives the pages back in which all records are free.
     *
     * @throws OutOfMemoryError if there is no heap to put them in order; nothing has happened then
     */
    public void trim() {
        final long[] free = new long[(int) Math.max(0, capacity() - inUse())];
        ReservedStack.forBeginning(FIRST_CHUNK); // what is taken is given back, or kept
        int count = 0;
        for (int stripe = 0; stripe < Stripes.COUNT; stripe++) {
            long record = -1;
            while (count < free.length && record != 0) {
                record = pop(head(stripe));
                if (record != 0) {
                    free[count] = record;
                    count++;
                }
            }
        }
        idle.giveBack(free, count, record -> push(record, indexOf(record)));
    }

    private long pop(final int head) {
        while (true) {
            final long seen = heads.get(head);
            final int index = (int) (seen & INDEX) - 1;
            if (index < 0) {
                return 0;
            }
            final long record = address(index);
            final long link = RecordLayout.linkOpaque(record); // [F1]
            if (heads.compareAndSet(head, seen, ((seen & ~INDEX) + TAG_UNIT) | (link & INDEX))) {
                return record;
            }
        }
    }

    private static int head(final int stripe) {
        return ((stripe & Stripes.COUNT - 1) + 1) * STRIDE;
    }

    /** Takes a record back that is detached, drained, and out of reach of every pin. */
    public void free(final long record) {
        inUse.add(-1);
        if (hasLives(record)) {
            push(record, indexOf(record));
        }
    }

    /** Whether the record can be used for another life. */
    public static boolean hasLives(final long record) {
        return RecordLayout.sequenceAcquire(record) < LAST_SEQUENCE;
    }

    /** Records that are allocated. */
    public long inUse() {
        return inUse.sum();
    }

    /** Records that exist, free ones included. */
    public long capacity() {
        return first(chunks.length);
    }

    private void push(final long record, final int index) {
        final int head = head(Stripes.mine());
        long seen;
        do {
            seen = heads.get(head);
            RecordLayout.linkOpaque(record, seen & INDEX); // [F1]
        } while (!heads.compareAndSet(head, seen, ((seen & ~INDEX) + TAG_UNIT) | (index + 1L)));
    }

    /** Index of the first record of a chunk. */
    private static long first(final int chunk) {
        final int doubled = chunk / CHUNKS_OF_LENGTH;
        return firstOfLength(doubled) + chunk % CHUNKS_OF_LENGTH * ((long) FIRST_CHUNK << doubled);
    }

    /** Index of the first record in chunks whose length was doubled so often. */
    private static long firstOfLength(final int doubled) {
        return (long) FIRST_CHUNK * CHUNKS_OF_LENGTH * ((1L << doubled) - 1);
    }

    private static long length(final int chunk) {
        return (long) FIRST_CHUNK << chunk / CHUNKS_OF_LENGTH;
    }

    private long address(final int index) {
        final int doubled =
            Long.SIZE - 1 - Long.numberOfLeadingZeros(index / (FIRST_CHUNK * CHUNKS_OF_LENGTH) + 1L);
        final long length = (long) FIRST_CHUNK << doubled;
        final long within = index - firstOfLength(doubled);
        final int chunk = doubled * CHUNKS_OF_LENGTH + (int) (within / length);
        return chunks[chunk] + within % length * RecordLayout.BYTES;
    }

    private int indexOf(final long record) {
        final long[] all = chunks;
        for (int i = all.length - 1; i >= 0; i--) { // most are in the last ones
            final long offset = record - all[i];
            if (offset >= 0 && offset < length(i) * RecordLayout.BYTES) {
                return (int) (first(i) + offset / RecordLayout.BYTES);
            }
        }
        throw new IllegalArgumentException("not a record: address=0x" + Long.toHexString(record));
    }

    private synchronized void grow(final int known) {
        if (chunks.length != known) {
            return;
        }
        final int chunk = known;
        final long first = first(chunk);
        final long length = length(chunk);
        if (first + length > INDEX) {
            throw new IllegalStateException("too many regions: records=" + first);
        }
        final long[] grown = Arrays.copyOf(chunks, chunk + 1);
        final long base = memory.mapTable(length * RecordLayout.BYTES);
        if (base % RecordLayout.BYTES != 0) {
            throw new IllegalStateException("record table is misaligned: base=0x" + Long.toHexString(base));
        }
        grown[chunk] = base;
        chunks = grown;
        final long number = RECORDS.getAndAdd(length);
        for (long i = length - 1; i >= 0; i--) {
            final long record = base + i * RecordLayout.BYTES;
            begin(record, number + i);
            push(record, (int) (first + i));
        }
    }

    /** Length of the table in bytes, without the pages that were given back. */
    public long bytes() {
        return capacity() * RecordLayout.BYTES - idle.bytes();
    }
}
