// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.Guard;
import io.holdfast.MappingException;
import io.holdfast.Protection;
import io.holdfast.Region;
import java.util.List;
import java.util.SplittableRandom;

/** Changes the shape of regions that are the caller's own: what comes out of them is put where readers find it. */
final class Shaper {
    private final Writer writer;
    private final World world;
    private final SplittableRandom random;

    Shaper(final Writer writer, final World world, final SplittableRandom random) {
        this.writer = writer;
        this.world = world;
        this.random = random;
    }

    /** Does something to a life that was taken out of a slot. */
    void change(final Life life, final int slot) {
        world.changes(life);
        final Region region = life.region();
        final long size = region.size();
        if (life.filled() < size / Long.BYTES * Long.BYTES) {
            fillUp(life, slot); // a growth that nobody has written to yet
            return;
        }
        final long seam = seam(random, region, size);
        final int choice = random.nextInt(8);
        if (life.kind().isGrowable() && choice < 6 && size < Writer.LARGEST) {
            grow(life, slot, size);
        } else if (seam == 0 || choice == 0) {
            remap(life, slot, size);
        } else {
            switch (choice) {
                case 1 -> trimHead(life, slot, seam, size);
                case 2 -> trimTail(life, slot, seam);
                case 3 -> cut(life, slot, seam, size);
                case 4 -> protect(life, slot, seam);
                default -> splitAndMerge(life, slot, seam, size);
            }
        }
    }

    /** The offset of a page inside a region, 0 if there is none. */
    static long seam(final SplittableRandom random, final Region region, final long size) {
        final long lead = region.address() % Writer.PAGE;
        final long pages = (lead + size - 1) / Writer.PAGE;
        return pages == 0 ? 0 : (1 + random.nextLong(pages)) * Writer.PAGE - lead;
    }

    private int anotherSlot() {
        return random.nextInt(world.slots());
    }

    private void grow(final Life life, final int slot, final long size) {
        writer.doing("grow");
        life.region().grow(size + 8 + random.nextLong(Writer.LARGEST - size - 7) / 8 * 8);
        world.count(Event.GROWN);
        fillUp(life, slot);
    }

    private void fillUp(final Life life, final int slot) {
        writer.doing("exclusive after growth");
        try (Guard guard = life.region().exclusive()) {
            writer.rewrite(life, guard);
        }
        writer.show(slot, life);
    }

    private void splitAndMerge(final Life life, final int slot, final long seam, final long size) {
        writer.doing("split");
        final List<Region> parts = life.region().split(seam);
        final Life low = life.next(parts.getFirst(), seam);
        final Life high = life.next(parts.getLast(), size - seam);
        world.count(Event.SPLIT);
        final int other = anotherSlot();
        writer.show(slot, low);
        writer.show(other, high);
        if (random.nextInt(4) == 0 || !world.takeIf(slot, low)) {
            return;
        }
        if (!world.takeIf(other, high)) {
            writer.show(slot, low);
            return;
        }
        writer.doing("merge");
        final Region both = random.nextBoolean() ? low.region().merge(high.region())
            : high.region().merge(low.region());
        writer.show(slot, low.mergedWith(high, both));
        world.count(Event.MERGED);
    }

    private void protect(final Life life, final int slot, final long seam) {
        if (life.kind() == Life.Kind.FILE_READ_ONLY) {
            writer.show(slot, life);
            return;
        }
        writer.doing("protect");
        final List<Region> parts = life.region().protect(0, seam,
            random.nextInt(4) == 0 ? Protection.READ_ONLY : Protection.READ_WRITE);
        if (parts.size() == 1 && parts.getFirst().equals(life.region())) {
            writer.show(slot, life);
            return;
        }
        final List<Life> lives = parts.stream().map(part -> life.next(part, part.size())).toList();
        writer.show(slot, lives.getFirst());
        lives.stream().skip(1).forEach(part -> writer.show(anotherSlot(), part));
        world.count(Event.PROTECTED);
    }

    private void trimHead(final Life life, final int slot, final long seam, final long size) {
        writer.doing("trimHead");
        life.leave();
        final Region rest = life.region().trimHead(seam);
        life.end();
        writer.show(slot, life.next(rest, size - seam));
        world.count(Event.TRIMMED);
    }

    private void trimTail(final Life life, final int slot, final long seam) {
        writer.doing("trimTail");
        life.leave();
        final Region rest = life.region().trimTail(life.region().size() - seam);
        life.end();
        writer.show(slot, life.next(rest, seam));
        world.count(Event.TRIMMED);
    }

    private void cut(final Life life, final int slot, final long seam, final long size) {
        writer.doing("unmap of a range");
        final long length = Math.min(Writer.PAGE, size - seam);
        life.leave();
        final List<Region> rest = life.region().unmap(seam, length);
        life.end();
        for (int i = 0; i < rest.size(); i++) {
            final Region part = rest.get(i);
            writer.show(i == 0 ? slot : anotherSlot(), life.next(part, part.size()));
        }
        world.count(Event.CUT);
    }

    /** Files are not moved: their names are gone, or their bytes are others' too. */
    private void remap(final Life life, final int slot, final long size) {
        if (life.kind() != Life.Kind.ANONYMOUS || size >= Writer.LARGEST || !life.region().isWritable()) {
            writer.dispose(life);
            return;
        }
        writer.doing("remap");
        life.leave();
        final long sections = world.sectionsEnded();
        final Region moved;
        try {
            moved = life.region().remap(size + Writer.PAGE);
        } catch (final MappingException e) {
            if (world.sectionsBegun() == sections) {
                throw e;
            }
            writer.show(slot, life); // the section of another thread had all addresses that are free
            return;
        }
        final Life next = life.next(moved, size / Long.BYTES * Long.BYTES);
        if (!moved.equals(life.region())) {
            life.end();
        }
        world.count(Event.REMAPPED);
        fillUp(next, slot);
    }
}
