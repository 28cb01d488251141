// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.RegionCursor;
import io.holdfast.RegionInfo;
import io.holdfast.SpaceSnapshot;
import io.holdfast.WriteSection;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.LifetimesTestSupport;
import io.holdfast.lock.RegionLock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Snapshots show one moment, cursors never a gap that was never there (G7; T14, T15). */
class SpaceSnapshotTest extends SpaceFixture {
    private static final long SIZE = 4 * PAGE;

    private static List<Long> addresses(final SpaceSnapshot snapshot) {
        return snapshot.regions().stream().map(RegionInfo::address).toList();
    }

    @Test
    void aSnapshotMustShowWhatWasThereWhateverHappensLater() {
        final Region unmapped = space.map(SIZE);
        final Region split = space.map(SIZE);
        final Region gone = space.map(SIZE);
        final Region moved = space.map(SIZE);
        gone.unmap();
        final List<Long> expected = List.of(unmapped.address(), split.address(), moved.address());
        try (SpaceSnapshot snapshot = space.snapshot()) {
            assertThat(addresses(snapshot)).isEqualTo(expected);
            space.map(PAGE);
            unmapped.unmap();
            final List<Region> halves = split.split(PAGE);
            final Region elsewhere = moved.remap(100 * PAGE);
            try (WriteSection section = space.write()) {
                section.unmap(halves.getFirst());
                section.map(SIZE);
                section.publish();
            }
            assertThat(addresses(snapshot)).isEqualTo(expected);
            assertThat(snapshot.regions()).allMatch(info -> info.size() == SIZE);
            assertThat(snapshot.find(split.address() + PAGE)).isNotNull();
            assertThat(snapshot.find(elsewhere.address() + 50 * PAGE)).isNull();
            try (SpaceSnapshot later = space.snapshot()) {
                assertThat(addresses(later)).isEqualTo(space.maps().stream().map(RegionInfo::address).toList());
                assertThat(addresses(later)).contains(elsewhere.address());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void regionsThatPinnedReadersHoldBackMustNotBeShownOnceTheyAreUnmapped(final boolean together)
        throws InterruptedException {
        final Region region = space.map(SIZE);
        final Thread thread;
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicBoolean pinned = new AtomicBoolean();
        thread = Thread.ofPlatform().start(() -> {
            try (Pin pin = space.pin()) {
                pinned.set(pin.find(region.address()) != null);
                EpochTestSupport.await("stop", stop::get);
            }
        });
        EpochTestSupport.await("pinned", pinned::get);
        if (together) {
            space.unmapAsync(List.of(region));
        } else {
            region.unmapAsync();
        }
        try (SpaceSnapshot snapshot = space.snapshot()) {
            assertThat(snapshot.regions()).isEmpty();
            assertThat(snapshot.find(region.address())).isNull();
        }
        stop.set(true);
        thread.join();
    }

    @Test
    void snapshotsMustBeRefusedAfterTheyAreClosedAndInOtherThreads() {
        space.map(SIZE);
        final SpaceSnapshot snapshot = space.snapshot();
        final AtomicLong wrong = new AtomicLong();
        EpochTestSupport.together(1, number -> {
            assertThatThrownBy(snapshot::regions).isInstanceOf(WrongThreadException.class);
            assertThatThrownBy(snapshot::close).isInstanceOf(WrongThreadException.class);
            wrong.incrementAndGet();
        });
        assertThat(wrong.get()).isEqualTo(1);
        assertThatThrownBy(space::close).isInstanceOf(IllegalMonitorStateException.class);
        snapshot.close();
        snapshot.close();
        assertThatIllegalStateException().isThrownBy(snapshot::regions);
        space.close();
        assertThatIllegalStateException().isThrownBy(space::snapshot);
        assertThatIllegalStateException().isThrownBy(space::cursor);
    }

    /** T9: where 28 bits end, as they did once, and long after. */
    @ParameterizedTest
    @ValueSource(longs = {1L << 27, 1L << 28, 1L << 32, 1L << 60})
    void liveRegionsMustBeShownHoweverManySnapshotsThereWere(final long count) {
        final Region old = space.map(SIZE);
        LifetimesTestSupport.preset(inside(space).core().lifetimes(), count - 2);
        final Region young = space.map(SIZE);
        for (int i = 0; i < 5; i++) {
            assertThat(space.maps()).hasSize(2);
            try (SpaceSnapshot snapshot = space.snapshot()) {
                assertThat(addresses(snapshot)).containsExactly(old.address(), young.address());
            }
        }
        young.unmap();
        assertThat(space.maps()).hasSize(1);
    }

    /** An unmap, and a map, whose threads have stopped between the step and the stamp. */
    @Test
    void lookupsListingsAndSnapshotsMustAgreeWhileAnUnmapIsUnderWay() {
        final RegionHandle region = (RegionHandle) space.map(SIZE);
        final long record = region.record();
        final RegionLock lock = new RegionLock(inside(space).core().domain(), (which, tag, elapsedNs) -> { },
            () -> { });
        try (SpaceSnapshot before = space.snapshot()) {
            assertThat(lock.tryDetach(record, region.incarnation())).isEqualTo(1);
            try (SpaceSnapshot between = space.snapshot()) {
                assertThat(addresses(between)).as("no lookup has missed it").containsExactly(region.address());
                assertThat(find(region.address())).isNull();
                assertThat(space.cursor().next()).isNull();
                assertThat(space.maps()).isEmpty();
                assertThat(addresses(before)).containsExactly(region.address());
                assertThat(addresses(between)).containsExactly(region.address());
            }
        }
        final PendingUnmap pending = inside(space).unmapper().prepare();
        pending.of(record);
        pending.detached = true;
        inside(space).unmapper().completeAll(List.of(pending));
    }

    private @Nullable Region find(final long address) {
        try (Pin pin = space.pin()) {
            return pin.find(address);
        }
    }

    /**
     * Maps and unmaps beside snapshots that are looked at again and again: each gives one answer, and agrees with the
     * lookups before and after it; until regions have come and gone meanwhile.
     */
    private void lookBesideChanges(final int rounds) {
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong came = new AtomicLong();
        final AtomicLong went = new AtomicLong();
        EpochTestSupport.together(3, number -> {
            if (number == 0) {
                for (int i = 0; !stop.get() && (i < rounds || came.get() < 100 || went.get() < 100); i++) {
                    final Region region = space.map(SIZE);
                    if (i % 3 == 0) {
                        region.remap(2 * SIZE).unmap();
                    } else {
                        region.unmap();
                    }
                }
                stop.set(true);
                return;
            }
            while (!stop.get()) {
                boolean right = false;
                try {
                    lookAgainAndAgain(came, went);
                    right = true;
                } finally {
                    stop.compareAndSet(false, !right);
                }
            }
        });
    }

    @Test
    void aSnapshotMustGiveOneAnswerWhateverHappensBesideIt() {
        lookBesideChanges(5_000);
    }

    @Test
    @Tag("long")
    void aSnapshotMustGiveOneAnswerHoweverOftenThingsHappenBesideIt() {
        lookBesideChanges(200_000);
    }

    private void lookAgainAndAgain(final AtomicLong came, final AtomicLong went) {
        final Region before = find(0);
        try (SpaceSnapshot snapshot = space.snapshot()) {
            final List<Long> first = addresses(snapshot);
            for (int look = 0; look < 20; look++) {
                assertThat(addresses(snapshot)).isEqualTo(first);
            }
            assertThat(first.size()).as("regions at a time").isLessThanOrEqualTo(1);
            final Region after = find(0);
            if (before != null && before.equals(after)) {
                assertThat(first).containsExactly(0L);
            } else if (after != null) {
                came.incrementAndGet();
            } else if (before != null) {
                went.incrementAndGet();
            }
        }
    }

    @Test
    void aCursorMustGoBothWaysAndFindItsPlaceAgain() {
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            regions.add(space.map(SIZE));
        }
        final RegionCursor cursor = space.cursor();
        for (final Region region : regions) {
            assertThat(cursor.next()).isEqualTo(region);
        }
        assertThat(cursor.next()).isNull();
        for (final Region region : regions.reversed()) {
            assertThat(cursor.previous()).isEqualTo(region);
        }
        assertThat(cursor.previous()).isNull();
        assertThat(cursor.seek(regions.get(3).address()).next()).isEqualTo(regions.get(3));
        regions.get(4).unmap();
        final Region half = regions.get(5).split(PAGE).getFirst();
        assertThat(cursor.next()).isEqualTo(half);
    }

    /** T14 and T15: sections replace regions under cursors and snapshots. */
    @Test
    void nobodyMustSeeAGapWhereRegionsStoodBeforeAndAfter() {
        final int count = 16;
        final Region first = space.map(count * PAGE);
        final long base = first.address();
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong splitSeen = new AtomicLong();
        final AtomicLong wholeSeen = new AtomicLong();
        EpochTestSupport.together(3, number -> {
            if (number == 0) {
                Region whole = first;
                for (int i = 0; i < 2_000 || splitSeen.get() == 0 || wholeSeen.get() == 0; i++) {
                    try (WriteSection section = space.write(base, base + count * PAGE)) {
                        final Region rest = section.split(whole, PAGE * (1 + i % (count - 1))).getFirst();
                        assertThat(rest.address()).isEqualTo(base);
                        section.publish();
                    }
                    whole = mergeAll(base, count);
                }
                stop.set(true);
                return;
            }
            final RegionCursor cursor = space.cursor();
            while (!stop.get()) {
                long seen = base;
                int regions = 0;
                cursor.seek(base);
                while (seen < base + count * PAGE) {
                    final Region region = cursor.next();
                    assertThat(region).as("a region at or behind 0x%x", seen).isNotNull();
                    assertThat(region.address()).as("no gap").isLessThanOrEqualTo(seen);
                    seen = cursor.position();
                    regions++;
                }
                (regions > 1 ? splitSeen : wholeSeen).incrementAndGet();
                try (SpaceSnapshot snapshot = space.snapshot()) {
                    final long bytes = snapshot.regions().stream().mapToLong(RegionInfo::size).sum();
                    assertThat(bytes).isEqualTo(count * PAGE);
                }
                try (Pin pin = space.pin()) {
                    assertThat(pin.find(base + (seen >>> 12) % count * PAGE)).isNotNull();
                }
            }
        });
    }

    /** A cursor meets the whole that is just being split: what lies behind its position it has shown. */
    @Test
    void aCursorMustNotShowAgainWhatLiesBehindItsPosition() {
        final int count = 2;
        final Region first = space.map(count * PAGE);
        final long base = first.address();
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong partSeen = new AtomicLong();
        final AtomicLong wholeSeen = new AtomicLong();
        EpochTestSupport.together(2, number -> {
            if (number == 0) {
                Region whole = first;
                for (int i = 0; i < 20_000 || partSeen.get() == 0 || wholeSeen.get() == 0; i++) {
                    whole.split(PAGE);
                    whole = mergeAll(base, count);
                }
                stop.set(true);
                return;
            }
            final RegionCursor cursor = space.cursor();
            while (!stop.get()) {
                inside(space).core().domain().pinStructure(); // what is shown stays what it was
                try {
                    final Region region = cursor.seek(base + PAGE).next();
                    assertThat(region).isNotNull();
                    final long record = inside(region).record();
                    assertThat(RecordLayout.limit(record)).as("behind the position").isEqualTo(base + count * PAGE);
                    (RecordLayout.start(record) == base ? wholeSeen : partSeen).incrementAndGet();
                } finally {
                    inside(space).core().domain().unpinStructure();
                }
            }
        });
    }

    private Region mergeAll(final long base, final int count) {
        try (WriteSection section = space.write(base, base + count * PAGE)) {
            final RegionCursor cursor = space.cursor().seek(base);
            final Region low = cursor.next();
            final Region high = cursor.next();
            final Region merged = section.merge(low, high);
            section.publish();
            return merged;
        }
    }
}
