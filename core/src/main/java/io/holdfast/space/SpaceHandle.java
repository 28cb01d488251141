// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.Barrier;
import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.ReadSection;
import io.holdfast.Region;
import io.holdfast.RegionCursor;
import io.holdfast.RegionInfo;
import io.holdfast.SpaceSnapshot;
import io.holdfast.SpaceStatistics;
import io.holdfast.WaitReport;
import io.holdfast.WriteSection;
import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import io.holdfast.event.Events;
import io.holdfast.event.MapEvent;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.RangeLock;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.SectionLock;
import io.holdfast.tree.IntervalTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Cleaner;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.SystemNanoClock;
import org.jspecify.annotations.Nullable;

/** An address space: what its parts are, and the way to each of them. */
public final class SpaceHandle implements AddressSpace {
    static {
        Events.load();
    }

    private final SpaceSettings settings;
    private final SpaceResources core;
    private final EpochDomain domain;
    private final RegionLock lock;
    private final SectionLock sectionLock;
    private final long quickSeed;
    private final StructureGate gate;
    private final Eras eras;
    private final RegionRegistry registry;
    private final WaitReports reports;
    private final IdleMemory idle;
    private final MapPlanner planner;
    private final Mapper mapper;
    private final PageOperations pages;
    private final Growth growth;
    private final Mover mover;
    private final StructureChanges structure;
    private final GiveBack giveBack;
    private final Unmapper unmapper;
    private final SpaceClose close;
    private final IntervalTree tree;
    private final long base;
    private Cleaner.@Nullable Cleanable monitoring; // set before the space is handed out

    SpaceHandle(final SpaceSettings settings, final SpaceResources core) {
        this.settings = settings;
        this.core = core;
        this.domain = core.domain();
        this.registry = new RegionRegistry(core, settings);
        this.reports = new WaitReports(core, registry, settings);
        this.lock = new RegionLock(domain, reports, this::endDeadSections);
        this.sectionLock = new SectionLock(lock, domain);
        this.quickSeed = domain.quickSeed();
        this.gate = new StructureGate(core, reports, settings);
        final Magazines magazines = new Magazines(core);
        this.idle = new IdleMemory(core, gate, registry, magazines, settings.idleBytes());
        this.eras = new Eras(settings, SystemNanoClock.INSTANCE,
            (what, elapsedNs) -> reports.report(what, elapsedNs, List.of()), gate::isClosed);
        this.giveBack = new GiveBack(core, registry, idle, magazines, eras);
        this.unmapper = new Unmapper(core, lock, gate, giveBack, eras, reports, settings);
        this.planner = new MapPlanner(core, gate, registry, reports);
        this.mapper = new Mapper(core, gate, registry, unmapper, idle, magazines, planner);
        this.pages = new PageOperations(core, registry);
        this.growth = new Growth(core, gate, registry, pages, reports);
        this.mover = new Mover(core, gate, reports, registry, planner, mapper, pages);
        this.structure = new StructureChanges(this, gate, registry, lock, growth, unmapper, mover,
            reports);
        this.close = new SpaceClose(core, gate, registry, unmapper, magazines, settings, reports);
        this.tree = core.tree();
        this.base = core.reservation().base();
        core.resting().begin(settings.restBytes(),
            LateWrites.of(core.reservation(), registry.labels(), settings.name()));
        registry.labels().watch(this, settings.name());
    }

    /** Lets it be seen from outside, until it is closed or left. */
    void monitor() {
        monitoring = Leaks.CLEANER.register(this, Monitoring.of(this));
    }

    private void endDeadSections() {
        gate.ranges().endDead(0, capacity());
    }

    // ------------------------------------------------------------------------------------------------------ pins

    @Override
    public Pin pin() {
        final long quick = domain.pinQuickly();
        final long slot = quick != 0 ? quick : SlowPath.pin(domain);
        if (gate.isClosed()) { // after the announcement: the close sees this pin, or this sees the close
            domain.unpin();
            gate.checkOpen("pin");
        }
        return new PinHandle(this, domain, slot);
    }

    RegionHandle region(final long record) {
        return region(record, RecordLayout.incarnationAcquire(record));
    }

    /** The handle of a record that is described, and going to be attached. */
    RegionHandle newRegion(final long record) {
        return region(record, SectionLock.nextIncarnation(record));
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
        final long record = found != 0 && RegionLock.isAttached(found) && RecordLayout.isSettled(found) ? found
            : findAgain(found, address);
        if (record == 0) {
            return null;
        }
        final long baseAndKind = RecordLayout.baseAndKind(record);
        final long size = RecordLayout.sizeAcquire(record);
        final long offset = base + address - RecordLayout.baseOf(baseAndKind);
        return offset < 0 || offset >= size ? null
            : new RegionHandle(this, lock, record, RecordLayout.incarnation(record), baseAndKind, size);
    }

