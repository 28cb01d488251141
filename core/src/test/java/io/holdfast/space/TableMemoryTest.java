// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** What many regions have needed of the library's tables goes back, and no handle of theirs comes alive by it (G5, G9). */
class TableMemoryTest extends SpaceFixture {
    private static final int MANY = 4_000;
    private static final long FEW_BYTES = 128 << 10;

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.capacity(3L << 32).startReclaimer(false);
    }

    private static List<Region> map(final AddressSpace space, final int count) {
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            regions.add(space.map(PAGE));
        }
        return regions;
    }

    private static boolean isRefused(final Region region) {
        try (Guard guard = region.share()) {
            return false;
        } catch (final RegionException e) {
            return !region.isMapped() && region.tryLockShared() <= 0 && region.tryLockCounted() <= 0 &&
                !region.validate(region.tryOptimisticRead());
        }
    }

    @Test
    void trimMustGiveTablesBackWhileHandlesAndStampsStayOver() {
        final Set<Region> stale = new HashSet<>();
        for (int round = 1; round <= 3; round++) {
            final List<Region> regions = map(space, MANY);
            final long stamp = regions.getFirst().tryOptimisticRead();
            assertThat(space.statistics().tableBytes()).isGreaterThan(MANY * 64L);
            stale.addAll(regions);
            space.unmap(regions);
            space.trim();
            assertThat(space.statistics().tableBytes()).isLessThan(FEW_BYTES);
            assertThat(regions.getFirst().validate(stamp)).isFalse();
            assertThat(stale).as("all different").hasSize(round * MANY).allMatch(TableMemoryTest::isRefused);
        }
        final List<Region> next = map(space, MANY);
        assertThat(stale).doesNotContainAnyElementsOf(next).allMatch(TableMemoryTest::isRefused);
        assertThat(next).allMatch(Region::isMapped);
        space.unmap(next);
    }

    @Test
    void aCloseMustGiveTablesBackToo() {
        map(space, MANY);
        space.close();
        try (AddressSpace next = AddressSpace.builder().capacity(3L << 32).startReclaimer(false).open()) {
            assertThat(inside(next).core()).as("the same tables").isSameAs(inside(space).core());
            assertThat(next.statistics().tableBytes()).isLessThan(FEW_BYTES);
        }
    }

    @Test
    void handlesOfAnyAgeMustBeRefusedBesideTrims() throws Exception {
        final AtomicBoolean over = new AtomicBoolean();
        final List<Region> stale = List.copyOf(map(space, MANY));
        space.unmap(stale);
        final Threads.Work<Integer> reader = Threads.start(() -> {
            int looks = 0;
            while (!over.get()) {
                assertThat(stale).allMatch(TableMemoryTest::isRefused);
                looks++;
            }
            return looks;
        });
        int gone = 0;
        for (int i = 0; i < 30; i++) {
            final List<Region> regions = map(space, MANY);
            final long before = space.statistics().tableBytes();
            space.unmap(regions);
            space.trim();
            gone += space.statistics().tableBytes() < before ? 1 : 0;
        }
        over.set(true);
        assertThat(reader.get()).as("looks").isPositive();
        assertThat(gone).as("trims that gave something back").isPositive();
    }
}
