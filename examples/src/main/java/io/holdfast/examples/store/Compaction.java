// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentMap;

/**
 * Rewrites segments that hold much garbage, while readers are at work on them. Belongs to the writer.
 *
 * <p>The steps, and what a crash or a failure at each leaves behind:
 * <ol>
 * <li>live records are copied to fresh segments that nobody else can read, and forced to the disk: unlisted files,
 * deleted at once or at the next open;</li>
 * <li>everything written since is forced, because it is what made the other records garbage; then the manifest is
 * replaced, the point of no return on the disk: before it the old segments count, after it the fresh
 * ones. Both hold the same newest records, and the files of both are there;</li>
 * <li>the old segments get a list of where their keys go, and the mappings are exchanged: with Holdfast in one write
 * section, all old segments for all fresh ones. If this fails, all is as it was but for the files: this process goes on
 * with the old segments and its next manifest lists them, a crash before that makes the fresh ones count;</li>
 * <li>the index is pointed at the copies, key by key. A reader who comes first with an old location finds the copy by the
 * list of the old segment, so at no moment it finds none. Other engines unmap the old segments only now;</li>
 * <li>the old files are deleted: unlisted files again.</li>
 * </ol>
 *
 * <p>The manifest comes first because it takes long: from the moment at which readers of the old segments have to wait
 * until they find the fresh ones, no file is touched.
 */
final class Compaction {
    private final SegmentLog log;
    private final ConcurrentMap<String, Location> index;
    private final List<Segment> old;
    private final List<Segment> fresh = new ArrayList<>();
    private final Map<String, Location> moves = new HashMap<>();
    private boolean atomic;
    private long remaining;

    Compaction(final SegmentLog log, final ConcurrentMap<String, Location> index, final List<Segment> old) {
        this.log = log;
        this.index = index;
        this.old = old;
        this.remaining = old.stream().mapToLong(Segment::liveBytes).sum();
    }

    /** Whether all segments were replaced in one step. */
    boolean isAtomic() {
        return atomic;
    }

    /**
     * Rewrites the segments; once.
     *
     * @throws NoSpaceException if the disk has no room for the copies; all is as it was
     */
    void run() {
        try (Replacement replacement = log.replacement()) {
            copyLive(replacement);
            replace(replacement);
            moves.forEach(index::put);
            atomic = replacement.isAtomic();
        }
        old.forEach(segment -> StoreFiles.delete(segment.file()));
    }

    private void copyLive(final Replacement replacement) {
        try {
            for (final Segment segment : old) {
                copyLive(segment, replacement);
            }
            fresh.forEach(Segment::force);
        } catch (final RuntimeException e) {
            deleteFresh();
            throw e;
        }
    }

    private void replace(final Replacement replacement) {
        try {
            log.replace(old, fresh, () -> exchange(replacement));
        } catch (final NoSpaceException e) {
            deleteFresh();
            throw e;
        }
    }

    private void deleteFresh() {
        fresh.forEach(segment -> StoreFiles.delete(segment.file()));
    }

    private void exchange(final Replacement replacement) {
        boolean exchanged = false;
        // The copies' bytes come before the locations that lead to them, in the old segments and in the index.
        VarHandle.releaseFence();
        try {
            old.forEach(segment -> segment.leaveWord(moves));
            old.forEach(segment -> segment.unmap(replacement));
            replacement.publish();
            exchanged = true;
        } finally {
            if (!exchanged) {
                old.forEach(segment -> segment.leaveWord(Map.of()));
            }
        }
    }

    private void copyLive(final Segment segment, final Replacement replacement) {
        final SegmentScanner scanner = new SegmentScanner(segment, segment.usedBytes());
        while (scanner.next()) {
            final byte[] entry = scanner.entry();
            final String key = EntryLayout.key(entry);
            final Location known = index.get(key);
            if (EntryLayout.kind(entry) == EntryLayout.KIND_TOMBSTONE) {
                if (known == null && hidesOlder(EntryLayout.sequence(entry))) {
                    copy(scanner, replacement);
                }
            } else if (known != null && known.segment() == segment && known.offset() == scanner.offset()) {
                moves.put(key, copy(scanner, replacement));
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

    private Location copy(final SegmentScanner scanner, final Replacement replacement) {
        final int length = scanner.length();
        final long sequence = EntryLayout.sequence(scanner.entry());
        Segment target = fresh.isEmpty() ? null : fresh.getLast();
        if (target == null || !target.hasRoomFor(length)) {
            target = log.create(replacement, Math.max(length, Math.min(remaining, log.segmentBytes())));
            fresh.add(target);
        }
        remaining -= length;
        return new Location(target, target.append(scanner.entry(), length, sequence), length, sequence);
    }
}
