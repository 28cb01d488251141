// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.RegionCursor;
import io.holdfast.RegionInfo;
import io.holdfast.SpaceSnapshot;
import io.holdfast.WriteSection;
import io.holdfast.tree.IntervalTree;
import io.holdfast.tree.TreeInspector;
import io.holdfast.tree.ZoneTestSupport;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A space whose threads have zones of their own keeps all promises, over the borders of zones too (G7, G9). */
class ZonedSpaceTest extends SpaceFixture {
    private static final long WINDOW = 16L << 20;
    private static final int LOW_WINDOWS = 6;
    private static final int STEPS = 2_500;

    private final TreeMap<Long, Piece> model = new TreeMap<>();
    private long contents = 1;

    /** A region, and what stands at its begin and its end. */
    private record Piece(Region region, long first, long last) {
        long start() {
            return region.address();
        }

        long end() {
            return region.address() + region.size();
        }
    }

    private IntervalTree tree() {
        return inside(space).core().tree();
    }

    private Region map(final long bytes) {
        ZoneTestSupport.contend(tree());
        return space.map(bytes);
    }

    /** The same once the grace period of what was taken back before is over. */
    private Region mapInZone(final long bytes) {
        Region region = map(bytes);
        while (ZoneTestSupport.windows(tree()) == 0) {
            region.unmap();
            space.trim(); // else it comes back from where it is parked
            region = map(bytes);
        }
        return region;
    }

    @Test
    void aRegionOverABorderMustTakeTheZoneBackAndLoseNothing() {
        final Region small = mapInZone(3 * PAGE);
        assertThat(ZoneTestSupport.windows(tree())).isOne();
        fill(small);
        final Region over = space.map(MapRequest.anonymous(4 * PAGE).at(WINDOW - 2 * PAGE));
        assertThat(over.address()).isEqualTo(WINDOW - 2 * PAGE);
        assertThat(ZoneTestSupport.windows(tree())).isZero();
        check(model.get(small.address()));
        over.unmap();
    }

    @Test
    void addressesBetweenZonesMustBeFoundWhereNoOthersAreLeft() {
        final Region large = space.map(space.capacity() - 4 * WINDOW);
        final Region small = mapInZone(3 * PAGE);
        assertThat(ZoneTestSupport.windows(tree())).isOne();
        final Region rest = space.map(4 * WINDOW - 4 * PAGE);
        assertThat(rest.size()).isEqualTo(4 * WINDOW - 4 * PAGE);
        assertThatThrownBy(() -> space.map(2 * PAGE)).isInstanceOf(MappingException.class).hasMessageContaining("no gap");
        List.of(large, small, rest).forEach(Region::unmap);
    }

    @Test
    void filesOfARacingThreadMustHaveAWindowAtTheOtherEnd(@TempDir final Path directory) throws IOException {
        final Region memory = mapInZone(3 * PAGE);
        final Path file = Files.write(directory.resolve("file"), new byte[] {1, 2, 3});
        ZoneTestSupport.contend(tree());
        final Region first = space.map(FileBacking.readOnly(file));
        final Region second = space.map(FileBacking.readOnly(file));
        assertThat(ZoneTestSupport.windows(tree())).isEqualTo(2);
        assertThat(first.address()).isGreaterThanOrEqualTo(space.capacity() - WINDOW);
        assertThat(second.address()).as("so that one call unmaps both").isEqualTo(first.address() - PAGE);
        try (Guard guard = second.share()) {
            assertThat(guard.segment().get(ValueLayout.JAVA_BYTE, 2)).isEqualTo((byte) 3);
        }
        final Region third;
        try (WriteSection section = space.write()) {
            third = section.map(MapRequest.file(FileBacking.readOnly(file)));
            section.publish();
        }
        assertThat(third.address()).as("of a section over everything, too").isGreaterThan(space.capacity() / 2);
        space.unmap(List.of(first, second, third, memory));
        assertThat(space.maps()).isEmpty();
    }

