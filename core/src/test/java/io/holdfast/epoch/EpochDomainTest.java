// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.layout.SlotLayout;
import io.holdfast.layout.Words;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.lang.reflect.Field;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Pins, hazards and grace periods: G1, G3, G10, and T19 in its four historical forms and the fifth; T9 of the epoch. */
class EpochDomainTest {
    private static final long RECORD = 0x1000;
    private static final int ENOSYS = 38;

    private final EpochDomain domain = EpochTestSupport.newDomain();

    @Test
    void pinsMustNestAndHoldBackUntilTheOutermostEnds() {
        for (final Peer peer : List.of(Peer.platform(), Peer.virtual())) {
            try (peer) {
                peer.run(domain::pin);
                peer.run(domain::pin);
                assertThat(peer.call(domain::isPinned)).isTrue();
                assertThat(domain.isPinned()).isFalse();
                final long tag = domain.retireEpoch();
                assertThat(domain.passed(tag)).isFalse();
                peer.run(domain::unpin);
                assertThat(domain.passed(tag)).isFalse();
                peer.run(domain::unpin);
                assertThat(domain.passed(tag)).isTrue();
                assertThat(peer.call(domain::isPinned)).isFalse();
            }
        }
    }

    private boolean pinsPassed(final long tag) {
        return domain.awaitReaders(RECORD, 0, tag, null, (record, of, elapsedNs) -> { });
    }

    /** G11: reports name them, of whichever kind the thread and the pin are. */
    @Test
    void whoeverIsPinnedMustBeNamed() {
        try (Peer platform = Peer.platform(); Peer virtual = Peer.virtual()) {
            platform.run(domain::pin);
            virtual.run(domain::pinStructure);
            assertThat(domain.holders(0, 0)).extracting(Holder::how)
                .containsExactly(Holder.How.PIN, Holder.How.STRUCTURE_PIN);
            platform.run(domain::unpin);
            virtual.run(domain::unpinStructure);
            assertThat(domain.holders(0, 0)).isEmpty();
        }
    }

    /** T9: epochs only rise, and are compared whole, whatever they have come to. */
    @Test
    void pinsMustHoldBackNearEveryLimitOfTheEpoch() throws ReflectiveOperationException {
        final Field epoch = EpochDomain.class.getDeclaredField("epoch");
        epoch.setAccessible(true);
        for (final long limit : new long[] {1L << 31, 1L << 32, 1L << 53, Long.MAX_VALUE}) {
            ((AtomicLong) epoch.get(domain)).set(limit - 3);
            long last = limit - 4;
            for (int i = 0; i < (limit == Long.MAX_VALUE ? 3 : 6); i++) {
                domain.pin();
                domain.pinStructure();
                final long tag = domain.retireEpoch();
                assertThat(tag).isEqualTo(last + 1);
                assertThat(pinsPassed(tag)).as("limit=%s, tag=%s", limit, tag).isFalse();
                domain.unpin();
                assertThat(pinsPassed(tag)).as("limit=%s, tag=%s", limit, tag).isTrue();
                assertThat(domain.passed(tag)).as("limit=%s, tag=%s", limit, tag).isFalse();
                domain.pin();
                domain.unpinStructure();
                assertThat(domain.passed(tag)).as("a pin from after it, limit=%s, tag=%s", limit, tag).isTrue();
                domain.unpin();
                last = tag;
            }
        }
    }

    @Test
    void aPinFromAfterTheFirstLookMustNotHoldBackAnEarlierGracePeriod() {
        domain.pin();
        final long tag = domain.retireEpoch();
        assertThat(domain.passed(tag)).isFalse();
        domain.unpin();
        domain.pin();
        assertThat(domain.passed(tag)).isTrue();
        final long next = domain.retireEpoch();
        assertThat(next).isGreaterThan(tag);
        assertThat(domain.passed(next)).isFalse();
        domain.unpin();
        assertThat(domain.passed(next)).isTrue();
    }

    /** G6: pins that overlap without end, of either kind, hold nobody up for longer than those of the moment. */
    @Test
    void pinsThatOverlapWithoutEndMustNotHoldBackAGracePeriod() {
        try (Peer one = Peer.platform(); Peer other = Peer.virtual()) {
            one.run(domain::pin);
            final long tag = domain.retireEpoch();
            assertThat(pinsPassed(tag)).isFalse();
            other.run(domain::pin); // in the epoch after the tag
            one.run(domain::unpin);
            assertThat(pinsPassed(tag)).isTrue();
            one.run(domain::pinStructure);
            final long later = domain.retireEpoch();
            assertThat(domain.passed(later)).isFalse();
            other.run(domain::unpin);
            other.run(domain::pin);
            one.run(domain::unpinStructure);
            assertThat(domain.passed(later)).isTrue();
            other.run(domain::unpin);
        }
    }

