// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * A history of mapping calls with the shapes that traces of real processes have: a loader that maps libraries and parts
 * them by protection, arenas of an allocator that are cut to their alignment and grow by protection, stacks with a guard
 * page, vectors that move when they grow, a heap that is committed and given back in chunks, and segments of a log of
 * which the oldest goes. Sizes are those of traces, divided so that a history has a few hundred mappings in a few thousand
 * pages. Or a history that was recorded from one process, in {@code src/test/histories}.
 */
final class ProcessHistory {
    /** Pages in which everything happens. */
    static final int PAGES = 4096;

    /** What is asked for. */
    enum Call { MAP, UNMAP, READ_ONLY, READ_WRITE }

    /** One call: of pages from one on. A map is of pages that are free then. */
    record Step(Call call, int first, int pages) {
        int end() {
            return first + pages;
        }
    }

    private final SplittableRandom random;
    private final List<Step> steps = new ArrayList<>();
    private final BitSet taken = new BitSet();

    private ProcessHistory(final long seed) {
        this.random = new SplittableRandom(seed);
    }

    /** The history of a program, as it was recorded. */
    static List<Step> recorded(final String program) throws IOException {
        final List<Step> recorded = new ArrayList<>();
        for (final String line : Files.readAllLines(Path.of("src", "test", "histories", program + ".txt"))) {
            for (final String step : line.startsWith("#") ? new String[0] : line.split(", ", -1)) {
                final String[] words = step.split(" ", -1);
                recorded.add(new Step(Call.valueOf(words[0].toUpperCase(Locale.ROOT)), Integer.parseInt(words[1]),
                    Integer.parseInt(words[2])));
            }
        }
        return recorded;
    }

