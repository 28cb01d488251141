// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.holdfast.layout.NodeLayout;
import io.holdfast.tree.TreeFixture.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Long random histories against a {@link TreeMap}, with all invariants checked after every step. A failure names the
 * seed and the step; the same seed replays the same history.
 */
class TreeModelTest {
    private static final int STEPS = 6_000;
    private static final int TALL_STEPS = 1_500;

    private final TreeMap<Long, Entry> model = new TreeMap<>();
    private boolean zoned;
    private int windows;
    private int united;
    private int carved;

    @ParameterizedTest
    @CsvSource({"3, 3, 1", "3, 3, 2", "3, 4, 3", "4, 3, 4", "5, 5, 5", "8, 4, 6", "4, 8, 7"})
    void everyStepMustAgreeWithTheModel(final int leafCapacity, final int innerCapacity, final long seed) {
        assertThat(run(new TreeTuning(leafCapacity, innerCapacity, 1, 3), seed, 2_000, 0, STEPS)).isGreaterThan(1);
    }

    @ParameterizedTest
    @CsvSource({"11", "12"})
    void everyStepMustAgreeWithTheModelAtFullCapacity(final long seed) {
        assertThat(run(TreeTuning.DEFAULT, seed, 40_000, 0, STEPS)).isPositive();
    }

    /** Nodes as they are shipped, and enough of them for a level between root and leaves. */
    @ParameterizedTest
    @CsvSource({"21", "22"})
    void everyStepMustAgreeWithTheModelAtFullCapacityAndHeight(final long seed) {
        assertThat(run(TreeTuning.DEFAULT, seed, 60_000, 6_000, TALL_STEPS)).isGreaterThan(1);
    }

    /** Windows of 16 and of 256 addresses, zones that come and go all the time. */
    @ParameterizedTest
    @CsvSource({"3, 3, 4, 31", "3, 4, 4, 32", "5, 5, 8, 33", "8, 4, 8, 34", "63, 48, 6, 35"})
    void everyStepMustAgreeWithTheModelInZones(final int leafCapacity, final int innerCapacity, final int windowBits,
                                               final long seed) {
        zoned = true;
        run(new TreeTuning(leafCapacity, innerCapacity, 1, 3, windowBits, 1), seed, 2_000, 0, STEPS);
        assertThat(windows).as("windows seen").isGreaterThan(STEPS / 60);
        assertThat(united).as("zones taken back").isGreaterThan(10);
        assertThat(carved).as("ranges carved").isGreaterThan(10);
    }

    /** Returns the greatest height that was seen. */
    private int run(final TreeTuning tuning, final long seed, final int space, final int filled, final int steps) {
        final TreeFixture fixture = TreeFixture.with(tuning, space);
        final Random random = new Random(seed);
        int height = 0;
        for (long i = 0; i < filled; i++) {
            final long start = i * 7_919 % filled * (space / filled);
            assertThat(fixture.tree.insert(start, start + 4, i + 1)).isTrue();
            model.put(start, new Entry(start, start + 4, i + 1));
        }
        for (int step = 0; step < steps; step++) {
            // The weights swing, so that the tree grows, shrinks to nothing and grows again.
            final int growth = step / (steps / 8) % 2 == 0 ? 70 : 30;
            try {
                if (random.nextInt(20) == 0) {
                    stepBesideASnapshot(fixture, random, space, growth);
                } else {
                    step(fixture, random, space, growth);
                }
                height = Math.max(height, compare(fixture, random, space));
            } catch (final AssertionError | RuntimeException e) {
                fail("seed=" + seed + ", step=" + step + ", tuning=" + tuning + ": " + e, e);
            }
            if (step % 500 == 0) {
                fixture.checkNoNodeIsLost();
            }
        }
        fixture.checkNoNodeIsLost();
        return height;
    }