    /** Of many writers one looks: an old epoch that is announced after its look is that of a reader who finds nothing. */
    @Test
    void aGracePeriodThatOthersHaveSeenEndMustNotBeLookedForAgain() {
        final long early = domain.retireEpoch();
        EpochTestSupport.advance(domain);
        final long tag = domain.retireEpoch();
        assertThat(domain.passed(tag)).isTrue();
        SlotLayout.pinOpaque(domain.slot(), early);
        assertThat(domain.passed(early)).isTrue();
        assertThat(domain.passed(tag)).as("its epoch may be that of others, who came later").isFalse();
        SlotLayout.pinRelease(domain.slot(), 0);
        assertThat(domain.passed(tag)).isTrue();
    }

    @Test
    void aLookMustCountForNoTagOfItsOwnEpoch() {
        final long tag = domain.retireEpoch();
        assertThat(domain.passed(tag)).isTrue();
        domain.pin(); // finds something
        assertThat(domain.retireEpoch()).isEqualTo(tag);
        assertThat(domain.passed(tag)).isFalse();
        domain.unpin();
        assertThat(domain.passed(tag)).isTrue();
    }

    @Test
    void aLookMustCountForNoTagAtOrBehindAPinThatItSaw() {
        try (Peer platform = Peer.platform(); Peer virtual = Peer.virtual()) {
            for (final Peer peer : List.of(platform, virtual)) {
                aLookMustCountForNoTagBehind(peer, domain::pin, domain::unpin);
                aLookMustCountForNoTagBehind(peer, domain::pinStructure, domain::unpinStructure);
            }
        }
    }

    private void aLookMustCountForNoTagBehind(final Peer peer, final Runnable pin, final Runnable unpin) {
        final long early = domain.retireEpoch();
        EpochTestSupport.advance(domain);
        final long tag = domain.retireEpoch();
        peer.run(pin);
        EpochTestSupport.advance(domain);
        assertThat(domain.passed(early)).isTrue();
        assertThat(domain.passed(tag)).isFalse();
        peer.run(unpin);
        assertThat(domain.passed(tag)).isTrue();
    }

    /** Grace periods that nobody holds back leave the epoch alone: those who change different things share no word. */
    @Test
    void aGracePeriodWithoutPinsMustNotAdvanceTheEpoch() {
        final long tag = domain.retireEpoch();
        assertThat(domain.passed(tag)).isTrue();
        assertThat(pinsPassed(tag)).isTrue();
        assertThat(domain.announce(domain.slot(), RECORD)).isNotNegative(); // a hazard is no pin
        assertThat(pinsPassed(tag)).isFalse();
        domain.clear(domain.slot(), 0);
        assertThat(domain.retireEpoch()).isEqualTo(tag);
    }

    /** G1: tree nodes and records stay as long as a structure pin does, the memory of regions does not. */
    @Test
    void structurePinsMustHoldBackTheStructureAlone() {
        for (final Peer peer : List.of(Peer.platform(), Peer.virtual())) {
            try (peer) {
                peer.run(domain::pinStructure);
                peer.run(domain::pinStructure);
                assertThat(peer.call(domain::isStructurePinned)).isTrue();
                assertThat(peer.call(domain::isPinned)).isFalse();
                final long tag = domain.retireEpoch();
                assertThat(domain.passed(tag)).isFalse();
                assertThat(pinsPassed(tag)).isTrue();
                assertThat(domain.awaitReaders(RECORD, 0, tag, EpochTestSupport.impatient(), (r, t, n) -> { }))
                    .isTrue();
                peer.run(domain::unpinStructure);
                assertThat(domain.passed(tag)).isFalse();
                peer.run(domain::unpinStructure);
                assertThat(domain.passed(tag)).isTrue();
                assertThat(peer.call(domain::announcesAnything)).isFalse();
            }
        }
        assertThatThrownBy(domain::unpinStructure).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("end of a structure pin without one: thread=");
        final Peer careless = Peer.virtual();
        careless.run(domain::pinStructure);
        careless.close();
        assertThat(domain.passed(domain.retireEpoch())).isTrue();
        assertThat(domain.orphansBuried()).isEqualTo(1);
    }

