// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.Barrier;
import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.ReadSection;
import io.holdfast.RegionCursor;
import io.holdfast.RegionInfo;
import io.holdfast.SpaceSnapshot;
import io.holdfast.SpaceStatistics;
import io.holdfast.WaitReport;
import io.holdfast.WriteSection;
import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.Holders;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.SectionLock;
import io.holdfast.tree.IntervalTree;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.agrona.concurrent.Agent;
import org.jspecify.annotations.Nullable;

/** An address space: what its parts are, and the way to each of them. */
public final class SpaceHandle implements AddressSpace {
    private static final int REPORTED = 16;

    private final SpaceSettings settings;
    private final SpaceResources core;
    private final EpochDomain domain;
    private final RegionLock lock;
    private final SectionLock sectionLock;
    private final long quickSeed;
    private final RegionRegistry registry;
    private final Mapper mapper;
    private final PageOperations pages;
    private final Growth growth;
    private final Mover mover;
    private final StructureChanges structure;
    private final Unmapper unmapper;
    private final IntervalTree tree;
    private final long base;

    SpaceHandle(final SpaceSettings settings, final SpaceResources core) {
        this.settings = settings;
        this.core = core;
        this.domain = core.domain();
        this.lock = new RegionLock(domain, this::stillDraining);
        this.sectionLock = new SectionLock(lock, domain);
        this.quickSeed = domain.quickSeed();
        this.registry = new RegionRegistry(core, lock, settings);
        this.unmapper = new Unmapper(registry, domain, settings);
        this.mapper = new Mapper(core, registry);
        this.pages = new PageOperations(core, registry);
        this.growth = new Growth(core, registry, pages, settings);
        this.mover = new Mover(core, registry, mapper, pages);
        this.structure = new StructureChanges(core, registry, growth, new Publisher(core, registry, lock, this::region),
            unmapper, mover);
        this.tree = core.tree();
        this.base = core.reservation().base();
        registry.notes().watch(this, settings.name());
    }

    // ------------------------------------------------------------------------------------------------------ pins

    @Override
    public Pin pin() {
        final long slot = domain.pin();
        if (registry.isClosed()) { // after the announcement: a close waits for pins that it may not have been seen by
            domain.unpin();
            registry.checkOpen("pin");
        }
        return new PinHandle(this, domain, slot);
    }

    RegionHandle region(final long record) {
        return region(record, RecordLayout.incarnationAcquire(record));
    }

    RegionHandle region(final long record, final long incarnation) {
        return new RegionHandle(this, lock, record, incarnation, RecordLayout.baseAndKind(record),
            RecordLayout.sizeAcquire(record));
    }

    SectionLock sectionLock() {
        return sectionLock;
    }

    @Nullable RegionHandle findPinned(final long address) {
        // The pin keeps the record from being reused, so what is read of it below is of one life. As few words as can be.
        final long found = tree.find(address);
        final long record = found != 0 && RegionLock.isAttached(found) ? found : findAgain(found, address);
        if (record == 0) {
            return null;
        }
        final long baseAndKind = RecordLayout.baseAndKind(record);
        final long size = RecordLayout.sizeAcquire(record);
        final long offset = base + address - RecordLayout.baseOf(baseAndKind);
        return offset < 0 || offset >= size ? null
            : new RegionHandle(this, lock, record, RecordLayout.incarnation(record), baseAndKind, size);
    }

    /** The attached record that stands at an address in the place of one that was found detached, or 0. */
    private long findAgain(final long found, final long address) {
        long record = found;
        while (record != 0 && !RegionLock.isAttached(record)) {
            if (!RegionLock.isMoved(record)) {
                return 0;
            }
            // The tree has shown what came into its place before it was moved; if it still shows this, nothing did.
            final long next = tree.find(address);
            record = next == record ? 0 : next;
        }
        return record;
    }

    long quickSeed() {
        return quickSeed;
    }

