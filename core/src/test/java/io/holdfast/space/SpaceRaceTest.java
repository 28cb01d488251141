// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Pin;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * Readers of every kind over regions that writers map, fill, rewrite, unmap and reuse under them: no byte that a guard,
 * a stamp, a pin or a validation vouches for is another region's (G1 to G5). Every run must have met each race.
 */
class SpaceRaceTest extends SpaceFixture {
    private static final int SLOTS = 24;
    private static final int FILES = 4;
    private static final int VERSIONS = 1 << 8;
    private static final int CYCLES = 10_000;
    private static final int MOST_CYCLES = 60 * CYCLES;
    private static final int ROUNDS = 60;
    private static final long SEED = System.nanoTime();

    /** What readers meet; each must have been seen before a run may end. */
    private enum Seen {
        GUARD_READ, GUARD_REFUSED, STAMP_READ, STAMP_REFUSED, PIN_READ, PIN_MISSED, PIN_OUTLIVED_UNMAP, OPTIMISTIC_READ,
        OPTIMISTIC_FAILED, STALE_BYTES
    }

    /** A region, and the value that all its words have, up to the version in the low bits. */
    private record Entry(Region region, long generation) {
    }

    private final AtomicReferenceArray<Entry> slots = new AtomicReferenceArray<>(SLOTS);
    private final AtomicLong generations = new AtomicLong(1);
    private final AtomicBoolean stop = new AtomicBoolean();
    private final Map<Seen, AtomicLong> counts = new EnumMap<>(Seen.class);

    SpaceRaceTest() {
        for (final Seen seen : Seen.values()) {
            counts.put(seen, new AtomicLong());
        }
    }

    private void count(final Seen seen) {
        counts.get(seen).incrementAndGet();
    }

    private boolean allSeen() {
        return counts.values().stream().allMatch(count -> count.get() > 0);
    }

    /** One value in all words that were looked at, of this region's life; anything else is a wrong read. */
    private static void check(final Entry entry, final long[] words, final String how) {
        for (final long word : words) {
            if (word / VERSIONS != entry.generation || word != words[0]) {
                throw new AssertionError("wrong " + how + " read: words=" + Arrays.toString(words) +
                    ", generation=" + entry.generation + ", " + entry.region + ", seed=" + SEED);
            }
        }
    }

    private static long[] read(final MemorySegment segment) {
        final long last = segment.byteSize() / Long.BYTES - 1;
        return new long[] {segment.get(JAVA_LONG, 0), segment.get(JAVA_LONG, last / 3 * Long.BYTES),
            segment.get(JAVA_LONG, last / 2 * Long.BYTES), segment.get(JAVA_LONG, last * Long.BYTES)};
    }

    private static void fill(final MemorySegment segment, final long value) {
        for (long at = 0; at + Long.BYTES <= segment.byteSize(); at += Long.BYTES) {
            segment.set(JAVA_LONG, at, value);
        }
    }

    private Entry any(final SplittableRandom random) {
        return slots.get(random.nextInt(SLOTS));
    }

    private void readGuarded(final SplittableRandom random) {
        final Entry entry = any(random);
        if (entry == null) {
            return;
        }
        try (Guard guard = entry.region.tryShare()) {
            if (guard.isHeld()) {
                check(entry, read(guard.segment()), "guarded");
                count(Seen.GUARD_READ);
            } else {
                count(Seen.GUARD_REFUSED);
            }
        }
    }

    private void readStamped(final SplittableRandom random) {
        final Entry entry = any(random);
        if (entry == null) {
            return;
        }
        final long stamp = entry.region.tryLockShared();
        if (stamp > 0) {
            try {
                check(entry, read(entry.region.optimisticSegment()), "stamped");
            } finally {
                entry.region.unlockShared(stamp);
            }
            count(Seen.STAMP_READ);
        } else {
            count(Seen.STAMP_REFUSED);
        }
    }

    private void readPinned(final SplittableRandom random) {
        final Entry entry = any(random);
        if (entry == null) {
            return;
        }
        try (Pin pin = entry.region.space().pin()) {
            final Region found = pin.find(entry.region.address());
            if (found == null || !found.equals(entry.region)) {
                count(Seen.PIN_MISSED);
                return;
            }
            for (int i = 0; i < 20; i++) {
                final long[] words = read(found.optimisticSegment());
                for (final long word : words) { // writers may rewrite it meanwhile, but it is this region's
                    check(entry, new long[] {word}, "pinned");
                }
            }
            count(found.isMapped() ? Seen.PIN_READ : Seen.PIN_OUTLIVED_UNMAP);
        } catch (final IllegalStateException closed) {
            assertThat(closed).hasMessageContaining("pin in a closed address space");
        }
    }

    private void readOptimistically(final SplittableRandom random) {
        final Entry entry = any(random);
        if (entry == null) {
            return;
        }
        final long stamp = entry.region.tryOptimisticRead();
        final long[] words = read(entry.region.optimisticSegment());
        if (entry.region.validate(stamp)) {
            check(entry, words, "optimistic");
            count(Seen.OPTIMISTIC_READ);
        } else {
            count(Seen.OPTIMISTIC_FAILED);
            if (words[0] / VERSIONS != entry.generation) {
                count(Seen.STALE_BYTES);
            }
        }
    }

