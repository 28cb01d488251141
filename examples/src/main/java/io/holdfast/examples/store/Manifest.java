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
 *    holdfast-store 2
 *    segment 12 sealed 16776432
 *    segment 13 open
 *    sequence 4711
 *    in use
 *    checksum 5a0c71e2
 * </pre>
 *
 * <p>The bytes of a sealed segment had been forced to the disk before it was written here as sealed, so damage in them
 * is an error. One segment may be open, the one that is appended to: it may end in a torn record after a crash.
 *
 * @param lines the segments, oldest first
 * @param sequence number of the last record before those of the open segment; of the last one if there is none
 * @param closed whether the store was closed after this ({@code closed} instead of {@code in use}), by which no segment
 *     is open
 */
record Manifest(List<Line> lines, long sequence, boolean closed) {
    private static final String HEADER = "holdfast-store 2";
    private static final String SEGMENT = "segment";
    private static final String SEALED = "sealed";
    private static final String OPEN = "open";
    private static final String SEQUENCE = "sequence ";
    private static final String IN_USE = "in use";
    private static final String CLOSED = "closed";
    private static final String CHECKSUM = "checksum ";
    private static final int LINES_BEFORE = 1;
    private static final int LINES_BEHIND = 3;
    private static final int FIELDS_OPEN = 3;
    private static final int FIELDS_SEALED = 4;

    /**
     * One segment.
     *
     * @param id of the segment
     * @param sealedBytes used bytes of a sealed segment, -1 for an open one
     */
    record Line(long id, long sealedBytes) {
        boolean isSealed() {
            return sealedBytes >= 0;
        }
    }

    /** The manifest of a directory, or nothing if it has none. */
    static Optional<Manifest> read(final Path directory) {
        final Path file = directory.resolve(StoreFiles.MANIFEST);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(parse(file, Uninterrupted.run(() -> Files.readAllLines(file, StandardCharsets.UTF_8))));
        } catch (final IOException e) {
            throw StoreFiles.failure("read", file, e);
        }
    }

    /**
     * Replaces the manifest, and returns once the new one is on the disk.
     *
     * @throws NoSpaceException if there is no room for it, and the old one stands
     */
    void write(final Path directory) {
        final Path next = directory.resolve(StoreFiles.MANIFEST_NEXT);
        try {
            Uninterrupted.run(() -> Files.write(next, text(), StandardCharsets.UTF_8));
        } catch (final IOException e) {
            throw new NoSpaceException("cannot write manifest: path=" + next + ", cause=" + StoreFiles.reason(e) +
                "; check its permissions and the space left on the disk", e);
        }
        StoreFiles.forceFile(next);
        final Path file = directory.resolve(StoreFiles.MANIFEST);
        try {
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (final IOException e) {
            throw StoreFiles.failure("replace", file, e);
        }
        StoreFiles.forceFile(directory);
    }

    private List<String> text() {
        final List<String> text = new ArrayList<>();
        text.add(HEADER);
        for (final Line line : lines) {
            text.add(SEGMENT + " " + line.id() + " " + (line.isSealed() ? SEALED + " " + line.sealedBytes() : OPEN));
        }
        text.add(SEQUENCE + sequence);
        text.add(closed ? CLOSED : IN_USE);
        text.add(checksumLine(text));
        return text;
    }

    private static Manifest parse(final Path file, final List<String> text) {
        final int end = text.size() - LINES_BEHIND;
        if (end < LINES_BEFORE || !text.getFirst().equals(HEADER) ||
            !text.getLast().equals(checksumLine(text.subList(0, text.size() - 1)))) {
            throw damaged(file, "header or checksum is wrong");
        }
        try {
            final List<Line> lines = new ArrayList<>();
            for (final String line : text.subList(LINES_BEFORE, end)) {
                lines.add(line(file, line));
            }
            final String sequence = text.get(end).substring(SEQUENCE.length());
            return new Manifest(lines, Long.parseLong(sequence), text.get(end + 1).equals(CLOSED));
        } catch (final NumberFormatException | IndexOutOfBoundsException e) {
            throw damaged(file, "a number is missing");
        }
    }

    private static Line line(final Path file, final String line) {
        final List<String> fields = Arrays.asList(line.split(" ", -1));
        if (fields.size() == FIELDS_OPEN && fields.get(2).equals(OPEN)) {
            return new Line(Long.parseLong(fields.get(1)), -1);
        }
        if (fields.size() == FIELDS_SEALED && fields.get(2).equals(SEALED)) {
            return new Line(Long.parseLong(fields.get(1)), Long.parseLong(fields.get(3)));
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
