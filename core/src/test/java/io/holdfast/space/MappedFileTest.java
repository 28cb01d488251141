// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Deadline;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.WaitReport;
import io.holdfast.WriteSection;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.Behind;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory.Call;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.FileAccess;
import io.holdfast.memory.FileHandle;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A file is one object in a process: who maps, grows, cuts and moves parts of it knows of all others (G9, G11). */
class MappedFileTest extends SpaceFixture {
    private static final int SIZE = (int) (8 * PAGE);

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private final List<WaitReport> reports = new CopyOnWriteArrayList<>();
    private AddressSpace other;

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory).reportWaits(Duration.ofMillis(1), reports::add);
    }

    @BeforeEach
    void openOther() {
        other = AddressSpace.builder().name("other").capacity(CAPACITY).idleStrategy(idle).open();
    }

    @AfterEach
    void closeOther() {
        if (space.isOpen()) {
            space.close();
        }
        other.close();
    }

    private static FileBacking growable(final Path path, final long size) {
        return FileBacking.readWrite(path).range(0, size).growableTo(1 << 20);
    }

    private static void append(final Path path, final int bytes) {
        try {
            Files.write(path, new byte[bytes], StandardOpenOption.APPEND);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long length(final Path path) {
        return path.toFile().length();
    }

    /** What is done when the first call of a kind is made, before it is. */
    private void at(final NativeCall kind, final Runnable action) {
        final AtomicBoolean done = new AtomicBoolean();
        memory.arm(call -> {
            if (call.kind() == kind && !done.getAndSet(true)) {
                action.run();
            }
            return false;
        }, 1, 1, Errno.EIO, Damage.NONE);
    }

    /** The next file that is mapped is not, after something has been done. */
    private void refuseToMap(final Runnable before) {
        memory.arm(MappedFileTest::mapsAFile, 1, 1, Errno.EPERM, Damage.NONE);
        memory.afterDamage(before);
    }

    private static boolean mapsAFile(final Call call) {
        return call.kind() == NativeCall.MMAP && call.length() <= 1 << 20;
    }

    private void allowToMap() {
        memory.disarm();
        memory.afterDamage(() -> { });
    }

    // ------------------------------------------------------------------------------------------------- taking back

    @ParameterizedTest
    @ValueSource(ints = {1, 32_768})
    void aRefusedMapMustNotCutOffWhatOthersAppended(final int grownFrom) {
        final Path path = file("log", grownFrom);
        refuseToMap(() -> append(path, 100));
        assertThatThrownBy(() -> space.map(growable(path, SIZE))).isInstanceOf(MappingException.class);
        allowToMap();
        assertThat(length(path)).isEqualTo(SIZE + 100);
    }

    @Test
    void aRefusedGrowthMustTakeBackWhatItAdded() {
        final Path path = file("log", 10);
        refuseToMap(() -> assertThat(length(path)).isEqualTo(SIZE));
        assertThatThrownBy(() -> space.map(growable(path, SIZE))).isInstanceOf(MappingException.class);
        allowToMap();
        assertThat(length(path)).isEqualTo(10);
    }

    /** What was mapped of the growth meanwhile, wherever, keeps its bytes. */
    @Test
    void aRefusedGrowthMustNotBeTakenBackUnderAnotherRegion() {
        final Path path = file("log", 10);
        final Region[] found = new Region[1];
        refuseToMap(() -> found[0] = other.map(FileBacking.readOnly(path).range(0, 3 * PAGE)));
        assertThatThrownBy(() -> space.map(growable(path, SIZE))).isInstanceOf(MappingException.class);
        allowToMap();
        assertThat(length(path)).isEqualTo(3 * PAGE);
        assertThat(found[0].readableBytes()).isEqualTo(3 * PAGE);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void growthsOnTopOfEachOtherMustBeTakenBackInAnyOrder(final boolean upperFirst) throws Exception {
        final Path path = file("log", 10);
        final Threads.Holder upper;
        try (WriteSection lower = space.write()) {
            lower.map(MapRequest.file(growable(path, SIZE)));
            upper = Threads.hold(() -> {
                final WriteSection section = other.write();
                section.map(MapRequest.file(growable(path, 2 * SIZE)));
                return section;
            });
            assertThat(length(path)).isEqualTo(2 * SIZE);
            if (upperFirst) {
                upper.close();
                assertThat(length(path)).isEqualTo(SIZE);
            }
        }
        if (!upperFirst) {
            assertThat(length(path)).isEqualTo(2 * SIZE);
            upper.close();
        }
        assertThat(length(path)).isEqualTo(10);
    }

    @Test
    void aSectionThatIsRolledBackMustLeaveTheFileAsItWas() {
        final Path path = file("log", SIZE);
        final Region region = space.map(FileBacking.readWrite(path));
        try (WriteSection section = space.write()) {
            final Region larger = section.resize(region, 3 * SIZE);
            section.segment(larger).set(JAVA_LONG, 2 * SIZE, 1);
            section.map(MapRequest.file(growable(path, 4 * SIZE)));
            assertThat(length(path)).isEqualTo(4 * SIZE);
        }
        assertThat(length(path)).isEqualTo(SIZE);
        final Region larger;
        try (WriteSection section = space.write()) {
            larger = section.resize(region, 2 * SIZE);
            section.publish();
        }
        assertThat(length(path)).isEqualTo(2 * SIZE);
        larger.unmap();
        assertThat(length(path)).as("what was published stays").isEqualTo(2 * SIZE);
    }

    // ------------------------------------------------------------------------------------------------------ cutting

    /** Ways to a file. */
    enum Way {
        SAME, LINK, SYMBOLIC, RENAMED;

        Path to(final Path path) throws IOException {
            final Path way = path.resolveSibling("way");
            return switch (this) {
                case SAME -> path;
                case LINK -> Files.createLink(way, path);
                case SYMBOLIC -> Files.createSymbolicLink(way, path);
                case RENAMED -> Files.move(path, way);
            };
        }
    }

    private static void assertRefused(final Region region, final long newSize) {
        assertThatThrownBy(() -> region.truncate(newSize)).isInstanceOf(RegionException.class)
            .hasMessageContaining("another region maps more");
        assertThat(region.isMapped()).isTrue();
        assertThat(region.readableBytes()).isEqualTo(region.size());
    }

    @ParameterizedTest
    @EnumSource
    void truncateMustSeeRegionsOfOtherSpacesByWhateverWayTheyCame(final Way way) throws IOException {
        final Path path = file("log", SIZE);
        final Region region = space.map(FileBacking.readWrite(path));
        final Region reader = other.map(FileBacking.readOnly(way.to(path)).range(PAGE, 2 * PAGE));
        assertRefused(region, 3 * PAGE - 1);
        final Region rest = region.truncate(3 * PAGE);
        assertThat(reader.readableBytes()).isEqualTo(2 * PAGE);
        reader.unmap();
        rest.truncate(PAGE).unmap();
    }

    @Test
    void truncateMustSeeARegionThatASectionHasNotPublished() throws Exception {
        final Path path = file("log", SIZE);
        final Region region = other.map(FileBacking.readWrite(path));
        try (WriteSection section = space.write()) {
            final Region fresh = section.map(MapRequest.file(FileBacking.readWrite(path)));
            final MemorySegment bytes = section.segment(fresh);
            Threads.run(() -> assertRefused(region, PAGE));
            bytes.set(JAVA_LONG, SIZE - 8, 42);
            assertThat(section.split(fresh, PAGE)).hasSize(2);
            Threads.run(() -> assertRefused(region, PAGE));
        }
        region.truncate(PAGE).unmap();
        assertThat(length(path)).isEqualTo(PAGE);
    }

    /** What is unmapped, trimmed or cut is still read by who came before. */
    @Test
    void truncateMustSeeWhatIsBeingGivenBack() throws Exception {
        final Path path = file("log", SIZE);
        final Region region = space.map(FileBacking.readWrite(path));
        final Region reader = other.map(FileBacking.readOnly(path));
        try (Guard guard = reader.share()) {
            Threads.run(() -> reader.unmap(1, TimeUnit.MILLISECONDS));
            Threads.run(() -> assertRefused(region, PAGE));
            assertBytesOf(guard.segment(), 0);
        }
        while (other.statistics().regions() != 0) {
            Thread.onSpinWait();
        }
        region.truncate(PAGE).unmap();
    }

    @Test
    void truncateMustSeePagesThatTheSystemDidNotTakeBack() {
        final Path path = file("log", SIZE);
        final Region region = other.map(FileBacking.readWrite(path));
        final Region lost = space.map(FileBacking.readOnly(path));
        memory.failFrom(NativeCall.MMAP, 1, Errno.ENOMEM, Damage.NONE);
        lost.unmap();
        memory.disarm();
        assertThat(space.statistics().quarantinedBytes()).isPositive();
        assertRefused(region, PAGE);
        space.map(FileBacking.readOnly(path)).unmap(); // tries again
        assertThat(space.statistics().quarantinedBytes()).isZero();
        region.truncate(PAGE).unmap();
    }

    /** From the announcement of the cut on the file ends there, and nobody waits. */
    @Test
    void whileATruncateWaitsForReadersTheFileMustEndThereForWhoeverMapsOrGrows() throws Exception {
        final Path path = file("log", SIZE);
        final Region region = space.map(FileBacking.readWrite(path));
        final Region log = other.map(growable(path, 100));
        final Threads.Work<Region> truncate;
        try (Pin pin = space.pin()) {
            assertThat(pin.find(region.address())).isEqualTo(region);
            truncate = Threads.start(() -> region.truncate(3 * PAGE));
            idle.awaitWaiter();
            assertThat(length(path)).isEqualTo(SIZE);
            final Region all = other.map(FileBacking.readOnly(path));
            assertThat(all.size()).isEqualTo(3 * PAGE);
            assertThatThrownBy(() -> other.map(FileBacking.readOnly(path).range(0, 3 * PAGE + 1)))
                .isInstanceOf(UncheckedIOException.class).hasMessageContaining("shorter than asked");
            assertThatThrownBy(() -> other.map(growable(path, 4 * PAGE))).isInstanceOf(MappingException.class)
                .hasMessageContaining("being truncated");
            assertThatThrownBy(() -> log.grow(4 * PAGE)).isInstanceOf(MappingException.class)
                .hasMessageContaining("being truncated");
            log.grow(2 * PAGE);
            assertThatThrownBy(() -> log.truncate(PAGE)).isInstanceOf(RegionException.class)
                .hasMessageContaining("being truncated");
            assertThat(all.readableBytes()).isEqualTo(3 * PAGE);
        }
        truncate.get().unmap();
        assertThat(length(path)).isEqualTo(3 * PAGE);
        log.grow(4 * PAGE);
        assertThat(length(path)).isEqualTo(4 * PAGE);
    }

    @Test
    void aCutThatFailsMustLeaveTheFileForOthers() {
        final Path path = file("log", SIZE);
        final Region region = space.map(FileBacking.readWrite(path));
        memory.failFrom(NativeCall.FTRUNCATE, 1, Errno.EIO, Damage.NONE);
        assertThatThrownBy(() -> region.truncate(PAGE)).isInstanceOf(UncheckedIOException.class)
            .hasMessageStartingWith("truncate failed");
        memory.disarm();
        assertThat(other.map(FileBacking.readOnly(path)).size()).isEqualTo(SIZE);
    }

    @Test
    void theCutOfADeadThreadMustNotKeepOthersFromTheFile() throws Exception {
        final Path path = file("log", SIZE);
        final Region region = space.map(FileBacking.readWrite(path));
        final FileShare share = inside(space).registry().share(inside(region).record());
        Threads.run(() -> share.file().announceCut(share, PAGE));
        assertThat(other.map(FileBacking.readOnly(path)).size()).isEqualTo(SIZE);
        region.truncate(SIZE);
    }

    // ------------------------------------------------------------------------------------------------------ waiting

    /** Another thread that lets the file grow in a space of its own, and is in the middle of it. */
    private final class Grower implements AutoCloseable {
        private final AddressSpace growing =
            inside(AddressSpace.builder().name("growing").capacity(CAPACITY).idleStrategy(idle)).memory(memory).open();
        private final CountDownLatch inside = new CountDownLatch(1);
        private final CountDownLatch release = new CountDownLatch(1);
        private final Threads.Work<Boolean> work;

        Grower(final Path path) throws InterruptedException {
            final Region region = growing.map(growable(path, PAGE));
            at(NativeCall.FALLOCATE, () -> {
                inside.countDown();
                try {
                    release.await();
                } catch (final InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            work = Threads.start(() -> {
                region.grow(2 * SIZE);
                return true;
            });
            inside.await();
        }

        @Override
        public void close() throws Exception {
            release.countDown();
            work.get();
            memory.disarm();
            growing.close();
        }
    }

    /** What waits for a file whose length another thread changes. */
    enum Wait {
        GROW, REMAP, MAP, SECTION_MAP, SECTION_MOVE;

        void run(final AddressSpace space, final Region region, final Path path) {
            switch (this) {
                case GROW -> region.grow(2 * PAGE);
                case REMAP -> region.remap(2 << 20).unmap();
                case MAP -> space.map(growable(path, 2 * PAGE)).unmap();
                case SECTION_MAP, SECTION_MOVE -> {
                    try (WriteSection section = space.write()) {
                        if (this == SECTION_MAP) {
                            section.map(MapRequest.file(growable(path, 2 * PAGE)));
                        } else {
                            section.move(region);
                        }
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void theWaitForAFileMustBeTimedAndInterruptibleAndReported(final Wait wait) throws Exception {
        final Path path = file("log", (int) PAGE);
        final Region region = space.map(growable(path, PAGE));
        try (Grower grower = new Grower(path)) {
            assertThatThrownBy(() -> Deadline.within(5, TimeUnit.MILLISECONDS, () -> wait.run(space, region, path)))
                .isInstanceOf(TimeoutException.class);
            final Threads.Work<Boolean> interrupted = Threads.start(() -> {
                assertThatThrownBy(() -> Deadline.within(1, TimeUnit.DAYS, () -> wait.run(space, region, path)))
                    .isInstanceOf(InterruptedException.class);
                return true;
            });
            final WaitReport report = awaitReport();
            interrupted.thread().interrupt();
            assertThat(interrupted.get()).isTrue();
            assertThat(report.region()).contains("path=" + path);
            assertThat(report.holders()).singleElement().satisfies(one -> {
                assertThat(one.threadId()).isEqualTo(grower.work.thread().threadId());
                assertThat(one.how()).isEqualTo(WaitReport.How.FILE);
            });
            assertThat(region.isMapped()).isTrue();
            final Region small = other.map(FileBacking.readOnly(path).range(0, PAGE)); // what it has got, at once
            small.unmap();
        }
        assertThat(length(path)).isEqualTo(2 * SIZE);
        wait.run(space, region, path);
    }

    private WaitReport awaitReport() {
        while (true) {
            for (final WaitReport report : reports) {
                if (report.region().contains("waits for grow")) {
                    return report;
                }
            }
            Thread.onSpinWait();
        }
    }

    @Test
    void tryMapMustNotWaitForAFile() throws Exception {
        final Path path = file("log", (int) PAGE);
        try (Grower _ = new Grower(path)) {
            assertThat(space.tryMap(MapRequest.file(growable(path, 2 * PAGE)))).isNull();
        }
        assertThat(space.tryMap(MapRequest.file(growable(path, 2 * PAGE)))).isNotNull();
    }

    /** Ranges come first, then the file, and nothing is waited for by who holds a file. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aSectionMustHaveTheFileThatAMapWantsWhichWaitsForTheSection(final boolean moves) throws Exception {
        final Path path = file("log", SIZE);
        final Region region = space.map(FileBacking.readWrite(path));
        final Threads.Work<Region> map;
        try (WriteSection section = space.write()) {
            map = Threads.start(() -> space.map(growable(path, 2 * SIZE)));
            idle.awaitWaiter();
            if (moves) {
                section.move(region);
            } else {
                section.map(MapRequest.file(growable(path, SIZE)));
                section.map(MapRequest.file(FileBacking.readOnly(path)));
            }
            section.publish();
        }
        assertThat(map.get().readableBytes()).isEqualTo(2 * SIZE);
    }

    @Test
    void aFileThatADeadThreadHeldMustBeFree() throws Exception {
        final Path path = file("log", SIZE);
        final Region region = space.map(growable(path, SIZE));
        final MappedFile file = inside(space).registry().share(inside(region).record()).file();
        Threads.run(() -> assertThat(hold(file)).isTrue());
        region.grow(2 * SIZE);
        assertThat(length(path)).isEqualTo(2 * SIZE);
    }

    private boolean hold(final MappedFile file) {
        try (Waiting waiting = inside(space).waiting(0, false)) {
            return file.hold("test", waiting, new WaitReports(inside(space).core(), inside(space).registry(),
                new SpaceSettings("test", 1, 1, 1, 1, 1, 0, idle, 1, reports::add, e -> { }, false, 1, 1)));
        }
    }

    /** What is to be taken back, or cut in the background, while another thread holds the file, that thread does. */
    @Test
    void whoHoldsAFileMustDoWhatOthersLeave() throws Exception {
        final Path path = file("log", 10);
        final Region region = space.map(growable(path, 10));
        final MappedFile file = inside(space).registry().share(inside(region).record()).file();
        final Threads.Holder holder;
        try (WriteSection section = other.write()) {
            section.map(MapRequest.file(growable(path, SIZE)));
            assertThat(length(path)).isEqualTo(SIZE);
            holder = Threads.hold(() -> {
                assertThat(hold(file)).isTrue();
                return file::letGo;
            });
        }
        assertThat(length(path)).isEqualTo(SIZE);
        holder.close();
        assertThat(length(path)).isEqualTo(10);
    }

    /** Whoever gives the end back cuts the file; while somebody holds it, that is left to the holder. */
    @Test
    void whoHoldsAFileMustCutItForWhoDidNotWait() throws Exception {
        final Path path = file("log", SIZE);
        final Region region = space.map(growable(path, SIZE));
        final MappedFile file = inside(space).registry().share(inside(region).record()).file();
        final Threads.Holder holder;
        try (Threads.Holder _ = Threads.hold(space::pin)) {
            final Region rest = Deadline.within(1, TimeUnit.MILLISECONDS, () -> region.truncate(PAGE));
            assertThat(rest.size()).isEqualTo(PAGE);
            holder = Threads.hold(() -> {
                assertThat(hold(file)).isTrue();
                return file::letGo;
            });
        }
        EpochTestSupport.await("the cut is left to who holds the file",
            () -> (boolean) Behind.field(Behind.field(file, "cut"), "due"));
        assertThat(length(path)).isEqualTo(SIZE);
        holder.close();
        assertThat(length(path)).isEqualTo(PAGE);
    }

    // -------------------------------------------------------------------------------------------------------- races

    /** What is mapped can be read: each round one thread cuts the file, and one maps it, in two spaces. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void mapAndTruncateMustNotMissEachOther(final boolean growing) throws Exception {
        final Path path = directory.resolve("log");
        final FileBacking backing = growing ? growable(path, SIZE) : FileBacking.readOnly(path).range(0, SIZE);
        final int rounds = 2_000;
        final AtomicInteger maps = new AtomicInteger();
        final AtomicInteger refusedMaps = new AtomicInteger();
        final AtomicBoolean over = new AtomicBoolean();
        final Threads.Work<Integer> cutter = Threads.start(() -> {
            int refused = 0;
            try {
                for (int i = 0; i < rounds || refused == 0 || maps.get() == 0 || refusedMaps.get() == 0; i++) {
                    final Region region = space.map(growable(path, SIZE));
                    try {
                        region.truncate(PAGE).unmap();
                    } catch (final RegionException e) {
                        refused++;
                        region.unmap();
                    }
                }
            } finally {
                over.set(true);
            }
            return refused;
        });
        while (!over.get()) {
            try {
                final Region region = other.map(backing);
                maps.incrementAndGet();
                assertThat(region.readableBytes()).isEqualTo(SIZE);
                region.unmap();
            } catch (final UncheckedIOException | MappingException e) {
                refusedMaps.incrementAndGet();
            }
        }
        assertThat(cutter.get()).as("cuts that a map refused").isPositive();
    }

    // ------------------------------------------------------------------------------------------------- descriptors

    /** What becomes of the path of a file that is mapped. */
    enum Fate {
        RENAMED, DELETED, REPLACED, RECREATED;

        void befall(final Path path) throws IOException {
            switch (this) {
                case RENAMED -> Files.move(path, path.resolveSibling("renamed"));
                case DELETED -> Files.delete(path);
                case REPLACED -> {
                    final Path next = path.resolveSibling("next");
                    Files.write(next, new byte[5]);
                    Files.move(next, path, StandardCopyOption.REPLACE_EXISTING);
                }
                case RECREATED -> {
                    Files.delete(path);
                    Files.write(path, new byte[5]);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void aFileMustKeepAllItsOperationsWhateverBecomesOfItsPath(final Fate fate) throws IOException {
        final Path path = file("log", SIZE);
        final Region log = space.map(growable(path, SIZE));
        final Region fixed = space.map(FileBacking.readWrite(path));
        fate.befall(path);
        log.grow(SIZE + 100);
        put(log, SIZE + 92, 7);
        log.force();
        fixed.punchHole(0, PAGE);
        final Region moved = fixed.remap(SIZE + 100);
        assertThat(get(moved, SIZE + 92)).isEqualTo(7);
        final Region again;
        try (WriteSection section = space.write()) {
            again = section.resize(moved, 3 * SIZE);
            section.publish();
        }
        put(again, 3 * SIZE - 8, 8);
        log.unmap();
        final Region rest = again.truncate(2 * PAGE);
        assertThat(rest.readableBytes()).isEqualTo(2 * PAGE);
        rest.remap(SIZE).unmap();
        if (fate == Fate.RENAMED) {
            assertThat(length(path.resolveSibling("renamed"))).isEqualTo(SIZE);
        } else {
            assertThat(fate == Fate.DELETED ? 5 : length(path)).as("the other file").isEqualTo(5);
        }
    }

    @Test
    void aFileThatIsOnlyReadMustBeMovedByItsPathAndSaySo() throws IOException {
        final Path path = file("log", SIZE);
        final Region region = space.map(FileBacking.readOnly(path).range(0, PAGE));
        final Region larger = region.remap(SIZE);
        assertThat(Resources.descriptors(directory)).isZero();
        Files.move(path, path.resolveSibling("renamed"));
        assertThatThrownBy(() -> larger.remap(2 * PAGE + SIZE)).isInstanceOf(UncheckedIOException.class)
            .hasMessageStartingWith("remap failed").hasMessageContaining("path=" + path);
        assertBytes(larger);
    }

    private static void assertBytes(final Region region) {
        try (Guard guard = region.share()) {
            assertBytesOf(guard.segment(), 0);
        }
    }

    @Test
    void thereMustBeOneDescriptorForAFileAsLongAsARegionMayChangeItsLength() throws IOException {
        final Path path = file("log", SIZE);
        final Path link = Files.createLink(path.resolveSibling("link"), path);
        final Region reader = other.map(FileBacking.readOnly(path).range(0, PAGE));
        assertThat(Resources.descriptors(directory)).isZero();
        final Region first = space.map(growable(path, SIZE));
        final Region second = other.map(growable(link, SIZE));
        final Region third = other.map(FileBacking.readWrite(path));
        assertThat(Resources.descriptors(directory)).isEqualTo(1);
        first.unmap();
        second.unmap();
        assertThat(Resources.descriptors(directory)).isEqualTo(1);
        final List<Region> parts = third.split(PAGE);
        parts.getFirst().unmap();
        assertThat(Resources.descriptors(directory)).isEqualTo(1);
        parts.getLast().truncate(PAGE).unmap();
        assertThat(Resources.descriptors(directory)).isZero();
        assertThat(reader.isMapped()).isTrue();
    }

    // ----------------------------------------------------------------------------------------------------- channels

    @ParameterizedTest
    @EnumSource
    void aFileMustBeMappedByItsChannelWhateverBecomesOfItsPath(final Fate fate) throws IOException {
        final Path path = file("log", SIZE);
        final Region byPath = other.map(FileBacking.readOnly(path).range(0, PAGE));
        final Region region;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            fate.befall(path);
            region = space.map(FileBacking.of(channel, FileBacking.Access.READ_WRITE).range(0, SIZE).growableTo(1 << 20));
            assertBytes(region);
            put(region, 8, 5);
            assertThat(channel.size()).isEqualTo(SIZE);
            assertThat(get(byPath, 8)).as("the same file").isEqualTo(5);
            assertThat(space.map(FileBacking.of(channel, FileBacking.Access.READ_ONLY)).size()).isEqualTo(SIZE);
            final Region copy = space.map(FileBacking.of(channel, FileBacking.Access.COPY_ON_WRITE));
            put(copy, 8, 6);
        }
        region.grow(2 * SIZE);
        assertThat(get(byPath, 8)).isEqualTo(5);
        assertThatThrownBy(() -> region.truncate(PAGE)).hasMessageContaining("another region maps more");
        assertThat(space.maps()).anySatisfy(info -> assertThat(info.path()).isNotNull());
    }

    @Test
    void aChannelThatTellsNoFileMustBeRefused() throws IOException {
        final Path path = file("log", 0);
        final FileBacking backing;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            backing = FileBacking.of(channel, FileBacking.Access.READ_ONLY);
            assertThatThrownBy(() -> space.map(backing)).isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("empty");
        }
        assertThatThrownBy(() -> space.map(backing)).isInstanceOf(UncheckedIOException.class)
            .hasMessageContaining("cannot be used");
        assertThat(backing.path()).isNull();
        assertThatThrownBy(() -> backing.growableTo(PAGE)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void aMergeOverHardLinksMustKeepThePathOfItsFirstByte() throws IOException {
        final Path path = file("log", SIZE);
        final Path link = Files.createLink(path.resolveSibling("link"), path);
        final Region lower = space.map(MapRequest.file(FileBacking.readWrite(path).range(0, PAGE)).at(1L << 30));
        final Region upper =
            space.map(MapRequest.file(FileBacking.readWrite(link).range(PAGE, PAGE)).at((1L << 30) + PAGE));
        final Region whole = lower.merge(upper);
        assertThat(space.maps()).singleElement().satisfies(info -> assertThat(info.path()).isEqualTo(path));
        whole.unmap();
    }

    /** Nothing of a file is left when nobody has it mapped. */
    @Test
    void aFileMustBeForgottenWithItsLastRegion() {
        final Path path = file("log", SIZE);
        final Region region = space.map(FileBacking.readOnly(path));
        final MappedFile file = inside(space).registry().share(inside(region).record()).file();
        try (FileHandle opened = FileHandle.open("map", memory, path, FileAccess.READ_ONLY, false)) {
            assertThat(MappedFile.join(opened)).isSameAs(file);
            file.leave();
            region.unmap();
            final MappedFile next = MappedFile.join(opened);
            assertThat(next).isNotSameAs(file);
            next.leave();
        }
    }
}