    @Test
    void aSectionOfARacingThreadMustChangeItsRangeWithoutTheBase() {
        final List<Region> regions = new ArrayList<>();
        regions.add(space.map(MapRequest.anonymous(3 * PAGE).at(4 * WINDOW)));
        regions.add(space.map(MapRequest.anonymous(3 * PAGE).at(8 * WINDOW)));
        while (ZoneTestSupport.windows(tree()) == 0) { // the grace period of what was taken back before has to be over
            ZoneTestSupport.contend(tree());
            try (WriteSection section = space.write(4 * WINDOW, 8 * WINDOW)) {
                regions.add(section.map(3 * PAGE));
                section.unmap(regions.removeFirst());
                section.publish();
            }
            regions.addFirst(regions.removeLast());
        }
        final long[] roots = new long[3];
        for (int i = 0; i < roots.length; i++) {
            try (WriteSection section = space.write(4 * WINDOW, 8 * WINDOW)) {
                regions.add(section.map((5 + i) * PAGE));
                section.unmap(regions.removeFirst());
                assertThat(space.maps()).hasSize(2);
                section.publish();
            }
            assertThat(ZoneTestSupport.windows(tree())).as("the range").isOne();
            try (Pin pin = space.pin()) {
                assertThat(pin.find(regions.getLast().address())).isEqualTo(regions.getLast());
            }
            roots[i] = TreeInspector.root(tree());
            assertThat(regions.getLast().address()).as("the lowest gap of the range").isBetween(4 * WINDOW, 5 * WINDOW);
            regions.addFirst(regions.removeLast());
        }
        assertThat(roots).containsOnly(roots[0]);
        fill(regions.getFirst());
        final Region over = space.map(MapRequest.anonymous(2 * PAGE).at(4 * WINDOW - 2 * PAGE));
        final Region edge = space.map(MapRequest.anonymous(WINDOW).at(7 * WINDOW));
        assertThat(ZoneTestSupport.windows(tree())).as("neither reaches over an edge").isOne();
        over.remap(PAGE);
        space.map(MapRequest.anonymous(PAGE).at(4 * WINDOW - PAGE)).unmap();
        check(model.get(regions.getFirst().address()));
        edge.unmap();
        SpaceInspector.check(space);
    }

    @Test
    void aSpaceThatFollowsMustHaveItsAddressesInOrder() {
        final Region left = mapInZone(3 * PAGE);
        assertThat(ZoneTestSupport.windows(tree())).isPositive();
        left.unmap();
        final IntervalTree tree = tree();
        space.close();
        assertThat(ZoneTestSupport.windows(tree)).isZero();
        assertThat(tree.isContended()).isFalse();
    }

