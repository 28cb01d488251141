// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Advice;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.TruncatedException;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is done to the pages of a region where they are. */
class RegionPagesTest extends SpaceFixture {
    private static final int LENGTH = 200_000;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory);
    }

    private static void fill(final Region region) {
        try (Guard guard = region.exclusive()) {
            for (long i = 0; i < guard.segment().byteSize(); i++) {
                guard.segment().set(JAVA_BYTE, i, byteAt(i));
            }
        }
    }

    private static void assertZeros(final Region region, final long offset, final long length) {
        try (Guard guard = region.share()) {
            for (long i = 0; i < guard.segment().byteSize(); i++) {
                final byte expected = i >= offset && i < offset + length ? 0 : byteAt(i);
                if (guard.segment().get(JAVA_BYTE, i) != expected) {
                    assertThat(guard.segment().get(JAVA_BYTE, i)).as("byte " + i).isEqualTo(expected);
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void adviceMustChangeNoByte(final Advice advice) {
        final Region anonymous = space.map(LENGTH);
        fill(anonymous);
        final Region file = space.map(FileBacking.readOnly(file("data", LENGTH)).range(100, 150_000));
        for (final Region region : List.of(anonymous, file)) {
            region.advise(advice);
            region.advise(10_000, 1, advice);
            region.advise(0, region.size(), advice);
        }
        assertZeros(anonymous, 0, 0);
        try (Guard guard = file.share()) {
            assertBytesOf(guard.segment(), 100);
            file.advise(advice);
        }
        anonymous.unmap();
        file.unmap();
        final Region again = space.map(LENGTH);
        assertThat(get(again, LENGTH - 8)).isZero();
        again.unmap();
    }

    @Test
    void rangesOfNothingMustBeNothingToDo() {
        final Region anonymous = space.map(LENGTH);
        fill(anonymous);
        final Region file = space.map(FileBacking.readWrite(file("data", LENGTH)).range(100, 150_000));
        for (final long at : new long[] {0, 1, PAGE, 150_000}) {
            for (final Region region : List.of(anonymous, file)) {
                region.advise(at, 0, Advice.RANDOM);
                region.force(at, 0);
                region.populate(at, 0);
                assertThat(region.residentBytes(at, 0)).isZero();
            }
            anonymous.discard(at, 0);
            file.punchHole(at, 0);
        }
        assertThatIllegalArgumentException().isThrownBy(() -> file.advise(150_001, 0, Advice.RANDOM));
        assertThatIllegalArgumentException().isThrownBy(() -> file.populate(150_001, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> file.residentBytes(-1, 0));
        assertZeros(anonymous, 0, 0);
        try (Guard guard = file.share()) {
            assertBytesOf(guard.segment(), 100);
        }
    }

    @Test
    void onlyResidentBytesOfTheRangeMustBeCounted() {
        final Region region = space.map(MapRequest.anonymous(16 * PAGE).at(16 * PAGE)); // the space's first page is in use
        put(region, 3 * PAGE, 1);
        put(region, 4 * PAGE, 1);
        assertThat(region.residentBytes(0, 16 * PAGE)).isEqualTo(2 * PAGE);
        assertThat(region.residentBytes(0, 3 * PAGE)).isZero();
        assertThat(region.residentBytes(3 * PAGE + 10, 5)).isEqualTo(5);
        assertThat(region.residentBytes(2 * PAGE, PAGE + 7)).isEqualTo(7);
        assertThat(region.residentBytes(4 * PAGE - 1, PAGE + 1)).isEqualTo(PAGE + 1);
        assertThat(region.residentBytes(5 * PAGE - 3, 2 * PAGE)).isEqualTo(3);
        final Region file = space.map(FileBacking.readWrite(file("data", LENGTH)).range(100, 150_000));
        file.populate(PAGE, PAGE);
        assertThat(file.residentBytes(PAGE, 10)).isEqualTo(10);
        assertThatIllegalArgumentException().isThrownBy(() -> file.residentBytes(150_000, 1))
            .withMessageContainingAll("residentBytes out of range", "offset=150000", "length=1", "size=150000");
    }

    @Test
    void onlyTheRangeMustBePopulated() {
        final Region region = space.map(MapRequest.anonymous(16 * PAGE).at(16 * PAGE));
        region.populate(3 * PAGE + 5, PAGE);
        assertThat(region.residentBytes()).isEqualTo(2 * PAGE);
        assertThat(region.residentBytes(3 * PAGE, 2 * PAGE)).isEqualTo(2 * PAGE);
    }

    @Test
    void theNativeAddressMustBeThatOfTheFirstByte() {
        final Region region = space.map(FileBacking.readOnly(file("data", LENGTH)).range(100, 1_000));
        assertThat(region.unsafeNativeAddress()).isEqualTo(region.optimisticSegment().address())
            .isEqualTo(inside(space).base() + region.address());
    }

    @Test
    void lastingAdviceMustNotSurviveTheRegion() {
        final Resources before = Resources.of(space, directory);
        for (int i = 0; i < 3; i++) {
            final Region region = space.map(16 * PAGE);
            region.advise(4 * PAGE, 4 * PAGE, Advice.RANDOM);
            assertThat(Resources.mappings(space).size()).isGreaterThan(before.mappings().size());
            region.unmap();
            assertThat(Resources.mappings(space).size()).isLessThanOrEqualTo(before.mappings().size() + 1);
        }
    }

    @Test
    void lockedRegionMustBeKnownAndUnlockedBeforeReuse() throws IOException {
        final long before = lockedBytes();
        final Region region = space.map(64 * PAGE);
        region.lockInMemory();
        assertThat(lockedBytes()).isEqualTo(before + 64 * PAGE);
        assertThat(space.maps()).singleElement().satisfies(info -> assertThat(info.locked()).isTrue());
        assertThat(region.residentBytes()).isEqualTo(64 * PAGE);
        region.unlockFromMemory();
        assertThat(lockedBytes()).isEqualTo(before);
        region.lockInMemory();
        region.unmap();
        assertThat(lockedBytes()).isEqualTo(before);
    }

    @Test
    void lockThatFailsHalfwayMustLeaveNothingLocked() throws IOException {
        final long before = lockedBytes();
        final Region region = space.map(64 * PAGE);
        memory.failNth(NativeCall.MLOCK, 1, Errno.ENOMEM, Damage.DONE);
        assertThatThrownBy(region::lockInMemory).isInstanceOf(MappingException.class)
            .hasMessageContainingAll("mlock failed", "ENOMEM", "ulimit -l");
        assertThat(lockedBytes()).isEqualTo(before);
        region.unmap();
    }

    @Test
    void lockThatFailsOnALockedRegionMustLeaveItUnlockedAndSaySo() throws IOException {
        final long before = lockedBytes();
        final Region region = space.map(64 * PAGE);
        region.lockInMemory();
        memory.failNth(NativeCall.MLOCK, 1, Errno.ENOMEM, Damage.DONE);
        assertThatThrownBy(region::lockInMemory).isInstanceOf(MappingException.class);
        assertThat(lockedBytes()).isEqualTo(before);
        assertThat(space.maps()).singleElement().satisfies(info -> assertThat(info.locked()).isFalse());
        region.unmap();
    }

    @Test
    void unlockThatFailsMustLeaveTheRegionLockedAndSaySo() throws IOException {
        final long before = lockedBytes();
        final Region region = space.map(64 * PAGE);
        region.lockInMemory();
        memory.failNth(NativeCall.MUNLOCK, 1, Errno.ENOMEM, Damage.NONE);
        assertThatThrownBy(region::unlockFromMemory).isInstanceOf(MappingException.class);
        assertThat(lockedBytes()).isEqualTo(before + 64 * PAGE);
        assertThat(space.maps()).singleElement().satisfies(info -> assertThat(info.locked()).isTrue());
        region.unmap();
        assertThat(lockedBytes()).isEqualTo(before);
    }

    private static long lockedBytes() throws IOException {
        for (final String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmLck:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
            }
        }
        throw new AssertionError("no VmLck");
    }

    @Test
    void populateMustMakeAllPagesResidentAndChangeNoByte() {
        final Region region = space.map(512 * PAGE);
        put(region, 8, 3);
        region.populate();
        assertThat(region.residentBytes()).isEqualTo(512 * PAGE);
        assertThat(get(region, 8)).isEqualTo(3);
        region.unmap();
    }

    @Test
    void discardMustZeroTheRangeAndNothingElse() {
        final Region region = space.map(LENGTH);
        final long[][] ranges = {{0, LENGTH}, {1, 1}, {PAGE, PAGE}, {PAGE - 1, 2}, {100, 3 * PAGE},
            {LENGTH - 5, 5}, {2 * PAGE, 10 * PAGE + 1}};
        for (final long[] range : ranges) {
            fill(region);
            final long stamp = region.tryOptimisticRead();
            region.discard(range[0], range[1]);
            assertThat(region.validate(stamp)).isFalse();
            assertZeros(region, range[0], range[1]);
        }
        region.discard(0, LENGTH);
        assertThat(region.residentBytes()).isLessThanOrEqualTo(PAGE);
        try (Guard _ = region.exclusive()) {
            region.discard(0, 1); // under the thread's own exclusive guard
        }
        assertThatThrownBy(() -> {
            try (Guard _ = region.share()) {
                region.discard(0, 1);
            }
        }).isInstanceOf(IllegalMonitorStateException.class);
        region.unmap();
    }

    @Test
    void punchHoleMustFreeBlocksAndZeroTheRange() throws Exception {
        final Path path = file("data", LENGTH);
        final Region region = space.map(FileBacking.readWrite(path).range(100, LENGTH - 200));
        region.force();
        final long blocks = blocks(path);
        region.punchHole(5000, 100_000);
        region.force();
        assertThat(blocks(path)).isLessThan(blocks);
        final byte[] bytes = Files.readAllBytes(path);
        assertThat(bytes).hasSize(LENGTH);
        for (int i = 0; i < LENGTH; i++) {
            assertThat(bytes[i]).isEqualTo(i >= 5100 && i < 105_100 ? 0 : byteAt(i));
        }
        region.unmap();
    }

    private static long blocks(final Path path) throws Exception {
        final Process process = new ProcessBuilder("stat", "-c", "%b", path.toString()).start();
        return Long.parseLong(new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip());
    }

    @Test
    void destructiveOperationsMustBeRefusedWhereTheyMakeNoSense() {
        final Path path = file("data", LENGTH);
        final Region readOnly = space.map(FileBacking.readOnly(path));
        final Region copy = space.map(FileBacking.copyOnWrite(path));
        final Region anonymous = space.map(LENGTH);
        assertThatThrownBy(() -> readOnly.discard(0, 1)).isInstanceOf(RegionException.class)
            .hasMessageContaining("read-only");
        assertThatThrownBy(() -> copy.discard(0, 1)).isInstanceOf(RegionException.class);
        assertThatThrownBy(() -> readOnly.punchHole(0, 1)).isInstanceOf(RegionException.class);
        assertThatThrownBy(() -> copy.punchHole(0, 1)).isInstanceOf(RegionException.class);
        assertThatThrownBy(() -> anonymous.punchHole(0, 1)).isInstanceOf(RegionException.class);
        for (final long[] range : new long[][] {{-1, 1}, {0, -1}, {0, LENGTH + 1L}, {LENGTH, 1}, {1, Long.MAX_VALUE}}) {
            assertThatIllegalArgumentException().isThrownBy(() -> anonymous.discard(range[0], range[1]));
            assertThatIllegalArgumentException().isThrownBy(() -> anonymous.advise(range[0], range[1], Advice.COLD));
            assertThatIllegalArgumentException().isThrownBy(() -> anonymous.force(range[0], range[1]));
        }
        for (final Region region : List.of(readOnly, copy, anonymous)) {
            region.unmap();
            assertThatThrownBy(region::populate).isInstanceOf(RegionException.class)
                .hasMessageContaining("populate refused");
            assertThatThrownBy(() -> region.discard(0, 1)).isInstanceOf(RegionException.class);
        }
    }

    @Test
    void failingCallsMustReportAndLeaveTheRegionUsable() {
        final Region region = space.map(FileBacking.readWrite(file("data", LENGTH)));
        final List<Runnable> operations = List.of(() -> region.advise(Advice.RANDOM), region::lockInMemory,
            region::populate, region::residentBytes, () -> region.punchHole(0, LENGTH),
            () -> region.force(PAGE, PAGE), region::unlockFromMemory);
        for (final Runnable operation : operations) {
            memory.arm(call -> call.kind() != NativeCall.MEMBARRIER, 1, 1, Errno.ENOMEM, Damage.NONE);
            assertThatThrownBy(operation::run).isInstanceOfAny(MappingException.class, UncheckedIOException.class)
                .hasMessageContaining("ENOMEM");
            memory.disarm();
            try (Guard guard = region.exclusive()) {
                assertThat(guard.segment().get(JAVA_BYTE, LENGTH - 1)).isEqualTo(byteAt(LENGTH - 1));
            }
        }
        memory.failNth(NativeCall.MSYNC, 1, Errno.EIO, Damage.DONE);
        assertThatThrownBy(region::force).isInstanceOf(UncheckedIOException.class)
            .hasMessageContainingAll("force failed: path=" + directory, "msync failed", "EIO", "region=0x",
                "attached=true");
        region.unmap();
    }

    @Test
    void refusalMustNameTheOperationThatWasCalled() {
        final Region region = space.map(PAGE);
        region.unmap();
        assertThatThrownBy(() -> region.discard(0, 1)).isInstanceOf(RegionException.class)
            .hasMessageContainingAll("discard refused: reason=DETACHED", "attached=false");
        assertThatThrownBy(() -> region.punchHole(0, 1)).hasMessageContaining("punchHole refused: reason=DETACHED");
        assertThatThrownBy(region::lockExclusive).hasMessageContaining("exclusive refused: reason=DETACHED");
    }

    @Test
    void operationsMustNotReachTheNextOwnerOfTheAddresses() throws Exception {
        for (int round = 0; round < 200; round++) {
            final Region region = space.map(16 * PAGE);
            final Threads.Work<Boolean> other = Threads.start(() -> {
                try {
                    while (true) {
                        region.discard(0, 16 * PAGE);
                        region.advise(Advice.RANDOM);
                    }
                } catch (final RegionException e) {
                    return e.refusal() == Refusal.DETACHED;
                }
            });
            region.unmap();
            final Region next = space.map(16 * PAGE);
            put(next, 8 * PAGE, round + 1);
            assertThat(other.get()).isTrue();
            assertThat(get(next, 8 * PAGE)).isEqualTo(round + 1);
            next.unmap();
        }
    }

    @Test
    void truncatedFileMustBeReportedByHolesAsWell() throws IOException {
        final Path path = file("data", LENGTH);
        final Region region = space.map(FileBacking.readWrite(path));
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(0);
        }
        assertThatThrownBy(() -> region.punchHole(LENGTH - 10, 5)).isInstanceOf(TruncatedException.class);
        region.unmap();
    }
}
