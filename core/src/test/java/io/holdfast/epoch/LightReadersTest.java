// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Who announces without a fence, and when a writer needs the membarrier for it: SlotTable [L1], G8. */
class LightReadersTest {
    private static final long RECORD = 0x3000;
    private static final int FENCED = 5;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @BeforeEach
    void theSystemMustHaveTheBarrier() {
        assumeTrue(EpochDomain.supports(memory, BarrierFlavour.MEMBARRIER), "membarrier is not available here");
    }

    private EpochDomain domain() {
        return EpochDomain.create(memory, BarrierFlavour.MEMBARRIER, FENCED);
    }

    private boolean needsBarrier(final EpochDomain domain) {
        final long before = memory.calls(NativeCall.MEMBARRIER);
        domain.heavyBarrier();
        return memory.calls(NativeCall.MEMBARRIER) != before;
    }

    private static void read(final EpochDomain domain, final int times) {
        for (int i = 0; i < times; i++) {
            final long slot = domain.slot();
            domain.clear(slot, domain.announce(slot, RECORD));
            domain.leave(slot);
        }
    }

    private static boolean isQuick(final EpochDomain domain) {
        return EpochTestSupport.isQuick(domain);
    }

    @Test
    void aThreadMustBecomeLightAfterSoManyAnnouncementsAndNotBefore() {
        final EpochDomain domain = domain();
        try (Peer reader = Peer.platform()) {
            reader.run(() -> read(domain, FENCED));
            assertThat(needsBarrier(domain)).isFalse();
            reader.run(() -> read(domain, 1));
            assertThat(needsBarrier(domain)).isTrue();
            reader.run(() -> read(domain, 1));
            assertThat(reader.<Boolean>call(() -> isQuick(domain))).isTrue();
            assertThat(needsBarrier(domain)).isTrue();
        }
    }

    @Test
    void pinsMustCountAsAnnouncements() {
        final EpochDomain domain = domain();
        try (Peer reader = Peer.platform()) {
            reader.run(() -> {
                for (int i = 0; i <= FENCED; i++) {
                    domain.pin();
                    domain.unpin();
                }
            });
            assertThat(needsBarrier(domain)).isTrue();
        }
    }

    @Test
    void structurePinsMustNotMakeAThreadLight() {
        final EpochDomain domain = domain();
        try (Peer writer = Peer.platform()) {
            writer.run(() -> {
                for (int i = 0; i < 10 * FENCED; i++) {
                    domain.pinStructure();
                    domain.unpinStructure();
                }
            });
            assertThat(needsBarrier(domain)).isFalse();
        }
    }

    @Test
    void aThreadThatRunsTheHeavyBarrierMustAnnounceWithFencesAgain() {
        final EpochDomain domain = domain();
        read(domain, 2 * FENCED);
        assertThat(isQuick(domain)).isTrue();
        assertThat(needsBarrier(domain)).as("for the sake of the writer itself").isFalse();
        assertThat(isQuick(domain)).isFalse();
        read(domain, FENCED);
        assertThat(isQuick(domain)).isFalse();
        read(domain, 2);
        assertThat(isQuick(domain)).isTrue();
    }

    /** What a thread announced while it was light is seen when it is not any more. */
    @Test
    void whatIsHeldMustStayAnnouncedWhenItsThreadStopsBeingLight() {
        final EpochDomain domain = domain();
        read(domain, 2 * FENCED);
        try (Peer reader = Peer.platform()) {
            reader.run(() -> {
                read(domain, 2 * FENCED);
                domain.announce(domain.slot(), RECORD);
                domain.heavyBarrier();
            });
            assertThat(needsBarrier(domain)).isFalse();
            assertThat(domain.isAnnounced(RECORD, 0)).isTrue();
            reader.run(() -> domain.clear(domain.slot(), 0));
            assertThat(domain.isAnnounced(RECORD, 0)).isFalse();
        }
    }

    @Test
    void virtualThreadsMustNeverBeLight() {
        final EpochDomain domain = domain();
        try (Peer reader = Peer.virtual()) {
            reader.run(() -> read(domain, 10 * FENCED));
            assertThat(needsBarrier(domain)).isFalse();
            reader.run(() -> domain.announce(domain.slot(), RECORD));
            assertThat(needsBarrier(domain)).isFalse();
            assertThat(domain.isAnnounced(RECORD, 0)).isTrue();
            reader.run(() -> domain.clear(domain.slot(), 0));
        }
    }

    @Test
    void theFenceFlavourMustHaveNoLightThreads() {
        final EpochDomain domain = EpochDomain.create(memory, BarrierFlavour.FENCE, 0);
        try (Peer reader = Peer.platform(); Peer virtual = Peer.virtual()) {
            reader.run(() -> read(domain, 10));
            virtual.run(() -> domain.announce(domain.slot(), RECORD));
            assertThat(needsBarrier(domain)).isFalse();
            assertThat(reader.<Boolean>call(() -> isQuick(domain))).isFalse();
            virtual.run(() -> domain.clear(domain.slot(), 0));
        }
    }

    @Test
    void aThreadThatDiedLightMustNotCostBarriersForEver() {
        final EpochDomain domain = domain();
        final Peer reader = Peer.platform();
        reader.run(() -> read(domain, 2 * FENCED));
        assertThat(needsBarrier(domain)).isTrue();
        reader.close();
        int barriers = 0;
        while (needsBarrier(domain)) {
            assertThat(barriers++).isLessThan(10_000);
        }
        try (Peer next = Peer.platform()) {
            next.run(() -> read(domain, FENCED));
            assertThat(needsBarrier(domain)).as("the next owner of the slot").isFalse();
        }
        assertThat(domain.orphansBuried()).isZero();
    }

    /** Two threads that displace each other in the table of quick slots are both seen, and both stop being light. */
    @Test
    void threadsThatShareAnEntryMustBothBeSeen() {
        final EpochDomain domain = domain();
        final Peer first = EpochTestSupport.peerWithId(0);
        final Peer second = EpochTestSupport.peerWithId(first.thread().threadId());
        try (first; second) {
            for (int round = 0; round < 3; round++) {
                for (final Peer peer : new Peer[] {first, second}) {
                    peer.run(() -> read(domain, 2 * FENCED));
                    assertThat(needsBarrier(domain)).isTrue();
                }
                first.run(domain::heavyBarrier);
                assertThat(needsBarrier(domain)).isTrue();
                second.run(() -> read(domain, 2));
                assertThat(second.<Boolean>call(() -> isQuick(domain))).isTrue();
                second.run(domain::heavyBarrier);
                assertThat(needsBarrier(domain)).isFalse();
            }
        }
    }
}
