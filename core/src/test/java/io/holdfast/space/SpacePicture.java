// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.RegionInfo;
import io.holdfast.SpaceStatistics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * Everything that can be seen of a space: what an operation that failed must leave as it was (G9). Unlike
 * {@link Resources}, which knows what was taken, this also knows what was in it.
 *
 * @param resources   what is taken
 * @param regions     a line for each region: its properties, the state of its lock, and all its bytes
 * @param files       a line for each file of the directory: its size and all its bytes
 * @param quarantined bytes that the kernel did not take back yet
 * @param lost        bytes that cannot be used again
 * @param stranded    bytes of scratch mappings that could not be removed
 * @param backlog     unmaps that are not finished
 */
record SpacePicture(Resources resources, List<String> regions, List<String> files, long quarantined, long lost,
                    long stranded, long backlog) {
    /** What there is now, after everything that waits for a grace period has been reclaimed; no thread is pinned. */
    static SpacePicture of(final AddressSpace space, final Path directory) {
        Resources.magazines(space).evictAll();
        inside(space).core().tree().drain(new CountingIdle()); // so that nodes are there, and no table has to grow
        final Resources resources = Resources.of(space, directory);
        final List<String> regions = space.maps().stream().map(info -> line(space, info)).toList();
        final SpaceStatistics statistics = space.statistics();
        return new SpacePicture(resources, regions, files(directory), statistics.quarantinedBytes(),
            statistics.lostBytes(), inside(space).core().reservation().strandedBytes(), statistics.backlogUnmaps());
    }

    /** Fails if anything differs. */
    void assertUnchanged(final AddressSpace space, final Path directory) {
        assertThat(of(space, directory)).isEqualTo(this);
    }

    private static String line(final AddressSpace space, final RegionInfo info) {
        final Region region;
        try (Pin pin = space.pin()) {
            region = Objects.requireNonNull(pin.find(info.address()));
        }
        // The sequence counts locks, and incarnations count lives: both rise whatever comes of an operation.
        final String lock = info.lock().replaceAll("(incarnation|sequence)=\\d+, ", "");
        return info.address() + "+" + info.size() + (info.writable() ? " rw " : " r ") + name(info.path()) + "@" +
            info.fileOffset() + " name=" + info.name() + (info.locked() ? " locked" : "") + " start=" +
            region.reservedStart() + " end=" + region.reservedEnd() + " " + lock + " " +
            sum(region.optimisticSegment());
    }

    private static @Nullable Path name(final @Nullable Path path) {
        return path == null ? null : path.getFileName();
    }

    /** A sum over all bytes, or that they cannot be read. */
    private static String sum(final MemorySegment segment) {
        final byte[] bytes = new byte[Math.toIntExact(segment.byteSize())];
        final boolean copied = CheckedCopy.copy(segment, 0, MemorySegment.ofArray(bytes), 0, bytes.length) == null;
        return copied ? sum(bytes) : "unreadable";
    }

    private static String sum(final byte[] bytes) {
        final CRC32 sum = new CRC32();
        sum.update(bytes);
        return "crc=" + Long.toHexString(sum.getValue());
    }

    private static List<String> files(final Path directory) {
        try (Stream<Path> all = Files.list(directory)) {
            return all.filter(Files::isRegularFile).sorted().map(SpacePicture::line).toList();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String line(final Path file) {
        try {
            final byte[] bytes = Files.readAllBytes(file);
            return file.getFileName() + " size=" + bytes.length + " " + sum(bytes);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
