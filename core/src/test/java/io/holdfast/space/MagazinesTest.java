// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.RegionCursor;
import io.holdfast.RegionInfo;
import io.holdfast.SpaceSnapshot;
import io.holdfast.WriteSection;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.Stripes;
import io.holdfast.tree.Snapshot;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.junit.jupiter.api.Test;

/** Unmapped regions that keep their addresses for the next map: no regions, in nobody's way, and used again in time. */
class MagazinesTest extends SpaceFixture {
    private static final long SMALL = 16 << 20;
    private static final int ROUNDS = 2_000;
    private static final long LARGE = 16 * PAGE; // one at rest is worth a grace period, where of pages many are
    private static final int FRONT = 16; // words of a ring
    private static final int KNOWN = 17;
    private static final int BACK = 32;

    private long intervals() {
        final AtomicLong count = new AtomicLong();
        try (Snapshot snapshot = inside(space).core().tree().snapshot()) {
            snapshot.forEach(0, space.capacity(), (start, end, record) -> count.incrementAndGet() != 0);
        }
        return count.get();
    }

    private Region found(final long address) {
        try (Pin pin = space.pin()) {
            return pin.find(address);
        }
    }

    @Test
    void whatIsParkedMustBeNoRegion() {
        final Region region = space.map(4 * PAGE);
        final long address = region.address();
        region.unmap();
        assertThat(intervals()).as("seen: it is parked").isOne();
        assertThat(found(address)).isNull();
        assertThat(space.maps()).isEmpty();
        assertThat(space.statistics().regions()).isZero();
        assertThat(space.statistics().mappedBytes()).isZero();
        assertThat(space.statistics().idleBytes()).isEqualTo(4 * PAGE);
        try (SpaceSnapshot snapshot = space.snapshot()) {
            assertThat(snapshot.regions()).isEmpty();
            assertThat(snapshot.find(address)).isNull();
        }
        final RegionCursor cursor = space.cursor();
        assertThat(cursor.next()).isNull();
        assertThatThrownBy(region::unmap).hasMessageContaining("DETACHED");
    }

    @Test
    void theNextMapsOfItsSizeMustHaveItAndFindZeros() {
        int all = 0;
        for (final int pages : new int[] {1, 2, 4, 8, 16}) {
            final long size = pages * PAGE;
            final int many = Magazines.MANY / pages;
            final List<Long> used = new ArrayList<>();
            Region region = space.map(size);
            for (int i = -Magazines.GROWTH * many * many; i < 4 * Magazines.MANY; i++) {
                if (i >= 0) { // there are many by now
                    used.add(region.address());
                }
                put(region, size - Long.BYTES, 1);
                region.unmap();
                final Region stale = region;
                region = space.map(MapRequest.anonymous(size).named("region " + i));
                assertThat(region).isNotEqualTo(stale);
                assertThat(get(region, size - Long.BYTES)).isZero();
                assertThat(stale.isMapped()).isFalse();
                assertThat(found(region.address())).isEqualTo(region);
            }
            assertThat(used).as("no address sooner than after so many others").allSatisfy(address ->
                assertThat(used.subList(used.indexOf(address) + 1, used.indexOf(address) + Math.max(many, 1)))
                    .doesNotContain(address));
            all += Math.max(many, 1);
            assertThat(new HashSet<>(used)).hasSize(Math.max(many, 1));
            region.unmap();
        }
        assertThat(intervals()).isEqualTo(all);
    }

    @Test
    void whatAsksForMoreThanItsSizeMustNotHaveIt() {
        final Region low = space.map(PAGE);
        space.map(PAGE).unmap();
        assertThat(intervals()).isEqualTo(2);
        final Region aligned = space.map(MapRequest.anonymous(PAGE).alignedTo(16 * PAGE));
        assertThat(aligned.address() % (16 * PAGE)).isZero();
        final Region larger = space.map(3 * PAGE);
        final Region growing = space.map(MapRequest.anonymous(PAGE).growableTo(3 * PAGE));
        growing.grow(3 * PAGE);
        put(growing, 3 * PAGE - Long.BYTES, 1);
        assertThat(larger.size()).isEqualTo(3 * PAGE);
        low.unmap();
    }

