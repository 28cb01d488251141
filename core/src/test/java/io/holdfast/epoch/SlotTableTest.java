// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.layout.SlotLayout;
import io.holdfast.memory.NativeMemory;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Slots of platform and virtual threads: found again, given back, taken from the dead, and bounded (G1, G9). */
class SlotTableTest {
    private static final long RECORD = 0x2000;

    private final EpochDomain domain = EpochTestSupport.newDomain();

    @Test
    void aPlatformThreadMustKeepItsSlot() {
        final long slot = domain.slot();
        domain.leave(slot);
        assertThat(domain.slot()).isEqualTo(slot);
        assertThat(domain.slotOrNone()).isEqualTo(slot);
        try (Peer other = Peer.platform()) {
            assertThat(other.call(domain::slotOrNone)).isZero();
            assertThat(other.call(domain::slot)).isNotEqualTo(slot);
        }
    }

    @Test
    void aVirtualThreadMustGiveItsSlotBackWhenItAnnouncesNothing() {
        try (Peer peer = Peer.virtual()) {
            assertThat(peer.call(domain::slotOrNone)).isZero();
            peer.run(domain::pin);
            final long slot = peer.call(domain::slotOrNone);
            assertThat(slot).isNotZero();
            final int hazard = peer.call(() -> domain.announce(domain.slot(), RECORD));
            peer.run(domain::unpin);
            assertThat(peer.call(domain::slotOrNone)).isEqualTo(slot);
            peer.run(() -> {
                domain.clear(slot, hazard);
                domain.leave(slot);
            });
            assertThat(peer.call(domain::slotOrNone)).isZero();
            assertThat(SlotLayout.ownerAcquire(slot)).isZero();
        }
    }

    @Test
    void slotsOfDeadThreadsMustBeReused() {
        domain.slot();
        for (int i = 0; i < 10 * SlotTable.FIRST_GROUP; i++) {
            try (Peer peer = Peer.platform()) {
                peer.run(() -> {
                    domain.pin();
                    domain.unpin();
                });
            }
        }
        assertThat(domain.slotCount()).isLessThanOrEqualTo(2 * SlotTable.FIRST_GROUP);
        assertThat(domain.orphansBuried()).as("nobody took anything into death").isZero();
    }

    /** Some pools erase the thread-locals of their workers between tasks; here it is done to a table of its own. */
    @Test
    void aThreadMustFindItsSlotWithoutItsThreadLocals() throws ReflectiveOperationException {
        final SlotTable slots = newTable(new ListLogger());
        final Field field = SlotTable.class.getDeclaredField("platformSlot");
        field.setAccessible(true);
        final ThreadLocal<?> platformSlot = (ThreadLocal<?>) field.get(slots);
        final List<Peer> others = new ArrayList<>();
        for (int i = 0; i < 5 * SlotTable.FIRST_GROUP; i++) {
            others.add(Peer.platform());
            others.getLast().run(slots::slot);
        }
        final long slot = slots.slot();
        final int count = slots.count();
        for (int i = 0; i < 1_000; i++) {
            platformSlot.remove();
            assertThat(slots.slotOrNone()).isEqualTo(slot);
            assertThat(slots.slot()).isEqualTo(slot);
        }
        for (final Peer other : others) {
            final long first = other.call(slots::slot);
            other.run(platformSlot::remove);
            assertThat(other.<Long>call(slots::slotOrNone)).isEqualTo(first);
            other.close();
        }
        assertThat(slots.count()).isEqualTo(count);
    }

    private static SlotTable newTable(final ListLogger logger) {
        return new SlotTable(NativeMemory.system(), SlotLayout.ALWAYS_FENCED, logger);
    }

    /** What a logger throws is its own affair: nothing is lost, neither a slot nor the count for the report. */
    @Test
    void aLoggerThatThrowsMustNotKeepASlotFromItsNextOwner() {
        final ListLogger logger = new ListLogger();
        final SlotTable slots = newTable(logger);
        logger.breakDown(true);
        for (int i = 0; i < 3; i++) {
            final long slot = dieWithAPin(slots);
            slots.buryAll();
            slots.reportBurials();
            assertThat(SlotLayout.ownerAcquire(slot)).isZero();
            try (Peer peer = Peer.platform()) {
                assertThat(peer.<Long>call(slots::slot)).isEqualTo(slot);
            }
            slots.buryAll();
        }
        logger.breakDown(false);
        slots.reportBurials();
        slots.reportBurials();
        assertThat(logger.messages()).singleElement().asString().endsWith("; the last of 3 slots of such threads");
    }

