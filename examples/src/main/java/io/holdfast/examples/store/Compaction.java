// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentMap;

/**
 * Rewrites segments that hold much garbage, while readers are at work on them. Belongs to the writer.
 *
 * <p>The steps, and what a crash or a failure at each leaves behind:
 * <ol>
 * <li>live records are copied to fresh segments: unlisted files, deleted at once or at the next open;</li>
 * <li>the manifest is replaced, the point of no return: before it the old segments count, after it the fresh ones, and
 * both hold the same newest records;</li>
 * <li>the index is pointed at the copies, key by key: a reader finds either copy, never none;</li>
 * <li>the old segments are unmapped, which turns away readers that still hold an old location and sends them back to
 * the index, then deleted: unlisted files again.</li>
 * </ol>
 */
final class Compaction {
    private final SegmentLog log;
    private final ConcurrentMap<String, Location> index;
    private final List<Segment> old;
    private final List<Segment> fresh = new ArrayList<>();
    private final List<Move> moves = new ArrayList<>();
    private long remaining;

    private record Move(String key, Location to) {
    }

    private Compaction(
        final SegmentLog log, final ConcurrentMap<String, Location> index, final List<Segment> old) {
        this.log = log;
        this.index = index;
        this.old = old;
        this.remaining = old.stream().mapToLong(Segment::liveBytes).sum();
    }

    /**
     * Rewrites segments with that share of garbage at least.
     *
     * @param garbageMin 0 to 1
     * @return how many segments were unmapped
     */
    static int run(final SegmentLog log, final ConcurrentMap<String, Location> index, final double garbageMin) {
        final List<Segment> old = log.candidates(garbageMin);
        if (!old.isEmpty()) {
            new Compaction(log, index, old).run();
        }
        return old.size();
    }

    private void run() {
        try {
            for (final Segment segment : old) {
                copyLive(segment);
            }
            if (log.isDurable()) {
                // What made the dropped records garbage must not be lost when they are gone for good.
                fresh.forEach(Segment::force);
                log.force();
            }
        } catch (final RuntimeException e) {
            fresh.forEach(Segment::unmap);
            fresh.forEach(segment -> StoreFiles.delete(segment.file()));
            throw e;
        }
        log.replace(old, fresh);
        // The copies' bytes come before the locations that lead to them.
        VarHandle.releaseFence();
        for (final Move move : moves) {
            index.put(move.key(), move.to());
        }
        old.forEach(Segment::unmap);
        old.forEach(segment -> StoreFiles.delete(segment.file()));
    }

    private void copyLive(final Segment segment) {
        final SegmentScanner scanner = new SegmentScanner(segment, segment.usedBytes());
        while (scanner.next()) {
            final byte[] entry = scanner.entry();
            final String key = EntryLayout.key(entry);
            final Location known = index.get(key);
            if (EntryLayout.kind(entry) == EntryLayout.KIND_TOMBSTONE) {
                if (known == null && hidesOlder(EntryLayout.sequence(entry))) {
                    copy(scanner);
                }
            } else if (known != null && known.segment() == segment && known.offset() == scanner.offset()) {
                moves.add(new Move(key, copy(scanner)));
            }
        }
        if (scanner.offset() != segment.usedBytes()) {
            throw new CorruptStoreException("segment is damaged: file=" + segment.file() + ", offset=" +
                scanner.offset() + ", used=" + segment.usedBytes() + "; restore the directory from a copy");
        }
    }

    /** Whether a segment that stays may hold a record that a tombstone of this age still has to hide. */
    private boolean hidesOlder(final long sequence) {
        return log.segments().stream()
            .anyMatch(segment -> segment.sequenceMin() < sequence && !old.contains(segment));
    }

    private Location copy(final SegmentScanner scanner) {
        final int length = scanner.length();
        final long sequence = EntryLayout.sequence(scanner.entry());
        Segment target = fresh.isEmpty() ? null : fresh.getLast();
        if (target == null || !target.hasRoomFor(length)) {
            target = log.create(StoreFiles.roundUp(Math.clamp(remaining, length, log.segmentBytes())));
            fresh.add(target);
        }
        remaining -= length;
        return new Location(target, target.append(scanner.entry(), length, sequence), length, sequence);
    }
}
