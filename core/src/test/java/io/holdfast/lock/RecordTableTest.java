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
import java.util.HashSet;
import java.util.Set;
import java.util.SplittableRandom;
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