    @Test
    void aFixedMapMustHaveTheAddressesOfWhatIsParked() {
        for (final long pages : new long[] {1, 2, 7, 16}) {
            final Region[] regions = new Region[16];
            space.map(PAGE).unmap(); // so that there are places for this size
            for (int i = 0; i < regions.length; i++) {
                regions[i] = space.map(MapRequest.anonymous(PAGE).at(64 * PAGE + i * PAGE));
            }
            for (final Region region : regions) {
                region.unmap();
            }
            assertThat(intervals()).as("seen: they are parked").isEqualTo(17);
            final Region fixed = space.map(MapRequest.anonymous(pages * PAGE).at(64 * PAGE));
            assertThat(fixed.address()).isEqualTo(64 * PAGE);
            assertThat(intervals()).as("the others stay").isEqualTo(18 - pages);
            assertThatThrownBy(() -> space.map(MapRequest.anonymous(PAGE).at(64 * PAGE)))
                .isInstanceOf(MappingException.class).hasMessageContaining("addresses are taken");
            fixed.unmap();
            space.trim();
        }
    }

    @Test
    void allAddressesMustBeHadWhateverIsParked() throws Exception {
        try (AddressSpace small = AddressSpace.builder().capacity(SMALL).open()) {
            final List<Region> regions = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                regions.add(small.map(i % 2 == 0 ? PAGE : 16 * PAGE));
            }
            regions.forEach(Region::unmap);
            final Region whole = small.map(SMALL);
            assertThat(whole.address()).isZero();
            whole.unmap();
            final ConcurrentLinkedQueue<Region> quarters = new ConcurrentLinkedQueue<>();
            for (int round = 0; round < 100; round++) {
                regions.clear();
                for (int i = 0; i < 8; i++) { // so that no quarter is free; wherever one is taken then, another is left
                    regions.add(small.map(MapRequest.anonymous(16 * PAGE).at(i * SMALL / 8)));
                }
                regions.forEach(Region::unmap);
                EpochTestSupport.together(2, thread -> quarters.add(small.map(SMALL / 4)));
                quarters.forEach(Region::unmap);
                quarters.clear();
            }
        }
    }

    /** [M2] */
    @Test
    void aSnapshotMustKeepWhatItShowsFromBeingUsedAgain() {
        final Region region = space.map(LARGE);
        final long address = region.address();
        final SpaceSnapshot snapshot = space.snapshot();
        region.unmap();
        final Region other = space.map(LARGE);
        assertThat(other.address()).isNotEqualTo(address);
        assertThat(snapshot.regions()).hasSize(1);
        assertThat(snapshot.regions().getFirst().address()).isEqualTo(address);
        try (SpaceSnapshot later = space.snapshot()) {
            assertThat(later.regions()).hasSize(1);
            assertThat(later.regions().getFirst().address()).isEqualTo(other.address());
        }
        snapshot.close();
        other.unmap();
        final List<Long> addresses = List.of(space.map(LARGE).address(), space.map(LARGE).address());
        assertThat(addresses).containsExactlyInAnyOrder(address, other.address());
    }

    /** [M2]: a thread that has looked before the unmap, and acts late. */
    @Test
    void aPinFromBeforeTheUnmapMustKeepTheRecordFromItsNextLife() {
        final EpochDomain domain = inside(space).core().domain();
        try (Peer peer = Peer.platform()) {
            final Region region = space.map(LARGE);
            peer.run(domain::pinStructure);
            region.unmap();
            final Region other = space.map(LARGE);
            assertThat(other.address()).isNotEqualTo(region.address());
            other.unmap();
            final Region third = space.map(LARGE);
            assertThat(third.address()).isNotIn(region.address(), other.address());
            peer.run(domain::unpinStructure);
            final Region fourth = space.map(LARGE);
            assertThat(fourth.address()).isIn(region.address(), other.address());
        }
    }

    /** A grace period begins so early that who is pinned when the last is taken, and was not before, is not in its way. */
    @Test
    void aThreadThatIsPinnedNowAndThenMustNotKeepMapsFromWhatIsParked() {
        for (int i = 0; i < 2 * Magazines.GROWTH * Magazines.MANY * Magazines.MANY; i++) {
            space.map(PAGE).unmap();
        }
        assertThat(intervals()).isEqualTo(Magazines.MANY);
        final EpochDomain domain = inside(space).core().domain();
        try (Peer peer = Peer.platform()) {
            for (int i = 0; i < 10 * Magazines.MANY; i++) {
                peer.run(domain::pinStructure);
                space.map(PAGE).unmap();
                assertThat(intervals()).as("none was mapped by way of the tree").isEqualTo(Magazines.MANY);
                peer.run(domain::unpinStructure);
            }
        }
    }

    /** [M4] */
    @Test
    void whatLiesInTheRangeOfASectionMustNotBeClaimedByOthers() throws Exception {
        space.map(PAGE).unmap();
        assertThat(intervals()).isOne();
        try (WriteSection section = space.write(0, 16 * PAGE)) {
            final AtomicLong seen = new AtomicLong();
            final int stripe = Stripes.mine();
            while (seen.get() == 0) { // a thread of this stripe
                final Region outside = Threads.run(() -> {
                    seen.addAndGet(Stripes.mine() == stripe ? 1 : 0);
                    return space.map(PAGE);
                });
                assertThat(outside.address()).isGreaterThanOrEqualTo(16 * PAGE);
            }
            final Region inside = section.map(MapRequest.anonymous(16 * PAGE));
            assertThat(inside.address()).isZero();
            section.publish();
        }
    }

    @Test
    void trimMustGiveBackWhatIsParked() {
        final Region kept = space.map(PAGE);
        put(kept, 0, 7);
        for (int i = 0; i < 10; i++) {
            space.map(MapRequest.anonymous(16 * PAGE).populated()).unmap();
        }
        assertThat(intervals()).isEqualTo(2);
        assertThat(space.trim()).isPositive();
        assertThat(intervals()).isOne();
        assertThat(space.statistics().idleBytes()).isZero();
        assertThat(get(kept, 0)).isEqualTo(7);
        assertThat(inside(space).core().reservation().residentBytes(0, 64 * PAGE)).isLessThanOrEqualTo(PAGE);
    }

    @Test
    void aThreadThatUnmapsWhatAnotherMapsMustParkAFewAlone() {
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < ROUNDS; i++) {
            regions.add(space.map(PAGE));
        }
        final long others;
        try (Peer peer = Peer.ofAnotherStripe()) {
            others = peer.call(() -> space.map(PAGE).address()); // so that it has places for this size
            peer.run(() -> regions.forEach(Region::unmap));
        }
        assertThat(intervals()).as("in the places of both").isEqualTo(1 + 2 * Magazines.PLACES);
        assertThat(found(others)).isNotNull();
    }

    /** Where it was parked and where the next look begins are hints, which slow threads may leave wrong. */
    @Test
    void whatIsParkedMustBeFoundWhereverItIs() throws Exception {
        space.map(LARGE).unmap(); // so that there are places for this size
        final AtomicLongArray words = words();
        for (long hint = 5; hint < 5 + 2 * Magazines.PLACES; hint += 7) {
            Resources.magazines(space).evictAll();
            final Set<Long> parked = new HashSet<>();
            for (final Region region : List.of(space.map(LARGE), space.map(LARGE), space.map(LARGE))) {
                parked.add(region.address());
                region.unmap();
            }
            assertThat(intervals()).as("hint=%d", hint).isEqualTo(3);
            words.set(FRONT, hint);
            words.set(BACK, hint + 1);
            words.set(KNOWN, hint + 1 + (hint % 3 - 1) * Magazines.PLACES); // right, far ahead, or far behind
            final List<Region> next = new ArrayList<>();
            for (int i = 0; i < 2 * parked.size() + 1; i++) {
                next.add(space.map(LARGE));
            }
            assertThat(next).as("hint=%d", hint).extracting(Region::address).containsAll(parked);
            space.unmap(next);
        }
    }

    /** Of the one ring of this thread's stripe that there is. */
    private AtomicLongArray words() throws ReflectiveOperationException {
        final Field rings = Magazines.class.getDeclaredField("rings");
        rings.setAccessible(true);
        final AtomicReferenceArray<?> all = (AtomicReferenceArray<?>) rings.get(Resources.magazines(space));
        Object ring = null;
        for (int i = 0; i < all.length(); i++) {
            ring = all.get(i) == null ? ring : all.get(i);
        }
        final Field words = ring.getClass().getDeclaredField("words");
        words.setAccessible(true);
        return (AtomicLongArray) words.get(ring);
    }

    @Test
    void whatOneThreadUnmapsMustServeTheOneThatMaps() {
        try (Peer peer = Peer.ofAnotherStripe()) {
            peer.run(() -> space.map(PAGE).unmap()); // so that it has places for this size
            for (int i = 0; i < ROUNDS; i++) {
                final Region region = space.map(PAGE);
                put(region, 0, i + 1);
                peer.run(region::unmap);
                if (i > 2 * Magazines.PLACES) {
                    assertThat(intervals()).as("parked by the one for the other").isGreaterThan(Magazines.PLACES)
                        .isLessThanOrEqualTo(2 * Magazines.PLACES);
                }
                assertThat(space.maps()).isEmpty();
            }
            final Region last = space.map(PAGE);
            assertThat(get(last, 0)).isZero();
        }
    }

    @Test
    void whatWasAlteredMustNotBeParked() {
        space.map(MapRequest.anonymous(PAGE).locked()).unmap();
        space.map(3 * PAGE).unmap();
        space.map(32 * PAGE).unmap();
        assertThat(intervals()).isZero();
    }

    @Test
    void aPartThatIsGivenBackMustBeParked() {
        final Region region = space.map(2 * LARGE);
        put(region, 0, 3);
        put(region, LARGE, 4);
        space.map(LARGE).unmap(); // so that there are places for this size
        assertThat(intervals()).isEqualTo(2);
        final Region rest = region.unmap(0, LARGE).getFirst();
        assertThat(intervals()).as("the rest, and two that are parked").isEqualTo(3);
        assertThat(found(region.address())).isNull();
        final List<Region> fresh = List.of(space.map(LARGE), space.map(LARGE));
        assertThat(fresh).extracting(Region::address).contains(region.address());
        assertThat(fresh).allMatch(one -> get(one, 0) == 0);
        assertThat(get(rest, 0)).isEqualTo(4);
        assertThat(intervals()).isEqualTo(3);
    }

    @Test
    void whatASectionGivesBackMustServeItsNextMap() throws Exception {
        Region region = space.map(PAGE);
        final Set<Long> addresses = new HashSet<>();
        for (int i = 1; i <= ROUNDS; i++) {
            put(region, 0, i);
            try (WriteSection section = space.write(0, 64 * PAGE)) {
                final Region fresh = section.map(PAGE);
                section.unmap(region);
                section.publish();
                assertThat(found(region.address())).isNull();
                assertThat(region.isMapped()).isFalse();
                region = fresh;
            }
            addresses.add(region.address());
            assertThat(found(region.address())).isEqualTo(region);
            assertThat(get(region, 0)).isZero();
        }
        assertThat(addresses).hasSizeLessThanOrEqualTo(1 + Magazines.PLACES);
        assertThat(intervals()).isEqualTo(addresses.size());
        assertThat(space.maps()).hasSize(1);
        region.unmap();
        space.trim();
        assertThat(intervals()).isZero();
    }

    @Test
    void aSectionMustTakeNothingParkedFromOutsideOfItsRange() throws Exception {
        final Region low = space.map(MapRequest.anonymous(PAGE).at(0));
        low.unmap();
        try (WriteSection section = space.write(PAGE, 64 * PAGE)) {
            assertThat(section.map(PAGE).address()).isEqualTo(PAGE);
            section.publish();
        }
        assertThat(space.map(PAGE).address()).isZero();
    }

    @Test
    void whatASectionHasTakenMustShowWhenItIsPublishedAndNotBefore() throws Exception {
        space.map(LARGE).unmap();
        space.map(LARGE).unmap(); // ripe by now
        try (WriteSection section = space.write(0, 64 * PAGE)) {
            final Region taken = section.map(LARGE);
            assertThat(taken.address()).isZero();
            assertThat(intervals()).as("of the one that was parked").isOne();
            assertThat(found(0)).isNull();
            section.segment(taken).set(JAVA_LONG, 0, 5);
        }
        assertThat(found(0)).isNull();
        assertThat(intervals()).as("taken back, and so freed").isZero();
        final Region next = space.map(LARGE);
        assertThat(next.address()).isZero();
        assertThat(get(next, 0)).isZero();
    }

    @Test
    void whatIsToRestMustNotBeParked() {
        try (AddressSpace resting = AddressSpace.builder().capacity(SMALL).restAddresses(SMALL).open()) {
            final Region first = resting.map(PAGE);
            final long address = first.address();
            first.unmap();
            for (int i = 0; i < 3 * Magazines.PLACES; i++) {
                final Region next = resting.map(PAGE);
                assertThat(next.address()).isNotEqualTo(address);
                next.unmap();
            }
            assertThat(resting.statistics().restingBytes()).isEqualTo((1 + 3 * Magazines.PLACES) * PAGE);
        }
    }

    @Test
    void whatIsParkedMustNotCountAgainstTheLimits() {
        try (AddressSpace limited =
                 AddressSpace.builder().capacity(SMALL).maxRegions(2).maxBytes(17 * PAGE).open()) {
            for (int i = 0; i < 3; i++) {
                final Region large = limited.map(16 * PAGE);
                final Region small = limited.map(PAGE);
                assertThatThrownBy(() -> limited.map(PAGE)).isInstanceOf(MappingException.class);
                small.unmap();
                assertThatThrownBy(() -> limited.map(2 * PAGE)).isInstanceOf(MappingException.class);
                assertThat(limited.map(PAGE)).isNotEqualTo(small);
                large.unmap();
                limited.unmap(regions(limited));
            }
            assertThat(limited.statistics().regions()).isZero();
            assertThat(limited.statistics().mappedBytes()).isZero();
        }
    }

    private static List<Region> regions(final AddressSpace space) {
        try (Pin pin = space.pin()) {
            return space.maps().stream().map(info -> pin.find(info.address())).toList();
        }
    }

    @Test
    void closingMustFreeWhatIsParkedForTheNextSpace() {
        try (AddressSpace first = AddressSpace.builder().capacity(SMALL).open()) {
            final List<Region> regions = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                regions.add(first.map(PAGE));
            }
            regions.forEach(Region::unmap);
        }
        try (AddressSpace next = AddressSpace.builder().capacity(SMALL).open()) {
            assertThat(next.map(SMALL).address()).isZero();
        }
    }

    /** Whoever maps owns its bytes, whatever others map, unmap, trim and look at meanwhile. */
    @Test
    void noTwoMapsMustHaveTheSameAddresses() {
        final AtomicLong fixed = new AtomicLong();
        EpochTestSupport.together(4, thread -> {
            final List<Region> mine = new ArrayList<>();
            for (int i = 0; i < ROUNDS; i++) {
                final long size = PAGE << (i + thread) % 3;
                final Region region = i % 50 == 49 ? atFixed(i % 64 * PAGE, fixed) : space.map(size);
                if (region != null) {
                    assertThat(get(region, 0)).isZero();
                    put(region, 0, thread + 1);
                    mine.add(region);
                }
                if (mine.size() > 6) {
                    final Region last = mine.remove(i % mine.size());
                    assertThat(get(last, 0)).isEqualTo(thread + 1);
                    last.unmap();
                }
                if (i % 500 == thread) {
                    space.trim();
                    try (SpaceSnapshot snapshot = space.snapshot()) {
                        assertThat(addresses(snapshot)).isEqualTo(addresses(snapshot));
                    }
                }
            }
            mine.forEach(Region::unmap);
        });
        assertThat(fixed.get()).as("seen: fixed maps of addresses that were used before").isPositive();
        assertThat(space.statistics().regions()).isZero();
    }

    private static List<Long> addresses(final SpaceSnapshot snapshot) {
        return snapshot.regions().stream().map(RegionInfo::address).toList();
    }

    private Region atFixed(final long address, final AtomicLong count) {
        try {
            final Region region = space.map(MapRequest.anonymous(PAGE).at(address));
            count.incrementAndGet();
            return region;
        } catch (final MappingException taken) {
            return null;
        }
    }
}