    @Test
    void aTrimMustLeaveZonesAlone() {
        final Region region = mapInZone(2 * PAGE);
        fill(region);
        map(3 * PAGE).unmap();
        assertThat(space.trim()).isPositive();
        assertThat(ZoneTestSupport.windows(tree())).isOne();
        check(model.get(region.address()));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 20_261_129})
    void everyStepMustLeaveWhatTheModelSays(final long seed) {
        final SplittableRandom random = new SplittableRandom(seed);
        int zoned = 0;
        for (int step = 0; step < STEPS; step++) {
            try {
                change(random);
                if (step % 50 == 0) {
                    checkAll(random);
                }
            } catch (final AssertionError | RuntimeException e) {
                throw new AssertionError("seed=" + seed + ", step=" + step + ": " + e.getMessage(), e);
            }
            if (ZoneTestSupport.windows(tree()) > 0) {
                zoned++;
            }
        }
        checkAll(random);
        assertThat(zoned).as("steps beside zones").isGreaterThan(STEPS / 10);
        SpaceInspector.check(space);
        model.values().forEach(piece -> piece.region.unmap());
    }

    private void change(final SplittableRandom random) {
        final Map.Entry<Long, Piece> near = model.ceilingEntry(random.nextLong(LOW_WINDOWS * WINDOW));
        final int kind = near == null ? random.nextInt(3) : random.nextInt(15);
        switch (kind) {
            case 0, 1 -> fill(map((1 + random.nextLong(700)) * PAGE));
            case 2 -> fill(map(WINDOW / 4 + random.nextLong(2 * WINDOW / PAGE) * PAGE));
            case 3 -> mapAt(random.nextLong(LOW_WINDOWS * WINDOW / PAGE) * PAGE, (1 + random.nextLong(300)) * PAGE);
            case 4, 5 -> split(near.getValue(), random);
            case 6 -> merge(near.getValue());
            case 7 -> resize(near.getValue(), (1 + random.nextLong(900)) * PAGE);
            case 8 -> space.trim();
            case 9 -> section(random);
            default -> {
                check(near.getValue());
                near.getValue().region.unmap();
                model.remove(near.getKey());
            }
        }
    }

    /** Maps in a section, whose range moves to the thread's zone, if it is small and its own. */
    private void section(final SplittableRandom random) {
        ZoneTestSupport.contend(tree());
        final long start = random.nextLong(LOW_WINDOWS) * WINDOW + random.nextLong(3) * PAGE;
        final Region mapped;
        try (WriteSection section = space.write(start, start + (1 + random.nextLong(2)) * WINDOW)) {
            mapped = section.map((1 + random.nextLong(20)) * PAGE);
            section.publish();
        } catch (final MappingException e) {
            assertThat(e).hasMessageContaining("no gap");
            return;
        }
        fill(mapped);
    }

    private void fill(final Region region) {
        final Piece piece = new Piece(region, contents, -contents);
        contents++;
        try (Guard guard = region.exclusive()) {
            guard.segment().set(JAVA_LONG, 0, piece.first);
            guard.segment().set(JAVA_LONG, region.size() - Long.BYTES, piece.last);
        }
        final Map.Entry<Long, Piece> before = model.lowerEntry(piece.end());
        assertThat(before == null || before.getValue().end() <= piece.start()).as("free: %s", region).isTrue();
        model.put(piece.start(), piece);
    }

    private static void check(final Piece piece) {
        try (Guard guard = piece.region.share()) {
            assertThat(guard.segment().get(JAVA_LONG, 0)).isEqualTo(piece.first);
            assertThat(guard.segment().get(JAVA_LONG, piece.region.size() - Long.BYTES)).isEqualTo(piece.last);
        }
    }

    private void mapAt(final long address, final long bytes) {
        final Map.Entry<Long, Piece> before = model.lowerEntry(address + bytes);
        final MapRequest request = MapRequest.anonymous(bytes).at(address);
        if (before == null || before.getValue().end() <= address) {
            fill(space.map(request));
        } else {
            assertThatThrownBy(() -> space.map(request)).isInstanceOf(MappingException.class);
        }
    }

    private void split(final Piece piece, final SplittableRandom random) {
        if (piece.region.size() > PAGE) {
            final long at = (1 + random.nextLong(piece.region.size() / PAGE - 1)) * PAGE;
            final List<Region> parts = piece.region.split(at);
            model.remove(piece.start());
            parts.forEach(this::fill);
        }
    }

    private void merge(final Piece piece) {
        final Map.Entry<Long, Piece> next = model.higherEntry(piece.start());
        if (next != null && next.getKey() == piece.end()) {
            final Piece upper = next.getValue();
            final Region merged = piece.region.merge(upper.region);
            model.remove(upper.start());
            model.put(merged.address(), new Piece(merged, piece.first, upper.last));
            check(model.get(merged.address()));
        }
    }

    private void resize(final Piece piece, final long bytes) {
        final Region resized = piece.region.remap(bytes);
        model.remove(piece.start());
        try (Guard guard = resized.share()) {
            assertThat(guard.segment().get(JAVA_LONG, 0)).isEqualTo(piece.first);
        }
        fill(resized);
    }

    private void checkAll(final SplittableRandom random) {
        final List<String> expected = model.values().stream().map(piece -> piece.start() + "-" + piece.end()).toList();
        assertThat(space.maps().stream().map(ZonedSpaceTest::text).toList()).isEqualTo(expected);
        try (SpaceSnapshot snapshot = space.snapshot()) {
            assertThat(snapshot.regions().stream().map(ZonedSpaceTest::text).toList()).isEqualTo(expected);
        }
        final List<String> seen = new ArrayList<>();
        final RegionCursor cursor = space.cursor();
        for (Region region = cursor.next(); region != null; region = cursor.next()) {
            seen.add(region.address() + "-" + (region.address() + region.size()));
        }
        assertThat(seen).isEqualTo(expected);
        try (Pin pin = space.pin()) {
            for (int i = 0; i < 20; i++) {
                final long address = random.nextLong(LOW_WINDOWS * WINDOW);
                final Map.Entry<Long, Piece> floor = model.floorEntry(address);
                final Region wanted =
                    floor == null || floor.getValue().end() <= address ? null : floor.getValue().region;
                assertThat(pin.find(address)).as("find 0x%x", address).isEqualTo(wanted);
            }
        }
        model.values().forEach(ZonedSpaceTest::check);
    }

    private static String text(final RegionInfo info) {
        return info.address() + "-" + (info.address() + info.size());
    }

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.capacity(256 * WINDOW);
    }
}
