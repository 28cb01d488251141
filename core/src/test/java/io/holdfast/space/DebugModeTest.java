// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.WaitReport;
import io.holdfast.WriteSection;
import io.holdfast.epoch.Ledger;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What debug mode knows and reports: owners, places, order (T2, T13, G10, G11). It is on in this run. */
class DebugModeTest extends SpaceFixture {
    /** What the current thread, or another one, holds while an assertion is made. */
    enum Held {
        NOTHING {
            @Override
            AutoCloseable take(final Region region) {
                return () -> { };
            }
        },
        PIN {
            @Override
            AutoCloseable take(final Region region) {
                return region.space().pin();
            }
        },
        GUARD {
            @Override
            AutoCloseable take(final Region region) {
                return region.share();
            }
        },
        STAMP {
            @Override
            AutoCloseable take(final Region region) {
                final long stamp = region.lockShared();
                return () -> region.unlockShared(stamp);
            }
        },
        EXCLUSIVE {
            @Override
            AutoCloseable take(final Region region) {
                return region.exclusive();
            }
        },
        HOLD {
            @Override
            AutoCloseable take(final Region region) {
                return region.hold();
            }
        },
        VIEW {
            @Override
            AutoCloseable take(final Region region) {
                final Hold hold = region.hold();
                final Hold.View view = hold.view();
                return () -> {
                    view.close();
                    hold.close();
                };
            }
        };

        abstract AutoCloseable take(Region region) throws Exception;
    }

    /** An assertion, and what a thread can hold for it to be true. */
    enum Assertion {
        LOCKED(Region::assertLocked, EnumSet.of(Held.GUARD, Held.STAMP, Held.EXCLUSIVE, Held.VIEW)),
        EXCLUSIVE(Region::assertExclusive, EnumSet.of(Held.EXCLUSIVE)),
        STABLE(Region::assertStable, EnumSet.of(Held.PIN, Held.GUARD, Held.STAMP, Held.EXCLUSIVE, Held.VIEW)),
        MAPPED(Region::assertMapped, EnumSet.allOf(Held.class)),
        UNMAPPED(Region::assertUnmapped, EnumSet.noneOf(Held.class));

        private final Consumer<Region> check;
        private final Set<Held> enough;

        Assertion(final Consumer<Region> check, final Set<Held> enough) {
            this.check = check;
            this.enough = enough;
        }

        void assertOutcome(final Region region, final boolean holds) {
            if (holds) {
                assertThatCode(() -> check.accept(region)).doesNotThrowAnyException();
            } else {
                assertThatThrownBy(() -> check.accept(region)).isInstanceOf(IllegalMonitorStateException.class)
                    .hasMessageContainingAll("not ", "held by", "region=0x", "attached=");
            }
        }
    }

    private Region region;
    private Region other;

    @BeforeEach
    void mapRegions() {
        region = space.map(PAGE);
        other = space.map(PAGE);
    }

    @ParameterizedTest
    @EnumSource
    void assertionsMustKnowExactlyWhatTheThreadHolds(final Held held) throws Exception {
        for (final Assertion assertion : Assertion.values()) {
            try (AutoCloseable _ = held.take(region)) {
                assertion.assertOutcome(region, assertion.enough.contains(held));
                assertion.assertOutcome(other, assertion.enough.contains(held) && (held == Held.PIN ||
                    assertion == Assertion.MAPPED));
            }
            assertion.assertOutcome(region, assertion == Assertion.MAPPED);
        }
    }

    @ParameterizedTest
    @EnumSource
    void assertionsMustNotTakeAnotherThreadsLockForTheirOwn(final Held held) throws Exception {
        try (Threads.Holder holder = Threads.hold(() -> held.take(region))) {
            for (final Assertion assertion : Assertion.values()) {
                assertion.assertOutcome(region, assertion == Assertion.MAPPED);
            }
            assertThat(holder.thread().isAlive()).isTrue();
        }
    }

    @Test
    void assertionsMustKnowThatTheHandleIsStale() {
        region.unmap();
        for (final Assertion assertion : Assertion.values()) {
            assertion.assertOutcome(region, assertion == Assertion.UNMAPPED);
        }
        try (Pin _ = space.pin()) {
            Assertion.STABLE.assertOutcome(region, false);
        }
    }

