// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.Protection;
import io.holdfast.ReadSection;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.RegionInfo;
import io.holdfast.SpaceSnapshot;
import io.holdfast.WriteSection;
import io.holdfast.lock.SectionLock;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** Wrong use of sections, waits that end, and what they leave behind (G9, G10, G11; T13). */
class SectionMisuseTest extends SpaceFixture {
    private static final long SIZE = 4 * PAGE;

    private static void refused(final ThrowingCallable call, final String message) {
        assertThatThrownBy(call).isInstanceOf(RegionException.class).hasMessageContaining(message);
    }

    private static void illegal(final ThrowingCallable call, final String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessageContaining(message);
    }

    private static void selfWait(final ThrowingCallable call) {
        assertThatThrownBy(call).isInstanceOf(IllegalMonitorStateException.class);
    }

    private List<Consumer<WriteSection>> operations(final Region region, final Region other) {
        return List.of(section -> section.exclude(region), section -> section.unmap(region),
            section -> section.unmap(region.address(), region.address() + PAGE),
            section -> section.split(region, PAGE), section -> section.merge(region, other),
            section -> section.protect(region, Protection.READ_ONLY), section -> section.move(region),
            section -> section.resize(region, PAGE), section -> section.map(PAGE),
            section -> section.exclude(region.address(), region.address() + SIZE), section -> section.end(region),
            section -> section.segment(region), WriteSection::endAll, WriteSection::downgrade, WriteSection::publish,
            section -> section.patience(1, TimeUnit.SECONDS));
    }

    @Test
    void nothingMustBeDoneInASectionThatIsPublishedDowngradedClosedOrAnotherThreads() throws Exception {
        final Region region = space.map(SIZE);
        final Region other = space.map(SIZE);
        try (WriteSection section = space.write()) {
            for (final Consumer<WriteSection> operation : operations(region, other)) {
                Threads.run(() -> assertThatThrownBy(() -> operation.accept(section))
                    .isInstanceOf(WrongThreadException.class).hasMessageContaining("another thread"));
            }
            Threads.run(() -> assertThatThrownBy(section::close).isInstanceOf(WrongThreadException.class));
            Threads.run(() -> assertThatThrownBy(section::tryUpgrade).isInstanceOf(WrongThreadException.class));
            section.publish();
            ended(section, region, other, "PUBLISHED");
            assertThat(section.tryUpgrade()).isTrue();
            section.downgrade();
            ended(section, region, other, "DOWNGRADED");
            section.close();
            section.close();
            ended(section, region, other, "closed");
            assertThatThrownBy(section::tryUpgrade).isInstanceOf(IllegalStateException.class);
            assertThat(section.isOpen()).isFalse();
        }
        put(region, 0, 1);
    }

