// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.layout.RecordLayout;
import io.holdfast.layout.Words;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.NativeMemory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** The table of records: G5 (nothing starts over) and G9 (nothing is lost). */
class RecordTableTest {
    private static final int ENOMEM = 12;

    private final RecordTable table = new RecordTable(NativeMemory.system());

    @Test
    void recordsMustBeDistinctAndAlignedWhileTheTableGrows() {
        final int count = 10 * RecordTable.FIRST_CHUNK;
        final Set<Long> all = new HashSet<>();
        for (int i = 0; i < count; i++) {
            final long record = table.allocate();
            assertThat(record % RecordLayout.BYTES).isZero();
            assertThat(RecordLayout.lockVolatile(record)).isZero();
            all.add(record);
        }
        assertThat(all).hasSize(count);
        assertThat(table.inUse()).isEqualTo(count);
        assertThat(table.capacity()).isBetween((long) count, count + count / 4L);
        assertThat(table.bytes()).isEqualTo(table.capacity() * RecordLayout.BYTES);
        for (final long record : all) {
            table.free(record);
        }
        assertThat(table.inUse()).isZero();
        final long capacity = table.capacity();
        for (int i = 0; i < count; i++) {
            all.remove(table.allocate());
        }
        assertThat(all).as("the same records again").isEmpty();
        assertThat(table.capacity()).isEqualTo(capacity);
    }

    /** G5: a record goes on where its last life ended. */
    @Test
    void reuseMustKeepTheSequence() {
        final long record = table.allocate();
        RecordLayout.sequenceVolatile(record, 4711);
        table.free(record);
        assertThat(table.allocate()).isEqualTo(record);
        assertThat(RecordLayout.sequenceAcquire(record)).isEqualTo(4711);
    }

    /** T9, G5: a record near the end of its sequence is not used again. */
    @Test
    void aRecordMustBeRetiredBeforeItsSequenceEnds() {
        final long record = table.allocate();
        RecordLayout.sequenceVolatile(record, Long.MAX_VALUE - 1000);
        table.free(record);
        assertThat(table.inUse()).isZero();
        final long capacity = table.capacity();
        for (long i = 1; i < capacity; i++) {
            assertThat(table.allocate()).isNotEqualTo(record);
        }
        assertThat(table.capacity()).isEqualTo(capacity);
    }

    @Test
    void stampsOfDifferentRecordsMustDiffer() {
        final Set<Long> sequences = new HashSet<>();
        for (int i = 0; i < 3 * RecordTable.FIRST_CHUNK; i++) {
            sequences.add(RegionLock.attach(table.allocate()));
        }
        assertThat(sequences).hasSize(3 * RecordTable.FIRST_CHUNK);
    }

    /** G9. */
    @Test
    void aTableThatCannotGrowMustStayUsable() {
        final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
        final RecordTable local = new RecordTable(memory);
        memory.failFrom(NativeCall.MMAP, 1, ENOMEM, FaultInjectingMemory.Damage.NONE);
        assertThatThrownBy(local::allocate).isInstanceOf(NativeException.class);
        memory.disarm();
        final ArrayDeque<Long> mine = new ArrayDeque<>();
        for (int i = 0; i < RecordTable.FIRST_CHUNK; i++) {
            mine.add(local.allocate());
        }
        memory.failFrom(NativeCall.MMAP, 1, ENOMEM, FaultInjectingMemory.Damage.NONE);
        assertThatThrownBy(local::allocate).isInstanceOf(NativeException.class);
        assertThat(local.inUse()).isEqualTo(RecordTable.FIRST_CHUNK);
        local.free(mine.remove());
        assertThat(local.allocate()).isNotZero();
        memory.disarm();
        assertThat(local.allocate()).isNotZero();
    }

    @Test
    void aForeignAddressMustBeRefused() {
        final long foreign = NativeMemory.system().mapTable(RecordLayout.BYTES);
        table.allocate();
        assertThatThrownBy(() -> table.free(foreign)).isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("not a record: address=0x");
    }

    private Set<Long> allocate(final int count) {
        final Set<Long> all = new LinkedHashSet<>();
        for (int i = 0; i < count; i++) {
            final long record = table.allocate();
            RegionLock.attach(record);
            RecordLayout.lockRelease(record, 0); // as if it had been detached and reclaimed
            all.add(record);
        }
        return all;
    }

    @Test
    void trimMustGiveBackPagesThatAreFreeAndNoOthers() {
        final int count = 4 * RecordTable.FIRST_CHUNK;
        final Map<Long, Long> kept = new HashMap<>();
        final List<Long> freed = new ArrayList<>();
        for (final long record : allocate(count)) {
            if (freed.size() % RecordTable.FIRST_CHUNK == 0 && freed.size() == kept.size() * RecordTable.FIRST_CHUNK) {
                kept.put(record, RecordLayout.sequence(record));
            } else {
                freed.add(record);
            }
        }
        final long before = table.bytes();
        freed.forEach(table::free);
        table.trim();
        final long pages = freed.stream().filter(record -> RecordLayout.sequence(record) == 0).count() * RecordLayout.BYTES;
        assertThat(table.bytes()).isEqualTo(before - pages);
        assertThat(pages).isGreaterThan(before * 9 / 10);
        kept.forEach((record, sequence) -> assertThat(RecordLayout.sequence(record)).isEqualTo(sequence));
        table.trim();
        assertThat(table.bytes()).as("once").isEqualTo(before - pages);
    }

