// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.MappingException;
import io.holdfast.RegionInfo;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.event.KernelRefusalEvent;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.SectionLock;
import io.holdfast.memory.FileHandle;
import io.holdfast.memory.NativeException;
import io.holdfast.tree.Snapshot;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The regions of a space: how many, against its limits; which, by their records in the tree; what the heap keeps of each:
 * its file, its name, and whether addresses behind it were lost; and how many mappings the kernel has left for them.
 *
 * <p>Thread-safe and lock-free between regions.
 */
final class RegionRegistry {
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());
    private static final long REGIONS_AT_A_TIME = 64;
    private static final long BYTES_AT_A_TIME = 1 << 20;

    private final SpaceResources core;
    private final SpaceSettings settings;
    private final StripedLimit regions;
    private final StripedLimit bytes;
    private final ConcurrentMap<RecordKey, FileShare> files = new ConcurrentHashMap<>();
    private final Set<RecordKey> torn = ConcurrentHashMap.newKeySet();
    private final RegionLabels labels = new RegionLabels();
    private final MappingHeadroom headroom;

    RegionRegistry(final SpaceResources core, final SpaceSettings settings) {
        this.core = core;
        this.settings = settings;
        this.regions = new StripedLimit(settings.maxRegions(), REGIONS_AT_A_TIME);
        this.bytes = new StripedLimit(settings.maxBytes(), BYTES_AT_A_TIME);
        this.headroom = new MappingHeadroom(core.memory(), settings.name(), files::size);
    }

    String name() {
        return settings.name();
    }

    /** The kernel's mappings, to be asked before a call that may take some. */
    MappingHeadroom headroom() {
        return headroom;
    }

    // ----------------------------------------------------------------------------------------------------------- limits

    /** Counts a region against the limits. */
    void account(final long length, final String operation) {
        ReservedStack.forBeginning(length); // both are counted, or neither
        if (!regions.take(1)) {
            throw new MappingException(operation + " failed: limit of regions reached in space " + name() +
                ": maxRegions=" + settings.maxRegions() + "; unmap regions, or raise maxRegions");
        }
        if (!bytes.take(length)) {
            regions.giveBack(1);
            throw new MappingException(operation + " failed: limit of bytes reached in space " + name() + ": asked=" +
                length + ", mapped=" + bytes.inUse() + ", maxBytes=" + settings.maxBytes() +
                "; unmap regions, or raise maxBytes");
        }
    }

    /** Counts regions that a change makes: those that stay against the limit, those that go away at once without. */
    void accountRegions(final int kept, final int dropped, final String operation) {
        if (kept <= 0) {
            regions.giveBack(-kept);
        } else if (!regions.take(kept)) {
            throw new MappingException(operation + " failed: limit of regions reached in space " + name() +
                ": maxRegions=" + settings.maxRegions() + "; unmap regions, or raise maxRegions");
        }
        regions.takeBeyond(dropped);
    }

    void unaccountRegions(final int count) {
        regions.giveBack(count);
    }

    void unaccount(final long length) {
        ReservedStack.forBeginning(length); // as above
        bytes.giveBack(length);
        regions.giveBack(1);
    }

    /** Regions that are mapped, or not given back yet. */
    long regions() {
        return regions.inUse();
    }

    /** Whether there is probably no region but one. */
    boolean isAlone() {
        return regions.roughlyInUse() <= 1;
    }

    /** From here on {@link #regions()} is exact while others map and unmap, for a close; it never misses one [A2]. */
    void countExactly() {
        regions.closeForGood();
    }

    long bytes() {
        return bytes.inUse();
    }

    // ---------------------------------------------------------------------------------------------------------- records

    /**
     * Calls back for every region that is mapped, in the order of their addresses, as the tree shows it at one moment.
     */
    void forEachAttached(final LongConsumer visitor) {
        forEachAttached(0, core.reservation().capacity(), visitor);
    }

    /** The same for the regions that overlap a range. */
    void forEachAttached(final long from, final long to, final LongConsumer visitor) {
        forEachAttached(from, to, 0, visitor);
    }

    private void forEachAttached(final long from, final long to, final long except, final LongConsumer visitor) {
        try (Snapshot snapshot = core.tree().snapshot()) {
            snapshot.forEach(from, to, (start, end, record) -> {
                if (RegionLock.isAttached(record)) {
                    visitor.accept(record);
                } else if (record != except && RegionLock.isMoved(record)) {
                    // The tree has shown what came into its place before it was moved.
                    forEachAttached(start, end, record, visitor);
                }
                return true;
            });
        }
    }

    /** Whether the current thread holds any region exclusively. */
    boolean isExclusiveSomewhere() {
        final boolean[] found = {false};
        forEachAttached(record -> found[0] |= isExclusiveHere(record));
        return found[0];
    }

    /** Whether the current thread, or a section of it, holds an attached record exclusively. */
    static boolean isExclusiveHere(final long record) {
        final long lock = RecordLayout.lockAcquire(record);
        return (lock & RecordLayout.EXCLUSIVE) != 0 && SectionLock.isMine(lock);
    }

    /** What a record says of its region. */
    RegionInfo info(final long record) {
        final long kind = RecordLayout.kind(record);
        final FileRegion file = file(record);
        return new RegionInfo(RecordLayout.base(record) - core.reservation().base(), RecordLayout.sizeAcquire(record),
            PageFlags.isWritable(kind), file == null ? null : file.path(),
            file == null ? 0 : file.fileOffset() + file.lead(), labels.name(record), PageFlags.isLocked(kind),
            RegionLock.describe(record));
    }

    // -------------------------------------------------------------------------------------------------- files and names

    @Nullable FileRegion file(final long record) {
        final FileShare share = share(record);
        return share == null ? null : share.region();
    }

    /** A region's claim on its file; null if it has none. */
    @Nullable FileShare share(final long record) {
        return files.get(new RecordKey(record));
    }

    /** The claims of file regions on their files. */
    ConcurrentMap<RecordKey, FileShare> files() {
        return files;
    }

    /** Takes a region's claim on its file out; null if it has none, as most regions, and then this writes nothing. */
    @Nullable FileShare takeFile(final RecordKey record) {
        return files.get(record) == null ? null : files.remove(record);
    }

    /** By what people know the regions. */
    RegionLabels labels() {
        return labels;
    }

    /** Whether addresses behind the region were lost, so that it can only be unmapped. */
    boolean isTorn(final long record) {
        return torn.contains(new RecordKey(record));
    }

    /** Notes that addresses behind the region were lost. */
    void tear(final long record) {
        torn.add(new RecordKey(record));
    }

    /** Forgets what the heap keeps of a region that is gone, but for its claim on a file; can be repeated. */
    void forget(final RecordKey record) {
        if (takeFile(record) != null) {
            torn.remove(record);
        }
        labels.remove(record);
    }

    /** Closes a descriptor through which nothing was written, so that an error of the device is nobody's loss here. */
    void close(final FileHandle file) {
        try {
            file.close();
        } catch (final UncheckedIOException e) {
            LOGGER.log(Level.WARNING, "closing a file that was mapped failed in space " + name(), e);
        }
    }

    /** The exception for an operation that the system has refused, on what, and why. */
    MappingException refused(final String operation, final String subject, final RuntimeException e) {
        KernelRefusalEvent.tell(name(), NativeException.errnoOf(e), e.getMessage());
        return new MappingException(operation + " failed: " + subject + ": " + e.getMessage(), NativeException.errnoOf(e),
            e);
    }
}
