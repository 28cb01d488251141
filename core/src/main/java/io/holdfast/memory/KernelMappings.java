// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The kernel's list of this process's mappings, and how long it may get. For cold paths and tests. */
final class KernelMappings {
    private static final Path LIST = Path.of("/proc/self/maps");
    private static final Path LIMIT = Path.of("/proc/sys/vm/max_map_count");
    private static final int FIELDS = 6;
    private static final int HEXADECIMAL = 16;

    /**
     * One mapping.
     *
     * @param start the first address
     * @param end the address after the last one
     * @param access the access as in the list: {@code rwxp} with dashes, {@code s} for shared
     * @param offset the offset in the file, in bytes
     * @param device the number of the device that the file is on, as {@link FileHandle#device}
     * @param inode the file's number, 0 for anonymous memory
     * @param name the file's path or the kernel's name for the mapping, empty where there is none
     */
    record Entry(long start, long end, String access, long offset, long device, long inode, String name) {
        /** Whether this is anonymous memory that nobody has named, with exactly this access. */
        boolean isAnonymous(final String wanted) {
            return inode == 0 && name.isEmpty() && access.equals(wanted);
        }

        /** Whether this is a part of a file. */
        boolean isFile() {
            return inode != 0;
        }
    }

    /** {@return the mappings that lie in or reach into an address range, in order of address} */
    static List<Entry> within(final long start, final long end) {
        final List<Entry> entries = new ArrayList<>();
        try (BufferedReader reader = Files.newBufferedReader(LIST, StandardCharsets.ISO_8859_1)) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                final Entry entry = parse(line);
                if (Long.compareUnsigned(entry.start, end) >= 0) {
                    break;
                }
                if (Long.compareUnsigned(entry.end, start) > 0) {
                    entries.add(entry);
                }
            }
        } catch (final IOException unreadable) {
            throw new UncheckedIOException(unreadable);
        }
        return entries;
    }

    /** {@return the number of mappings, or 0 where the list cannot be read} */
    static long count() {
        try (BufferedReader reader = Files.newBufferedReader(LIST, StandardCharsets.ISO_8859_1)) {
            long lines = 0;
            while (reader.readLine() != null) {
                lines++;
            }
            return lines;
        } catch (final IOException unreadable) {
            return 0;
        }
    }

    /** {@return the largest number of mappings, or {@link Long#MAX_VALUE} where it cannot be read} */
    static long limit() {
        // Through a buffer: the kernel gives this file to the first read only, however short that is.
        try (BufferedReader reader = Files.newBufferedReader(LIMIT, StandardCharsets.ISO_8859_1)) {
            final String line = reader.readLine();
            return line == null ? Long.MAX_VALUE : Long.parseLong(line.strip());
        } catch (final IOException | NumberFormatException unreadable) {
            return Long.MAX_VALUE;
        }
    }

    /** Reads one line of the list. */
    static Entry parse(final String line) {
        final String[] fields = line.split(" +", FIELDS);
        final int dash = fields[0].indexOf('-');
        return new Entry(
            Long.parseUnsignedLong(fields[0].substring(0, dash), HEXADECIMAL),
            Long.parseUnsignedLong(fields[0].substring(dash + 1), HEXADECIMAL),
            fields[1],
            Long.parseUnsignedLong(fields[2], HEXADECIMAL),
            device(fields[3]),
            Long.parseUnsignedLong(fields[4]),
            fields.length == FIELDS ? fields[FIELDS - 1].strip() : "");
    }

    private static long device(final String field) {
        final int colon = field.indexOf(':');
        return Long.parseLong(field.substring(0, colon), HEXADECIMAL) << Integer.SIZE |
            Long.parseLong(field.substring(colon + 1), HEXADECIMAL);
    }

    private KernelMappings() {
    }
}
