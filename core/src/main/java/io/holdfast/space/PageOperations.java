// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Advice;
import io.holdfast.RegionException;
import io.holdfast.TruncatedException;
import io.holdfast.layout.RecordLayout;
import io.holdfast.layout.Words;
import io.holdfast.memory.FileAccess;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.NativeMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Works on the pages of regions where they are. Each system call that names a region's addresses runs under a lock on
 * it, shared where no byte changes and exclusive where bytes do, so it cannot hit the addresses' next owner.
 */
final class PageOperations {
    /*
     * What the kernel keeps with addresses (advice, locking in memory) is noted in the record's KIND before the call:
     * an unmap, which reads it after the drain, then replaces the pages and does not merely zero them. Noting it in
     * vain costs a system call at the unmap and nothing else.
     */
    private final SpaceResources core;
    private final RegionRegistry registry;

    PageOperations(final SpaceResources core, final RegionRegistry registry) {
        this.core = core;
        this.registry = registry;
    }

    /** The pages that a range touches, as an offset in the space and a length. */
    private record Range(long start, long length) {
    }

    private static final Range NOTHING = new Range(0, 0);

    // ---------------------------------------------------------------------------------------------------- shared

    void advise(final RegionHandle region, final Advice advice) {
        shared(region, "advise", () -> {
            advise(region, whole(region), advice);
            return 0;
        });
    }

    void advise(final RegionHandle region, final long offset, final long length, final Advice advice) {
        shared(region, "advise", () -> {
            final Range range = range(region, "advise", offset, length);
            if (range.length != 0) {
                advise(region, range, advice);
            }
            return 0;
        });
    }

    private void advise(final RegionHandle region, final Range range, final Advice advice) {
        if (isLasting(advice)) {
            registry.headroom().take("advise", region);
            RecordLayout.addKind(region.record(), PageFlags.ALTERED_PAGES);
        }
        core.reservation().advise(range.start, range.length, number(advice));
    }

    static int number(final Advice advice) {
        return switch (advice) {
            case NORMAL -> NativeMemory.MADV_NORMAL;
            case RANDOM -> NativeMemory.MADV_RANDOM;
            case SEQUENTIAL -> NativeMemory.MADV_SEQUENTIAL;
            case WILL_NEED -> NativeMemory.MADV_WILLNEED;
            case COLD -> NativeMemory.MADV_COLD;
            case PAGE_OUT -> NativeMemory.MADV_PAGEOUT;
        };
    }

    /** Whether the kernel remembers it with the addresses, so that they become a mapping of their own. */
    static boolean isLasting(final Advice advice) {
        return advice == Advice.NORMAL || advice == Advice.RANDOM || advice == Advice.SEQUENTIAL;
    }

    void lock(final RegionHandle region, final boolean locked) {
        shared(region, locked ? "lockInMemory" : "unlockFromMemory", () -> {
            final Range range = whole(region);
            registry.headroom().take(locked ? "lockInMemory" : "unlockFromMemory", region);
            if (!locked) {
                core.reservation().lock(range.start, range.length, false);
                noteUnlocked(region);
                return 0;
            }
            RecordLayout.addKind(region.record(), PageFlags.ALTERED_PAGES);
            try {
                core.reservation().lock(range.start, range.length, true);
            } catch (final NativeException e) { // nothing is locked now, also where the pages had been
                noteUnlocked(region);
                throw e;
            }
            RecordLayout.addKind(region.record(), PageFlags.LOCKED_PAGES);
            return 0;
        });
    }

    private static void noteUnlocked(final RegionHandle region) {
        RecordLayout.removeKind(region.record(), PageFlags.LOCKED_PAGES & ~PageFlags.ALTERED_PAGES);
    }

    void populate(final RegionHandle region) {
        shared(region, "populate", () -> {
            populate(region, whole(region));
            return 0;
        });
    }

    void populate(final RegionHandle region, final long offset, final long length) {
        shared(region, "populate", () -> {
            populate(region, range(region, "populate", offset, length));
            return 0;
        });
    }

    private void populate(final RegionHandle region, final Range range) {
        final long kind = RecordLayout.kind(region.record());
        if (range.length != 0) {
            core.reservation().populate(range.start, range.length, !PageFlags.isFile(kind) && PageFlags.isWritable(kind));
        }
    }

    long residentBytes(final RegionHandle region) {
        return shared(region, "residentBytes", () -> {
            final Range range = whole(region);
            return core.reservation().residentBytes(range.start, range.length);
        });
    }

    long residentBytes(final RegionHandle region, final long offset, final long length) {
        return shared(region, "residentBytes", () -> {
            checkRange(region, "residentBytes", offset, length);
            return core.reservation().residentBytes(RecordLayout.start(region.record()) + lead(region.record()) + offset,
                length);
        });
    }

    void force(final RegionHandle region) {
        shared(region, "force", () -> {
            force(region, whole(region));
            return 0;
        });
    }

    void force(final RegionHandle region, final long offset, final long length) {
        shared(region, "force", () -> {
            force(region, range(region, "force", offset, length));
            return 0;
        });
    }