    private List<Threads.Work<Boolean>> startReaders() {
        final List<Threads.Work<Boolean>> readers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            final SplittableRandom random = new SplittableRandom(SEED + i);
            readers.add(Threads.start(() -> {
                while (!stop.get()) {
                    readGuarded(random);
                    readStamped(random);
                    readPinned(random);
                    readOptimistically(random);
                }
                return true;
            }));
        }
        final SplittableRandom random = new SplittableRandom(SEED + 100);
        readers.add(Threads.startVirtual(() -> {
            while (!stop.get()) {
                readGuarded(random);
                readPinned(random);
                LockSupport.parkNanos(1); // lets go of its carrier, and comes back on another
            }
            return true;
        }));
        return readers;
    }

    private Entry create(final AddressSpace target, final SplittableRandom random) {
        if (random.nextInt(8) == 0) {
            final int file = random.nextInt(FILES);
            return new Entry(target.map(FileBacking.readOnly(directory.resolve("file" + file))), fileGeneration(file));
        }
        final long generation = generations.incrementAndGet();
        final Region region = target.map(PAGE * (1 + random.nextInt(3)) - random.nextInt(8) * 8L);
        try (Guard guard = region.shareWritable()) {
            fill(guard.segment(), generation * VERSIONS);
        }
        return new Entry(region, generation);
    }

    private static long fileGeneration(final int file) {
        return (1L << 40) + file;
    }

    private void writeFiles() {
        for (int i = 0; i < FILES; i++) {
            final ByteBuffer bytes = ByteBuffer.allocate(3 * 4096).order(ByteOrder.nativeOrder());
            while (bytes.hasRemaining()) {
                bytes.putLong(fileGeneration(i) * VERSIONS);
            }
            final Path path = directory.resolve("file" + i);
            try {
                Files.write(path, bytes.array());
            } catch (final IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private long write(final SplittableRandom random) {
        long cycles = 0;
        while (!stop.get() && (cycles < CYCLES || !allSeen())) {
            if (cycles++ == MOST_CYCLES) {
                throw new AssertionError("races not met: " + counts + ", seed=" + SEED);
            }
            final int slot = random.nextInt(SLOTS);
            final Entry old = slots.get(slot);
            final int choice = random.nextInt(8);
            if (old != null && choice == 0 && old.region.isWritable()) {
                rewrite(old, random);
                continue;
            }
            final Entry entry = create(space, random);
            final Entry replaced = slots.getAndSet(slot, entry);
            if (replaced == null) {
                continue;
            }
            if (choice < 3) {
                replaced.region.unmapAsync();
            } else {
                replaced.region.unmap();
            }
        }
        return cycles;
    }

    private static void rewrite(final Entry entry, final SplittableRandom random) {
        try (Guard guard = entry.region.exclusive()) {
            fill(guard.segment(), entry.generation * VERSIONS + random.nextInt(VERSIONS));
        } catch (final RegionException unmapped) {
            assertThat(unmapped.refusal()).isEqualTo(Refusal.DETACHED);
        }
    }

    @Test
    void noReaderMayEverReadWrongBytes() throws Exception {
        writeFiles();
        final List<Threads.Work<Boolean>> readers = startReaders();
        try {
            final Threads.Work<Long> other = Threads.start(() -> write(new SplittableRandom(SEED + 1000)));
            write(new SplittableRandom(SEED + 2000));
            other.get();
        } finally {
            stop.set(true);
        }
        for (final Threads.Work<Boolean> reader : readers) {
            reader.get();
        }
        assertThat(counts.values()).as("races met: " + counts + ", seed=" + SEED).allMatch(count -> count.get() > 0);
        assertThat(space.statistics().unmaps()).isGreaterThan(CYCLES);
        space.close();
    }

    @Test
    void closeOfTheSpaceUnderReadersAndReuseOfItsRangeMustNotMislead() throws Exception {
        writeFiles();
        space.close();
        final List<Threads.Work<Boolean>> readers = startReaders();
        final SplittableRandom random = new SplittableRandom(SEED);
        int reused = 0;
        try {
            long last = 0;
            for (int round = 0; round < ROUNDS || !allSeen(); round++) {
                assertThat(round).as("races not met: " + counts + ", seed=" + SEED).isLessThan(100 * ROUNDS);
                final AddressSpace next = AddressSpace.builder().name("round-" + round).capacity(CAPACITY).open();
                reused += inside(next).base() == last ? 1 : 0;
                last = inside(next).base();
                for (int i = 0; i < 4 * SLOTS; i++) {
                    final Entry entry = create(next, random);
                    slots.set(random.nextInt(SLOTS), entry);
                    if (random.nextInt(16) == 0) {
                        entry.region.unmapAsync();
                    }
                }
                next.close();
                assertGivenBack(next);
            }
        } finally {
            stop.set(true);
        }
        for (final Threads.Work<Boolean> reader : readers) {
            reader.get();
        }
        assertThat(reused).as("rounds in the range of the one before").isGreaterThan(ROUNDS / 2);
    }

    private void assertGivenBack(final AddressSpace closed) {
        assertThat(closed.statistics().regions()).isZero();
        assertThat(closed.statistics().recordsInUse()).isZero();
        assertThat(Resources.mappings(directory)).isZero();
        assertThat(Resources.descriptors(directory)).isZero();
    }
}
