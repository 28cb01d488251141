// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.Pin;
import io.holdfast.Protection;
import io.holdfast.ReadSection;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionInfo;
import io.holdfast.WriteSection;
import io.holdfast.tree.Cursor;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Readers, lookups and cursors while sections change everything under them (G1, G7; T11, T12, T14 to T17). */
class SectionRaceTest extends SpaceFixture {
    private static final long SIZE = 4 * PAGE;
    private static final int REGIONS = 8;
    private static final long MAGIC = 0x5EC7_1011L;
    private static final int ROUNDS = 1000;
    private static final long TOO_LONG_NS = TimeUnit.SECONDS.toNanos(60);

    private final AtomicBoolean stop = new AtomicBoolean();

    private Region filled(final long size) {
        final Region region = space.map(size);
        for (long at = 0; at < size; at += PAGE) {
            put(region, at, MAGIC + region.address() + at);
        }
        return region;
    }

    private static boolean isOver(final long startNs, final int rounds, final AtomicLong... races) {
        boolean seen = rounds >= ROUNDS;
        for (final AtomicLong race : races) {
            seen &= race.get() > 0;
        }
        return seen || System.nanoTime() - startNs > TOO_LONG_NS;
    }

    /** T11: who was pinned before finishes, with the bytes there, before the memory goes; who comes later misses. */
    @Test
    void readersPinnedBeforeThePublicationMustFinishAndLaterLookupsMustMiss() throws Exception {
        final Region first = filled(SIZE);
        final Region second = filled(SIZE);
        final Threads.Work<Boolean> changer;
        try (Pin pin = space.pin()) {
            final Region found = Objects.requireNonNull(pin.find(second.address()));
            changer = Threads.start(() -> {
                try (WriteSection section = space.write()) {
                    section.unmap(first);
                    section.unmap(second);
                    section.publish();
                }
                return true;
            });
            while (pin.find(first.address()) != null) {
                Thread.onSpinWait();
            }
            assertThat(pin.find(second.address())).isNull();
            idle.awaitWaiter();
            assertThat(changer.isDone()).as("the memory waits for the pin").isFalse();
            assertThat(space.statistics().mappedBytes()).isEqualTo(2 * SIZE);
            assertThat(found.optimisticSegment().get(JAVA_LONG, PAGE)).isEqualTo(MAGIC + second.address() + PAGE);
            assertThat(found.tryShare().refusal()).isEqualTo(Refusal.DETACHED);
        }
        changer.get();
        assertThat(space.statistics().mappedBytes()).isZero();
    }

