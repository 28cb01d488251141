// SPDX-License-Identifier: Apache-2.0
package io.holdfast.layout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.memory.NativeMemory;
import io.holdfast.memory.Reservation;
import org.junit.jupiter.api.Test;

/** Records, slots and words: fields do not overlap, masks do not either, and what is unaligned is refused. */
class RecordLayoutTest {
    private final long table = NativeMemory.system().mapTable(4096);
    private final long record = table + RecordLayout.BYTES;
    private final long slot = table + 4 * SlotLayout.BYTES;

    @Test
    void theBitFieldsOfTheLockWordMustNotOverlap() {
        final long[] fields = {RecordLayout.COUNT, RecordLayout.ATTACHED, RecordLayout.EXCLUDING,
            RecordLayout.EXCLUSIVE, RecordLayout.AWAITED, RecordLayout.OWNER};
        long all = 0;
        for (final long field : fields) {
            assertThat(all & field).isZero();
            all |= field;
        }
        assertThat(all).isEqualTo(Long.MAX_VALUE);
        assertThat(RecordLayout.WRITER).isEqualTo(RecordLayout.EXCLUDING | RecordLayout.EXCLUSIVE);
        assertThat(RecordLayout.COUNT_LIMIT).isLessThan(RecordLayout.COUNT);
        final long owned = RecordLayout.owned(123_456_789);
        assertThat(owned & ~RecordLayout.OWNER).isZero();
        assertThat(RecordLayout.owner(owned | RecordLayout.ATTACHED | RecordLayout.COUNT)).isEqualTo(123_456_789);
    }

    /** T9: a thread with the greatest id there can be must not look like a write section. */
    @Test
    void aThreadsIdMustNotBeTakenForASectionsTicket() {
        for (final long id : new long[] {(1L << RecordLayout.TICKET_BITS) - 1, (1L << RecordLayout.TICKET_BITS) + 1,
            3L << RecordLayout.TICKET_BITS - 1, (1L << 48) - 1, Long.MAX_VALUE}) {
            assertThat(RecordLayout.owned(id) & RecordLayout.SECTION).as("id=" + id).isZero();
            assertThat(RecordLayout.owned(id)).as("id=" + id).isPositive();
        }
    }

    @Test
    void theFieldsOfARecordMustNotOverlapAndStayInside() {
        RecordLayout.lockRelease(record, 1);
        RecordLayout.sequenceVolatile(record, 2);
        RecordLayout.incarnationRelease(record, 3);
        RecordLayout.sizeRelease(record, 4);
        RecordLayout.describe(record, 5, 6 << 12, 7 << 12, 8);
        RecordLayout.begunToBeStamped(record, 9);
        final long toBeStamped = RecordLayout.begunVolatile(record);
        RecordLayout.compareAndSetEnded(record, 0, 10);
        assertThat(new long[] {RecordLayout.lockAcquire(record), RecordLayout.sequence(record),
            RecordLayout.incarnation(record), RecordLayout.sizeAcquire(record), RecordLayout.base(record),
            RecordLayout.start(record) >> 12, RecordLayout.limit(record) >> 12, RecordLayout.kind(record),
            toBeStamped - Long.MIN_VALUE, RecordLayout.endedVolatile(record)})
            .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        assertNeighboursAreUntouched(record, RecordLayout.BYTES);
    }

