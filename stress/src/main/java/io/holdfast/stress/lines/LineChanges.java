// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.lines;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** What threads do, each with what is its own, in one space in which regions of a page stand; by {@link LineWeaver}. */
public final class LineChanges implements IntFunction<Runnable>, Runnable {
    private static final int PAGE = 4096;
    private static final int[] SIZES = {3, 5, 6, 7, 9, 10, 11, 12};
    private static final long RANGE = 1 << 20;
    private static final long FIRST_RANGE = 1 << 30;

    /** What is done. */
    public enum Row {
        /** A region that stands is read under a guard. */
        GUARD,
        /** A region is looked up by its address. */
        FIND,
        /** A region that all use is counted as held, and let go: a line that all write, which the watch must see. */
        HOLD,
        /** A page is mapped and unmapped. */
        PAGE,
        /** A page is mapped by threads of even numbers, and unmapped by the others; an operation is one of the two. */
        HAND_OVER,
        /** A region that stands is read under a guard, and a page is mapped and unmapped. */
        GUARD_PAGE,
        /** Memory is mapped and unmapped, of different sizes in turn, none of which is parked. */
        SIZES,
        /** A file of a page is mapped and unmapped. */
        FILE,
        /** A range that is the thread's own is kept as it is by a section, and let go. */
        READ_SECTION,
        /** In a section over a range that is the thread's own, a page is mapped and another one unmapped. */
        SECTION
    }

    /** What belongs to one thread. */
    private static final class Own {
        private final int number;
        private final Region standing;
        private final Path directory;
        private @Nullable Region mapped;
        private int next;

        Own(final int number, final Region standing, final Path directory) {
            this.number = number;
            this.standing = standing;
            this.directory = directory;
        }

        private long start() {
            return FIRST_RANGE + number * RANGE;
        }

        private Path file() {
            return directory.resolve("file-" + number);
        }
    }

    private final Row row;
    private final AddressSpace space = AddressSpace.open();
    private final List<Region> standing = new ArrayList<>();
    private final Queue<Region> handedOver = new ConcurrentLinkedQueue<>();
    private final Path directory;

    /** Opens the space. */
    public LineChanges(final String row, final int regions, final Path directory) {
        this.row = Row.valueOf(row);
        this.directory = directory;
        for (int i = 0; i < regions; i++) {
            standing.add(space.map(PAGE));
        }
    }

    /** {@return what thread {@code number} does each time that it has the turn} */
    @Override
    public Runnable apply(final int number) {
        final Own own = new Own(number, standing.get(number * 31 % standing.size()), directory);
        try {
            Files.write(own.file(), new byte[PAGE]);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
        return switch (row) {
            case GUARD -> () -> read(own);
            case FIND -> () -> find(own);
            case HOLD -> () -> standing.getFirst().hold().close();
            case PAGE -> () -> space.map(PAGE).unmap();
            case HAND_OVER -> number % 2 == 0 ? () -> handedOver.add(space.map(PAGE)) : this::unmapOne;
            case GUARD_PAGE -> () -> {
                read(own);
                space.map(PAGE).unmap();
            };
            case SIZES -> () -> {
                own.next = own.next + 1 & SIZES.length - 1;
                space.map((long) SIZES[own.next] * PAGE).unmap();
            };
            case FILE -> () -> space.map(FileBacking.readOnly(own.file())).unmap();
            case READ_SECTION -> () -> space.read(own.start(), own.start() + RANGE).close();
            case SECTION -> () -> replace(own);
        };
    }

    private static void read(final Own own) {
        try (Guard guard = own.standing.share()) {
            if (guard.segment().get(JAVA_LONG, 0) != 0) {
                throw new IllegalStateException("not what was written");
            }
        }
    }

    private void find(final Own own) {
        try (Pin pin = space.pin()) {
            if (pin.find(own.standing.address()) == null) {
                throw new IllegalStateException("a region is missing");
            }
        }
    }

    private void unmapOne() {
        final Region next = handedOver.poll();
        if (next != null) {
            next.unmap();
        }
    }

    private void replace(final Own own) {
        try (WriteSection section = space.write(own.start(), own.start() + RANGE)) {
            final Region fresh = section.map(PAGE);
            if (own.mapped != null) {
                section.unmap(own.mapped);
            }
            section.publish();
            own.mapped = fresh;
        }
    }

    /** Closes the space. */
    @Override
    public void run() {
        space.close();
    }
}