    @Test
    void theDeadMustBeReportedTogether() {
        final ListLogger logger = new ListLogger();
        final SlotTable slots = newTable(logger);
        for (int i = 0; i < 500; i++) {
            dieWithAPin(slots);
        }
        assertThat(logger.messages()).as("registrations report nothing").isEmpty();
        slots.buryAll();
        slots.reportBurials();
        assertThat(slots.orphansBuried()).isEqualTo(500);
        assertThat(logger.messages()).singleElement().asString()
            .startsWith("a thread died holding a guard or a pin, which is released now: thread id=")
            .endsWith("; the last of 500 slots of such threads");
    }

    /** G9: as many as a server has in a second. */
    @Test
    void aHundredThousandDeadMustBeOneLineAndGiveAllSlotsBack() throws Exception {
        final ListLogger logger = new ListLogger();
        final SlotTable slots = newTable(logger);
        final int count = 100_000;
        final CountDownLatch pinned = new CountDownLatch(count);
        final CountDownLatch die = new CountDownLatch(1);
        final List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            threads.add(Thread.ofVirtual().start(() -> {
                SlotLayout.pinOpaque(slots.slot(), 1);
                pinned.countDown();
                try {
                    die.await();
                } catch (final InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }));
        }
        pinned.await();
        die.countDown();
        for (final Thread thread : threads) {
            thread.join();
        }
        for (final SlotGroup group : slots.virtualGroups()) {
            for (int at = 0; at < group.used(); at++) {
                slots.bury(group, at);
            }
        }
        slots.reportBurials();
        assertThat(slots.orphansBuried()).isEqualTo(count);
        assertThat(logger.messages()).singleElement().asString().endsWith("; the last of 100000 slots of such threads");
    }

    private static long dieWithAPin(final SlotTable slots) {
        final Peer careless = Peer.platform();
        final long slot = careless.call(slots::slot);
        careless.run(() -> SlotLayout.pinOpaque(slot, 1));
        careless.close();
        return slot;
    }

    /** G9: pins and hazards, in first and further slots, taken into death by threads of both kinds. */
    @Test
    void whatAThreadTookIntoDeathMustBeReleasedByTheNextDrain() {
        for (final Peer peer : List.of(Peer.platform(), Peer.virtual())) {
            peer.run(() -> {
                domain.pin();
                for (int i = 0; i < 2 * SlotLayout.HAZARDS + 1; i++) {
                    assertThat(domain.announce(domain.slot(), RECORD)).isEqualTo(i);
                }
            });
            final long tag = domain.retireEpoch();
            assertThat(domain.passed(tag)).isFalse();
            assertThat(domain.isAnnounced(RECORD, 0)).isTrue();
            final long before = domain.orphansBuried();
            peer.close();
            assertThat(domain.passed(tag)).isTrue();
            assertThat(domain.isAnnounced(RECORD, 0)).isFalse();
            assertThat(domain.orphansBuried() - before).as("one for each slot").isEqualTo(3);
        }
    }

    @Test
    void theLivingMustNotBeBuried() {
        try (Peer peer = Peer.virtual()) {
            peer.run(domain::pin);
            for (int i = 0; i < 10; i++) {
                System.gc();
                assertThat(domain.passed(domain.retireEpoch())).isFalse();
            }
            peer.run(domain::unpin);
        }
        assertThat(domain.orphansBuried()).isZero();
    }

    @Test
    void hazardsBeyondOneSlotMustBeBoundedAndSeen() {
        final long slot = domain.slot();
        final List<Integer> hazards = new ArrayList<>();
        for (int i = 0; i < EpochDomain.MAX_HAZARDS; i++) {
            hazards.add(domain.announce(slot, RECORD + 2 * i));
        }
        assertThat(hazards).doesNotHaveDuplicates().allMatch(hazard -> hazard >= 0);
        assertThat(domain.announce(slot, RECORD)).isEqualTo(-1);
        for (int i = 0; i < EpochDomain.MAX_HAZARDS; i++) {
            assertThat(domain.announced(slot, hazards.get(i))).isEqualTo(RECORD + 2 * i);
            assertThat(domain.isAnnounced(RECORD + 2 * i, 0)).isTrue();
            assertThat(domain.isAnnounced(RECORD + 2 * i, domain.hazardAddress(slot, hazards.get(i)))).isFalse();
            domain.clear(slot, hazards.get(i));
            assertThat(domain.isAnnounced(RECORD + 2 * i, 0)).isFalse();
        }
        assertThat(domain.announced(slot, EpochDomain.MAX_HAZARDS)).isZero();
        assertThat(domain.announced(slot, 255)).isZero();
    }