    RegionRegistry registry() {
        return registry;
    }

    Mapper mapper() {
        return mapper;
    }

    PageOperations pages() {
        return pages;
    }

    Growth growth() {
        return growth;
    }

    Mover mover() {
        return mover;
    }

    StructureChanges structure() {
        return structure;
    }

    Unmapper unmapper() {
        return unmapper;
    }

    SpaceResources core() {
        return core;
    }

    @Override
    public Agent reclaimer() {
        return unmapper.reclaimer();
    }

    // ---------------------------------------------------------------------------------------------------- mapping

    @Override
    public RegionHandle map(final long sizeBytes) {
        return map(MapRequest.anonymous(sizeBytes));
    }

    @Override
    public RegionHandle map(final FileBacking backing) {
        return map(MapRequest.file(backing));
    }

    @Override
    public RegionHandle map(final MapRequest request) {
        try (Waiting waiting = registry.waiting(Waiting.FOREVER, false)) {
            return Objects.requireNonNull(mapper.map(request, waiting, this::region));
        }
    }

    @Override
    public @Nullable RegionHandle tryMap(final MapRequest request) {
        try (Waiting noTime = registry.waiting(0, false)) {
            return mapper.map(request, noTime, this::region);
        }
    }

    // -------------------------------------------------------------------------------------------------- sections

    private void checkRange(final long start, final long end) {
        if (start < 0 || start >= end || end > capacity()) {
            throw new IllegalArgumentException("range of a section is empty, or not of this space: start=" + start +
                ", end=" + end + ", capacity=" + capacity());
        }
        registry.checkOpen("section");
    }

    private RangeLock.@Nullable Entry acquire(final long start, final long end, final RangeLock.Mode mode,
                                              final Waiting waiting) {
        checkRange(start, end);
        if (mode == RangeLock.Mode.WRITE && !registry.backPressure().admit("section", waiting)) {
            return null;
        }
        return opened(registry.ranges().acquire(start, end, mode, waiting));
    }

    /** A section that came in after the beginning of a close, which waits for it, goes away again. */
    private RangeLock.@Nullable Entry opened(final RangeLock.@Nullable Entry entry) {
        if (entry != null && registry.isClosed()) {
            registry.ranges().release(entry);
            registry.checkOpen("section");
        }
        return entry;
    }

    private RangeLock.Entry acquire(final long start, final long end, final RangeLock.Mode mode) {
        try (Waiting waiting = registry.waiting(Waiting.FOREVER, false)) {
            return Objects.requireNonNull(acquire(start, end, mode, waiting));
        }
    }

    private RangeLock.Entry acquire(final long start, final long end, final RangeLock.Mode mode, final long timeout,
                                    final TimeUnit unit) throws InterruptedException, TimeoutException {
        if (Thread.interrupted()) {
            throw new InterruptedException("section interrupted: " + this);
        }
        try (Waiting waiting = registry.waiting(unit.toNanos(timeout), true)) {
            final RangeLock.Entry entry = acquire(start, end, mode, waiting);
            if (waiting.endedByInterrupt()) {
                throw new InterruptedException("section interrupted: " + this);
            }
            if (entry == null) {
                throw new TimeoutException("section timed out: mode=" + mode + ", start=0x" + Long.toHexString(start) +
                    ", end=0x" + Long.toHexString(end) + ", " + this + ", sections=" +
                    registry.ranges().sections());
            }
            return entry;
        }
    }

    private RangeLock.@Nullable Entry tryAcquire(final long start, final long end, final RangeLock.Mode mode) {
        checkRange(start, end);
        if (mode == RangeLock.Mode.WRITE && !registry.backPressure().hasRoom()) {
            return null;
        }
        try (Waiting noTime = registry.waiting(0, false)) {
            return opened(registry.ranges().tryAcquire(start, end, mode, noTime));
        }
    }

    @Override
    public WriteSection write() {
        return write(0, capacity());
    }

