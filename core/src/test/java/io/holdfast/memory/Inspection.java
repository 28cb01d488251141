// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/** Looks at what the kernel knows of this process, and at raw memory. */
final class Inspection {
    static final long PAGE = NativeMemory.system().pageSize();

    private static final MemorySegment ALL = everything();

    @SuppressWarnings("restricted")
    private static MemorySegment everything() {
        return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
    }

    static byte get(final long address) {
        return ALL.get(ValueLayout.JAVA_BYTE, address);
    }

    static void put(final long address, final int value) {
        ALL.set(ValueLayout.JAVA_BYTE, address, (byte) value);
    }

    static boolean isZero(final long address, final long length) {
        for (long at = address; at < address + length; at += Long.BYTES) {
            if (ALL.get(ValueLayout.JAVA_LONG, at) != 0) {
                return false;
            }
        }
        return true;
    }

    static void fill(final long address, final long length, final int value) {
        ALL.asSlice(address, length).fill((byte) value);
    }

    /** The mappings inside of a reservation. */
    static List<KernelMappings.Entry> mappings(final Reservation reservation) {
        return KernelMappings.within(reservation.base(), reservation.base() + reservation.capacity());
    }

    /** How many bytes of anonymous memory the pages of a reservation take. */
    static long anonymousBytes(final Reservation reservation) {
        long kibibytes = 0;
        boolean inside = false;
        for (final String line : mappingDetails()) {
            if (Character.isUpperCase(line.charAt(0))) {
                if (inside && line.startsWith("Anonymous:")) {
                    kibibytes += Long.parseLong(line.replaceAll("\\D", ""));
                }
            } else {
                final KernelMappings.Entry entry = KernelMappings.parse(line);
                inside = entry.start() >= reservation.base() &&
                    entry.end() <= reservation.base() + reservation.capacity();
            }
        }
        return kibibytes << 10;
    }

    private static List<String> mappingDetails() {
        try {
            return Files.readAllLines(Path.of("/proc/self/smaps"), StandardCharsets.ISO_8859_1);
        } catch (final IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
    }

    /** The access of the mappings inside of a reservation, in order. */
    static List<String> access(final Reservation reservation) {
        return mappings(reservation).stream().map(KernelMappings.Entry::access).toList();
    }

    /** The places and kinds of the mappings inside of a reservation. */
    static List<String> picture(final Reservation reservation) {
        return mappings(reservation).stream()
            .map(entry -> Long.toHexString(Math.max(entry.start(), reservation.base()) - reservation.base()) + "-" +
                Long.toHexString(Math.min(entry.end(), reservation.base() + reservation.capacity()) -
                    reservation.base()) +
                " " + entry.access() + " " + entry.inode() + " " + entry.offset())
            .toList();
    }

    /** How many mappings of a file the process has. */
    static long mappingsOf(final Path file) {
        return KernelMappings.within(0, Long.MAX_VALUE).stream()
            .filter(entry -> entry.name().startsWith(file.toString())).count();
    }

    /** How many descriptors of a file the process has. */
    static long descriptorsOf(final Path file) {
        final List<Path> targets = new ArrayList<>();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
            descriptors.forEach(descriptor -> {
                try {
                    targets.add(Files.readSymbolicLink(descriptor));
                } catch (final IOException closedMeanwhile) {
                    targets.add(descriptor);
                }
            });
        } catch (final IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
        return targets.stream().filter(target -> target.toString().startsWith(file.toString())).count();
    }

    /** Creates a file of pages that are all filled with one byte. */
    static Path file(final Path directory, final String name, final long pages, final int value) {
        try {
            final byte[] bytes = new byte[Math.toIntExact(pages * PAGE)];
            Arrays.fill(bytes, (byte) value);
            return Files.write(directory.resolve(name), bytes);
        } catch (final IOException failed) {
            throw new UncheckedIOException(failed);
        }
    }

    /** Creates a file that is one hole. */
    static Path sparse(final Path directory, final String name, final long length) {
        final Path path = directory.resolve(name);
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(length);
        } catch (final IOException failed) {
            throw new UncheckedIOException(failed);
        }
        return path;
    }

    private Inspection() {
    }
}
