// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.Holders;
import io.holdfast.lock.Moves;
import io.holdfast.lock.RegionLock;
import io.holdfast.lock.SectionLock;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.IntervalTree;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/**
 * One large range of addresses in which regions are mapped, read by many threads, and unmapped while they read.
 *
 * <p>Addresses are offsets from the base of the range, so they can be stored. The range belongs to the process for
 * good: an address that was ever mapped stays readable, also after {@link #close()}, so a stale optimistic read gives
 * bytes that do not validate, and never a fault (guarantee G4).
 *
 * <p>Thread-safe. Mapping, unmapping and lookups of different regions do not wait for each other (G6).
 *
 * {@snippet :
 * try (AddressSpace space = AddressSpace.open()) {
 *     Region region = space.map(1 << 20);
 *     try (Guard guard = region.shareWritable()) {
 *         guard.segment().set(ValueLayout.JAVA_LONG, 0, 42);
 *     }
 *     region.unmap();
 * }
 * }
 */
public final class AddressSpace extends SpaceStructure implements AutoCloseable {
    /** Capacity of a space that does not say otherwise: 1 TiB of addresses, which takes no memory. */
    public static final long DEFAULT_CAPACITY = 1L << 40;

    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());
    private static final AtomicInteger OPENED = new AtomicInteger();
    private static final AtomicBoolean FLAVOUR_LOGGED = new AtomicBoolean();
    private static final int REPORTED = 16;
    private static final String BARRIER_PROPERTY = "io.holdfast.barrier";

    private final SpaceSettings settings;
    private final SpaceCore core;
    private final EpochDomain domain;
    private final RegionLock lock;
    private final SectionLock sectionLock;
    private final long quickSeed;
    private final SpaceEngine engine;
    private final Engines engines;
    private final Unmapper unmapper;
    private final IntervalTree tree;
    private final long base;

    private AddressSpace(final SpaceSettings settings, final SpaceCore core) {
        this.settings = settings;
        this.core = core;
        this.domain = core.domain();
        this.lock = new RegionLock(domain, this::stillDraining);
        this.sectionLock = new SectionLock(lock, domain);
        this.quickSeed = domain.quickSeed();
        this.engine = new SpaceEngine(core, lock, settings);
        this.unmapper = new Unmapper(engine, domain, settings);
        this.tree = core.tree();
        this.engines = Engines.of(core, engine, settings, lock, unmapper, this::region);
        this.base = core.reservation().base();
        engine.notes().watch(this, settings.name());
    }

    /**
     * Opens a space with default settings.
     *
     * @return the open space
     * @throws UnsupportedOperationException if the operating system or the processor is not supported
     * @throws IllegalStateException         if native access is denied; the message names the option that grants it
     * @throws MappingException              if the system refuses the reservation
     */
    public static AddressSpace open() {
        return builder().open();
    }

    /** {@return default settings for a new space} */
    public static Builder builder() {
        return new Builder();
    }

    // ------------------------------------------------------------------------------------------------------ pins

    /**
     * Pins the current thread: regions that it finds through the pin stay mapped until the pin is closed. Never waits.
     *
     * @return the pin, to be closed by the same thread
     * @throws IllegalStateException if the space is closed
     */
    public Pin pin() {
        final long slot = domain.pin();
        if (engine.isClosed()) { // after the announcement: a close waits for pins that it may not have been seen by
            domain.unpin();
            engine.checkOpen("pin");
        }
        return new Pin(this, domain, slot);
    }

    @Override
    Region region(final long record) {
        return region(record, RecordLayout.incarnationAcquire(record));
    }

    Region region(final long record, final long incarnation) {
        return new Region(this, lock, record, incarnation, RecordLayout.baseAndKind(record),
            RecordLayout.sizeAcquire(record));
    }

    @Override
    AddressSpace self() {
        return this;
    }

    SectionLock sectionLock() {
        return sectionLock;
    }

    @Nullable Region findPinned(final long address) {
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
            : new Region(this, lock, record, RecordLayout.incarnation(record), baseAndKind, size);
    }

    /** The attached record that stands at an address in the place of one that was found detached, or 0. */
    private long findAgain(final long found, final long address) {
        long record = found;
        while (record != 0 && !RegionLock.isAttached(record)) {
            if (!Moves.isMoved(record)) {
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

    @Override
    Engines engines() {
        return engines;
    }

    Unmapper unmapper() {
        return unmapper;
    }

    SpaceCore core() {
        return core;
    }

    /**
     * The agent that finishes asynchronous unmaps, to be run by the caller's own runner or invoker if the space was
     * opened with {@link Builder#startReclaimer(boolean) startReclaimer(false)}.
     *
     * @return the one agent of this space; any number of threads may run it
     */
    public Agent reclaimer() {
        return unmapper.reclaimer();
    }

    // ----------------------------------------------------------------------------------------------------- close

    /**
     * Unmaps everything, waits for guards, holds and pins, and gives all memory back. New guards, pins and regions are
     * refused from the beginning of the close. The range of addresses stays readable, as zeros, and is parked for the
     * next space.
     *
     * @throws IllegalStateException        if the space is closed already
     * @throws IllegalMonitorStateException if the thread holds a pin or a guard of the space: it would wait for itself;
     *                                      in debug mode also if threads have locked regions and sections of this and
     *                                      of other spaces in an order in which all of them could wait for each other
     */
    @Override
    public void close() {
        try (Waiting waiting = waiting(Waiting.FOREVER, false)) {
            close(waiting);
        }
    }

    /**
     * Closes the space and waits for so long. If this gives up, the space refuses new regions, pins and guards, those
     * that are held stay valid, and another call goes on with the close. Who is left is reported, as far as a few
     * regions tell, to the listener of {@link Builder#reportWaits}; the memory of each region is given back when the
     * last one leaves it.
     *
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return whether the space is closed, and all memory given back
     * @throws InterruptedException         if the thread is interrupted while it waits
     * @throws IllegalStateException        as {@link #close()}
     * @throws IllegalMonitorStateException as {@link #close()}
     */
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
        engine.beginClose(this::checkMayClose);
        boolean drained = false;
        try {
            drained = announceAll(waiting) && awaitUnmaps(waiting);
        } finally {
            if (!drained) {
                engine.suspendClose();
            }
        }
        if (drained) {
            unmapper.stop();
            engine.retryQuarantined();
            core.tree().drain(settings.idle());
            core.retiredRecords().drain(settings.idle());
            engine.ranges().over();
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
            from = engine.announceSome(from, waiting, unmapper.reclaimer()::add);
            unmapper.reclaimer().doWork();
        }
        return from >= 0;
    }

    /** Says who keeps a close that gave up from its end. */
    private void reportLeft(final long elapsedNs) {
        for (final Unmapping left : unmapper.reclaimer().someWaiting(REPORTED)) {
            stillDraining(left.record(), left.tag(), elapsedNs);
        }
        engine.forEachAttached(record -> stillDraining(record, 0, elapsedNs));
    }

    private boolean awaitUnmaps(final Waiting waiting) {
        final Reclaimer reclaimer = unmapper.reclaimer();
        while (engine.regions() != 0) {
            if (reclaimer.doWork() == 0) {
                if (!waiting.pause()) {
                    return false;
                }
                final Unmapping last = reclaimer.anyWaiting();
                if (last != null && waiting.reportDue()) {
                    stillDraining(last.record(), last.tag(), waiting.elapsedNs());
                }
            }
        }
        return true;
    }

    private void checkMayClose() {
        if (domain.announcesAnything() || engine.isExclusiveSomewhere() || engine.ranges().isMine()) {
            throw new IllegalMonitorStateException("close by a thread that holds a guard, a pin or a section would " +
                "wait for itself: space=" + name() + "; close guards, pins and sections first");
        }
        if (unmapper.isReclaimer()) {
            throw new IllegalMonitorStateException("close by the thread that finishes asynchronous unmaps would wait " +
                "for itself: space=" + name() + "; close it from another thread");
        }
    }

    /** {@return whether no close has begun} */
    public boolean isOpen() {
        return !engine.isClosed();
    }

    // ------------------------------------------------------------------------------------------------ inspection

    /** {@return the name of the space, for messages} */
    public String name() {
        return settings.name();
    }

    /** {@return how many bytes of addresses the space has} */
    public long capacity() {
        return core.reservation().capacity();
    }

    /** {@return the flavour of barrier that was chosen, never {@link Barrier#AUTO}} */
    public Barrier barrier() {
        return domain.flavour() == BarrierFlavour.FENCE ? Barrier.FENCE : Barrier.MEMBARRIER;
    }

    @Override
    public String toString() {
        return "AddressSpace[name=" + name() + ", capacity=" + capacity() + ", barrier=" + barrier() + ", regions=" +
            engine.regions() + ", mapped=" + engine.bytes() + (isOpen() ? "" : ", closed") + "]";
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
        return Holders.of(domain, record, tag).stream().map(WaitReport.Holder::of).toList();
    }

    private void stillDraining(final long record, final long tag, final long elapsedNs) {
        settings.reports().accept(new WaitReport(name(), "region=0x" +
            Long.toHexString(RecordLayout.base(record) - base) + ", " + RegionLock.describe(record),
            Duration.ofNanos(elapsedNs), Thread.currentThread().getName(), holders(record, tag)));
    }

    /** Settings of a space that is to be opened. Not thread-safe; can be used for several spaces. */
    public static final class Builder {
        private static final long SPINS = 100;
        private static final long YIELDS = 20;
        private static final long MIN_PARK_NS = 1_000;
        private static final long MAX_PARK_NS = 1_000_000;

        private long capacity = DEFAULT_CAPACITY;
        private Barrier barrier = Barrier.AUTO;
        private long maxBytes = Long.MAX_VALUE;
        private long maxRegions = Long.MAX_VALUE;
        private long backlogBytes = 1L << 30;
        private long retiredBytes = 1L << 30;
        private long idleBytes = 64L << 20;
        private Duration reportAfter = Duration.ofSeconds(10);
        private @Nullable String name;
        private boolean startReclaimer = true;
        private @Nullable NativeMemory memory;
        private Supplier<IdleStrategy> idle =
            () -> new BackoffIdleStrategy(SPINS, YIELDS, MIN_PARK_NS, MAX_PARK_NS);
        private Consumer<WaitReport> reports =
            report -> LOGGER.log(Level.WARNING, "still waiting: " + report);

        private Builder() {
        }

        /**
         * Sets how many addresses the space has. They take no memory.
         *
         * @param capacityBytes from 16 MiB to 32 TiB; rounded up to a power of two, so that later spaces can use the same
         *                      addresses although they ask for another capacity
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder capacity(final long capacityBytes) {
            checkPositive("capacity", capacityBytes);
            this.capacity = capacityBytes;
            return this;
        }

        /**
         * Chooses the flavour of barrier. {@link Barrier#AUTO}, the default, follows the system property
         * {@code io.holdfast.barrier} ({@code auto}, {@code membarrier} or {@code fence}) and else what the system
         * offers.
         *
         * @param flavour the flavour; opening fails if the system does not offer it
         * @return this
         */
        public Builder barrier(final Barrier flavour) {
            this.barrier = Objects.requireNonNull(flavour, "flavour");
            return this;
        }

        /**
         * Limits the addresses that regions may take together; by default to the capacity.
         *
         * @param bytes more than 0
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxBytes(final long bytes) {
            checkPositive("maxBytes", bytes);
            this.maxBytes = bytes;
            return this;
        }

        /**
         * Limits the number of regions at a time.
         *
         * @param regions more than 0
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxRegions(final long regions) {
            checkPositive("maxRegions", regions);
            this.maxRegions = regions;
            return this;
        }

        /**
         * Limits the backlog: a thread that announces an asynchronous unmap above it waits, and helps. 1 GiB by
         * default.
         *
         * @param bytes of addresses, more than 0
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder backlogBytes(final long bytes) {
            checkPositive("backlogBytes", bytes);
            this.backlogBytes = bytes;
            return this;
        }

        /**
         * Limits the memory of tree nodes and records that were replaced and that pins and snapshots keep from being used
         * again: maps, structural changes and write sections wait above it, unmaps of regions never do. 1 GiB by default.
         *
         * @param bytes more than 0
         * @return this
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder retiredBytes(final long bytes) {
            checkPositive("retiredBytes", bytes);
            this.retiredBytes = bytes;
            return this;
        }

        /**
         * Limits the memory of unmapped anonymous regions that stays in memory to be handed out again: about so many
         * bytes, or one page for each region that is mapped, if that is more. 64 MiB by default.
         *
         * @param bytes 0 or more
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder idleBytes(final long bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("idleBytes must not be negative: idleBytes=" + bytes);
            }
            this.idleBytes = bytes;
            return this;
        }

        /**
         * Names the space, for messages; by default it has a number.
         *
         * @param text the name
         * @return this
         */
        public Builder name(final String text) {
            this.name = Objects.requireNonNull(text, "text");
            return this;
        }

        /**
         * Gives an idle strategy to each thread that has to wait; by default spins, yields and then parks up to 1 ms.
         *
         * @param supplier called once per wait
         * @return this
         */
        public Builder idleStrategy(final Supplier<IdleStrategy> supplier) {
            this.idle = Objects.requireNonNull(supplier, "supplier");
            return this;
        }

        /**
         * Reports long waits for readers (guarantee G11). By default a warning goes to the system logger every 10
         * seconds.
         *
         * @param after    how long a wait lasts before it is reported, and reported again
         * @param listener called by the waiting thread, which goes on waiting
         * @return this
         * @throws IllegalArgumentException if the time is not positive
         * @throws ArithmeticException      if it is too long for a {@code long} of nanoseconds
         */
        public Builder reportWaits(final Duration after, final Consumer<WaitReport> listener) {
            checkPositive("after", after.toNanos());
            this.reportAfter = after;
            this.reports = Objects.requireNonNull(listener, "listener");
            return this;
        }

        /**
         * Chooses who finishes asynchronous unmaps.
         *
         * @param start whether the space starts a daemon thread when there is one to finish, which is the default; if
         *              not, the caller runs {@link AddressSpace#reclaimer()}
         * @return this
         */
        public Builder startReclaimer(final boolean start) {
            this.startReclaimer = start;
            return this;
        }

        /** The system calls to use, for tests. */
        Builder memory(final NativeMemory calls) {
            this.memory = calls;
            return this;
        }

        /**
         * Opens the space.
         *
         * @return the open space
         * @throws IllegalArgumentException      if the capacity is out of range
         * @throws UnsupportedOperationException if the system, or the chosen barrier on it, is not supported
         * @throws IllegalStateException         if native access is denied; the message names the option that grants it
         * @throws MappingException              if the system refuses the reservation
         */
        public AddressSpace open() {
            final NativeMemory calls = memory != null ? memory : NativeMemory.system();
            final BarrierFlavour flavour = flavour(calls);
            final String label = name != null ? name : "space-" + OPENED.incrementAndGet();
            final SpaceSettings settings = new SpaceSettings(label, maxBytes, maxRegions, backlogBytes, retiredBytes,
                idleBytes, idle, reportAfter.toNanos(), reports, startReclaimer);
            try {
                return new AddressSpace(settings, SpaceCore.take(calls, capacity, flavour));
            } catch (final NativeException e) {
                throw new MappingException("space " + label + " of capacity " + capacity + " cannot be opened: " +
                    e.getMessage(), e);
            }
        }

        private BarrierFlavour flavour(final NativeMemory calls) {
            final Barrier wanted = barrier != Barrier.AUTO ? barrier : configured();
            final BarrierFlavour flavour = switch (wanted) {
                case MEMBARRIER -> BarrierFlavour.MEMBARRIER;
                case FENCE -> BarrierFlavour.FENCE;
                case AUTO -> EpochDomain.supports(calls, BarrierFlavour.MEMBARRIER) ? BarrierFlavour.MEMBARRIER
                    : BarrierFlavour.FENCE;
            };
            if (FLAVOUR_LOGGED.compareAndSet(false, true)) {
                LOGGER.log(Level.DEBUG, "barrier flavour: {0}, asked for: {1}", flavour, wanted);
            }
            return flavour;
        }

        private static Barrier configured() {
            final String value = System.getProperty(BARRIER_PROPERTY, "auto");
            for (final Barrier known : Barrier.values()) {
                if (known.name().equalsIgnoreCase(value)) {
                    return known;
                }
            }
            throw new IllegalArgumentException("unknown barrier: " + BARRIER_PROPERTY + "=" + value +
                "; use auto, membarrier or fence");
        }

        private static void checkPositive(final String what, final long value) {
            if (value <= 0) {
                throw new IllegalArgumentException(what + " must be positive: " + what + "=" + value);
            }
        }
    }
}