    @Test
    void unlockByTheWrongThreadMustNameTheRightOneAndItsPlace() throws Exception {
        final long stamp = region.lockShared();
        Threads.run(() -> {
            assertThatThrownBy(() -> region.unlockShared(stamp)).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContainingAll("end of a shared lock", "last: shared lock taken by", "ms ago")
                .cause().hasStackTraceContaining("unlockByTheWrongThreadMustNameTheRightOneAndItsPlace");
        });
        region.unlockShared(stamp);
        final long exclusive = region.lockExclusive();
        Threads.run(() -> {
            assertThatThrownBy(() -> region.unlockExclusive(exclusive)).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContainingAll("end of an exclusive lock", "last: exclusive lock taken by")
                .cause().hasStackTraceContaining("unlockByTheWrongThreadMustNameTheRightOneAndItsPlace");
        });
        region.unlockExclusive(exclusive);
    }

    @Test
    void doubleReleaseMustNameTheFirstOne() {
        final long shared = region.lockShared();
        giveBack(shared);
        assertThatThrownBy(() -> region.unlockShared(shared)).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("last: shared lock given back by").cause().hasStackTraceContaining("giveBack");
        final long exclusive = region.lockExclusive();
        region.unlockExclusive(exclusive);
        assertThatThrownBy(() -> region.unlockExclusive(exclusive)).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("last: exclusive lock given back by");
        final long counted = region.lockCounted();
        region.unlockCounted(counted);
        assertThatThrownBy(() -> region.unlockCounted(counted)).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("last: hold given back by");
    }

    private void giveBack(final long stamp) {
        region.unlockShared(stamp);
    }

    /** T2: every acquire has one release, also where a lock changes what it is. */
    @Test
    void ledgerMustFollowALockThroughItsLife() {
        final List<Ledger.Entry> before = Ledger.open();
        try (Guard guard = region.exclusive()) {
            assertThat(kinds(before)).containsExactly(Ledger.Kind.EXCLUSIVE);
            guard.downgrade();
            assertThat(kinds(before)).containsExactly(Ledger.Kind.SHARED);
            assertThat(guard.tryUpgrade()).isTrue();
            assertThat(kinds(before)).containsExactly(Ledger.Kind.EXCLUSIVE);
            guard.downgrade();
            try (Hold hold = guard.toHold(); Hold.View _ = hold.view()) {
                assertThat(kinds(before)).containsExactlyInAnyOrder(Ledger.Kind.HOLD, Ledger.Kind.VIEW);
            }
        }
        final long counted = region.tryConvertToCounted(region.lockShared());
        assertThat(kinds(before)).containsExactly(Ledger.Kind.HOLD);
        region.unlockCounted(counted);
        try (Pin _ = space.pin(); Pin _ = space.pin()) {
            assertThat(kinds(before)).containsExactly(Ledger.Kind.PIN);
        }
        assertThat(kinds(before)).isEmpty();
    }

    private static List<Ledger.Kind> kinds(final List<Ledger.Entry> before) {
        return Ledger.open().stream().filter(entry -> !before.contains(entry)).map(Ledger.Entry::kind).toList();
    }

    private static void lockSharedInTime(final Region region) {
        try {
            region.unlockShared(region.lockShared(1, TimeUnit.MINUTES));
        } catch (final InterruptedException | TimeoutException e) {
            throw new AssertionError("waited", e);
        }
    }

    private static void holdInTime(final Region region) {
        try {
            region.hold(1, TimeUnit.MINUTES).close();
        } catch (final InterruptedException | TimeoutException e) {
            throw new AssertionError("waited", e);
        }
    }

    /** T13, between regions: both orders are seen, one after the other, and nobody has to be unlucky for it. */
    @Test
    void cyclicOrderMustBeRefusedBeforeAnythingIsTaken() throws Exception {
        Threads.run(() -> {
            try (Guard _ = region.share(); Guard _ = other.exclusive()) {
                assertThat(space.isOpen()).isTrue();
            }
        });
        try (Guard _ = other.share()) {
            for (final Consumer<Region> acquire : List.<Consumer<Region>>of(Region::share, Region::lockShared,
                Region::exclusive, Region::hold, Region::unmap, DebugModeTest::lockSharedInTime,
                DebugModeTest::holdInTime)) {
                assertThatThrownBy(() -> acquire.accept(region)).isInstanceOf(IllegalMonitorStateException.class)
                    .hasMessageContainingAll("could wait for ever", "order=[region record", "take locks in one order")
                    .satisfies(thrown -> {
                        assertThat(thrown.getCause()).hasMessageContaining("shared lock taken by");
                        assertThat(thrown.getSuppressed()).hasSize(1);
                        assertThat(thrown.getSuppressed()[0]).hasMessageContaining("thread other asked for")
                            .hasStackTraceContaining("cyclicOrderMustBeRefusedBeforeAnythingIsTaken");
                    });
            }
            try (Guard tried = region.tryExclusive()) {
                assertThat(tried.isHeld()).as("what does not wait closes no cycle").isTrue();
            }
        }
        Assertion.LOCKED.assertOutcome(region, false);
    }

