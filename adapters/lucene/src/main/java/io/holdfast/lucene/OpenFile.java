// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import io.holdfast.Advice;
import io.holdfast.Lease;
import io.holdfast.MappingException;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.ReadAdvice;
import org.jspecify.annotations.Nullable;

/** What an input, its clones and its slices share: the region of a file. Thread-safe. */
final class OpenFile {
    private static final int MANY_SLICES = 1024;

    private final HoldfastDirectory directory;
    private final String name;
    private final Region region;
    private final boolean isCopy;
    private final Lease whole;
    private final Lease lease;
    private final Lease ended;
    private final Map<Range, Lease> slices = new ConcurrentHashMap<>();
    private final AtomicInteger prefetches = new AtomicInteger();
    // Benign race: threads may each ask for it, and all of them get views of the same bytes in the same arena.
    private volatile @Nullable MemorySegment segment;
    private volatile boolean closed;

    private record Range(long offset, long length) { }

    /**
     * For a region; if it throws, the region is still the caller's.
     *
     * @param length of the file; the region of a copy has whole pages
     * @param isCopy whether the region is a copy of the file, in anonymous memory
     */
    OpenFile(final HoldfastDirectory directory, final String name, final Region region, final long length,
             final boolean isCopy) {
        this.directory = directory;
        this.name = name;
        this.region = region;
        this.isCopy = isCopy;
        this.whole = region.lease();
        this.lease = isCopy ? whole.slice(0, length) : whole;
        this.ended = whole.slice(0, 0);
        ended.close();
    }

    Lease lease() {
        return lease;
    }

    /**
     * A lease of a part, which nobody ends but with the file. Each query takes slices of the same few parts, so these are
     * kept: a lease has to reach all of its slices when it is renewed, and the collector to find out which are forgotten.
     */
    Lease slice(final long offset, final long length) {
        final Range range = new Range(offset, length);
        final Lease known = slices.get(range);
        if (known != null) {
            return known;
        }
        final Lease made = lease.slice(offset, length);
        if (slices.size() >= MANY_SLICES) {
            slices.clear();
        }
        slices.put(range, made);
        return made;
    }

    /** What a clone or a slice reads through when it is closed and the file is not. */
    Lease endedLease() {
        return ended;
    }

    boolean isClosed() {
        return closed;
    }

    ReadAdvice adviceFor(final IOContext context) {
        return directory.adviceFor(name, context);
    }

    /** The whole file for code that reads it without an input; ends with the file. */
    MemorySegment segment() {
        MemorySegment all = segment;
        if (all == null) {
            all = region.sharedSegment().asReadOnly(); // a copy could be written
            segment = all;
        }
        return all;
    }

    /**
     * Begins to read a range in. As long as what is asked for turns out to be in memory, the system is asked ever more
     * rarely, at the first, second, fourth, eighth request and so on, as {@code MMapDirectory} does.
     */
    void prefetch(final long offset, final long length) {
        if (isCopy) {
            return;
        }
        final int hits = prefetches.getAndIncrement();
        if ((hits & (hits - 1)) == 0 && region.residentBytes(offset, length) < length) {
            prefetches.set(0);
            region.advise(offset, length, Advice.WILL_NEED);
        }
    }

    /** Passes advice on; where no mapping is left for it, the file is read without. */
    void advise(final long offset, final long length, final ReadAdvice advice) {
        if (isCopy) {
            return;
        }
        try {
            region.advise(offset, length, switch (advice) {
                case NORMAL -> Advice.NORMAL;
                case RANDOM -> Advice.RANDOM;
                case SEQUENTIAL -> Advice.SEQUENTIAL;
            });
        } catch (final MappingException e) {
            return;
        }
    }

    /** Ends all reading, and gives the memory back. Idempotent, for any thread. */
    void close() {
        closed = true;
        whole.close();
        unmap(region, directory.unmapsInBackground());
    }

    /** Gives a region back, if nobody has. */
    static void unmap(final Region region, final boolean inBackground) {
        if (!inBackground) {
            region.unmapIfMapped();
            return;
        }
        boolean interrupted = false;
        while (region.isMapped()) {
            try {
                region.unmapAsync();
            } catch (final RegionException e) {
                if (e.refusal() != Refusal.DETACHED) {
                    interrupted |= Thread.interrupted(); // it waited for the backlog; no interrupt may leave a file open
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