    private void stepBesideASnapshot(final TreeFixture fixture, final Random random, final int space, final int growth) {
        final List<Entry> before = List.copyOf(model.values());
        try (Snapshot snapshot = fixture.tree.snapshot()) {
            step(fixture, random, space, growth);
            assertThat(TreeFixture.entries(snapshot)).as("a snapshot from before").isEqualTo(before);
            fixture.check(snapshot);
        }
    }

    private void step(final TreeFixture fixture, final Random random, final int space, final int growth) {
        final IntervalTree tree = fixture.tree;
        final long value = 1L + random.nextInt(1 << 20);
        if (zoned && random.nextInt(4) == 0) {
            stepOfZones(tree, random, space, value);
            return;
        }
        final int kind = random.nextInt(10);
        if (kind == 0) {
            renew(tree::replace, random, space, value);
        } else if (kind == 1) {
            replace(tree::replace, random, space, value);
        } else if (kind == 2) {
            edit(tree, random, space, value);
        } else if (random.nextInt(100) < growth) {
            if (random.nextInt(3) == 0) {
                insertIntoGap(tree, random, space, value);
            } else {
                final long start = random.nextInt(space);
                final long end = Math.min(space, start + 1 + random.nextInt(12));
                final boolean free = isFree(start, end);
                assertThat(tree.insert(start, end, value)).as("insert [%d, %d)", start, end).isEqualTo(free);
                if (free) {
                    model.put(start, new Entry(start, end, value));
                }
            }
        } else {
            final Long near = model.ceilingKey((long) random.nextInt(space));
            final long start = near == null || random.nextInt(10) == 0 ? random.nextInt(space) : near;
            final Entry removed = model.remove(start);
            if (random.nextBoolean()) {
                assertThat(tree.remove(start)).as("remove %d", start).isEqualTo(removed == null ? 0 : removed.value());
            } else {
                assertThat(tree.remove(start, value + 1)).as("remove %d with another value", start).isFalse();
                assertThat(tree.remove(start, removed == null ? value : removed.value())).as("remove %d", start)
                    .isEqualTo(removed != null);
            }
        }
    }

    private void stepOfZones(final IntervalTree tree, final Random random, final int space, final long value) {
        ZoneTestSupport.contend(tree);
        final long low = random.nextBoolean() ? 0 : random.nextInt(space);
        final long high = random.nextBoolean() ? space : Math.min(space, low + random.nextInt(space));
        switch (random.nextInt(12)) {
            case 0 -> {
                if (tree.unite(0, space)) {
                    united++;
                }
            }
            case 1, 2 -> {
                final long start = random.nextInt(space);
                final long end = Math.min(space, start + 1 + random.nextInt(space / 8));
                final int before = ZoneTestSupport.windows(tree);
                tree.carve(start, end);
                carved += ZoneTestSupport.windows(tree) - before;
            }
            default -> {
                final long size = 1L + random.nextInt(6);
                final long alignment = 1L << random.nextInt(3);
                final long start = tree.insertIntoZone(size, alignment, low, high, true, value);
                if (start >= 0) {
                    assertThat(start % alignment).isZero();
                    assertThat(start).isBetween(low, high - size);
                    assertThat(isFree(start, start + size)).as("gap at %d", start).isTrue();
                    model.put(start, new Entry(start, start + size, value));
                }
            }
        }
    }

    private interface Replacement {
        boolean replace(long start, long end, long... intervals);
    }

    /** Another end and value for what starts at an address, or the same end; or an interval where there is none. */
    private void renew(final Replacement where, final Random random, final int space, final long value) {
        final Map.Entry<Long, Entry> near = model.ceilingEntry((long) random.nextInt(space));
        final long start = near == null || random.nextInt(10) == 0 ? random.nextInt(space) : near.getKey();
        final Entry old = model.get(start);
        final long moved = Math.min(space, start + 1 + random.nextInt(16));
        final long end = old == null || random.nextInt(4) > 0 ? moved : old.end();
        compareReplace(where, start, old == null ? end : Math.max(old.end(), end), start, end, value);
    }