    /** A history of at least so many steps. */
    static List<Step> of(final long seed, final int least) {
        final ProcessHistory history = new ProcessHistory(seed);
        final List<Runnable> shapes = new ArrayList<>();
        final List<List<int[]>> alive = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            alive.add(new ArrayList<>());
        }
        shapes.add(() -> history.library(alive.get(0)));
        shapes.add(() -> history.arena(alive.get(1)));
        shapes.add(() -> history.stack(alive.get(2)));
        shapes.add(() -> history.vector(alive.get(3)));
        shapes.add(() -> history.heap(alive.get(4)));
        shapes.add(() -> history.log(alive.get(5)));
        while (history.steps.size() < least) {
            shapes.get(history.random.nextInt(shapes.size())).run();
        }
        return history.steps;
    }

    private void call(final Call call, final int first, final int pages) {
        steps.add(new Step(call, first, pages));
        if (call == Call.MAP || call == Call.UNMAP) {
            taken.set(first, first + pages, call == Call.MAP);
        }
    }

    /** Free pages, from the top down as a kernel looks for them, or at a random place; -1 if there are none. */
    private int find(final int pages) {
        final int from = random.nextInt(4) == 0 ? random.nextInt(pages, PAGES) : PAGES;
        int end = from;
        while (end - pages >= 0) {
            final int last = taken.previousSetBit(end - 1);
            if (last < end - pages) {
                return end - pages;
            }
            end = last;
        }
        return -1;
    }

    private int map(final int pages) {
        final int at = find(pages);
        if (at >= 0) {
            call(Call.MAP, at, pages);
        }
        return at;
    }

    private static int[] takeAny(final List<int[]> alive, final SplittableRandom random) {
        return alive.remove(random.nextInt(alive.size()));
    }

    /** Mapped whole, parted into text, constants and data; or closed. */
    private void library(final List<int[]> alive) {
        if (alive.size() > 12 || !alive.isEmpty() && random.nextInt(4) == 0) {
            final int[] old = takeAny(alive, random);
            call(Call.UNMAP, old[0], old[1]);
            return;
        }
        final int pages = random.nextInt(5, 60);
        final int at = map(pages);
        if (at >= 0) {
            final int data = random.nextInt(1, pages / 2);
            call(Call.READ_ONLY, at, pages - data);
            if (data > 1) {
                call(Call.READ_ONLY, at + pages - data, random.nextInt(1, data)); // what is constant after relocation
            }
            alive.add(new int[] {at, pages});
        }
    }

    /** Mapped twice as long as needed, cut to an aligned half, and then grown and shrunk by protection. */
    private void arena(final List<int[]> alive) {
        if (alive.size() < 5) {
            final int at = map(128);
            if (at >= 0) {
                final int aligned = at + 63 & -64;
                if (aligned > at) {
                    call(Call.UNMAP, at, aligned - at);
                }
                if (at + 128 > aligned + 64) {
                    call(Call.UNMAP, aligned + 64, at + 64 - aligned);
                }
                call(Call.READ_ONLY, aligned + 1, 63);
                alive.add(new int[] {aligned, 64, 1});
            }
        } else if (random.nextInt(12) == 0) {
            final int[] old = takeAny(alive, random);
            call(Call.UNMAP, old[0], old[1]);
        } else {
            final int[] arena = alive.get(random.nextInt(alive.size()));
            final int used = random.nextInt(1, 64);
            if (used > arena[2]) {
                call(Call.READ_WRITE, arena[0] + arena[2], used - arena[2]);
            } else if (used < arena[2]) {
                call(Call.READ_ONLY, arena[0] + used, arena[2] - used);
            }
            arena[2] = used;
        }
    }

    /** With a guard page at its low end; threads come and go. */
    private void stack(final List<int[]> alive) {
        if (alive.size() > 20 || !alive.isEmpty() && random.nextInt(2) == 0) {
            final int[] old = takeAny(alive, random);
            call(Call.UNMAP, old[0], old[1]);
            return;
        }
        final int at = map(9);
        if (at >= 0) {
            call(Call.READ_ONLY, at, 1);
            alive.add(new int[] {at, 9});
        }
    }

    /** Grows where there is room behind it, or moves; ends one day. */
    private void vector(final List<int[]> alive) {
        if (alive.size() < 8) {
            final int pages = random.nextInt(1, 9);
            final int at = map(pages);
            if (at >= 0) {
                alive.add(new int[] {at, pages});
            }
            return;
        }
        final int[] old = takeAny(alive, random);
        final int more = Math.max(1, old[1] / 2);
        final int next = taken.nextSetBit(old[0] + old[1]);
        if (old[1] > 100) {
            call(Call.UNMAP, old[0], old[1]);
        } else if (old[0] + old[1] + more <= (next < 0 ? PAGES : next)) {
            call(Call.MAP, old[0] + old[1], more);
            alive.add(new int[] {old[0], old[1] + more});
        } else {
            final int at = map(old[1] + more);
            if (at >= 0) {
                alive.add(new int[] {at, old[1] + more});
            }
            call(Call.UNMAP, old[0], old[1]);
        }
    }

    /** Reserved, and then committed, given back, and punched in chunks. */
    private void heap(final List<int[]> alive) {
        if (alive.isEmpty()) {
            final int at = map(512);
            if (at >= 0) {
                call(Call.READ_ONLY, at, 512);
                alive.add(new int[] {at, 512});
            }
            return;
        }
        final int[] heap = alive.getFirst();
        final int chunk = heap[0] + 16 * random.nextInt(heap[1] / 16);
        final int chunks = 16 * random.nextInt(1, 1 + Math.min(4, (heap[0] + heap[1] - chunk) / 16));
        call(random.nextInt(3) == 0 ? Call.READ_ONLY : Call.READ_WRITE, chunk, chunks);
        if (random.nextInt(40) == 0) {
            call(Call.UNMAP, heap[0], heap[1]);
            alive.clear();
        }
    }

    /** A new segment behind the last; full ones become constant, the oldest goes, sometimes a part of it first. */
    private void log(final List<int[]> alive) {
        final int at = map(32);
        if (at >= 0) {
            if (!alive.isEmpty()) {
                call(Call.READ_ONLY, alive.getLast()[0], alive.getLast()[1]);
            }
            alive.add(new int[] {at, 32});
        }
        if (alive.size() > 10 || at < 0 && !alive.isEmpty()) {
            final int[] oldest = alive.removeFirst();
            final int part = random.nextInt(0, 32);
            if (part > 0) {
                call(Call.UNMAP, oldest[0] + random.nextInt(32 - part), part); // holes, as of a punched file
            }
            call(Call.UNMAP, oldest[0], oldest[1]); // and what is left
        }
    }
}
