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
 * in a file that is not listed.
 */
final class SegmentLog {
    private static final long FIRST_SIZE = 1L << 20;
    private static final int SMALL_SHARE = 8;
    private static final int SMALL_ENOUGH = 4;

    private final SegmentStorage storage;
    private final Path directory;
    private final long segmentBytes;
    private final boolean durable;
    private volatile List<Segment> segments;
    private @Nullable Segment active;
    private long nextId;
    private boolean manifestForced;

    SegmentLog(
        final SegmentStorage storage,
        final Path directory,
        final StoreOptions options,
        final List<Segment> recovered,
        final long nextId) {
        this.storage = storage;
        this.directory = directory;
        this.segmentBytes = options.segmentBytes();
        this.durable = options.durable();
        this.segments = List.copyOf(recovered);
        this.nextId = nextId;
    }

    int segmentCount() {
        return segments.size();
    }

    List<Segment> segments() {
        return segments;
    }

    boolean isDurable() {
        return durable;
    }

    /** Writes a record behind the last one and says where it is now. */
    Location append(final byte[] entry, final int length, final long sequence) {
        if (length > segmentBytes) {
            throw new IllegalArgumentException("record does not fit into a segment: bytes=" + length + ", segment=" +
                segmentBytes + "; store smaller values or choose larger segments");
        }
        Segment target = active;
        if (target == null || !target.hasRoomFor(length)) {
            target = roll();
        }
        return new Location(target, target.append(entry, length, sequence), length, sequence);
    }

    private Segment roll() {
        final Segment full = active;
        if (durable && full != null) {
            full.force();
        }
        final Segment fresh = create(storage, Math.min(FIRST_SIZE, segmentBytes));
        final List<Segment> next = new ArrayList<>(segments);
        next.add(fresh);
        // If this fails nobody knows which list a crash would leave behind, so the file stays. The next manifest or the
        // next open settles it; the open deletes what is not listed.
        try {
            writeManifest(next, fresh, durable);
        } catch (final RuntimeException e) {
            fresh.unmap();
            throw e;
        }
        segments = List.copyOf(next);
        active = fresh;
        return fresh;
    }

    /** A segment that is not listed yet. */
    Segment create(final FileMapper mapper, final long size) {
        final long id = nextId;
        nextId++;
        return Segment.create(mapper, directory, id, size, segmentBytes);
    }

    /** Begins an exchange of segments. */
    Replacement replacement() {
        return storage.replacement();
    }

    /**
     * The segments that a compaction should rewrite: those with that share of garbage at least, and small ones once
     * there are several. Never the active one.
     */
    List<Segment> candidates(final double garbageMin) {
        final Segment writing = active;
        final List<Segment> full = segments.stream().filter(segment -> segment != writing).toList();
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
     */
    void replace(final List<Segment> old, final List<Segment> fresh, final Runnable exchange) {
        final List<Segment> next = new ArrayList<>(segments);
        next.removeAll(old);
        next.addAll(0, fresh);
        writeManifest(next, active, durable);
        exchange.run();
        segments = List.copyOf(next);
    }

    private void writeManifest(final List<Segment> listed, final @Nullable Segment writing, final boolean forced) {
        manifestForced = false;
        Manifest.write(directory, listed.stream().map(segment -> line(segment, writing)).toList(), forced);
        manifestForced = forced;
    }

    private static Manifest.Line line(final Segment segment, final @Nullable Segment writing) {
        final boolean sealed = segment != writing && segment.isForced();
        return new Manifest.Line(segment.id(), sealed ? segment.usedBytes() : -1);
    }

    /** Returns once every record and the list of the segments are on the disk. */
    void force() {
        final Segment writing = active;
        for (final Segment segment : segments) {
            manifestForced &= segment == writing || segment.isForced();
            segment.force();
        }
        if (!manifestForced) {
            writeManifest(segments, writing, true);
        }
    }

    /** Unmaps every segment and cuts the unused end off the active one. */
    void close() {
        segments.forEach(Segment::unmap);
        final Segment writing = active;
        if (writing != null) {
            StoreFiles.truncate(writing.file(), writing.usedBytes());
        }
    }
}
