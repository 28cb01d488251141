// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.AddressSpace;
import io.holdfast.Barrier;
import io.holdfast.Hold;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** What all threads of a run share: the space of the moment, its regions, the counts, and the first failure. */
final class World {
    /** Capacity of the spaces: small, so that addresses are used again soon. */
    static final long CAPACITY = 256L << 20;
    private static final long IDLE = 1L << 20; // little, so that addresses are freed all the time
    private static final int QUEUED_HOLDS = 64;
    private static final long OLDEST = 1L << 40;

    private final Settings settings;
    private final AtomicReferenceArray<@Nullable Life> lives;
    private final BlockingQueue<Handed> handed = new ArrayBlockingQueue<>(QUEUED_HOLDS);
    private final Map<Event, LongAdder> counts = new EnumMap<>(Event.class);
    private final Map<Shelter, Histogram> ages = new EnumMap<>(Shelter.class);
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    private final AtomicLong generations = new AtomicLong(1);
    private final AtomicLong sectionsBegun = new AtomicLong();
    private final AtomicLong sectionsEnded = new AtomicLong();
    private volatile Stage stage;
    private volatile boolean closing;
    private volatile boolean stopping;
    private volatile boolean stopped;
    private volatile boolean stuttering;
    private volatile @Nullable Life changing;

    /** What keeps a region from going while it is read. */
    enum Shelter { GUARD, STAMP, HOLD, PIN }

    /**
     * A space and its number.
     *
     * @param space open, being closed, or closed
     * @param era   from 1
     */
    record Stage(AddressSpace space, int era) {
    }

    /** A hold on its way to another thread. */
    record Handed(Life life, Hold hold, Event event) {
    }

    World(final Settings settings) {
        this.settings = settings;
        this.lives = new AtomicReferenceArray<>(settings.regions());
        for (final Event event : Event.values()) {
            counts.put(event, new LongAdder());
        }
        for (final Shelter shelter : Shelter.values()) {
            ages.put(shelter, new ConcurrentHistogram(OLDEST, 2));
        }
        this.stage = open(1);
    }

    private Stage open(final int era) {
        Zones.want(era % 2 != 0);
        return new Stage(AddressSpace.builder().name("torture-" + era).capacity(CAPACITY).restAddresses(0)
            .idleBytes(IDLE).backlogBytes(CAPACITY / 8).barrier(Barrier.valueOf(settings.flavour())).open(), era);
    }

    Settings settings() {
        return settings;
    }

    // ------------------------------------------------------------------------------------------------- regions

    /** The space of now; it may be closed before it is used. */
    Stage stage() {
        return stage;
    }

    int slots() {
        return lives.length();
    }

    @Nullable Life look(final int slot) {
        return lives.get(slot);
    }

    /** Takes a life out, so that its region is the caller's to unmap or to change; null if there is none. */
    @Nullable Life take(final int slot) {
        return lives.getAndSet(slot, null);
    }

    /** A life that was taken out is about to change its shape, which readers may want to watch. */
    void changes(final Life life) {
        changing = life;
    }

    /** The life that a writer changes, or has changed last; its addresses go on in what came out of it. */
    @Nullable Life changing() {
        return changing;
    }

    /** Takes that life out; false if another thread was faster. */
    boolean takeIf(final int slot, final Life life) {
        return lives.compareAndSet(slot, life, null);
    }

    /** Puts a life in; returns the one that was there, which is the caller's now. */
    @Nullable Life put(final int slot, final Life life) {
        return lives.getAndSet(slot, life);
    }

    long nextGeneration() {
        return generations.incrementAndGet();
    }

    BlockingQueue<Handed> handed() {
        return handed;
    }

    /** A section may begin from here on. */
    void beginSection() {
        sectionsBegun.incrementAndGet();
    }

    /** It has ended. */
    void endSection() {
        sectionsEnded.incrementAndGet();
    }

    long sectionsBegun() {
        return sectionsBegun.get();
    }

    long sectionsEnded() {
        return sectionsEnded.get();
    }

    // --------------------------------------------------------------------------------------------------- close

    /** Whether the space of that time is the one of now, and nobody closes it. */
    boolean isOpen(final int thatEra) {
        return !closing && stage.era() == thatEra;
    }

    /** Closes the space under everybody, and opens the next one if the run goes on. */
    void closeSpace() {
        closing = true;
        for (int i = 0; i < lives.length(); i++) {
            final Life life = lives.get(i);
            if (life != null) {
                life.leave();
            }
        }
        final Stage last = stage;
        last.space().close();
        for (int i = 0; i < lives.length(); i++) {
            final Life life = lives.get(i);
            if (life != null && life.era() == last.era() && lives.compareAndSet(i, life, null)) {
                life.end();
            }
        }
    }

    void openSpace() {
        stage = open(stage.era() + 1);
        closing = false;
        count(Event.REOPENED);
    }

    // ---------------------------------------------------------------------------------------- counts and failure

    void count(final Event event) {
        Objects.requireNonNull(counts.get(event)).increment();
    }

    long counted(final Event event) {
        return Objects.requireNonNull(counts.get(event)).sum();
    }

    /** What no thread has met yet, of what the run must meet. */
    List<String> unmet() {
        final List<String> names = new ArrayList<>();
        if (settings.everything()) {
            counts.forEach((event, count) -> {
                if (count.sum() == 0) {
                    names.add(event.name());
                }
            });
            final String untouched = Pauses.untouched(stage.space().barrier() == Barrier.MEMBARRIER);
            if (!untouched.isEmpty()) {
                names.add("pauses at " + untouched);
            }
        }
        if (settings.zones()) {
            names.addAll(Zones.unmet());
        }
        return names;
    }

    /** Notes the age of what a protected reader saw; from 2 on it is a failure. */
    void sawAge(final Shelter shelter, final Life life) {
        final long age = life.age();
        Objects.requireNonNull(ages.get(shelter)).recordValue(age);
        if (age > 1) {
            throw new Failure("a region was reclaimed under a " + shelter + ": age=" + age + ", " + life);
        }
    }

    Histogram ages(final Shelter shelter) {
        return Objects.requireNonNull(ages.get(shelter)).copy();
    }

    /** The first failure counts, and ends the run. */
    void fail(final Throwable cause) {
        failure.compareAndSet(null, cause);
        stopping = true;
        stopped = true;
    }

    @Nullable Throwable failure() {
        return failure.get();
    }

    // ------------------------------------------------------------------------------------------------- lifecycle

    /** Readers and writers end; those who take over from them go on. */
    void stopWorkers() {
        stopping = true;
        stuttering = false;
    }

    void stopAll() {
        stopping = true;
        stopped = true;
    }

    boolean isStopped() {
        return stopped;
    }

    void stutter(final boolean on) {
        stuttering = on;
    }

    /** Whether a worker goes on; waits while everybody pauses. */
    boolean goesOn() {
        while (stuttering && !stopping) {
            LockSupport.parkNanos(100_000);
        }
        return !stopping;
    }
}