    @Test
    void orderMustBeForgottenWithTheRegion() throws Exception {
        Threads.run(() -> {
            try (Guard _ = region.share()) {
                other.share().close();
            }
        });
        region.unmap();
        final Region next = space.map(PAGE);
        try (Guard _ = other.share(); Guard second = next.share()) {
            assertThat(second.isHeld()).isTrue();
        }
    }

    private void shareThenOther(final Region first) throws Exception {
        Threads.run(() -> {
            try (Guard _ = first.share()) {
                other.share().close();
            }
        });
    }

    /** What is gone is not waited for, also when its record has another life, in which it has a place in the order. */
    @Test
    void staleHandleMustBeRefusedAsUnmappedAndNotAsACycle() throws Exception {
        region.unmap();
        try (Guard _ = other.share()) {
            assertUnmapped(region);
        }
        final Region next = mapInRecordOf(region, PAGE);
        shareThenOther(next);
        try (Guard _ = other.share()) {
            assertUnmapped(region);
            assertThatThrownBy(next::share).isInstanceOf(IllegalMonitorStateException.class);
        }
    }

    private static void assertUnmapped(final Region gone) {
        for (final Consumer<Region> acquire : List.<Consumer<Region>>of(Region::share, Region::lockShared,
            Region::exclusive, Region::hold, Region::lockCounted, Region::unmap)) {
            assertThatThrownBy(() -> acquire.accept(gone)).isInstanceOf(RegionException.class)
                .hasMessageContaining("unmapped");
        }
    }

    @Test
    void orderMustBeForgottenWithARegionThatASectionUnmaps() throws Exception {
        shareThenOther(region);
        try (WriteSection section = space.write()) {
            section.unmap(region);
            section.publish();
        }
        final Region next = mapInRecordOf(region, PAGE);
        try (Guard _ = other.share(); Guard second = next.share()) {
            assertThat(second.isHeld()).isTrue();
        }
    }

    @Test
    void waitForOnesOwnViewMustBeRefused() {
        try (Hold hold = region.hold(); Hold.View view = hold.view()) {
            assertThatThrownBy(region::unmap).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContainingAll("view of a hold", "would wait for itself");
            assertThat(view.segment().byteSize()).isEqualTo(PAGE);
        }
    }

    @ParameterizedTest
    @EnumSource(value = Held.class, names = {"GUARD", "STAMP", "EXCLUSIVE", "HOLD"})
    void longWaitMustSaySinceWhenAndWhere(final Held held) throws Exception {
        final CompletableFuture<WaitReport> reported = new CompletableFuture<>();
        try (AddressSpace reporting = AddressSpace.builder().name("reporting").capacity(64L << 20)
            .reportWaits(Duration.ofMillis(1), reported::complete).open()) {
            final Region waited = reporting.map(PAGE);
            final Threads.Work<Boolean> writer;
            try (Threads.Holder holder = Threads.hold(() -> held.take(waited))) {
                writer = Threads.start(() -> {
                    waited.exclusive().close();
                    return true;
                });
                final WaitReport.Holder only = reported.get(60, TimeUnit.SECONDS).holders().getFirst();
                assertThat(only.threadId()).isEqualTo(holder.thread().threadId());
                assertThat(only.threadName()).isEqualTo("other");
                assertThat(only.since()).isPositive();
                assertThat(only.place()).hasStackTraceContaining("DebugModeTest$Held");
            }
            assertThat(writer.get()).isTrue();
        }
    }

    @Test
    void leaksAtThreadEndMustBeReportedWithTheirPlaces() throws Exception {
        final Children.Outcome outcome = Children.run(CarelessProgram.class, List.of("-Dio.holdfast.debug=true"));
        assertThat(outcome.output())
            .contains("a thread died holding a guard or a pin, which is released now", "shared lock taken by careless")
            .contains("CarelessProgram.leakGuard", "CarelessProgram.leakPin", "CarelessProgram.leakExclusive")
            .contains("a thread died holding a region exclusively, which is released now",
                "exclusive lock taken by careless")
            .contains("assertions are on", "everything is unmapped, open entries: 0");
        assertThat(outcome.status()).isZero();
    }

    @Test
    void debugModeMustBeOffUnlessAskedFor() throws Exception {
        final Children.Outcome outcome = Children.run(CarelessProgram.class, List.of());
        assertThat(outcome.output())
            .contains("a thread died holding a guard or a pin, which is released now",
                "a thread died holding a region exclusively, which is released now")
            .contains("assertions are off", "everything is unmapped, open entries: 0").doesNotContain("taken by");
        assertThat(outcome.status()).isZero();
    }
}