    @Override
    public WriteSection write(final long start, final long end) {
        return new WriteSectionHandle(this, acquire(start, end, RangeLock.Mode.WRITE));
    }

    @Override
    public WriteSection write(final long start, final long end, final long timeout, final TimeUnit unit)
        throws InterruptedException, TimeoutException {
        return new WriteSectionHandle(this, acquire(start, end, RangeLock.Mode.WRITE, timeout, unit));
    }

    @Override
    public @Nullable WriteSection tryWrite(final long start, final long end) {
        final RangeLock.Entry entry = tryAcquire(start, end, RangeLock.Mode.WRITE);
        return entry == null ? null : new WriteSectionHandle(this, entry);
    }

    @Override
    public ReadSection read(final long start, final long end) {
        return new ReadSectionHandle(this, acquire(start, end, RangeLock.Mode.READ));
    }

    @Override
    public ReadSection read(final long start, final long end, final long timeout, final TimeUnit unit)
        throws InterruptedException, TimeoutException {
        return new ReadSectionHandle(this, acquire(start, end, RangeLock.Mode.READ, timeout, unit));
    }

    @Override
    public @Nullable ReadSection tryRead(final long start, final long end) {
        final RangeLock.Entry entry = tryAcquire(start, end, RangeLock.Mode.READ);
        return entry == null ? null : new ReadSectionHandle(this, entry);
    }

    // ------------------------------------------------------------------------------------------------ inspection

    @Override
    public String name() {
        return settings.name();
    }

    @Override
    public long capacity() {
        return core.reservation().capacity();
    }

    @Override
    public Barrier barrier() {
        return domain.flavour() == BarrierFlavour.FENCE ? Barrier.FENCE : Barrier.MEMBARRIER;
    }

    @Override
    public String toString() {
        return "AddressSpace[name=" + name() + ", capacity=" + capacity() + ", barrier=" + barrier() + ", regions=" +
            registry.regions() + ", mapped=" + registry.bytes() + (isOpen() ? "" : ", closed") + "]";
    }

    @Override
    public SpaceStatistics statistics() {
        final Reclaimer reclaimer = unmapper.reclaimer();
        return new SpaceStatistics(registry.regions(), registry.bytes(), registry.unmaps(), registry.drains(),
            reclaimer.backlog(), reclaimer.backlogBytes(), core.retiredBytes(), core.reservation().quarantinedBytes(),
            core.reservation().lostBytes(), core.reservation().strandedBytes(), core.reservation().repairs(),
            registry.idle().bytes(), registry.idle().recycledBytes(),
            core.domain().orphansBuried(), core.domain().slotCount(), core.records().inUse(),
            core.records().bytes() + core.tree().mappedBytes());
    }

    @Override
    public List<RegionInfo> maps() {
        registry.checkOpen("maps");
        try (SpaceSnapshot snapshot = snapshot()) {
            return snapshot.regions();
        }
    }

    @Override
    public SpaceSnapshot snapshot() {
        final SpaceSnapshot snapshot = new SnapshotHandle(core, registry);
        if (registry.isClosed()) { // after its pin: a close waits for it, or it is seen here
            snapshot.close();
            registry.checkOpen("snapshot");
        }
        return snapshot;
    }

    @Override
    public RegionCursor cursor() {
        registry.checkOpen("cursor");
        return new CursorHandle(this);
    }

    @Override
    public long residentBytes() {
        registry.checkOpen("residentBytes");
        final List<RegionHandle> regions = new ArrayList<>();
        registry.forEachAttached(record -> regions.add(region(record)));
        return pages.residentBytes(regions);
    }

    @Override
    public long trim() {
        registry.checkOpen("trim");
        return registry.idle().trim();
    }

    @Override
    public long mappingHeadroom() {
        return mapper.headroom().now();
    }

    // ----------------------------------------------------------------------------------------------------- close