    /** G10. */
    @Test
    void unpinWithoutAPinMustBeRefused() {
        assertThatThrownBy(domain::unpin).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("unpin without a pin: thread=");
        domain.pin();
        domain.unpin();
        assertThatThrownBy(domain::unpin).isInstanceOf(IllegalMonitorStateException.class);
        try (Peer peer = Peer.virtual()) {
            domain.pin();
            assertThatThrownBy(() -> peer.run(domain::unpin)).isInstanceOf(IllegalMonitorStateException.class);
            domain.unpin();
        }
    }

    /** T19, first form: the announcement is seen after the reads that it protects, unless a barrier orders them. */
    @Test
    void aReaderMustNotFindWhatIsReclaimedDespiteItsPin() {
        final NativeMemory memory = NativeMemory.system();
        final long items = memory.mapTable(1L << 16);
        final int count = 1 << 10;
        final long root = memory.mapTable(Words.BYTES);
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong waited = new AtomicLong();
        final AtomicLong read = new AtomicLong();
        Words.putVolatile(root, items);
        Words.putVolatile(items, 1);
        EpochTestSupport.together(3, thread -> {
            if (thread != 0) {
                while (!stop.get()) {
                    domain.pin();
                    final long item = Words.getAcquire(root);
                    for (int look = 0; look < 8; look++) {
                        if (Words.getOpaque(item) == 0) {
                            stop.set(true);
                            throw new AssertionError("reclaimed under a pin: item=0x" + Long.toHexString(item));
                        }
                    }
                    domain.unpin();
                    read.incrementAndGet();
                }
                return;
            }
            try {
                for (int i = 1; i < 20_000 || (i < 5_000_000 && (waited.get() == 0 || read.get() == 0)); i++) {
                    final long next = items + (i % count) * 64L;
                    Words.putVolatile(next, 1);
                    final long old = Words.getAndSet(root, next);
                    final long tag = domain.retireEpoch();
                    while (!domain.passed(tag)) {
                        waited.incrementAndGet();
                        Thread.onSpinWait();
                    }
                    Words.putVolatile(old, 0);
                }
            } finally {
                stop.set(true);
            }
        });
        assertThat(waited.get()).as("seen: a writer that met a pin").isPositive();
        assertThat(read.get()).as("seen: reads").isPositive();
    }

    /** T19, second form: an epoch is read, the thread sleeps, and the epoch is announced long after it has passed. */
    @Test
    void anEpochThatIsAnnouncedLateMustOnlyMakeWritersWaitLonger() {
        try (Peer peer = Peer.platform()) {
            final long slot = peer.call(domain::slot);
            final long stale = domain.currentEpoch();
            EpochTestSupport.advance(domain);
            final long before = domain.retireEpoch();
            assertThat(domain.passed(before)).isTrue();
            peer.run(() -> SlotLayout.pinOpaque(slot, stale));
            final long after = domain.retireEpoch();
            assertThat(after).isGreaterThan(stale);
            assertThat(domain.passed(after)).isFalse();
            peer.run(() -> SlotLayout.pinRelease(slot, 0));
            assertThat(domain.passed(after)).isTrue();
        }
    }

    /** T19, third form: a slot is claimed and announced in while a writer scans; it is seen in whatever group. */
    @Test
    void anAnnouncementInASlotJustClaimedMustBeSeen() {
        for (int i = 0; i < 200; i++) {
            final int round = i;
            try (Peer peer = round % 2 == 0 ? Peer.platform() : Peer.virtual()) {
                final long early = domain.retireEpoch();
                EpochTestSupport.advance(domain);
                peer.run(domain::pin);
                final long tag = domain.retireEpoch();
                assertThat(domain.passed(early)).isTrue();
                assertThat(domain.passed(tag)).isFalse();
                peer.run(() -> assertThat(domain.announce(domain.slot(), RECORD + 2 * round)).isNotNegative());
                assertThat(domain.isAnnounced(RECORD + 2 * round, 0)).isTrue();
                peer.run(() -> domain.clear(domain.slot(), 0));
                peer.run(domain::unpin);
                assertThat(domain.passed(tag)).isTrue();
            }
        }
    }