    @Test
    void virtualThreadsMustChainAndGiveBackFurtherSlots() {
        for (int round = 0; round < 20; round++) {
            try (Peer peer = Peer.virtual()) {
                peer.run(() -> {
                    final long slot = domain.slot();
                    for (int i = 0; i < 5 * SlotLayout.HAZARDS; i++) {
                        assertThat(domain.announce(slot, RECORD)).isEqualTo(i);
                    }
                    for (int i = 0; i < 5 * SlotLayout.HAZARDS; i++) {
                        domain.clear(slot, i);
                    }
                    domain.leave(slot);
                    assertThat(domain.slotOrNone()).isZero();
                });
            }
        }
        assertThat(domain.orphansBuried()).isZero();
        assertThat(domain.slotCount()).isLessThanOrEqualTo(4 * SlotTable.FIRST_GROUP);
    }

    /** G1: pins stay with a virtual thread that is unmounted, and thousands of them at once find their own again. */
    @Test
    void pinsMustBeHeldAcrossUnmounting() throws InterruptedException {
        final int count = 5_000;
        final CountDownLatch pinned = new CountDownLatch(count);
        final CountDownLatch release = new CountDownLatch(1);
        final AtomicLong failures = new AtomicLong();
        final List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            final long record = RECORD + i * 64L;
            threads.add(Thread.ofVirtual().start(() -> holdAcross(record, pinned, release, failures)));
        }
        pinned.await();
        final long tag = domain.retireEpoch();
        assertThat(domain.passed(tag)).isFalse();
        assertThat(domain.isAnnounced(RECORD + (count - 1) * 64L, 0)).isTrue();
        final int slots = domain.slotCount();
        release.countDown();
        for (final Thread thread : threads) {
            thread.join();
        }
        assertThat(failures.get()).isZero();
        assertThat(domain.passed(tag)).isTrue();
        assertThat(domain.isAnnounced(RECORD, 0)).isFalse();
        assertThat(slots).isBetween(count, 8 * count);
    }

    private void holdAcross(final long record, final CountDownLatch pinned, final CountDownLatch release,
                            final AtomicLong failures) {
        domain.pin();
        final long slot = domain.slot();
        final int hazard = domain.announce(slot, record);
        pinned.countDown();
        try {
            release.await();
        } catch (final InterruptedException e) {
            failures.incrementAndGet();
        }
        if (domain.slotOrNone() != slot || domain.announced(slot, hazard) != record || !domain.isPinned()) {
            failures.incrementAndGet();
        }
        domain.clear(slot, hazard);
        domain.unpin();
        if (domain.slotOrNone() != 0) {
            failures.incrementAndGet();
        }
    }

    /** 100,000 virtual threads pin and guard, at most 64 at once: what exists is bounded by what is held at once. */
    @Test
    void slotsMustBeBoundedByWhatIsHeldAtOnce() {
        final Semaphore inside = new Semaphore(64);
        final AtomicLong held = new AtomicLong();
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 100_000; i++) {
                final long record = RECORD + 2 * i % 1000 * 64L;
                threads.execute(() -> {
                    inside.acquireUninterruptibly();
                    domain.pin();
                    final long slot = domain.slot();
                    final int hazard = domain.announce(slot, record);
                    EpochTestSupport.letOthersRun();
                    if (domain.isPinned() && domain.announced(slot, hazard) == record) {
                        held.incrementAndGet();
                    }
                    domain.unpin();
                    domain.clear(slot, hazard);
                    domain.leave(slot);
                    inside.release();
                });
            }
        }
        assertThat(held.get()).isEqualTo(100_000);
        assertThat(domain.slotCount()).isLessThanOrEqualTo(16 * SlotTable.FIRST_GROUP);
        assertThat(domain.passed(domain.retireEpoch())).isTrue();
        assertThat(domain.orphansBuried()).isZero();
    }

    /** Platform threads that come and go while writers scan: nobody's announcement is overlooked or buried alive. */
    @Test
    void registrationAndBurialMustNotLoseAnAnnouncement() {
        final AtomicLong died = new AtomicLong();
        EpochTestSupport.together(3, number -> {
            for (int i = 0; i < 150; i++) {
                final long record = RECORD + (number * 1000L + i) * 64;
                final boolean careless = i % 3 == 0;
                final Peer peer = i % 2 == 0 ? Peer.platform() : Peer.virtual();
                peer.run(() -> {
                    domain.pin();
                    assertThat(domain.announce(domain.slot(), record)).isZero();
                });
                final long tag = domain.retireEpoch();
                assertThat(domain.isAnnounced(record, 0)).isTrue();
                assertThat(domain.passed(tag)).isFalse();
                if (!careless) {
                    peer.run(() -> {
                        domain.clear(domain.slot(), 0);
                        domain.unpin();
                    });
                }
                peer.close();
                EpochTestSupport.await("the burial, perhaps by another thread", () -> !domain.isAnnounced(record, 0));
                died.addAndGet(careless ? 1 : 0);
            }
        });
        assertThat(domain.passed(domain.retireEpoch())).isTrue();
        assertThat(domain.orphansBuried()).isEqualTo(died.get());
    }
}
