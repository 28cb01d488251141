// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Deadline;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.Protection;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.RegionInfo;
import io.holdfast.WriteSection;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** Regions that are split, merged, cut, protected and moved: what there is afterwards, and what is refused. */
class RegionStructureTest extends SpaceFixture {
    private static final int PAGES = 8;

    private Region anonymous() {
        final Region region = space.map(PAGES * PAGE);
        try (Guard guard = region.exclusive()) {
            for (long i = 0; i < guard.segment().byteSize(); i++) {
                guard.segment().set(JAVA_BYTE, i, byteAt(i));
            }
        }
        return region;
    }

    private static void assertContent(final Region region, final long offset, final long size) {
        assertThat(region.size()).isEqualTo(size);
        try (Guard guard = region.share()) {
            assertBytesOf(guard.segment(), offset);
        }
    }

    private static void assertMoved(final Region region) {
        assertThat(region.isMapped()).isFalse();
        assertThat(region.tryShare().refusal()).isEqualTo(Refusal.MOVED);
        assertThat(region.tryExclusive().refusal()).isEqualTo(Refusal.MOVED);
        assertThat(region.tryOptimisticRead()).isZero();
        assertThatThrownBy(region::share).isInstanceOfSatisfying(RegionException.class,
            e -> assertThat(e.refusal()).isEqualTo(Refusal.MOVED)).hasMessageContaining("MOVED");
        assertThatThrownBy(region::hold).isInstanceOf(RegionException.class).hasMessageContaining("MOVED");
        assertThatThrownBy(region::unmap).isInstanceOf(RegionException.class).hasMessageContaining("MOVED");
        assertThatThrownBy(() -> region.split(PAGE)).isInstanceOf(RegionException.class).hasMessageContaining("MOVED");
        assertThatThrownBy(region::size).isInstanceOf(RegionException.class).hasMessageContaining("MOVED");
        assertThatThrownBy(region::unmapAsync).isInstanceOf(RegionException.class).hasMessageContaining("MOVED");
    }

    private void assertCovered(final long from, final long to, final Region... regions) {
        try (Pin pin = space.pin()) {
            for (final Region region : regions) {
                assertThat(pin.find(region.address())).isEqualTo(region);
                assertThat(pin.find(region.address() + region.size() - 1)).isEqualTo(region);
            }
            for (long at = from; at < to; at += PAGE) {
                assertThat(pin.find(at)).isNotNull();
            }
        }
    }

    @Test
    void splitMustMakeTwoRegionsAndEndTheOldHandle() {
        final Region region = anonymous();
        final long stamp = region.tryOptimisticRead();
        final long address = region.address();
        final List<Region> parts = region.split(3 * PAGE);
        assertThat(parts).hasSize(2);
        assertMoved(region);
        assertThat(region.validate(stamp)).isFalse();
        assertThat(parts.getFirst().address()).isEqualTo(address);
        assertThat(parts.getLast().address()).isEqualTo(address + 3 * PAGE);
        assertContent(parts.getFirst(), 0, 3 * PAGE);
        assertContent(parts.getLast(), 3 * PAGE, 5 * PAGE);
        assertCovered(address, address + 8 * PAGE, parts.getFirst(), parts.getLast());
        assertThat(space.statistics().regions()).isEqualTo(2);
        parts.getFirst().unmap();
        assertContent(parts.getLast(), 3 * PAGE, 5 * PAGE);
        parts.getLast().unmap();
    }

    @Test
    void splitFileRegionsMustKeepTheirBytesOfTheFile() throws Exception {
        final Path path = file("data", 50_000);
        final long lead = 5000 % PAGE;
        final Region region = space.map(MapRequest.file(FileBacking.readWrite(path).range(5000, 40_000)).named("it"));
        final List<Region> parts = region.split(3 * PAGE - lead);
        assertContent(parts.getFirst(), 5000, 3 * PAGE - lead);
        assertContent(parts.getLast(), 5000 + 3 * PAGE - lead, 40_000 - 3 * PAGE + lead);
        assertThat(space.maps()).hasSize(2).allSatisfy(info -> {
            assertThat(info.name()).isEqualTo("it");
            assertThat(info.path()).isEqualTo(path);
        });
        assertThat(space.maps().getLast().fileOffset()).isEqualTo(5000 + 3 * PAGE - lead);
        put(parts.getLast(), 0, 77);
        parts.getLast().force();
        final byte[] bytes = Files.readAllBytes(path);
        assertThat(bytes[(int) (5000 + 3 * PAGE - lead)]).isEqualTo((byte) 77);
        final Region merged = parts.getLast().merge(parts.getFirst());
        assertThat(merged.size()).isEqualTo(40_000);
        assertThat(get(merged, 3 * PAGE - lead)).isEqualTo(77);
        merged.unmap();
    }

