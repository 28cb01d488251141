// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads what an earlier run left in the directory: scans every segment that the manifest lists and keeps the newest
 * record of each key. Only the index and one record are in memory at a time.
 *
 * <p>An open segment ends at its first damaged record, which a crash may have torn; a sealed one must be intact.
 * Segment files that the manifest does not list are leftovers of a change that never happened, or did and was not
 * tidied up; they are deleted.
 */
final class Recovery {
    private final SegmentStorage storage;
    private final Path directory;
    private final List<Segment> segments = new ArrayList<>();
    private final ConcurrentHashMap<String, Location> index = new ConcurrentHashMap<>();
    private final Map<String, Long> tombstones = new HashMap<>();
    private long nextId = 1;
    private long sequence;
    private long entries;
    private long tornBytes;

    private Recovery(final SegmentStorage storage, final Path directory) {
        this.storage = storage;
        this.directory = directory;
    }

    /**
     * Reads a directory that the caller has locked, making it a store if it is empty. Maps nothing if it fails.
     */
    static Recovery run(final SegmentStorage storage, final Path directory) {
        final Recovery recovery = new Recovery(storage, directory);
        try {
            recovery.readSegments();
        } catch (final RuntimeException e) {
            recovery.segments.forEach(Segment::unmap);
            throw e;
        }
        return recovery;
    }

    /** Throws if the directory has files in it but no manifest: it may be anything, and a store deletes files. */
    static void requireStoreOrEmpty(final Path directory) {
        if (Files.exists(directory.resolve(StoreFiles.MANIFEST))) {
            return;
        }
        try (Stream<Path> files = Files.list(directory)) {
            if (files.anyMatch(file -> !file.endsWith(StoreFiles.LOCK) && !file.endsWith(StoreFiles.MANIFEST_NEXT))) {
                throw new StoreException("directory is not a store: path=" + directory + ", missing=" +
                    StoreFiles.MANIFEST + "; name an empty or a new directory");
            }
        } catch (final IOException e) {
            throw StoreFiles.failure("list", directory, e);
        }
    }

    private void readSegments() {
        final Optional<List<Manifest.Line>> manifest = Manifest.read(directory);
        if (manifest.isEmpty()) {
            Manifest.write(directory, List.of(), true);
            return;
        }
        final List<Path> empty = new ArrayList<>();
        for (final Manifest.Line line : manifest.get()) {
            nextId = Math.max(nextId, line.id() + 1);
            final Path file = StoreFiles.segment(directory, line.id());
            if (!readSegment(line, file)) {
                empty.add(file);
            }
        }
        deleteLeftovers(empty);
    }

    private boolean readSegment(final Manifest.Line line, final Path file) {
        final long size = size(file);
        if (size < line.sealedBytes()) {
            throw damaged(file, size, "file is shorter than when it was sealed, bytes=" + line.sealedBytes());
        }
        if (size == 0) {
            return false;
        }
        final Segment segment = Segment.reopen(storage, file, line.id(), size);
        segments.add(segment);
        final SegmentScanner scanner = new SegmentScanner(segment, line.isSealed() ? line.sealedBytes() : size);
        while (scanner.next()) {
            accept(segment, scanner);
        }
        if (line.isSealed() && scanner.offset() != line.sealedBytes()) {
            throw damaged(file, scanner.offset(), "no intact record begins here");
        }
        if (!line.isSealed()) {
            segment.markUnforced();
            tornBytes += scanner.isTorn() ? size - scanner.offset() : 0;
        }
        if (segment.usedBytes() == 0) {
            segments.remove(segment);
            segment.unmap();
            return false;
        }
        return true;
    }

    private void accept(final Segment segment, final SegmentScanner scanner) {
        final byte[] entry = scanner.entry();
        final long found = EntryLayout.sequence(entry);
        final String key = EntryLayout.key(entry);
        segment.account(scanner.length(), found);
        entries++;
        sequence = Math.max(sequence, found);
        final Location known = index.get(key);
        final long newest = Math.max(known == null ? 0 : known.sequence(), tombstones.getOrDefault(key, 0L));
        if (EntryLayout.kind(entry) == EntryLayout.KIND_TOMBSTONE) {
            if (found > newest) {
                tombstones.put(key, found);
                index.remove(key);
                forget(known);
            }
        } else if (found > newest) {
            tombstones.remove(key);
            index.put(key, new Location(segment, scanner.offset(), scanner.length(), found));
            forget(known);
        } else {
            segment.forget(scanner.length());
        }
    }

    private static void forget(final @Nullable Location known) {
        if (known != null) {
            known.segment().forget(known.length());
        }
    }

    private void deleteLeftovers(final List<Path> empty) {
        final Set<Path> listed = segments.stream().map(Segment::file).collect(Collectors.toCollection(HashSet::new));
        listed.addAll(empty);
        try (Stream<Path> files = Files.list(directory)) {
            for (final Path file : files.filter(StoreFiles::isSegment).toList()) {
                if (!listed.contains(file)) {
                    StoreFiles.delete(file);
                }
            }
        } catch (final IOException e) {
            throw StoreFiles.failure("list", directory, e);
        }
    }

    private static long size(final Path file) {
        try {
            return Files.size(file);
        } catch (final IOException e) {
            throw StoreFiles.failure("read", file, e);
        }
    }

    private static CorruptStoreException damaged(final Path file, final long offset, final String what) {
        return new CorruptStoreException("segment is damaged: file=" + file + ", offset=" + offset + ", cause=" +
            what + "; restore the directory from a copy");
    }

    List<Segment> segments() {
        return segments;
    }

    ConcurrentHashMap<String, Location> index() {
        return index;
    }

    long nextId() {
        return nextId;
    }

    long sequence() {
        return sequence;
    }

    long entries() {
        return entries;
    }

    long tornBytes() {
        return tornBytes;
    }
}
