// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.layout.SlotLayout;
import io.holdfast.memory.NativeMemory;
import org.junit.jupiter.api.Test;

class QuickSlotsTest {
    private static final long RECORD = 0x1000;
    private static final long DOMAINS = 1 << 14;
    private static final long LARGEST_ID = (1L << 48) - 1;

    private static EpochDomain lightDomain() {
        final NativeMemory memory = NativeMemory.system();
        assumeTrue(EpochDomain.supports(memory, BarrierFlavour.MEMBARRIER), "membarrier is not available here");
        return EpochTestSupport.lightDomain(memory);
    }

    private static long becomeLight(final EpochDomain domain) {
        final long slot = domain.slot();
        domain.clear(slot, domain.announce(slot, RECORD));
        return slot;
    }

    /** The way without a fence is for the membarrier flavour alone, also for the thread that gets the first slot. */
    @Test
    void theFenceFlavourMustHaveNoQuickSlots() {
        final EpochDomain domain = EpochDomain.create(NativeMemory.system(), BarrierFlavour.FENCE);
        becomeLight(domain);
        assertThat(EpochTestSupport.isQuick(domain)).isFalse();
    }

    @Test
    void aPlatformThreadMustFindItsOwnSlotAndNoOtherThread() {
        final EpochDomain domain = lightDomain();
        assertThat(EpochTestSupport.isQuick(domain)).isFalse();
        final long slot = domain.slot();
        assertThat(EpochTestSupport.isQuick(domain)).isFalse();
        domain.clear(slot, domain.announce(slot, RECORD));
        assertThat(EpochTestSupport.isQuick(domain)).isTrue();
        assertThat(QuickSlots.hint(QuickSlots.mark(domain.quickSeed()))).isEqualTo(slot);
        QuickSlot.announce(slot, RECORD);
        assertThat(domain.isAnnounced(RECORD, 0)).isTrue();
        assertThat(QuickSlot.clear(slot, RECORD + 1)).isFalse();
        assertThat(QuickSlot.clear(slot, RECORD)).isTrue();
        assertThat(domain.isAnnounced(RECORD, 0)).isFalse();
        try (Peer other = Peer.platform()) {
            assertThat(other.<Boolean>call(() -> EpochTestSupport.isQuick(domain))).isFalse();
        }
    }

    @Test
    void noTwoPairsOfDomainAndThreadMustHaveTheSameMark() {
        for (final long domain : new long[] {0, 1, 7, 8, DOMAINS - 2}) {
            final long seed = QuickSlots.seed(domain);
            final long next = QuickSlots.seed(domain + 1);
            assertThat(seed).isNegative();
            assertThat(next - seed).as("more than the ids of threads").isGreaterThan(LARGEST_ID - QuickSlots.SIZE);
            assertThat(seed + LARGEST_ID - QuickSlots.SIZE).as("with the bit of suspension free")
                .isLessThan(Long.MIN_VALUE / 2);
        }
        assertThat(QuickSlots.seed(DOMAINS)).isEqualTo(QuickSlots.NO_SEED);
        assertThat(QuickSlots.NO_SEED).as("no count, and not the largest one")
            .isBetween(Long.MAX_VALUE / 4, Long.MAX_VALUE - 2 * LARGEST_ID);
    }

    /** A count of announcements in another domain's slot is not taken for a mark. */
    @Test
    void aCountMustNotLookLikeAMark() {
        final EpochDomain light = lightDomain();
        final long slot = becomeLight(light);
        for (final long seed : new long[] {light.quickSeed(), QuickSlots.NO_SEED}) {
            final long mark = QuickSlots.mark(seed);
            SlotLayout.fenced(slot, Thread.currentThread().threadId());
            assertThat(QuickSlot.isOf(slot, mark)).isFalse();
            SlotLayout.fenced(slot, SlotLayout.ALWAYS_FENCED);
            assertThat(QuickSlot.isOf(slot, mark)).isFalse();
        }
        QuickSlots.enter(light.quickSeed(), slot);
    }

    @Test
    void aThreadMustBeQuickInSeveralDomains() {
        final EpochDomain first = lightDomain();
        final EpochDomain second = lightDomain();
        final long slot = becomeLight(first);
        assertThat(EpochTestSupport.isQuick(first)).isTrue();
        assertThat(EpochTestSupport.isQuick(second)).isFalse();
        assertThat(becomeLight(second)).isNotEqualTo(slot);
        assertThat(EpochTestSupport.isQuick(first)).isTrue();
        assertThat(EpochTestSupport.isQuick(second)).isTrue();
    }

    @Test
    void aSuspendedMarkMustNotBeFoundBeforeItIsResumed() {
        final EpochDomain domain = lightDomain();
        final long slot = becomeLight(domain);
        QuickSlots.suspend(slot);
        assertThat(EpochTestSupport.isQuick(domain)).isFalse();
        QuickSlots.show(domain.quickSeed(), slot);
        assertThat(domain.slot()).isEqualTo(slot);
        assertThat(EpochTestSupport.isQuick(domain)).isFalse();
        QuickSlots.resume(domain.quickSeed(), slot);
        assertThat(EpochTestSupport.isQuick(domain)).isTrue();
        QuickSlots.suspend(slot);
        domain.heavyBarrier();
        QuickSlots.resume(domain.quickSeed(), slot);
        assertThat(EpochTestSupport.isQuick(domain)).as("it is not light any more").isFalse();
    }

    /** Two threads with one entry take turns; a thread whose slot is not in it is never taken for the other. */
    @Test
    void threadsThatShareAnEntryMustNotBeTakenForEachOther() {
        final EpochDomain domain = lightDomain();
        final Peer first = EpochTestSupport.peerWithId(0);
        final Peer second = EpochTestSupport.peerWithId(first.thread().threadId());
        try (first; second) {
            final long firstSlot = first.call(() -> becomeLight(domain));
            assertThat(second.<Long>call(() -> becomeLight(domain))).isNotEqualTo(firstSlot);
            assertThat(second.<Boolean>call(() -> EpochTestSupport.isQuick(domain))).isTrue();
            assertThat(first.<Boolean>call(() -> EpochTestSupport.isQuick(domain))).isFalse();
            assertThat(first.<Long>call(domain::slot)).isEqualTo(firstSlot);
            assertThat(first.<Boolean>call(() -> EpochTestSupport.isQuick(domain))).as("it displaces nobody").isFalse();
            second.run(domain::heavyBarrier);
            assertThat(first.<Long>call(domain::slot)).isEqualTo(firstSlot);
            assertThat(first.<Boolean>call(() -> EpochTestSupport.isQuick(domain))).isTrue();
            assertThat(second.<Boolean>call(() -> EpochTestSupport.isQuick(domain))).isFalse();
        }
    }
}