    @Test
    void mergeMustMakeOneRegionOfTwoNeighbours() {
        final Region region = anonymous();
        final List<Region> parts = region.split(5 * PAGE);
        final long stamp = parts.getFirst().tryOptimisticRead();
        final Region merged = parts.getFirst().merge(parts.getLast());
        assertThat(parts.getFirst().validate(stamp)).isFalse();
        parts.forEach(RegionStructureTest::assertMoved);
        assertContent(merged, 0, PAGES * PAGE);
        assertThat(merged.address()).isEqualTo(region.address());
        assertThat(space.statistics().regions()).isEqualTo(1);
        assertThat(space.maps()).hasSize(1);
        merged.unmap();
    }

    @Test
    void trimsMustGiveBackAndKeepTheRest() {
        final Region region = anonymous();
        final long address = region.address();
        final Region tail = region.trimHead(2 * PAGE);
        assertMoved(region);
        assertThat(tail.address()).isEqualTo(address + 2 * PAGE);
        assertContent(tail, 2 * PAGE, 6 * PAGE);
        final Region middle = tail.trimTail(PAGE + 100);
        assertContent(middle, 2 * PAGE, 5 * PAGE - 100);
        final Region less = middle.trimTail(1);
        assertContent(less, 2 * PAGE, 5 * PAGE - 101);
        try (Pin pin = space.pin()) {
            assertThat(pin.find(address)).isNull();
            assertThat(pin.find(address + PAGE)).isNull();
            assertThat(pin.find(address + 7 * PAGE)).isNull();
        }
        assertThat(space.statistics().mappedBytes()).isEqualTo(5 * PAGE);
        final Region head = space.map(MapRequest.anonymous(2 * PAGE).at(address));
        assertThat(get(head, PAGE)).isZero();
        head.unmap();
        less.unmap();
        final Region again = space.map(MapRequest.anonymous(PAGES * PAGE).at(address));
        for (long i = 0; i < PAGES; i++) {
            assertThat(get(again, i * PAGE)).isZero();
        }
        again.unmap();
    }

    @Test
    void unmapOfARangeMustLeaveTheRest() {
        final Region region = anonymous();
        final List<Region> left = region.unmap(2 * PAGE, 3 * PAGE);
        assertMoved(region);
        assertThat(left).hasSize(2);
        assertContent(left.getFirst(), 0, 2 * PAGE);
        assertContent(left.getLast(), 5 * PAGE, 3 * PAGE);
        assertThat(left.getLast().unmap(PAGE, 2 * PAGE)).singleElement()
            .satisfies(one -> assertContent(one, 5 * PAGE, PAGE));
        assertThat(left.getFirst().unmap(0, PAGE)).singleElement().satisfies(one -> {
            assertContent(one, PAGE, PAGE);
            assertThat(one.unmap(0, PAGE)).isEmpty();
            assertThat(one.tryShare().refusal()).isEqualTo(Refusal.DETACHED);
        });
        assertThat(space.statistics().regions()).isEqualTo(1);
    }

    @Test
    void cutsMustLieBetweenPagesAndInside() {
        final Region region = anonymous();
        final Resources before = Resources.of(space, directory);
        for (final long at : new long[] {0, -PAGE, 1, PAGE + 1, PAGES * PAGE, Long.MAX_VALUE}) {
            assertThatIllegalArgumentException().isThrownBy(() -> region.split(at));
            assertThatIllegalArgumentException().isThrownBy(() -> region.trimHead(at));
        }
        for (final long[] range : new long[][] {{1, PAGE}, {0, 1}, {0, 0}, {PAGE, -1}, {0, 9 * PAGE}, {-PAGE, PAGE}}) {
            assertThatIllegalArgumentException().isThrownBy(() -> region.unmap(range[0], range[1]));
            assertThatIllegalArgumentException()
                .isThrownBy(() -> region.protect(range[0], range[1], Protection.READ_ONLY));
        }
        assertThatIllegalArgumentException().isThrownBy(() -> region.trimTail(0));
        assertThatIllegalArgumentException().isThrownBy(() -> region.trimTail(PAGES * PAGE));
        assertThatIllegalArgumentException().isThrownBy(() -> region.remap(0));
        assertThatThrownBy(() -> region.remap(Long.MAX_VALUE)).isInstanceOf(MappingException.class);
        assertThatThrownBy(() -> region.truncate(PAGE)).isInstanceOf(RegionException.class);
        before.assertUnchanged(space, directory);
        assertContent(region, 0, PAGES * PAGE);
        region.unmap();
    }

