// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Which addresses leases and shared segments show, whatever has become of the regions since: parts of a region that was
 * cut, split or merged inherit its claims by standing where it stood.
 *
 * <p>Thread-safe.
 */
final class Claims {
    /** No lease shows the addresses. */
    static final long NO_ERA = Long.MAX_VALUE;

    /**
     * A range of addresses that no other claim overlaps.
     *
     * @param firstEra the era of the first lease, {@link #NO_ERA} if there is none
     * @param segments whose bytes, or some of them, are in the range
     */
    private record Claim(long start, long limit, long firstEra, List<SharedArena> segments) {
    }

    private final TreeMap<Long, Claim> claims = new TreeMap<>(); // by start, under this
    private volatile boolean any;

    /** Notes a lease of the addresses, taken in an era or later. */
    synchronized void lease(final long start, final long limit, final long era) {
        claim(start, limit, era, List.of());
    }

    /** The arena of the shared segment of a region in this life, which has these addresses; made if there is none yet. */
    synchronized Arena share(final long record, final long incarnation, final long start, final long limit) {
        for (final Claim claim : overlapping(start, limit)) {
            for (final SharedArena segment : claim.segments) {
                if (segment.isOf(record, incarnation) && segment.arena().scope().isAlive()) {
                    return segment.arena();
                }
            }
        }
        final SharedArena made = new SharedArena(record, incarnation, start, limit);
        claim(start, limit, NO_ERA, List.of(made));
        return made.arena();
    }

    /** Joins everything that is claimed in the range into one claim. */
    private void claim(final long start, final long limit, final long era,
                                    final List<SharedArena> segments) {
        Claim joined = new Claim(start, limit, era, segments);
        for (final Claim old : overlapping(start, limit)) {
            final List<SharedArena> all = new ArrayList<>(joined.segments);
            old.segments.stream().filter(segment -> !segment.isClosed()).forEach(all::add);
            joined = new Claim(Math.min(joined.start, old.start), Math.max(joined.limit, old.limit),
                Math.min(joined.firstEra, old.firstEra), List.copyOf(all));
            claims.remove(old.start);
        }
        claims.put(joined.start, joined);
        any = true;
    }

    /** The era of the first lease that shows any of the addresses, or {@link #NO_ERA}. */
    long firstEra(final long start, final long limit) {
        return any ? smallestEra(start, limit) : NO_ERA;
    }

    private synchronized long smallestEra(final long start, final long limit) {
        long first = NO_ERA;
        Map.Entry<Long, Claim> entry = claims.lowerEntry(limit);
        while (entry != null && entry.getValue().limit > start) {
            first = Math.min(first, entry.getValue().firstEra);
            entry = claims.lowerEntry(entry.getKey());
        }
        return first;
    }

    /** Closes the shared segments that show any of the addresses; false if calls keep one open. */
    boolean closeSegments(final long start, final long limit) {
        if (!any) {
            return true;
        }
        boolean all = true;
        int skipped = 0;
        SharedArena next = openSegment(start, limit, 0);
        while (next != null) {
            if (!next.close()) {
                all = false;
                skipped++;
            }
            next = openSegment(start, limit, skipped);
        }
        return all;
    }

    /** How many shared segments show any of the addresses, and are not closed. */
    int openSegments(final long start, final long limit) {
        int count = 0;
        while (openSegment(start, limit, count) != null) {
            count++;
        }
        return count;
    }

    private synchronized @Nullable SharedArena openSegment(final long start, final long limit, final int skipped) {
        int left = skipped;
        Map.Entry<Long, Claim> entry = claims.lowerEntry(limit);
        while (entry != null && entry.getValue().limit > start) {
            for (final SharedArena segment : entry.getValue().segments) {
                if (!segment.isClosed() && segment.overlaps(start, limit)) {
                    if (left == 0) {
                        return segment;
                    }
                    left--;
                }
            }
            entry = claims.lowerEntry(entry.getKey());
        }
        return null;
    }

    /** Forgets what was claimed of addresses that nothing shows any more. */
    void forget(final long start, final long limit) {
        if (any) {
            cut(start, limit);
        }
    }

    private synchronized void cut(final long start, final long limit) {
        for (final Claim old : overlapping(start, limit)) {
            claims.remove(old.start);
            keep(old, old.start, start);
            keep(old, limit, old.limit);
        }
        any = !claims.isEmpty();
    }

    private void keep(final Claim old, final long start, final long limit) {
        if (start < limit) {
            final List<SharedArena> left =
                old.segments.stream().filter(segment -> !segment.isClosed() && segment.overlaps(start, limit)).toList();
            claims.put(start, new Claim(start, limit, old.firstEra, left));
        }
    }

    private List<Claim> overlapping(final long start, final long limit) {
        final List<Claim> found = new ArrayList<>();
        Map.Entry<Long, Claim> entry = claims.lowerEntry(limit);
        while (entry != null && entry.getValue().limit > start) {
            found.add(entry.getValue());
            entry = claims.lowerEntry(entry.getKey());
        }
        return found;
    }
}
