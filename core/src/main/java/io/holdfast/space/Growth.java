// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.MappingException;
import io.holdfast.RegionException;
import io.holdfast.WaitReport;
import io.holdfast.epoch.Waiting;
import io.holdfast.event.GrowEvent;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.memory.FileAccess;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.RangeLostException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * Lets regions grow where they are, under live readers. Thread-safe; one region grows for one thread at a time, and who
 * comes second waits as long as its patience lasts.
 */
final class Growth {
    private final SpaceResources core;
    private final StructureGate gate;
    private final RegionRegistry registry;
    private final PageOperations pages;
    private final WaitReports reports;
    private final ConcurrentMap<Long, Thread> growing = new ConcurrentHashMap<>(); // by record

    Growth(final SpaceResources core, final StructureGate gate, final RegionRegistry registry,
           final PageOperations pages, final WaitReports reports) {
        this.core = core;
        this.gate = gate;
        this.registry = registry;
        this.pages = pages;
        this.reports = reports;
    }

    /** Grows a region. */
    void grow(final RegionHandle region, final long newSize) {
        try (Waiting waiting = gate.patience("grow", region);
            RangeLock.Passage passage = gate.enter("grow", region, region, waiting)) {
            Objects.requireNonNull(passage);
            final long stamp = pages.enter(region, "grow");
            try {
                growInside("grow", region, newSize, waiting);
            } finally {
                PageOperations.leave(region, stamp);
            }
        }
    }

    /** Grows a region that the caller holds a lock on, in a range that it has entered. */
    void growInside(final String operation, final RegionHandle region, final long newSize, final Waiting waiting) {
        final GrowEvent event = GrowEvent.begun();
        final Long record = region.record();
        if (!PageFlags.isGrowable(RecordLayout.kind(record))) {
            throw new RegionException(operation + " of a region that is not growable: " + region.describe() +
                "; map it with growableTo(maximum), or let it move with remap(newSize)", null);
        }
        awaitTurn(region, record, waiting);
        try {
            final FileShare file = registry.share(record);
            final long maximum =
                file == null ? RecordLayout.limit(record) - RecordLayout.start(record) : file.region().maximum();
            final long size = RecordLayout.sizeAcquire(record);
            if (isGrowth(operation, region, newSize, maximum)) {
                if (file != null) {
                    growFile(operation, region, file, newSize, waiting);
                } else {
                    protectMore(operation, region, newSize); // the pages are there already, and zero
                }
                RecordLayout.sizeRelease(record, newSize); // after the pages are there: guards read it with acquire
                if (event != null) {
                    try {
                        event.end(gate.name(), region.address(), size, newSize);
                    } catch (final OutOfMemoryError | StackOverflowError e) {
                        // It has grown, whoever is told of it.
                    }
                }
            }
        } finally {
            growing.remove(record);
        }
    }

    /** Makes pages read-only that a read-only region of anonymous memory is going to grow by. */
    private void protectMore(final String operation, final RegionHandle region, final long newSize) {
        final long record = region.record();
        final long kind = RecordLayout.kind(record);
        final long from = core.roundUp(RecordLayout.sizeAcquire(record), kind);
        final long to = core.roundUp(newSize, kind);
        if (!PageFlags.isWritable(kind) && to > from) {
            try {
                core.reservation().protect(RecordLayout.start(record) + from, to - from, false);
            } catch (final NativeException e) {
                throw registry.refused(operation, region.describe(), e);
            }
        }
    }

    private void awaitTurn(final RegionHandle region, final Long record, final Waiting waiting) {
        Thread other = growing.putIfAbsent(record, Thread.currentThread());
        while (other != null) {
            waiting.pause(); // for ever, or it throws
            if (waiting.reportDue()) {
                reports.report(region.describe(), waiting.elapsedNs(),
                    List.of(new WaitReport.Holder(other.threadId(), other.getName(), WaitReport.How.SECTION, null, null)));
            }
            other = growing.putIfAbsent(record, Thread.currentThread());
        }
    }

    /** Checks a new size; whether it is another one. */
    private static boolean isGrowth(final String operation, final RegionHandle region, final long newSize,
                                    final long maximum) {
        final long size = RecordLayout.sizeAcquire(region.record());
        if (newSize < size || newSize > maximum) {
            throw new IllegalArgumentException(operation + " out of range: newSize=" + newSize + ", size=" + size +
                ", maximum=" + maximum + ", " + region.describe());
        }
        return newSize != size;
    }

    private void growFile(final String operation, final RegionHandle handle, final FileShare share, final long newSize,
                          final Waiting waiting) {
        final FileRegion region = share.region();
        final MappedFile file = region.file();
        if (!file.hold(operation, waiting, reports)) {
            throw new IllegalStateException("a wait that never gives up did");
        }
        boolean grown = false;
        final long record = handle.record();
        final long size = RecordLayout.sizeAcquire(record);
        try {
            file.grow(share, region.end(newSize), operation);
            final long mapped = core.roundUp(size + region.lead());
            final long needed = core.roundUp(newSize + region.lead());
            if (needed > mapped) {
                extend(operation, handle, region, mapped, needed);
            }
            share.keep();
            grown = true;
        } finally {
            if (!grown) {
                file.takeBack(share, region.end(size));
            }
            file.letGo();
        }
    }

    private void extend(final String operation, final RegionHandle handle, final FileRegion file, final long mapped,
                        final long needed) {
        final long record = handle.record();
        if (registry.isTorn(record)) {
            throw new MappingException(operation + " failed: the addresses behind the region were lost by an earlier " +
                "call: start=" + RecordLayout.start(record) + ", mapped=" + mapped + ", " + handle.describe() +
                "; map the file anew");
        }
        final FileAccess access = PageFlags.isWritable(RecordLayout.kind(record)) ? file.access() : FileAccess.READ_ONLY;
        try {
            core.reservation().extendFile(RecordLayout.start(record), mapped, needed, file.file().descriptor(),
                file.fileOffset(), access);
        } catch (final RangeLostException e) {
            registry.tear(record);
            throw registry.refused(operation, handle.describe(), e);
        } catch (final NativeException e) {
            throw registry.refused(operation, handle.describe(), e);
        }
    }
}
