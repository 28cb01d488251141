// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.SpaceStatistics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * What an operation must leave as it was: kernel mappings inside the space and of a directory's files, descriptors,
 * records, regions, addresses.
 *
 * @param mappings    mappings of the kernel inside the space
 * @param files       mappings of files of the directory, wherever they are
 * @param descriptors open files of the directory
 * @param records     records in use
 * @param regions     regions mapped, or not given back yet
 * @param bytes       addresses taken
 * @param listing     the regions
 */
record Resources(List<String> mappings, long files, long descriptors, long records, long regions, long bytes,
                 List<String> listing) {
    private static final VarHandle MAPPER = field(SpaceHandle.class, "mapper", Mapper.class);
    private static final VarHandle MAGAZINES = field(Mapper.class, "magazines", Magazines.class);

    /** A private field, to be read without the soft references of reflection, which leave room in a full heap. */
    private static VarHandle field(final Class<?> owner, final String name, final Class<?> type) {
        try {
            return MethodHandles.privateLookupIn(owner, MethodHandles.lookup()).findVarHandle(owner, name, type);
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** What is used now, after everything that waits for a grace period has been reclaimed. */
    static Resources of(final AddressSpace space, final Path directory) {
        settle(space);
        final SpaceStatistics statistics = space.statistics();
        final List<String> listing = space.isOpen()
            ? space.maps().stream().map(info -> info.address() + "+" + info.size()).toList() : List.of();
        return new Resources(mappings(space), mappings(directory), descriptors(directory), statistics.recordsInUse(),
            statistics.regions(), statistics.mappedBytes(), listing);
    }

    /** Reclaims what is retired; the calling thread is not pinned. */
    static void settle(final AddressSpace space) {
        magazines(space).evictAll();
        inside(space).core().retiredRecords().drain(new CountingIdle());
    }

    /** Where unmapped regions are parked. */
    static Magazines magazines(final AddressSpace space) {
        return (Magazines) MAGAZINES.get((Mapper) MAPPER.get(inside(space)));
    }

    /** Fails if anything differs. */
    void assertUnchanged(final AddressSpace space, final Path directory) {
        assertThat(of(space, directory)).isEqualTo(this);
    }

    /** Mappings of the kernel inside the space, in order: where, access, inode. */
    static List<String> mappings(final AddressSpace space) {
        final long base = inside(space).base();
        final long end = base + space.capacity();
        final List<String> found = new ArrayList<>();
        for (final String line : lines()) {
            final String[] fields = line.split(" +", 6);
            final int dash = fields[0].indexOf('-');
            final long from = Long.parseUnsignedLong(fields[0].substring(0, dash), 16);
            final long to = Long.parseUnsignedLong(fields[0].substring(dash + 1), 16);
            if (from >= 0 && from < end && to > base) {
                found.add((Math.max(from, base) - base) + "-" + (Math.min(to, end) - base) + " " + fields[1] + " " +
                    fields[4]);
            }
        }
        return found;
    }

    /** What the kernel allows at an address of the space: as in its list, four letters. */
    static String access(final AddressSpace space, final long address) {
        for (final String mapping : mappings(space)) {
            final String[] fields = mapping.split("[- ]", 3);
            if (Long.parseLong(fields[0]) <= address && address < Long.parseLong(fields[1])) {
                return fields[2].substring(0, 4);
            }
        }
        return "none";
    }

    /** How many mappings of the kernel are of files in a directory. */
    static long mappings(final Path directory) {
        return lines().stream().filter(line -> line.contains(directory.toString())).count();
    }

    /** How many mappings of the kernel, in the whole process, have this length. */
    static long mappingsOfLength(final long bytes) {
        return lines().stream().filter(line -> {
            final int dash = line.indexOf('-');
            final int space = line.indexOf(' ');
            return Long.parseUnsignedLong(line.substring(dash + 1, space), 16) -
                Long.parseUnsignedLong(line.substring(0, dash), 16) == bytes;
        }).count();
    }

    /** How many descriptors are of files in a directory. */
    static long descriptors(final Path directory) {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(descriptor -> {
                try {
                    return Files.readSymbolicLink(descriptor).startsWith(directory);
                } catch (final IOException closedMeanwhile) {
                    return false;
                }
            }).count();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> lines() {
        try {
            return Files.readAllLines(Path.of("/proc/self/maps"));
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
