// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.MappingException;
import io.holdfast.RegionInfo;
import io.holdfast.WaitReport;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.SectionLock;
import io.holdfast.lock.Stamps;
import io.holdfast.memory.FileHandle;
import io.holdfast.memory.HugePages;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.Reservation;
import io.holdfast.memory.RestoreResult;
import io.holdfast.tree.PreparedRemoval;
import io.holdfast.tree.Snapshot;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What a space counts and keeps about its regions, and the end of them: the steps of an unmap, each with what it leaves
 * behind when it fails. {@link Mapper} has the beginning.
 *
 * <p>Thread-safe and lock-free between regions.
 */
final class RegionRegistry {
    /*
     * Unmap: take the nodes for the removal; detach (RegionLock.tryDetach), which is the point of no return and the
     * linearization point; one heavy barrier; drain hazards, count and pins; give the pages back; remove the interval,
     * from when on the addresses can be used again; retire the record. After the detach nothing fails the operation:
     * pages that the kernel does not take back are quarantined with their interval still in the tree, and tried again.
     */
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    /** So that a close takes little heap, whatever there is to close; and few barriers. */
    private static final int CLOSED_AT_ONCE = 1 << 14;

    private final SpaceResources core;
    private final RegionLock lock;
    private final SpaceSettings settings;
    private final AtomicBoolean closing = new AtomicBoolean();
    private volatile boolean closed;
    private final AtomicLong regions = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final LongAdder unmaps = new LongAdder();
    private final LongAdder drains = new LongAdder();
    private final ConcurrentMap<Long, FileRegion> files = new ConcurrentHashMap<>();
    private final Set<Long> torn = ConcurrentHashMap.newKeySet();
    private final Notes notes = new Notes();
    private final IdleMemory idle;
    private final RangeLock ranges;
    private final BackPressure backPressure;

    RegionRegistry(final SpaceResources core, final RegionLock lock, final SpaceSettings settings) {
        this.core = core;
        this.lock = lock;
        this.settings = settings;
        this.idle = new IdleMemory(core, this, settings.idleBytes());
        this.ranges = new RangeLock(core.domain(), core.reservation().capacity(), this::stillWaiting);
        this.backPressure = new BackPressure(core, this, settings);
    }

    String name() {
        return settings.name();
    }

    // -------------------------------------------------------------------------------------------------- sections

    /** Who may change the structure where. */
    RangeLock ranges() {
        return ranges;
    }

    /** The patience for one operation. */
    Waiting waiting(final long timeoutNs, final boolean interruptible) {
        return settings.waiting(timeoutNs, interruptible);
    }

    /**
     * The right to change the structure from where a region begins to where another ends, which may be the same; null if
     * the waiting for sections gave up.
     */
    RangeLock.@Nullable Passage enter(final String operation, final RegionHandle first, final RegionHandle last,
                                      final Waiting waiting) {
        // The bounds are of the regions that are meant if those are still mapped when the change looks; if not, the
        // change comes to nothing.
        final long start = RecordLayout.start(first.record());
        return ranges.enter(operation, start, Math.max(RecordLayout.limit(last.record()), start), waiting);
    }

    /** The same for a change that replaces regions; it waits for as long as it takes, also for what was replaced before. */
    RangeLock.Passage enter(final String operation, final RegionHandle first, final RegionHandle last) {
        try (Waiting waiting = waiting(Waiting.FOREVER, false)) {
            backPressure.admit(operation, waiting);
            return Objects.requireNonNull(enter(operation, first, last, waiting));
        }
    }

    /** The same for the whole space. */
    RangeLock.Passage enterAll(final String operation) {
        try (Waiting waiting = waiting(Waiting.FOREVER, false)) {
            return Objects.requireNonNull(ranges.enter(operation, 0, core.reservation().capacity(), waiting));
        }
    }

    /** The same for one region. */
    RangeLock.Passage enter(final String operation, final RegionHandle region) {
        return enter(operation, region, region);
    }

    /** What changes ask before they begin. */
    BackPressure backPressure() {
        return backPressure;
    }

