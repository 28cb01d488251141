// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * The list of the segments that count, replaced as a whole by a rename: the commit point of every change of that list,
 * compactions above all. A text file:
 *
 * <pre>
 *    holdfast-store 1
 *    segment 12 sealed 16776432
 *    segment 13 open
 *    checksum 5a0c71e2
 * </pre>
 *
 * <p>The bytes of a sealed segment had been forced to the disk before it was written here as sealed, so damage in them
 * is an error; an open one may end in a torn record after a crash.
 */
final class Manifest {
    private static final String HEADER = "holdfast-store 1";
    private static final String CHECKSUM = "checksum ";
    private static final String SEALED = "sealed";
    private static final String OPEN = "open";
    private static final int FIELDS_OPEN = 3;
    private static final int FIELDS_SEALED = 4;

    /**
     * One line.
     *
     * @param id of the segment
     * @param sealedBytes used bytes of a sealed segment, -1 for an open one
     */
    record Line(long id, long sealedBytes) {
        boolean isSealed() {
            return sealedBytes >= 0;
        }
    }

    private Manifest() {
    }

    /** The lines, or nothing if there is no manifest. */
    static Optional<List<Line>> read(final Path directory) {
        final Path file = directory.resolve(StoreFiles.MANIFEST);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        final List<String> text;
        try {
            text = Files.readAllLines(file, StandardCharsets.UTF_8);
        } catch (final IOException e) {
            throw StoreFiles.failure("read", file, e);
        }
        if (text.size() < 2 || !text.getFirst().equals(HEADER) ||
            !text.getLast().equals(checksumLine(text.subList(0, text.size() - 1)))) {
            throw damaged(file, "header or checksum is wrong");
        }
        final List<Line> lines = new ArrayList<>();
        for (final String line : text.subList(1, text.size() - 1)) {
            lines.add(parse(file, line));
        }
        return Optional.of(lines);
    }

    /**
     * Replaces the manifest.
     *
     * @param durable whether to return only once the new one is on the disk
     */
    static void write(final Path directory, final List<Line> lines, final boolean durable) {
        final List<String> text = new ArrayList<>();
        text.add(HEADER);
        for (final Line line : lines) {
            text.add("segment " + line.id() + " " + (line.isSealed() ? SEALED + " " + line.sealedBytes() : OPEN));
        }
        text.add(checksumLine(text));
        final Path next = directory.resolve(StoreFiles.MANIFEST_NEXT);
        try {
            Files.write(next, text, StandardCharsets.UTF_8);
            if (durable) {
                StoreFiles.forceFile(next);
            }
            Files.move(next, directory.resolve(StoreFiles.MANIFEST), StandardCopyOption.ATOMIC_MOVE);
            if (durable) {
                StoreFiles.forceFile(directory);
            }
        } catch (final IOException e) {
            throw StoreFiles.failure("write", directory.resolve(StoreFiles.MANIFEST), e);
        }
    }

    private static Line parse(final Path file, final String line) {
        final List<String> fields = Arrays.asList(line.split(" ", -1));
        try {
            if (fields.size() == FIELDS_OPEN && fields.get(2).equals(OPEN)) {
                return new Line(Long.parseLong(fields.get(1)), -1);
            }
            if (fields.size() == FIELDS_SEALED && fields.get(2).equals(SEALED)) {
                return new Line(Long.parseLong(fields.get(1)), Long.parseLong(fields.get(3)));
            }
        } catch (final NumberFormatException e) {
            throw damaged(file, "no number in line '" + line + "'");
        }
        throw damaged(file, "unknown line '" + line + "'");
    }

    private static String checksumLine(final List<String> lines) {
        final CRC32C crc = new CRC32C();
        crc.update(String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
        return CHECKSUM + Long.toHexString(crc.getValue());
    }

    private static CorruptStoreException damaged(final Path file, final String what) {
        return new CorruptStoreException("manifest is damaged: file=" + file + ", cause=" + what +
            "; restore the directory from a copy");
    }
}