    @Test
    void protectMustForbidAndAllowWriting() {
        final Region region = anonymous();
        final List<Region> parts = region.protect(2 * PAGE, 3 * PAGE, Protection.READ_ONLY);
        assertMoved(region);
        assertThat(parts).extracting(Region::isWritable).containsExactly(true, false, true);
        assertThat(space.maps()).extracting(RegionInfo::writable).containsExactly(true, false, true);
        assertContent(parts.get(1), 2 * PAGE, 3 * PAGE);
        assertThatThrownBy(() -> parts.get(1).shareWritable()).isInstanceOf(RegionException.class);
        try (Guard guard = parts.get(1).exclusive()) {
            assertThat(guard.segment().isReadOnly()).isTrue();
        }
        assertThatThrownBy(() -> parts.get(1).discard(0, PAGE)).isInstanceOf(RegionException.class);
        assertThatThrownBy(() -> parts.get(0).merge(parts.get(1))).isInstanceOf(RegionException.class)
            .hasMessageContaining("protection");
        assertThat(parts.get(1).protect(Protection.READ_ONLY)).isSameAs(parts.get(1));
        final Region writable = parts.get(1).protect(Protection.READ_WRITE);
        put(writable, 0, 5);
        final Region merged = parts.get(0).merge(writable).merge(parts.get(2));
        assertThat(get(merged, 2 * PAGE)).isEqualTo(5);
        merged.protect(Protection.READ_ONLY).unmap();
        final Region again = space.map(PAGES * PAGE);
        put(again, 3 * PAGE, 1);
        assertThat(get(again, 2 * PAGE)).isZero();
        again.unmap();
    }

    @Test
    void protectOfFileRegionsMustFollowTheWayTheyWereMapped() {
        final Path path = file("data", 50_000);
        final Region readOnly = space.map(FileBacking.readOnly(path));
        assertThatThrownBy(() -> readOnly.protect(Protection.READ_WRITE)).isInstanceOf(RegionException.class)
            .hasMessageContaining("mapped for reading");
        readOnly.unmap();
        final Region log = space.map(FileBacking.readWrite(path).range(0, 50_000).growableTo(1 << 20));
        final Region sealed = log.protect(Protection.READ_ONLY);
        sealed.grow(100_000);
        assertThat(get(sealed, 90_000)).isZero();
        assertThatThrownBy(sealed::shareWritable).isInstanceOf(RegionException.class);
        final Region open = sealed.protect(Protection.READ_WRITE);
        put(open, 90_000, 3);
        open.grow(200_000);
        put(open, 190_000, 4);
        open.unmap();
        final Region copy = space.map(FileBacking.copyOnWrite(path));
        put(copy, 0, 8);
        final Region fixed = copy.protect(Protection.READ_ONLY);
        assertThat(get(fixed, 0)).isEqualTo(8);
        put(fixed.protect(Protection.READ_WRITE), 8, 9);
        space.maps().forEach(info -> assertThat(info.writable()).isTrue());
    }

    @Test
    void splitOfGrowableRegionMustLetTheTailGrow() {
        final Path path = file("data", 50_000);
        final Region log = space.map(FileBacking.readWrite(path).range(0, 50_000).growableTo(1 << 20));
        final List<Region> parts = log.split(4 * PAGE);
        assertThatThrownBy(() -> parts.getFirst().grow(5 * PAGE)).isInstanceOf(RegionException.class);
        parts.getFirst().unmap();
        parts.getLast().grow((1 << 20) - 4 * PAGE);
        put(parts.getLast(), (1 << 20) - 4 * PAGE - 8, 6);
        assertThatIllegalArgumentException().isThrownBy(() -> parts.getLast().grow((1 << 20) - 4 * PAGE + 1));
        assertThat(path.toFile().length()).isEqualTo(1 << 20);
        final Region head = parts.getLast().trimTail(PAGE);
        head.unmap();
        assertThat(Resources.descriptors(directory)).isZero();
        final Region pool = space.map(MapRequest.anonymous(2 * PAGE).growableTo(PAGES * PAGE));
        final List<Region> halves = pool.split(PAGE);
        halves.getLast().grow(7 * PAGE);
        put(halves.getLast(), 7 * PAGE - 8, 1);
        final Region whole = halves.getFirst().merge(halves.getLast());
        assertThat(get(whole, 8 * PAGE - 8)).isEqualTo(1);
        whole.unmap();
    }

