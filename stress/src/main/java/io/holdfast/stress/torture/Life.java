// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.Region;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** A region under one handle, and what is known of its bytes. Thread-safe. */
final class Life {
    /** Unmaps that were finished, in all spaces: the clock by which ages are told. */
    private static final AtomicLong ENDED = new AtomicLong();

    /** What the regions of a life may do. */
    enum Kind {
        /** Anonymous memory. */
        ANONYMOUS,
        /** Anonymous memory that can grow in place. */
        ANONYMOUS_GROWABLE,
        /** A file that is only read, and of which there are several regions. */
        FILE_READ_ONLY,
        /** The same, with writes of its own. */
        FILE_PRIVATE,
        /** A file of its own, which can grow in place and has no name any more. */
        FILE_GROWABLE;

        boolean isGrowable() {
            return this == ANONYMOUS_GROWABLE || this == FILE_GROWABLE;
        }
    }

    private final Region region;
    private final Kind kind;
    private final long generation;
    private final int era;
    private final boolean uniform;
    private final List<Life> origins;
    private volatile long filled;
    private volatile boolean leaving;
    private volatile long gone;

    /** A region that was mapped just now, the first so many bytes of which hold the pattern. */
    Life(final Region region, final Kind kind, final long generation, final int era, final long filled) {
        this(region, kind, generation, era, true, List.of(), filled);
    }

    private Life(final Region region, final Kind kind, final long generation, final int era, final boolean uniform,
                 final List<Life> origins, final long filled) {
        this.region = region;
        this.kind = kind;
        this.generation = generation;
        this.era = era;
        this.uniform = uniform;
        this.origins = origins;
        this.filled = filled;
    }

    /** A region that came out of this one. */
    Life next(final Region part, final long partFilled) {
        return new Life(part, nextKind(), generation, era, uniform, List.of(this), partFilled);
    }

    /** The region that came out of this one and another; its words need not have one version. */
    Life mergedWith(final Life other, final Region both) {
        return new Life(both, nextKind(), generation, era, false, List.of(this, other), filled + other.filled);
    }

    /** What is cut, or becomes two, does not grow in place any more, as far as this program goes. */
    private Kind nextKind() {
        return switch (kind) {
            case ANONYMOUS_GROWABLE -> Kind.ANONYMOUS;
            case FILE_GROWABLE -> Kind.FILE_PRIVATE;
            default -> kind;
        };
    }

    Region region() {
        return region;
    }

    Kind kind() {
        return kind;
    }

    long generation() {
        return generation;
    }

    int era() {
        return era;
    }

    boolean isUniform() {
        return uniform;
    }

    /** Bytes that hold the pattern; rises as a region grows. */
    long filled() {
        return filled;
    }

    /** The whole of the region holds the pattern; to be called under the exclusive lock. */
    void filled(final long bytes) {
        filled = bytes;
    }

    /** From here on lookups may miss it, or a part of what it came out of. To be called before the unmap is. */
    void leave() {
        leaving = true;
        origins.forEach(Life::leave);
    }

    boolean isLeaving() {
        return leaving;
    }

    /** The unmap is done: nobody who is protected may see it from here on, or what it came out of. */
    void end() {
        gone = ENDED.incrementAndGet();
        origins.forEach(Life::end);
    }

    /**
     * How old the region is for who sees it at this moment: 0 while it lives, 1 while it is being unmapped, and from 2
     * on one for each unmap that was finished since its own.
     */
    long age() {
        final long ended = gone;
        return ended == 0 ? leaving ? 1 : 0 : 2 + ENDED.get() - ended;
    }

    @Override
    public String toString() {
        return kind + ", generation=0x" + Long.toHexString(generation) + ", filled=" + filled + ", age=" + age() +
            ", era=" + era + ", " + region;
    }
}