    /** T19, fourth form: a tag that is read before the barrier is older than the pin of a reader who found the item. */
    @Test
    void theTagMustBeReadAfterTheBarrier() {
        final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
        final EpochDomain hooked = EpochTestSupport.lightDomain(memory);
        final AtomicBoolean once = new AtomicBoolean();
        try (Peer reader = EpochTestSupport.lightPeer(hooked)) {
            memory.arm(call -> {
                if (call.kind() == NativeCall.MEMBARRIER && once.compareAndSet(false, true)) {
                    EpochTestSupport.advance(hooked); // another writer
                    reader.run(hooked::pin); // finds the item, before this processor's part of the barrier
                }
                return false;
            }, 1, 1, ENOSYS, FaultInjectingMemory.Damage.NONE);
            final long tag = hooked.retireEpoch();
            assertThat(once).isTrue();
            assertThat(hooked.passed(tag)).isFalse();
            reader.run(hooked::unpin);
            assertThat(hooked.passed(tag)).isTrue();
        }
    }

    /** T19, fifth form: a pin that begins after an earlier barrier and before the item becomes unreachable. */
    @Test
    void aPinBetweenAnEarlierBarrierAndTheDetachMustBeWaitedFor() {
        try (Peer reader = Peer.virtual()) {
            domain.heavyBarrier(); // of an exclusion, say
            reader.run(domain::pin);
            final long tag = domain.retireEpoch(); // of the detach
            assertThat(domain.passed(tag)).isFalse();
            reader.run(domain::unpin);
            assertThat(domain.passed(tag)).isTrue();
        }
    }

    @Test
    void holdersMustBeNamed() {
        try (Peer pinned = Peer.virtual(); Peer holding = Peer.platform()) {
            pinned.run(domain::pin);
            holding.run(() -> assertThat(domain.announce(domain.slot(), RECORD)).isZero());
            final List<Holder> holders = domain.holders(RECORD, domain.retireEpoch());
            assertThat(holders).usingRecursiveFieldByFieldElementComparatorIgnoringFields("taken")
                .containsExactlyInAnyOrder(
                    new Holder(pinned.thread().threadId(), "virtual peer", Holder.How.PIN, null),
                    new Holder(holding.thread().threadId(), "peer", Holder.How.HAZARD, null));
            pinned.run(domain::unpin);
            holding.run(() -> domain.clear(domain.slot(), 0));
            assertThat(domain.holders(RECORD, domain.retireEpoch())).isEmpty();
        }
    }

    @Test
    void anExceptedHazardMustNotCount() {
        final long slot = domain.slot();
        final int first = domain.announce(slot, RECORD);
        final long name = domain.hazardAddress(slot, first);
        assertThat(domain.isAnnounced(RECORD, name)).isFalse();
        assertThat(domain.announcedByMe(RECORD, name)).isFalse();
        final int second = domain.announce(slot, RECORD);
        assertThat(domain.isAnnounced(RECORD, name)).isTrue();
        assertThat(domain.announcedByMe(RECORD, name)).isTrue();
        domain.clear(slot, second);
        domain.clear(slot, first);
        assertThat(domain.isAnnounced(RECORD, 0)).isFalse();
    }

    @Test
    void aSystemWithoutTheBarrierMustBeToldApart() {
        final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
        memory.failFrom(NativeCall.MEMBARRIER, 1, ENOSYS, FaultInjectingMemory.Damage.NONE);
        assertThat(EpochDomain.supports(memory, BarrierFlavour.MEMBARRIER)).isFalse();
        assertThat(EpochDomain.supports(memory, BarrierFlavour.FENCE)).isTrue();
        assertThatThrownBy(() -> EpochDomain.create(memory, BarrierFlavour.MEMBARRIER))
            .isInstanceOf(UnsupportedOperationException.class)
            .hasMessageContaining("membarrier is not available: flavour=MEMBARRIER")
            .hasMessageContaining("-Dio.holdfast.barrier=fence");
        final EpochDomain fenced = EpochDomain.create(memory, BarrierFlavour.FENCE);
        assertThat(fenced.flavour()).isEqualTo(BarrierFlavour.FENCE);
        final long calls = memory.calls(NativeCall.MEMBARRIER);
        fenced.pin();
        fenced.unpin();
        assertThat(fenced.passed(fenced.retireEpoch())).isTrue();
        assertThat(memory.calls(NativeCall.MEMBARRIER)).isEqualTo(calls);
    }
}
