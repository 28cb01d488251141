// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.memory.NativeMemory;
import org.junit.jupiter.api.Test;

class QuickSlotsTest {
    private static final long RECORD = 0x1000;

    /** The way without a fence is for the membarrier flavour alone, also for the thread that gets the first slot. */
    @Test
    void theFenceFlavourMustHaveNoQuickSlots() {
        final EpochDomain domain = EpochDomain.create(NativeMemory.system(), BarrierFlavour.FENCE);
        assertThat(domain.slot()).isNotZero();
        assertThat(QuickSlots.mine(domain.quickSlots())).isNull();
    }

    @Test
    void aPlatformThreadMustFindItsOwnSlotAndNoOtherThread() throws InterruptedException {
        final NativeMemory memory = NativeMemory.system();
        assumeTrue(EpochDomain.supports(memory, BarrierFlavour.MEMBARRIER), "membarrier is not available here");
        final EpochDomain domain = EpochDomain.create(memory, BarrierFlavour.MEMBARRIER, 0);
        assertThat(QuickSlots.mine(domain.quickSlots())).isNull();
        final long slot = domain.slot();
        assertThat(QuickSlots.mine(domain.quickSlots())).isNull();
        domain.clear(slot, domain.announce(slot, RECORD));
        assertThat(domain.slot()).isEqualTo(slot);
        final QuickSlot mine = QuickSlots.mine(domain.quickSlots());
        assertThat(mine).isNotNull();
        assertThat(mine.address()).isEqualTo(slot);
        mine.announce(RECORD);
        assertThat(domain.isAnnounced(RECORD, 0)).isTrue();
        assertThat(mine.clear(RECORD + 1)).isFalse();
        assertThat(mine.clear(RECORD)).isTrue();
        assertThat(domain.isAnnounced(RECORD, 0)).isFalse();
        final Thread other = new Thread(() -> {
            if (QuickSlots.mine(domain.quickSlots()) != null) {
                throw new AssertionError("a thread without a slot found one");
            }
        });
        final boolean[] failed = new boolean[1];
        other.setUncaughtExceptionHandler((thread, error) -> failed[0] = true);
        other.start();
        other.join();
        assertThat(failed[0]).isFalse();
    }
}