    /** The largest space there can be, at both its ends, under the highest addresses that a process has. */
    @Test
    void theExtentsOfTheLargestSpaceMustFitIntoARecord() {
        final long capacity = Reservation.MAX_CAPACITY;
        final long base = (1L << 48) - 1;
        for (final long[] extent : new long[][] {{0, 4096}, {0, capacity}, {4096, capacity}, {0, capacity - 4096},
            {capacity - 4096, capacity}, {capacity / 2 - 4096, capacity / 2 + 4096}}) {
            RecordLayout.describe(record, base, extent[0], extent[1], 0xFF);
            assertThat(RecordLayout.start(record)).isEqualTo(extent[0]);
            assertThat(RecordLayout.limit(record)).isEqualTo(extent[1]);
            assertThat(RecordLayout.base(record)).isEqualTo(base);
            assertThat(RecordLayout.kind(record)).isEqualTo(0xFF);
            RecordLayout.removeKind(record, 0x82);
            assertThat(RecordLayout.kind(record)).isEqualTo(0x7D);
            RecordLayout.addKind(record, 0x80);
            assertThat(RecordLayout.kind(record)).isEqualTo(0xFD);
            assertThat(RecordLayout.limit(record)).isEqualTo(extent[1]);
            assertThat(RecordLayout.base(record)).isEqualTo(base);
        }
    }

    /** A request for a stamp is no time, and no time looks like one. */
    @Test
    void timesMustBeToldFromWhatStandsInTheirPlace() {
        for (final long incarnation : new long[] {0, 2, Long.MAX_VALUE - 1}) {
            RecordLayout.begunToBeStamped(record, incarnation);
            assertThat(RecordLayout.isToBeStamped(RecordLayout.begunVolatile(record))).isTrue();
        }
        for (final long time : new long[] {0, 1, Long.MAX_VALUE}) {
            assertThat(RecordLayout.isToBeStamped(time)).isFalse();
        }
    }

    private static void assertNeighboursAreUntouched(final long address, final int bytes) {
        for (int i = 0; i < bytes; i += Words.BYTES) {
            assertThat(Words.get(address - bytes + i)).isZero();
            assertThat(Words.get(address + bytes + i)).isZero();
        }
    }

    /** A drain passes over a slot in which nothing is announced, whichever of two hazards ends first. */
    @Test
    void aSlotMustAnnounceNothingOnlyWithoutPinAndHazards() {
        assertThat(SlotLayout.announcedOpaque(slot)).isZero();
        SlotLayout.pinOpaque(slot, 1);
        assertThat(SlotLayout.announcedOpaque(slot)).isNotZero();
        SlotLayout.pinRelease(slot, 0);
        for (int first = 0; first < SlotLayout.HAZARDS; first++) {
            for (int second = 0; second < SlotLayout.HAZARDS; second++) {
                for (final boolean inOrder : new boolean[] {true, false}) {
                    final String name = "hazards " + first + ", " + second + ", in order " + inOrder;
                    SlotLayout.hazardOpaque(slot, first, 64);
                    SlotLayout.hazardOpaque(slot, second, 128);
                    assertThat(SlotLayout.announcedOpaque(slot)).as(name).isNotZero();
                    SlotLayout.hazardRelease(slot, inOrder ? first : second);
                    assertThat(SlotLayout.announcedOpaque(slot) == 0).as(name).isEqualTo(first == second);
                    SlotLayout.hazardRelease(slot, inOrder ? second : first);
                    assertThat(SlotLayout.announcedOpaque(slot)).as(name).isZero();
                }
            }
        }
    }