    private void stillWaiting(final RangeLock.Entry wanted, final List<RangeLock.Entry> blocking,
                              final long elapsedNs) {
        settings.reports().accept(new WaitReport(name(), "range=0x" + Long.toHexString(wanted.start()) + "-0x" +
            Long.toHexString(wanted.end()) + ", mode=" + wanted.mode(), Duration.ofNanos(elapsedNs),
            wanted.owner().getName(), blocking.stream().map(entry -> new WaitReport.Holder(entry.owner().threadId(),
                entry.owner().getName(), WaitReport.How.SECTION, null, null)).toList()));
    }

    // ---------------------------------------------------------------------------------------------------- limits

    /** Counts a region against the limits. */
    void account(final long length) {
        if (!addWithin(regions, 1, settings.maxRegions())) {
            throw new MappingException("map failed: limit of regions reached in space " + name() + ": maxRegions=" +
                settings.maxRegions() + "; unmap regions, or raise maxRegions");
        }
        if (!addWithin(bytes, length, settings.maxBytes())) {
            regions.decrementAndGet();
            throw new MappingException("map failed: limit of bytes reached in space " + name() + ": asked=" + length +
                ", mapped=" + bytes.get() + ", maxBytes=" + settings.maxBytes() + "; unmap regions, or raise maxBytes");
        }
    }

    /** Counts regions that a change makes: those that stay against the limit, those that go away at once without. */
    void accountRegions(final int kept, final int dropped, final String operation) {
        if (kept <= 0) {
            regions.addAndGet(kept);
        } else if (!addWithin(regions, kept, settings.maxRegions())) {
            throw new MappingException(operation + " failed: limit of regions reached in space " + name() +
                ": maxRegions=" + settings.maxRegions() + "; unmap regions, or raise maxRegions");
        }
        regions.addAndGet(dropped);
    }

    void unaccountRegions(final int count) {
        regions.addAndGet(-count);
    }

    /** Adds if the sum stays within a limit. Not before looking, so that who is refused refuses nobody else. */
    private static boolean addWithin(final AtomicLong counter, final long amount, final long limit) {
        long seen = counter.get();
        while (amount <= limit - seen) {
            final long witness = counter.compareAndExchange(seen, seen + amount);
            if (witness == seen) {
                return true;
            }
            seen = witness;
        }
        return false;
    }

    void unaccount(final long length) {
        bytes.addAndGet(-length);
        regions.decrementAndGet();
    }

    // ----------------------------------------------------------------------------------------------------- unmap

    /**
     * Detaches a region.
     *
     * @param drains whether the thread is going to wait for readers, so that it must not be one itself
     * @return what is left to do, or null if the waiting for another writer gave up, and then nothing has happened
     */
    @Nullable PendingUnmap announce(final RegionHandle region, final Waiting waiting, final boolean drains) {
        final long record = region.record();
        final PreparedRemoval removal = prepareRemoval();
        final long time = core.now();
        final long result;
        try (RangeLock.Passage passage = enter("unmap", region, region, waiting)) {
            result = passage == null ? Stamps.TIMED_OUT : detach(record, region.incarnation(), waiting, drains);
        } catch (final Throwable e) {
            removal.close();
            throw e;
        }
        if (result > 0) {
            RecordLayout.end(record, time);
            return new PendingUnmap(record, removal);
        }
        removal.close();
        if (result == Stamps.DETACHED || result == Stamps.MOVED) {
            throw region.refused("unmap", result);
        }
        return null;
    }

    private long detach(final long record, final long incarnation, final Waiting waiting, final boolean drains) {
        if (!drains) {
            final long result = lock.tryDetach(record, incarnation);
            if (!Stamps.isTransient(result)) {
                return result;
            }
        }
        return lock.detach(record, incarnation, waiting);
    }

    PreparedRemoval prepareRemoval() {
        try {
            return core.tree().prepareRemoval();
        } catch (final NativeException e) {
            throw refused(e);
        }
    }

    /** Begins the grace period of everything announced before. */
    long beginGracePeriod() {
        return core.domain().retireEpoch();
    }

    /** Waits for the readers of an announced unmap; false if the waiting gave up. */
    boolean drain(final PendingUnmap unmapping, final Waiting waiting) {
        if (unmapping.tag() == 0) {
            unmapping.tag(beginGracePeriod());
        }
        final long before = waiting.elapsedNs();
        final boolean drained = lock.drainDetached(unmapping.record(), unmapping.tag(), waiting);
        if ((!drained || waiting.elapsedNs() > before) && unmapping.firstWait()) {
            drains.increment();
        }
        return drained;
    }

