// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.Protection;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionInfo;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Readers that never stop while regions are split, merged, protected, cut and moved: no wrong byte, no gap. */
class StructureTortureTest extends SpaceFixture {
    private static final int PAGES = 32;
    private static final int CHANGES = 1000;
    private static final int MOST_CHANGES = 1_000_000;
    private static final long MAGIC = 0x5eed_0000_0000_0001L;

    private final AtomicBoolean stop = new AtomicBoolean();
    private final AtomicLong guarded = new AtomicLong();
    private final AtomicLong optimistic = new AtomicLong();
    private final AtomicLong pinned = new AtomicLong();
    private final AtomicLong moved = new AtomicLong();
    private final AtomicLong missed = new AtomicLong();

    /** Words that say where they stand, so that a region shows one stretch of them wherever it is. */
    private Path words() throws IOException {
        final ByteBuffer bytes = ByteBuffer.allocate((int) (PAGES * PAGE)).order(ByteOrder.nativeOrder());
        for (long i = 0; i < PAGES * PAGE; i += Long.BYTES) {
            bytes.putLong(i + MAGIC);
        }
        return Files.write(directory.resolve("words"), bytes.array());
    }

    private static boolean isOneStretch(final MemorySegment segment) {
        final long first = segment.get(JAVA_LONG, 0);
        for (long i = 0; i + Long.BYTES <= segment.byteSize(); i += 136) {
            if (segment.get(JAVA_LONG, i) != first + i) {
                return false;
            }
        }
        return first >= MAGIC && first < MAGIC + PAGES * PAGE;
    }

    private boolean read(final long low, final long high, final long seed) {
        final Random random = new Random(seed);
        Region last = null;
        while (!stop.get()) {
            final long address = low + random.nextLong(high - low);
            try (Pin pin = space.pin()) {
                final Region found = pin.find(address);
                if (found == null) {
                    missed.incrementAndGet();
                } else {
                    last = found;
                    final long stamp = found.tryOptimisticRead();
                    final boolean fine = isOneStretch(found.optimisticSegment());
                    pinned.incrementAndGet();
                    if (found.validate(stamp)) {
                        optimistic.incrementAndGet();
                        assertThat(fine).as("optimistic read of %s, seed %d", found, seed).isTrue();
                    }
                }
            }
            if (last != null) {
                try (Guard guard = last.tryShare()) {
                    if (guard.isHeld()) {
                        guarded.incrementAndGet();
                        assertThat(isOneStretch(guard.segment())).as("guarded read, seed %d", seed).isTrue();
                    } else if (guard.refusal() == Refusal.MOVED) {
                        moved.incrementAndGet();
                    }
                }
            }
        }
        return true;
    }

    private List<Threads.Work<Boolean>> readers(final long low, final long high) {
        final List<Threads.Work<Boolean>> readers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            final long seed = i;
            readers.add(Threads.start(() -> read(low, high, seed)));
        }
        return readers;
    }

    private void finish(final List<Threads.Work<Boolean>> readers) throws Exception {
        stop.set(true);
        for (final Threads.Work<Boolean> reader : readers) {
            assertThat(reader.get()).isTrue();
        }
        assertThat(guarded.get()).isPositive();
        assertThat(optimistic.get()).isPositive();
        assertThat(moved.get()).as("handles that moved under a reader").isPositive();
    }

    private void pause() {
        final long before = pinned.get();
        while (pinned.get() < before + 2) {
            Thread.onSpinWait();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void splitsAndMergesMustShowNoGapAndNoWrongByte(final long seed) throws Exception {
        final Region region = space.map(seed % 2 == 0 ? FileBacking.readWrite(words())
            : FileBacking.copyOnWrite(words()));
        final List<Region> parts = new ArrayList<>(List.of(region));
        final List<Threads.Work<Boolean>> readers = readers(region.address(), region.address() + PAGES * PAGE);
        final Random random = new Random(seed);
        for (int i = 0; i < CHANGES && readers.stream().noneMatch(Threads.Work::isDone); i++) {
            final int at = random.nextInt(parts.size());
            final Region part = parts.get(at);
            final long pages = part.size() / PAGE;
            switch (random.nextInt(4)) {
                case 0, 1 -> {
                    if (pages > 1) {
                        parts.remove(at);
                        parts.addAll(at, part.split((1 + random.nextLong(pages - 1)) * PAGE));
                    }
                }
                case 2 -> {
                    if (at + 1 < parts.size() && part.isWritable() == parts.get(at + 1).isWritable()) {
                        parts.set(at, part.merge(parts.remove(at + 1)));
                    }
                }
                default -> {
                    parts.remove(at);
                    parts.addAll(at, part.protect(0, (1 + random.nextLong(pages)) * PAGE,
                        random.nextBoolean() ? Protection.READ_ONLY : Protection.READ_WRITE));
                }
            }
            if (i % 16 == 0) {
                pause();
                assertThat(space.maps().stream().mapToLong(RegionInfo::size).sum()).isEqualTo(PAGES * PAGE);
            }
        }
        finish(readers);
        assertThat(missed.get()).as("lookups that found nothing, seed %d", seed).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {3, 4})
    void cutsAndMovesMustShowNoWrongByte(final long seed) throws Exception {
        final Path path = words();
        final List<Threads.Work<Boolean>> readers = readers(0, 4 * PAGES * PAGE);
        final Random random = new Random(seed);
        Region region = null;
        // On a busy machine the readers may not have had a turn yet: goes on until they have seen a move.
        for (int i = 0; i < (moved.get() == 0 ? MOST_CHANGES : CHANGES) && readers.stream().noneMatch(Threads.Work::isDone);
            i++) {
            if (region == null) {
                region = map(path, seed % 2 == 0, random);
                continue;
            }
            final long pages = region.size() / PAGE;
            final long half = Math.max(1, pages / 2) * PAGE;
            region = switch (random.nextInt(5)) {
                case 0 -> pages > 1 ? region.trimHead(half) : region;
                case 1 -> pages > 1 ? region.trimTail(PAGE) : region;
                case 2 -> grown(region);
                case 3 -> {
                    final List<Region> left = pages > 2 ? region.unmap(PAGE, PAGE) : List.of(region);
                    if (left.size() == 2) {
                        left.getFirst().unmap();
                    }
                    yield left.getLast();
                }
                default -> {
                    region.unmap();
                    yield null;
                }
            };
            if (i % 16 == 0 && region != null) {
                try (Guard guard = region.share()) {
                    assertThat(isOneStretch(guard.segment())).isTrue();
                }
            }
        }
        finish(readers);
    }

    /** Moves a file region by mapping more of its file, if there is more. */
    private static Region grown(final Region region) {
        final long first;
        try (Guard guard = region.share()) {
            first = guard.segment().get(JAVA_LONG, 0) - MAGIC;
        }
        final long most = PAGES * PAGE - first;
        return region.size() < most ? region.remap(Math.min(most, region.size() + PAGE)) : region;
    }

    /** Anonymous regions are private copies of the words, so that they have bytes from the beginning. */
    private Region map(final Path path, final boolean shared, final Random random) {
        final long bytes = (4 + random.nextInt(PAGES - 4)) * PAGE;
        final FileBacking backing = shared ? FileBacking.readWrite(path) : FileBacking.copyOnWrite(path);
        return space.map(MapRequest.file(backing.range(0, bytes)).at(random.nextInt(2 * PAGES) * PAGE));
    }
}