    @Test
    void theFieldsOfASlotMustNotOverlapAndStayInside() {
        SlotLayout.pinOpaque(slot, 1);
        for (int i = 0; i < SlotLayout.HAZARDS; i++) {
            SlotLayout.hazardOpaque(slot, i, 100 + 2 * i);
            SlotLayout.number(slot, i, 200 + i);
        }
        assertThat(SlotLayout.claim(slot, 2)).isTrue();
        assertThat(SlotLayout.claim(slot, 3)).isFalse();
        SlotLayout.depth(slot, 4);
        SlotLayout.extension(slot, 5);
        SlotLayout.announceRange(slot, 6 * 4096, 7 * 4096);
        SlotLayout.structureOpaque(slot, 8);
        SlotLayout.structureDepth(slot, 9);
        assertThat(new long[] {SlotLayout.pin(slot), SlotLayout.pinAcquire(slot), SlotLayout.ownerAcquire(slot),
            SlotLayout.depth(slot), SlotLayout.extension(slot), SlotLayout.rangeStartAcquire(slot) / 4096,
            SlotLayout.rangeEnd(SlotLayout.rangeEndVolatile(slot)) / 4096, SlotLayout.structureAcquire(slot),
            SlotLayout.structureDepth(slot)})
            .containsExactly(1, 1, 2, 4, 5, 6, 7, 8, 9);
        for (int i = 0; i < SlotLayout.HAZARDS; i++) {
            assertThat(SlotLayout.hazard(slot, i)).isEqualTo(SlotLayout.hazardAcquire(slot, i)).isEqualTo(100 + 2 * i);
            assertThat(SlotLayout.hazardAddress(slot, i) - slot).as("in the first cache line").isLessThan(64);
            assertThat(SlotLayout.isStamped(slot, i)).isFalse();
            assertThat(SlotLayout.number(slot, i)).isEqualTo(200 + i);
            SlotLayout.stamped(slot, i, true);
            assertThat(SlotLayout.isStamped(slot, i)).isTrue();
            assertThat(SlotLayout.hazard(slot, i)).isEqualTo(SlotLayout.hazardAcquire(slot, i)).isEqualTo(100 + 2 * i);
        }
        SlotLayout.ownerRelease(slot);
        SlotLayout.pinRelease(slot, 0);
        assertThat(SlotLayout.ownerAcquire(slot)).isZero();
        assertThat(SlotLayout.pin(slot)).isZero();
        assertNeighboursAreUntouched(slot, SlotLayout.BYTES);
    }

    @Test
    void aLockWordMustBeDescribed() {
        assertThat(RecordLayout.describeLock(RecordLayout.ATTACHED | 3))
            .isEqualTo("attached=true, excluding=false, exclusive=false, holds=3");
        assertThat(RecordLayout.describeLock(RecordLayout.WRITER | RecordLayout.owned(42)))
            .isEqualTo("attached=false, excluding=true, exclusive=true, holds=0, writer thread=42");
    }

    @Test
    void everyModeMustReadWhatEveryModeWrote() {
        final long word = table;
        Words.put(word, 1);
        assertThat(Words.getOpaque(word)).isEqualTo(1);
        Words.putOpaque(word, 2);
        assertThat(Words.getAcquire(word)).isEqualTo(2);
        Words.putRelease(word, 3);
        assertThat(Words.getVolatile(word)).isEqualTo(3);
        Words.putVolatile(word, 4);
        assertThat(Words.get(word)).isEqualTo(4);
        assertThat(Words.compareAndSet(word, 5, 6)).isFalse();
        assertThat(Words.compareAndSet(word, 4, 6)).isTrue();
        assertThat(Words.compareAndExchange(word, 5, 7)).isEqualTo(6);
        assertThat(Words.compareAndExchange(word, 6, 8)).isEqualTo(6);
        assertThat(Words.getAndAdd(word, 2)).isEqualTo(8);
        assertThat(Words.getAndBitwiseOr(word, 1)).isEqualTo(10);
        assertThat(Words.getAndBitwiseAnd(word, 3)).isEqualTo(11);
        assertThat(Words.getAndSet(word, 9)).isEqualTo(3);
        assertThat(Words.get(word)).isEqualTo(9);
    }

    @Test
    void anUnalignedWordMustBeRefused() {
        for (int off = 1; off < Words.BYTES; off++) {
            final long address = table + off;
            assertThatThrownBy(() -> Words.getVolatile(address)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Words.putRelease(address, 1)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Words.compareAndSet(address, 0, 1)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void copyAndFillMustTouchTheirBytesAlone() {
        Words.fill(table + 1024, 24, (byte) 0x11);
        Words.copy(table + 1024, table + 1024 + 8, 24);
        assertThat(Words.get(table + 1024 + 24)).isEqualTo(0x1111111111111111L);
        assertThat(Words.get(table + 1024 + 32)).isZero();
        assertThat(Words.get(table + 1024 - 8)).isZero();
        assertThat(Words.view(table + 1024, 24).byteSize()).isEqualTo(24);
    }
}
