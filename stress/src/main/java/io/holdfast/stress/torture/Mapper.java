// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.Region;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;

/** Maps regions of every kind and fills them with their pattern, before anybody else knows of them. */
final class Mapper {
    private static final int FILES = 4;
    private static final long FILE_GENERATIONS = 1L << 40;

    private final World world;
    private final SplittableRandom random;

    Mapper(final World world, final SplittableRandom random) {
        this.world = world;
        this.random = random;
    }

    /** Writes the files that are mapped by several regions. */
    static void prepare(final Path directory) throws IOException {
        for (int i = 0; i < FILES; i++) {
            Pattern.write(shared(directory, i), Writer.LARGEST, FILE_GENERATIONS + i);
        }
    }

    private static Path shared(final Path directory, final int number) {
        return directory.resolve("shared-" + number);
    }

    /** A new life, in the space of now. */
    Life map() {
        final World.Stage stage = world.stage();
        final AddressSpace space = stage.space();
        final int era = stage.era();
        if (world.settings().locksOnly()) {
            return filled(space.map(Writer.PAGE), Life.Kind.ANONYMOUS, era);
        }
        return switch (random.nextInt(16)) {
            case 0 -> growableFile(space, era);
            case 1 -> file(space, era, true);
            case 2 -> file(space, era, false);
            case 3, 4 -> growable(space, era);
            default -> anonymous(space, era);
        };
    }

    private Life anonymous(final AddressSpace space, final int era) {
        final long size = Writer.PAGE * (1 + random.nextInt(4)) - (random.nextBoolean() ? 0 : random.nextInt(64) * 8L);
        return filled(space.map(size), Life.Kind.ANONYMOUS, era);
    }

    private Life growable(final AddressSpace space, final int era) {
        return filled(space.map(MapRequest.anonymous(Writer.PAGE).growableTo(Writer.LARGEST).named("growable")),
            Life.Kind.ANONYMOUS_GROWABLE, era);
    }

    private Life filled(final Region region, final Life.Kind kind, final int era) {
        final long generation = world.nextGeneration();
        try (Guard guard = region.shareWritable()) {
            if (Pattern.wrong(guard.segment(), guard.segment().byteSize(), 0, true) != 0) {
                throw new Failure("memory is handed out with bytes in it: now=" + Pattern.describe(guard.segment()) +
                    ", " + region);
            }
            Pattern.fill(guard.segment(), Pattern.word(generation, 0));
        }
        world.count(Event.MAPPED);
        return new Life(region, kind, generation, era, region.size());
    }

    private Life file(final AddressSpace space, final int era, final boolean written) {
        final int number = random.nextInt(FILES);
        final Path path = shared(world.settings().directory(), number);
        final long offset = random.nextBoolean() ? 0 : random.nextInt(Writer.LARGEST / 2) / 8 * 8L;
        final long length = Writer.PAGE * (1 + random.nextInt(4));
        final FileBacking backing = written ? FileBacking.copyOnWrite(path) : FileBacking.readOnly(path);
        final Region region = space.map(backing.range(offset, length));
        world.count(Event.FILE_MAPPED);
        return new Life(region, written ? Life.Kind.FILE_PRIVATE : Life.Kind.FILE_READ_ONLY,
            FILE_GENERATIONS + number, era, length);
    }

    /** A file of its own, of which nothing is left but the mapping. */
    private Life growableFile(final AddressSpace space, final int era) {
        final long generation = world.nextGeneration();
        final Path path = world.settings().directory().resolve("own-" + generation);
        try {
            try {
                Pattern.write(path, Writer.PAGE, generation);
                final Region region = space.map(FileBacking.readWrite(path).growableTo(Writer.LARGEST));
                world.count(Event.FILE_MAPPED);
                return new Life(region, Life.Kind.FILE_GROWABLE, generation, era, Writer.PAGE);
            } finally {
                Files.deleteIfExists(path);
            }
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
