// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The segments of a store in the order of their age, and the end of the last one, where records are appended. Belongs
 * to whoever holds the store's writer lock, except for {@link #segmentCount}.
 *
 * <p>A segment is created, then listed in the manifest, then written to: whatever the moment of a crash, no record lies
 * in a file that is not listed. When the manifest lists a segment, all segments but that which is appended to are on
 * the disk: only the end of the newest records can be lost, and what is recovered is the store of some moment.
 */
final class SegmentLog {
    private static final long FIRST_SIZE = 1L << 20;
    private static final int SMALL_SHARE = 8;
    private static final int SMALL_ENOUGH = 4;

    private final SegmentStorage storage;
    private final Path directory;
    private final long segmentBytes;
    private volatile List<Segment> segments;
    private @Nullable Segment active;
    private long nextId;
    private long sequence;
    private long sequenceBeforeActive;
    private long largestBytes;

    SegmentLog(
        final SegmentStorage storage, final Path directory, final long segmentBytes, final Recovery recovery) {
        this.storage = storage;
        this.directory = directory;
        this.segmentBytes = segmentBytes;
        this.segments = List.copyOf(recovery.segments());
        this.nextId = recovery.nextId();
        this.sequence = recovery.sequence();
        this.sequenceBeforeActive = sequence;
        this.largestBytes = segments.stream().mapToLong(Segment::fileBytes).max().orElse(0);
    }

    int segmentCount() {
        return segments.size();
    }

    List<Segment> segments() {
        return segments;
    }

    /** Number of the newest record. */
    long sequence() {
        return sequence;
    }

    /** Bytes that a compaction of any one segment needs on the disk until the old file is deleted. */
    long compactionBytes() {
        return largestBytes + StoreFiles.GRANULE;
    }

    /**
     * Writes records behind the last one, all in one segment, and returns where they are.
     *
     * @param bytes of records that are numbered from the newest one on
     * @param records how many
     */
    Location append(final byte[] bytes, final int records) {
        Segment target = active;
        if (target == null || !target.hasRoomFor(bytes.length)) {
            target = roll(bytes.length);
        }
        final long first = sequence + 1;
        final long offset = target.append(bytes, bytes.length, first);
        sequence += records;
        largestBytes = Math.max(largestBytes, target.fileBytes());
        return new Location(target, offset, bytes.length, first);
    }

    private Segment roll(final long length) {
        final long least = StoreFiles.roundUp(length);
        final Segment fresh = Segment.create(storage, directory, takeId(),
            Math.max(Math.min(FIRST_SIZE, segmentBytes), least), least, Math.max(segmentBytes, least));
        final List<Segment> next = new ArrayList<>(segments);
        next.add(fresh);
        // If this fails nobody knows which list a crash would leave behind. So the file stays, the next manifest or the
        // next open settles it, and nothing is appended any more to a segment that may be listed as sealed.
        active = null;
        sequenceBeforeActive = sequence;
        try {
            writeManifest(next, fresh, false);
        } catch (final RuntimeException e) {
            fresh.unmap();
            throw e;
        }
        segments = List.copyOf(next);
        active = fresh;
        return fresh;
    }

    /** A segment that is not listed yet, for that many bytes and no more. */
    Segment create(final FileMapper mapper, final long bytes) {
        final long size = StoreFiles.roundUp(bytes);
        return Segment.create(mapper, directory, takeId(), size, size, size);
    }

    private long takeId() {
        final long id = nextId;
        nextId++;
        return id;
    }

    /** Begins an exchange of segments. */
    Replacement replacement() {
        return storage.replacement();
    }

    /**
     * The segments that a compaction should rewrite: those with that share of garbage at least, and small ones once
     * there are several. Never the active one, and none that a snapshot needs.
     */
    List<Segment> candidates(final double garbageMin) {
        final Segment writing = active;
        final List<Segment> full =
            segments.stream().filter(segment -> segment != writing && !segment.isPinned()).toList();
        final boolean smallOnes = full.stream().filter(this::isSmall).count() >= SMALL_ENOUGH;
        return full.stream()
            .filter(segment -> segment.garbage() >= garbageMin || (smallOnes && isSmall(segment)))
            .toList();
    }

    private boolean isSmall(final Segment segment) {
        return segment.usedBytes() <= segmentBytes / SMALL_SHARE;
    }

    long segmentBytes() {
        return segmentBytes;
    }

    /**
     * Makes the manifest list {@code fresh} in place of {@code old}, then exchanges the mappings. Both keep their files,
     * also if either fails: the newest records are in both lists, and the next manifest or the next open settles which
     * of them counts.
     *
     * @param exchange maps and unmaps all or nothing; if it throws, the old segments go on
     * @throws NoSpaceException if the manifest could not be written; the old segments count then
     */
    void replace(final List<Segment> old, final List<Segment> fresh, final Runnable exchange) {
        final List<Segment> next = new ArrayList<>(segments);
        next.removeAll(old);
        next.addAll(0, fresh);
        // The old files are the only ones that have what newer records replaced; they go, so these must not be lost.
        force();
        writeManifest(next, active, false);
        exchange.run();
        segments = List.copyOf(next);
    }

    private void writeManifest(final List<Segment> listed, final @Nullable Segment writing, final boolean closed) {
        final List<Manifest.Line> lines = new ArrayList<>();
        for (final Segment segment : listed) {
            if (segment == writing) {
                lines.add(new Manifest.Line(segment.id(), -1));
            } else {
                segment.force();
                lines.add(new Manifest.Line(segment.id(), segment.usedBytes()));
            }
        }
        new Manifest(lines, writing == null ? sequence : sequenceBeforeActive, closed).write(directory);
    }

    /** Returns once every record is on the disk. */
    void force() {
        segments.forEach(Segment::force);
    }

    /** Forces and unmaps every segment, and cuts the unused end off the active one. */
    void unmap() {
        try {
            force();
        } finally {
            segments.forEach(Segment::unmap);
        }
        final Segment writing = active;
        if (writing != null) {
            StoreFiles.truncate(writing.file(), writing.usedBytes());
            active = null;
        }
    }

    /** Marks the store as closed in good order, with every segment sealed; the last thing to do. */
    void markClosed() {
        writeManifest(segments, null, true);
    }
}
