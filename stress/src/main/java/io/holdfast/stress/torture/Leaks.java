// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.AddressSpace;
import io.holdfast.SpaceStatistics;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.NodeLayout;
import io.holdfast.layout.SlotLayout;
import io.holdfast.tree.IntervalTree;
import io.holdfast.tree.Snapshot;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.agrona.concurrent.YieldingIdleStrategy;

/** What a closed space must not have left behind. What is not public is asked for by reflection. */
public final class Leaks {
    /** Inside its range a closed space keeps what was never used, and the zeros of what was. */
    private static final int BACKGROUND_MAPPINGS = 3;
    private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(5);

    private final AddressSpace space;
    private final Path directory;
    private final long base;
    private final IntervalTree tree;
    private final EpochDomain domain;

    /**
     * To be made while the space is open.
     *
     * @param directory holds all files that are mapped
     */
    public Leaks(final AddressSpace space, final Path directory) {
        this.space = space;
        this.directory = directory;
        this.base = (long) ask(space, "base");
        final Object core = ask(space, "core");
        this.tree = (IntervalTree) ask(core, "tree");
        this.domain = (EpochDomain) ask(core, "domain");
    }

    /** Fails if anything is left; waits a little for those who have just been refused to put away what they had. */
    public void check() {
        final long begin = System.nanoTime();
        Map<String, Long> found = found();
        while (!found.isEmpty() && System.nanoTime() - begin < PATIENCE_NS) {
            LockSupport.parkNanos(100_000);
            found = found();
        }
        if (!found.isEmpty()) {
            throw new Failure("left by a closed space: " + found + ", " + space);
        }
    }

    /** What is not zero. */
    private Map<String, Long> found() {
        final SpaceStatistics statistics = space.statistics();
        final Map<String, Long> counts = new TreeMap<>();
        counts.put("regions", statistics.regions());
        counts.put("mapped bytes", statistics.mappedBytes());
        counts.put("unmaps not done", statistics.backlogUnmaps());
        counts.put("records", statistics.recordsInUse());
        counts.put("quarantined bytes", statistics.quarantinedBytes());
        counts.put("lost bytes", statistics.lostBytes());
        counts.put("guards or pins of dead threads", statistics.orphanedSlots());
        counts.put("tree nodes", nodes());
        counts.put("kernel mappings of files", mappings(line -> line.contains(directory.toString())));
        counts.put("kernel mappings inside the space", Math.max(0, mappings(this::isInside) - BACKGROUND_MAPPINGS));
        counts.put("descriptors", descriptors());
        return counts.entrySet().stream().filter(entry -> entry.getValue() != 0)
            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
    }

    /** Intervals, and nodes that are not ready to be used but for one: an empty tree is one empty leaf. */
    private long nodes() {
        // A thread that the close has refused may give its nodes back when the close has drained the list of them; they
        // are on it then, and the next space in this range uses them. What is lost is on no list.
        tree.drain(YieldingIdleStrategy::new);
        final long[] intervals = new long[1];
        try (Snapshot snapshot = tree.snapshot()) {
            snapshot.forEach(0, NodeLayout.ADDRESS_LIMIT, (start, end, value) -> {
                intervals[0]++;
                return true;
            });
        }
        return intervals[0] + (long) ask(tree, "nodes") - (long) ask(tree, "freeNodes") - 1;
    }

    /** Reader slots that announce something; to be asked for when all readers are gone. */
    long announcements() {
        long announced = 0;
        for (final String groups : new String[] {"platformGroups", "virtualGroups"}) {
            for (final Object group : (Object[]) ask(field(domain, "slots"), groups)) {
                final int capacity = (int) ask(group, "capacity");
                for (int i = 0; i < capacity; i++) {
                    announced += announces((long) ask(group, "slot", i)) ? 1 : 0;
                }
            }
        }
        return announced;
    }

    private static boolean announces(final long slot) {
        for (int i = 0; i < SlotLayout.HAZARDS; i++) {
            if (SlotLayout.hazardAcquire(slot, i) != 0) {
                return true;
            }
        }
        return SlotLayout.pinAcquire(slot) != 0 || SlotLayout.structureAcquire(slot) != 0;
    }

    private boolean isInside(final String line) {
        final int dash = line.indexOf('-');
        final long from = Long.parseUnsignedLong(line.substring(0, dash), 16);
        return from >= base && from < base + space.capacity();
    }

    private static long mappings(final Predicate<String> which) {
        try {
            return Files.readAllLines(Path.of("/proc/self/maps")).stream().filter(which).count();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private long descriptors() {
        try (Stream<Path> all = Files.list(Path.of("/proc/self/fd"))) {
            return all.filter(descriptor -> {
                try {
                    return Files.readSymbolicLink(descriptor).startsWith(directory);
                } catch (final IOException closedMeanwhile) {
                    return false;
                }
            }).count();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Object ask(final Object whom, final String what, final Integer... arguments) {
        try {
            final Class<?>[] types = new Class<?>[arguments.length];
            Arrays.fill(types, int.class);
            final Method method = whom.getClass().getDeclaredMethod(what, types);
            method.setAccessible(true);
            return method.invoke(whom, (Object[]) arguments);
        } catch (final ReflectiveOperationException e) {
            throw changed(whom, what, e);
        }
    }

    private static Object field(final Object whom, final String what) {
        try {
            final Field found = whom.getClass().getDeclaredField(what);
            found.setAccessible(true);
            return found.get(whom);
        } catch (final ReflectiveOperationException e) {
            throw changed(whom, what, e);
        }
    }

    private static IllegalStateException changed(final Object whom, final String what,
                                                 final ReflectiveOperationException cause) {
        return new IllegalStateException("the library has changed: " + whom.getClass() + "." + what, cause);
    }
}