    private void ended(final WriteSection section, final Region region, final Region other, final String state) {
        for (final Consumer<WriteSection> operation : operations(region, other)) {
            assertThatThrownBy(() -> operation.accept(section)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(state);
        }
    }

    @Test
    void changesThatContradictEachOtherMustBeRefusedAndTheRestPublished() {
        final Region region = space.map(SIZE);
        final Region second = space.map(SIZE);
        final Region third = space.map(SIZE);
        final Region kept;
        try (WriteSection section = space.write()) {
            final List<Region> halves = section.split(region, 2 * PAGE);
            for (final Consumer<WriteSection> operation : List.<Consumer<WriteSection>>of(
                each -> each.unmap(region), each -> each.split(region, PAGE), each -> each.move(region),
                each -> each.merge(region, second), each -> each.protect(region, Protection.READ_ONLY),
                each -> each.resize(region, PAGE), each -> each.exclude(region))) {
                refused(() -> operation.accept(section), "changed already");
            }
            refused(() -> section.segment(region), "does not hold");
            refused(() -> section.end(region), "has changed");
            refused(section::endAll, "with changes");
            section.unmap(halves.getFirst());
            refused(() -> section.unmap(halves.getFirst()), "unmap");
            refused(() -> section.segment(halves.getFirst()), "does not hold");
            refused(() -> section.merge(halves.getLast(), third), "not adjacent");
            illegal(() -> section.merge(third, third), "or the same");
            illegal(() -> section.resize(third, 0), "positive");
            illegal(() -> section.split(third, 0), "out of range");
            illegal(() -> section.split(third, SIZE), "out of range");
            illegal(() -> section.split(third, PAGE + 1), "between two pages");
            illegal(() -> section.unmap(third.address() + 1, third.address() + PAGE), "between two pages");
            illegal(() -> section.unmap(PAGE, PAGE), "empty");
            illegal(() -> section.exclude(0, space.capacity() + 1), "outside");
            kept = section.merge(halves.getLast(), second);
            section.publish();
        }
        assertThat(kept.size()).isEqualTo(2 * PAGE + SIZE);
        assertThat(third.isMapped()).isTrue();
        assertThat(space.maps()).hasSize(2);
        put(third, 0, 3);
    }

    @Test
    void handlesOfUnmappedRegionsMustBeRefusedAsSuchWhateverTheirRecordsAreNow() {
        final Region gone = space.map(SIZE);
        gone.unmap();
        final Region before = space.map(SIZE);
        before.split(PAGE);
        try (WriteSection section = space.write(before.address(), before.address() + PAGE)) {
            refused(() -> section.unmap(gone), "unmap");
            refused(() -> section.exclude(before), "exclude");
            refused(() -> section.end(gone), "does not have");
        }
    }

    /** The record of a region says what its pages allow only until a section changes them. */
    @Test
    void pagesThatTheSectionHasChangedMustNotBeReachedThroughTheOldRegion() {
        final Region region = space.map(SIZE);
        final MemorySegment bytes = MemorySegment.ofArray(new byte[(int) PAGE]);
        try (WriteSection section = space.write()) {
            section.exclude(region);
            region.copyIn(bytes, 0, 0, PAGE);
            final Region readOnly = section.protect(region, Protection.READ_ONLY);
            refused(region::residentBytes, "has changed");
            refused(region::populate, "has changed");
            refused(() -> region.copyIn(bytes, 0, 0, PAGE), "has changed");
            refused(() -> region.discard(0, 1), "has changed");
            refused(readOnly::populate, "unmapped");
        }
        region.populate();
        region.copyIn(bytes, 0, 0, PAGE);
        region.discard(0, 1);
    }

    /** Pages that cannot be written any more must not be reachable through a segment that can be. */
    @Test
    void segmentsMustEndWhenTheSectionChangesTheirRegion() {
        final Region region = space.map(SIZE);
        try (WriteSection section = space.write()) {
            final MemorySegment ofRegion = section.exclude(region);
            ofRegion.set(JAVA_LONG, 0, 1);
            final Region readOnly = section.protect(region, Protection.READ_ONLY);
            ended(ofRegion);
            final MemorySegment ofPart = section.segment(readOnly);
            assertThat(ofPart.isReadOnly()).isTrue();
            assertThat(ofPart.get(JAVA_LONG, 0)).isEqualTo(1);
            final Region again = section.protect(readOnly, Protection.READ_WRITE);
            ended(ofPart);
            final MemorySegment writable = section.segment(again);
            writable.set(JAVA_LONG, 0, 2);
            final Region fresh = section.map(SIZE);
            final MemorySegment ofFresh = section.segment(fresh);
            section.protect(fresh, Protection.READ_ONLY);
            ended(ofFresh);
            writable.set(JAVA_LONG, 0, 3);
            section.publish();
            ended(writable);
            assertThat(get(again, 0)).isEqualTo(3);
        }
    }

    private static void ended(final MemorySegment segment) {
        assertThat(segment.scope().isAlive()).isFalse();
        assertThatThrownBy(() -> segment.get(JAVA_LONG, 0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void noRegionWithoutBytesMustBeLeftOfOneThatCanGrow() {
        final Region growable = space.map(MapRequest.anonymous(2 * PAGE).growableTo(16 * PAGE));
        put(growable, 0, 9);
        final List<Region> rest;
        try (WriteSection section = space.write()) {
            rest = section.unmap(growable.address() + PAGE, growable.address() + 4 * PAGE);
            section.publish();
        }
        assertThat(rest).singleElement().isEqualTo(find(space.maps().getFirst()));
        assertThat(space.maps()).singleElement().satisfies(info -> assertThat(info.size()).isEqualTo(PAGE));
        assertThat(space.statistics().mappedBytes()).isEqualTo(PAGE);
        assertThat(get(space.maps().stream().map(this::find).toList().getFirst(), 0)).isEqualTo(9);
    }

    private Region find(final RegionInfo info) {
        try (Pin pin = space.pin()) {
            return Objects.requireNonNull(pin.find(info.address()));
        }
    }

    @Test
    void anUnmapOfARangeMustReturnWhatIsLeft() {
        final Region first = space.map(SIZE);
        final Region last = space.map(SIZE);
        assertThat(last.address()).isEqualTo(first.address() + SIZE);
        put(first, 0, 1);
        put(last, PAGE, 2);
        try (WriteSection section = space.write()) {
            final List<Region> rest = section.unmap(first.address() + PAGE, last.address() + PAGE);
            assertThat(rest).hasSize(2);
            assertThat(section.segment(rest.getLast()).get(JAVA_LONG, 0)).isEqualTo(2);
            assertThat(section.unmap(rest.getLast().address(), rest.getLast().address() + PAGE)).singleElement()
                .satisfies(end -> assertThat(end.address()).isEqualTo(last.address() + 2 * PAGE));
            section.publish();
            assertThat(rest.getFirst().size()).isEqualTo(PAGE);
            assertThat(get(rest.getFirst(), 0)).isEqualTo(1);
            assertThat(rest.getLast().isMapped()).isFalse();
        }
    }

    /** A section that changes a region must cover the addresses that are kept for it to grow. */
    @Test
    void aRegionMustSayWhatASectionHasToCover() {
        final Region growable = space.map(MapRequest.anonymous(PAGE).growableTo(16 * PAGE));
        assertThat(growable.reservedStart()).isEqualTo(growable.address());
        assertThat(growable.reservedEnd()).isEqualTo(growable.address() + 16 * PAGE);
        try (WriteSection section = space.write(growable.address(), growable.address() + PAGE)) {
            assertThatIllegalArgumentException().isThrownBy(() -> section.exclude(growable))
                .withMessageContaining("begin a section from reservedStart() to reservedEnd()");
        }
        try (WriteSection section = space.write(growable.reservedStart(), growable.reservedEnd())) {
            section.unmap(growable);
            section.publish();
        }
        assertThatThrownBy(growable::reservedStart).isInstanceOf(RegionException.class);
        assertThatThrownBy(growable::reservedEnd).isInstanceOf(RegionException.class);
    }

    /** Sections of the whole process share a table; who finds it full has changed nothing and can go on. */
    @Test
    void aSectionThatFindsNoTicketMustSayWhatToDo() {
        final Region region = space.map(SIZE);
        final List<Long> tickets = new ArrayList<>();
        try (WriteSection section = space.write()) {
            for (long ticket = SectionLock.open(); ticket != 0; ticket = SectionLock.open()) {
                tickets.add(ticket);
            }
            assertThat(tickets).hasSizeLessThanOrEqualTo(SectionLock.TICKETS).isNotEmpty();
            assertThatThrownBy(() -> section.exclude(region)).isInstanceOf(RegionException.class)
                .hasMessageContaining("limit=" + SectionLock.TICKETS + "; publish or close some of them first");
            SectionLock.endAll(tickets.removeLast());
            section.unmap(region);
            section.publish();
        } finally {
            tickets.forEach(SectionLock::endAll);
        }
        assertThat(region.isMapped()).isFalse();
    }

    @Test
    void anUpgradeMustNotWaitForPins() throws Exception {
        final Region first = space.map(SIZE);
        final Region second = space.map(SIZE);
        try (Threads.Holder pinned = Threads.hold(space::pin)) {
            assertThat(pinned.thread().isAlive()).isTrue();
            final WriteSection section = space.write();
            section.unmap(first);
            section.publish();
            assertThat(section.tryUpgrade()).isTrue();
            section.unmap(second);
            section.publish();
            assertThat(space.statistics().mappedBytes()).isEqualTo(2 * SIZE);
            Thread.currentThread().interrupt();
            section.close();
            assertThat(Thread.interrupted()).isTrue();
        }
        while (space.statistics().regions() != 0) {
            Thread.onSpinWait();
        }
    }

    /** Rolling back after an upgrade gives back what was published before it. */
    @Test
    void aRollBackAfterAnUpgradeMustKeepWhatWasPublishedBefore() {
        final Region first = space.map(SIZE);
        final Region second = space.map(SIZE);
        try (WriteSection section = space.write()) {
            section.unmap(first);
            section.publish();
            assertThat(section.tryUpgrade()).isTrue();
            section.unmap(second);
        }
        assertThat(first.isMapped()).isFalse();
        put(second, 0, 1);
        assertThat(space.statistics().mappedBytes()).isEqualTo(SIZE);
    }

    @Test
    void patienceMustEndTheWaitForReadersAndStayAcrossAnUpgrade() throws Exception {
        final Region region = space.map(SIZE);
        final Region free = space.map(SIZE);
        try (Threads.Holder reader = Threads.hold(region::share); WriteSection section = space.write()) {
            section.patience(1, TimeUnit.MILLISECONDS);
            for (int i = 0; i < 2; i++) {
                for (final Consumer<WriteSection> operation : List.<Consumer<WriteSection>>of(
                    each -> each.exclude(region), each -> each.unmap(region), each -> each.exclude(0, space.capacity()),
                    each -> each.merge(free, region), each -> each.unmap(0, space.capacity()))) {
                    assertThatThrownBy(() -> operation.accept(section)).isInstanceOfSatisfying(RegionException.class,
                        e -> assertThat(e.refusal()).isEqualTo(Refusal.TIMED_OUT));
                }
                assertThat(region.isMapped()).isTrue();
                Threads.run(() -> put(region, 0, 1));
                section.downgrade();
                assertThat(section.tryUpgrade()).isTrue();
            }
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> section.unmap(region)).isInstanceOfSatisfying(RegionException.class,
                e -> assertThat(e.refusal()).isEqualTo(Refusal.INTERRUPTED));
            assertThat(Thread.interrupted()).as("the interrupt is kept").isTrue();
            section.unmap(free);
            reader.close();
            section.unmap(region);
            section.publish();
        }
        assertThat(space.maps()).isEmpty();
    }

    @Test
    void aSectionMustNotBePublishedInAClosedSpace() throws Exception {
        final Region region = space.map(SIZE);
        put(region, 0, 5);
        try (Threads.Holder holder = Threads.hold(region::share)) {
            final WriteSection section = space.write();
            final Region fresh = section.map(SIZE);
            assertThat(Threads.run(() -> space.close(1, TimeUnit.MILLISECONDS))).isFalse();
            assertThatThrownBy(() -> section.map(SIZE)).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("closed");
            assertThatThrownBy(section::publish).isInstanceOf(IllegalStateException.class).hasMessageContaining("closed");
            assertThat(section.isOpen()).isFalse();
            assertThat(fresh.isMapped()).isFalse();
            assertThatThrownBy(() -> space.write()).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> space.tryRead(0, PAGE)).isInstanceOf(IllegalStateException.class);
            holder.close();
            space.close();
        }
    }

    @Test
    void aSpaceMustNotBeClosedByAThreadThatHasASectionAndMustWaitForThoseOfOthers() throws Exception {
        try (WriteSection section = space.write(0, PAGE)) {
            assertThat(section.isOpen()).isTrue();
            selfWait(space::close);
            assertThat(space.isOpen()).isTrue();
        }
        final Threads.Work<Boolean> closer;
        try (Threads.Holder holder = Threads.hold(() -> space.read(0, PAGE))) {
            assertThat(holder.thread().isAlive()).isTrue();
            closer = Threads.start(() -> {
                space.close();
                return true;
            });
            idle.awaitWaiter();
            assertThat(closer.isDone()).isFalse();
        }
        closer.get();
    }

    /** T13: whoever would wait for himself, or could, is told at once; nothing hangs and nothing is left behind. */
    @Test
    void aSectionMustNotBeBegunUnderAnythingThatItCouldWaitFor() throws Exception {
        final Region region = space.map(SIZE);
        final Region other = space.map(SIZE);
        try (Guard guard = region.share()) {
            assertThat(guard.segment().byteSize()).isEqualTo(SIZE);
            selfWait(() -> space.read(0, PAGE));
            selfWait(() -> space.write(0, PAGE, 1, TimeUnit.SECONDS));
            try (WriteSection section = space.tryWrite(0, space.capacity())) {
                assertThat(section).isNotNull();
                selfWait(() -> section.unmap(region));
                section.unmap(other);
            }
        }
        try (Pin pin = space.pin()) {
            selfWait(() -> space.write());
            assertThat(pin.find(other.address())).isEqualTo(other);
        }
        try (WriteSection section = space.write()) {
            for (final ThrowingCallable call : List.<ThrowingCallable>of(() -> space.write(), () -> space.read(0, PAGE),
                () -> space.tryWrite(0, PAGE), () -> space.map(PAGE), () -> region.unmap(), () -> region.split(PAGE),
                () -> region.unmapAsync(), () -> region.remap(PAGE))) {
                selfWait(call);
            }
            section.exclude(region);
            selfWait(region::share);
            selfWait(region::exclusive);
            assertThat(region.tryShare().refusal()).isEqualTo(Refusal.EXCLUSIVE);
        }
        put(region, 0, 1);
    }

    /** The combinations that no wait can come of, in every state of a section. */
    @Test
    void aSectionMustLetItsThreadLockPinAndListWhatItHasNotExcluded() {
        final Region excluded = space.map(SIZE);
        final Region region = space.map(SIZE);
        try (WriteSection section = space.write()) {
            section.exclude(excluded);
            useInEveryWay(region);
            section.unmap(excluded);
            useInEveryWay(region);
            section.publish();
            useInEveryWay(region);
            assertThat(section.tryUpgrade()).isTrue();
            section.downgrade();
            useInEveryWay(region);
        }
        try (ReadSection section = space.read(0, space.capacity())) {
            useInEveryWay(region);
            assertThat(section.isOpen()).isTrue();
        }
    }

    private void useInEveryWay(final Region region) {
        try (Guard shared = region.share(); Guard again = region.shareWritable(); Hold hold = region.hold();
             Pin pin = space.pin(); SpaceSnapshot snapshot = space.snapshot()) {
            assertThat(shared.isHeld() && again.isHeld()).isTrue();
            assertThat(hold.region()).isEqualTo(region);
            assertThat(pin.find(region.address())).isEqualTo(region);
            assertThat(snapshot.regions()).anyMatch(info -> info.address() == region.address());
        }
        final long stamp = region.tryOptimisticRead();
        assertThat(region.validate(stamp)).isTrue();
        try (Guard guard = region.exclusive()) {
            guard.segment().set(JAVA_LONG, 0, 5);
        }
        assertThat(region.validate(stamp)).isFalse();
    }

    /** T13 with a writer in between: it waits for the region that the thread holds exclusively. */
    @Test
    void aThreadThatHoldsARegionExclusivelyMustNotWaitForTheSectionThatWaitsForIt() throws Exception {
        final Region region = space.map(SIZE);
        final Threads.Work<Boolean> work;
        try (Guard guard = region.exclusive()) {
            assertThat(guard.segment().byteSize()).isEqualTo(SIZE);
            work = Threads.start(() -> {
                try (WriteSection section = space.write()) {
                    section.unmap(region);
                    section.publish();
                }
                return true;
            });
            idle.awaitWaiter();
            selfWait(() -> space.write());
            selfWait(() -> space.map(PAGE));
            assertThat(space.tryMap(MapRequest.anonymous(PAGE))).isNull();
            assertThat(space.tryRead(0, PAGE)).isNull();
        }
        work.get();
        assertThat(region.isMapped()).isFalse();
    }

    @Test
    void singleChangesMustWaitForASectionAndTheirTryFormsMustNot() throws Exception {
        final Region inside = space.map(SIZE);
        final Region outside = space.map(SIZE);
        final Threads.Work<Boolean> unmap;
        try (WriteSection section = space.write(inside.address(), inside.address() + SIZE)) {
            unmap = Threads.start(() -> {
                inside.unmap();
                return true;
            });
            idle.awaitWaiter();
            assertThat(unmap.isDone()).isFalse();
            Threads.run(() -> assertThat(inside.unmap(1, TimeUnit.MILLISECONDS)).isFalse());
            Threads.run(() -> assertThat(space.tryMap(MapRequest.anonymous(PAGE).at(inside.address()))).isNull());
            Threads.run(() -> assertThatThrownBy(() -> space.write(0, space.capacity(), 1, TimeUnit.MILLISECONDS))
                .isInstanceOf(TimeoutException.class).hasMessageContaining("sections="));
            Threads.run(() -> outside.unmap());
            Threads.run(() -> space.map(SIZE).unmap());
            assertThat(section.isOpen()).isTrue();
            assertThat(inside.isMapped()).isTrue();
        }
        unmap.get();
        assertThat(inside.isMapped()).isFalse();
    }

    /** A wait for readers of another region must not make the thread deaf: what is held is given back by anybody. */
    @Test
    void aReadSectionMustKeepTheStructureAndLetRegionsBeLocked() throws Exception {
        final Region region = space.map(SIZE);
        try (ReadSection section = space.read(0, space.capacity())) {
            put(region, 0, 4);
            Threads.run(() -> {
                try (ReadSection beside = space.read(0, PAGE)) {
                    assertThat(beside.tryUpgrade()).isNull();
                    assertThat(beside.isOpen()).isTrue();
                }
                assertThat(space.tryMap(MapRequest.anonymous(PAGE))).isNull();
            });
            try (WriteSection upgraded = section.tryUpgrade()) {
                assertThat(upgraded).isNotNull();
                assertThat(section.isOpen()).isFalse();
                upgraded.unmap(region);
                upgraded.publish();
            }
        }
        assertThat(region.isMapped()).isFalse();
    }
}