    /** Gives the memory of a drained region back. Does not fail. */
    void finish(final PendingUnmap unmapping) {
        unmapping.drained();
        final FileRegion file = files.remove(unmapping.record());
        final RestoreResult result = file != null && torn.remove(unmapping.record())
            ? restoreTorn(unmapping, file) : restorePages(unmapping);
        if (file != null && file.keepsOpen()) {
            close(file.file());
        }
        notes.remove(unmapping.record());
        unmaps.increment();
        settle(unmapping, result);
        if (isZeroedInPlace(unmapping)) {
            idle.add(unmapping.start(), unmapping.length());
        }
        unaccount(unmapping.length()); // last: a close waits for it
    }

    /** Gives pages back that nobody can reach. */
    RestoreResult restorePages(final PendingUnmap unmapping) {
        final Reservation reservation = core.reservation();
        final long start = unmapping.start();
        final long length = unmapping.length();
        if (PageFlags.isFile(unmapping.kind())) {
            return reservation.restore(start, length);
        }
        if (isZeroedInPlace(unmapping)) {
            reservation.zeroAnonymous(start, length);
            return RestoreResult.RESTORED;
        }
        return reservation.restoreAnonymous(start, length);
    }

    private boolean isZeroedInPlace(final PendingUnmap unmapping) {
        return !PageFlags.isFile(unmapping.kind()) && !PageFlags.isAltered(unmapping.kind()) &&
            core.reservation().isInAnonymousZone(unmapping.start(), unmapping.length());
    }

    /** Whether addresses behind the region were lost, so that it can only be unmapped. */
    boolean isTorn(final long record) {
        return torn.contains(record);
    }

    /** Notes that addresses behind the region were lost. */
    void tear(final long record) {
        torn.add(record);
    }

    /** Retires the record of a region that goes on in others. */
    void forgetMoved(final long record, final boolean closeFile) {
        final FileRegion file = files.remove(record);
        if (file != null && file.keepsOpen() && closeFile) {
            close(file.file());
        }
        notes.remove(record);
        core.retiredRecords().retire(record);
    }

    /** Gives back what is before the lost addresses; the interval keeps all of them from being used again. */
    private RestoreResult restoreTorn(final PendingUnmap unmapping, final FileRegion file) {
        core.reservation().restore(unmapping.start(),
            roundUp(RecordLayout.sizeAcquire(unmapping.record()) + file.lead()));
        return RestoreResult.LOST;
    }

    /** Frees the addresses of pages that were given back, or keeps them. */
    void settle(final PendingUnmap unmapping, final RestoreResult result) {
        switch (result) {
            case RESTORED -> {
                core.quarantine().free(unmapping);
                if (PageFlags.isFile(unmapping.kind()) && !core.quarantine().isEmpty()) {
                    core.quarantine().retry(); // what the kernel took just now it may take again
                }
            }
            case QUARANTINED -> {
                LOGGER.log(Level.WARNING, "pages not given back, will be tried again: space=" + name() + ", start=" +
                    unmapping.start() + ", length=" + unmapping.length());
                core.quarantine().add(unmapping);
            }
            case LOST -> {
                LOGGER.log(Level.ERROR, "addresses lost for good: space=" + name() + ", start=" + unmapping.start() +
                    ", length=" + unmapping.length());
                unmapping.keepAddresses();
            }
        }
    }

    /** Closes a descriptor through which nothing was written, so that an error of the device is nobody's loss here. */
    void close(final FileHandle file) {
        try {
            file.close();
        } catch (final UncheckedIOException e) {
            LOGGER.log(Level.WARNING, "closing a file that was mapped failed in space " + name(), e);
        }
    }

    // ----------------------------------------------------------------------------------------------------- close

    /** Refuses mapping from here on, unless the caller must not close, or another call does so, or has. */
    void beginClose(final Runnable checkMayClose) {
        final boolean isMine = !closing.get(); // else what the thread holds may be of the next space in the same range
        if (isMine) {
            checkMayClose.run(); // also where a close gave up before
        }
        if (!isMine || !closing.compareAndSet(false, true)) {
            throw new IllegalStateException("close of a closed address space: name=" + name());
        }
        final boolean first = !closed;
        closed = true;
        if (first) {
            notes.closing(name());
        }
    }

    /** The close gave up: mapping stays refused, and another call may go on with it. */
    void suspendClose() {
        closing.set(false);
    }