    private void force(final RegionHandle region, final Range range) {
        final FileRegion file = registry.file(region.record());
        if (range.length == 0 || file == null || file.access() != FileAccess.READ_WRITE) {
            return;
        }
        try {
            core.reservation().sync(range.start, range.length, true);
        } catch (final NativeException e) {
            final String message = "force failed: path=" + file.path() + ", " + e.getMessage() + "; " + region.describe();
            throw new UncheckedIOException(message, new IOException(message, e));
        }
    }

    void copyOut(final RegionHandle region, final long offset, final MemorySegment target, final long targetOffset,
                 final long length) {
        shared(region, "copyOut", () -> {
            checkRange(region, "copyOut", offset, length);
            final InternalError fault = CheckedCopy.copy(view(region), offset, target, targetOffset, length);
            if (fault != null) {
                throw blame(region, "copyOut", offset, target, targetOffset, length, fault);
            }
            return 0;
        });
    }

    void copyIn(final RegionHandle region, final MemorySegment source, final long sourceOffset, final long offset,
                final long length) {
        shared(region, "copyIn", () -> {
            requireWritable(region, "copyIn");
            checkRange(region, "copyIn", offset, length);
            final InternalError fault = CheckedCopy.copy(source, sourceOffset, view(region), offset, length);
            if (fault != null) {
                throw blame(region, "copyIn", offset, source, sourceOffset, length, fault);
            }
            return 0;
        });
    }

    /** The exception for a copy that met a fault, or the fault itself if it was in the caller's memory; a lock is held. */
    RuntimeException blame(final RegionHandle region, final String operation, final long offset,
                           final MemorySegment other, final long otherOffset, final long length,
                           final InternalError fault) {
        if (isReadable(view(region), offset, length, lead(region.record())) &&
            !isReadable(other, otherOffset, length, other.address() % pageSize())) {
            throw fault;
        }
        return truncated(region, operation, offset, length);
    }

    private boolean isReadable(final MemorySegment segment, final long offset, final long length, final long lead) {
        return CheckedCopy.firstUnreadable(segment, offset, length, pageSize(), lead) == offset + length;
    }

    long readableBytes(final RegionHandle region) {
        return shared(region, "readableBytes", () -> {
            final MemorySegment bytes = view(region);
            return CheckedCopy.firstUnreadable(bytes, 0, bytes.byteSize(), pageSize(), lead(region.record()));
        });
    }

    // ------------------------------------------------------------------------------------------------- exclusive

    void discard(final RegionHandle region, final long offset, final long length) {
        exclusive(region, "discard", () -> {
            requireWritable(region, "discard");
            if (PageFlags.isFile(RecordLayout.kind(region.record()))) {
                throw new RegionException("discard of a file region: " + region.describe() +
                    "; use punchHole, which changes the file", null);
            }
            zero(region, "discard", offset, length, NativeMemory.MADV_DONTNEED);
        });
    }

    void punchHole(final RegionHandle region, final long offset, final long length) {
        exclusive(region, "punchHole", () -> {
            requireWritable(region, "punchHole");
            final FileRegion file = registry.file(region.record());
            if (file == null || file.access() != FileAccess.READ_WRITE) {
                throw new RegionException("punchHole of a region that does not write to a file: " + region.describe() +
                    "; map it with FileBacking.readWrite", null);
            }
            zero(region, "punchHole", offset, length, NativeMemory.MADV_REMOVE);
        });
    }

    /** Drops the whole pages of a range first, which can fail, and zeroes the rest by hand. */
    private void zero(final RegionHandle region, final String operation, final long offset, final long length,
                      final int advice) {
        checkRange(region, operation, offset, length);
        final long lead = lead(region.record());
        final long page = core.pageSize(RecordLayout.kind(region.record()));
        final long inner = (offset + lead + page - 1) / page * page - lead;
        final long innerEnd = (offset + length + lead) / page * page - lead;
        if (inner >= innerEnd) {
            zeroByHand(region, operation, offset, length);
            return;
        }
        core.reservation().advise(RecordLayout.start(region.record()) + inner + lead, innerEnd - inner, advice);
        zeroByHand(region, operation, offset, inner - offset);
        zeroByHand(region, operation, innerEnd, offset + length - innerEnd);
    }

    private void zeroByHand(final RegionHandle region, final String operation, final long offset, final long length) {
        if (length > 0 && !CheckedCopy.fill(view(region), offset, length, (byte) 0)) {
            throw truncated(region, operation, offset, length);
        }
    }

    // ------------------------------------------------------------------------------------------------- the space

    /** Bytes in memory of all regions that can be locked at this moment. */
    long residentBytes(final Iterable<RegionHandle> regions) {
        long resident = 0;
        for (final RegionHandle region : regions) {
            final long stamp = region.tryLockShared();
            if (stamp > 0) {
                try {
                    final Range range = whole(region);
                    resident += core.reservation().residentBytes(range.start, range.length);
                } catch (final NativeException e) {
                    throw registry.refused("residentBytes", region.describe(), e);
                } finally {
                    region.unlockShared(stamp);
                }
            }
        }
        return resident;
    }