    private void replace(final Replacement where, final Random random, final int space, final long value) {
        final long start = random.nextInt(space);
        final long end = Math.min(space, start + 1 + random.nextInt(random.nextInt(20) == 0 ? space : 60));
        compareReplace(where, start, end, intervals(random, start, end, value));
    }

    private void compareReplace(final Replacement where, final long start, final long end, final long... intervals) {
        final boolean possible = isEdge(start) && isEdge(end);
        assertThat(where.replace(start, end, intervals)).as("replace [%d, %d)", start, end).isEqualTo(possible);
        if (possible) {
            model.subMap(start, end).clear();
            for (int i = 0; i < intervals.length; i += 3) {
                model.put(intervals[i], new Entry(intervals[i], intervals[i + 1], intervals[i + 2]));
            }
        }
    }

    private static long[] intervals(final Random random, final long start, final long end, final long value) {
        final List<Long> parts = new ArrayList<>();
        long at = start + random.nextInt(4);
        while (at < end && random.nextInt(12) != 0) {
            final long partEnd = Math.min(end, at + 1 + random.nextInt(6));
            parts.addAll(List.of(at, partEnd, value + parts.size()));
            at = partEnd + random.nextInt(5);
        }
        return parts.stream().mapToLong(Long::longValue).toArray();
    }

    private boolean isEdge(final long address) {
        final Map.Entry<Long, Entry> before = model.lowerEntry(address);
        return before == null || before.getValue().end() <= address;
    }

    /** Several changes in one edit, which is published or dropped, in places with another change before. */
    private void edit(final IntervalTree tree, final Random random, final int space, final long value) {
        final TreeMap<Long, Entry> before = new TreeMap<>(model);
        final boolean published;
        try (Edit edit = tree.edit()) {
            for (int i = random.nextInt(12); i > 0; i--) {
                editOnce(edit, random, space, value + i);
            }
            published = random.nextInt(3) > 0;
            if (published) {
                assertThat(edit.publish()).isTrue();
            }
        }
        if (!published) {
            model.clear();
            model.putAll(before);
        }
    }

    private void editOnce(final Edit edit, final Random random, final int space, final long value) {
        final long start = random.nextInt(space);
        final Map.Entry<Long, Entry> near = model.ceilingEntry(start);
        switch (random.nextInt(4)) {
            case 0 -> replace(edit::replace, random, space, value);
            case 1 -> renew(edit::replace, random, space, value);
            case 2 -> {
                final long end = Math.min(space, start + 1 + random.nextInt(12));
                compareReplace(edit::replace, start, end, start, end, value);
            }
            default -> compareReplace(edit::replace, near == null ? start : near.getKey(),
                near == null ? space : near.getValue().end());
        }
    }

    private void insertIntoGap(final IntervalTree tree, final Random random, final int space, final long value) {
        final long size = 1L + random.nextInt(random.nextInt(10) == 0 ? space / 4 : 8);
        final long alignment = 1L << random.nextInt(4);
        final long low = random.nextBoolean() ? 0 : random.nextInt(space);
        final long high = random.nextBoolean() ? NodeLayout.ADDRESS_LIMIT : low + random.nextInt(space);
        final boolean lowestFirst = random.nextBoolean();
        if (zoned && tree.unite(0, space)) { // which makes its gaps the model's
            united++;
        }
        final long expected = gap(size, alignment, low, Math.min(high, space), lowestFirst, space);
        assertThat(tree.insertIntoGap(size, alignment, low, high, lowestFirst, value))
            .as("gap size=%d alignment=%d low=%d high=%d lowestFirst=%s", size, alignment, low, high, lowestFirst)
            .isEqualTo(expected);
        if (expected >= 0) {
            model.put(expected, new Entry(expected, expected + size, value));
        }
    }