    /** Whoever changes the space looks at records and nodes alone, so unmaps wait for none of it. */
    @Test
    void unmapsMustNotWaitForChangesOfOtherThreads() throws Exception {
        final AtomicLong[] rounds = {new AtomicLong(), new AtomicLong()};
        final List<Threads.Work<Boolean>> changers = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            final long start = i * SIZE * REGIONS;
            final AtomicLong mine = rounds[i];
            final AtomicLong others = rounds[1 - i];
            changers.add(Threads.start(() -> {
                while (mine.get() < ROUNDS || others.get() < ROUNDS) { // so neither is ever alone
                    final Region old = space.map(SIZE);
                    final Region fresh;
                    try (WriteSection section = space.write(start, start + SIZE * REGIONS)) {
                        fresh = section.map(SIZE);
                        section.publish();
                    }
                    old.unmap();
                    fresh.unmap();
                    mine.incrementAndGet();
                }
                return true;
            }));
        }
        for (final Threads.Work<Boolean> changer : changers) {
            changer.get();
        }
        assertThat(space.statistics().drainedUnmaps()).isZero();
    }

    /** T17, G7: what a listing shows is all from before a publication or all from after it. */
    @Test
    void listingsMustShowAPublicationAsAWholeOrNotAtAll() throws Exception {
        final AtomicLong published = new AtomicLong();
        final Threads.Work<Boolean> changer = Threads.start(() -> {
            for (long size = PAGE; !stop.get(); size = 3 * PAGE - size) {
                try (WriteSection section = space.write()) {
                    for (final RegionInfo old : space.maps()) {
                        section.unmap(old.address(), old.address() + old.size());
                    }
                    for (int i = 0; i < REGIONS * REGIONS; i++) {
                        section.map(size);
                    }
                    section.publish();
                }
                published.incrementAndGet();
            }
            return true;
        });
        final AtomicLong changes = new AtomicLong();
        final long startNs = System.nanoTime();
        long last = 0;
        for (int i = 0; !isOver(startNs, i, changes); i++) {
            final List<RegionInfo> infos = space.maps();
            if (infos.isEmpty() && last == 0) {
                continue;
            }
            assertThat(infos).hasSize(REGIONS * REGIONS);
            final long size = infos.getFirst().size();
            assertThat(infos).allMatch(info -> info.size() == size);
            if (last != 0 && last != size) {
                changes.incrementAndGet();
            }
            last = size;
        }
        stop.set(true);
        changer.get();
        assertThat(changes.get()).as("publications between two listings").isPositive();
        assertThat(published.get()).isPositive();
    }

    /** T12: after the publication nothing is locked, what was unmapped is dead, and a second writer is out. */
    @Test
    void afterThePublicationReadersMustBeInAndOtherWritersOut() throws Exception {
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < REGIONS; i++) {
            regions.add(filled(SIZE));
        }
        final Threads.Work<Long> waiting;
        try (WriteSection section = space.write()) {
            assertThat(section.exclude(0, space.capacity())).isEqualTo(REGIONS);
            waiting = Threads.start(() -> get(regions.get(1), 0));
            idle.awaitWaiter();
            assertThat(waiting.isDone()).isFalse();
            section.unmap(regions.get(0));
            final Region kept = section.split(regions.get(2), PAGE).getLast();
            section.publish();
            assertThat(waiting.get()).isEqualTo(MAGIC + regions.get(1).address());
            Threads.run(() -> {
                for (final Region region : regions.subList(3, REGIONS)) {
                    try (Guard guard = region.tryExclusive()) {
                        assertThat(guard.isHeld()).isTrue();
                    }
                }
                assertThat(get(kept, 0)).isEqualTo(MAGIC + kept.address());
                assertThat(regions.get(0).tryShare().refusal()).isEqualTo(Refusal.DETACHED);
                assertThat(regions.get(2).tryShare().refusal()).isEqualTo(Refusal.MOVED);
                try (ReadSection read = space.tryRead(0, space.capacity())) {
                    assertThat(read).as("readers are in").isNotNull();
                }
                assertThat(space.tryWrite(0, PAGE)).as("a second writer").isNull();
                assertThat(regions.get(3).unmap(1, TimeUnit.MILLISECONDS)).as("a single change").isFalse();
            });
        }
        assertThat(regions.get(3).isMapped()).isTrue();
    }

    /**
     * T14: [first, first + REGIONS * SIZE) is mapped before, between and after all sections, which split, merge, protect
     * and replace it; no lookup, listing or cursor may show a gap there. An address twice, old and new, is allowed.
     */
    @Test
    void nobodyMustSeeAGapWhereRegionsStoodBeforeAndAfter() throws Exception {
        long address = 0;
        for (int i = REGIONS; i > 0; i--) {
            final Region region = filled(SIZE);
            address = i == REGIONS ? region.address() : address;
        }
        final long from = address;
        final long to = from + REGIONS * SIZE;
        final AtomicLong changesSeen = new AtomicLong();
        final List<Threads.Work<Boolean>> lookers = List.of(Threads.start(() -> look(from, to, changesSeen)),
            Threads.start(() -> list(from, to, changesSeen)), Threads.start(() -> walk(from, to)));
        final long start = System.nanoTime();
        for (int round = 0; !isOver(start, round, changesSeen) && lookers.stream().noneMatch(Threads.Work::isDone);
            round++) {
            reshape(from, to, round);
        }
        stop.set(true);
        for (final Threads.Work<Boolean> looker : lookers) {
            looker.get();
        }
        assertThat(changesSeen.get()).as("a looker saw the structure change").isPositive();
    }

    private void reshape(final long from, final long to, final int round) {
        try (WriteSection section = space.write(from, to)) {
            final List<Region> regions = new ArrayList<>();
            for (long at = from; at < to; at += regions.getLast().size()) {
                regions.add(at(at));
            }
            if (regions.size() < 2 * REGIONS && round % 4 != 0) {
                for (final Region region : regions) {
                    if (region.size() > PAGE) {
                        section.split(region, PAGE);
                    }
                }
            } else {
                Region merged = section.protect(regions.getFirst(), Protection.READ_ONLY);
                for (final Region region : regions.subList(1, regions.size())) {
                    merged = section.merge(merged, section.protect(region, Protection.READ_ONLY));
                }
                section.protect(merged, Protection.READ_WRITE);
            }
            if (round % 3 != 0) {
                section.publish();
            }
        }
    }

    private Region at(final long address) {
        try (Pin pin = space.pin()) {
            return Objects.requireNonNull(pin.find(address));
        }
    }

    private boolean look(final long from, final long to, final AtomicLong changesSeen) {
        while (!stop.get()) {
            try (Pin pin = space.pin()) {
                for (long at = from; at < to; at += PAGE) {
                    final Region found = pin.find(at);
                    assertThat(found).as("find 0x%x", at).isNotNull();
                    assertThat(found.optimisticSegment().get(JAVA_LONG, at - found.address())).isEqualTo(MAGIC + at);
                    changesSeen.addAndGet(found.isMapped() ? 0 : 1);
                }
            }
        }
        return true;
    }

    private boolean list(final long from, final long to, final AtomicLong changesSeen) {
        int regions = 0;
        while (!stop.get()) {
            final List<RegionInfo> maps = space.maps();
            long covered = from;
            for (final RegionInfo info : maps) {
                assertThat(info.address()).as("a gap: %s", maps).isLessThanOrEqualTo(covered);
                covered = Math.max(covered, info.address() + info.size());
            }
            assertThat(covered).as("the end: %s", maps).isEqualTo(to);
            if (regions != 0 && regions != maps.size()) {
                changesSeen.incrementAndGet();
            }
            regions = maps.size();
        }
        return true;
    }

    private boolean walk(final long from, final long to) {
        final Cursor cursor = inside(space).core().tree().cursor();
        while (!stop.get()) {
            cursor.seek(from);
            long covered = from;
            while (covered < to) {
                inside(space).core().domain().pin();
                try {
                    assertThat(cursor.next()).isTrue();
                    assertThat(cursor.interval().start()).as("a gap at 0x%x", covered).isLessThanOrEqualTo(covered);
                    covered = cursor.interval().end();
                } finally {
                    inside(space).core().domain().unpin();
                }
            }
            assertThat(covered).isEqualTo(to);
        }
        return true;
    }

    /** T15: a cursor that was left standing while everything under it was replaced, and nodes reused, finds its place. */
    @Test
    void aCursorThatWasLeftStandingMustShowWhatIsThereNow() {
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            regions.add(filled(PAGE));
        }
        final Cursor cursor = inside(space).core().tree().cursor();
        final long middle = regions.get(250).address();
        step(cursor.seek(middle), middle);
        for (int round = 0; round < 50; round++) {
            try (WriteSection section = space.write()) {
                for (int i = 0; i < regions.size(); i++) {
                    regions.set(i, section.protect(regions.get(i),
                        round % 2 == 0 ? Protection.READ_ONLY : Protection.READ_WRITE));
                }
                section.publish();
            }
            Resources.settle(space);
            inside(space).core().tree().drain(idle);
            final long next = middle + (round + 1) * PAGE;
            assertThat(step(cursor, next)).as("the record of now").isEqualTo(at(next));
        }
    }

    private Region step(final Cursor cursor, final long address) {
        inside(space).core().domain().pin();
        try {
            assertThat(cursor.next()).isTrue();
            assertThat(cursor.interval().start()).isEqualTo(address);
            return inside(space).region(cursor.interval().value());
        } finally {
            inside(space).core().domain().unpin();
        }
    }

    /** T16: a region that has just become visible is locked until all that its section wrote is there. */
    @Test
    void aNewRegionMustNotBeLockedBeforeItsSectionHasWrittenIt() throws Exception {
        final long address = 64 * PAGE;
        final AtomicLong read = new AtomicLong();
        final AtomicLong refused = new AtomicLong();
        final List<Threads.Work<Boolean>> readers = List.of(Threads.start(() -> readNew(address, read, refused)),
            Threads.start(() -> readNew(address, read, refused)));
        final long start = System.nanoTime();
        for (int round = 0; !isOver(start, round, read, refused) && readers.stream().noneMatch(Threads.Work::isDone);
            round++) {
            final Region fresh;
            try (WriteSection section = space.write(address, address + SIZE)) {
                fresh = section.map(MapRequest.anonymous(SIZE).at(address));
                for (long at = 0; at < SIZE; at += PAGE) {
                    section.segment(fresh).set(JAVA_LONG, at, MAGIC);
                }
                section.publish();
            }
            try (WriteSection section = space.write(address, address + SIZE)) {
                section.exclude(fresh).set(JAVA_LONG, 0, 0);
                section.unmap(fresh);
                section.publish();
            }
        }
        stop.set(true);
        for (final Threads.Work<Boolean> reader : readers) {
            reader.get();
        }
        assertThat(read.get()).as("reads").isPositive();
        assertThat(refused.get()).as("refusals because a section holds it").isPositive();
    }

    private boolean readNew(final long address, final AtomicLong read, final AtomicLong refused) {
        while (!stop.get()) {
            final Region found;
            try (Pin pin = space.pin()) {
                found = pin.find(address);
            }
            if (found == null) {
                continue;
            }
            try (Guard guard = found.tryShare()) {
                if (guard.isHeld()) {
                    for (long at = 0; at < SIZE; at += PAGE) {
                        assertThat(guard.segment().get(JAVA_LONG, at)).isEqualTo(MAGIC);
                    }
                    read.incrementAndGet();
                } else if (guard.refusal() == Refusal.EXCLUSIVE) {
                    refused.incrementAndGet();
                }
            }
        }
        return true;
    }

    /**
     * T17: a section unmaps many regions as one: who has missed, or been told of one that it is gone, finds and locks none
     * of them any more, in whatever order it looks.
     */
    @Test
    void manyRegionsMustGoAtOnce() throws Exception {
        final AtomicLong torn = new AtomicLong();
        final AtomicLong refused = new AtomicLong();
        final long start = System.nanoTime();
        for (int round = 0; !isOver(start, round, torn, refused); round++) {
            final List<Region> regions = new ArrayList<>();
            for (int i = 0; i < REGIONS; i++) {
                regions.add(space.map(SIZE));
            }
            stop.set(false);
            final List<Threads.Work<Boolean>> readers = List.of(Threads.start(() -> findAll(regions, torn)),
                Threads.start(() -> lockAll(regions.reversed(), torn, refused)));
            try (WriteSection section = space.write()) {
                section.unmap(regions.getFirst().address(), regions.getLast().address() + SIZE);
                section.publish();
            }
            stop.set(true);
            for (final Threads.Work<Boolean> reader : readers) {
                reader.get();
            }
        }
        assertThat(torn.get()).as("a reader began before the publication and ended after it").isPositive();
        assertThat(refused.get()).as("a reader was refused while the section held all of them").isPositive();
    }

    private boolean findAll(final List<Region> regions, final AtomicLong torn) {
        boolean missed = false;
        while (!missed) {
            final boolean last = stop.get();
            int hits = 0;
            try (Pin pin = space.pin()) {
                for (final Region region : regions) {
                    final boolean hit = region.equals(pin.find(region.address()));
                    assertThat(hit && missed).as("found after another was gone: %s", region).isFalse();
                    missed |= !hit;
                    hits += hit ? 1 : 0;
                }
            }
            torn.addAndGet(missed && hits != 0 ? 1 : 0);
            assertThat(last && !missed).as("found after the section").isFalse();
        }
        return true;
    }

    private boolean lockAll(final List<Region> regions, final AtomicLong torn, final AtomicLong refused) {
        boolean gone = false;
        while (!gone) {
            final boolean last = stop.get();
            int locked = 0;
            for (final Region region : regions) {
                try (Guard guard = region.tryShare()) {
                    assertThat(guard.isHeld() && gone).as("locked after another was gone: %s", region).isFalse();
                    gone |= !guard.isHeld() && guard.refusal() == Refusal.DETACHED;
                    refused.addAndGet(!guard.isHeld() && guard.refusal() == Refusal.EXCLUSIVE ? 1 : 0);
                    locked += guard.isHeld() ? 1 : 0;
                }
            }
            torn.addAndGet(gone && locked != 0 ? 1 : 0);
            assertThat(last && !gone).as("locked after the section").isFalse();
        }
        return true;
    }
}
