// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One segment file and the writer's book-keeping about it. Read by any thread through {@link #read}, and asked for
 * {@linkplain #moved moved} records; everything else belongs to whoever holds the store's writer lock.
 */
final class Segment {
    private final long id;
    private final Path file;
    private final MappedFile mapped;
    private final long sizeMax;
    private long usedBytes;
    private long liveBytes;
    private long sequenceMin = Long.MAX_VALUE;
    private boolean forced = true;
    private int pins;
    // Volatile: left by a compaction before it unmaps, for readers who find the file unmapped.
    private volatile Map<String, Location> moves = Map.of();

    private Segment(final long id, final Path file, final MappedFile mapped, final long sizeMax) {
        this.id = id;
        this.file = file;
        this.mapped = mapped;
        this.sizeMax = sizeMax;
    }

    /**
     * A fresh, empty segment; no file is left behind if that fails.
     *
     * @param wanted bytes to begin with
     * @param least bytes to begin with where the disk has no room for {@code wanted}
     * @param sizeMax bytes that it may grow to
     */
    static Segment create(
        final FileMapper mapper,
        final Path directory,
        final long id,
        final long wanted,
        final long least,
        final long sizeMax) {
        final Path file = StoreFiles.segment(directory, id);
        try {
            final long size = StoreFiles.allocate(file, wanted, least);
            return new Segment(id, file, mapper.map(file, size, sizeMax), sizeMax);
        } catch (final RuntimeException e) {
            StoreFiles.delete(file);
            throw e;
        }
    }

    /** A segment of an earlier run, of which nothing counts as used yet. */
    static Segment reopen(final FileMapper mapper, final Path file, final long id, final long size) {
        return new Segment(id, file, mapper.map(file, size, size), size);
    }

    long id() {
        return id;
    }

    Path file() {
        return file;
    }

    long usedBytes() {
        return usedBytes;
    }

    /** Bytes of records that are the newest of their key, tombstones among them. */
    long liveBytes() {
        return liveBytes;
    }

    /** Bytes of the file. */
    long fileBytes() {
        return mapped.size();
    }

    /** Smallest sequence number in the segment; {@code Long.MAX_VALUE} if it is empty. */
    long sequenceMin() {
        return sequenceMin;
    }

    /** Bytes of records that no key needs any more. */
    long garbageBytes() {
        return usedBytes - liveBytes;
    }

    /** Share of the used bytes that no key needs any more, 0 to 1. */
    double garbage() {
        return usedBytes == 0 ? 0 : garbageBytes() / (double) usedBytes;
    }

    /** Keeps the segment from being compacted until as many calls of {@link #unpin} have followed. */
    void pin() {
        pins++;
    }

    void unpin() {
        pins--;
    }

    boolean isPinned() {
        return pins > 0;
    }

    boolean read(final long offset, final byte[] target, final int length) {
        return mapped.read(offset, target, length);
    }

    boolean readOptimistically(final long offset, final byte[] target, final int length) {
        return mapped.readOptimistically(offset, target, length);
    }

    boolean hasRoomFor(final long length) {
        return length <= sizeMax - usedBytes;
    }

    /**
     * Writes records behind the last one, growing the file if need be, and returns the offset of the first.
     *
     * @param bytes the records, from its start
     * @param length how many bytes
     * @param sequence of the first record, the smallest
     */
    long append(final byte[] bytes, final int length, final long sequence) {
        final long end = usedBytes + length;
        final long size = mapped.size();
        if (end > size) {
            final long least = Math.min(sizeMax, StoreFiles.roundUp(end));
            mapped.grow(StoreFiles.allocate(file, Math.min(sizeMax, Math.max(least, 2 * size)), least));
        }
        final long offset = usedBytes;
        mapped.write(offset, bytes, length);
        forced = false;
        account(length, sequence);
        return offset;
    }

    /** Counts a record that lies in the file already: the next one begins behind it. */
    void account(final int length, final long sequence) {
        usedBytes += length;
        liveBytes += length;
        sequenceMin = Math.min(sequenceMin, sequence);
    }

    /** Says that a record of this segment is no longer the newest of its key. */
    void forget(final int length) {
        liveBytes -= length;
    }

    void force() {
        if (!forced) {
            mapped.force();
            forced = true;
        }
    }

    /** Tells a reopened segment that nothing says whether its bytes ever reached the disk. */
    void markUnforced() {
        forced = false;
    }

    void unmap() {
        mapped.unmap();
    }

    /** Unmaps the file as a part of an exchange. */
    void unmap(final Replacement replacement) {
        replacement.unmap(mapped);
    }

    /** Leaves word where keys of this segment are found once it is unmapped. */
    void leaveWord(final Map<String, Location> newer) {
        moves = newer;
    }

    /** Where a key of this segment went when the segment was unmapped, or null. */
    @Nullable Location moved(final String key) {
        return moves.get(key);
    }

    @Override
    public String toString() {
        return "Segment[id=" + id + ", used=" + usedBytes + ", live=" + liveBytes + "]";
    }
}