    boolean isClosed() {
        return closed;
    }

    void checkOpen(final String operation) {
        if (closed) {
            throw new IllegalStateException(operation + " in a closed address space: name=" + name());
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

    /**
     * Announces the unmap of the first regions there are after {@link #beginClose}, when no section is left; unmaps begun
     * by others are for them, or the reclaimer, to finish.
     *
     * @return where to go on, the capacity when there is nothing more; -1 if the waiting gave up
     */
    long announceSome(final long from, final Waiting waiting, final Consumer<PendingUnmap> announced) {
        final RangeLock.Entry all = ranges.acquire(0, core.reservation().capacity(), RangeLock.Mode.WRITE, waiting);
        if (all == null) {
            return -1;
        }
        try {
            return detachSome(from, waiting, announced);
        } finally {
            ranges.release(all);
        }
    }

    private long detachSome(final long from, final Waiting waiting, final Consumer<PendingUnmap> announced) {
        final long tag = beginGracePeriod(); // [A1]
        while (!core.domain().passed(tag)) {
            if (!waiting.pause()) {
                return -1;
            }
        }
        final List<long[]> found = new ArrayList<>();
        final long end = collectAttached(from, found);
        for (final long[] attached : found) {
            final long time = core.now();
            final long result = lock.detach(attached[0], attached[1], waiting);
            if (result > 0) {
                RecordLayout.end(attached[0], time);
                announced.accept(new PendingUnmap(attached[0], null));
            } else if (result != Stamps.DETACHED && result != Stamps.MOVED) {
                return -1;
            }
        }
        return end;
    }

    /** Tries again to give back what the kernel refused to take. */
    void retryQuarantined() {
        core.quarantine().retry();
    }

    /**
     * Adds record and incarnation of the first attached regions, as the tree shows them at one moment; none can be
     * replaced then.
     *
     * @return where the next one can begin
     */
    private long collectAttached(final long from, final List<long[]> into) {
        final long capacity = core.reservation().capacity();
        final long[] next = {capacity};
        try (Snapshot snapshot = core.tree().snapshot()) {
            snapshot.forEach(from, capacity, (start, end, record) -> {
                if (RegionLock.isAttached(record)) {
                    into.add(new long[] {record, RecordLayout.incarnation(record)});
                }
                if (into.size() < CLOSED_AT_ONCE) {
                    return true;
                }
                next[0] = end;
                return false;
            });
        }
        return next[0];
    }

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

    // ------------------------------------------------------------------------------------------------ statistics

    /** Regions that are mapped, or not given back yet. */
    long regions() {
        return regions.get();
    }

    long bytes() {
        return bytes.get();
    }

    long unmaps() {
        return unmaps.sum();
    }

    /** Unmaps that had to wait for readers. */
    long drains() {
        return drains.sum();
    }

    /** What a record says of its region. */
    RegionInfo info(final long record) {
        final long kind = RecordLayout.kind(record);
        final FileRegion file = files.get(record);
        return new RegionInfo(RecordLayout.base(record) - core.reservation().base(), RecordLayout.sizeAcquire(record),
            PageFlags.isWritable(kind), file == null ? null : file.path(),
            file == null ? 0 : file.fileOffset() + file.lead(), notes.name(record), PageFlags.isLocked(kind),
            RegionLock.describe(record));
    }

    @Nullable FileRegion file(final long record) {
        return files.get(record);
    }

    /** What file regions keep on the heap, by record. */
    ConcurrentMap<Long, FileRegion> files() {
        return files;
    }

    /** Memory that is kept to be handed out again. */
    IdleMemory idle() {
        return idle;
    }

    /** What is remembered for whoever looks. */
    Notes notes() {
        return notes;
    }

    long roundUp(final long size) {
        return roundUp(size, 0);
    }

    /** To whole pages of regions of this kind. */
    long roundUp(final long size, final long kind) {
        final long page = pageSize(kind);
        return (size + page - 1) & -page;
    }

    /** Bytes of a page of regions of this kind. */
    long pageSize(final long kind) {
        return PageFlags.isHuge(kind) ? HugePages.defaultSize() : core.memory().pageSize();
    }

    MappingException refused(final RuntimeException e) {
        return new MappingException("space " + name() + ": " + e.getMessage(), NativeException.errnoOf(e), e);
    }
}
