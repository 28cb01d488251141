// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import io.holdfast.SpaceStatistics;
import io.holdfast.epoch.Ledger;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.Snapshot;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** A space and a directory for each test; after it, all invariants hold, and nothing may be left of what the test did. */
@ExtendWith(InspectedSpaces.class)
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
abstract class SpaceFixture {
    static final long PAGE = NativeMemory.system().pageSize();
    static final long CAPACITY = 8L << 30;

    @TempDir
    Path directory;

    final CountingIdle idle = new CountingIdle();
    AddressSpace space;
    private List<Ledger.Entry> openBefore = List.of();

    @BeforeEach
    void openSpace() {
        openBefore = Ledger.open();
        space = configure(AddressSpace.builder().name("test").capacity(CAPACITY).idleStrategy(idle)).open();
    }

    /** What a test class changes in the space that it gets. */
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder;
    }

    @AfterEach
    void nothingIsLeft() {
        if (space.isOpen()) {
            SpaceInspector.check(space);
            space.close();
        }
        SpaceInspector.check(space);
        assertNothingLeft(space, directory);
        assertThat(Ledger.open()).as("T2: every acquire has had its release").isSubsetOf(openBefore);
    }

    /** Fails if a closed space, which no other has followed yet, keeps anything. */
    static void assertNothingLeft(final AddressSpace closed, final Path directory) {
        final SpaceStatistics statistics = closed.statistics();
        assertThat(statistics.regions()).as("regions").isZero();
        assertThat(statistics.mappedBytes()).as("mapped bytes").isZero();
        assertThat(statistics.recordsInUse()).as("records in use").isZero();
        assertThat(statistics.backlogUnmaps()).as("backlog").isZero();
        try (Snapshot snapshot = inside(closed).core().tree().snapshot()) {
            snapshot.forEach(0, closed.capacity(), (start, end, value) -> {
                throw new AssertionError("an interval is left: start=" + start + ", end=" + end);
            });
        }
        assertThat(Resources.mappings(directory)).as("mappings of files").isZero();
        assertThat(Resources.descriptors(directory)).as("descriptors").isZero();
        assertThat(Resources.mappings(closed)).as("kernel mappings").hasSizeLessThanOrEqualTo(3)
            .allMatch(line -> line.endsWith(" 0"));
    }

    /** A region in the record of one that is gone, whichever thread has unmapped that. */
    final Region mapInRecordOf(final Region gone, final long bytes) {
        Resources.settle(space); // else it may be parked, or retired, and others go round without it
        Region next;
        do {
            next = space.map(bytes);
        } while (inside(next).record() != inside(gone).record());
        return next;
    }

    /** A file of bytes that say where they stand. */
    Path file(final String name, final int length) {
        final byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = byteAt(i);
        }
        try {
            return Files.write(directory.resolve(name), bytes);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static byte byteAt(final long offset) {
        return (byte) (offset * 31 + (offset >>> 8) * 7 + 1);
    }

    /** A file that is one hole. */
    Path sparse(final String name, final long length) {
        final Path path = directory.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(length);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
        return path;
    }

    static void assertBytesOf(final MemorySegment segment, final long fileOffset) {
        for (long i = 0; i < segment.byteSize(); i++) {
            if (segment.get(JAVA_BYTE, i) != byteAt(fileOffset + i)) {
                assertThat(segment.get(JAVA_BYTE, i)).as("byte " + i).isEqualTo(byteAt(fileOffset + i));
            }
        }
    }

    /** Writes a word into a region under a guard. */
    static void put(final Region region, final long offset, final long value) {
        try (Guard guard = region.shareWritable()) {
            guard.segment().set(JAVA_LONG_UNALIGNED, offset, value);
        }
    }

    /** Reads a word of a region under a guard. */
    static long get(final Region region, final long offset) {
        try (Guard guard = region.share()) {
            return guard.segment().get(JAVA_LONG_UNALIGNED, offset);
        }
    }
}