    // --------------------------------------------------------------------------------------------------- helpers

    private long shared(final RegionHandle region, final String operation, final Supplier<? extends Number> work) {
        final long stamp = enter(region, operation);
        try {
            return work.get().longValue();
        } catch (final NativeException e) {
            throw registry.refused(operation, region.describe(), e);
        } finally {
            leave(region, stamp);
        }
    }

    /** Makes sure that the region stays: by what the thread holds on it, then 0, or by a shared lock. */
    long enter(final RegionHandle region, final String operation) {
        final long record = region.record();
        final boolean held = region.isMapped() &&
            (core.domain().announcedByMe(record, 0) || RegionRegistry.isExclusiveHere(record));
        if (held) {
            requireUnchanged(region, operation);
        }
        return held ? 0 : region.lockShared(operation);
    }

    /** Pages that a section of this thread has protected could not be written, and the record does not say so yet. */
    private static void requireUnchanged(final RegionHandle region, final String operation) {
        if (PageFlags.isInChange(RecordLayout.kind(region.record()))) {
            throw new RegionException(operation + " of a region that a section of this thread has changed: " +
                region.describe() + "; publish or close the section first", null);
        }
    }

    static void leave(final RegionHandle region, final long stamp) {
        if (stamp != 0) {
            region.unlockShared(stamp);
        }
    }

    private void exclusive(final RegionHandle region, final String operation, final Runnable work) {
        final boolean held = region.isMapped() && RegionRegistry.isExclusiveHere(region.record());
        if (held) {
            requireUnchanged(region, operation);
        }
        final long stamp = held ? 0 : region.lockExclusive(operation);
        try {
            work.run();
        } catch (final NativeException e) {
            throw registry.refused(operation, region.describe(), e);
        } finally {
            if (!held) {
                region.unlockExclusive(stamp);
            }
        }
    }

    private Range whole(final RegionHandle region) {
        final long record = region.record();
        return new Range(RecordLayout.start(record),
            core.roundUp(lead(record) + RecordLayout.sizeAcquire(record), RecordLayout.kind(record)));
    }

    private Range range(final RegionHandle region, final String operation, final long offset, final long length) {
        checkRange(region, operation, offset, length);
        if (length == 0) {
            return NOTHING;
        }
        final long record = region.record();
        final long kind = RecordLayout.kind(record);
        final long page = core.pageSize(kind);
        final long first = (lead(record) + offset) / page * page;
        return new Range(RecordLayout.start(record) + first,
            core.roundUp(lead(record) + offset + length, kind) - first);
    }

    private static void checkRange(final RegionHandle region, final String operation, final long offset,
                                   final long length) {
        if (offset < 0 || length < 0 || length > RecordLayout.sizeAcquire(region.record()) - offset) {
            throw outOfRange(region, operation, offset, length);
        }
    }

    private static IllegalArgumentException outOfRange(final RegionHandle region, final String operation, final long offset,
                                                       final long length) {
        return new IllegalArgumentException(operation + " out of range: offset=" + offset + ", length=" + length +
            ", size=" + RecordLayout.sizeAcquire(region.record()) + ", " + region.describe() +
            "; give a range of the region's bytes");
    }

    private static void requireWritable(final RegionHandle region, final String operation) {
        if (!PageFlags.isWritable(RecordLayout.kind(region.record()))) {
            throw new RegionException(operation + " of a read-only region: " + region.describe(), null);
        }
    }

    /** Bytes of the region's first page before its first byte; a lock is held. */
    private long lead(final long record) {
        return RecordLayout.base(record) - core.reservation().base() - RecordLayout.start(record);
    }

    private long pageSize() {
        return core.memory().pageSize();
    }

    private static MemorySegment view(final RegionHandle region) {
        return Words.view(RecordLayout.base(region.record()), RecordLayout.sizeAcquire(region.record()));
    }

    /** The exception for bytes that could not be accessed; a lock is held. */
    RuntimeException truncated(final RegionHandle region, final String operation, final long offset, final long length) {
        final long record = region.record();
        final @Nullable FileRegion file = registry.file(record);
        if (file == null) {
            return new IllegalStateException(operation + " failed: pages of memory cannot be accessed, the system " +
                "has none left or a device is broken: " + region.describe());
        }
        final long first = CheckedCopy.firstUnreadable(view(region), offset, length, pageSize(), lead(record));
        final long at = first < offset + length ? Math.max(first, offset) : offset;
        final long inFile = file.fileOffset() + file.lead() + at;
        return new TruncatedException(operation + " failed: bytes of the file cannot be accessed: path=" + file.path() +
            ", file offset=" + inFile + ", offset=" + at + ", length=" + length + ", " + region.describe() +
            "; somebody else has truncated the file, or its device is full or broken: unmap the region, or let the " +
            "file have the bytes again", file.path(), at, inFile);
    }
}