    /** G5: [F2] */
    @Test
    void recordsOfPagesThatWereGivenBackMustGetNewSequences() {
        final int count = 4 * RecordTable.FIRST_CHUNK;
        final Set<Long> all = allocate(count);
        final Set<Long> sequences = new HashSet<>();
        for (int round = 1; round <= 5; round++) {
            for (final long record : all) {
                sequences.add(RecordLayout.incarnation(record));
                table.free(record);
            }
            assertThat(sequences).as("none twice").hasSize(round * count).doesNotContain(0L);
            table.trim();
            assertThat(table.bytes()).isLessThan(RecordTable.FIRST_CHUNK * (long) RecordLayout.BYTES);
            assertThat(table.inUse()).isZero();
            assertThat(allocate(count)).as("the same records").isEqualTo(all);
        }
        assertThat(table.capacity()).isEqualTo(count);
    }

    /** G9: the kernel keeps what is locked in memory, for example. */
    @Test
    void whatTheKernelDoesNotTakeMustStayInUse() {
        final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
        final RecordTable local = new RecordTable(memory);
        final Set<Long> all = new HashSet<>();
        for (int i = 0; i < RecordTable.FIRST_CHUNK; i++) {
            all.add(local.allocate());
        }
        all.forEach(local::free);
        memory.failFrom(NativeCall.MADVISE, 1, ENOMEM, FaultInjectingMemory.Damage.NONE);
        local.trim();
        assertThat(local.bytes()).isEqualTo(local.capacity() * RecordLayout.BYTES);
        for (int i = 0; i < RecordTable.FIRST_CHUNK; i++) {
            all.remove(local.allocate());
        }
        assertThat(all).isEmpty();
        assertThat(local.capacity()).isEqualTo(RecordTable.FIRST_CHUNK);
    }

    /** A record that is in use is in no page that goes, and belongs to one thread, whoever trims. */
    @Test
    void trimMustTakeNothingFromThreadsThatAllocateAndFree() {
        final AtomicInteger running = new AtomicInteger(3);
        final AtomicLong given = new AtomicLong();
        final Map<Long, Integer> owners = new ConcurrentHashMap<>();
        EpochTestSupport.together(4, thread -> {
            if (thread == 0) {
                while (running.get() != 0) {
                    table.trim();
                    given.addAndGet(table.capacity() * RecordLayout.BYTES - table.bytes());
                }
                return;
            }
            final SplittableRandom random = new SplittableRandom(thread);
            final ArrayDeque<Long> mine = new ArrayDeque<>();
            try {
                for (int i = 0; i < 300_000; i++) {
                    final boolean full = mine.size() > random.nextInt(2 * RecordTable.FIRST_CHUNK);
                    if (full || mine.size() > 0 && random.nextInt(3) == 0) {
                        final long record = mine.remove();
                        if (RecordLayout.start(record) != (long) thread << 12 || !owners.remove(record, thread)) {
                            throw new AssertionError("not its owner's: record=0x" + Long.toHexString(record));
                        }
                        table.free(record);
                    } else {
                        final long record = table.allocate();
                        if (owners.putIfAbsent(record, thread) != null || RecordLayout.sequence(record) == 0) {
                            throw new AssertionError("allocated twice: record=0x" + Long.toHexString(record));
                        }
                        RecordLayout.describe(record, 0, (long) thread << 12, (long) thread << 12, 0);
                        mine.add(record);
                    }
                }
                mine.forEach(owners::remove);
                mine.forEach(table::free);
            } finally {
                running.decrementAndGet();
            }
        });
        assertThat(given).as("bytes given back beside them").hasPositiveValue();
        assertThat(table.inUse()).isZero();
        final Set<Long> all = allocate((int) table.capacity());
        assertThat(all).as("none is lost").hasSize((int) table.capacity());
    }

    /** Pops and pushes of the same few records by many threads: no record is ever given to two of them. */
    @Test
    void noRecordMustBelongToTwoThreads() {
        final long owners = NativeMemory.system().mapTable(1L << 20);
        final long first = table.allocate();
        table.free(first);
        EpochTestSupport.together(4, thread -> {
            final SplittableRandom random = new SplittableRandom(thread);
            final ArrayDeque<Long> mine = new ArrayDeque<>();
            for (int i = 0; i < 200_000 || !mine.isEmpty(); i++) {
                if ((i < 200_000 && mine.size() < 3 && random.nextBoolean()) || mine.isEmpty()) {
                    final long record = table.allocate();
                    RecordLayout.describe(record, i, 0, 0, 0); // overwrites the link, as owners do
                    RecordLayout.compareAndSetEnded(record, 0, random.nextLong());
                    if (!Words.compareAndSet(owners + (record - first) / RecordLayout.BYTES * Words.BYTES, 0, 1)) {
                        throw new AssertionError("allocated twice: record=0x" + Long.toHexString(record));
                    }
                    mine.add(record);
                } else {
                    final long record = mine.remove();
                    Words.putVolatile(owners + (record - first) / RecordLayout.BYTES * Words.BYTES, 0);
                    table.free(record);
                }
            }
        });
        assertThat(table.inUse()).isZero();
        assertThat(table.capacity()).isEqualTo(RecordTable.FIRST_CHUNK);
    }
}