    /** As a map does, and it holds nothing meanwhile that the section could wait for. */
    @Test
    void remapThatMovesMustWaitForASectionThatHasAllAddresses() throws Exception {
        final Region region = space.map(PAGE);
        final Region other = space.map(PAGE);
        assertThat(region.address()).as("all that is not the section's").isZero();
        put(region, 0, 7);
        final Threads.Work<Region> waiter;
        try (WriteSection section = space.write(region.address() + PAGE, space.capacity())) {
            assertThatThrownBy(() -> Threads.run(() -> Deadline.within(1, TimeUnit.MILLISECONDS,
                () -> region.remap(2 * PAGE)))).isInstanceOf(TimeoutException.class);
            assertThat(region.isMapped()).isTrue();
            waiter = Threads.start(() -> region.remap(2 * PAGE));
            idle.awaitWaiter();
            section.unmap(other);
            section.publish();
            assertThat(waiter.isDone()).isFalse();
        }
        final Region moved = waiter.get();
        assertThat(moved.size()).isEqualTo(2 * PAGE);
        assertThat(get(moved, 0)).isEqualTo(7);
        assertThat(region.isMapped()).isFalse();
    }

    @Test
    void remapMustGrowInPlaceOrMove() {
        final Region region = anonymous();
        final Region neighbour = space.map(PAGE);
        assertThat(region.remap(PAGES * PAGE)).isSameAs(region);
        final Region moved = region.remap(100 * PAGE);
        assertMoved(region);
        assertThat(moved.address()).isNotEqualTo(region.address());
        assertThat(get(moved, 50 * PAGE)).isZero();
        final Region cut = moved.remap(PAGES * PAGE);
        assertContent(cut, 0, PAGES * PAGE);
        final Region readOnly = cut.protect(Protection.READ_ONLY).remap(PAGES * PAGE + 1).trimTail(1);
        assertContent(readOnly, 0, PAGES * PAGE);
        assertThatThrownBy(readOnly::shareWritable).isInstanceOf(RegionException.class);
        neighbour.unmap();
        readOnly.unmap();
        assertThat(space.statistics().mappedBytes()).isZero();
    }

    @Test
    void remapOfFileRegionsMustGrowTheFileAndKeepPrivateBytes() throws Exception {
        final Path path = file("data", 50_000);
        final Region shared = space.map(FileBacking.readWrite(path).range(100, 49_900));
        final Region larger = shared.remap(80_000);
        assertThat(Files.size(path)).isEqualTo(80_100);
        put(larger, 79_000, 12);
        larger.force();
        try (Guard guard = larger.share()) {
            assertBytesOf(guard.segment().asSlice(0, 49_900), 100);
        }
        larger.unmap();
        final Region copy = space.map(FileBacking.copyOnWrite(path).range(0, 20_000));
        put(copy, 5000, -1);
        final Region grown = copy.remap(60_000);
        assertThat(get(grown, 5000)).isEqualTo(-1);
        assertThat(Files.readAllBytes(path)[5000]).isEqualTo(byteAt(5000));
        assertThatThrownBy(() -> grown.remap(1 << 20)).isInstanceOf(UncheckedIOException.class);
        assertThat(get(grown, 5000)).isEqualTo(-1);
        Files.delete(path);
        assertThatThrownBy(() -> grown.remap(70_000)).isInstanceOf(UncheckedIOException.class);
        file("data", 90_000);
        assertThatThrownBy(() -> grown.remap(70_000)).isInstanceOf(UncheckedIOException.class)
            .hasMessageContaining("another file");
        grown.unmap();
    }