    @Override
    public void close() {
        try (Waiting waiting = waiting(Waiting.FOREVER, false)) {
            close(waiting);
        }
    }

    @Override
    public boolean close(final long timeout, final TimeUnit unit) throws InterruptedException {
        if (Thread.interrupted()) {
            throw new InterruptedException("close interrupted: " + this);
        }
        try (Waiting waiting = waiting(unit.toNanos(timeout), true)) {
            final boolean done = close(waiting);
            if (waiting.endedByInterrupt()) {
                throw new InterruptedException("close interrupted: " + this);
            }
            return done;
        }
    }

    private boolean close(final Waiting waiting) {
        registry.beginClose(this::checkMayClose);
        boolean drained = false;
        try {
            drained = announceAll(waiting) && awaitUnmaps(waiting);
        } finally {
            if (!drained) {
                registry.suspendClose();
            }
        }
        if (drained) {
            unmapper.stop();
            registry.retryQuarantined();
            core.tree().drain(settings.idle());
            core.retiredRecords().drain(settings.idle());
            registry.ranges().over();
            core.park();
        } else {
            unmapper.goOn();
            reportLeft(waiting.elapsedNs());
        }
        return drained;
    }

    /** Announces the unmap of everything, part by part, and gives back what no reader keeps. */
    private boolean announceAll(final Waiting waiting) {
        long from = 0;
        while (from >= 0 && from < capacity()) {
            from = registry.announceSome(from, waiting, unmapper.reclaimer()::add);
            unmapper.reclaimer().doWork();
        }
        return from >= 0;
    }

    /** Says who keeps a close that gave up from its end. */
    private void reportLeft(final long elapsedNs) {
        for (final PendingUnmap left : unmapper.reclaimer().someWaiting(REPORTED)) {
            stillDraining(left.record(), left.tag(), elapsedNs);
        }
        registry.forEachAttached(record -> stillDraining(record, 0, elapsedNs));
    }

    private boolean awaitUnmaps(final Waiting waiting) {
        final Reclaimer reclaimer = unmapper.reclaimer();
        while (registry.regions() != 0) {
            if (reclaimer.doWork() == 0) {
                if (!waiting.pause()) {
                    return false;
                }
                final PendingUnmap last = reclaimer.anyWaiting();
                if (last != null && waiting.reportDue()) {
                    stillDraining(last.record(), last.tag(), waiting.elapsedNs());
                }
            }
        }
        return true;
    }

    private void checkMayClose() {
        if (domain.announcesAnything() || registry.isExclusiveSomewhere() || registry.ranges().isMine()) {
            throw new IllegalMonitorStateException("close by a thread that holds a guard, a pin or a section would " +
                "wait for itself: space=" + name() + "; close guards, pins and sections first");
        }
        if (unmapper.isReclaimer()) {
            throw new IllegalMonitorStateException("close by the thread that finishes asynchronous unmaps would wait " +
                "for itself: space=" + name() + "; close it from another thread");
        }
    }

    @Override
    public boolean isOpen() {
        return !registry.isClosed();
    }

    // --------------------------------------------------------------------------------------------------- package

    long base() {
        return base;
    }

    Waiting waiting(final long timeoutNs, final boolean interruptible) {
        return settings.waiting(timeoutNs, interruptible);
    }

    List<WaitReport.Holder> holders(final long record) {
        return holders(record, 0);
    }

    private List<WaitReport.Holder> holders(final long record, final long tag) {
        return Holders.of(domain, record, tag).stream().map(Waiters::holder).toList();
    }

    private void stillDraining(final long record, final long tag, final long elapsedNs) {
        settings.reports().accept(new WaitReport(name(), "region=0x" +
            Long.toHexString(RecordLayout.base(record) - base) + ", " + RegionLock.describe(record),
            Duration.ofNanos(elapsedNs), Thread.currentThread().getName(), holders(record, tag)));
    }
}
