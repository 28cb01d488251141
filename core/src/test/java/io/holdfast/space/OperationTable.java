// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.holdfast.AddressSpace;
import io.holdfast.Advice;
import io.holdfast.Deadline;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.Protection;
import io.holdfast.ReadSection;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.tree.ZoneTestSupport;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The public operations that reach the system, each with what is there before it. */
final class OperationTable {
    /** Methods that say what is known, or are the ends of others that have rows. */
    static final Set<String> WITHOUT_ROW = Set.of(
        "AddressSpace.name", "AddressSpace.capacity", "AddressSpace.barrier", "AddressSpace.isOpen",
        "AddressSpace.reclaimer", "AddressSpace.mappingHeadroom", "AddressSpace.close", // FaultTest.close
        "Region.address", "Region.unsafeNativeAddress", "Region.size", "Region.reservedStart", "Region.reservedEnd",
        "Region.isWritable", "Region.isMapped", "Region.space", "Region.toString", "Region.equals", "Region.hashCode",
        "Region.tryOptimisticRead", "Region.validate", "Region.unlockShared", "Region.unlockCounted",
        "Region.unlockExclusive", "Region.assertLocked", "Region.assertExclusive", "Region.assertStable",
        "Region.assertMapped", "Region.assertUnmapped",
        "WriteSection.space", "WriteSection.isOpen", "WriteSection.toString", "WriteSection.patience",
        "WriteSection.segment", "ReadSection.space", "ReadSection.isOpen", "ReadSection.toString", "ReadSection.close",
        "Guard.isHeld", "Guard.refusal", "Guard.region", "Guard.mode", "Guard.segment", "Guard.close", "Guard.toString",
        "Hold.region", "Hold.isHeld", "Hold.refusal", "Hold.close", "Hold.toString");

    private static final long PAGE = SpaceFixture.PAGE;
    private static final int LENGTH = (int) (5 * PAGE) + 100;
    private static final long AT = 16 * PAGE;
    private static final long WINDOW = 16L << 20; // of a zone of the tree
    private static final int ROUNDS = 100;

    private OperationTable() {
    }

    /**
     * Where an operation takes place.
     *
     * @param open what it has opened last, to be closed again where the end of it failed
     */
    record World(AddressSpace space, Path directory, @Nullable AutoCloseable[] open) {
        World(final AddressSpace space, final Path directory) {
            this(space, directory, new AutoCloseable[1]);
        }

        <T extends AutoCloseable> T opened(final T closeable) {
            open[0] = closeable;
            return closeable;
        }

        Path file(final String name) {
            final byte[] bytes = new byte[LENGTH];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = SpaceFixture.byteAt(i);
            }
            try {
                return Files.write(directory.resolve(name), bytes);
            } catch (final IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        Region filled(final MapRequest request) {
            final Region region = space.map(request);
            try (Guard guard = region.shareWritable()) {
                final MemorySegment bytes = guard.segment();
                for (long i = 0; i < bytes.byteSize(); i++) {
                    bytes.set(JAVA_BYTE, i, SpaceFixture.byteAt(i));
                }
            }
            return region;
        }

        Region mapped(final FileBacking backing) {
            return space.map(backing);
        }
    }

    /** What an operation does. */
    interface Body {
        void run(World world, List<Region> regions) throws Exception;
    }

    /** What may be left of an operation that threw. */
    enum Leaves {
        /** What was there before. */
        BEFORE,
        /** Also what would be there after it, where a call reported an error after it had done its work. */
        BEFORE_OR_DONE,
        /** Also a region that has been cut, and its file that has not. */
        BEFORE_OR_CUT
    }

    /** Whether failing calls fail the operation. */
    enum Expected { FAILS, NEVER_FAILS, WITHOUT_CALLS }

