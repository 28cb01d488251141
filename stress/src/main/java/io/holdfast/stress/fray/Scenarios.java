// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.fray;

import io.holdfast.AddressSpace;
import io.holdfast.Barrier;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Pin;
import io.holdfast.ReadSection;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.WriteSection;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.agrona.concurrent.Agent;
import org.agrona.concurrent.YieldingIdleStrategy;

/**
 * What Fray runs again and again, each time under another schedule: {@code Scenarios NAME}. Every byte of a region is the
 * same, so bytes of another region show. Fray ends a run in which a thread fails, or none can go on.
 *
 * <p>One thread runs at a time, so both barriers do the same; spaces are of the fence flavour.
 */
public final class Scenarios {
    /** What a thread has met. */
    enum Event { READ, REFUSED, INVALID, GONE, REPLACED }

    private static final long PAGE = 4096;
    private static final byte FIRST = 1;
    private static final byte SECOND = 2;

    private final List<Thread> threads = new ArrayList<>();
    private final AddressSpace space = AddressSpace.builder().capacity(16L << 20).barrier(Barrier.FENCE).name("fray")
        .idleStrategy(YieldingIdleStrategy::new).startReclaimer(false).monitored(false).open();
    private final Region region = space.map(2 * PAGE);
    private final long address = region.address();

    private Scenarios() {
        try (Guard guard = region.exclusive()) {
            guard.segment().fill(FIRST);
        }
    }

    /** Runs a scenario once. */
    public static void main(final String... arguments) throws InterruptedException {
        final Scenarios scenarios = new Scenarios();
        switch (arguments[0]) {
            case "life" -> scenarios.life();
            case "sections" -> scenarios.sections();
            case "reclaimer" -> scenarios.reclaimer();
            case "close" -> scenarios.close();
            default -> throw new IllegalArgumentException("no such scenario: " + arguments[0]);
        }
    }

    /** What must be met in some schedule of a scenario. */
    static List<Event> mustMeet(final String scenario) {
        return switch (scenario) {
            case "life" -> List.of(Event.READ, Event.REFUSED, Event.GONE);
            case "sections" -> List.of(Event.READ, Event.REFUSED, Event.REPLACED);
            default -> List.of(Event.READ, Event.GONE);
        };
    }

    /** How often an event was met. */
    static long met(final Event event) {
        return Long.getLong(property(event), 0);
    }

    private static void meet(final Event event) {
        System.setProperty(property(event), Long.toString(met(event) + 1)); // one thread runs at a time
    }

    /** Fray loads this class in a loader of its own, so a field would be another one than that of {@link Explore}. */
    private static String property(final Event event) {
        return "io.holdfast.stress.fray." + event;
    }

    // -------------------------------------------------------------------------------------------------- scenarios

    /** A region is unmapped, and another one comes to its addresses, beside every kind of reader. */
    private void life() throws InterruptedException {
        together(() -> {
            region.unmap();
            fill(space.map(2 * PAGE), SECOND);
        }, () -> {
            readGuarded();
            readOptimistically();
        }, () -> {
            readPinned();
            readHeld();
        });
        space.close();
    }

    /** A section puts two regions in the place of one, which readers see at once, and at no time see gone. */
    private void sections() throws InterruptedException {
        together(() -> {
            try (WriteSection section = space.write()) {
                check(section.split(region, PAGE).size() == 2, "not split");
                section.publish();
                meet(Event.REPLACED);
            }
        }, () -> {
            try (ReadSection _ = space.read(0, space.capacity())) {
                check(space.maps().equals(space.maps()), "a section has changed what another one has");
            }
            readGuarded();
        }, () -> {
            findMapped();
            readOptimistically();
            findMapped();
        });
        space.close();
    }

    private void findMapped() {
        try (Pin pin = space.pin()) {
            final Region found = pin.find(address);
            if (found == null) {
                throw new AssertionError("a region was not found on its way to other handles");
            }
            checkBytes(found.optimisticSegment(), FIRST);
        }
    }

