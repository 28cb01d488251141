// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.Behind;
import io.holdfast.layout.Findings;
import io.holdfast.layout.RecordLayout;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Looks at all records of a table while no thread is inside: each is free, or attached and open, or on its way from one to
 * the other, and is exactly one of these.
 */
public final class RecordInspector {
    private static final long INDEX = (1L << 28) - 1;
    private static final int STRIDE = 16;
    private static final long LAST_SEQUENCE = Stamps.SEQUENCES - (1L << 40);

    private final RecordTable table;
    private final Lifetimes lifetimes;
    private final EpochDomain domain;
    private final Findings findings;
    private final long[] chunks;
    private final Set<Long> free = new HashSet<>();

    /** For the records of a table, whose times are of {@code lifetimes}, and whose readers are in {@code domain}. */
    public RecordInspector(final RecordTable table, final Lifetimes lifetimes, final EpochDomain domain,
                           final Findings findings) {
        this.table = table;
        this.lifetimes = lifetimes;
        this.domain = domain;
        this.findings = findings;
        this.chunks = (long[]) Behind.field(table, "chunks");
        collectFree();
        collectIdle();
    }

    private void collectIdle() {
        Object run = ((AtomicReference<?>) Behind.field(Behind.field(table, "idle"), "top")).get();
        while (run != null) {
            final long to = (long) Behind.field(run, "to");
            for (long record = ((AtomicLong) Behind.field(run, "next")).get(); record < to; record += RecordLayout.BYTES) {
                findings.require(free.add(record), "an idle record is free twice", record);
                findings.require(RecordLayout.sequenceAcquire(record) == 0, "an idle record is not zero", record);
            }
            run = Behind.fieldOrNull(run, "older");
        }
    }

    private void collectFree() {
        final AtomicLongArray heads = (AtomicLongArray) Behind.field(table, "heads");
        for (int head = STRIDE; head < heads.length(); head += STRIDE) {
            long link = heads.get(head) & INDEX;
            while (link != 0) {
                final long record = link <= table.capacity() ? address(link - 1) : 0;
                if (!findings.require(record != 0, "a free record's link leads nowhere, index", link) ||
                    !findings.require(free.add(record), "a record is free twice", record)) {
                    return;
                }
                link = RecordLayout.linkOpaque(record) & INDEX;
            }
        }
    }

    private static long length(final int chunk) {
        return (long) RecordTable.FIRST_CHUNK << chunk / 4;
    }

    private long address(final long index) {
        long first = 0;
        for (int i = 0; i < chunks.length; i++) {
            if (index < first + length(i)) {
                return chunks[i] + (index - first) * RecordLayout.BYTES;
            }
            first += length(i);
        }
        return 0;
    }

    /** Whether an address is that of a record of the table. */
    public boolean isRecord(final long address) {
        for (int i = 0; i < chunks.length; i++) {
            if (address >= chunks[i] && address < chunks[i] + length(i) * RecordLayout.BYTES) {
                return (address - chunks[i]) % RecordLayout.BYTES == 0;
            }
        }
        return false;
    }

    /**
     * Notes what is wrong with a record that the tree shows.
     *
     * @return whether it is attached
     */
    public boolean checkShown(final long record) {
        if (!findings.require(isRecord(record), "the tree shows what is no record", record)) {
            return false;
        }
        findings.require(!free.contains(record), "a free record is in the tree", record);
        final long lock = RecordLayout.lockAcquire(record);
        if ((lock & RecordLayout.ATTACHED) == 0) {
            return false;
        }
        if ((lock & RecordLayout.WRITER) == 0 || (lock & RecordLayout.SECTION) != 0 ||
            !domain.isDeadWriter(RecordLayout.owner(lock))) { // what the dead have left is whoever's who waits for it
            checkOpen(record, lock);
        }
        final long begun = RecordLayout.begunVolatile(record);
        findings.require(!RecordLayout.isToBeStamped(begun), "the beginning of a life was never stamped", record);
        findings.require(begun <= lifetimes.clock.get(), "a life begins after now", record);
        findings.require(RecordLayout.endedVolatile(record) == 0, "an attached record has ended", record);
        return true;
    }

    private void checkOpen(final long record, final long lock) {
        final long open = SectionLock.withoutEnded(lock);
        findings.require((open & ~RecordLayout.AWAITED) == RecordLayout.ATTACHED, "an attached record is not open, " +
            RecordLayout.describeLock(open) + ", record", record);
        final long sequence = RecordLayout.sequenceAcquire(record);
        findings.require(open != lock || (sequence & 1) == 0,
            "an open record has an odd sequence, " + sequence + ", record", record);
        final long incarnation = RecordLayout.incarnationAcquire(record);
        findings.require((incarnation & 1) == 0 && incarnation <= sequence, "an incarnation is not of this life, " +
            incarnation + ", sequence=" + sequence + ", record", record);
    }

    /**
     * Notes what is wrong with all the other records.
     *
     * @param shown   the records in the tree
     * @param waiting records whose unmap has not come to its end
     */
    public void checkOthers(final Set<Long> shown, final Set<Long> waiting) {
        for (int chunk = 0; chunk < chunks.length; chunk++) {
            for (long i = 0; i < length(chunk); i++) {
                final long record = chunks[chunk] + i * RecordLayout.BYTES;
                if (!shown.contains(record)) {
                    checkHidden(record, waiting.contains(record));
                }
            }
        }
    }

    private void checkHidden(final long record, final boolean waits) {
        final long lock = RecordLayout.lockAcquire(record);
        final long sequence = RecordLayout.sequenceAcquire(record);
        findings.require((lock & RecordLayout.ATTACHED) == 0, "an attached record is not in the tree, " +
            RecordLayout.describeLock(lock) + ", record", record);
        if (free.contains(record)) {
            findings.require(lock == 0, "a free record is locked, " + RecordLayout.describeLock(lock) + ", record", record);
            findings.require(RecordLayout.incarnationAcquire(record) == 0 || (sequence & 1) != 0,
                "a free record that had a life has an even sequence, record", record);
        } else {
            findings.require(waits || sequence >= LAST_SEQUENCE, "a record is lost: neither free nor in the tree, " +
                RecordLayout.describeLock(lock) + ", record", record);
        }
    }

    /** Notes if the table counts others than there are. */
    public void checkCount() {
        findings.require(table.inUse() == table.capacity() - free.size() - exhausted(), "records are miscounted: free=" +
            free.size() + ", of=" + table.capacity() + ", counted in use", table.inUse());
    }

    private long exhausted() {
        long exhausted = 0;
        for (int chunk = 0; chunk < chunks.length; chunk++) {
            for (long i = 0; i < length(chunk); i++) {
                final long record = chunks[chunk] + i * RecordLayout.BYTES;
                exhausted += !free.contains(record) && RecordLayout.lockAcquire(record) == 0 &&
                    RecordLayout.sequenceAcquire(record) >= LAST_SEQUENCE ? 1 : 0;
            }
        }
        return exhausted;
    }
}
