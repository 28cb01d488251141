// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.Barrier;
import io.holdfast.MappingException;
import io.holdfast.WaitReport;
import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Ledger;
import io.holdfast.memory.NativeException;
import io.holdfast.memory.NativeMemory;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.agrona.ErrorHandler;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.jspecify.annotations.Nullable;

/** The settings of a space that is to be opened, and its opening: the door from the contracts to what works behind them. */
public final class SpaceBuilder implements AddressSpace.Builder {
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());
    private static final AtomicInteger OPENED = new AtomicInteger();
    private static final AtomicBoolean FLAVOUR_LOGGED = new AtomicBoolean();
    private static final String BARRIER_PROPERTY = "io.holdfast.barrier";
    private static final String MONITORED_PROPERTY = "io.holdfast.monitored";
    private static final String REST_PROPERTY = "io.holdfast.rest";
    private static final long REST_IN_DEBUG_MODE = 64L << 30;
    private static final long NOT_SAID = -1;
    private static final long SPINS = 100;
    private static final long YIELDS = 20;
    private static final long MIN_PARK_NS = 1_000;
    private static final long MAX_PARK_NS = 1_000_000;

    private long capacity = SpaceResources.USUAL_CAPACITY;
    private Barrier barrier = Barrier.AUTO;
    private long maxBytes = Long.MAX_VALUE;
    private long maxRegions = Long.MAX_VALUE;
    private long backlogBytes = 1L << 30;
    private long retiredBytes = 1L << 30;
    private long idleBytes = 64L << 20;
    private long restBytes = NOT_SAID;
    private Duration eraAfter = Duration.ofMillis(100);
    private Duration eraDelay = Duration.ofMillis(2);
    private Duration reportAfter = Duration.ofSeconds(10);
    private @Nullable String name;
    private boolean startReclaimer = true;
    private boolean monitored = !"false".equalsIgnoreCase(System.getProperty(MONITORED_PROPERTY));
    private @Nullable NativeMemory memory;
    private Supplier<IdleStrategy> idle =
        () -> new BackoffIdleStrategy(SPINS, YIELDS, MIN_PARK_NS, MAX_PARK_NS);
    private Consumer<WaitReport> reports =
        report -> LOGGER.log(Level.WARNING, "still waiting: " + report, placeIn(report));
    private @Nullable ErrorHandler errors;

    /** The default settings. */
    public SpaceBuilder() {
    }

    @Override
    public SpaceBuilder capacity(final long capacityBytes) {
        checkPositive("capacity", capacityBytes);
        this.capacity = capacityBytes;
        return this;
    }

    @Override
    public SpaceBuilder barrier(final Barrier flavour) {
        this.barrier = Objects.requireNonNull(flavour, "flavour");
        return this;
    }

    @Override
    public SpaceBuilder maxBytes(final long bytes) {
        checkPositive("maxBytes", bytes);
        this.maxBytes = bytes;
        return this;
    }

    @Override
    public SpaceBuilder maxRegions(final long regions) {
        checkPositive("maxRegions", regions);
        this.maxRegions = regions;
        return this;
    }

    @Override
    public SpaceBuilder backlogBytes(final long bytes) {
        checkPositive("backlogBytes", bytes);
        this.backlogBytes = bytes;
        return this;
    }

    @Override
    public SpaceBuilder retiredBytes(final long bytes) {
        checkPositive("retiredBytes", bytes);
        this.retiredBytes = bytes;
        return this;
    }

    @Override
    public SpaceBuilder idleBytes(final long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("idleBytes must not be negative: idleBytes=" + bytes);
        }
        this.idleBytes = bytes;
        return this;
    }

    @Override
    public SpaceBuilder restAddresses(final long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("bytes of resting addresses must not be negative: bytes=" + bytes);
        }
        this.restBytes = bytes;
        return this;
    }

    @Override
    public SpaceBuilder name(final String text) {
        this.name = Objects.requireNonNull(text, "text");
        return this;
    }

    @Override
    public SpaceBuilder idleStrategy(final Supplier<IdleStrategy> supplier) {
        this.idle = Objects.requireNonNull(supplier, "supplier");
        return this;
    }

    @Override
    public SpaceBuilder reportWaits(final Duration after, final Consumer<WaitReport> listener) {
        checkPositive("after", after.toNanos());
        this.reportAfter = after;
        this.reports = Objects.requireNonNull(listener, "listener");
        return this;
    }

    @Override
    public SpaceBuilder reportErrors(final ErrorHandler handler) {
        this.errors = Objects.requireNonNull(handler, "handler");
        return this;
    }

    @Override
    public SpaceBuilder eras(final Duration after, final Duration delay) {
        if (after.isNegative() || delay.isNegative()) {
            throw new IllegalArgumentException("times of eras must not be negative: after=" + after + ", delay=" + delay);
        }
        checkNanos(after);
        checkNanos(delay);
        this.eraAfter = after;
        this.eraDelay = delay;
        return this;
    }

    @Override
    public SpaceBuilder startReclaimer(final boolean start) {
        this.startReclaimer = start;
        return this;
    }

    @Override
    public SpaceBuilder monitored(final boolean shown) {
        this.monitored = shown;
        return this;
    }

    /** The system calls to use, for tests. */
    SpaceBuilder memory(final NativeMemory calls) {
        this.memory = calls;
        return this;
    }

    @Override
    public SpaceHandle open() {
        final NativeMemory calls = memory != null ? memory : NativeMemory.system();
        final BarrierFlavour flavour = flavour(calls);
        final String label = name != null ? name : "space-" + OPENED.incrementAndGet();
        final SpaceSettings settings = new SpaceSettings(label, maxBytes, maxRegions, backlogBytes, retiredBytes,
            idleBytes, restBytes != NOT_SAID ? restBytes : configuredRest(), idle, reportAfter.toNanos(), reports,
            errors != null ? errors : logging(label), startReclaimer,
            eraAfter.toNanos(), eraDelay.toNanos());
        try {
            final SpaceHandle space = new SpaceHandle(settings, SpaceResources.take(calls, capacity, flavour));
            return monitored ? monitored(space) : space;
        } catch (final NativeException e) {
            throw new MappingException("space " + label + (capacity == SpaceResources.USUAL_CAPACITY ? ""
                : " of capacity " + capacity) + " cannot be opened: " + e.getMessage() +
                "; or choose a smaller capacity: closed spaces keep their addresses for others that are not larger, " +
                "bytes=" + SpaceResources.parkedBytes(calls), e.errno(), e);
        }
    }

    private static SpaceHandle monitored(final SpaceHandle space) {
        try {
            space.monitor();
            return space;
        } catch (final Throwable e) {
            space.close();
            throw e;
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

    private static ErrorHandler logging(final String space) {
        return error -> LOGGER.log(Level.ERROR, "reclaiming failed in space " + space, error);
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

    /** Where one of those took it who are waited for, if that is remembered of one. */
    private static @Nullable Throwable placeIn(final WaitReport report) {
        return report.holders().stream().map(WaitReport.Holder::place).filter(Objects::nonNull).findFirst().orElse(null);
    }

    private static long configuredRest() {
        final String value = System.getProperty(REST_PROPERTY);
        if (value == null) {
            return Ledger.ENABLED ? REST_IN_DEBUG_MODE : 0;
        }
        try {
            final long bytes = Long.parseLong(value);
            if (bytes >= 0) {
                return bytes;
            }
        } catch (final NumberFormatException e) {
            // said below
        }
        throw new IllegalArgumentException("not a number of bytes: " + REST_PROPERTY + "=" + value +
            "; use 0 or more, without a unit");
    }

    private static void checkNanos(final Duration time) {
        if (time.compareTo(Duration.ofNanos(Long.MAX_VALUE)) > 0) {
            throw new ArithmeticException("too long for a number of nanoseconds: " + time);
        }
    }

    private static void checkPositive(final String what, final long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(what + " must be positive: " + what + "=" + value);
        }
    }
}