    /**
     * Unmaps go on in the background, beside readers and beside each other. A thread of the scenario is the reclaimer's:
     * the library's own tells of the end of an unmap in a virtual thread, in whose carriers Fray sees a deadlock.
     */
    private void reclaimer() throws InterruptedException {
        final Region other = space.map(PAGE);
        final Agent agent = space.reclaimer();
        final List<CompletableFuture<Void>> unmaps = new ArrayList<>();
        together(() -> unmaps.add(region.unmapAsync().toCompletableFuture()), () -> {
            readGuarded();
            readPinned();
        }, () -> {
            final CompletableFuture<Void> unmap = other.unmapAsync().toCompletableFuture();
            while (!unmap.isDone()) {
                work(agent);
                YieldingIdleStrategy.INSTANCE.idle();
            }
            fill(space.map(PAGE), SECOND);
        });
        check(space.maps().size() == 1, "an unmapped region is there");
        while (!unmaps.getFirst().isDone()) {
            work(agent);
        }
        space.close();
    }

    private static void work(final Agent agent) {
        try {
            agent.doWork();
        } catch (final Exception e) {
            throw new IllegalStateException("the reclaimer failed", e);
        }
    }

    /** A space is closed beside those who read, map and unmap. */
    private void close() throws InterruptedException {
        together(space::close, () -> {
            readGuarded();
            readHeld();
        }, () -> {
            try {
                final Region fresh = space.map(PAGE);
                fresh.unmap();
            } catch (final IllegalStateException e) {
                meet(Event.GONE);
            }
        });
        check(!space.isOpen(), "the space is open");
    }

    // ---------------------------------------------------------------------------------------------------- readers

    private void readGuarded() {
        try (Guard guard = region.tryShare()) {
            if (guard.isHeld()) {
                checkBytes(guard.segment(), FIRST);
            } else {
                meet(Event.REFUSED);
            }
        }
    }

    private void readHeld() {
        try (Hold hold = region.tryHold()) {
            if (hold.isHeld()) {
                try (Hold.View view = hold.view()) {
                    checkBytes(view.segment(), FIRST);
                }
            } else {
                meet(Event.REFUSED);
            }
        }
    }

    private void readOptimistically() {
        final long stamp = region.tryOptimisticRead();
        if (stamp == 0) {
            meet(Event.REFUSED);
            return;
        }
        final byte first = first(region.optimisticSegment());
        Schedule.point(0);
        final byte second = first(region.optimisticSegment());
        if (region.validate(stamp)) {
            check(first == FIRST && second == FIRST, "wrong bytes under a valid stamp: " + first + ", " + second);
            meet(Event.READ);
        } else {
            meet(Event.INVALID);
        }
    }

    /** The region that is found under a pin stays what it is. */
    private void readPinned() {
        try (Pin pin = space.pin()) {
            final Region found = pin.find(address);
            if (found == null) {
                meet(Event.GONE);
                return;
            }
            if (found.equals(region)) {
                checkBytes(found.optimisticSegment(), FIRST); // mapped for as long as the pin is open
            }
        } catch (final IllegalStateException e) {
            meet(Event.GONE); // the space is closed
        }
    }

    private static byte first(final MemorySegment segment) {
        return segment.get(ValueLayout.JAVA_BYTE, 0);
    }

    private static void checkBytes(final MemorySegment segment, final byte value) {
        final byte first = first(segment);
        Schedule.point(0);
        final byte last = segment.get(ValueLayout.JAVA_BYTE, segment.byteSize() - 1);
        check(first == value && last == value, "wrong bytes: " + first + ", " + last);
        meet(Event.READ);
    }

    private static void fill(final Region fresh, final byte value) {
        try (Guard guard = fresh.exclusive()) {
            guard.segment().fill(value);
        } catch (final RegionException e) {
            meet(Event.GONE); // a close was faster
        }
    }

    private static void check(final boolean holds, final String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    // ---------------------------------------------------------------------------------------------------- threads

    /** Runs all at the same time, and waits for them. */
    private void together(final Runnable... bodies) throws InterruptedException {
        Schedule.arm(true);
        for (final Runnable body : bodies) {
            final Thread thread = new Thread(body);
            threads.add(thread);
            thread.start();
        }
        for (final Thread thread : threads) {
            thread.join();
        }
        Schedule.arm(false);
    }
}