    /**
     * An operation.
     *
     * @param method   class and name of the method
     * @param variant  on what
     * @param world    gives the regions that are there before
     * @param body     does it
     * @param leaves   what it may leave where it throws
     * @param expected whether failing calls fail it
     */
    record Operation(String method, String variant, Function<World, List<Region>> world, Body body, Leaves leaves,
                     Expected expected) {
        boolean isAllowed(final SpacePicture now, final SpacePicture before, final SpacePicture after,
                          final Damage damage) {
            return now.equals(before) || switch (leaves) {
                case BEFORE -> false;
                case BEFORE_OR_DONE -> damage == Damage.DONE && now.equals(after);
                case BEFORE_OR_CUT -> isCut(now, before, after);
            };
        }

        /** Whether it is one of both, for what fails before or after the point of no return. */
        boolean isEither(final SpacePicture now, final SpacePicture before, final SpacePicture after) {
            return now.equals(before) || now.equals(after) || leaves == Leaves.BEFORE_OR_CUT && isCut(now, before, after);
        }

        private static boolean isCut(final SpacePicture now, final SpacePicture before, final SpacePicture after) {
            return now.regions().equals(after.regions()) && now.resources().equals(after.resources()) &&
                (now.files().equals(before.files()) || now.files().equals(after.files()));
        }

        @Override
        public String toString() {
            return method + (variant.isEmpty() ? "" : " of " + variant);
        }
    }

    private static final class Rows {
        private final List<Operation> rows = new ArrayList<>();

        void add(final String method, final String variant, final Function<World, List<Region>> world,
                 final Leaves leaves, final Expected expected, final Body body) {
            rows.add(new Operation(method, variant, world, body, leaves, expected));
        }

        void add(final String method, final String variant, final Function<World, List<Region>> world,
                 final Body body) {
            add(method, variant, world, Leaves.BEFORE, Expected.FAILS, body);
        }

        void never(final String method, final String variant, final Function<World, List<Region>> world,
                   final Body body) {
            add(method, variant, world, Leaves.BEFORE, Expected.NEVER_FAILS, body);
        }

        /** Makes no call but the barrier. */
        void silent(final String method, final String variant, final Function<World, List<Region>> world,
                    final Body body) {
            add(method, variant, world, Leaves.BEFORE, Expected.WITHOUT_CALLS, body);
        }
    }

    // ---------------------------------------------------------------------------------------------------- worlds

    private static List<Region> nothing(final World world) {
        world.file("data");
        return List.of();
    }

    private static List<Region> plain(final World world) {
        return List.of(world.filled(MapRequest.anonymous(LENGTH)));
    }

    /** In the zone of a thread that has lost races, unless the grace period of what was taken back is not over. */
    private static Region mapInZone(final World world, final long bytes) {
        ZoneTestSupport.contend(inside(world.space).core().tree());
        return world.space.map(bytes);
    }

    /** Without windows, of which one that was not opened before would be another than that of the next map. */
    private static List<Region> united(final World world) {
        inside(world.space).core().tree().unite();
        return nothing(world);
    }

    private static List<Region> inZone(final World world) {
        united(world);
        return List.of(mapInZone(world, 3 * PAGE));
    }

    private static List<Region> locked(final World world) {
        return List.of(world.filled(MapRequest.anonymous(LENGTH).locked().named("locked")));
    }

    private static List<Region> growableAnonymous(final World world) {
        return List.of(world.filled(MapRequest.anonymous(LENGTH).growableTo(64 * PAGE)));
    }

    private static List<Region> shared(final World world) {
        return List.of(world.mapped(FileBacking.readWrite(world.file("data"))));
    }

    private static List<Region> readOnly(final World world) {
        return List.of(world.mapped(FileBacking.readOnly(world.file("data"))));
    }

    private static List<Region> privately(final World world) {
        final Region region = world.mapped(FileBacking.copyOnWrite(world.file("data")).range(0, LENGTH - 2 * PAGE));
        SpaceFixture.put(region, PAGE + 8, 77);
        return List.of(region);
    }

    private static List<Region> growable(final World world) {
        return List.of(world.mapped(FileBacking.readWrite(world.file("data")).range(0, LENGTH).growableTo(1 << 20)));
    }

    private static List<Region> neighbours(final World world) {
        return List.of(world.filled(MapRequest.anonymous(2 * PAGE).at(AT)),
            world.filled(MapRequest.anonymous(2 * PAGE + 50).at(AT + 2 * PAGE)));
    }

    private static List<Region> fileNeighbours(final World world) {
        final Path path = world.file("data");
        return List.of(
            world.space.map(MapRequest.file(FileBacking.readWrite(path).range(0, 2 * PAGE)).at(AT)),
            world.space.map(MapRequest.file(FileBacking.readWrite(path).range(2 * PAGE, 2 * PAGE).growableTo(8 * PAGE))
                .at(AT + 2 * PAGE)));
    }

    /** An unmapped region that has kept its addresses for the next map of its size, of which one is enough. */
    private static List<Region> left(final World world) {
        world.space.map(16 * PAGE).unmap();
        return List.of();
    }