    /**
     * The attached record that stands at an address in the place of one that was found detached, or 0; with its time
     * settled before anybody hears of it.
     */
    private long findAgain(final long found, final long address) {
        long record = found;
        while (record != 0 && !RegionLock.isAttached(record)) {
            if (!RegionLock.isMoved(record)) {
                core.lifetimes().settle(record);
                return 0;
            }
            // The tree has shown what came into its place before it was moved; if it still shows this, nothing did.
            final long next = tree.find(address);
            record = next == record ? 0 : next;
        }
        return record != 0 && core.lifetimes().settle(record) ? record : 0;
    }

    long quickSeed() {
        return quickSeed;
    }

    Eras eras() {
        return eras;
    }

    StructureGate gate() {
        return gate;
    }

    RegionRegistry registry() {
        return registry;
    }

    MapPlanner planner() {
        return planner;
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

    GiveBack giveBack() {
        return giveBack;
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
    public RegionHandle mapFile(final FileBacking backing) throws IOException {
        return mapFile(MapRequest.file(backing));
    }

    @Override
    public RegionHandle mapFile(final MapRequest request) throws IOException {
        try {
            return map(request);
        } catch (final UncheckedIOException e) {
            throw e.getCause();
        }
    }

    @Override
    public RegionHandle map(final MapRequest request) {
        try (Waiting waiting = settings.patience("map", null)) {
            return Objects.requireNonNull(map(request, waiting));
        }
    }

    private @Nullable RegionHandle map(final MapRequest request, final Waiting waiting) {
        final MapEvent event = MapEvent.begun();
        final RegionHandle region = mapper.map(request, waiting, this::newRegion);
        if (event != null && region != null) {
            try {
                final FileRegion file = registry.file(region.record());
                event.end(name(), region.address(), RecordLayout.sizeAcquire(region.record()),
                    registry.labels().name(region.record()), file == null ? null : file.path());
            } catch (final OutOfMemoryError | StackOverflowError e) {
                // It is mapped, whoever is told of it.
            }
        }
        return region;
    }

    @Override
    public @Nullable RegionHandle tryMap(final MapRequest request) {
        try (Waiting noTime = gate.waiting(0, false)) {
            return map(request, noTime);
        }
    }

    // ------------------------------------------------------------------------------------------------- unmapping

    @Override
    public void unmap(final Collection<? extends Region> regions) {
        final BulkUnmap bulk = BulkUnmap.of(this, regions, "unmap");
        if (!bulk.isEmpty()) {
            unmapper.unmap(bulk);
        }
    }

    @Override
    public boolean unmap(final Collection<? extends Region> regions, final long timeout, final TimeUnit unit)
        throws InterruptedException {
        final BulkUnmap bulk = BulkUnmap.of(this, regions, "unmap");
        return bulk.isEmpty() || unmapper.unmap(bulk, unit.toNanos(timeout));
    }

    @Override
    public CompletionStage<Void> unmapAsync(final Collection<? extends Region> regions) {
        final BulkUnmap bulk = BulkUnmap.of(this, regions, "unmapAsync");
        return bulk.isEmpty() ? CompletableFuture.<Void>completedStage(null) : unmapper.unmapAsync(bulk);
    }

    // -------------------------------------------------------------------------------------------------- sections

    private void checkRange(final long start, final long end) {
        if (start < 0 || start >= end || end > capacity()) {
            throw new IllegalArgumentException("range of a section is empty, or not of this space: start=" + start +
                ", end=" + end + ", capacity=" + capacity());
        }
        gate.checkOpen("section");
    }

    private RangeLock.@Nullable Entry acquire(final long start, final long end, final RangeLock.Mode mode,
                                              final Waiting waiting) {
        checkRange(start, end);
        if (mode == RangeLock.Mode.WRITE && !gate.backPressure().admit("section", waiting)) {
            return null;
        }
        return opened(gate.ranges().acquire(start, end, mode, waiting));
    }

    /** A section that came in after the beginning of a close, which waits for it, goes away again. */
    private RangeLock.@Nullable Entry opened(final RangeLock.@Nullable Entry entry) {
        if (entry != null && gate.isClosed()) {
            gate.ranges().release(entry);
            gate.checkOpen("section");
        }
        return entry;
    }

    private RangeLock.Entry acquire(final long start, final long end, final RangeLock.Mode mode) {
        try (Waiting waiting = settings.patience("section", null)) {
            return Objects.requireNonNull(acquire(start, end, mode, waiting));
        }
    }

    private RangeLock.Entry acquire(final long start, final long end, final RangeLock.Mode mode, final long timeout,
                                    final TimeUnit unit) throws InterruptedException, TimeoutException {
        if (Thread.interrupted()) {
            throw new InterruptedException("section interrupted: " + this);
        }
        try (Waiting waiting = gate.waiting(unit.toNanos(timeout), true)) {
            final RangeLock.Entry entry = acquire(start, end, mode, waiting);
            if (waiting.endedByInterrupt()) {
                throw new InterruptedException("section interrupted: " + this);
            }
            if (entry == null) {
                throw new TimeoutException("section timed out: mode=" + mode + ", start=0x" + Long.toHexString(start) +
                    ", end=0x" + Long.toHexString(end) + ", " + this + ", sections=" +
                    gate.ranges().sections());
            }
            return entry;
        }
    }

    private RangeLock.@Nullable Entry tryAcquire(final long start, final long end, final RangeLock.Mode mode) {
        checkRange(start, end);
        if (mode == RangeLock.Mode.WRITE && !gate.backPressure().hasRoom()) {
            return null;
        }
        try (Waiting noTime = gate.waiting(0, false)) {
            return opened(gate.ranges().tryAcquire(start, end, mode, noTime));
        }
    }

    @Override
    public WriteSection write() {
        return write(0, capacity());
    }

    @Override
    public WriteSection write(final long start, final long end) {
        return new WriteSectionHandle(this, start, end).begin(acquire(start, end, RangeLock.Mode.WRITE));
    }

    @Override
    public WriteSection write(final long start, final long end, final long timeout, final TimeUnit unit)
        throws InterruptedException, TimeoutException {
        return new WriteSectionHandle(this, start, end)
            .begin(acquire(start, end, RangeLock.Mode.WRITE, timeout, unit));
    }

    @Override
    public @Nullable WriteSection tryWrite(final long start, final long end) {
        final WriteSectionHandle section = new WriteSectionHandle(this, start, end);
        final RangeLock.Entry entry = tryAcquire(start, end, RangeLock.Mode.WRITE);
        return entry == null ? null : section.begin(entry);
    }

    @Override
    public ReadSection read(final long start, final long end) {
        return new ReadSectionHandle(this).begin(acquire(start, end, RangeLock.Mode.READ));
    }

    @Override
    public ReadSection read(final long start, final long end, final long timeout, final TimeUnit unit)
        throws InterruptedException, TimeoutException {
        return new ReadSectionHandle(this).begin(acquire(start, end, RangeLock.Mode.READ, timeout, unit));
    }

    @Override
    public @Nullable ReadSection tryRead(final long start, final long end) {
        final ReadSectionHandle section = new ReadSectionHandle(this);
        final RangeLock.Entry entry = tryAcquire(start, end, RangeLock.Mode.READ);
        return entry == null ? null : section.begin(entry);
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
        return new SpaceStatistics(registry.regions(), registry.bytes(), giveBack.unmaps(), unmapper.drains(),
            reclaimer.backlog(), reclaimer.backlogBytes(), core.retiredBytes(), core.reservation().quarantinedBytes(),
            core.reservation().lostBytes(), core.reservation().strandedBytes(), core.reservation().repairs(),
            idle.bytes(), idle.recycledBytes(), core.resting().bytes(),
            core.domain().orphansBuried(), core.domain().slotCount(), core.records().inUse(),
            core.records().bytes() + core.tree().bytes(), eras.ended(), eras.unclosed(), eras.waitingBytes(),
            giveBack.times(), unmapper.drainTimes(), SpaceResources.parkedRanges(), registry.labels().named());
    }

    @Override
    public List<RegionInfo> maps() {
        gate.checkOpen("maps");
        try (SpaceSnapshot snapshot = snapshot()) {
            return snapshot.regions();
        }
    }

    @Override
    public List<WaitReport> pendingUnmaps() {
        return unmapper.reclaimer().pending().stream().map(reports::of).toList();
    }

    @Override
    public SpaceSnapshot snapshot() {
        final SpaceSnapshot snapshot = new SnapshotHandle(core, registry);
        if (gate.isClosed()) { // after its pin: a close waits for it, or it is seen here
            snapshot.close();
            gate.checkOpen("snapshot");
        }
        return snapshot;
    }

    @Override
    public RegionCursor cursor() {
        gate.checkOpen("cursor");
        return new CursorHandle(this);
    }

    @Override
    public long residentBytes() {
        gate.checkOpen("residentBytes");
        final List<RegionHandle> regions = new ArrayList<>();
        registry.forEachAttached(record -> regions.add(region(record)));
        return pages.residentBytes(regions);
    }

    @Override
    public long trim() {
        gate.checkOpen("trim");
        final long bytes = idle.trim();
        core.collectAll();
        core.trimTables();
        return bytes;
    }

    @Override
    public long mappingHeadroom() {
        return registry.headroom().now();
    }

    // ----------------------------------------------------------------------------------------------------- close

    @Override
    public void close() {
        try (Waiting waiting = settings.patience("close", null)) {
            close(waiting);
        }
    }

    private boolean close(final Waiting waiting) {
        final boolean done = close.close(waiting);
        final Cleaner.Cleanable watched = monitoring;
        if (done && watched != null) {
            try {
                watched.clean();
            } catch (final OutOfMemoryError | StackOverflowError e) {
                // The space is closed, whoever watches it.
            }
        }
        return done;
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

    @Override
    public boolean isOpen() {
        return !gate.isClosed();
    }

    // --------------------------------------------------------------------------------------------------- package

    long base() {
        return base;
    }

    Waiting waiting(final long timeoutNs, final boolean interruptible) {
        return settings.waiting(timeoutNs, interruptible);
    }

    Waiting patience(final String operation, final @Nullable RegionHandle region) {
        return settings.patience(operation, region);
    }

    List<WaitReport.Holder> pinned() {
        return reports.pinned();
    }

    List<WaitReport.Holder> holders(final long record) {
        return reports.holders(record, 0);
    }
}