    @Test
    void aRegionThatBeginsInsideOfAPageMustMoveWithAllItsPages() {
        final long at = 100 * PAGE;
        final long lead = 100;
        space.map(MapRequest.anonymous(PAGE).at(at + PAGE));
        final FileBacking backing = FileBacking.readWrite(file("data", (int) PAGE)).range(lead, PAGE - lead);
        final Region region = space.map(MapRequest.file(backing).at(at + lead));
        final long before = space.statistics().mappedBytes();
        final Region moved = region.remap(2 * PAGE - lead / 2);
        assertThat(moved.address()).isNotEqualTo(region.address());
        assertThat(space.statistics().mappedBytes()).as("three pages for one").isEqualTo(before + 2 * PAGE);
        moved.unmap();
    }

    /** A page that may be written by one mapping too many is where a reader's error becomes the file's. */
    @Test
    void aRegionThatMovesMustBeAsProtectedForTheKernelAsBefore() {
        final long at = 100 * PAGE;
        space.map(MapRequest.anonymous(PAGE).at(at + PAGE));
        for (final FileBacking backing : List.of(FileBacking.readWrite(file("shared", (int) PAGE)).range(0, PAGE),
            FileBacking.copyOnWrite(file("copy", (int) (2 * PAGE))).range(0, PAGE))) {
            for (final Protection protection : Protection.values()) {
                final Region region = space.map(MapRequest.file(backing).at(at)).protect(protection);
                final Region moved = region.remap(2 * PAGE);
                assertThat(moved.address()).isNotEqualTo(region.address());
                assertThat(Resources.access(space, moved.address())).as("%s, %s", backing, protection)
                    .startsWith(protection == Protection.READ_ONLY ? "r--" : "rw-");
                moved.unmap();
            }
        }
    }

    @Test
    void truncateMustNotCutWhatWasMappedWhileItWaited() throws Exception {
        final Path path = file("shared", 40_000);
        final Region region = space.map(FileBacking.readWrite(path));
        final Threads.Work<Region> truncate;
        final Region other;
        try (Pin pin = space.pin()) {
            assertThat(pin.find(region.address())).isEqualTo(region);
            truncate = Threads.start(() -> region.truncate(20_000));
            idle.awaitWaiter();
            other = space.map(FileBacking.readOnly(path));
            assertThat(other.size()).as("the file ends there for whoever maps it now").isEqualTo(20_000);
        }
        assertThat(truncate.get().size()).isEqualTo(20_000);
        assertThat(Files.size(path)).isEqualTo(20_000);
        try (Guard guard = other.share()) {
            assertBytesOf(guard.segment(), 0);
        }
    }

    @Test
    void truncateMustCutRegionAndFile() throws Exception {
        final Path path = file("data", 50_000);
        final Region region = space.map(FileBacking.readWrite(path).range(100, 40_000));
        final Region other = space.map(FileBacking.readOnly(path).range(0, 30_000));
        assertThatThrownBy(() -> region.truncate(20_000)).isInstanceOf(RegionException.class)
            .hasMessageContaining("another region maps more");
        assertThatIllegalArgumentException().isThrownBy(() -> region.truncate(40_001));
        other.unmap();
        final MemorySegment stale = region.optimisticSegment();
        final Region cut = region.truncate(20_000);
        assertMoved(region);
        assertContent(cut, 100, 20_000);
        assertThat(Files.size(path)).isEqualTo(20_100);
        for (long i = 0; i < stale.byteSize(); i += 100) {
            assertThat(stale.get(JAVA_BYTE, i)).isIn((byte) 0, byteAt(100 + i));
        }
        cut.unmap();
    }

    @Test
    void protectionMustBeNamed() {
        final Region region = anonymous();
        assertThatThrownBy(() -> region.protect(null)).isInstanceOf(NullPointerException.class);
        assertThatThrownBy(() -> region.protect(0, PAGE, null)).isInstanceOf(NullPointerException.class);
        try (WriteSection section = space.write(0, space.capacity())) {
            assertThatThrownBy(() -> section.protect(region, null)).isInstanceOf(NullPointerException.class);
        }
        assertThat(region.isWritable()).isTrue();
        assertThat(region.isMapped()).isTrue();
    }