    private long gap(final long size, final long alignment, final long low, final long high, final boolean lowestFirst,
                     final int space) {
        long found = -1;
        long gapStart = 0;
        final List<Entry> entries = new ArrayList<>(model.values());
        entries.add(new Entry(space, space + 1, 1));
        for (final Entry entry : entries) {
            final long least = Math.max(gapStart, low);
            final long most = Math.min(entry.start(), high) - size;
            final long start = lowestFirst ? Math.ceilDiv(least, alignment) * alignment
                : Math.floorDiv(most, alignment) * alignment;
            if (start >= least && start <= most) {
                found = start;
                if (lowestFirst) {
                    return found;
                }
            }
            gapStart = entry.end();
        }
        return found;
    }

    private boolean isFree(final long start, final long end) {
        final Map.Entry<Long, Entry> before = model.lowerEntry(end);
        return before == null || before.getValue().end() <= start;
    }

    private int compare(final TreeFixture fixture, final Random random, final int space) {
        final TreeInspector.Census census = fixture.check();
        try (Snapshot snapshot = fixture.tree.snapshot()) {
            windows += TreeInspector.checkZones(snapshot);
        }
        assertThat(census.intervals()).isEqualTo(model.size());
        assertThat(fixture.entries()).containsExactlyElementsOf(model.values());
        try (Snapshot snapshot = fixture.tree.snapshot()) {
            assertThat(TreeFixture.entries(snapshot)).containsExactlyElementsOf(model.values());
        }
        fixture.pinned(() -> {
            for (int i = 0; i < 10; i++) {
                final long address = random.nextInt(space);
                final Map.Entry<Long, Entry> floor = model.floorEntry(address);
                final long expected = floor == null || floor.getValue().end() <= address ? 0 : floor.getValue().value();
                assertThat(fixture.tree.find(address)).as("find %d", address).isEqualTo(expected);
                compareNeighbours(fixture.tree, address, floor);
            }
        });
        return census.height();
    }

    private void compareNeighbours(final IntervalTree tree, final long address, final Map.Entry<Long, Entry> floor) {
        final Interval found = new Interval();
        if (zoned) {
            compareSteps(tree, address, floor);
            return;
        }
        final long root = tree.zoning().base().rootAcquire();
        assertThat(TreeReader.floor(root, address, found) ? Entry.of(found) : null).isEqualTo(valueOf(floor));
        assertThat(TreeReader.higher(root, address, found) ? Entry.of(found) : null)
            .isEqualTo(valueOf(model.higherEntry(address)));
        assertThat(TreeReader.lastStartingBefore(root, address, found) ? Entry.of(found) : null)
            .isEqualTo(valueOf(model.lowerEntry(address)));
        final long end = address + 20;
        final List<Entry> expected = new ArrayList<>(model.subMap(address, end).values());
        if (floor != null && floor.getKey() < address && floor.getValue().end() > address) {
            expected.addFirst(floor.getValue());
        }
        final List<Entry> overlapping = new ArrayList<>();
        TreeReader.forEach(root, address, end, (from, to, value) -> overlapping.add(new Entry(from, to, value)));
        assertThat(overlapping).isEqualTo(expected);
        assertThat(TreeReader.firstEndingAfter(root, address, found) && found.start() < end).isEqualTo(!expected.isEmpty());
    }

    private void compareSteps(final IntervalTree tree, final long address, final Map.Entry<Long, Entry> floor) {
        final Cursor cursor = tree.cursor();
        final boolean covered = floor != null && floor.getValue().end() > address;
        assertThat(cursor.seek(address).next() ? Entry.of(cursor.interval()) : null).as("behind %d", address)
            .isEqualTo(valueOf(covered ? floor : model.higherEntry(address)));
        assertThat(cursor.seek(address).previous() ? Entry.of(cursor.interval()) : null).as("before %d", address)
            .isEqualTo(valueOf(model.lowerEntry(address)));
    }

    private static Entry valueOf(final Map.Entry<Long, Entry> entry) {
        return entry == null ? null : entry.getValue();
    }
}
