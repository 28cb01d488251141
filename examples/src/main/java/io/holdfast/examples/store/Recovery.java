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
 * record of each key. The index, one record, and the places of one batch are in memory at a time.
 *
 * <p>A sealed segment must be intact. The open one ends before the first record that is damaged, or is not the next in
 * number, or belongs to a batch whose last record is not there: nothing behind it counts, so that the store is what it
 * was at one moment. Segment files that the manifest does not list are leftovers of a change that never happened, or did
 * and was not tidied up; they are deleted.
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
    private boolean closedInOrder = true;

    /** A record, before it is known whether it counts. */
    private record Found(String key, boolean tombstone, Location location) {
        static Found at(final Segment segment, final SegmentScanner scanner) {
            final byte[] entry = scanner.entry();
            return new Found(EntryLayout.key(entry), EntryLayout.kind(entry) == EntryLayout.KIND_TOMBSTONE,
                new Location(segment, scanner.offset(), scanner.length(), EntryLayout.sequence(entry)));
        }
    }

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
        final Optional<Manifest> found = Manifest.read(directory);
        if (found.isEmpty()) {
            new Manifest(List.of(), 0, true).write(directory);
            return;
        }
        final Manifest manifest = found.get();
        sequence = manifest.sequence();
        closedInOrder = manifest.closed();
        final List<Path> empty = new ArrayList<>();
        for (final Manifest.Line line : manifest.lines()) {
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
        if (line.isSealed()) {
            readSealed(segment, line.sealedBytes());
        } else {
            readOpen(segment, size);
        }
        if (segment.usedBytes() == 0) {
            segments.remove(segment);
            segment.unmap();
            return false;
        }
        return true;
    }

    private void readSealed(final Segment segment, final long sealedBytes) {
        final SegmentScanner scanner = new SegmentScanner(segment, sealedBytes);
        while (scanner.next()) {
            accept(Found.at(segment, scanner));
        }
        if (scanner.offset() != sealedBytes) {
            throw damaged(segment.file(), scanner.offset(), "no intact record begins here");
        }
    }

    private void readOpen(final Segment segment, final long size) {
        segment.markUnforced();
        final SegmentScanner scanner = new SegmentScanner(segment, size);
        final List<Found> batch = new ArrayList<>();
        long next = sequence + 1;
        while (scanner.next() && EntryLayout.sequence(scanner.entry()) == next) {
            batch.add(Found.at(segment, scanner));
            if (!EntryLayout.isContinued(scanner.entry())) {
                batch.forEach(this::accept);
                batch.clear();
                sequence = next;
            }
            next++;
        }
        if (scanner.offset() != segment.usedBytes() || scanner.isTorn() || scanner.length() > 0) {
            tornBytes = size - segment.usedBytes();
        }
    }

    private void accept(final Found found) {
        final Location location = found.location();
        final Segment segment = location.segment();
        segment.account(location.length(), location.sequence());
        entries++;
        final Location known = index.get(found.key());
        final long newest =
            Math.max(known == null ? 0 : known.sequence(), tombstones.getOrDefault(found.key(), 0L));
        if (location.sequence() <= newest) {
            segment.forget(location.length());
        } else if (found.tombstone()) {
            tombstones.put(found.key(), location.sequence());
            index.remove(found.key());
            forget(known);
        } else {
            tombstones.remove(found.key());
            index.put(found.key(), location);
            forget(known);
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

    /** Whether the store was closed after all that has been written to it; also if nothing has. */
    boolean closedInOrder() {
        return closedInOrder;
    }
}
