// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.holdfast.AddressSpace;
import io.holdfast.SpaceStatistics;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.RecordComponent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.NanoClock;
import org.agrona.concurrent.SystemNanoClock;
import org.agrona.concurrent.status.CountersManager;

/**
 * The counts of a space as Agrona counters, one for each number of {@link SpaceStatistics}, so that a tool that shows
 * the counters of an Aeron program shows those of its regions too.
 *
 * <p>A counter has the type {@link #TYPE_ID}, the name of the number as its key, and the label
 * {@code holdfast <space>: <name>}. It is written with release order.
 *
 * <p>An {@link Agent} for one thread, which publishes whenever its period is over; or call {@link #publish()} at will. Not
 * thread-safe, as the {@link CountersManager} is not.
 */
public final class SpaceCounters implements Agent, AutoCloseable {
    /** Type of all counters of spaces. */
    public static final int TYPE_ID = 7117;

    private static final List<Count> COUNTS = counts();

    private final AddressSpace space;
    private final CountersManager counters;
    private final long periodNs;
    private final NanoClock clock;
    private final int[] ids = new int[COUNTS.size()];
    private int allocated;
    private long publishedNs;

    /** One number of the statistics. */
    private record Count(String name, MethodHandle getter) {
        long of(final SpaceStatistics statistics) {
            try {
                return (long) getter.invokeExact(statistics);
            } catch (final RuntimeException | Error e) {
                throw e;
            } catch (final Throwable e) {
                throw new AssertionError(e); // a record's accessor throws nothing that is checked
            }
        }
    }

    /**
     * Allocates the counters, and publishes for the first time.
     *
     * @param space    whose counts they are
     * @param counters where they are published
     * @param period   how long the agent waits from one publication to the next
     * @throws IllegalStateException if there is no room for the counters; none is left allocated
     */
    public SpaceCounters(final AddressSpace space, final CountersManager counters, final Duration period) {
        this(space, counters, period, SystemNanoClock.INSTANCE);
    }

    /** With another clock for the period. */
    SpaceCounters(final AddressSpace space, final CountersManager counters, final Duration period, final NanoClock clock) {
        this.space = space;
        this.counters = counters;
        this.periodNs = period.toNanos();
        this.clock = clock;
        boolean complete = false;
        try {
            allocate();
            publish();
            complete = true;
        } finally {
            if (!complete) {
                close();
            }
        }
    }

    private void allocate() {
        final RegionBuffer key = new RegionBuffer();
        final RegionBuffer label = new RegionBuffer();
        for (final Count count : COUNTS) {
            key.wrap(count.name().getBytes(US_ASCII));
            label.wrap(("holdfast " + space.name() + ": " + count.name()).getBytes(UTF_8));
            ids[allocated] = counters.allocate(TYPE_ID, key, 0, key.capacity(), label, 0, label.capacity());
            allocated++;
        }
    }

    /** Every number of the statistics, whatever there is in this version. */
    private static List<Count> counts() {
        final List<Count> counts = new ArrayList<>();
        try {
            for (final RecordComponent component : SpaceStatistics.class.getRecordComponents()) {
                if (component.getType() == long.class || component.getType() == int.class) {
                    final MethodHandle getter = MethodHandles.publicLookup().unreflect(component.getAccessor());
                    counts.add(new Count(component.getName(),
                        getter.asType(MethodType.methodType(long.class, SpaceStatistics.class))));
                }
            }
        } catch (final IllegalAccessException e) {
            throw new ExceptionInInitializerError(e);
        }
        return counts;
    }

    /** Publishes what the counts are now. */
    public void publish() {
        publishedNs = clock.nanoTime();
        final SpaceStatistics statistics = space.statistics();
        for (int i = 0; i < allocated; i++) {
            counters.setCounterValue(ids[i], COUNTS.get(i).of(statistics));
        }
    }

    @Override
    public int doWork() {
        if (clock.nanoTime() - publishedNs < periodNs) {
            return 0;
        }
        publish();
        return allocated;
    }

    @Override
    public String roleName() {
        return "holdfast-counters-" + space.name();
    }

    @Override
    public void onClose() {
        close();
    }

    /** Frees the counters. Idempotent. */
    @Override
    public void close() {
        while (allocated != 0) {
            allocated--;
            counters.free(ids[allocated]);
        }
    }
}
