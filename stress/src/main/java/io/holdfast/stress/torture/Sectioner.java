// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.AddressSpace;
import io.holdfast.Protection;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.WriteSection;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/** Changes regions that are the caller's own within write sections, which are published, rolled back, or only exclude. */
final class Sectioner {
    private final Writer writer;
    private final World world;
    private final SplittableRandom random;

    Sectioner(final Writer writer, final World world, final SplittableRandom random) {
        this.writer = writer;
        this.world = world;
        this.random = random;
    }

    /** Does something in a section to a life that was taken out of a slot. */
    void change(final Life life, final int slot) {
        world.beginSection();
        try {
            switch (random.nextInt(16)) {
                case 0 -> excludeAll(life, slot);
                case 1, 2, 3 -> replace(life, slot);
                case 4, 5 -> exclude(life, slot);
                case 6, 7, 8, 9 -> giveUp(life, slot);
                default -> splitInSection(life, slot);
            }
        } finally {
            world.endSection();
        }
    }

    /** A section that has room for all that the region may grow to. */
    private WriteSection around(final Life life) {
        writer.doing("begin of a section");
        final Region region = life.region();
        final long start = region.address() & -Writer.PAGE;
        final long size = Math.max(Writer.LARGEST, region.size()) + Writer.PAGE;
        final long end = Math.min((region.address() + size + Writer.PAGE - 1) & -Writer.PAGE, region.space().capacity());
        return random.nextInt(8) == 0 ? region.space().write() : region.space().write(start, end);
    }

    /** Two regions for one, all at once or not at all. */
    private void splitInSection(final Life life, final int slot) {
        final Region region = life.region();
        final long size = region.size();
        final long seam = Shaper.seam(random, region, size);
        if (seam == 0 || life.filled() < size / Long.BYTES * Long.BYTES) {
            writer.show(slot, life);
            return;
        }
        final List<Region> parts;
        try (WriteSection section = around(life)) {
            writer.doing("split in a section");
            final List<Region> halves = section.split(region, seam);
            parts = life.kind() == Life.Kind.FILE_READ_ONLY ? halves : List.of(halves.getFirst(),
                section.protect(halves.getLast(), random.nextBoolean() ? Protection.READ_ONLY : Protection.READ_WRITE));
            if (random.nextInt(3) == 0) {
                writer.doing("roll-back of a section");
                section.close();
                world.count(Event.SECTION_ROLLED_BACK);
                writer.show(slot, life);
                return;
            }
            writer.doing("publication of a section");
            section.publish();
            world.count(Event.SECTION_PUBLISHED);
            if (section.tryUpgrade()) {
                world.count(Event.SECTION_UPGRADED);
            }
        }
        writer.show(slot, life.next(parts.getFirst(), seam));
        writer.show(random.nextInt(world.slots()), life.next(parts.getLast(), size - seam));
    }

    /** Another region for one, at other addresses, in one step. */
    private void replace(final Life life, final int slot) {
        final AddressSpace space = life.region().space();
        final long generation = world.nextGeneration();
        final long size = Writer.PAGE * (1 + random.nextInt(4));
        final Region fresh;
        life.leave();
        writer.doing("begin of a section");
        try (WriteSection section = space.write()) {
            writer.doing("replacement in a section");
            fresh = section.map(size);
            Pattern.fill(section.segment(fresh), Pattern.word(generation, 0));
            section.unmap(life.region());
            section.publish();
            writer.doing("end of a section");
        }
        life.end();
        world.count(Event.SECTION_REPLACED);
        writer.show(slot, new Life(fresh, Life.Kind.ANONYMOUS, generation, life.era(), size));
    }

    /** Writes what the section excludes. */
    private void exclude(final Life life, final int slot) {
        try (WriteSection section = around(life)) {
            writer.doing("exclusion by a section");
            write(life, section.exclude(life.region()));
            if (random.nextBoolean()) {
                section.end(life.region());
            } else {
                section.downgrade();
                world.count(Event.SECTION_DOWNGRADED);
            }
        }
        writer.show(slot, life);
    }

    private void write(final Life life, final MemorySegment bytes) {
        if (!bytes.isReadOnly()) {
            Pattern.fill(bytes, Pattern.word(life.generation(), random.nextInt(Pattern.VERSIONS)));
            final long wrong = Pattern.wrong(bytes, bytes.byteSize(), life.generation(), true);
            if (wrong != 0) {
                throw new Failure("wrong word under the exclusion of a section: word=0x" + Long.toHexString(wrong) +
                    ", " + life);
            }
            life.filled(bytes.byteSize() / Long.BYTES * Long.BYTES);
        }
        world.count(Event.SECTION_EXCLUDED);
    }

    /** Excludes every region there is, and lets readers in to all of them with one store. */
    private void excludeAll(final Life life, final int slot) {
        final AddressSpace space = life.region().space();
        writer.doing("begin of a section");
        try (WriteSection section = space.write()) {
            writer.doing("exclusion of everything");
            section.exclude(0, space.capacity());
            section.endAll();
            world.count(Event.SECTION_ENDED_ALL);
        }
        writer.show(slot, life);
    }

    private void giveUp(final Life life, final int slot) {
        try (WriteSection section = around(life).patience(0, TimeUnit.NANOSECONDS)) {
            writer.doing("impatient exclusion");
            write(life, section.exclude(life.region()));
        } catch (final RegionException e) {
            if (e.refusal() != Refusal.TIMED_OUT) {
                throw e;
            }
            world.count(Event.SECTION_GAVE_UP);
        }
        writer.show(slot, life);
    }
}
