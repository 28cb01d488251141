// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.Guard;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import io.holdfast.tree.IntervalTree;
import io.holdfast.tree.ZoneTestSupport;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random sections of several threads, over ranges that are disjoint or overlap, against a map of what there must be,
 * which each thread changes under its section (G1, G7, G9).
 */
class SectionModelTest extends SpaceFixture {
    private static final int THREADS = 4;
    private static final int SECTIONS = 400;
    private static final int WINDOWS = 4;
    private static final long WINDOW = 32 * PAGE;
    private static final int MOST_CHANGES = 6;
    private static final int MOST_PAGES = 8;

    private final NavigableMap<Long, Piece> model = new ConcurrentSkipListMap<>();
    private final AtomicLong contents = new AtomicLong(1);
    private final AtomicInteger published = new AtomicInteger();
    private final AtomicInteger rolledBack = new AtomicInteger();
    private final AtomicInteger refused = new AtomicInteger();

    /** A region, and what each of its pages begins with. */
    private record Piece(long start, Region region, boolean isWritable, long... pages) {
        Piece(final Region region, final boolean isWritable, final long... pages) {
            this(region.address(), region, isWritable, pages);
        }

        long end() {
            return start + pages.length * PAGE;
        }
    }

    /** One section of one thread. */
    private final class Plan {
        private final SplittableRandom random;
        private final WriteSection section;
        private final long from;
        private final long to;
        private final TreeMap<Long, Piece> pieces = new TreeMap<>();
        private final List<String> steps = new ArrayList<>();
        private boolean rangeUnmapped;

        Plan(final SplittableRandom random, final WriteSection section, final long from, final long to) {
            this.random = random;
            this.section = section;
            this.from = from;
            this.to = to;
            model.subMap(Math.max(from - WINDOW, 0), to).values().stream()
                .filter(piece -> piece.start >= from && piece.end() <= to).forEach(this::add);
        }

        private void add(final Piece piece) {
            pieces.put(piece.start, piece);
        }

        private Piece take(final Piece piece) {
            return Objects.requireNonNull(pieces.remove(piece.start));
        }

        void change() {
            final List<Piece> all = List.copyOf(pieces.values());
            if (all.isEmpty() || random.nextInt(3) == 0) {
                map();
                return;
            }
            final int number = random.nextInt(all.size());
            final Piece piece = all.get(number);
            final int operation = random.nextInt(8);
            steps.add(operation + " of " + Long.toHexString(piece.start) + "+" + piece.pages.length);
            switch (operation) {
                case 0 -> {
                    section.unmap(piece.region);
                    take(piece);
                }
                case 1 -> split(piece);
                case 2 -> merge(piece, all.get((number + 1) % all.size()));
                case 3 -> {
                    final Region region = section.protect(piece.region,
                        piece.isWritable ? Protection.READ_ONLY : Protection.READ_WRITE);
                    take(piece);
                    add(new Piece(region, !piece.isWritable, piece.pages));
                }
                case 4 -> move(piece);
                case 5 -> resize(piece);
                case 6 -> unmapRange(piece);
                default -> write(piece, 0, 0);
            }
        }

        private void map() {
            final int count = 1 + random.nextInt(MOST_PAGES);
            steps.add("map " + count);
            final Region region;
            try {
                region = section.map(count * PAGE);
            } catch (final MappingException e) {
                refused.incrementAndGet();
                return;
            }
            final Piece piece = new Piece(region, true, new long[count]);
            add(piece);
            write(piece, 0, count);
        }

        /** Looks at a region's pages, and writes some that are new: nobody writes pages that are, so none comes back. */
        private void write(final Piece piece, final int first, final int last) {
            final MemorySegment segment = piece.region.isMapped() ? section.exclude(piece.region)
                : section.segment(piece.region);
            for (int i = 0; i < piece.pages.length; i++) {
                assertThat(segment.get(JAVA_LONG, i * PAGE)).as("page %d of %s", i, piece).isEqualTo(piece.pages[i]);
                if (piece.isWritable && i >= first && i < last) {
                    piece.pages[i] = contents.getAndIncrement();
                    segment.set(JAVA_LONG, i * PAGE, piece.pages[i]);
                }
            }
        }

        private void split(final Piece piece) {
            if (piece.pages.length < 2) {
                return;
            }
            final int at = 1 + random.nextInt(piece.pages.length - 1);
            final List<Region> halves = section.split(piece.region, at * PAGE);
            take(piece);
            add(new Piece(halves.getFirst(), piece.isWritable, Arrays.copyOf(piece.pages, at)));
            add(new Piece(halves.getLast(), piece.isWritable, Arrays.copyOfRange(piece.pages, at, piece.pages.length)));
        }

        private void merge(final Piece piece, final Piece next) {
            if (piece.end() != next.start || piece.isWritable != next.isWritable) {
                return;
            }
            final Region merged = section.merge(next.region, piece.region);
            take(piece);
            take(next);
            final long[] both = Arrays.copyOf(piece.pages, piece.pages.length + next.pages.length);
            System.arraycopy(next.pages, 0, both, piece.pages.length, next.pages.length);
            add(new Piece(merged, piece.isWritable, both));
        }

        private void move(final Piece piece) {
            try {
                final Region moved = section.move(piece.region);
                take(piece);
                add(new Piece(moved, piece.isWritable, piece.pages));
            } catch (final MappingException e) {
                refused.incrementAndGet();
            }
        }

        private void resize(final Piece piece) {
            final int count = 1 + random.nextInt(MOST_PAGES);
            try {
                final Region resized = section.resize(piece.region, count * PAGE);
                take(piece);
                final Piece other = new Piece(resized, piece.isWritable, Arrays.copyOf(piece.pages, count));
                add(other);
                write(other, piece.pages.length, count);
            } catch (final MappingException e) {
                refused.incrementAndGet();
            }
        }