    private static List<Region> idle(final World world) {
        world.filled(MapRequest.anonymous(LENGTH)).unmap();
        return List.of(world.filled(MapRequest.anonymous(PAGE).at(AT)));
    }

    // ------------------------------------------------------------------------------------------------------ rows

    static List<Operation> all() {
        final Rows rows = new Rows();
        maps(rows);
        unmaps(rows);
        structure(rows);
        sizes(rows);
        pages(rows);
        locks(rows);
        sections(rows);
        sectionsOfFiles(rows);
        return rows.rows;
    }

    private static void maps(final Rows rows) {
        rows.silent("AddressSpace.map", "anonymous memory that was used before", OperationTable::nothing,
            (world, _) -> world.space.map(LENGTH));
        rows.silent("AddressSpace.map", "memory in a zone of the tree", OperationTable::united,
            (world, _) -> mapInZone(world, 3 * PAGE));
        rows.silent("AddressSpace.map", "memory over the border of a zone", OperationTable::inZone,
            (world, _) -> world.space.map(MapRequest.anonymous(4 * PAGE).at(WINDOW - 2 * PAGE)));
        rows.add("AddressSpace.map", "populated and locked memory", OperationTable::nothing, (world, _) ->
            world.space.map(MapRequest.anonymous(LENGTH).populated().locked()));
        rows.add("AddressSpace.map", "idle memory that kept its addresses, populated and locked", OperationTable::left,
            (world, _) -> world.space.map(MapRequest.anonymous(16 * PAGE).populated().locked()));
        rows.add("AddressSpace.map", "memory with advice", OperationTable::nothing, (world, _) ->
            world.space.map(MapRequest.anonymous(LENGTH).advised(Advice.RANDOM)));
        rows.add("AddressSpace.map", "a file with advice", OperationTable::nothing, (world, _) ->
            world.space.map(MapRequest.file(FileBacking.readOnly(world.directory.resolve("data")))
                .advised(Advice.SEQUENTIAL)));
        rows.add("AddressSpace.mapFile", "a file", OperationTable::nothing, (world, _) -> {
            try {
                world.space.mapFile(FileBacking.readOnly(world.directory.resolve("data")));
            } catch (final IOException e) {
                throw new UncheckedIOException(e.getMessage(), e);
            }
        });
        rows.add("AddressSpace.map", "transparent huge pages", OperationTable::nothing, (world, _) ->
            world.space.map(MapRequest.anonymous(4 << 20).transparentHugePages().populated()));
        rows.add("AddressSpace.map", "locked memory at an address", OperationTable::nothing, (world, _) ->
            world.space.map(MapRequest.anonymous(4 * PAGE).locked().at(AT)));
        rows.add("AddressSpace.map", "a private file, locked and populated", OperationTable::nothing, (world, _) ->
            world.space.map(MapRequest.file(FileBacking.copyOnWrite(world.directory.resolve("data")).range(5000, 9000))
                .locked().populated()));
        rows.add("AddressSpace.map", "a file, populated and locked, at an address", OperationTable::nothing,
            (world, _) -> world.space.map(MapRequest.file(FileBacking.readWrite(world.directory.resolve("data"))
                .range(3, 9000)).populated().locked().at(AT + 3)));
        final List<Function<Path, FileBacking>> backings = List.of(FileBacking::readOnly,
            path -> FileBacking.readWrite(path).range(5, 9000), path -> FileBacking.copyOnWrite(path).range(4097, 100),
            path -> FileBacking.readWrite(path).growableTo(1 << 20),
            path -> FileBacking.readWrite(path).range(PAGE, 2L * LENGTH).growableTo(1 << 20));
        for (final Function<Path, FileBacking> backing : backings) {
            final String what = backing.apply(Path.of("data")).toString();
            rows.add("AddressSpace.map", what, OperationTable::nothing,
                (world, _) -> world.space.map(backing.apply(world.directory.resolve("data"))));
            rows.add("AddressSpace.tryMap", what, OperationTable::nothing,
                (world, _) -> world.space.tryMap(MapRequest.file(backing.apply(world.directory.resolve("data")))));
        }
        rows.add("AddressSpace.map", "a file by its channel", OperationTable::nothing, (world, _) -> {
            try (FileChannel channel = FileChannel.open(world.directory.resolve("data"), StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
                world.space.map(FileBacking.of(channel, FileBacking.Access.READ_WRITE).range(0, 2 * LENGTH)
                    .growableTo(1 << 20));
            }
        });
        rows.add("AddressSpace.trim", "idle memory", OperationTable::idle, (world, _) -> world.space.trim());
        rows.add("AddressSpace.residentBytes", "all regions", OperationTable::fileNeighbours,
            (world, _) -> world.space.residentBytes());
    }

    private static void unmaps(final Rows rows) {
        final List<Function<World, List<Region>>> worlds = List.of(OperationTable::locked, OperationTable::shared,
            OperationTable::privately, OperationTable::growable);
        final String[] names = {"locked memory", "a file", "a private file", "a growable file"};
        for (int i = 0; i < names.length; i++) {
            final Function<World, List<Region>> world = worlds.get(i);
            rows.never("Region.unmap", names[i], world, (_, regions) -> regions.getFirst().unmap());
            rows.never("Region.unmap", names[i] + " with a time", world,
                (_, regions) -> regions.getFirst().unmap(1, TimeUnit.DAYS));
            rows.never("Region.unmap", names[i] + " within a patience", world,
                (_, regions) -> Deadline.within(1, TimeUnit.DAYS, () -> regions.getFirst().unmap()));
            rows.never("Region.unmapIfMapped", names[i], world, (_, regions) -> regions.getFirst().unmapIfMapped());
            rows.never("Region.unmapAsync", names[i], world, OperationTable::unmapAsync);
        }
        rows.never("AddressSpace.unmap", "files that are neighbours", OperationTable::fileNeighbours,
            (world, regions) -> world.space.unmap(regions));
        rows.never("AddressSpace.unmap", "files that are neighbours, with a time", OperationTable::fileNeighbours,
            (world, regions) -> world.space.unmap(regions, 1, TimeUnit.DAYS));
        rows.never("AddressSpace.unmapAsync", "files that are neighbours", OperationTable::fileNeighbours,
            (world, regions) -> finish(world, world.space.unmapAsync(regions)));
        rows.never("Region.unmap", "a growable file beside memory", OperationTable::fileNeighbours,
            (_, regions) -> regions.getLast().unmap());
        rows.silent("AddressSpace.unmap", "memory", OperationTable::neighbours,
            (world, regions) -> world.space.unmap(regions));
        rows.silent("Region.unmap", "memory", OperationTable::plain, (_, regions) -> regions.getFirst().unmap());
        rows.silent("Region.unmapAsync", "memory", OperationTable::plain, OperationTable::unmapAsync);
    }

    private static void unmapAsync(final World world, final List<Region> regions) throws Exception {
        finish(world, regions.getFirst().unmapAsync());
    }

    private static void finish(final World world, final CompletionStage<Void> unmap) throws Exception {
        final CompletableFuture<Void> done = unmap.toCompletableFuture();
        for (int i = 0; i < ROUNDS && !done.isDone(); i++) {
            world.space.reclaimer().doWork();
        }
    }

    private static void structure(final Rows rows) {
        rows.silent("Region.split", "memory", OperationTable::plain, (_, regions) -> regions.getFirst().split(2 * PAGE));
        rows.silent("Region.split", "a growable file", OperationTable::growable,
            (_, regions) -> regions.getFirst().split(2 * PAGE));
        rows.silent("Region.merge", "memory", OperationTable::neighbours,
            (_, regions) -> regions.getFirst().merge(regions.getLast()));
        rows.silent("Region.merge", "files", OperationTable::fileNeighbours,
            (_, regions) -> regions.getLast().merge(regions.getFirst()));
        final List<Function<World, List<Region>>> worlds = List.of(OperationTable::plain, OperationTable::locked,
            OperationTable::shared, OperationTable::privately, OperationTable::growable,
            OperationTable::growableAnonymous);
        final String[] names = {"memory", "locked memory", "a file", "a private file", "a growable file",
            "growable memory"};
        for (int i = 0; i < names.length; i++) {
            final Function<World, List<Region>> world = worlds.get(i);
            final Expected given = names[i].endsWith("e memory") || i == 0 ? Expected.WITHOUT_CALLS : Expected.NEVER_FAILS;
            rows.add("Region.trimHead", names[i], world, Leaves.BEFORE, given,
                (_, regions) -> regions.getFirst().trimHead(2 * PAGE));
            rows.add("Region.trimTail", names[i], world, Leaves.BEFORE, given,
                (_, regions) -> regions.getFirst().trimTail(2 * PAGE + 5));
            rows.add("Region.unmap", "the middle of " + names[i], world, Leaves.BEFORE, given,
                (_, regions) -> regions.getFirst().unmap(PAGE, PAGE));
            rows.add("Region.protect", names[i], world, (_, regions) -> regions.getFirst().protect(Protection.READ_ONLY));
            rows.add("Region.protect", "the middle of " + names[i], world,
                (_, regions) -> regions.getFirst().protect(PAGE, PAGE, Protection.READ_ONLY));
            rows.add("Region.protect", "memory again, and " + names[i], w -> List.of(world.apply(w).getFirst()
                .protect(Protection.READ_ONLY)), (_, regions) -> regions.getFirst().protect(Protection.READ_WRITE));
        }
    }

    private static void sizes(final Rows rows) {
        rows.silent("Region.grow", "memory", OperationTable::growableAnonymous,
            (_, regions) -> regions.getFirst().grow(20 * PAGE));
        rows.add("Region.grow", "a file", OperationTable::growable, (_, regions) -> regions.getFirst().grow(20 * PAGE));
        rows.add("Region.grow", "a file by less than a page", OperationTable::growable,
            (_, regions) -> regions.getFirst().grow(LENGTH + 5));
        rows.add("Region.truncate", "a file", OperationTable::shared, Leaves.BEFORE_OR_CUT, Expected.FAILS,
            (_, regions) -> regions.getFirst().truncate(3 * PAGE + 10));
        rows.add("Region.truncate", "a growable file", OperationTable::growable, Leaves.BEFORE_OR_CUT, Expected.FAILS,
            (_, regions) -> regions.getFirst().truncate(3 * PAGE + 10));
        rows.silent("Region.remap", "memory to a larger size", OperationTable::plain,
            (_, regions) -> regions.getFirst().remap(20 * PAGE));
        rows.add("Region.remap", "locked memory to a larger size", OperationTable::locked,
            (_, regions) -> regions.getFirst().remap(20 * PAGE));
        rows.never("Region.remap", "locked memory to a smaller size", OperationTable::locked,
            (_, regions) -> regions.getFirst().remap(PAGE));
        rows.silent("Region.remap", "memory to a smaller size", OperationTable::plain,
            (_, regions) -> regions.getFirst().remap(PAGE));
        rows.never("Region.remap", "a file to a smaller size", OperationTable::shared,
            (_, regions) -> regions.getFirst().remap(PAGE));
        rows.never("Region.remap", "a private file to a smaller size", OperationTable::privately,
            (_, regions) -> regions.getFirst().remap(PAGE));
        rows.add("Region.remap", "a file to a larger size", OperationTable::shared,
            (_, regions) -> regions.getFirst().remap(20 * PAGE));
        rows.add("Region.remap", "a private file to a larger size", OperationTable::privately,
            (_, regions) -> regions.getFirst().remap(LENGTH));
        rows.add("Region.remap", "a growable file in place", OperationTable::growable,
            (_, regions) -> regions.getFirst().remap(20 * PAGE));
        rows.never("Region.remap", "a growable file to a smaller size", OperationTable::growable,
            (_, regions) -> regions.getFirst().remap(PAGE));
    }

    private static void pages(final Rows rows) {
        final List<Function<World, List<Region>>> worlds = List.of(OperationTable::plain, OperationTable::shared,
            OperationTable::privately, OperationTable::readOnly);
        final String[] names = {"memory", "a file", "a private file", "a file for reading"};
        for (int i = 0; i < names.length; i++) {
            final Function<World, List<Region>> world = worlds.get(i);
            final String name = names[i];
            page(rows, "advise", name, world, region -> region.advise(Advice.RANDOM));
            page(rows, "advise", "a range of " + name, world, region -> region.advise(PAGE + 5, 1, Advice.SEQUENTIAL));
            page(rows, "lockInMemory", name, world, Region::lockInMemory);
            page(rows, "unlockFromMemory", name, world, Region::unlockFromMemory);
            page(rows, "populate", name, world, Region::populate);
            page(rows, "residentBytes", name, world, Region::residentBytes);
            rows.silent("Region.copyOut", name, world, (_, regions) -> regions.getFirst().copyOut(0,
                MemorySegment.ofArray(new byte[(int) PAGE]), 0, PAGE));
            rows.silent("Region.readableBytes", name, world, (_, regions) -> regions.getFirst().readableBytes());
        }
        page(rows, "force", "a file", OperationTable::shared, Region::force);
        page(rows, "force", "a range of a file", OperationTable::shared, region -> region.force(PAGE + 5, 1));
        page(rows, "discard", "memory", OperationTable::plain, region -> region.discard(PAGE, 2 * PAGE));
        page(rows, "punchHole", "a file", OperationTable::shared, region -> region.punchHole(PAGE, 2 * PAGE));
        rows.silent("Region.copyIn", "memory", OperationTable::plain, (_, regions) -> regions.getFirst().copyIn(
            MemorySegment.ofArray(new byte[(int) PAGE]), 0, 5, PAGE));
    }

    /** What the kernel did to pages before it reported an error it has done. */
    private static void page(final Rows rows, final String method, final String variant,
                             final Function<World, List<Region>> world, final Consumer<Region> body) {
        rows.add("Region." + method, variant, world, Leaves.BEFORE_OR_DONE, Expected.FAILS,
            (_, regions) -> body.accept(regions.getFirst()));
    }

    private static void locks(final Rows rows) {
        rows.silent("Region.exclusive", "memory", OperationTable::plain,
            (_, regions) -> regions.getFirst().exclusive().close());
        rows.silent("Region.exclusive", "memory with a time", OperationTable::plain,
            (_, regions) -> regions.getFirst().exclusive(1, TimeUnit.DAYS).close());
        rows.silent("Region.tryExclusive", "memory", OperationTable::plain,
            (_, regions) -> regions.getFirst().tryExclusive().close());
        rows.silent("Region.lockExclusive", "memory", OperationTable::plain,
            (_, regions) -> regions.getFirst().unlockExclusive(regions.getFirst().lockExclusive()));
        rows.silent("Region.tryLockExclusive", "memory", OperationTable::plain,
            (_, regions) -> regions.getFirst().unlockExclusive(regions.getFirst().tryLockExclusive()));
        rows.silent("Region.tryConvertToExclusive", "memory", OperationTable::plain, (_, regions) -> {
            final Region region = regions.getFirst();
            final long shared = region.lockShared();
            long stamp = shared;
            try {
                stamp = region.tryConvertToExclusive(shared);
            } finally { // a conversion that fails leaves the lock that there was
                if (stamp == shared) {
                    region.unlockShared(shared);
                } else {
                    region.unlockExclusive(stamp);
                }
            }
        });
        rows.silent("Guard.tryUpgrade", "memory", OperationTable::plain, (_, regions) -> {
            try (Guard guard = regions.getFirst().share()) {
                guard.tryUpgrade();
            }
        });
        rows.silent("AddressSpace.write", "a range", OperationTable::plain,
            (world, _) -> world.opened(world.space.write()).close());
        rows.silent("AddressSpace.write", "a range with a time", OperationTable::plain,
            (world, _) -> world.opened(world.space.write(0, PAGE, 1, TimeUnit.DAYS)).close());
        rows.silent("AddressSpace.tryWrite", "a range", OperationTable::plain,
            (world, _) -> world.opened(world.space.tryWrite(0, PAGE)).close());
        rows.silent("ReadSection.tryUpgrade", "a range", OperationTable::plain, (world, _) -> {
            try (ReadSection reading = world.opened(world.space.read(0, PAGE))) {
                world.opened(reading.tryUpgrade()).close();
            }
        });
    }

    /** What is done in a section that is published. */
    private interface Change {
        void make(WriteSection section, World world, List<Region> regions);
    }

    private static void change(final Rows rows, final String method, final String variant,
                               final Function<World, List<Region>> world, final Expected expected,
                               final Change change) {
        rows.add("WriteSection." + method, variant, world, Leaves.BEFORE, expected, (where, regions) -> {
            try (WriteSection section = where.opened(where.space.write())) {
                change.make(section, where, regions);
                section.publish();
            }
        });
    }

    private static void sections(final Rows rows) {
        final Expected silent = Expected.WITHOUT_CALLS;
        change(rows, "map", "memory", OperationTable::plain, silent, (section, _, _) -> section.map(LENGTH));
        change(rows, "unmap", "memory", OperationTable::plain, silent,
            (section, _, regions) -> section.unmap(regions.getFirst()));
        change(rows, "split", "memory", OperationTable::plain, silent,
            (section, _, regions) -> section.split(regions.getFirst(), PAGE));
        change(rows, "merge", "memory", OperationTable::neighbours, silent,
            (section, _, regions) -> section.merge(regions.getFirst(), regions.getLast()));
        change(rows, "move", "memory", OperationTable::plain, silent,
            (section, _, regions) -> section.move(regions.getFirst()));
        change(rows, "resize", "memory", OperationTable::plain, silent,
            (section, _, regions) -> section.resize(regions.getFirst(), 20 * PAGE));
        change(rows, "exclude", "memory", OperationTable::plain, silent,
            (section, _, regions) -> section.exclude(regions.getFirst()));
        change(rows, "exclude", "a range", OperationTable::neighbours, silent,
            (section, world, _) -> section.exclude(0, world.space.capacity()));
        change(rows, "end", "memory", OperationTable::plain, silent, (section, _, regions) -> {
            section.exclude(regions.getFirst());
            section.end(regions.getFirst());
        });
        change(rows, "publish", "nothing", OperationTable::plain, silent, (_, _, _) -> { });
        rows.silent("WriteSection.endAll", "memory", OperationTable::plain, (world, regions) -> {
            try (WriteSection section = world.opened(world.space.write())) {
                section.exclude(regions.getFirst());
                section.endAll();
            }
        });
        rows.silent("WriteSection.downgrade", "memory", OperationTable::plain, (world, regions) -> {
            try (WriteSection section = world.opened(world.space.write())) {
                section.exclude(regions.getFirst());
                section.downgrade();
                section.tryUpgrade();
            }
        });
        rows.silent("WriteSection.tryUpgrade", "a section that then unmaps", OperationTable::neighbours,
            (world, regions) -> {
                try (WriteSection section = world.opened(world.space.write())) {
                    section.downgrade();
                    section.tryUpgrade();
                    section.unmap(regions.getLast());
                    section.publish();
                }
            });
        rows.add("WriteSection.close", "a section with changes", OperationTable::shared, (world, regions) -> {
            try (WriteSection section = world.opened(world.space.write())) {
                section.map(MapRequest.file(FileBacking.readOnly(world.directory.resolve("data"))));
                section.unmap(section.split(regions.getFirst(), PAGE).getFirst());
            }
        });
    }

    private static void sectionsOfFiles(final Rows rows) {
        change(rows, "map", "a file", OperationTable::nothing, Expected.FAILS, (section, world, _) ->
            section.map(MapRequest.file(FileBacking.readWrite(world.directory.resolve("data")).growableTo(1 << 20))));
        change(rows, "map", "locked memory", OperationTable::nothing, Expected.FAILS,
            (section, _, _) -> section.map(MapRequest.anonymous(LENGTH).locked().populated()));
        final List<Function<World, List<Region>>> worlds = List.of(OperationTable::locked, OperationTable::shared,
            OperationTable::privately, OperationTable::growable);
        final String[] names = {"locked memory", "a file", "a private file", "a growable file"};
        for (int i = 0; i < names.length; i++) {
            final Function<World, List<Region>> world = worlds.get(i);
            change(rows, "unmap", names[i], world, Expected.NEVER_FAILS,
                (section, _, regions) -> section.unmap(regions.getFirst()));
            change(rows, "unmap", "a range of " + names[i], world, Expected.NEVER_FAILS, (section, _, regions) ->
                section.unmap(regions.getFirst().address() + PAGE, regions.getFirst().address() + 2 * PAGE));
            change(rows, "protect", names[i], world, Expected.FAILS,
                (section, _, regions) -> section.protect(regions.getFirst(), Protection.READ_ONLY));
            change(rows, "move", names[i], world, Expected.FAILS,
                (section, _, regions) -> section.move(regions.getFirst()));
            change(rows, "resize", names[i] + ", smaller", world, Expected.NEVER_FAILS,
                (section, _, regions) -> section.resize(regions.getFirst(), PAGE));
            change(rows, "resize", names[i] + ", larger", world, Expected.FAILS,
                (section, _, regions) -> section.resize(regions.getFirst(), regions.getFirst().size() + PAGE));
        }
        change(rows, "merge", "files", OperationTable::fileNeighbours, Expected.WITHOUT_CALLS,
            (section, _, regions) -> section.merge(regions.getFirst(), regions.getLast()));
    }
}
