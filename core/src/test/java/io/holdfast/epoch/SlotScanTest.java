// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.layout.SlotLayout;
import io.holdfast.memory.NativeMemory;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.Attributes;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What a drain passes over and what not: [E5] and [E6] of SlotScan. */
class SlotScanTest {
    private static final long RECORD = 4096;
    private static final long TAG = 7;
    private static final int CAPACITY = 64;
    private static final int MOST_USED = 15; // more than two strides, and a rest

    private final EpochDomain domain = EpochTestSupport.newDomain();
    private final SlotTable slots = new SlotTable(NativeMemory.system(), 0, new ListLogger());

    private boolean isOver(final SlotGroup group, final long except) {
        return SlotScan.await(domain, slots, new SlotGroup[] {group}, RECORD, except, TAG, null,
            (record, tag, elapsedNs) -> { });
    }

    @Test
    void aPinOrHazardMustBeSeenInEverySlotThatIsInUseAndInNoOther() {
        for (int used = 0; used <= MOST_USED; used++) {
            final SlotGroup group = new SlotGroup(NativeMemory.system(), CAPACITY, used, false);
            assertThat(isOver(group, 0)).isTrue();
            for (int i = 0; i <= MOST_USED; i++) {
                final long slot = group.slot(i);
                SlotLayout.pinOpaque(slot, TAG);
                assertThat(isOver(group, 0)).as("pin in slot %d of %d", i, used).isEqualTo(i >= used);
                SlotLayout.pinOpaque(slot, TAG + 1);
                assertThat(isOver(group, 0)).as("later pin in slot %d of %d", i, used).isTrue();
                SlotLayout.pinRelease(slot, 0);
                for (int hazard = 0; hazard < SlotLayout.HAZARDS; hazard++) {
                    SlotLayout.hazardOpaque(slot, hazard, RECORD);
                    assertThat(isOver(group, 0)).as("hazard %d in slot %d of %d", hazard, i, used).isEqualTo(i >= used);
                    assertThat(isOver(group, SlotLayout.hazardAddress(slot, hazard))).as("one's own").isTrue();
                    SlotLayout.hazardRelease(slot, hazard);
                    SlotLayout.hazardOpaque(slot, hazard, 2 * RECORD);
                    assertThat(isOver(group, 0)).as("of another record").isTrue();
                    SlotLayout.hazardRelease(slot, hazard);
                }
            }
        }
    }

    /** Whichever ends first, of hazards in one slot and of those in further slots of the thread. */
    @Test
    void aHazardMustBeSeenUntilItIsClearedWhateverElseTheThreadClears() {
        final EpochDomain domain = EpochDomain.create(NativeMemory.system(), BarrierFlavour.FENCE);
        final long slot = domain.slot();
        final int all = 7 * SlotLayout.HAZARDS; // as many slots as the scan passes over at once
        for (int last = 0; last < all; last++) {
            for (int i = 0; i < all; i++) {
                assertThat(domain.announce(slot, RECORD * (i + 1))).isEqualTo(i);
            }
            for (int i = all - 1; i >= 0; i--) {
                if (i != last) {
                    domain.clear(slot, i);
                }
            }
            for (int i = 0; i < all; i++) {
                assertThat(domain.isAnnounced(RECORD * (i + 1), 0)).as("hazard %d", i).isEqualTo(i == last);
            }
            domain.clear(slot, last);
            assertThat(domain.isAnnounced(RECORD * (last + 1), 0)).isFalse();
        }
    }

    /** Inlined, it would find the compiler's budget used up, and a drain would take ten times as long. */
    @Test
    void theScanMustBeTooLongToBeInlined() throws IOException {
        final int hotSpotsFreqInlineSize = 325;
        try (InputStream in = Objects.requireNonNull(SlotScan.class.getResourceAsStream("SlotScan.class"))) {
            final ClassModel scan = ClassFile.of().parse(in.readAllBytes());
            assertThat(scan.methods()).filteredOn(method -> method.methodName().equalsString("await")).singleElement()
                .satisfies(method -> assertThat(method.findAttribute(Attributes.code()).orElseThrow().codeLength())
                    .isGreaterThan(hotSpotsFreqInlineSize));
        }
    }
}