        private void unmapRange(final Piece piece) {
            final long first = piece.start + random.nextInt(piece.pages.length) * PAGE;
            final long last = Math.min(first + (1 + random.nextInt(2 * MOST_PAGES)) * PAGE, to);
            final Map.Entry<Long, Piece> out = model.floorEntry(last - 1);
            if (out != null && out.getValue().end() > to && out.getValue().start < to && out.getValue().start < last) {
                return; // it would cut a region that reaches out of the section
            }
            section.unmap(first, last);
            rangeUnmapped = true;
            for (final Piece each : List.copyOf(pieces.values())) {
                if (each.start < last && first < each.end()) {
                    take(each);
                    keep(each, each.start, first);
                    keep(each, last, each.end());
                }
            }
        }

        /** What the section has left of a region: its handle is found after the publication. */
        private void keep(final Piece whole, final long start, final long end) {
            if (start < end) {
                add(new Piece(start, whole.region, whole.isWritable, Arrays.copyOfRange(whole.pages,
                    (int) ((start - whole.start) / PAGE), (int) ((end - whole.start) / PAGE))));
            }
        }

        void run() {
            final List<Long> before = List.copyOf(pieces.keySet());
            final int changes = random.nextInt(MOST_CHANGES + 1);
            for (int i = 0; i < changes && !rangeUnmapped; i++) {
                change();
            }
            if (random.nextInt(3) == 0) {
                steps.add("roll back");
                rolledBack.incrementAndGet();
                section.close();
                return;
            }
            section.publish();
            published.incrementAndGet();
            before.forEach(model::remove);
            if (rangeUnmapped) {
                pieces.replaceAll((start, piece) -> new Piece(start, find(start), piece.isWritable, piece.pages));
            }
            model.putAll(pieces);
            check(pieces.values(), from, to);
        }
    }

    private Region find(final long address) {
        try (Pin pin = space.pin()) {
            return Objects.requireNonNull(pin.find(address));
        }
    }

    /** Lookups, listing and bytes of a range that nobody changes meanwhile. */
    private void check(final Iterable<Piece> pieces, final long from, final long to) {
        final List<String> expected = new ArrayList<>();
        for (final Piece piece : pieces) {
            expected.add(Long.toHexString(piece.start) + "+" + piece.pages.length + (piece.isWritable ? " rw" : " r"));
            try (Pin pin = space.pin()) {
                for (int i = 0; i < piece.pages.length; i++) {
                    assertThat(pin.find(piece.start + i * PAGE)).isEqualTo(piece.region);
                }
            }
            try (Guard guard = piece.region.share()) {
                assertThat(guard.segment().byteSize()).isEqualTo(piece.pages.length * PAGE);
                for (int i = 0; i < piece.pages.length; i++) {
                    assertThat(guard.segment().get(JAVA_LONG, i * PAGE)).isEqualTo(piece.pages[i]);
                }
            }
        }
        assertThat(space.maps().stream().filter(info -> info.address() >= from && info.address() + info.size() <= to)
            .map(info -> Long.toHexString(info.address()) + "+" + info.size() / PAGE + (info.writable() ? " rw" : " r"))
            .toList()).isEqualTo(expected);
    }

    private boolean work(final long seed) {
        final SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < SECTIONS; i++) {
            final int first = random.nextInt(WINDOWS);
            final int count = 1 + random.nextInt(Math.min(2, WINDOWS - first));
            final long from = first * WINDOW;
            final long to = from + count * WINDOW;
            List<String> steps = List.of();
            try (WriteSection section = space.write(from, to)) {
                final Plan plan = new Plan(random, section, from, to);
                steps = plan.steps;
                plan.run();
            } catch (final Throwable e) {
                throw new AssertionError("seed=" + seed + ", section " + i + " of 0x" + Long.toHexString(from) + "-0x" +
                    Long.toHexString(to) + ", steps=" + steps, e);
            }
        }
        return true;
    }

    /** All of it in the window of a zone. */
    @ParameterizedTest
    @ValueSource(longs = {3, 20_261_129})
    void randomSectionsMustLeaveWhatTheModelSaysInAZone(final long seed) throws Exception {
        final IntervalTree tree = inside(space).core().tree();
        while (ZoneTestSupport.windows(tree) == 0) { // a grace period may have to pass
            ZoneTestSupport.contend(tree);
            space.map(PAGE).unmap();
            space.trim();
        }
        randomSectionsMustLeaveWhatTheModelSays(seed);
        assertThat(ZoneTestSupport.windows(tree)).as("windows that are left").isOne();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 20_261_120})
    void randomSectionsMustLeaveWhatTheModelSays(final long seed) throws Exception {
        final List<Threads.Work<Boolean>> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            final long own = seed * THREADS + i;
            threads.add(i == THREADS - 1 ? Threads.startVirtual(() -> work(own)) : Threads.start(() -> work(own)));
        }
        for (final Threads.Work<Boolean> thread : threads) {
            thread.get();
        }
        check(model.values(), 0, WINDOWS * WINDOW);
        assertThat(space.maps()).hasSize(model.size());
        assertThat(space.statistics().regions()).isEqualTo(model.size());
        assertThat(space.statistics().mappedBytes())
            .isEqualTo(model.values().stream().mapToLong(piece -> piece.end() - piece.start).sum());
        assertThat(published.get()).isPositive();
        assertThat(rolledBack.get()).isPositive();
        assertThat(refused.get()).as("sections without room").isPositive();
    }
}