    /** A page that nobody may read would fault a stale reader, and one that can be executed is nobody's wish. */
    @Test
    void protectionMustBeReadingAndWritingAndNothingElse() {
        assertThat(Protection.values()).containsExactly(Protection.READ_ONLY, Protection.READ_WRITE);
        for (final MapRequest request : List.of(MapRequest.anonymous(PAGES * PAGE),
            MapRequest.file(FileBacking.readWrite(file("shared", (int) (PAGES * PAGE)))),
            MapRequest.file(FileBacking.copyOnWrite(file("copy", (int) (PAGES * PAGE)))))) {
            Region region = space.map(request);
            for (final Protection protection : List.of(Protection.READ_ONLY, Protection.READ_WRITE,
                Protection.READ_ONLY)) {
                region = region.protect(protection);
                final String wanted = protection == Protection.READ_ONLY ? "r--" : "rw-";
                assertThat(region.isWritable()).isEqualTo(protection == Protection.READ_WRITE);
                for (long page = 0; page < PAGES; page++) {
                    assertThat(Resources.access(space, region.address() + page * PAGE)).as("%s, page %d", request, page)
                        .startsWith(wanted);
                }
            }
            region.unmap();
        }
    }

    @Test
    void sizeThatNoSpaceHasMustBeRefusedAsARemap() {
        final Region region = anonymous();
        assertThatThrownBy(() -> region.remap(Long.MAX_VALUE)).isInstanceOf(MappingException.class)
            .hasMessageContainingAll("remap failed: size=" + Long.MAX_VALUE, "capacity=");
        assertThat(region.isMapped()).isTrue();
    }

    @Test
    void structureOfAClosedSpaceMustBeRefused() {
        final Region region = anonymous();
        space.close();
        assertThatThrownBy(() -> region.split(PAGE)).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> region.remap(PAGE)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void threadThatWouldWaitForItselfMustGetAnException() {
        final Region region = anonymous();
        try (Pin _ = space.pin()) {
            assertThatThrownBy(() -> region.split(PAGE)).isInstanceOf(IllegalMonitorStateException.class);
        }
        try (Guard _ = region.share()) {
            assertThatThrownBy(() -> region.trimHead(PAGE)).isInstanceOf(IllegalMonitorStateException.class);
        }
        try (Guard _ = region.exclusive()) {
            assertThatThrownBy(() -> region.remap(PAGE)).isInstanceOf(IllegalMonitorStateException.class);
        }
        assertContent(region, 0, PAGES * PAGE);
        region.unmap();
    }

    @Test
    void limitOfRegionsMustHoldForParts() {
        space.close();
        space = AddressSpace.builder().capacity(CAPACITY).maxRegions(2).idleStrategy(idle).open();
        final Region region = anonymous();
        assertThatThrownBy(() -> region.protect(PAGE, PAGE, Protection.READ_ONLY))
            .isInstanceOf(MappingException.class).hasMessageContaining("maxRegions=2");
        assertContent(region, 0, PAGES * PAGE);
        final List<Region> parts = region.split(PAGE);
        assertThatThrownBy(() -> parts.getLast().split(PAGE)).isInstanceOf(MappingException.class);
        final Region rest = parts.getLast().trimHead(PAGE);
        assertContent(rest, 2 * PAGE, 6 * PAGE);
        assertThat(space.statistics().regions()).isEqualTo(2);
    }

    /** Whoever grows the region while all of it is being unmapped has either come too late or keeps what was added. */
    @Test
    void anUnmapOfAllThereIsMustNotTakeWhatIsAddedMeanwhile() throws Exception {
        int grown = 0;
        int late = 0;
        for (int round = 0; round < 2_000 || (grown == 0 || late == 0) && round < 200_000; round++) {
            final Region region = space.map(MapRequest.anonymous(PAGE).growableTo(4 * PAGE));
            final Threads.Work<Boolean> grower = Threads.start(() -> {
                try {
                    region.grow(2 * PAGE);
                    return true;
                } catch (final RegionException e) {
                    return false;
                }
            });
            while (grown <= late && region.size() == PAGE && !grower.isDone()) {
                Thread.onSpinWait();
            }
            final List<Region> left = region.unmap(0, PAGE);
            if (grower.get()) {
                grown++;
                assertThat(left).singleElement().satisfies(rest -> assertThat(rest.size()).isEqualTo(PAGE));
                left.getFirst().unmap();
            } else {
                late++;
                assertThat(left).isEmpty();
                assertThat(region.isMapped()).isFalse();
                assertThat(region.tryShare().refusal()).isEqualTo(Refusal.DETACHED);
            }
        }
        assertThat(grown).isPositive();
        assertThat(late).isPositive();
    }
}
