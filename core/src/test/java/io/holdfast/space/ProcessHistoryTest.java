// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import io.holdfast.space.ProcessHistory.Call;
import io.holdfast.space.ProcessHistory.Step;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Histories with the shapes of real processes, and recorded ones, replayed call by call, in sections, and with unmaps in
 * the background, against a sorted map of what a kernel would have; after each call, or section, the listings are equal,
 * and so is what each page holds (G1, G3, G7).
 */
class ProcessHistoryTest extends SpaceFixture {
    private static final int STEPS = Integer.getInteger("holdfast.history.steps", 1_500);
    private static final int FIRST = 16;
    private static final int MOST_IN_A_SECTION = 8;

    private final TreeMap<Integer, Piece> pieces = new TreeMap<>(); // by first page
    private final TreeMap<Integer, Boolean> model = new TreeMap<>(); // page to whether it is writable
    private final long[] contents = new long[ProcessHistory.PAGES];
    private final Map<Integer, CompletableFuture<Void>> pending = new HashMap<>();
    private long lastContent;

    /** A region and where it is: new ones of a section cannot be asked before it is published. */
    private record Piece(Region region, int first, int pages) {
        int end() {
            return first + pages;
        }
    }

    /** How a history is replayed. */
    enum Replay { SINGLY, IN_SECTIONS, ASYNCHRONOUSLY }

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.backlogBytes(CAPACITY);
    }

    private static long address(final int page) {
        return (FIRST + page) * PAGE;
    }

    private static int page(final long address) {
        return (int) (address / PAGE) - FIRST;
    }

    /** Runs of pages of one kind: what the kernel, which merges neighbours, would list. */
    private List<String> expected() {
        final List<String> lines = new ArrayList<>();
        int first = -1;
        int last = -2;
        boolean writable = false;
        for (final Map.Entry<Integer, Boolean> page : model.entrySet()) {
            if (page.getKey() != last + 1 || page.getValue() != writable) {
                if (first >= 0) {
                    lines.add(line(address(first), address(last + 1), writable));
                }
                first = page.getKey();
                writable = page.getValue();
            }
            last = page.getKey();
        }
        if (first >= 0) {
            lines.add(line(address(first), address(last + 1), writable));
        }
        return lines;
    }

    private static String line(final long from, final long to, final boolean writable) {
        return Long.toHexString(from) + "-" + Long.toHexString(to) + (writable ? " rw" : " r");
    }

    private List<String> listed() {
        return space.maps().stream().map(info -> line(info.address(), info.address() + info.size(), info.writable()))
            .toList();
    }

    @ParameterizedTest
    @EnumSource
    void aHistoryMustLeaveWhatAKernelWouldHave(final Replay replay) throws Exception {
        final long seed = Long.getLong("holdfast.history.seed", System.nanoTime());
        replay(ProcessHistory.of(seed, STEPS), replay, seed);
    }

    @ParameterizedTest
    @CsvSource({"java, SINGLY", "java, IN_SECTIONS", "java, ASYNCHRONOUSLY", "python, SINGLY", "python, IN_SECTIONS",
        "python, ASYNCHRONOUSLY", "perl, SINGLY", "perl, IN_SECTIONS", "perl, ASYNCHRONOUSLY"})
    void theHistoryOfAProgramMustLeaveWhatAKernelWouldHave(final String program, final Replay replay) throws Exception {
        replay(ProcessHistory.recorded(program), replay, System.nanoTime());
    }

    private void replay(final List<Step> steps, final Replay replay, final long seed) throws Exception {
        final SplittableRandom random = new SplittableRandom(seed);
        int at = 0;
        while (at < steps.size()) {
            final int before = at;
            if (replay == Replay.IN_SECTIONS) {
                at = section(steps, at, 1 + random.nextInt(MOST_IN_A_SECTION));
            } else {
                single(steps.get(at++), replay == Replay.ASYNCHRONOUSLY);
            }
            assertThat(listed()).as("seed=%d, after %s", seed, steps.subList(before, at)).isEqualTo(expected());
            if (at % 50 == 0) {
                assertContents(seed);
            }
        }
        assertContents(seed);
        CompletableFuture.allOf(pending.values().toArray(CompletableFuture[]::new)).get();
    }

    private void assertContents(final long seed) {
        for (final Piece piece : pieces.values()) {
            try (Guard guard = piece.region.share()) {
                for (int i = 0; i < piece.pages; i++) {
                    assertThat(guard.segment().get(JAVA_LONG, i * PAGE)).as("seed=%d, page %d of %s", seed, i, piece)
                        .isEqualTo(contents[piece.first + i]);
                }
            }
        }
    }

    private void add(final Region region, final int first, final int pages) {
        pieces.put(first, new Piece(region, first, pages));
    }

    // -------------------------------------------------------------------------------------------------- call by call

    private void single(final Step step, final boolean background) throws Exception {
        switch (step.call()) {
            case MAP -> {
                awaitPending(step);
                final Region region = space.map(MapRequest.anonymous(step.pages() * PAGE).at(address(step.first())));
                add(region, step.first(), step.pages());
                try (Guard guard = region.shareWritable()) {
                    fill(guard.segment(), step);
                }
            }
            case UNMAP -> {
                for (final Piece piece : cut(step, null)) {
                    pieces.remove(piece.first);
                    if (background) {
                        final CompletableFuture<Void> over = piece.region.unmapAsync().toCompletableFuture();
                        for (int i = piece.first; i < piece.end(); i++) {
                            pending.put(i, over);
                        }
                    } else {
                        piece.region.unmap();
                    }
                }
            }
            default -> {
                for (final Piece piece : overlapping(step)) {
                    if (model.get(piece.first) != isWritable(step)) {
                        protect(piece, Math.max(piece.first, step.first()), Math.min(piece.end(), step.end()), step);
                    }
                }
            }
        }
        note(step);
        mergeAround(step, null);
    }

    private void protect(final Piece piece, final int from, final int to, final Step step) {
        pieces.remove(piece.first);
        for (final Region part : piece.region.protect((from - piece.first) * PAGE, (to - from) * PAGE, protection(step))) {
            add(part, page(part.address()), (int) (part.size() / PAGE));
        }
    }

    private static boolean isWritable(final Step step) {
        return step.call() == Call.READ_WRITE;
    }

    private static Protection protection(final Step step) {
        return isWritable(step) ? Protection.READ_WRITE : Protection.READ_ONLY;
    }

    private void awaitPending(final Step step) throws Exception {
        for (int i = step.first(); i < step.end(); i++) {
            final CompletableFuture<Void> over = pending.remove(i);
            if (over != null) {
                over.get();
            }
        }
    }

    /** What a call has done to the pages that are there. */
    private void note(final Step step) {
        for (int i = step.first(); i < step.end(); i++) {
            switch (step.call()) {
                case MAP -> model.put(i, true);
                case UNMAP -> model.remove(i);
                case READ_WRITE -> model.replace(i, true);
                case READ_ONLY -> model.replace(i, false);
            }
        }
    }

    private void fill(final MemorySegment segment, final Step step) {
        for (int i = 0; i < step.pages(); i++) {
            lastContent++;
            contents[step.first() + i] = lastContent;
            segment.set(JAVA_LONG, i * PAGE, lastContent);
        }
    }

    private List<Piece> overlapping(final Step step) {
        final List<Piece> found = new ArrayList<>();
        final Map.Entry<Integer, Piece> before = pieces.lowerEntry(step.first());
        if (before != null && before.getValue().end() > step.first()) {
            found.add(before.getValue());
        }
        found.addAll(pieces.subMap(step.first(), step.end()).values());
        return found;
    }

    /** Splits what reaches across the edges of a step; the pieces within. */
    private List<Piece> cut(final Step step, final @Nullable WriteSection section) {
        for (final int edge : new int[] {step.first(), step.end()}) {
            final Map.Entry<Integer, Piece> entry = pieces.lowerEntry(edge);
            if (entry != null && entry.getValue().end() > edge) {
                final Piece piece = entry.getValue();
                final long at = (edge - piece.first) * PAGE;
                final List<Region> halves = section == null ? piece.region.split(at) : section.split(piece.region, at);
                add(halves.getFirst(), piece.first, edge - piece.first);
                add(halves.getLast(), edge, piece.end() - edge);
            }
        }
        return List.copyOf(pieces.subMap(step.first(), step.end()).values());
    }

    /** Joins neighbours that are alike, as a kernel does, from the one before a step to the one behind it. */
    private void mergeAround(final Step step, final @Nullable WriteSection section) {
        final Integer before = pieces.lowerKey(step.first());
        Piece last = null;
        for (final Piece next : List.copyOf(pieces.subMap(before == null ? 0 : before, true, step.end(), true).values())) {
            if (last != null && last.end() == next.first && model.get(last.first).equals(model.get(next.first))) {
                pieces.remove(next.first);
                final Region merged =
                    section == null ? last.region.merge(next.region) : section.merge(last.region, next.region);
                last = new Piece(merged, last.first, last.pages + next.pages);
                pieces.put(last.first, last);
            } else {
                last = next;
            }
        }
    }

    // ---------------------------------------------------------------------------------------------------- in sections

    /** Makes some calls in one section: until one needs addresses that only the end of the section gives back. */
    private int section(final List<Step> steps, final int from, final int most) {
        final BitSet gone = new BitSet();
        final List<String> before = listed();
        int at = from;
        try (WriteSection section = space.write()) {
            while (at < steps.size() && at - from < most && !needs(steps.get(at), gone)) {
                final Step step = steps.get(at++);
                change(step, section);
                if (step.call() == Call.UNMAP) {
                    gone.set(step.first(), step.end());
                }
            }
            assertThat(listed()).as("before the publication").isEqualTo(before);
            section.publish();
        }
        return at;
    }

    private static boolean needs(final Step step, final BitSet gone) {
        final int next = gone.nextSetBit(step.first());
        return step.call() == Call.MAP && next >= 0 && next < step.end();
    }

    private void change(final Step step, final WriteSection section) {
        switch (step.call()) {
            case MAP -> {
                final Region region = section.map(MapRequest.anonymous(step.pages() * PAGE).at(address(step.first())));
                add(region, step.first(), step.pages());
                fill(section.segment(region), step);
            }
            case UNMAP -> {
                for (final Piece piece : cut(step, section)) {
                    pieces.remove(piece.first);
                    section.unmap(piece.region);
                }
            }
            default -> {
                for (final Piece piece : cut(step, section)) {
                    if (model.get(piece.first) != isWritable(step)) {
                        add(section.protect(piece.region, protection(step)), piece.first, piece.pages);
                    }
                }
            }
        }
        note(step);
        mergeAround(step, section);
    }
}
